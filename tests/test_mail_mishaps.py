"""What goes wrong between an event and its mail, and what is taken back in that time."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from wagtail.models import ModelLogEntry

from wagtail_orders import events, lifecycle, signals
from wagtail_orders.models import Notification, Order, OrderEvent, OrderSettings
from wagtail_orders.notifications import deliver

from .orders import placed
from .smtp import MailServer, mail_settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(site):
    return OrderSettings.objects.create(site=site, sender="shop@example.com", recipients="anna@example.com")


@pytest.fixture
def server(settings):
    with MailServer() as server:
        for name, value in mail_settings(server, timeout=30).items():
            setattr(settings, name, value)
        yield server


@pytest.fixture
def do(django_capture_on_commit_callbacks):
    """Do something, and what comes after its commit."""

    def done(work, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return work(*args, **kwargs)

    return done


def kinds():
    return sorted(Notification.objects.values_list("kind", "recipient"))


# --- Told again


def test_what_was_decided_when_an_event_was_first_told_stands_when_it_is_told_again(shop, do, settings):
    settings.WAGTAIL_ORDERS = {"DISPATCH_GRACE": 0}

    def broken(**kwargs):
        raise RuntimeError("the CRM is away")

    signals.order_placed.connect(broken)
    try:
        order = do(placed)
        before = kinds()
        assert before == [("confirmation", "zoe@example.com"), ("new_order", "anna@example.com")]
        do(lifecycle.edit_customer, order, email="zoe@example.org")
        OrderSettings.objects.update(recipients="anna@example.com\nben@example.com")
        assert events.sweep(timezone.now() + timedelta(minutes=2)).failed == 1
        assert kinds() == before
    finally:
        signals.order_placed.disconnect(broken)


# --- Taken back before it was sent


def test_a_cancellation_that_was_taken_back_is_not_mailed(do, site, mailoutbox):
    order = do(placed, notify=False)
    do(lifecycle.cancel, order, notify_customer=True)
    do(lifecycle.reopen, order)

    assert deliver.sweep() == deliver.Delivery(failed=1)

    assert mailoutbox == []
    mail = Notification.objects.get()
    assert (mail.state, mail.error) == ("failed", "Taken back before it was sent.")
    assert not Notification.objects.given_up().exists()


def test_a_parcel_that_did_not_leave_after_all_is_not_mailed(do, site, mailoutbox):
    order = do(placed, notify=False)
    parcel = do(lifecycle.ship, order, notify_customer=True)
    do(lifecycle.cancel_shipment, parcel)
    deliver.sweep()
    assert mailoutbox == []


def test_a_payment_that_was_voided_is_not_mailed(do, site, mailoutbox):
    order = do(placed, notify=False)
    do(lifecycle.mark_paid, order, notify_customer=True)
    do(lifecycle.mark_unpaid, order)
    deliver.sweep()
    assert mailoutbox == []


def test_what_still_holds_is_mailed(do, site, mailoutbox):
    order = do(placed, notify=False)
    do(lifecycle.mark_paid, order, notify_customer=True)
    parcel = do(lifecycle.ship, order, notify_customer=True)
    do(lifecycle.update_shipment, parcel, tracking_number="3", notify_customer=True)
    assert deliver.sweep().sent == 3


# --- Who sends breaks off


def test_a_mail_at_which_its_sender_dies_each_time_is_given_up_at_last(do, site):
    do(placed)
    for _death in range(deliver.MAX_ATTEMPTS):
        mail = Notification.objects.get()
        claimed = deliver._claim(mail, mail.next_attempt_at)
        assert claimed

    mail.refresh_from_db()
    assert deliver.sweep(mail.next_attempt_at) == deliver.Delivery(failed=1)

    mail.refresh_from_db()
    assert (mail.state, mail.error) == ("failed", "The program that was to send it stopped.")
    assert list(Notification.objects.given_up()) == [mail]


def test_a_mail_that_was_sent_is_noted_as_sent_though_the_database_was_away_for_a_moment(
    do, site, monkeypatch, mailoutbox
):
    do(placed)
    monkeypatch.setattr(deliver, "PAUSES", (0.01, 0.01))
    away = [True, True]
    note = deliver._note

    def sometimes_away(notification, **facts):
        if facts.get("state") == "sent" and away:
            away.pop()
            raise OperationalError("database is locked")
        note(notification, **facts)

    monkeypatch.setattr(deliver, "_note", sometimes_away)
    assert deliver.sweep() == deliver.Delivery(sent=1)
    assert Notification.objects.get().state == "sent"
    assert len(mailoutbox) == 1


def test_a_new_mail_goes_at_once_though_the_workers_clock_is_behind(do, site, mailoutbox):
    order = do(placed)
    pks = list(OrderEvent.objects.filter(order=order).values_list("pk", flat=True))
    assert deliver.deliver(pks, timezone.now() - timedelta(seconds=30)).sent == 1


def test_a_server_that_takes_few_mails_a_connection_gets_them_over_several(do, shop, server):
    for number in range(4):
        do(placed, email=f"zoe{number}@example.com")
    server.limit(3)

    assert deliver.sweep() == deliver.Delivery(sent=8)

    assert server.connections == 3
    assert len(set(server.recipients())) == 5
    assert set(Notification.objects.values_list("attempts", flat=True)) == {1}


# --- The command


def test_the_command_sends_what_it_told_by_itself_and_says_what_was_refused(
    do, shop, server, settings, capsys
):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "thread"}
    server.answer("RCPT", "450 4.2.1 Later", to="zoe@example.com")
    placed()
    events_untold = OrderEvent.objects.undelivered().update(next_dispatch_at=timezone.now())
    assert events_untold == 1

    with pytest.raises(SystemExit):
        call_command("orders_sweep")

    assert "2 e-mails due, 1 sent, 1 put off, 0 given up." in capsys.readouterr().out


# --- What is kept of a mail


def test_a_letters_words_and_address_do_not_outlive_the_order(do, site, owner):
    order = do(placed, notify=False)
    do(lifecycle.write_mail, order, subject="A question", text="Your illness", user=owner)
    do(lifecycle.delete, order, user=owner)

    kept = [entry.data for entry in ModelLogEntry.objects.filter(action="wagtail_orders.mail_written")]
    assert kept == [{"subject": "A question", "language": "en"}]


def test_a_letter_goes_to_the_address_the_customer_has_now(do, site):
    stale = do(placed, notify=False)
    do(lifecycle.edit_customer, Order.objects.get(), email="zoe@example.org")
    do(lifecycle.write_mail, stale, subject="A question", text="Which glaze?")
    assert kinds() == [("message", "zoe@example.org")]
