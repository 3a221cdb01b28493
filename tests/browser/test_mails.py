"""The mails in a real browser: an order's own in the demo's mailbox, and all that the owner does about mails."""

import re

import pytest
from django.test import override_settings
from playwright.sync_api import expect

from example_site.mailbox import mails
from tests.orders import placed
from tests.smtp import MailServer, mail_settings
from tests.test_example_mailbox import mailbox  # noqa: F401 - a fixture
from wagtail_orders import lifecycle
from wagtail_orders.models import MailText, Notification, Order, SavedText
from wagtail_orders.notifications import deliver

from .test_main_way import order_a_mug, scrolls_sideways

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


def wait_for_message(page, words):
    page.locator(".messages", has_text=words).wait_for()


def open_mail(page, subject):
    """The frame with the mail that the mailbox's list calls so."""
    page.get_by_role("link", name=subject).click()
    return page.frame_locator("iframe.mail-frame")


@pytest.mark.parametrize("width", [390, 1440])
def test_an_order_leads_by_mail_to_its_page(shop, mailbox, browse, settings, width):  # noqa: F811
    settings.WAGTAILADMIN_BASE_URL = shop
    customer = browse(width=width, language="fr")
    order_a_mug(customer, shop)
    order = Order.objects.get()
    deliver.sweep()

    customer.goto(f"{shop}/mailbox/?language=fr")
    expect(customer.locator(".mail-row")).to_have_count(2)
    mail = open_mail(customer, re.compile("^Votre commande"))
    expect(customer.locator(".mail-facts")).to_contain_text("zoe@example.com")
    expect(mail.locator("body")).to_contain_text(order.number)
    expect(mail.locator("body")).to_contain_text("Livrer après 17 h")

    owner = browse(width=width)
    owner.goto(f"{shop}/mailbox/?language=en")
    mail = open_mail(owner, re.compile("^New order"))
    expect(mail.get_by_role("heading", name=order.number)).to_be_visible()
    mail.get_by_role("link", name="Open the order").click()
    owner.wait_for_url("**/admin/login/**")
    owner.fill("#id_username", "anna")
    owner.fill("#id_password", "secret")
    owner.click("button[type=submit]")
    owner.wait_for_url(f"**/admin/orders/{order.pk}/")
    owner.get_by_role("heading", name=f"Order {order.number}").last.wait_for()
    assert not scrolls_sideways(owner)
    assert customer.mistakes == owner.mistakes == []


def test_a_saved_text_is_chosen_and_what_was_typed_stays(shop, enter):
    SavedText.objects.create(
        name="Late", subject="Order {number} is late", text="Dear {customer_name}, a week more."
    )
    SavedText.objects.create(name="Collect", subject="Order {number} is ready", text="Come and get it.")
    order = placed()
    page = enter(f"orders/{order.pk}/")
    page.get_by_role("button", name="Write a mail").click()
    dialog = page.get_by_role("dialog", name="Write a mail")
    subject, text = dialog.locator("[name=mail-subject]"), dialog.locator("[name=mail-text]")
    assert dialog.get_by_label("To").input_value() == "zoe@example.com"

    dialog.get_by_label("Saved text").select_option(label="Late")
    expect(subject).to_have_value(f"Order {order.number} is late")
    expect(text).to_have_value("Dear Zoë Müller, a week more.")
    dialog.get_by_label("Saved text").select_option(label="Collect")
    expect(text).to_have_value("Come and get it.")
    text.fill("My own words.")
    dialog.get_by_label("Saved text").select_option(label="Late")
    expect(text).to_have_value("My own words.\n\nDear Zoë Müller, a week more.")

    dialog.get_by_role("button", name="Send").click()
    wait_for_message(page, "is on its way")
    mail = Notification.objects.get(kind=Notification.Kind.MESSAGE)
    assert (mail.recipient, mail.event.data["subject"]) == (
        "zoe@example.com",
        f"Order {order.number} is late",
    )
    assert page.mistakes == []


def test_a_mail_that_failed_goes_to_the_corrected_address(shop, enter):
    order = placed(email="zoe@exampel.com")
    with MailServer() as server, override_settings(**mail_settings(server)):
        server.answer("RCPT", "550 5.1.1 No such customer", to="zoe@exampel.com")
        deliver.sweep()
        page = enter("")
        page.locator("#orders-mail-trouble-section").get_by_role("link", name=order.number).click()
        page.get_by_text("550 5.1.1 No such customer").wait_for()
        page.get_by_role("textbox", name="To").fill("zoe@example.com")
        page.get_by_role("button", name="Send once more").click()
        wait_for_message(page, "The mail is on its way once more.")
        deliver.sweep()
        assert server.recipients().count("zoe@example.com") == 1
    page.goto(f"{shop}/admin/")
    page.locator(".orders-newest").wait_for()
    expect(page.locator("#orders-mail-trouble-section")).to_have_count(0)
    assert page.mistakes == []


def preview(page):
    return page.frame_locator("#w-preview-iframe").locator("body")


def test_own_words_are_seen_while_they_are_written_tried_out_and_saved(shop, mailbox, enter):  # noqa: F811
    order = placed()
    page = enter("order-mail-texts/")
    page.get_by_role("link", name="Write your own: Confirmation of the order (English)").click()
    page.get_by_role("button", name="Toggle preview").click()
    expect(preview(page)).to_contain_text("Thank you for your order")

    page.get_by_label("Opening text").fill("")
    # No faster than people type: what stands there two seconds after it opened, Wagtail takes for unchanged.
    words = "Dear {customer_name}, we light the kiln for {number}."
    page.get_by_label("Opening text").press_sequentially(words, delay=60)
    expect(preview(page)).to_contain_text(f"Dear Zoë Müller, we light the kiln for {order.number}.")

    page.get_by_role("button", name="More actions", exact=True).click()
    page.get_by_role("button", name="Send me a test").click()
    wait_for_message(page, "Your text is not saved yet.")
    (test,) = mails.newest_first()
    assert (test.to, MailText.objects.count()) == ("anna@example.com", 0)
    expect(page.get_by_label("Opening text")).to_have_value(re.compile("kiln"))

    page.get_by_label("Closing text").fill("Yours, {shopname}")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("{shopname} is no placeholder.").first.wait_for()
    assert not MailText.objects.exists()
    page.get_by_label("Closing text").fill("Yours, {shop_name}")
    page.get_by_role("button", name="Save").click()
    wait_for_message(page, "created")
    assert MailText.objects.get().closing == "Yours, {shop_name}"
    expect(page.locator("tr", has_text="Confirmation of the order")).to_contain_text("Your words")
    assert page.mistakes == []


# Each of these marks the page that shows it, if it is let.
HOSTILE = """<!doctype html><body><p>A mail</p>
<script>document.body.dataset.ran = 'script'; top.document.body.dataset.ran = 'script'</script>
<img src="x" onerror="document.body.dataset.ran = 'handler'">
<svg onload="document.body.dataset.ran = 'svg'"></svg>
<a href="javascript:document.body.dataset.ran = 'link'">A link</a>
<meta http-equiv="refresh" content="0; url=/admin/logout/">"""


def test_a_hostile_mail_runs_nothing_in_its_frame(shop, enter):
    order = placed()
    deliver.sweep()
    mail = Notification.objects.filter(event__order=order).first()
    Notification.objects.filter(pk=mail.pk).update(html_body=HOSTILE)
    page = enter(f"orders/{order.pk}/mails/{mail.pk}/")
    shown = page.frame_locator("iframe.orders-mail")
    shown.get_by_text("A mail").wait_for()
    shown.get_by_role("link", name="A link").click()
    page.wait_for_load_state("networkidle")
    assert shown.locator("[data-ran]").count() == page.locator("[data-ran]").count() == 0
    assert page.url.endswith(f"/mails/{mail.pk}/")

    # Neither does it if it is opened alone.
    page.goto(f"{shop}/admin/orders/{order.pk}/mails/{mail.pk}/body/")
    page.get_by_text("A mail").wait_for()
    assert page.locator("[data-ran]").count() == 0
    # Where nothing forbids it, it runs.
    page.goto("about:blank")
    page.set_content(HOSTILE.replace("<meta", "<i"))
    page.locator("[data-ran]").wait_for()


def test_a_parcel_is_told_of_only_where_the_box_is_ticked(shop, enter):
    order = placed(language="fr")
    page = enter(f"orders/{order.pk}/#orders-ship")
    dialog = page.get_by_role("dialog", name="Ship")
    told = "Tell the customer that the order has been shipped (zoe@example.com, in French)"
    box = dialog.get_by_label(told)
    expect(box).to_be_checked()
    box.uncheck()
    dialog.get_by_role("button", name="Ship").click()
    wait_for_message(page, "is on its way")
    assert not Notification.objects.filter(kind=Notification.Kind.SHIPPED).exists()

    other = placed()
    lifecycle.mark_paid(other)
    page.goto(f"{shop}/admin/orders/{other.pk}/#orders-ship")
    page.get_by_role("dialog", name="Ship").get_by_role("button", name="Ship").click()
    wait_for_message(page, "is on its way")
    assert Notification.objects.get(kind=Notification.Kind.SHIPPED).recipient == "zoe@example.com"
    assert page.mistakes == []
