"""Whatever stands in another shop's file: no reader stumbles, and no cent comes or goes."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from wagtail_orders.imports import shopify, table, values, woocommerce, woocommerce_history
from wagtail_orders.imports.readers import Problem
from wagtail_orders.lifecycle.record_checks import check_record
from wagtail_orders.models import Order

from . import test_import_shopify as from_shopify
from . import test_import_woocommerce as from_woocommerce
from .records import NASTY
from .test_docs import ROOT, blocks

BRUSSELS = ZoneInfo("Europe/Brussels")
_CELL = st.one_of(
    st.sampled_from(
        [
            *NASTY,
            "[" * 20_000,
            '[{"meta": [1]}]',
            '[{"total": NaN}]',
            "name:a|total:1|quantity:1",
            "9" * 400,
            "-1",
        ]
    ),
    st.text(max_size=20),
)
_AMOUNT = st.decimals(0, 9999, places=2).map(str)
_SHOPS = [(shopify, from_shopify), (woocommerce, from_woocommerce)]


@pytest.fixture(autouse=True)
def brussels(monkeypatch):
    """No site's settings are needed."""
    monkeypatch.setattr(table, "local_zone", lambda: BRUSSELS)


def entries(reader, sample, rows):
    return list(reader.read(io.BytesIO(sample.written(*rows, encoding="utf-8-sig"))))


def safe(rows):
    """Cells without what no encoding can write."""
    return [{name: cell.encode("utf-8", "ignore").decode() for name, cell in row.items()} for row in rows]


@pytest.mark.parametrize(("reader", "sample"), _SHOPS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_cell_makes_a_reader_stumble(reader, sample, data):
    changes = data.draw(st.dictionaries(st.sampled_from(sample.COLUMNS), _CELL, min_size=1, max_size=6))
    [entry] = [*entries(reader, sample, safe([sample.row(**changes)])), None][:1]
    assert entry is not None
    if not isinstance(entry, Problem):
        checked(entry)


@pytest.mark.parametrize(("reader", "sample"), _SHOPS)
@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300))
def test_no_bytes_make_a_reader_stumble(reader, sample, content):
    reader.matches(content)
    list(reader.read(io.BytesIO(content)))
    list(reader.read(io.BytesIO(sample.written(sample.row()) + content)))


@settings(max_examples=200, deadline=None)
@given(
    amounts=st.fixed_dictionaries(
        dict.fromkeys(("Subtotal", "Shipping", "Taxes", "Total", "Lineitem_price", "Duties"), _AMOUNT)
    ),
    own=_AMOUNT,
)
def test_shopifys_total_is_the_orders_whatever_its_parts_say(amounts, own):
    rows = [from_shopify.row(**amounts, Lineitem_discount=own)]
    rows.append(from_shopify.more(Lineitem_quantity="3", Lineitem_name="B", Lineitem_price=own))
    [record] = entries(shopify, from_shopify, rows)
    assert stands(record) == Decimal(amounts["Total"])


@settings(max_examples=200, deadline=None)
@given(
    amounts=st.fixed_dictionaries(
        dict.fromkeys(("shipping_total", "shipping_tax_total", "tax_total", "order_total"), _AMOUNT)
    ),
    lines=st.lists(st.tuples(st.integers(1, 50), _AMOUNT, _AMOUNT, _AMOUNT), min_size=1, max_size=2),
)
def test_woocommerces_total_is_the_orders_whatever_its_parts_say(amounts, lines):
    items = {
        f"line_item_{index}": f"name:A|quantity:{quantity}|total:{net}|sub_total:{gross}|tax:{tax}"
        for index, (quantity, net, gross, tax) in enumerate(lines, start=1)
    }
    [record] = entries(woocommerce, from_woocommerce, [from_woocommerce.row(**amounts, **items)])
    assert stands(record) == Decimal(amounts["order_total"])


def checked(record):
    """What the verb makes of it, and what it finds wrong."""
    try:
        return check_record(record), {}
    except ValidationError as error:
        return None, error.message_dict


def stands(record):
    """The order's total; of a file's sums that cannot be true, more taken off than there is, what the file says."""
    ready, mistakes = checked(record)
    assert set(mistakes) <= {"discount_total"}, mistakes
    return ready.order.total if ready else record.total


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("42", 42),
        ("-2.50", Decimal("-2.5")),
        ("1250.00", 1250),
        ("12,5", Decimal("12.5")),
        ("1.250,00", 1250),
        ("1,250.00", 1250),
        ("1,234,567.89", Decimal("1234567.89")),
        ("4.132231404958678", Decimal("4.132231404958678")),
    ],
)
def test_an_amount_is_read_where_it_can_be_only_one(text, number):
    assert values.amount(text) == number


@pytest.mark.parametrize(
    "text", ["1,250", "1.250.000", "1,25,0.00", "12 €", "1e3", "", ".", "٤٢", "0x10", "1_000", "9" * 13]
)
def test_an_amount_is_refused_where_it_may_be_another(text):
    with pytest.raises(values.Unreadable):
        values.amount(text)


def test_an_hour_that_the_clock_skipped_or_had_twice_is_a_moment():
    assert values.moment("2026-03-29 02:30:00", BRUSSELS).astimezone(UTC) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    assert values.moment("2026-10-25 02:30:00", BRUSSELS).astimezone(UTC) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [("BE", "BE"), ("be", "BE"), ("United States", "US"), ("germany", "DE"), ("Atlantis", "Atlantis")],
)
def test_a_country_is_known_by_code_and_by_name(text, code):
    assert values.country(text) == code


@pytest.mark.parametrize(
    ("net", "tax", "rate"),
    [
        ("30.58", "6.42", "21"),
        ("100.00", "14.98", "14.98"),
        ("1000.00", "149.75", "14.975"),
        ("10.00", "0.00", "0"),
        ("0.00", "1.00", None),
        ("1.00", "1.50", None),
        ("1.00", "-0.20", None),
        ("-2.00", "-0.42", "21"),
    ],
)
def test_a_rate_is_the_one_with_the_fewest_decimals_that_gives_the_tax(net, tax, rate):
    assert values.rate(Decimal(net), Decimal(tax), "EUR") == (rate and Decimal(rate))


@pytest.mark.django_db
@pytest.mark.parametrize(("reader", "sample"), _SHOPS)
def test_the_command_finds_out_what_wrote_a_file_and_brings_it_over(reader, sample, tmp_path, capsys):
    file = tmp_path / "export.csv"
    file.write_bytes(sample.written(sample.row()))
    for _twice in range(2):
        call_command("import_orders", str(file))
    order = Order.objects.get()
    assert (order.total, order.events.get().data["source"]) == (42, reader.READER.name)
    told = capsys.readouterr().out
    assert "1 order was brought over: €42.00." in told
    assert "1 order existed already and stayed as it was." in told


@pytest.mark.django_db
def test_the_guides_example_runs():
    names = {}
    [example] = blocks("docs/import.md")
    exec(compile(example, "docs/import.md", "exec"), names)
    assert names["done"].totals == {"EUR": 37}


@pytest.mark.parametrize("statuses", [woocommerce_history.STATUSES, shopify.STATUSES])
def test_every_status_is_in_the_guide(statuses):
    table = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    assert {status for status in statuses if f"`{status}`" not in table} == set()
