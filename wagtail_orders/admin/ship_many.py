"""Many orders shipped in one go: a number typed beside each, or a table with all of them."""

import logging

from django import forms
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from .. import lifecycle
from ..models import Order, OrderSettings
from ..money import format_count
from .actions import SHIP
from .bulk import OrderBulkAction, keys_of, tell, tell_of_the_part
from .listing import trail
from .parcel_forms import doubt
from .parcel_input import LINK_LENGTH, offered_methods
from .parcel_plan import Plan, as_parcel, orders_to_ship, read_for, refused
from .parcel_table import MOST_BYTES, MOST_LINES, check_size, read_table, text_of, tidy, write_table
from .undo import deed

logger = logging.getLogger(__name__)

MOST_ROWS = 200


class ShippingForm(forms.Form):
    """What is said once for all parcels."""

    notify_customer = forms.BooleanField(
        label=gettext_lazy("Tell the customers that their orders have been shipped"), required=False
    )
    handled = forms.BooleanField(
        label=gettext_lazy("and mark the orders as handled"), required=False, initial=True
    )
    is_certain = forms.BooleanField(label=gettext_lazy("These numbers are right"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        #: Whether a number's own check digit says that it is mistyped.
        self.is_doubted = False

    @property
    def options(self):
        return {name: self.cleaned_data[name] for name in ("notify_customer", "handled")}


class RowsForm(ShippingForm):
    """
    A field for each of ``orders``; ``parcels`` are those that have something in it. ``settled()`` are those of
    which the verb says why they are not shipped.
    """

    shipping_method = forms.TypedChoiceField(
        label=gettext_lazy("Shipping method"), required=False, coerce=int, empty_value=None
    )

    def __init__(self, *args, orders, settled=dict, **kwargs):
        super().__init__(*args, **kwargs)
        self.orders = orders
        self.settled = settled
        self.parcels = []
        self._order_of = {}
        self.methods = offered_methods()
        self.fields["shipping_method"].choices = [
            ("", _("Each order's own")),
            *((method.pk, method.name) for method in self.methods),
        ]
        for order in orders:
            self.fields[self.name_of(order)] = forms.CharField(
                label=_("Parcel number or link of order %(number)s") % {"number": order.number},
                max_length=LINK_LENGTH,
                required=False,
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )

    @staticmethod
    def name_of(order):
        return f"number_{order.pk}"

    def clean(self):
        cleaned = super().clean()
        chosen = cleaned.get("shipping_method")
        method = next((known for known in self.methods if known.pk == chosen), None)
        for order in self.orders:
            if text := cleaned.get(self.name_of(order)):
                self._read(order, text, method)
        if not self.errors and not self.parcels:
            self.add_error(None, _("Type at least one parcel number."))
        return cleaned

    def _read(self, order, text, method):
        try:
            typed = read_for(order, text, method=method, methods=self.methods)
        except ValidationError as error:
            self.add_error(self.name_of(order), error)
            return
        for question in self._questions(order, typed):
            self.is_doubted = True
            if not self.cleaned_data.get("is_certain"):
                self.add_error(self.name_of(order), question)
        if self._is_stale(order):
            self.add_error(
                self.name_of(order),
                _("Somebody changed this order meanwhile. Look at it, and ship once more."),
            )
        self.parcels.append(as_parcel(order, typed))

    def _is_stale(self, order):
        read = self.data.get(f"version_{order.pk}") or str(order.version)
        return read != str(order.version) and order not in self.settled()

    def _questions(self, order, typed):
        if typed.is_doubtful:
            yield doubt([typed.number])
        first = self._order_of.setdefault(typed.number or typed.url, order)
        if first is not order:
            yield _("Order %(number)s has the same parcel number.") % {"number": first.number}


class TableForm(forms.Form):
    """A table of parcels, as a file or as text; its ``lines`` are read."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )
    text = forms.CharField(
        label=gettext_lazy("or paste the lines here"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        # Told below in words of their own, with what can be done.
        self.fields["text"].validators = []
        self.lines = []

    def clean(self):
        file = self.cleaned_data.get("file")
        name = "file" if file else "text"
        try:
            if file:
                check_size(file.size)
            text = tidy(text_of(file.read()) if file else self.cleaned_data.get("text", ""))
            self.lines = read_table(text)
        except ValidationError as error:
            self.add_error(name, error)
            return self.cleaned_data
        return {**self.cleaned_data, "text": text}


def are_told(orders):
    """Whether the sites of all ``orders`` tell their customers of parcels, unless the tick is taken away."""
    shops = OrderSettings.of_sites({order.site_id for order in orders}).values()
    return all(shop.mail_shipped for shop in shops)


def ship(request, parcels, options, *, back):
    """Ship them, and say on the page at ``back`` what became of it."""
    try:
        with deed(request.user) as done:
            outcome = lifecycle.ship_many(parcels, user=request.user, **options)
    except DatabaseError:
        logger.exception("Shipping many broke off")
        tell_of_the_part(request, done, len({parcel.order for parcel in parcels}), back=back)
    else:
        tell(request, SHIP, outcome, done, back=back)
    return redirect(back)


class ShipRows(OrderBulkAction):
    """A page with a field for each of the ticked orders."""

    action = SHIP
    action_type = SHIP.slug
    action_priority = 1
    display_name = SHIP.label
    aria_label = SHIP.label
    template_name = "wagtail_orders/admin/ship_rows.html"

    @cached_property
    def pks(self):
        """The orders that are meant, in the listing's order; once it is sent, in that of the page."""
        known = super().pks
        if self.ids == "all":
            return known
        if self.request.method == "POST":
            listed = keys_of(self.request.POST.get("ids", "").split(","))
        else:
            shown = self.place.view(self.request).get_queryset().filter(pk__in=known)
            listed = shown.values_list("pk", flat=True)
        places = {pk: place for place, pk in enumerate(listed)}
        return sorted(known, key=lambda pk: places.get(pk, len(places)))

    @cached_property
    def orders(self):
        """Those of them that have room on the page."""
        pks = self.pks[:MOST_ROWS]
        found = orders_to_ship().in_bulk(pks)
        return [found[pk] for pk in pks if pk in found]

    @cached_property
    def refused(self):
        return refused(self.orders)

    def post(self):
        form = RowsForm(self.request.POST, orders=self.orders, settled=lambda: self.refused)
        if not form.is_valid():
            return self._ask(form, status=422)
        return ship(self.request, form.parcels, form.options, back=self.place.url)

    def _ask(self, form=None, *, status=200):
        open_orders = [order for order in self.orders if order not in self.refused]
        if form is None:
            initial = {"notify_customer": are_told(open_orders)}
            form = RowsForm(initial=initial, orders=open_orders)
        title = ngettext("Ship %(count)s order", "Ship %(count)s orders", len(self.pks)) % {
            "count": len(self.pks)
        }
        context = {
            "form": form,
            "title": title,
            "rows": [(order, form[form.name_of(order)]) for order in open_orders],
            "refused": [(order, self.refused[order]) for order in self.orders if order in self.refused],
            "count": len(self.pks),
            "most": MOST_ROWS,
            "ids": ",".join(str(order.pk) for order in self.orders),
            "next": self.place.url,
            "header_title": SHIP.label,
            "breadcrumbs_items": trail(SHIP.label, back=self.place.url),
        }
        return TemplateResponse(self.request, self.template_name, context, status=status)


class ShipManyPage(PermissionCheckedMixin, WagtailAdminTemplateMixin, View):
    model = Order
    permission_policy = None
    permission_required = "change"
    page_title = gettext_lazy("Ship many")
    header_icon = SHIP.icon
    _show_breadcrumbs = True


class ShipManyView(ShipManyPage):
    """Takes a table of parcels, shows what it would do, and does that; POST shows and does, GET only asks."""

    http_method_names = ["get", "head", "post"]
    template_name = "wagtail_orders/admin/ship_many.html"

    def get_breadcrumbs_items(self):
        return trail(self.page_title)

    def get(self, request):
        return self._show(TableForm())

    def post(self, request):
        table = TableForm(request.POST, request.FILES)
        if not table.is_valid():
            return self._show(table, status=422)
        plan = Plan(table.lines)
        given = request.POST.get("fingerprint")
        if given is None:
            return self._show(table, plan)
        if "again" in request.POST or request.FILES:
            return self._show(table, plan, self._ticked_anew())
        # Others work on the desk too: what was confirmed may not be what would be shipped.
        if given != plan.fingerprint or not plan.parcels:
            return self._show(table, plan, self._ticked_anew(), has_changed=True, status=409)
        form = ShippingForm(request.POST)
        form.is_valid()
        if plan.questions and not form.cleaned_data["is_certain"]:
            return self._show(table, plan, form, status=422)
        return ship(request, plan.parcels, form.options, back=reverse("wagtail_orders:list"))

    def _ticked_anew(self):
        """The ticks as they were set, but for that which is about the numbers: there may be others now."""
        ticked = self.request.POST.copy()
        ticked.pop("is_certain", None)
        return ShippingForm(ticked)

    def _show(self, table, plan=None, form=None, *, has_changed=False, status=200):
        context = {"table": table, "most": format_count(MOST_LINES), "megabytes": MOST_BYTES // 1_000_000}
        if plan is not None:
            form = form or ShippingForm(initial={"notify_customer": are_told(plan.orders)})
            form.is_doubted = bool(plan.questions)
            context |= {"plan": plan, "form": form, "has_changed": has_changed, "sums": _sums(plan)}
            context["again"] = TableForm(initial={"text": table.cleaned_data["text"]})
        return self.render_to_response(self.get_context_data(**context), status=status)


def _sums(plan):
    """What the table comes to, in sentences."""
    parcels, orders = len(plan.right), len(plan.orders)
    sums = []
    if parcels:
        sums.append(
            _("%(parcels)s for %(orders)s will be noted.")
            % {
                "parcels": ngettext("%(count)s parcel", "%(count)s parcels", parcels) % {"count": parcels},
                "orders": ngettext("%(count)s order", "%(count)s orders", orders) % {"count": orders},
            }
        )
    if wrong := len(plan.wrong):
        sums.append(
            ngettext(
                "%(count)s line is wrong and will be left out.",
                "%(count)s lines are wrong and will be left out.",
                wrong,
            )
            % {"count": wrong}
        )
    if empty := len(plan.empty):
        sums.append(
            ngettext(
                "%(count)s line has no parcel number and will be left out.",
                "%(count)s lines have no parcel number and will be left out.",
                empty,
            )
            % {"count": empty}
        )
    return sums


class OrdersToShipView(ShipManyPage):
    """The orders that await shipping, as a table whose parcel numbers are to be filled in."""

    http_method_names = ["get", "head"]

    def get(self, request):
        orders = Order.objects.to_handle().order_by("placed_at", "pk")[:MOST_LINES]
        rows = [(*row, "") for row in orders.values_list("number", "shipping_method_name")]
        return HttpResponse(
            write_table(rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="orders-to-ship.csv"'},
        )
