"""The order's own page, and the buttons on it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views import View
from wagtail.admin import messages
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic import InspectView
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from .. import lifecycle
from ..conf import payment_method_label
from ..models import Order, OrderEvent, OrderLine
from . import history
from .cells import fulfillment_tag, payment_tag

SHOWN_EVENTS = 200


@dataclass(frozen=True)
class Action:
    """A button on the order's page: the verb behind it, when it is offered, what it says afterwards."""

    slug: str
    label: Any
    icon: str
    verb: Any
    offered: Any
    done: Any
    unchanged: Any
    is_next_step: Any = lambda order: False


ACTIONS = {
    action.slug: action
    for action in (
        Action(
            "mark-paid",
            gettext_lazy("Mark as paid"),
            "check",
            lifecycle.mark_paid,
            offered=lambda order: not order.is_cancelled and order.amount_due > 0,
            done=gettext_lazy("Order %(number)s is marked as paid."),
            unchanged=gettext_lazy("Order %(number)s was paid already."),
            is_next_step=lambda order: True,
        ),
        Action(
            "mark-handled",
            gettext_lazy("Order handled"),
            "tasks",
            lifecycle.mark_handled,
            offered=lambda order: not order.is_cancelled and not order.is_handled,
            done=gettext_lazy("Order %(number)s is handled."),
            unchanged=gettext_lazy("Order %(number)s was handled already."),
            is_next_step=lambda order: not order.amount_due,
        ),
        Action(
            "archive",
            gettext_lazy("Archive order"),
            "folder",
            lifecycle.archive,
            offered=lambda order: not order.is_archived and (order.is_handled or order.is_cancelled),
            done=gettext_lazy("Order %(number)s is archived."),
            unchanged=gettext_lazy("Order %(number)s was archived already."),
            is_next_step=lambda order: order.is_cancelled or not order.amount_due,
        ),
        Action(
            "unarchive",
            gettext_lazy("Take back from the archive"),
            "folder-open-1",
            lifecycle.unarchive,
            offered=lambda order: order.is_archived,
            done=gettext_lazy("Order %(number)s is back among the current orders."),
            unchanged=gettext_lazy("Order %(number)s was not archived."),
        ),
        Action(
            "mark-unpaid",
            gettext_lazy("Mark as unpaid"),
            "rotate",
            lifecycle.mark_unpaid,
            offered=lambda order: order.amount_paid > 0 and not order.amount_refunded,
            done=gettext_lazy("Order %(number)s is marked as unpaid."),
            unchanged=gettext_lazy("Order %(number)s was unpaid already."),
        ),
        Action(
            "mark-unhandled",
            gettext_lazy("Order not handled"),
            "rotate",
            lifecycle.mark_unhandled,
            offered=lambda order: order.is_handled and not order.is_cancelled and not order.is_archived,
            done=gettext_lazy("Order %(number)s is to be handled again."),
            unchanged=gettext_lazy("Order %(number)s was not handled."),
        ),
    )
}


class OrderView(InspectView):
    """One order with everything about it; reading it changes nothing."""

    any_permission_required = ["change", "delete", "view"]
    template_name = "wagtail_orders/admin/order.html"
    page_title = pgettext_lazy("orders", "Order")
    archived_url_name = None
    action_url_name = None

    def get_object(self, queryset=None):
        lines = OrderLine.objects.order_by("position")
        orders = Order.objects.select_related("site", "user").prefetch_related(
            Prefetch("lines", lines), "addresses", "payments__recorded_by", "shipments", "notes__author"
        )
        return get_object_or_404(orders, pk=self.pk)

    def get_fields(self):
        return []

    @property
    def header_more_buttons(self):
        return []

    def get_breadcrumbs_items(self):
        items = [{"url": reverse(self.index_url_name), "label": _("Orders")}]
        if self.object.is_archived:
            items.append({"url": reverse(self.archived_url_name), "label": _("Archive")})
        return [*self.breadcrumbs_items, *items, {"url": "", "label": self.object.number}]

    def get_context_data(self, **kwargs):
        order = self.object
        return super().get_context_data(
            order=order,
            payment_tag=payment_tag(order),
            fulfillment_tag=fulfillment_tag(order),
            payment_method=payment_method_label(order.payment_method),
            actions=self._actions(order),
            payments=[(payment, payment_method_label(payment.method)) for payment in order.payments.all()],
            events=self._events(order),
            **kwargs,
        )

    def _actions(self, order):
        if not self.user_has_permission("change"):
            return []
        offered = [action for action in ACTIONS.values() if action.offered(order)]
        next_step = next((action for action in offered if action.is_next_step(order)), None)
        return [
            {
                "label": action.label,
                "icon": action.icon,
                "url": reverse(self.action_url_name, args=(order.pk, action.slug)),
                "is_next_step": action is next_step,
            }
            for action in offered
        ]

    def _events(self, order):
        events = OrderEvent.objects.filter(order=order).select_related("actor").order_by("-pk")
        return [(event, history.describe(event.kind, event.data)) for event in events[:SHOWN_EVENTS]]


class OrderActionView(PermissionCheckedMixin, View):
    """Runs one of the verbs on one order; POST only, and says what became of it."""

    http_method_names = ["post"]
    permission_policy = None
    permission_required = "change"
    inspect_url_name = None

    def post(self, request, pk, action):
        if action not in ACTIONS:
            raise Http404
        chosen = ACTIONS[action]
        order = get_object_or_404(Order, pk=pk)
        outcome = chosen.verb(order, user=request.user)
        self._say(chosen, order, outcome)
        next_url = get_valid_next_url_from_request(request)
        return redirect(next_url or reverse(self.inspect_url_name, args=(pk,)))

    def _say(self, action, order, outcome):
        if outcome.refused:
            reason = outcome.refused[order]
            messages.error(
                self.request, _("Order %(number)s %(reason)s.") % {"number": order.number, "reason": reason}
            )
        elif outcome.changed:
            messages.success(self.request, action.done % {"number": order.number})
        else:
            messages.info(self.request, action.unchanged % {"number": order.number})
