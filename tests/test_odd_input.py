"""Input that is odd rather than wrong: refused at the right field, once, or taken as what it means."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from wagtail_orders.lifecycle import cancel, flag
from wagtail_orders.models import ShippingMethod

from .orders import MUG, placed
from .test_bad_input import at, errors_of, mug

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("country", ["ALL", "ß", "ZZ", "b", "B1"])
def test_only_two_letters_are_a_country(country):
    assert list(errors_of(**at(country=country))) == ["billing_address.country"]


@pytest.mark.parametrize("options", [["ab", "cd"], [("Colour",)], 5])
def test_options_are_pairs(options):
    assert list(errors_of(**mug(options=options))) == ["lines.0.options"]


@pytest.mark.parametrize("lines", [5, MUG])
def test_lines_are_several(lines):
    assert list(errors_of(lines=lines)) == ["lines"]


def test_a_sum_that_is_none_is_told_once():
    assert len(errors_of(**mug(total="abc"))["lines.0.total"]) == 1
    assert len(errors_of(total="abc")["total"]) == 1


def test_an_amount_of_five_thousand_digits_is_too_large():
    assert "too large" in errors_of(shipping_total=10**5000)["shipping_total"][0]


def test_the_same_order_written_otherwise_is_the_same():
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    method = ShippingMethod.objects.create(name="bpost")
    first = placed(idempotency_key="k", placed_at=moment, shipping_method=method, discount_total=0)
    method.name = "Bpost"
    method.save()
    elsewhere = moment.astimezone(ZoneInfo("Asia/Tokyo"))
    again = placed(
        idempotency_key="k", placed_at=elsewhere, shipping_method=method, discount_total=Decimal("-0.00")
    )
    assert again == first


def test_reasons_may_be_left_out():
    order = placed()
    flag(order, reason=None)
    cancel(order, reason=None)
    assert [event.data["reason"] for event in order.events.exclude(kind="placed")] == ["", ""]
