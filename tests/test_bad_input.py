"""What a developer is told when a shop hands over what cannot stand, and that nothing of it stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from wagtail_orders.exceptions import IdempotencyConflict
from wagtail_orders.lifecycle import (
    cancel,
    flag,
    mark_paid,
    mark_unpaid,
    place_order,
    record_payment,
    record_refund,
)
from wagtail_orders.models import (
    NumberSequence,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    Payment,
)

from .orders import IXELLES, MUG, order_input, placed

pytestmark = pytest.mark.django_db


def errors_of(**changes):
    """What place_order refuses in an otherwise good order; nothing may be left of it."""
    with pytest.raises(ValidationError) as refusal:
        placed(**changes)
    for model in (Order, OrderAddress, OrderLine, OrderEvent):
        assert not model.objects.exists(), f"half an order was left in {model.__name__}"
    assert not NumberSequence.objects.filter(last__gt=0).exists(), "a number was lost"
    return refusal.value.message_dict


def mug(**changes):
    return {"lines": [replace(MUG, **changes)]}


def at(**changes):
    return {"billing_address": replace(IXELLES, **changes)}


NAIVE = datetime(2026, 1, 1, 12)  # noqa: DTZ001 (naive is what is tested)
BAD = {
    "unknown currency": ({"currency": "EURO"}, "currency", "give its ISO 4217 code, such as EUR"),
    "no currency": ({"currency": None}, "currency", "give its ISO 4217 code"),
    "float shipping": ({"shipping_total": 5.0}, "shipping_total", 'give a Decimal, such as Decimal("18.50")'),
    "float price": (mug(unit_price=18.5), "lines.0.unit_price", "give a Decimal"),
    "float quantity": (mug(quantity=2.0), "lines.0.quantity", "give a Decimal"),
    "float quantity, total given": (mug(quantity=2.0, total=37), "lines.0.quantity", "give a Decimal"),
    "boolean price": (mug(unit_price=True), "lines.0.unit_price", "give a Decimal"),
    "price in words": (mug(unit_price="free"), "lines.0.unit_price", "give a Decimal"),
    "infinite price": (mug(unit_price=Decimal("Infinity")), "lines.0.unit_price", "give a Decimal"),
    "negative price": (mug(unit_price=Decimal(-1)), "lines.0.unit_price", "-1 is less than 0"),
    "price too large": (mug(unit_price=Decimal(10) ** 11), "lines.0.unit_price", "amounts go up to"),
    "price too large for its decimals": (mug(unit_price=Decimal(10) ** 9), "lines.0.unit_price", "999999999"),
    "line discount too large": (
        mug(unit_price=Decimal(999_999_999), discount=Decimal(10) ** 9),
        "lines.0.discount",
        "999999999",
    ),
    "no lines": ({"lines": []}, "lines", "at least one line"),
    "lines forgotten": ({"lines": None}, "lines", "at least one line"),
    "line of another kind": ({"lines": [{"sku": "MUG"}]}, "lines.0", "Give a Line"),
    "negative quantity": (mug(quantity=-1), "lines.0.quantity", "must be more than 0"),
    "zero quantity": (mug(quantity=0), "lines.0.quantity", "must be more than 0"),
    "quantity too fine": (mug(quantity=Decimal("0.00001")), "lines.0.quantity", "4 decimals; round it first"),
    "tax of 200 %": (mug(tax_rate=200), "lines.0.tax_rate", "is more than 100"),
    "long name": (
        {"customer_name": "Z" * 300},
        "customer_name",
        "300 characters are too many; shorten it to 255",
    ),
    "long line name": (mug(name="Z" * 300), "lines.0.name", "shorten it to 255"),
    "no name": ({"customer_name": " \n"}, "customer_name", "give a text"),
    "nameless line": (mug(name=""), "lines.0.name", "give a text"),
    "address forgotten": ({"billing_address": None}, "billing_address", "Give an Address"),
    "no such country": (
        at(country="XX"),
        "billing_address.country",
        "ISO 3166 code of two letters, such as BE",
    ),
    "country by name": (at(country="Belgium"), "billing_address.country", "ISO 3166 code"),
    "no country": (at(country=""), "billing_address.country", "ISO 3166 code"),
    "country forgotten": (at(country=None), "billing_address.country", "ISO 3166 code"),
    "long postal code": (at(postal_code="1" * 21), "billing_address.postal_code", "shorten it to 20"),
    "no street": (at(street=""), "billing_address.street", "give a text"),
    "no city": (at(city=""), "billing_address.city", "give a text"),
    "naive date": ({"placed_at": NAIVE}, "placed_at", "give its time zone"),
    "no date": ({"placed_at": "2026-01-01"}, "placed_at", "is not a datetime"),
    "more decimals": ({"shipping_total": Decimal("5.001")}, "shipping_total", "2 decimals; round it first"),
    "sen of a yen": (
        {"currency": "JPY", "shipping_total": Decimal("5.50")},
        "shipping_total",
        "0 decimals; round it first",
    ),
    "discount over goods": (
        {"discount_total": Decimal("37.01")},
        "discount_total",
        "37.01 is more than the goods' 37.00",
    ),
    "discount over line": (
        mug(discount=Decimal("37.01")),
        "lines.0.discount",
        "37.01 is more than the line's 37.00",
    ),
    "wrong line total": (mug(total=Decimal("36.90")), "lines.0.total", "it comes to 37.00: off by -0.10 EUR"),
    "wrong line tax": (mug(tax=Decimal("7.77")), "lines.0.tax", "it comes to 6.42: off by 1.35 EUR"),
    "wrong total": (
        {"total": Decimal("42.01")},
        "total",
        "42.01 was handed over, but it comes to 42.00: off by 0.01 EUR",
    ),
    "bad e-mail": ({"email": "zoe@"}, "email", "'zoe@' is not an e-mail address"),
    "second header in e-mail": (
        {"email": "a@example.com\r\nBcc: b@example.com"},
        "email",
        "not an e-mail address",
    ),
    "script as link": (
        mug(product_url="javascript:alert(1)"),
        "lines.0.product_url",
        "starts with http:// or https://",
    ),
    "unserialisable data": ({"data": {"basket": object()}}, "data", "Cannot be stored as JSON"),
    "endless data": ({"data": {"weight": float("nan")}}, "data", "Cannot be stored as JSON"),
    "data that is no dictionary": ({"data": ["gift"]}, "data", "Give a dictionary"),
    "unserialisable line data": (mug(data={1j: 1}), "lines.0.data", "Cannot be stored as JSON"),
    "options without values": (mug(options=("Green",)), "lines.0.options", 'such as [("Colour", "Green")]'),
    "long number": ({"number": "9" * 51}, "number", "shorten it to 50"),
}


@pytest.mark.parametrize(("changes", "field", "remedy"), BAD.values(), ids=BAD)
def test_one_mistake_is_told_once_at_its_field_with_its_remedy(changes, field, remedy):
    errors = errors_of(**changes)

    assert list(errors) == [field]
    [message] = errors[field]
    assert remedy in message


def test_a_date_in_the_future_is_refused():
    errors = errors_of(placed_at=timezone.now() + timedelta(days=2))

    assert "lies in the future" in errors["placed_at"][0]


def test_a_mistake_in_the_second_line_names_the_second_line():
    assert list(errors_of(lines=[MUG, replace(MUG, quantity=0)])) == ["lines.1.quantity"]


def test_a_mistake_in_the_shipping_address_names_the_shipping_address():
    errors = errors_of(shipping_address=replace(IXELLES, country="XX"))

    assert list(errors) == ["shipping_address.country"]


def test_all_mistakes_are_told_at_once():
    errors = errors_of(
        currency="EURO",
        email="zoe",
        billing_address=replace(IXELLES, country="XX", street=""),
        lines=[replace(MUG, quantity=0), replace(MUG, name="", product_url="ftp://example.com")],
        placed_at=NAIVE,
    )

    assert set(errors) == {
        "billing_address.country",
        "billing_address.street",
        "currency",
        "email",
        "lines.0.quantity",
        "lines.1.name",
        "lines.1.product_url",
        "placed_at",
    }


def test_a_number_that_exists_is_refused_and_its_order_stands():
    first = placed(number="2019-00007")

    with pytest.raises(ValidationError) as refusal:
        placed(number="2019-00007", email="other@example.com")

    assert refusal.value.message_dict == {"number": ["Order 2019-00007 exists already; give another number."]}
    assert Order.objects.get().email == first.email
    assert OrderLine.objects.count() == OrderEvent.objects.count() == 1


def test_what_no_database_or_mail_can_hold_is_taken_out_of_texts():
    hostile = "Zoë\x00 \ud800Müller\r\nBcc: all@example.com\u2028"

    order = placed(customer_name=hostile, **mug(name=hostile, options=[("Colour\x00", "Green\r\n")]))

    stored = Order.objects.get(pk=order.pk)
    assert stored.customer_name == "Zoë ?Müller Bcc: all@example.com"
    assert stored.lines.get().name == stored.customer_name
    assert stored.lines.get().options == [["Colour", "Green"]]


def test_markup_and_formulas_are_kept_as_they_were_written():
    name = '<script>alert(1)</script> =HYPERLINK("x") {{ 1 }} \'; DROP TABLE x; -- 100%'

    order = placed(customer_name=name)

    assert Order.objects.get(pk=order.pk).customer_name == name


def test_remarks_of_ten_kilobytes_keep_every_letter_and_line():
    remark = "Déposer chez la voisine 🏡\n" * 400

    order = placed(customer_note=remark.replace("\n", "\r\n"))

    assert Order.objects.get(pk=order.pk).customer_note == remark.strip()


def test_data_is_stored_without_what_json_columns_refuse():
    order = placed(data={"gift\x00": ["for \ud800Zoë", {"until": datetime(2026, 1, 1, tzinfo=UTC)}]})

    assert Order.objects.get(pk=order.pk).data == {"gift": ["for ?Zoë", {"until": "2026-01-01T00:00:00Z"}]}


def test_a_customer_without_an_e_mail_address_can_order():
    assert placed(email="").email == ""


def test_an_address_of_a_company_needs_no_name():
    order = placed(billing_address=replace(IXELLES, name="", company="Atelier Forêt"))

    assert Order.objects.get(pk=order.pk).billing_address.company == "Atelier Forêt"


def test_a_country_may_be_written_in_small_letters():
    assert placed(**at(country="be")).addresses.first().country == "BE"


def test_the_same_key_and_content_give_the_first_order_and_write_nothing():
    first = placed(idempotency_key="basket-4711")
    rows = OrderEvent.objects.count(), OrderLine.objects.count(), OrderAddress.objects.count()

    again = placed(idempotency_key="basket-4711", **mug(quantity=Decimal("2.00"), unit_price="18.5"))

    assert again == first
    assert again.number == first.number
    assert rows == (OrderEvent.objects.count(), OrderLine.objects.count(), OrderAddress.objects.count())


@pytest.mark.parametrize(
    "changes",
    [
        {"shipping_total": Decimal("5.01")},
        {"email": "zoe@example.org"},
        {"data": {"gift": True}},
        {"shipping_address": replace(IXELLES, street="13 rue de l'Église")},
        mug(quantity=3),
        mug(options=[("Colour", "Green")]),
    ],
)
def test_the_same_key_with_another_content_is_a_conflict_that_names_the_first(changes):
    first = placed(idempotency_key="basket-4711")

    with pytest.raises(IdempotencyConflict) as conflict:
        placed(idempotency_key="basket-4711", **changes)

    assert conflict.value.existing == first
    assert first.number in str(conflict.value)
    assert Order.objects.count() == 1


def test_keys_that_differ_in_case_or_accent_are_different_keys():
    orders = [placed(idempotency_key=key) for key in ("basket", "Basket", "bäsket", "basket-")]

    assert len({order.pk for order in orders}) == 4


def test_an_order_needs_no_key():
    assert placed().pk != placed().pk


@pytest.mark.parametrize(
    ("changes", "field", "remedy"),
    [
        ({"amount": 5.0}, "amount", "give a Decimal"),
        ({"amount": 0}, "amount", "must be more than 0"),
        ({"amount": Decimal(-5)}, "amount", "must be more than 0"),
        ({"amount": Decimal("5.001")}, "amount", "round it first"),
        ({"currency": "USD"}, "currency", "in EUR, not in USD"),
        ({"state": "lost"}, "state", "not a payment's state"),
        ({"method": ""}, "method", "give a text"),
        ({"method": "m" * 51}, "method", "shorten it to 50"),
        ({"reference": "r" * 256}, "reference", "shorten it to 255"),
        ({"received_on": "yesterday"}, "received_on", "not a date"),
    ],
)
@pytest.mark.parametrize("verb", [record_payment, record_refund])
def test_a_bad_ledger_entry_is_refused_at_its_field(verb, changes, field, remedy):
    order = placed()

    with pytest.raises(ValidationError) as refusal:
        verb(order, **{"amount": Decimal(5), "method": "card", **changes})

    assert list(refusal.value.message_dict) == [field]
    assert remedy in refusal.value.message_dict[field][0]
    assert not Payment.objects.exists()


def test_a_refunds_reason_is_cleaned_as_any_text():
    order = placed()
    mark_paid(order)

    refund = record_refund(order, amount=Decimal(5), method="cash", reason="Bro\x00ken \ud800")

    assert Payment.objects.get(pk=refund.pk).reason == "Broken ?"


@pytest.mark.parametrize("verb", [cancel, flag])
def test_a_reason_in_the_journal_is_cleaned_as_any_text(verb):
    order = placed()

    verb(order, reason="Out of\x00 stock \ud800")

    assert order.events.last().data["reason"] == "Out of stock ?"


def test_a_reason_for_taking_payments_back_is_cleaned_as_any_text():
    order = placed()
    mark_paid(order)

    mark_unpaid(order, reason="Boun\x00ced \ud800")

    assert order.payments.get().reason == order.events.last().data["reason"] == "Bounced ?"


def refund_with_long_reason(order):
    record_refund(order, amount=Decimal(5), method="cash", reason="x" * 501)


def take_back_with_long_reason(order):
    mark_unpaid(order, reason="x" * 501)


@pytest.mark.parametrize("verb", [refund_with_long_reason, take_back_with_long_reason])
def test_a_reason_too_long_for_the_ledger_is_refused_by_every_database(verb):
    order = placed()
    mark_paid(order)

    with pytest.raises(ValidationError) as refusal:
        verb(order)

    assert "shorten it to 500" in refusal.value.message_dict["reason"][0]


@pytest.mark.parametrize(("method", "remedy"), [("m" * 51, "shorten it to 50"), ("", "give a text")])
def test_a_method_of_payment_is_checked_by_every_verb(method, remedy):
    order = placed()

    with pytest.raises(ValidationError) as refusal:
        mark_paid(order, method=method)

    assert remedy in refusal.value.message_dict["method"][0]


def test_goods_of_a_total_too_large_are_refused_even_with_a_discount():
    dear = replace(MUG, quantity=99, unit_price=Decimal(999_999_999))

    errors = errors_of(lines=[dear, dear], discount_total=Decimal(99_999_999_901))

    assert list(errors) == ["lines"]


def test_what_is_missing_altogether_is_told_by_python():
    given = order_input()
    del given["email"]

    with pytest.raises(TypeError, match="email"):
        place_order(**given)
