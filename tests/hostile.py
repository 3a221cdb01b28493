"""
Orders that no verb would write, as rows: whatever the columns and the database take. Anything that reads orders has
to cope with them; ``tests/records.py`` has those that the verbs let through.

    @given(rows=hostile_rows())
    def test_…(rows):
        with transaction.atomic():
            order = written(rows)
            …
            transaction.set_rollback(True)
"""

from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import connection
from hypothesis import strategies as st
from wagtail.models import Site

from wagtail_orders.models import (
    FulfillmentStatus,
    Order,
    OrderAddress,
    OrderLine,
    OrderNote,
    Payment,
    PaymentStatus,
    Shipment,
    ShipmentLine,
)

NASTY = [
    "]]>",
    "<![CDATA[",
    "&amp;&#0;&",
    "<script>alert('\"')</script>",
    "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    '=HYPERLINK("https://example.com","x")',
    "#REF!",
    "a\r\nb\rc\n\td ",
    " \t padded \n",
    "\x01\x08\x0b\x0c\x0e\x1f\x7f\x85\x9f",
    "\ufffe\uffff\ufdd0\U0001ffff",
    "\u2028\u2029\u200b\ufeff",
    "\u202eغداً שלום\u202c",
    "🤷🏽‍♀️🇧🇪",
    "e\u0301 ﬁ ß İ",
    "'; DROP TABLE orders; --",
]
DAYS = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001
COUNTRIES = st.from_regex("[A-Z]{2}", fullmatch=True)
LINKS = st.sampled_from(["", "https://example.com/?a=1&b=%3C\x7f\ufffe", "HTTP://EXAMPLE.COM/ü\u2028"])


def texts(most, *, least=0):
    """Texts that all databases take: without NUL and lone surrogates."""
    any_text = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=min(most, 40)
    )
    nasty = (
        st.sampled_from(NASTY) | st.just("]" * most) | st.builds("".join, st.lists(st.sampled_from(NASTY)))
    )
    # What is left must be no less than asked for.
    return (any_text | nasty).map(lambda text: text[:most] if len(text) >= least else "x" * least)


def decimals(digits, places, *, above=False):
    """From 0, or ``above`` it, up to so many digits, of which ``places`` are decimals."""
    units = st.integers(int(above), 10**digits - 1) | st.integers(1, 100).map(
        lambda whole: whole * 10**places
    )
    return units.map(lambda count: Decimal(count).scaleb(-places))


def amounts(**limits):
    return decimals(15, 4, **limits)


def rates():
    return st.integers(0, 100 * 10**4).map(lambda count: Decimal(count).scaleb(-4))


def json_texts():
    """Within JSON SQLite takes even those that no database has in a text."""
    odd = st.sampled_from(["\x00", "\ud800", "\udfff\ud800"])
    return texts(200) | odd if connection.vendor == "sqlite" else texts(200)


def json_values():
    numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False, width=32)
    leaves = st.none() | st.booleans() | numbers | json_texts()
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(json_texts(), inner), max_leaves=5
    )


def data():
    return st.just({}) | st.dictionaries(json_texts(), json_values(), max_size=3)


def fields(**by_name):
    return st.fixed_dictionaries(by_name)


def addresses():
    return fields(
        name=texts(255),
        company=texts(255),
        street=texts(500),
        postal_code=texts(20),
        city=texts(255),
        region=texts(255),
        country=COUNTRIES,
        phone=texts(64),
    )


def lines():
    return fields(
        sku=texts(100),
        name=texts(255),
        options=st.lists(st.tuples(json_texts(), json_texts()).map(list), max_size=3),
        quantity=decimals(12, 4, above=True),
        unit_price=decimals(15, 6),
        tax_rate=rates(),
        discount=decimals(15, 6),
        total=amounts(),
        tax=st.none() | amounts(),
        product_url=LINKS,
        data=data(),
    )


def payments():
    return fields(
        kind=st.sampled_from(Payment.Kind.values),
        state=st.sampled_from(Payment.State.values),
        amount=amounts(above=True),
        method=texts(50),
        reference=st.none() | texts(200, least=1),
        is_manual=st.booleans(),
        received_on=st.dates(date(1000, 1, 1), date(9999, 12, 30)),
        recorded_at=DAYS,
        reason=texts(500),
    )


def shipments():
    return fields(
        shipping_method_name=texts(255),
        tracking_number=texts(255),
        tracking_url=LINKS,
        shipped_at=DAYS,
        notified_at=st.none() | DAYS,
        cancelled_at=st.none() | DAYS,
        items=st.lists(decimals(12, 4, above=True), max_size=3),
    )


def notes():
    return fields(
        text=texts(50_000),
        visible_to_customer=st.booleans(),
        created_at=DAYS,
        edited_at=st.none() | DAYS,
    )


def shares():
    share = st.tuples(rates(), decimals(15, 4), decimals(15, 4)).map(lambda sums: map(str, sums))
    return st.lists(share.map(lambda sums: dict(zip(("rate", "net", "tax"), sums, strict=True))), max_size=4)


def orders():
    return fields(
        number=texts(50, least=1),
        language=texts(16),
        currency=st.sampled_from(["EUR", "JPY", "TND", "CLF", "DEM"]),
        customer_name=texts(255),
        email=texts(254),
        phone=texts(64),
        payment_status=st.sampled_from(PaymentStatus.values),
        handled_at=st.none() | DAYS,
        archived_at=st.none() | DAYS,
        cancelled_at=st.none() | DAYS,
        needs_look=st.booleans(),
        placed_at=DAYS,
        paid_at=st.none() | DAYS,
        updated_at=DAYS,
        prices_include_tax=st.booleans(),
        subtotal=amounts(),
        discount_total=amounts(),
        shipping_total=amounts(),
        shipping_tax_rate=rates(),
        tax_total=amounts(),
        taxes=shares(),
        total=amounts(),
        amount_paid=amounts(),
        amount_refunded=amounts(),
        payment_method=texts(50),
        shipping_method_name=texts(255),
        customer_note=texts(50_000),
        data=data(),
    )


def hostile_rows():
    """An order's rows, by what they are."""
    return fields(
        order=orders(),
        billing=st.none() | addresses(),
        shipping=st.none() | addresses(),
        lines=st.lists(lines(), max_size=3),
        payments=st.lists(payments(), max_size=3, unique_by=lambda row: (row["method"], row["reference"])),
        shipments=st.lists(shipments(), max_size=2),
        notes=st.lists(notes(), max_size=2),
        site=texts(255) | st.none(),
    )


def written(rows):
    """The rows in the database; their order."""
    order = Order.objects.create(**_consistent(rows["order"]), site=_site(rows["site"]))
    for kind in OrderAddress.Kind.values:
        if rows[kind]:
            OrderAddress.objects.create(order=order, kind=kind, **rows[kind])
    made = [
        OrderLine.objects.create(order=order, position=position * 7, **row)
        for position, row in enumerate(rows["lines"])
    ]
    for row in rows["payments"]:
        Payment.objects.create(order=order, **row)
    for row in rows["shipments"]:
        items = row["items"]
        shipment = Shipment.objects.create(
            order=order, **{name: row[name] for name in row if name != "items"}
        )
        for line, quantity in zip(made, items, strict=False):
            ShipmentLine.objects.create(shipment=shipment, line=line, quantity=quantity)
    for row in rows["notes"]:
        OrderNote.objects.create(order=order, **row)
    return order


def _consistent(row):
    """With the statuses that the dates give: the database insists."""
    is_handled = row["handled_at"] is not None
    return {
        **row,
        "status": "open" if row["cancelled_at"] is None else "cancelled",
        "is_archived": row["archived_at"] is not None,
        "fulfillment_status": FulfillmentStatus.FULFILLED if is_handled else FulfillmentStatus.UNFULFILLED,
    }


def _site(name):
    if name is None:
        return None
    site = Site.objects.get(is_default_site=True)
    site.site_name = name
    site.save()
    return site
