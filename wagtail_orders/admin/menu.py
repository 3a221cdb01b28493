"""Orders in the menu, with the number of new ones."""

import logging

from django.core.cache import cache
from django.utils.translation import gettext as _
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.sidebar import LinkMenuItem

from .. import signals
from ..models import Order
from .permissions import may_look

logger = logging.getLogger(__name__)

_KEY = "wagtail_orders.new_orders"
#: Seconds after which the number is counted again at the latest: where each process has a cache of its own,
#: what another process did shows only then.
_KEPT = 60


def count_new():
    """
    How many orders are new: on the desk, not cancelled, and nothing of them is sent or handled. Counted when
    something happened to an order, and else once a minute; so a page of the admin takes no query for it.
    """
    count = cache.get(_KEY)
    if count is None:
        count = Order.objects.new().count()
        cache.set(_KEY, count, _KEPT)
    return count


def forget_count(**kwargs):
    try:
        cache.delete(_KEY)
    except Exception:
        # A cache that is away must not have the signal sent again to the shop's own receivers.
        logger.exception("The number of new orders may be old for a minute")


def listen():
    """Have the number counted again after everything that may change it."""
    for signal in (
        signals.order_placed,
        signals.order_shipped,
        signals.shipment_cancelled,
        signals.order_handled,
        signals.order_unhandled,
        signals.order_cancelled,
        signals.order_reopened,
        signals.order_deleted,
    ):
        signal.connect(forget_count, dispatch_uid="wagtail_orders.admin.menu")


class OrdersMenuItem(MenuItem):
    """The menu's item: "Orders (3)"."""

    def is_shown(self, request):
        return may_look(request.user)

    def render_component(self, request):
        count = count_new()
        label = _("%(orders)s (%(count)s)") % {"orders": self.label, "count": count} if count else self.label
        return LinkMenuItem(
            self.name,
            label,
            self.url,
            icon_name=self.icon_name,
            classname=self.classname,
            attrs=self.attrs,
        )
