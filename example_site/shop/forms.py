"""What visitors may type: quantities, and the checkout's contact, addresses, sending and payment."""

from decimal import Decimal, InvalidOperation

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from wagtail_orders.lifecycle import Address
from wagtail_orders.models import ShippingMethod

from .countries import country_choices

BANK_TRANSFER = "bank_transfer"
ON_DELIVERY = "on_delivery"
PAYPAL = "paypal"
PAYMENT_METHODS = {
    BANK_TRANSFER: _("Bank transfer"),
    ON_DELIVERY: _("On delivery or at pick-up"),
    PAYPAL: "PayPal",
}
ADDRESS_FIELDS = ["company", "street", "postal_code", "city", "region", "country"]


class QuantityField(forms.Field):
    """Whole pieces, or kilograms with at most three decimals, typed with a point or a comma."""

    def __init__(self, *, by_weight, smallest, **kwargs):
        self.by_weight, self.smallest = by_weight, smallest
        mode = "decimal" if by_weight else "numeric"
        widget = forms.TextInput(attrs={"inputmode": mode, "class": "quantity", "autocomplete": "off"})
        super().__init__(widget=widget, **kwargs)

    def to_python(self, value):
        text = (value or "").strip().replace(",", ".")
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise forms.ValidationError(_("Enter a number."), code="invalid")
        return number

    def validate(self, value):
        super().validate(value)
        limit = Decimal(50) if self.by_weight else Decimal(99)
        places = 3 if self.by_weight else 0
        if not self.smallest <= value <= limit:
            raise forms.ValidationError(
                _("Enter a quantity from %(smallest)s to %(limit)s.")
                % {"smallest": self.smallest, "limit": limit},
                code="range",
            )
        if value != round(value, places):
            message = _("Enter at most three decimals.") if places else _("Enter a whole number.")
            raise forms.ValidationError(message, code="places")


def quantity_field(product, *, smallest=None, **kwargs):
    by_weight = product.unit == product.Unit.KILOGRAM
    if smallest is None:
        smallest = Decimal("0.1") if by_weight else Decimal(1)
    label = _("Weight in kg") if by_weight else _("Quantity")
    return QuantityField(by_weight=by_weight, smallest=smallest, label=label, **kwargs)


class AddToBasketForm(forms.Form):
    """The form on a product's page."""

    def __init__(self, *args, product, **kwargs):
        super().__init__(*args, **kwargs)
        if product.glaze_names:
            self.fields["glaze"] = forms.TypedChoiceField(
                label=_("Glaze"), choices=list(enumerate(product.glaze_names)), coerce=int
            )
        self.fields["quantity"] = quantity_field(product, initial="1")


class BasketLineForm(forms.Form):
    """The quantity of one line in the basket; 0 takes it out."""

    def __init__(self, *args, line, **kwargs):
        initial = {"quantity": number_format(format(line.quantity.normalize(), "f"), use_l10n=True)}
        super().__init__(*args, initial=initial, prefix=line.id, **kwargs)
        self.line = line
        self.fields["quantity"] = quantity_field(line.product, smallest=Decimal(0))


def text(label, *, required=True, autocomplete="", max_length=200, **kwargs):
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, required=required, max_length=max_length, widget=widget, **kwargs)


def address_fields(kind):
    """The form fields of one address; browsers fill them in by their `autocomplete` tokens."""
    return {
        "company": text(_("Company"), required=False, autocomplete=f"{kind} organization"),
        "street": forms.CharField(
            label=_("Street and number"),
            max_length=300,
            widget=forms.Textarea(attrs={"rows": 2, "autocomplete": f"{kind} street-address"}),
        ),
        "postal_code": text(
            _("Postal code"), required=False, autocomplete=f"{kind} postal-code", max_length=20
        ),
        "city": text(_("Town or city"), autocomplete=f"{kind} address-level2", max_length=100),
        "region": text(
            _("Region or state"), required=False, autocomplete=f"{kind} address-level1", max_length=100
        ),
        "country": forms.ChoiceField(
            label=_("Country"),
            choices=country_choices,
            widget=forms.Select(attrs={"autocomplete": f"{kind} country"}),
        ),
    }


class CheckoutForm(forms.Form):
    """Everything `place_order` wants to know from the customer; PayPal is a choice where it is offered."""

    customer_name = text(_("Your name"), autocomplete="billing name")
    email = forms.EmailField(
        label=_("E-mail"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("For the confirmation and news about your parcel."),
    )
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        help_text=_("Only for the courier."),
    )
    other_address = forms.BooleanField(label=_("Send it to another address"), required=False)
    shipping_name = text(_("Name of the receiver"), autocomplete="shipping name")
    payment_method = forms.ChoiceField(
        label=_("Payment"),
        initial=BANK_TRANSFER,
        widget=forms.RadioSelect,
    )
    customer_note = forms.CharField(
        label=_("Remarks"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A wish, a door code, a day that suits you."),
    )
    gift_message = forms.CharField(
        label=_("Gift message"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("We write it by hand on a card in the parcel."),
    )

    def __init__(self, *args, offers_paypal, **kwargs):
        super().__init__(*args, **kwargs)
        for kind in ("billing", "shipping"):
            for name, field in address_fields(kind).items():
                self.fields[f"{kind}_{name}"] = field
        self.fields["payment_method"].choices = [
            (code, name) for code, name in PAYMENT_METHODS.items() if code != PAYPAL or offers_paypal
        ]
        methods = ShippingMethod.objects.filter(is_active=True).order_by("sort_order", "pk")
        self.fields["shipping_method"] = forms.ModelChoiceField(
            label=_("Sending"),
            queryset=methods,
            initial=methods.first(),
            empty_label=None,
            widget=forms.RadioSelect,
        )
        billing, shipping = self.billing_fields(), self.shipping_fields()
        first = ["customer_name", "email", "phone", *(field.name for field in billing), "other_address"]
        self.order_fields([*first, *(field.name for field in shipping), "shipping_method"])

    def clean(self):
        """What stands in the other address does not matter when there is none."""
        if not self.cleaned_data.get("other_address"):
            for field in self.shipping_fields():
                self.errors.pop(field.name, None)
        return self.cleaned_data

    def contact_fields(self):
        return [self[name] for name in ("customer_name", "email", "phone")]

    def billing_fields(self):
        return [self[f"billing_{name}"] for name in ADDRESS_FIELDS]

    def shipping_fields(self):
        return [self[f"shipping_{name}"] for name in ["name", *ADDRESS_FIELDS]]

    def billing_address(self):
        data = self.cleaned_data
        return Address(
            name=data["customer_name"], **{name: data[f"billing_{name}"] for name in ADDRESS_FIELDS}
        )

    def shipping_address(self):
        """The other address, or None when the parcel goes to the billing address."""
        if not self.cleaned_data["other_address"]:
            return None
        return Address(**{name: self.cleaned_data[f"shipping_{name}"] for name in ["name", *ADDRESS_FIELDS]})

    def invalid_fields(self):
        """The fields to look at again, each with a label that says which address it is of."""
        in_other_address = _("Other address: %(field)s")
        other_address = {field.name for field in self.shipping_fields()}
        return [
            (field, in_other_address % {"field": field.label} if field.name in other_address else field.label)
            for field in self
            if field.errors
        ]

    def add_order_errors(self, error):
        """Show what `place_order` refused next to the field it is about, else above the form."""
        by_key = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for key, messages in by_key.items():
            name = key.replace("_address.", "_")
            name = "customer_name" if name == "billing_name" else name
            for message in messages:
                self.add_error(name if name in self.fields else None, message)
