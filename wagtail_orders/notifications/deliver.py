"""
Sends queued mails through the project's own e-mail backend: each by whoever claims it first, again after a failure,
and never for ever.

A mail server that accepts a mail and goes away before it says so cannot be told from one that did not: then, and
then only, the same mail goes twice, under the same Message-ID.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database
from ..events import BACK_OFF
from ..models import Notification, OrderSettings
from . import render
from .kinds import is_overtaken
from .mailer import Mailer, answer, is_final

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
#: How long one attempt may take before another worker may take the mail for left behind.
LEASE = timedelta(minutes=15)
#: Seconds between attempts to write down that a mail was sent.
PAUSES = (1, 5, 15, 30)
#: How many mails are read at a time.
CHUNK = 100

State = Notification.State


@dataclass
class Delivery:
    """What became of the mails that were due: sent, to be tried again, or given up."""

    sent: int = 0
    put_off: int = 0
    failed: int = 0
    #: The mail server could not be reached, so that the others wait for the next time.
    is_down: bool = False

    @property
    def due(self):
        return self.sent + self.put_off + self.failed


def due(now=None):
    """The mails that a sweep would send now."""
    return database.primary(Notification).due(now or timezone.now()).order_by("next_attempt_at", "pk")


def sweep(now=None):
    """
    Send every mail that is due, also those that a process that died was sending. Several sweeps and tasks may
    run at once. Returns a ``Delivery``.
    """
    now = now or timezone.now()
    done = Delivery()
    with Mailer() as mailer:
        # None is due a second time: who claims a mail puts it off first.
        while not done.is_down and (pks := list(due(now).values_list("pk", flat=True)[:CHUNK])):
            _deliver(due(now).filter(pk__in=pks), mailer, done, now)
    return done


def deliver(events, now=None, *, go_on=lambda: True):
    """
    Send the mails of these events, given by their primary keys, as ``sweep`` does: those that are due or new.
    Begins another one only while ``go_on()``. Returns a ``Delivery``.
    """
    now = now or timezone.now()
    done = Delivery()
    with Mailer() as mailer:
        for start in range(0, len(events), CHUNK):
            if not done.is_down:
                # A new one is due already, but by the clock of whoever queued it.
                which = Q(next_attempt_at__lte=now) | Q(state=State.QUEUED, attempts=0)
                chosen = database.primary(Notification).filter(
                    which, event__in=events[start : start + CHUNK], state__in=Notification.WAITING
                )
                _deliver(chosen, mailer, done, now, go_on)
    return done


def _deliver(mails, mailer, done, now, go_on=lambda: True):
    for notification in _with_shops(mails.select_related("event__order__site").order_by("attempts", "pk")):
        if not go_on():
            return
        if not _claim(notification, now) or _is_over(notification, done):
            continue
        try:
            message = _message(notification)
        except Exception as error:
            _put_off(notification, error, done, now)
            continue
        try:
            mailer.send(message)
        except Exception as error:
            _put_off(notification, error, done, now)
            if mailer.is_down(error):
                done.is_down = True
                return
        else:
            _note_sent(notification)
            done.sent += 1


def _with_shops(mails):
    """The mails, each shop's settings read once."""
    orders = [notification.order for notification in mails]
    shops = OrderSettings.of_sites({order.site_id for order in orders})
    for order in orders:
        order.shop = shops[order.site_id]
    return mails


def _is_over(notification, done):
    """Whether a claimed mail is not to be sent any more; then that is noted."""
    if is_overtaken(notification.event):
        why, settled_at = _("Taken back before it was sent."), timezone.now()
    elif notification.attempts > MAX_ATTEMPTS:
        why, settled_at = notification.error or _("The program that was to send it stopped."), None
    else:
        return False
    done.failed += 1
    _note(notification, state=State.FAILED, next_attempt_at=None, error=why, settled_at=settled_at)
    return True


def _claim(notification, now):
    """
    Take the mail, by compare and swap: whoever read it in the same state as another, and comes second, finds
    it changed. Returns whether it is ours.
    """
    seen = {"pk": notification.pk, "state": notification.state, "attempts": notification.attempts}
    claimed = {
        "state": State.SENDING,
        "attempts": notification.attempts + 1,
        "next_attempt_at": max(now, timezone.now()) + LEASE,
    }
    if not _update(Notification, {**seen, "next_attempt_at": notification.next_attempt_at}, claimed):
        return False
    for name, value in claimed.items():
        setattr(notification, name, value)
    return True


def _update(model, seen, facts):
    return database.again_after_deadlock(
        model, lambda: database.primary(model).filter(**seen).update(**facts)
    )


def _note(notification, **facts):
    """Write what became of our attempt, unless it took so long that another worker has begun its own."""
    seen = {"pk": notification.pk, "state": State.SENDING, "attempts": notification.attempts}
    _update(Notification, seen, facts)


def _note_sent(notification):
    """Write that it was sent, whatever it takes: it would be sent again."""
    for pause in (*PAUSES, None):
        try:
            _note(notification, state=State.SENT, sent_at=timezone.now(), next_attempt_at=None, error="")
        except OperationalError:
            logger.exception("%s was sent, and that could not be written down", notification)
            if pause is None:
                return
            time.sleep(pause)
        else:
            return


def _write(notification):
    """Write the mail, once: each attempt sends the same."""
    if notification.subject:
        return
    written = render.notification(notification)
    facts = {"subject": written.subject, "text_body": written.text, "html_body": written.html}
    for name, value in facts.items():
        setattr(notification, name, value)
    _note(notification, **facts)


def _message(notification):
    _write(notification)
    return render.message(
        render.Mail(notification.subject, notification.text_body, notification.html_body),
        order=notification.order,
        recipient=notification.recipient,
        language=notification.language,
        message_id=notification.message_id,
        is_automatic=notification.kind != Notification.Kind.MESSAGE,
    )


def send_test(mail, order, recipient, language):
    """Send a ``Mail`` about ``order`` at once, and keep nothing of it. Returns what went wrong, if anything did."""
    try:
        with Mailer() as mailer:
            mailer.send(render.message(mail, order=order, recipient=recipient, language=language))
    except Exception as error:
        return answer(error)
    return ""


def _put_off(notification, error, done, now):
    said = answer(error)
    logger.warning("%s was not sent: %s", notification, said, exc_info=not isinstance(error, OSError))
    if is_final(error) or notification.attempts >= MAX_ATTEMPTS:
        done.failed += 1
        _note(notification, state=State.FAILED, next_attempt_at=None, error=said)
        return
    done.put_off += 1
    next_attempt_at = max(now, timezone.now()) + BACK_OFF[min(notification.attempts, len(BACK_OFF)) - 1]
    _note(notification, state=State.QUEUED, next_attempt_at=next_attempt_at, error=said)
