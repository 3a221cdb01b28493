"""
The listing's columns, each cell written by one ``format_html``.

Wagtail renders a template for every cell; on 50 rows that is most of the page's time.
"""

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.ui.tables import Column

from ..models import FulfillmentStatus, PaymentStatus

_DONE_PAYMENTS = (PaymentStatus.PAID, PaymentStatus.OVERPAID)


def status_tag(label, *, is_done):
    """A status in Wagtail's own tag, filled when nothing is left to do."""
    return format_html('<span class="w-status{}">{}</span>', " w-status--primary" if is_done else "", label)


def payment_tag(order):
    return status_tag(order.get_payment_status_display(), is_done=order.payment_status in _DONE_PAYMENTS)


def fulfillment_tag(order):
    """Where the goods stand; a cancelled order says so instead."""
    if order.is_cancelled:
        return status_tag(order.get_status_display(), is_done=False)
    return status_tag(
        order.get_fulfillment_status_display(),
        is_done=order.fulfillment_status == FulfillmentStatus.FULFILLED,
    )


class HtmlColumn(Column):
    """A column whose cell is what ``render(order)`` returns, escaped unless it is safe."""

    def __init__(self, name, *, render, **kwargs):
        super().__init__(name, **kwargs)
        self._render = render

    def render_cell_html(self, instance, parent_context):
        return format_html('<td class="{}">{}</td>', self.classname or "", self._render(instance))


def _number(order, url_name):
    return format_html(
        '<div class="title-wrapper"><a href="{}">{}</a></div>',
        reverse(url_name, args=(quote(order.pk),)),
        order.number,
    )


def _placed(order):
    moment = timezone.localtime(order.placed_at) if timezone.is_aware(order.placed_at) else order.placed_at
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        date_format(moment, "DATETIME_FORMAT"),
        date_format(moment, "DATE_FORMAT"),
    )


def order_columns(url_name):
    """The columns of the listing; the number leads to ``url_name``."""
    return [
        HtmlColumn(
            "number",
            label=pgettext_lazy("order", "Number"),
            render=lambda order: _number(order, url_name),
            classname="title orders-number",
            sort_key="number",
        ),
        HtmlColumn(
            "placed_at", label=_("Date"), render=_placed, classname="orders-placed", sort_key="placed_at"
        ),
        HtmlColumn(
            "customer_name",
            label=_("Customer"),
            render=lambda order: order.customer_name,
            classname="orders-customer",
            sort_key="customer_name",
        ),
        HtmlColumn(
            "total",
            label=_("Total"),
            render=lambda order: order.format(order.total),
            classname="orders-total",
            sort_key="total",
        ),
        HtmlColumn("payment_status", label=_("Payment"), render=payment_tag, classname="orders-payment"),
        HtmlColumn(
            "fulfillment_status",
            label=_("Fulfilment"),
            render=fulfillment_tag,
            classname="orders-fulfillment",
        ),
    ]
