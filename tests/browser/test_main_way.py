"""The main way in a real browser: a customer orders on a phone, the owner pays, handles and archives."""

import re

import pytest

from wagtail_orders.models import Order

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


def scrolls_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def order_a_mug(page, address):
    """From the product to the thank-you page, in French, with a double click on the button."""
    fill_in_checkout(page, address)
    page.fill("[name=customer_note]", "Livrer après 17 h")
    page.locator("main button").last.dblclick()
    page.wait_for_url("**/merci/**")


def fill_in_checkout(page, address, quantity="1"):
    """From the product to what the checkout must know."""
    page.goto(address)
    page.locator("main a", has_text=re.compile("Tasse|Forest mug")).first.click()
    page.fill("[name=quantity]", quantity)
    page.locator("main form button").first.click()
    page.locator("button[name=checkout]").click()
    page.fill("[name=customer_name]", "Zoë Müller")
    page.fill("[name=email]", "zoe@example.com")
    page.fill("[name=billing_street]", "12 rue de l'Église")
    page.fill("[name=billing_postal_code]", "1050")
    page.fill("[name=billing_city]", "Ixelles")
    page.select_option("[name=billing_country]", "BE")


def log_in(page, address):
    page.goto(f"{address}/admin/login/")
    page.fill("#id_username", "anna")
    page.fill("#id_password", "secret")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize("width", [390, 1440])
def test_a_customer_orders_and_the_owner_does_the_rest(shop, browse, width):
    customer = browse(width=width, language="fr")
    order_a_mug(customer, shop)
    order = Order.objects.get()
    assert order.number in customer.locator("main").inner_text()
    assert not scrolls_sideways(customer)

    owner = browse(width=width)
    log_in(owner, shop)
    owner.goto(f"{shop}/admin/orders/")
    assert not scrolls_sideways(owner)
    owner.get_by_role("link", name=order.number).click()
    # The click returns when the page begins to arrive; what stands last in it tells that it is there.
    owner.locator("#orders-panel-notes-section form").last.wait_for()
    assert "Livrer après 17 h" in owner.locator("main").inner_text()
    owner.locator(".orders-head").get_by_role("button", name="Mark as paid").click()
    dialog = owner.get_by_role("dialog", name="Mark as paid")
    dialog.wait_for()
    assert not scrolls_sideways(owner)
    dialog.get_by_role("button", name="Mark as paid").click()
    owner.locator(".messages", has_text="is marked as paid").wait_for()
    for button, said in (("Order handled", "is handled"), ("Archive order", "is archived")):
        assert not scrolls_sideways(owner)
        owner.locator(".orders-head").get_by_role("button", name=button).click()
        owner.locator(".messages", has_text=said).wait_for()
    order.refresh_from_db()
    assert (order.payment_status, order.fulfillment_status, order.is_archived) == ("paid", "fulfilled", True)

    owner.goto(f"{shop}/admin/orders/archived/")
    owner.get_by_role("link", name=order.number).click()
    owner.get_by_role("button", name="Take back from the archive").click()
    owner.locator(".messages", has_text="back among the current orders").wait_for()
    assert customer.mistakes == owner.mistakes == []
