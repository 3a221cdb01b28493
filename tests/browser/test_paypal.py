"""PayPal in a real browser, against its double: a customer pays, nobody lifts a hand, and half of it goes back."""

import re

import pytest
from playwright.sync_api import expect

from wagtail_orders.models import Order

from .test_main_way import fill_in_checkout, scrolls_sideways

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


@pytest.fixture
def paypal(double, shop):
    """The double, whose webhooks reach the shop."""
    double.webhook_url = f"{shop}/orders/payments/paypal/"
    yield double
    # What is on its way is to arrive while the shop is still there.
    assert double.is_idle()


def go_to_paypal(page, address):
    """From the product to PayPal, with a double click on the button."""
    fill_in_checkout(page, address, quantity="2")
    page.get_by_label("PayPal").check()
    page.locator("main button").last.dblclick()
    page.wait_for_url("**/checkoutnow?token=*")
    page.get_by_role("button", name="Pay now").wait_for()
    assert not scrolls_sideways(page)
    return Order.objects.get()


def press(page, button):
    """Play the buyer."""
    page.get_by_role("button", name=button).click()
    page.wait_for_url(re.compile("/(merci|thank-you)/"))
    page.locator(".thanks").wait_for()
    assert not scrolls_sideways(page)


def expect_in_payment(page, words):
    expect(page.locator("[aria-labelledby=pay-title]")).to_contain_text(words)


def send_back_half(owner, half):
    owner.get_by_role("button", name="Refund through PayPal…").click()
    dialog = owner.get_by_role("dialog", name="Refund through PayPal")
    amount = dialog.get_by_label("Amount")
    expect(amount).to_have_value("42.00")
    amount.fill(half)
    dialog.get_by_label("Reason").fill("One mug had a crack")
    dialog.get_by_role("button", name="Send it back").click()
    owner.locator(".messages", has_text="€21.00 sent back through PayPal.").wait_for()


@pytest.mark.parametrize(("width", "language"), [(390, "fr"), (1440, "en")])
def test_a_customer_pays_with_paypal_and_half_of_it_goes_back(shop, paypal, browse, enter, width, language):
    customer = browse(width=width, language=language)
    order = go_to_paypal(customer, f"{shop}/{language}/")
    assert (order.payment_status, order.total) == ("unpaid", 42)
    press(customer, "Pay now")
    assert f"{shop}/{language}/" in customer.url
    assert order.number in customer.locator("main").inner_text()
    expect_in_payment(customer, "42")
    expect(customer.locator("main form")).to_have_count(0)

    owner = enter(f"orders/{order.pk}/", width=width)
    payment = owner.locator("#orders-panel-payment-section")
    expect(payment).to_contain_text("Paid")
    expect(owner.locator("#orders-panel-history-section")).to_contain_text("reported by PayPal")
    send_back_half(owner, "21")
    expect(payment).to_contain_text("Partly refunded")
    assert not scrolls_sideways(owner)
    with owner.expect_popup() as opened:
        payment.get_by_role("link", name=re.compile(next(iter(paypal.captures)))).first.click()
    expect(opened.value.locator("main")).to_contain_text("Refunded in part")

    order.refresh_from_db()
    assert (order.payment_status, order.amount_refunded) == ("partially_refunded", 21)
    assert [entry.amount for entry in order.payments.order_by("pk")] == [42, 21]
    assert customer.mistakes == owner.mistakes == []


def test_who_cancels_and_pays_late_after_all_has_paid_when_the_money_is_there(shop, paypal, browse):
    # Where the session's cookie has to come along from another site.
    address = shop.replace("localhost", "127.0.0.1")
    assert address != paypal.pages_url
    page = browse(width=390)
    order = go_to_paypal(page, f"{address}/en/")
    press(page, "Cancel and go back to the shop")
    expect(page.locator("main")).to_contain_text("You came back from PayPal without paying.")
    expect_in_payment(page, "Your order is not paid yet")

    page.get_by_role("button", name="Pay with PayPal").click()
    press(page, "Pay later")
    expect_in_payment(page, "PayPal is still working on your payment.")
    expect(page.get_by_role("button", name="Pay with PayPal")).to_have_count(0)
    order.refresh_from_db()
    assert order.payment_status == "pending"

    here = page.url
    page.goto(f"{paypal.pages_url}/")
    page.get_by_role("link", name=order.number).click()
    page.get_by_role("button", name="Let the money arrive").click()
    expect(page.locator("main")).to_contain_text("Paid")
    assert paypal.is_idle()
    page.goto(here)
    expect_in_payment(page, "Your payment of €42.00 has arrived.")
    assert page.mistakes == []


def test_who_closes_the_window_at_paypal_has_paid(shop, paypal, browse, enter):
    page = browse()
    order = go_to_paypal(page, f"{shop}/en/")
    paypal.approve(order.payment_attempts.get().reference)
    page.close()
    assert paypal.is_idle()
    owner = enter(f"orders/{order.pk}/")
    expect(owner.locator("#orders-panel-payment-section")).to_contain_text("Paid")


def test_who_goes_back_from_paypal_finds_the_order_and_pays_it(shop, paypal, browse):
    page = browse(width=390)
    order = go_to_paypal(page, f"{shop}/en/")
    page.go_back()
    # A browser may show the old form once more, or ask the shop.
    page.wait_for_url(re.compile("/(checkout|thank-you)/"))
    if "/checkout/" in page.url:
        page.reload()
        page.wait_for_url("**/thank-you/**")
    page.get_by_role("button", name="Pay with PayPal").click()
    page.wait_for_url("**/checkoutnow?token=*")
    press(page, "Pay now")
    expect_in_payment(page, "has arrived")
    assert Order.objects.get() == order
