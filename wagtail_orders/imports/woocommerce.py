"""
WooCommerce's orders from CSV.

WooCommerce itself exports no whole orders. Two extensions of its own marketplace do, with almost the same columns, and
both are read: “Import Export Suite” (woocommerce.com/document/import-and-export-of-woocommerce-orders), and
“Customer/Order/Coupon Export” (woocommerce.com/document/ordercustomer-csv-export) with what its “CSV Import Suite”
takes (woocommerce.com/document/customer-order-csv-import-suite). An order is one line with ``line_items`` or with
``line_item_1``, ``line_item_2``, …, or it is one line for each of its items.

All sums but ``order_total`` are without tax; ``tax_total`` is all tax, that of shipping too; an item's ``subtotal`` is
before coupons and its ``total`` after them. ``order_total`` stays what it was when money goes back.
"""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import money
from ..lifecycle.inputs import Address
from ..lifecycle.records import OrderRecord
from . import values
from .readers import Reader
from .sums import Part, Sums
from .table import Kind, read_orders
from .text import header
from .values import Unreadable, shortened
from .woocommerce_history import history
from .woocommerce_items import items_in, read_item, read_options

_ITEM_COLUMNS = {
    "product_id": "item_product_id",
    "name": "item_name",
    "sku": "item_sku",
    "quantity": "item_quantity",
    "subtotal": "item_subtotal",
    "total": "item_total",
    "total_tax": "item_total_tax",
    "meta": "item_meta",
}
_KIND = Kind(
    shop="WooCommerce",
    needed=(
        ("order_number", "order_id", "order_number_formatted"),
        ("order_date",),
        ("status",),
        ("order_total",),
        ("order_currency",),
        ("shipping_total",),
        ("tax_total",),
        ("line_items", "line_item_1", "item_name"),
    ),
    number=("order_number_formatted", "order_number", "order_id"),
    aliases={
        "order_status": "status",
        "currency": "order_currency",
        "refund_items": "refunds",
        "date_paid": "paid_date",
        "date_completed": "completed_date",
        "customer_message": "customer_note",
    },
)
_PERCENT = re.compile(r"(\d+(?:[.,]\d{1,4})?)\s*%?")
_NUMBERED = re.compile(r"line_item_(\d{1,4})")
# What is brought over in another form, what can be computed from it, and what a shop should not keep: addresses and
# programs of browsers, keys to the old shop's pages.
_KNOWN = re.compile(
    r"order_(number(_formatted)?|date|total|subtotal|currency|discount|notes|key)|status|paid_date|completed_date"
    r"|(shipping|shipping_tax|fee|fee_tax|tax|cart_discount|discount|refunded)_total|cart_discount"
    r"|payment_method(_title)?|transaction_id|shipping_method|refunds|(fee|shipping|line)_items|(line_)?item_.*"
    r"|product_item_.*|(billing|shipping)_(first_name|last_name|full_name|company|email|phone|address_[12]|postcode|city"
    r"|state|state_code|country)|customer_(email|user|note|ip_address|user_agent)|download_permissions|wt_import_key"
    r"|meta:.*user_agent"
)


def matches(head):
    """Whether these are the first bytes of such a file."""
    columns = set(header(head))
    own = {
        "order_total",
        "order_date",
        "order_currency",
        "status",
        "billing_email",
        "shipping_total",
        "tax_total",
    }
    return bool(columns & set(_KIND.number)) and len(columns & own) >= 3


def read(file):
    """The orders of the file, each an ``OrderRecord``, or a ``Problem`` in its place."""
    return read_orders(file, _KIND, _order)


def _order(rows, zone):
    row = rows[0]
    is_by_item = not {"line_items", "line_item_1"} & set(row.columns)
    if len(rows) > 1 and not is_by_item:
        raise Unreadable(_("Another line has the same order number. Take one of them out."), rows[1].line)
    currency = row.text("order_currency").upper()
    if not money.is_currency(currency):
        raise row.unreadable(
            "order_currency",
            _("“%(text)s” is no currency; write its ISO 4217 code, such as EUR.") % {"text": currency},
        )
    sums = _sums(row, rows if is_by_item else None, currency)
    if is_by_item and abs(sums.rest) > sums.slack:
        raise Unreadable(
            _(
                "The order's total is off from its lines by %(off)s %(currency)s: some of its lines are missing, or "
                "stand elsewhere in the file. Put them together, or export the order anew."
            )
            % {"off": sums.rest, "currency": currency},
            row.line,
        )
    billing, shipping = _address(row, "billing"), _address(row, "shipping")
    facts = history(row, zone, sums.total)
    facts["notes"] = (*sums.notes(), *facts["notes"])
    return OrderRecord(
        number=row.text(*_KIND.number),
        customer_name=shortened(
            _name(row, "billing") or _name(row, "shipping") or _("Unknown customer"), 255
        ),
        email=row.text("billing_email", "customer_email"),
        phone=row.text("billing_phone", "shipping_phone"),
        billing_address=billing or shipping,
        shipping_address=shipping or billing,
        shipping_method_name=shortened(row.text("shipping_method"), 255),
        customer_note=row.text("customer_note"),
        data={"woocommerce": {"status": row.text("status"), **row.rest(_KNOWN.fullmatch)}},
        line=row.line,
        **sums.facts(),
        **facts,
    )


def _sums(row, item_rows, currency):
    parts = _goods_by_row(item_rows, currency) if item_rows else _goods(row, currency)
    shipping = Part(
        net=money.rounded(row.amount("shipping_total"), currency),
        tax=money.rounded(row.amount("shipping_tax_total"), currency),
    )
    return Sums(
        currency=currency,
        goods=[*parts, *_fees(row, currency)],
        shipping=shipping,
        tax=money.rounded(row.amount("tax_total"), currency),
        total=money.rounded(row.amount("order_total", is_needed=True), currency),
        rates=_rates(row),
    )


def _goods(row, currency):
    parts = [_part(item, row, "line_items", currency) for item in items_in(row, "line_items")]
    for column in sorted(filter(_NUMBERED.fullmatch, row.columns), key=lambda name: int(name[10:])):
        if row.text(column):
            parts.append(_part(items_in(row, column, read_item), row, column, currency))
    return parts


def _goods_by_row(rows, currency):
    items = [{name: row.text(column) for name, column in _ITEM_COLUMNS.items()} for row in rows]
    return [
        _part(item, row, "item_name", currency)
        for item, row in zip(items, rows, strict=True)
        if any(item.values())
    ]


def _fees(row, currency):
    fees = [
        _part({"quantity": "1", **item}, row, "fee_items", currency) for item in items_in(row, "fee_items")
    ]
    if fees or not row.amount("fee_total"):
        return fees
    item = {
        "name": _("Fees"),
        "quantity": "1",
        "total": row.text("fee_total"),
        "tax": row.text("fee_tax_total"),
    }
    return [_part(item, row, "fee_total", currency)]


def _part(item, row, column, currency):
    def number(*names):
        text = next((str(item[name]) for name in names if item.get(name) not in (None, "")), "0")
        try:
            return values.amount(values.plain(text))
        except Unreadable as error:
            raise row.unreadable(column, error.message) from None

    def money_of(*names):
        return money.rounded(number(*names), currency)

    quantity = number("quantity", "qty")
    if quantity != round(quantity, 4):
        raise row.unreadable(
            column, _("The quantity %(quantity)s has more than 4 decimals.") % {"quantity": quantity}
        )
    name = str(item.get("name") or item.get("title") or "")
    sku = str(item.get("sku") or "")
    product = str(item.get("product_id") or "")
    return Part(
        name=shortened(name or _("Without a name"), 255),
        # What the exporter writes for a product that is gone.
        sku="" if sku == "unknown_product" else sku,
        quantity=quantity,
        gross=money_of("subtotal", "sub_total", "total"),
        net=money_of("total"),
        # Nothing is written where there is no tax.
        tax=money_of("total_tax", "tax"),
        options=_options(item, row, column),
        data={"product_id": product} if product.strip("0") else {},
    )


def _options(item, row, column):
    try:
        return read_options(item)
    except Unreadable as error:
        raise row.unreadable(column, error.message) from None


def _rates(row):
    """The rates that the order's taxes name, and what they come to where several lie on one thing."""
    rates = []
    for item in items_in(row, "tax_items"):
        named = (str(item.get(name, "")) for name in ("label", "title", "code"))
        text = item.get("rate_percent") or next(
            (match[1] for text in named if (match := _PERCENT.search(text))), ""
        )
        if text:
            try:
                rates.append(values.amount(str(text).removesuffix("%")).normalize())
            except Unreadable as error:
                raise row.unreadable("tax_items", error.message) from None
    rates += [sum(rates)] if len(rates) > 1 else []
    # More decimals no rate has here.
    return [rate for rate in rates if rate == round(rate, 4)]


def _name(row, kind):
    parts = (row.text(f"{kind}_first_name"), row.text(f"{kind}_last_name"))
    return row.text(f"{kind}_full_name") or " ".join(filter(None, parts)) or row.text(f"{kind}_company")


def _address(row, kind):
    """None where there is nothing but a name."""
    street = [row.text(f"{kind}_address_1"), row.text(f"{kind}_address_2")]
    country = row.text(f"{kind}_country")
    city, postal_code = row.text(f"{kind}_city"), row.text(f"{kind}_postcode")
    if not any((*street, city, postal_code)):
        return None
    return Address(
        name=shortened(_name(row, kind), 255),
        company=row.text(f"{kind}_company"),
        street="\n".join(filter(None, street)),
        postal_code=postal_code.removeprefix("'"),
        city=city,
        region=row.text(f"{kind}_state", f"{kind}_state_code"),
        country=values.country(country),
        phone=row.text(f"{kind}_phone"),
    )


READER = Reader(
    name="woocommerce",
    label=gettext_lazy("WooCommerce (CSV)"),
    suffixes=(".csv", ".txt", ".tsv"),
    matches=matches,
    read=read,
    description=gettext_lazy(
        "The CSV file of “Import Export Suite for WooCommerce” or of “Customer/Order/Coupon Export”, with all columns."
    ),
)
