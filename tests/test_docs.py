"""The examples and tables of the documents, held against the code."""

import re
import types
from pathlib import Path

import pytest
from django.urls import path, reverse
from wagtail import hooks

from wagtail_orders import conf, lifecycle
from wagtail_orders.models import Order, OrderEvent

from .orders import placed

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(name):
    """The Python examples of a document, but for settings, which are read as they are."""
    found = re.findall(r"^( *)```python\n(.*?)^\1```", (ROOT / name).read_text(encoding="utf-8"), re.S | re.M)
    return [code for _, code in found if "INSTALLED_APPS" not in code and "DATABASES" not in code]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "count"), [("README.md", 3), ("docs/verbs.md", 4)])
def test_the_examples_run_one_after_the_other(name, count, capsys):
    names = {}
    examples = blocks(name)
    assert len(examples) == count
    for code in examples:
        exec(compile(code, name, "exec"), names)
    assert Order.objects.count() == 1


@pytest.mark.django_db
def test_the_readmes_order_comes_to_42_euros():
    names = {}
    exec(blocks("README.md")[0], names)
    order = names["order"]
    assert (order.total, order.currency) == (42, "EUR")


@pytest.mark.django_db
def test_the_desks_examples_add_a_column_and_a_panel(client, owner, monkeypatch):
    monkeypatch.setattr(hooks, "_hooks", {name: list(found) for name, found in hooks._hooks.items()})
    for hook in ("construct_order_columns", "construct_order_panels"):
        hooks._hooks.pop(hook, None)
    examples = blocks("docs/desk.md")
    assert len(examples) == 2
    for code in examples:
        exec(compile(code, "docs/desk.md", "exec"), {"__name__": "desk"})
    order = placed(language="nl", data={"gift_message": "Bonne fête"})
    client.force_login(owner)
    listing = client.get(reverse("wagtail_orders:list")).content.decode()
    assert '<td class="">nl</td>' in listing
    page = client.get(reverse("wagtail_orders:inspect", args=[order.pk])).content.decode()
    assert "orders-panel-gift" in page
    assert "Bonne fête" in page


@pytest.mark.django_db
def test_paypals_example_leads_there_and_back(double, client, settings):
    urls = types.ModuleType("urls_of_the_example")
    (example,) = [code for code in blocks("docs/paypal.md") if "WAGTAIL_ORDERS = " not in code]
    exec(compile(example, "docs/paypal.md", "exec"), vars(urls))
    urls.urlpatterns = [
        path("pay/<int:pk>/", urls.pay),
        path("back/<int:pk>/", urls.back, name="paypal_back"),
        path("thank-you/<int:pk>/", urls.back, name="thank_you"),
    ]
    settings.ROOT_URLCONF = urls
    order = placed(payment_method="paypal")
    assert client.post(f"/pay/{order.pk}/").status_code == 404
    session = client.session
    session["orders"] = [order.token]
    session.save()
    attempt = client.post(f"/pay/{order.pk}/")
    reference = attempt.url.rpartition("=")[2]
    assert attempt.url.startswith(double.pages_url)
    double.approve(reference)
    assert client.get(f"/back/{order.pk}/?token={reference}").url == f"/thank-you/{order.pk}/"
    order.refresh_from_db()
    assert order.payment_status == "paid"


def test_every_verb_is_in_the_table():
    table = (ROOT / "docs" / "verbs.md").read_text(encoding="utf-8")
    verbs = {name for name in lifecycle.__all__ if name[0].islower()}
    assert set(re.findall(r"^\| `(\w+)\(", table, re.M)) == verbs


def test_every_event_is_in_the_table():
    table = (ROOT / "docs" / "verbs.md").read_text(encoding="utf-8")
    assert {kind for kind in OrderEvent.Kind.values if f"`{kind}`" not in table} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_setting_is_explained_where_it_has_its_default():
    source = Path(conf.__file__).read_text(encoding="utf-8")
    for key in conf.DEFAULTS:
        assert re.search(rf"#[^\n]*\n    \"{key}\"", source), key
