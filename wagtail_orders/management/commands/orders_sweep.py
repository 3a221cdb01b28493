"""``manage.py orders_sweep``: sends what was left behind; meant to run every minute."""

from django.core.management.base import BaseCommand

from wagtail_orders import events


class Command(BaseCommand):
    help = (
        "Sends the signals of events that a process that died, or a receiver that raised, left behind. "
        "Run it every minute, from cron or as a task. It ends with 1 if a receiver raised again."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="only say what is due, send nothing")

    def handle(self, *, dry_run, verbosity, **options):
        if dry_run:
            self._say_what_is_due()
            return
        done = events.sweep()
        if verbosity:
            self.stdout.write(f"{done.due} events due, {done.delivered} delivered, {done.failed} put off.")
        if done.failed:
            self.stderr.write("The receivers' errors are in the log and in each event's dispatch_error.")
            raise SystemExit(1)

    def _say_what_is_due(self):
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
