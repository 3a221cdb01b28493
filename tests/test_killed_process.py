"""A process that is killed leaves a verb's work done or not begun, and what it did not tell is told by the sweep."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.orders import placed
from tests.processes import Death
from wagtail_orders import events, signals
from wagtail_orders.lifecycle import mark_paid
from wagtail_orders.models import (
    NumberSequence,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    PaymentStatus,
)

pytestmark = pytest.mark.django_db(transaction=True)


def deaths_during(prepare, work, check):
    """
    Kill ``work(prepare(year))`` at each of its moments in turn, in a year of its own, and ``check`` what is
    left each time. Returns what the checks returned; the last work was not killed.
    """
    found, was_killed = [], True
    while was_killed:
        at = len(found)
        prepared = prepare(1950 + at)
        was_killed = Death(at).awaits(lambda prepared=prepared: work(prepared))
        found.append(check(prepared))
    return found


# --- place_order


def in_year(year, **changes):
    return placed(placed_at=datetime(year, 6, 1, tzinfo=UTC), **changes)


def place_the_one_to_be_killed(year):
    in_year(year, idempotency_key=f"basket-{year}")


def is_placed_whole_or_not_at_all(year, before):
    """Check one year's orders, of which there were ``before``; whether the killed placement is among them."""
    orders = Order.objects.filter(number__startswith=f"{year}-")
    is_placed = orders.filter(idempotency_key=f"basket-{year}").exists()
    standing = before + is_placed

    assert orders.count() == standing
    assert OrderAddress.objects.filter(order__in=orders).count() == 2 * standing
    assert OrderLine.objects.filter(order__in=orders).count() == standing
    assert OrderEvent.objects.filter(order__in=orders, kind="placed").count() == standing
    counts = list(NumberSequence.objects.filter(key=f"{year}-#").values_list("last", flat=True))
    assert counts == ([standing] if standing else [])
    return is_placed


def is_followed_by_the_next_number(year, standing):
    """The shop tries again with its key, then another customer comes: no number is missing, none is double."""
    place_the_one_to_be_killed(year)
    in_year(year)

    numbers = Order.objects.filter(number__startswith=f"{year}-").values_list("number", flat=True)
    assert sorted(numbers) == [f"{year}-{number:05d}" for number in range(1, standing + 2 + 1)]


@pytest.mark.parametrize("before", [0, 1], ids=["the_years_first", "a_later_one"])
def test_place_order_killed_at_any_moment_places_all_or_nothing(before):
    def prepare(year):
        for _ in range(before):
            in_year(year)
        return year

    def check(year):
        is_placed = is_placed_whole_or_not_at_all(year, before)
        is_followed_by_the_next_number(year, before)
        return is_placed

    found = deaths_during(prepare, place_the_one_to_be_killed, check)

    assert_all_moments_were_met(found, statements=8)


def assert_all_moments_were_met(found, *, statements):
    """Each statement has two moments, and so has the commit; nothing stands before the commit, all after it."""
    assert len(found) > 2 * statements + 2
    assert found == sorted(found)
    assert found.count(False) >= 2 * (statements - 1) + 1
    assert found.count(True) >= 1 + 2 + 1


# --- mark_paid


def is_paid_whole_or_not_at_all(order):
    """Whether the order is paid; ledger, facts, journal and Wagtail's log agree on it."""
    order = Order.objects.get(pk=order.pk)
    is_paid = order.paid_at is not None
    logged = ModelLogEntry.objects.filter(object_id=str(order.pk), action="wagtail_orders.paid")

    assert order.payment_status == (PaymentStatus.PAID if is_paid else PaymentStatus.UNPAID)
    assert order.amount_paid == (order.total if is_paid else 0)
    assert order.version == 1 + is_paid
    assert [payment.amount for payment in order.payments.all()] == [order.total] * is_paid
    assert order.events.filter(kind="paid").count() == is_paid
    assert logged.count() == is_paid
    return is_paid


def test_mark_paid_killed_at_any_moment_pays_all_or_nothing(owner):
    def check(order):
        is_paid = is_paid_whole_or_not_at_all(order)
        mark_paid(order, user=owner)
        assert is_paid_whole_or_not_at_all(order)
        return is_paid

    found = deaths_during(in_year, lambda order: mark_paid(order, user=owner), check)

    assert_all_moments_were_met(found, statements=6)


def test_mark_paid_on_many_killed_at_any_moment_pays_each_order_whole_or_not_at_all(owner, settings):
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 2}

    def prepare(year):
        return [in_year(year) for _ in range(3)]

    def listed(orders):
        return Order.objects.filter(pk__in=[order.pk for order in orders])

    def check(orders):
        paid = [is_paid_whole_or_not_at_all(order) for order in orders]
        mark_paid(listed(orders), user=owner)
        assert all(is_paid_whole_or_not_at_all(order) for order in orders)
        return paid

    found = deaths_during(prepare, lambda orders: mark_paid(listed(orders), user=owner), check)

    assert [paid for before, paid in zip([None, *found], found, strict=False) if paid != before] == [
        [False, False, False],
        [True, True, False],
        [True, True, True],
    ]


# --- What it did not tell


@pytest.fixture
def told():
    """The orders' numbers that receivers of ``order_placed`` were told in this process."""
    numbers = []

    def receive(order, **kwargs):
        numbers.append(order.number)

    signals.order_placed.connect(receive)
    yield numbers
    signals.order_placed.disconnect(receive)


def test_the_sweep_tells_what_a_process_did_that_died_after_the_commit(told):
    begun = timezone.now()
    assert Death("after COMMIT").awaits(placed)
    order = Order.objects.get()

    assert events.sweep(now=begun + timedelta(seconds=59)).due == 0
    assert told == []

    later = timezone.now() + timedelta(seconds=61)
    assert events.sweep(now=later).delivered == 1
    assert told == [order.number]

    assert events.sweep(now=later + timedelta(days=1)).due == 0
    assert told == [order.number]


def test_orders_sweep_tells_it_too_and_the_second_time_tells_nothing(told, settings, capsys):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}
    assert Death("after COMMIT").awaits(placed)

    call_command("orders_sweep")
    assert told == [Order.objects.get().number]
    assert "1 events due, 1 delivered, 0 put off." in capsys.readouterr().out

    call_command("orders_sweep", verbosity=2)
    assert told == [Order.objects.get().number]
    assert "0 events due" in capsys.readouterr().out


def test_a_process_that_died_before_the_commit_leaves_nothing_to_tell(told):
    assert Death("before COMMIT").awaits(placed)

    assert not Order.objects.exists()
    assert events.sweep(now=timezone.now() + timedelta(days=1)).due == 0


def test_a_sweep_killed_at_any_moment_leaves_every_event_to_the_next(told):
    def left_behind(year):
        assert Death("after COMMIT").awaits(lambda: in_year(year))
        return OrderEvent.objects.get(order__number__startswith=f"{year}-")

    def sweep_after(wait):
        events.sweep(now=timezone.now() + wait)

    def check(event):
        told.clear()
        was_delivered = OrderEvent.objects.get(pk=event.pk).dispatched_at is not None
        sweep_after(timedelta(minutes=2) + events.LEASE)
        assert told == [] if was_delivered else [event.order.number]
        assert not OrderEvent.objects.undelivered().exists()
        return was_delivered

    found = deaths_during(left_behind, lambda event: sweep_after(timedelta(minutes=2)), check)

    assert found == sorted(found)
    assert set(found) == {False, True}
