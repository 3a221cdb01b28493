"""PayPal's side of a test: an order on its way to be paid, and what PayPal sends."""

import zlib
from decimal import Decimal

from django.test import Client
from django.urls import reverse

from wagtail_orders import payments
from wagtail_orders.models import Order, PaymentAttempt

from .orders import placed

SHOP = "https://shop.example.com/"


def paypal():
    return payments.provider("paypal")


def started(order=None, **changes):
    """An attempt to pay an order, one of 42.00 EUR unless another is given."""
    order = order or placed(payment_method="paypal", **changes)
    return paypal().start(order, return_url=f"{SHOP}return", cancel_url=f"{SHOP}cancel")


def approved(double, **changes):
    """An attempt that the customer has agreed to."""
    attempt = started(**changes)
    double.approve(attempt.reference)
    return attempt


def captured(double, **changes):
    """An attempt whose money PayPal has taken, and the capture's id; nobody has told us."""
    attempt = approved(double, **changes)
    return attempt, double.capture(attempt.reference)


def paid(double, **changes):
    """A payment in the ledger that came by PayPal."""
    order = paypal().confirm(approved(double, **changes))
    return order.payments.get()


def post(body, headers, **extra):
    """The answer to a webhook."""
    return Client().post(
        reverse("wagtail_orders_public:paypal"),
        body,
        content_type="application/json",
        headers={name.removeprefix("HTTP_"): value for name, value in headers.items()},
        **extra,
    )


def sent(double, event, **changes):
    """The answer to one of the double's events; ``changes`` are of its headers."""
    return post(event.body, double.headers_for(event.body, **changes))


def event_of(double, kind):
    """The double's last event of a kind."""
    return [event for event in double.events if event.kind == kind][-1]


def now(of):
    """What the database has of an order, or of an attempt's, now."""
    pk = of.order_id if isinstance(of, PaymentAttempt) else of.pk
    return Order.objects.get(pk=pk)


def ledger(order):
    """The order's entries: kind, state, amount."""
    return [(entry.kind, entry.state, entry.amount) for entry in now(order).payments.order_by("pk")]


def reasons(order):
    """Why the owner is asked to look, in notes too."""
    order = now(order)
    flagged = order.events.filter(kind="flagged").order_by("pk").values_list("data", flat=True)
    return [data["reason"] for data in flagged] + [note.text for note in order.notes.order_by("pk")]


PAID = [("payment", "confirmed", Decimal("42.00"))]


def with_crc_of(body, wanted):
    """
    ``body``, a JSON object, with blanks and tabs before its end, such that the whole has the CRC32 of ``wanted``. CRC32
    is linear: each blank that becomes a tab turns the same bits over, whatever the others are.
    """
    room, begin, end = 64, body[:-1], body[-1:]
    plain = begin + b" " * room + end
    goal = zlib.crc32(plain) ^ zlib.crc32(wanted)
    basis = {}
    for at in range(room):
        one = bytearray(plain)
        one[len(begin) + at] = ord("\t")
        turned, chosen = zlib.crc32(plain) ^ zlib.crc32(one), 1 << at
        while turned and turned.bit_length() in basis:
            other, others = basis[turned.bit_length()]
            turned, chosen = turned ^ other, chosen ^ others
        if turned:
            basis[turned.bit_length()] = turned, chosen
    tabs = 0
    while goal:
        turned, chosen = basis[goal.bit_length()]
        goal, tabs = goal ^ turned, tabs ^ chosen
    tail = bytes(ord("\t") if tabs >> at & 1 else ord(" ") for at in range(room))
    made = begin + tail + end
    assert zlib.crc32(made) == zlib.crc32(wanted)
    return made
