"""The order's page for its customer, which nothing but the order's token opens, and the address of PayPal's webhook."""

import re
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.shortcuts import render
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from . import conf, database, payments
from .models import FulfillmentStatus, Order, OrderNote, Payment, PaymentStatus
from .notifications.contents import contents, logo, reading
from .notifications.looks import palette

#: Whoever has the address has the order: nobody is to keep, pass on or list it.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}

_TOKEN = re.compile(r"[0-9a-f]{40}")
#: Nothing is owed, and not because all went back.
_SETTLED = (PaymentStatus.PAID, PaymentStatus.OVERPAID, PaymentStatus.PARTIALLY_REFUNDED)


@require_safe
def order(request, token):
    """An order as its customer may see it, in the order's language; a token that opens none, a 404 like any other."""
    found = _order_of(token)
    return not_found(request) if found is None else _guarded(_found(request, found))


def _guarded(response):
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def _order_of(token):
    if not _TOKEN.fullmatch(token):
        # Not asked of the database: some refuse characters, some take look-alikes for the same.
        return None
    return database.primary(Order).select_related("site").filter(token=token).first()


def not_found(request):
    """The answer to whatever opens nothing: always the same, so that it tells nothing."""
    response = render(request, "wagtail_orders/public/not_found.html", _base(), status=404)
    keep_here(request)
    return _guarded(response)


@csrf_exempt
@transaction.non_atomic_requests
def paypal(request):
    """PayPal's webhook; without the setting, or with one that cannot be used, there is no such address."""
    provider = payments.providers().get("paypal")
    if provider is None:
        return not_found(request)
    response = provider.read_event(request)
    keep_here(request)
    return response


def keep_here(request):
    """
    Have a 404 answered as it is: Django's LocaleMiddleware would send the visitor on to the same path below a
    language, where some page may answer to it, to one token so, to the next otherwise.
    """
    request.urlconf = "wagtail_orders.urls"


def _found(request, order):
    language = translation.to_language(order.language)
    with reading(order, language):
        context = {
            **_base(),
            **contents(order),
            **_money(order),
            "language": language,
            "contact": _contact(order.shop),
            "notes": database.primary(OrderNote).filter(order=order, visible_to_customer=True),
            "colors": palette(order.shop.color),
            # Only a base that shows it looks for it.
            "logo": SimpleLazyObject(lambda: logo(order.shop)),
        }
        context |= _standing(order, context)
        response = render(request, "wagtail_orders/public/order.html", context)
    response.headers["Content-Language"] = language
    return response


def _contact(shop):
    """The address that customers write to; what Django comes with leads nowhere."""
    return "" if shop.mail_sender.endswith("@localhost") else shop.mail_sender


def _base():
    return {"base_template": conf.get("PUBLIC_BASE_TEMPLATE")}


def _money(order):
    """What came and went, and what is still to come and how."""
    states = (Payment.State.CONFIRMED, Payment.State.PENDING)
    payments = list(database.primary(Payment).filter(order=order, state__in=states).order_by("pk"))
    awaited = sum(
        payment.amount
        for payment in payments
        if payment.kind == Payment.Kind.PAYMENT and payment.state == Payment.State.PENDING
    )
    kept = order.amount_paid - order.amount_refunded
    is_open = not order.is_cancelled
    return {
        "payments": [(payment, conf.payment_method_label(payment.method)) for payment in payments],
        "to_pay": max(order.amount_due - awaited, 0) if is_open else 0,
        "too_much": max(kept - order.total, 0) if is_open else 0,
        "to_send_back": 0 if is_open else max(kept, 0),
        "is_paid_in_person": order.is_paid_in_person,
    }


@dataclass(frozen=True)
class Step:
    """One of the things that happen to an order: ``state`` is done, part or open, ``moment`` when it was."""

    label: str
    state: str
    moment: date | None = None


def _standing(order, context):
    """Where the order stands, in a sentence and in steps; a cancelled one takes none."""
    parcels, lines = context["parcels"], context["lines"]
    packed = sum(quantity for parcel in parcels for quantity, _name in parcel["lines"])
    is_sent = bool(parcels) and (order.is_handled or packed >= sum(line.quantity for line in lines))
    return {
        "standing": _sentence(order, context, is_sent),
        "steps": [] if order.is_cancelled else _steps(order, context["payments"], parcels, is_sent),
    }


def _sentence(order, context, is_sent):
    if order.is_cancelled:
        return _("This order is cancelled.")
    if is_sent:
        return _("Your order is on its way.")
    if context["parcels"]:
        return _("A part of your order is on its way.")
    if order.is_handled:
        return _("Your order is complete.")
    if order.payment_status == PaymentStatus.REFUNDED:
        return _("We have sent your money back.")
    if order.amount_due and not context["to_pay"]:
        return _("We have your order. Your payment is being processed.")
    if order.amount_due and not context["is_paid_in_person"]:
        return _("We have your order and are waiting for your payment.")
    if order.total and not order.amount_due:
        return _("Your order is paid, and we are getting it ready.")
    return _("We have your order and are getting it ready.")


def _steps(order, payments, parcels, is_sent):
    received = Step(_("Order received"), "done", order.placed_at)
    steps = [received, _payment_step(order, payments), _sending_step(order, parcels, is_sent)]
    if order.is_paid_in_person:
        steps.append(steps.pop(1))
    return [step for step in steps if step is not None]


def _payment_step(order, payments):
    if not order.total:
        return None
    if order.payment_status in _SETTLED:
        # Not the moment at which the owner got to note it.
        days = [entry.received_on for entry, _method in payments if entry.kind == Payment.Kind.PAYMENT]
        return Step(_("Paid"), "done", max(days, default=None))
    if order.payment_status == PaymentStatus.UNPAID:
        return Step(_("Paid"), "open")
    state = "done" if not order.amount_due else "part" if order.amount_paid else "open"
    return Step(order.get_payment_status_display(), state)


def _sending_step(order, parcels, is_sent):
    if is_sent:
        return Step(_("On its way"), "done", parcels[-1]["shipped_at"])
    if parcels:
        return Step(FulfillmentStatus.PARTIALLY_FULFILLED.label, "part", parcels[-1]["shipped_at"])
    if order.is_handled:
        return Step(_("Complete"), "done", order.handled_at)
    return Step(_("On its way"), "open")
