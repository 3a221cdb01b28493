"""Orders as XML: all of an order, valid whatever stands in it, and the same bytes for the same orders."""

import json
import re
import shutil
import subprocess
import zoneinfo
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
import xmlschema
from django.db import transaction
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from lxml import etree
from wagtail.models import Site

from wagtail_orders.exports.selection import Selection
from wagtail_orders.exports.xml import NAMESPACE, SCHEMA, XML
from wagtail_orders.lifecycle import (
    Line,
    add_note,
    mark_paid,
    place_order,
    record_payment,
    record_refund,
    ship,
)
from wagtail_orders.models import (
    FulfillmentStatus,
    Order,
    OrderAddress,
    OrderLine,
    OrderNote,
    OrderStatus,
    Payment,
    PaymentStatus,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)

from . import northwind
from .hostile import NASTY, hostile_rows, written
from .orders import IXELLES, MUG, placed

pytestmark = pytest.mark.django_db

FRUGAL = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
XS = "{http://www.w3.org/2001/XMLSchema}"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "xml.md"
LATER = timedelta(days=1, microseconds=1)


def exported(orders=None, **facts):
    orders = Order.objects.order_by("pk") if orders is None else orders
    return b"".join(XML.write(Selection.of(orders, **facts)))


def parsed(*args, **facts):
    return etree.fromstring(exported(*args, **facts))


def found(root, path):
    """The texts of the elements at ``path``."""
    steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
    return [element.text for element in root.iterfind(steps)]


def only(path):
    """The one order's text at ``path``; None where there is no such element."""
    texts = found(parsed(), f"order/{path}")
    assert len(texts) < 2
    return texts[0] if texts else None


@cache
def schema():
    return etree.XMLSchema(file=str(SCHEMA))


@cache
def schema_in_python():
    return xmlschema.XMLSchema(str(SCHEMA))


def mistakes(document):
    """What lxml finds wrong in a document."""
    schema().validate(etree.fromstring(document))
    return [error.message for error in schema().error_log]


def check(document, folder):
    """Held against the schema by lxml, by xmllint and by xmlschema."""
    assert mistakes(document) == []
    file = folder / "orders.xml"
    file.write_bytes(document)
    schema_in_python().validate(str(file))
    lint = shutil.which("xmllint")
    if lint is None:
        pytest.skip("xmllint (libxml2-utils) is not installed; lxml and xmlschema found nothing")
    told = subprocess.run(
        [lint, "--noout", "--nonet", "--schema", str(SCHEMA), str(file)], capture_output=True, text=True
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", f"{file} validates\n")


def full_order(**changes):
    """An order with all that an order may have."""
    bpost = ShippingMethod.objects.create(name="bpost")
    order = placed(
        number="2026-00042",
        placed_at=datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC),
        lines=[
            Line(
                sku="MUG-F",
                name="Tasse en grès « Forêt »",
                quantity=2,
                unit_price=Decimal("18.50"),
                tax_rate=Decimal(21),
                tax=Decimal("6.42"),
                options=[("Colour", "Green")],
                product_url="https://www.example.com/mugs/?a=1&b=2",
                data={"shelf": "B7"},
            ),
            Line(sku="TEA", name="Thé", quantity=Decimal("0.25"), unit_price=Decimal("19.999"), tax_rate=6),
        ],
        phone="+32 2 555 12 12",
        billing_address=replace(
            IXELLES, company="Atelier Müller", region="Bruxelles", phone="+32 2 555 12 13"
        ),
        shipping_address=replace(IXELLES, street="Place Flagey 18\nBoîte 4"),
        shipping_method=bpost,
        customer_note="Please ring twice.\nThe bell is difficult.",
        data={"gift": True},
        **changes,
    )
    anna = order_user()
    record_payment(order, amount=Decimal(48), method="card", reference="ch_1", received_on=date(2026, 3, 2))
    record_refund(order, amount=Decimal("1.00"), method="cash", reason="Chipped", user=anna)
    ship(
        order,
        tracking_number="3232",
        tracking_url="https://track.example.com/?n=3232",
        shipped_at=datetime(2026, 3, 3, tzinfo=UTC),
        notify_customer=True,
    )
    add_note(order, text="Rang twice", user=anna)
    return Order.objects.get(pk=order.pk)


def order_user():
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get_or_create(username="anna")[0]


# Valid


@pytest.mark.skipif(
    not northwind.is_there(),
    reason=f"The Northwind tables are not in {northwind.FOLDER}; name their folder in NORTHWIND.",
)
def test_northwinds_orders_are_valid(tmp_path):
    methods = {key: ShippingMethod.objects.create(name=name) for key, name in northwind.shippers().items()}
    customers, products = northwind.customers(), northwind.products()
    for row in northwind.orders():
        order = place_order(
            **northwind.placement(
                row,
                customer=customers[row.facts["customerID"]],
                products=products,
                shipping_method=methods[row.facts["shipVia"]],
            )
        )
        if row.shipped_at:
            ship(order, shipped_at=row.shipped_at, tracking_number=f"1Z{row.number}")
    mark_paid(Order.objects.all())

    document = exported()

    assert document.count(b"<order ") == 830
    assert document.count(b"<line ") == 2155
    check(document, tmp_path)


def test_an_order_with_all_there_is_is_valid(tmp_path, site):
    full_order()
    check(exported(), tmp_path)


def test_no_orders_are_a_valid_document(tmp_path):
    document = exported()
    assert parsed().attrib == {"version": "1.0"}
    check(document, tmp_path)


@settings(FRUGAL, max_examples=150)
@given(rows=hostile_rows())
def test_whatever_a_row_holds_the_file_is_valid(rows, tmp_path_factory):
    with transaction.atomic():
        written(rows)
        document = exported()
        transaction.set_rollback(True)
    check(document, tmp_path_factory.mktemp("hostile"))


# Everything of an order

#: What is not in the file, and why.
LEFT_OUT = {
    Order: {
        "token": "opens the customer's page",
        "idempotency_key": "the shop's, for its own retries",
        "fingerprint": "goes with the key",
        "user": "an account of this site",
        "shipping_method": "a setting of this site; the name is there",
        "search_text": "made of the rest",
        "version": "counts this site's changes",
        "events": "the journal of this site",
        "notifications": "mails of this site",
        "payment_attempts": "what a payment provider was asked; what came of it is in the ledger",
    },
    OrderAddress: {},
    OrderLine: {},
    Payment: {},
    Shipment: {"shipping_method": "a setting of this site; the name is there"},
    ShipmentLine: {},
    OrderNote: {},
}
#: What the database wants changed together.
TOGETHER = {
    "status": {"cancelled_at": LATER},
    "cancelled_at": {"status": OrderStatus.CANCELLED},
    "is_archived": {"archived_at": LATER},
    "archived_at": {"is_archived": True},
    "fulfillment_status": {"handled_at": None},
}
FIELDS = [
    (model, field.name) for model in LEFT_OUT for field in model._meta.get_fields() if field.name != "id"
]


def another(field, value):
    """Another value than a field has, that the database takes."""
    if field.is_relation:
        model = field.related_model
        if model is Site:
            root = Site.objects.first().root_page
            return Site.objects.create(hostname="else.example.com", root_page=root)
        if model is Order:
            order = placed()
            order.addresses.all().delete()
            order.lines.all().delete()
            return order
        if model is Shipment:
            return Shipment.objects.create(order=Order.objects.first())
        if model is OrderLine:
            return OrderLine.objects.get(position=7)
        if model is ShippingMethod:
            return ShippingMethod.objects.create(name="Pigeon")
        return model.objects.create(username="zoe")
    if field.choices:
        return next(choice for choice, _ in reversed(field.choices) if choice != value)
    return {
        "BooleanField": lambda: not value,
        "DateField": lambda: value + timedelta(days=1),
        "DateTimeField": lambda: (value or timezone.now()) + LATER,
        "JSONField": lambda: [] if isinstance(value, list) else {"other": 1},
        "DecimalField": lambda: (value or 0) + Decimal("0.0001"),
        "PositiveIntegerField": lambda: (value or 0) + 9,
    }.get(
        field.get_internal_type(),
        lambda: "XX" if field.max_length == 2 else f"X{value or ''}"[: field.max_length],
    )()


def change(model, name):
    """Give one field, and what goes with it, another value in the database; the names of what changed."""
    row, field = model.objects.first(), model._meta.get_field(name)
    if field.one_to_many:
        getattr(row, name).all().delete()
        return [name]
    values = {name: another(field, getattr(row, name))}
    for companion, value in TOGETHER.get(name, {}).items() if model is Order else ():
        values[companion] = row.placed_at + LATER if value is LATER else value
    model.objects.filter(pk=row.pk).update(**values)
    return list(values)


def test_every_fact_is_in_the_file_or_left_out_on_purpose(site):
    order = full_order()
    order.addresses.filter(kind="shipping").delete()
    OrderLine.objects.create(order=order, position=7, name="Gift", quantity=1, unit_price=0, total=0)
    just_this = Order.objects.filter(pk=order.pk)
    before, wrong = exported(just_this).split(b"\n"), []
    for model, name in FIELDS:
        with transaction.atomic():
            changed = change(model, name)
            after = exported(just_this).split(b"\n")
            transaction.set_rollback(True)
        is_told = len(set(after) ^ set(before)) >= len(changed)
        if is_told == (name in LEFT_OUT[model]) or (after == before) == is_told:
            wrong.append((model.__name__, name))
    assert wrong == []


def test_what_is_left_out_is_written_down():
    told = DOCUMENT.read_text(encoding="utf-8")
    for word in ("token", "idempotency key", "account", "e-mails", "journal", "version", "attempts to pay"):
        assert word in told


# Exactly


def is_legal(character):
    """Char of XML 1.0, section 2.2."""
    code = ord(character)
    return code in (9, 10, 13) or 32 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


@pytest.mark.parametrize("text", [*NASTY, "\r", "\n", "\r\n\r\n", " "], ids=repr)
def test_a_text_comes_out_as_it_is_but_for_what_xml_cannot_hold(text):
    placed(lines=[MUG, MUG])
    Order.objects.update(customer_note=text, number=text[:50])
    OrderLine.objects.update(options=[[text, text]])

    order = parsed()[0]

    legal = "".join(character if is_legal(character) else "\ufffd" for character in text)
    assert found(order, "customer_note") == [legal]
    assert order.get("number") == legal[:50]
    option = order.find(f".//{{{NAMESPACE}}}option")
    assert (option.get("name"), option.text) == (legal, legal)


def test_what_is_empty_is_left_out_unless_it_is_needed(site):
    order = placed(email="", payment_method="", lines=[MUG])
    Order.objects.update(customer_name="", site=None, taxes=[])
    OrderAddress.objects.filter(order=order).delete()

    root = parsed()

    assert found(root, "order/customer/name") == [None]
    names = {etree.QName(element).localname for element in root.iter()}
    assert not names & {
        "site",
        "email",
        "phone",
        "billing_address",
        "taxes",
        "options",
        "product_url",
        "data",
    }
    assert not names & {
        "payments",
        "shipments",
        "notes",
        "payment_method",
        "shipping_method",
        "customer_note",
    }
    assert not names & {"paid_at", "handled_at", "archived_at", "cancelled_at"}
    assert mistakes(exported()) == []


def test_a_line_without_tax_differs_from_one_of_no_tax():
    placed(lines=[MUG, Line(sku="", name="Book", quantity=1, unit_price=1, tax=0)])
    assert [len(line.findall(f"{{{NAMESPACE}}}tax")) for line in parsed().iter(f"{{{NAMESPACE}}}line")] == [
        0,
        1,
    ]
    assert only("lines/line/tax") == "0.00"


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("EUR", "42", "42.00"),
        ("EUR", "0", "0.00"),
        ("EUR", "1000", "1000.00"),
        ("JPY", "4200", "4200"),
        ("JPY", "0", "0"),
        ("JPY", "0.5", "0.5"),
        ("TND", "42", "42.000"),
        ("CLF", "42", "42.0000"),
        ("EUR", "42.1", "42.10"),
        ("EUR", "42.125", "42.125"),
        ("EUR", "42.1234", "42.1234"),
        ("EUR", "99999999999.9999", "99999999999.9999"),
        ("EUR", "0.0001", "0.0001"),
    ],
)
def test_an_amount_has_its_currencys_decimals_or_more(currency, amount, text):
    placed()
    Order.objects.update(currency=currency, total=Decimal(amount), amount_paid=0)
    assert only("totals/total") == text
    assert only("totals/amount_due") == text


@pytest.mark.parametrize(
    ("price", "text"),
    [("18.500000", "18.5"), ("100", "100"), ("0", "0"), ("0.000001", "0.000001"), ("999999999.999999",) * 2],
)
def test_a_price_has_all_its_decimals_and_no_zeros_at_its_end(price, text):
    placed()
    OrderLine.objects.update(unit_price=Decimal(price))
    assert only("lines/line/unit_price") == text


def test_what_is_due_is_never_less_than_nothing():
    order = placed()
    assert only("totals/amount_due") == "42.00"
    record_payment(order, amount=Decimal("41.90"), method="cash")
    assert only("totals/amount_due") == "0.10"
    record_payment(order, amount=Decimal(10), method="cash")
    assert only("totals/amount_due") == "0.00"
    record_refund(order, amount=Decimal("51.90"), method="cash")
    assert only("totals/amount_due") == "0.00"


def test_a_moment_is_exact_and_in_utc():
    brussels = zoneinfo.ZoneInfo("Europe/Brussels")
    placed(placed_at=datetime(2026, 7, 1, 1, 30, 0, 7, tzinfo=brussels))
    assert only("placed_at") == "2026-06-30T23:30:00.000007+00:00"


def test_json_survives_with_every_character():
    data = {"b": ["\x01 \x1f ]]> <&> é 🤷 \u2028", 1.5, None], "a": {"ü": True}}
    placed(data=data)
    text = only("data")
    assert json.loads(text) == data
    assert text.isascii()
    assert text.startswith('{"a": {"\\u00fc": true}, "b": [')


def test_a_text_may_be_longer_than_parsers_like(django_assert_num_queries):
    placed()
    Order.objects.update(customer_note="x" * 10_500_000)
    root = etree.fromstring(exported(), etree.XMLParser(huge_tree=True))
    assert len(found(root, "order/customer_note")[0]) == 10_500_000


# The same bytes


def test_the_same_orders_give_the_same_bytes_to_whoever_asks_whenever(site, settings):
    full_order()
    placed(placed_at=datetime(2020, 1, 1, tzinfo=UTC))
    first = exported()
    settings.USE_THOUSAND_SEPARATOR = True
    tokyo = zoneinfo.ZoneInfo("Asia/Tokyo")
    with translation.override("de"), timezone.override(tokyo):
        again = exported(language="de", time_zone=tokyo, made_at=timezone.now() + LATER)
    assert again == first


def test_how_the_rows_lie_in_the_database_changes_nothing():
    def document(turned):
        Order.objects.all().delete()
        order = Order.objects.create(number="1", language="en", currency="EUR", placed_at=at, updated_at=at)
        for kind in turned(["billing", "shipping"]):
            OrderAddress.objects.create(order=order, kind=kind, name=kind, street="Rue", country="BE")
        lines = [
            OrderLine.objects.create(order=order, position=n, name=f"{n}", quantity=1, unit_price=1, total=1)
            for n in turned([0, 3, 10])
        ]
        shipment = Shipment.objects.create(order=order, shipped_at=at)
        for line in turned(sorted(lines, key=lambda line: line.position)):
            ShipmentLine.objects.create(shipment=shipment, line=line, quantity=1)
        return exported()

    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert document(list) == document(lambda rows: rows[::-1])


def test_the_orders_stand_in_the_order_chosen():
    for number in ("b", "c", "a"):
        placed(number=number)
    for order_by in ("number", "-number", "pk"):
        numbers = [order.get("number") for order in parsed(Order.objects.order_by(order_by))]
        assert numbers == list(Order.objects.order_by(order_by).values_list("number", flat=True))


def test_an_order_that_is_deleted_meanwhile_is_left_out():
    for number in "abc":
        placed(number=number)
    selection = Selection.of(Order.objects.order_by("number"))
    Order.objects.get(number="b").delete()
    document = b"".join(XML.write(selection))
    assert [order.get("number") for order in etree.fromstring(document)] == ["a", "c"]


# Streamed


def many(count):
    Order.objects.bulk_create(
        [Order(number=str(n), language="en", currency="EUR", customer_note="x" * 500) for n in range(count)]
    )


def test_seven_queries_a_thousand_orders(django_assert_num_queries):
    full_order()
    with django_assert_num_queries(1 + 1 + 7):
        exported()
    many(1_000)
    with django_assert_num_queries(1 + 1 + 2 * 7):
        exported()


def test_the_first_bytes_wait_for_no_query(django_assert_num_queries):
    placed()
    selection = Selection.of(Order.objects.all())
    with django_assert_num_queries(0):
        first = next(XML.write(selection))
    assert first.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<orders xmlns=\"urn:")


def test_no_block_is_much_larger_than_another():
    many(500)
    sizes = [len(block) for block in XML.write(Selection.of(Order.objects.all()))]
    assert len(sizes) > 5
    assert max(sizes) < 70_000


def test_who_stops_reading_stops_the_writing(django_assert_num_queries):
    many(1_001)
    blocks = XML.write(Selection.of(Order.objects.all()))
    next(blocks)
    next(blocks)
    with django_assert_num_queries(0):
        blocks.close()
    assert list(blocks) == []


# The schema


def element_name(element):
    return f"{etree.QName(element).localname} {element.get('name') or element.get('value')}"


def test_every_word_of_the_schema_is_explained():
    root = etree.parse(str(SCHEMA)).getroot()
    named = {kind.get("name"): kind for kind in root if kind.get("name")}
    told = "xs:annotation/xs:documentation"
    silent = [
        element_name(element)
        for element in root.iter(f"{XS}element", f"{XS}attribute", f"{XS}complexType", f"{XS}enumeration")
        if (element.get("name") or element.get("value") not in (None, "1.0"))
        and element.find(told, {"xs": XS[1:-1]}) is None
        and named.get(element.get("type"), root).find(told, {"xs": XS[1:-1]}) is None
        and element.get("name") not in ("line", "payment", "shipment", "note", "option", "tax", "item")
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("order_status", OrderStatus),
        ("payment_status", PaymentStatus),
        ("fulfillment_status", FulfillmentStatus),
        ("payment_kind", Payment.Kind),
        ("payment_state", Payment.State),
    ],
)
def test_the_schema_knows_each_code(name, choices):
    values = etree.parse(str(SCHEMA)).xpath(f'//*[@name="{name}"]//*/@value')
    assert sorted(values) == sorted(choices.values)


LENGTHS = {
    Order: {
        "language": "language",
        "customer_name": "customer/name",
        "email": "customer/email",
        "phone": "customer/phone",
        "payment_method": "payment_method",
        "shipping_method_name": "shipping_method",
    },
    OrderAddress: {
        name: f"billing_address/{name}"
        for name in ("name", "company", "street", "postal_code", "city", "region", "phone")
    },
    OrderLine: {name: f"lines/line/{name}" for name in ("sku", "name", "product_url")},
    Payment: {name: f"payments/payment/{name}" for name in ("method", "reference", "reason")},
    Shipment: {
        "shipping_method_name": "shipments/shipment/shipping_method",
        "tracking_number": "shipments/shipment/tracking_number",
        "tracking_url": "shipments/shipment/tracking_url",
    },
}


def test_the_schema_takes_texts_as_long_as_the_columns_and_no_longer(site):
    full_order()
    document = exported()
    for model, paths in LENGTHS.items():
        for name, path in paths.items():
            most = model._meta.get_field(name).max_length
            for length, is_valid in ((most, True), (most + 1, False)):
                root = etree.fromstring(document)
                element = root.find("/".join(f"{{{NAMESPACE}}}{step}" for step in f"order/{path}".split("/")))
                link = "https://x" if name.endswith("_url") else ""
                element.text = link.ljust(length, "ü")
                assert schema().validate(root) == is_valid, (model, name, length)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<currency>EUR<", "<currency>eur<"),
        ("<country>BE<", "<country>Belgium<"),
        ("<status>open<", "<status>new<"),
        ("<is_archived>false<", "<is_archived>0<"),
        ("123456+00:00</placed_at>", "123456</placed_at>"),
        ("123456+00:00</placed_at>", "1234567+00:00</placed_at>"),
        ("<received_on>2026-03-02<", "<received_on>02.03.2026<"),
        ("<quantity>0.25<", "<quantity>0,25<"),
        ("<quantity>0.25<", "<quantity>0<"),
        ("<quantity>0.25<", "<quantity>0.00001<"),
        ("<amount>48.00<", "<amount>-48.00<"),
        ("<amount>48.00<", "<amount>4.8e1<"),
        ("<unit_price>18.5<", "<unit_price>1000000000<"),
        ('<line position="1">', '<line position="0">'),
        ('<item line="1">', '<item line="2">'),
        ("<product_url>https:", "<product_url>javascript:"),
        ('version="1.0">', 'version="1.1">'),
        (NAMESPACE, "urn:wagtail-orders:orders:2"),
        ("<email>zoe@example.com</email>", "<email></email>"),
        ("<totals>", "<sums/><totals>"),
    ],
)
def test_the_schema_refuses(right, wrong, site):
    full_order()
    document = exported().decode()
    assert mistakes(document.encode()) == []
    assert right in document
    assert mistakes(document.replace(right, wrong, 1).encode()) != []


def test_a_number_stands_once_in_a_document():
    placed(number="a")
    placed(number="b")
    assert mistakes(exported().replace(b'number="b"', b'number="a"')) != []


# The document about it


def example():
    [document] = re.findall(r"```xml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    return document


def test_the_example_is_what_an_order_looks_like(tmp_path, site):
    """Each of its elements stands in an export too, one after the other; and it is valid."""
    check(example().encode(), tmp_path)
    Site.objects.update(site_name="Atelier")
    full_order()
    of_example, of_export = (
        [etree.QName(element).localname for element in etree.fromstring(document).iter()]
        for document in (example().encode(), exported())
    )
    assert of_example == of_export


def test_each_element_of_the_schema_stands_in_the_document():
    text = DOCUMENT.read_text(encoding="utf-8")
    names = etree.parse(str(SCHEMA)).xpath("//*[local-name()='element']/@name")
    assert [name for name in names if not re.search(rf"[<`]{name}\b", text)] == []
