"""Goods that go out together: the parcels of many orders, written chunk by chunk."""

from dataclasses import dataclass

from .. import database
from ..models import (
    FulfillmentStatus,
    Order,
    OrderAddress,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)
from ..models.search import with_parcel
from . import outcome as reasons
from .batch import CHANGE, DRY_CHUNK, change
from .checking import Checker
from .outcome import Outcome
from .shipping import left_to_send, link_for, new_shipment, note_told, parcel_facts, parcel_happenings


@dataclass(frozen=True)
class Parcel:
    """
    One parcel for ``ship_many``: ``order`` is an ``Order`` or its primary key; without a method it goes by the
    order's own, and without a link the method makes one of the number.
    """

    order: Order | int
    tracking_number: str = ""
    tracking_url: str = ""
    shipping_method: ShippingMethod | None = None


def ship_many(parcels, *, notify_customer=False, handled=None, dry_run=False, user=None):
    """
    Send the ``Parcel``s of many orders, as ``ship`` sends one. An order's first one takes all that is left to
    send; its others are further parcels of that. Writes the same events as ``ship``; ``handled=False`` keeps the
    orders open. ``notify_customer`` has one mail an order sent, about all of its parcels.

    Refuses an order that is cancelled, has nothing left to send or does not exist any more, with all its parcels;
    what is sent a second time is therefore refused. A number that is too long or a link that is not http(s) is a
    ``ValidationError`` that names the parcel by its position (``parcels.0.tracking_number``), and nothing is
    written. Returns an ``Outcome`` of the orders; the instances that came with the parcels stay as they were
    read. ``dry_run`` locks and writes nothing.
    """
    dispatch = _Dispatch(parcels, notify_customer, handled)
    outcome = Outcome()
    pks = sorted(dispatch.parcels)
    for start in range(0, len(pks), DRY_CHUNK):
        outcome.add(
            change(
                database.primary(Order).filter(pk__in=pks[start : start + DRY_CHUNK]),
                prepare=dispatch.prepare,
                judge=dispatch.judge,
                write=dispatch.write,
                happenings=dispatch.happenings,
                dry_run=dry_run,
                user=user,
            )
        )
    found = {order.pk for order in (*outcome.changed, *outcome.refused)}
    outcome.refused |= {order: reasons.GONE for pk, order in dispatch.orders.items() if pk not in found}
    return outcome


class _Dispatch:
    """All parcels that are to leave, by their orders' primary keys, and what is left of the orders at hand."""

    def __init__(self, parcels, notify_customer, handled):
        self.notify_customer = notify_customer
        self.is_handling = handled is None or bool(handled)
        self.parcels, self.orders = {}, {}
        self.left, self.sent, self.handled_now = {}, {}, set()
        checker = Checker()
        for position, parcel in enumerate(parcels):
            facts = parcel_facts(
                checker, parcel.tracking_number, parcel.tracking_url, prefix=f"parcels.{position}."
            )
            order = _order_of(parcel)
            self.orders.setdefault(order.pk, order)
            self.parcels.setdefault(order.pk, []).append((parcel.shipping_method, facts))
        checker.raise_errors()

    def prepare(self, orders):
        self.left = left_to_send([order.pk for order in orders])

    def judge(self, order):
        if order.is_cancelled:
            return reasons.CANCELLED
        return CHANGE if any(self.left[order.pk].values()) else reasons.NOTHING_LEFT

    def write(self, batch):
        self._send(batch)
        self.handled_now = {order.pk for order in batch.orders if self.is_handling and not order.is_handled}
        status = FulfillmentStatus.FULFILLED if self.is_handling else FulfillmentStatus.PARTIALLY_FULFILLED
        facts = {"fulfillment_status": status, "handled_at": batch.now if self.is_handling else None}
        batch.set_each(lambda order: {} if order.is_handled else facts)
        for order in batch.orders:
            for shipment in self.sent[order.pk]:
                order.search_text = with_parcel(order.search_text, shipment.tracking_number)
        database.update_all(Order, batch.orders, ["search_text"])

    def happenings(self, order):
        sent = self.sent[order.pk]
        for shipment in sent:
            yield from parcel_happenings(
                shipment,
                complete=True,
                becomes_handled=order.pk in self.handled_now and shipment is sent[0],
                # One mail names them all.
                notify_customer=self.notify_customer and shipment is sent[-1],
            )

    def _send(self, batch):
        """Write the parcels of a chunk's orders, and what lies in the first of each."""
        pks = [order.pk for order in batch.orders]
        keys = {order.shipping_method_id for order in batch.orders} - {None}
        methods = database.primary(ShippingMethod).in_bulk(keys)
        addresses = database.primary(OrderAddress).filter(order__in=pks, kind=OrderAddress.Kind.SHIPPING)
        address_of = {address.order_id: address for address in addresses}
        self.sent = {
            order.pk: list(
                self._shipments(
                    order, methods.get(order.shipping_method_id), address_of.get(order.pk), batch.now
                )
            )
            for order in batch.orders
        }
        if self.notify_customer:
            note_told([order for order in batch.orders if order.email], batch.now)
        database.insert_all(Shipment, [shipment for sent in self.sent.values() for shipment in sent])
        database.insert_all(
            ShipmentLine,
            [
                ShipmentLine(shipment=self.sent[pk][0], line_id=line, quantity=quantity)
                for pk in pks
                for line, quantity in self.left[pk].items()
                if quantity
            ],
        )

    def _shipments(self, order, own_method, address, now):
        for method, facts in self.parcels[order.pk]:
            method = method or own_method
            link = link_for(method, facts["tracking_number"], address, order.language)
            yield new_shipment(
                order,
                method,
                {**facts, "tracking_url": facts["tracking_url"] or link, "shipped_at": now},
                notified_at=now if self.notify_customer and order.email else None,
            )


def _order_of(parcel):
    order = (
        parcel.order if isinstance(parcel.order, Order) else Order(pk=Order._meta.pk.to_python(parcel.order))
    )
    if order.pk is None:
        raise Order.DoesNotExist("This order was never placed, or is deleted.")
    return order
