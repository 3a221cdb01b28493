"""What the owner sets for each site: Settings → Orders."""

import zoneinfo
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList, Panel, TabbedInterface
from wagtail.contrib.settings.models import BaseSiteSetting
from wagtail.images import get_image_model_string
from wagtail.models import Site

from .. import database


def time_zones():
    """The names of the time zones there are, for a drop-down."""
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


def check_addresses(text):
    """Refuse a text whose lines are not all e-mail addresses, naming those that are none."""
    for line in text.split("\n"):
        if line.strip():
            try:
                validate_email(line.strip())
            except ValidationError:
                raise ValidationError(
                    _("%(line)s is not an e-mail address."), params={"line": line.strip()}
                ) from None


class MissingPanel(Panel):
    """Says what is not set and matters."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "wagtail_orders/admin/missing.html"

        def get_context_data(self, parent_context=None):
            return {**super().get_context_data(parent_context), "missing": self.instance.missing()}


class PaperPanel(Panel):
    """Leads to what is printed of the newest order, as an example."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "wagtail_orders/admin/paper.html"


class OrderSettings(BaseSiteSetting):
    """One site's shop: who it is, who is told of new orders, how its orders are numbered and printed."""

    class Paper(models.TextChoices):
        A4 = "a4", _("A4")
        LETTER = "letter", _("US Letter")

    class Window(models.TextChoices):
        LEFT = "left", _("On the left, as in Germany, the Netherlands, the United Kingdom and the USA")
        RIGHT = "right", _("On the right, as in Belgium, France and Switzerland")

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
    sender = models.EmailField(
        _("sender of e-mails"),
        blank=True,
        help_text=_("Customers see this address, and their answers go there."),
    )
    recipients = models.TextField(
        _("who is told of new orders"),
        blank=True,
        validators=[check_addresses],
        help_text=_("One e-mail address a line."),
    )
    footer = models.TextField(
        _("footer"), blank=True, help_text=_("Stands at the end of each mail to a customer.")
    )
    mail_confirmation = models.BooleanField(
        _("confirmation of the order"), default=True, help_text=_("Goes when an order arrives.")
    )
    mail_payment_received = models.BooleanField(
        _("payment received"),
        default=False,
        help_text=_("Goes when an order is marked as paid or a payment comes in by itself."),
    )
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

    paper_size = models.CharField(_("paper"), max_length=10, choices=Paper, default=Paper.A4)
    address_window = models.CharField(
        _("window of the envelopes"),
        max_length=10,
        choices=Window,
        default=Window.LEFT,
        help_text=_("The customer's address is printed where a DL envelope's window shows it."),
    )

    shop_panels = [
        FieldPanel("shop_name"),
        FieldPanel("address"),
        FieldPanel("vat_number"),
        FieldPanel("registration_number"),
        FieldPanel("bank_details", help_text=_("Shown to customers who pay by bank transfer.")),
        MultiFieldPanel([FieldPanel("logo"), FieldPanel("color")], heading=_("Looks")),
    ]
    mail_panels = [
        MissingPanel(),
        FieldPanel("recipients"),
        FieldPanel("sender"),
        FieldPanel("footer"),
        MultiFieldPanel(
            [FieldPanel("mail_confirmation"), FieldPanel("mail_payment_received")],
            heading=_("Mails that customers get by themselves"),
        ),
        MultiFieldPanel(
            [FieldPanel("mail_shipped"), FieldPanel("mail_cancelled"), FieldPanel("mail_refunded")],
            heading=_("Where “Tell the customer” is ticked to begin with"),
        ),
    ]
    number_panels = [FieldPanel("number_prefix"), FieldPanel("time_zone")]
    paper_panels = [FieldPanel("paper_size"), FieldPanel("address_window"), PaperPanel()]
    edit_handler = TabbedInterface(
        [
            ObjectList(shop_panels, heading=_("Shop")),
            ObjectList(mail_panels, heading=_("E-mails")),
            ObjectList(number_panels, heading=_("Order numbers")),
            ObjectList(paper_panels, heading=_("Paper")),
        ]
    )

    class Meta:
        verbose_name = _("orders")

    def __str__(self):
        return str(self._meta.verbose_name)

    @classmethod
    def of_sites(cls, pks):
        """The settings by the sites' primary keys, in one query; a site without any has the defaults."""
        found = {
            row.site_id: row
            for row in database.primary(cls).filter(site__in=pks).select_related("site__root_page__locale")
        }
        return {pk: found.get(pk) or cls(site_id=pk) for pk in pks}

    @classmethod
    def of(cls, site_id):
        """One site's settings; unlike ``for_site`` it writes none."""
        return cls.of_sites([site_id])[site_id]

    @property
    def language(self):
        """The site's language, in which the owner is written to."""
        return self.site.root_page.locale.language_code if self.site_id else settings.LANGUAGE_CODE

    @property
    def owners(self):
        """The addresses that are told of new orders, each once."""
        return list(dict.fromkeys(line.strip() for line in self.recipients.split("\n") if line.strip()))

    @property
    def mail_sender(self):
        """The address that mails come from: the owner's choice, else the project's."""
        return self.sender or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]

    def missing(self):
        """What is not set and matters, each as a sentence."""
        sentences = []
        if not self.owners:
            sentences.append(_("Nobody is told of new orders: no e-mail address is set for that."))
        if not self.mail_sender or self.mail_sender.endswith("@localhost"):
            sentences.append(_("E-mails have no sender yet, so that customers may never get them."))
        return sentences


def local_moment(moment, time_zone=""):
    """``moment`` in ``time_zone``, else in the project's own; a naive one as it is."""
    if timezone.is_naive(moment):
        return moment
    # Not the active time zone: the admin activates each user's own.
    return timezone.localtime(moment, ZoneInfo(time_zone) if time_zone else timezone.get_default_timezone())
