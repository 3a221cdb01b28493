"""Where the owner keeps the ways to send a parcel, and tries out the links that lead customers to theirs."""

import json
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.http import JsonResponse
from django.urls import path, reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.generic import View
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList, Panel
from wagtail.admin.ui.tables import BooleanColumn, Column
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.snippets.views.snippets import SnippetViewSet

from ..models import ShippingMethod
from ..tracking import build_link, carriers, missing
from .fields import AmountField

_NEEDS = {
    ("postcode",): gettext_lazy("The link needs the customer's postal code."),
    ("country",): gettext_lazy("The link needs the customer's country."),
    ("postcode", "country"): gettext_lazy("The link needs the customer's postal code and country."),
}


def _shortened(price):
    """``price``, which has no currency here, with two decimals at least if it has any."""
    places = -Decimal(price).normalize().as_tuple().exponent
    return Decimal(price).quantize(Decimal(1).scaleb(-max(places, 2) if places > 0 else 0))


class ShippingMethodForm(WagtailAdminModelForm):
    carrier = forms.ChoiceField(label=gettext_lazy("Carrier"), required=False)
    price = AmountField(label=gettext_lazy("Price"), min_value=0)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["price"] = _shortened(self.instance.price)
        names = {code: carrier.name for code, carrier in carriers().items()}
        if self.instance.carrier:
            # Of a project's own; it must not get lost.
            names.setdefault(self.instance.carrier, self.instance.carrier)
        known = sorted(names.items(), key=lambda pair: pair[1].casefold())
        self.fields["carrier"].choices = [("", _("Other / none")), *known]


class TryLinkView(PermissionCheckedMixin, View):
    """The link that a template makes of a sample, or why it makes none, as the form stands; keeps nothing."""

    http_method_names = ["get"]
    model = ShippingMethod
    any_permission_required = ["add", "change"]

    def get(self, request):
        given = {
            name: request.GET.get(name, "").strip()
            for name in ("carrier", "template", "number", "postcode", "country")
        }
        return JsonResponse(self._tried(**given))

    def _tried(self, carrier, template, number, **address):
        method = ShippingMethod(carrier=carrier, tracking_url_template=template)
        asks = [name for name in ("number", *address) if f"{{{name}}}" in template]
        try:
            method.clean()
        except ValidationError as refusal:
            return {"link": "", "refused": " ".join(refusal.messages), "notes": [], "asks": asks}
        link = build_link(template, number=number, language=get_language() or "", **address)
        return {"link": link, "refused": "", "notes": list(self._notes(method, number, link)), "asks": asks}

    def _notes(self, method, number, link):
        template = method.tracking_url_template
        if not template:
            yield _("Without a tracking link customers are told the parcel's number only.")
        elif "{number}" not in template:
            yield _("The link leads to a page where the customer types the number in.")
        elif not link:
            yield _("No link can be made of this number.") if number else _("Type a number to see its link.")
        needed = missing(template, carrier=method.carrier)
        if needed:
            yield str(_NEEDS[tuple(needed)])


class TryLinkPanel(Panel):
    """Beside the tracking link: type a number, see where the customer would be led."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "wagtail_orders/admin/try_link.html"

        class Media:
            css = {"all": ["wagtail_orders/admin.css"]}
            # Wagtail has a panel's scripts in the head.
            js = [forms.Script("wagtail_orders/shipping-method.js", defer=True)]

        def get_context_data(self, parent_context=None):
            return {
                **super().get_context_data(parent_context),
                "url": reverse("wagtail_orders_shipping_methods:try"),
                "templates": json.dumps({code: known.template for code, known in carriers().items()}),
            }


class _Column(Column):
    class Media:
        css = {"all": ["wagtail_orders/admin.css"]}


class ShippingMethodViewSet(SnippetViewSet):
    model = ShippingMethod
    icon = "redirect"
    menu_label = gettext_lazy("Shipping methods")
    menu_name = "orders-shipping-methods"
    menu_order = 899
    add_to_settings_menu = True
    url_prefix = "order-shipping-methods"
    url_namespace = "wagtail_orders_shipping_methods"
    list_display = [
        "name",
        _Column(
            "carrier_name", label=gettext_lazy("Carrier"), sort_key="carrier", classname="orders-carrier"
        ),
        _Column(
            "price",
            label=gettext_lazy("Price"),
            sort_key="price",
            accessor=lambda method: _shortened(method.price),
        ),
        BooleanColumn("is_active", label=gettext_lazy("Offered"), sort_key="is_active"),
        _Column(
            "sort_order", label=gettext_lazy("Position"), sort_key="sort_order", classname="orders-position"
        ),
    ]
    edit_handler = ObjectList(
        [
            FieldPanel("name", help_text=gettext_lazy("As customers read it, in the shop and in e-mails.")),
            MultiFieldPanel(
                [
                    FieldPanel(
                        "carrier",
                        help_text=gettext_lazy(
                            "Who brings the parcel. Choosing one fills the tracking link in."
                        ),
                    ),
                    FieldPanel(
                        "tracking_url_template",
                        help_text=gettext_lazy(
                            "The carrier's page for a parcel, with {number} where its number belongs. {postcode} "
                            "and {country} of the customer's address and the customer's {language} may stand in "
                            "it too. Empty if parcels cannot be followed."
                        ),
                    ),
                    TryLinkPanel(heading=gettext_lazy("Try it")),
                ],
                heading=gettext_lazy("Following a parcel"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("price", help_text=gettext_lazy("In the shop's currency.")),
                    FieldPanel(
                        "is_active",
                        help_text=gettext_lazy(
                            "Take the tick away if the shop no longer offers it. Orders and parcels keep it."
                        ),
                    ),
                    FieldPanel(
                        "sort_order",
                        help_text=gettext_lazy("The lowest comes first where there are several."),
                    ),
                ],
                heading=gettext_lazy("In the shop"),
            ),
        ],
        base_form_class=ShippingMethodForm,
    )

    def get_urlpatterns(self):
        view = self.construct_view(TryLinkView, model=self.model, permission_policy=self.permission_policy)
        return [*super().get_urlpatterns(), path("try/", view, name="try")]

    def register_chooser_viewset(self):
        """None: orders and parcels have choices of their own."""
