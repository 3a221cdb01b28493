"""The order's own page: what is shown, what can be done, and what became of it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, FilteredRelation, OuterRef, Prefetch, Q, Subquery, Sum
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic import InspectView

from ..exceptions import StaleOrder
from ..lifecycle import outcome as reasons
from ..models import (
    FulfillmentStatus,
    Notification,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    OrderNote,
    OrderSettings,
    Payment,
    SavedText,
    Shipment,
    ShipmentLine,
)
from . import history
from .actions import ACTIONS, next_step, offered
from .cells import fulfillment_tag, payment_tag
from .customer_forms import own_note
from .forms import FORMS, NOTE_FORMS
from .listing import Place, with_neighbours
from .panels import PANELS
from .parcel_forms import PARCEL_FORMS
from .provider_forms import refundable
from .undo import deed

SHOWN_EVENTS = 200


@dataclass(frozen=True)
class Button:
    """A button of the page's head: a dialog's opener, or a verb at once."""

    label: str
    icon: str
    url: str = ""
    dialog: str = ""
    is_primary: bool = False
    is_grave: bool = False


def whole_orders():
    """Orders with all that their page shows, in one query a table; each line knows how much of it is sent."""
    sent = (
        ShipmentLine.objects.filter(line=OuterRef("pk"), shipment__cancelled_at=None)
        .order_by()
        .values("line")
        .annotate(sent=Sum("quantity"))
        .values("sent")
    )
    orders = Order.objects.select_related("site__order_settings", "user").prefetch_related(
        Prefetch("lines", OrderLine.objects.order_by("position").annotate(sent=Subquery(sent))),
        Prefetch("payments", Payment.objects.select_related("recorded_by").order_by("pk")),
        Prefetch("shipments", Shipment.objects.order_by("pk")),
        Prefetch("notes", OrderNote.objects.select_related("author").order_by("pk")),
    )
    # The addresses are one row a kind, so they come along.
    orders = orders.annotate(
        **{
            kind: FilteredRelation("addresses", condition=Q(addresses__kind=kind))
            for kind in OrderAddress.Kind
        }
    ).select_related(*OrderAddress.Kind)
    return orders.annotate(has_saved_texts=Exists(SavedText.objects.all()))


def get_whole_order(orders, pk):
    """One of the ``whole_orders``, else a 404; what came along in its row stands where all look for it."""
    order = get_object_or_404(orders, pk=pk)
    order.shop = getattr(order.site, "order_settings", None) or OrderSettings(site_id=order.site_id)
    order.address_by_kind = {kind: row for kind in OrderAddress.Kind if (row := getattr(order, kind, None))}
    return order


class OrderPage(InspectView):
    """A page about an order, without what Wagtail's own shows of a model."""

    any_permission_required = ["change", "delete", "view"]

    def get_fields(self):
        return []

    @property
    def header_more_buttons(self):
        return []


class OrderView(OrderPage):
    """One order with everything about it; reading it changes nothing."""

    template_name = "wagtail_orders/admin/order.html"
    page_title = pgettext_lazy("orders", "Order")
    #: The form that was sent and refused, shown again with what was typed.
    bound = None
    has_more_events = False

    def get_object(self, queryset=None):
        orders = with_neighbours(whole_orders(), self.place.view(self.request))
        return get_whole_order(orders, self.pk)

    @property
    def order(self):
        return self.object

    @cached_property
    def place(self):
        """The listing that the reader came from, else that of the current orders."""
        return Place.from_request(self.request) or Place()

    @cached_property
    def own_query(self):
        """What the page's URL says of the listing, for the URLs that lead back to the page."""
        given = self.request.GET.get("list", "")
        return "?" + urlencode({"list": given}) if given else ""

    def url_of(self, name, *args):
        return reverse(f"wagtail_orders:{name}", args=args) + self.own_query

    def may(self, permission):
        return self.user_has_permission(permission)

    @property
    def may_change(self):
        return self.may("change")

    def get_breadcrumbs_items(self):
        return [
            *self.breadcrumbs_items,
            {"url": self.place.url, "label": _("Orders")},
            {"url": "", "label": self.order.number},
        ]

    @property
    def previous(self):
        """The URL and the number of the order before this one in the listing, or None."""
        return self._beside(self.order.previous_pk, self.order.previous_number)

    @property
    def next(self):
        return self._beside(self.order.next_pk, self.order.next_number)

    def _beside(self, pk, number):
        return pk and {"url": self.url_of("inspect", pk), "number": number}

    @cached_property
    def events(self):
        """The journal, the newest first."""
        events = OrderEvent.objects.filter(order=self.order).select_related("actor").order_by("-pk")
        mails = Notification.objects.defer("text_body", "html_body").order_by("pk")
        events = events.prefetch_related(Prefetch("notifications", mails))
        found = list(events[: SHOWN_EVENTS + 1])
        self.has_more_events = len(found) > SHOWN_EVENTS
        return found[:SHOWN_EVENTS]

    @property
    def seen(self):
        return self.events[0].pk if self.events else 0

    @property
    def reason_to_look(self):
        """Why the order needs a look, if the journal says so."""
        newest = next((event for event in self.events if event.kind == OrderEvent.Kind.FLAGGED), None)
        return newest and history.reason_of(newest)

    def form(self, slug):
        """A form of the page: the one that was sent, or a fresh one."""
        if self.bound is not None and self.bound.slug == slug:
            return self.bound
        return FORMS[slug](order=self.order, user=self.request.user, seen=self.seen)

    def note_form(self, slug, note):
        if self.bound is not None and self.bound.slug == slug and self.bound.subject.pk == note.pk:
            return self.bound
        if not self.may_change or note.author_id != self.request.user.pk:
            return None
        return NOTE_FORMS[slug](order=self.order, user=self.request.user, seen=self.seen, subject=note)

    def parcel_form(self, slug, shipment):
        """A form about a parcel; None where nothing is to be changed any more."""
        if self.bound is not None and self.bound.slug == slug and self.bound.subject.pk == shipment.pk:
            return self.bound
        if not self.may_change or shipment.cancelled_at:
            return None
        return PARCEL_FORMS[slug](order=self.order, user=self.request.user, seen=self.seen, subject=shipment)

    def form_url(self, form):
        if form.subject is None:
            return self.url_of("action", self.order.pk, form.slug)
        kind = "parcel" if form.slug in PARCEL_FORMS else "note"
        return self.url_of(kind, self.order.pk, form.subject.pk, form.slug)

    @cached_property
    def blocked(self):
        """Why a dialog's verb would refuse the order as it is shown, by the dialog's name."""
        order = self.order
        blocked = {}
        if order.fulfillment_status != FulfillmentStatus.UNFULFILLED:
            blocked["cancel"] = reasons.SHIPPED
        if order.amount_paid > order.amount_refunded:
            blocked["delete"] = reasons.MONEY_RECORDED
        elif any(payment.state == Payment.State.PENDING for payment in order.payments.all()):
            blocked["delete"] = reasons.PAYMENT_PENDING
        if order.amount_refunded:
            blocked["unpay"] = reasons.REFUNDED
        elif any(
            not payment.is_manual and payment.state == Payment.State.CONFIRMED
            for payment in order.payments.all()
        ):
            blocked["unpay"] = self._provider_payment
        if not self.has_something_to_send:
            blocked["ship"] = reasons.NOTHING_LEFT
        return blocked

    @property
    def _provider_payment(self):
        """Why it cannot be marked as unpaid, by the provider's name where that sends the money back from here."""
        if not (form := self.provider_refund):
            return reasons.PROVIDER_PAYMENT
        words = {"provider": form.provider}
        return _("was paid through %(provider)s: it can only be refunded, not marked as unpaid") % words

    @property
    def has_parcels(self):
        return any(shipment.cancelled_at is None for shipment in self.order.shipments.all())

    @cached_property
    def _wanted(self):
        """Which dialogs make sense for the order."""
        order = self.order
        return {
            "pay": order.amount_due > 0 and not order.is_cancelled,
            "unpay": order.amount_paid > 0,
            "refund": order.amount_paid > order.amount_refunded,
            "refund-provider": bool(refundable(order)),
            "ship": not order.is_cancelled and not order.is_handled,
            "another": not order.is_cancelled and self.has_parcels and not self.has_something_to_send,
            "cancel": not order.is_cancelled and not order.is_archived,
            "delete": True,
            "mail": True,
        }

    def _is_shown(self, slug):
        is_bound = self.bound is not None and self.bound.slug == slug
        return (self._wanted[slug] or is_bound) and self.may(FORMS[slug].permission)

    @cached_property
    def dialogs(self):
        """The forms in dialogs that this user may open, each with why it would be refused, if it would."""
        shown = filter(self._is_shown, self._wanted)
        return {slug: (self.form(slug), self.blocked.get(slug)) for slug in shown}

    @cached_property
    def provider_refund(self):
        """The form that has a payment provider send money back, where there is something to send."""
        return self.form("refund-provider") if self._is_shown("refund-provider") else None

    @property
    def has_something_to_send(self):
        return any(line.quantity > (line.sent or 0) for line in self.order.lines.all())

    @cached_property
    def buttons(self):
        """The head's buttons, the next step first and the grave ones apart."""
        step = next_step(self.order)
        if step == "ship" and not self.has_something_to_send:
            step = "mark-handled"
        buttons = []
        if "ship" in self.dialogs:
            buttons.append(Button(_("Ship…"), "redirect", dialog="orders-ship", is_primary=step == "ship"))
        for action in offered(self.order, self.may):
            # "Mark as unpaid" stands with the payments, where nobody hits it by mistake.
            if action.dialog and (action.dialog not in self.dialogs or action.dialog == "unpay"):
                continue
            buttons.append(
                Button(
                    action.label,
                    action.icon,
                    url="" if action.dialog else self.url_of("action", self.order.pk, action.slug),
                    dialog=f"orders-{action.dialog}" if action.dialog else "",
                    is_primary=action.slug == step,
                    is_grave=action.is_grave,
                )
            )
        return sorted(buttons, key=lambda button: (button.is_grave, not button.is_primary))

    def get_context_data(self, **kwargs):
        order = self.order
        panels = [panel(self.request, order) for panel in PANELS]
        for hook in hooks.get_hooks("construct_order_panels"):
            hook(self.request, order, panels)
        panels.sort(key=lambda panel: panel.position)
        return super().get_context_data(
            page=self,
            order=order,
            payment_tag=payment_tag(order),
            fulfillment_tag=fulfillment_tag(order),
            main_panels=[panel for panel in panels if panel.is_main],
            side_panels_of_order=[panel for panel in panels if not panel.is_main],
            **kwargs,
        )


class OrderPostView(OrderView):
    """What the page's forms and buttons send; a refused form is shown again in its page."""

    http_method_names = ["post"]

    def post(self, request, pk, action, note=None, parcel=None):
        if note is not None:
            return self._send_note(NOTE_FORMS.get(action), note)
        if parcel is not None:
            return self._send_parcel(PARCEL_FORMS.get(action), parcel)
        if action in FORMS:
            return self._send(FORMS[action](request.POST, order=self.order, user=request.user))
        if action in ACTIONS and (not ACTIONS[action].dialog or action == "mark-paid"):
            return self._act(ACTIONS[action])
        raise Http404

    def _require(self, permission):
        if not self.may(permission):
            raise PermissionDenied

    @property
    def next_url(self):
        return get_valid_next_url_from_request(self.request) or self.url_of("inspect", self.order.pk)

    def _act(self, action):
        self._require(action.permission)
        with deed(self.request.user) as done:
            outcome = action.verb(self.order, user=self.request.user)
        words = {"number": self.order.number}
        if outcome.refused:
            words["reason"] = outcome.refused[self.order]
            messages.error(self.request, _("Order %(number)s %(reason)s.") % words)
        elif outcome.changed:
            self._say(action.done % words, done, self.next_url)
        else:
            messages.info(self.request, action.unchanged % words)
        return redirect(self.next_url)

    def _say(self, sentence, done, next_url):
        messages.success(self.request, format_html("{}{}", sentence, done.button(self.request, next_url)))

    def _send_note(self, form_class, pk):
        if form_class is None:
            raise Http404
        self._require("change")
        note = own_note(self.order, pk, self.request.user)
        if note is None:
            return self._send_missing(form_class, pk)
        return self._send(
            form_class(self.request.POST, order=self.order, user=self.request.user, subject=note)
        )

    def _send_parcel(self, form_class, pk):
        shipment = self.order.shipments.filter(pk=pk).first()
        if form_class is None or shipment is None:
            raise Http404
        self._require("change")
        return self._send(
            form_class(self.request.POST, order=self.order, user=self.request.user, subject=shipment)
        )

    def _send_missing(self, form_class, pk):
        """The note is gone already; what was typed into it is offered as a new one."""
        if form_class is NOTE_FORMS["delete-note"]:
            messages.info(self.request, _("This note was deleted already."))
            return redirect(self.next_url)
        text = self.request.POST.get(f"edit-note-text-{pk}", "")
        form = FORMS["note"](QueryDict(mutable=True), order=self.order, user=self.request.user)
        form.data["note-text"] = text
        form.is_valid()
        form.add_error(None, _("The note was deleted meanwhile. Save it as a new one if it is still wanted."))
        return self._show(form, status=409)

    def _send(self, form):
        self._require(form.permission)
        with deed(self.request.user) as done:
            try:
                is_done = form.is_valid() and form.save()
            except StaleOrder:
                return self._show_stale(form)
        if not is_done:
            self.object = self.get_object()
            form.order = self.object
            return self._show(form, status=422) if form.is_current() else self._show_stale(form)
        is_gone = form.slug == "delete"
        next_url = self.place.url if is_gone else self.next_url
        self._say(form.done(), done, next_url)
        return redirect(next_url)

    def _show(self, form, *, status):
        """The page once more, as the order is now, with the form as it was sent."""
        self.object = self.get_object()
        form.order = self.object
        form.refresh(self.seen)
        self.bound = form
        return self.render_to_response(self.get_context_data(), status=status)

    def _show_stale(self, form):
        since = form.cleaned_data.get("seen") or 0
        form.is_stale = True
        meanwhile = [event for event in self.events if event.pk > since]
        form.meanwhile = history.told(meanwhile, Payment.objects.filter(order=self.order))
        return self._show(form, status=409)


class CompareView(OrderPage):
    """Two orders side by side, to see whether one is a duplicate; each can be deleted from here."""

    template_name = "wagtail_orders/admin/compare.html"
    page_title = pgettext_lazy("orders", "Compare")

    def get_object(self, queryset=None):
        return get_whole_order(whole_orders(), self.pk)

    def get_breadcrumbs_items(self):
        return [
            *self.breadcrumbs_items,
            {"url": reverse("wagtail_orders:list"), "label": _("Orders")},
            {
                "url": reverse("wagtail_orders:inspect", args=(self.object.pk,)),
                "label": self.object.number,
            },
            {"url": "", "label": _("Compare")},
        ]

    def get_context_data(self, **kwargs):
        other = get_whole_order(whole_orders(), self.kwargs["other"])
        sides = [self._side(self.object), self._side(other)]
        return super().get_context_data(sides=sides, **kwargs)

    def _side(self, order):
        page = OrderView(model=self.model, permission_policy=self.permission_policy)
        page.request, page.object = self.request, order
        return {
            "order": order,
            "url": reverse("wagtail_orders:inspect", args=(order.pk,)),
            "payment_tag": payment_tag(order),
            "fulfillment_tag": fulfillment_tag(order),
            "delete": page.form("delete") if self.user_has_permission("delete") else None,
            "blocked": page.blocked.get("delete"),
            "delete_url": reverse("wagtail_orders:action", args=(order.pk, "delete")),
        }
