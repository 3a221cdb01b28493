"""
Shopify's orders from CSV: Orders → Export in its admin (help.shopify.com/en/manual/fulfillment/managing-orders/
exporting-orders names the columns).

An order is one line for each thing bought. Only the first has what is true of the whole order; the others leave those
columns empty. ``Lineitem price`` is for one, before any discount. ``Subtotal`` is all lines after all discounts,
``Discount Amount`` may have a discount on the shipping in it, and nothing says whether prices include the taxes: the
sums do. ``Total`` stays what it was when money goes back.
"""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import money
from ..lifecycle.inputs import Address
from ..lifecycle.records import OrderRecord, PaymentRecord, ShipmentRecord
from . import values
from .readers import Reader
from .shopify_sums import ShopifySums
from .table import Kind, read_orders
from .text import header
from .values import shortened

_KIND = Kind(
    shop="Shopify",
    needed=tuple(
        (name,)
        for name in (
            "Name",
            "Created at",
            "Financial Status",
            "Currency",
            "Subtotal",
            "Shipping",
            "Taxes",
            "Total",
            "Lineitem quantity",
            "Lineitem name",
            "Lineitem price",
        )
    ),
    number=("name",),
    # Shopify's help and its files do not spell it alike.
    aliases={"canceled_at": "cancelled_at"},
    first="total",
)
# What is brought over in another form; all else is kept as it is.
_KNOWN = re.compile(
    r"name|email|financial_status|paid_at|fulfilled_at|currency|subtotal|shipping|taxes|total|created_at"
    r"|shipping_method|cancelled_at|payment_method|payment_reference|refunded_amount|outstanding_balance|notes|phone(_2)?"
    r"|lineitem_.*|vendor|(billing|shipping)_(name|street|address[12]|company|city|zip|province|country|phone)"
)

#: What stands in ``Financial Status``.
STATUSES = (
    "paid",
    "partially_paid",
    "partially_refunded",
    "refunded",
    "pending",
    "authorized",
    "voided",
    "expired",
    "unpaid",
)


def matches(head):
    """Whether these are the first bytes of such a file."""
    columns = header(head)
    return "name" in columns and ("lineitem_name" in columns or "financial_status" in columns)


def read(file):
    """The orders of the file, each an ``OrderRecord``, or a ``Problem`` in its place."""
    return read_orders(file, _KIND, _order)


def _order(rows, zone):
    row = rows[0]
    _check_repeated(rows)
    currency = row.text("currency").upper()
    if not money.is_currency(currency):
        raise row.unreadable(
            "currency",
            _("“%(text)s” is no currency; write its ISO 4217 code, such as EUR.") % {"text": currency},
        )
    placed_at = row.moment("created_at", zone)
    if placed_at is None:
        raise row.unreadable("created_at", _("There is no date. Fill it in."))
    # An item that was taken out of the order stays in the file with a quantity of 0.
    items = [
        item
        for item in rows
        if item.text("lineitem_name", "lineitem_price") and item.amount("lineitem_quantity")
    ]
    sums = ShopifySums(row, items, currency).facts()
    billing, shipping = _address(row, "billing"), _address(row, "shipping")
    return OrderRecord(
        number=row.text("name"),
        placed_at=placed_at,
        customer_name=shortened(_customer(row), 255),
        email=row.text("email"),
        phone=row.text("phone", "phone_2", "billing_phone", "shipping_phone"),
        billing_address=billing or shipping,
        shipping_address=shipping or billing,
        shipping_method_name=shortened(row.text("shipping_method"), 255),
        payment_method=shortened(row.text("payment_method"), 50),
        customer_note=row.text("notes"),
        cancelled_at=row.moment("cancelled_at", zone),
        data={"shopify": row.rest(_KNOWN.fullmatch)},
        line=row.line,
        **sums,
        **_ledger(row, zone, placed_at, sums["total"]),
        **_fulfillment(row, items, zone, placed_at),
    )


def _check_repeated(rows):
    """An order that is twice in the file, one below the other, is not one with twice the lines."""
    for row in rows[1:]:
        if row.text("total"):
            raise row.unreadable("name", _("This order stands twice in the file. Take one of the two out."))


def _customer(row):
    return row.text("billing_name", "shipping_name", "email", "phone") or _("Unknown customer")


def _ledger(row, zone, placed_at, total):
    """What came in and went back, by ``Financial Status``."""
    status = "_".join(row.text("financial_status").lower().split())
    paid_at = row.moment("paid_at", zone) or placed_at
    refunded = row.amount("refunded_amount")
    if status == "refunded" and not row.text("refunded_amount"):
        refunded = total
    paid = _paid(row, status, total, refunded)
    state, amount = ("confirmed", paid) if paid else _not_confirmed(row, status, total)
    method = shortened(row.text("payment_method"), 50) or "manual"
    payments = []
    if amount:
        payments.append(
            PaymentRecord(
                amount=amount,
                method=method,
                state=state,
                reference=row.text("payment_reference", "payment_references", "payment_id") or None,
                received_on=paid_at.date(),
                recorded_at=paid_at,
            )
        )
    if refunded:
        # The file does not say when.
        payments.append(PaymentRecord(kind="refund", amount=refunded, method=method, recorded_at=paid_at))
    return {"payments": tuple(payments), "paid_at": paid_at if paid and paid >= total else None}


def _paid(row, status, total, refunded):
    if status in ("paid", "refunded", "partially_refunded"):
        return total
    if status == "partially_paid":
        owed = row.amount("outstanding_balance", is_needed=True)
        if not 0 < owed < total:
            raise row.unreadable(
                "outstanding_balance",
                _("The order is partly paid, and this is not what is still owed. Write the amount that is."),
            )
        return total - owed
    if status in STATUSES:
        return refunded and total
    raise row.unreadable(
        "financial_status",
        _("“%(text)s” is none of the statuses that Shopify writes; write paid, pending or another of them.")
        % {"text": status},
    )


def _not_confirmed(row, status, total):
    """The state and amount of a payment that never came in, or has not yet."""
    if status == "authorized" or (status == "pending" and row.text("payment_reference")):
        return "pending", total
    return ("voided", total) if status == "voided" else ("", 0)


def _fulfillment(row, items, zone, placed_at):
    """When the order was handled; of one that is partly sent, what is."""
    status = row.text("fulfillment_status").lower()
    fulfilled_at = row.moment("fulfilled_at", zone)
    if status == "fulfilled":
        return {"handled_at": fulfilled_at or placed_at}
    if status != "partial":
        return {}
    sent = {
        position: item.amount("lineitem_quantity")
        for position, item in enumerate(items)
        if item.text("lineitem_fulfillment_status").lower() == "fulfilled"
    }
    parcel = ShipmentRecord(
        shipping_method_name=shortened(row.text("shipping_method"), 255),
        shipped_at=fulfilled_at or placed_at,
        lines=sent,
    )
    return {"fulfillment_status": "partially_fulfilled", "shipments": (parcel,) if sent else ()}


def _address(row, kind):
    """None where there is nothing but a name."""
    street = [row.text(f"{kind}_address1"), row.text(f"{kind}_address2")]
    if not any(street):
        street = [row.text(f"{kind}_street")]
    # An apostrophe keeps a spreadsheet from taking the zero off.
    city, postal_code = row.text(f"{kind}_city"), row.text(f"{kind}_zip").removeprefix("'")
    if not any((*street, city, postal_code)):
        return None
    return Address(
        name=shortened(row.text(f"{kind}_name"), 255),
        company=row.text(f"{kind}_company"),
        street="\n".join(filter(None, street)),
        postal_code=postal_code,
        city=city,
        region=row.text(f"{kind}_province_name", f"{kind}_province"),
        country=values.country(row.text(f"{kind}_country")),
        phone=row.text(f"{kind}_phone"),
    )


READER = Reader(
    name="shopify",
    label=gettext_lazy("Shopify (CSV)"),
    suffixes=(".csv", ".txt", ".tsv"),
    matches=matches,
    read=read,
    description=gettext_lazy(
        "The file of Orders → Export in Shopify's admin, as “Plain CSV file” or for Excel."
    ),
)
