"""What the lines, the ledger and the parcels of an order as it was elsewhere come to, held against what it says."""

from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal

from django.utils.translation import gettext as _

from .. import money
from ..models import FulfillmentStatus, Payment, PaymentStatus
from .checking import MAX_AMOUNT


def add_up(checker, record, order, lines):
    """The order's sums: what is given must be what they come to, what is not given is computed."""
    order.subtotal = sum((line.total for line in lines), Decimal(0))
    if order.discount_total > order.subtotal:
        checker.refuse(
            "discount_total",
            _("A discount of %(discount)s is more than the goods' %(subtotal)s.")
            % {"discount": order.discount_total, "subtotal": order.subtotal},
        )
        return
    order.taxes, order.tax_total = _taxes(checker, record, order, lines)
    order.total = order.subtotal - order.discount_total + order.shipping_total
    if not order.prices_include_tax:
        order.total += order.tax_total
    for name in ("subtotal", "total"):
        if (given := getattr(record, name)) is not None:
            checker.handed_over(name, given, getattr(order, name), order.currency, minimum=0)
    if max(order.subtotal, order.total) >= MAX_AMOUNT:
        checker.refuse("total", _("The order's total is too large."))


def _taxes(checker, record, order, lines):
    """The taxes by rate, as they are stored, and together."""
    given = None
    if record.tax_total is not None:
        given = checker.amount("tax_total", record.tax_total, order.currency, minimum=0)
    if record.taxes is not None:
        shares = [_check_share(checker, index, share, order) for index, share in enumerate(record.taxes)]
        together = sum((share.tax for share in shares), Decimal(0))
        if shares and given is not None:
            checker.handed_over("tax_total", given, together, order.currency, minimum=0)
        given = together if given is None else given
    else:
        computed = money.totals(
            [money.TaxedAmount(line.total, line.tax_rate, line.tax) for line in lines],
            shipping=order.shipping_total,
            shipping_rate=order.shipping_tax_rate,
            discount=order.discount_total,
            included=order.prices_include_tax,
            currency=order.currency,
        )
        shares = computed.taxes if given in (None, computed.tax) else ()
        given = computed.tax if given is None else given
    return [{name: format(value, "f") for name, value in asdict(share).items()} for share in shares], given


def _check_share(checker, index, share, order):
    if not isinstance(share, money.RateTotal):
        checker.refuse(f"taxes.{index}", _("Give a RateTotal."))
        return money.RateTotal(Decimal(0), Decimal(0), Decimal(0))
    return money.RateTotal(
        rate=checker.decimal(f"taxes.{index}.rate", share.rate, places=4, minimum=0, maximum=100),
        net=checker.amount(f"taxes.{index}.net", share.net, order.currency),
        tax=checker.amount(f"taxes.{index}.tax", share.tax, order.currency),
    )


def settle(checker, record, order, payments):
    """Where the money stands, from the ledger as ``paying`` computes it."""
    sums = defaultdict(Decimal)
    for entry in payments:
        sums[entry.kind, entry.state] += entry.amount
    confirmed = Payment.State.CONFIRMED
    order.amount_paid = paid = sums[Payment.Kind.PAYMENT, confirmed]
    order.amount_refunded = refunded = sums[Payment.Kind.REFUND, confirmed]
    order.payment_status = PaymentStatus.from_ledger(
        total=order.total,
        paid=paid,
        refunded=refunded,
        pending=bool(sums[Payment.Kind.PAYMENT, Payment.State.PENDING]),
    )
    if paid >= MAX_AMOUNT:
        checker.refuse("payments", _("The order's payments together are too large."))
    if refunded > paid:
        checker.refuse(
            "payments",
            _("%(refunded)s went back, but only %(paid)s came in.") % {"refunded": refunded, "paid": paid},
        )
    if paid < order.total and order.paid_at is not None:
        checker.refuse(
            "paid_at",
            _(
                "It is said to be paid, but %(paid)s of %(total)s came in; list the payment, or leave the date out."
            )
            % {"paid": paid, "total": order.total},
        )
    if paid >= order.total and order.paid_at is None:
        entries = [x.recorded_at for x in payments if (x.kind, x.state) == (Payment.Kind.PAYMENT, confirmed)]
        order.paid_at = max(entries, default=order.placed_at)
    checker.same("payment_status", record.payment_status, order.payment_status.value)
    for name in ("amount_paid", "amount_refunded"):
        checker.same(name, getattr(record, name), getattr(order, name))


def fulfil(checker, record, order, shipments):
    """Where the goods stand: what is handled has its date, what is partly sent its parcels."""
    status = FulfillmentStatus
    has_parcels = any(parcel.cancelled_at is None for parcel in shipments)
    given = None
    if record.fulfillment_status is not None:
        given = checker.choice("fulfillment_status", record.fulfillment_status, status)
    if order.handled_at is not None or given == status.FULFILLED:
        ours = status.FULFILLED
        sent = [parcel.shipped_at for parcel in shipments if parcel.cancelled_at is None]
        order.handled_at = order.handled_at or max(sent, default=order.placed_at)
    elif has_parcels or given == status.PARTIALLY_FULFILLED:
        ours = status.PARTIALLY_FULFILLED
    else:
        ours = status.UNFULFILLED
    checker.same("fulfillment_status", given, ours.value)
    order.fulfillment_status = ours
