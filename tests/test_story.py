"""One order's whole life: placed, paid, sent, handled, archived, exported; every fact, event, signal and log entry."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from lxml import etree
from wagtail.models import ModelLogEntry

from wagtail_orders.exports import Selection, formats
from wagtail_orders.lifecycle import add_note, archive, mark_paid, place_order, ship, unarchive
from wagtail_orders.models import Order, OrderEvent, ShippingMethod

from .orders import order_input

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bpost(db):
    return ShippingMethod.objects.create(
        name="bpost", tracking_url_template="https://track.bpost.cloud/btr/web/#/search?itemCode={number}"
    )


def just_now(moment):
    return moment is not None and timedelta(0) <= timezone.now() - moment < timedelta(minutes=1)


def test_an_order_from_the_shop_to_the_archive(site, owner, bpost, heard):
    order = place_order(**order_input(shipping_method=bpost, idempotency_key="basket-4711", site=site))
    the_order_stands_as_it_was_placed(order, site)

    mark_paid(order, received_on=date(2026, 11, 22), user=owner).raise_if_refused()
    the_money_is_in_the_ledger(order, owner)

    note = add_note(order, text="Ready at the counter", user=owner)
    assert (note.author, note.visible_to_customer) == (owner, False)

    parcel = ship(order, tracking_number="3232 11", notify_customer=True, user=owner)
    the_parcel_left_and_the_order_is_handled(order, parcel, bpost)

    archive(order, user=owner).raise_if_refused()
    assert order.is_archived
    assert just_now(order.archived_at)
    assert list(Order.objects.archived()) == [order]
    assert not Order.objects.current().exists()

    unarchive(order, user=owner).raise_if_refused()
    assert (order.is_archived, order.archived_at) == (False, None)
    archive(order, user=owner).raise_if_refused()

    everything_is_in_the_journal(order, owner)
    every_signal_went_out_once(order, heard)
    the_owners_actions_are_in_wagtails_log(order, owner)
    all_of_it_is_in_an_export(order)


def the_order_stands_as_it_was_placed(order, site):
    order = Order.objects.get(pk=order.pk)
    assert order.number == f"{timezone.localtime().year}-00001"
    assert len(order.token) == 40
    assert order.site == site
    assert (order.status, order.payment_status, order.fulfillment_status) == ("open", "unpaid", "unfulfilled")
    assert (order.subtotal, order.shipping_total, order.total) == (Decimal(37), Decimal(5), Decimal(42))
    assert order.tax_total == Decimal("7.29")
    assert order.taxes == [{"rate": "21", "net": "34.71", "tax": "7.29"}]
    assert (order.amount_paid, order.amount_due) == (Decimal(0), Decimal(42))
    assert (order.paid_at, order.handled_at, order.archived_at, order.cancelled_at) == (None,) * 4
    assert just_now(order.placed_at)
    assert order.shipping_method_name == "bpost"
    assert order.billing_address.postal_lines("fr") == [
        "Zoë Müller",
        "12 rue de l'Église",
        "1050 IXELLES",
        "Belgique",
    ]
    assert order.shipping_address.city == "Ixelles"
    [line] = order.lines.all()
    assert (line.sku, line.name, line.quantity, line.unit_price, line.total) == (
        "MUG-F",
        "Tasse en grès « Forêt »",
        Decimal(2),
        Decimal("18.50"),
        Decimal(37),
    )


def the_money_is_in_the_ledger(order, owner):
    [payment] = order.payments.all()
    assert (payment.kind, payment.state, payment.amount) == ("payment", "confirmed", Decimal(42))
    assert (payment.method, payment.reference, payment.is_manual) == ("manual", None, True)
    assert (payment.received_on, payment.recorded_by) == (date(2026, 11, 22), owner)
    assert (order.payment_status, order.amount_paid, order.amount_due) == ("paid", Decimal(42), Decimal(0))
    assert just_now(order.paid_at)


def the_parcel_left_and_the_order_is_handled(order, parcel, bpost):
    assert parcel.shipping_method == bpost
    assert parcel.tracking_url == "https://track.bpost.cloud/btr/web/#/search?itemCode=323211"
    assert [(line.line, line.quantity) for line in parcel.lines.all()] == [
        (order.lines.get(), Decimal(2)),
    ]
    assert order.fulfillment_status == "fulfilled"
    assert just_now(order.handled_at)


def everything_is_in_the_journal(order, owner):
    events = list(OrderEvent.objects.all())
    assert [(event.kind, event.actor) for event in events] == [
        ("placed", None),
        ("paid", owner),
        ("note_added", owner),
        ("shipped", owner),
        ("handled", owner),
        ("archived", owner),
        ("unarchived", owner),
        ("archived", owner),
    ]
    assert {event.order for event in events} == {order}
    placed, paid, note, shipped, *_ = [event.data for event in events]
    assert placed == {"total": "42.00", "currency": "EUR"}
    assert (paid["amount"], paid["method"], paid["received_on"]) == ("42.00", "manual", "2026-11-22")
    assert note == {"note": order.notes.get().pk, "visible_to_customer": False}
    assert (shipped["tracking_number"], shipped["complete"]) == ("3232 11", True)
    assert shipped["notify_customer"] is True


def every_signal_went_out_once(order, heard):
    events = list(OrderEvent.objects.all())
    assert [(kind, event) for kind, _, event in heard] == [(event.kind, event) for event in events]
    assert {signalled for _, signalled, _ in heard} == {order}
    assert all(just_now(event.dispatched_at) and event.next_dispatch_at is None for event in events)


def the_owners_actions_are_in_wagtails_log(order, owner):
    entries = ModelLogEntry.objects.filter(object_id=str(order.pk)).order_by("pk")
    assert [entry.action for entry in entries] == [
        f"wagtail_orders.{kind}"
        for kind in ("paid", "note_added", "shipped", "handled", "archived", "unarchived", "archived")
    ]
    assert {(entry.user, entry.label) for entry in entries} == {(owner, order.number)}
    assert [str(entry.message) for entry in entries][:3] == [
        "Paid: €42.00 (By hand)",
        "Note written",
        "Sent: bpost 3232 11",
    ]
    assert order.version == 6, "paid, shipped, archived, unarchived, archived: one each after placing"


def all_of_it_is_in_an_export(order):
    content = b"".join(formats()["xml"].write(Selection.of(Order.objects.archived())))
    [exported] = etree.fromstring(content)
    assert exported.get("number") == order.number
    told = {
        "customer/name": "Zoë Müller",
        "lines/line/sku": "MUG-F",
        "totals/total": "42.00",
        "payments/payment/received_on": "2026-11-22",
        "shipments/shipment/tracking_number": "3232 11",
        "notes/note/text": "Ready at the counter",
        "archived_at": order.archived_at.isoformat(),
    }
    found = {path: exported.findtext("/".join(f"{{*}}{name}" for name in path.split("/"))) for path in told}
    assert found == told
