"""The owner's day in a real browser: find, take the money, note, handle, put away, undo, and meet a colleague."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from tests.orders import IXELLES, placed
from wagtail_orders import lifecycle
from wagtail_orders.models import Order, OrderNote, Payment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


def wait_for_message(page, words):
    page.locator(".messages", has_text=words).wait_for()


def search(page, words):
    page.get_by_label("Search term").fill(words)


def head(page, label):
    """A button of the page's head."""
    return page.locator(".orders-head").get_by_role("button", name=label)


def test_an_order_goes_from_the_search_to_the_archive_and_is_found_there(shop, enter):
    wanted = placed()
    name = "Jiří Dvořák"
    other = placed(customer_name=name, email="jiri@example.com", billing_address=replace(IXELLES, name=name))
    page = enter("orders/")
    search(page, "Müller")
    page.get_by_role("link", name=other.number).wait_for(state="detached")
    page.get_by_role("link", name=wanted.number).click()

    head(page, "Mark as paid").click()
    dialog = page.get_by_role("dialog", name="Mark as paid")
    yesterday = timezone.localdate() - timedelta(days=1)
    dialog.get_by_label("Received on").fill(yesterday.isoformat())
    dialog.get_by_role("button", name="Mark as paid").click()
    wait_for_message(page, f"Order {wanted.number} is marked as paid.")
    assert Payment.objects.get().received_on == yesterday

    page.get_by_label("Write a note").fill("Fragile, two boxes.")
    page.locator("form", has=page.get_by_label("Write a note")).get_by_role("button", name="Save").click()
    wait_for_message(page, "The note is saved.")
    assert OrderNote.objects.get(order=wanted).author.username == "anna"
    page.locator(".orders-note", has_text="Fragile, two boxes.").wait_for()

    head(page, "Order handled").click()
    wait_for_message(page, f"Order {wanted.number} is handled.")
    head(page, "Archive order").click()
    wait_for_message(page, f"Order {wanted.number} is archived.")
    page.get_by_role("button", name="Undo").click()
    wait_for_message(page, "Undone for 1 order.")
    wanted.refresh_from_db()
    assert (wanted.is_archived, wanted.fulfillment_status, wanted.payment_status) == (
        False,
        "fulfilled",
        "paid",
    )
    head(page, "Archive order").click()
    wait_for_message(page, f"Order {wanted.number} is archived.")

    page.goto(f"{shop}/admin/orders/")
    search(page, wanted.number)
    page.get_by_role("link", name="1 archived order matches too").click()
    page.wait_for_url("**/admin/orders/archived/?*")
    page.get_by_role("link", name=wanted.number).click()
    page.get_by_text("In the archive since").wait_for()
    assert page.mistakes == []


def test_all_orders_of_a_filter_are_archived_and_no_others(shop, enter):
    meant = {placed(customer_name=f"Customer {n}").pk for n in range(60)}
    others = {placed(customer_name=f"Paid {n}").pk for n in range(3)}
    lifecycle.mark_paid(Order.objects.filter(pk__in=others))
    lifecycle.mark_handled(Order.objects.all())

    page = enter("orders/?payment_status=unpaid")
    assert page.locator("[data-bulk-action-checkbox]").count() == 50
    page.locator("[data-bulk-action-select-all-checkbox]").first.check()
    page.get_by_role("button", name="Select all orders that the listing shows").click()
    page.locator(".bulk-actions-choices").get_by_role("link", name="Archive").click()
    page.get_by_role("heading", name="Archive 60 orders?").last.wait_for()
    page.get_by_text("and 40 more").wait_for()
    page.get_by_role("button", name=re.compile(r"^Archive .*\(60\)$")).click()
    wait_for_message(page, "60 orders archived.")
    assert set(Order.objects.filter(is_archived=True).values_list("pk", flat=True)) == meant

    page.get_by_role("button", name="Undo").click()
    wait_for_message(page, "Undone for 60 orders.")
    assert not Order.objects.filter(is_archived=True).exists()
    assert page.mistakes == []


def test_who_saves_second_is_told_what_changed_and_keeps_what_was_typed(shop, enter):
    get_user_model().objects.create_superuser("ben", "ben@example.com", "secret", first_name="Ben")
    order = placed()
    anna, ben = enter(f"orders/{order.pk}/"), enter(f"orders/{order.pk}/", user="ben")
    for page in (anna, ben):
        page.get_by_text("Edit the customer").click()
    anna.locator("[name=customer-customer_name]").fill("Zoë Müller-Noël")

    ben.locator("[name=customer-phone]").fill("+32 470 12 34 56")
    ben.locator("form", has=ben.locator("[name=customer-phone]")).get_by_role("button", name="Save").click()
    wait_for_message(ben, f"The customer of order {order.number} is saved.")

    anna_form = anna.locator("form", has=anna.locator("[name=customer-customer_name]"))
    anna_form.get_by_role("button", name="Save").click()
    told = anna.locator(".orders-meanwhile")
    told.wait_for()
    assert told.is_visible()
    for words in ("Ben", "Phone", "+32 470 12 34 56"):
        assert words in told.inner_text()
    assert anna.locator("[name=customer-customer_name]").input_value() == "Zoë Müller-Noël"
    order.refresh_from_db()
    assert (order.customer_name, order.phone) == ("Zoë Müller", "+32 470 12 34 56")

    anna_form.get_by_role("button", name="Save").click()
    wait_for_message(anna, f"The customer of order {order.number} is saved.")
    order.refresh_from_db()
    assert order.customer_name == "Zoë Müller-Noël"
    assert anna.mistakes == ben.mistakes == []


def focused(page):
    """The id of the dialog that the focus is in, and the words of what has it."""
    return page.evaluate(
        """() => [document.activeElement.closest('[role=dialog]')?.id ?? null,
                  document.activeElement.name || document.activeElement.innerText.trim()]"""
    )


def test_a_dialog_keeps_the_focus_and_gives_it_back(shop, enter):
    order = placed()
    page = enter(f"orders/{order.pk}/")
    opener = head(page, "Mark as paid")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Mark as paid").wait_for()
    for key in ("Tab", "Shift+Tab"):
        visited = []
        for _ in range(14):
            page.keyboard.press(key)
            visited.append(focused(page))
        assert {dialog for dialog, _what in visited} == {"orders-pay"}
        assert {"pay-amount", "pay-received_on", "pay-method"} <= {what for _dialog, what in visited}
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Mark as paid").wait_for(state="hidden")
    assert opener.evaluate("button => button === document.activeElement")
    assert page.mistakes == []


@pytest.mark.parametrize("name", ["pay", "unpay", "refund", "ship", "cancel", "delete"])
def test_an_address_opens_a_dialog(shop, enter, name):
    order = placed()
    lifecycle.record_payment(order, amount=Decimal(10), method="bank_transfer")
    page = enter(f"orders/{order.pk}/#orders-{name}")
    page.locator(f"#orders-{name}[aria-modal=true]").wait_for()
    assert page.evaluate(f"document.getElementById('orders-{name}').contains(document.activeElement)")
    assert page.mistakes == []
