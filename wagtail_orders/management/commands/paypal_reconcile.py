"""``manage.py paypal_reconcile``: asks PayPal about payments that nobody told of; to run every few minutes."""

from django.core.management.base import BaseCommand, CommandError

from wagtail_orders.payments.paypal import reconciling
from wagtail_orders.payments.paypal.account import account


class Command(BaseCommand):
    help = (
        "Asks PayPal about orders whose payment is awaited and about webhooks that could not be judged yet, and has "
        "the ledger follow. Run it every few minutes, from cron. It ends with 1 if PayPal could not be asked."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what is due, ask and change nothing"
        )

    def handle(self, *, dry_run, verbosity, **options):
        ours = account()
        if ours is None:
            raise CommandError('WAGTAIL_ORDERS["PAYPAL"] is not set or cannot be used; see manage.py check.')
        if dry_run:
            self._say_what_is_due(ours)
            return
        done = reconciling.reconcile(ours)
        if verbosity:
            self.stdout.write(
                f"{done.attempts} payments and {done.events} events due, {done.settled} settled, "
                f"{done.failed} failed, {done.deleted} old events deleted."
            )
        if done.is_down:
            self.stderr.write("PayPal could not be reached; the rest waits.")
        if done.failed:
            raise SystemExit(1)

    def _say_what_is_due(self, ours):
        attempts, events = reconciling.due(ours)
        for attempt in attempts.select_related("order").iterator(chunk_size=2000):
            self.stdout.write(
                f"{attempt.order.number} {attempt.reference} of {attempt.created_at:%Y-%m-%d %H:%M:%S}"
            )
        for event in events.defer("body").iterator(chunk_size=2000):
            tail = f", after {event.attempts} attempts: {event.error}" if event.error else ""
            self.stdout.write(
                f"{event.identifier} {event.kind} of {event.received_at:%Y-%m-%d %H:%M:%S}{tail}"
            )
        self.stdout.write(f"{attempts.count()} payments and {events.count()} events due; nothing was asked.")
