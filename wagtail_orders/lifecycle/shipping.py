"""Goods that go out: parcels, and whether an order is handled."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database, events
from ..models import (
    FulfillmentStatus,
    OrderAddress,
    OrderEvent,
    OrderLine,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)
from ..models.search import with_parcel
from ..tracking import build_link, missing
from . import outcome as reasons
from .batch import CHANGE, UNCHANGED, change, change_one, refuse, set_facts
from .checking import LINK_LENGTH, Checker


def ship(
    order,
    *,
    shipping_method=None,
    tracking_number="",
    tracking_url="",
    lines=None,
    notify_customer=False,
    handled=None,
    shipped_at=None,
    user=None,
):
    """
    Send a parcel with all that is left, or with ``lines`` (a mapping of ``OrderLine`` or its primary key to a
    quantity; an empty one is a further parcel of what was sent already). Without a ``tracking_url`` the
    shipping method (the order's own by default) makes one of ``tracking_number``.

    Writes the event ``shipped``; the order is partly sent, or handled (event ``handled`` too) once nothing
    is left. ``handled`` says otherwise: True ends a part delivery, False keeps a complete one open. Refuses
    a cancelled order, one with nothing left, and more than was ordered (``TransitionRefused``); a link that
    is not http(s) or a quantity that is none is a ``ValidationError``. ``notify_customer`` has a mail with the
    tracking links sent.
    """
    facts = _check_parcel(tracking_number, tracking_url, shipped_at)

    def work(fresh):
        if fresh.is_cancelled:
            refuse(fresh, reasons.CANCELLED)
        left = _left_to_send(fresh)
        quantities = _quantities(fresh, lines, left)
        method = shipping_method or _method(fresh)
        shipment = _write_shipment(fresh, method, facts, quantities, is_told=notify_customer and fresh.email)
        complete = all(left[pk] == quantities.get(pk, 0) for pk in left)
        is_handled = fresh.is_handled or (complete if handled is None else handled)
        _after_parcel(fresh, shipment, complete, is_handled, notify_customer, user)
        return shipment

    return change_one(order, work)


def _check_parcel(tracking_number, tracking_url, shipped_at=None):
    checker = Checker()
    facts = {
        **parcel_facts(checker, tracking_number, tracking_url),
        "shipped_at": timezone.now() if shipped_at is None else checker.moment("shipped_at", shipped_at),
    }
    checker.raise_errors()
    return facts


def parcel_facts(checker, tracking_number, tracking_url, *, prefix=""):
    """A parcel's number and link, checked; ``prefix`` says in the errors which parcel it is."""
    return {
        "tracking_number": checker.text(f"{prefix}tracking_number", tracking_number, most=255),
        "tracking_url": checker.web_link(f"{prefix}tracking_url", tracking_url),
    }


def _left_to_send(order):
    return left_to_send([order.pk])[order.pk]


def left_to_send(pks):
    """For each order's primary key, and for each of its lines', the quantity that lies in no parcel yet."""
    left = {pk: {} for pk in pks}
    lines = database.primary(OrderLine).filter(order__in=pks)
    for order, line, quantity in lines.values_list("order_id", "pk", "quantity"):
        left[order][line] = quantity
    sent = database.primary(ShipmentLine).filter(shipment__order__in=pks, shipment__cancelled_at__isnull=True)
    for order, line, quantity in sent.values_list("shipment__order_id", "line_id", "quantity"):
        left[order][line] -= quantity
    return left


def _quantities(order, lines, left):
    if lines is None:
        if not any(left.values()):
            refuse(order, reasons.NOTHING_LEFT)
        return {pk: quantity for pk, quantity in left.items() if quantity}
    checker = Checker()
    if not isinstance(lines, Mapping):
        checker.refuse("lines", _("Give a dictionary of lines and their quantities."))
        checker.raise_errors()
    if not lines and not database.primary(Shipment).sent().filter(order=order).exists():
        checker.refuse("lines", _("Nothing was sent yet, so there must be something in the parcel."))
    quantities = defaultdict(Decimal)
    for line, quantity in lines.items():
        pk = getattr(line, "pk", line)
        if pk not in left:
            checker.refuse("lines", _("%(line)r is not a line of this order.") % {"line": line})
            continue
        quantities[pk] += checker.decimal("lines", quantity, places=4, above=0)
    checker.raise_errors()
    if any(quantity > left[pk] for pk, quantity in quantities.items()):
        refuse(order, reasons.MORE_THAN_ORDERED)
    return dict(quantities)


def _method(owner):
    """The shipping method of an order or a parcel, if it still exists."""
    return database.primary(ShippingMethod).filter(pk=owner.shipping_method_id).first()


def _link(order, method, tracking_number):
    addresses = database.primary(OrderAddress).filter(order=order, kind=OrderAddress.Kind.SHIPPING)
    address = addresses.first()
    return link_for(method, tracking_number, address, order.language)


def link_for(method, tracking_number, address, language):
    """The link that follows a parcel: empty where the method has none, or where something it needs is missing."""
    if method is None:
        return ""
    template = method.tracking_url_template
    place = {
        "postcode": address.postal_code if address else "",
        "country": address.country if address else "",
    }
    if missing(template, carrier=method.carrier, **place):
        return ""
    link = build_link(template, number=tracking_number, language=language, **place)
    return link if len(link) <= LINK_LENGTH else ""


def new_shipment(order, method, facts, *, notified_at):
    """A parcel that is to be written."""
    return Shipment(
        order=order,
        shipping_method=method,
        shipping_method_name=method.name if method else order.shipping_method_name,
        notified_at=notified_at,
        **facts,
    )


def _write_shipment(order, method, facts, quantities, *, is_told):
    url = facts["tracking_url"] or _link(order, method, facts["tracking_number"])
    notified_at = timezone.now() if is_told else None
    shipment = new_shipment(order, method, {**facts, "tracking_url": url}, notified_at=notified_at)
    shipment.save(using=database.alias_for(Shipment))
    if is_told:
        note_told([order], notified_at)
    database.insert_all(
        ShipmentLine,
        [
            ShipmentLine(shipment=shipment, line_id=pk, quantity=quantity)
            for pk, quantity in quantities.items()
        ],
    )
    return shipment


def note_told(orders, moment):
    """Note that the customers are told of all parcels that they were not told of yet: a mail names all."""
    untold = database.primary(Shipment).sent().filter(order__in=orders, notified_at=None)
    untold.update(notified_at=moment)


def _after_parcel(order, shipment, complete, is_handled, notify_customer, user):
    now = timezone.now()
    becomes_handled = is_handled and not order.is_handled
    status = FulfillmentStatus.FULFILLED if is_handled else FulfillmentStatus.PARTIALLY_FULFILLED
    set_facts(
        [order],
        now,
        fulfillment_status=status,
        search_text=with_parcel(order.search_text, shipment.tracking_number),
        handled_at=(order.handled_at or shipment.shipped_at) if is_handled else None,
    )
    happenings = parcel_happenings(
        shipment, complete=complete, becomes_handled=becomes_handled, notify_customer=notify_customer
    )
    events.record_mixed([(order, kind, data) for kind, data in happenings], user=user, now=now)


def parcel_happenings(shipment, *, complete, becomes_handled, notify_customer):
    """The kinds and data of the events that a parcel is."""
    told = {"complete": complete, "notify_customer": notify_customer}
    happenings = [(OrderEvent.Kind.SHIPPED, {**_describe(shipment), **told})]
    if becomes_handled:
        # Only a parcel that completed the order takes "handled" away again when it is taken back.
        happenings.append((OrderEvent.Kind.HANDLED, {"shipment": shipment.pk} if complete else {}))
    return happenings


def update_shipment(
    shipment,
    *,
    shipping_method=None,
    tracking_number=None,
    tracking_url=None,
    notify_customer=False,
    user=None,
):
    """
    Correct a parcel's method, number or link; what is not given stays. A new number or method makes a new
    link unless one is given. Writes ``shipment_updated`` with what was before, if anything changed. Refuses
    a cancelled parcel.
    """
    facts = _check_parcel(tracking_number or "", tracking_url or "")

    def work(order):
        fresh = _fresh(order, shipment)
        before, known = _describe(fresh), (fresh.shipping_method_id, fresh.tracking_number)
        if shipping_method is not None:
            fresh.shipping_method, fresh.shipping_method_name = shipping_method, shipping_method.name
        if tracking_number is not None:
            fresh.tracking_number = facts["tracking_number"]
        if tracking_url is not None:
            fresh.tracking_url = facts["tracking_url"]
        elif (fresh.shipping_method_id, fresh.tracking_number) != known:
            fresh.tracking_url = _link(order, shipping_method or _method(fresh), fresh.tracking_number)
        after = _describe(fresh)
        if after == before and not notify_customer:
            return fresh
        if notify_customer and order.email:
            fresh.notified_at = timezone.now()
        fresh.save()
        set_facts([order], timezone.now(), search_text=with_parcel(order.search_text, fresh.tracking_number))
        data = {"shipment": fresh.pk, "before": before, "after": after, "notify_customer": notify_customer}
        events.record([(order, data)], kind=OrderEvent.Kind.SHIPMENT_UPDATED, user=user)
        return fresh

    return change_one(shipment.order, work)


def cancel_shipment(shipment, *, user=None):
    """
    Take a parcel back that did not leave: its quantities are to be sent again, and an order that was
    handled because everything had been sent no longer is. Writes ``shipment_cancelled`` (and ``unhandled``).
    A cancelled parcel is unchanged; an archived order's parcel is refused. Returns the parcel.
    """

    def work(order):
        fresh = _fresh(order, shipment, cancelled=True)
        if fresh.cancelled_at:
            return fresh
        if order.is_archived:
            refuse(order, reasons.ARCHIVED)
        now = timezone.now()
        was_complete = not any(_left_to_send(order).values())
        fresh.cancelled_at = now
        fresh.save(update_fields=["cancelled_at"])
        is_incomplete = was_complete and any(_left_to_send(order).values())
        stays_handled = order.is_handled and not (is_incomplete and _parcels_made_it_handled(order))
        _after_cancelled_parcel(order, fresh, stays_handled, now, user)
        return fresh

    return change_one(shipment.order, work)


def _parcels_made_it_handled(order):
    """Whether the last word on "handled" came with a parcel, not from the owner."""
    handled = database.primary(OrderEvent).filter(order=order, kind=OrderEvent.Kind.HANDLED)
    last = handled.order_by("pk").last()
    return last is not None and "shipment" in last.data


def _after_cancelled_parcel(order, shipment, stays_handled, now, user):
    happenings = [(order, OrderEvent.Kind.SHIPMENT_CANCELLED, _describe(shipment))]
    if order.is_handled and not stays_handled:
        happenings.append((order, OrderEvent.Kind.UNHANDLED, {"shipment": shipment.pk}))
    facts = {}
    if not stays_handled:
        has_parcels = database.primary(Shipment).sent().filter(order=order).exists()
        facts = {"fulfillment_status": _status(has_parcels=has_parcels), "handled_at": None}
    set_facts([order], now, **facts)
    events.record_mixed(happenings, user=user, now=now)


def _status(*, has_parcels):
    """The status of an order that is not handled."""
    return FulfillmentStatus.PARTIALLY_FULFILLED if has_parcels else FulfillmentStatus.UNFULFILLED


def _fresh(order, shipment, *, cancelled=False):
    fresh = database.primary(Shipment).filter(order=order, pk=shipment.pk).first()
    if fresh is None:
        raise ValidationError({"shipment": [_("This parcel does not exist any more.")]})
    if fresh.cancelled_at and not cancelled:
        refuse(order, reasons.PARCEL_CANCELLED)
    return fresh


def _describe(shipment):
    return {
        "shipment": shipment.pk,
        "method": shipment.shipping_method_name,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
    }


def mark_handled(orders, *, dry_run=False, user=None):
    """
    Note that nothing is left to do for each order (one ``Order`` or a queryset), paid or not. A handled one
    is unchanged, a cancelled one refused. Event ``handled``. Returns an ``Outcome``.
    """

    def judge(order):
        if order.is_cancelled:
            return reasons.CANCELLED
        return UNCHANGED if order.is_handled else CHANGE

    def write(batch):
        batch.set(fulfillment_status=FulfillmentStatus.FULFILLED, handled_at=batch.now)

    return change(orders, judge=judge, write=write, kind=OrderEvent.Kind.HANDLED, dry_run=dry_run, user=user)


def mark_unhandled(orders, *, dry_run=False, user=None):
    """
    Take "handled" back: the order is to send again, or partly sent if it has parcels. One that is not
    handled is unchanged; a cancelled or archived one is refused. Event ``unhandled``. Returns an
    ``Outcome``.
    """

    def judge(order):
        if order.is_cancelled:
            return reasons.CANCELLED
        if not order.is_handled:
            return UNCHANGED
        return reasons.ARCHIVED if order.is_archived else CHANGE

    def write(batch):
        pks = [order.pk for order in batch.orders]
        with_parcels = set(
            database.primary(Shipment).sent().filter(order__in=pks).values_list("order_id", flat=True)
        )
        batch.set_each(
            lambda order: {
                "fulfillment_status": _status(has_parcels=order.pk in with_parcels),
                "handled_at": None,
            }
        )

    return change(
        orders, judge=judge, write=write, kind=OrderEvent.Kind.UNHANDLED, dry_run=dry_run, user=user
    )
