"""Words about an order: notes, corrected customer details, and what needs the owner's look."""

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from .. import database, events
from ..exceptions import StaleOrder
from ..models import Order, OrderAddress, OrderEvent, OrderLine, OrderNote, Shipment
from ..models.search import search_text
from .batch import CHANGE, UNCHANGED, change, change_one, lock, set_facts
from .checking import Checker, clean_text
from .inputs import Address, check_address

_ADDRESS_FACTS = tuple(Address.__dataclass_fields__)


def add_note(order, *, text, visible_to_customer=False, user=None):
    """
    Write a note on the order; ``user`` is its author. Event ``note_added``. Returns the note. Refused if the
    order does not exist any more (``TransitionRefused``).
    """
    text = _check_text(text)

    def work():
        lock(order)
        note = database.primary(OrderNote).create(
            order_id=order.pk, text=text, author=user, visible_to_customer=visible_to_customer
        )
        data = {"note": note.pk, "visible_to_customer": visible_to_customer}
        events.record([(order, data)], kind=OrderEvent.Kind.NOTE_ADDED, user=user)
        return note

    return database.in_transaction(OrderNote, work)


def edit_note(note, *, text=None, visible_to_customer=None, user=None):
    """
    Change a note's text, or whether the customer may see it; what is not given stays. A ``user`` may only
    change notes of their own (``PermissionDenied``). Event ``note_edited`` with what was before, if
    anything changed. Returns the note; ``OrderNote.DoesNotExist`` if it is gone.
    """
    text = None if text is None else _check_text(text)

    def work():
        fresh = _own_note(note, user)
        before = {"text": fresh.text, "visible_to_customer": fresh.visible_to_customer}
        fresh.text = fresh.text if text is None else text
        if visible_to_customer is not None:
            fresh.visible_to_customer = visible_to_customer
        if before == {"text": fresh.text, "visible_to_customer": fresh.visible_to_customer}:
            return fresh
        fresh.edited_at = timezone.now()
        fresh.save()
        data = {"note": fresh.pk, "before": before}
        events.record([(fresh.order, data)], kind=OrderEvent.Kind.NOTE_EDITED, user=user)
        return fresh

    return database.in_transaction(OrderNote, work)


def delete_note(note, *, user=None):
    """
    Delete a note; a ``user`` only one of their own (``PermissionDenied``). Event ``note_deleted`` with its
    text. A note that is gone already is no error. Returns whether it was there.
    """

    def work():
        try:
            fresh = _own_note(note, user)
        except OrderNote.DoesNotExist:
            return False
        before = {"text": fresh.text, "visible_to_customer": fresh.visible_to_customer}
        data = {"note": fresh.pk, "before": before}
        fresh.delete()
        events.record([(fresh.order, data)], kind=OrderEvent.Kind.NOTE_DELETED, user=user)
        return True

    return database.in_transaction(OrderNote, work)


def _check_text(text):
    checker = Checker()
    text = checker.text("text", text, most=50_000, required=True, lines=True)
    checker.raise_errors()
    return text


def _own_note(note, user):
    fresh = database.locked(database.primary(OrderNote).filter(pk=note.pk)).get()
    fresh.order = database.primary(Order).get(pk=fresh.order_id)
    if user is not None and fresh.author_id != user.pk:
        raise PermissionDenied
    return fresh


def edit_customer(
    order,
    *,
    customer_name=None,
    email=None,
    phone=None,
    customer_note=None,
    billing_address=None,
    shipping_address=None,
    version=None,
    user=None,
):
    """
    Correct the customer's name, e-mail, phone, remarks or addresses (``Address``); what is not given stays.
    ``version`` is the one the caller has read: raises ``StaleOrder`` if the order was changed since. Event
    ``customer_edited`` with each field before and after, if anything changed. Returns the order.
    """
    facts, addresses = _check_customer(
        customer_name, email, phone, customer_note, billing_address, shipping_address
    )

    def work(fresh):
        if version is not None and version != fresh.version:
            raise StaleOrder(given=version, current=fresh)
        changes = {
            name: {"before": getattr(fresh, name), "after": value}
            for name, value in facts.items()
            if getattr(fresh, name) != value
        }
        for address in addresses:
            changes |= _replace_address(fresh, address)
        if changes:
            now = timezone.now()
            changed = {name: facts[name] for name in changes if name in facts}
            for name, value in changed.items():
                setattr(fresh, name, value)
            set_facts([fresh], now, search_text=_search_text(fresh), **changed)
            events.record(
                [(fresh, {"changes": changes})], kind=OrderEvent.Kind.CUSTOMER_EDITED, user=user, now=now
            )
        return order

    return change_one(order, work)


def _check_customer(customer_name, email, phone, customer_note, billing_address, shipping_address):
    checker = Checker()
    facts = {}
    if customer_name is not None:
        facts["customer_name"] = checker.text("customer_name", customer_name, most=255, required=True)
    if email is not None:
        facts["email"] = checker.email("email", email)
    if phone is not None:
        facts["phone"] = checker.text("phone", phone, most=64)
    if customer_note is not None:
        facts["customer_note"] = checker.text("customer_note", customer_note, most=50_000, lines=True)
    given = {
        OrderAddress.Kind.BILLING: billing_address,
        OrderAddress.Kind.SHIPPING: shipping_address,
    }
    addresses = [
        check_address(checker, f"{kind}_address", address, kind)
        for kind, address in given.items()
        if address is not None
    ]
    checker.raise_errors()
    return facts, addresses


def _search_text(order):
    corrected = database.primary(OrderEvent).filter(order=order, kind=OrderEvent.Kind.SHIPMENT_UPDATED)
    return search_text(
        order,
        addresses=database.primary(OrderAddress).filter(order=order),
        skus=database.primary(OrderLine).filter(order=order).values_list("sku", flat=True),
        parcels=[
            *database.primary(Shipment).filter(order=order).values_list("tracking_number", flat=True),
            # The customer may have the number that was corrected in an older mail.
            *(data["before"]["tracking_number"] for data in corrected.values_list("data", flat=True)),
        ],
    )


def _replace_address(order, address):
    """Write ``address`` in the place of the order's one of its kind; the changes by field."""
    old = database.primary(OrderAddress).filter(order=order, kind=address.kind).first() or OrderAddress(
        kind=address.kind
    )
    changes = {
        f"{address.kind}_address.{name}": {"before": getattr(old, name), "after": getattr(address, name)}
        for name in _ADDRESS_FACTS
        if getattr(old, name) != getattr(address, name)
    }
    if changes:
        address.pk, address.order = old.pk, order
        address._state.adding = old.pk is None
        address.save()
    return changes


def flag(orders, *, reason, user=None):
    """
    Ask for the owner's look at each order (one ``Order`` or a queryset); a flagged one is unchanged. Event
    ``flagged``. Returns an ``Outcome``.
    """
    reason = clean_text(reason or "", lines=True)

    def judge(order):
        return UNCHANGED if order.needs_look else CHANGE

    def write(batch):
        batch.set(needs_look=True)

    return change(
        orders,
        judge=judge,
        write=write,
        kind=OrderEvent.Kind.FLAGGED,
        details=lambda order: {"reason": reason},
        user=user,
    )


def unflag(orders, *, user=None):
    """Note that somebody has looked; one without a flag is unchanged. Event ``unflagged``. Returns an ``Outcome``."""

    def judge(order):
        return CHANGE if order.needs_look else UNCHANGED

    def write(batch):
        batch.set(needs_look=False)

    return change(orders, judge=judge, write=write, kind=OrderEvent.Kind.UNFLAGGED, user=user)
