"""What the owner does about mails: writes one, has one sent again, leaves a failed one at that."""

# ruff: noqa: F811 (fixtures of the neighbour are arguments here)

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from wagtail_orders import lifecycle
from wagtail_orders.models import Notification
from wagtail_orders.notifications import deliver

from .orders import placed
from .test_mail_queue import ZOE, do, queued, shop  # noqa: F401

pytestmark = pytest.mark.django_db


# --- What the owner writes


def test_the_owners_own_words_go_to_the_customer_and_into_the_journal(do, owner):
    order = placed(notify=False, language="fr")

    do(lifecycle.write_mail, order, subject=" A question ", text="Which glaze?\r\nBlue?", user=owner)

    mail = Notification.objects.get()
    assert (mail.kind, mail.recipient, mail.language) == ("message", ZOE, "fr")
    assert (mail.event.kind, mail.event.actor) == ("mail_written", owner)
    assert mail.event.data["text"] == "Which glaze?\nBlue?"
    deliver.sweep()
    mail.refresh_from_db()
    assert mail.subject == "A question"
    assert mail.text_body.startswith("Which glaze?\nBlue?\n")
    assert "Which glaze?<br>Blue?" in mail.html_body


def test_the_owner_may_write_to_another_address_and_write_the_same_again(do):
    order = placed(notify=False)
    for _time in range(2):
        do(lifecycle.write_mail, order, subject="Hello", text="Hello", recipient="mother@example.com")

    assert queued() == [("message", "mother@example.com")] * 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": " "}, "subject"),
        ({"text": "\n"}, "text"),
        ({"recipient": "zoe"}, "recipient"),
        ({"recipient": ""}, "recipient"),
        ({"recipient": "zoe@example.com, evil@example.com"}, "recipient"),
        ({"subject": "x" * 256}, "subject"),
    ],
)
def test_a_mail_without_words_or_address_is_refused(do, changes, field):
    order = placed(notify=False)

    with pytest.raises(ValidationError) as refused:
        do(lifecycle.write_mail, order, **{"subject": "Hello", "text": "Hello", **changes})

    assert list(refused.value.message_dict) == [field]
    assert queued() == []
    assert not order.events.filter(kind="mail_written").exists()


# --- Sent again


@pytest.fixture
def confirmation(do):
    """The confirmation of an order; the other mails are not of interest."""
    do(placed)
    Notification.objects.exclude(kind="confirmation").delete()
    return Notification.objects.get()


def fail(mail, error="550 5.1.1 No such user"):
    Notification.objects.filter(pk=mail.pk).update(state="failed", next_attempt_at=None, error=error)


def test_a_mail_that_was_sent_goes_again_as_it_was(confirmation, do, owner, mailoutbox):
    deliver.sweep()
    lifecycle.edit_customer(confirmation.order, customer_name="Somebody Else")

    do(lifecycle.resend_mail, confirmation, user=owner)
    deliver.sweep()

    first, second = mailoutbox
    assert (second.to, second.subject, second.body) == (first.to, first.subject, first.body)
    assert second.alternatives == first.alternatives
    assert second.extra_headers["Message-ID"] != first.extra_headers["Message-ID"]
    assert confirmation.order.events.get(kind="mail_resent").actor == owner


def test_a_mail_goes_to_a_corrected_address_and_the_failed_one_is_seen_to(confirmation, do, mailoutbox):
    fail(confirmation)
    assert Notification.objects.given_up().exists()

    do(lifecycle.resend_mail, confirmation, recipient="zoe.mueller@example.com")
    deliver.sweep()

    assert not Notification.objects.given_up().exists()
    confirmation.refresh_from_db()
    assert (confirmation.state, confirmation.recipient) == ("failed", ZOE)
    assert confirmation.settled_at is not None
    assert queued(state="sent") == [("confirmation", "zoe.mueller@example.com")]
    assert [mail.to for mail in mailoutbox] == [["zoe.mueller@example.com"]]


def test_a_mail_that_waits_is_not_sent_again_to_the_same_address_but_to_another(confirmation, do, mailoutbox):
    with pytest.raises(ValidationError) as refused:
        do(lifecycle.resend_mail, confirmation)
    assert list(refused.value.message_dict) == ["recipient"]
    assert not confirmation.order.events.filter(kind="mail_resent").exists()

    do(lifecycle.resend_mail, confirmation, recipient="mother@example.com")
    deliver.sweep()

    assert sorted(mail.to for mail in mailoutbox) == [["mother@example.com"], [ZOE]]


@pytest.mark.parametrize(
    "recipient", ["zoe", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"]
)
def test_a_mail_is_not_sent_again_to_what_is_no_address(confirmation, do, recipient):
    with pytest.raises(ValidationError) as refused:
        do(lifecycle.resend_mail, confirmation, recipient=recipient)

    assert list(refused.value.message_dict) == ["recipient"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_mail_that_was_never_written_says_what_happened_then_however_often_it_is_sent_again(
    do, times, mailoutbox
):
    order = placed(notify=False)
    do(lifecycle.mark_paid, order, notify_customer=False)
    do(lifecycle.record_refund, order, amount=Decimal(5), method="cash", notify_customer=True)
    do(lifecycle.write_mail, order, subject="A question", text="Which glaze?")
    for _time in range(times):
        for mail in Notification.objects.filter(state="queued"):
            fail(mail, "ConnectionRefusedError")
            do(lifecycle.resend_mail, mail)

    deliver.sweep()

    refund, question = mailoutbox
    assert "We have sent €5.00 back to you." in refund.body
    assert (question.subject, question.body.split("\n")[0]) == ("A question", "Which glaze?")
    assert not Notification.objects.given_up().exists()


def test_an_owners_mail_sent_again_stays_the_owners(shop, do, mailoutbox):
    do(placed, language="fr")
    deliver.sweep()
    mail = Notification.objects.get(recipient="ben@example.com")

    do(lifecycle.resend_mail, mail, recipient="carla@example.com")
    deliver.sweep()

    again = Notification.objects.get(recipient="carla@example.com")
    first = Notification.objects.get(recipient="ben@example.com")
    assert (again.kind, again.language, again.subject) == ("new_order", "en", first.subject)


# --- Left at that


def test_a_failed_mail_that_is_left_at_that_reminds_nobody_any_more(confirmation):
    fail(confirmation)

    lifecycle.dismiss_mail(confirmation)

    assert not Notification.objects.given_up().exists()
    confirmation.refresh_from_db()
    settled = confirmation.settled_at
    lifecycle.dismiss_mail(confirmation)
    confirmation.refresh_from_db()
    assert (confirmation.state, confirmation.settled_at) == ("failed", settled)


def test_a_mail_that_still_waits_cannot_be_left_at_that(confirmation, mailoutbox):
    lifecycle.dismiss_mail(confirmation)

    confirmation.refresh_from_db()
    assert (confirmation.state, confirmation.settled_at) == ("queued", None)
    assert deliver.sweep().sent == 1
