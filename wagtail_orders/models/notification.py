"""One e-mail about an order: queued, sent, and kept as it was sent."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .event import OrderEvent


class Notification(models.Model):
    """One e-mail to one recipient because of one event."""

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("e-mail", "Queued")
        SENDING = "sending", pgettext_lazy("e-mail", "Sending")
        SENT = "sent", pgettext_lazy("e-mail", "Sent")
        FAILED = "failed", pgettext_lazy("e-mail", "Failed")

    event = models.ForeignKey(OrderEvent, models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=40)
    recipient = models.EmailField(_("recipient"), max_length=254)
    language = models.CharField(_("language"), max_length=16)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    subject = models.CharField(_("subject"), max_length=998, blank=True)
    text_body = models.TextField(_("text"), blank=True)
    html_body = models.TextField(_("HTML"), blank=True)
    created_at = models.DateTimeField(_("queued"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        ordering = ["id"]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="orders_mail_due")]
        constraints = [
            models.UniqueConstraint(fields=["event", "kind", "recipient"], name="orders_mail_once"),
        ]

    def __str__(self):
        return f"{self.kind} → {self.recipient}"
