"""What an order's mails and its customer's page both show, where that page is, and how they are read."""

from collections import defaultdict
from contextlib import contextmanager

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation

from .. import conf, database
from ..models import OrderAddress, OrderLine, Shipment, ShipmentLine
from ..tracking import is_web_link


@contextmanager
def reading(order, language):
    """While it lasts, what is written is in ``language`` and at the hours of the order's shop."""
    time_zone = order.shop.time_zone or timezone.get_default_timezone()
    with translation.override(language), timezone.override(time_zone):
        yield


def contents(order):
    """The order with its shop, lines, parcels and addresses, by the names that templates know."""
    addresses = {address.kind: address for address in database.primary(OrderAddress).filter(order=order)}
    return {
        "order": order,
        "shop": order.shop,
        "shop_name": shop_name(order),
        "lines": list(database.primary(OrderLine).filter(order=order).order_by("position")),
        "shipping_address": addresses.get(OrderAddress.Kind.SHIPPING),
        "billing_address": addresses.get(OrderAddress.Kind.BILLING),
        "parcels": _parcels(order),
        "payment_method": conf.payment_method_label(order.payment_method),
    }


def _parcels(order):
    """Those that went, each with what is in it."""
    packed = defaultdict(list)
    rows = database.primary(ShipmentLine).filter(shipment__order=order).select_related("line")
    for row in rows.order_by("line__position"):
        packed[row.shipment_id].append((row.quantity, row.line.name))
    return [
        {
            "method": parcel.shipping_method_name,
            "number": parcel.tracking_number,
            "url": parcel.tracking_url if is_web_link(parcel.tracking_url) else "",
            "shipped_at": parcel.shipped_at,
            "lines": packed[parcel.pk],
        }
        for parcel in database.primary(Shipment).sent().filter(order=order).order_by("pk")
    ]


def shop_name(order):
    """The shop's name, else the site's."""
    if order.shop.shop_name:
        return order.shop.shop_name
    site = order.site
    return (site and (site.site_name or site.hostname)) or getattr(settings, "WAGTAIL_SITE_NAME", "")


def logo(shop, *operations):
    """The shop's logo, no larger than 480 by 160 pixels, as a rendition; None without one that can be shown."""
    if shop.logo is None:
        return None
    try:
        return shop.logo.get_rendition("|".join(("max-480x160", *operations)))
    except Exception:
        # A picture whose file is lost or damaged must not stop a mail or a page.
        return None


def customer_url(order):
    """
    The address of the order's page for its customer; nothing if the project has no such page (it did not
    include ``wagtail_orders.urls``) or the order no site.
    """
    if order.site is None:
        return ""
    try:
        return order.site.root_url + reverse("wagtail_orders_public:order", args=(order.token,))
    except NoReverseMatch:
        return ""
