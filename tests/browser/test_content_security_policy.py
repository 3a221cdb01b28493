"""Our pages of the admin under a strict Content-Security-Policy: nothing of ours is blocked, and all of it works."""

import re

import pytest
from pytest_django.live_server_helper import LiveServer
from wagtail.models import Site

from tests.orders import placed
from wagtail_orders.models import MailText, Notification, Order, Payment, SavedText, ShippingMethod
from wagtail_orders.notifications import deliver

from .policy import POLICY

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

# Tells what the policy blocked: by which rule, what, and the element's HTML.
WATCH = """window.blocked = [];
document.addEventListener('securitypolicyviolation', event => window.blocked.push(
  [event.effectiveDirective, event.blockedURI, event.target.outerHTML ?? '']
))"""


@pytest.fixture
def live_server(settings):
    """A server of its own, whose middleware sends the policy."""
    settings.MIDDLEWARE = ["tests.browser.policy.StrictPolicy", *settings.MIDDLEWARE]
    server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def page(enter):
    """A page that notes what the policy blocks, and in ``complaints`` what the console says of it."""
    page = enter("account/")
    page.complaints = []
    page.add_init_script(WATCH)

    def hear(message):
        if "Content Security Policy" in message.text:
            page.complaints.append(message.text)

    page.on("console", hear)
    return page


def visit(page, address):
    """Open an address and return what the policy blocked there, each date field's id as one and the same."""
    page.complaints.clear()
    assert page.goto(address).headers["content-security-policy"] == POLICY
    page.wait_for_load_state("networkidle")
    blocked = page.evaluate("window.blocked")
    assert len(page.complaints) == len(blocked), page.complaints
    return {(rule, what, re.sub(r'"id_\w+_[01]"', '"id"', html)) for rule, what, html in blocked}


def wait_for_message(page, words):
    page.locator(".messages", has_text=words).wait_for()


def test_only_what_wagtail_brings_is_blocked(shop, page):
    order, twin = placed(), placed()
    deliver.sweep()
    mail = Notification.objects.filter(event__order=order).first()
    text = MailText.objects.create(site=Site.objects.get(), kind="confirmation", language="en")
    saved = SavedText.objects.create(name="Late", subject="Late", text="A week more.")
    # Two exceptions: the script inside Wagtail's date range widget, among the listings' filters, which Wagtail's own
    # report has as well, and that of its image chooser, for the shop's logo.
    widget = visit(page, f"{shop}/admin/reports/site-history/")
    assert len(widget) == 1
    assert "initDateChooser" in str(widget)
    script = '<script>new ImageChooser("id_logo", {"modalUrl": "/admin/images/chooser/"});</script>'
    chooser = {("script-src-elem", "inline", script)}
    for address, excepted in {
        "orders/": widget,
        "orders/archived/": widget,
        f"orders/{order.pk}/": set(),
        f"orders/{order.pk}/?list=all#orders-pay": set(),
        f"orders/{order.pk}/compare/{twin.pk}/": set(),
        f"bulk/wagtail_orders/order/mark-paid/?next=/admin/orders/&id={order.pk}": set(),
        "": set(),
        "settings/wagtail_orders/ordersettings/": chooser,
        f"orders/{order.pk}/mails/{mail.pk}/": set(),
        "order-mail-texts/": set(),
        "order-mail-texts/add/?kind=shipped&language=fr": set(),
        f"order-mail-texts/edit/{text.pk}/": set(),
        f"order-saved-texts/edit/{saved.pk}/": set(),
        "orders/ship-many/": set(),
        "orders/export/": set(),
        "orders/print/": set(),
        f"bulk/wagtail_orders/order/ship/?next=/admin/orders/&id={order.pk}": set(),
        "order-shipping-methods/": set(),
        f"order-shipping-methods/edit/{ShippingMethod.objects.first().pk}/": set(),
    }.items():
        assert visit(page, f"{shop}/admin/{address}") == excepted, address
        # What were not allowed would be noticed here.
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
        page.wait_for_function("window.blocked.at(-1)?.[0] === 'style-src-attr'")


def test_the_desk_works(shop, page):
    order, twin = placed(), placed()
    visit(page, f"{shop}/admin/orders/{order.pk}/")
    page.locator(".orders-head").get_by_role("button", name="Mark as paid").click()
    dialog = page.get_by_role("dialog", name="Mark as paid")
    dialog.get_by_label("Amount").fill("10.00")
    dialog.get_by_role("button", name="Mark as paid").click()
    wait_for_message(page, "Payment of €10.00 noted; €32.00 is still owed.")
    assert Payment.objects.get(order=order).amount == 10

    page.get_by_text("Edit the customer").click()
    page.locator("[name=customer-phone]").fill("+32 470 12 34 56")
    page.locator("form", has=page.locator("[name=customer-phone]")).get_by_role("button", name="Save").click()
    wait_for_message(page, "is saved")

    visit(page, f"{shop}/admin/orders/")
    row = page.locator("tr", has=page.get_by_role("link", name=twin.number, exact=True))
    row.get_by_role("button", name=f"More actions: {twin.number}").click()
    page.get_by_role("button", name="Order handled").click()
    wait_for_message(page, f"Order {twin.number} is handled.")
    page.get_by_role("button", name="Undo").click()
    wait_for_message(page, "Undone for 1 order.")

    page.locator("[data-bulk-action-select-all-checkbox]").first.check()
    page.locator(".bulk-actions-choices").get_by_role("link", name="Order handled").click()
    page.get_by_role("button", name="Order handled (2)").click()
    wait_for_message(page, "2 orders handled.")
    assert all(known.is_handled for known in Order.objects.all())
    assert page.mistakes == []


def test_the_dialog_that_sends_parcels_works(shop, page):
    order = placed(shipping_method=ShippingMethod.objects.get(name="bpost"))
    visit(page, f"{shop}/admin/orders/{order.pk}/#orders-ship")
    dialog = page.get_by_role("dialog", name="Ship")
    dialog.get_by_label("Parcel number or link").fill("323200001234")
    dialog.locator("a[href*='itemCode=323200001234']").wait_for()
    mail = dialog.frame_locator("iframe").locator("body")
    mail.get_by_text("323200001234").wait_for()
    # The mail's own colours, which this page's policy would not allow in it.
    assert mail.evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(243, 243, 241)"
    assert page.evaluate("window.blocked") == []
    dialog.get_by_role("button", name="Ship").click()
    wait_for_message(page, "is on its way")
    assert page.mistakes == []


def test_a_carriers_link_is_filled_in_and_tried(shop, page):
    visit(page, f"{shop}/admin/order-shipping-methods/add/")
    page.locator("[name=carrier]").select_option(label="UPS")
    page.locator(".orders-try__link a[href*='tracknum=RB123456785GB']").wait_for()
    assert page.evaluate("window.blocked") == []
    assert page.mistakes == []


def test_the_mails_work(shop, page, settings):
    settings.WAGTAILADMIN_BASE_URL = shop
    SavedText.objects.create(name="Late", subject="Order {number} is late", text="A week more.")
    order = placed()
    deliver.sweep()
    mail = Notification.objects.get(kind=Notification.Kind.CONFIRMATION)

    visit(page, f"{shop}/admin/orders/{order.pk}/mails/{mail.pk}/")
    shown = page.frame_locator("iframe.orders-mail").locator("body")
    # The mail's own colours, and its logo.
    assert shown.evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(243, 243, 241)"
    assert shown.locator("img").evaluate("logo => logo.complete && logo.naturalWidth > 0")

    visit(page, f"{shop}/admin/orders/{order.pk}/#orders-mail")
    dialog = page.get_by_role("dialog", name="Write a mail")
    dialog.get_by_label("Saved text").select_option(label="Late")
    dialog.get_by_role("button", name="Send").click()
    wait_for_message(page, "is on its way")

    visit(page, f"{shop}/admin/order-mail-texts/add/?kind=confirmation&language=en")
    page.get_by_role("button", name="Toggle preview").click()
    shown = page.frame_locator("#w-preview-iframe").locator("body")
    shown.get_by_text("Thank you for your order").wait_for()
    assert shown.evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(243, 243, 241)"
    assert page.evaluate("window.blocked") == page.complaints == page.mistakes == []
