"""The ledger: every payment and refund of an order."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .fields import ExactCharField, MoneyField
from .order import Order


class PaymentQuerySet(models.QuerySet):
    def confirmed(self):
        return self.filter(state=Payment.State.CONFIRMED)


class Payment(models.Model):
    """One entry of the ledger. An entry is never deleted while its order lives: a wrong one is voided."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", _("Payment")
        REFUND = "refund", _("Refund")

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        CONFIRMED = "confirmed", _("Confirmed")
        FAILED = "failed", _("Failed")
        VOIDED = "voided", _("Voided")

    order = models.ForeignKey(Order, models.CASCADE, related_name="payments")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CONFIRMED)
    amount = MoneyField(_("amount"))
    method = ExactCharField(_("method"), max_length=50)
    #: The provider's or the bank's name for it; unique with the method, null when there is none.
    reference = ExactCharField(_("reference"), max_length=255, null=True, blank=True)
    #: Noted by a person (and may be voided by one), as against reported by a provider.
    is_manual = models.BooleanField(_("noted by hand"), default=True)
    received_on = models.DateField(_("received on"))
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recorded by"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = PaymentQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["method", "reference"], name="orders_one_payment_a_reference"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_payment_positive"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.amount} ({self.method})"
