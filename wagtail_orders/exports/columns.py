"""The columns that tables of orders can have: each one's heading, what kind of thing it holds, and how it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .. import conf
from ..models import FulfillmentStatus, OrderAddress, OrderStatus, Payment, PaymentStatus
from ..money import locale_of
from .tables import options_text


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    #: What programs read in the heading, and people beneath it.
    name: str
    label: Any
    #: What it holds: text, label (a code that people have a word for), money, price (which may have more decimals than
    #: its currency), number, moment, day or flag. Each way of writing a table has a function for each.
    kind: str
    #: One raw value, as the database gives it, for each row of what was read.
    values: Callable[[Any], Sequence]
    #: The fields that it needs to be read.
    fields: tuple[str, ...] = ()
    #: The words for its codes, in the active language.
    words: Callable[[], dict] | None = None
    is_default: bool = False
    #: Of a spreadsheet's column, in characters.
    width: int = 14


def _field(name, label, kind="text", *, field=None, **facts):
    """A column that shows one field as it is."""
    field = field or name
    return Column(name, label, kind, lambda read: read[field], (field,), **facts)


def _choices(enum):
    return lambda: {code: str(label) for code, label in enum.choices}


def _payment_methods():
    return {code: str(label) for code, label in conf.payment_methods().items()}


def _amount_due(orders):
    """As ``Order.amount_due`` says it, from what the database gave."""
    return [
        0 if status == PaymentStatus.REFUNDED else max(total - paid, 0)
        for total, paid, status in zip(
            orders["total"], orders["amount_paid"], orders["payment_status"], strict=True
        )
    ]


def _items(orders):
    return [orders.pieces.get(pk, 0) for pk in orders.pks]


def _of_parcels(name, separator):
    def values(orders):
        return [
            separator.join(parcel[name] for parcel in orders.parcels.get(pk, ()) if parcel[name])
            for pk in orders.pks
        ]

    return values


def _positions(lines):
    """Counted from 1, as people do."""
    return [None if position is None else position + 1 for position in lines["position"]]


def _options(lines):
    return [options_text(options) for options in lines["options"]]


_PARTS = {
    "name": (_("name"), 24),
    "company": (_("company"), 24),
    "street": (_("street"), 28),
    "postal_code": (_("postal code"), 12),
    "city": (_("city"), 20),
    "region": (_("region"), 14),
    "country": (_("country"), 16),
    "phone": (_("phone"), 18),
}


def _address(kind):
    whole = OrderAddress.Kind(kind).label
    for part, (label, width) in _PARTS.items():
        yield Column(
            f"{kind}_{part}",
            # Translators: "Billing address: city", the heading of a column
            format_lazy(_("{address}: {part}"), address=whole, part=label),
            "label" if part == "country" else "text",
            lambda orders, part=part: orders.addresses[kind][part],
            words=(lambda: locale_of().territories) if part == "country" else None,
            width=width,
        )


ORDER = (
    _field("number", pgettext_lazy("order", "Number"), is_default=True),
    _field("placed_at", _("Placed on"), "moment", is_default=True, width=19),
    _field("site", _("Site"), field="site__hostname", width=20),
    _field("language", _("Language"), "label", words=lambda: locale_of().languages),
    _field("customer_name", _("Customer"), is_default=True, width=24),
    _field("email", _("E-mail"), is_default=True, width=28),
    _field("phone", _("Phone"), is_default=True, width=18),
    _field("status", _("Status"), "label", words=_choices(OrderStatus), is_default=True),
    _field("payment_status", _("Payment"), "label", words=_choices(PaymentStatus), is_default=True),
    _field(
        "fulfillment_status", _("Fulfilment"), "label", words=_choices(FulfillmentStatus), is_default=True
    ),
    _field("is_archived", _("Archived"), "flag", width=10),
    _field("paid_at", _("Paid on"), "moment", width=19),
    _field("handled_at", _("Handled on"), "moment", width=19),
    _field("cancelled_at", _("Cancelled on"), "moment", width=19),
    _field("archived_at", _("Archived on"), "moment", width=19),
    _field("currency", _("Currency"), is_default=True, width=10),
    _field("subtotal", _("Subtotal"), "money"),
    _field("discount_total", _("Discount"), "money"),
    _field("shipping_total", _("Shipping"), "money"),
    _field("tax_total", _("Tax"), "money"),
    _field("total", _("Total"), "money", is_default=True),
    _field("amount_paid", _("Amount paid"), "money"),
    _field("amount_refunded", _("Amount refunded"), "money"),
    Column(
        "amount_due",
        _("Still owed"),
        "money",
        _amount_due,
        ("total", "amount_paid", "payment_status"),
        is_default=True,
    ),
    _field("payment_method", _("Payment method"), "label", words=_payment_methods, is_default=True, width=18),
    _field("shipping_method_name", _("Shipping method"), is_default=True, width=18),
    _field("customer_note", _("Customer's remarks"), is_default=True, width=32),
    Column("tracking_numbers", _("Parcel numbers"), "text", _of_parcels("tracking_number", ", "), width=24),
    Column("tracking_links", _("Tracking links"), "text", _of_parcels("tracking_url", " "), width=32),
    Column("items", _("Items"), "number", _items, width=8),
    *_address("billing"),
    *_address("shipping"),
)

LINE = (
    Column("position", _("Position"), "number", _positions, ("position",), width=10),
    _field("sku", _("SKU"), is_default=True),
    _field("name", _("Item"), is_default=True, width=32),
    Column("options", _("Options"), "text", _options, ("options",), is_default=True, width=24),
    _field("quantity", _("Quantity"), "number", is_default=True, width=10),
    _field("unit_price", _("Unit price"), "price", is_default=True),
    _field("tax_rate", _("Tax rate (%)"), "number", width=12),
    _field("discount", _("Line's discount"), "price"),
    _field("line_total", _("Line's total"), "money", field="total", is_default=True),
    _field("line_tax", _("Line's tax"), "money", field="tax"),
    _field("product_url", _("Product's page"), width=32),
)

PAYMENT = (
    _field("kind", _("Kind"), "label", words=_choices(Payment.Kind)),
    _field("state", _("State"), "label", words=_choices(Payment.State)),
    _field("amount", _("Amount"), "money"),
    _field("method", _("Payment method"), "label", words=_payment_methods, width=18),
    _field("reference", _("Reference"), width=24),
    _field("is_manual", _("Noted by hand"), "flag"),
    _field("received_on", _("Received on"), "day", width=12),
    _field("recorded_at", _("Recorded on"), "moment", width=19),
    _field("reason", _("Reason"), width=32),
)
