"""What becomes of a demo order: each life is a few verbs, and the list says how often each one happens."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from wagtail_orders.lifecycle import (
    archive,
    cancel,
    mark_handled,
    mark_paid,
    record_payment,
    record_refund,
    ship,
)

from .people import CANCEL_REASONS, REFUND_REASONS

TRANSFER = "bank_transfer"


class Life:
    """One order on its way, with the dice and the owner who does the work."""

    def __init__(self, order, dice, owner):
        self.order, self.dice, self.owner = order, dice, owner

    def unpaid(self):
        """Nothing happens yet."""

    def pending(self):
        self._pays(self.order.total, state="pending")

    def partly_paid(self):
        self._pays(self._part(self.order.total))

    def paid(self):
        if self.dice.random() < 0.5:
            self._pays(self.order.total)
        else:
            mark_paid(
                self.order,
                received_on=self._day(2),
                method=TRANSFER,
                notify_customer=False,
                user=self.owner,
            )

    def overpaid(self):
        self._pays(self.order.total + self.dice.choice([Decimal("5.00"), Decimal("0.50"), Decimal("18.50")]))

    def handled(self):
        self.paid()
        self._send()

    def handled_unpaid(self):
        """Sent, and paid on delivery: the courier's money is still to come."""
        self._send()

    def picked_up(self):
        self.paid()
        mark_handled(self.order, user=self.owner)

    def partly_sent(self):
        self.paid()
        first = self.order.lines.first()
        self._send(lines={first: min(first.quantity, Decimal(1))})

    def partly_refunded(self):
        self.handled()
        self._refunds(self._part(self.order.total))

    def refunded(self):
        self.paid()
        self._refunds(self.order.total)
        self._cancels()

    def cancelled(self):
        self._cancels()

    def put_away(self):
        """To the archive, if the order's life has come to an end."""
        archive(self.order, user=self.owner).raise_if_refused()

    def _pays(self, amount, state="confirmed"):
        record_payment(
            self.order,
            amount=amount,
            method=TRANSFER,
            reference=f"BANK-{self.order.number}",
            received_on=self._day(2),
            state=state,
            notify_customer=False,
            user=self.owner,
        )

    def _refunds(self, amount):
        record_refund(
            self.order,
            amount=amount,
            method=TRANSFER,
            reason=self.dice.choice(REFUND_REASONS),
            user=self.owner,
        )

    def _cancels(self):
        cancel(self.order, reason=self.dice.choice(CANCEL_REASONS), user=self.owner).raise_if_refused()

    def _send(self, lines=None):
        sent_at = min(self.order.placed_at + timedelta(days=self.dice.randint(2, 5)), timezone.now())
        tracked = self.order.shipping_method is not None and self.order.shipping_method.tracking_url_template
        number = f"3232{self.dice.randrange(10**16, 10**17)}" if tracked else ""
        ship(self.order, tracking_number=number, lines=lines, shipped_at=sent_at, user=self.owner)

    def _day(self, days):
        day = self.order.placed_at + timedelta(days=self.dice.randint(0, days))
        return timezone.localtime(min(day, timezone.now())).date()

    def _part(self, amount):
        return (amount * self.dice.choice([3, 4, 5]) / 10).quantize(Decimal("0.01"))


# The older part of the orders, all put away in the end.
PAST = (
    [Life.handled] * 13 + [Life.picked_up] * 3 + [Life.cancelled] * 2 + [Life.partly_refunded, Life.refunded]
)
# The newer part, still on the owner's desk: the newest first, so that even a few orders show many states.
PRESENT = [
    Life.unpaid,
    Life.paid,
    Life.pending,
    Life.paid,
    Life.partly_sent,
    Life.handled,
    Life.partly_paid,
    Life.cancelled,
    Life.paid,
    Life.overpaid,
    Life.partly_refunded,
    Life.unpaid,
    Life.handled_unpaid,
    Life.refunded,
    Life.picked_up,
    Life.handled,
]
