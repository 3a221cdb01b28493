"""Our pages of the admin, held against axe-core's rules, and against the widths and directions people read in."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from wagtail.models import Site
from wagtail.users.models import UserProfile

from tests.orders import placed
from wagtail_orders import lifecycle
from wagtail_orders.models import MailText, Notification, Order, SavedText, ShippingMethod
from wagtail_orders.notifications import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

DIALOGS = ["pay", "unpay", "refund", "ship", "cancel", "delete", "mail"]


@pytest.fixture
def pages(shop):
    """Our pages' addresses by their names, on a desk with orders that show all there is."""
    busy = placed(customer_note="Livrer après 17 h,\nmerci !")
    lifecycle.record_payment(busy, amount="10.00", method="bank_transfer")
    lifecycle.ship(busy, lines={busy.lines.get(): 1}, tracking_number="1Z 999 AA1")
    lifecycle.add_note(busy, text="Fragile, two boxes.")
    twin, done, gone = placed(), placed(), placed(customer_name="Jiří Dvořák", email="")
    lifecycle.mark_paid(done)
    lifecycle.mark_handled(done)
    lifecycle.cancel(gone, reason="out of stock")
    lifecycle.archive(Order.objects.filter(pk=gone.pk))
    sent_order = placed()
    lifecycle.ship(sent_order, tracking_number="3232", tracking_url="https://track.example.com/3232")
    sent, failed = mails_of(busy)
    text = MailText.objects.create(
        site=Site.objects.get(), kind="confirmation", language="en", opening="Hello {customer_name}"
    )
    saved = SavedText.objects.create(name="Late", subject="Order {number}", text="A week more.")
    listing = "/admin/orders/?payment_status=unpaid"
    ids = "".join(f"&id={order.pk}" for order in (busy, twin, done))
    return {
        "listing": "orders/",
        "archive": "orders/archived/",
        "empty listing": "orders/?q=nobody",
        "order": f"orders/{busy.pk}/",
        "archived order": f"orders/{gone.pk}/",
        **{f"dialog {name}": f"orders/{busy.pk}/?dialog={name}#orders-{name}" for name in DIALOGS},
        "dialog delete of an unpaid order": f"orders/{twin.pk}/#orders-delete",
        "bulk paid": f"bulk/wagtail_orders/order/mark-paid/?next=/admin/orders/{ids}",
        "bulk archive": f"bulk/wagtail_orders/order/archive/?next={listing}{ids}",
        "bulk delete": f"bulk/wagtail_orders/order/delete/?next=/admin/orders/{ids}",
        "bulk ship": f"bulk/wagtail_orders/order/ship/?next=/admin/orders/{ids}",
        "ship many": "orders/ship-many/",
        "export": "orders/export/?list=current%3Fpayment_status%3Dunpaid",
        "bulk export": f"bulk/wagtail_orders/order/export/?next=/admin/orders/{ids}",
        "print": "orders/print/",
        "bulk print": f"bulk/wagtail_orders/order/print/?next=/admin/orders/{ids}",
        "paper": f"orders/paper/{Site.objects.get().pk}/",
        "dialog another": f"orders/{sent_order.pk}/#orders-another",
        "compare": f"orders/{busy.pk}/compare/{twin.pk}/",
        "home": "",
        "settings": "settings/wagtail_orders/ordersettings/",
        "settings of mails": "settings/wagtail_orders/ordersettings/#tab-e_mails",
        "mail": f"orders/{busy.pk}/mails/{sent.pk}/",
        "mail that failed": f"orders/{busy.pk}/mails/{failed.pk}/",
        "texts": "order-mail-texts/",
        "new text": "order-mail-texts/add/?kind=shipped&language=fr",
        "text": f"order-mail-texts/edit/{text.pk}/",
        "saved texts": "order-saved-texts/",
        "saved text": f"order-saved-texts/edit/{saved.pk}/",
        "shipping methods": "order-shipping-methods/",
        "shipping method": f"order-shipping-methods/edit/{ShippingMethod.objects.first().pk}/",
    }


def mails_of(order):
    """Two of an order's mails: one that was sent, and one that was given up."""
    lifecycle.write_mail(order, recipient="zoe@exampel.com", subject="Your glaze", text="It is blue.")
    deliver.sweep()
    failed = Notification.objects.get(recipient="zoe@exampel.com")
    failed.state, failed.sent_at = Notification.State.FAILED, None
    failed.error = "550 5.1.1 <zoe@exampel.com>: no such customer"
    failed.save()
    return Notification.objects.filter(event__order=order, kind="confirmation").get(), failed


def open_each(page, shop, pages):
    for name, address in pages.items():
        assert page.goto(f"{shop}/admin/{address}").ok, name
        if "#orders-" in address:
            page.locator(f"{address[address.index('#') :]}[aria-modal=true]").wait_for()
        if name == "order":
            page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        if name == "listing":
            page.locator("[data-bulk-action-checkbox]").first.check()
        yield name


# Wagtail's own pages of a snippet have their heading in a bar, not in an h1.
SNIPPETS = {"new text", "text", "saved text", "shipping method"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shop, pages, enter, scheme):
    page = enter(scheme=scheme)
    found = {}
    for name in open_each(page, shop, pages):
        result = Axe().run(page).response
        assert len(result["passes"]) > 10, name
        for violation in result["violations"]:
            if name in SNIPPETS and violation["id"] == "page-has-heading-one":
                continue
            for node in violation["nodes"]:
                found.setdefault((violation["id"], node["html"]), []).append(name)
    assert found == {}


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_customers_page(shop, pages, browse, scheme, width):
    page = browse(scheme=scheme, width=width)
    for order in Order.objects.all():
        page.goto(f"{shop}/orders/{order.token}/")
        result = Axe().run(page).response
        assert len(result["passes"]) > 10
        assert [(one["id"], one["nodes"][0]["html"]) for one in result["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# Wagtail's own: breadcrumbs scroll in a bar of their own, the icon before a form's title stands outside of it, a
# select is as wide as its longest choice, here a time zone, a heading is cut where it is too long, and a snippet's
# panels wait beside the window.
WAGTAILS = (
    ".w-breadcrumbs, h2 > svg.icon.w-absolute, .w-field--typed_choice_field[data-contentpath=time_zone], "
    "[data-panel-heading-text], .form-side, .w-minimap, .footer__container"
)

# What is wider than its place and so scrolls, or reaches out of the window; of these the outermost.
TOO_WIDE = """wagtails => {
  const place = one => {
    const box = one.getBoundingClientRect();
    return `${one.cloneNode().outerHTML} ${Math.round(box.left)}…${Math.round(box.right)}`;
  };
  const reachesOut = one => {
    const box = one.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && (box.left < -1 || box.right > innerWidth + 1);
  };
  const scrolls = one => one === document.documentElement
    || ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
  const wide = [];
  for (const one of document.querySelectorAll('html, body *')) {
    if (one.closest(wagtails)) continue;
    if (one.checkVisibility() && scrolls(one) && one.scrollWidth > one.clientWidth + 1) wide.push(place(one));
  }
  for (const one of document.querySelectorAll('main *, [role=dialog][aria-modal=true] *')) {
    if (one.closest(wagtails)) continue;
    if (one.checkVisibility() && reachesOut(one) && !reachesOut(one.parentElement)) wide.push(place(one));
  }
  return wide;
}"""


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [390, 768, 1440, 1920])
def test_nothing_scrolls_sideways(shop, pages, enter, settings, django_user_model, width, language):
    settings.WAGTAILADMIN_PERMITTED_LANGUAGES = [("en", "English"), ("ar", "العربية")]
    anna = django_user_model.objects.get(username="anna")
    UserProfile.objects.update_or_create(user=anna, defaults={"preferred_language": language})
    page = enter(width=width)
    found = {}
    for name in open_each(page, shop, pages):
        assert page.locator("html").get_attribute("dir") == {"en": "ltr", "ar": "rtl"}[language]
        if wide := page.evaluate(TOO_WIDE, WAGTAILS):
            found[name] = wide
    assert found == {}


# The names of icons that the page asks for and Wagtail does not have.
UNDRAWN = """() => [...document.querySelectorAll('use')]
  .map(use => use.getAttribute('href')).filter(name => !document.querySelector(name))"""


def test_every_icon_is_drawn(shop, pages, enter):
    page = enter()
    found = {}
    for name in open_each(page, shop, pages):
        page.wait_for_selector("#icon-cross", state="attached")
        if undrawn := page.evaluate(UNDRAWN):
            found[name] = undrawn
    assert found == {}


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_whoever_ticks_an_order_sees_what_can_be_done_with_it(shop, pages, enter, width):
    page = enter("orders/", width=width)
    page.locator("[data-bulk-action-checkbox]").first.check()
    for button in page.locator("[data-bulk-action-button]").all():
        button.wait_for()
        expect(button).to_be_in_viewport(ratio=1)
