"""``manage.py paypal_reconcile`` brings about what no webhook told, as often and as many at once as it is run."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.paypal import (
    PAID,
    approved,
    captured,
    event_of,
    ledger,
    now,
    paid,
    paypal,
    reasons,
    sent,
    started,
)
from tests.processes import in_threads
from wagtail_orders.exceptions import ProviderFailed
from wagtail_orders.lifecycle import cancel
from wagtail_orders.models import PaymentAttempt, ProviderEvent
from wagtail_orders.payments.paypal import judging

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]


def reconcile(*arguments, is_due=True, **options):
    """What the command says, and the code it ends with, when all that waits is due."""
    if is_due:
        earlier = timezone.now() - timedelta(seconds=1)
        PaymentAttempt.objects.exclude(next_look_at=None).update(next_look_at=earlier)
        ProviderEvent.objects.exclude(next_attempt_at=None).update(next_attempt_at=earlier)
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("paypal_reconcile", *arguments, stdout=out, stderr=err, **options)
    except SystemExit as end:
        code = end.code
    return out.getvalue() + err.getvalue(), code


def counts(attempts=0, events=0, settled=0, failed=0, deleted=0):
    return (
        f"{attempts} payments and {events} events due, {settled} settled, {failed} failed, "
        f"{deleted} old events deleted.\n"
    )


def test_without_the_setting_it_says_so():
    with pytest.raises(CommandError, match="PAYPAL"):
        reconcile()


def test_money_that_nobody_told_of_is_found(double):
    attempt, _capture = captured(double)
    assert reconcile() == (counts(attempts=1, settled=1), 0)
    assert ledger(attempt) == PAID
    assert reconcile() == (counts(), 0)


def test_who_agreed_and_closed_the_window_pays(double):
    attempt = approved(double)
    reconcile()
    assert ledger(attempt) == PAID


def test_a_refund_whose_answer_nobody_heard_is_found(double):
    payment = paid(double)
    double.faults = lambda method, path: "drop after" if path.endswith("/refund") else None
    with pytest.raises(ProviderFailed):
        paypal().refund(payment, amount=10, key="a")
    double.faults = lambda method, path: None
    reconcile()
    assert now(payment.order).amount_refunded == 10


def test_a_refund_is_asked_about_more_than_once_however_old_its_payment_is(double):
    payment = paid(double)
    PaymentAttempt.objects.update(created_at=timezone.now() - timedelta(days=300), looks=35)
    double.faults = lambda method, path: "drop after" if path.endswith("/refund") else None
    with pytest.raises(ProviderFailed):
        paypal().refund(payment, amount=10, key="a")
    double.faults = lambda method, path: "drop"
    reconcile()
    double.faults = lambda method, path: None
    reconcile()
    assert now(payment.order).amount_refunded == 10


def test_a_refund_that_is_asked_for_while_the_attempt_is_looked_at_is_not_forgotten(double, monkeypatch):
    paid(double)
    attempt = PaymentAttempt.objects.get()
    soon = timezone.now() + timedelta(minutes=1)
    real = judging.payments_of

    def meanwhile(remote, kind):
        PaymentAttempt.objects.update(next_look_at=soon)
        return real(remote, kind)

    monkeypatch.setattr(judging, "payments_of", meanwhile)
    paypal().confirm(attempt)
    attempt.refresh_from_db()
    assert attempt.next_look_at == soon


def test_a_pending_refund_made_at_paypal_is_asked_about_until_it_is_settled(double):
    payment = paid(double)
    double.refund_outcome = "PENDING"
    refund = double.refund(payment.reference, "10.00")
    assert sent(double, event_of(double, "PAYMENT.REFUND.PENDING")).status_code == 200
    assert now(payment.order).amount_refunded == 0
    double.settle_refund(refund)
    assert reconcile() == (counts(attempts=1, settled=1), 0)
    assert now(payment.order).amount_refunded == 10


def test_a_pending_payment_is_asked_about_until_it_is_settled(double):
    double.capture_outcome = "PENDING"
    attempt, capture = captured(double)
    assert reconcile() == (counts(attempts=1), 0)
    assert now(attempt).payment_status == "pending"
    double.settle(capture, "COMPLETED")
    assert reconcile() == (counts(attempts=1, settled=1), 0)
    assert ledger(attempt) == PAID


def test_it_asks_less_and_less_often_and_gives_up_after_a_month(double):
    attempt = started()
    waits = []
    for _look in range(7):
        reconcile()
        attempt.refresh_from_db()
        waits.append(round((attempt.next_look_at - timezone.now()).total_seconds() / 60))
    assert waits == [5, 15, 60, 360, 1440, 1440, 1440]
    PaymentAttempt.objects.update(looks=35)
    reconcile()
    attempt.refresh_from_db()
    assert attempt.next_look_at is None


def test_what_paypal_has_forgotten_is_asked_about_no_more(double):
    attempt = started()
    double.expire(attempt.reference)
    assert reconcile() == (counts(attempts=1, settled=1), 0)
    attempt.refresh_from_db()
    assert attempt.next_look_at is None


def test_what_is_not_due_is_not_asked_about(double):
    started()
    double.requests.clear()
    assert reconcile(is_due=False) == (counts(), 0)
    assert double.requests == []


def test_a_dry_run_says_what_is_due_and_asks_nothing(double):
    attempt = approved(double)
    sent(double, event_of(double, "CHECKOUT.ORDER.APPROVED"))
    other = approved(double)
    double.requests.clear()
    said, code = reconcile("--dry-run")
    assert f"{other.order.number} {other.reference}" in said
    assert attempt.reference not in said
    assert said.endswith("1 payments and 0 events due; nothing was asked.\n")
    assert code == 0
    assert double.requests == []


def test_one_failure_does_not_stop_the_rest(double):
    attempts = [approved(double) for _one in range(3)]
    double.faults = lambda method, path: 500 if attempts[1].reference in path else None
    assert reconcile() == (counts(attempts=3, settled=2, failed=1), 1)
    assert [now(attempt).payment_status for attempt in attempts] == ["paid", "unpaid", "paid"]
    double.faults = lambda method, path: None
    assert reconcile() == (counts(attempts=1, settled=1), 0)


def test_a_paypal_that_cannot_be_reached_ends_the_run(double):
    for _one in range(5):
        approved(double)
    double.faults = lambda method, path: "drop"
    said, code = reconcile()
    assert said == counts(attempts=3, failed=3) + "PayPal could not be reached; the rest waits.\n"
    assert code == 1


def test_an_event_that_waits_is_judged_again(double):
    attempt, _capture = captured(double)
    PaymentAttempt.objects.update(next_look_at=None)
    double.faults = lambda method, path: 500 if path.startswith("/v2/") else None
    assert sent(double, event_of(double, "PAYMENT.CAPTURE.COMPLETED")).status_code == 503
    assert reconcile() == (counts(events=1, failed=1), 1)
    double.faults = lambda method, path: None
    assert reconcile() == (counts(events=1, settled=1), 0)
    assert ledger(attempt) == PAID


def test_an_event_of_an_order_that_never_came_is_decided(double):
    double.take_elsewhere("42.00", custom_id="2026-99999", invoice_id="2026-99999")
    sent(double, event_of(double, "PAYMENT.CAPTURE.COMPLETED"))
    reconcile()
    assert ProviderEvent.objects.get().state == "waiting"
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=16))
    reconcile()
    assert ProviderEvent.objects.get().state == "unmatched"


def test_an_approved_payment_that_is_not_owed_makes_the_owner_look(double):
    attempt = approved(double)
    cancel(attempt.order)
    assert reconcile() == (counts(attempts=1, settled=1), 0)
    assert double.captures == {}
    assert "no money was taken" in reasons(attempt)[0]


def test_what_a_run_does_not_expect_stops_it_not(double, caplog):
    attempt, capture = captured(double)
    other = approved(double)
    # No PayPal of this world answers so.
    double.captures[capture]["status"] = ["COMPLETED"]
    assert reconcile() == (counts(attempts=2, settled=1, failed=1), 1)
    assert "could not be followed" in caplog.text
    assert now(other).payment_status == "paid"
    assert now(attempt).payment_status == "unpaid"


def test_old_events_are_deleted_but_not_what_nobody_has_looked_at(double):
    for state in ("done", "ignored", "unmatched", "waiting"):
        for days in (89, 91):
            ProviderEvent.objects.create(
                provider="paypal",
                identifier=f"{state}-{days}",
                state=state,
                received_at=timezone.now() - timedelta(days=days),
            )
    assert reconcile() == (counts(deleted=2), 0)
    left = set(ProviderEvent.objects.values_list("identifier", flat=True))
    assert left == {"done-89", "ignored-89", "unmatched-89", "unmatched-91", "waiting-89", "waiting-91"}


def test_the_other_environment_s_payments_are_left_alone(double):
    started()
    PaymentAttempt.objects.update(environment="live")
    double.requests.clear()
    assert reconcile() == (counts(), 0)
    assert double.requests == []


@pytest.mark.django_db(transaction=True)
def test_several_runs_at_once_take_each_payment_once(double):
    attempts = [approved(double) for _one in range(6)]
    earlier = timezone.now() - timedelta(seconds=1)
    PaymentAttempt.objects.update(next_look_at=earlier)
    results = in_threads(*[lambda: reconcile(is_due=False)[1]] * 4)
    assert results == [0] * 4
    assert [ledger(attempt) for attempt in attempts] == [PAID] * 6
    taken = [path for method, path in double.requests if path.endswith("/capture")]
    assert len(taken) == 6
