"""What happens at once ends as if one had come after the other; each race is first shown with its guard taken out."""

import re
import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from tests.orders import placed
from tests.processes import Meeting, in_processes, in_threads
from wagtail_orders import database, events, signals
from wagtail_orders.exceptions import IdempotencyConflict, TransitionRefused
from wagtail_orders.lifecycle import (
    mark_handled,
    mark_paid,
    mark_unhandled,
    mark_unpaid,
    paying,
    placing,
    record_payment,
    record_refund,
)
from wagtail_orders.models import NumberSequence, Order, OrderAddress, OrderEvent, OrderLine, Payment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("site"),
    pytest.mark.skipif(
        connection.vendor == "sqlite",
        reason="SQLite has one writer at a time and no row locks: see test_sqlite_writers.py",
    ),
]

READ_COUNTER = r"SELECT .* FROM .wagtail_orders_numbersequence"
MOVE_COUNTER = r"UPDATE .wagtail_orders_numbersequence"
WRITE_PAYMENT = r"INSERT INTO .wagtail_orders_payment"
NOTE_DELIVERY = r"UPDATE .wagtail_orders_orderevent. SET .dispatched_at"
TAKE_EVENTS = r"UPDATE .wagtail_orders_orderevent. SET .next_dispatch_at"


class Never(Exception):
    """What nobody raises: to catch it instead of the real one is to catch nothing."""


@pytest.fixture
def without_locks(monkeypatch):
    monkeypatch.setattr(Meeting, "PATIENCE", 20)
    monkeypatch.setattr(database, "locked", lambda queryset, **options: queryset)


@pytest.fixture
def without_recovery(monkeypatch):
    monkeypatch.setattr(Meeting, "PATIENCE", 20)
    monkeypatch.setattr(placing, "IntegrityError", Never)
    monkeypatch.setattr(paying, "IntegrityError", Never)


@pytest.fixture
def without_retry(monkeypatch):
    monkeypatch.setattr(database, "ATTEMPTS", 1)


def errors(results):
    return [result for result in results if isinstance(result, Exception)]


def numbers(count):
    return [f"{timezone.localtime().year}-{sequence:05d}" for sequence in range(1, count + 1)]


# --- Numbers


def three_place_at_once():
    """Three placements of which none moves the counter before all have read it, and again if they try again."""
    placed()
    meeting = Meeting(MOVE_COUNTER, 3, 2)
    return in_threads(*[meeting.attended(placed)] * 3)


def test_without_the_counters_lock_a_placement_fails(without_locks):
    assert [type(error) for error in errors(three_place_at_once())] == [IntegrityError]


def test_placements_that_meet_at_the_counter_take_numbers_in_turn():
    assert sorted(order.number for order in three_place_at_once()) == numbers(4)[1:]


def test_a_thousand_placements_by_fifty_workers_get_gapless_numbers():
    def work():
        return [placed().number for _ in range(20)]

    results = in_processes(*[work] * 50)

    assert sorted(number for given in results for number in given) == numbers(1000)
    assert sorted(Order.objects.values_list("number", flat=True)) == numbers(1000)
    assert NumberSequence.objects.get().last == 1000
    assert OrderLine.objects.count() == 1000
    assert OrderAddress.objects.count() == 2000
    assert OrderEvent.objects.filter(kind="placed", dispatched_at__isnull=False).count() == 1000


# --- The same key


def fifty_with_one_key(notes=("",) * 50):
    """Fifty placements with one key, of which none writes before all have seen that the key is new."""
    placed()
    meeting = Meeting(READ_COUNTER, 50, patience=20)
    works = [
        meeting.attended(lambda note=note: placed(idempotency_key="basket-1", customer_note=note))
        for note in notes
    ]
    return in_threads(*works)


def test_without_recovery_a_key_sent_fifty_times_at_once_fails_forty_nine_times(without_recovery):
    results = fifty_with_one_key()

    assert [type(error) for error in errors(results)] == [IntegrityError] * 49
    assert Order.objects.filter(idempotency_key="basket-1").count() == 1


def test_a_key_sent_fifty_times_at_once_gives_one_order():
    results = fifty_with_one_key()

    assert errors(results) == []
    order = Order.objects.get(idempotency_key="basket-1")
    assert [(result.pk, result.number, result.token) for result in results] == [
        (order.pk, order.number, order.token)
    ] * 50
    assert order.events.count() == 1
    assert [order.number, placed().number] == numbers(3)[1:]


def test_a_key_sent_at_once_with_two_contents_gives_one_order_and_a_conflict_for_the_other():
    results = fifty_with_one_key(["one"] * 25 + ["two"] * 25)

    order = Order.objects.get(idempotency_key="basket-1")
    conflicts = errors(results)
    assert [type(error) for error in conflicts] == [IdempotencyConflict] * 25
    assert {error.existing for error in conflicts} == {order}
    assert [result.pk for result in results if isinstance(result, Order)] == [order.pk] * 25


# --- Two bulk verbs


def copies(count):
    """Many orders like one that was placed, quicker than by placing them."""
    order = placed()
    Order.objects.bulk_create(
        [
            Order(**{**facts(order), "number": f"C-{position:05d}", "token": f"token-{position}"})
            for position in range(1, count)
        ]
    )
    return Order.objects.all()


def facts(order):
    return {
        field.attname: getattr(order, field.attname)
        for field in Order._meta.concrete_fields
        if not field.primary_key
    }


def in_opposite_directions(one, other, way=None):
    """
    Two bulk verbs over the same orders, listed from either end, that both have begun to lock when a third
    lets go of the order in the middle: later where they lock in ``way``, so that they surely meet.
    """
    listing = way or threading.local()
    middle = list(Order.objects.order_by("pk").values_list("pk", flat=True))[Order.objects.count() // 2]
    both_begin = threading.Barrier(3)

    def run(verb, listed):
        listing.listed = listed
        both_begin.wait(timeout=30)
        return verb(Order.objects.order_by(listed))

    def hold_the_middle():
        with transaction.atomic():
            list(Order.objects.select_for_update().filter(pk=middle))
            both_begin.wait(timeout=30)
            time.sleep(0.5 if way is None else 2)

    results = in_threads(lambda: run(one, "pk"), lambda: run(other, "-pk"), hold_the_middle)
    return results[:2]


@pytest.fixture
def locks_as_listed(monkeypatch):
    """Takes the order of locking out: each thread locks its orders as its listing has them."""
    way = threading.local()

    def locked(queryset):
        queryset = queryset.select_for_update().order_by(getattr(way, "listed", "pk"))
        queryset.order_by = lambda *fields: queryset
        return queryset

    monkeypatch.setattr(database, "locked", locked)
    return way


def test_without_an_order_of_locking_two_bulk_verbs_deadlock(locks_as_listed, without_retry):
    copies(200)

    results = in_opposite_directions(mark_paid, mark_handled, locks_as_listed)

    assert [type(error) for error in errors(results)] == [OperationalError]
    assert "deadlock" in str(errors(results)[0]).lower()


def test_a_bulk_verb_that_is_a_deadlocks_victim_is_run_again(locks_as_listed):
    orders = copies(200)

    results = in_opposite_directions(mark_paid, mark_handled, locks_as_listed)

    assert errors(results) == []
    assert (orders.paid().count(), orders.handled().count()) == (200, 200)
    assert {kind: orders.filter(events__kind=kind).count() for kind in ("paid", "handled")} == {
        "paid": 200,
        "handled": 200,
    }


def test_two_bulk_verbs_in_opposite_directions_both_end_without_a_deadlock(without_retry):
    orders = copies(200)

    for one, other in [(mark_paid, mark_handled), (mark_unpaid, mark_unhandled)] * 2:
        results = in_opposite_directions(one, other)

        assert errors(results) == []
        assert [len(outcome.changed) for outcome in results] == [200, 200]
    assert OrderEvent.objects.exclude(kind="placed").count() == 2 * 2 * 2 * 200
    assert set(orders.values_list("version", flat=True)) == {1 + 8}


# --- Money


def at_the_ledger(*works):
    """Run works of which none writes to the ledger before all have read it."""
    meeting = Meeting(WRITE_PAYMENT, len(works), apart=0.2)
    return in_threads(*[meeting.attended(work) for work in works])


def pay_twice_at_once(order):
    return at_the_ledger(*[lambda: mark_paid(Order.objects.get(pk=order.pk))] * 2)


def test_without_the_orders_lock_two_mark_paid_at_once_give_two_payments(without_locks):
    order = placed()

    pay_twice_at_once(order)

    assert order.payments.count() == 2
    assert order.events.filter(kind="paid").count() == 2


def test_two_mark_paid_at_once_give_one_payment_and_one_event():
    order = placed()

    results = pay_twice_at_once(order)

    assert sorted((len(outcome.changed), len(outcome.unchanged)) for outcome in results) == [(0, 1), (1, 0)]
    assert [payment.amount for payment in order.payments.all()] == [Decimal("42.00")]
    assert order.events.filter(kind="paid").count() == 1
    order.refresh_from_db()
    assert (order.amount_paid, order.version) == (Decimal("42.00"), 2)


def refund_twice_at_once(order):
    def refund():
        return record_refund(Order.objects.get(pk=order.pk), amount=Decimal(30), method="cash")

    return at_the_ledger(refund, refund)


def test_without_the_orders_lock_two_refunds_at_once_give_back_more_than_was_paid(without_locks):
    order = placed()
    mark_paid(order)

    refund_twice_at_once(order)

    assert sum(Payment.objects.filter(kind="refund").values_list("amount", flat=True)) == Decimal(60)


def test_two_refunds_at_once_never_give_back_more_than_was_paid():
    order = placed()
    mark_paid(order)

    results = refund_twice_at_once(order)

    assert [type(error) for error in errors(results)] == [TransitionRefused]
    order.refresh_from_db()
    assert order.amount_refunded == Decimal(30)


def one_reference_on_two_orders():
    def pay(order):
        return record_payment(order, amount=order.total, method="paypal", reference="CAPTURE-1")

    return at_the_ledger(*[lambda order=order: pay(order) for order in (placed(), placed())])


def test_without_recovery_a_reference_on_two_orders_at_once_shows_a_database_error(without_recovery):
    assert [type(error) for error in errors(one_reference_on_two_orders())] == [IntegrityError]


def test_a_reference_on_two_orders_at_once_pays_one_and_is_a_conflict_for_the_other():
    assert [type(error) for error in errors(one_reference_on_two_orders())] == [IdempotencyConflict]
    assert Payment.objects.count() == 1
    assert Order.objects.paid().count() == 1


# --- The sweep


@pytest.fixture
def sent():
    """The primary keys of the events that ``order_handled`` was sent for, each time it was."""
    keys = []

    def receive(event, **kwargs):
        keys.append(event.pk)

    signals.order_handled.connect(receive)
    yield keys
    signals.order_handled.disconnect(receive)


def left_behind(count, apart=timedelta(0)):
    """
    As many events as a process leaves behind that dies before it sends them, a minute ago: each due so much
    earlier than the one before.
    """
    due = timezone.now()
    OrderEvent.objects.bulk_create(
        [
            OrderEvent(order=order, kind="handled", next_dispatch_at=due - position * apart)
            for position, order in enumerate(copies(count))
        ]
    )
    return list(OrderEvent.objects.due(due).values_list("pk", flat=True))


def test_without_the_events_lock_two_sweeps_send_an_event_twice(without_locks, sent):
    left = left_behind(20)

    in_threads(*[Meeting(TAKE_EVENTS, 2).attended(events.sweep)] * 2)

    assert sorted(sent) == sorted(left * 2)


def test_two_sweeps_at_once_send_each_event_once(sent):
    left = left_behind(20)

    results = in_threads(*[Meeting(TAKE_EVENTS, 2).attended(events.sweep)] * 2)

    assert errors(results) == []
    assert sorted(sent) == left


def test_four_sweeps_at_once_share_many_events(monkeypatch, sent):
    monkeypatch.setattr(events, "SWEEP_CHUNK", 20)
    left = left_behind(400)

    results = in_threads(*[events.sweep] * 4)

    assert errors(results) == []
    assert sorted(sent) == left
    assert not OrderEvent.objects.undelivered().exists()


def sweep_and_note_at_once():
    """
    A sweep of events that came due in the opposite order of their primary keys, and the dispatch of the same
    events, that both have begun to lock when a third lets go of the one in the middle.
    """
    pks = left_behind(20, apart=timedelta(seconds=1))
    if connection.vendor == "mysql":
        # Else it goes by what it knew of the table before, and may not use the index on so few rows.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE wagtail_orders_orderevent")
    dispatched = list(OrderEvent.objects.filter(pk__in=pks).select_related("order"))
    middle_is_held = threading.Barrier(3)

    def run(work):
        middle_is_held.wait(timeout=30)
        return work()

    def hold_the_middle():
        with transaction.atomic():
            list(OrderEvent.objects.select_for_update().filter(pk=pks[10]))
            middle_is_held.wait(timeout=30)
            time.sleep(1)

    return in_threads(
        lambda: run(events.sweep), lambda: run(lambda: events.dispatch(dispatched)), hold_the_middle
    )


@pytest.fixture
def waiting(monkeypatch):
    """Lets a sweep wait for what somebody else has locked."""
    monkeypatch.setattr(database, "locked", lambda queryset, **options: queryset.select_for_update())


@pytest.mark.skipif(connection.vendor != "mysql", reason="only MariaDB locks what it finds in an index")
def test_a_sweep_that_waits_and_a_note_of_the_same_events_deadlock(waiting, without_retry):
    results = sweep_and_note_at_once()

    assert [type(error) for error in errors(results)] == [OperationalError]
    assert "deadlock" in str(errors(results)[0]).lower()


def test_a_sweep_and_a_note_of_the_same_events_end_without_a_deadlock(without_retry):
    results = sweep_and_note_at_once()

    assert errors(results) == []
    assert not OrderEvent.objects.undelivered().exists()


def test_sweeps_and_dispatches_at_once_end_without_a_deadlock(settings, without_retry):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}
    orders = list(copies(10))

    def write_and_dispatch(order):
        for _ in range(20):
            event = OrderEvent.objects.create(order=order, kind="handled", next_dispatch_at=timezone.now())
            events.dispatch([event])

    def sweep():
        return [events.sweep() for _ in range(40)]

    works = [lambda order=order: write_and_dispatch(order) for order in orders]
    assert errors(in_threads(*works, *[sweep] * 4)) == []
    assert not OrderEvent.objects.undelivered().exists()


def test_a_deadlock_after_the_commit_neither_repeats_the_verb_nor_reaches_the_caller():
    order = placed()
    victims = iter([True])

    def deadlock_once(execute, sql, params, many, context):
        if re.search(NOTE_DELIVERY, sql) and next(victims, False):
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(deadlock_once):
        record_payment(order, amount=Decimal(10), method="cash")

    assert next(victims, None) is None
    assert order.payments.count() == 1
    assert order.events.filter(kind="payment_recorded").count() == 1


def test_orders_are_placed_and_swept_at_once_without_an_error(settings):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}

    def place():
        return [mark_paid(placed()) for _ in range(10)]

    def sweep():
        return [events.sweep() for _ in range(60)]

    assert errors(in_threads(*[place] * 10, *[sweep] * 4)) == []
    assert OrderEvent.objects.count() == 200
    assert not OrderEvent.objects.undelivered().exists()
