"""PayPal's webhook: who sent it, stored before all else, then looked up and followed. It is never believed."""

import hashlib
import json
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError
from django.db.models import F, Q
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import database
from ...exceptions import ProviderFailed
from ...models import Order, PaymentAttempt, ProviderEvent
from . import judging
from .certificates import Forged
from .client import Client, is_reference
from .following import NAME, Finding, Follower, flag_once, is_number
from .signature import check, transmission_of

logger = logging.getLogger(__name__)

#: Bytes of a webhook; a real one has some 4,000.
LARGEST = 256 * 1024
#: For how long an order or an attempt may still be about to be committed.
EARLY = timedelta(minutes=15)
#: For how long whoever stored or took an event has it for itself.
LEASE = timedelta(minutes=5)
#: After how long PayPal is asked again, the last one over and over.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 6 * 60, 24 * 60))
#: When nothing more is expected.
GIVEN_UP = timedelta(days=30)

_CAPTURES = {f"PAYMENT.CAPTURE.{what}" for what in ("COMPLETED", "PENDING", "DENIED", "DECLINED")}
_REFUNDS = {"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"}
_ORDERS = {"CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED"}
_REVERSAL = "PAYMENT.CAPTURE.REVERSED"
#: What the webhook at PayPal is to be subscribed to.
KINDS = sorted({*_CAPTURES, *_REFUNDS, *_ORDERS, _REVERSAL})
_KIND = re.compile(r"[A-Za-z0-9._-]{1,100}")


class _Refusal(Exception):
    def __init__(self, status, text, **headers):
        super().__init__(text)
        self.response = _said(text, status)
        for name, value in headers.items():
            self.response.headers[name] = value


@dataclass(frozen=True)
class Message:
    """A webhook that PayPal sent."""

    identifier: str
    transmission: str
    body: bytes = field(repr=False)
    content: dict = field(repr=False)

    @property
    def digest(self):
        return hashlib.sha256(self.body).hexdigest()


def answer(request, account):
    """
    Answer PayPal's webhook. 200: stored and judged; 400, 405, 413: refused; 409: known with another content; 503: to be
    sent again. A body is stored only if PayPal sent it.
    """
    try:
        message = _read(request, account)
        event = _stored(message)
    except _Refusal as refusal:
        return refusal.response
    if event.state == ProviderEvent.State.WAITING:
        try:
            judge(event, account)
        except ProviderFailed as error:
            put_off(event, str(error))
    is_open = event.state == ProviderEvent.State.WAITING
    return _said("stored, send it again", 503) if is_open else _said("done")


def _read(request, account):
    if request.method != "POST":
        raise _Refusal(405, "only POST is understood", Allow="POST")
    # Not request.body: without a Content-Length, as a server of ASGI may pass it on, that has no end.
    body = b"" if _length(request) > LARGEST else request.read(LARGEST + 1)
    if max(_length(request), len(body)) > LARGEST:
        raise _Refusal(413, "too large")
    try:
        transmission = transmission_of(request.headers)
        content = _content(body)
        check(transmission, body, account, Client(account), datetime.now(UTC))
    except Forged as error:
        logger.warning("A webhook that is not PayPal's was refused: %s", error)
        raise _Refusal(400, "refused") from None
    except ProviderFailed as error:
        logger.warning("A webhook could not be verified: %s", error)
        raise _Refusal(503, "cannot be verified now, send it again") from None
    return Message(content["id"], transmission.identifier, body, content)


def _length(request):
    try:
        return int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return 0


def _content(body):
    """A webhook's body as JSON with an id; ``Forged`` if it is none."""
    try:
        content = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Forged("its body is no JSON") from None
    if not isinstance(content, dict) or not is_reference(content.get("id")):
        raise Forged("its body has no id")
    return content


def _said(text, status=200):
    return HttpResponse(
        f"{text}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Robots-Tag": "noindex"},
    )


# --- Stored


def _stored(message):
    """The event of a message, committed; a known identifier or transmission with another content is refused."""
    found = _known(message)
    if not found:
        kind, resource = message.content.get("event_type"), _resource(message.content).get("id")
        event = ProviderEvent(
            provider=NAME,
            identifier=message.identifier,
            transmission=message.transmission,
            digest=message.digest,
            kind=kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "",
            resource=resource if is_reference(resource) else "",
            body=message.body.decode(),
            next_attempt_at=timezone.now() + LEASE,
        )
        try:
            database.in_transaction(
                ProviderEvent, lambda: event.save(force_insert=True, using=database.alias_for(ProviderEvent))
            )
            return event
        except IntegrityError:
            # It came twice at the same moment.
            found = _known(message)
    if any(event.digest != message.digest for event in found):
        _report_forgery(message, found)
        raise _Refusal(409, "known with another content")
    return found[0]


def _known(message):
    same = Q(identifier=message.identifier) | Q(transmission=message.transmission)
    return list(database.primary(ProviderEvent).filter(same, provider=NAME))


def _report_forgery(message, found):
    """Have PayPal asked about whatever either content names, and the owner look at these orders."""
    logger.error("PayPal's webhook %s came again with another content", message.identifier)
    names, numbers = [], []
    for content in [message.content, *(json.loads(event.body) for event in found)]:
        resource = _resource(content)
        names += [resource.get("id"), judging.order_of(resource)]
        numbers += [resource.get("custom_id"), resource.get("invoice_id")]
    names, numbers = set(filter(is_reference, names)), set(filter(is_number, numbers))
    orders = database.primary(Order).filter(
        Q(number__in=numbers)
        | Q(pk__in=database.primary(PaymentAttempt).filter(reference__in=names).values("order"))
        | Q(payments__method=NAME, payments__reference__in=names)
    )
    text = _("PayPal’s message %(identifier)s came again with another content, which was refused")
    for order in orders.distinct()[:10]:
        attempts = database.primary(PaymentAttempt).filter(order=order, provider=NAME)
        attempts.exclude(reference=None).update(next_look_at=timezone.now())
        flag_once(order, text, identifier=found[0].identifier)


def _resource(content):
    resource = content.get("resource")
    return resource if isinstance(resource, dict) else {}


# --- Judged


def judge(event, account):
    """
    Have the ledger follow what an event is about, and bring its state up to date: it waits on where an order may still
    be about to be committed. ``ProviderFailed`` where PayPal cannot be asked; then nothing is changed.
    """
    is_late = event.received_at < timezone.now() - EARLY
    finding, said = _look(event, account, is_late)
    if finding in (Finding.UNKNOWN, Finding.GONE) and not is_late:
        put_off(event, "unknown so far")
        return
    state = ProviderEvent.State
    states = {Finding.DONE: state.DONE, Finding.OPEN: state.DONE, Finding.UNMATCHED: state.UNMATCHED}
    _settle(event, states.get(finding, state.IGNORED), said)


def _look(event, account, is_late):
    """What became of what an event names, and what is to be said about it."""
    follower = Follower(account, is_late=is_late)
    if not event.resource:
        return Finding.FOREIGN, "" if event.kind not in KINDS else "names nothing"
    if event.kind in _CAPTURES:
        finding = follower.look_at_capture(event.resource)
    elif event.kind in _REFUNDS:
        finding = follower.look_at_refund(event.resource)
    elif event.kind in _ORDERS:
        finding = follower.look_at_order(event.resource)
    elif event.kind == _REVERSAL:
        capture = judging.capture_of(_resource(json.loads(event.body)))
        finding = follower.look_at_reversal(event.resource, capture)
    else:
        finding = Finding.FOREIGN
    return finding, follower.said or ("PayPal does not know it" if finding is Finding.GONE else "")


def put_off(event, error):
    """Have an event tried again later, or given up after a month."""
    now = timezone.now()
    if event.received_at < now - GIVEN_UP:
        _settle(event, ProviderEvent.State.UNMATCHED, error)
        return
    wait = BACK_OFF[min(event.attempts, len(BACK_OFF) - 1)]
    _write(event, attempts=F("attempts") + 1, next_attempt_at=now + wait, error=error)


def _settle(event, state, error):
    _write(event, state=state, next_attempt_at=None, error=error)


def _write(event, **facts):
    # Whoever came to an end first is right: another who was late, or could not ask, takes nothing back.
    rows = database.primary(ProviderEvent).filter(pk=event.pk)
    rows.filter(state=ProviderEvent.State.WAITING).update(**facts)
    event.refresh_from_db(using=rows.db)
