"""Many orders shipped at once: as if each had been shipped alone, in a handful of queries, and never twice."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import ModelLogEntry

from wagtail_orders import database, lifecycle
from wagtail_orders.lifecycle import Address, Outcome, Parcel, cancel, delete, mark_handled, ship, ship_many
from wagtail_orders.models import (
    Notification,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)

from .orders import MUG, placed
from .processes import Meeting, in_threads

pytestmark = pytest.mark.django_db

TEMPLATE = "https://track.example/{country}/{postcode}?n={number}&l={language}"
CLAY = replace(MUG, sku="CLAY", name="Argile", quantity=Decimal("1.5"), unit_price=Decimal("4.00"))
GHENT = Address(name="Jan de Vries", street="Korenmarkt 1", postal_code="9000", city="Gent", country="BE")


@pytest.fixture
def post():
    return ShippingMethod.objects.create(name="Post", carrier="bpost", tracking_url_template=TEMPLATE)


@pytest.fixture
def courier():
    return ShippingMethod.objects.create(
        name="Courier", tracking_url_template="https://courier.example/{number}"
    )


def facts(order):
    """What is written about an order and its parcels, without names, keys and the moments of the writing."""
    order = Order.objects.get(pk=order.pk)
    journal = order.events.exclude(kind="placed").order_by("pk")
    parcels = {parcel.pk: position for position, parcel in enumerate(order.shipments.order_by("pk"))}
    return {
        "order": (order.fulfillment_status, order.is_handled, order.is_archived, order.status),
        "found by": order.search_text.replace(fold_of(order), "").split("\n"),
        "parcels": [
            (
                parcel.shipping_method_id,
                parcel.shipping_method_name,
                parcel.tracking_number,
                parcel.tracking_url,
                parcel.notified_at is not None,
                parcel.cancelled_at is not None,
                [(row.line.sku, row.quantity) for row in parcel.lines.order_by("pk")],
            )
            for parcel in order.shipments.order_by("pk")
        ],
        "journal": [
            (event.kind, event.actor, {**event.data, "shipment": parcels.get(event.data.get("shipment"))})
            for event in journal
        ],
        "log": [
            (entry.action, entry.user)
            for entry in ModelLogEntry.objects.filter(object_id=str(order.pk)).order_by("pk")
        ],
        "mails": [
            (mail.kind, mail.recipient, mail.event.kind)
            for mail in Notification.objects.filter(event__order=order, kind="shipped")
        ],
    }


def fold_of(order):
    return order.number.lower()


def part_sent(order):
    ship(order, lines={order.lines.get(sku="MUG-F"): 1}, tracking_number="EARLIER")


def handled_by_its_owner(order):
    mark_handled(order)


def with_a_parcel_taken_back(order):
    lifecycle.cancel_shipment(ship(order, tracking_number="BACK"))


#: What was done with an order before: nothing, or one of these.
BEFORE = [None, part_sent, handled_by_its_owner, with_a_parcel_taken_back]
#: The arguments of a parcel, without its order; the methods by their names.
ONE = [
    {},
    {"tracking_number": "JJBE 1/2"},
    {"tracking_number": "1", "shipping_method": "courier"},
    {"tracking_number": "2", "tracking_url": "https://elsewhere.example/2"},
    {"tracking_number": " \x003\n"},
]
SEVERAL = [{"tracking_number": "A1"}, {"tracking_number": "A2", "shipping_method": "courier"}, {}]


def shipped_alone(order, parcels, *, notify_customer=False, handled=None, user=None):
    """The same by ``ship``, one after the other."""
    for position, parcel in enumerate(parcels, start=1):
        ship(
            order,
            lines=None if position == 1 else {},
            notify_customer=notify_customer and position == len(parcels),
            handled=handled,
            user=user,
            **parcel,
        )


@pytest.mark.parametrize("handled", [None, True, False])
@pytest.mark.parametrize("notify_customer", [True, False])
def test_each_order_ends_as_if_it_had_been_shipped_alone(
    post, courier, owner, notify_customer, handled, django_capture_on_commit_callbacks
):
    cases = [(before, [one]) for before in BEFORE for one in ONE] + [(before, SEVERAL) for before in BEFORE]
    inputs = [
        {"shipping_method": post},
        {"shipping_method": post, "email": "", "language": "fr", "shipping_address": GHENT},
        {},
    ]
    known = {"courier": courier}
    twins, many = [], []
    with django_capture_on_commit_callbacks(execute=True):
        for before, parcels in cases:
            parcels = [
                {name: known.get(value, value) for name, value in parcel.items()} for parcel in parcels
            ]
            for extra in inputs:
                twin, order = (placed(lines=[MUG, CLAY], notify=False, **extra) for _ in range(2))
                for one in (twin, order):
                    before and before(one)
                shipped_alone(twin, parcels, notify_customer=notify_customer, handled=handled, user=owner)
                twins.append((twin, order))
                many += [Parcel(order, **parcel) for parcel in parcels]

        outcome = ship_many(many, notify_customer=notify_customer, handled=handled, user=owner)

    assert set(outcome.changed) == {order for _twin, order in twins}
    assert (outcome.unchanged, outcome.refused) == ([], {})
    for twin, order in twins:
        assert facts(order) == facts(twin)
    assert Notification.objects.filter(kind="shipped").exists() is notify_customer


def test_an_order_is_handled_from_the_moment_its_parcel_left():
    order, earlier = placed(), placed()
    mark_handled(earlier)
    since = earlier.handled_at

    ship_many([Parcel(order), Parcel(earlier)])

    assert Order.objects.get(pk=order.pk).handled_at == order.shipments.get().shipped_at
    assert Order.objects.get(pk=earlier.pk).handled_at == since


def test_the_link_is_made_for_where_the_parcel_goes(post):
    order = placed(shipping_method=post, shipping_address=GHENT, language="nl")

    ship_many([Parcel(order, "J/1")])

    assert order.shipments.get().tracking_url == "https://track.example/BE/9000?n=J%2F1&l=nl"


def test_one_mail_goes_out_for_an_order_with_three_parcels(django_capture_on_commit_callbacks):
    order = placed(notify=False)

    with django_capture_on_commit_callbacks(execute=True):
        ship_many([Parcel(order, number) for number in "abc"], notify_customer=True)

    told = [event.data["notify_customer"] for event in order.events.filter(kind="shipped").order_by("pk")]
    assert told == [False, False, True]
    assert Notification.objects.get(kind="shipped").event.data["tracking_number"] == "c"


def test_orders_are_given_by_primary_key_too():
    order = placed()

    assert ship_many([Parcel(order.pk, "1"), Parcel(str(order.pk), "2")]).changed == [order]
    assert [parcel.tracking_number for parcel in order.shipments.all()] == ["1", "2"]


def test_every_parcel_makes_older_forms_stale():
    order = placed()
    ship_many([Parcel(order, "1")])
    assert Order.objects.get(pk=order.pk).version == order.version + 1


def test_an_order_that_cannot_be_sent_is_refused_and_the_others_go():
    cancelled, sent, gone, fine = (placed() for _ in range(4))
    cancel(cancelled)
    ship(sent, tracking_number="1")
    twin = Order.objects.get(pk=gone.pk)
    delete(gone)

    outcome = ship_many([Parcel(order, "9") for order in (cancelled, sent, twin, fine)])

    assert outcome.changed == [fine]
    codes = {order: reason.code for order, reason in outcome.refused.items()}
    assert codes == {cancelled: "cancelled", sent: "nothing_left", twin: "gone"}
    assert {order.number for order in outcome.refused} == {cancelled.number, sent.number, twin.number}
    assert [parcel.tracking_number for parcel in sent.shipments.all()] == ["1"]
    assert not cancelled.shipments.exists()


def test_the_same_a_second_time_is_refused_and_changes_nothing(heard):
    orders = [placed() for _ in range(3)]
    parcels = [Parcel(order, order.number) for order in orders]
    ship_many(parcels, notify_customer=True)
    before = everything()

    outcome = ship_many(parcels, notify_customer=True)

    assert {reason.code for reason in outcome.refused.values()} == {"nothing_left"}
    assert everything() == before


WRONG = [
    ({"tracking_number": "9" * 256}, "tracking_number"),
    ({"tracking_url": "javascript:alert(1)"}, "tracking_url"),
    ({"tracking_url": "//track.example/1"}, "tracking_url"),
    ({"tracking_url": "https://track.example/" + "1" * 2000}, "tracking_url"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_wrong_parcel_is_named_and_no_other_is_sent(wrong, field, dry_run):
    order, other = placed(), placed()
    before = everything()

    with pytest.raises(ValidationError) as error:
        ship_many([Parcel(other, "1"), Parcel(order, **wrong)], dry_run=dry_run)

    assert list(error.value.message_dict) == [f"parcels.1.{field}"]
    assert everything() == before


def test_an_order_that_was_never_placed_is_no_order():
    with pytest.raises(Order.DoesNotExist):
        ship_many([Parcel(Order())])


def test_no_parcels_are_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ship_many([]) == Outcome()


def test_a_dry_run_says_the_same_and_neither_locks_nor_writes():
    orders = [placed() for _ in range(4)]
    cancel(orders[0])
    ship(orders[1])
    parcels = [Parcel(order) for order in orders]
    before = everything()

    with CaptureQueriesContext(connection) as queries:
        foreseen = ship_many(parcels, notify_customer=True, dry_run=True)

    assert everything() == before
    assert len(queries) == 4
    assert not [
        one["sql"] for one in queries if not one["sql"].startswith("SELECT") or "FOR UP" in one["sql"]
    ]
    assert ship_many(parcels, notify_customer=True) == foreseen


def everything():
    models = (Order, OrderEvent, Shipment, ShipmentLine, ModelLogEntry, Notification)
    return {model: list(model.objects.order_by("pk").values()) for model in models}


# --- Queries


def copies(order, count):
    """``count`` orders with lines and addresses like ``order``'s, copied row by row."""
    numbers = [f"copy-{position:05d}" for position in range(count)]
    rows = []
    for position, number in enumerate(numbers):
        copy = Order.objects.get(pk=order.pk)
        copy.pk, copy.number, copy.token = None, number, f"{position:040d}"
        rows.append(copy)
    made = Order.objects.bulk_create(rows, batch_size=200)
    for model in (OrderLine, OrderAddress):
        parts = list(model.objects.filter(order=order).values())
        model.objects.bulk_create(
            [model(**{**part, "id": None, "order_id": copy.pk}) for copy in made for part in parts],
            batch_size=200,
        )
    return made


# Which orders there are; and of each chunk BEGIN, the lock, lines, what is sent, methods, addresses; parcels, their
# lines, facts, search text, journal, COMMIT, a look at the shop's settings for the mails, and the note that all
# receivers had it.
IN_ALL = 1 + 14


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [20, 200, 500])
def test_a_chunk_takes_as_many_queries_however_many_orders_it_has(site, post, count):
    orders = copies(placed(shipping_method=post, lines=[MUG, CLAY]), count)
    parcels = [Parcel(order, f"{order.number}-{part}") for order in orders for part in "ab"]

    with CaptureQueriesContext(connection) as queries:
        outcome = ship_many(parcels)

    assert len(outcome.changed) == count
    assert len(queries) == IN_ALL, "\n".join(query["sql"][:160] for query in queries)
    assert Shipment.objects.count() == 2 * count
    assert ShipmentLine.objects.count() == 2 * count
    assert Order.objects.search("copy-00007-b").get().number == "copy-00007"


@pytest.mark.django_db(transaction=True)
def test_two_chunks_take_twice_as_many(site, post, settings):
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 20}
    orders = copies(placed(shipping_method=post), 40)

    with CaptureQueriesContext(connection) as queries:
        ship_many([Parcel(order, order.number) for order in orders])

    assert len(queries) == 1 + 2 * (IN_ALL - 1)


@pytest.mark.django_db(transaction=True)
def test_what_a_person_ships_is_in_wagtails_log_for_one_query_more(site, post, owner):
    ContentType.objects.get_for_model(Order)
    orders = copies(placed(shipping_method=post), 50)

    with CaptureQueriesContext(connection) as queries:
        ship_many([Parcel(order, order.number) for order in orders], user=owner)

    assert len(queries) == IN_ALL + 1
    assert ModelLogEntry.objects.filter(action="wagtail_orders.shipped", user=owner).count() == 50


@pytest.mark.django_db(transaction=True)
def test_orders_handled_at_different_moments_cost_no_more(site, post):
    orders = copies(placed(shipping_method=post), 30)
    for position, order in enumerate(orders):
        if position % 2:
            moment = timezone.now() - timedelta(days=position)
            Order.objects.filter(pk=order.pk).update(fulfillment_status="fulfilled", handled_at=moment)

    with CaptureQueriesContext(connection) as queries:
        ship_many([Parcel(order, order.number) for order in orders])

    # Those that were handled and those that become so.
    assert len(queries) == IN_ALL + 1
    assert len(set(Order.objects.values_list("handled_at", flat=True))) == 15 + 1 + 1


# --- At once

WRITE_PARCEL = r"INSERT INTO .wagtail_orders_shipment. "
with_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="SQLite has one writer at a time and no row locks: see test_sqlite_writers.py",
)


@pytest.fixture
def without_locks(monkeypatch):
    monkeypatch.setattr(Meeting, "PATIENCE", 20)
    monkeypatch.setattr(database, "locked", lambda queryset, **options: queryset)


def shipped_twice_at_once(orders):
    """
    Two who ship the same orders, of whom none writes a parcel before both have seen what is left; one after the
    other, for MariaDB would see a deadlock in it and have one begin anew.
    """
    meeting = Meeting(WRITE_PARCEL, 2, apart=2)
    works = [lambda mark=mark: ship_many([Parcel(order, mark) for order in orders]) for mark in "xy"]
    return in_threads(*map(meeting.attended, works))


@with_row_locks
@pytest.mark.django_db(transaction=True)
def test_without_the_orders_locks_two_at_once_send_everything_twice(site, without_locks):
    orders = [placed() for _ in range(3)]

    results = shipped_twice_at_once(orders)

    assert [len(outcome.changed) for outcome in results] == [3, 3]
    assert ShipmentLine.objects.count() == 6


@with_row_locks
@pytest.mark.django_db(transaction=True)
def test_two_at_once_send_each_order_once(site):
    orders = [placed() for _ in range(3)]

    results = shipped_twice_at_once(orders)

    first, second = sorted(results, key=lambda outcome: len(outcome.refused))
    assert (set(first.changed), first.refused) == (set(orders), {})
    assert second.changed == []
    assert {reason.code for reason in second.refused.values()} == {"nothing_left"}
    assert Shipment.objects.count() == ShipmentLine.objects.count() == 3
    assert OrderEvent.objects.filter(kind="shipped").count() == 3
