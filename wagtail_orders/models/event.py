"""An order's journal: time line, audit trail and outbox in one."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .order import Order

#: What people read for the reasons that the verbs give themselves.
REASONS = {
    "paid_after_cancellation": _("money came in for a cancelled order"),
}


class OrderEventQuerySet(models.QuerySet):
    def undelivered(self):
        """Those whose signal has not reached every receiver yet."""
        return self.filter(next_dispatch_at__isnull=False)

    def due(self, now):
        """Those the sweep has to send."""
        return self.filter(next_dispatch_at__lte=now)


class OrderEvent(models.Model):
    """
    One thing that happened to an order, written in the transaction that did it and never changed but for
    the dispatch's own bookkeeping. ``order`` is null for a deleted one; ``data`` names it.
    """

    class Kind(models.TextChoices):
        PLACED = "placed", _("Placed")
        IMPORTED = "imported", _("Brought over")
        PAID = "paid", _("Paid")
        UNPAID = "unpaid", _("Marked as unpaid")
        PAYMENT_RECORDED = "payment_recorded", _("Payment recorded")
        REFUNDED = "refunded", _("Refunded")
        SHIPPED = "shipped", _("Shipped")
        SHIPMENT_UPDATED = "shipment_updated", _("Parcel changed")
        SHIPMENT_CANCELLED = "shipment_cancelled", _("Parcel cancelled")
        HANDLED = "handled", _("Handled")
        UNHANDLED = "unhandled", _("Marked as not handled")
        CANCELLED = "cancelled", pgettext_lazy("order", "Cancelled")
        REOPENED = "reopened", _("Reopened")
        ARCHIVED = "archived", _("Archived")
        UNARCHIVED = "unarchived", _("Taken back from the archive")
        DELETED = "deleted", _("Deleted")
        NOTE_ADDED = "note_added", _("Note written")
        NOTE_EDITED = "note_edited", _("Note changed")
        NOTE_DELETED = "note_deleted", _("Note deleted")
        CUSTOMER_EDITED = "customer_edited", _("Customer's details changed")
        FLAGGED = "flagged", _("Needs a look")
        UNFLAGGED = "unflagged", _("Looked at")
        MAIL_WRITTEN = "mail_written", _("E-mail written")
        MAIL_RESENT = "mail_resent", _("E-mail sent again")

    order = models.ForeignKey(Order, models.CASCADE, null=True, blank=True, related_name="events")
    kind = models.CharField(max_length=40, choices=Kind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    data = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    dispatch_attempts = models.PositiveSmallIntegerField(default=0)
    #: When the sweep may send it (again); null once every receiver had it.
    next_dispatch_at = models.DateTimeField(null=True, blank=True, db_index=True)
    dispatch_error = models.TextField(blank=True)

    objects = OrderEventQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]

    def __str__(self):
        return f"{self.kind} ({self.order_id})"
