"""What the owner sets for each site: Settings → Orders."""

import zoneinfo
from zoneinfo import ZoneInfo

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseSiteSetting
from wagtail.images import get_image_model_string
from wagtail.models import Site


def time_zones():
    """The names of the time zones there are, for a drop-down."""
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


class OrderSettings(BaseSiteSetting):
    """One site's shop: who it is, who is told of new orders, how its orders are numbered."""

    site = models.OneToOneField(
        Site, models.CASCADE, unique=True, db_index=True, editable=False, related_name="order_settings"
    )
    shop_name = models.CharField(_("shop's name"), max_length=255, blank=True)
    address = models.TextField(_("address"), blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=50, blank=True)
    registration_number = models.CharField(_("registration number"), max_length=100, blank=True)
    bank_details = models.TextField(_("bank details"), blank=True)
    logo = models.ForeignKey(
        get_image_model_string(),
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("logo"),
    )
    color = models.CharField(
        _("colour"),
        max_length=7,
        blank=True,
        validators=[
            RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Write a colour as # and six digits, such as #2e6b4f."))
        ],
    )
    sender = models.EmailField(_("sender of e-mails"), blank=True)
    recipients = models.TextField(
        _("who is told of new orders"), blank=True, help_text=_("One e-mail address a line.")
    )
    footer = models.TextField(_("footer"), blank=True)
    mail_confirmation = models.BooleanField(_("confirmation of the order"), default=True)
    mail_payment_received = models.BooleanField(_("payment received"), default=True)
    mail_shipped = models.BooleanField(_("parcel on its way"), default=True)
    mail_cancelled = models.BooleanField(_("order cancelled"), default=True)
    mail_refunded = models.BooleanField(_("money refunded"), default=True)
    number_prefix = models.CharField(
        _("before order numbers"),
        max_length=20,
        blank=True,
        validators=[
            RegexValidator(r"^[^\W_]([\w./-]*)\Z", _("Use letters, digits and - . / _ only, no space."))
        ],
        help_text=_(
            "For example B-, which makes B-2026-00042 of 2026-00042. "
            "Orders with another prefix are counted apart."
        ),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        choices=time_zones,
        help_text=_(
            "Decides in which year an order of New Year's Eve is numbered. Empty: the website's own."
        ),
    )

    panels = [
        FieldPanel("shop_name"),
        MultiFieldPanel([FieldPanel("number_prefix"), FieldPanel("time_zone")], heading=_("Order numbers")),
    ]

    class Meta:
        verbose_name = _("orders")

    def __str__(self):
        return str(self._meta.verbose_name)


def local_moment(moment, time_zone=""):
    """``moment`` in ``time_zone``, else in the project's own; a naive one as it is."""
    if timezone.is_naive(moment):
        return moment
    # Not the active time zone: the admin activates each user's own.
    return timezone.localtime(moment, ZoneInfo(time_zone) if time_zone else timezone.get_default_timezone())
