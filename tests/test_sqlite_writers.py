"""On SQLite two processes that write at once wait for each other; nobody is shown "database is locked"."""

import multiprocessing

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from tests.orders import placed
from tests.processes import Meeting, in_processes
from wagtail_orders import events
from wagtail_orders.lifecycle import mark_handled, mark_paid
from wagtail_orders.models import Order, OrderEvent

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "sqlite",
        reason="is about SQLite's one writer at a time: see test_concurrency.py",
    ),
]

FIRST_WRITE = r"^UPDATE .wagtail_orders_numbersequence"


def two_place_at_once(*, patience=0.5, **options):
    """
    Two processes place an order with these connection options, and neither writes before both have read, if
    the database lets both read. What each was shown.
    """
    placed()
    barrier = multiprocessing.get_context("fork").Barrier
    meeting = Meeting(FIRST_WRITE, 2, barrier=barrier, patience=patience)

    def place():
        connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], **options}
        try:
            meeting.attended(placed)()
        except OperationalError as error:
            return str(error)
        return "placed"

    return sorted(in_processes(place, place))


def test_with_deferred_transactions_a_customer_is_shown_that_the_database_is_locked():
    assert two_place_at_once(patience=20, transaction_mode="DEFERRED") == ["database is locked", "placed"]


def test_without_a_timeout_a_customer_is_shown_that_the_database_is_locked():
    assert two_place_at_once(patience=5, timeout=0) == ["database is locked", "placed"]


def test_with_the_example_sites_settings_two_customers_at_once_are_both_served():
    assert two_place_at_once() == ["placed", "placed"]


def test_processes_that_write_all_the_time_never_meet_a_locked_database(settings):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}

    def customer():
        return [placed().number for _ in range(50)]

    def owner():
        return [
            len(verb(Order.objects.all()).changed) for _ in range(15) for verb in (mark_paid, mark_handled)
        ]

    def cron():
        return [events.sweep().failed for _ in range(30)]

    first, second, _, failed = in_processes(customer, customer, owner, cron)

    year = timezone.localtime().year
    assert sorted(first + second) == [f"{year}-{number:05d}" for number in range(1, 101)]
    assert set(failed) == {0}
    mark_paid(Order.objects.all())
    mark_handled(Order.objects.all())
    assert OrderEvent.objects.filter(dispatched_at__isnull=False).count() == 3 * 100
