"""How parcels go, and the parcels that went."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import tracking
from .fields import MoneyField
from .order import Order, OrderLine


class ShippingMethodQuerySet(models.QuerySet):
    def active(self):
        """Those a shop offers."""
        return self.filter(is_active=True)


class ShippingMethod(models.Model):
    """A way to send a parcel, kept by the owner; orders and parcels keep its name for themselves."""

    name = models.CharField(_("name"), max_length=255)
    carrier = models.CharField(_("carrier"), max_length=50, blank=True)
    tracking_url_template = models.CharField(_("tracking link"), max_length=1000, blank=True)
    price = MoneyField(_("price"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)
    sort_order = models.PositiveIntegerField(_("position"), default=0)

    objects = ShippingMethodQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("shipping method")
        verbose_name_plural = _("shipping methods")
        ordering = ["sort_order", "name", "id"]
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="orders_shipping_price")]

    def __str__(self):
        return self.name

    def clean(self):
        """Refuse a tracking link that would lead nowhere, or elsewhere; none at all is fine."""
        super().clean()
        if not self.tracking_url_template:
            return
        known = tracking.carriers().get(self.carrier)
        try:
            tracking.check_template(
                self.tracking_url_template, is_landing=known is not None and known.is_landing
            )
        except ValidationError as refusal:
            raise ValidationError({"tracking_url_template": refusal}) from refusal

    @property
    def carrier_name(self):
        """The carrier as people call it; its code if it is not a known one."""
        known = tracking.carriers().get(self.carrier)
        return known.name if known else self.carrier


class ShipmentQuerySet(models.QuerySet):
    def sent(self):
        """Those that were not cancelled."""
        return self.filter(cancelled_at__isnull=True)


class Shipment(models.Model):
    """One parcel. A cancelled one stays, so that the history can be read."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="shipments")
    shipping_method = models.ForeignKey(
        ShippingMethod,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("shipping method"),
    )
    shipping_method_name = models.CharField(_("shipping method"), max_length=255, blank=True)
    tracking_number = models.CharField(_("parcel number"), max_length=255, blank=True, db_index=True)
    tracking_url = models.CharField(_("tracking link"), max_length=2000, blank=True)
    shipped_at = models.DateTimeField(_("shipped"), default=timezone.now)
    notified_at = models.DateTimeField(_("customer told"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)

    objects = ShipmentQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("parcel")
        verbose_name_plural = _("parcels")
        ordering = ["id"]

    def __str__(self):
        return self.tracking_number or self.shipping_method_name


class ShipmentLine(models.Model):
    """How much of a line lies in a parcel."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="shipment_lines")
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=4)

    wagtail_reference_index_ignore = True

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "line"], name="orders_line_once_a_parcel"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_shipped_positive"),
        ]

    def __str__(self):
        return f"{self.quantity} × {self.line_id}"
