"""What a verb would do is told without doing it; work is done at the version that was read; one payment is voided."""

from decimal import Decimal

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import ModelLogEntry

from wagtail_orders import lifecycle
from wagtail_orders.exceptions import StaleOrder, TransitionRefused
from wagtail_orders.lifecycle import (
    archive,
    at_version,
    cancel,
    delete,
    mark_handled,
    mark_paid,
    mark_unpaid,
    record_payment,
    record_refund,
    ship,
)
from wagtail_orders.models import (
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    OrderNote,
    Payment,
    Shipment,
    ShipmentLine,
)

from .orders import placed

pytestmark = pytest.mark.django_db

TABLES = (
    Order,
    OrderAddress,
    OrderLine,
    Payment,
    Shipment,
    ShipmentLine,
    OrderNote,
    OrderEvent,
    ModelLogEntry,
)


def everything():
    """All rows of all tables, their versions and dates too."""
    return {model: list(model.objects.order_by("pk").values()) for model in TABLES}


def of_every_state():
    """One order in each state that a verb makes a difference of, by a name for the state."""
    orders = {
        name: placed()
        for name in (
            "new",
            "paid",
            "part paid",
            "paid by card",
            "refunded",
            "pending",
            "handled",
            "part sent",
            "cancelled",
            "put away",
            "cancelled and put away",
        )
    }
    mark_paid(orders["paid"])
    record_payment(orders["part paid"], amount=10, method="cash")
    record_payment(orders["paid by card"], amount=42, method="card", reference="card-1")
    mark_paid(orders["refunded"])
    record_refund(orders["refunded"], amount=42, method="cash")
    record_payment(orders["pending"], amount=42, method="card", reference="card-2", state="pending")
    mark_handled(orders["handled"])
    ship(orders["part sent"], lines={orders["part sent"].lines.get(): 1})
    cancel(orders["cancelled"])
    mark_handled(orders["put away"])
    archive(orders["put away"])
    cancel(orders["cancelled and put away"])
    archive(orders["cancelled and put away"])
    return orders


def states(orders):
    names = {order.pk: name for name, order in orders.items()}
    return lambda found: {names[order.pk] for order in found}


EVERY = {
    "new",
    "paid",
    "part paid",
    "paid by card",
    "refunded",
    "pending",
    "handled",
    "part sent",
    "cancelled",
    "put away",
    "cancelled and put away",
}
OPEN = EVERY - {"cancelled", "cancelled and put away"}
# The verb, what it changes, and what it refuses by the reason's code; all others are so already.
EXPECTED = {
    "mark_paid": (
        {"new", "part paid", "pending", "handled", "part sent", "put away"},
        {"cancelled": "cancelled", "cancelled and put away": "cancelled"},
    ),
    "mark_unpaid": (
        {"paid", "part paid"},
        {"paid by card": "provider_payment", "refunded": "refunded"},
    ),
    "mark_handled": (
        OPEN - {"handled", "put away"},
        {"cancelled": "cancelled", "cancelled and put away": "cancelled"},
    ),
    "mark_unhandled": (
        {"handled"},
        {"cancelled": "cancelled", "cancelled and put away": "cancelled", "put away": "archived"},
    ),
    "cancel": (
        {"new", "paid", "part paid", "paid by card", "refunded", "pending"},
        {"handled": "shipped", "part sent": "shipped", "put away": "shipped"},
    ),
    "reopen": ({"cancelled"}, {"cancelled and put away": "archived"}),
    "archive": (
        {"handled", "cancelled"},
        dict.fromkeys(OPEN - {"handled", "put away"}, "unfinished"),
    ),
    "unarchive": ({"put away", "cancelled and put away"}, {}),
    "delete": (
        {
            "new",
            "refunded",
            "handled",
            "part sent",
            "cancelled",
            "put away",
            "cancelled and put away",
        },
        {
            "paid": "money_recorded",
            "part paid": "money_recorded",
            "paid by card": "money_recorded",
            "pending": "payment_pending",
        },
    ),
}


@pytest.fixture(params=EXPECTED)
def verb(request):
    return getattr(lifecycle, request.param)


def test_a_dry_run_over_many_says_what_would_become_of_each_and_writes_nothing(verb):
    orders = of_every_state()
    named = states(orders)
    before = everything()
    changed, refused = EXPECTED[verb.__name__]

    foreseen = verb(Order.objects.all(), dry_run=True)

    assert named(foreseen.changed) == changed
    codes = {state: reason.code for order, reason in foreseen.refused.items() for state in named([order])}
    assert codes == refused
    assert named(foreseen.unchanged) == EVERY - changed - set(refused)
    assert everything() == before


def test_the_real_run_afterwards_does_what_the_dry_one_said(verb, owner):
    of_every_state()
    foreseen = verb(Order.objects.all(), dry_run=True)
    assert foreseen.changed
    assert verb(Order.objects.all(), user=owner) == foreseen


def test_a_dry_run_on_one_order_says_the_same_and_leaves_the_instance_alone(verb):
    for state, order in of_every_state().items():
        order.refresh_from_db()
        held, before = dict(order.__dict__), everything()
        foreseen = verb(order, dry_run=True)
        assert order.__dict__ == held, state
        assert everything() == before, state
        found = [bool(foreseen.changed), bool(foreseen.unchanged), bool(foreseen.refused)]
        assert sum(found) == 1, state
        pk = order.pk
        assert verb(Order.objects.get(pk=pk)) == foreseen, state


def test_a_dry_run_sends_no_signal(verb, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        of_every_state()
    heard.clear()
    with django_capture_on_commit_callbacks(execute=True):
        verb(Order.objects.all(), dry_run=True)
    assert not heard


def test_a_dry_run_on_a_gone_order_says_so(verb):
    order, twin = placed(), placed()
    held = Order.objects.get(pk=order.pk)
    delete(order)
    before = everything()
    foreseen = verb(held, dry_run=True)
    assert not foreseen.changed
    if verb is delete:
        assert foreseen.unchanged == [held]
        assert not foreseen.refused
    else:
        assert {gone: reason.code for gone, reason in foreseen.refused.items()} == {held: "gone"}
    assert verb(held) == foreseen
    assert everything() == before
    assert list(Order.objects.all()) == [twin]


def test_a_dry_run_over_none_is_empty(verb):
    placed()
    foreseen = verb(Order.objects.none(), dry_run=True)
    assert foreseen == lifecycle.Outcome()


@pytest.fixture
def many(site):
    """1,200 orders, copied row by row from one that was placed."""
    order = placed()
    copies = []
    for count in range(1, 1200):
        copy = Order.objects.get(pk=order.pk)
        copy.pk, copy.number, copy.token = None, f"copy-{count}", f"{count:040d}"
        copies.append(copy)
    Order.objects.bulk_create(copies, batch_size=200)
    return Order.objects.all()


def test_a_dry_run_over_many_takes_five_queries_at_most(many, verb):
    ContentType.objects.get_for_model(Order)
    with CaptureQueriesContext(connection) as queries:
        foreseen = verb(many, dry_run=True)
    assert len(foreseen.changed) + len(foreseen.unchanged) + len(foreseen.refused) == 1200
    assert len(queries) <= 5, [query["sql"][:160] for query in queries]
    locking_or_writing = ("UPDATE", "INSERT", "DELETE", "FOR UPDATE", "SAVEPOINT")
    assert not [query["sql"][:160] for query in queries if any(w in query["sql"] for w in locking_or_writing)]


def test_a_bad_reason_or_method_is_refused_in_a_dry_run_too():
    order = placed()
    with pytest.raises(ValidationError):
        mark_paid(order, method="", dry_run=True)
    with pytest.raises(ValidationError):
        mark_unpaid(order, reason="x" * 501, dry_run=True)


def test_at_the_version_that_was_read_the_work_is_done_and_its_result_returned():
    order = placed()
    outcome = at_version(order, order.version, lambda: mark_handled(order))
    assert outcome.changed == [order]
    order.refresh_from_db()
    assert order.is_handled
    assert order.version == 2


def test_an_order_that_somebody_changed_since_is_stale_and_nothing_is_written():
    order = placed()
    read = order.version
    mark_paid(Order.objects.get(pk=order.pk))
    before = everything()
    called = []
    with pytest.raises(StaleOrder) as stale:
        at_version(order, read, lambda: called.append(mark_handled(order)))
    assert (stale.value.given, stale.value.current.version) == (read, read + 1)
    assert not called
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_what_the_verbs_write_at_a_version_is_written_together_or_not_at_all(site, heard):
    order = placed()
    heard.clear()
    before = everything()

    def work():
        mark_handled(order)
        assert Order.objects.get(pk=order.pk).is_handled
        record_refund(order, amount=5, method="cash")

    with pytest.raises(TransitionRefused) as refusal:
        at_version(order, 1, work)
    assert {reason.code for reason in refusal.value.refused.values()} == {"more_than_paid"}
    assert everything() == before
    assert not heard


@pytest.mark.django_db(transaction=True)
def test_several_verbs_at_one_version_are_all_kept_and_told(site, heard):
    order = placed()
    heard.clear()

    def work():
        mark_paid(order)
        mark_handled(order)
        return archive(order)

    assert at_version(order, 1, work).changed == [order]
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.payment_status, fresh.is_handled, fresh.is_archived) == ("paid", True, True)
    assert [kind for kind, _order, _event in heard] == ["paid", "handled", "archived"]


def test_a_deleted_order_has_no_version_to_work_at():
    order = placed()
    held = Order.objects.get(pk=order.pk)
    delete(order)
    called = []
    with pytest.raises(TransitionRefused) as refusal:
        at_version(held, held.version, lambda: called.append(True))
    assert [reason.code for reason in refusal.value.refused.values()] == ["gone"]
    assert not called


@pytest.fixture
def half_paid():
    """An order with 10.00 in cash and 32.00 from the bank, which together pay it."""
    order = placed()
    cash = record_payment(order, amount=10, method="cash")
    bank = record_payment(order, amount=32, method="bank_transfer")
    return order, cash, bank


def test_only_the_given_payment_is_voided(half_paid):
    order, cash, bank = half_paid
    assert mark_unpaid(order, payments=[cash.pk], reason="A slip").changed == [order]
    cash.refresh_from_db()
    bank.refresh_from_db()
    assert (cash.state, cash.reason, bank.state) == ("voided", "A slip", "confirmed")
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.amount_paid, fresh.payment_status, fresh.paid_at) == (32, "partially_paid", None)
    assert fresh.amount_due == 10
    event = fresh.events.get(kind="unpaid")
    assert event.data == {"amount": "10.00", "currency": "EUR", "reason": "A slip"}


def test_the_same_payment_given_again_changes_nothing(half_paid):
    order, cash, _bank = half_paid
    mark_unpaid(order, payments=[cash.pk])
    before = everything()
    assert mark_unpaid(order, payments=[cash.pk]).unchanged == [order]
    assert everything() == before


def test_all_payments_given_leave_the_order_unpaid(half_paid):
    order, cash, bank = half_paid
    mark_unpaid(order, payments=[cash.pk, bank.pk])
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.amount_paid, fresh.payment_status, fresh.paid_at) == (0, "unpaid", None)


def test_what_was_paid_too_much_can_be_voided_and_the_order_stays_paid():
    order = placed()
    mark_paid(order)
    paid_at = Order.objects.get(pk=order.pk).paid_at
    twice = record_payment(order, amount=42, method="cash")
    assert Order.objects.get(pk=order.pk).payment_status == "overpaid"
    mark_unpaid(order, payments=[twice.pk])
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.amount_paid, fresh.payment_status, fresh.paid_at) == (42, "paid", paid_at)


def test_a_pending_payment_shows_again_when_the_only_confirmed_one_is_voided():
    order = placed()
    record_payment(order, amount=42, method="card", reference="card-1", state="pending")
    slip = record_payment(order, amount=10, method="cash")
    mark_unpaid(order, payments=[slip.pk])
    assert Order.objects.get(pk=order.pk).payment_status == "pending"


def test_a_providers_payment_is_not_voided_but_one_beside_it_is():
    order = placed()
    card = record_payment(order, amount=30, method="card", reference="card-1")
    cash = record_payment(order, amount=12, method="cash")
    before = everything()
    for given in ([card.pk], [card.pk, cash.pk]):
        outcome = mark_unpaid(order, payments=given)
        assert [reason.code for reason in outcome.refused.values()] == ["provider_payment"]
        assert everything() == before
    assert mark_unpaid(order, payments=[cash.pk]).changed == [order]
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.amount_paid, fresh.payment_status) == (Decimal(30), "partially_paid")
    card.refresh_from_db()
    assert card.state == "confirmed"


def test_a_payment_stands_once_a_refund_is_recorded(half_paid):
    order, cash, _bank = half_paid
    refund = record_refund(order, amount=5, method="cash")
    before = everything()
    outcome = mark_unpaid(order, payments=[cash.pk])
    assert [reason.code for reason in outcome.refused.values()] == ["refunded"]
    assert mark_unpaid(order, payments=[refund.pk]).unchanged == [order]
    assert everything() == before


def test_payments_that_are_unknown_or_none_or_not_confirmed_leave_all_as_it_is(half_paid):
    order, _cash, bank = half_paid
    pending = record_payment(order, amount=1, method="card", reference="card-1", state="pending")
    failed = record_payment(order, amount=1, method="card", reference="card-2", state="failed")
    before = everything()
    for given in ([], [bank.pk + 100], [pending.pk], [failed.pk], {pending.pk, failed.pk}):
        outcome = mark_unpaid(order, payments=given)
        assert (outcome.changed, outcome.unchanged, outcome.refused) == ([], [order], {})
    assert everything() == before


def test_of_many_orders_only_those_with_a_given_payment_change():
    orders = [placed() for _ in range(3)]
    payments = [record_payment(order, amount=42, method="cash") for order in orders]
    outcome = mark_unpaid(Order.objects.all(), payments=[payments[0].pk, payments[2].pk])
    assert outcome.changed == [orders[0], orders[2]]
    assert outcome.unchanged == [orders[1]]
    statuses = [Order.objects.get(pk=order.pk).payment_status for order in orders]
    assert statuses == ["unpaid", "paid", "unpaid"]


def test_the_payment_of_another_order_is_not_reached_through_this_one():
    mine, other = placed(), placed()
    mark_paid(mine)
    payment = record_payment(other, amount=42, method="cash")
    before = everything()
    assert mark_unpaid(mine, payments=[payment.pk]).unchanged == [mine]
    assert everything() == before
