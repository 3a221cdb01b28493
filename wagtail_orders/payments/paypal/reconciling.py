"""What PayPal is asked for without having told: attempts that nobody came back from, and events that wait."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from ... import database
from ...exceptions import ProviderFailed
from ...models import PaymentAttempt, ProviderEvent
from .events import BACK_OFF, GIVEN_UP, LEASE, judge, put_off
from .following import NAME, Finding, Follower

logger = logging.getLogger(__name__)

#: Days for which an event is kept that is done; it has customers' data.
KEPT = timedelta(days=90)
#: After so many looks, by then a month, nothing more is expected of an attempt.
LOOKS = len(BACK_OFF) - 1 + GIVEN_UP.days
#: So many failures one after the other mean that PayPal cannot be reached at all.
IN_A_ROW = 3


@dataclass
class Reconciled:
    """What a run came to."""

    attempts: int = 0
    events: int = 0
    settled: int = 0
    failed: int = 0
    deleted: int = 0
    is_down: bool = False


def due(account, now=None):
    """The attempts and the events about which PayPal is to be asked."""
    now = now or timezone.now()
    attempts = database.primary(PaymentAttempt).due(now)
    events = database.primary(ProviderEvent).due(now)
    return (
        attempts.filter(provider=NAME, environment=account.environment),
        events.filter(provider=NAME, state=ProviderEvent.State.WAITING),
    )


def reconcile(account):
    """
    Ask PayPal about all that is due, and have the ledger follow. Each is taken for some minutes before it is asked
    about, so that several runs at once do no harm. What fails waits longer each time. Returns ``Reconciled``.
    """
    done, row, now = Reconciled(), 0, timezone.now()
    for taken in _taken(account, now):
        is_attempt = isinstance(taken, PaymentAttempt)
        done.attempts += is_attempt
        done.events += not is_attempt
        try:
            is_settled = _look_at_attempt(taken, account) if is_attempt else _judge(taken, account)
        except Exception as error:
            if not isinstance(error, ProviderFailed):
                logger.exception("PayPal: %s could not be followed", taken)
            is_settled, row = False, row + 1
            done.failed += 1
            _wait(taken, str(error))
        else:
            row = 0
        done.settled += is_settled
        if row == IN_A_ROW:
            done.is_down = True
            break
    done.deleted = _delete_old(now)
    return done


def _taken(account, now):
    for queryset, field in zip(due(account, now), ("next_look_at", "next_attempt_at"), strict=True):
        while found := queryset.order_by(field, "pk").first():
            free = database.primary(queryset.model).filter(pk=found.pk, **{field: getattr(found, field)})
            if free.update(**{field: timezone.now() + LEASE}):
                yield found


def _look_at_attempt(attempt, account):
    finding = Follower(account).look_at_attempt(attempt)
    if finding is Finding.OPEN:
        _wait(attempt)
    return finding is not Finding.OPEN


def _judge(event, account):
    judge(event, account)
    return event.state != ProviderEvent.State.WAITING


def _wait(taken, error=""):
    if isinstance(taken, ProviderEvent):
        put_off(taken, error)
        return
    now = timezone.now()
    wait = BACK_OFF[min(taken.looks + 1, len(BACK_OFF) - 1)]
    # Not by its age: a refund may be asked for a year later.
    later = None if taken.looks >= LOOKS else now + wait
    rows = database.primary(PaymentAttempt).filter(pk=taken.pk)
    rows.update(looks=F("looks") + 1)
    # Somebody else may have come to its end meanwhile.
    rows.filter(next_look_at__isnull=False).update(next_look_at=later)


def _delete_old(now):
    states = (ProviderEvent.State.DONE, ProviderEvent.State.IGNORED)
    old = database.primary(ProviderEvent).filter(provider=NAME, state__in=states, received_at__lt=now - KEPT)
    return old.delete()[0]
