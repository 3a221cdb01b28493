"""Whether what PayPal has is what was asked for: pure functions on PayPal's answers."""

from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from ...models import Payment
from .amounts import read_amount

#: What a capture's status means for the ledger; money that went back again had come in once.
#: developer.paypal.com/docs/api/payments/v2/#captures_get
CAPTURE_STATES = {
    "COMPLETED": Payment.State.CONFIRMED,
    "PARTIALLY_REFUNDED": Payment.State.CONFIRMED,
    "REFUNDED": Payment.State.CONFIRMED,
    "PENDING": Payment.State.PENDING,
    "DECLINED": Payment.State.FAILED,
    "FAILED": Payment.State.FAILED,
}
#: The same of a refund: developer.paypal.com/docs/api/payments/v2/#refunds_get
REFUND_STATES = {
    "COMPLETED": Payment.State.CONFIRMED,
    "PENDING": Payment.State.PENDING,
    "CANCELLED": Payment.State.FAILED,
    "FAILED": Payment.State.FAILED,
}


def mismatches(capture, attempt, order, account):
    """
    In words, why a capture is not the payment of ``attempt``; an empty list if it is. ``capture`` is what PayPal
    answered when it was asked, never what somebody sent.
    """
    wanted = [
        (capture.get("status") in CAPTURE_STATES, _("its status is “%(given)s”"), capture.get("status")),
        (_is_amount(capture, attempt, order), _("its amount is %(given)s"), shown_amount(capture)),
        (_payee(capture) == account.merchant_id, _("it was paid to “%(given)s”"), _payee(capture)),
        (
            attempt.environment == account.environment and is_of(capture, account),
            _("it does not come from PayPal’s “%(given)s” environment"),
            attempt.environment,
        ),
        (
            capture.get("custom_id") == order.number,
            _("it names the order “%(given)s”"),
            capture.get("custom_id"),
        ),
        (
            capture.get("invoice_id") == order.number,
            _("it names the invoice “%(given)s”"),
            capture.get("invoice_id"),
        ),
        (
            attempt.reference is not None and order_of(capture) == attempt.reference,
            _("it belongs to PayPal’s order “%(given)s”"),
            order_of(capture),
        ),
    ]
    return [text % {"given": str(given)[:100]} for fits, text, given in wanted if not fits]


def _is_amount(capture, attempt, order):
    return read_amount(capture.get("amount")) == (attempt.amount, order.currency)


def shown_amount(entry):
    """An amount as PayPal has it, for people."""
    found = read_amount(entry.get("amount"))
    return f"{found[0]} {found[1]}" if found else "?"


def _payee(capture):
    return _inner(capture, "payee", "merchant_id")


def order_of(capture):
    """PayPal's order that a capture belongs to, or None."""
    return _inner(capture, "supplementary_data", "related_ids", "order_id")


def is_of(answer, account):
    """Whether an answer names itself by an address of the account's own PayPal."""
    try:
        address = urlsplit(link(answer, "self") or "")
    except ValueError:
        return False
    return address.scheme == "https" and address.netloc in account.hosts


def link(answer, rel):
    """The address that an answer gives for ``rel``, or None."""
    links = answer.get("links")
    for one in links if isinstance(links, list) else ():
        if isinstance(one, dict) and one.get("rel") == rel and isinstance(one.get("href"), str):
            return one["href"]
    return None


def capture_of(refund):
    """The capture that a refund takes back, or None."""
    path, _slash, reference = (link(refund, "up") or "").rpartition("/")
    return reference if path.endswith("/payments/captures") else None


def payments_of(remote, kind):
    """The ``captures`` or ``refunds`` of PayPal's order, as far as they have an id."""
    units = remote.get("purchase_units")
    found = []
    for unit in units if isinstance(units, list) else ():
        entries = _inner(unit, "payments", kind)
        found += entries if isinstance(entries, list) else []
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("id"), str)]


def unit_of(remote):
    """The first purchase unit of PayPal's order; ours have one."""
    units = remote.get("purchase_units")
    return units[0] if isinstance(units, list) and units and isinstance(units[0], dict) else {}


def _inner(answer, *names):
    for name in names:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer
