"""Orders as the XML that ShipStation fetches from a Custom Store (shipstation.com/docs/custom-store/v1/)."""

import re
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf, database
from ..models import Order, PaymentStatus
from .reading import plain
from .registry import Format

#: How moments are written, and read: in UTC, to the minute.
MOMENT = "%m/%d/%Y %H:%M"
#: How many orders are read at once.
CHUNK = 100

#: What must not be empty and is.
_NOTHING = "-"
_NOWHERE = "ZZ"
_CENT = Decimal("0.01")
# The characters that XML 1.0 has no place for (its section 2.2).
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def status(order):
    """The order's status in one word, which the owner maps to ShipStation's own when she connects the store."""
    if order.is_cancelled:
        return "cancelled"
    if order.is_handled:
        return "shipped"
    if order.needs_look or order.payment_status == PaymentStatus.REFUNDED:
        return "on_hold"
    return "unpaid" if order.amount_due and not order.is_paid_in_person else "paid"


def head(pages=1):
    """What comes before the first order; ``pages`` is how often ShipStation has to ask."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Orders pages="{pages}">\n'.encode()


def elements(pks):
    """The orders with these primary keys, in their order; four queries. One that is gone is left out."""
    orders = database.primary(Order).prefetch_related("lines", "addresses", "notes").in_bulk(pks)
    return "".join(_order(orders[pk]) for pk in pks if pk in orders).encode()


#: What comes after the last order.
FOOT = b"</Orders>\n"


def write(selection):
    """The orders of an export as one page."""
    yield head()
    for pks in selection.chunks(CHUNK):
        with translation.override(selection.language):
            orders = elements(pks)
        yield orders
    yield FOOT


def _order(order):
    # Where prices include the tax it is none of what is added up, and ShipStation adds up.
    tax = Decimal(0) if order.prices_include_tax else _cents(order.tax_total)
    billing, shipping = order.billing_address, order.shipping_address
    return _parent(
        "Order",
        _text("OrderID", order.pk, 50),
        _text("OrderNumber", order.number, 50),
        _plain("OrderDate", _moment(order.placed_at)),
        _text("OrderStatus", status(order), 50),
        _plain("LastModified", _moment(order.updated_at)),
        _text("ShippingMethod", order.shipping_method_name, 100),
        _text("PaymentMethod", conf.payment_method_label(order.payment_method), 50),
        _plain("CurrencyCode", order.currency),
        _plain("OrderTotal", _cents(order.total)),
        _plain("TaxAmount", tax),
        _plain("ShippingAmount", _cents(order.shipping_total)),
        _text("CustomerNotes", order.customer_note, 1000),
        _text("InternalNotes", _own_notes(order), 1000),
        _parent(
            "Customer",
            _text("CustomerCode", order.email or order.number, 100),
            _bill_to(order, billing or shipping),
            _ship_to(order, shipping or billing),
        ),
        _parent("Items", *_items(order, tax)),
    )


def _own_notes(order):
    """What the shop's people wrote for themselves, the newest first: a long text loses its end."""
    return "\n".join(note.text for note in reversed(order.notes.all()) if not note.visible_to_customer)


def _bill_to(order, address):
    return _parent(
        "BillTo",
        _text("Name", (address.name if address else "") or order.customer_name or _NOTHING, 100),
        _text("Company", address.company if address else "", 100),
        _text("Phone", (address.phone if address else "") or order.phone, 50),
        _text("Email", order.email, 254),
        *(_place(address) if address else ()),
    )


def _ship_to(order, address):
    place = _place(address) if address else _no_place()
    return _parent(
        "ShipTo",
        _text(
            "Name", (address and (address.name or address.company)) or order.customer_name or _NOTHING, 100
        ),
        _text("Company", address.company if address else "", 100),
        *place,
        _text("Phone", (address.phone if address else "") or order.phone, 50),
    )


def _place(address):
    """Where an address is; each of what ShipStation requires says at least that there is none."""
    first, *rest = [line.strip() for line in address.street.splitlines() if line.strip()] or [_NOTHING]
    return (
        _text("Address1", first, 200),
        _text("Address2", ", ".join(rest), 200),
        # Singapore has no other name for its only one.
        _text("City", address.city or address.region or address.country_name("en") or _NOTHING, 100),
        _text("State", address.region, 100),
        _text("PostalCode", address.postal_code or _NOTHING, 50),
        _text("Country", address.country or _NOWHERE, 2),
    )


def _no_place():
    required = (("Address1", _NOTHING), ("City", _NOTHING), ("PostalCode", _NOTHING), ("Country", _NOWHERE))
    return (_text(name, value) for name, value in required)


def _items(order, tax):
    """The lines, and one adjustment more where discounts or a rounding keep them from coming to the total."""
    rest = _cents(order.total) - _cents(order.shipping_total) - tax
    for line in order.lines.all():
        name, quantity, price = _whole(line)
        rest -= quantity * price
        yield _parent(
            "Item",
            _text("LineItemID", line.pk, 50),
            _text("SKU", sku_of(line), 100),
            _text("Name", name, 200),
            _plain("Quantity", quantity),
            _plain("UnitPrice", price),
            _parent("Options", *(_option(*option) for option in line.options[:100])),
        )
    if rest:
        yield _parent(
            "Item",
            _text("SKU", "ADJUSTMENT", 100),
            _text("Name", _("Discount") if rest < 0 else _("Rounding"), 200),
            _plain("Adjustment", "true"),
            _plain("Quantity", 1),
            _plain("UnitPrice", rest),
        )


def sku_of(line):
    """What ShipStation knows a line's product by: it requires something, so the name where there is no SKU."""
    return _cut(_NOT_XML.sub("", line.sku) or _NOT_XML.sub("", line.name) or _NOTHING, 100)


def is_whole(line):
    """Whether the line is so many pieces, as ShipStation counts; else, as 1.5 m of cloth, it goes as one piece."""
    return line.quantity == line.quantity.to_integral_value()


def _whole(line):
    """The line's name, quantity and unit price in whole pieces."""
    if is_whole(line):
        return line.name, int(line.quantity), _cents(line.unit_price)
    return f"{plain(line.quantity)} × {line.name}", 1, _cents(line.quantity * line.unit_price)


def _option(name, value):
    return _parent("Option", _text("Name", name, 100), _text("Value", value, 100))


def _parent(name, *children):
    return f"<{name}>{''.join(children)}</{name}>\n"


def _plain(name, value):
    return f"<{name}>{value}</{name}>"


def _text(name, value, most=None):
    """An element with free text, in a CDATA section as ShipStation wants it, cut to ``most``."""
    text = _cut(_NOT_XML.sub("", str(value)), most).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{text}]]></{name}>"


def _cut(text, most):
    """
    ``text`` if it has at most ``most`` characters, else so much of it and an ellipsis. A character beyond the basic
    plane counts as two, so that the length is right by either way of counting.
    """
    units = text.encode("utf-16-le")
    if most is None or len(units) <= 2 * most:
        return text
    return units[: 2 * (most - 1)].decode("utf-16-le", "ignore") + "…"


def _cents(amount):
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _moment(moment):
    if not settings.USE_TZ:
        moment = timezone.make_aware(moment)
    return moment.astimezone(UTC).strftime(MOMENT)


SHIPSTATION = Format(
    name="shipstation",
    label="ShipStation",
    suffix="xml",
    content_type="application/xml",
    write=write,
    description=gettext_lazy("What ShipStation fetches from a Custom Store, as a file."),
)
