"""Orders as CSV: for people who open it in Excel, for programs, and the same values in every program."""

from array import array
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagtail_orders.exports import columns
from wagtail_orders.exports.cells import neutral
from wagtail_orders.exports.csv import CSV, CSVForm, _lines
from wagtail_orders.lifecycle import Address, Line, mark_paid, record_payment, record_refund, ship
from wagtail_orders.models import Order, OrderLine

from .orders import MUG, placed
from .tables import HOSTILE, csv_rows, hostile_texts, opened_by_libreoffice, selection, unescaped

PLACED_AT = datetime(2026, 3, 5, 23, 15, 7, 123456, tzinfo=UTC)
ALL = [column.name for column in (*columns.ORDER, *columns.LINE)]


def table(*orders, separator=",", language="en", **options):
    """The file's rows as dicts by their headings."""
    content = b"".join(CSV.write(selection(*orders, language=language, options=options)))
    headings, *rows = csv_rows(content, separator)
    return [dict(zip(headings, row, strict=True)) for row in rows]


@pytest.fixture
def order(site):
    return placed(
        site=site,
        placed_at=PLACED_AT,
        phone="+32 475 12 34 56",
        language="fr",
        customer_note="Ring twice.\r\nThank you; really.",
        lines=[
            MUG,
            Line(
                sku="TEA",
                name="Thé",
                quantity=Decimal("0.25"),
                unit_price=Decimal("3.125"),
                options=[("Kind", "Green")],
            ),
        ],
        shipping_address=Address(
            name="Jan", street="Kaai 1\nbus 2", postal_code="01067", city="Gent", country="BE"
        ),
    )


@pytest.mark.django_db
def test_programs_read_codes_and_moments_with_their_offset(order):
    ship(order, tracking_number="323212345", tracking_url="https://track.example.com/323212345")
    [row] = table(order, audience="programs", rows="order", columns=ALL)
    assert list(row) == [column.name for column in columns.ORDER]
    assert row["number"] == order.number
    assert row["placed_at"] == "2026-03-05T23:15:07.123456+00:00"
    assert datetime.fromisoformat(row["placed_at"]) == PLACED_AT
    assert (row["status"], row["payment_status"], row["payment_method"]) == (
        "open",
        "unpaid",
        "bank_transfer",
    )
    assert (row["is_archived"], row["paid_at"], row["language"]) == ("false", "", "fr")
    assert (row["currency"], row["subtotal"], row["total"], row["amount_due"]) == (
        "EUR",
        "37.78",
        "42.78",
        "42.78",
    )
    assert (row["phone"], row["items"]) == ("'+32 475 12 34 56", "3")
    assert row["customer_note"] == order.customer_note
    assert (row["billing_country"], row["shipping_postal_code"]) == ("BE", "01067")
    assert row["shipping_street"] == "Kaai 1\nbus 2"
    assert (row["tracking_numbers"], row["tracking_links"]) == (
        "323212345",
        "https://track.example.com/323212345",
    )


@pytest.mark.django_db
def test_people_read_words_local_times_and_their_own_commas(order):
    [row] = table(order, language="fr", separator=";", rows="order", columns=ALL)
    assert len(row) == len(columns.ORDER)
    cells = list(row.values())
    at = [column.name for column in columns.ORDER].index
    # 23:15 in UTC is the next day in Brussels.
    assert cells[at("placed_at")] == "2026-03-06 00:15:07"
    assert (cells[at("total")], cells[at("items")]) == ("42,78", "3")
    assert (cells[at("status")], cells[at("payment_status")]) == ("Ouverte", "Non payée")
    assert (cells[at("payment_method")], cells[at("billing_country")]) == ("Virement bancaire", "Belgique")
    assert cells[at("language")] == "français"
    [english] = table(order, rows="order", columns=ALL)
    assert (english["Total"], english["Placed on"], english["Archived"]) == (
        "42.78",
        "2026-03-06 00:15:07",
        "No",
    )
    assert (english["Billing address: country"], english["Phone"]) == ("Belgium", "'+32 475 12 34 56")


@pytest.mark.django_db
def test_each_line_says_whose_it_is(order):
    other = placed(
        placed_at=datetime(2026, 3, 4, tzinfo=UTC),
        currency="JPY",
        lines=[Line(sku="", name="湯呑", quantity=1, unit_price=1800)],
        shipping_total=0,
    )
    names = ["number", "total", "sku", "name", "options", "quantity", "unit_price", "line_total", "line_tax"]
    rows = table(rows="line", audience="programs", columns=names)
    assert [list(row.values()) for row in rows] == [
        [order.number, "42.78", "MUG-F", "Tasse en grès « Forêt »", "", "2", "18.50", "37.00", ""],
        [order.number, "42.78", "TEA", "Thé", "Kind: Green", "0.25", "3.125", "0.78", ""],
        [other.number, "1800", "", "湯呑", "", "1", "1800", "1800", ""],
    ]


@pytest.mark.django_db
def test_an_order_without_lines_is_there_too(order):
    OrderLine.objects.all().delete()
    [row] = table(
        rows="line",
        audience="programs",
        columns=["number", "total", "sku", "quantity", "unit_price", "options"],
    )
    assert list(row.values()) == [order.number, "42.78", "", "", "", ""]


@pytest.mark.django_db
def test_what_is_owed_is_what_the_order_says(site):
    orders = [placed(number=str(number)) for number in range(4)]
    record_payment(orders[1], amount=10, method="cash")
    mark_paid(orders[2])
    record_payment(orders[3], amount=50, method="card", reference="A")
    record_refund(orders[3], amount=50, method="card", reference="B")
    due = {
        row["number"]: row["amount_due"]
        for row in table(audience="programs", columns=["number", "amount_due"])
    }
    assert due == {order.number: f"{order.amount_due:.2f}" for order in Order.objects.all()}
    assert sorted(due.values()) == ["0.00", "0.00", "32.00", "42.00"]


@pytest.mark.django_db
def test_the_orders_come_in_the_order_asked_for_and_a_deleted_one_is_left_out(site):
    orders = [placed(number=str(number)) for number in range(4)]
    chosen = selection()
    chosen.pks = array("q", [orders[place].pk for place in (2, 0, 3, 1)])
    chosen.options = {"columns": ["number"], "audience": "programs"}
    Order.objects.filter(pk=orders[3].pk).delete()
    assert csv_rows(b"".join(CSV.write(chosen))) == [["number"], ["2"], ["0"], ["1"]]


@pytest.mark.django_db
def test_columns_that_are_gone_are_left_out(order):
    assert table(audience="programs", columns=["number", "gone"]) == [{"number": order.number}]


@pytest.mark.django_db
def test_nothing_chosen_is_what_the_form_proposes(order):
    [row] = table()
    proposed = CSVForm(user=None).get_initial_for_field(CSVForm.base_fields["columns"], "columns")
    assert len(row) == len([name for name in proposed if name in [column.name for column in columns.ORDER]])


@pytest.mark.django_db
def test_the_headings_go_out_before_anything_is_read(order, django_assert_num_queries):
    content = CSV.write(selection())
    with django_assert_num_queries(0):
        assert next(content).startswith(b"\xef\xbb\xbfNumber,")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("names", "rows", "queries"),
    [
        (["number", "site", "amount_due"], "order", 1),
        (["number", "billing_city", "shipping_city", "shipping_country"], "order", 2),
        (["tracking_numbers", "tracking_links"], "order", 2),
        (["items"], "order", 2),
        (["number", "sku"], "order", 1),
        (["number", "sku", "options"], "line", 2),
        (ALL, "line", 5),
    ],
)
def test_each_chunk_takes_as_many_queries_as_its_columns_need(
    site, django_assert_num_queries, names, rows, queries
):
    Order.objects.bulk_create(
        Order(number=str(n), customer_name="Zoë", currency="EUR", language="en") for n in range(1_001)
    )
    chosen = selection(options={"columns": names, "rows": rows})
    with django_assert_num_queries(2 * queries):
        assert len(csv_rows(b"".join(CSV.write(chosen)))) == 1_002


@pytest.mark.django_db
def test_the_same_orders_make_the_same_bytes_and_progress_is_told(order):
    told = []
    first, second = (b"".join(CSV.write(selection(progress=told.append))) for _ in range(2))
    assert first == second
    assert told == [1, 1]


@given(st.lists(st.lists(hostile_texts, min_size=2, max_size=2), min_size=1), st.sampled_from(",;"))
def test_whatever_the_cells_hold_the_rows_stay_rows(rows, separator):
    content = _lines([["a", "b"], *rows], separator)
    read = csv_rows(b"\xef\xbb\xbf" + content, separator)
    assert read == [["a", "b"], *([legal(cell) for cell in row] for row in rows)]
    assert b"\0" not in content


def legal(text):
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


@pytest.fixture
def hostile(site):
    """An order for each hostile text, which is its customer, its remarks, its item and more."""
    orders = [placed(number=f"{n:03d}") for n in range(len(HOSTILE))]
    for order, text in zip(orders, HOSTILE, strict=True):
        Order.objects.filter(pk=order.pk).update(
            customer_name=text, customer_note=text, payment_method=text[:50]
        )
        order.lines.update(name=text, options=[[text, text]])
        order.addresses.update(city=text, country=text[:2])
    return orders


@pytest.mark.django_db
@pytest.mark.parametrize("audience", ["people", "programs"])
def test_hostile_texts_come_back_neutral(hostile, audience):
    names = ["number", "customer_name", "customer_note", "payment_method", "billing_city", "name", "options"]
    content = b"".join(CSV.write(selection(options={"rows": "line", "audience": audience, "columns": names})))
    rows = sorted(csv_rows(content)[1:])
    for row, text in zip(rows, HOSTILE, strict=True):
        own = neutral(text)
        assert row[1:] == [own, own, neutral(text[:50]), own, own, neutral(f"{text}: {text}")]


@pytest.mark.django_db
def test_pandas_reads_the_same_values(hostile, tmp_path):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    path = tmp_path / "orders.csv"
    path.write_bytes(
        b"".join(CSV.write(selection(options={"rows": "line", "audience": "programs", "columns": ALL})))
    )
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    headings, *rows = csv_rows(path.read_bytes())
    assert list(frame.columns) == headings
    assert frame.values.tolist() == rows
    numbers = pandas.read_csv(path, parse_dates=["placed_at"])
    assert numbers["total"].tolist() == [42.0] * len(rows)
    assert str(numbers["placed_at"].dtype).startswith("datetime64[")


@pytest.mark.django_db
def test_libreoffice_finds_no_formula_and_no_error(hostile, tmp_path):
    names = ["number", "customer_name", "customer_note", "total", "billing_city", "name", "options"]
    content = b"".join(CSV.write(selection(options={"rows": "line", "columns": names})))
    (tmp_path / "orders.csv").write_bytes(content)
    # Fields are split at commas (44), quoted by '"' (34), in UTF-8 (76); each column is looked at as it comes (1).
    book = opened_by_libreoffice(tmp_path, "orders.csv", "--infilter=Text - txt - csv (StarCalc):44,34,76,1")
    headings, *rows = csv_rows(content)
    cells = list(book.active.iter_rows())
    assert [cell.value for cell in cells[0]] == headings
    assert len(cells) == len(rows) + 1
    total = headings.index("Total")
    for found, row in zip(cells[1:], rows, strict=True):
        assert {cell.data_type for cell in found} <= {"s", "n", "b"}
        assert found[total].value == 42
        for cell, text in zip(found, row, strict=True):
            # What looks like a number becomes one, and LibreOffice does not escape "_x000D_" when it saves.
            if cell.data_type == "s" and "_x" not in text:
                assert unescaped(cell.value) == text.replace("\r\n", "\n").replace("\r", "\n")


# The form


@pytest.mark.parametrize(
    ("rows", "chosen", "problem"),
    [
        ("order", [], "Choose at least one column."),
        ("order", ["sku", "quantity"], "Choose a column of the order, or one row per line."),
        ("line", ["sku", "quantity"], None),
        ("order", ["total", "number"], None),
        ("order", ["password"], "Select a valid choice. password is not one of the available choices."),
    ],
)
def test_the_form_says_what_to_choose(rows, chosen, problem):
    form = CSVForm({"rows": rows, "audience": "people", "columns": chosen}, user=None)
    assert form.errors.get("columns", []) == ([problem] if problem else [])


def test_the_form_keeps_the_columns_in_their_own_order():
    form = CSVForm(
        {"rows": "order", "audience": "people", "columns": ["total", "email", "number"]}, user=None
    )
    assert form.is_valid()
    assert form.cleaned_data["columns"] == ["number", "email", "total"]


def test_each_column_has_a_name_and_a_heading_of_its_own():
    assert len(set(ALL)) == len(ALL)
    labels = [str(column.label) for column in (*columns.ORDER, *columns.LINE)]
    assert len(set(labels)) == len(labels)
