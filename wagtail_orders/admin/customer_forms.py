"""The forms about the customer: details, remarks and notes."""

import json

from django import forms
from django.core.exceptions import PermissionDenied
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import lifecycle
from ..models import OrderNote
from .fields import countries
from .order_form import OrderForm


class RemarksForm(OrderForm):
    slug = "remarks"
    said = gettext_lazy("The remarks of order %(number)s are saved.")
    icon = "comment"

    customer_note = forms.CharField(
        label=gettext_lazy("Customer's remarks"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=50_000,
        required=False,
    )

    def initial_values(self):
        return {"customer_note": self.order.customer_note}

    def act(self, **values):
        return lifecycle.edit_customer(self.order, user=self.user, **values)


_ADDRESS = {
    "name": (gettext_lazy("Name"), 255),
    "company": (gettext_lazy("Company"), 255),
    "street": (gettext_lazy("Street"), 500),
    "postal_code": (gettext_lazy("Postal code"), 20),
    "city": (gettext_lazy("City"), 255),
    "region": (gettext_lazy("Region"), 255),
    "country": (gettext_lazy("Country"), 2),
    "phone": (gettext_lazy("Phone"), 64),
}
_KINDS = {
    "shipping": gettext_lazy("Shipping address"),
    "billing": gettext_lazy("Billing address"),
}


class CustomerForm(OrderForm):
    slug = "customer"
    said = gettext_lazy("The customer of order %(number)s is saved.")
    icon = "user"

    #: What the fields held when they were read, so that only what was touched is written over others' changes.
    was = forms.JSONField(widget=forms.HiddenInput, required=False)
    customer_name = forms.CharField(label=gettext_lazy("Name"), max_length=255)
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=64, required=False)

    def initial_values(self):
        order = self.order
        values = {"customer_name": order.customer_name, "email": order.email, "phone": order.phone}
        for kind in _KINDS:
            address = getattr(order, f"{kind}_address")
            values |= {f"{kind}_{name}": getattr(address, name, "") for name in _ADDRESS}
        return {**values, "was": values}

    def refresh(self, seen):
        super().refresh(seen)
        was = self.cleaned_data.get("was")
        now = self.initial_values()
        for name, value in now["was"].items():
            key = self.add_prefix(name)
            # Browsers send a line's end as CR LF.
            typed = self.data.get(key, "").replace("\r\n", "\n")
            if isinstance(was, dict) and typed == was.get(name):
                self.data[key] = value
        self.data[self.add_prefix("was")] = json.dumps(now["was"])

    def prepare(self):
        choices = [("", "–"), *countries()]
        for kind in _KINDS:
            for name, (label, most) in _ADDRESS.items():
                field = forms.CharField(label=label, max_length=most, required=False)
                if name == "street":
                    field.widget = forms.Textarea(attrs={"rows": 2})
                if name == "country":
                    field = forms.ChoiceField(label=label, choices=choices)
                self.fields[f"{kind}_{name}"] = field

    @cached_property
    def groups(self):
        """The fields by heading, as the page shows them."""
        own = [self[name] for name in ("customer_name", "email", "phone")]
        groups = [(_("Customer"), own)]
        groups += [
            (heading, [self[f"{kind}_{name}"] for name in _ADDRESS]) for kind, heading in _KINDS.items()
        ]
        return groups

    def act(self, customer_name, email, phone, was, **values):
        addresses = {
            f"{kind}_address": lifecycle.Address(**{name: values[f"{kind}_{name}"] for name in _ADDRESS})
            for kind in _KINDS
        }
        return lifecycle.edit_customer(
            self.order, customer_name=customer_name, email=email, phone=phone, user=self.user, **addresses
        )


class NoteForm(OrderForm):
    # A note takes nothing away from what others wrote, so its forms need not know the order's version.
    version = seen = None
    slug = "note"
    said = gettext_lazy("The note is saved.")
    icon = "edit"
    text = forms.CharField(
        label=gettext_lazy("Write a note"), widget=forms.Textarea(attrs={"rows": 3}), max_length=50_000
    )
    visible_to_customer = forms.BooleanField(label=gettext_lazy("The customer may see it"), required=False)

    def act(self, **values):
        return lifecycle.add_note(self.order, user=self.user, **values)


class EditNoteForm(NoteForm):
    """One's own note; ``subject`` is the note."""

    slug = "edit-note"

    def initial_values(self):
        return {"text": self.subject.text, "visible_to_customer": self.subject.visible_to_customer}

    def prepare(self):
        self.fields["text"].label = _("Change the note")

    def add_prefix(self, field_name):
        return f"{super().add_prefix(field_name)}-{self.subject.pk}"

    def act(self, **values):
        try:
            return lifecycle.edit_note(self.subject, user=self.user, **values)
        except OrderNote.DoesNotExist:
            # Deleted in this very moment: the verb for a new one loses nothing.
            return super().act(**values)


class DeleteNoteForm(OrderForm):
    """One's own note; ``subject`` is the note."""

    version = seen = None
    slug = "delete-note"
    said = gettext_lazy("The note is deleted.")

    def act(self):
        return lifecycle.delete_note(self.subject, user=self.user)


def own_note(order, pk, user):
    """The order's note if ``user`` wrote it; ``PermissionDenied`` if somebody else did."""
    note = OrderNote.objects.filter(order=order, pk=pk).first()
    if note is not None and note.author_id != user.pk:
        raise PermissionDenied
    return note
