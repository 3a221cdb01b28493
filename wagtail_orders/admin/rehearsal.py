"""What a dialog would do, shown while it is filled in: really done, looked at, and taken back."""

from django.db import transaction
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin

from .. import database, tracking
from ..exceptions import StaleOrder
from ..models import Notification, Order, OrderEvent
from ..notifications import render
from ..notifications.contents import logo
from .mails import POLICY
from .order import OrderView
from .parcel_forms import SHIP_FORMS

_FORMS = {form.slug: form for form in SHIP_FORMS}


class _Rehearsal(OrderView):
    """Runs a form of ``SHIP_FORMS`` in a transaction that is rolled back, so that what is shown is what will be."""

    http_method_names = ["post"]
    any_permission_required = ["change"]

    def post(self, request, pk, action):
        if action not in _FORMS:
            raise Http404
        form = _FORMS[action](request.POST, order=self.order, user=request.user)
        alias = database.alias_for(Order)
        # Made now if it is not there yet: its file would outlive the transaction, and its row would not.
        logo(self.order.shop)
        with transaction.atomic(using=alias):
            try:
                is_done = form.is_valid() and form.save()
            except StaleOrder:
                is_done = False
            form.is_stale = not is_done and not form.is_current()
            response = self.look(form, is_done)
            transaction.set_rollback(True, using=alias)
        return response

    def mail(self):
        """The mail that the last parcel asks for."""
        events = database.primary(OrderEvent).filter(order=self.order, kind=OrderEvent.Kind.SHIPPED)
        kind = Notification.Kind.SHIPPED
        return render.mail(self.order, kind, language=self.order.language, data=events.latest("pk").data)


class RehearsalView(_Rehearsal):
    """The parcels with their links, what they lack, and what becomes of the order: a piece of HTML for the dialog."""

    def look(self, form, is_done):
        context = {"form": form, "order": self.order, "is_done": is_done}
        if is_done:
            typed = form.cleaned_data["tracking_number"]
            context["parcels"] = [
                (shipment, parcel.recognised, self._lacking(shipment))
                for shipment, parcel in zip(form.made, typed, strict=True)
            ]
            # Read again: something of it is in the parcel now.
            context["left"] = _FORMS["ship"](order=self.get_object(), user=self.request.user).left
            if form.cleaned_data.get("notify_customer"):
                context["mail"] = self.mail()
        response = TemplateResponse(self.request, "wagtail_orders/admin/rehearsal.html", context)
        # Before the transaction is rolled back.
        return response.render()

    def _lacking(self, shipment):
        """What the link would need and the order does not have."""
        method, address = shipment.shipping_method, self.order.shipping_address
        if shipment.tracking_url or not shipment.tracking_number or not method:
            return []
        return tracking.missing(
            method.tracking_url_template,
            carrier=method.carrier,
            postcode=address.postal_code if address else "",
            country=address.country if address else "",
        )


@method_decorator(xframe_options_sameorigin, name="dispatch")
class RehearsedMailView(_Rehearsal):
    """The mail's HTML alone, for the frame in the dialog."""

    def look(self, form, is_done):
        html = self.mail().html if is_done else ""
        return HttpResponse(
            html, headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        )
