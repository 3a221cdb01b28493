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
    facts = order.__dict__.pop("_read_ahead", None) or _facts([order])[order.pk]
    addresses, packed = facts["addresses"], facts["packed"]
    return {
        "order": order,
        "shop": order.shop,
        "shop_name": shop_name(order),
        "lines": facts["lines"],
        "shipping_address": addresses.get(OrderAddress.Kind.SHIPPING),
        "billing_address": addresses.get(OrderAddress.Kind.BILLING),
        "parcels": [_parcel(parcel, packed[parcel.pk]) for parcel in facts["parcels"]],
        "payment_method": conf.payment_method_label(order.payment_method),
    }


def read_ahead(orders):
    """Read what ``contents`` will tell of each of these orders, once: for all of them in as many queries as of one."""
    facts = _facts(orders)
    for order in orders:
        order._read_ahead = facts[order.pk]


def _facts(orders):
    """By each order's primary key, its addresses, its lines, the parcels that went and what is in them."""
    pks = [order.pk for order in orders]
    facts = {pk: {"addresses": {}, "lines": [], "parcels": [], "packed": defaultdict(list)} for pk in pks}
    for address in database.primary(OrderAddress).filter(order__in=pks):
        facts[address.order_id]["addresses"][address.kind] = address
    for line in database.primary(OrderLine).filter(order__in=pks).order_by("order_id", "position"):
        facts[line.order_id]["lines"].append(line)
    rows = database.primary(ShipmentLine).filter(shipment__order__in=pks).select_related("line")
    for row in rows.order_by("line__position"):
        facts[row.line.order_id]["packed"][row.shipment_id].append(row)
    for parcel in database.primary(Shipment).sent().filter(order__in=pks).order_by("pk"):
        facts[parcel.order_id]["parcels"].append(parcel)
    return facts


def _parcel(parcel, rows):
    return {
        "method": parcel.shipping_method_name,
        "number": parcel.tracking_number,
        "url": parcel.tracking_url if is_web_link(parcel.tracking_url) else "",
        "shipped_at": parcel.shipped_at,
        "lines": [(row.quantity, row.line.name) for row in rows],
        # How much of each line is in it, by the line's primary key.
        "quantities": {row.line_id: row.quantity for row in rows},
    }


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
