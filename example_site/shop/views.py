"""The pages between the products and a placed order: basket, checkout, thank-you."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from wagtail.models import Site

from wagtail_orders.exceptions import IdempotencyConflict
from wagtail_orders.lifecycle import place_order
from wagtail_orders.models import Order, OrderSettings

from .basket import Basket
from .forms import BANK_TRANSFER, PAYMENT_METHODS, PAYPAL, BasketLineForm, CheckoutForm
from .models import CURRENCY
from .paying import is_payable, next_page, payment_state, paypal

SHIPPING_VAT_RATE = Decimal(21)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def basket(request):
    """Show the basket; a POST changes quantities, takes a line out, or goes on to the checkout."""
    basket = Basket(request)
    forms = [BasketLineForm(request.POST or None, line=line) for line in basket.lines]
    if request.method == "POST":
        removed = request.POST.get("remove")
        kept = [form for form in forms if form.line.id != removed]
        if all(form.is_valid() for form in kept):
            quantities = {form.line.id: form.cleaned_data["quantity"] for form in kept}
            basket.set_quantities({line: quantity for line, quantity in quantities.items() if quantity})
            return redirect("shop:checkout" if "checkout" in request.POST and basket else "shop:basket")
        return render(request, "shop/basket.html", {"forms": forms, "basket": basket}, status=422)
    return render(request, "shop/basket.html", {"forms": forms, "basket": basket})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def checkout(request):
    """Ask who, where and how; a POST places the order, and may go on to PayPal.

    The form carries the basket's key. A key that has already become an order leads to that order, so a
    double click, a reload or going back and sending again places nothing twice.
    """
    basket = Basket(request)
    placed = basket.order_token(request.POST.get("basket_key"))
    if placed:
        return next_page(request, placed)
    if not basket:
        return nothing_to_order(basket)
    offers_paypal = paypal() is not None
    form = CheckoutForm(request.POST or None, offers_paypal=offers_paypal)
    if request.method == "POST":
        order = place(request, basket, form)
        if order:
            return next_page(request, order.token)
    return render(
        request,
        "shop/checkout.html",
        {
            "form": form,
            "basket": basket,
            "sending": sending_options(form, basket),
            "prices": prices(basket, form),
            "offers_paypal": offers_paypal,
        },
        status=422 if form.is_bound else 200,
    )


def nothing_to_order(basket):
    """Lead to the empty basket; whoever went back from PayPal to here, to the order that waits for the payment."""
    last = Order.objects.filter(token=basket.last_order_token).first()
    if last and is_payable(last):
        return redirect("shop:thank_you", token=last.token)
    return redirect("shop:basket")


def place(request, basket, form):
    """The order that the form and the basket make, or None with the form saying what is wrong."""
    key = basket.key
    if request.POST.get("basket_key") != key or request.POST.get("seen_prices") != prices(basket, form):
        form.add_error(None, _("Your basket or a price has changed. Look at it once more, then order again."))
    if not form.is_valid():
        return None
    try:
        order = place_order(
            lines=[line.as_order_line(_("Glaze")) for line in basket.lines],
            currency=CURRENCY,
            language=get_language(),
            site=Site.find_for_request(request),
            user=request.user if request.user.is_authenticated else None,
            idempotency_key=key,
            **facts_of(form),
        )
    except ValidationError as error:
        form.add_order_errors(error)
        return None
    except IdempotencyConflict as conflict:
        basket.renew_key()
        form.add_error(
            None,
            _(
                "This basket has already become order %(number)s, with other details. If you want this order "
                "as well, order again."
            )
            % {"number": conflict.existing.number},
        )
        return None
    basket.became(order, key)
    return order


def facts_of(form):
    """What the customer said, as `place_order` names it."""
    given = {
        name: form.cleaned_data[name]
        for name in ("customer_name", "email", "phone", "shipping_method", "payment_method", "customer_note")
    }
    gift_message = form.cleaned_data["gift_message"]
    return {
        **given,
        "data": {"gift_message": gift_message} if gift_message else {},
        "billing_address": form.billing_address(),
        "shipping_address": form.shipping_address(),
        "shipping_total": given["shipping_method"].price,
        "shipping_tax_rate": SHIPPING_VAT_RATE,
    }


def prices(basket, form):
    """What the page says that goods and sending cost: what the customer agrees to by ordering."""
    methods = form.fields["shipping_method"].queryset
    return " ".join([f"{basket.total}", *(f"{method.pk}:{method.price}" for method in methods)])


def sending_options(form, basket):
    """Each way of sending with its price and what the whole order costs with it."""
    return [
        {"radio": radio, "method": radio.data["value"].instance, "total": basket.total + price}
        for radio in form["shipping_method"]
        for price in [radio.data["value"].instance.price]
    ]


@never_cache
@require_safe
def thank_you(request, token):
    """Show an order to the visitor who placed it in this session, whether it is paid, and how to pay it."""
    if not Basket(request).owns(token):
        raise Http404
    order = get_object_or_404(Order.objects.prefetch_related("lines", "addresses"), token=token)
    return render(
        request,
        "shop/thank_you.html",
        {
            "order": order,
            "payment_name": PAYMENT_METHODS.get(order.payment_method, order.payment_method),
            "state": payment_state(order),
            "by_transfer": order.payment_method == BANK_TRANSFER,
            "by_paypal": order.payment_method == PAYPAL,
            "can_pay": is_payable(order),
            "bank_details": OrderSettings.for_request(request).bank_details,
        },
    )
