"""Orders as a workbook: real dates and numbers, text that stays text, from the first row on, in little memory."""

import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from wagtail_orders.exports import columns, workbook
from wagtail_orders.exports.xlsx import XLSX
from wagtail_orders.lifecycle import Line, record_payment, record_refund, ship
from wagtail_orders.models import Order, OrderLine, Payment

from .orders import MUG, placed
from .tables import HOSTILE, computes, hostile_texts, opened_by_libreoffice, selection, unescaped

PLACED_AT = datetime(2026, 3, 5, 23, 15, 7, 123456, tzinfo=UTC)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def content(*orders, **facts):
    return b"".join(XLSX.write(selection(*orders, **facts)))


def opened(*orders, **facts):
    return openpyxl.load_workbook(io.BytesIO(content(*orders, **facts)))


def table(sheet):
    """A sheet's rows as dicts of cells by their headings."""
    headings, *rows = sheet.iter_rows()
    return [dict(zip([cell.value for cell in headings], row, strict=True)) for row in rows]


@pytest.fixture
def order(site):
    order = placed(
        site=site,
        placed_at=PLACED_AT,
        phone="+32 475 12 34 56",
        lines=[
            MUG,
            Line(
                sku="0042",
                name="Thé",
                quantity=Decimal("0.25"),
                unit_price=Decimal("3.125"),
                options=[("Kind", "Green")],
            ),
        ],
    )
    record_payment(
        order, amount=Decimal("42.78"), method="card", reference="=A1", received_on=date(2026, 3, 7)
    )
    record_refund(order, amount=Decimal("2.78"), method="card", reference="B", reason="Too much")
    ship(order, tracking_number="0032321234567890123456", tracking_url="https://track.example.com/1")
    return order


@pytest.mark.django_db
def test_the_sheet_of_orders_has_real_dates_numbers_and_texts(order):
    [row] = table(opened(order)["Orders"])
    assert len(row) == len(columns.ORDER)
    assert row["Number"].value == order.number
    # In the time zone of who exports, where 23:15 in UTC is the next day, and to the second.
    assert row["Placed on"].value == datetime(2026, 3, 6, 0, 15, 7)  # noqa: DTZ001
    assert row["Placed on"].is_date
    assert row["Total"].value == 42.78
    assert row["Total"].number_format == "#,##0.00"
    assert (row["Payment"].value, row["Payment method"].value) == ("Partly refunded", "Bank transfer")
    assert row["Archived"].value == "No"
    assert row["Phone"].value == "+32 475 12 34 56"
    assert row["Phone"].quotePrefix
    assert not row["Customer"].quotePrefix
    assert (row["Parcel numbers"].value, row["Items"].value) == ("0032321234567890123456", 3)
    assert (row["Billing address: postal code"].value, row["Billing address: country"].value) == (
        "1050",
        "Belgium",
    )
    assert row["Cancelled on"].value is None


@pytest.mark.django_db
def test_the_sheets_of_lines_and_payments_say_whose_they_are(order):
    book = opened(order)
    lines, payments = table(book["Lines"]), table(book["Payments"])
    assert [[cell.value for cell in line.values()][:8] for line in lines] == [
        [order.number, "EUR", 1, "MUG-F", "Tasse en grès « Forêt »", None, 2, 18.5],
        [order.number, "EUR", 2, "0042", "Thé", "Kind: Green", 0.25, 3.125],
    ]
    assert [line["Unit price"].number_format for line in lines] == ["#,##0.00", "#,##0.000"]
    assert [[cell.value for cell in payment.values()][:8] for payment in payments] == [
        [order.number, "EUR", "Payment", "Confirmed", 42.78, "Card", "=A1", "No"],
        [order.number, "EUR", "Refund", "Confirmed", 2.78, "Card", "B", "No"],
    ]
    assert payments[0]["Received on"].value == datetime(2026, 3, 7)  # noqa: DTZ001
    assert payments[0]["Reference"].data_type == "s"
    assert payments[1]["Reason"].value == "Too much"


@pytest.mark.django_db
@pytest.mark.parametrize(("currency", "shown"), [("JPY", "#,##0"), ("EUR", "#,##0.00"), ("TND", "#,##0.000")])
def test_a_number_shows_as_many_decimals_as_its_currency_has(site, currency, shown):
    orders = [
        placed(
            currency=currency, shipping_total=0, lines=[Line(sku="", name="A", quantity=1, unit_price=1800)]
        )
    ]
    assert table(opened(*orders)["Orders"])[0]["Total"].number_format == shown
    # Beside one in another currency it is the same.
    orders.append(
        placed(currency="CLF", shipping_total=0, lines=[Line(sku="", name="A", quantity=1, unit_price=1)])
    )
    formats = {row["Currency"].value: row["Total"].number_format for row in table(opened(*orders)["Orders"])}
    assert formats == {currency: shown, "CLF": "#,##0.0000"}


@pytest.mark.django_db
def test_the_headings_stay_in_sight_and_can_be_filtered(order):
    book = opened(order)
    assert book.sheetnames == ["Orders", "Lines", "Payments"]
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.b for cell in sheet[1])
        assert all(sheet.column_dimensions[cell.column_letter].width >= 8 for cell in sheet[1])


@pytest.mark.django_db
def test_sheets_and_headings_are_in_the_language_of_who_exports(order):
    with translation.override("nl"):
        book = opened(order, language="fr")
    assert book.worksheets[0]["A1"].value == "Numéro"
    assert translation.get_language() == "en"


@pytest.mark.django_db
def test_an_old_order_has_its_date_too(order):
    """Excel's days begin in 1900, and its first two months are off by one."""
    Order.objects.update(placed_at=datetime(1899, 5, 1, tzinfo=UTC))
    Payment.objects.update(received_on=date(1900, 2, 28))
    book = opened(order)
    assert table(book["Orders"])[0]["Placed on"].value.startswith("1899-05-01 ")
    assert table(book["Payments"])[0]["Received on"].value == "1900-02-28"


@pytest.mark.django_db
def test_no_orders_make_a_workbook_all_the_same(site, order):
    chosen = selection()
    Order.objects.filter(pk=order.pk).delete()
    book = openpyxl.load_workbook(io.BytesIO(b"".join(XLSX.write(chosen))))
    assert [sheet.max_row for sheet in book] == [1, 1, 1]


@pytest.mark.django_db
def test_orders_without_lines_and_payments_are_no_trouble(order):
    OrderLine.objects.all().delete()
    Payment.objects.all().delete()
    assert [sheet.max_row for sheet in opened(order)] == [2, 1, 1]


# The stream


@pytest.mark.django_db
def test_the_file_begins_before_anything_is_read(order, django_assert_num_queries):
    made = XLSX.write(selection())
    with django_assert_num_queries(0):
        assert next(made).startswith(b"PK\3\4")


@pytest.mark.django_db
def test_each_chunk_takes_the_same_queries_and_progress_runs_up_once(site, django_assert_num_queries):
    Order.objects.bulk_create(
        Order(number=str(n), customer_name="Zoë", currency="EUR", language="en") for n in range(501)
    )
    told = []
    chosen = selection(progress=told.append)
    # Orders with addresses, parcels and pieces; orders with lines; orders with payments.
    with django_assert_num_queries(2 * (4 + 2 + 2)):
        b"".join(XLSX.write(chosen))
    assert told == sorted(told)
    assert told[-1] == 501


@pytest.mark.django_db
def test_whoever_stops_half_way_leaves_nothing_open(order):
    for pieces in range(8):
        made = XLSX.write(selection())
        for _piece in range(pieces):
            next(made, None)
        made.close()


@pytest.mark.django_db
def test_the_same_orders_make_the_same_bytes(order):
    assert content(order) == content(order)
    archive = zipfile.ZipFile(io.BytesIO(content(order)))
    assert archive.testzip() is None
    assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert archive.namelist()[0] == "[Content_Types].xml"


@pytest.mark.django_db
@pytest.mark.parametrize(("limit", "value"), [("MAX_ROWS", 3), ("_MAX_SIZE", 4_000)])
def test_a_full_sheet_goes_on_in_the_next(site, monkeypatch, limit, value):
    monkeypatch.setattr(workbook, limit, value)
    monkeypatch.setattr("wagtail_orders.exports.xlsx._CHUNK", 2)
    orders = [placed(number=f"{n:02d}") for n in range(7)]
    book = opened(*orders)
    of_orders = [sheet for sheet in book if sheet.title.startswith("Orders")]
    assert [sheet.title for sheet in of_orders] == [
        "Orders",
        *(f"Orders {n}" for n in range(2, len(of_orders) + 1)),
    ]
    assert len(of_orders) > 2
    assert book.sheetnames[len(of_orders)] == "Lines"
    assert all(sheet["A1"].value == "Number" and sheet.max_row > 1 for sheet in of_orders)
    numbers = [row["Number"].value for sheet in of_orders for row in table(sheet)]
    assert sorted(numbers) == [order.number for order in orders]
    if limit == "MAX_ROWS":
        assert {sheet.max_row for sheet in of_orders} == {3, 2}


# Text


def read_back(cells):
    """The texts of cells as Excel reads them."""
    row = etree.fromstring(f'<row xmlns="{MAIN[1:-1]}">{"".join(cells)}</row>')
    for cell in row:
        [text] = cell.iter(f"{MAIN}t") if len(cell) else [None]
        assert cell.get("t") in ("inlineStr", None)
        assert cell.find(f"{MAIN}f") is None
        yield "" if text is None else unescaped(text.text)


def legal(text):
    """What XML 1.0 has no place for is replaced, and a line ends as XML's do."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


@given(st.lists(st.one_of(hostile_texts, st.sampled_from(HOSTILE)), min_size=1))
@example(["_x000D_", "_x005F_", "__x000D_x000D_"])
@example(["a b", "c", " d"])
@example(["a\0b", "c"])
def test_every_text_comes_back_and_none_breaks_the_sheet(values):
    expected = [legal(value) for value in values]
    assert list(read_back(workbook.text_cells(values, "…"))) == expected
    # Many of few kinds are made another way.
    assert list(read_back(workbook.text_cells(values * 4, "…"))) == expected * 4


@given(hostile_texts)
def test_a_text_that_would_compute_stays_text_when_it_is_edited(value):
    [cell] = workbook.text_cells([value], "…")
    if computes(value):
        assert f's="{workbook.QUOTED}"' in cell


@pytest.mark.parametrize("char", ["x", "é", "🎈", "<"])
def test_a_text_too_long_for_a_cell_is_cut_and_says_so(char):
    units = len(char.encode("utf-16-le")) // 2
    longest = char * (workbook.MAX_TEXT // units)
    [fitting] = read_back(workbook.text_cells([longest], "… [cut]"))
    assert fitting == longest
    [cut] = read_back(workbook.text_cells([longest + char], "… [cut]"))
    assert cut.endswith(f"{char}… [cut]")
    assert cut.removesuffix("… [cut]") == char * ((workbook.MAX_TEXT - 7) // units)
    [beside, same] = read_back(workbook.text_cells(["short", longest + char], "… [cut]"))
    assert (beside, same) == ("short", cut)


@pytest.fixture
def hostile(site):
    """An order for each hostile text, which is its customer, its remarks, its item and more."""
    orders = [placed(number=f"{n:03d}") for n in range(len(HOSTILE))]
    for order, text in zip(orders, HOSTILE, strict=True):
        Order.objects.filter(pk=order.pk).update(
            customer_name=text, customer_note=text, payment_method=text[:50]
        )
        order.lines.update(name=text, options=[[text, text]], sku=text[:100])
        order.addresses.update(city=text, country=text[:2])
    return orders


@pytest.mark.django_db
def test_hostile_texts_are_texts_in_every_sheet(hostile):
    book = opened()
    rows = sorted(table(book["Orders"]), key=lambda row: row["Number"].value)
    lines = sorted(table(book["Lines"]), key=lambda row: row["Number"].value)
    for row, line, text in zip(rows, lines, HOSTILE, strict=True):
        for cell in (row["Customer"], row["Customer's remarks"], row["Billing address: city"], line["Item"]):
            assert cell.data_type == "s"
            assert unescaped(cell.value) == legal(text)
        assert unescaped(line["Options"].value) == legal(f"{text}: {text}")
        assert {cell.data_type for cell in (*row.values(), *line.values())} <= {"s", "n", "d"}


@pytest.mark.django_db
def test_pandas_reads_the_same_values(hostile):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    sheets = pandas.read_excel(
        io.BytesIO(content()), sheet_name=None, keep_default_na=False, dtype={"Customer": str}
    )
    frame = sheets["Orders"].sort_values("Number")
    assert [unescaped(name) for name in frame["Customer"]] == [legal(text) for text in HOSTILE]
    assert frame["Total"].tolist() == [42.0] * len(HOSTILE)
    assert str(frame["Placed on"].dtype).startswith("datetime64[")
    assert sheets["Lines"]["Unit price"].tolist() == [18.5] * len(HOSTILE)


@pytest.mark.django_db
def test_libreoffice_reads_the_same_values(hostile, order, tmp_path):
    path = tmp_path / "orders.xlsx"
    path.write_bytes(content())
    original, saved = openpyxl.load_workbook(path), opened_by_libreoffice(tmp_path, "orders.xlsx")
    assert saved.sheetnames == original.sheetnames
    for sheet in original:
        assert saved[sheet.title].max_row == sheet.max_row
        for row, found in zip(
            sheet.iter_rows(), saved[sheet.title].iter_rows(max_col=sheet.max_column), strict=True
        ):
            for own, cell in zip(row, found, strict=True):
                assert cell.data_type in {"s", "n", "d"}
                # LibreOffice does not escape "_x000D_" when it saves.
                if isinstance(own.value, str) and "_x" not in own.value:
                    assert unescaped(cell.value) == own.value
                elif not isinstance(own.value, str):
                    assert cell.value == own.value
