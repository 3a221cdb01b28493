"""Which mails there are: who gets each because of what, and the words it has unless the owner wrote others."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from .. import database
from ..models import Notification, OrderEvent, Payment, Shipment

Kind = Notification.Kind
Event = OrderEvent.Kind


@dataclass(frozen=True)
class Words:
    """Subject, and what stands before and after the facts; with the placeholders of ``wording``."""

    subject: Any
    opening: Any = ""
    closing: Any = ""


_REGARDS = _("Kind regards\n{shop_name}")

#: The standard words of each kind, to be read in the mail's language.
STANDARD = {
    Kind.NEW_ORDER: Words(_("New order {number}: {total}, {customer_name}")),
    Kind.NEEDS_LOOK: Words(
        _("Order {number} needs a look"),
        _("Something about order {number} needs your attention: {reason}."),
    ),
    Kind.CONFIRMATION: Words(
        _("Your order {number}"),
        _("Hello {customer_name},\n\nThank you for your order. We have it and will get it ready."),
        _REGARDS,
    ),
    Kind.PAYMENT_RECEIVED: Words(
        _("Payment received for your order {number}"),
        _("Hello {customer_name},\n\nWe have received your payment of {amount}. Thank you."),
        _REGARDS,
    ),
    Kind.SHIPPED: Words(
        _("Your order {number} is on its way"),
        _("Hello {customer_name},\n\nGood news: a parcel with your order has left."),
        _REGARDS,
    ),
    Kind.CANCELLED: Words(
        _("Your order {number} is cancelled"),
        _(
            "Hello {customer_name},\n\nYour order {number} of {placed_on} is cancelled. "
            "If you did not expect this, please answer this mail."
        ),
        _REGARDS,
    ),
    Kind.REFUNDED: Words(
        _("Refund for your order {number}"),
        _("Hello {customer_name},\n\nWe have sent {amount} back to you."),
        _REGARDS,
    ),
}


_TOLD_IF_ASKED = {
    Event.SHIPPED: Kind.SHIPPED,
    Event.SHIPMENT_UPDATED: Kind.SHIPPED,
    Event.CANCELLED: Kind.CANCELLED,
    Event.REFUNDED: Kind.REFUNDED,
}

#: The events that may ask for a mail.
MAILED = {
    Event.PLACED,
    Event.PAID,
    Event.PAYMENT_RECORDED,
    Event.FLAGGED,
    Event.MAIL_WRITTEN,
    Event.MAIL_RESENT,
    *_TOLD_IF_ASKED,
}


def mails_for(event, settings):
    """The kinds of mail that an event asks for, as pairs of kind and the address or addresses that get it."""
    order, data = event.order, event.data
    if event.kind == Event.PLACED and data.get("notify", True):
        yield Kind.NEW_ORDER, settings.owners
        if settings.mail_confirmation:
            yield Kind.CONFIRMATION, [order.email]
    elif event.kind == Event.FLAGGED:
        yield Kind.NEEDS_LOOK, settings.owners
    elif event.kind == Event.MAIL_WRITTEN:
        yield Kind.MESSAGE, [data["recipient"]]
    elif event.kind == Event.MAIL_RESENT:
        yield data["kind"], [data["recipient"]]
    elif _is_money_in(event) and _is_told(data, settings.mail_payment_received):
        yield Kind.PAYMENT_RECEIVED, [order.email]
    elif event.kind in _TOLD_IF_ASKED and _is_told(data, default=False):
        yield _TOLD_IF_ASKED[event.kind], [order.email]


def is_overtaken(event):
    """Whether what a mail would say of ``event`` was taken back before the mail went."""
    order, data = event.order, event.data
    if event.kind == Event.CANCELLED:
        return not order.is_cancelled
    if event.kind in (Event.SHIPPED, Event.SHIPMENT_UPDATED):
        # A mail names several parcels, told at one moment; it goes while one of them does.
        parcels = database.primary(Shipment)
        told = parcels.filter(pk=data["shipment"]).values("notified_at")
        return not parcels.sent().filter(order=order, notified_at__in=told).exists()
    if _is_money_in(event):
        return not database.primary(Payment).confirmed().filter(pk=data["payment"]).exists()
    return False


def _is_money_in(event):
    data = event.data
    return (
        event.kind in (Event.PAID, Event.PAYMENT_RECORDED)
        and data.get("kind") == Payment.Kind.PAYMENT
        and data.get("state") == Payment.State.CONFIRMED
    )


def _is_told(data, default):
    choice = data.get("notify_customer")
    return default if choice is None else choice
