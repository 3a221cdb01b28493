"""``import_orders``: what is brought over stands as it stood elsewhere, what is wrong is told, and nobody is mailed."""

import dataclasses
import json
import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry, Site

from tests.orders import placed
from tests.processes import Meeting, in_threads
from tests.records import PLACED, paid, record
from wagtail_orders import database
from wagtail_orders.lifecycle import (
    Address,
    archive,
    import_orders,
    importing,
    mark_paid,
    record_payment,
    ship,
)
from wagtail_orders.lifecycle.records import LineRecord, NoteRecord, PaymentRecord, Problem, ShipmentRecord
from wagtail_orders.models import (
    Notification,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    OrderNote,
    OrderSettings,
    Payment,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)
from wagtail_orders.money import RateTotal

pytestmark = pytest.mark.django_db

TABLES = (Order, OrderAddress, OrderLine, Payment, Shipment, ShipmentLine, OrderNote, OrderEvent)


def rows():
    """How many rows each table holds."""
    return [model.objects.count() for model in TABLES]


def why(given, **options):
    """What is said of a record that is wrong; nothing is written of it."""
    before = rows()
    done = import_orders([given], **options)
    assert (done.new, done.wrong, done.is_written) == (0, 1, False)
    assert rows() == before
    return done.problems[0].message


# --- What stands afterwards


def test_an_order_keeps_its_number_its_dates_and_its_sums(site):
    done = import_orders([record(data={"basket": 7}, customer_note="Ring\ntwice", language="fr")])

    order = Order.objects.get()
    assert (done.new, done.existing, done.wrong, done.is_written) == (1, 0, 0, True)
    assert (order.number, order.placed_at, order.updated_at) == ("A-1", PLACED, PLACED)
    assert (order.subtotal, order.tax_total, order.total) == (Decimal(37), Decimal("7.29"), Decimal(42))
    assert order.taxes == [{"rate": "21", "net": "34.71", "tax": "7.29"}]
    assert (order.payment_status, order.fulfillment_status, order.status) == ("unpaid", "unfulfilled", "open")
    assert (order.data, order.customer_note, order.language) == ({"basket": 7}, "Ring\ntwice", "fr")
    assert (order.site, order.version, len(order.token)) == (site, 1, 40)
    assert [(line.position, line.total) for line in order.lines.all()] == [(0, Decimal(37))]
    assert order.billing_address.city == "Ixelles"
    assert order.shipping_address is None


def test_a_ledger_parcels_and_notes_come_along(owner):
    ShippingMethod.objects.create(name="Post", carrier="bpost")
    import_orders([paid(user="anna")])

    order = Order.objects.get()
    assert (order.amount_paid, order.amount_refunded, order.payment_status) == (
        Decimal(50),
        Decimal(8),
        "paid",
    )
    assert order.paid_at == PLACED
    assert (order.fulfillment_status, order.handled_at) == ("fulfilled", PLACED + timedelta(days=2))
    assert [(entry.kind, entry.state, entry.is_manual) for entry in order.payments.all()] == [
        ("payment", "confirmed", False),
        ("refund", "confirmed", True),
        ("payment", "failed", True),
    ]
    assert {entry.received_on for entry in order.payments.all()} == {date(2024, 3, 1)}  # In Brussels.
    taken_back, sent = order.shipments.all()
    assert (taken_back.cancelled_at, taken_back.shipping_method) == (PLACED, None)
    assert (sent.shipping_method.carrier, sent.tracking_url) == ("bpost", "https://example.com/1Z2")
    assert [(row.line.position, row.quantity) for row in sent.lines.all()] == [(0, Decimal(2))]
    assert [(note.text, note.author) for note in order.notes.all()] == [("Rang twice", owner)]
    assert order.user == owner


def test_it_can_be_worked_with_like_any_other():
    import_orders([record()])
    order = Order.objects.get()

    mark_paid(order)
    ship(order, tracking_number="1Z9")
    archive(order).raise_if_refused()

    assert (order.payment_status, order.is_archived) == ("paid", True)


def test_its_page_shows_an_order_without_addresses(desk):
    import_orders([paid(billing_address=None)], source="xml")

    page = desk.get(reverse("wagtail_orders:inspect", args=[Order.objects.get().pk]))

    assert page.status_code == 200
    assert "Brought over" in page.content.decode()


def test_it_is_found_by_its_number_its_customer_and_its_parcel():
    import_orders([paid(), record("B-2", customer_name="Søren")])

    assert [
        list(Order.objects.search(words)) == [Order.objects.get(number="A-1")] for words in ("a-1", "1z2")
    ]
    assert Order.objects.search("soren").get().number == "B-2"


def test_what_was_archived_or_cancelled_still_is():
    import_orders([record(archived_at=PLACED, handled_at=PLACED), record("A-2", cancelled_at=PLACED)])

    assert Order.objects.archived().get().number == "A-1"
    assert Order.objects.cancelled().get().number == "A-2"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "unfulfilled"),
        ({"shipments": (ShipmentRecord(lines={0: Decimal(1)}),)}, "partially_fulfilled"),
        ({"shipments": (ShipmentRecord(lines={0: Decimal(1)}, cancelled_at=PLACED),)}, "unfulfilled"),
        ({"fulfillment_status": "fulfilled"}, "fulfilled"),
        ({"handled_at": PLACED}, "fulfilled"),
    ],
)
def test_where_the_goods_stand_follows_from_parcels_and_dates(facts, status):
    import_orders([record(**facts)])

    assert Order.objects.get().fulfillment_status == status


def test_texts_stay_as_they_are_but_for_what_no_database_takes():
    import_orders([record(customer_name=" Zoë\x00 ", notes=(NoteRecord(text="\tone\r\ntwo "),))])

    assert Order.objects.get().customer_name == " Zoë "
    assert OrderNote.objects.get().text == "\tone\ntwo "


def test_the_taxes_may_be_known_together_only():
    import_orders([record(taxes=(), tax_total=Decimal(5)), record("A-2", tax_total=Decimal("7.28"))])

    assert list(Order.objects.order_by("pk").values_list("taxes", "tax_total")) == [
        ([], Decimal(5)),
        ([], Decimal("7.28")),
    ]


# --- Events, signals, mails


@pytest.mark.django_db(transaction=True)
def test_one_event_and_one_signal_tell_of_it_and_nobody_is_mailed(site, heard, owner):
    OrderSettings.objects.create(site=site, recipients="anna@example.com", mail_payment_received=True)
    free = record("A-2", lines=(LineRecord(sku="", name="Gift", quantity=1, unit_price=0),), total=None)

    import_orders([paid(), dataclasses.replace(free, shipping_total=Decimal(0))], source="xml", user=owner)

    assert [(kind, order.number) for kind, order, event in heard] == [
        ("imported", "A-1"),
        ("imported", "A-2"),
    ]
    event = OrderEvent.objects.get(order__number="A-1")
    assert event.data == {"total": "42.00", "currency": "EUR", "source": "xml"}
    assert (event.actor, event.dispatched_at is not None) == (owner, True)
    assert ModelLogEntry.objects.filter(action="wagtail_orders.imported", user=owner).count() == 2
    assert not Notification.objects.exists()


def test_a_number_that_was_brought_over_is_not_given_again(site):
    year = timezone.localtime().year
    import_orders([record(f"{year}-{count:05d}") for count in (1, 2, 4)])

    assert [placed().number for _ in range(3)] == [f"{year}-{count:05d}" for count in (3, 5, 6)]


def test_an_order_that_is_numbered_high_moves_no_counter(site):
    before = placed().number
    import_orders([record("2019-99999"), record(before[:-1] + "9")])

    assert placed().number == before[:-1] + "2"


# --- What they name


def test_who_and_what_is_not_known_is_left_out_and_told(site):
    ShippingMethod.objects.create(name="Post")

    done = import_orders([paid(user="zoe"), paid("A-2", user="zoe", shipping_method_name="Raven")])

    assert done.unknown_users == {"zoe": 2, "anna": 2}
    assert done.unknown_shipping_methods == {"Raven": 1}
    assert not Order.objects.exclude(user=None).exists()
    assert Order.objects.get(number="A-2").shipping_method_name == "Raven"


def test_a_name_is_the_same_in_the_same_letters_only(owner):
    done = import_orders([record(user="ANNA")])

    assert done.unknown_users == {"ANNA": 1}


def test_sites_are_known_by_host_and_port(site):
    Site.objects.filter(pk=site.pk).update(hostname="shop.example", port=80)
    other = Site.objects.create(hostname="shop.example", port=8000, root_page=site.root_page)

    done = import_orders(
        [
            record(f"A-{number}", site=name)
            for number, name in enumerate(
                ("shop.example", "shop.example:80", "shop.example:8000", "gone.example", "", None)
            )
        ]
    )

    assert list(Order.objects.order_by("number").values_list("site", flat=True)) == [
        site.pk,
        site.pk,
        other.pk,
        site.pk,
        site.pk,
        None,
    ]
    assert done.unknown_sites == {"gone.example": 1}


# --- What exists


def test_a_second_time_brings_nothing():
    import_orders([paid(), record("A-2")])
    before = rows()

    done = import_orders([paid(), record("A-2"), record("A-3")])

    assert (done.new, done.existing, done.existing_numbers) == (1, 2, ["A-1", "A-2"])
    assert rows() == [count + more for count, more in zip(before, [1, 1, 1, 0, 0, 0, 0, 1], strict=True)]


def test_what_exists_may_be_refused_instead():
    import_orders([record()])

    assert "exists already" in why(record(), existing="refuse")


def test_two_with_one_number_are_refused_even_where_existing_ones_are_skipped():
    done = import_orders([record(), record(customer_name="Somebody else")])

    assert (done.wrong, done.is_written, Order.objects.count()) == (1, False, 0)
    assert "twice" in done.problems[0].message


def test_a_reference_that_another_order_has_is_refused():
    record_payment(placed(), amount=Decimal(42), method="paypal", reference="CAPTURE-A-1")

    done = import_orders([paid(), paid("A-2")], keep_going=True)

    assert (done.new, done.wrong) == (1, 1)
    assert "“CAPTURE-A-1” (paypal) is recorded already" in done.problems[0].message


def test_two_orders_with_one_reference_are_refused():
    payments = (PaymentRecord(amount=Decimal(42), method="card", reference="R"),)

    done = import_orders([record(payments=payments), record("A-2", payments=payments)], keep_going=True)

    assert (done.new, [problem.number for problem in done.problems]) == (1, ["A-2"])


def test_the_same_reference_by_another_method_is_another_payment():
    import_orders(
        [
            record(payments=(PaymentRecord(amount=Decimal(42), method=method, reference="R"),), number=method)
            for method in ("card", "Card")
        ]
    )

    assert Payment.objects.filter(reference="R").count() == 2


# --- What is wrong


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"number": ""}, "number: Missing"),
        ({"number": "x" * 51}, "number: 51 characters are too many"),
        ({"currency": "EURO"}, "currency: 'EURO' is not a currency"),
        ({"customer_name": " "}, "customer_name: Missing"),
        ({"email": "zoe"}, "email: 'zoe' is not an e-mail address"),
        ({"lines": ()}, "lines: An order needs at least one line"),
        ({"placed_at": None}, "placed_at: Missing"),
        ({"placed_at": datetime(2024, 1, 1)}, "is naive"),  # noqa: DTZ001
        ({"placed_at": datetime(1, 1, 1, tzinfo=UTC)}, "too early or too late for an order"),
        ({"placed_at": datetime.max.replace(tzinfo=UTC)}, "too early or too late for an order"),
        (
            {"paid_at": datetime(2124, 1, 1, tzinfo=UTC)},
            "paid_at: 2124-01-01 00:00:00+00:00 lies in the future",
        ),
        (
            {"billing_address": Address(name="", street="", country="XX")},
            "billing_address.country: 'XX' is not",
        ),
        ({"total": Decimal("42.01")}, "total: 42.01 was handed over, but it comes to 42.00"),
        ({"subtotal": Decimal("36.99")}, "subtotal: 36.99 was handed over"),
        ({"discount_total": Decimal(38)}, "discount_total: A discount of 38"),
        ({"shipping_total": Decimal("5.001")}, "shipping_total: 5.001 has more than 2 decimals"),
        (
            {"taxes": (RateTotal(Decimal(21), Decimal(30), Decimal(7)),), "tax_total": Decimal(8)},
            "tax_total: 8",
        ),
        ({"paid_at": PLACED}, "paid_at: It is said to be paid, but 0 of 42.00 came in"),
        ({"payment_status": "paid"}, "payment_status: It says paid, but it comes to unpaid"),
        ({"amount_paid": Decimal(3)}, "amount_paid: It says 3, but it comes to 0"),
        (
            {"fulfillment_status": "unfulfilled", "handled_at": PLACED},
            "fulfillment_status: It says unfulfilled",
        ),
        ({"fulfillment_status": "lost"}, "fulfillment_status: 'lost' is none of: unfulfilled"),
        (
            {"payments": (PaymentRecord(amount=Decimal(0), method="x"),)},
            "payments.0.amount: 0 must be more than 0",
        ),
        ({"payments": (PaymentRecord(amount=Decimal(1), method=""),)}, "payments.0.method: Missing"),
        (
            {"payments": (PaymentRecord(amount=Decimal(1), method="x", kind="gift"),)},
            "payments.0.kind: 'gift'",
        ),
        (
            {"payments": (PaymentRecord(amount=Decimal(1), method="x", kind="refund"),)},
            "payments: 1 went back, but only 0 came in",
        ),
        (
            {"payments": (PaymentRecord(amount=Decimal(1), method="x", reference="R"),) * 2},
            "payments.1.reference: Another entry has the same reference",
        ),
        (
            {"payments": (PaymentRecord(amount=Decimal(1), method="x", received_on=date(2124, 1, 1)),)},
            "payments.0.received_on: 2124-01-01 lies in the future",
        ),
        (
            {"shipments": (ShipmentRecord(tracking_url="javascript:alert(1)"),)},
            "shipments.0.tracking_url: 'javascript:alert(1)' is not a link",
        ),
        (
            {"shipments": (ShipmentRecord(lines={0: Decimal("2.5")}),)},
            "shipments: Of line 0 0.5 more were sent",
        ),
        ({"shipments": (ShipmentRecord(lines={9: Decimal(1)}),)}, "There is no line at position 9"),
        ({"shipments": (ShipmentRecord(lines={0: Decimal(0)}),)}, "0 must be more than 0"),
        ({"notes": (NoteRecord(text=""),)}, "notes.0.text: Missing"),
        ({"data": {"x": float("nan")}}, "data: Cannot be stored as JSON"),
        ({"data": [1]}, "data: Give a dictionary"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(facts, told):
    assert told in why(dataclasses.replace(record(), **facts))


def test_a_line_stands_at_a_position_of_its_own():
    lines = tuple(LineRecord(sku="", name="Mug", quantity=1, unit_price=1, position=5) for _ in range(2))

    assert "lines.1.position: Another line is at position 5" in why(record(lines=lines, total=None))


def test_all_that_is_wrong_with_an_order_is_told_at_once():
    told = why(record(email="zoe", language="x" * 17))

    assert "email:" in told
    assert "language:" in told


# --- All or nothing, or each


def three_of_which_one_is_wrong():
    return [record(), Problem(7, 3, "unreadable"), record("A-2", email="zoe", line=20), record("A-3")]


@pytest.mark.parametrize("size", [1, 500])
def test_if_one_is_wrong_nothing_is_written_and_all_that_is_wrong_is_told(settings, size):
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": size}

    done = import_orders(three_of_which_one_is_wrong())

    assert (done.new, done.wrong, done.is_written) == (2, 2, False)
    assert [(problem.line, problem.number) for problem in done.problems] == [(7, ""), (20, "A-2")]
    assert rows() == [0] * len(TABLES)


def test_with_keep_going_all_others_are_written():
    done = import_orders(three_of_which_one_is_wrong(), keep_going=True)

    assert (done.new, done.wrong, done.is_written) == (2, 2, True)
    assert sorted(Order.objects.values_list("number", flat=True)) == ["A-1", "A-3"]


def test_a_dry_run_tells_the_same_and_writes_nothing():
    ahead = import_orders(three_of_which_one_is_wrong(), dry_run=True)
    done = import_orders(three_of_which_one_is_wrong(), keep_going=True)

    assert dataclasses.replace(ahead, is_written=True) == done
    assert Order.objects.count() == 2


def test_what_the_database_refuses_in_spite_of_all_is_told_and_the_rest_is_written(monkeypatch):
    monkeypatch.setattr(importing, "check_record", without_length(importing.check_record))

    done = import_orders([record(), record("A-2"), record("A-3")], keep_going=True)

    assert (done.new, [problem.number for problem in done.problems]) == (2, ["A-2"])
    assert "The database refuses it" in done.problems[0].message
    assert Order.objects.count() == 2


def without_length(check):
    """``check`` that lets one order through that no database takes."""

    def checked(given):
        ready = check(given)
        if given.number == "A-2":
            ready.lines[0].quantity = Decimal(-1)
        return ready

    return checked


def test_progress_is_told_after_each_chunk(settings):
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 2}
    told = []

    import_orders([record(f"A-{count}") for count in range(5)], progress=told.append)

    assert told == [2, 4, 5]


def test_much_text_is_written_in_more_than_one_chunk(monkeypatch):
    monkeypatch.setattr(importing, "MOST_WEIGHT", 100_000)
    told = []

    import_orders(
        [record(f"A-{count}", customer_note="x" * 40_000) for count in range(3)], progress=told.append
    )

    assert told == [1, 2, 3]


def test_what_is_told_goes_into_json_and_back():
    done = import_orders([paid(site="gone.example"), *three_of_which_one_is_wrong()], keep_going=True)

    assert importing.Imported.of(json.loads(json.dumps(done.as_dict()))) == done
    assert pickle.loads(pickle.dumps(done)) == done


def test_an_order_of_another_kind_is_a_mistake_of_the_caller():
    with pytest.raises(TypeError):
        import_orders([{"number": "A-1"}])
    with pytest.raises(ValueError, match="existing"):
        import_orders([], existing="replace")


# --- Cost


@pytest.mark.parametrize("count", [3, 60])
def test_a_chunk_costs_the_same_however_many_orders_it_has(count, django_assert_num_queries, owner, site):
    records = [paid(f"A-{number}", user="anna") for number in range(count)]

    # Once sites and shipping methods; then numbers, references, users, seven kinds of rows and events; two savepoints
    # with their releases.
    with django_assert_num_queries(2 + 3 + 8 + 4):
        import_orders(records)


def test_a_chunk_more_costs_as_much_again(settings, django_assert_num_queries, owner, site):
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 20}

    with django_assert_num_queries(2 + 3 * (3 + 8 + 2) + 2):
        import_orders([paid(f"A-{number}", user="anna") for number in range(60)])


def test_a_dry_run_only_asks(django_assert_num_queries, owner, site):
    with django_assert_num_queries(2 + 3):
        import_orders([paid(f"A-{number}") for number in range(60)], dry_run=True)


# --- Two at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
class TestTwoAtOnce:
    """Two imports of the same file, of which none writes before both have seen that its orders are new."""

    RECORDS = tuple(paid(f"A-{number}") for number in range(20))

    @pytest.fixture(autouse=True)
    def default_site(self, site):
        return site

    def at_once(self, **options):
        meeting = Meeting(r"INSERT INTO .wagtail_orders_order\W", 2)
        return in_threads(*[meeting.attended(lambda: import_orders(self.RECORDS, **options))] * 2)

    @pytest.mark.parametrize("keep_going", [False, True])
    def test_one_brings_them_and_the_other_finds_them_there(self, keep_going):
        results = self.at_once(keep_going=keep_going)

        assert sorted((done.new, done.existing, done.wrong) for done in results) == [(0, 20, 0), (20, 0, 0)]
        assert rows() == [20, 20, 20, 60, 40, 40, 20, 20]

    def test_where_existing_ones_are_refused_so_are_the_others(self):
        results = self.at_once(existing="refuse")

        assert sorted((done.is_written, done.wrong) for done in results) == [(False, 20), (True, 0)]
        assert Order.objects.count() == 20

    def test_without_a_second_look_the_other_is_shown_a_database_error(self, monkeypatch):
        monkeypatch.setattr(Meeting, "PATIENCE", 20)
        monkeypatch.setattr(importing._Move, "_write_chunk", lambda move, chunk: move._in_transaction(chunk))

        results = self.at_once()

        assert [type(error).__name__ for error in results if isinstance(error, Exception)] == [
            "IntegrityError"
        ]

    def test_an_order_that_is_placed_meanwhile_gets_another_number(self):
        year = timezone.localtime().year
        records = [record(f"{year}-{number:05d}") for number in range(1, 6)]
        meeting = Meeting(r"INSERT INTO .wagtail_orders_order\W", 2)

        done, order = in_threads(meeting.attended(lambda: import_orders(records)), meeting.attended(placed))

        numbers = {row.number for row in records}
        assert (done.new, done.existing) in ((5, 0), (4, 1))
        assert set(Order.objects.values_list("number", flat=True)) == numbers | {order.number}

    def test_all_or_nothing_begins_anew_after_a_deadlock(self):
        victims = iter([True])

        def deadlock_once(execute, sql, params, many, context):
            if "wagtail_orders_payment" in sql and sql.startswith("INSERT") and next(victims, False):
                raise database.OperationalError(1213, "Deadlock found when trying to get lock")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(deadlock_once):
            done = import_orders(self.RECORDS)

        assert (done.new, done.existing, done.wrong) == (20, 0, 0)
        assert Order.objects.count() == 20
