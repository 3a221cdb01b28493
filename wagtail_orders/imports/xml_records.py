"""From an order in our XML, which the schema has let through, to its record."""

import json
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from ..exports.xml import NAMESPACE
from ..lifecycle.inputs import Address
from ..lifecycle.records import LineRecord, NoteRecord, OrderRecord, PaymentRecord, ShipmentRecord
from ..money import RateTotal

_TAG = f"{{{NAMESPACE}}}"


class Mistake(Exception):
    """One element of an order says what cannot be."""

    def __init__(self, element, message):
        self.element, self.message = element, message
        super().__init__(message)


def record_of(order, line):
    """The ``OrderRecord`` of an element that the schema has let through; raises ``Mistake`` for what it cannot know."""
    parts = _parts(order)
    for fact, stated, when in (
        ("status", _word(parts, "status") == "cancelled", "cancelled_at"),
        ("is_archived", _truth(parts, "is_archived"), "archived_at"),
    ):
        if stated != (when in parts):
            message = _("“%(fact)s” and “%(date)s” contradict each other; correct one of the two.")
            raise Mistake(parts[fact], message % {"fact": fact, "date": when})
    customer, totals = _parts(parts["customer"]), _parts(parts["totals"])
    return OrderRecord(
        number=order.get("number"),
        site=_site(parts.get("site")),
        language=_word(parts, "language"),
        currency=_word(parts, "currency"),
        payment_status=_word(parts, "payment_status"),
        fulfillment_status=_word(parts, "fulfillment_status"),
        needs_look=_truth(parts, "needs_look"),
        placed_at=_moment(parts, "placed_at"),
        paid_at=_moment(parts, "paid_at"),
        handled_at=_moment(parts, "handled_at"),
        archived_at=_moment(parts, "archived_at"),
        cancelled_at=_moment(parts, "cancelled_at"),
        updated_at=_moment(parts, "updated_at"),
        customer_name=_word(customer, "name"),
        email=_word(customer, "email"),
        phone=_word(customer, "phone"),
        billing_address=_address(parts.get("billing_address")),
        shipping_address=_address(parts.get("shipping_address")),
        prices_include_tax=_truth(parts, "prices_include_tax"),
        lines=tuple(map(_line, parts.get("lines", ()))),
        subtotal=_decimal(totals, "subtotal"),
        discount_total=_decimal(totals, "discount_total"),
        shipping_total=_decimal(totals, "shipping_total"),
        shipping_tax_rate=_decimal(totals, "shipping_tax_rate"),
        tax_total=_decimal(totals, "tax_total"),
        taxes=tuple(map(_tax, totals.get("taxes", ()))),
        total=_decimal(totals, "total"),
        amount_paid=_decimal(totals, "amount_paid"),
        amount_refunded=_decimal(totals, "amount_refunded"),
        payment_method=_word(parts, "payment_method"),
        shipping_method_name=_word(parts, "shipping_method"),
        customer_note=_word(parts, "customer_note"),
        payments=tuple(map(_payment, parts.get("payments", ()))),
        shipments=tuple(map(_shipment, parts.get("shipments", ()))),
        notes=tuple(map(_note, parts.get("notes", ()))),
        data=_json(parts),
        line=line,
    )


def _parts(element):
    """An element's children by their names."""
    start = len(_TAG)
    return {child.tag[start:]: child for child in element}


def _word(parts, name):
    child = parts.get(name)
    return "" if child is None else child.text or ""


def _decimal(parts, name):
    return Decimal(parts[name].text.strip()) if name in parts else None


def _truth(parts, name):
    return parts[name].text.strip() == "true"


def _moment(parts, name):
    return datetime.fromisoformat(parts[name].text.strip()) if name in parts else None


def _json(parts):
    if "data" not in parts:
        return None
    try:
        data = json.loads(parts["data"].text)
    except (ValueError, RecursionError) as error:
        raise Mistake(parts["data"], _("“data” is not JSON: %(error)s.") % {"error": error}) from None
    if not isinstance(data, dict):
        raise Mistake(parts["data"], _('“data” must be a JSON object, such as {"colour": "green"}.'))
    return data


def _site(site):
    if site is None:
        return None
    parts = _parts(site)
    port = int(parts["port"].text)
    return parts["hostname"].text if port == 80 else f"{parts['hostname'].text}:{port}"


def _address(address):
    if address is None:
        return None
    parts = _parts(address)
    return Address(**{name: _word(parts, name) for name in Address.__dataclass_fields__})


def _line(line):
    parts = _parts(line)
    return LineRecord(
        position=int(line.get("position")),
        sku=_word(parts, "sku"),
        name=_word(parts, "name"),
        options=tuple((option.get("name"), option.text or "") for option in parts.get("options", ())),
        quantity=_decimal(parts, "quantity"),
        unit_price=_decimal(parts, "unit_price"),
        tax_rate=_decimal(parts, "tax_rate"),
        discount=_decimal(parts, "discount"),
        total=_decimal(parts, "total"),
        tax=_decimal(parts, "tax"),
        product_url=_word(parts, "product_url"),
        data=_json(parts),
    )


def _tax(tax):
    parts = _parts(tax)
    return RateTotal(
        rate=Decimal(tax.get("rate").strip()), net=_decimal(parts, "net"), tax=_decimal(parts, "amount")
    )


def _payment(payment):
    parts = _parts(payment)
    return PaymentRecord(
        kind=_word(parts, "kind"),
        state=_word(parts, "state"),
        amount=_decimal(parts, "amount"),
        method=_word(parts, "method"),
        reference=_word(parts, "reference") or None,
        is_manual=_truth(parts, "is_manual"),
        received_on=date.fromisoformat(parts["received_on"].text.strip()),
        recorded_at=_moment(parts, "recorded_at"),
        recorded_by=_word(parts, "recorded_by"),
        reason=_word(parts, "reason"),
    )


def _shipment(shipment):
    parts = _parts(shipment)
    return ShipmentRecord(
        shipping_method_name=_word(parts, "shipping_method"),
        tracking_number=_word(parts, "tracking_number"),
        tracking_url=_word(parts, "tracking_url"),
        shipped_at=_moment(parts, "shipped_at"),
        notified_at=_moment(parts, "notified_at"),
        cancelled_at=_moment(parts, "cancelled_at"),
        lines=_items(parts.get("items", ())),
    )


def _items(items):
    quantities = {}
    for item in items:
        position = int(item.get("line"))
        if position in quantities:
            message = _("Line %(position)s is in this parcel already; give it once, with the whole quantity.")
            raise Mistake(item, message % {"position": position})
        quantities[position] = _decimal(_parts(item), "quantity")
    return quantities


def _note(note):
    parts = _parts(note)
    return NoteRecord(
        text=_word(parts, "text"),
        author=_word(parts, "author"),
        visible_to_customer=_truth(parts, "visible_to_customer"),
        created_at=_moment(parts, "created_at"),
        edited_at=_moment(parts, "edited_at"),
    )
