"""The forms that move an order on: paid, cancelled, and the ways back; and all forms of its page by name."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import lifecycle
from ..models.settings import local_moment
from .actions import ACTIONS
from .customer_forms import CustomerForm, DeleteNoteForm, EditNoteForm, NoteForm, RemarksForm
from .fields import AmountField, day_input, payment_methods
from .mail_forms import MailForm
from .order_form import OrderForm, TellingForm
from .parcel_forms import SHIP_FORMS
from .provider_forms import ProviderRefundForm, came_through


def _today():
    return local_moment(timezone.now()).date()


class PayForm(TellingForm):
    slug = "pay"
    switch = "mail_payment_received"
    title = gettext_lazy("Mark as paid")
    submit = gettext_lazy("Mark as paid")
    icon = "check"

    amount = AmountField(label=gettext_lazy("Amount"))
    received_on = forms.DateField(label=gettext_lazy("Received on"), widget=day_input())
    method = forms.ChoiceField(label=gettext_lazy("How it was paid"), choices=payment_methods)

    def initial_values(self):
        known = dict(payment_methods())
        method = self.order.payment_method
        return {
            **super().initial_values(),
            "amount": self.order.rounded(self.order.amount_due),
            "received_on": _today(),
            "method": method if method in known else "manual",
        }

    def prepare(self):
        super().prepare()
        self.fields["amount"].help_text = _("In %(currency)s; a part is possible.") % {
            "currency": self.order.currency
        }

    def act(self, **values):
        return lifecycle.record_payment(self.order, user=self.user, **values)

    def done(self):
        if self.order.amount_due:
            return _("Payment of %(amount)s noted; %(due)s is still owed.") % {
                "amount": self.order.format(self.cleaned_data["amount"]),
                "due": self.order.format(self.order.amount_due),
            }
        return ACTIONS["mark-paid"].done % {"number": self.order.number}


class UnpayForm(OrderForm):
    slug = "unpay"
    said = ACTIONS["mark-unpaid"].done
    title = gettext_lazy("Mark as unpaid")
    submit = gettext_lazy("Mark as unpaid")
    icon = "rotate"

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)

    def act(self, **values):
        return lifecycle.mark_unpaid(self.order, user=self.user, **values)


class RefundForm(TellingForm):
    slug = "refund"
    switch = "mail_refunded"
    title = gettext_lazy("Record a refund")
    submit = gettext_lazy("Record the refund")
    icon = "rotate"

    amount = AmountField(label=gettext_lazy("Amount"))
    received_on = forms.DateField(label=gettext_lazy("Sent back on"), widget=day_input())
    method = forms.ChoiceField(label=gettext_lazy("How it was sent back"), choices=payment_methods)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)

    def initial_values(self):
        return {
            **super().initial_values(),
            "amount": self.order.rounded(self.order.amount_paid - self.order.amount_refunded),
            "received_on": _today(),
            "method": "bank_transfer",
        }

    def prepare(self):
        super().prepare()
        words = {"currency": self.order.currency, "provider": came_through(self.order)}
        self.fields["amount"].help_text = (
            _("In %(currency)s. The money itself is sent by you; this notes that it was.") % words
        )
        if words["provider"]:
            self.fields["amount"].help_text = (
                _(
                    "In %(currency)s. This sends nothing. What is left came through %(provider)s: use “Refund "
                    "through %(provider)s”, which sends it and notes it. Note here only what you have sent back "
                    "yourself."
                )
                % words
            )

    def act(self, **values):
        return lifecycle.record_refund(self.order, user=self.user, **values)

    def done(self):
        return _("Refund of %(amount)s noted.") % {"amount": self.order.format(self.cleaned_data["amount"])}


class CancelForm(TellingForm):
    slug = "cancel"
    switch = "mail_cancelled"
    said = ACTIONS["cancel"].done
    title = gettext_lazy("Cancel order")
    submit = gettext_lazy("Cancel the order")
    icon = "cross"
    is_grave = True

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)

    def act(self, **values):
        return lifecycle.cancel(self.order, user=self.user, **values)


class DeleteForm(OrderForm):
    slug = "delete"
    said = ACTIONS["delete"].done
    title = gettext_lazy("Delete order")
    submit = gettext_lazy("Delete for good")
    icon = "bin"
    permission = "delete"
    is_grave = True

    def act(self):
        return lifecycle.delete(self.order, user=self.user)


FORMS = {
    form.slug: form
    for form in (
        PayForm,
        UnpayForm,
        RefundForm,
        ProviderRefundForm,
        CancelForm,
        DeleteForm,
        *SHIP_FORMS,
        RemarksForm,
        CustomerForm,
        NoteForm,
        MailForm,
    )
}
NOTE_FORMS = {form.slug: form for form in (EditNoteForm, DeleteNoteForm)}
