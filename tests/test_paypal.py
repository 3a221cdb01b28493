"""How an order is paid with PayPal and refunded there: begun, taken, followed, each once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.utils import timezone

from tests.paypal import (
    PAID,
    SHOP,
    approved,
    captured,
    event_of,
    ledger,
    now,
    paid,
    paypal,
    placed,
    reasons,
    sent,
    started,
)
from wagtail_orders import payments
from wagtail_orders.exceptions import ProviderFailed, TransitionRefused
from wagtail_orders.lifecycle import Line, cancel, mark_paid, mark_unpaid, record_payment, record_refund
from wagtail_orders.models import Payment, PaymentAttempt
from wagtail_orders.payments.paypal import account, reconciling

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]

HALF = Decimal("21.00")


def asked(double, method, tail):
    return [path for verb, path in double.requests if verb == method and path.endswith(tail)]


# --- Begun


def test_a_payment_begins_with_our_number_and_what_is_owed(double):
    order = placed(payment_method="paypal", language="fr")
    record_payment(order, amount="2", method="cash")
    attempt = started(order)
    [unit] = double.orders[attempt.reference]["purchase_units"]
    assert unit["custom_id"] == unit["invoice_id"] == order.number
    assert unit["amount"] == {"currency_code": "EUR", "value": "40.00"}
    assert unit["payee"]["merchant_id"] == double.settings["MERCHANT_ID"]
    context = double.books.contexts[attempt.reference]
    assert context["return_url"] == f"{SHOP}return"
    assert context["cancel_url"] == f"{SHOP}cancel"
    assert context["locale"] == "fr"
    assert attempt.approve_url.startswith(double.pages_url)
    assert now(order).payment_status == "partially_paid"


def test_a_double_click_begins_one_payment(double):
    first = started()
    second = started(first.order)
    assert (second.pk, second.approve_url) == (first.pk, first.approve_url)
    assert len(double.orders) == 1


def test_an_answer_that_was_lost_begins_no_second_payment(double):
    order = placed()
    double.faults = lambda method, path: "drop after" if path.endswith("/orders") else None
    with pytest.raises(ProviderFailed) as failure:
        started(order)
    assert failure.value.is_passing
    double.faults = lambda method, path: None
    attempt = started(order)
    assert list(double.orders) == [attempt.reference]
    assert PaymentAttempt.objects.count() == 1


def test_a_payment_that_paypal_has_forgotten_is_begun_anew(double):
    first = started()
    PaymentAttempt.objects.update(created_at=timezone.now() - timedelta(hours=2, minutes=46))
    assert started(first.order).reference != first.reference


def test_another_amount_is_another_payment(double):
    first = started()
    record_payment(first.order, amount="2", method="cash")
    assert started(first.order).reference != first.reference


@pytest.mark.parametrize(
    ("currency", "price", "says"),
    [
        ("HUF", "100.50", "cannot be asked for"),
        ("TND", "10.000", "does not take payments in TND"),
        ("ISK", "1000", "does not take payments in ISK"),
    ],
)
def test_what_paypal_cannot_be_paid_in_is_told_before_it_is_asked(double, currency, price, says):
    line = Line(sku="MUG", name="Mug", quantity=1, unit_price=Decimal(price), tax_rate=Decimal(0))
    order = placed(currency=currency, lines=[line], shipping_total=0)
    with pytest.raises(ProviderFailed, match=says):
        started(order)
    assert double.requests == []


@pytest.mark.parametrize(("currency", "value"), [("HUF", "16800"), ("JPY", "16800"), ("USD", "16800.00")])
def test_an_amount_has_as_many_decimals_as_paypal_wants(double, currency, value):
    line = Line(sku="MUG", name="Mug", quantity=1, unit_price=Decimal(16800), tax_rate=Decimal(0))
    attempt = started(placed(currency=currency, lines=[line], shipping_total=0))
    assert double.orders[attempt.reference]["purchase_units"][0]["amount"]["value"] == value
    double.approve(attempt.reference)
    assert paypal().confirm(attempt).payment_status == "paid"


def test_what_is_not_owed_is_not_asked_for(double):
    order = placed()
    cancel(order)
    with pytest.raises(ProviderFailed, match="cancelled"):
        started(order)
    other = placed()
    mark_paid(other)
    with pytest.raises(ProviderFailed, match="paid already"):
        started(other)
    assert double.requests == []


def test_an_attempt_is_found_by_its_own_order_only(double):
    attempt = started()
    assert paypal().attempt(attempt.order, attempt.reference) == attempt
    assert paypal().attempt(placed(), attempt.reference) is None
    for odd in (None, "", "\0", attempt.reference.lower(), "x" * 5000):
        assert paypal().attempt(attempt.order, odd) is None


# --- Taken


def test_an_approved_payment_is_taken_once(double):
    attempt = approved(double)
    order = paypal().confirm(attempt)
    assert order.payment_status == "paid"
    assert ledger(order) == PAID
    payment = order.payments.get()
    assert (payment.method, payment.is_manual) == ("paypal", False)
    assert payment.reference in double.captures
    assert paypal().confirm(attempt).version == order.version
    assert len(asked(double, "POST", "/capture")) == 1
    assert [event.kind for event in order.events.order_by("pk")] == ["placed", "paid"]


def test_who_has_not_agreed_pays_nothing(double):
    attempt = started()
    assert paypal().confirm(attempt).payment_status == "unpaid"
    assert asked(double, "POST", "/capture") == []


def test_an_answer_that_was_lost_takes_the_money_once(double):
    attempt = approved(double)
    double.faults = lambda method, path: "drop after" if path.endswith("/capture") else None
    with pytest.raises(ProviderFailed):
        paypal().confirm(attempt)
    double.faults = lambda method, path: None
    assert paypal().confirm(attempt).payment_status == "paid"
    assert len(double.captures) == 1


def test_a_cancelled_order_takes_no_money_and_the_owner_looks(double):
    attempt = approved(double)
    cancel(attempt.order)
    assert paypal().confirm(attempt).payment_status == "unpaid"
    assert double.captures == {}
    assert len(reasons(attempt)) == 1
    paypal().confirm(attempt)
    assert len(reasons(attempt)) == 1


def test_an_order_that_was_paid_by_hand_meanwhile_takes_no_money(double):
    attempt = approved(double)
    mark_paid(attempt.order)
    assert paypal().confirm(attempt).payment_status == "paid"
    assert double.captures == {}
    assert reasons(attempt) == []


def test_an_order_that_owes_another_amount_takes_no_money_and_the_owner_looks(double):
    attempt = approved(double)
    record_payment(attempt.order, amount="2", method="cash")
    assert paypal().confirm(attempt).payment_status == "partially_paid"
    assert double.captures == {}
    assert "another amount" in reasons(attempt)[0]


def test_money_that_came_after_the_owner_marked_it_paid_makes_her_look(double):
    attempt, _capture = captured(double)
    mark_paid(attempt.order)
    assert paypal().confirm(attempt).payment_status == "overpaid"
    assert now(attempt).needs_look


def test_an_order_that_paypal_has_as_paid_is_not_paid_again(double):
    first = approved(double)
    paypal().confirm(first)
    order = now(first)
    Payment.objects.all().delete()
    type(order).objects.filter(pk=order.pk).update(amount_paid=0, payment_status="unpaid", paid_at=None)
    second = started(order)
    double.approve(second.reference)
    assert paypal().confirm(second).payment_status == "unpaid"
    assert "paid there before" in reasons(order)[0]
    assert len(double.captures) == 1


def test_a_card_that_is_refused_lets_the_customer_choose_another(double):
    attempt = approved(double)
    double.capture_outcome = "INSTRUMENT_DECLINED"
    with pytest.raises(ProviderFailed, match="another way to pay") as failure:
        paypal().confirm(attempt)
    assert not failure.value.is_passing
    double.capture_outcome = "COMPLETED"
    double.approve(attempt.reference)
    # PayPal answers to the same request what it answered then.
    assert started(attempt.order).reference == attempt.reference
    assert paypal().confirm(attempt).payment_status == "paid"


def test_a_refused_card_is_not_answered_again_once_another_was_chosen(double):
    attempt = approved(double)
    double.capture_outcome = "INSTRUMENT_DECLINED"
    key = attempt.key
    for _again in range(2):
        with pytest.raises(ProviderFailed, match="another way to pay"):
            paypal().confirm(PaymentAttempt.objects.get())
        double.approve(attempt.reference)
    assert PaymentAttempt.objects.get().key != key
    double.capture_outcome = "COMPLETED"
    assert paypal().confirm(PaymentAttempt.objects.get()).payment_status == "paid"


def test_money_that_takes_days_is_pending_until_it_comes(double):
    double.capture_outcome = "PENDING"
    attempt = approved(double)
    order = paypal().confirm(attempt)
    assert order.payment_status == "pending"
    with pytest.raises(ProviderFailed, match="still working"):
        started(order)
    [capture] = double.captures
    double.settle(capture, "COMPLETED")
    assert paypal().confirm(attempt).payment_status == "paid"
    assert ledger(order) == PAID


def test_money_that_is_declined_pays_nothing_and_may_be_tried_again(double):
    double.capture_outcome = "DECLINED"
    attempt = approved(double)
    order = paypal().confirm(attempt)
    assert order.payment_status == "unpaid"
    assert ledger(order) == [("payment", "failed", Decimal(42))]
    double.capture_outcome = "COMPLETED"
    second = started(order)
    assert second.reference != attempt.reference
    double.approve(second.reference)
    assert paypal().confirm(second).payment_status == "paid"


# --- Followed, in any order


def test_the_webhook_may_come_before_the_customer(double):
    attempt, _capture = captured(double)
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.COMPLETED")).status_code == 200
    assert ledger(attempt) == PAID
    version = now(attempt).version
    assert paypal().confirm(attempt).version == version


def test_who_agrees_and_never_comes_back_pays(double):
    attempt = approved(double)
    assert sent(double, event_of(double, "CHECKOUT.ORDER.APPROVED")).status_code == 200
    assert ledger(attempt) == PAID


def test_no_transaction_is_open_while_paypal_is_asked(double, transactional_db):
    open_ones = []
    attempt = approved(double)

    def look(method, path):
        with_lock = transaction.get_connection().in_atomic_block
        open_ones.append(with_lock)

    double.faults = look
    paypal().confirm(attempt)
    paypal().refund(now(attempt).payments.get(), amount=HALF, key="a")
    assert open_ones
    assert not any(open_ones)


# --- Sent back


def test_half_and_then_the_rest_goes_back_through_paypal(double, owner):
    payment = paid(double)
    entry = paypal().refund(
        payment, amount=HALF, key="first", reason="A cup was broken", notify_customer=True, user=owner
    )
    assert (entry.amount, entry.state, entry.is_manual, entry.recorded_by) == (
        HALF,
        "confirmed",
        False,
        owner,
    )
    assert entry.reason == "A cup was broken"
    assert double.refunds[entry.reference]["amount"]["value"] == "21.00"
    order = now(payment.order)
    assert order.payment_status == "partially_refunded"
    assert order.events.get(kind="refunded").data["notify_customer"] is True
    paypal().refund(payment, amount=HALF, key="second")
    assert now(order).payment_status == "refunded"


@pytest.mark.parametrize("amount", [HALF, Decimal(42)])
def test_the_same_refund_again_sends_the_money_once(double, amount):
    payment = paid(double)
    first = paypal().refund(payment, amount=amount, key="same")
    assert paypal().refund(payment, amount=amount, key="same") == first
    assert len(double.refunds) == 1


def test_a_refund_whose_answer_was_lost_is_sent_once(double):
    payment = paid(double)
    double.faults = lambda method, path: "drop after" if path.endswith("/refund") else None
    with pytest.raises(ProviderFailed) as failure:
        paypal().refund(payment, amount=HALF, key="same")
    assert failure.value.is_passing
    double.faults = lambda method, path: None
    paypal().refund(payment, amount=HALF, key="same")
    assert len(double.refunds) == 1
    assert now(payment.order).amount_refunded == HALF


@pytest.mark.parametrize("first", ["webhook", "reconciliation"])
def test_whoever_hears_first_of_a_refund_notes_what_its_sender_said(double, owner, first):
    """PayPal's webhook may be faster than its answer, and its answer may never come."""
    payment = paid(double)
    double.faults = lambda method, path: "drop after" if path.endswith("/refund") else None
    told = {"reason": "A chip", "notify_customer": True, "user": owner}
    with pytest.raises(ProviderFailed):
        paypal().refund(payment, amount=HALF, key="same", **told)
    double.faults = lambda method, path: None
    if first == "webhook":
        assert sent(double, event_of(double, "PAYMENT.CAPTURE.REFUNDED")).status_code == 200
    else:
        PaymentAttempt.objects.update(next_look_at=timezone.now())
        reconciling.reconcile(account.account())
    entry = now(payment.order).payments.get(kind="refund")
    assert (entry.reason, entry.recorded_by, entry.is_manual) == ("A chip", owner, False)
    [event] = now(payment.order).events.filter(kind="refunded")
    assert (event.actor, event.data["notify_customer"]) == (owner, True)
    assert paypal().refund(payment, amount=HALF, key="same", **told) == entry
    assert now(payment.order).events.filter(kind="refunded").count() == 1


def test_a_refund_of_somebody_who_is_gone_is_noted_all_the_same(double, owner):
    payment = paid(double)
    double.faults = lambda method, path: "drop after" if path.endswith("/refund") else None
    with pytest.raises(ProviderFailed):
        paypal().refund(payment, amount=HALF, key="same", reason="A chip", user=owner)
    double.faults = lambda method, path: None
    owner.delete()
    sent(double, event_of(double, "PAYMENT.CAPTURE.REFUNDED"))
    entry = now(payment.order).payments.get(kind="refund")
    assert (entry.reason, entry.recorded_by) == ("A chip", None)


def test_more_than_came_in_is_refused_before_paypal_is_asked(double):
    payment = paid(double)
    with pytest.raises(TransitionRefused):
        paypal().refund(payment, amount=Decimal("42.01"), key="a")
    assert double.refunds == {}


def test_a_reason_that_the_ledger_would_not_take_is_refused_before_paypal_is_asked(double):
    payment = paid(double)
    with pytest.raises(ValidationError):
        paypal().refund(payment, amount=HALF, key="a", reason="x" * 501)
    assert double.refunds == {}
    entry = paypal().refund(payment, amount=HALF, key="a", reason="NUL\0 and half \ud800")
    assert entry.reason.startswith("NUL and half")


def test_paypal_s_no_to_a_refund_is_told(double):
    payment = paid(double)
    record_payment(payment.order, amount="10", method="cash")
    with pytest.raises(ProviderFailed, match="REFUND_AMOUNT_EXCEEDED"):
        paypal().refund(payment, amount=Decimal(45), key="a")
    assert now(payment.order).amount_refunded == 0


@pytest.mark.parametrize(("outcome", "state"), [("PENDING", "pending"), ("FAILED", "failed")])
def test_a_refund_that_has_not_gone_is_none_yet(double, outcome, state):
    payment = paid(double)
    double.refund_outcome = outcome
    assert paypal().refund(payment, amount=HALF, key="a").state == state
    assert now(payment.order).amount_refunded == 0


def test_a_refund_made_at_paypal_is_followed(double):
    payment = paid(double)
    double.refund(payment.reference, "10.00")
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.REFUNDED")).status_code == 200
    assert now(payment.order).amount_refunded == 10


def test_a_refund_that_is_reported_first_brings_its_payment_along(double):
    attempt, capture = captured(double)
    double.refund(capture, "10.00")
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.REFUNDED")).status_code == 200
    assert ledger(attempt) == [*PAID, ("refund", "confirmed", Decimal(10))]
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.COMPLETED")).status_code == 200
    assert len(ledger(attempt)) == 2


def test_money_that_paypal_takes_back_is_followed_and_the_owner_looks(double):
    payment = paid(double)
    double.reverse(payment.reference)
    event = event_of(double, "PAYMENT.CAPTURE.REVERSED")
    assert sent(double, event).status_code == 200
    assert now(payment.order).payment_status == "refunded"
    assert now(payment.order).needs_look
    assert sent(double, event).status_code == 200
    assert len(reasons(payment.order)) == 1


def test_a_refund_that_was_noted_by_hand_too_makes_the_owner_look(double):
    payment = paid(double)
    record_refund(payment.order, amount=42, method="manual")
    double.refund(payment.reference)
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.REFUNDED")).status_code == 200
    assert now(payment.order).amount_refunded == 42
    assert "does not fit the ledger" in reasons(payment.order)[0]


def test_a_payment_that_was_noted_by_hand_under_paypals_reference_makes_the_owner_look(double, owner):
    attempt, capture = captured(double)
    record_payment(attempt.order, amount=42, method="paypal", reference=capture, user=owner)
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.COMPLETED")).status_code == 200
    assert ledger(attempt) == PAID
    assert "was noted by hand before" in reasons(attempt)[0]


def test_money_that_paypal_takes_back_after_it_was_refunded_makes_the_owner_look(double):
    payment = paid(double)
    paypal().refund(payment, amount=HALF, key="a")
    double.reverse(payment.reference)
    # As after a dispute: more went back than came in.
    list(double.refunds.values())[-1]["amount"]["value"] = "42.00"
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.REVERSED")).status_code == 200
    assert now(payment.order).amount_refunded == HALF
    told = reasons(payment.order)
    assert "does not fit the ledger" in told[0]
    assert "has taken the payment" in told[1]


def test_a_paypal_payment_is_not_marked_unpaid(double):
    payment = paid(double)
    [(_order, reason)] = mark_unpaid(payment.order).refused.items()
    assert reason.code == "provider_payment"


# --- Mails


def test_each_thing_that_needs_a_look_is_said_once_and_mailed(double):
    payment = paid(double)
    order = payment.order
    type(order).objects.filter(pk=order.pk).update(needs_look=False)
    double.reverse(payment.reference, "10.00")
    double.reverse(payment.reference, "12.00")
    for event in [event for event in double.events if event.kind == "PAYMENT.CAPTURE.REVERSED"]:
        for _again in range(2):
            sent(double, event)
    assert now(order).amount_refunded == 22
    assert len(reasons(order)) == 1


# --- The setting


def test_the_double_is_refused_where_debug_is_off(double, settings):
    settings.DEBUG = False
    with pytest.raises(ImproperlyConfigured):
        payments.providers()


def test_a_payment_has_its_page_at_paypal(double):
    payment = paid(double)
    page = f"{double.pages_url}/activity/payment/{payment.reference}"
    assert payments.provider_of(payment).page_of(payment) == page
