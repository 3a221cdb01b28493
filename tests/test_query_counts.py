"""What a placement and a bulk verb cost in queries; transactions, the dispatch of events and queuing mails included."""

from decimal import Decimal

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from wagtail_orders import lifecycle
from wagtail_orders.models import Notification, Order, OrderEvent, OrderSettings

from .orders import MUG, placed

pytestmark = pytest.mark.django_db(transaction=True)


class Counted(CaptureQueriesContext):
    def __init__(self):
        super().__init__(connection)

    def __str__(self):
        return "\n".join(self._statements())

    def until_the_commit(self):
        """How many are of the first transaction, with its begin and its commit."""
        return self._statements().index("COMMIT") + 1

    def after_it(self):
        """How many come after it, without the begin and the commit of a second one."""
        return self._without_transactions(self._statements()[self.until_the_commit() :])

    def in_all(self):
        """How many there are, without the begin and the commit of any transaction."""
        return self._without_transactions(self._statements())

    def _without_transactions(self, statements):
        return sum(not statement.startswith(("BEGIN", "COMMIT")) for statement in statements)

    def _statements(self):
        return [query["sql"][:160] for query in self.captured_queries]


#: The shop's settings and the mails' rows. Some Djangos put these into a transaction, others one statement into none.
TO_QUEUE_MAILS = 2
#: What no receiver has to hear again.
TO_NOTE_THE_DISPATCH = 1


@pytest.mark.parametrize("count", [3, 100])
def test_an_order_takes_nine_queries_to_its_commit_and_few_after_it_however_many_lines_it_has(site, count):
    placed()
    with Counted() as queries:
        order = placed(lines=[MUG] * count, idempotency_key="basket", site=site)
    assert queries.until_the_commit() == 9, queries
    assert queries.after_it() == TO_QUEUE_MAILS + TO_NOTE_THE_DISPATCH, queries
    assert not order.events.undelivered().exists()
    assert order.events.get().notifications.count() == 1


def test_more_owners_cost_no_more(site):
    OrderSettings.objects.create(site=site, recipients="anna@example.com\nben@example.com")
    placed()
    with Counted() as queries:
        placed()
    assert queries.after_it() == TO_QUEUE_MAILS + TO_NOTE_THE_DISPATCH, queries
    assert Notification.objects.count() == 2 * 3


def test_an_order_that_mails_nobody_costs_a_look_at_the_settings(site):
    placed()
    with Counted() as queries:
        placed(notify=False)
    assert queries.after_it() == 1 + TO_NOTE_THE_DISPATCH, queries


def test_the_same_key_again_takes_four(site):
    placed(idempotency_key="basket")
    with Counted() as queries:
        placed(idempotency_key="basket")
    assert len(queries) == 4, queries


@pytest.fixture
def thousand(site):
    """1,000 orders, copied row by row from one that was placed, so that the test is about the verb."""
    order = placed()
    orders = []
    for count in range(1, 1000):
        copy = Order.objects.get(pk=order.pk)
        copy.pk, copy.number, copy.token = None, f"copy-{count}", f"{count:040d}"
        orders.append(copy)
    Order.objects.bulk_create(orders, batch_size=200)
    return Order.objects.all()


# The verb, what must have been done before, and the queries it takes for two chunks of 500: one to find the
# orders, and for each chunk BEGIN, the lock, what it reads and writes, the journal, COMMIT and the dispatch; and a
# look at the settings where a mail may have to be queued.
CASES = [
    ("mark_paid", [], 1 + 2 * (7 + 1)),
    ("mark_unpaid", ["mark_paid"], 1 + 2 * 9),
    ("mark_handled", [], 1 + 2 * 6),
    ("mark_unhandled", ["mark_handled"], 1 + 2 * 7),
    ("cancel", [], 1 + 2 * (6 + 1)),
    ("reopen", ["cancel"], 1 + 2 * 6),
    ("archive", ["mark_handled"], 1 + 2 * 6),
    ("unarchive", ["mark_handled", "archive"], 1 + 2 * 6),
    ("delete", [], 1 + 2 * 14),
]


@pytest.mark.parametrize(("verb", "before", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_verb_over_a_thousand_orders_takes_a_constant_number_a_chunk(
    verb, before, expected, thousand, owner
):
    ContentType.objects.get_for_model(Order)
    for name in before:
        getattr(lifecycle, name)(thousand)
    with Counted() as queries:
        outcome = getattr(lifecycle, verb)(thousand)
    assert len(outcome.changed) == 1000
    assert len(queries) == expected, queries
    assert expected <= 1 + 2 * 14
    assert not OrderEvent.objects.undelivered().exists()


def test_a_thousand_mails_take_as_many_queries_a_chunk_as_one(thousand, site):
    OrderSettings.objects.create(site=site, mail_payment_received=True)
    Notification.objects.all().delete()
    with Counted() as queries:
        lifecycle.mark_paid(thousand)
    assert queries.in_all() == 1 + 2 * (7 - 2 + TO_QUEUE_MAILS), queries
    assert Notification.objects.filter(kind="payment_received").count() == 1000


def test_wagtails_log_takes_one_more_a_chunk(thousand, owner):
    ContentType.objects.get_for_model(Order)
    with Counted() as queries:
        lifecycle.mark_handled(thousand, user=owner)
    assert len(queries) == 1 + 2 * 7, queries


def test_deleting_orders_that_had_parcels_takes_two_more_a_chunk(site):
    order = placed()
    parcel = lifecycle.ship(order, tracking_number="1")
    lifecycle.cancel_shipment(parcel)
    with Counted() as queries:
        lifecycle.delete(Order.objects.all()).raise_if_refused()
    assert len(queries) == 1 + 16, queries
    assert not Order.objects.exists()


def test_orders_that_are_so_already_cost_only_the_look(thousand):
    lifecycle.mark_handled(thousand)
    with Counted() as queries:
        outcome = lifecycle.mark_handled(thousand)
    assert len(outcome.unchanged) == 1000
    assert len(queries) == 1 + 2 * 3, queries


def test_marking_paid_moves_every_sum(thousand):
    lifecycle.mark_paid(thousand)
    sums = set(Order.objects.values_list("amount_paid", "payment_status"))
    assert sums == {(Decimal(42), "paid")}
