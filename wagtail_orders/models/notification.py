"""One e-mail about an order: queued, sent, and kept as it was sent."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .event import OrderEvent


class NotificationQuerySet(models.QuerySet):
    def due(self, now):
        """Those to be sent, or sent again: also what a process that died was sending."""
        return self.filter(state__in=Notification.WAITING, next_attempt_at__lte=now)

    def given_up(self):
        """Those that were not delivered and that nobody has seen to yet."""
        return self.filter(state=Notification.State.FAILED, settled_at__isnull=True)


class Notification(models.Model):
    """One e-mail to one recipient because of one event."""

    class Kind(models.TextChoices):
        NEW_ORDER = "new_order", _("New order")
        NEEDS_LOOK = "needs_look", _("Needs a look")
        CONFIRMATION = "confirmation", _("Confirmation of the order")
        PAYMENT_RECEIVED = "payment_received", _("Payment received")
        SHIPPED = "shipped", _("Parcel on its way")
        CANCELLED = "cancelled", _("Order cancelled")
        REFUNDED = "refunded", _("Money refunded")
        MESSAGE = "message", _("Message to the customer")

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("e-mail", "Queued")
        SENDING = "sending", pgettext_lazy("e-mail", "Sending")
        SENT = "sent", pgettext_lazy("e-mail", "Sent")
        FAILED = "failed", pgettext_lazy("e-mail", "Failed")

    #: The kinds that the owner gets; all others go to the customer.
    FOR_OWNER = (Kind.NEW_ORDER, Kind.NEEDS_LOOK)
    WAITING = (State.QUEUED, State.SENDING)

    event = models.ForeignKey(OrderEvent, models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=40, choices=Kind)
    recipient = models.EmailField(_("recipient"), max_length=254)
    language = models.CharField(_("language"), max_length=16)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    #: When the sweep may send it (again); null once it is sent or given up.
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True, default=timezone.now)
    #: What the mail server answered to the last attempt.
    error = models.TextField(_("error"), blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    #: As it was sent; written before the first attempt, so that each attempt sends the same.
    subject = models.CharField(_("subject"), max_length=998, blank=True)
    text_body = models.TextField(_("text"), blank=True)
    html_body = models.TextField(_("HTML"), blank=True)
    created_at = models.DateTimeField(_("queued"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    #: A failed one that was sent again, or that the owner leaves at that.
    settled_at = models.DateTimeField(_("seen to"), null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

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
        return f"{self.get_kind_display()} → {self.recipient}"

    @property
    def order(self):
        return self.event.order

    @property
    def is_for_owner(self):
        return self.kind in self.FOR_OWNER
