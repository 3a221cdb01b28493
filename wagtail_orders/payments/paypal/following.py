"""The one way on which the ledger follows PayPal: look a thing up there, judge it, and call the verbs."""

import logging
from datetime import datetime, timedelta
from enum import Enum, auto

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from ... import database, lifecycle
from ...exceptions import IdempotencyConflict, TransitionRefused
from ...lifecycle import outcome
from ...lifecycle.checking import clean_text
from ...models import Order, OrderEvent, OrderNote, Payment, PaymentAttempt, PaymentStatus
from ...models.provider import make_key
from ...models.settings import local_moment
from . import judging
from .client import Client, Refused

logger = logging.getLogger(__name__)

NAME = "paypal"
#: PayPal's words for an order that needs nothing more of us.
_OVER = ("COMPLETED", "VOIDED")


class Finding(Enum):
    """What became of a thing that was looked at."""

    #: The ledger has followed, or the order is flagged.
    DONE = auto()
    #: It is ours, and PayPal has not settled it yet.
    OPEN = auto()
    #: It names an order or an attempt that there is not, or not yet.
    UNKNOWN = auto()
    #: Money that fits no order.
    UNMATCHED = auto()
    #: Of something else that is sold with the account, or of a state that asks nothing of us.
    FOREIGN = auto()
    #: PayPal does not know it.
    GONE = auto()


class Follower:
    """
    Follows what PayPal has for one account. Each look may be repeated, comes to the same in any order, and raises
    ``ProviderFailed`` where PayPal cannot be asked; no transaction is open meanwhile. ``is_late``: an order that is not
    known yet will not come any more.
    """

    def __init__(self, account, *, is_late=True):
        self.account = account
        self.client = Client(account)
        self.is_late = is_late
        #: About money that fits no order, in the shop's language.
        self.said = ""

    def look_at_attempt(self, attempt):
        """Take what the customer has agreed to, if it is still owed, and follow the attempt's captures and refunds."""
        if not attempt.reference or attempt.environment != self.account.environment:
            return Finding.OPEN
        mine = database.primary(PaymentAttempt).filter(pk=attempt.pk)
        standing = mine.values_list("next_look_at", "key").first()
        if standing is None:
            return Finding.GONE
        due, attempt.key = standing
        remote = self._found("v2", "checkout", "orders", attempt.reference)
        if remote is not None and remote.get("status") == "APPROVED":
            remote = self._captured(attempt) if self._is_to_be_taken(attempt) else None
        # Only what was due before: a refund that somebody asks for meanwhile is to be looked at.
        ending = mine.filter(next_look_at=due)
        if remote is None:
            ending.update(next_look_at=None)
            return Finding.GONE
        looks = [self.look_at_capture(one["id"]) for one in judging.payments_of(remote, "captures")]
        looks += [self.look_at_refund(one["id"]) for one in judging.payments_of(remote, "refunds")]
        is_over = set(looks) == {Finding.DONE} or (not looks and remote.get("status") in _OVER)
        if not is_over:
            return Finding.OPEN
        ending.update(next_look_at=None)
        return Finding.DONE

    def _is_to_be_taken(self, attempt):
        """Whether the money that a customer has agreed to is owed; the owner looks at what she could not expect."""
        order = database.primary(Order).filter(pk=attempt.order_id).first()
        if order is None:
            return False
        attempt.order, problem = order, None
        if order.is_cancelled:
            problem = _("the customer agreed to pay with PayPal after it was cancelled; no money was taken")
        elif order.amount_due and order.amount_due != attempt.amount:
            problem = _("the customer agreed at PayPal to another amount than is owed; no money was taken")
        if problem:
            flag_once(order, problem)
        return not problem and order.amount_due == attempt.amount

    def look_at_order(self, reference):
        """Follow an order of PayPal's by its id."""
        attempt = self._attempt(reference)
        if attempt is not None:
            return self.look_at_attempt(attempt)
        remote = self._found("v2", "checkout", "orders", reference)
        if remote is None:
            return Finding.GONE
        is_ours = judging.unit_of(remote).get("custom_id")
        # Later as well: no money has moved, and who takes it asks again.
        return Finding.UNKNOWN if is_ours and not self.is_late else Finding.FOREIGN

    def look_at_capture(self, reference):
        """Have the ledger follow a capture: money that came in, is to come, or failed to."""
        capture = self._found("v2", "payments", "captures", reference)
        if capture is None:
            return Finding.GONE
        capture = self._completed(capture)
        attempt = self._attempt(judging.order_of(capture))
        if attempt is None:
            return self._unexpected(capture)
        with _shops_language():
            found = judging.mismatches(capture, attempt, attempt.order, self.account)
        if found:
            text = _("PayPal’s payment %(reference)s is not what was asked for: %(why)s")
            flag_once(attempt.order, text, reference=reference, why="; ".join(found))
            return Finding.DONE
        return self._paid(attempt, capture)

    def look_at_refund(self, reference, **told):
        """
        Have the ledger follow a refund, after the payment that it takes back. ``told`` is what ``record_refund`` gets
        to know from whoever sent it; without, it is looked for among the refunds that were asked for.
        """
        refund = self._found("v2", "payments", "refunds", reference)
        if refund is None:
            return Finding.GONE
        capture = judging.capture_of(refund)
        if capture is None:
            return Finding.FOREIGN
        found = self.look_at_capture(capture)
        payment = self._payment(capture)
        if payment is None:
            return found
        return self._went_back(payment.order, refund, told or self._told(payment.order, refund))

    def _told(self, order, refund):
        """What the ledger is to have of a refund that was sent from here."""
        key = refund.get("custom_id")
        attempts = database.primary(PaymentAttempt).filter(order=order, provider=NAME)
        for refunds in attempts.values_list("refunds", flat=True):
            if isinstance(key, str) and key in refunds:
                told = refunds[key]
                return {**told, "user": database.primary(get_user_model()).filter(pk=told["user"]).first()}
        return {}

    def look_at_reversal(self, reference, capture):
        """
        Follow money that PayPal took back itself, and have the owner look. ``reference`` is the refund or the capture
        that was reported, ``capture`` the capture as far as it was named.
        """
        found = self.look_at_refund(reference)
        if found is not Finding.GONE:
            refund = self._found("v2", "payments", "refunds", reference) or {}
            capture = judging.capture_of(refund)
            text = _("PayPal has taken the payment %(reference)s back from you")
        else:
            capture, found = self._reversed_capture(reference, capture)
            # All that says so is the message.
            text = _("a message says that PayPal has taken the payment %(reference)s back; look at it there")
        payment = self._payment(capture)
        if payment is not None:
            flag_once(payment.order, text, reference=capture)
        return found

    def _reversed_capture(self, *references):
        for reference in filter(None, references):
            found = self.look_at_capture(reference)
            if found is not Finding.GONE:
                capture = self._completed(self._found("v2", "payments", "captures", reference) or {})
                order = judging.order_of(capture)
                remote = self._found("v2", "checkout", "orders", order) if order else None
                for one in judging.payments_of(remote or {}, "refunds"):
                    self.look_at_refund(one["id"])
                return reference, found
        return None, Finding.GONE

    # --- At PayPal

    def _found(self, *path):
        """What PayPal has at a path, or None."""
        try:
            return self.client.get(*path)
        except Refused as refusal:
            if refusal.is_unknown:
                return None
            raise

    def _captured(self, attempt):
        """Have PayPal take the money; its order as it is then, or None where it was paid in another way."""
        try:
            return self.client.post(
                "v2",
                "checkout",
                "orders",
                attempt.reference,
                "capture",
                body={},
                key=f"{attempt.key}-capture",
            )
        except Refused as refusal:
            if refusal.issue == "INSTRUMENT_DECLINED":
                # With the same key PayPal would answer the same again when she has chosen another way.
                database.primary(PaymentAttempt).filter(pk=attempt.pk).update(key=make_key())
            if refusal.issue == "DUPLICATE_INVOICE_ID":
                text = _("PayPal says that this order was paid there before; no money was taken again")
                flag_once(attempt.order, text)
                return None
            if refusal.issue != "ORDER_ALREADY_CAPTURED":
                raise
        return self._found("v2", "checkout", "orders", attempt.reference)

    def _completed(self, capture):
        """The capture with whom it was paid to and PayPal's order, which some answers leave to that order."""
        order = judging.order_of(capture)
        if order is None:
            path, _slash, order = (judging.link(capture, "up") or "").rpartition("/")
            if not path.endswith("/checkout/orders"):
                return capture
        elif isinstance(capture.get("payee"), dict):
            return capture
        remote = self._found("v2", "checkout", "orders", order) or {}
        if capture.get("id") not in [one["id"] for one in judging.payments_of(remote, "captures")]:
            return capture
        payee = judging.unit_of(remote).get("payee")
        return {"payee": payee, "supplementary_data": {"related_ids": {"order_id": order}}, **capture}

    # --- In the ledger

    def _attempt(self, reference):
        if not reference:
            return None
        found = database.primary(PaymentAttempt).filter(provider=NAME, reference=reference)
        return found.select_related("order").first()

    def _payment(self, reference):
        return self._entries(reference).filter(is_manual=False).first() if reference else None

    def _entries(self, reference):
        found = database.primary(Payment).filter(method=NAME, reference=reference, kind=Payment.Kind.PAYMENT)
        return found.select_related("order")

    def _unexpected(self, capture):
        """A capture that comes of no attempt of ours."""
        number = capture.get("custom_id")
        if not number or number != capture.get("invoice_id"):
            return Finding.FOREIGN
        if not self.is_late:
            return Finding.UNKNOWN
        if judging.CAPTURE_STATES.get(capture.get("status")) != Payment.State.CONFIRMED:
            return Finding.FOREIGN
        order = database.primary(Order).filter(number=number).first() if is_number(number) else None
        logger.warning("PayPal: capture %s fits no payment that was asked for", capture.get("id"))
        text = _("PayPal has a payment %(reference)s of %(amount)s that nobody asked for")
        values = {"reference": capture.get("id"), "amount": judging.shown_amount(capture)}
        if order is not None:
            flag_once(order, text, **values)
            return Finding.DONE
        with _shops_language():
            self.said = str(text % values)
        return Finding.UNMATCHED

    def _paid(self, attempt, capture):
        order, state = attempt.order, judging.CAPTURE_STATES[capture["status"]]

        def note():
            lifecycle.record_payment(
                order,
                amount=attempt.amount,
                method=NAME,
                reference=capture["id"],
                received_on=_day(capture),
                state=state,
                is_manual=False,
            )

        try:
            self._try(order, note, capture["id"])
        except Order.DoesNotExist:
            # Deleted a moment ago, and its attempts with it.
            return self._unexpected(capture)
        entry = self._entries(capture["id"]).first()
        if entry is not None and entry.is_manual:
            text = _(
                "PayPal’s payment %(reference)s was noted by hand before; PayPal’s refunds of it are not followed"
            )
            flag_once(order, text, reference=capture["id"])
        if order.payment_status == PaymentStatus.OVERPAID:
            flag_once(order, _("more came in than it costs; was it paid twice?"))
        if state == Payment.State.PENDING:
            self._look_again(pk=attempt.pk)
            return Finding.OPEN
        return Finding.DONE

    def _went_back(self, order, refund, told):
        amount = judging.read_amount(refund.get("amount"))
        state = judging.REFUND_STATES.get(refund.get("status"))
        reference = refund.get("id")
        if amount is None or state is None or not judging.is_of(refund, self.account):
            text = _("PayPal’s refund %(reference)s cannot be understood")
            flag_once(order, text, reference=reference)
            return Finding.DONE

        def note():
            lifecycle.record_refund(
                order,
                amount=amount[0],
                currency=amount[1],
                method=NAME,
                reference=reference,
                received_on=_day(refund),
                state=state,
                is_manual=False,
                **told,
            )

        try:
            self._try(order, note, reference)
        except Order.DoesNotExist:
            return Finding.GONE
        if state == Payment.State.PENDING:
            self._look_again(order=order)
            return Finding.OPEN
        return Finding.DONE

    def _look_again(self, **which):
        """Have the reconciliation ask about attempts that have come to an end."""
        attempts = database.primary(PaymentAttempt).filter(
            provider=NAME,
            environment=self.account.environment,
            reference__isnull=False,
            next_look_at=None,
            **which,
        )
        attempts.update(next_look_at=timezone.now() + timedelta(hours=1), looks=0)

    def _try(self, order, note, reference):
        """
        Call a verb; what it refuses, the owner looks at: at PayPal it has happened. ``Order.DoesNotExist`` if there
        is no such order any more.
        """
        with _shops_language():
            try:
                note()
            except (IdempotencyConflict, TransitionRefused, ValidationError) as error:
                if isinstance(error, TransitionRefused) and outcome.GONE in error.refused.values():
                    raise Order.DoesNotExist from error
                logger.warning("PayPal: %s of order %s: %s", reference, order.number, error)
                why = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                text = _("what PayPal has as %(reference)s does not fit the ledger: %(why)s")
                flag_once(order, text, reference=reference, why=why.rstrip("."))


def is_number(text):
    """Whether a text may be the number of one of our orders, and may be asked of the database."""
    most = Order._meta.get_field("number").max_length
    return isinstance(text, str) and 0 < len(text) <= most and text == clean_text(text)


def _shops_language():
    """What stays on the order's page is not in the language of whoever came by."""
    return translation.override(settings.LANGUAGE_CODE)


def _day(answer):
    """The day on which it happened, where the shop is; today's where PayPal's clock is ahead or says nothing."""
    try:
        moment = datetime.fromisoformat(answer["create_time"])
        return local_moment(min(moment, timezone.now())).date()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def flag_once(order, text, **values):
    """
    Have the owner look at an order for this reason, unless that was said before: what she has looked at stays so. An
    order that waits for her look already gets the reason as a note.
    """
    with _shops_language():
        reason = clean_text(str(text % values if values else text), lines=True)

    def work():
        fresh = database.locked(database.primary(Order).filter(pk=order.pk)).first()
        if fresh is None or _was_said(fresh, reason):
            return
        if fresh.needs_look:
            lifecycle.add_note(fresh, text=reason)
        else:
            lifecycle.flag(fresh, reason=reason)

    logger.warning("PayPal: order %s needs a look: %s", order.number, reason)
    database.in_transaction(Order, work)


def _was_said(order, reason):
    told = database.primary(OrderEvent).filter(order=order, kind=OrderEvent.Kind.FLAGGED)
    if any(data.get("reason") == reason for data in told.values_list("data", flat=True)):
        return True
    noted = database.primary(OrderNote).filter(order=order, author=None)
    return reason in noted.values_list("text", flat=True)
