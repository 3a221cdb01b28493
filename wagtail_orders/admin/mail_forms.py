"""The forms about mails: one of the owner's own words, and one that is sent again."""

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import lifecycle, wording
from ..models import Notification
from ..notifications import render
from .order_form import OrderForm


class MailForm(OrderForm):
    slug = "mail"
    said = gettext_lazy("Your mail about order %(number)s is on its way.")
    title = gettext_lazy("Write a mail")
    submit = gettext_lazy("Send")
    icon = "mail"

    # Only the page's script reads it: a text that is gone meanwhile keeps no mail back.
    saved = forms.CharField(label=gettext_lazy("Saved text"), widget=forms.Select, required=False)
    recipient = forms.EmailField(label=gettext_lazy("To"), max_length=254)
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=255)
    text = forms.CharField(
        label=gettext_lazy("Text"), widget=forms.Textarea(attrs={"rows": 10}), max_length=50_000
    )

    def initial_values(self):
        return {"recipient": self.order.email, "subject": render.standard_subject(self.order)}

    def prepare(self):
        if self.order.has_saved_texts:
            # The page's script asks for the texts when the dialog opens; till then there is what was chosen.
            chosen = self.data.get(self.add_prefix("saved"))
            self.fields["saved"].widget.choices = [("", "–"), *([(chosen, "…")] if chosen else [])]
            url = reverse("wagtail_orders:saved_texts", args=(self.order.pk,))
            self.fields["saved"].widget.attrs["data-orders-texts"] = url
        else:
            del self.fields["saved"]

    def act(self, subject, text, recipient, saved=None):
        # She may have written placeholders herself, as she does in a saved text.
        known = render.facts(self.order)
        lifecycle.write_mail(
            self.order,
            subject=wording.fill(subject, known),
            text=wording.fill(text, known),
            recipient=recipient,
            user=self.user,
        )


class ResendForm(OrderForm):
    """``subject`` is the mail."""

    slug = "resend"
    said = gettext_lazy("The mail is on its way once more.")
    title = gettext_lazy("Send once more")
    submit = gettext_lazy("Send once more")
    icon = "mail"

    recipient = forms.EmailField(label=gettext_lazy("To"), max_length=254)

    def initial_values(self):
        return {"recipient": self.subject.recipient}

    def prepare(self):
        if self.subject.state == Notification.State.FAILED:
            self.fields["recipient"].help_text = _("Correct the address if it is wrong.")

    def act(self, **values):
        lifecycle.resend_mail(self.subject, user=self.user, **values)


class DismissForm(OrderForm):
    """``subject`` is the mail."""

    version = seen = None
    slug = "dismiss"
    said = gettext_lazy("The mail is left unsent.")

    def act(self):
        lifecycle.dismiss_mail(self.subject)


MAIL_FORMS = {form.slug: form for form in (ResendForm, DismissForm)}
