"""Parcels in a real browser: from a carrier's name to the two links that the customer finds."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.orders import placed
from tests.test_example_mailbox import mailbox  # noqa: F401 - a fixture
from wagtail_orders.models import Order, Shipment, ShippingMethod
from wagtail_orders.notifications import deliver

from .test_main_way import scrolls_sideways

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

BPOST = "https://track.bpost.cloud/btr/web/#/search"


def wait_for_message(page, words):
    page.locator(".messages", has_text=words).wait_for()


def links_to(place, parcel):
    return place.locator(f'a[href*="itemCode={parcel}&lang=fr"]')


@pytest.mark.parametrize("width", [390, 1440])
def test_from_the_carriers_name_to_the_customers_two_links(shop, mailbox, enter, browse, width):  # noqa: F811
    ShippingMethod.objects.all().delete()
    page = enter("snippets/", width=width)
    page.goto(f"{shop}{reverse('wagtail_orders_shipping_methods:add')}")
    page.locator("[name=name]").fill("bpost at home")
    page.locator("[name=carrier]").select_option(label="bpost")
    expect(page.locator("[name=tracking_url_template]")).to_have_value(
        re.compile(r"^https://track\.bpost\.cloud/")
    )
    page.locator("[name=price]").fill("5")
    page.get_by_role("button", name="Save").click()
    wait_for_message(page, "bpost at home")
    bpost = ShippingMethod.objects.get()
    assert bpost.carrier == "bpost"

    order = placed(shipping_method=bpost, language="fr")
    page.goto(f"{shop}/admin/orders/{order.pk}/")
    page.get_by_role("button", name="Ship…").first.click()
    dialog = page.get_by_role("dialog", name="Ship")
    numbers = dialog.get_by_label("Parcel number or link")
    numbers.fill(f"323200000001\n{BPOST}?itemCode=323200000002&lang=en")
    # What will be, before anything is.
    expect(links_to(dialog, "323200000001")).to_be_visible()
    expect(links_to(dialog, "323200000002")).to_be_visible()
    expect(dialog).to_contain_text(f"Votre commande {order.number}")
    mail = dialog.frame_locator("iframe").locator("body")
    expect(mail).to_contain_text("323200000002")
    assert not Shipment.objects.exists()
    assert not scrolls_sideways(page)
    dialog.get_by_role("button", name="Ship").click()
    wait_for_message(page, "2 parcels of order")
    assert list(Shipment.objects.order_by("pk").values_list("tracking_number", flat=True)) == [
        "323200000001",
        "323200000002",
    ]

    entry = page.locator("#orders-panel-tracking-section li").first
    entry.locator("summary").click()
    entry.get_by_label("Parcel number or link").fill("323200000009")
    entry.get_by_role("button", name="Save").click()
    wait_for_message(page, "is corrected")
    assert page.mistakes == []

    deliver.sweep()
    customer = browse(width=width, language="fr")
    customer.goto(f"{shop}/mailbox/?language=fr")
    expect(customer.get_by_role("link", name=re.compile("en route|expédiée"))).to_have_count(1)
    token = Order.objects.get(pk=order.pk).token
    customer.goto(f"{shop}/orders/{token}/")
    for parcel in ("323200000009", "323200000002"):
        expect(links_to(customer, parcel)).to_be_visible()
    expect(links_to(customer, "323200000001")).to_have_count(0)
    assert not scrolls_sideways(customer)
    assert customer.mistakes == []


def test_the_dialog_follows_what_is_typed(shop, enter):
    order = placed(shipping_method=ShippingMethod.objects.get(name="bpost"))
    page = enter(f"orders/{order.pk}/")
    page.get_by_role("button", name="Ship…").first.click()
    dialog = page.get_by_role("dialog", name="Ship")
    certain, handled = (
        dialog.get_by_label("The number is right"),
        dialog.get_by_label("mark the order as handled"),
    )
    expect(dialog).to_contain_text("Without a number nobody can follow it.")
    expect(certain).to_be_hidden()
    numbers = dialog.get_by_label("Parcel number or link")
    numbers.fill("RB123456786GB")
    expect(certain).to_be_visible()
    expect(dialog).to_contain_text("the check digit of RB123456786GB does not fit")
    numbers.fill("RB123456785GB")
    expect(certain).to_be_hidden()
    expect(dialog).to_contain_text("The order will be handled.")

    dialog.get_by_text("Only some of it").click()
    dialog.get_by_role("spinbutton").fill("1")
    expect(handled).not_to_be_checked()
    expect(dialog).to_contain_text("Still to be sent: 1 ×")
    dialog.get_by_label("Tell the customer that the order has been shipped").uncheck()
    expect(dialog.locator("iframe")).to_have_count(0)
    dialog.get_by_role("button", name="Ship").click()
    wait_for_message(page, "is on its way")
    order.refresh_from_db()
    assert order.fulfillment_status == "partially_fulfilled"
    assert page.mistakes == []


def test_a_scanner_goes_from_field_to_field(shop, enter):
    orders = [placed(), placed()]
    page = enter("orders/")
    for tick in page.locator("[data-bulk-action-checkbox]").all():
        tick.check()
    page.locator(".bulk-actions-choices").get_by_role("link", name="Ship…").click()
    page.get_by_label(f"Parcel number or link of order {orders[1].number}").focus()
    # A scanner ends each number with Enter.
    page.keyboard.type("32320002")
    page.keyboard.press("Enter")
    page.keyboard.type("32320001")
    page.keyboard.press("Enter")
    assert not Shipment.objects.exists()
    expect(page.get_by_role("button", name="Ship", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    wait_for_message(page, "2 orders shipped.")
    assert [order.shipments.get().tracking_number for order in orders] == ["32320001", "32320002"]
    assert page.mistakes == []
