"""Paying with PayPal: from the placed order to PayPal, back, and what the thank-you page says of it."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from wagtail_orders import payments
from wagtail_orders.exceptions import ProviderFailed
from wagtail_orders.models import Order, Payment

from .basket import Basket
from .forms import PAYPAL


def paypal():
    """The provider, or None where PayPal is not set up."""
    return payments.providers().get(PAYPAL)


def payment_state(order):
    """Where an order's payment stands: ``cancelled``, ``settled``, ``pending`` or ``due``."""
    if order.is_cancelled:
        return "cancelled"
    if not order.amount_due:
        return "settled"
    awaited = order.payments.filter(kind=Payment.Kind.PAYMENT, state=Payment.State.PENDING)
    return "pending" if awaited.exists() else "due"


def is_payable(order):
    """Whether the customer can go to PayPal to pay the order now."""
    return order.payment_method == PAYPAL and payment_state(order) == "due" and paypal() is not None


def next_page(request, token):
    """Where an order that was just placed leads: to PayPal, if that is how it is to be paid, else to the thank-you."""
    order = Order.objects.filter(token=token).first()
    # Whoever sends an old form again with another way to pay does not want to go there.
    if order and is_payable(order) and request.POST.get("payment_method") == PAYPAL:
        return to_paypal(request, order)
    return redirect("shop:thank_you", token=token)


def to_paypal(request, order):
    """Begin the payment, or go on with the one that is open; the order stands if PayPal fails."""
    here = {"return_url": "shop:paypal_back", "cancel_url": "shop:paypal_cancelled"}
    # Not the order's token, which opens its page: what PayPal does not need to know, it is not told.
    urls = {name: request.build_absolute_uri(reverse(view, args=[order.pk])) for name, view in here.items()}
    try:
        attempt = paypal().start(order, **urls)
    except ProviderFailed as failure:
        hint = _("Your order stands all the same. Try again in a while.")
        messages.error(request, f"{failure} {hint}")
        return redirect("shop:thank_you", token=order.token)
    return redirect(attempt.approve_url)


@never_cache
@require_POST
@transaction.non_atomic_requests
def pay(request, token):
    """The button of the thank-you page."""
    order = get_object_or_404(Order, token=token) if Basket(request).owns(token) else None
    if order is None:
        raise Http404
    return to_paypal(request, order) if is_payable(order) else redirect("shop:thank_you", token=token)


@never_cache
@require_safe
@transaction.non_atomic_requests
def back(request, pk):
    """The customer comes back from PayPal: have the money taken that she agreed to, and tell her the truth."""
    order, attempt = found(request, pk)
    if attempt is not None:
        try:
            order = paypal().confirm(attempt)
        except ProviderFailed as failure:
            if failure.is_passing:
                hint = _("If you have agreed there, you need not do anything: we ask again, and see to it.")
                failure = f"{failure} {hint}"
            messages.error(request, str(failure))
    return shown(request, order)


@never_cache
@require_safe
def cancelled(request, pk):
    """The customer comes back without having paid; she may have in another window."""
    order, _attempt = found(request, pk)
    if is_payable(order):
        messages.info(request, _("You came back from PayPal without paying. Your order stands all the same."))
    return shown(request, order)


def found(request, pk):
    """The order that somebody comes back for, with PayPal's attempt or None; a 404 for a stranger."""
    order = get_object_or_404(Order, pk=pk)
    provider = paypal()
    attempt = provider and provider.attempt(order, request.GET.get("token"))
    if attempt is None and not Basket(request).owns(order.token):
        raise Http404
    return order, attempt


def shown(request, order):
    """
    The thank-you page; in another browser than the one that ordered, such as a phone's other one, no more than
    whether it is paid.
    """
    if Basket(request).owns(order.token):
        return redirect("shop:thank_you", token=order.token)
    return render(request, "shop/paid_elsewhere.html", {"order": order, "state": payment_state(order)})
