"""From the journal to the signals: written in the transaction, sent after its commit, swept up if that failed."""

import logging
import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import get_active_log_context
from wagtail.models import ModelLogEntry

from . import conf, database, signals
from .models import Order, OrderEvent

logger = logging.getLogger(__name__)

#: How long the sweep waits after the first, second … failed attempt; the last one repeats.
BACK_OFF = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720, 1440)]
SWEEP_CHUNK = 500
#: How long a sweep may take over one chunk before another sweep may send it again.
LEASE = timedelta(minutes=15)


#: What of an event does not go into Wagtail's log, which outlives the order.
_PRIVATE = ("text", "recipient")

_noticed = ContextVar("wagtail_orders_noticed", default=None)


@contextmanager
def noticing():
    """
    The primary keys of the events that are written in the ``with`` block, as a list that fills. Those of a
    transaction that was rolled back are among them; they name nothing, or on SQLite what is written later.
    """
    token = _noticed.set([])
    try:
        yield _noticed.get()
    finally:
        _noticed.reset(token)


def record(happenings, *, kind, user=None, now=None):
    """
    Write the journal for one change: ``happenings`` are pairs of order and data. Must be called in the
    change's own transaction; the signals go out after its commit. What a person did also lands in
    Wagtail's own log.
    """
    record_mixed([(order, kind, data) for order, data in happenings], user=user, now=now)


def record_mixed(happenings, *, user=None, now=None):
    """
    The same for triples of order, kind and data. ``now`` is when it happened, which for an order brought over
    from elsewhere may be long ago.
    """
    now = now or timezone.now()
    swept_from = timezone.now() + timedelta(seconds=conf.get("DISPATCH_GRACE"))
    events = [
        OrderEvent(
            order=None if kind == OrderEvent.Kind.DELETED else order,
            kind=kind,
            actor=user,
            data=data,
            created_at=now,
            next_dispatch_at=swept_from,
        )
        for order, kind, data in happenings
    ]
    if not events:
        return
    events = database.insert_all(OrderEvent, events)
    if (noticed := _noticed.get()) is not None:
        noticed.extend(event.pk for event in events)
    if user is not None:
        _write_wagtail_log(happenings, user, now)

    # Robust: the change stands, so a receiver or a lost connection must not look like its failure. Django 5.2
    # logs a robust hook by its __qualname__, which a partial has not.
    def send():
        dispatch(events)

    transaction.on_commit(send, using=database.alias_for(Order), robust=True)


def _write_wagtail_log(happenings, user, now):
    content_type = ContentType.objects.get_for_model(Order)
    action_uuid = get_active_log_context().uuid or uuid.uuid4()
    database.insert_all(
        ModelLogEntry,
        [
            ModelLogEntry(
                content_type=content_type,
                label=order.number,
                action=f"wagtail_orders.{kind}",
                data={name: value for name, value in data.items() if name not in _PRIVATE},
                timestamp=now,
                uuid=action_uuid,
                user=user,
                object_id=str(order.pk),
                content_changed=True,
                deleted=kind == OrderEvent.Kind.DELETED,
            )
            for order, kind, data in happenings
        ],
    )


def dispatch(events, now=None, *, again=False):
    """
    Send each event's signal and note which of them reached every receiver. Returns the number of events
    that did; the others wait for a sweep after ``now``. ``again`` says that they may have been told before.
    """
    errors = {event.pk: _send(event) for event in events}
    error_of_all = _raised(signals.orders_changed, f"{len(events)} events", events=list(events), again=again)
    delivered, failed = [], []
    for event in events:
        error = errors[event.pk] or error_of_all
        if error is None:
            delivered.append(event.pk)
        else:
            failed.append((event, error))
    now = max(now or timezone.now(), timezone.now())
    if delivered:
        _note(delivered, dispatched_at=now, next_dispatch_at=None, dispatch_error="")
    for event, error in failed:
        _put_off(event, error, now)
    return len(delivered)


def _note(pks, **facts):
    # Two notes or a deletion of the same events may lock them in different orders.
    database.again_after_deadlock(
        OrderEvent, lambda: database.primary(OrderEvent).filter(pk__in=pks).update(**facts)
    )


def _send(event):
    """Send one event's signal; what the first raising receiver said, or None."""
    return _raised(signals.BY_KIND[event.kind], event, order=event.order, event=event)


def _raised(signal, what, **arguments):
    try:
        responses = signal.send_robust(sender=Order, **arguments)
    except Exception as raised:
        # Django 5.2 fails on a receiver without a name of its own (a functools.partial) that raises.
        logger.exception("Sending %s failed", what)
        return f"{type(raised).__name__}: {raised}"
    error = None
    for receiver, response in responses:
        if isinstance(response, Exception):
            name = getattr(receiver, "__qualname__", repr(receiver))
            logger.error("%s raised on %s", name, what, exc_info=response)
            error = error or f"{name}: {type(response).__name__}: {response}"
    return error


def _put_off(event, error, now):
    error = error.replace("\x00", "").encode("utf-8", "replace").decode()[:5000]
    wait = BACK_OFF[min(event.dispatch_attempts, len(BACK_OFF) - 1)]
    _note(
        [event.pk],
        dispatch_attempts=event.dispatch_attempts + 1,
        next_dispatch_at=now + wait,
        dispatch_error=error,
    )


@dataclass
class Sweep:
    """What a sweep did: how many events were due, and how many of them reached every receiver."""

    due: int = 0
    delivered: int = 0

    @property
    def failed(self):
        return self.due - self.delivered


def due(now=None):
    """The events a sweep would send now."""
    return (
        database.primary(OrderEvent)
        .due(now or timezone.now())
        .select_related("order", "actor")
        .order_by("pk")
    )


def sweep(now=None):
    """
    Send what a process that died, or a receiver that raised, left behind. Several sweeps may run at once:
    each takes the events it sends by putting their next attempt off first. Returns a ``Sweep``.
    """
    now = now or timezone.now()
    done = Sweep()
    while taken := _take(now):
        done.due += len(taken)
        done.delivered += dispatch(taken, now, again=True)
    return done


def _take(now):
    """Take the next chunk that is due, so that no other sweep sends it for as long as one attempt may last."""

    def work():
        # Whoever holds an event is about to send it or has just sent it. To wait would be to deadlock: MariaDB
        # locks the index of what is due before the row, and a note of what was sent the row before the index;
        # PostgreSQL lets a note lock its rows in any order.
        pks = list(
            database.locked(database.primary(OrderEvent).due(now), waiting=False)
            .order_by("pk")
            .values_list("pk", flat=True)[:SWEEP_CHUNK]
        )
        database.primary(OrderEvent).filter(pk__in=pks).update(
            next_dispatch_at=max(now, timezone.now()) + LEASE
        )
        return pks

    pks = database.in_transaction(OrderEvent, work)
    return list(
        database.primary(OrderEvent).filter(pk__in=pks).select_related("order", "actor").order_by("pk")
    )
