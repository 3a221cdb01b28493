"""What the shop adds to the order desk: a mark and a panel for the orders that go with a gift message."""

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail import hooks

from wagtail_orders.admin.cells import HtmlColumn, icon
from wagtail_orders.admin.panels import OrderPanel


def gift_mark(order):
    """A small gift in the listing, or nothing."""
    if not order.data.get("gift_message"):
        return ""
    return format_html(
        '<span class="orders-mark" title="{1}">{0}<span class="w-sr-only">{1}</span></span>',
        icon("gift"),
        gettext("With a gift message"),
    )


class GiftPanel(OrderPanel):
    """The message that goes on the card, beside the customer."""

    name = "gift"
    heading = _("Gift")
    icon = "gift"
    template_name = "shop/admin/gift_panel.html"
    is_main = False
    position = 15


@hooks.register("register_icons")
def add_gift_icon(icons):
    return [*icons, "shop/admin/gift.svg"]


@hooks.register("construct_order_columns")
def add_gift_column(request, columns):
    names = [column.name for column in columns]
    columns.insert(names.index("items"), HtmlColumn("gift", label=_("Gift"), render=gift_mark))


@hooks.register("construct_order_panels")
def add_gift_panel(request, order, panels):
    if order.data.get("gift_message"):
        panels.append(GiftPanel(request, order))
