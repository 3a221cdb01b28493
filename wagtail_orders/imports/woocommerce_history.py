"""What became of a WooCommerce order: its one status as facts, its ledger, its notes."""

import re

from django.utils.translation import gettext as _

from ..lifecycle.records import NoteRecord, PaymentRecord
from . import values
from .values import Unreadable, shortened
from .woocommerce_items import items_in

#: Other words for a status.
_ALIASES = {"pending-payment": "pending", "canceled": "cancelled"}
_DRAFTS = ("checkout-draft", "draft", "auto-draft", "trash")
STATUSES = ("pending", "on-hold", "failed", "processing", "completed", "refunded", "cancelled")


def history(row, zone, total):
    """What an ``OrderRecord`` says of its dates, its ledger and its notes."""
    status = "-".join(row.text("status").lower().removeprefix("wc-").split())
    status = _ALIASES.get(status, status)
    if status in _DRAFTS:
        raise row.unreadable("status", _("This is a draft or thrown away, not an order. Take the line out."))
    placed_at = row.moment("order_date", zone)
    if placed_at is None:
        raise row.unreadable("order_date", _("There is no date. Fill it in."))
    paid_at, completed_at = row.moment("paid_date", zone), row.moment("completed_date", zone)
    refunds = _refunds(row, zone, status, total)
    method = shortened(row.text("payment_method", "payment_method_title"), 50)
    # Cash on delivery is in process before it is paid.
    is_paid = (
        paid_at
        or refunds
        or status in ("completed", "refunded")
        or (status == "processing" and method != "cod")
    )
    payments = _payments(row, total, method or "manual", status, is_paid and (paid_at or placed_at), refunds)
    ended_at = completed_at or paid_at or placed_at
    is_cancelled = status == "cancelled" or (status == "refunded" and not completed_at)
    return {
        "placed_at": placed_at,
        "paid_at": (paid_at or placed_at) if is_paid else None,
        "handled_at": ended_at if status == "completed" or completed_at else None,
        "cancelled_at": max([entry[2] for entry in refunds if entry[2]], default=ended_at)
        if is_cancelled
        else None,
        "payment_method": shortened(row.text("payment_method_title", "payment_method"), 50),
        "payments": payments,
        "needs_look": status not in STATUSES,
        "notes": _notes(row, zone),
    }


def _refunds(row, zone, status, total):
    """Triples of amount, reason and moment."""
    refunds = []
    for item in items_in(row, "refunds"):
        try:
            amount = abs(values.amount(values.plain(str(item.get("amount", "")))))
            moment = values.moment(str(item["date"]), zone) if item.get("date") else None
        except Unreadable as error:
            raise row.unreadable("refunds", error.message) from None
        refunds.append((amount, shortened(str(item.get("reason") or ""), 500), moment))
    if not refunds:
        refunds = [(row.amount("refunded_total") or (total if status == "refunded" else 0), "", None)]
    return [refund for refund in refunds if refund[0]]


def _payments(row, total, method, status, paid_at, refunds):
    reference = row.text("transaction_id") or None
    state = None
    if paid_at:
        state = "confirmed"
    elif status == "failed":
        state = "failed"
    elif status == "on-hold" and reference:
        state = "pending"
    payments = []
    if state and total:
        payments.append(
            PaymentRecord(
                amount=total,
                method=method,
                state=state,
                reference=reference,
                received_on=paid_at.date() if paid_at else None,
                recorded_at=paid_at or None,
            )
        )
    for amount, reason, moment in refunds:
        payments.append(
            PaymentRecord(
                kind="refund", amount=amount, method=method, reason=reason, recorded_at=moment or paid_at
            )
        )
    return tuple(payments)


def _notes(row, zone):
    """What people wrote, each by itself; what the shop noted by itself, in one note."""
    text = row.text("order_notes")
    if not text:
        return ()
    if "content:" not in text:
        # One extension writes nothing but the texts, newest first, and what lies in them cannot be told apart.
        return (NoteRecord(text=_("Notes in WooCommerce:") + "\n" + text.replace("|", "\n")),)
    written, noted = [], []
    for item in items_in(row, "order_notes"):
        content = re.sub(r"<[^>]*>", "", str(item.get("content", ""))).strip()
        if not content:
            continue
        if str(item.get("added_by", "")) == "system" and str(item.get("customer", "0")) in ("", "0"):
            noted.append(f"{item.get('date', '')} {content}".strip())
            continue
        try:
            moment = values.moment(str(item["date"]), zone) if item.get("date") else None
        except Unreadable as error:
            raise row.unreadable("order_notes", error.message) from None
        is_visible = str(item.get("customer", "0")) not in ("", "0")
        written.append(NoteRecord(text=content, visible_to_customer=is_visible, created_at=moment))
    if noted:
        written.append(NoteRecord(text="\n".join([_("Notes in WooCommerce:"), *noted])))
    return tuple(written)
