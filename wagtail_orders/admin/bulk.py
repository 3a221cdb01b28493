"""
What is done to many orders: said first, exactly as confirmed, and told afterwards.

Wagtail's bulk actions hold every object in memory and in the page, forget the listing's filters when all are
selected, and run in one transaction; of them only the place in the listing and the URL are left.
"""

import hashlib
import logging

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError
from django.http import Http404, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.views.bulk_action import BulkAction

from .. import lifecycle
from ..models import Order, OrderSettings
from ..models.settings import local_moment
from .actions import ACTIONS, refusals
from .cells import fulfillment_tag, payment_tag
from .fields import day_input, payment_methods
from .listing import Place, trail
from .permissions import policy
from .undo import deed

logger = logging.getLogger(__name__)

SHOWN = 20
#: How many orders one statement names by their primary keys.
_SLICE = 10_000


class BulkPaidForm(forms.Form):
    switch = "mail_payment_received"

    received_on = forms.DateField(label=gettext_lazy("Received on"), widget=day_input())
    method = forms.ChoiceField(label=gettext_lazy("How it was paid"), choices=payment_methods)
    notify_customer = forms.BooleanField(label=gettext_lazy("Tell the customers by e-mail"), required=False)


class BulkCancelForm(forms.Form):
    switch = "mail_cancelled"

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)
    notify_customer = forms.BooleanField(label=gettext_lazy("Tell the customers by e-mail"), required=False)


class OrderBulkAction(BulkAction):
    """One of ``ACTIONS`` on the ticked orders, or on all that a listing shows."""

    models = [Order]
    action = None
    form_class = forms.Form
    template_name = "wagtail_orders/admin/bulk.html"

    def dispatch(self, request):
        if not policy.user_has_permission(request.user, self.action.permission):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return self.post() if request.method == "POST" else self._ask()

    @classmethod
    def execute_action(cls, objects, **kwargs):
        raise NotImplementedError("Orders are changed by their verbs, in post().")

    @cached_property
    def ids(self):
        """What was ticked: ``"all"``, or primary keys."""
        given = self.request.POST.get("ids", "").split(",") if self.request.method == "POST" else []
        given = given if any(given) else self.request.GET.getlist("id")
        if "all" in given:
            return "all"
        return sorted(set(keys_of(given)))

    @cached_property
    def place(self):
        place = Place.from_url(self.next_url)
        if place is None and self.ids == "all":
            raise Http404("All of which listing? Its address is missing.")
        return place or Place("current")

    @cached_property
    def pks(self):
        """The orders that are meant, in the listing's order."""
        shown = self.place.view(self.request).get_queryset() if self.ids == "all" else None
        if shown is None:
            known = [pk for pks in _slices(self.ids) for pk in _orders(pks).values_list("pk", flat=True)]
            return sorted(known, reverse=True)
        return list(shown.values_list("pk", flat=True))

    @cached_property
    def foreseen(self):
        """What would become of the orders as they are."""
        return self._run(dry_run=True)

    @property
    def fingerprint(self):
        """A short name for exactly these orders and what would become of each."""
        outcome = self.foreseen
        fates = [(order.pk, "changed") for order in outcome.changed]
        fates += [(order.pk, "unchanged") for order in outcome.unchanged]
        fates += [(order.pk, reason.code) for order, reason in outcome.refused.items()]
        return hashlib.sha256(repr(sorted(fates)).encode()).hexdigest()

    def _run(self, **options):
        outcome = lifecycle.Outcome()
        for pks in _slices(self.pks):
            outcome.add(self.action.verb(_orders(pks), **options))
        return outcome

    def _ask(self, form=None, *, has_changed=False, status=200):
        context = self._what(form or self.form_class(initial=self.initial_values()), has_changed)
        return TemplateResponse(self.request, self.template_name, context, status=status)

    def _what(self, form, has_changed):
        action, foreseen, count = self.action, self.foreseen, len(self.pks)
        known = {order.pk: order for order in _orders(self.pks[:SHOWN])}
        return {
            "action": action,
            "form": form,
            "question": action.question % {"count": count},
            "will": action.will % {"count": len(foreseen.changed)} if foreseen.changed else "",
            "already": action.already % {"count": len(foreseen.unchanged)} if foreseen.unchanged else "",
            "refusals": refusals(foreseen.refused),
            "count": count,
            "changing": len(foreseen.changed),
            "rows": [
                (order, payment_tag(order), fulfillment_tag(order))
                for order in (known.get(pk) for pk in self.pks[:SHOWN])
                if order
            ],
            "rest": max(count - SHOWN, 0),
            "has_changed": has_changed,
            "ids": "all" if self.ids == "all" else ",".join(map(str, self.ids)),
            "fingerprint": self.fingerprint,
            "next": self.place.url,
            "header_title": action.short_label,
            "breadcrumbs_items": trail(action.short_label, back=self.place.url),
        }

    def initial_values(self):
        values = {"received_on": local_moment(timezone.now()).date(), "method": "manual"}
        if switch := getattr(self.form_class, "switch", ""):
            sites = _orders(self.pks[:_SLICE]).order_by().values_list("site", flat=True).distinct()
            shops = OrderSettings.of_sites(set(sites)).values()
            values["notify_customer"] = all(getattr(shop, switch) for shop in shops)
        return values

    def post(self):
        form = self.form_class(self.request.POST)
        # Others work on the desk too: what was confirmed may not be what would be changed.
        has_changed = bool(self.foreseen.changed) and self.request.POST.get("fingerprint") != self.fingerprint
        if not self._is_acceptable(form):
            return self._ask(form, has_changed=has_changed, status=422)
        if has_changed:
            return self._ask(form, has_changed=True, status=409)
        try:
            with deed(self.request.user) as done:
                outcome = self._run(user=self.request.user, **form.cleaned_data)
        except DatabaseError:
            logger.exception("A bulk action broke off")
            tell_of_the_part(self.request, done, len(self.pks), back=self.place.url)
        else:
            tell(self.request, self.action, outcome, done, back=self.place.url)
            if not self.pks:
                messages.warning(self.request, _("No order was selected, so nothing was changed."))
        return redirect(self.place.url)

    def _is_acceptable(self, form):
        """Whether the form is valid and the verb takes what it says."""
        if not form.is_valid():
            return False
        try:
            self.action.verb(Order.objects.none(), dry_run=True, **form.cleaned_data)
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                form.add_error(name if name in form.fields else None, texts)
            return False
        return True


def tell_of_the_part(request, done, count, *, back):
    """Say how many of ``count`` orders were changed before the database broke off; the chunks committed stand."""
    said = _(
        "The database broke off: %(done)s of %(count)s orders were changed, the others were not. "
        "Try again with those."
    ) % {"done": done.count, "count": count}
    messages.error(request, format_html("{}{}", said, done.button(request, back)))


def tell(request, action, outcome, done, *, back):
    """Say what became of the orders, with the button that takes it back, where there is one, to ``back``."""
    if outcome.changed:
        said = action.done_many % {"count": len(outcome.changed)}
        messages.success(request, format_html("{}{}", said, done.button(request, back)))
    if outcome.unchanged:
        messages.info(request, action.already % {"count": len(outcome.unchanged)})
    for sentence in refusals(outcome.refused, words=action.refused):
        messages.warning(request, sentence)


def keys_of(texts):
    """The primary keys among ``texts``; longer numbers are none, and more than a database reads."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


def _orders(pks):
    return Order.objects.filter(pk__in=pks)


def _slices(pks):
    for start in range(0, len(pks), _SLICE):
        yield pks[start : start + _SLICE]


_FORMS = {"mark-paid": BulkPaidForm, "cancel": BulkCancelForm}


def bulk_actions():
    """A class for each bulk action, for Wagtail's hook ``register_bulk_action``."""
    return [
        type(
            f"Bulk{action.slug.title().replace('-', '')}",
            (OrderBulkAction,),
            {
                "__module__": __name__,
                "action": action,
                "action_type": action.slug,
                "action_priority": position,
                "display_name": action.short_label,
                "aria_label": action.short_label,
                "form_class": _FORMS.get(action.slug, forms.Form),
            },
        )
        for position, action in enumerate(ACTIONS.values())
        if action.in_bulk
    ]
