"""Parcels: what may be sent, what is left, what is corrected or taken back, and when an order is handled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from wagtail_orders.exceptions import TransitionRefused
from wagtail_orders.lifecycle import (
    archive,
    cancel,
    cancel_shipment,
    delete,
    mark_handled,
    mark_unhandled,
    ship,
    update_shipment,
)
from wagtail_orders.models import Order, Shipment, ShippingMethod

from .orders import MUG, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    """Two mugs and 1.5 kg of clay."""
    clay = replace(MUG, sku="CLAY", name="Argile", quantity=Decimal("1.5"), unit_price=Decimal("4.00"))
    return placed(lines=[MUG, clay])


@pytest.fixture
def mugs(order):
    return order.lines.get(sku="MUG-F")


@pytest.fixture
def clay(order):
    return order.lines.get(sku="CLAY")


def kinds(order):
    """What the journal tells since the order was placed."""
    return [event.kind for event in order.events.exclude(kind="placed")]


def contents(shipment):
    return {entry.line.sku: entry.quantity for entry in shipment.lines.all()}


def refusal_of(verb, *args, **kwargs):
    """The code of the reason for which the verb refuses; nothing may have changed."""
    orders, parcels = list(Order.objects.values()), list(Shipment.objects.values())
    with pytest.raises(TransitionRefused) as refusal:
        verb(*args, **kwargs)
    assert (orders, parcels) == (list(Order.objects.values()), list(Shipment.objects.values()))
    [reason] = refusal.value.refused.values()
    return reason.code


def test_a_parcel_takes_all_that_is_left_and_the_order_is_handled(order):
    shipment = ship(order)

    assert contents(shipment) == {"MUG-F": 2, "CLAY": Decimal("1.5")}
    assert order.fulfillment_status == "fulfilled"
    assert order.handled_at is not None
    assert kinds(order) == ["shipped", "handled"]
    assert order.events.get(kind="shipped").data["complete"] is True


def test_a_part_delivery_leaves_the_rest_for_the_next_parcel(order, mugs, clay):
    first = ship(order, lines={mugs: 1, clay.pk: Decimal("0.25")})

    assert contents(first) == {"MUG-F": 1, "CLAY": Decimal("0.25")}
    assert (order.fulfillment_status, order.handled_at) == ("partially_fulfilled", None)
    assert order.events.get(kind="shipped").data["complete"] is False
    assert kinds(order) == ["shipped"]

    assert contents(ship(order)) == {"MUG-F": 1, "CLAY": Decimal("1.25")}
    assert order.fulfillment_status == "fulfilled"
    assert kinds(order) == ["shipped", "shipped", "handled"]


def test_a_line_named_twice_counts_twice(order, mugs):
    assert contents(ship(order, lines={mugs: 1, mugs.pk: 1})) == {"MUG-F": 2}


@pytest.mark.parametrize("quantity", ["2.0001", 3, Decimal(2) + Decimal("0.5")])
def test_more_than_was_ordered_is_refused(order, mugs, quantity):
    assert refusal_of(ship, order, lines={mugs: quantity}) == "more_than_ordered"


def test_more_than_is_left_is_refused(order, mugs):
    ship(order, lines={mugs: 1})

    assert refusal_of(ship, order, lines={mugs: 2}) == "more_than_ordered"


def test_a_second_parcel_with_everything_is_refused(order):
    ship(order)

    assert refusal_of(ship, order) == "nothing_left"


def test_an_empty_parcel_follows_what_was_sent_already(order):
    ship(order)

    further = ship(order, lines={}, tracking_number="2 of 2")

    assert contents(further) == {}
    assert order.fulfillment_status == "fulfilled"
    assert kinds(order) == ["shipped", "handled", "shipped"]


def test_a_cancelled_order_is_not_sent(order):
    cancel(order)

    assert refusal_of(ship, order) == "cancelled"


def test_an_order_that_was_deleted_is_not_sent(order):
    twin = Order.objects.get(pk=order.pk)
    delete(order)

    assert refusal_of(ship, twin) == "gone"


@pytest.mark.parametrize("quantity", [0, -1, 1.0, "one", None, Decimal("0.00001"), Decimal("NaN")])
def test_a_quantity_that_is_none_is_refused(order, mugs, quantity):
    with pytest.raises(ValidationError) as refusal:
        ship(order, lines={mugs: quantity})

    assert list(refusal.value.message_dict) == ["lines"]
    assert not Shipment.objects.exists()


def test_another_orders_line_is_refused(order):
    with pytest.raises(ValidationError) as refusal:
        ship(order, lines={placed().lines.get(): 1})

    assert "is not a line of this order" in refusal.value.message_dict["lines"][0]


def test_handled_true_ends_a_part_delivery(order, mugs):
    ship(order, lines={mugs: 1}, handled=True)

    assert order.fulfillment_status == "fulfilled"
    assert order.events.get(kind="shipped").data["complete"] is False
    assert kinds(order) == ["shipped", "handled"]


def test_handled_false_keeps_a_complete_delivery_open(order):
    ship(order, handled=False)

    assert (order.fulfillment_status, order.handled_at) == ("partially_fulfilled", None)
    assert order.events.get(kind="shipped").data["complete"] is True
    assert kinds(order) == ["shipped"]


def test_a_parcel_of_an_order_handled_by_its_owner_leaves_it_handled(order, mugs):
    mark_handled(order)
    since = order.handled_at

    ship(order, lines={mugs: 1})

    assert (order.fulfillment_status, order.handled_at) == ("fulfilled", since)
    assert kinds(order) == ["handled", "shipped"]


def test_a_parcel_may_have_left_earlier_but_not_in_the_future(order, mugs):
    left = datetime(2026, 1, 2, 9, tzinfo=UTC)

    assert Shipment.objects.get(pk=ship(order, lines={mugs: 1}, shipped_at=left).pk).shipped_at == left
    with pytest.raises(ValidationError) as refusal:
        ship(order, shipped_at=timezone.now() + timedelta(days=3))
    assert list(refusal.value.message_dict) == ["shipped_at"]


def test_the_journal_tells_whether_the_customer_is_to_be_told(order, mugs):
    ship(order, lines={mugs: 1})
    ship(order, notify_customer=True)

    told = [event.data["notify_customer"] for event in order.events.filter(kind="shipped")]
    assert told == [False, True]


def test_a_corrected_parcel_tells_what_was_before(order):
    post = ShippingMethod.objects.create(name="Post")
    shipment = ship(order, tracking_number="1")

    corrected = update_shipment(shipment, tracking_number=" 2\n", shipping_method=post)

    assert (corrected.tracking_number, corrected.shipping_method_name) == ("2", "Post")
    data = order.events.get(kind="shipment_updated").data
    assert (data["before"]["tracking_number"], data["after"]["tracking_number"]) == ("1", "2")
    assert (data["before"]["method"], data["after"]["method"]) == ("", "Post")


def test_a_correction_that_changes_nothing_is_not_told(order):
    shipment = ship(order, tracking_number="1", tracking_url="https://example.com/1")

    update_shipment(shipment)
    update_shipment(shipment, tracking_url="https://example.com/1")

    assert kinds(order) == ["shipped", "handled"]


def test_the_customer_may_be_told_again_without_a_correction(order):
    shipment = ship(order, tracking_number="1")

    update_shipment(shipment, notify_customer=True)

    assert order.events.get(kind="shipment_updated").data["notify_customer"] is True


def test_a_cancelled_parcel_is_not_corrected(order):
    shipment = ship(order)
    cancel_shipment(shipment)

    assert refusal_of(update_shipment, shipment, tracking_number="2") == "parcel_cancelled"


def test_a_parcel_that_is_gone_is_not_corrected(order):
    shipment = ship(order)
    stray = Shipment(pk=shipment.pk + 1, order=order)

    with pytest.raises(ValidationError) as refusal:
        update_shipment(stray, tracking_number="2")

    assert list(refusal.value.message_dict) == ["shipment"]


def test_a_cancelled_parcels_goods_are_to_be_sent_again(order):
    shipment = ship(order)

    cancelled = cancel_shipment(shipment)

    order.refresh_from_db()
    assert cancelled.cancelled_at is not None
    assert (order.fulfillment_status, order.handled_at) == ("unfulfilled", None)
    assert kinds(order) == ["shipped", "handled", "shipment_cancelled", "unhandled"]
    assert contents(ship(order)) == {"MUG-F": 2, "CLAY": Decimal("1.5")}


def test_one_of_two_parcels_cancelled_leaves_the_order_partly_sent(order, mugs):
    ship(order, lines={mugs: 2})
    second = ship(order)

    cancel_shipment(second)

    order.refresh_from_db()
    assert (order.fulfillment_status, order.handled_at) == ("partially_fulfilled", None)
    assert contents(ship(order)) == {"CLAY": Decimal("1.5")}


def test_a_parcel_cancelled_of_a_delivery_its_owner_ended_leaves_it_handled(order, mugs):
    shipment = ship(order, lines={mugs: 1}, handled=True)

    cancel_shipment(shipment)

    order.refresh_from_db()
    assert order.fulfillment_status == "fulfilled"
    assert kinds(order) == ["shipped", "handled", "shipment_cancelled"]


def test_an_empty_parcel_cancelled_leaves_the_order_handled(order):
    ship(order)

    cancel_shipment(ship(order, lines={}))

    order.refresh_from_db()
    assert order.fulfillment_status == "fulfilled"


def test_a_parcel_is_cancelled_once(order):
    shipment = ship(order)
    since = cancel_shipment(shipment).cancelled_at
    told = kinds(order)

    assert cancel_shipment(shipment).cancelled_at == since
    assert kinds(order) == told


def test_an_archived_orders_parcel_is_not_cancelled(order):
    shipment = ship(order)
    archive(order)

    assert refusal_of(cancel_shipment, shipment) == "archived"


def test_an_order_is_handled_by_its_owner_paid_or_not_and_once(order):
    assert mark_handled(order).changed == [order]
    since = order.handled_at

    assert mark_handled(order).unchanged == [order]
    assert (order.fulfillment_status, order.handled_at) == ("fulfilled", since)
    assert order.payment_status == "unpaid"
    assert kinds(order) == ["handled"]


def test_an_order_marked_unhandled_is_where_its_parcels_say(order, mugs):
    other = placed()
    mark_handled(other)
    ship(order, lines={mugs: 1}, handled=True)

    outcome = mark_unhandled(Order.objects.all())

    assert set(outcome.changed) == {order, other}
    statuses = Order.objects.in_bulk()
    assert statuses[order.pk].fulfillment_status == "partially_fulfilled"
    assert statuses[other.pk].fulfillment_status == "unfulfilled"
    assert mark_unhandled(order).unchanged == [order]
    assert kinds(order) == ["shipped", "handled", "unhandled"]


def test_cancelled_orders_are_neither_marked_handled_nor_unhandled(order):
    cancel(order)

    for verb in (mark_handled, mark_unhandled):
        assert verb(order).refused[order].code == "cancelled"
    assert kinds(order) == ["cancelled"]


def test_an_archived_order_stays_handled(order):
    mark_handled(order)
    archive(order)

    assert mark_unhandled(order).refused[order].code == "archived"
    order.refresh_from_db()
    assert order.fulfillment_status == "fulfilled"


def test_what_the_owner_called_handled_stays_so_when_a_parcel_is_taken_back(order):
    mark_handled(order)
    parcel = ship(order)
    cancel_shipment(parcel)
    order.refresh_from_db()
    assert order.is_handled
    assert kinds(order) == ["handled", "shipped", "shipment_cancelled"]


def test_a_parcel_that_completed_the_order_opens_it_again_when_it_is_taken_back(order):
    parcel = ship(order, handled=True)
    cancel_shipment(parcel)
    order.refresh_from_db()
    assert order.fulfillment_status == "unfulfilled"
    assert kinds(order) == ["shipped", "handled", "shipment_cancelled", "unhandled"]


def test_a_part_delivery_that_the_owner_ended_stays_ended_when_it_is_taken_back(order, mugs):
    parcel = ship(order, lines={mugs: 1}, handled=True)
    cancel_shipment(parcel)
    order.refresh_from_db()
    assert order.is_handled


def test_a_link_of_its_own_stays_while_number_and_method_stay(order):
    parcel = ship(order, tracking_number="X1", tracking_url="https://carrier.example/my/link")
    told = update_shipment(parcel, tracking_number="X1", notify_customer=True)
    assert told.tracking_url == "https://carrier.example/my/link"
    assert update_shipment(parcel, tracking_number="X2").tracking_url == ""


@pytest.mark.parametrize("lines", [{}, []])
def test_a_first_parcel_must_hold_something(order, lines):
    with pytest.raises(ValidationError) as error:
        ship(order, lines=lines)
    assert list(error.value.message_dict) == ["lines"]
    assert not order.shipments.exists()


def test_a_corrected_parcel_makes_older_forms_stale(order):
    parcel = ship(order, tracking_number="1")
    before = Order.objects.get(pk=order.pk).version
    update_shipment(parcel, tracking_number="2")
    assert Order.objects.get(pk=order.pk).version > before
