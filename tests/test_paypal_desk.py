"""PayPal at the owner's desk: what the pages show of it, refunds that it sends, and money that fits no order."""

import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.formats import date_format

from example_site.paypal_double import Double
from wagtail_orders.lifecycle import (
    archive,
    edit_customer,
    flag,
    mark_handled,
    mark_paid,
    record_payment,
    record_refund,
    unflag,
)
from wagtail_orders.models import Order, ProviderEvent

from .desk import (
    button,
    filled,
    form_at,
    is_open,
    opened,
    page_of,
    paid,
    parsed,
    paypal_paid,
    raw,
    said,
    send,
    tables,
    unmatched,
    user_with,
    with_paypal,
    words,
)
from .orders import placed

pytestmark = pytest.mark.django_db

SLUG = "refund-provider"
HOME = "wagtailadmin_home"
#: An app at PayPal that nothing is asked of.
SET_UP = {
    "CLIENT_ID": "AaBbCc",
    "CLIENT_SECRET": "secret",
    "WEBHOOK_ID": "1JE4291016473214C",
    "MERCHANT_ID": "7KNGBPH2U58GQ",
    "ENVIRONMENT": "sandbox",
}


def no_fault(method, path):
    """Nothing goes wrong."""


@pytest.fixture
def paypal(settings):
    """PayPal is set up; nobody asks it anything."""
    settings.WAGTAIL_ORDERS = {**getattr(settings, "WAGTAIL_ORDERS", {}), "PAYPAL": SET_UP}


@pytest.fixture
def double(settings):
    """PayPal is its double."""
    with Double() as double:
        yield with_paypal(settings, double)


def told_by_paypal(order, *, amount=None, reference="8AB12345CD678901E"):
    """The order with a payment in its ledger as PayPal reports it."""
    record_payment(order, amount=amount or order.total, method="paypal", reference=reference)
    return order


def refunds(double):
    return [Decimal(refund["amount"]["value"]) for refund in double.refunds.values()]


def dialog(document, slug=SLUG):
    (found,) = document.xpath(f"//*[@id='orders-{slug}']")
    return found


# --- What the order's page shows.


@pytest.mark.usefixtures("paypal")
def test_a_payment_and_its_refund_lead_to_their_pages_at_paypal_in_a_new_tab(desk):
    order = told_by_paypal(placed())
    record_payment(order, amount=1, method="bank_transfer", reference="STATEMENT-7")
    record_refund(order, amount=10, method="paypal", reference="1JU08902781691411")
    page = opened(desk, order)
    links = page.xpath(
        "//*[@id='panel-orders-panel-payment-section' or @id='orders-panel-payment-section']//a"
    )
    assert [link.get("href") for link in links if link.get("target")] == [
        "https://www.sandbox.paypal.com/activity/payment/8AB12345CD678901E",
        "https://www.sandbox.paypal.com/activity/payment/1JU08902781691411",
    ]
    for link in links:
        if link.get("target"):
            assert "noopener" in link.get("rel")
            assert words(link).endswith("at PayPal, in a new tab")
    assert "STATEMENT-7" in words(page)


def test_where_paypal_is_not_set_up_the_reference_is_only_told(desk):
    page = opened(desk, told_by_paypal(placed()))
    assert "8AB12345CD678901E" in words(page)
    assert "paypal.com" not in desk.get(page_of(Order.objects.get())).content.decode()
    assert not page.xpath(f"//*[@id='orders-{SLUG}']")


@pytest.mark.usefixtures("paypal")
def test_paypals_payments_cost_the_page_no_query(desk):
    def count(order):
        with CaptureQueriesContext(connection) as queries:
            desk.get(page_of(order))
        return len(queries)

    plain, busy = paid(placed(email="ada@example.com")), placed(email="bo@example.com")
    for number in range(4):
        told_by_paypal(busy, amount=10, reference=f"CAPTURE-{number}")
    record_refund(busy, amount=1, method="paypal", reference="REFUND-1")
    flag(busy, reason="Odd")
    count(plain)
    assert count(busy) == count(plain)


@pytest.mark.usefixtures("paypal")
def test_what_paypal_reported_is_told_as_such_and_what_a_person_noted_as_theirs(desk, owner):
    order = told_by_paypal(placed())
    record_payment(order, amount=1, method="paypal", user=owner)
    entries = [words(entry) for entry in opened(desk, order).xpath("//ol[@class='orders-history']/li")]
    assert entries[0].endswith(", Anna")
    assert entries[1].startswith("Paid: €42.00 (PayPal)")
    assert entries[1].endswith(", reported by PayPal")


def test_an_order_that_needs_a_look_says_why_at_its_top(desk):
    order = placed()
    flag(order, reason="An old story")
    unflag(order)
    flag(order, reason="PayPal has taken 41.00 EUR <b>instead</b> of 42.00 EUR")
    note = "This order needs a look: PayPal has taken 41.00 EUR <b>instead</b> of 42.00 EUR"
    assert note in words(opened(desk, order))
    unflag(order)
    assert "This order needs a look" not in words(opened(desk, order))


def test_an_order_that_was_brought_over_with_a_flag_leads_to_its_history(desk):
    order = placed()
    Order.objects.filter(pk=order.pk).update(needs_look=True)
    assert "This order needs a look: see its history." in words(opened(desk, order))


# --- What is offered.


@pytest.mark.usefixtures("paypal")
def test_a_refund_through_paypal_offers_what_is_left(desk):
    order = told_by_paypal(placed())
    record_refund(order, amount=10, method="paypal", reference="REFUND-1")
    record_refund(order, amount=5, method="cash")
    form = form_at(opened(desk, order), button(order, SLUG))
    values = filled(form)
    assert values[f"{SLUG}-amount"] == "27.00"
    assert uuid.UUID(values[f"{SLUG}-key"])
    assert "at the most €27.00" in words(form)
    assert "Tell the customer (zoe@example.com" in words(form)


@pytest.mark.usefixtures("paypal")
def test_a_refund_that_is_on_its_way_is_not_offered_once_more(desk):
    order = told_by_paypal(placed())
    record_refund(order, amount=42, method="paypal", reference="REFUND-1", state="pending")
    assert form_at(opened(desk, order), button(order, SLUG)) is None


@pytest.mark.usefixtures("paypal")
@pytest.mark.parametrize(
    "make",
    [
        placed,
        lambda: paid(placed()),
        lambda: told_by_paypal(placed(), reference=None),
        lambda: record_payment(placed(), amount=42, method="paypal", reference="8AB", state="pending").order,
        lambda: record_payment(placed(), amount=42, method="card", reference="pi_1").order,
        lambda: (
            record_refund(told_by_paypal(placed()), amount=42, method="paypal", reference="REFUND-1").order
        ),
    ],
    ids=["unpaid", "by hand", "by hand, at PayPal", "pending", "another provider", "refunded"],
)
def test_where_paypal_has_nothing_to_send_back_nothing_is_offered_and_nothing_sent(desk, make):
    order = make()
    assert form_at(opened(desk, order), button(order, SLUG)) is None
    before = tables()
    data = raw(order, SLUG, amount="1", key=uuid.uuid4(), payment=1)
    assert desk.post(button(order, SLUG), data).status_code == 422
    assert tables() == before


@pytest.mark.usefixtures("paypal")
def test_mark_as_unpaid_says_that_paypals_money_can_only_go_back_and_leads_there(desk):
    order = told_by_paypal(placed())
    there = dialog(opened(desk, order), "unpay")
    assert "was paid through PayPal: it can only be refunded, not marked as unpaid" in words(there)
    (opener,) = there.xpath(f".//button[@data-a11y-dialog-show='orders-{SLUG}']")
    assert words(opener) == "Refund through PayPal…"
    assert form_at(opened(desk, order), button(order, "unpay")) is None


@pytest.mark.usefixtures("paypal")
def test_a_refund_by_hand_says_when_all_that_is_left_came_through_paypal(desk):
    order = told_by_paypal(placed())
    hint = "use “Refund through PayPal”"
    assert hint in words(dialog(opened(desk, order), "refund"))
    record_payment(order, amount=5, method="cash")
    assert hint not in words(dialog(opened(desk, order), "refund"))


@pytest.mark.usefixtures("paypal")
def test_who_may_only_look_is_offered_no_refund(client, django_user_model):
    client.force_login(user_with(django_user_model, "view_order"))
    order = told_by_paypal(placed())
    page = opened(client, order)
    assert "paypal.com/activity" in page.xpath("//a[@target='_blank' and contains(@href, '8AB')]")[0].get(
        "href"
    )
    assert form_at(page, button(order, SLUG)) is None
    assert client.post(button(order, SLUG), raw(order, SLUG)).status_code == 302
    assert order.payments.count() == 1


# --- Refunds that PayPal sends.


def test_half_is_sent_back_and_then_the_rest(desk, owner, double):
    order = paypal_paid(placed())
    response = send(desk, order, SLUG, amount="21.00", reason="A chip in the glaze")
    assert (response.status_code, response.url) == (302, page_of(order))
    assert said(response) == ["€21.00 sent back through PayPal."]
    refund = order.payments.get(kind="refund")
    assert refunds(double) == [Decimal(21)]
    assert (refund.amount, refund.state, refund.method) == (21, "confirmed", "paypal")
    assert refund.reference in double.refunds
    assert not refund.is_manual
    assert order.events.get(kind="refunded").actor == owner
    order.refresh_from_db()
    assert order.payment_status == "partially_refunded"
    page = opened(desk, order)
    assert refund.reference in words(page)
    assert filled(form_at(page, button(order, SLUG)))[f"{SLUG}-amount"] == "21.00"
    send(desk, order, SLUG)
    order.refresh_from_db()
    assert (order.payment_status, order.amount_refunded) == ("refunded", 42)
    assert form_at(opened(desk, order), button(order, SLUG)) is None


@pytest.mark.parametrize("tick", ["on", None])
def test_the_customer_is_told_where_the_owner_wants_it(
    desk, double, django_capture_on_commit_callbacks, tick
):
    order = paypal_paid(placed())
    with django_capture_on_commit_callbacks(execute=True):
        send(desk, order, SLUG, amount="1", notify_customer=tick)
    mails = order.events.get(kind="refunded").notifications.filter(recipient=order.email)
    assert mails.count() == (1 if tick else 0)


def test_the_same_form_sent_twice_sends_the_money_once(desk, double):
    order = paypal_paid(placed())
    page = opened(desk, order)
    assert send(desk, order, SLUG, at=page, amount="10").status_code == 302
    again = send(desk, order, SLUG, at=page, amount="10")
    assert again.status_code == 409
    assert "Refunded €10.00" in words(form_at(parsed(again), button(order, SLUG)))
    # Whoever sends it all the same gets the answer that stands.
    once_more = send(desk, order, SLUG, at=parsed(again))
    assert said(once_more) == ["€10.00 sent back through PayPal."]
    assert refunds(double) == [Decimal(10)]
    assert order.payments.filter(kind="refund").count() == 1


def test_what_somebody_changed_meanwhile_is_told_before_paypal_is_asked(desk, owner, double):
    order = paypal_paid(placed())
    page = opened(desk, order)
    edit_customer(order, phone="12", user=owner)
    asked, before = len(double.requests), tables()
    response = send(desk, order, SLUG, at=page, amount="10", reason="A chip")
    assert response.status_code == 409
    assert (len(double.requests), tables()) == (asked, before)
    form = form_at(parsed(response), button(order, SLUG))
    assert "Phone: – → 12" in words(form)
    assert is_open(parsed(response), order, SLUG)
    assert filled(form)[f"{SLUG}-reason"] == "A chip"
    assert filled(form)[f"{SLUG}-key"] == filled(form_at(page, button(order, SLUG)))[f"{SLUG}-key"]
    assert said(desk.post(button(order, SLUG), filled(form))) == ["€10.00 sent back through PayPal."]


@pytest.mark.parametrize("amount", ["42.01", "0", "-1", "1.005", "x", ""])
def test_an_amount_that_cannot_be_is_refused_before_paypal_is_asked(desk, double, amount):
    order = paypal_paid(placed())
    asked, before = len(double.requests), tables()
    response = send(desk, order, SLUG, amount=amount)
    assert response.status_code == 422
    assert (len(double.requests), tables()) == (asked, before)
    assert is_open(parsed(response), order, SLUG)
    assert filled(form_at(parsed(response), button(order, SLUG)))[f"{SLUG}-amount"] == amount


@pytest.mark.parametrize("fault", [500, "drop", "drop after"])
def test_a_paypal_that_fails_is_told_in_the_dialog_with_everything_typed_and_may_be_asked_again(
    desk, double, fault
):
    order = paypal_paid(placed())
    ledger = tables()["Payment"]
    double.faults = lambda method, path: fault if path.endswith("/refund") else None
    page = opened(desk, order)
    response = send(desk, order, SLUG, at=page, amount="10", reason="A chip")
    assert response.status_code == 422
    assert tables()["Payment"] == ledger
    form = form_at(parsed(response), button(order, SLUG))
    assert is_open(parsed(response), order, SLUG)
    assert "If you try again in this dialog, it is sent only once" in words(form)
    typed = filled(form)
    assert (typed[f"{SLUG}-amount"], typed[f"{SLUG}-reason"]) == ("10", "A chip")
    assert typed[f"{SLUG}-key"] == filled(form_at(page, button(order, SLUG)))[f"{SLUG}-key"]
    double.faults = no_fault
    assert said(desk.post(button(order, SLUG), typed)) == ["€10.00 sent back through PayPal."]
    assert refunds(double) == [Decimal(10)]


def test_what_paypal_refuses_is_told_with_its_own_reason_and_nothing_is_noted(desk, double):
    order = paypal_paid(placed())
    # At PayPal's own site, of which no webhook has told yet.
    double.refund(order.payments.get().reference, amount="40.00")
    before = tables()
    response = send(desk, order, SLUG, amount="10")
    assert response.status_code == 422
    form = form_at(parsed(response), button(order, SLUG))
    assert "PayPal refused:" in words(form)
    assert "it is sent at most once" in words(form)
    assert order.payments.filter(kind="refund", amount=10).count() == 0
    assert tables()["Payment"] == before["Payment"]


def test_a_refund_that_takes_its_time_is_said_to_be_on_its_way_and_cannot_be_undone(desk, double):
    order = paypal_paid(placed())
    double.refund_outcome = "PENDING"
    response = send(desk, order, SLUG, amount="10")
    assert said(response) == ["PayPal is sending €10.00 back."]
    assert order.payments.get(kind="refund").state == "pending"
    document = parsed(desk.get(page_of(order)))
    assert form_at(document, reverse("wagtail_orders:undo")) is None
    order.refresh_from_db()
    assert order.amount_refunded == 0


def test_a_refund_that_fails_at_paypal_is_told_and_can_be_begun_anew(desk, double):
    order = paypal_paid(placed())
    double.refund_outcome = "FAILED"
    page = opened(desk, order)
    response = send(desk, order, SLUG, at=page, amount="10")
    assert response.status_code == 422
    form = form_at(parsed(response), button(order, SLUG))
    assert is_open(parsed(response), order, SLUG)
    assert "PayPal did not send it back." in words(form)
    assert "Somebody changed this order" not in words(form)
    assert order.payments.get(kind="refund").state == "failed"
    # With the key of what has failed PayPal would only say so again.
    again = filled(form)
    assert again[f"{SLUG}-key"] != filled(form_at(page, button(order, SLUG)))[f"{SLUG}-key"]
    double.refund_outcome = "COMPLETED"
    assert said(desk.post(button(order, SLUG), again)) == ["€10.00 sent back through PayPal."]
    assert order.payments.filter(kind="refund", state="confirmed").count() == 1


def test_of_several_payments_one_is_chosen(desk, double):
    order = paypal_paid(placed())
    told_by_paypal(order, amount=10, reference="CAPTURE-2")
    first, second = order.payments.order_by("pk")
    page = opened(desk, order)
    form = form_at(page, button(order, SLUG))
    labels = [words(option) for option in form.xpath(".//select/option")]
    assert f"PayPal, €42.00 of {date_format(first.received_on)} ({first.reference})" in labels[0]
    assert labels[1].endswith("(CAPTURE-2): at the most €10.00")
    too_much = send(desk, order, SLUG, at=page, payment=str(second.pk), amount="11")
    assert too_much.status_code == 422
    assert "At the most €10.00 can still be sent back." in words(parsed(too_much))
    again = parsed(too_much)
    assert send(desk, order, SLUG, at=again, payment=str(first.pk), amount="11").status_code == 302
    assert ("POST", f"/v2/payments/captures/{first.reference}/refund") in double.requests


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("site")
def test_while_paypal_is_asked_nobody_has_to_wait_for_the_order(desk, double, monkeypatch):
    order = paypal_paid(placed())
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    def meanwhile(method, path):
        """In the thread of PayPal's answer, with a connection of its own."""
        if path.endswith("/refund"):
            try:
                edit_customer(Order.objects.get(pk=order.pk), phone="0470 12")
            finally:
                connection.close()

    double.faults = meanwhile
    response = send(desk, order, SLUG, amount="10")
    assert said(response) == ["€10.00 sent back through PayPal."]
    order.refresh_from_db()
    assert (order.phone, order.amount_refunded) == ("0470 12", 10)


# --- The home page.


def panel(client):
    panels = parsed(client.get(reverse(HOME))).xpath("//section[@id='orders-unmatched-money-section']")
    assert len(panels) <= 1
    return panels[0] if panels else None


def test_the_home_page_says_how_many_orders_need_a_look_and_leads_to_them(desk):
    def tile():
        links = parsed(desk.get(reverse(HOME))).xpath("//*[contains(@class, 'w-summary')]//li/a")
        return next((link for link in links if "look" in words(link)), None)

    calm, odd, late = placed(), placed(), placed()
    assert tile() is None
    flag(odd, reason="Another amount")
    assert words(tile()) == "1 order needs a look"
    mark_paid(late)
    mark_handled(late)
    archive(late)
    flag(late, reason="Taken back by PayPal")
    assert words(tile()) == "2 orders need a look"
    listing = desk.get(tile().get("href")).content.decode()
    assert odd.number in listing
    assert late.number in listing
    assert calm.number not in listing


@pytest.mark.usefixtures("paypal")
def test_money_that_fits_no_order_is_told_on_the_home_page_until_somebody_has_looked(desk):
    assert panel(desk) is None
    unmatched(state=ProviderEvent.State.DONE)
    assert panel(desk) is None
    event = unmatched(2)
    (entry,) = panel(desk).xpath(".//li")
    assert "PayPal: Payment received · CAPTURE-2" in words(entry)
    assert "42.00 EUR for 2026-00077, which is no order" in words(entry)
    (link,) = entry.xpath(".//a")
    assert link.get("href") == "https://www.sandbox.paypal.com/activity/payment/CAPTURE-2"
    assert "noopener" in link.get("rel")
    (form,) = panel(desk).forms
    for text in ("Noted: somebody has looked at it.", "Somebody has looked at it already."):
        response = desk.post(form.get("action"), filled(form))
        assert response.url.partition("#")[0] == reverse(HOME)
        assert said(response)[-1] == text
    assert panel(desk) is None
    event.refresh_from_db()
    assert event.state == ProviderEvent.State.DONE


def test_an_unknown_kind_is_told_as_it_came_and_escaped(desk):
    unmatched(kind="<b>NEW.KIND</b>", resource="", error="<script>")
    entry = words(panel(desk).xpath(".//li")[0])
    assert "PayPal: <b>NEW.KIND</b>" in entry
    assert "<script>" in entry


def test_of_much_money_the_newest_is_shown_and_all_is_counted(desk):
    for number in range(7):
        unmatched(number)
    assert len(panel(desk).xpath(".//li")) == 5
    assert "7 reports" in words(panel(desk))
    assert "CAPTURE-6" in words(panel(desk))


def test_who_may_only_look_sees_it_without_the_button(client, django_user_model):
    event = unmatched()
    client.force_login(user_with(django_user_model, "view_order"))
    assert panel(client).forms == []
    client.post(reverse("wagtail_orders:looked_at", args=[event.pk]))
    event.refresh_from_db()
    assert event.state == ProviderEvent.State.UNMATCHED
    client.force_login(user_with(django_user_model))
    assert panel(client) is None


def test_only_money_that_fits_no_order_can_be_settled(desk):
    waiting = unmatched(state=ProviderEvent.State.WAITING)
    assert desk.get(reverse("wagtail_orders:looked_at", args=[waiting.pk])).status_code == 405
    desk.post(reverse("wagtail_orders:looked_at", args=[waiting.pk]))
    waiting.refresh_from_db()
    assert waiting.state == ProviderEvent.State.WAITING
