"""`manage.py paypal_double`: PayPal's double beside the demo, until the demo ends."""

import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from example_site.paypal_double.ports import PortTaken, ports_beside

#: How often, in seconds, the double looks whether who started it is still there.
LOOK = 0.5


class Command(BaseCommand):
    help = (
        "Plays PayPal for the demo that runs on PORT of this machine: its API on PORT + 1, the buyer's pages on "
        "PORT + 2. No money moves. What was paid is kept in var/paypal. It ends with the process that started it."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("port", type=int, nargs="?", default=8000, help="the demo's own port (8000)")
        parser.add_argument(
            "--check", action="store_true", help="only say whether it can run; the exit status is 1 if not"
        )

    def handle(self, *args, port, check, **options):
        parent = os.getppid()  # before anything that takes time
        if not settings.DEBUG:
            raise CommandError("The double plays PayPal without any money, so it only runs with DEBUG=True.")
        try:
            api_port, pages_port = ports_beside(port, are_to_be_free=check)
        except PortTaken as taken:
            raise CommandError(f"{taken} The demo goes on without PayPal.") from None
        if not check:
            self.play(port, api_port, pages_port, parent)

    def play(self, port, api_port, pages_port, parent):
        from example_site.paypal_double import Double  # here, because --check and --help need no certificates

        folder = Path(settings.PAYPAL_DOUBLE_DIR)
        with ExitStack() as stack:
            try:
                double = stack.enter_context(Double(folder=folder, api_port=api_port, pages_port=pages_port))
            except OSError as error:
                raise CommandError(f"PayPal's double cannot start: {error}.") from None
            double.webhook_url = f"http://localhost:{port}/orders/payments/paypal/"
            double.send_undelivered()
            self.stdout.write(f"PayPal's double, no real money: {double.pages_url}/")
            self.stdout.flush()
            wait_for_the_end(parent)


def wait_for_the_end(parent):
    """Until a signal says so, or the process ``parent``, which started this one, has gone."""
    end = threading.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, lambda *args: end.set())
    while not end.wait(LOOK) and os.getppid() == parent:
        pass
