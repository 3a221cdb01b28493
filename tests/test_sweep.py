"""What a process that died or a receiver that raised leaves behind, and how the sweep delivers it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from wagtail_orders import events, signals
from wagtail_orders.lifecycle import add_note, cancel, delete, mark_handled, mark_paid, ship
from wagtail_orders.models import Notification, Order, OrderEvent

from .orders import placed
from .smtp import MailServer, mail_settings

GRACE = timedelta(seconds=60)


class Receiver:
    """Hears every signal, and raises for as long as it is told to."""

    def __init__(self):
        self.heard = []
        self.error = None

    def hear(self, sender, order, event, **kwargs):
        self.heard.append((event.kind, order and order.number))
        if self.error:
            raise self.error


@pytest.fixture
def listening():
    """Connects receivers to all signals, and disconnects them after the test."""
    connected = []

    def listen():
        receiver = Receiver()
        connected.append(receiver)
        for signal in signals.BY_KIND.values():
            signal.connect(receiver.hear)
        return receiver

    yield listen
    for receiver in connected:
        for signal in signals.BY_KIND.values():
            signal.disconnect(receiver.hear)


@pytest.fixture
def receiver(listening):
    return listening()


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Runs a verb as if it were committed, so that its signals go out."""

    def run(verb, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return run


def sweep_command(*arguments):
    """What the command says, and the code it ends with."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("orders_sweep", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return out.getvalue() + err.getvalue(), code


@pytest.mark.django_db(transaction=True)
def test_signals_go_out_after_the_commit_and_not_before(receiver):
    with transaction.atomic():
        order = placed()
        mark_paid(order)
        assert receiver.heard == []

    assert receiver.heard == [("placed", order.number), ("paid", order.number)]
    assert not OrderEvent.objects.undelivered().exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_goes_out_for_what_was_rolled_back(receiver):
    with transaction.atomic():
        placed()
        transaction.set_rollback(True)

    assert not Order.objects.exists()
    assert receiver.heard == []
    assert events.sweep(timezone.now() + timedelta(days=1)).due == 0


@pytest.mark.django_db(transaction=True)
def test_an_order_stands_when_a_receiver_raises(receiver, listening):
    receiver.error = ValueError("no paper")
    next_one = listening()

    order = placed()

    assert Order.objects.get() == order
    assert next_one.heard == [("placed", order.number)]


@pytest.mark.django_db
def test_an_event_that_reached_all_is_never_sent_again(receiver, committed):
    committed(placed)

    event = OrderEvent.objects.get()
    assert event.dispatched_at is not None
    assert (event.next_dispatch_at, event.dispatch_error) == (None, "")
    assert events.sweep(timezone.now() + timedelta(days=365)).due == 0
    assert len(receiver.heard) == 1


@pytest.mark.django_db
def test_what_a_raising_receiver_said_is_kept_and_sent_again_a_minute_later(receiver, committed):
    receiver.error = ValueError("no paper")
    order = committed(placed)
    event = order.events.get()
    assert event.dispatched_at is None
    assert event.dispatch_error.endswith("ValueError: no paper")
    assert timedelta(seconds=50) < event.next_dispatch_at - timezone.now() <= timedelta(seconds=60)
    receiver.error = None

    too_early = events.sweep(event.next_dispatch_at - timedelta(seconds=1))
    done = events.sweep(event.next_dispatch_at)

    assert (too_early.due, done.due, done.delivered, done.failed) == (0, 1, 1, 0)
    assert receiver.heard == [("placed", order.number)] * 2
    event.refresh_from_db()
    assert event.dispatched_at is not None
    assert (event.next_dispatch_at, event.dispatch_error) == (None, "")


@pytest.mark.django_db
def test_all_receivers_hear_an_event_again_if_one_raised(receiver, listening, committed):
    other = listening()
    receiver.error = ValueError("no paper")

    order = committed(placed)
    events.sweep(timezone.now() + timedelta(minutes=2))

    assert other.heard == [("placed", order.number)] * 2


@pytest.mark.parametrize(
    "error", [ValueError("NUL \x00 and \ud800"), ValueError("x" * 100_000), ValueError()]
)
@pytest.mark.django_db
def test_an_order_stands_whatever_the_receiver_says(receiver, committed, error):
    receiver.error = error

    order = committed(placed)

    event = order.events.get()
    assert "ValueError" in event.dispatch_error
    assert event.dispatch_attempts == 1


@pytest.mark.django_db
def test_an_order_stands_when_a_receiver_that_is_no_function_raises(listening, committed):
    def fail(printer, **kwargs):
        raise ValueError(f"no paper in {printer}")

    receiver = partial(fail, "tray 1")
    signals.order_placed.connect(receiver)
    try:
        order = committed(placed)
        assert events.sweep(timezone.now() + timedelta(minutes=2)).failed == 1
    finally:
        signals.order_placed.disconnect(receiver)

    event = order.events.get()
    assert event.dispatch_attempts == 2
    assert event.dispatched_at is None


@pytest.mark.django_db
def test_attempts_are_put_off_longer_and_longer_up_to_a_day(receiver):
    receiver.error = ValueError("no paper")
    event = placed().events.get()
    waits = []
    for _attempt in range(8):
        moment = event.next_dispatch_at
        assert events.sweep(moment).failed == 1
        event.refresh_from_db()
        waits.append((event.next_dispatch_at - moment) / timedelta(minutes=1))

    assert waits == [1, 5, 30, 2 * 60, 12 * 60, 24 * 60, 24 * 60, 24 * 60]
    assert event.dispatch_attempts == 8


@pytest.mark.parametrize("placed_at", [None, datetime(1998, 5, 6, tzinfo=UTC)])
@pytest.mark.django_db
def test_a_process_that_died_is_given_its_time_of_grace_from_now(receiver, placed_at):
    before = timezone.now()

    placed(placed_at=placed_at)

    assert events.sweep(before + GRACE - timedelta(seconds=1)).due == 0
    assert events.sweep(timezone.now() + GRACE).delivered == 1
    assert len(receiver.heard) == 1


@pytest.mark.django_db
def test_the_time_of_grace_is_a_setting(settings):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 5}
    before = timezone.now()

    placed()

    assert events.sweep(before + timedelta(seconds=4)).due == 0
    assert events.sweep(timezone.now() + timedelta(seconds=5)).due == 1


@pytest.mark.django_db
def test_what_was_left_behind_is_sent_in_the_order_it_happened(receiver):
    first, second = placed(), placed()
    ship(second)
    cancel(first)

    events.sweep(timezone.now() + GRACE)

    assert receiver.heard == [
        ("placed", first.number),
        ("placed", second.number),
        ("shipped", second.number),
        ("handled", second.number),
        ("cancelled", first.number),
    ]


@pytest.mark.django_db
def test_a_sweep_goes_through_more_than_one_chunk(receiver):
    orders = [placed() for _ in range(3)]
    OrderEvent.objects.bulk_create(
        OrderEvent(order=orders[0], kind="note_added", next_dispatch_at=timezone.now())
        for _ in range(events.SWEEP_CHUNK)
    )

    done = events.sweep(timezone.now() + GRACE)

    assert done.due == done.delivered == len(receiver.heard) == events.SWEEP_CHUNK + 3


@pytest.mark.django_db
def test_a_second_sweep_leaves_alone_what_the_first_is_sending():
    placed()
    seen = []

    def sweep_meanwhile(**kwargs):
        seen.append(events.sweep(timezone.now() + GRACE).due)

    signals.order_placed.connect(sweep_meanwhile)
    try:
        assert events.sweep(timezone.now() + GRACE).delivered == 1
    finally:
        signals.order_placed.disconnect(sweep_meanwhile)
    assert seen == [0]


@pytest.mark.django_db
def test_a_deleted_order_is_told_without_an_order_and_with_its_number(receiver, committed):
    order = placed()
    received = []

    def remember(order, event, **kwargs):
        received.append((order, event.data))

    signals.order_deleted.connect(remember)
    try:
        committed(delete, order)
    finally:
        signals.order_deleted.disconnect(remember)

    [(told, data)] = received
    assert told is None
    assert (data["order"], data["number"], data["total"]) == (order.pk, order.number, "42.00")
    assert data["placed_at"] == order.placed_at.isoformat()
    assert [kind for kind, _order in receiver.heard] == ["deleted"]


@pytest.mark.django_db
def test_a_deleted_order_left_behind_is_swept_without_an_order(receiver):
    delete(placed())

    events.sweep(timezone.now() + GRACE)

    assert receiver.heard == [("deleted", None)]


@pytest.mark.django_db
def test_what_changed_nothing_sends_nothing(receiver, committed):
    order = placed()
    mark_handled(order)
    receiver.heard.clear()

    committed(mark_handled, order)

    assert receiver.heard == []


NO_EVENTS = "0 events due, 0 delivered, 0 put off.\n"
NO_MAILS = "0 e-mails due, 0 sent, 0 put off, 0 given up.\n"


@pytest.mark.django_db
def test_the_command_delivers_says_so_and_ends_well(settings, receiver, mailoutbox):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}
    add_note(placed(), text="Left behind")

    told = "2 events due, 2 delivered, 0 put off.\n"
    # The events' mails go in the same run.
    assert sweep_command() == (told + "1 e-mails due, 1 sent, 0 put off, 0 given up.\n", 0)
    assert len(receiver.heard) == 2
    assert [mail.to for mail in mailoutbox] == [["zoe@example.com"]]
    assert sweep_command() == (NO_EVENTS + NO_MAILS, 0)
    assert sweep_command("-v0") == ("", 0)


@pytest.mark.django_db
def test_the_command_ends_with_1_if_a_receiver_raised_again(settings, receiver):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}
    receiver.error = ValueError("no paper")
    order = placed()

    said, code = sweep_command()

    assert code == 1
    assert said.startswith("1 events due, 0 delivered, 1 put off.\n")
    assert "dispatch_error" in said
    assert order.events.get().dispatch_error.endswith("ValueError: no paper")


@pytest.mark.django_db
def test_a_dry_run_only_says_what_is_due(settings, receiver):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}
    order, gone = placed(), placed()
    delete(gone)
    before = list(OrderEvent.objects.values())

    said, code = sweep_command("--dry-run")

    lines = said.splitlines()
    assert code == 0
    assert len(lines) == 4
    assert lines[0].startswith(f"{order.number} placed of ")
    assert lines[1].startswith(f"{gone.number} deleted of ")
    assert lines[2:] == ["2 events due; nothing was sent.", "0 e-mails due; nothing was sent."]
    assert receiver.heard == []
    assert list(OrderEvent.objects.values()) == before


@pytest.mark.django_db
def test_a_dry_run_tells_how_often_it_was_tried_and_why_it_failed(settings, receiver):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}
    receiver.error = ValueError("no paper")
    event = placed().events.get()
    yesterday = timezone.now() - timedelta(days=1)
    OrderEvent.objects.filter(pk=event.pk).update(
        next_dispatch_at=yesterday, dispatch_attempts=2, dispatch_error="print: ValueError: no paper"
    )

    said, _code = sweep_command("--dry-run")

    assert said.splitlines()[0].endswith("after 2 attempts: print: ValueError: no paper")


@pytest.fixture
def no_mail_server(settings, committed):
    """An order whose mail is due, and a mail server that is not there."""
    with MailServer() as server:
        for name, value in mail_settings(server, timeout=30).items():
            setattr(settings, name, value)
    return committed(placed)


@pytest.mark.django_db
def test_the_command_ends_with_1_if_no_mail_server_is_there(no_mail_server):
    said, code = sweep_command()

    assert code == 1
    assert said.startswith(NO_EVENTS + "1 e-mails due, 0 sent, 1 put off, 0 given up.\n")
    assert "The mail server could not be reached; the other e-mails wait." in said
    assert sweep_command() == (NO_EVENTS + NO_MAILS, 0)


@pytest.mark.django_db
def test_a_dry_run_tells_which_mails_are_due_and_sends_none(no_mail_server):
    before = list(Notification.objects.values())

    said, code = sweep_command("--dry-run")

    first = f"{no_mail_server.number} confirmation to zoe@example.com"
    assert (said.splitlines()[1:], code) == ([first, "1 e-mails due; nothing was sent."], 0)
    assert list(Notification.objects.values()) == before


@pytest.mark.django_db
def test_a_dry_run_tells_how_often_a_mail_was_tried_and_what_the_server_said(no_mail_server):
    yesterday = timezone.now() - timedelta(days=1)
    Notification.objects.update(next_attempt_at=yesterday, attempts=2, error="450 4.2.1 Try later")

    said, _code = sweep_command("--dry-run")

    assert said.splitlines()[1].endswith("to zoe@example.com, after 2 attempts: 450 4.2.1 Try later")
