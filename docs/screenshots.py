"""
Takes the pictures of the admin and of the mails in docs/images, of the demo shop: `make screenshots`.

It makes the shop anew in a temporary database, serves it to this process's own Chromium, and needs no network.
"""

import io
import os
import re
import shutil
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
#: The variants: width, height, and whether light or dark.
VARIANTS = {"light": (1440, 900, "light"), "dark": (1440, 900, "dark"), "phone": (390, 844, "light")}
#: Those of the mails: each language's width, and whether light or dark.
MAIL_VARIANTS = {"light": (520, "light"), "dark": (520, "dark"), "phone": (390, "light")}
MAIL_LANGUAGES = ["en", "fr", "nl", "de"]
#: Pixels between two mails.
GAP = 12
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def build_shop(folder):
    """Django, set up on a new database in ``folder`` with the demo's data."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "example_site.settings"
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/shop.sqlite3"
    os.environ["MEDIA_ROOT"] = f"{folder}/media"
    os.environ["MAILBOX_DIR"] = f"{folder}/mails"
    os.environ.pop("EMAIL_URL", None)
    # Playwright keeps an event loop in this thread, in which Django would refuse to query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.WAGTAIL_ENABLE_UPDATE_CHECK = False
    settings.WAGTAIL_GRAVATAR_PROVIDER_URL = None
    call_command("migrate", verbosity=0)
    call_command("load_demo", stdout=io.StringIO())


def serve():
    """The shop's address, served by a thread that ends with the process."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Handler(WSGIRequestHandler):
        def log_message(self, *args):
            """Not a word: what matters is in the pictures."""

    server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def telling_order():
    """An order that shows much: a part of it is still owed, and of these the one with the most to read."""
    from wagtail_orders.models import Order

    def weight(order):
        return bool(order.customer_note) + bool(order.notes.all()), order.lines.count(), order.pk

    return max(Order.objects.current().filter(payment_status="partially_paid"), key=weight)


def posted_order():
    """An order of Zoë's with two parcels, her mails and the owner's sent, and texts that the owner wrote."""
    from decimal import Decimal

    from wagtail.models import Site

    from wagtail_orders import lifecycle
    from wagtail_orders.models import MailText, Order, SavedText, ShippingMethod

    site = Site.objects.get(is_default_site=True)
    MailText.objects.create(
        site=site,
        kind="confirmation",
        language="en",
        opening="Hello {customer_name},\n\nThank you! We put your order on the shelf next to the kiln.",
    )
    SavedText.objects.create(
        name="A week later",
        subject="Your order {number} takes a week more",
        text="Hello {customer_name},\n\nThe kiln is cold this week. Your order leaves next Monday.\n\n{shop_name}",
    )
    address = lifecycle.Address(
        name="Zoë Müller", street="12 rue de l'Église", postal_code="1050", city="Ixelles", country="BE"
    )
    mug = {"sku": "MUG-F", "name": "Tasse en grès « Forêt »", "unit_price": Decimal("18.50")}
    order = lifecycle.place_order(
        currency="EUR",
        email="zoe@example.com",
        phone="+32 470 12 34 56",
        customer_name="Zoë Müller",
        billing_address=address,
        lines=[lifecycle.Line(**mug, quantity=2, tax_rate=Decimal(21), options=[("Émail", "Mousse")])],
        shipping_total=Decimal("5.00"),
        shipping_tax_rate=Decimal(21),
        shipping_method=ShippingMethod.objects.order_by("pk").first(),
        payment_method="bank_transfer",
        customer_note="Livrer après 17 h, merci !",
        language="en",
        site=site,
    )
    (line,) = order.lines.all()
    method = ShippingMethod.objects.order_by("pk").first()
    for number in ("323299901234567890123451", "323299901234567890123468"):
        lifecycle.ship(
            order, shipping_method=method, tracking_number=number, lines={line: 1}, notify_customer=True
        )
    deliver_mails()
    return Order.objects.get(pk=order.pk)


def write_mail(order):
    from wagtail_orders import lifecycle

    text = f"Bonjour {order.customer_name},\n\nVotre colis part lundi.\n\nAnna"
    lifecycle.write_mail(order, subject=f"Votre commande {order.number} : votre colis part lundi", text=text)
    deliver_mails()


def deliver_mails():
    from wagtail_orders.notifications import deliver
    from wagtail_orders.notifications.tasks import courier

    courier.wait()
    deliver.sweep()


def failed_mail(order):
    """A mail to a wrong address, as the mail server sent it back."""
    from wagtail_orders import lifecycle
    from wagtail_orders.models import Notification

    text = "Hello Zoë,\n\nThe blue glaze is late by a week.\n\nAnna"
    lifecycle.write_mail(order, recipient="zoe@exampel.com", subject="Your mugs come a week later", text=text)
    deliver_mails()
    mail = Notification.objects.get(recipient="zoe@exampel.com")
    mail.state, mail.sent_at = Notification.State.FAILED, None
    mail.error = "550 5.1.1 <zoe@exampel.com>: no such mailbox here"
    mail.save()
    return mail


def log_in(page, shop):
    from example_site.shop.management.commands.load_demo import OWNER, PASSWORD

    page.goto(f"{shop}/admin/login/")
    page.fill("#id_username", OWNER)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


class Camera:
    """Takes each picture in one variant; ``page`` is logged in."""

    def __init__(self, page, shop, variant):
        self.page, self.shop, self.variant = page, shop, variant

    def take(self, name, *, whole=False):
        self.page.wait_for_load_state("networkidle")
        self.page.mouse.move(0, 0)
        width, height, _scheme = VARIANTS[self.variant]
        if whole:
            # As high as what is in it; the admin's pages scroll inside.
            content = self.page.locator("main").evaluate("main => main.scrollHeight + main.offsetTop")
            self.page.set_viewport_size({"width": width, "height": max(height, content)})
        write(f"{name}-{self.variant}", self.page.screenshot(animations="disabled", caret="hide"))
        self.page.set_viewport_size({"width": width, "height": height})

    def open(self, address):
        self.page.goto(f"{self.shop}/admin/{address}")

    def home(self):
        self.open("")
        self.take("home")

    def listing(self):
        self.open("orders/")
        self.take("listing")

    def order(self, order):
        self.open(f"orders/{order.pk}/")
        self.take("order", whole=True)

    def pay_dialog(self, order):
        self.open(f"orders/{order.pk}/")
        self.page.locator(".orders-head [data-a11y-dialog-show=orders-pay]").click()
        self.page.locator("#orders-pay[aria-modal] [name=pay-amount]").wait_for()
        self.take("pay-dialog")

    def write_dialog(self, order):
        self.open(f"orders/{order.pk}/#orders-mail")
        choice = self.page.locator("#orders-mail[aria-modal] [name=mail-saved]")
        choice.select_option(index=1)
        self.take("write-mail")

    def ship_dialog(self, order):
        self.open(f"orders/{order.pk}/")
        self.page.locator(".orders-head [data-a11y-dialog-show=orders-ship]").click()
        dialog = self.page.locator("#orders-ship[aria-modal]")
        dialog.locator("[name=ship-tracking_number]").fill(
            "323299901234567890123451\n323299901234567890123468"
        )
        dialog.frame_locator("iframe").get_by_text("123468").first.wait_for()
        # The whole dialog, down to the mail.
        self.page.set_viewport_size({"width": VARIANTS[self.variant][0], "height": 1500})
        self.take("ship-dialog")

    def ship_many(self):
        self.open("orders/?fulfillment_status=unfulfilled&payment_status=paid")
        for tick in self.page.locator("[data-bulk-action-checkbox]").all()[:6]:
            tick.check()
        self.page.locator("[data-bulk-action-button]", has_text="Ship").click()
        fields = self.page.locator("table input[type=text]")
        fields.first.wait_for()
        for count, field in enumerate(fields.all()[:3]):
            field.fill(f"32329990123456789012{3451 + 17 * count}")
        self.take("ship-many")

    def shipping_method(self):
        from wagtail_orders.models import ShippingMethod

        self.open(f"order-shipping-methods/edit/{ShippingMethod.objects.get(name='bpost').pk}/")
        self.page.locator(".orders-try__link a").wait_for()
        self.take("shipping-method", whole=True)

    def customer_page(self, order):
        self.page.goto(f"{self.shop}/orders/{order.token}/")
        self.page.wait_for_load_state("networkidle")
        write(f"customer-page-{self.variant}", self.page.screenshot(full_page=True))

    def mail(self, mail):
        self.open(f"orders/{mail.event.order_id}/mails/{mail.pk}/")
        self.page.frame_locator(".orders-mail").locator("body p").first.wait_for()
        self.take("mail", whole=True)

    def texts(self):
        self.open("order-mail-texts/")
        self.take("mail-texts")

    def text(self):
        from wagtail_orders.models import MailText

        self.open(f"order-mail-texts/edit/{MailText.objects.get().pk}/")
        self.page.get_by_role("button", name="Toggle preview").click()
        self.page.frame_locator("#w-preview-iframe").get_by_text("next to the kiln").wait_for()
        self.take("mail-text")
        # Wagtail remembers that it was open.
        self.page.get_by_role("button", name="Toggle preview").click()

    def settings(self):
        self.open("settings/wagtail_orders/ordersettings/#tab-e_mails")
        self.page.locator("#tab-e_mails").wait_for()
        self.take("mail-settings", whole=True)

    def bulk_confirmation(self):
        self.open("orders/?payment_status=paid")
        for tick in self.page.locator("[data-bulk-action-checkbox]").all()[:8]:
            tick.check()
        self.page.locator("[data-bulk-action-button]", has_text=re.compile("^Archive")).click()
        self.page.locator(".orders-bulk").wait_for()
        self.take("bulk-confirmation")


def take_mails(browser, shop, order):
    """A picture of each kind of mail that matters most, in four languages side by side."""
    from wagtail_orders.notifications import render

    for variant, (width, scheme) in MAIL_VARIANTS.items():
        context = browser.new_context(viewport={"width": width, "height": 600}, color_scheme=scheme)
        page = context.new_page()
        for kind in ("new_order", "confirmation", "shipped"):
            taken = []
            for language in MAIL_LANGUAGES:
                html = render.mail(order, kind, language=language).html
                # This server's address is another each time, and no shop's.
                page.set_content(html.replace(f"{shop}/admin", "https://www.example.com/admin"))
                page.wait_for_load_state("networkidle")
                taken.append(page.screenshot(full_page=True))
            write(f"mail-{kind.replace('_', '-')}-{variant}", side_by_side(taken))
        context.close()


def side_by_side(pngs):
    from PIL import Image

    images = [Image.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    step, height = images[0].width + GAP, max(image.height for image in images)
    whole = Image.new("RGB", (step * len(images) - GAP, height), "#9a9a9a")
    for place, image in enumerate(images):
        whole.paste(image, (place * step, 0))
    written = io.BytesIO()
    whole.save(written, "PNG")
    return written.getvalue()


def write(name, png):
    path = IMAGES / f"{name}.png"
    path.write_bytes(small(png))
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KB", flush=True)


def small(png):
    """The same picture with at most 256 colours: a third of the bytes, and no difference to see."""
    from PIL import Image

    written = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        written, "PNG", optimize=True
    )
    return written.getvalue()


def find_chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return path or sys.exit("No Chromium on the path; install the package “chromium”.")


def take_admin(browser, shop, shots):
    """Have a ``Camera`` that is logged in take ``shots(camera)`` in each variant."""
    for variant, (width, height, scheme) in VARIANTS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale="en",
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        page = context.new_page()
        log_in(page, shop)
        shots(Camera(page, shop, variant))
        context.close()


def main():
    from django.conf import settings
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build_shop(folder)
        shop = settings.WAGTAILADMIN_BASE_URL = serve()
        telling, posted = telling_order(), posted_order()
        write_mail(telling)

        def quiet_day(camera):
            camera.home()
            camera.listing()
            camera.order(telling)
            camera.pay_dialog(telling)
            camera.ship_dialog(telling)
            camera.write_dialog(posted)
            camera.bulk_confirmation()
            camera.texts()
            camera.text()
            camera.settings()
            camera.shipping_method()
            camera.ship_many()
            camera.customer_page(posted)

        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        take_mails(browser, shop, posted)
        take_admin(browser, shop, quiet_day)
        mail = failed_mail(posted)
        take_admin(browser, shop, lambda camera: camera.mail(mail))
        browser.close()


if __name__ == "__main__":
    main()
