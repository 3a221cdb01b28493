"""The customer's page of an order: who opens it, what it tells, how it reads, and the way to it."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import lxml.html
import pytest
from django.core import checks, mail
from django.core.files.images import ImageFile
from django.test import Client
from django.urls import include, path, reverse
from django.utils import translation
from PIL import Image as Picture
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.images import get_image_model
from wagtail.models import Collection

from example_site.shop.basket import SESSION_ORDERS
from wagtail_orders import views
from wagtail_orders.lifecycle import (
    Address,
    Line,
    add_note,
    cancel,
    cancel_shipment,
    mark_handled,
    mark_paid,
    record_payment,
    record_refund,
    ship,
    write_mail,
)
from wagtail_orders.models import Order, OrderSettings, Shipment
from wagtail_orders.models.order import make_token
from wagtail_orders.notifications import deliver, render
from wagtail_orders.notifications.contents import customer_url

from .desk import opened, tables
from .orders import MUG, placed

pytestmark = [
    pytest.mark.django_db,
    # Wagtail leaves the file in which it writes a rendition to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

#: A project that did not include the customer's page.
urlpatterns = [path("cms/", include(wagtailadmin_urls))]

BANK = "BE68 5390 0754 7034"
HOSTILE = "<script>alert('&\")</script>"
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80"><rect width="200" height="80"/></svg>"""


@pytest.fixture(autouse=True)
def without_a_base(settings):
    """Not the example site's base, unless a test says so."""
    settings.WAGTAIL_ORDERS = {}


@pytest.fixture
def shop(site):
    return OrderSettings.objects.create(
        site=site,
        shop_name="Bois & Forêt",
        address="12 rue de l'Église\n1050 Ixelles",
        vat_number="BE0123456789",
        bank_details=f"Bois & Forêt\n{BANK}",
        sender="shop@example.com",
    )


@pytest.fixture
def order(site, shop):
    return placed(site=site)


def address(token):
    return reverse("wagtail_orders_public:order", args=[token])


def response_of(order, **kwargs):
    """What somebody gets who has nothing but the address."""
    response = Client().get(address(order.token), **kwargs)
    assert response.status_code == 200
    return response


def words(element):
    """An element's text as people read it, with a space wherever something else begins."""
    return " ".join(" ".join(element.itertext()).split())


def html_of(order):
    return response_of(order).content.decode()


def page_of(order):
    return lxml.html.document_fromstring(html_of(order))


def text_of(order):
    return words(page_of(order).xpath("//main")[0])


def part_of(order, name):
    """The text of one of the page's parts, or None where it has none such."""
    found = page_of(order).xpath(f"//*[@id='wo-{name}']/..")
    return words(found[0]) if found else None


def standing(order):
    return words(page_of(order).xpath("//*[@class='wo-sentence']")[0])


def steps(order):
    """Each step with how it is shown."""
    return [
        (words(step.xpath(".//*[@class='wo-label']")[0]), step.get("class").removeprefix("wo-step wo-"))
        for step in page_of(order).xpath("//li[contains(@class, 'wo-step')]")
    ]


# --- Who opens it


def test_the_token_opens_the_page_without_login(order):
    response = response_of(order)
    assert f"Order {order.number}" in response.content.decode()
    assert response.cookies == {}


WRONG = {
    "cut": lambda token: token[:-1],
    "cut at the front": lambda token: token[1:],
    "longer": lambda token: token + "0",
    "altered": lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
    "in capitals": lambda token: token.upper(),
    "with a space": lambda token: token + " ",
    "with a line break": lambda token: token + "\n",
    "with a zero byte": lambda token: token + "\x00",
    "a zero byte": lambda token: "\x00" * 40,
    "very long": lambda token: "a" * 5000,
    "accented": lambda token: "á" + token[1:],
    "in wide letters": lambda token: "".join(chr(ord(letter) + 0xFEE0) for letter in token),
    "beyond the plane": lambda token: "😀" * 40,
    "a wildcard": lambda token: "%" * 40,
    "a quote": lambda token: "' OR ''='",
    "hostile": lambda token: HOSTILE.replace("/", ""),
    "a number": lambda token: "1",
}


@pytest.mark.parametrize("base", ["wagtail_orders/public/base.html", "shop/base.html"])
@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_opens_nothing_gets_the_same_answer(site, settings, wrong, base):
    settings.WAGTAIL_ORDERS = {"PUBLIC_BASE_TEMPLATE": base}
    unknown = Client().get(address(make_token()))
    response = Client().get(address(WRONG[wrong](placed(site=site).token)))
    assert (unknown.status_code, response.status_code) == (404, 404)
    assert response.content == unknown.content
    assert dict(response.headers) == dict(unknown.headers)


def test_what_is_not_the_token_opens_nothing(order):
    for other in (order.number, order.pk, order.email):
        assert Client().get(address(other)).status_code == 404


def test_the_answer_is_the_same_while_a_project_is_debugged(order, settings):
    settings.DEBUG = True
    response = Client().get(address(make_token()))
    assert response.content == Client().get(address("x")).content
    assert "There is no order at this address" in response.content.decode()


def test_a_missing_slash_tells_nothing(order):
    for token in (order.token, make_token(), "x", "á", " "):
        path = address(token).removesuffix("/")
        response = Client().get(path)
        assert (response.status_code, response.get("Location")) == (301, path + "/")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_the_page_is_for_reading(order, method):
    before = tables()
    answers = [
        (response.status_code, response.content)
        for token in (order.token, make_token())
        for response in [getattr(Client(), method)(address(token))]
    ]
    assert answers == [(405, b"")] * 2
    assert tables() == before


def test_reading_changes_nothing(order):
    ship(order)
    before = tables()
    response_of(order)
    assert tables() == before


def test_the_head_alone_can_be_asked_for(order):
    response = Client().head(address(order.token))
    assert (response.status_code, response.content) == (200, b"")


def test_nobody_keeps_passes_on_or_lists_the_page(order):
    for token in (order.token, make_token()):
        headers = Client().get(address(token)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"
    assert page_of(order).xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_a_cached_site_keeps_no_copy(order, settings):
    cache = "django.middleware.cache."
    settings.MIDDLEWARE = [
        cache + "UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        cache + "FetchFromCacheMiddleware",
    ]
    assert "Your order is paid" not in html_of(order)
    mark_paid(order)
    assert "Your order is paid" in html_of(order)


def test_the_page_needs_no_inline_style_or_script_and_no_other_host(order):
    ship(order, tracking_url="https://track.example.com/?a=1")
    page = page_of(order)
    assert page.xpath("//style | //script | //*[@style] | //@*[starts-with(name(), 'on')]") == []
    assert page.xpath("//link/@href") == ["/static/wagtail_orders/public.css"]


# --- What it costs


@pytest.mark.parametrize("parcels", [0, 5])
@pytest.mark.parametrize("count", [3, 100])
def test_the_page_takes_eight_queries_whatever_stands_on_it(shop, count, parcels, django_assert_num_queries):
    order = placed(site=shop.site, lines=[replace(MUG, quantity=10)] * count)
    for _ in range(parcels):
        ship(order, lines=dict.fromkeys(order.lines.all(), 1))
        add_note(order, text="A note", visible_to_customer=True)
        record_payment(order, amount=1, method="bank_transfer")
    with django_assert_num_queries(8):
        response_of(order)


def test_a_token_that_can_be_none_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get(address("x")).status_code == 404


# --- What was ordered


def test_the_page_tells_what_was_ordered(site, shop):
    mug = replace(MUG, options=(("Glaze", "Night blue"),), discount=Decimal(2))
    clay = Line(sku="", name="Argile", quantity=Decimal("1.5"), unit_price=Decimal(4), tax_rate=Decimal(6))
    order = placed(
        site=site,
        lines=[mug, clay],
        discount_total=Decimal(3),
        placed_at=datetime(2026, 5, 3, 10, tzinfo=UTC),
    )
    assert "Placed on May 3, 2026, noon" in text_of(order)
    said = part_of(order, "lines")
    for fact in (
        "2 × Tasse en grès « Forêt » Glaze: Night blue MUG-F €2.00 off €18.50 €35.00",
        "1.5 × Argile €4.00 €6.00",
        "Subtotal €41.00",
        "Discount −€3.00",
        "Shipping €5.00",
        "Total €43.00",
        "VAT 6 % included",
        "VAT 21 % included",
    ):
        assert fact in said
    assert said.index("Total €43.00") < said.index("VAT 6 %")


def test_taxes_on_top_stand_before_the_total(shop):
    order = placed(site=shop.site, prices_include_tax=False)
    said = part_of(order, "lines")
    assert said.index("VAT 21 %") < said.index("Total €50.82")
    assert "included" not in said


def test_the_shop_says_who_it_is_and_where_to_write(order):
    text = text_of(order)
    for fact in ("Bois & Forêt", "12 rue de l'Église", "VAT number: BE0123456789", "shop@example.com"):
        assert fact in text
    [link] = page_of(order).xpath("//a[starts-with(@href, 'mailto:')]/@href")
    assert link == f"mailto:shop@example.com?subject=Order%20{order.number}"


def test_both_addresses_stand_there_and_one_that_is_the_same_once(site, shop):
    assert "Shipping and billing address Zoë Müller 12 rue de l'Église 1050 IXELLES" in text_of(
        placed(site=site)
    )
    other = Address(
        name="Ben", street="Markt 1", postal_code="9000", city="Gent", country="BE", phone="+32 9 1"
    )
    text = text_of(placed(site=site, shipping_address=other))
    assert "Shipping address Ben Markt 1 9000 GENT Belgium +32 9 1" in text
    assert "Billing address Zoë Müller" in text


def test_the_customers_remarks_stand_there_if_there_are_any(site, shop):
    assert part_of(placed(site=site), "remarks") is None
    assert part_of(placed(site=site, customer_note="Ring twice"), "remarks") == "Your remarks Ring twice"


def test_notes_for_the_customer_are_shown_and_no_others(order, owner):
    assert part_of(order, "notes") is None
    add_note(order, text="Glaze again", user=owner, visible_to_customer=True)
    add_note(order, text="A difficult one", user=owner)
    assert part_of(order, "notes").startswith("From the shop")
    assert "Glaze again" in part_of(order, "notes")
    assert "A difficult one" not in html_of(order)


def test_nothing_of_the_desk_is_on_the_page(site, shop, owner):
    other = placed(site=site)
    order = placed(
        site=site, idempotency_key="basket-4711", data={"gift_message": "From Ben"}, phone="+32 2 123"
    )
    add_note(order, text="Secret", user=owner)
    record_payment(order, amount=10, method="card", reference="pi_123", user=owner)
    record_refund(order, amount=5, method="card", reason="A difficult one", user=owner)
    cancel_shipment(ship(order, tracking_number="TAKEN-BACK"), user=owner)
    html = html_of(order)
    for hidden in (
        other.number,
        other.token,
        "basket-4711",
        "From Ben",
        "Secret",
        "pi_123",
        "difficult",
        "TAKEN-BACK",
        "Anna",
        "anna",
        "/admin/",
    ):
        assert hidden not in html


def test_text_from_outside_is_shown_as_text(site, shop):
    for field in ("shop_name", "address", "vat_number", "bank_details", "registration_number"):
        setattr(shop, field, HOSTILE)
    shop.save()
    hostile = Address(name=HOSTILE, street=HOSTILE, city=HOSTILE, country="BE", phone=HOSTILE)
    order = placed(
        site=site,
        lines=[replace(MUG, name=HOSTILE, sku=HOSTILE, options=((HOSTILE, HOSTILE),))],
        billing_address=hostile,
        customer_name=HOSTILE,
        customer_note=HOSTILE,
        payment_method="<b>card</b>",
    )
    add_note(order, text=HOSTILE, visible_to_customer=True)
    ship(order, tracking_number=HOSTILE, handled=False)
    Shipment.objects.update(shipping_method_name=HOSTILE)
    Order.objects.update(shipping_method_name=HOSTILE)
    html = html_of(order)
    assert "<script" not in html
    assert "<b>" not in html
    assert html.count("&lt;script&gt;") > 10


# --- Where it stands


def unpaid(order):
    return order


def pending(order):
    record_payment(order, amount=order.total, method="card", state="pending")


def partly_paid(order):
    record_payment(order, amount=12, method="bank_transfer")


def overpaid(order):
    record_payment(order, amount=order.total + 8, method="bank_transfer")


def partly_refunded(order):
    mark_paid(order)
    record_refund(order, amount=7, method="bank_transfer")


def refunded(order):
    mark_paid(order)
    record_refund(order, amount=order.total, method="bank_transfer")


def partly_sent(order):
    ship(order, lines={order.lines.get(): 1})


def sent(order):
    ship(order)


def ended(order):
    ship(order, lines={order.lines.get(): 1}, handled=True)


def sent_but_open(order):
    ship(order, handled=False)


def taken_back(order):
    cancel_shipment(ship(order))


RECEIVED = ("Order received", "done")
NOT_PAID = ("Paid (not yet)", "open")
NOT_SENT = ("On its way (not yet)", "open")


@pytest.mark.parametrize(
    ("happened", "said", "taken"),
    [
        (unpaid, "We have your order and are waiting for your payment.", [RECEIVED, NOT_PAID, NOT_SENT]),
        (
            pending,
            "We have your order. Your payment is being processed.",
            [RECEIVED, ("Payment pending (not yet)", "open"), NOT_SENT],
        ),
        (
            partly_paid,
            "We have your order and are waiting for your payment.",
            [RECEIVED, ("Partly paid", "part"), NOT_SENT],
        ),
        (
            mark_paid,
            "Your order is paid, and we are getting it ready.",
            [RECEIVED, ("Paid", "done"), NOT_SENT],
        ),
        (
            overpaid,
            "Your order is paid, and we are getting it ready.",
            [RECEIVED, ("Paid", "done"), NOT_SENT],
        ),
        (
            partly_refunded,
            "Your order is paid, and we are getting it ready.",
            [RECEIVED, ("Paid", "done"), NOT_SENT],
        ),
        (refunded, "We have sent your money back.", [RECEIVED, ("Refunded", "done"), NOT_SENT]),
        (
            partly_sent,
            "A part of your order is on its way.",
            [RECEIVED, NOT_PAID, ("Partly sent", "part")],
        ),
        (sent, "Your order is on its way.", [RECEIVED, NOT_PAID, ("On its way", "done")]),
        (ended, "Your order is on its way.", [RECEIVED, NOT_PAID, ("On its way", "done")]),
        (sent_but_open, "Your order is on its way.", [RECEIVED, NOT_PAID, ("On its way", "done")]),
        (
            taken_back,
            "We have your order and are waiting for your payment.",
            [RECEIVED, NOT_PAID, NOT_SENT],
        ),
        (mark_handled, "Your order is complete.", [RECEIVED, NOT_PAID, ("Complete", "done")]),
        (cancel, "This order is cancelled.", []),
    ],
)
def test_the_page_says_where_the_order_stands(order, happened, said, taken):
    happened(order)
    assert standing(order) == said
    assert steps(order) == taken


@pytest.mark.parametrize("method", ["cash", "on_delivery"])
def test_who_pays_in_person_pays_last(shop, method):
    order = placed(site=shop.site, payment_method=method)
    assert standing(order) == "We have your order and are getting it ready."
    assert steps(order) == [RECEIVED, NOT_SENT, NOT_PAID]


def test_a_payments_day_is_that_on_which_it_came(order):
    mark_paid(order, received_on=date(2026, 5, 4))
    record_refund(order, amount=1, method="bank_transfer", received_on=date(2026, 5, 6))
    assert "Paid May 4, 2026" in text_of(order)
    assert "Received on May 4, 2026" in part_of(order, "payment")


# --- Money


def test_what_is_owed_stands_with_how_to_pay_it(order):
    said = part_of(order, "payment")
    assert "Still to be paid: €42.00 How it is paid: Bank transfer" in said
    assert f"Please transfer the amount to: Bois & Forêt {BANK} Amount €42.00 Message {order.number}" in said


def test_who_paid_a_part_is_asked_for_the_rest(order):
    partly_paid(order)
    said = part_of(order, "payment")
    assert "Still to be paid: €30.00" in said
    assert "Received on" in said
    assert "Bank transfer €12.00" in said
    assert "Amount €30.00" in said


@pytest.mark.parametrize("happened", [pending, mark_paid, overpaid, partly_refunded, refunded, cancel])
def test_who_need_not_pay_is_not_asked_to(order, happened):
    happened(order)
    text = text_of(order)
    assert "Still to be paid" not in text
    assert BANK not in text


def test_a_payment_under_way_is_not_asked_for_again(order):
    record_payment(order, amount=2, method="card", state="pending", reference="pi_1")
    said = part_of(order, "payment")
    assert "Being processed Card €2.00" in said
    assert "Still to be paid: €40.00" in said


def test_a_payment_that_failed_or_was_taken_back_is_not_shown(order):
    record_payment(order, amount=13, method="card", state="failed")
    assert "€13.00" not in text_of(order)


@pytest.mark.parametrize(
    ("method", "said"),
    [("cash", "You pay in cash."), ("on_delivery", "You pay when you are given the goods.")],
)
def test_who_pays_in_person_is_given_no_account(shop, method, said):
    order = placed(site=shop.site, payment_method=method)
    assert f"Still to be paid: €42.00 {said}" in part_of(order, "payment")
    assert BANK not in text_of(order)


@pytest.mark.parametrize("method", ["card", "paypal", "in_shells", ""])
def test_who_did_not_pay_otherwise_can_still_transfer_the_amount(shop, method):
    order = placed(site=shop.site, payment_method=method)
    assert f"You can also transfer the amount to: Bois & Forêt {BANK}" in part_of(order, "payment")


def test_a_shop_without_bank_details_names_the_way_to_pay_alone(shop):
    shop.bank_details = ""
    shop.save()
    said = part_of(placed(site=shop.site), "payment")
    assert said == "Payment Still to be paid: €42.00 How it is paid: Bank transfer"


def test_too_much_and_what_went_back_are_told(order):
    overpaid(order)
    assert "That is €8.00 more than the order costs." in part_of(order, "payment")
    record_refund(order, amount=8, method="bank_transfer")
    said = part_of(order, "payment")
    assert "Sent back on" in said
    assert "−€8.00" in said
    assert "more than" not in said


def test_a_cancelled_order_tells_of_the_money_that_comes_back(order):
    partly_paid(order)
    cancel(order)
    assert "What you have paid already will be sent back to you." in part_of(order, "payment")
    record_refund(order, amount=12, method="bank_transfer")
    assert "will be sent back" not in part_of(order, "payment")


def test_a_cancelled_order_on_which_nothing_was_paid_says_nothing_of_money(order):
    cancel(order)
    assert part_of(order, "payment") is None


def test_an_order_that_costs_nothing_asks_for_nothing(shop):
    order = placed(site=shop.site, lines=[replace(MUG, unit_price=Decimal(0))], shipping_total=Decimal(0))
    assert part_of(order, "payment") == "Payment There is nothing to pay."
    assert standing(order) == "We have your order and are getting it ready."
    assert steps(order) == [RECEIVED, NOT_SENT]


# --- Parcels


def test_each_parcel_tells_what_it_is_and_how_to_follow_it(order):
    mug = order.lines.get()
    day = datetime(2026, 5, 4, 10, tzinfo=UTC)
    Order.objects.update(placed_at=day)
    ship(
        order,
        lines={mug: 1},
        tracking_number="3232",
        tracking_url="https://a.example/?n=1&m=2",
        shipped_at=day,
    )
    ship(order, lines={mug: 1}, tracking_number="4343")
    Shipment.objects.filter(tracking_number="3232").update(shipping_method_name="bpost")
    said = part_of(order, "parcels")
    assert (
        "Sent on May 4, 2026 bpost Parcel number: 3232 1 × Tasse en grès « Forêt » Track the parcel" in said
    )
    assert "Parcel number: 4343" in said
    [link] = page_of(order).xpath("//a[text()='Track the parcel']")
    assert link.get("href") == "https://a.example/?n=1&m=2"
    assert link.get("rel") == "noreferrer"


def test_a_parcel_that_was_cancelled_is_not_shown(order):
    cancel_shipment(ship(order, tracking_number="3232"))
    assert part_of(order, "parcels") is None
    assert "3232" not in html_of(order)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//a.example", 'https://a"b', "ftp://a"]
)
def test_an_old_rows_link_that_leads_nowhere_good_is_none(order, url):
    ship(order, tracking_number="3232")
    Shipment.objects.update(tracking_url=url)
    assert "Parcel number: 3232" in part_of(order, "parcels")
    assert url not in page_of(order).xpath("//a/@href")
    assert "Track the parcel" not in html_of(order)


# --- In the order's language


@pytest.mark.parametrize(
    ("language", "amount", "day", "title"),
    [
        ("en", "€1,042.00", "May 3, 2026", "Order"),
        ("fr", "1\u202f042,00\xa0€", "3 mai 2026", "Commande"),
        ("nl", "€\xa01.042,00", "3 mei 2026", "Bestelling"),
        ("de", "1.042,00\xa0€", "3. Mai 2026", "Bestellung"),
    ],
)
def test_the_page_is_in_the_orders_language_whatever_the_readers(shop, language, amount, day, title):
    order = placed(
        site=shop.site,
        language=language,
        shipping_total=Decimal(1005),
        placed_at=datetime(2026, 5, 3, 10, tzinfo=UTC),
    )
    other = "fr" if language == "en" else "en"
    response = response_of(order, headers={"accept-language": other})
    html = response.content.decode()
    assert response["Content-Language"] == language
    assert f'<html lang="{language}" dir="ltr">' in html
    assert f"<title>{title} {order.number} · Bois &amp; Forêt</title>" in html
    assert amount in html
    assert day in html


def test_the_page_leaves_the_readers_language_as_it_was(shop, rf):
    order = placed(site=shop.site, language="fr")
    with translation.override("de"):
        assert views.order(rf.get("/"), order.token)["Content-Language"] == "fr"
        assert translation.get_language() == "de"


@pytest.mark.parametrize(
    ("language", "shown"), [("xx", "xx"), ("pt-BR", "pt-br"), ("zh-hans", "zh-hans"), ("ar", "ar")]
)
def test_any_language_makes_a_page(shop, language, shown):
    order = placed(site=shop.site, language=language)
    response = response_of(order)
    assert response["Content-Language"] == shown
    page = page_of(order)
    assert (page.get("lang"), page.get("dir")) == (shown, "rtl" if language == "ar" else "ltr")
    assert order.number in text_of(order)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("", "May 3, 2026"), ("Pacific/Kiritimati", "May 4, 2026"), ("Pacific/Pago_Pago", "May 2, 2026")],
)
def test_the_shops_time_zone_decides_the_day(order, shop, zone, day):
    Order.objects.update(placed_at=datetime(2026, 5, 3, 10, 30, tzinfo=UTC))
    shop.time_zone = zone
    shop.save()
    assert f"Placed on {day}" in text_of(order)


# --- Without what most shops have


def test_an_order_of_no_site_and_no_settings_has_its_page(settings):
    settings.DEFAULT_FROM_EMAIL = "webmaster@localhost"
    order = placed()
    Order.objects.update(site=None)
    assert OrderSettings.objects.count() == 0
    assert "Still to be paid: €42.00 How it is paid: Bank transfer" in text_of(order)
    assert "webmaster" not in html_of(order)
    assert settings.WAGTAIL_SITE_NAME in html_of(order)


def test_an_order_without_addresses_has_its_page(order):
    order.addresses.all().delete()
    assert order.number in text_of(order)
    assert "address" not in part_of(order, "lines")


# --- The shop's looks


def picture(name, content):
    Collection.objects.exists() or Collection.add_root(name="Root")
    return get_image_model().objects.create(title=name, file=ImageFile(io.BytesIO(content), name=name))


def raster():
    written = io.BytesIO()
    Picture.new("RGBA", (960, 160)).save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [("logo.png", raster(), ("480", "80")), ("logo.svg", SVG, ("200", "80"))],
    ids=["png", "svg"],
)
def test_the_logo_stands_at_the_top(order, shop, name, content, size):
    shop.logo = picture(name, content)
    shop.save()
    [logo] = page_of(order).xpath("//img")
    assert logo.get("src").startswith("/media/images/logo")
    assert (logo.get("width"), logo.get("height")) == size
    assert logo.get("alt") == "Bois & Forêt"


def test_a_logo_whose_file_is_damaged_gives_way_to_the_shops_name(order, shop):
    shop.logo = picture("logo.png", raster())
    shop.save()
    with open(shop.logo.file.path, "wb") as file:
        file.write(b"no picture")
    assert page_of(order).xpath("//img") == []
    assert words(page_of(order).xpath("//header[@class='wo-top']")[0]) == "Bois & Forêt"


def test_the_shops_colour_is_on_the_page(order, shop):
    shop.color = "#7a1f5c"
    shop.save()
    assert page_of(order).xpath("//rect/@fill") == ["#7a1f5c"]


def test_the_page_stands_in_the_sites_own_base(order, settings):
    settings.WAGTAIL_ORDERS = {"PUBLIC_BASE_TEMPLATE": "shop/base.html"}
    page = page_of(order)
    assert words(page.xpath("//title")[0]) == f"Order {order.number} · Atelier Forêt"
    assert page.xpath("//main//link/@href") == ["/static/wagtail_orders/public.css"]
    assert order.number in words(page.xpath("//main[@id='content']")[0])
    assert page.xpath("//header[@class='wo-top']") == []


def test_a_project_has_a_base_and_a_part_of_its_own(order, settings, tmp_path):
    own = tmp_path / "wagtail_orders/public/parts/shop.html"
    own.parent.mkdir(parents=True)
    own.write_text("<p>Our own foot, {{ shop_name }}</p>", encoding="utf-8")
    (tmp_path / "plain.html").write_text(
        "<title>{% block title %}{% endblock %}</title><body>Ours{% block content %}{% endblock %}</body>",
        encoding="utf-8",
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.WAGTAIL_ORDERS = {"PUBLIC_BASE_TEMPLATE": "plain.html"}
    html = html_of(order)
    assert html.lstrip().startswith(f"<title>Order {order.number}</title><body>Ours")
    assert "<p>Our own foot, Bois &amp; Forêt</p>" in html
    assert "shop@example.com" not in html
    assert "<title>Not found</title>" in Client().get(address("x")).content.decode()


# --- The way to it

CUSTOMERS = ["confirmation", "payment_received", "shipped", "cancelled", "refunded", "message"]
OWNERS = ["new_order", "needs_look"]


def mail_of(order, kind):
    return render.mail(order, kind, language="en", data={"subject": "A question", "text": "Which?"})


def links(written):
    return lxml.html.document_fromstring(written.html).xpath("//a/@href")


@pytest.mark.parametrize(
    ("hostname", "port", "root"),
    [
        ("shop.example.com", 443, "https://shop.example.com"),
        ("shop.example.com", 80, "http://shop.example.com"),
        ("localhost", 8000, "http://localhost:8000"),
    ],
)
def test_the_address_is_on_the_orders_site(order, site, hostname, port, root):
    site.hostname, site.port = hostname, port
    site.save()
    order = Order.objects.get(pk=order.pk)
    assert customer_url(order) == f"{root}/orders/{order.token}/"


@pytest.mark.parametrize("kind", CUSTOMERS)
def test_a_customers_mail_leads_to_the_page(order, kind):
    written = mail_of(order, kind)
    assert f"See your order: {customer_url(order)}\n\n--\nBois & Forêt" in written.text
    assert customer_url(order) in links(written)


def test_a_mail_that_the_owner_writes_to_somebody_else_does_not_lead_there(
    order, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        write_mail(order, subject="A bowl", text="Can you fire it again?", recipient="kiln@example.com")
        write_mail(order, subject="A bowl", text="It takes a week.", recipient="Zoe@Example.com")
    deliver.sweep()
    sent = {message.to[0]: message.body for message in mail.outbox}
    assert order.token not in sent["kiln@example.com"]
    assert customer_url(order) in sent["Zoe@Example.com"]


@pytest.mark.parametrize("kind", OWNERS)
def test_the_owners_mail_has_nothing_of_the_token(order, kind):
    written = mail_of(order, kind)
    assert order.token not in written.text + written.html


@pytest.mark.parametrize("kind", CUSTOMERS)
def test_without_the_page_no_mail_speaks_of_it(order, settings, kind):
    settings.ROOT_URLCONF = __name__
    assert customer_url(order) == ""
    written = mail_of(order, kind)
    for part in (written.text, written.html):
        assert "See your order" not in part
        assert order.token not in part
    assert "\n\n--\nBois & Forêt" in written.text


def test_an_order_of_no_site_has_no_address(order):
    Order.objects.update(site=None)
    assert customer_url(Order.objects.get(pk=order.pk)) == ""


def test_the_owner_sees_what_the_customer_sees(desk, order):
    [link] = opened(desk, order).xpath("//a[normalize-space()='What the customer sees']")
    assert link.get("href") == customer_url(order)
    assert (link.get("target"), link.get("rel")) == ("_blank", "noreferrer noopener")


def test_without_the_page_the_owner_has_no_link_to_it(desk, order, settings):
    settings.ROOT_URLCONF = __name__
    html = desk.get(reverse("wagtail_orders:inspect", args=[order.pk])).content.decode()
    assert "What the customer sees" not in html
    assert order.token not in html


def test_the_example_shops_thank_you_page_leads_there(client, order):
    session = client.session
    session[SESSION_ORDERS] = {"basket": order.token}
    session.save()
    thanks = lxml.html.fromstring(client.get(f"/en/thank-you/{order.token}/").content.decode())
    assert thanks.xpath("//a[text()='Follow your order']/@href") == [address(order.token)]


@pytest.mark.parametrize("base", ["nowhere.html", "", None, 42])
def test_a_base_that_is_not_there_is_told_at_the_start(settings, base):
    settings.WAGTAIL_ORDERS = {"PUBLIC_BASE_TEMPLATE": base}
    [complaint] = checks.run_checks(tags=["wagtail_orders"])
    assert complaint.id == "wagtail_orders.E004"
    assert "blocks title and content" in complaint.hint
