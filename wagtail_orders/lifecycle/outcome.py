"""What a verb tells about the orders it was given."""

from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from ..exceptions import TransitionRefused
from ..models import Order


class Reason(NamedTuple):
    """
    Why a verb refused an order: ``code`` for programs; for people ``message`` (after "Order 2026-00012 …") and
    ``plural`` (after "2026-00012, 2026-00015 …").
    """

    code: str
    message: str
    plural: str

    def __str__(self):
        return str(self.message)


CANCELLED = Reason("cancelled", _("is cancelled; reopen it first"), _("are cancelled; reopen them first"))
ARCHIVED = Reason(
    "archived",
    _("is archived; take it back from the archive first"),
    _("are archived; take them back from the archive first"),
)
SHIPPED = Reason(
    "shipped",
    _("is already sent or handled; take that back first"),
    _("are already sent or handled; take that back first"),
)
UNFINISHED = Reason(
    "unfinished", _("is neither handled nor cancelled yet"), _("are neither handled nor cancelled yet")
)
PROVIDER_PAYMENT = Reason(
    "provider_payment",
    _("was paid through a payment provider; refund it there, it cannot be marked as unpaid"),
    _("were paid through a payment provider; refund them there, they cannot be marked as unpaid"),
)
REFUNDED = Reason(
    "refunded",
    _("has a refund recorded, so its payments stand"),
    _("have a refund recorded, so their payments stand"),
)
MONEY_RECORDED = Reason(
    "money_recorded",
    _("has money recorded; refund it or mark the order as unpaid first"),
    _("have money recorded; refund it or mark the orders as unpaid first"),
)
PAYMENT_PENDING = Reason(
    "payment_pending",
    _("has a payment that is still pending at its provider"),
    _("have a payment that is still pending at its provider"),
)
NOTHING_LEFT = Reason("nothing_left", _("has nothing left to send"), _("have nothing left to send"))
MORE_THAN_ORDERED = Reason(
    "more_than_ordered", _("would get more than was ordered"), _("would get more than was ordered")
)
MORE_THAN_PAID = Reason(
    "more_than_paid", _("would get back more than was paid"), _("would get back more than was paid")
)
PARCEL_CANCELLED = Reason(
    "parcel_cancelled", _("has this parcel as a cancelled one"), _("have this parcel as a cancelled one")
)
GONE = Reason("gone", _("does not exist any more"), _("do not exist any more"))


def slim(order):
    """The same order with its number only (the rest is read when asked for), to hold thousands of them."""
    return Order.from_db(order._state.db, ["id", "number"], [order.pk, order.number])


@dataclass
class Outcome:
    """
    What became of each order: ``changed``; ``unchanged``, which were so already; and ``refused``, which
    maps an order to its ``Reason``. The orders in it know their number; other fields are read when used.
    """

    changed: list = field(default_factory=list)
    unchanged: list = field(default_factory=list)
    refused: dict = field(default_factory=dict)

    def add(self, other):
        """Take another outcome's orders in."""
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.refused |= other.refused

    def raise_if_refused(self):
        """Raise ``TransitionRefused`` if any order was refused; else return the outcome itself."""
        if self.refused:
            raise TransitionRefused(self.refused)
        return self
