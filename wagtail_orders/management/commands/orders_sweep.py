"""``manage.py orders_sweep``: tells and sends what was left behind, deletes what is over; to run every minute."""

from django.core.management.base import BaseCommand

from wagtail_orders import events, jobs
from wagtail_orders.notifications import deliver, tasks


class Command(BaseCommand):
    help = (
        "Sends the signals of events that a process that died, or a receiver that raised, left behind, and the "
        "e-mails that are due, and deletes exports, imports and prints whose time is over. Run it every minute, from "
        "cron or as a task. It ends with 1 if a receiver raised again or an e-mail was not sent."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what is due, send and delete nothing"
        )

    def handle(self, *, dry_run, verbosity, **options):
        if dry_run:
            self._say_which_events_are_due()
            self._say_which_mails_are_due()
            if count := jobs.expired().count():
                self.stdout.write(f"{count} exports, imports and prints are over; nothing was deleted.")
            return
        with tasks.withheld():
            told = events.sweep()
        sent = deliver.sweep()
        discarded = jobs.discard_expired()
        if verbosity:
            self.stdout.write(f"{told.due} events due, {told.delivered} delivered, {told.failed} put off.")
            self.stdout.write(
                f"{sent.due} e-mails due, {sent.sent} sent, {sent.put_off} put off, {sent.failed} given up."
            )
            if discarded:
                self.stdout.write(f"{discarded} exports, imports and prints were over and are deleted.")
        if told.failed:
            self.stderr.write("The receivers' errors are in the log and in each event's dispatch_error.")
        if sent.is_down:
            self.stderr.write("The mail server could not be reached; the other e-mails wait.")
        if told.failed or sent.put_off or sent.failed:
            raise SystemExit(1)

    def _say_which_events_are_due(self):
        count = 0
        for event in events.due().iterator(chunk_size=2000):
            count += 1
            number = event.order.number if event.order else event.data.get("number", "?")
            tail = (
                f", after {event.dispatch_attempts} attempts: {event.dispatch_error}"
                if event.dispatch_error
                else ""
            )
            self.stdout.write(f"{number} {event.kind} of {event.created_at:%Y-%m-%d %H:%M:%S}{tail}")
        self.stdout.write(f"{count} events due; nothing was sent.")

    def _say_which_mails_are_due(self):
        count = 0
        mails = deliver.due().select_related("event__order").defer("text_body", "html_body")
        for mail in mails.iterator(chunk_size=2000):
            count += 1
            tail = f", after {mail.attempts} attempts: {mail.error}" if mail.error else ""
            self.stdout.write(f"{mail.order.number} {mail.kind} to {mail.recipient}{tail}")
        self.stdout.write(f"{count} e-mails due; nothing was sent.")
