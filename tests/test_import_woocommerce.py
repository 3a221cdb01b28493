"""WooCommerce's order exports, brought over in each of their forms, to the cent."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from wagtail_orders.imports import woocommerce
from wagtail_orders.imports.readers import Problem, detect
from wagtail_orders.lifecycle import import_orders
from wagtail_orders.models import Order, OrderSettings

# As woocommerce.com/document/import-and-export-of-woocommerce-orders lists them.
COLUMNS = """
order_id,order_number,order_date,paid_date,status,shipping_total,shipping_tax_total,fee_total,fee_tax_total,tax_total,
cart_discount,order_discount,discount_total,order_total,order_subtotal,order_key,order_currency,payment_method,
payment_method_title,transaction_id,customer_ip_address,customer_user_agent,shipping_method,customer_id,customer_user,
customer_email,billing_first_name,billing_last_name,billing_company,billing_email,billing_phone,billing_address_1,
billing_address_2,billing_postcode,billing_city,billing_state,billing_country,shipping_first_name,shipping_last_name,
shipping_company,shipping_phone,shipping_address_1,shipping_address_2,shipping_postcode,shipping_city,shipping_state,
shipping_country,customer_note,wt_import_key,shipping_items,fee_items,tax_items,coupon_items,refund_items,order_notes,
download_permissions,line_item_1,line_item_2
""".replace("\n", "").split(",")
# As “Customer/Order/Coupon Export” names what it has else.
OTHER = """
order_id,order_number_formatted,order_number,order_date,status,shipping_total,shipping_tax_total,fee_total,
fee_tax_total,tax_total,discount_total,order_total,refunded_total,order_currency,payment_method,shipping_method,
customer_id,billing_first_name,billing_last_name,billing_full_name,billing_company,billing_email,billing_phone,
billing_address_1,billing_address_2,billing_postcode,billing_city,billing_state,billing_state_code,billing_country,
shipping_first_name,shipping_last_name,shipping_full_name,shipping_company,shipping_address_1,shipping_address_2,
shipping_postcode,shipping_city,shipping_state,shipping_state_code,shipping_country,customer_note,shipping_items,
fee_items,tax_items,coupon_items,refunds,order_notes,download_permissions
""".replace("\n", "").split(",")
BY_ORDER = [*OTHER, "line_items"]
BY_ITEM = [
    *OTHER,
    "item_id",
    "item_name",
    "item_product_id",
    "item_sku",
    "item_quantity",
    "item_subtotal",
    "item_subtotal_tax",
    "item_total",
    "item_total_tax",
    "item_refunded",
    "item_refunded_qty",
    "item_meta",
]

#: Two mugs at 18.50 and 5.00 for shipping with 21 % in them: 30.58 + 6.42 and 4.13 + 0.87.
FACTS = {
    "order_id": "1001",
    "order_number": "1001",
    "order_date": "2026-03-01 10:11:12",
    "paid_date": "2026-03-01T10:12:00+01:00",
    "status": "processing",
    "shipping_total": "4.132231",
    "shipping_tax_total": "0.87",
    "fee_total": "0.00",
    "fee_tax_total": "0.00",
    "tax_total": "7.29",
    "cart_discount": "0.00",
    "order_discount": "0.00",
    "discount_total": "0.00",
    "order_total": "42.00",
    "order_subtotal": "30.58",
    "order_key": "wc_order_4711",
    "order_currency": "EUR",
    "payment_method": "paypal",
    "payment_method_title": "PayPal, sofort",
    "transaction_id": "8XY12345",
    "customer_ip_address": "192.0.2.1",
    "customer_user_agent": "Mozilla/5.0",
    "shipping_method": "bpost",
    "customer_id": "7",
    "billing_first_name": "Zoë",
    "billing_last_name": "Müller",
    "billing_email": "zoe@example.com",
    "billing_phone": "+32 2 555 01 00",
    "billing_address_1": "12 rue de l'Église",
    "billing_address_2": "boîte 3",
    "billing_postcode": "1050",
    "billing_city": "Ixelles",
    "billing_country": "BE",
    "shipping_first_name": "Zoë",
    "shipping_last_name": "Müller",
    "shipping_address_1": "Quai 1",
    "shipping_postcode": "01069",
    "shipping_city": "Dresden",
    "shipping_country": "DE",
    "tax_items": "rate_id:1|code:BE-TVA-1|total:7.29|label:TVA|tax_rate_compound:|rate_percent:21",
    "line_item_1": "name:Tasse « Forêt »|product_id:13|sku:MUG-F|quantity:2|total:30.58|sub_total:30.58|tax:6.42"
    '|tax_data:{"total":{"1":"6.421488"},"subtotal":{"1":"6.421488"}}|meta:Couleur:Vert|_variation_id:14',
}
ESCAPED = (
    "id:1|name:Tasse\\: « Forêt\\; Vert »|product_id:13|sku:MUG-F|quantity:2|subtotal:30.58|subtotal_tax:6.42"
    "|total:30.58|total_tax:6.42|refunded:0.00|refunded_qty:0|meta:Couleur=Vert\\, clair,Texte=a\\|b"
)
AS_JSON = json.dumps(
    [
        {
            "id": 1,
            "name": "Tasse &quot;Forêt&quot;",
            "product_id": 13,
            "sku": "MUG-F",
            "quantity": 2,
            "subtotal": "30.58",
            "subtotal_tax": "6.42",
            "total": "30.58",
            "total_tax": "6.42",
            "meta": {"Couleur": "Vert"},
            "tax_data": {"total": {"1": "6.42"}, "subtotal": {"1": "6.42"}},
        }
    ],
    ensure_ascii=False,
)


def row(**changes):
    return FACTS | changes


def written(*rows, columns=COLUMNS, encoding="utf-8", **dialect):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode(encoding)


def read(data):
    return list(woocommerce.read(io.BytesIO(data)))


def brought(*rows, **options):
    """The one order that these lines are, in the database."""
    done = import_orders(read(written(*rows, **options)), source="woocommerce")
    assert done.problems == []
    return Order.objects.get()


def problem(*rows, **options):
    [found] = [entry for entry in read(written(*rows, **options)) if isinstance(entry, Problem)]
    return found


def by_item(*items, **changes):
    """A line of the file for each of the items."""
    return [row(**changes, **item) for item in items]


MUGS = {
    "item_name": "Tasse",
    "item_sku": "MUG-F",
    "item_quantity": "2",
    "item_subtotal": "30.58",
    "item_total": "30.58",
    "item_total_tax": "6.42",
    "item_meta": "Couleur=Vert",
}
POSTER = {
    "item_name": "Poster",
    "item_sku": "P-1",
    "item_quantity": "1",
    "item_subtotal": "10.00",
    "item_total": "8.00",
    "item_total_tax": "1.68",
}


pytestmark = pytest.mark.django_db


def test_an_order_arrives_with_everything_that_the_file_tells(heard, mailoutbox):
    order = brought(row(customer_note="Bitte klingeln\n2. Stock", coupon_items="code:flat20|amount:0.00"))
    assert (order.number, order.currency, order.total, order.tax_total) == (
        "1001",
        "EUR",
        42,
        Decimal("7.29"),
    )
    assert (order.subtotal, order.shipping_total) == (Decimal("30.58"), Decimal("4.13"))
    assert (order.prices_include_tax, order.shipping_tax_rate) == (False, 21)
    assert order.taxes == [{"rate": "21", "net": "34.71", "tax": "7.29"}]
    assert order.placed_at == datetime(2026, 3, 1, 9, 11, 12, tzinfo=UTC)
    assert order.paid_at == datetime(2026, 3, 1, 9, 12, tzinfo=UTC)
    assert (order.payment_status, order.fulfillment_status, order.status) == ("paid", "unfulfilled", "open")
    assert (order.customer_name, order.email, order.phone) == (
        "Zoë Müller",
        "zoe@example.com",
        "+32 2 555 01 00",
    )
    assert (order.customer_note, order.shipping_method_name) == ("Bitte klingeln\n2. Stock", "bpost")
    assert order.billing_address.street == "12 rue de l'Église\nboîte 3"
    assert (order.shipping_address.postal_code, order.shipping_address.country) == ("01069", "DE")
    line = order.lines.get()
    assert (line.sku, line.name, line.quantity, line.total) == (
        "MUG-F",
        "Tasse « Forêt »",
        2,
        Decimal("30.58"),
    )
    assert (line.unit_price, line.tax_rate, line.tax) == (Decimal("15.29"), 21, Decimal("6.42"))
    assert line.options == [["Couleur", "Vert"]]
    payment = order.payments.get()
    assert (payment.amount, payment.method, payment.reference) == (42, "paypal", "8XY12345")
    assert (payment.received_on, order.payment_method) == (date(2026, 3, 1), "PayPal, sofort")
    kept = order.data["woocommerce"]
    assert (kept["status"], kept["customer_id"], kept["coupon_items"]) == (
        "processing",
        "7",
        "code:flat20|amount:0.00",
    )
    assert not {"customer_ip_address", "customer_user_agent", "order_key", "order_total"} & set(kept)
    assert mailoutbox == []


@pytest.mark.parametrize(
    ("items", "name", "options"),
    [
        (ESCAPED, "Tasse: « Forêt; Vert »", [["Couleur", "Vert, clair"], ["Texte", "a|b"]]),
        (AS_JSON, 'Tasse "Forêt"', [["Couleur", "Vert"]]),
    ],
)
def test_both_ways_to_write_the_lines_into_one_cell_are_read(items, name, options):
    order = brought(row(line_items=items, order_number_formatted="WEB-1001"), columns=BY_ORDER)
    line = order.lines.get()
    assert (order.number, order.total) == ("WEB-1001", 42)
    assert (line.name, line.options, line.quantity, line.tax) == (name, options, 2, Decimal("6.42"))


def test_several_lines_are_parted_at_the_next_ones_first_fact():
    items = "name:A; B|quantity:1|total:10.00|total_tax:2.10;name:C|D|quantity:2|total:20.58|total_tax:4.32"
    order = brought(row(line_items=items), columns=BY_ORDER)
    assert [(line.name, line.quantity) for line in order.lines.all()] == [("A; B", 1), ("C|D", 2)]


def test_a_line_for_each_item_makes_one_order():
    rows = by_item(MUGS, POSTER, tax_total="8.97", order_total="51.68")
    order = brought(*rows, columns=BY_ITEM)
    assert [(line.sku, line.total, line.discount) for line in order.lines.all()] == [
        ("MUG-F", Decimal("30.58"), 0),
        ("P-1", 8, 2),
    ]
    assert (order.total, order.lines.first().options) == (Decimal("51.68"), [["Couleur", "Vert"]])


def test_items_that_are_missing_are_no_difference_but_a_mistake():
    rows = by_item(MUGS, tax_total="8.97", order_total="51.68")
    assert "8.00 EUR" in problem(*rows, columns=BY_ITEM).message


def test_items_as_json_tell_their_options():
    meta = json.dumps(
        [{"id": 1, "key": "Couleur", "value": "Vert"}, {"id": 2, "key": "_hidden", "value": "x"}]
    )
    order = brought(*by_item(MUGS | {"item_meta": meta}), columns=BY_ITEM)
    assert order.lines.get().options == [["Couleur", "Vert"]]


def test_coupons_lower_the_lines_they_are_for():
    order = brought(
        row(
            line_item_1="name:Tasse|product_id:13|sku:MUG-F|quantity:2|total:24.46|sub_total:30.58|tax:5.14",
            discount_total="6.12",
            tax_total="6.01",
            order_total="34.60",
        )
    )
    line = order.lines.get()
    assert (line.discount, line.total, line.unit_price) == (
        Decimal("6.12"),
        Decimal("24.46"),
        Decimal("15.29"),
    )
    assert (order.discount_total, order.total) == (0, Decimal("34.60"))


def test_three_for_ten_keep_their_sum():
    order = brought(
        row(
            line_item_1="name:A|quantity:3|total:0.00|sub_total:10.00",
            shipping_tax_total="0",
            tax_total="0",
            shipping_total="5",
            order_total="5.00",
            tax_items="",
        )
    )
    line = order.lines.get()
    assert (line.total, line.discount, line.unit_price) == (0, 10, Decimal("3.333334"))


def test_fees_are_lines():
    order = brought(
        row(
            fee_items='name:Gift wrap: red|total:1.00|tax:0.21|tax_data:{"total":{"1":"0.21"}}'
            "||name:Tip|total:2.00|tax:0",
            tax_total="7.50",
            order_total="45.21",
        )
    )
    assert [(line.name, line.total, line.tax_rate) for line in order.lines.all()][1:] == [
        ("Gift wrap: red", 1, 21),
        ("Tip", 2, 0),
    ]
    assert order.taxes == [
        {"rate": "0", "net": "2.00", "tax": "0.00"},
        {"rate": "21", "net": "35.71", "tax": "7.50"},
    ]


def test_fees_of_which_only_the_sum_is_told_are_a_line():
    order = brought(row(fee_total="1.00", fee_tax_total="0.21", tax_total="7.50", order_total="43.21"))
    assert [(line.name, line.total) for line in order.lines.all()][1:] == [("Fees", 1)]


def test_a_fee_below_zero_is_a_discount():
    order = brought(
        row(
            fee_items="name:Loyalty|total:-2.00|tax:-0.42",
            fee_total="'-2.00",
            tax_total="6.87",
            order_total="39.58",
        )
    )
    assert (order.discount_total, order.total, order.tax_total) == (2, Decimal("39.58"), Decimal("6.87"))
    assert order.taxes == [{"rate": "21", "net": "32.71", "tax": "6.87"}]


def test_a_cent_lost_in_rounding_is_a_line():
    order = brought(row(order_total="42.01"))
    assert [(line.name, line.total) for line in order.lines.all()][1:] == [("Rounding", Decimal("0.01"))]
    assert not order.notes.exists()


def test_a_cent_too_much_is_a_discount():
    order = brought(row(order_total="41.99"))
    assert (order.discount_total, order.total) == (Decimal("0.01"), Decimal("41.99"))
    assert not order.notes.exists()


def test_a_gift_card_that_no_column_tells_is_a_discount_with_a_note():
    order = brought(row(order_total="32.00"))
    assert (order.discount_total, order.total) == (10, 32)
    assert "10.00 EUR less" in order.notes.get().text


def test_taxes_that_do_not_add_up_are_told_in_sum_only():
    order = brought(row(tax_total="9.00", order_total="43.71"))
    assert (order.tax_total, order.taxes, order.total) == (9, [], Decimal("43.71"))


def test_two_taxes_on_one_thing_are_one_rate():
    order = brought(
        row(
            tax_items="code:CA-GST|total:5.00|label:GST|rate_percent:5;code:CA-QST|total:9.98|label:QST 9.975%",
            line_item_1="name:A|quantity:1|total:100.00|tax:14.98",
            shipping_total="0",
            shipping_tax_total="0",
            tax_total="14.98",
            order_total="114.98",
            order_currency="CAD",
        )
    )
    assert order.taxes == [{"rate": "14.975", "net": "100.00", "tax": "14.98"}]


def test_a_rate_that_nothing_names_is_the_one_with_the_fewest_decimals():
    order = brought(row(tax_items=""))
    assert (order.lines.get().tax_rate, order.shipping_tax_rate) == (21, 21)


UNPAID = {"paid_date": "", "transaction_id": ""}
REFUND = {"refund_items": "amount:10.00|reason:broken: one|date:2026-03-05 09:00:00"}


@pytest.mark.parametrize(
    ("changes", "payment", "handled", "status"),
    [
        ({"status": "wc-pending", **UNPAID}, "unpaid", False, "open"),
        ({"status": "Pending payment", **UNPAID}, "unpaid", False, "open"),
        ({"status": "on-hold", **UNPAID}, "unpaid", False, "open"),
        ({"status": "on-hold", "paid_date": ""}, "pending", False, "open"),
        ({"status": "failed", **UNPAID}, "unpaid", False, "open"),
        ({"status": "wc-processing"}, "paid", False, "open"),
        ({"status": "processing", **UNPAID}, "paid", False, "open"),
        ({"status": "processing", **UNPAID, "payment_method": "cod"}, "unpaid", False, "open"),
        ({"status": "completed"}, "paid", True, "open"),
        ({"status": "completed", **UNPAID, "payment_method": "cod"}, "paid", True, "open"),
        ({"status": "completed", **REFUND}, "partially_refunded", True, "open"),
        ({"status": "cancelled", **UNPAID}, "unpaid", False, "cancelled"),
        ({"status": "cancelled"}, "paid", False, "cancelled"),
        ({"status": "refunded"}, "refunded", False, "cancelled"),
    ],
)
def test_the_status_becomes_facts(changes, payment, handled, status):
    order = brought(row(**changes))
    assert (order.payment_status, order.is_handled, order.status) == (payment, handled, status)
    assert order.needs_look is False


def test_a_failed_payment_is_in_the_ledger():
    order = brought(row(status="failed", **UNPAID))
    assert [(entry.state, entry.amount) for entry in order.payments.all()] == [("failed", 42)]


def test_a_status_of_the_shops_own_is_looked_at():
    order = brought(row(status="wc-at-the-engraver"))
    assert (order.needs_look, order.payment_status) == (True, "paid")
    assert order.data["woocommerce"]["status"] == "wc-at-the-engraver"


def test_a_draft_is_no_order():
    assert "draft" in problem(row(status="checkout-draft")).message


def test_what_was_sent_is_handled_when_it_was():
    order = brought(
        row(status="completed", completed_date="2026-03-04 08:00:00"), columns=[*COLUMNS, "completed_date"]
    )
    assert order.handled_at == datetime(2026, 3, 4, 7, 0, tzinfo=UTC)


def test_refunds_come_with_date_and_reason():
    order = brought(row(status="completed", **REFUND))
    refund = order.payments.get(kind="refund")
    assert (refund.amount, refund.reason, refund.received_on) == (10, "broken: one", date(2026, 3, 5))
    assert order.amount_refunded == 10


def test_refunds_of_which_only_the_sum_is_told_are_one():
    order = brought(row(line_items=ESCAPED, status="completed", refunded_total="12.00"), columns=BY_ORDER)
    assert (order.amount_refunded, order.payment_status) == (12, "partially_refunded")


def test_notes_are_brought_and_what_the_shop_noted_is_one_of_them():
    order = brought(
        row(
            order_notes="content:Order status changed from Pending payment to Processing.|date:2026-03-01 10:12:00"
            "|customer:0|added_by:system||content:Parcel goes on Monday|date:2026-03-02 09:00:00|customer:1"
            "|added_by:anna||content:Called; she is at home|date:2026-03-02 10:00:00|customer:0|added_by:anna"
        )
    )
    notes = [(note.text, note.visible_to_customer) for note in order.notes.all()]
    assert notes == [
        ("Parcel goes on Monday", True),
        ("Called; she is at home", False),
        (
            "Notes in WooCommerce:\n"
            "2026-03-01 10:12:00 Order status changed from Pending payment to Processing.",
            False,
        ),
    ]
    assert order.notes.first().created_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_notes_without_facts_are_one():
    order = brought(row(line_items=ESCAPED, order_notes="Paid|Shipped"), columns=BY_ORDER)
    assert order.notes.get().text == "Notes in WooCommerce:\nPaid\nShipped"


@pytest.mark.parametrize(
    ("written_as", "hour"),
    [
        ("2026-07-01 10:11:12", 8),
        ("7/1/2026  10:11:12", 8),
        ("01-07-2026 10:11:12", 8),
        ("01.07.2026 10:11", 8),
        ("2026-07-01T10:11:12Z", 10),
        ("2026-07-01 10:11:12 -05:00", 15),
    ],
)
def test_dates_are_in_the_shops_time_unless_they_say_otherwise(written_as, hour):
    order = brought(row(order_date=written_as))
    assert order.placed_at.astimezone(UTC).replace(minute=0, second=0) == datetime(
        2026, 7, 1, hour, tzinfo=UTC
    )


def test_the_shops_time_is_the_one_of_its_settings(site):
    OrderSettings.objects.create(site=site, time_zone="America/New_York")
    assert brought(row()).placed_at == datetime(2026, 3, 1, 15, 11, 12, tzinfo=UTC)


def test_what_was_not_sent_anywhere_goes_where_the_bill_goes():
    nowhere = {name: "" for name in FACTS if name.startswith("shipping_") and not name.endswith("total")}
    order = brought(row(**nowhere))
    assert order.shipping_address.city == order.billing_address.city == "Ixelles"


def test_a_customer_without_a_name_has_her_companys():
    order = brought(row(billing_first_name="", billing_last_name="", billing_company="Forêt SPRL"))
    assert (order.customer_name, order.billing_address.company) == ("Forêt SPRL", "Forêt SPRL")


def test_several_orders_and_currencies_come_from_one_file():
    usd = row(order_number="1002", order_currency="usd", transaction_id="9")
    jpy = row(
        order_number="1003",
        order_currency="JPY",
        transaction_id="10",
        line_item_1="name:茶碗|quantity:2|total:3700|tax:370",
        shipping_total="500",
        shipping_tax_total="50",
        tax_total="420",
        order_total="4620",
        tax_items="label:消費税|rate_percent:10",
    )
    done = import_orders(read(written(row(), usd, jpy)))
    assert (done.new, done.problems, done.totals) == (3, [], {"EUR": 42, "USD": 42, "JPY": 4620})


def test_the_same_file_again_brings_nothing():
    rows = read(written(row(), row(order_number="1002", transaction_id="9")))
    import_orders(rows)
    again = import_orders(rows)
    assert (again.new, again.existing, Order.objects.count()) == (0, 2, 2)


@pytest.mark.parametrize(
    ("encoding", "dialect"),
    [
        ("utf-8", {}),
        ("utf-8-sig", {"delimiter": ";"}),
        ("utf-16", {"delimiter": "\t"}),
        ("cp1252", {"delimiter": ";", "lineterminator": "\n"}),
    ],
)
def test_a_spreadsheet_may_have_saved_it(encoding, dialect):
    data = written(row(customer_note="eins;\nzwei,\t„drei“"), encoding=encoding, **dialect)
    assert detect(io.BytesIO(data)).name == "woocommerce"
    [order] = read(data)
    assert (order.customer_name, order.customer_note) == ("Zoë Müller", "eins;\nzwei,\t„drei“")


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"order_total": "1,250"}, "order_total", "1,250"),
        ({"order_total": ""}, "order_total", "no amount"),
        ({"order_date": "yesterday"}, "order_date", "yesterday"),
        ({"order_date": "13/13/2026 10:00"}, "order_date", "13/13/2026"),
        ({"order_date": ""}, "order_date", "no date"),
        ({"order_currency": "EURO"}, "order_currency", "EURO"),
        ({"line_item_1": "name:Tasse|quantity:two|total:1"}, "line_item_1", "two"),
        ({"line_item_1": "name:Tasse|quantity:1|total:€ 1"}, "line_item_1", "€ 1"),
        ({"line_item_1": "{broken"}, "line_item_1", "JSON"),
        ({"line_item_1": "two mugs"}, "line_item_1", "two mugs"),
        ({"refund_items": "amount:a lot"}, "refund_items", "a lot"),
        ({"refund_items": "amount:1.00|date:soon"}, "refund_items", "soon"),
        ({"tax_total": "x"}, "tax_total", "x"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(changes, column, words):
    found = problem(row(**changes))
    assert (found.line, found.column, found.number) == (2, COLUMNS.index(column) + 1, "1001")
    assert words in found.message
    assert column in found.message


def test_a_wrong_order_does_not_spoil_the_next():
    entries = read(written(row(order_total="?"), row(order_number="1002")))
    assert [(type(entry).__name__, entry.number) for entry in entries] == [
        ("Problem", "1001"),
        ("OrderRecord", "1002"),
    ]


def test_missing_columns_are_named():
    columns = [name for name in COLUMNS if not name.startswith(("line_item", "order_c"))]
    found = problem(row(), columns=columns)
    assert found.line == 1
    assert "order_currency, line_items or line_item_1 or item_name" in found.message


def test_the_same_number_below_is_a_mistake():
    assert "same order number" in problem(row(), row()).message


@pytest.mark.parametrize(
    "head", [b"", b"PK\x03\x04\x00", b"<orders/>", b"Name,Lineitem name\n", b'"order_id\n']
)
def test_a_file_of_another_kind_is_not_taken_for_one(head):
    assert not woocommerce.matches(head)
