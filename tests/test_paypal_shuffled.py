"""
Webhooks in any order, some twice, while PayPal fails now and then: in the end each order is as PayPal has it. The
environment variable PAYPAL_WEBHOOKS says how many; 10,000 take some minutes.
"""

import os
import random
from collections import Counter, deque
from decimal import Decimal

import pytest

from tests.paypal import approved, captured, now, sent
from wagtail_orders.models import Notification, OrderSettings, ProviderEvent
from wagtail_orders.payments.paypal import client

COUNT = int(os.environ.get("PAYPAL_WEBHOOKS", 300))
#: More than anybody is likely to need: each is to be sent again with one chance in three or so.
MOST_TRIES = 50

pytestmark = [pytest.mark.django_db(transaction=True)]


def paid(double):
    return captured(double)[0], "paid", 0


def approved_only(double):
    return approved(double), "paid", 0


def settled(double):
    double.capture_outcome = "PENDING"
    attempt, capture = captured(double)
    double.settle(capture, "COMPLETED")
    return attempt, "paid", 0


def pending(double):
    double.capture_outcome = "PENDING"
    return captured(double)[0], "pending", 0


def denied(double):
    double.capture_outcome = "PENDING"
    attempt, capture = captured(double)
    double.settle(capture, "DECLINED")
    return attempt, "unpaid", 0


def refunded_in_parts(double):
    attempt, capture = captured(double)
    double.refund(capture, "10.00")
    double.refund(capture, "11.00")
    return attempt, "partially_refunded", 21


def refunded(double):
    attempt, capture = captured(double)
    double.refund(capture, "40.00")
    double.refund(capture)
    return attempt, "refunded", 42


def reversed_(double):
    attempt, capture = captured(double)
    double.reverse(capture)
    return attempt, "refunded", 42


def bent(double):
    attempt, capture = captured(double)
    double.captures[capture]["amount"]["value"] = "1.00"
    return attempt, "unpaid", 0


CASES = [paid, approved_only, settled, pending, denied, refunded_in_parts, refunded, reversed_, bent]
FLAGGED = (reversed_, bent)


def test_shuffled_doubled_and_failing_webhooks_end_right(double, site, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUTS", (5, 0.1))
    chance = random.Random(8)
    OrderSettings.objects.create(
        site=site, recipients="anna@example.com", mail_payment_received=True, mail_confirmation=False
    )
    expected = []
    while len(double.events) < COUNT / 1.3:
        case = CASES[len(expected) % len(CASES)]
        double.capture_outcome = "COMPLETED"
        expected.append((case, *case(double)))
    double.capture_outcome = "COMPLETED"
    faults = [500, 503, "drop", "drop after", "timeout", 429]

    def fails(method, path):
        return chance.choice(faults) if chance.random() < 0.1 else None

    double.faults = fails
    _send_all(double, chance)
    double.faults = lambda method, path: None

    for case, attempt, status, amount_refunded in expected:
        order = now(attempt)
        told = f"{case.__name__} {order.number}"
        assert (order.payment_status, order.amount_refunded) == (status, Decimal(amount_refunded)), told
        assert order.needs_look == (case in FLAGGED), told
        kinds = Counter(order.events.values_list("kind", flat=True))
        assert kinds["paid"] == (status not in ("unpaid", "pending")), told
        assert kinds["refunded"] == {0: 0, 21: 2, 42: 2 if case is refunded else 1}[amount_refunded], told
        assert kinds["flagged"] == (case in FLAGGED), told
        mails = Counter(Notification.objects.filter(event__order=order).values_list("kind", flat=True))
        assert mails["payment_received"] == kinds["paid"], told
        assert mails["needs_look"] == kinds["flagged"], told
    assert set(ProviderEvent.objects.values_list("state", flat=True)) == {"done"}
    assert ProviderEvent.objects.count() == len(double.events)


def _send_all(double, chance):
    """Send all events, and those that come of them, as PayPal does: again until they are taken."""
    known, waiting, tries = 0, deque(), Counter()
    while known < len(double.events) or waiting:
        news = double.events[known:]
        known += len(news)
        news += chance.sample(news, round(len(news) * 0.3))
        waiting.extend(news)
        if news:
            chance.shuffle(waiting)
        event = waiting.popleft()
        tries[event.identifier] += 1
        status = sent(double, event).status_code
        assert status in (200, 503)
        if status == 503:
            assert tries[event.identifier] < MOST_TRIES
            waiting.append(event)
