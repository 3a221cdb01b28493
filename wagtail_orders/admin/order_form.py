"""
What every form on an order's page has: it says what it needs, hands it to its verb, and notices others.

Each carries the order's ``version`` as it was read and ``seen``, the last entry of its journal, so that what
somebody else did meanwhile is noticed and told.
"""

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import lifecycle
from ..exceptions import TransitionRefused
from ..money import locale_of


class OrderForm(forms.Form):
    """A form about one order; ``save`` calls its verb and returns the message of its success."""

    #: Its name in the URL, and the id of its dialog or place in the page.
    slug = ""
    title = ""
    submit = gettext_lazy("Save")
    icon = "edit"
    template_name = "wagtail_orders/admin/form.html"
    permission = "change"
    is_grave = False
    #: What is said afterwards; it may name the order's ``number``.
    said = ""
    #: Somebody was faster; ``meanwhile`` is what they did.
    is_stale = False
    meanwhile = ()

    version = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data=None, *, order, user, seen=0, subject=None):
        self.order = order
        self.user = user
        self.subject = subject
        super().__init__(
            data,
            initial={"version": order.version, "seen": seen, **self.initial_values()},
            prefix=self.slug,
            label_suffix="",
        )
        self.prepare()

    def initial_values(self):
        return {}

    def prepare(self):
        """Fit the fields to the order."""

    def is_current(self):
        """Whether the order is still at the version that the form was filled in for."""
        version = self.cleaned_data.get("version")
        return version is None or version == self.order.version

    def refresh(self, seen):
        """Have the form, if it is sent once more, refer to the order as it is now."""
        self.data = self.data.copy()
        self.data[self.add_prefix("version")] = self.order.version
        self.data[self.add_prefix("seen")] = seen

    def save(self):
        """Do it. Returns False if the verb refused or found something wrong, which then stands in the errors."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("version", "seen")}

        def work():
            outcome = self.act(**values)
            if isinstance(outcome, lifecycle.Outcome):
                outcome.raise_if_refused()

        try:
            self.at_its_version(work)
        except ValidationError as error:
            self._take(error)
        except TransitionRefused as error:
            (reason,) = error.refused.values()
            self.add_error(
                None, _("Order %(number)s %(reason)s.") % {"number": self.order.number, "reason": reason}
            )
        return not self.errors

    def at_its_version(self, work):
        """Run ``work``, which calls the verb, if the order is still as the form was filled in for."""
        if "version" in self.fields:
            lifecycle.at_version(self.order, self.cleaned_data["version"], work)
        else:
            work()

    def act(self, **values):
        """Call the verb."""
        raise NotImplementedError

    def done(self):
        """What is said afterwards."""
        return self.said % {"number": self.order.number}

    def _take(self, error):
        for name, texts in getattr(error, "message_dict", {NON_FIELD_ERRORS: error.messages}).items():
            field = name.replace(".", "_").replace("_address_", "_")
            for text in texts:
                self.add_error(field if field in self.fields else None, text)


class TellingForm(OrderForm):
    """A form with the tick-box "Tell the customer", ticked to begin with where the site's settings say so."""

    #: The field of the site's settings.
    switch = ""
    #: The tick-box's words: who will be told, and in which language.
    telling = gettext_lazy("Tell the customer (%(email)s, in %(language)s)")
    #: The tick-boxes that stand after what they go along with.
    closing = ("notify_customer",)

    notify_customer = forms.BooleanField(label="", required=False)

    def initial_values(self):
        return {"notify_customer": getattr(self.order.shop, self.switch)}

    def prepare(self):
        if self.order.email:
            self.fields["notify_customer"].label = self.telling % whom(self.order)
        else:
            del self.fields["notify_customer"]
        self.order_fields([name for name in self.fields if name not in self.closing])


def whom(order):
    """Who is told when the customer is, and in which language, in the reader's."""
    return {"email": order.email, "language": locale_of(order.language).get_display_name(locale_of())}
