"""What is asked of payment providers and what they tell: attempts to pay, and the events they report."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .fields import ExactCharField, MoneyField
from .order import Order


def make_key():
    """A new attempt's key, which no other request to a provider has."""
    return uuid.uuid4().hex


class PaymentAttemptQuerySet(models.QuerySet):
    def due(self, now):
        """Those about which the provider is to be asked."""
        return self.filter(next_look_at__lte=now)


class PaymentAttempt(models.Model):
    """One try of a customer to pay an order at a provider. ``wagtail_orders.payments`` is the only writer."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="payment_attempts")
    #: The method that its payments have in the ledger: ``paypal``.
    provider = models.CharField(max_length=50)
    #: Which of the provider's worlds it lives in: ``live`` or ``sandbox``.
    environment = models.CharField(max_length=20)
    #: Goes along with the requests that begin and end it, so that one that is repeated does nothing twice.
    key = ExactCharField(max_length=64, unique=True, default=make_key)
    #: The provider's name for it; null until the provider has answered.
    reference = ExactCharField(max_length=255, null=True, blank=True)
    #: What is to be paid, in the order's currency.
    amount = MoneyField()
    #: Where the customer says yes.
    approve_url = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    #: The refunds that were asked for, by their key: what the ledger is to have of each, whoever hears of it first.
    refunds = models.JSONField(default=dict)
    #: How often the provider was asked about it without its coming to an end.
    looks = models.PositiveIntegerField(default=0)
    #: When the reconciliation asks the provider about it; null once nothing more is to be expected of it.
    next_look_at = models.DateTimeField(null=True, blank=True, db_index=True)

    objects = PaymentAttemptQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "reference"], name="orders_one_attempt_a_reference")
        ]

    def __str__(self):
        return f"{self.provider} {self.reference or self.key}"


class ProviderEventQuerySet(models.QuerySet):
    def due(self, now):
        """Those that are to be tried again."""
        return self.filter(next_attempt_at__lte=now)

    def unmatched(self):
        """Those of money that fits no order, which nobody has looked at yet."""
        return self.filter(state=ProviderEvent.State.UNMATCHED)


class ProviderEvent(models.Model):
    """
    Something that a provider reported, stored before it is judged. What it says is never believed: it only names
    what to ask the provider about. ``wagtail_orders.payments`` is the only writer.
    """

    class State(models.TextChoices):
        #: To be judged, or to be judged again.
        WAITING = "waiting", _("Waiting")
        DONE = "done", pgettext_lazy("event", "Done")
        #: None of our business: of another kind, or of something else that is sold with the account.
        IGNORED = "ignored", pgettext_lazy("event", "Ignored")
        #: Money that fits no order.
        UNMATCHED = "unmatched", _("Fits no order")

    provider = models.CharField(max_length=50)
    #: The provider's own identifier of the event.
    identifier = ExactCharField(max_length=255)
    #: The provider's name for the message that brought it; null where it gives none.
    transmission = ExactCharField(max_length=255, null=True, blank=True)
    #: SHA-256 of the body: the same identifier or transmission with another body is no repetition.
    digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=100)
    #: The provider's name for what it is about: a capture, a refund.
    resource = ExactCharField(max_length=255, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    received_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    #: Why it could not be judged, or what is wrong with it.
    error = models.TextField(blank=True)

    objects = ProviderEventQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("provider's event")
        verbose_name_plural = _("providers' events")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "identifier"], name="orders_one_event_an_identifier"),
            models.UniqueConstraint(
                fields=["provider", "transmission"], name="orders_one_event_a_transmission"
            ),
        ]
        indexes = [models.Index(fields=["state", "received_at"], name="orders_provider_events")]

    def __str__(self):
        return f"{self.provider} {self.identifier}"
