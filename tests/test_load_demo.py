"""The demo's data: made once, kept when it is loaded again, in every state there is."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from wagtail.models import Page

from example_site.shop.models import ProductPage
from wagtail_orders.models import Order, OrderEvent, OrderNote, Payment, Shipment, ShippingMethod

# Wagtail leaves the temporary file of each picture it makes to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")


def load_demo(**options):
    out = StringIO()
    call_command("load_demo", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def demo(db, settings, tmp_path):
    settings.DEBUG = True
    settings.MEDIA_ROOT = tmp_path


def product(language):
    return ProductPage.objects.get(sku="MUG-F", locale__language_code=language)


def facts():
    """Everything the demo wrote, but for dates of reading."""
    counted = (Page, OrderEvent, OrderNote, Payment, Shipment, ShippingMethod, get_user_model())
    orders = Order.objects.order_by("pk").values_list("number", "total", "payment_status", "updated_at")
    return [model.objects.count() for model in counted], list(orders)


def test_loading_the_demo_twice_keeps_its_data(demo):
    said = load_demo(orders=12)
    assert "For the demo only!" in said
    assert "12 of 12 made" in said
    before = facts()
    assert len(before[1]) == 12
    assert "all 12 there already" in load_demo(orders=12)
    assert facts() == before


def test_a_demo_that_was_interrupted_goes_on_where_it_stopped(demo):
    load_demo(orders=3)
    first = facts()[1]
    assert "4 of 4 made" in load_demo(orders=7)
    assert facts()[1][:3] == first
    assert set(Order.objects.values_list("idempotency_key", flat=True)) == {f"demo-{n}" for n in range(1, 8)}


def test_the_demo_shows_orders_in_every_state(demo):
    load_demo(orders=40)
    states = {
        name: set(Order.objects.values_list(name, flat=True))
        for name in ("payment_status", "fulfillment_status", "status", "is_archived")
    }
    assert states == {
        "payment_status": {
            "unpaid",
            "pending",
            "partially_paid",
            "paid",
            "overpaid",
            "partially_refunded",
            "refunded",
        },
        "fulfillment_status": {"unfulfilled", "partially_fulfilled", "fulfilled"},
        "status": {"open", "cancelled"},
        "is_archived": {True, False},
    }
    assert Order.objects.filter(is_archived=True).count() == 24
    assert OrderNote.objects.exists()


def test_the_demo_has_a_page_for_each_product_in_both_languages_and_the_owner_can_log_in(demo, client):
    load_demo(orders=0)
    for language in ("en", "fr"):
        assert client.get(product(language).url).status_code == 200
    assert product("fr").picture.file.name.endswith(".svg")
    assert client.login(username="admin", password="admin")
    assert client.get("/admin/").status_code == 200


def test_the_demo_is_refused_where_debug_is_off(db):
    with pytest.raises(CommandError, match="DEBUG=True"):
        load_demo(orders=1)
    assert not get_user_model().objects.filter(username="admin").exists()
