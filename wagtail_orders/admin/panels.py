"""
What stands on an order's page, piece by piece. A project adds its own with the hook
``construct_order_panels(request, order, panels)``, which gets the list and may change it.
"""

from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.components import Component

from ..conf import payment_method_label
from ..models import Order, OrderLine
from ..notifications.contents import customer_url
from ..payments import provider_of
from . import history

#: Other orders of the same customer that are shown.
SHOWN_ORDERS = 5
#: Within this time the same customer's order of the same lines looks like a duplicate.
_DUPLICATE = timedelta(hours=24)

_SAME_LINE = {name: OuterRef(name) for name in ("sku", "name", "options", "quantity")}


class OrderPanel(Component):
    """
    One panel: give it a ``name``, a ``heading``, an ``icon`` and a ``template_name``, and where it stands:
    ``is_main`` (the wide column) and ``position`` in it. Its template has ``order`` and ``panel``.
    """

    name = ""
    heading = ""
    icon = "list-ul"
    is_main = True
    position = 100

    def __init__(self, request, order):
        self.request = request
        self.order = order

    def get_context_data(self, parent_context):
        return {
            "panel": self,
            "order": self.order,
            "page": parent_context.get("page"),
            "request": self.request,
            "csrf_token": parent_context.get("csrf_token"),
        }


class ItemsPanel(OrderPanel):
    name = "items"
    heading = _("Items")
    template_name = "wagtail_orders/admin/panels/items.html"
    position = 10


class PaymentPanel(OrderPanel):
    name = "payment"
    heading = _("Payment")
    icon = "tag"
    template_name = "wagtail_orders/admin/panels/payment.html"
    position = 20

    def get_context_data(self, parent_context):
        return super().get_context_data(parent_context) | {
            "payment_method": payment_method_label(self.order.payment_method),
            "payments": [
                (payment, payment_method_label(payment.method), _page_of(payment))
                for payment in self.order.payments.all()
            ],
        }


def _page_of(payment):
    """Where the payment stands at the provider that it came through, or ""."""
    provider = provider_of(payment) if payment.reference else None
    return provider.page_of(payment) if provider else ""


class TrackingPanel(OrderPanel):
    name = "tracking"
    heading = _("Tracking")
    icon = "redirect"
    template_name = "wagtail_orders/admin/panels/tracking.html"
    position = 30


class CustomerPanel(OrderPanel):
    name = "customer"
    heading = _("Customer")
    icon = "user"
    template_name = "wagtail_orders/admin/panels/customer.html"
    is_main = False
    position = 10

    def get_context_data(self, parent_context):
        others = self._others()
        return super().get_context_data(parent_context) | {
            "others": [(other, self._looks_alike(other)) for other in others[:SHOWN_ORDERS]],
            "has_more": len(others) > SHOWN_ORDERS,
            "customer_url": customer_url(self.order),
        }

    def _others(self):
        """The customer's other orders, the newest first, by their e-mail; each with how its lines compare."""
        order = self.order
        if not order.email:
            return []
        theirs = OrderLine.objects.filter(order=OuterRef("pk")).order_by()
        mine = OrderLine.objects.filter(order=order).order_by()
        # Lines of theirs that are among mine, and of mine that are among theirs: one line of mine may stand for two.
        shared = theirs.filter(Exists(mine.filter(**_SAME_LINE)))
        found = mine.filter(Exists(OrderLine.objects.filter(order=OuterRef(OuterRef("pk")), **_SAME_LINE)))
        same = Order.objects.filter(email=order.email).exclude(pk=order.pk).order_by("-placed_at", "-pk")
        return list(
            same.annotate(line_count=_count(theirs), shared=_count(shared), found=_count(found)).only(
                "number", "placed_at", "total", "currency", "status", "email"
            )[: SHOWN_ORDERS + 1]
        )

    def _looks_alike(self, other):
        """Whether ``other`` was placed within a day of this one, with the same lines and total."""
        order = self.order
        return (
            not order.is_cancelled
            and not other.is_cancelled
            and abs(other.placed_at - order.placed_at) <= _DUPLICATE
            and (other.total, other.currency) == (order.total, order.currency)
            and other.line_count == other.shared == other.found == len(order.lines.all())
        )


def _count(lines):
    return Subquery(lines.values("order").annotate(count=Count("pk")).values("count"))


class NotesPanel(OrderPanel):
    name = "notes"
    heading = _("Notes")
    icon = "edit"
    template_name = "wagtail_orders/admin/panels/notes.html"
    is_main = False
    position = 20

    def get_context_data(self, parent_context):
        page = parent_context["page"]
        return super().get_context_data(parent_context) | {
            "notes": [
                {
                    "note": note,
                    "edit": page.note_form("edit-note", note),
                    "delete": page.note_form("delete-note", note),
                }
                for note in self.order.notes.all()
            ]
        }


class HistoryPanel(OrderPanel):
    name = "history"
    heading = _("History")
    icon = "history"
    template_name = "wagtail_orders/admin/panels/history.html"
    position = 40

    def get_context_data(self, parent_context):
        page = parent_context["page"]
        return super().get_context_data(parent_context) | {
            "events": history.told(page.events, self.order.payments.all()),
            "is_cut": page.has_more_events,
        }


PANELS = [ItemsPanel, PaymentPanel, TrackingPanel, CustomerPanel, NotesPanel, HistoryPanel]
