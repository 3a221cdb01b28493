"""The example site's addresses, and one where the load's customers place their orders."""

from decimal import Decimal

from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from example_site.urls import urlpatterns as of_the_example_site
from wagtail_orders.lifecycle import Address, Line, place_order


@csrf_exempt
@require_POST
def place(request):
    """What a checkout does once its form is valid: three lines, a key of the basket's."""
    name = request.POST["name"]
    address = Address(
        name=name, street="12 rue de l'Église", postal_code="1050", city="Ixelles", country="BE"
    )
    order = place_order(
        currency="EUR",
        email=request.POST["email"],
        customer_name=name,
        billing_address=address,
        lines=[
            Line(
                sku=f"MUG-{at}",
                name="Tasse en grès",
                quantity=at,
                unit_price=Decimal("18.50"),
                tax_rate=Decimal(21),
            )
            for at in (1, 2, 3)
        ],
        shipping_total=Decimal(5),
        shipping_tax_rate=Decimal(21),
        payment_method="bank_transfer",
        idempotency_key=request.POST["key"],
    )
    return JsonResponse({"token": order.token})


urlpatterns = [path("place/", place), *of_the_example_site]
