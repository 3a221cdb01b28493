"""What the owner writes herself: the words of the mails that go by themselves, and texts kept for later."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.coreutils import get_content_languages
from wagtail.models import PreviewableMixin, Site

from .. import wording
from .notification import Notification
from .order import Order

#: How many orders a preview offers.
_OFFERED = 5


def mail_kinds():
    """The kinds of mail that go by themselves."""
    return [choice for choice in Notification.Kind.choices if choice[0] != Notification.Kind.MESSAGE]


def languages():
    """The languages that customers may have: the project's own choice, not the hundred that Django knows."""
    if settings.is_overridden("LANGUAGES"):
        return settings.LANGUAGES
    return list(get_content_languages().items())


def check_words(texts, kind):
    """Refuse what stands in braces and is no placeholder; ``texts`` by field."""
    errors = {}
    for name, text in texts.items():
        if unknown := wording.unknown(text, kind):
            errors[name] = _("%(unknown)s is no placeholder. There are: %(known)s.") % {
                "unknown": _in_braces(unknown),
                "known": _in_braces(wording.allowed(kind)),
            }
    if errors:
        raise ValidationError(errors)


def _in_braces(names):
    return ", ".join(f"{{{name}}}" for name in names)


class MailText(PreviewableMixin, models.Model):
    """The owner's own words for one kind of mail in one language; what is left empty is the standard text."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="+", verbose_name=_("site"))
    kind = models.CharField(_("e-mail"), max_length=40, choices=mail_kinds)
    language = models.CharField(_("language"), max_length=16, choices=languages)
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    opening = models.TextField(_("opening text"), max_length=10_000, blank=True)
    closing = models.TextField(_("closing text"), max_length=10_000, blank=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("e-mail text")
        verbose_name_plural = _("e-mail texts")
        ordering = ["site_id", "kind", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "kind", "language"],
                name="orders_one_mail_text",
                violation_error_message=_("There is a text for this e-mail in this language already."),
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()} ({self.get_language_display()})"

    @cached_property
    def preview_modes(self):
        """
        The newest orders, of the site if it has any, each as the mail would look and as plain text; without an
        order there is nothing to choose from.
        """
        newest = Order.objects.values_list("pk", "number", "customer_name")
        found = newest.filter(site=self.site_id)[:_OFFERED] or newest[:_OFFERED]
        named = [(str(pk), f"{number}, {name}") for pk, number, name in found]
        if not named:
            return self.DEFAULT_PREVIEW_MODES
        return named + [(f"{pk}.text", _("%(order)s (plain text)") % {"order": name}) for pk, name in named]

    def clean(self):
        super().clean()
        check_words({name: getattr(self, name) for name in ("subject", "opening", "closing")}, self.kind)


class SavedText(models.Model):
    """A text that the owner sends to customers time and again."""

    name = models.CharField(_("name"), max_length=255, help_text=_("Only you read it."))
    subject = models.CharField(_("subject"), max_length=255)
    text = models.TextField(_("text"), max_length=10_000)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("saved text")
        verbose_name_plural = _("saved texts")
        ordering = ["name", "id"]

    def __str__(self):
        return self.name

    def clean(self):
        super().clean()
        check_words({"subject": self.subject, "text": self.text}, Notification.Kind.MESSAGE)
