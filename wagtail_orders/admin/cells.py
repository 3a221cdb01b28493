"""
The listing's columns, each cell written by one ``format_html``.

Wagtail renders a template for every cell; on 50 rows that is most of the page's time.
"""

from datetime import datetime

from babel.dates import format_timedelta
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from wagtail.admin.ui.tables import BulkActionsCheckboxColumn, Column

from ..models import FulfillmentStatus, Notification, PaymentStatus
from ..money import locale_of
from .actions import ACTIONS, next_step, offered

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


def icon(name):
    """One of Wagtail's icons, beside words that say the same."""
    return format_html(
        '<svg class="icon icon-{0} orders-icon" aria-hidden="true"><use href="#icon-{0}"></use></svg>', name
    )


def mail_tag(mail):
    """How far a mail has come; one that was given up is not to be overlooked."""
    label = mail.get_state_display()
    if mail.state == Notification.State.FAILED:
        label = format_html("{} {}", icon("warning"), label)
    return status_tag(label, is_done=mail.state == Notification.State.SENT)


def local(moment):
    """``moment`` in the reader's time zone; a naive one as it is."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def age(moment):
    """How long ago, in the reader's words: ``2 hours ago``."""
    now = timezone.now() if timezone.is_aware(moment) else datetime.now()  # noqa: DTZ005 - USE_TZ is off
    return format_timedelta(moment - now, add_direction=True, locale=locale_of())


def time_tag(moment):
    """How long ago, with the exact moment on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local(moment).isoformat(),
        date_format(local(moment), "DATETIME_FORMAT"),
        age(moment),
    )


class HtmlColumn(Column):
    """A column whose cell is what ``render(order)`` returns, escaped unless it is safe."""

    def __init__(self, name, *, render, **kwargs):
        super().__init__(name, **kwargs)
        self._render = render

    def render_cell_html(self, instance, parent_context):
        return format_html('<td class="{}">{}</td>', self.classname or "", self._render(instance))


class TickColumn(BulkActionsCheckboxColumn):
    """Wagtail's tick-boxes for its bulk actions."""

    def render_cell_html(self, instance, parent_context):
        return format_html(
            '<td class="bulk-action-checkbox-cell"><input type="checkbox" class="bulk-action-checkbox"'
            ' data-bulk-action-checkbox data-object-id="{}" aria-label="{}"></td>',
            instance.pk,
            _("Select order %(number)s") % {"number": instance.number},
        )


class StepColumn(Column):
    """
    The row's next step and, in its menu, the other actions. The buttons belong to the listing's one form, so
    that a row needs neither a form nor a token of its own.
    """

    def __init__(self, name, *, place, may, **kwargs):
        super().__init__(name, **kwargs)
        self._place = place
        self._may = may

    @cached_property
    def _words(self):
        return {"menu": _("More actions"), "ship": _("Ship…"), "dots": icon("dots-horizontal")}

    def render_cell_html(self, instance, parent_context):
        step = next_step(instance)
        actions = offered(instance, self._may)
        return format_html(
            '<td class="{}"><div class="orders-steps">{}{}</div></td>',
            self.classname,
            self._step(instance, step, {action.slug for action in actions}),
            self._menu(instance, step, [action for action in actions if action.slug != step]),
        )

    def _step(self, order, step, possible):
        if step == "ship" and self._may("change"):
            return format_html(
                '<a class="button button-small button-secondary" href="{}">{}</a>',
                self._place.url_of(order, fragment="orders-ship"),
                self._words["ship"],
            )
        if step not in possible:
            return ""
        return format_html(
            '<button class="button button-small button-secondary" {}>{}</button>',
            self._submit(order, step),
            ACTIONS[step].short_label,
        )

    def _menu(self, order, step, actions):
        items = [self._item(order, action) for action in actions]
        if step != "ship" and self._may("change") and not (order.is_cancelled or order.is_handled):
            items.insert(0, self._link(order, "ship", "redirect", self._words["ship"]))
        if not items:
            return ""
        return format_html(
            '<div class="w-dropdown" data-controller="w-dropdown" data-w-dropdown-keep-mounted-value="true">'
            '<button type="button" class="w-dropdown__toggle w-dropdown__toggle--icon"'
            ' data-w-dropdown-target="toggle" aria-label="{}: {}">{}</button>'
            '<div data-w-dropdown-target="content" class="w-dropdown__content" hidden>{}</div></div>',
            self._words["menu"],
            order.number,
            self._words["dots"],
            format_html_join("", "{}", ((item,) for item in items)),
        )

    def _item(self, order, action):
        if action.dialog and action.slug != "mark-paid":
            return self._link(order, action.dialog, action.icon, format_html("{}…", action.short_label))
        return format_html(
            "<button {}>{} {}</button>",
            self._submit(order, action.slug),
            icon(action.icon),
            action.short_label,
        )

    def _link(self, order, dialog, icon_name, label):
        """To one of the dialogs of the order's page."""
        url = self._place.url_of(order, fragment=f"orders-{dialog}")
        return format_html('<a href="{}">{} {}</a>', url, icon(icon_name), label)

    @staticmethod
    def _submit(order, slug):
        return format_html(
            'type="submit" form="orders-step" formaction="{}"',
            reverse("wagtail_orders:action", args=(quote(order.pk), slug)),
        )


def _number(order, place):
    return format_html(
        '<div class="title-wrapper"><a href="{}">{}</a></div>{}',
        place.url_of(order),
        order.number,
        status_tag(_("Needs a look"), is_done=False) if order.needs_look else "",
    )


def _customer(order):
    marks = []
    if order.customer_note:
        marks.append(("comment", _("With remarks")))
    if order.has_notes:
        marks.append(("edit", _("With notes")))
    return format_html(
        '<span class="orders-name">{}</span>{}',
        order.customer_name,
        format_html_join(
            "",
            ' <span class="orders-mark" title="{1}">{0}<span class="w-sr-only">{1}</span></span>',
            ((icon(name), label) for name, label in marks),
        ),
    )


def _items(order):
    """How many pieces; the word stands in the column's head, and on a phone beside it."""
    count = int(order.items or 0)
    return format_html(
        '{} <span class="orders-unit">{}</span>',
        count,
        ngettext("item", "items", count),
    )


def _total(order):
    if order.is_cancelled or not order.amount_due or order.amount_due == order.total:
        return order.format(order.total)
    return format_html(
        '{} <span class="orders-detail">{}</span>',
        order.format(order.total),
        _("%(amount)s owed") % {"amount": order.format(order.amount_due)},
    )


def order_columns(place, may):
    """The listing's columns, for somebody with the permissions ``may(name)``; each number leads to its order."""
    columns = [
        HtmlColumn(
            "number",
            label=pgettext_lazy("order", "Number"),
            render=lambda order: _number(order, place),
            classname="title orders-number",
            sort_key="number",
        ),
        HtmlColumn(
            "placed_at",
            label=gettext_lazy("Placed"),
            render=lambda order: time_tag(order.placed_at),
            classname="orders-placed",
            sort_key="placed_at",
        ),
        HtmlColumn(
            "customer_name",
            label=gettext_lazy("Customer"),
            render=_customer,
            classname="orders-customer",
            sort_key="customer_name",
        ),
        HtmlColumn("items", label=gettext_lazy("Items"), render=_items, classname="orders-count"),
        HtmlColumn(
            "total",
            label=gettext_lazy("Total"),
            render=_total,
            classname="orders-total",
            sort_key="total",
        ),
        HtmlColumn(
            "payment_status", label=gettext_lazy("Payment"), render=payment_tag, classname="orders-payment"
        ),
        HtmlColumn(
            "fulfillment_status",
            label=gettext_lazy("Fulfilment"),
            render=fulfillment_tag,
            classname="orders-fulfillment",
        ),
        HtmlColumn(
            "shipping_method_name",
            label=gettext_lazy("Shipping"),
            render=lambda order: order.shipping_method_name,
            classname="orders-shipping",
        ),
    ]
    if may("change") or may("delete") or may("export"):
        columns.insert(0, TickColumn("tick", label=mark_safe(""), obj_type="order"))
    if may("change") or may("delete"):
        columns.append(
            StepColumn("step", label=gettext_lazy("Next step"), place=place, may=may, classname="orders-step")
        )
    return columns
