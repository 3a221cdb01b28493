"""Exports read rows past the models, and still read the same on every database."""

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wagtail_orders.exports.reading import (
    amount,
    amounts,
    iso_moment,
    local_moments,
    moment,
    plain,
    price,
    rows,
)
from wagtail_orders.models import Order, OrderLine

from .orders import MUG, placed

PLACED_AT = datetime(2026, 3, 5, 23, 15, 7, 123456, tzinfo=UTC)

money = st.decimals(0, Decimal("99999999999.9999"), places=4)
#: A decimal as each database's driver may give it.
as_given = st.sampled_from(
    [lambda value: value, float, lambda value: int(value) if value % 1 == 0 else value]
)


@given(money, st.integers(0, 4), as_given)
@example(Decimal("0.125"), 2, float)
@example(Decimal("1.005"), 2, float)
@example(Decimal("2.5"), 0, float)
@example(Decimal("99999999999.9950"), 2, float)
def test_an_amount_is_rounded_half_up_from_whatever_the_driver_gives(value, digits, given_as):
    expected = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    assert amount(given_as(value), digits) == f"{expected:f}"


@given(st.decimals(0, Decimal("999999999.999999"), places=6), as_given)
@example(Decimal("0.000001"), float)
@example(Decimal("1000.000000"), lambda value: value)
def test_a_plain_number_is_exact_and_short(value, given_as):
    written = plain(given_as(value))
    assert Decimal(written) == value
    assert set(written) <= set("0123456789.")
    assert not written.endswith(".")
    assert "." not in written or not written.endswith("0")


@given(st.lists(st.tuples(money, as_given, st.integers(0, 4))), st.integers(0, 4), st.booleans())
def test_a_column_of_amounts_is_the_same_as_its_amounts(entries, common, is_mixed):
    values = [given_as(value) for value, given_as, _digits in entries]
    digits = [own if is_mixed else common for *_value, own in entries]
    assert amounts(values, digits) == list(map(amount, values, digits))


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (18.5, 2, "18.50"),
        (Decimal("3.125000"), 2, "3.125"),
        (1800, 0, "1800"),
        (7, 3, "7.000"),
        (None, 2, ""),
    ],
)
def test_a_price_has_the_decimals_of_its_currency_or_more(value, digits, written):
    assert price(value, digits) == written


@given(
    st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)) | st.none()),  # noqa: DTZ001
    st.timezones(),
    st.booleans(),
)
@example([datetime(2026, 3, 29, 0, 59), datetime(2026, 3, 29, 1)], ZoneInfo("Europe/Brussels"), False)  # noqa: DTZ001
def test_moments_are_right_in_any_time_zone(values, zone, are_aware):
    values = [value and value.replace(tzinfo=UTC if are_aware else None) for value in values]
    aware = [moment(value) for value in values]
    assert local_moments(values, zone) == [
        value and value.astimezone(zone).replace(tzinfo=None) for value in aware
    ]
    assert [datetime.fromisoformat(iso_moment(value)) for value in values if value] == [*filter(None, aware)]


def test_nothing_stays_nothing():
    assert (amount(None, 2), plain(None), iso_moment(None), moment(None)) == ("", "", "", None)


@pytest.mark.django_db
def test_rows_are_the_same_on_every_database(site, django_assert_num_queries):
    order = placed(placed_at=PLACED_AT, lines=[MUG], customer_note="Zoë’s\nnote 🎈")
    Order.objects.filter(pk=order.pk).update(paid_at=None)
    OrderLine.objects.filter(order=order).update(
        options=[["Colour", "Green"]], unit_price=Decimal("18.500001")
    )
    with django_assert_num_queries(1):
        [(total, archived, placed_at, paid_at, note, host)] = rows(
            Order.objects.filter(pk__in=[order.pk]),
            "total",
            "is_archived",
            "placed_at",
            "paid_at",
            "customer_note",
            "site__hostname",
        )
    assert (amount(total, 2), bool(archived), note) == ("42.00", False, "Zoë’s\nnote 🎈")
    assert (moment(placed_at), moment(paid_at)) == (PLACED_AT, None)
    assert host == order.site.hostname
    [(options, price)] = rows(order.lines.all(), "options", "unit_price")
    assert isinstance(options, str)
    assert (json.loads(options), plain(price)) == ([["Colour", "Green"]], "18.500001")


@pytest.mark.django_db
def test_rows_of_nothing_ask_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert rows(Order.objects.filter(pk__in=[]), "number") == []


@pytest.mark.django_db
def test_a_moment_is_right_without_time_zones_too(site, settings):
    with_zones = rows(Order.objects.filter(pk=placed(placed_at=PLACED_AT).pk), "placed_at")
    settings.USE_TZ = False
    local = datetime(2026, 3, 6, 0, 15, 7, 123456)  # noqa: DTZ001
    without = rows(Order.objects.filter(pk=placed(placed_at=local).pk), "placed_at")
    assert moment(with_zones[0][0]) == moment(without[0][0]) == PLACED_AT
