"""Mails that are due, against a real mail server that refuses, hangs or goes away: each arrives, and once."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from wagtail_orders import lifecycle
from wagtail_orders.models import Notification, Order, OrderSettings
from wagtail_orders.notifications import deliver, mailer

from .orders import placed
from .smtp import MailServer, mail_settings

pytestmark = pytest.mark.django_db

#: Seconds that a mail is waited for where the server hangs, so that it costs a test no more.
TIMEOUT = 0.3
#: Seconds that it is waited for where the server answers: a busy machine takes its time.
PATIENT = 60
ALL = ["anna@example.com", "ben@example.com", "zoe@example.com"]
STAGES = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"]


@pytest.fixture
def server(settings):
    with MailServer() as server:
        wait_at_most(PATIENT, settings, server)
        yield server


def wait_at_most(seconds, settings, server):
    for name, value in mail_settings(server, seconds).items():
        setattr(settings, name, value)


@pytest.fixture
def shop(site):
    """A shop whose two owners are told of each order."""
    return OrderSettings.objects.create(
        site=site, sender="shop@example.com", recipients="anna@example.com\nben@example.com"
    )


@pytest.fixture
def order(shop, django_capture_on_commit_callbacks):
    """An order of which three mails are queued: to both owners, and to the customer."""
    with django_capture_on_commit_callbacks(execute=True):
        return placed()


def in_two_minutes():
    """When what was put off after its first attempt is due again."""
    return timezone.now() + timedelta(minutes=2)


def sweep_until_all_is_sent():
    now = timezone.now()
    while waiting := Notification.objects.filter(state__in=Notification.WAITING).first():
        now = max(now, waiting.next_attempt_at)
        assert deliver.sweep(now).sent


def attempts():
    return sorted(Notification.objects.values_list("attempts", flat=True))


# --- A server that works


def test_everyone_gets_a_mail_of_their_own_and_once(server, order):
    before = timezone.now()

    assert deliver.sweep() == deliver.Delivery(sent=3)
    assert deliver.sweep(timezone.now() + timedelta(days=365)) == deliver.Delivery()

    assert server.recipients() == ALL
    assert server.connections == 1
    for mail in Notification.objects.all():
        assert (mail.state, mail.attempts, mail.next_attempt_at, mail.error) == ("sent", 1, None, "")
        assert before <= mail.sent_at <= timezone.now()


def test_what_is_kept_is_what_was_sent(server, order):
    deliver.sweep()

    for mail in Notification.objects.all():
        (taken,) = [taken for taken in server.taken if taken.recipient == mail.recipient]
        assert taken.subject == mail.subject
        assert taken.message["Message-ID"] == mail.message_id
        assert taken.text.strip() == mail.text_body.strip()
        assert taken.html.strip() == mail.html_body.strip()


def test_the_mails_of_the_given_events_go_and_no_others(server, order, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        other = placed(email="other@example.com")

    assert deliver.deliver([other.events.get().pk]).sent == 3

    assert server.recipients() == ["anna@example.com", "ben@example.com", "other@example.com"]
    assert not order.events.get().notifications.filter(state="sent").exists()


# --- A server that is not there


def test_a_refused_connection_puts_one_mail_off_and_leaves_the_others_untried(server, order):
    server.stop()

    assert deliver.sweep() == deliver.Delivery(put_off=1, is_down=True)

    assert attempts() == [0, 0, 1]
    tried = Notification.objects.get(attempts=1)
    assert tried.state == "queued"
    assert "refused" in tried.error
    server.start()
    sweep_until_all_is_sent()
    assert server.recipients() == ALL


def test_two_days_without_a_server_lose_no_mail(server, order):
    server.stop()
    begun = timezone.now()
    for quarters in range(2 * 24 * 4):
        assert not deliver.sweep(begun + timedelta(minutes=15 * quarters)).failed

    server.start()
    assert deliver.sweep(begun + timedelta(days=3)).sent == 3

    assert server.recipients() == ALL


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_hangs_is_given_up_after_the_timeout_and_asked_again_later(
    server, order, settings, stage
):
    server.hang(stage)
    wait_at_most(TIMEOUT, settings, server)
    begun = time.monotonic()

    assert deliver.sweep() == deliver.Delivery(put_off=1, is_down=True)

    assert TIMEOUT <= time.monotonic() - begun < PATIENT
    assert attempts() == [0, 0, 1]
    server.behave()
    wait_at_most(PATIENT, settings, server)
    assert deliver.sweep(in_two_minutes()).sent == 3
    assert server.recipients() == ALL


def test_a_project_without_a_timeout_of_its_own_gets_one(server, order, settings, monkeypatch):
    assert mailer.TIMEOUT == 30
    monkeypatch.setattr(mailer, "TIMEOUT", TIMEOUT)
    wait_at_most(None, settings, server)
    server.hang("CONNECT")
    begun = time.monotonic()

    assert deliver.sweep().is_down

    assert TIMEOUT <= time.monotonic() - begun < 30


@pytest.mark.parametrize("stage", ["CONNECT", "MAIL", "RCPT", "DATA"])
def test_a_server_that_closes_is_left_alone_until_later(server, order, stage):
    server.answer(stage, "421 4.3.2 Closing down")

    assert deliver.sweep() == deliver.Delivery(put_off=1, is_down=True)

    assert attempts() == [0, 0, 1]
    assert Notification.objects.get(attempts=1).error == "421 4.3.2 Closing down"
    server.behave()
    assert deliver.sweep(in_two_minutes()).sent == 3
    assert server.recipients() == ALL


@pytest.mark.parametrize("taken", [False, True])
def test_only_what_is_cut_off_after_the_data_may_come_twice_and_has_the_same_id(server, order, taken):
    server.drop(taken=taken)

    assert deliver.sweep() == deliver.Delivery(put_off=1, is_down=True)
    server.behave()
    sweep_until_all_is_sent()

    (cut_off,) = Notification.objects.filter(attempts=2)
    assert server.recipients() == sorted([*ALL, cut_off.recipient] if taken else ALL)
    its_own = [mail for mail in server.taken if mail.recipient == cut_off.recipient]
    assert {mail.message["Message-ID"] for mail in its_own} == {cut_off.message_id}
    assert len({mail.message["Message-ID"] for mail in server.taken}) == 3


# --- A server that says no


def test_a_passing_refusal_stops_no_other_mail_and_is_tried_again_a_minute_later(server, order):
    server.answer("RCPT", "450 4.2.1 Try later", to="zoe@example.com")

    assert deliver.sweep() == deliver.Delivery(sent=2, put_off=1)

    mail = Notification.objects.get(recipient="zoe@example.com")
    assert (mail.state, mail.attempts, mail.error) == ("queued", 1, "450 4.2.1 Try later")
    server.behave()
    assert deliver.sweep(mail.next_attempt_at - timedelta(seconds=1)).due == 0
    assert deliver.sweep(mail.next_attempt_at) == deliver.Delivery(sent=1)
    assert server.recipients() == ALL
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.error) == ("sent", 2, "")


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "551 User not local", "553 5.1.3 No such name"])
def test_an_unknown_recipient_is_given_up_at_once_and_the_others_are_not(server, order, reply):
    server.answer("RCPT", reply, to="zoe@example.com")

    assert deliver.sweep() == deliver.Delivery(sent=2, failed=1)

    mail = Notification.objects.get(recipient="zoe@example.com")
    assert (mail.state, mail.attempts, mail.next_attempt_at, mail.error) == ("failed", 1, None, reply)
    assert list(Notification.objects.given_up()) == [mail]
    server.behave()
    assert deliver.sweep(timezone.now() + timedelta(days=365)).due == 0
    assert server.recipients() == ["anna@example.com", "ben@example.com"]


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("RCPT", "550 5.7.1 Relaying denied"),
        ("RCPT", "550 Go away"),
        ("RCPT", "554 5.7.1 Blocked by policy"),
        ("MAIL", "550 5.7.23 SPF failed"),
        ("MAIL", "553 5.1.8 Sender unknown"),
        ("DATA", "550 5.7.1 Looks like spam"),
        ("DATA", "554 5.6.0 Cannot be read"),
        ("CONNECT", "554 5.7.1 Your address is listed"),
    ],
)
def test_what_is_not_the_recipients_fault_is_tried_again(server, order, stage, reply):
    server.answer(stage, reply)

    done = deliver.sweep()

    assert (done.sent, done.failed) == (0, 0)
    assert reply in Notification.objects.order_by("-attempts")[0].error
    server.behave()
    sweep_until_all_is_sent()
    assert server.recipients() == ALL


def test_attempts_are_put_off_longer_and_longer_and_end_after_the_eighth(server, order):
    server.answer("RCPT", "450 4.2.2 Mailbox full", to="zoe@example.com")
    assert deliver.sweep().put_off == 1
    mail = Notification.objects.get(recipient="zoe@example.com")
    waits = []
    while mail.state == "queued":
        # As it is after hours without a sweep: what counts is the moment of the attempt.
        moment = mail.next_attempt_at + timedelta(hours=3)
        assert deliver.sweep(mail.next_attempt_at - timedelta(seconds=1)).due == 0
        assert deliver.sweep(moment).due == 1
        mail.refresh_from_db()
        waits.append(mail.next_attempt_at and (mail.next_attempt_at - moment) / timedelta(minutes=1))

    assert waits == [5, 30, 2 * 60, 12 * 60, 24 * 60, 24 * 60, None]
    assert (mail.state, mail.attempts, mail.error) == ("failed", 8, "450 4.2.2 Mailbox full")
    assert deliver.sweep(moment + timedelta(days=365)).due == 0


def test_after_the_first_attempt_a_minute_passes(server, order):
    server.answer("RCPT", "450 4.2.1 Try later")
    now = timezone.now() + timedelta(hours=1)

    assert deliver.sweep(now).put_off == 3

    moments = Notification.objects.values_list("next_attempt_at", flat=True)
    assert set(moments) == {now + timedelta(minutes=1)}


@pytest.mark.parametrize("said", [b"bad \xff bytes", b"NUL \x00", b"x" * 6000])
def test_whatever_the_server_says_can_be_kept(server, order, said):
    server.answer("RCPT", b"450 " + said)

    assert deliver.sweep().put_off == 3

    error = Notification.objects.first().error
    assert error.startswith("450 " + said[:3].decode())
    assert len(error) <= 5000


# --- Between two attempts


def test_each_attempt_sends_the_same_whatever_became_of_the_order(server, order, shop):
    server.drop(taken=True)
    deliver.sweep()
    (first,) = server.taken
    server.behave()
    lifecycle.edit_customer(order, customer_name="Somebody Else", email="other@example.com")
    OrderSettings.objects.filter(pk=shop.pk).update(footer="A new footer")

    sweep_until_all_is_sent()

    (second,) = [mail for mail in server.taken[1:] if mail.recipient == first.recipient]
    assert (second.text, second.html) == (first.text, first.html)
    for header in ("Subject", "From", "To", "Message-ID"):
        assert second.message[header] == first.message[header]


def test_a_mail_that_cannot_be_written_stops_no_other(server, order, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        other = placed(email="other@example.com", data={})
    # As after a slip in a template of the project's own.
    Notification.objects.filter(recipient="zoe@example.com").update(kind="no_such_template")

    assert deliver.sweep() == deliver.Delivery(sent=5, put_off=1)

    assert "no_such_template" in Notification.objects.get(recipient="zoe@example.com").error
    assert not other.events.get().notifications.exclude(state="sent").exists()


def test_a_mail_that_another_worker_has_claimed_is_left_to_it_and_taken_over_if_it_died(server, order):
    until = timezone.now() + deliver.LEASE
    Notification.objects.update(state="sending", attempts=1, next_attempt_at=until)

    assert deliver.sweep().due == 0
    assert deliver.sweep(until).sent == 3
    assert server.recipients() == ALL


def test_what_another_worker_sends_between_our_look_and_our_claim_is_sent_once(server, order):
    others = []

    def let_another_go_first(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not others:
            others.append(None)
            others.append(deliver.sweep())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(let_another_go_first):
        ours = deliver.sweep()

    assert (others[1].sent, ours.due) == (3, 0)
    assert server.recipients() == ALL


def test_an_order_that_is_deleted_takes_its_mails_along(server, order):
    lifecycle.delete(order).raise_if_refused()

    assert deliver.sweep().due == 0
    assert not Order.objects.exists()
    assert server.taken == []
