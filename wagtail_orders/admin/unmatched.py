"""Money at a payment provider that fits no order: its panel on the home page, and the button that settles it."""

from django.contrib import messages
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from wagtail.admin.ui.components import Component
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from ..conf import payment_method_label
from ..models import ProviderEvent
from ..payments import looking
from .dashboard import SHOWN
from .permissions import may_look, policy


class UnmatchedMoneyPanel(Component):
    """What providers reported that nobody has looked at yet. Else it is not there."""

    name = "orders_unmatched_money"
    template_name = "wagtail_orders/admin/unmatched_money.html"
    order = 105

    class Media:
        css = {"all": ["wagtail_orders/admin.css"]}

    def __init__(self, request):
        self.request = request

    def render_html(self, parent_context=None):
        if not may_look(self.request.user):
            return ""
        context = self.get_context_data(parent_context)
        return render_to_string(self.template_name, context, request=self.request) if context["rows"] else ""

    def get_context_data(self, parent_context):
        events = ProviderEvent.objects.unmatched().order_by("-received_at").defer("body")
        found = list(events[: SHOWN + 1])
        return {
            "rows": [
                (
                    event,
                    looking.words_of(event),
                    payment_method_label(event.provider),
                    looking.page_of(event),
                )
                for event in found[:SHOWN]
            ],
            "count": events.count() if len(found) > SHOWN else len(found),
            "may_change": policy.user_has_permission(self.request.user, "change"),
        }


class LookedAtView(PermissionCheckedMixin, View):
    """Notes that somebody has looked at such money; POST only."""

    http_method_names = ["post"]
    permission_policy = None
    permission_required = "change"

    def post(self, request, pk):
        if looking.settle(pk, user=request.user):
            messages.success(request, _("Noted: somebody has looked at it."))
        else:
            messages.info(request, _("Somebody has looked at it already."))
        return redirect(reverse("wagtailadmin_home") + "#orders-unmatched-money-section")
