"""Paper in the admin: the order's print menu, the PDF in the browser, the page to print without one, the settings."""

import pytest
from django.urls import reverse
from wagtail import hooks
from wagtail.models import Page, Site

from wagtail_orders import checks
from wagtail_orders.documents import Document, documents
from wagtail_orders.models import Order, OrderSettings

from .desk import opened, page_of, parsed, said, tables, user_with, words
from .orders import placed

pytestmark = pytest.mark.django_db

KINDS = ["order-sheet", "packing-slip", "address-label", "pick-list"]


def url_of(order, kind="order-sheet", name="document_pdf"):
    return reverse(f"wagtail_orders:{name}", args=[order.pk, kind])


def menu(page):
    return [
        (words(link), link.get("href")) for link in page.xpath("//*[contains(@class, 'orders-print')]//a")
    ]


def broken(html, base):
    raise RuntimeError("secret detail")


# --- The order's page


def test_the_page_offers_each_document_in_the_customers_language(desk):
    order = placed(language="en")
    assert menu(opened(desk, order)) == [
        ("Order sheet", url_of(order)),
        ("Packing slip", url_of(order, "packing-slip")),
        ("Address label", url_of(order, "address-label")),
        ("Print from the browser", url_of(order, name="document")),
    ]


def test_the_page_offers_each_in_the_readers_language_too_where_that_is_another(desk):
    order = placed(language="fr")
    assert ("Packing slip, in English", url_of(order, "packing-slip") + "?language=en") in menu(
        opened(desk, order)
    )


def test_who_may_only_look_may_print_too(client, django_user_model):
    order = placed()
    client.force_login(user_with(django_user_model, "view_order"))
    assert menu(opened(client, order))
    assert client.get(url_of(order)).status_code == 200


def test_who_may_not_look_prints_nothing(client, django_user_model, site):
    order = placed()
    addresses = [
        url_of(order),
        url_of(order, name="document"),
        reverse("wagtail_orders:newest_document", args=["order-sheet", site.pk]),
    ]
    for url in addresses:
        assert client.get(url).url.startswith(reverse("wagtailadmin_login"))
    client.force_login(user_with(django_user_model))
    for url in addresses:
        response = client.get(url)
        assert response.status_code == 302
        assert response.url == reverse("wagtailadmin_home")


# --- The PDF


@pytest.mark.parametrize("kind", KINDS)
def test_a_pdf_opens_in_the_browser_under_its_own_name(desk, kind):
    order = placed(number="B-2026/42")
    response = desk.get(url_of(order, kind))
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == f'inline; filename="{kind}-B-2026-42.pdf"'
    assert "no-store" in response["Cache-Control"]
    assert response.content.startswith(b"%PDF")


def test_printing_changes_nothing_and_is_only_a_get(desk):
    order = placed()
    before = tables()
    for name in ("document", "document_pdf"):
        desk.get(url_of(order, name=name))
        assert desk.post(url_of(order, name=name)).status_code == 405
    assert tables() == before


@pytest.mark.parametrize("asked", ["", "xx", "../en", "nl-", "\x00"])
def test_a_language_that_is_none_is_the_customers(desk, asked):
    order = placed(language="fr")
    response = desk.get(url_of(order, name="document"), {"language": asked})
    assert "Commande" in response.content.decode()


def test_what_is_no_document_or_no_order_is_not_found(desk):
    order = placed()
    for url in (
        url_of(order, "nothing"),
        url_of(order, "nothing", "document"),
        url_of(Order(pk=order.pk + 9)),
        url_of(Order(pk=10**30)),
    ):
        response = desk.get(url, follow=True)
        assert response.status_code == 404


# --- The page to print without a PDF


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_to_print_needs_no_pdf_and_leads_on(desk, settings, kind):
    settings.WAGTAIL_ORDERS = {"PDF_RENDERER": f"{__name__}.broken"}
    order = placed(language="fr", customer_name="<b>Zoë")
    response = desk.get(url_of(order, kind, "document"))
    assert response.status_code == 200
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]
    html = response.content.decode()
    assert "@page { size: " in html
    assert "@font-face" not in html
    assert "<b>Zoë" not in html
    bar = parsed(response).xpath("//div[@class='screen']")[0]
    links = {words(link): link.get("href") for link in bar.xpath(".//a")}
    assert links["PDF"] == url_of(order, kind)
    assert links["Back to the order"] == page_of(order)
    assert set(links) == {
        "PDF",
        "Back to the order",
        *(str(d.label) for d in documents().values() if d.name != kind),
    }
    assert bar.get("lang") == "en"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"PDF_RENDERER": f"{__name__}.broken"},
            "The PDF could not be made; the website's log says why: RuntimeError",
        ),
        ({"PDF_SECONDS": 0.001}, "Making the PDF takes too long."),
    ],
)
def test_a_pdf_that_fails_leads_to_that_page_with_the_reason(desk, settings, caplog, given, reason):
    settings.WAGTAIL_ORDERS = given
    order = placed(language="fr")
    response = desk.get(url_of(order))
    assert response.status_code == 422
    notice = words(parsed(response).xpath("//*[@role='alert']")[0])
    assert notice.startswith(reason)
    assert notice.endswith("You can print this page from the browser instead.")
    assert "secret detail" not in response.content.decode()
    assert "42,00" in response.content.decode()


def test_a_template_that_is_broken_is_told_on_the_orders_page(desk, settings, tmp_path, caplog):
    own = tmp_path / "wagtail_orders/documents/order_sheet.html"
    own.parent.mkdir(parents=True)
    own.write_text("{% oops %}", encoding="utf-8")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    order = placed()
    response = desk.get(url_of(order))
    assert response.status_code == 302
    assert response.url == page_of(order)
    (message,) = said(response)
    assert message == "Order sheet: could not be made; the website's log says why (TemplateSyntaxError)."
    assert "Invalid block tag" in caplog.text


# --- The settings


def settings_page(site):
    return reverse("wagtailsettings:edit", args=["wagtail_orders", "ordersettings", site.pk])


def test_the_settings_lead_to_the_newest_orders_paper(desk, site):
    page = parsed(desk.get(settings_page(site)))
    newest = reverse("wagtail_orders:newest_document", args=["packing-slip", site.pk])
    assert page.xpath(f"//a[@href='{newest}']")
    assert page.xpath("//select[@name='paper_size']")
    placed(site=site)
    order = placed(site=site)
    placed(site=Site.objects.create(hostname="other.example.com", root_page=Page.objects.get(depth=1)))
    assert desk.get(newest).url == url_of(order, "packing-slip")


def test_without_an_order_the_settings_say_so(desk, site):
    response = desk.get(reverse("wagtail_orders:newest_document", args=["order-sheet", site.pk]))
    assert response.url == settings_page(site)
    assert said(response) == ["There is no order yet that could be shown."]


def examples_of(site):
    return reverse("wagtail_orders:paper", args=[site.pk])


def test_the_settings_lead_to_every_document_of_any_order_of_the_site(desk, site, monkeypatch):
    assert parsed(desk.get(settings_page(site))).xpath(f"//a[@href='{examples_of(site)}']")
    own = Document("gift-note", "Gift note", "wagtail_orders/documents/pick_list.html", is_of_many=True)
    found = [*hooks._hooks["register_order_document"], (lambda: own, 0)]
    monkeypatch.setattr(hooks, "_hooks", {**hooks._hooks, "register_order_document": found})
    older, newest = placed(site=site, number="A-1"), placed(site=site, number="A-2")
    for order, query in ((newest, {}), (older, {"number": " A-1 "})):
        page = parsed(desk.get(examples_of(site), query))
        links = page.xpath("//main//table//a/@href")
        kinds = [*KINDS, "gift-note"]
        assert links == [url_of(order, kind, name) for kind in kinds for name in ("document_pdf", "document")]
        assert page.xpath("//input[@name='number']/@value") == [query.get("number") or "A-2"]


def test_an_example_that_is_none_is_told(desk, site):
    assert "There is no order yet that could be shown." in words(parsed(desk.get(examples_of(site))))
    other = Site.objects.create(hostname="other.example.com", root_page=Page.objects.get(depth=1))
    placed(site=other, number="B-1")
    for number in ("B-1", "<b>", "\x00", ""):
        page = parsed(desk.get(examples_of(site), {"number": number}))
        assert not page.xpath("//main//table")
        assert page.xpath("//main//*[contains(@class, 'error-message')]"), number
    assert desk.get(reverse("wagtail_orders:paper", args=[99_999]), follow=True).status_code == 404


def test_paper_and_window_are_kept(desk, site):
    row = OrderSettings.objects.create(site=site)
    assert (row.paper_size, row.address_window) == ("a4", "left")
    form = parsed(desk.get(settings_page(site))).forms
    values = dict(next(one for one in form if "paper_size" in one.fields).form_values())
    values |= {"paper_size": "letter", "address_window": "right"}
    assert desk.post(settings_page(site), values).status_code == 302
    row.refresh_from_db()
    assert (row.paper_size, row.address_window) == ("letter", "right")


# --- What a project set


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({}, None),
        ({"PDF_RENDERER": "nowhere.render"}, "E005"),
        ({"PDF_FONT": "/nowhere/font.ttf"}, "E006"),
        ({"PDF_FONT": (__file__, __file__)}, "E006"),
    ],
)
def test_wrong_settings_are_told_when_the_site_starts(settings, given, number):
    settings.WAGTAIL_ORDERS = given
    found = {error.id for error in checks.check_documents(None)}
    assert found == ({f"wagtail_orders.{number}"} if number else set())
