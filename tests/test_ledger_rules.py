"""What the ledger says about an order, where two answers were possible."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from wagtail_orders.lifecycle import mark_paid, mark_unpaid, record_payment, record_refund
from wagtail_orders.models import Order

from .orders import placed

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("paid", "refunded", "status", "due"),
    [
        (0, 0, "unpaid", 42),
        (30, 0, "partially_paid", 12),
        (30, 10, "partially_paid", 12),
        (30, 30, "refunded", 0),
        (42, 0, "paid", 0),
        (42, 10, "partially_refunded", 0),
        (42, 42, "refunded", 0),
        (50, 0, "overpaid", 0),
        (50, 8, "paid", 0),
    ],
)
def test_an_order_awaits_payment_exactly_when_something_is_owed(paid, refunded, status, due):
    order = placed()
    if paid:
        record_payment(order, amount=paid, method="card")
    if refunded:
        record_refund(order, amount=refunded, method="card")
    assert (order.payment_status, order.amount_due) == (status, Decimal(due))
    assert Order.objects.awaiting_payment().exists() == (due > 0)


def test_a_refund_on_its_way_is_not_told_as_one_that_went_out():
    order = placed()
    record_payment(order, amount=42, method="card", reference="P")
    record_refund(order, amount=10, method="card", reference="R", state="pending")
    assert [event.kind for event in order.events.all()] == ["placed", "paid", "payment_recorded"]
    assert order.amount_refunded == 0
    record_refund(order, amount=10, method="card", reference="R")
    assert order.events.last().kind == "refunded"
    assert order.amount_refunded == 10


def test_what_a_person_voided_only_a_person_confirms_again(owner):
    order = placed()
    payment = {"amount": 42, "method": "bank_transfer", "reference": "STATEMENT-7"}
    record_payment(order, **payment, user=owner)
    mark_unpaid(order, user=owner)
    assert record_payment(order, **payment).state == "voided"
    assert order.payment_status == "unpaid"
    assert record_payment(order, **payment, user=owner).state == "confirmed"
    assert order.payment_status == "paid"


def test_money_that_comes_tomorrow_cannot_have_come():
    with pytest.raises(ValidationError, match="future"):
        mark_paid(placed(), received_on=timezone.now().date() + timedelta(days=3))


def test_a_payment_keeps_the_day_on_which_it_was_confirmed():
    order = placed()
    payment = {"amount": 42, "method": "card", "reference": "P"}
    record_payment(order, **payment, state="pending", received_on=date(2026, 1, 5))
    assert record_payment(order, **payment, received_on=date(2026, 1, 9)).received_on == date(2026, 1, 9)


def test_sums_that_no_column_holds_are_refused_and_the_order_can_still_be_read():
    order = placed()
    record_payment(order, amount=99_999_999_999, method="card")
    with pytest.raises(ValidationError, match="too large"):
        record_payment(order, amount=99_999_999_999, method="card")
    assert Order.objects.get(pk=order.pk).amount_paid == 99_999_999_999
