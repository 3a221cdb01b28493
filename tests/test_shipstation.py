"""ShipStation's Custom Store: who comes in, what it fetches, and what becomes of the parcels it tells of."""

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from django.core import checks
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from lxml import etree

from wagtail_orders.exports import Selection
from wagtail_orders.exports.shipstation import SHIPSTATION, status
from wagtail_orders.lifecycle import (
    Line,
    add_note,
    cancel,
    cancel_shipment,
    flag,
    mark_handled,
    mark_paid,
    record_payment,
    record_refund,
    ship,
)
from wagtail_orders.models import Notification, Order, OrderSettings, Shipment, ShippingMethod
from wagtail_orders.shipstation import door
from wagtail_orders.shipstation.notice import read

from .desk import tables
from .orders import IXELLES, MUG, placed
from .processes import in_threads

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]

FACTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "shipstation_custom_store_fields.json"
USER, PASSWORD = "shipstation", "Straße-zu-den-Tannen-17"
ALWAYS = {"start_date": "01/01/2000 00:00", "end_date": "12/31/2099 23:59"}


@pytest.fixture(autouse=True)
def opened(settings):
    settings.WAGTAIL_ORDERS = {"SHIPSTATION": {"USERNAME": USER, "PASSWORD": PASSWORD}}


def basic(user=USER, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def address(**parameters):
    return f"{reverse('wagtail_orders_public:shipstation')}?{urlencode(parameters)}"


def ask(method="get", *, authorization=None, secure=True, client=None, body=None, **parameters):
    """What somebody gets who knocks, with the right password unless told otherwise."""
    headers = {"Authorization": basic() if authorization is None else authorization}
    sent = {} if body is None else {"data": body, "content_type": "text/xml"}
    return getattr(client or Client(), method)(address(**parameters), headers=headers, secure=secure, **sent)


def fetched(**parameters):
    response = ask(action="export", **{**ALWAYS, **parameters})
    assert response.status_code == 200, response.content
    return etree.fromstring(response.content)


def order_in(document, order):
    [found] = document.xpath(f"Order[OrderNumber='{order.number}']")
    return found


def values(element):
    """An element's children that have none themselves."""
    return {child.tag: child.text or "" for child in element if not len(child)}


def numbers(document):
    return [element.text for element in document.iterfind("Order/OrderNumber")]


def notice_of(order, *, items=(), **facts):
    """The XML that ShipStation sends of a parcel."""
    root = etree.Element("ShipNotice")
    facts = {"OrderNumber": order.number, "OrderID": str(order.pk), "NotifyCustomer": "false", **facts}
    for name, text in facts.items():
        etree.SubElement(root, name).text = text
    listed = etree.SubElement(root, "Items")
    for item in items:
        element = etree.SubElement(listed, "Item")
        for name, text in item.items():
            etree.SubElement(element, name).text = str(text)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def tell(order, *, carrier="UPS", service="", tracking_number="1Z999", body=None, items=(), **facts):
    return ask(
        "post",
        action="shipnotify",
        order_number=order.number,
        carrier=carrier,
        service=service,
        tracking_number=tracking_number,
        body=notice_of(order, items=items, **facts) if body is None else body,
    )


def told(order, **facts):
    """The parcel that came of a notice."""
    response = tell(order, **facts)
    assert response.status_code == 200, response.content.decode()
    return order.shipments.latest("pk")


def packed(shipment):
    return {entry.line.sku: entry.quantity for entry in shipment.lines.select_related("line")}


def two_lines():
    return [MUG, replace(MUG, sku="BOWL", quantity=3, name="Bol")]


# --- Who comes in


@pytest.mark.parametrize(
    "setting",
    [None, {}, [], {"USERNAME": "x"}, {"USERNAME": "", "PASSWORD": ""}, {"USERNAME": "a", "PASSWORD": 1}],
)
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_without_a_usable_setting_there_is_no_door(settings, setting, method):
    settings.WAGTAIL_ORDERS = {"SHIPSTATION": setting}
    response = ask(method, action="export", **ALWAYS)
    unknown = Client().get(reverse("wagtail_orders_public:order", args=["0" * 40]))
    assert response.status_code == 404
    assert response.content == unknown.content
    assert dict(response.headers) == dict(unknown.headers)


WRONG = {
    "none": "",
    "another password": basic(password="x"),
    "another user": basic(user="x"),
    "nothing in it": basic("", ""),
    "the password cut": basic(password=PASSWORD[:-1]),
    "no colon": "Basic " + base64.b64encode(b"shipstation").decode(),
    "not base64": "Basic ***",
    "not ASCII": "Basic é",
    "not UTF-8": "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
    "another scheme": basic().replace("Basic", "Bearer"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_whoever_does_not_know_the_password_stays_out(wrong, method):
    order, before = placed(), tables()
    response = ask(method, authorization=WRONG[wrong], action="export", order_number=order.number, **ALWAYS)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert order.number not in response.content.decode()
    assert tables() == before


def test_the_password_in_the_address_is_taken_only_where_the_project_says_so(settings):
    asked = {"action": "export", "SS-UserName": USER, "SS-Password": PASSWORD, **ALWAYS}
    assert ask(authorization="", **asked).status_code == 401
    settings.WAGTAIL_ORDERS["SHIPSTATION"]["PASSWORD_IN_ADDRESS"] = True
    assert ask(authorization="", **asked).status_code == 200
    assert ask(authorization="", **{**asked, "SS-Password": "x"}).status_code == 401
    assert ask(authorization=basic(password="x"), **asked).status_code == 401


def test_the_password_does_not_go_over_a_line_that_others_read(settings):
    assert ask(secure=False, action="export", **ALWAYS).status_code == 403
    settings.DEBUG = True
    assert ask(secure=False, action="export", **ALWAYS).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(method):
    response = ask(method, action="export", **ALWAYS)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, POST"


def test_no_other_site_needs_to_know_and_no_csrf_token_is_asked_for():
    order = placed()
    client = Client(enforce_csrf_checks=True)
    response = ask(
        "post", client=client, action="shipnotify", order_number=order.number, body=notice_of(order)
    )
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.cookies == {}


def test_a_customers_page_is_not_in_the_way():
    order = placed()
    page = Client().get(reverse("wagtail_orders_public:order", args=[order.token]))
    assert page.status_code == 200


CHECKED = {
    "no key": ({"USERNAME": "x"}, "E007"),
    "no text": ({"USERNAME": "x", "PASSWORD": None}, "E007"),
    "empty": ({"USERNAME": " ", "PASSWORD": "x" * 20}, "E007"),
    "no dictionary": ("x", "E007"),
    "a key too many": ({"USERNAME": "x", "PASSWORD": "x" * 20, "PASWORD": ""}, "E007"),
    "a colon": ({"USERNAME": "x:y", "PASSWORD": "x" * 20}, "E007"),
    "short": ({"USERNAME": "x", "PASSWORD": "x" * 15}, "W002"),
    "right": ({"USERNAME": "x", "PASSWORD": "x" * 16}, None),
    "with the switch": ({"USERNAME": "x", "PASSWORD": "x" * 16, "PASSWORD_IN_ADDRESS": True}, None),
    "off": (None, None),
}


@pytest.mark.parametrize("case", CHECKED)
def test_a_wrong_setting_is_told_at_the_start(settings, case):
    setting, expected = CHECKED[case]
    settings.WAGTAIL_ORDERS = {"SHIPSTATION": setting}
    found = [error.id for error in checks.run_checks(tags=["wagtail_orders"])]
    assert found == ([f"wagtail_orders.{expected}"] if expected else [])


# --- Which orders it fetches


@pytest.mark.parametrize(
    "asked",
    [
        {"action": ""},
        {"action": "shipnotify"},
        {"start_date": ""},
        {"start_date": "2026-01-01"},
        {"start_date": "13/01/2026 00:00"},
        {"end_date": "12/31/1999 23:59"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "²"},
        {"page": "9" * 40},
    ],
    ids=str,
)
def test_what_cannot_be_understood_is_said(asked):
    response = ask(**{"action": "export", **ALWAYS, **asked})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert re.search("action|date|page", response.content.decode())


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_the_ends_of_time_are_dates_too(year):
    assert fetched(start_date="01/01/0001 00:00", end_date=f"12/31/{year} 23:59").get("pages") == "1"


def changed_at(order, moment):
    Order.objects.filter(pk=order.pk).update(updated_at=moment)
    return order


def test_both_minutes_are_within_by_the_moment_of_the_change():
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    moments = [
        noon - timedelta(microseconds=1),
        noon,
        noon + timedelta(seconds=119.999),
        noon + timedelta(minutes=2),
    ]
    orders = [changed_at(placed(placed_at=noon - timedelta(days=90)), moment) for moment in moments]
    found = numbers(fetched(start_date="05/03/2026 12:00", end_date="05/03/2026 12:01"))
    assert found == [orders[1].number, orders[2].number]


def test_orders_come_in_the_order_of_their_change_and_of_one_moment_by_their_key():
    orders = [placed() for _ in range(4)]
    moment = timezone.now()
    for order, seconds in zip(orders, (5, 3, 3, 1), strict=True):
        changed_at(order, moment - timedelta(seconds=seconds))
    assert numbers(fetched()) == [order.number for order in orders]
    changed_at(orders[0], moment)
    assert numbers(fetched())[-1] == orders[0].number


def test_every_status_is_fetched_and_says_what_there_is_to_do():
    expected = {
        placed(): "unpaid",
        placed(payment_method="on_delivery"): "paid",
        placed(payment_method="cash"): "paid",
        placed(lines=[replace(MUG, unit_price=0)], shipping_total=0): "paid",
    }
    partly, pending, paid, refunded, sent, part, flagged, cancelled, archived = (placed() for _ in range(9))
    record_payment(partly, amount=1, method="card")
    record_payment(pending, amount=42, method="card", reference="a", state="pending")
    for order in (paid, refunded, sent, part, flagged):
        mark_paid(order)
    record_refund(refunded, amount=42, method="card")
    ship(sent)
    ship(part, lines={part.lines.get().pk: 1})
    flag(flagged, reason="Ask her")
    cancel(cancelled)
    mark_handled(archived)
    expected |= {partly: "unpaid", pending: "unpaid", paid: "paid", refunded: "on_hold", sent: "shipped"}
    expected |= {part: "paid", flagged: "on_hold", cancelled: "cancelled", archived: "shipped"}
    document = fetched()
    found = {order.number: order_in(document, order).findtext("OrderStatus") for order in expected}
    assert found == {order.number: said for order, said in expected.items()}
    assert all(status(Order.objects.get(pk=order.pk)) == said for order, said in expected.items())


@pytest.fixture
def three_pages(monkeypatch):
    """250 orders' worth of pages without so many orders."""
    monkeypatch.setattr(door, "CHUNK", 2)
    return [placed() for _ in range(5)]


def test_pages_together_have_every_order_once(three_pages):
    pages = [fetched(page=page) for page in (1, 2, 3)]
    assert [page.get("pages") for page in pages] == ["3"] * 3
    assert [numbers(page) for page in pages] == [
        [order.number for order in three_pages[start : start + 2]] for start in (0, 2, 4)
    ]
    assert numbers(fetched(page=4)) == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_an_order_that_changes_between_two_pages_pushes_none_out(three_pages, is_kept):
    later = timezone.now() + timedelta(days=1)
    window = {"end_date": f"{timezone.now():%m/%d/%Y} 23:59"}
    seen = numbers(fetched(page=1, **window))
    changed_at(three_pages[0], later)
    if not is_kept:
        cache.clear()
    for page in (2, 3):
        seen += numbers(fetched(page=page, **window))
    missed = {order.number for order in three_pages} - set(seen)
    # Without what was kept of the first page, the third order would not be fetched.
    assert missed == (set() if is_kept else {three_pages[2].number})


def test_the_next_fetch_sees_the_orders_anew(three_pages):
    fetched(page=1)
    Order.objects.filter(pk=three_pages[0].pk).delete()
    assert numbers(fetched(page=1)) == [order.number for order in three_pages[1:3]]


def test_an_order_that_is_deleted_between_two_pages_is_left_out(three_pages):
    fetched(page=1)
    Order.objects.filter(pk=three_pages[2].pk).delete()
    assert numbers(fetched(page=2)) == [three_pages[3].number]


@pytest.mark.parametrize("count", [1, 12])
def test_a_page_takes_five_queries_however_many_orders(count, django_assert_num_queries):
    for _ in range(count):
        order = placed(lines=two_lines(), shipping_address=replace(IXELLES, city="Uccle"))
        add_note(order, text="Fragile")
    with django_assert_num_queries(5):
        assert len(numbers(fetched())) == count


def test_a_further_page_takes_four_queries(three_pages, django_assert_num_queries):
    fetched(page=1)
    with django_assert_num_queries(4):
        fetched(page=2)


def test_nothing_new_takes_one_query(django_assert_num_queries):
    placed()
    with django_assert_num_queries(1):
        document = fetched(end_date="01/01/2001 00:00")
    assert (document.get("pages"), len(document)) == ("1", 0)


def test_fetching_changes_nothing():
    placed()
    before = tables()
    fetched()
    assert ask("head", action="export", **ALWAYS).status_code == 200
    assert tables() == before


# --- How an order reads


def test_an_order_reads_as_shipstation_wants_it():
    method = ShippingMethod.objects.create(name="UPS Standard", carrier="ups")
    order = placed(
        placed_at=datetime(2026, 5, 3, 22, 30, tzinfo=UTC),
        phone="+32 2 123 45 67",
        shipping_method=method,
        customer_note="Ring twice",
        shipping_address=replace(
            IXELLES, company="Bois", street="Markt 1\nBus 2\nAchter", region="Brussel", phone="+32 9"
        ),
        lines=[replace(MUG, options=(("Glaze", "Blue"), ("Size", "L")))],
    )
    add_note(order, text="Wrap it well")
    add_note(order, text="We are on it", visible_to_customer=True)
    add_note(order, text="Second thought")
    mark_paid(order)
    found = order_in(fetched(), order)
    modified = Order.objects.get(pk=order.pk).updated_at.astimezone(UTC)
    assert values(found) == {
        "OrderID": str(order.pk),
        "OrderNumber": order.number,
        "OrderDate": "05/03/2026 22:30",
        "OrderStatus": "paid",
        "LastModified": f"{modified:%m/%d/%Y %H:%M}",
        "ShippingMethod": "UPS Standard",
        "PaymentMethod": "Bank transfer",
        "CurrencyCode": "EUR",
        "OrderTotal": "42.00",
        "TaxAmount": "0",
        "ShippingAmount": "5.00",
        "CustomerNotes": "Ring twice",
        "InternalNotes": "Second thought\nWrap it well",
    }
    assert found.findtext("Customer/CustomerCode") == "zoe@example.com"
    assert values(found.find("Customer/BillTo")) == {
        "Name": "Zoë Müller",
        "Company": "",
        "Phone": "+32 2 123 45 67",
        "Email": "zoe@example.com",
        "Address1": "12 rue de l'Église",
        "Address2": "",
        "City": "Ixelles",
        "State": "",
        "PostalCode": "1050",
        "Country": "BE",
    }
    assert values(found.find("Customer/ShipTo")) == {
        "Name": "Zoë Müller",
        "Company": "Bois",
        "Address1": "Markt 1",
        "Address2": "Bus 2, Achter",
        "City": "Ixelles",
        "State": "Brussel",
        "PostalCode": "1050",
        "Country": "BE",
        "Phone": "+32 9",
    }
    [item] = found.iterfind("Items/Item")
    assert values(item) == {
        "LineItemID": str(order.lines.get().pk),
        "SKU": "MUG-F",
        "Name": "Tasse en grès « Forêt »",
        "Quantity": "2",
        "UnitPrice": "18.50",
    }
    assert [values(option) for option in item.iterfind("Options/Option")] == [
        {"Name": "Glaze", "Value": "Blue"},
        {"Name": "Size", "Value": "L"},
    ]


def test_free_text_stands_in_cdata():
    placed(customer_note="a & b ]]> c")
    text = ask(action="export", **ALWAYS).content.decode()
    assert "<CustomerNotes><![CDATA[a & b ]]]]><![CDATA[> c]]></CustomerNotes>" in text


def test_what_is_required_and_missing_says_so():
    order = placed(
        email="",
        billing_address=replace(IXELLES, country="SG", postal_code="", city="", name="", company="Roc"),
        lines=[replace(MUG, sku="")],
    )
    found = order_in(fetched(), order)
    ship_to = values(found.find("Customer/ShipTo"))
    assert ship_to["Name"] == "Roc"
    assert (ship_to["City"], ship_to["PostalCode"]) == ("Singapore", "-")
    assert found.findtext("Customer/CustomerCode") == order.number
    assert found.findtext("Items/Item/SKU") == MUG.name


def test_an_order_without_any_address_can_be_read_too():
    order = placed()
    order.addresses.all().delete()
    ship_to = values(order_in(fetched(), order).find("Customer/ShipTo"))
    assert ship_to == {
        "Name": "Zoë Müller",
        "Company": "",
        "Address1": "-",
        "City": "-",
        "PostalCode": "-",
        "Country": "ZZ",
        "Phone": "",
    }


def test_a_discount_is_an_adjustment():
    order = placed(lines=[replace(MUG, discount=Decimal(2))], discount_total=Decimal("3.50"))
    [_mug, adjustment] = order_in(fetched(), order).iterfind("Items/Item")
    assert values(adjustment) == {
        "SKU": "ADJUSTMENT",
        "Name": "Discount",
        "Adjustment": "true",
        "Quantity": "1",
        "UnitPrice": "-5.50",
    }


def test_what_is_not_in_whole_pieces_goes_as_one_piece():
    cloth = Line(sku="CLOTH", name="Lin", quantity=Decimal("1.25"), unit_price=Decimal("9.99"))
    screws = Line(sku="SCREW", name="Vis", quantity=1000, unit_price=Decimal("0.0125"))
    order = placed(lines=[cloth, screws])
    items = [values(item) for item in order_in(fetched(), order).iterfind("Items/Item")]
    assert [(item["Name"], item["Quantity"], item["UnitPrice"]) for item in items] == [
        ("1.25 × Lin", "1", "12.49"),
        ("Vis", "1000", "0.01"),
        ("Rounding", "1", "2.50"),
    ]


def adds_up(element):
    goods = sum(
        int(item.findtext("Quantity")) * Decimal(item.findtext("UnitPrice"))
        for item in element.iterfind("Items/Item")
    )
    return goods + Decimal(element.findtext("TaxAmount")) + Decimal(element.findtext("ShippingAmount"))


@pytest.mark.parametrize("included", [True, False])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "TND"])
def test_items_tax_and_shipping_come_to_the_total(included, currency):
    unit = {"EUR": "17.35", "JPY": "1735", "TND": "17.355"}[currency]
    order = placed(
        currency=currency,
        prices_include_tax=included,
        lines=[
            replace(MUG, quantity=Decimal("1.5"), unit_price=Decimal(unit)),
            replace(MUG, unit_price=Decimal(unit)),
        ],
        discount_total=Decimal(1),
    )
    found = order_in(fetched(), order)
    assert adds_up(found) == Decimal(found.findtext("OrderTotal")) == order.total.quantize(Decimal("0.01"))
    assert (Decimal(found.findtext("TaxAmount")) > 0) is not included


LIMITS = {
    "OrderNumber": 50,
    "OrderStatus": 50,
    "ShippingMethod": 100,
    "PaymentMethod": 50,
    "CustomerNotes": 1000,
    "InternalNotes": 1000,
    "CustomerCode": 100,
    "Name": 200,
    "Company": 100,
    "Phone": 50,
    "Address1": 200,
    "Address2": 200,
    "City": 100,
    "State": 100,
    "PostalCode": 50,
    "Country": 2,
    "SKU": 100,
    "LineItemID": 50,
    "Value": 100,
}
anything = st.text(st.characters(codec="utf-8"), max_size=1200).filter(str.strip)


@pytest.mark.skipif(not FACTS.exists(), reason="the facts about ShipStation are not beside the project")
def test_the_limits_are_those_that_shipstation_tells():
    import json

    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    told_of = {
        **facts["order"],
        **facts["item"],
        **facts["customer"]["ShipTo"],
        "Name": facts["item"]["Name"],
    }
    for name in (
        "OrderNumber",
        "ShippingMethod",
        "CustomerNotes",
        "SKU",
        "Name",
        "Address1",
        "City",
        "PostalCode",
    ):
        assert str(LIMITS[name]) in str(told_of[name]), name


@given(text=anything, data=st.data())
@tuned(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_document_or_its_limits(text, data):
    def cut(most):
        return text[: data.draw(st.integers(1, most))] if text.strip() else text

    Order.objects.all().delete()
    order = placed(
        customer_name=f"x{cut(200)}",
        customer_note=text,
        payment_method=f"x{cut(49)}",
        phone=cut(60),
        lines=[replace(MUG, sku=cut(100), name=f"x{cut(200)}", options=((cut(100), f"x{cut(200)}"),))],
        billing_address=replace(
            IXELLES, name=f"x{cut(200)}", street=f"x{cut(400)}", city=f"x{cut(200)}", region=text[:200]
        ),
    )
    found = order_in(fetched(), order)
    for element in found.iter():
        if element.tag in LIMITS:
            assert len((element.text or "").encode("utf-16-le")) <= 2 * LIMITS[element.tag], element.tag
    for path in ("Customer/CustomerCode", "Customer/ShipTo/Name", "Customer/ShipTo/City", "Items/Item/SKU"):
        assert found.findtext(path), path


def test_what_is_cut_says_so():
    order = placed(customer_note="😀" * 1000)
    found = order_in(fetched(), order).findtext("CustomerNotes")
    assert found == "😀" * 499 + "…"


def test_the_same_can_be_downloaded_as_a_file():
    orders = [placed() for _ in range(3)]
    file = b"".join(SHIPSTATION.write(Selection.of(Order.objects.order_by("-pk"))))
    assert numbers(etree.fromstring(file)) == [order.number for order in reversed(orders)]
    selection = Selection.of(Order.objects.order_by("updated_at", "pk"))
    assert b"".join(SHIPSTATION.write(selection)) == ask(action="export", **ALWAYS).content


def test_a_file_begins_before_the_first_order_is_read(django_assert_num_queries):
    placed()
    file = SHIPSTATION.write(Selection.of(Order.objects.all()))
    with django_assert_num_queries(0):
        assert next(file).startswith(b"<?xml")
    with django_assert_num_queries(4):
        assert b"<Order>" in next(file)


# --- Parcels it tells of


def test_a_notice_sends_the_parcel():
    method = ShippingMethod.objects.create(
        name="UPS Standard",
        carrier="ups",
        tracking_url_template="https://www.ups.com/track?tracknum={number}",
    )
    order = placed()
    shipment = told(order, LabelCreateDate=f"{timezone.now():%m/%d/%Y} 00:00")
    order.refresh_from_db()
    assert order.is_handled
    assert shipment.shipping_method == method
    assert shipment.tracking_number == "1Z999"
    assert shipment.tracking_url == "https://www.ups.com/track?tracknum=1Z999"
    assert shipment.shipped_at.astimezone(UTC) == timezone.now().replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    assert packed(shipment) == {"MUG-F": 2}
    assert order_in(fetched(), order).findtext("OrderStatus") == "shipped"


def test_the_same_notice_again_changes_nothing(heard):
    order = placed(lines=two_lines())
    first = tell(order, items=[{"SKU": "MUG-F", "Quantity": 1}])
    before, said = tables(), len(heard)
    second = tell(order, items=[{"SKU": "MUG-F", "Quantity": 1}])
    assert (first.status_code, second.status_code) == (200, 200)
    assert "before" in second.content.decode()
    assert (tables(), len(heard)) == (before, said)


def test_another_number_is_another_parcel():
    order = placed()
    told(order, tracking_number="A1")
    shipment = told(order, tracking_number="A2")
    assert order.shipments.count() == 2
    assert packed(shipment) == {}


def test_the_same_number_of_another_order_is_a_parcel_of_its_own():
    orders = [placed(), placed()]
    assert [told(order).tracking_number for order in orders] == ["1Z999", "1Z999"]


def test_a_parcel_that_was_cancelled_does_not_come_back_by_itself():
    order = placed()
    cancel_shipment(told(order))
    assert tell(order).status_code == 200
    assert not order.shipments.sent().exists()


def test_a_parcel_without_a_number_is_known_by_its_label():
    order = placed(lines=two_lines())
    facts = {
        "tracking_number": "",
        "items": [{"SKU": "MUG-F", "Quantity": 1}],
        "LabelCreateDate": "05/03/2026 12:00",
    }
    for _ in range(2):
        assert tell(order, **facts).status_code == 200
    assert order.shipments.count() == 1
    told(order, **{**facts, "LabelCreateDate": "05/04/2026 12:00"})
    assert order.shipments.count() == 2
    assert tell(order, tracking_number="").status_code == 200
    assert tell(order, tracking_number="").status_code == 200
    assert order.shipments.count() == 3


ITEMS = {
    "by our own key": lambda lines: (
        [{"LineItemID": lines[1].pk, "SKU": "MUG-F", "Quantity": 2}],
        {"BOWL": 2},
    ),
    "by SKU": lambda lines: ([{"SKU": "BOWL", "Quantity": 2}], {"BOWL": 2}),
    "both lines": lambda lines: (
        [{"SKU": "BOWL", "Quantity": "1.00"}, {"SKU": "MUG-F", "Quantity": 1}],
        {"BOWL": 1, "MUG-F": 1},
    ),
    "one line twice": lambda lines: ([{"SKU": "BOWL", "Quantity": 1}] * 2, {"BOWL": 2}),
    "more than was ordered": lambda lines: ([{"SKU": "BOWL", "Quantity": 99}], {"BOWL": 3}),
    "something else too": lambda lines: (
        [{"SKU": "GIFT", "Quantity": 1}, {"SKU": "BOWL", "Quantity": 1}],
        {"BOWL": 1},
    ),
    "none of ours": lambda lines: ([{"SKU": "GIFT", "Quantity": 1}], {"BOWL": 3, "MUG-F": 2}),
    "none": lambda lines: ([], {"BOWL": 3, "MUG-F": 2}),
    "no quantity": lambda lines: ([{"SKU": "BOWL", "Quantity": "many"}], {"BOWL": 3, "MUG-F": 2}),
    "an endless quantity": lambda lines: ([{"SKU": "BOWL", "Quantity": "Infinity"}], {"BOWL": 3, "MUG-F": 2}),
}


@pytest.mark.parametrize("case", ITEMS)
def test_the_parcel_has_what_the_notice_lists(case):
    order = placed(lines=two_lines())
    items, expected = ITEMS[case](list(order.lines.all()))
    assert packed(told(order, items=items)) == expected
    order.refresh_from_db()
    assert order.is_handled == (expected == {"BOWL": 3, "MUG-F": 2})


def test_a_sku_on_two_lines_is_taken_from_both():
    order = placed(lines=[MUG, replace(MUG, unit_price=Decimal(20))])
    shipment = told(order, items=[{"SKU": "MUG-F", "Quantity": 3}])
    assert [entry.quantity for entry in shipment.lines.order_by("line__position")] == [2, 1]


def test_what_went_as_one_piece_comes_back_whole():
    cloth = Line(sku="CLOTH", name="Lin", quantity=Decimal("1.25"), unit_price=Decimal(10))
    order = placed(lines=[cloth, MUG])
    assert packed(told(order, items=[{"SKU": "CLOTH", "Quantity": 1}])) == {"CLOTH": Decimal("1.25")}


def test_what_the_desk_had_sent_already_is_not_sent_twice():
    order = placed(lines=two_lines())
    mug, _bowl = order.lines.all()
    ship(order, lines={mug.pk: 2})
    shipment = told(order, items=[{"SKU": "MUG-F", "Quantity": 2}, {"SKU": "BOWL", "Quantity": 3}])
    assert packed(shipment) == {"BOWL": 3}


WAYS = {
    "the carrier": ({"carrier": "UPS"}, "Parcel by brown van"),
    "the method's name": ({"carrier": "DHL", "service": "home, sweet HOME"}, "Home sweet home"),
    "carrier and service": ({"carrier": "Royal", "service": "Express"}, "Royal Express"),
    "a carrier's other name": ({"carrier": "UPSMI"}, "Parcel by brown van"),
    "a branch of the carrier": ({"carrier": "DHL"}, "Paket"),
    "in one word": ({"carrier": "CanadaPost"}, "North"),
    "unknown": ({"carrier": "Other"}, "By bicycle"),
    "none": ({"carrier": ""}, "By bicycle"),
}


@pytest.mark.parametrize("case", WAYS)
def test_the_shops_shipping_method_is_found(case):
    create = ShippingMethod.objects.create
    create(name="Parcel by brown van", carrier="ups")
    create(name="Home sweet home", carrier="dpd_be")
    create(name="Royal Express", carrier="evri")
    create(name="Paket", carrier="dhl_paket_de")
    create(name="North", carrier="canadapost")
    order = placed(shipping_method=create(name="By bicycle"))
    said, expected = WAYS[case]
    assert told(order, **said).shipping_method_name == expected


def test_of_two_methods_of_a_carrier_the_orders_own_comes_first():
    ShippingMethod.objects.create(name="UPS Express", carrier="ups")
    own = ShippingMethod.objects.create(name="UPS Standard", carrier="ups", is_active=False)
    assert told(placed(shipping_method=own)).shipping_method == own
    assert told(placed(shipping_method=own), service="UPS Express").shipping_method_name == "UPS Express"


def test_a_known_carrier_without_a_method_has_its_link_all_the_same():
    own = ShippingMethod.objects.create(
        name="bpost", carrier="bpost", tracking_url_template="https://bpost.example/{number}"
    )
    assert told(placed(shipping_method=own), carrier="FedEx").tracking_url == (
        "https://www.fedex.com/fedextrack/?trknbr=1Z999"
    )
    assert told(placed(shipping_method=own), carrier="Other").tracking_url == "https://bpost.example/1Z999"


@pytest.mark.parametrize(
    ("said", "by_itself", "mails"),
    [
        ("true", False, 1),
        ("false", True, 0),
        ("False", True, 0),
        ("", True, 1),
        ("", False, 0),
        ("maybe", True, 1),
    ],
)
def test_the_customer_is_told_as_shipstation_says(
    site, said, by_itself, mails, django_capture_on_commit_callbacks
):
    OrderSettings.objects.create(site=site, mail_shipped=by_itself)
    order = placed(site=site, notify=False)
    with django_capture_on_commit_callbacks(execute=True):
        shipment = told(order, NotifyCustomer=said)
    assert Notification.objects.filter(event__order=order, kind="shipped").count() == mails
    assert (shipment.notified_at is not None) == bool(mails)


def test_the_address_alone_is_enough():
    order = placed()
    assert tell(order, body=b"").status_code == 200
    assert packed(order.shipments.get()) == {"MUG-F": 2}


def test_the_body_alone_is_enough():
    order = placed()
    body = notice_of(order, Carrier="UPS", TrackingNumber="1Z1")
    assert ask("post", action="shipnotify", body=body).status_code == 200
    assert order.shipments.get().tracking_number == "1Z1"


# --- What it is told is wrong


@pytest.mark.parametrize("number", ["", "2026-99999", "\x00", "x" * 5000, "' OR ''='", "é"])
def test_an_order_that_is_not_there_is_a_404(number):
    placed()
    response = ask("post", action="shipnotify", order_number=number, body=b"")
    assert response.status_code == 404
    assert "no order" in response.content.decode()


def test_a_cancelled_order_is_refused_with_the_reason():
    order = placed()
    cancel(order)
    before = tables()
    for number in ("1Z999", ""):
        response = tell(order, tracking_number=number)
        assert response.status_code == 409
        assert response.content.decode() == f"Order {order.number} is cancelled; reopen it first.\n"
    assert tables() == before


HOSTILE = {
    "no XML": b"tracking=1",
    "cut": b"<ShipNotice><OrderNumber>1",
    "another root": b"<Orders/>",
    "a DTD": b"<!DOCTYPE ShipNotice><ShipNotice/>",
    "a DTD in UTF-16": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE ShipNotice><ShipNotice/>'.encode(
        "utf-16"
    ),
    "an entity of a file": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ShipNotice>&e;</ShipNotice>',
    "a DTD of a host": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><ShipNotice/>',
    "a billion laughs": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "%s">]><ShipNotice>&b;</ShipNotice>'
    % (b"&a;" * 999),
    "too deep": b"<ShipNotice>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</ShipNotice>",
    "not its encoding": b'<?xml version="1.0" encoding="utf-8"?><ShipNotice>\xff</ShipNotice>',
    "an encoding nobody knows": b'<?xml version="1.0" encoding="klingon"?><ShipNotice/>',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_notice_that_cannot_be_read_is_refused(case):
    order = placed()
    before = tables()
    response = tell(order, body=HOSTILE[case])
    assert response.status_code == 400
    assert response.content.decode().startswith("The notice ")
    assert tables() == before


def test_a_notice_that_is_too_large_is_refused():
    order = placed()
    response = tell(order, body=b" " * (door.LARGEST_NOTICE + 1))
    assert response.status_code == 413
    assert not order.shipments.exists()


def test_a_number_that_is_too_long_is_refused():
    order = placed()
    response = tell(order, tracking_number="1" * 256)
    assert response.status_code == 400
    assert not order.shipments.exists()


def test_a_label_of_tomorrow_is_of_now():
    assert told(placed(), LabelCreateDate="12/31/2098 12:00").shipped_at <= timezone.now()


def test_the_notices_words_are_taken_without_what_cannot_be_seen():
    notice = read({"order_number": " 2026-1\u200b\n", "tracking_number": "1Z\x00 9"}, b"")
    assert (notice.order_number, notice.tracking_number) == ("2026-1", "1Z 9")


# --- A whole day, over the wire


class ShipStation:
    """Does as ShipStation does: asks page for page for what changed, and posts a notice of each parcel."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def _send(self, parameters, body=None):
        request = Request(
            f"{self.endpoint}?{urlencode(parameters)}",
            data=body,
            # As the proxy says that stands before the server.
            headers={"Authorization": basic(), "Content-Type": "text/xml", "X-Forwarded-Proto": "https"},
        )
        try:
            with build_opener(NoRedirect).open(request, timeout=30) as response:
                return response.status, response.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def orders(self):
        found, page, pages = [], 1, 1
        while page <= pages:
            code, body = self._send({"action": "export", **ALWAYS, "page": page})
            assert code == 200
            document = etree.fromstring(body)
            pages = int(document.get("pages"))
            found += document
            page += 1
        return {element.findtext("OrderNumber"): element for element in found}

    def sent(self, element, number):
        """A label is printed for all of an order's items."""
        root = etree.Element("ShipNotice")
        for name in ("OrderNumber", "OrderID"):
            etree.SubElement(root, name).text = element.findtext(name)
        etree.SubElement(root, "NotifyCustomer").text = "true"
        items = etree.SubElement(root, "Items")
        for item in element.iterfind("Items/Item"):
            if item.findtext("Adjustment") is None:
                copy = etree.SubElement(items, "Item")
                for name in ("SKU", "Name", "Quantity", "LineItemID"):
                    etree.SubElement(copy, name).text = item.findtext(name)
        parameters = {"action": "shipnotify", "order_number": element.findtext("OrderNumber")}
        parameters |= {"carrier": "UPS", "service": "", "tracking_number": number}
        return self._send(parameters, etree.tostring(root))[0]


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


@pytest.fixture
def shipstation(transactional_db, site, live_server, settings, monkeypatch):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    monkeypatch.setattr(door, "CHUNK", 2)
    return ShipStation(live_server.url + reverse("wagtail_orders_public:shipstation"))


def test_a_day_with_shipstation(shipstation):
    orders = [placed(lines=two_lines(), discount_total=Decimal(1)) for _ in range(4)]
    for order in orders[:3]:
        mark_paid(order)
    cancel(orders[2])
    fetched_orders = shipstation.orders()
    assert [element.findtext("OrderStatus") for element in fetched_orders.values()].count("paid") == 2
    for place, order in enumerate(orders[:3]):
        code = shipstation.sent(fetched_orders[order.number], f"1Z{place}")
        assert code == (409 if order is orders[2] else 200)
    after = shipstation.orders()
    said = {number: element.findtext("OrderStatus") for number, element in after.items()}
    assert said == {
        orders[0].number: "shipped",
        orders[1].number: "shipped",
        orders[2].number: "cancelled",
        orders[3].number: "unpaid",
    }
    assert all(packed(shipment) == {"MUG-F": 2, "BOWL": 3} for shipment in Shipment.objects.all())


def test_two_notices_of_one_parcel_at_once_make_one(shipstation):
    order = placed(lines=two_lines())
    element = shipstation.orders()[order.number]
    codes = in_threads(*[lambda: shipstation.sent(element, "1Z1")] * 4)
    assert codes == [200] * 4
    assert order.shipments.count() == 1
