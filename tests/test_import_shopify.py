"""Shopify's own order export, brought over: discounts, taxes in the prices and on top, refunds, parts, to the cent."""

import csv
import io
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from wagtail_orders.imports import shopify
from wagtail_orders.imports.readers import Problem, detect
from wagtail_orders.lifecycle import import_orders
from wagtail_orders.models import Order, OrderLine, Payment

# As help.shopify.com lists them and the export writes them.
COLUMNS = """
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,
Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,
Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,
Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,Billing City,Billing Zip,
Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,
Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,
Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,
Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,
Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,
Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,Payment References
""".replace("\n", "").split(",")

FACTS = {
    "Name": "#1001",
    "Email": "zoe@example.com",
    "Financial Status": "paid",
    "Paid at": "2026-03-01 10:11:30 +0100",
    "Fulfillment Status": "unfulfilled",
    "Accepts Marketing": "no",
    "Currency": "EUR",
    "Subtotal": "37.00",
    "Shipping": "5.00",
    "Taxes": "7.29",
    "Total": "42.00",
    "Discount Amount": "0.00",
    "Shipping Method": "bpost",
    "Created at": "2026-03-01 10:11:12 +0100",
    "Lineitem quantity": "2",
    "Lineitem name": "Tasse en grès « Forêt » - Vert",
    "Lineitem price": "18.50",
    "Lineitem sku": "MUG-F",
    "Lineitem requires shipping": "true",
    "Lineitem taxable": "true",
    "Lineitem fulfillment status": "pending",
    "Billing Name": "Zoë Müller",
    "Billing Street": "12 rue de l'Église",
    "Billing Address1": "12 rue de l'Église",
    "Billing City": "Ixelles",
    "Billing Zip": "'1050",
    "Billing Country": "BE",
    "Billing Phone": "+32 2 555 01 00",
    "Shipping Name": "Zoë Müller",
    "Shipping Street": "12 rue de l'Église, boîte 3",
    "Shipping Address1": "12 rue de l'Église",
    "Shipping Address2": "boîte 3",
    "Shipping City": "Ixelles",
    "Shipping Zip": "'1050",
    "Shipping Country": "BE",
    "Payment Method": "Shopify Payments",
    "Payment Reference": "rIw4QXqrJb",
    "Refunded Amount": "0.00",
    "Vendor": "Leaf",
    "Outstanding Balance": "0.00",
    "Id": "7410991464714",
    "Source": "web",
    "Lineitem discount": "0.00",
    "Tax 1 Name": "TVA 21%",
    "Tax 1 Value": "7.29",
}


def row(**changes):
    """The first line of an order: two mugs at 18.50 and 5.00 for shipping, 42.00 EUR with 21 % in it, paid."""
    return FACTS | {name.replace("_", " "): value for name, value in changes.items()}


def more(name="#1001", **changes):
    """A further line of an order, as empty as Shopify leaves it."""
    facts = {
        "Name": name,
        "Email": "zoe@example.com",
        "Created at": FACTS["Created at"],
        "Lineitem discount": "0.00",
    }
    return facts | {name.replace("_", " "): value for name, value in changes.items()}


def written(*rows, columns=COLUMNS, encoding="utf-8", **dialect):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode(encoding)


def read(data):
    return list(shopify.read(io.BytesIO(data)))


def brought(*rows):
    """The one order that these lines are, in the database."""
    done = import_orders(read(written(*rows)), source="shopify")
    assert done.problems == []
    return Order.objects.get()


def problem(*rows, **options):
    """What keeps these lines from being an order."""
    [found] = [entry for entry in read(written(*rows, **options)) if isinstance(entry, Problem)]
    return found


def spoilt(**changes):
    return problem(row(**changes))


pytestmark = pytest.mark.django_db


def test_an_order_arrives_with_everything_that_the_file_tells(heard, mailoutbox):
    order = brought(row(Notes="Bitte klingeln\n2. Stock", Tags="vip", Discount_Code=""))
    assert (order.number, order.currency, order.total, order.tax_total) == (
        "#1001",
        "EUR",
        42,
        Decimal("7.29"),
    )
    assert (order.subtotal, order.shipping_total, order.prices_include_tax) == (37, 5, True)
    assert order.taxes == [{"rate": "21", "net": "34.71", "tax": "7.29"}]
    assert order.shipping_tax_rate == 21
    assert order.placed_at == datetime(2026, 3, 1, 9, 11, 12, tzinfo=UTC)
    assert order.paid_at == datetime(2026, 3, 1, 9, 11, 30, tzinfo=UTC)
    assert (order.payment_status, order.fulfillment_status, order.status) == ("paid", "unfulfilled", "open")
    assert (order.customer_name, order.email, order.phone) == (
        "Zoë Müller",
        "zoe@example.com",
        "+32 2 555 01 00",
    )
    assert (order.customer_note, order.shipping_method_name) == ("Bitte klingeln\n2. Stock", "bpost")
    assert (order.billing_address.street, order.billing_address.postal_code) == ("12 rue de l'Église", "1050")
    assert order.shipping_address.street == "12 rue de l'Église\nboîte 3"
    line = order.lines.get()
    assert (line.sku, line.name, line.quantity) == ("MUG-F", "Tasse en grès « Forêt » - Vert", 2)
    assert (line.unit_price, line.total, line.tax_rate) == (Decimal("18.50"), 37, 21)
    payment = order.payments.get()
    assert (payment.amount, payment.method, payment.reference) == (42, "Shopify Payments", "rIw4QXqrJb")
    assert (payment.received_on, payment.is_manual) == (date(2026, 3, 1), False)
    assert order.data["shopify"]["Tags"] == "vip"
    assert order.data["shopify"]["Id"] == "7410991464714"
    assert line.data["Vendor"] == "Leaf"
    assert mailoutbox == []


def test_each_line_of_the_file_is_a_line_of_the_order():
    order = brought(
        row(Subtotal="61.50", Taxes="11.54", Total="66.50", Tax_1_Value="11.54"),
        more(
            Lineitem_quantity="1",
            Lineitem_name="Poster, “Zürich”",
            Lineitem_price="24.50",
            Lineitem_sku="P-1",
        ),
    )
    assert [(line.name, line.total) for line in order.lines.all()] == [
        ("Tasse en grès « Forêt » - Vert", Decimal("37.00")),
        ("Poster, “Zürich”", Decimal("24.50")),
    ]
    assert order.total == Decimal("66.50")


def test_taxes_on_top_are_told_by_the_total():
    order = brought(
        row(
            Currency="USD",
            Subtotal="29.98",
            Taxes="2.40",
            Total="37.38",
            Lineitem_price="14.99",
            Tax_1_Name="New York State Tax 8%",
            Tax_1_Value="2.40",
        )
    )
    assert (order.prices_include_tax, order.total, order.tax_total) == (
        False,
        Decimal("37.38"),
        Decimal("2.40"),
    )
    assert order.shipping_tax_rate == 0
    assert {"rate": "8", "net": "29.98", "tax": "2.40"} in order.taxes


def test_taxes_that_lie_on_the_same_goods_are_one_rate():
    order = brought(
        row(
            Currency="CAD",
            Subtotal="100.00",
            Shipping="0.00",
            Taxes="14.98",
            Total="114.98",
            Lineitem_price="50.00",
            Tax_1_Name="GST 5%",
            Tax_1_Value="5.00",
            Tax_2_Name="QST 9.975%",
            Tax_2_Value="9.98",
        )
    )
    assert order.lines.get().tax_rate == Decimal("14.975")
    assert order.taxes == [{"rate": "14.975", "net": "100.00", "tax": "14.98"}]


def test_taxes_of_several_rates_are_kept_in_sum_and_by_name():
    order = brought(
        row(
            Subtotal="47.60",
            Taxes="7.89",
            Total="52.60",
            Tax_1_Name="TVA 21%",
            Tax_1_Value="7.29",
            Tax_2_Name="TVA 6%",
            Tax_2_Value="0.60",
        ),
        more(Lineitem_quantity="1", Lineitem_name="Livre", Lineitem_price="10.60", Lineitem_taxable="true"),
    )
    assert (order.tax_total, order.taxes, order.total) == (Decimal("7.89"), [], Decimal("52.60"))
    assert order.data["shopify"]["Tax 2 Name"] == "TVA 6%"


def test_what_is_not_taxed_has_no_rate():
    order = brought(
        row(Subtotal="62.00", Shipping="0.00", Taxes="6.42", Total="62.00", Tax_1_Value="6.42"),
        more(
            Lineitem_quantity="1", Lineitem_name="Gift card", Lineitem_price="25.00", Lineitem_taxable="false"
        ),
    )
    assert [line.tax_rate for line in order.lines.all()] == [21, 0]


def test_a_cent_that_shopify_rounds_line_by_line_is_kept():
    order = brought(row(Taxes="7.30", Tax_1_Value="7.30"))
    assert (order.tax_total, order.total) == (Decimal("7.30"), 42)
    assert order.taxes == [{"rate": "21", "net": "34.70", "tax": "7.30"}]


def test_the_subtotal_tells_the_discount():
    """``Discount Amount`` has the one on the shipping in it, too."""
    order = brought(
        row(
            Subtotal="29.60",
            Shipping="0.00",
            Taxes="5.14",
            Total="29.60",
            Discount_Code="WELCOME20",
            Discount_Amount="12.40",
            Tax_1_Value="5.14",
        )
    )
    assert (order.subtotal, order.discount_total, order.total) == (37, Decimal("7.40"), Decimal("29.60"))
    assert order.data["shopify"]["Discount Code"] == "WELCOME20"


def test_a_lines_own_discount_stays_with_it():
    order = brought(
        row(Subtotal="35.00", Taxes="6.94", Total="40.00", Lineitem_discount="2.00", Tax_1_Value="6.94")
    )
    line = order.lines.get()
    assert (line.discount, line.total, order.discount_total, order.subtotal) == (2, 35, 0, 35)


def test_a_lines_discount_that_the_subtotal_does_not_know_changes_no_sum():
    order = brought(row(Lineitem_discount="2.00"))
    assert (order.lines.get().total, order.total) == (37, 42)
    assert order.lines.get().data["Lineitem discount"] == "2.00"


def test_what_the_total_has_more_is_a_line_of_its_own_and_told():
    order = brought(row(Total="44.50"))
    assert [(line.name, line.total) for line in order.lines.all()][1:] == [
        ("Difference to the order's total", Decimal("2.50"))
    ]
    assert (order.total, order.prices_include_tax) == (Decimal("44.50"), True)
    assert "2.50 EUR more" in order.notes.get().text


def test_what_the_total_has_less_is_a_discount_and_told():
    order = brought(row(Total="37.00"))
    assert (order.discount_total, order.total) == (5, 37)
    assert "5.00 EUR less" in order.notes.get().text


def test_duties_are_a_line():
    order = brought(row(Total="50.00", Duties="8.00"))
    assert [(line.name, line.total) for line in order.lines.all()][1:] == [("Duties", 8)]
    assert not order.notes.exists()


@pytest.mark.parametrize(
    ("changes", "payment_status", "ledger"),
    [
        ({}, "paid", [("payment", "confirmed", 42)]),
        ({"Financial_Status": "pending", "Paid_at": "", "Payment_Reference": ""}, "unpaid", []),
        ({"Financial_Status": "pending", "Paid_at": ""}, "pending", [("payment", "pending", 42)]),
        ({"Financial_Status": "authorized", "Paid_at": ""}, "pending", [("payment", "pending", 42)]),
        ({"Financial_Status": "voided", "Paid_at": ""}, "unpaid", [("payment", "voided", 42)]),
        ({"Financial_Status": "expired", "Paid_at": ""}, "unpaid", []),
        (
            {"Financial_Status": "partially_paid", "Outstanding_Balance": "30.00"},
            "partially_paid",
            [("payment", "confirmed", 12)],
        ),
        (
            {"Financial_Status": "partially_refunded", "Refunded_Amount": "18.50"},
            "partially_refunded",
            [("payment", "confirmed", 42), ("refund", "confirmed", Decimal("18.50"))],
        ),
        (
            {"Financial_Status": "refunded", "Refunded_Amount": "42.00"},
            "refunded",
            [("payment", "confirmed", 42), ("refund", "confirmed", 42)],
        ),
        (
            {"Financial_Status": "refunded", "Refunded_Amount": ""},
            "refunded",
            [("payment", "confirmed", 42), ("refund", "confirmed", 42)],
        ),
    ],
)
def test_the_ledger_is_what_the_financial_status_says(changes, payment_status, ledger):
    order = brought(row(**changes))
    assert order.payment_status == payment_status
    assert [(entry.kind, entry.state, entry.amount) for entry in order.payments.all()] == ledger
    assert (order.paid_at is not None) == any(entry == ("payment", "confirmed", 42) for entry in ledger)


def test_an_order_that_costs_nothing_is_paid_without_a_payment():
    order = brought(
        row(
            Subtotal="0.00",
            Shipping="0.00",
            Taxes="0.00",
            Total="0.00",
            Discount_Amount="42.00",
            Tax_1_Value="0.00",
        )
    )
    assert (order.total, order.discount_total, order.payment_status) == (0, 37, "paid")
    assert not order.payments.exists()


def test_what_was_sent_is_handled():
    order = brought(row(Fulfillment_Status="fulfilled", Fulfilled_at="2026-03-02 08:00:00 +0100"))
    assert order.fulfillment_status == "fulfilled"
    assert order.handled_at == datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
    assert not order.shipments.exists()


def test_what_is_partly_sent_is_not_sent_twice():
    order = brought(
        row(
            Fulfillment_Status="partial",
            Lineitem_fulfillment_status="fulfilled",
            Subtotal="61.50",
            Taxes="11.54",
            Total="66.50",
            Tax_1_Value="11.54",
        ),
        more(
            Lineitem_quantity="1",
            Lineitem_name="Poster",
            Lineitem_price="24.50",
            Lineitem_fulfillment_status="pending",
        ),
    )
    assert (order.fulfillment_status, order.handled_at) == ("partially_fulfilled", None)
    [parcel] = order.shipments.all()
    assert [(entry.line.sku, entry.quantity) for entry in parcel.lines.all()] == [("MUG-F", 2)]


def test_a_cancelled_order_is_cancelled():
    order = brought(
        row(
            Financial_Status="voided",
            Paid_at="",
            Cancelled_at="2026-03-03 12:00:00 -0500",
            Payment_Reference="",
        )
    )
    assert (order.status, order.cancelled_at) == ("cancelled", datetime(2026, 3, 3, 17, 0, tzinfo=UTC))


def test_the_columns_as_the_help_page_spells_them_are_the_same():
    columns = ["Canceled at" if name == "Cancelled at" else name for name in COLUMNS]
    columns[columns.index("Lineitem sku")] = "Lineitem SKU"
    facts = {**row(), "Canceled at": "2026-03-03 12:00:00 +0000", "Lineitem SKU": "MUG-F"}
    [order] = read(written(facts, columns=columns))
    assert (order.cancelled_at, order.lines[0].sku) == (datetime(2026, 3, 3, 12, tzinfo=UTC), "MUG-F")
    assert "Canceled at" not in order.data["shopify"]


def test_a_second_column_of_a_name_takes_nothing_from_the_first():
    data = written(row(Phone="+32 2 555 09 99", Billing_Phone=""))
    header, rest = data.split(b"\r\n", 1)
    [order] = read(b"Phone," + header + b"\r\n" + b"," + rest)
    assert order.phone == "+32 2 555 09 99"


def test_what_was_taken_out_of_an_order_is_no_line():
    order = brought(row(), more(Lineitem_quantity="0", Lineitem_name="Poster", Lineitem_price="24.50"))
    assert OrderLine.objects.count() == 1
    assert order.total == 42


def test_a_sale_at_the_counter_has_neither_name_nor_address():
    nobody = {name.replace(" ", "_"): "" for name in COLUMNS if name.startswith(("Billing", "Shipping "))}
    order = brought(row(**{**nobody, "Email": "", "Shipping": "5.00"}))
    assert (order.customer_name, order.email, order.billing_address) == ("Unknown customer", "", None)


def test_yen_have_no_decimals():
    order = brought(
        row(
            Currency="JPY",
            Subtotal="3700",
            Shipping="500",
            Taxes="382",
            Total="4200",
            Lineitem_price="1850",
            Tax_1_Name="消費税 10%",
            Tax_1_Value="382",
        )
    )
    assert (order.total, order.tax_total, order.taxes[0]["rate"]) == (4200, 382, "10")


def test_orders_in_several_currencies_come_from_one_file():
    done = import_orders(
        read(
            written(
                row(),
                row(Name="#1002", Currency="USD", Payment_Reference="a"),
                row(Name="#1003", Currency="USD", Payment_Reference="b"),
            )
        )
    )
    assert (done.new, done.totals) == (3, {"EUR": 42, "USD": 84})


def test_the_same_file_again_brings_nothing():
    rows = read(written(row(), row(Name="#1002", Payment_Reference="x")))
    import_orders(rows)
    again = import_orders(rows)
    assert (again.new, again.existing) == (0, 2)
    assert (Order.objects.count(), Payment.objects.count()) == (2, 2)


@pytest.mark.parametrize(
    ("encoding", "dialect"),
    [
        ("utf-8", {}),
        ("utf-8-sig", {"delimiter": ";"}),
        ("utf-16", {"delimiter": "\t"}),
        ("cp1252", {"delimiter": ";", "lineterminator": "\n"}),
        ("utf-8", {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}),
    ],
)
def test_a_spreadsheet_may_have_saved_it(encoding, dialect):
    data = written(row(Notes="eins;\nzwei,\t„drei“"), encoding=encoding, **dialect)
    assert detect(io.BytesIO(data)).name == "shopify"
    [order] = read(data)
    assert (order.customer_name, order.customer_note) == ("Zoë Müller", "eins;\nzwei,\t„drei“")


def test_columns_may_be_in_any_order_and_in_capitals():
    columns = [name.upper() for name in reversed(COLUMNS)]
    [order] = read(written({name.upper(): value for name, value in row().items()}, columns=columns))
    assert order.number == "#1001"


def test_amounts_with_a_decimal_comma_are_read():
    assert brought(row(Total="42,00", Lineitem_price="18,5")).total == 42


def test_a_thousands_sign_beside_a_decimal_one_is_read():
    order = brought(
        row(Subtotal="1,850.00", Taxes="0", Total="1.855,00", Lineitem_price="925.00", Tax_1_Value="0")
    )
    assert order.total == 1855


@pytest.mark.parametrize("amount", ["1,250", "€ 42.00", "4.2E+1", "forty-two", "1 250.00", "--1", "NaN"])
def test_an_amount_that_could_be_anything_is_told_with_its_place(amount):
    found = spoilt(Total=amount)
    assert (found.line, found.column, found.number) == (2, COLUMNS.index("Total") + 1, "#1001")
    assert "“Total”" in found.message
    assert amount in found.message


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"Subtotal": ""}, "Subtotal", "no amount"),
        ({"Created_at": "tomorrow"}, "Created at", "cannot be read as a date"),
        ({"Created_at": "2026-02-30 10:00:00 +0100"}, "Created at", "cannot be read as a date"),
        ({"Created_at": ""}, "Created at", "no date"),
        ({"Currency": "EURO"}, "Currency", "no currency"),
        ({"Financial_Status": "mostly paid"}, "Financial Status", "mostly_paid"),
        ({"Financial_Status": "partially_paid"}, "Outstanding Balance", "still owed"),
        ({"Lineitem_price": "cheap"}, "Lineitem price", "cheap"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(changes, column, words):
    found = spoilt(**changes)
    assert (found.line, found.column, found.number) == (2, COLUMNS.index(column) + 1, "#1001")
    assert words in found.message


def test_a_wrong_order_does_not_spoil_the_next():
    entries = read(written(row(Total="?"), more(Lineitem_name="x"), row(Name="#1002")))
    assert [type(entry).__name__ for entry in entries] == ["Problem", "OrderRecord"]
    assert [entry.number for entry in entries] == ["#1001", "#1002"]


def test_a_line_is_counted_as_the_file_has_it_line_breaks_and_all():
    found = problem(row(Notes="one\ntwo\nthree"), row(Name="#1002", Total="x"))
    assert found.line == 5


def test_lines_that_stand_apart_from_their_order_are_told():
    entries = read(
        written(
            row(),
            row(Name="#1002"),
            more(Lineitem_name="Poster", Lineitem_quantity="1", Lineitem_price="3"),
        )
    )
    assert [(type(entry).__name__, entry.number) for entry in entries] == [
        ("Problem", "#1001"),
        ("OrderRecord", "#1002"),
        ("Problem", "#1001"),
    ]


def test_a_file_that_was_sorted_is_told_once():
    names = [f"#{number}" for number in range(200)]
    found = problem(*(row(Name=name) for name in names), *(more(name=name) for name in names))
    assert "was sorted" in found.message


def test_an_order_that_is_twice_in_the_file_is_told():
    assert "twice" in problem(row(), row()).message


def test_a_line_without_a_number_is_told():
    entries = read(written(row(), row(Name="")))
    assert [type(entry).__name__ for entry in entries] == ["OrderRecord", "Problem"]
    assert "no order number" in entries[1].message


def test_missing_columns_are_named():
    columns = [name for name in COLUMNS if name not in ("Subtotal", "Currency")]
    found = problem(row(), columns=columns)
    assert found.line == 1
    assert "Currency, Subtotal" in found.message


def test_a_line_with_too_many_cells_is_told():
    data = written(row(), row(Name="#1002"))
    entries = read(data.rstrip(b"\r\n") + b",extra\r\n")
    assert [type(entry).__name__ for entry in entries] == ["OrderRecord", "Problem"]
    assert (entries[1].line, entries[1].column) == (3, len(COLUMNS) + 1)


def test_a_broken_quotation_ends_the_file_and_leaves_out_the_order_it_may_belong_to():
    data = written(row(), row(Name="#1002"))
    entries = read(data + b'#1002,"broken"x,\r\n')
    assert [(type(entry).__name__, entry.number) for entry in entries] == [
        ("OrderRecord", "#1001"),
        ("Problem", "#1002"),
        ("Problem", ""),
    ]
    assert entries[2].line == 4


def test_an_unclosed_quotation_swallows_no_memory():
    data = written(row()) + b'#1002,"' + b"x" * 300_000
    assert "more than" in read(data)[-1].message


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"PK\x03\x04\x00\x00", b"\xff\xfe\x00", b"\x81\x8d,\n"])
def test_what_is_no_text_is_told(data):
    [found] = read(data)
    assert isinstance(found, Problem)


@pytest.mark.parametrize(
    "head", [b"", b"PK\x03\x04\x00", b"<orders/>", b"order_id,order_total\n", b'"Name\n']
)
def test_a_file_of_another_kind_is_not_taken_for_one(head):
    assert not shopify.matches(head)


def test_hostile_text_is_kept_as_text():
    order = brought(row(Notes="=1+1\x0b<script>", Billing_Name="'=cmd|' /C calc'!A0"))
    assert order.customer_note == "=1+1\x0b<script>"
    assert order.customer_name == "=cmd|' /C calc'!A0"


def test_it_takes_no_more_memory_for_many_orders():
    """The reader gives its first order before it has read the last one, and keeps none."""

    def peak(count):
        data = io.BytesIO(written(*(row(Name=f"#{number}") for number in range(count))))
        tracemalloc.start()
        try:
            assert sum(1 for _order in shopify.read(data)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    # Kept orders would be forty times as many bytes.
    assert peak(1000) < 2 * peak(500)
