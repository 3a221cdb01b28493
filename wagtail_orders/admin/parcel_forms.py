"""The forms about parcels: sending some, correcting one, taking one back."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from .. import lifecycle, tracking
from ..models import ShippingMethod
from ..templatetags.wagtail_orders_tags import web_link
from .choices import found
from .order_form import OrderForm, TellingForm
from .parcel_input import LINK_LENGTH, ParcelInput, offered_methods, read_parcel

#: More at once are a mistake in what was pasted.
MOST_PARCELS = 100


def doubt(numbers):
    """What is asked about numbers whose check digit does not fit."""
    return _("Look once more: the check digit of %(numbers)s does not fit.") % {"numbers": ", ".join(numbers)}


def several(numbers):
    """Why ``numbers`` cannot be one parcel's."""
    return _("These are %(count)s numbers; a parcel has one.") % {"count": len(numbers)}


class _ParcelForm(TellingForm):
    """A form with a shipping method, and what was typed for the parcels."""

    switch = "mail_shipped"
    icon = "redirect"
    #: Whether a number is doubted, and the tick-box that confirms it is shown.
    is_doubted = False
    is_several = True

    shipping_method = forms.TypedChoiceField(
        label=gettext_lazy("Shipping method"), required=False, coerce=int, empty_value=None
    )
    tracking_number = forms.CharField(
        label=gettext_lazy("Parcel number or link"), required=False, max_length=MOST_PARCELS * LINK_LENGTH
    )
    is_certain = forms.BooleanField(label=gettext_lazy("The number is right"), required=False)

    @property
    def own_method(self):
        """The primary key and the name of the method that stands there to begin with."""
        return self.order.shipping_method_id, self.order.shipping_method_name

    def initial_values(self):
        return {**super().initial_values(), "shipping_method": self.own_method[0]}

    def prepare(self):
        super().prepare()
        pk, name = self.own_method
        if self.is_bound:
            # What is sent is held against what is there, not against what was a minute ago.
            offered = {method.pk: method.name for method in offered_methods()}
        else:
            offered = {pk: name for pk, name, is_active in found()["shipping_methods"] if is_active}
        # The own one stands there though it is no longer offered, or not known to this process yet.
        self.fields["shipping_method"].choices = list(({pk or "": name or "–"} | offered).items())

    @cached_property
    def chosen_method(self):
        return ShippingMethod.objects.filter(pk=self.cleaned_data.get("shipping_method")).first()

    def clean_tracking_number(self):
        """What was typed as ``ParcelInput`` each."""
        text = self.cleaned_data["tracking_number"]
        method, methods = self.chosen_method, offered_methods()
        typed = tracking.read_numbers(text)
        if not self.is_several and len(typed) > 1:
            raise ValidationError(several(typed))
        if len(typed) > MOST_PARCELS:
            raise ValidationError(
                _("These are %(count)s parcels; %(most)s at a time can be sent."),
                params={"count": len(typed), "most": MOST_PARCELS},
            )
        parcels = [read_parcel(one, method=method, methods=methods) for one in typed if one]
        return parcels or [ParcelInput(method=method)]

    def clean(self):
        cleaned = super().clean()
        doubtful = [parcel.number for parcel in cleaned.get("tracking_number", ()) if parcel.is_doubtful]
        if doubtful:
            self.is_doubted = True
            if not cleaned.get("is_certain"):
                self.add_error("tracking_number", doubt(doubtful))
        return cleaned


class ShipForm(_ParcelForm):
    slug = "ship"
    template_name = "wagtail_orders/admin/ship_form.html"
    telling = gettext_lazy("Tell the customer that the order has been shipped (%(email)s, in %(language)s)")
    closing = ("notify_customer", "handled")
    title = pgettext_lazy("order", "Ship")
    submit = pgettext_lazy("order", "Ship")

    handled = forms.BooleanField(
        label=gettext_lazy("and mark the order as handled"), required=False, initial=True
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        #: The parcels that were written.
        self.made = []

    @cached_property
    def left(self):
        """The lines of which something is left to send, with how much."""
        left = {line: line.quantity - (line.sent or 0) for line in self.order.lines.all()}
        return {line: quantity for line, quantity in left.items() if quantity > 0}

    def prepare(self):
        super().prepare()
        self.fields["tracking_number"].widget = forms.Textarea(attrs={"rows": 2})
        self.fields["tracking_number"].help_text = _("Several parcels: each on a line of its own.")
        for line, quantity in self.left.items():
            self.fields[f"quantity_{line.pk}"] = forms.DecimalField(
                label=line.name,
                min_value=0,
                max_value=quantity,
                decimal_places=4,
                required=False,
                initial=f"{quantity.normalize():f}",
                widget=forms.NumberInput(attrs={"step": "any"}),
            )
        self.order_fields([name for name in self.fields if name not in self.closing])

    @property
    def quantities(self):
        """The fields for a part of what is left, each with its line and how much that is."""
        return [(self[f"quantity_{line.pk}"], line, quantity) for line, quantity in self.left.items()]

    @property
    def is_partial(self):
        """Whether somebody chose less than all."""
        return any(
            field.errors or str(field.value()) != str(field.initial) for field, *_rest in self.quantities
        )

    def contents(self):
        """What lies in the first parcel, as ``ship`` takes it: None is all that is left."""
        names = {line: f"quantity_{line.pk}" for line in self.left}
        if not any(self.add_prefix(name) in self.data for name in names.values()):
            return None
        wanted = {line: self.cleaned_data[name] or 0 for line, name in names.items()}
        return None if wanted == self.left else {line: number for line, number in wanted.items() if number}

    def act(self, tracking_number, notify_customer=False, handled=None, **values):
        parcels, self.made = tracking_number, []
        for position, parcel in enumerate(parcels, start=1):
            self.made.append(
                lifecycle.ship(
                    self.order,
                    shipping_method=parcel.method,
                    tracking_number=parcel.number,
                    tracking_url=parcel.url,
                    # The first has all the goods; of the others nobody knows what lies in which.
                    lines=self.contents() if position == 1 else {},
                    # One mail names them all.
                    notify_customer=notify_customer and position == len(parcels),
                    handled=handled,
                    user=self.user,
                )
            )

    def done(self):
        return ngettext(
            "A parcel of order %(number)s is on its way.",
            "%(count)s parcels of order %(number)s are on their way.",
            len(self.made),
        ) % {"number": self.order.number, "count": len(self.made)}


class AnotherForm(ShipForm):
    """A further parcel of goods that were sent already, whose number comes late."""

    slug = "another"
    closing = ("notify_customer",)
    title = gettext_lazy("Another parcel")
    handled = None
    left = {}

    def contents(self):
        return {}

    def act(self, **values):
        # An order that is open though all of it was sent was left so.
        super().act(**values, handled=False)


class CorrectForm(_ParcelForm):
    """``subject`` is the parcel. A new number or method makes a new link, unless one is typed."""

    slug = "correct"
    said = gettext_lazy("The parcel of order %(number)s is corrected.")
    is_several = False

    tracking_url = forms.CharField(label=gettext_lazy("Link"), required=False, max_length=LINK_LENGTH)
    #: What the fields held when they were read, so that only what was touched is written over others' changes.
    was_number = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    was_url = forms.CharField(widget=forms.HiddenInput, required=False)

    @property
    def own_method(self):
        return self.subject.shipping_method_id, self.subject.shipping_method_name

    def initial_values(self):
        return {
            **super().initial_values(),
            "tracking_number": self.subject.tracking_number,
            "was_number": self.subject.tracking_number,
            "tracking_url": web_link(self.subject.tracking_url),
            "was_url": web_link(self.subject.tracking_url),
            # She was told of the parcel, if she was to be; of its correction only if that is said.
            "notify_customer": False,
        }

    def prepare(self):
        super().prepare()
        self.fields["tracking_url"].help_text = _("Leave it: a new number makes a new link by itself.")

    def add_prefix(self, field_name):
        return f"{super().add_prefix(field_name)}-{self.subject.pk}"

    def refresh(self, seen):
        super().refresh(seen)
        for field, was in (("tracking_number", "was_number"), ("tracking_url", "was_url")):
            now = self.initial[field]
            if self.data.get(self.add_prefix(field)) == self.data.get(self.add_prefix(was)):
                self.data[self.add_prefix(field)] = now
            self.data[self.add_prefix(was)] = now

    def clean_tracking_number(self):
        text = self.cleaned_data["tracking_number"]
        if text == self.subject.tracking_number:
            # It may come from elsewhere and look as nobody would type it.
            return [ParcelInput(text, self.chosen_method)]
        return super().clean_tracking_number()

    def act(self, tracking_number, tracking_url, was_url, notify_customer=False, **values):
        (parcel,) = tracking_number
        typed = tracking_url if tracking_url != was_url else None
        lifecycle.update_shipment(
            self.subject,
            shipping_method=parcel.method,
            tracking_number=parcel.number,
            tracking_url=parcel.url or typed,
            notify_customer=notify_customer,
            user=self.user,
        )


class CancelParcelForm(OrderForm):
    """``subject`` is the parcel."""

    slug = "cancel-parcel"
    said = gettext_lazy("A parcel of order %(number)s is cancelled; what was in it is to be sent again.")

    def add_prefix(self, field_name):
        return f"{super().add_prefix(field_name)}-{self.subject.pk}"

    def act(self):
        lifecycle.cancel_shipment(self.subject, user=self.user)


SHIP_FORMS = (ShipForm, AnotherForm)
PARCEL_FORMS = {form.slug: form for form in (CorrectForm, CancelParcelForm)}
