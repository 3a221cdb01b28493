"""`manage.py load_demo`: the whole demo shop, with its owner and a year of orders."""

import time

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from example_site.shop.demo.orders import DemoOrders
from example_site.shop.demo.site import build_settings, build_shipping_methods, build_site

OWNER = "admin"
PASSWORD = "admin"


class Command(BaseCommand):
    help = (
        "Fills the example site: pages in two languages, pictures, shipping methods, an owner to log in "
        "with, and orders in every state. What is there already is kept, so it may be run again."
    )

    def add_arguments(self, parser):
        parser.add_argument("--orders", type=int, default=200, metavar="N", help="how many orders (200)")

    def handle(self, *args, orders, **options):
        if not settings.DEBUG:
            raise CommandError(
                "load_demo makes an administrator with a password that everybody knows, so it only runs with "
                "DEBUG=True. Never load it on a real site."
            )
        if orders < 0:
            raise CommandError("--orders cannot be less than 0.")
        pages = build_site()
        build_shipping_methods()
        build_settings()
        self.stdout.write(f"Pages: {pages} made." if pages else "Pages: all there already.")
        owner = self.make_owner()
        self.make_orders(DemoOrders(orders, owner))
        base = settings.WAGTAILADMIN_BASE_URL
        self.stdout.write(f"The shop: {base}/   The order desk: {base}/admin/")

    def make_owner(self):
        users = get_user_model().objects
        owner = users.filter(username=OWNER).first()
        if owner:
            self.stdout.write(
                f"Owner: “{OWNER}” is there already, with the password “{PASSWORD}” unless changed."
            )
            return owner
        owner = users.create_superuser(OWNER, "atelier@example.com", PASSWORD)
        self.stdout.write(f"Owner: log in as “{OWNER}” with the password “{PASSWORD}”. For the demo only!")
        return owner

    def make_orders(self, demo):
        missing = demo.missing()
        if not missing:
            self.stdout.write(f"Orders: all {demo.count} there already.")
            return
        began = time.monotonic()
        for done, n in enumerate(missing, start=1):
            demo.make(n)
            if done % 25 == 0 or done == len(missing):
                self.stdout.write(f"Orders: {done} of {len(missing)} made, {time.monotonic() - began:.0f} s")
                self.stdout.flush()
