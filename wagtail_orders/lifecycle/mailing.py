"""What the owner does about mails: writes one, has one sent again, or leaves a failed one at that."""

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database, events
from ..models import Notification, OrderEvent
from .batch import change_one, set_facts
from .checking import Checker


def write_mail(order, *, subject, text, recipient=None, user=None):
    """
    Have a mail of the owner's own words sent to the customer, or to ``recipient``. Event ``mail_written``;
    the mail is queued once that is committed. Raises ``ValidationError`` for a missing subject, text or
    address.
    """
    checker = Checker()
    words = {
        "subject": checker.text("subject", subject, most=255, required=True),
        "text": checker.text("text", text, most=50_000, required=True, lines=True),
    }
    recipient = None if recipient is None else _recipient(checker, recipient)
    checker.raise_errors()

    def work(fresh):
        if not (recipient or fresh.email):
            raise ValidationError({"recipient": [_("Give an e-mail address.")]})
        now = timezone.now()
        set_facts([fresh], now)
        data = {**words, "recipient": recipient or fresh.email, "language": fresh.language}
        events.record([(fresh, data)], kind=OrderEvent.Kind.MAIL_WRITTEN, user=user, now=now)

    change_one(order, work)


def resend_mail(notification, *, recipient=None, user=None):
    """
    Have a mail sent once more, as it was, to the same address or to ``recipient``. Event ``mail_resent``. A
    failed one is seen to by that. Raises ``ValidationError`` for a bad address, or while it is still waiting to
    be sent to the same one.
    """
    checker = Checker()
    recipient = _recipient(checker, recipient or notification.recipient)
    checker.raise_errors()

    def work(order):
        fresh = database.locked(database.primary(Notification).filter(pk=notification.pk)).get()
        if fresh.state in Notification.WAITING and fresh.recipient == recipient:
            raise ValidationError({"recipient": [_("This mail is still waiting to be sent.")]})
        now = timezone.now()
        set_facts([order], now)
        data = {"notification": fresh.pk, "kind": fresh.kind, "recipient": recipient}
        events.record([(order, data)], kind=OrderEvent.Kind.MAIL_RESENT, user=user, now=now)
        if fresh.state == Notification.State.FAILED and fresh.settled_at is None:
            fresh.settled_at = now
            fresh.save(update_fields=["settled_at"])

    change_one(notification.order, work)


def dismiss_mail(notification):
    """Leave a failed mail at that: nobody is reminded of it any more. The second time changes nothing."""
    database.primary(Notification).given_up().filter(pk=notification.pk).update(settled_at=timezone.now())


def _recipient(checker, value):
    recipient = checker.email("recipient", value)
    if not recipient and "recipient" not in checker.errors:
        checker.refuse("recipient", _("Give an e-mail address."))
    return recipient
