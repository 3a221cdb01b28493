"""What there is to choose from, kept for a minute so that a page takes no query for it."""

from django.core.cache import cache
from django.db.models.signals import post_delete, post_save
from wagtail.models import Site

from ..models import Order, OrderAddress, ShippingMethod

_KEY = "wagtail_orders.choices"
#: Seconds. The countries and ways of payment of new orders may be that late.
_KEPT = 60


def found():
    """The values that orders have, the shipping methods and the sites."""
    choices = cache.get(_KEY)
    if choices is None:
        shipping = OrderAddress.objects.filter(kind=OrderAddress.Kind.SHIPPING)
        choices = {
            "countries": list(shipping.order_by().values_list("country", flat=True).distinct()),
            "payment_methods": list(
                Order.objects.order_by().values_list("payment_method", flat=True).distinct()
            ),
            "shipping_methods": list(ShippingMethod.objects.values_list("pk", "name", "is_active")),
            "sites": list(Site.objects.order_by("hostname", "port").values_list("pk", "hostname", "port")),
        }
        cache.set(_KEY, choices, _KEPT)
    return choices


def _forget(**kwargs):
    cache.delete(_KEY)


def listen():
    """Have what the owner keeps read again as soon as it changes."""
    for model in (ShippingMethod, Site):
        for signal in (post_save, post_delete):
            signal.connect(_forget, sender=model, dispatch_uid=f"wagtail_orders.choices.{model.__name__}")
