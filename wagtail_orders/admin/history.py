"""The journal in words a shop owner understands: for the order's page and for Wagtail's log."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from wagtail.log_actions import LogFormatter

from .. import conf
from ..models import Order, OrderAddress, OrderEvent
from ..models.event import REASONS
from ..money import format_amount
from ..payments import providers
from ..templatetags.wagtail_orders_tags import person
from .cells import mail_tag

Kind = OrderEvent.Kind

_ADDRESSES = {f"{kind}_address": label for kind, label in OrderAddress.Kind.choices}


def told(events, payments=()):
    """
    The journal's entries for a page: what happened, its details, when, and who did it: a person, or the provider of
    one of ``payments``.
    """
    reporters = _providers(payments)
    return [
        {
            "sentence": describe(event.kind, event.data),
            "changes": list(_changes(event.data.get("changes", {}))),
            "moment": event.created_at,
            "who": person(event.actor) or reporters.get(event.data.get("payment"), ""),
            "mails": [_mail(mail, event) for mail in event.notifications.all()],
        }
        for event in events
    ]


def _providers(payments):
    """Who reported each of the payments that a provider reports, in words, by its primary key."""
    known = providers()
    return {
        payment.pk: _("reported by %(provider)s") % {"provider": conf.payment_method_label(payment.method)}
        for payment in payments
        if not payment.is_manual and payment.method in known
    }


def _mail(mail, event):
    return {
        "pk": mail.pk,
        "order_pk": event.order_id,
        "label": mail.subject or mail.get_kind_display(),
        "recipient": mail.recipient,
        "tag": mail_tag(mail),
        "attempts": mail.attempts,
        "error": mail.error,
        "next_attempt_at": mail.next_attempt_at,
    }


def _changes(changes):
    for name, change in changes.items():
        kind, _dot, field = name.rpartition(".")
        label = field_label(field)
        if kind:
            label = _("%(what)s: %(detail)s") % {"what": _ADDRESSES.get(kind, kind), "detail": label}
        yield {"label": label, "before": change["before"], "after": change["after"]}


def field_label(name):
    """What people read for one of the customer's details."""
    model = Order if name in ("customer_name", "email", "customer_note") else OrderAddress
    label = str(model._meta.get_field(name).verbose_name)
    return label[:1].upper() + label[1:]


def describe(kind, data):
    """One sentence on an event: ``Marked as paid: 42,00 € (Bank transfer)``."""
    writer = _WRITERS.get(kind)
    return writer(data) if writer else str(dict(Kind.choices).get(kind, kind))


def _amount(data, name="amount"):
    return format_amount(Decimal(data.get(name, 0)), data.get("currency", "EUR"))


def _placed(data):
    return _("Placed: %(amount)s") % {"amount": _amount(data, "total")}


def _paid(data):
    if "payment" not in data:
        return _("Nothing to pay")
    return _("Paid: %(amount)s (%(method)s)") % {
        "amount": _amount(data),
        "method": conf.payment_method_label(data["method"]),
    }


def _payment_recorded(data):
    if data.get("kind") == "refund":
        pending, failed = _("Refund pending: %(amount)s"), _("Refund failed: %(amount)s")
        return (pending if data["state"] == "pending" else failed) % {"amount": _amount(data)}
    sentences = {
        "confirmed": _("Payment received: %(amount)s (%(method)s)"),
        "pending": _("Payment pending: %(amount)s (%(method)s)"),
        "failed": _("Payment failed: %(amount)s (%(method)s)"),
    }
    return sentences[data["state"]] % {
        "amount": _amount(data),
        "method": conf.payment_method_label(data["method"]),
    }


def _with(sentence, detail):
    """The sentence with what follows its colon, if anything does."""
    return _("%(what)s: %(detail)s") % {"what": sentence, "detail": detail} if detail else sentence


def reason_of(event):
    """The reason that an event gives, in words; "" where it gives none."""
    return _reason(event.data)


def _reason(data):
    reason = data.get("reason") or ""
    return REASONS.get(reason, reason)


def _with_reason(sentence, data):
    return _with(sentence, _reason(data))


def _unpaid(data):
    return _with_reason(_("Marked as unpaid (%(amount)s)") % {"amount": _amount(data)}, data)


def _refunded(data):
    return _with_reason(_("Refunded %(amount)s") % {"amount": _amount(data)}, data)


def _shipped(data):
    parcel = " ".join(part for part in (data.get("method"), data.get("tracking_number")) if part)
    sentence = pgettext("order", "Sent") if data.get("complete") else pgettext("order", "Sent in part")
    return _with(sentence, parcel)


def _parcel(sentence, data):
    return _with(sentence, data.get("tracking_number"))


def _parcel_changed(data):
    """What is another now; all parcels' events have the same facts."""
    before, after = data.get("before", {}), data.get("after", {})
    names = ("method", "tracking_number", "tracking_url")
    changed = [(before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
    was, became = changed[0] if changed else (after.get("tracking_number"),) * 2
    if changed and was and became:
        return _with(_("Parcel changed"), f"{was} → {became}")
    return _with(_("Parcel changed"), became or was)


def _note(sentence, data):
    text = data.get("before", {}).get("text", "")
    return _with(sentence, text and _("“%(text)s”") % {"text": text[:80]})


_WRITERS = {
    Kind.PLACED: _placed,
    Kind.PAID: _paid,
    Kind.PAYMENT_RECORDED: _payment_recorded,
    Kind.UNPAID: _unpaid,
    Kind.REFUNDED: _refunded,
    Kind.SHIPPED: _shipped,
    Kind.SHIPMENT_UPDATED: _parcel_changed,
    Kind.SHIPMENT_CANCELLED: lambda data: _parcel(_("Parcel cancelled"), data),
    Kind.HANDLED: lambda data: _("Handled"),
    Kind.UNHANDLED: lambda data: _("Marked as not handled"),
    Kind.CANCELLED: lambda data: _with_reason(pgettext("order", "Cancelled"), data),
    Kind.NOTE_ADDED: lambda data: (
        _("Note written, the customer may see it") if data.get("visible_to_customer") else _("Note written")
    ),
    Kind.NOTE_EDITED: lambda data: _note(_("Note changed, before"), data),
    Kind.NOTE_DELETED: lambda data: _note(_("Note deleted"), data),
    Kind.FLAGGED: lambda data: _with_reason(_("Needs a look"), data),
    Kind.MAIL_WRITTEN: lambda data: _with(_("E-mail written"), data.get("subject")),
    Kind.MAIL_RESENT: lambda data: _with(_("E-mail sent again"), data.get("recipient")),
    Kind.DELETED: lambda data: _("Deleted: %(amount)s") % {"amount": _amount(data, "total")},
}


def log_formatter(kind):
    """The formatter with which an action on orders reads in Wagtail's log."""

    class OrderLogFormatter(LogFormatter):
        label = Kind(kind).label

        def format_message(self, log_entry):
            return describe(kind, log_entry.data)

    return OrderLogFormatter
