"""What the listing can be narrowed to."""

import django_filters
from django import forms
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.filters import DateRangePickerWidget, NumberRangeWidget, WagtailFilterSet

from ..conf import payment_method_label
from ..lifecycle.checking import MAX_AMOUNT
from ..models import FulfillmentStatus, Notification, Order, OrderAddress, OrderStatus, PaymentStatus
from ..money import locale_of
from .choices import found


def _countries():
    names = locale_of().territories
    return sorted(((code, names.get(code, code)) for code in found()["countries"]), key=lambda pair: pair[1])


def _payment_methods():
    codes = filter(None, found()["payment_methods"])
    return sorted(((code, str(payment_method_label(code))) for code in codes), key=lambda pair: pair[1])


def _shipping_methods():
    return [(pk, name) for pk, name, _is_active in found()["shipping_methods"]]


def _sites():
    return [
        (pk, hostname if port in (80, 443) else f"{hostname}:{port}")
        for pk, hostname, port in found()["sites"]
    ]


class _Several(django_filters.MultipleChoiceFilter):
    """Any of the ticked ones."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, widget=forms.CheckboxSelectMultiple, **kwargs)

    def filter(self, orders, values):
        return orders.filter(**{f"{self.field_name}__in": values}) if values else orders


class _FoundField(django_filters.fields.MultipleChoiceField):
    """What one process has found already, another may not know yet: such a value simply finds its orders."""

    def valid_value(self, value):
        return len(value) <= 50 and "\0" not in value


class _SeveralFound(_Several):
    """Any of the ticked ones, of values that orders have."""

    field_class = _FoundField


class _SeveralKeys(_SeveralFound):
    """The same for what is known by its primary key."""

    def filter(self, orders, values):
        keys = [
            int(value) for value in values or () if value.isascii() and value.isdigit() and len(value) < 19
        ]
        return orders.filter(**{f"{self.field_name}__in": keys}) if values else orders


class _Country(_SeveralFound):
    """Any of the countries that parcels go to."""

    def filter(self, orders, values):
        if not values:
            return orders
        address = OrderAddress.objects.filter(
            order=OuterRef("pk"), kind=OrderAddress.Kind.SHIPPING, country__in=values
        )
        return orders.filter(Exists(address))


class _Between(django_filters.DateFromToRangeFilter):
    """From the first day's beginning to the last day's end."""

    def filter(self, orders, value):
        # The calendar's very ends have no moment in every time zone.
        days = [day for day in (value.start, value.stop) if day] if value else []
        if any(not 2 <= day.year <= 9998 for day in days):
            return orders.none()
        return super().filter(orders, value)


class _SumBetween(django_filters.RangeFilter):
    """From one sum to another, as far as an order's total can be."""

    def filter(self, orders, value):
        if not value:
            return orders
        least = max(value.start or 0, 0)
        most = MAX_AMOUNT if value.stop is None else min(value.stop, MAX_AMOUNT)
        return orders.none() if least > most else super().filter(orders, slice(least, most))


class OrderFilterSet(WagtailFilterSet):
    payment_status = _Several(label=_("Payment"), choices=PaymentStatus.choices)
    fulfillment_status = _Several(label=_("Fulfilment"), choices=FulfillmentStatus.choices)
    status = django_filters.ChoiceFilter(
        label=pgettext_lazy("orders", "Cancelled"),
        choices=[(OrderStatus.OPEN, _("Not cancelled")), (OrderStatus.CANCELLED, _("Cancelled only"))],
        empty_label=pgettext_lazy("orders", "All"),
        widget=forms.RadioSelect,
    )
    payment_method = _SeveralFound(label=_("How it is paid"), choices=_payment_methods)
    shipping_method = _SeveralKeys(
        label=_("Shipping method"),
        choices=_shipping_methods,
    )
    country = _Country(label=_("Country"), choices=_countries)
    site = _SeveralKeys(label=_("Site"), choices=_sites)
    placed_at = _Between(label=_("Placed between"), widget=DateRangePickerWidget)
    total = _SumBetween(label=_("Total between"), widget=NumberRangeWidget)
    needs_look = django_filters.ChoiceFilter(
        label=_("Needs a look"),
        choices=[("true", _("Needs a look"))],
        empty_label=pgettext_lazy("orders", "All"),
        widget=forms.RadioSelect,
        method="filter_needs_look",
    )

    mails = django_filters.ChoiceFilter(
        label=_("E-mails"),
        choices=[("failed", _("Could not be delivered"))],
        empty_label=pgettext_lazy("orders", "All"),
        widget=forms.RadioSelect,
        method="filter_mails",
    )

    class Meta:
        model = Order
        fields = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if len(found()["sites"]) < 2:
            del self.filters["site"]

    def filter_mails(self, orders, name, value):
        return orders.filter(Exists(Notification.objects.given_up().filter(event__order=OuterRef("pk"))))

    def filter_needs_look(self, orders, name, value):
        return orders.filter(needs_look=True)
