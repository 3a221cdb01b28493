"""The form that sends money back through the payment provider that it came through."""

import uuid
from typing import NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..conf import payment_method_label
from ..exceptions import ProviderFailed
from ..lifecycle.checking import Checker
from ..models import Payment
from ..payments import provider_of
from .fields import AmountField
from .order_form import TellingForm

_ALIVE = (Payment.State.CONFIRMED, Payment.State.PENDING)


class Refundable(NamedTuple):
    """A payment that its provider can send back, and how much of it at the most."""

    payment: Payment
    left: object

    @property
    def provider(self):
        """What people call the provider."""
        return str(payment_method_label(self.payment.method))


def refundable(order):
    """
    What ``order``'s providers can send back, payment by payment. The ledger does not say which of a provider's
    payments a refund belongs to: where there are several, each has at the most what is left of them together.
    Asks the database nothing where the order's payments are read already.
    """
    entries = [entry for entry in order.payments.all() if not entry.is_manual and entry.state in _ALIVE]
    refunds = [entry for entry in entries if entry.kind == Payment.Kind.REFUND]
    on_its_way = sum(refund.amount for refund in refunds if refund.state == Payment.State.PENDING)
    left_of_order = order.amount_paid - order.amount_refunded - on_its_way
    payments = [
        entry
        for entry in entries
        if entry.kind == Payment.Kind.PAYMENT and entry.state == Payment.State.CONFIRMED
    ]

    def left(payment):
        together = sum(other.amount for other in payments if other.method == payment.method)
        gone = sum(refund.amount for refund in refunds if refund.method == payment.method)
        return min(payment.amount, together - gone, left_of_order)

    found = [Refundable(payment, left(payment)) for payment in payments]
    return [one for one in found if one.left > 0 and provider_of(one.payment) is not None]


def came_through(order):
    """The name of the provider through which all came that is left of the order's payments, or ""."""
    found = refundable(order)
    names = {one.provider for one in found}
    covered = sum(one.left for one in found) >= order.amount_paid - order.amount_refunded
    return names.pop() if len(names) == 1 and covered else ""


class ProviderRefundForm(TellingForm):
    slug = "refund-provider"
    switch = "mail_refunded"
    icon = "rotate"
    #: Whether the provider was asked: what the order became since is its answer's doing.
    was_asked = False

    payment = forms.ChoiceField(label=gettext_lazy("Which payment"))
    amount = AmountField(label=gettext_lazy("Amount"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)
    key = forms.UUIDField(widget=forms.HiddenInput)

    @cached_property
    def refundable(self):
        return refundable(self.order)

    @property
    def provider(self):
        """What people call the provider, or the providers."""
        return " / ".join(dict.fromkeys(one.provider for one in self.refundable))

    @property
    def title(self):
        if not self.refundable:
            return _("Refund through the provider")
        return _("Refund through %(provider)s") % {"provider": self.provider}

    @property
    def submit(self):
        return _("Send it back")

    def initial_values(self):
        first = self.refundable[0] if self.refundable else None
        return {
            **super().initial_values(),
            "payment": first and first.payment.pk,
            "amount": first and self.order.rounded(first.left),
            "key": uuid.uuid4(),
        }

    def prepare(self):
        super().prepare()
        self._offer()

    def _offer(self):
        """Fit what can be chosen to what is left."""
        field = self.fields["payment"]
        field.choices = [(str(one.payment.pk), self._label(one)) for one in self.refundable]
        if len(self.refundable) < 2:
            field.widget = forms.HiddenInput()
        if len(self.refundable) == 1:
            words = {"currency": self.order.currency, "provider": self.provider}
            words["amount"] = self.order.format(self.refundable[0].left)
            self.fields["amount"].help_text = (
                _("In %(currency)s; at the most %(amount)s. %(provider)s sends it to the customer.") % words
            )

    def _label(self, one):
        words = {
            "provider": one.provider,
            "amount": self.order.format(one.payment.amount),
            "day": date_format(one.payment.received_on),
            "left": self.order.format(one.left),
            "reference": one.payment.reference,
        }
        return _("%(provider)s, %(amount)s of %(day)s (%(reference)s): at the most %(left)s") % words

    def refresh(self, seen):
        super().refresh(seen)
        del self.refundable
        self._offer()

    def is_current(self):
        return self.was_asked or super().is_current()

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        checker = Checker()
        checker.amount("amount", amount, self.order.currency, above=0)
        try:
            checker.raise_errors()
        except ValidationError as error:
            raise ValidationError(error.messages) from None
        return amount

    def clean(self):
        values = super().clean()
        if not self.refundable:
            self.errors.pop("payment", None)
            raise ValidationError(_("Nothing is left that could be sent back through a payment provider."))
        chosen = self._chosen(values.get("payment"))
        if chosen and values.get("amount") and values["amount"] > chosen.left:
            words = {"amount": self.order.format(chosen.left)}
            self.add_error("amount", _("At the most %(amount)s can still be sent back.") % words)
        return values

    def _chosen(self, pk):
        return next((one for one in self.refundable if str(one.payment.pk) == pk), None)

    def at_its_version(self, work):
        # No transaction is open while the provider is asked; what it did is noted whatever happens meanwhile.
        super().at_its_version(lambda: None)
        work()

    def act(self, payment, key, **values):
        chosen = self._chosen(payment)
        self.was_asked = True
        try:
            self.entry = provider_of(chosen.payment).refund(
                chosen.payment, key=key.hex, user=self.user, **values
            )
        except ProviderFailed as error:
            raise ValidationError(f"{error} {self._advice(error, chosen)}") from error
        if self.entry.state == Payment.State.FAILED:
            # The same key would only get the same answer.
            self.data = self.data.copy()
            self.data[self.add_prefix("key")] = str(uuid.uuid4())
            raise ValidationError(_("%(provider)s did not send it back.") % {"provider": chosen.provider})

    def _advice(self, error, chosen):
        words = {"provider": chosen.provider}
        if not error.is_passing:
            return _("If you correct it and try again in this dialog, it is sent at most once.")
        return (
            _(
                "It is not known whether %(provider)s has sent the money. If you try again in this dialog, it is "
                "sent only once; a new refund, begun after leaving this page, would be a second one."
            )
            % words
        )

    def done(self):
        words = {
            "provider": payment_method_label(self.entry.method),
            "amount": self.order.format(self.entry.amount),
        }
        if self.entry.state == Payment.State.PENDING:
            return _("%(provider)s is sending %(amount)s back.") % words
        return _("%(amount)s sent back through %(provider)s.") % words
