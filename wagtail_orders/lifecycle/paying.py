"""Money that comes and goes: the ledger's verbs, and the statuses they give."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database, events, money
from ..exceptions import IdempotencyConflict
from ..models import OrderEvent, Payment, PaymentStatus
from ..models.settings import local_moment
from . import outcome as reasons
from .batch import CHANGE, UNCHANGED, change, change_one, refuse, set_facts
from .checking import MAX_AMOUNT, Checker

_STATES = (Payment.State.PENDING, Payment.State.CONFIRMED, Payment.State.FAILED)


def record_payment(
    order,
    *,
    amount,
    method,
    reference=None,
    received_on=None,
    state="confirmed",
    currency=None,
    is_manual=None,
    notify_customer=None,
    user=None,
):
    """
    Note that ``amount``, in the order's currency, came in (any part of the total, or more), or is pending,
    or failed. Writes the event ``paid`` if it pays the order in full, else ``payment_recorded``.

    Idempotent on ``method`` and ``reference``: the same again changes nothing, a pending one moves to
    confirmed or failed, a failed one may still be confirmed, a voided one only by a ``user``; another amount or
    order under the same reference raises ``IdempotencyConflict``. A payment without a reference or with a ``user``
    was noted by hand (``is_manual``) and may be voided; a provider's may not. Money for a cancelled order is
    kept and the order flagged. ``notify_customer`` says whether a mail tells the customer that it came in; None
    leaves that to the site's settings. Raises ``ValidationError`` for another currency or an amount that is not
    positive.
    """
    facts = _check_entry(order, amount, method, reference, received_on, state, currency)
    if is_manual is None:
        is_manual = user is not None or facts["reference"] is None
    facts.update(kind=Payment.Kind.PAYMENT, is_manual=is_manual, recorded_by=user)

    def work(fresh):
        payment, is_news = _write_entry(fresh, facts)
        if is_news:
            _after_payment(fresh, payment, notify_customer, user)
        return payment

    return _record(order, work)


def _record(order, work):
    """Run ``work``, once more if another order took the reference at the same moment."""
    try:
        return change_one(order, work)
    except IntegrityError:
        return change_one(order, work)


def _write_entry(order, facts, *, allowed=None):
    """
    The ledger's entry with these facts, and whether it is news: written, or moved to the given state.
    ``allowed`` is the most that may be confirmed.
    """
    existing = _find_entry(facts, order)
    if existing and not _moves(existing.state, facts["state"], by_person=facts["recorded_by"] is not None):
        return existing, False
    if allowed is not None and facts["state"] == Payment.State.CONFIRMED and facts["amount"] > allowed:
        refuse(order, reasons.MORE_THAN_PAID)
    if existing is None:
        return database.primary(Payment).create(order=order, **facts), True
    existing.state, existing.received_on = facts["state"], facts["received_on"]
    existing.save(update_fields=["state", "received_on"])
    return existing, True


def _moves(old, new, *, by_person):
    """
    Whether a payment's state goes on from ``old`` to ``new``. News that come late change nothing, and what a
    person voided only a person takes back: a list of the bank's that is read again does not.
    """
    if (old, new) == (Payment.State.VOIDED, Payment.State.CONFIRMED):
        return by_person
    return (old, new) in {
        (Payment.State.PENDING, Payment.State.CONFIRMED),
        (Payment.State.PENDING, Payment.State.FAILED),
        (Payment.State.FAILED, Payment.State.CONFIRMED),
    }


def _after_payment(order, payment, notify_customer, user):
    now = timezone.now()
    was_settled = order.paid_at is not None
    _settle(order, now)
    kind = OrderEvent.Kind.PAYMENT_RECORDED
    if order.paid_at is not None and not was_settled:
        kind = OrderEvent.Kind.PAID
    happenings = [(order, kind, {**_describe(payment, order.currency), "notify_customer": notify_customer})]
    if order.is_cancelled and payment.state == Payment.State.CONFIRMED and not order.needs_look:
        set_facts([order], now, needs_look=True)
        happenings.append(
            (order, OrderEvent.Kind.FLAGGED, {"reason": "paid_after_cancellation", "payment": payment.pk})
        )
    events.record_mixed(happenings, user=user, now=now)


def record_refund(
    order,
    *,
    amount,
    method,
    reference=None,
    reason="",
    received_on=None,
    state="confirmed",
    currency=None,
    is_manual=None,
    notify_customer=False,
    user=None,
):
    """
    Note that ``amount``, in the order's currency, went back to the customer (event ``refunded``), or is about
    to, or failed to (event ``payment_recorded``). Idempotent on ``method`` and ``reference`` as
    ``record_payment`` is; noted by hand (``is_manual``) as there, unless said otherwise. ``notify_customer`` has a
    mail tell the customer, if this confirms it. Raises ``TransitionRefused`` for more than was paid, and
    ``ValidationError`` for another currency or an amount that is not positive.
    """
    facts = _check_entry(order, amount, method, reference, received_on, state, currency, reason)
    if is_manual is None:
        is_manual = user is not None or facts["reference"] is None
    facts.update(kind=Payment.Kind.REFUND, is_manual=is_manual, recorded_by=user)

    def work(fresh):
        refund, is_news = _write_entry(fresh, facts, allowed=fresh.amount_paid - fresh.amount_refunded)
        if not is_news:
            return refund
        has_gone = refund.state == Payment.State.CONFIRMED
        now = timezone.now()
        _settle(fresh, now)
        data = _describe(refund, fresh.currency)
        data |= {"reason": refund.reason, "notify_customer": notify_customer}
        events.record(
            [(fresh, data)],
            kind=OrderEvent.Kind.REFUNDED if has_gone else OrderEvent.Kind.PAYMENT_RECORDED,
            user=user,
            now=now,
        )
        return refund

    return _record(order, work)


def mark_paid(orders, *, received_on=None, method="manual", notify_customer=None, dry_run=False, user=None):
    """
    Note for each order (one ``Order`` or a queryset) that what it still owes came in on ``received_on``
    (today by default), by ``method``: one payment and one event ``paid`` each. A paid order is unchanged;
    a cancelled one is refused. ``notify_customer`` as with ``record_payment``. Returns an ``Outcome``.
    """
    paid = {}
    checker = Checker()
    day = _day(checker, received_on)
    method = checker.text("method", method, most=50, required=True)
    checker.raise_errors()

    def judge(order):
        if order.is_cancelled:
            return reasons.CANCELLED
        return CHANGE if order.amount_due else UNCHANGED

    def write(batch):
        rows = [
            Payment(
                order=order,
                kind=Payment.Kind.PAYMENT,
                amount=order.amount_due,
                method=method,
                received_on=day,
                recorded_at=batch.now,
                recorded_by=batch.user,
            )
            for order in batch.orders
        ]
        paid.update({payment.order_id: payment for payment in database.insert_all(Payment, rows)})
        batch.set_each(
            lambda order: {
                "amount_paid": F("total"),
                "payment_status": PaymentStatus.from_ledger(
                    total=order.total, paid=order.total, refunded=order.amount_refunded, pending=False
                ),
                "paid_at": batch.now,
            }
        )

    return change(
        orders,
        judge=judge,
        write=write,
        kind=OrderEvent.Kind.PAID,
        details=lambda order: {
            **_describe(paid[order.pk], order.currency),
            "notify_customer": notify_customer,
        },
        dry_run=dry_run,
        user=user,
    )


def mark_unpaid(orders, *, reason="", payments=None, dry_run=False, user=None):
    """
    Void each order's payments that were noted by hand, or only those of them whose primary keys are among
    ``payments``. Refused where one of these is a provider's (refund it there) or a refund is recorded; an
    order without such a payment is unchanged. Returns an ``Outcome``.
    """
    chosen = None if payments is None else set(payments)
    voided, entries = {}, {}
    of_provider = set()
    checker = Checker()
    reason = checker.text("reason", reason, most=500)
    checker.raise_errors()

    def judge(order):
        if order.pk not in entries:
            return UNCHANGED
        if order.amount_refunded:
            return reasons.REFUNDED
        return reasons.PROVIDER_PAYMENT if order.pk in of_provider else CHANGE

    def prepare(fresh):
        of_provider.clear()
        entries.clear()
        confirmed = database.primary(Payment).confirmed().filter(order__in=[order.pk for order in fresh])
        for pk, order, amount, is_manual in confirmed.filter(kind=Payment.Kind.PAYMENT).values_list(
            "pk", "order_id", "amount", "is_manual"
        ):
            if chosen is None or pk in chosen:
                entries.setdefault(order, {})[pk] = amount
                if not is_manual:
                    of_provider.add(order)

    def write(batch):
        pks = [order.pk for order in batch.orders]
        pending = set(
            database.primary(Payment)
            .filter(order__in=pks, kind=Payment.Kind.PAYMENT, state=Payment.State.PENDING)
            .values_list("order_id", flat=True)
        )
        amounts = {order.pk: sum(entries[order.pk].values()) for order in batch.orders}
        voided.update({order.pk: money.rounded(amounts[order.pk], order.currency) for order in batch.orders})
        database.primary(Payment).filter(pk__in=[pk for order in pks for pk in entries[order]]).update(
            state=Payment.State.VOIDED, reason=reason
        )

        def facts(order):
            paid = order.amount_paid - amounts[order.pk]
            return {
                "amount_paid": paid,
                "payment_status": PaymentStatus.from_ledger(
                    total=order.total, paid=paid, refunded=Decimal(0), pending=order.pk in pending
                ),
                "paid_at": order.paid_at if paid >= order.total else None,
            }

        batch.set_each(facts)

    return change(
        orders,
        prepare=prepare,
        judge=judge,
        write=write,
        kind=OrderEvent.Kind.UNPAID,
        details=lambda order: {"amount": str(voided[order.pk]), "currency": order.currency, "reason": reason},
        dry_run=dry_run,
        user=user,
    )


def _settle(order, now):
    """Compute the order's sums and payment status from its ledger; the one place where that happens."""
    # Added up here, not by the database: SQLite would do it in floats.
    sums = defaultdict(Decimal)
    for kind, state, amount in (
        database.primary(Payment).filter(order=order).values_list("kind", "state", "amount")
    ):
        sums[kind, state] += amount
    paid = sums[Payment.Kind.PAYMENT, Payment.State.CONFIRMED]
    refunded = sums[Payment.Kind.REFUND, Payment.State.CONFIRMED]
    pending = sums[Payment.Kind.PAYMENT, Payment.State.PENDING]
    if paid >= MAX_AMOUNT:
        raise ValidationError({"amount": [_("The order's payments together are too large.")]})
    status = PaymentStatus.from_ledger(total=order.total, paid=paid, refunded=refunded, pending=bool(pending))
    paid_at = (order.paid_at or now) if paid >= order.total else None
    set_facts(
        [order], now, amount_paid=paid, amount_refunded=refunded, payment_status=status, paid_at=paid_at
    )


def _check_entry(order, amount, method, reference, received_on, state, currency, reason=""):
    checker = Checker()
    if state not in _STATES:
        checker.refuse("state", _("%(state)r is not a payment's state.") % {"state": state})
    if currency is not None and currency != order.currency:
        checker.refuse(
            "currency",
            _("The order is in %(ours)s, not in %(given)s.") % {"ours": order.currency, "given": currency},
        )
    entry = {
        "state": state,
        "amount": checker.amount("amount", amount, order.currency, above=0),
        "method": checker.text("method", method, most=50, required=True),
        "reference": checker.text("reference", reference, most=255) or None,
        "received_on": _day(checker, received_on),
        "reason": checker.text("reason", reason, most=500),
    }
    checker.raise_errors()
    return entry


def _day(checker, received_on):
    if isinstance(received_on, datetime):
        received_on = local_moment(received_on).date()
    if received_on is not None and not isinstance(received_on, date):
        checker.refuse("received_on", _("%(value)r is not a date.") % {"value": received_on})
    today = local_moment(timezone.now()).date()
    if isinstance(received_on, date) and received_on > today + timedelta(days=1):
        checker.refuse("received_on", _("%(value)s lies in the future.") % {"value": received_on})
    return received_on or today


def _find_entry(entry, order):
    """The entry that has the reference already, if it is the same payment."""
    if entry["reference"] is None:
        return None
    existing = (
        database.locked(
            database.primary(Payment).filter(method=entry["method"], reference=entry["reference"])
        )
        .order_by()
        .first()
    )
    if existing is None:
        return None
    if (existing.order_id, existing.kind, existing.amount) != (order.pk, entry["kind"], entry["amount"]):
        raise IdempotencyConflict(
            f"The {entry['method']} reference {entry['reference']!r} belongs to another entry: {existing}",
            existing=existing,
        )
    return existing


def _describe(payment, currency):
    return {
        "payment": payment.pk,
        "kind": payment.kind,
        "amount": str(money.rounded(payment.amount, currency)),
        "currency": currency,
        "method": payment.method,
        "state": payment.state,
        "received_on": payment.received_on.isoformat(),
    }
