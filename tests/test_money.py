"""Amounts to the minor unit: rounding, taxes, discounts, and how people read them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from wagtail_orders import money
from wagtail_orders.lifecycle import Line
from wagtail_orders.models import Order

from .orders import MUG, placed

NBSP, THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def stored(**changes):
    """An order placed without shipping costs and read back from the database."""
    order = placed(**{"shipping_total": 0, **changes})
    return Order.objects.get(pk=order.pk)


def line(price, rate=0, **changes):
    """One piece at ``price`` and ``rate`` percent."""
    return replace(MUG, quantity=1, unit_price=Decimal(price), tax_rate=Decimal(rate), **changes)


def taxes_of(order):
    return [(Decimal(tax["rate"]), Decimal(tax["net"]), Decimal(tax["tax"])) for tax in order.taxes]


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0.49", "JPY", "0"),
        ("0.5", "JPY", "1"),
        ("2.5", "JPY", "3"),
        ("1.004999", "EUR", "1.00"),
        ("1.005", "EUR", "1.01"),
        ("2.675", "EUR", "2.68"),
        ("-1.005", "EUR", "-1.01"),
        ("1.0004", "TND", "1.000"),
        ("1.0005", "TND", "1.001"),
        ("7", "TND", "7.000"),
        ("0.00005", "CLF", "0.0001"),
    ],
)
def test_amounts_are_rounded_half_up_to_the_currencys_own_digits(amount, currency, expected):
    assert str(money.rounded(Decimal(amount), currency)) == expected


@pytest.mark.parametrize(("code", "known"), [("EUR", True), ("DEM", True), ("eur", False), ("BTC", False)])
def test_a_currency_is_known_by_its_iso_code_even_after_its_time(code, known):
    assert money.is_currency(code) is known


@pytest.mark.parametrize("code", [None, "", 978, ["EUR"]])
def test_what_is_no_text_is_no_currency(code):
    assert not money.is_currency(code)


@pytest.mark.parametrize(
    ("currency", "price", "subtotal", "tax"),
    [
        ("JPY", "1049.5", "1050", "95"),
        ("EUR", "10.495", "10.50", "0.95"),
        ("TND", "10.4955", "10.496", "0.954"),
    ],
)
@pytest.mark.django_db
def test_an_orders_sums_have_its_currencys_digits(currency, price, subtotal, tax):
    order = stored(currency=currency, lines=[line(price, 10)])

    assert (order.subtotal, order.tax_total, order.total) == (
        Decimal(subtotal),
        Decimal(tax),
        Decimal(subtotal),
    )


@pytest.mark.django_db
def test_tax_is_contained_in_prices_that_include_it():
    order = stored(shipping_total=Decimal("5.00"))

    assert order.total == Decimal("42.00")
    assert order.tax_total == Decimal("7.29")
    assert taxes_of(order) == [(21, Decimal("34.71"), Decimal("7.29"))]


@pytest.mark.django_db
def test_tax_comes_on_top_of_prices_that_exclude_it():
    order = stored(shipping_total=Decimal("5.00"), prices_include_tax=False)

    assert order.subtotal == Decimal("37.00")
    assert order.tax_total == Decimal("8.82")
    assert order.total == Decimal("50.82")
    assert taxes_of(order) == [(21, Decimal("42.00"), Decimal("8.82"))]


@pytest.mark.django_db
def test_tax_is_rounded_once_for_each_rate_and_not_for_each_line():
    order = stored(lines=[line("0.99", 21), line("0.99", 21), line("0.99", 21), line("0.99", 6)])

    assert taxes_of(order) == [
        (6, Decimal("0.93"), Decimal("0.06")),
        (21, Decimal("2.45"), Decimal("0.52")),
    ]


@pytest.mark.django_db
def test_shipping_is_taxed_at_its_own_rate():
    order = stored(lines=[line("10.60", 6)], shipping_total=Decimal("12.10"), shipping_tax_rate=Decimal(21))

    assert taxes_of(order) == [(6, 10, Decimal("0.60")), (21, 10, Decimal("2.10"))]


@pytest.mark.django_db
def test_the_same_rate_written_with_more_decimals_is_one_rate():
    order = stored(lines=[line("0.99", "21"), line("0.99", "21.00"), line("0.99", "21.0000")])

    assert [tax for _rate, _net, tax in taxes_of(order)] == [Decimal("0.52")]


@pytest.mark.django_db
def test_an_order_discount_lowers_each_rate_by_its_share():
    order = stored(
        lines=[line("10.00", 6), line("30.00", 21)],
        discount_total=Decimal("4.00"),
        prices_include_tax=False,
    )

    assert taxes_of(order) == [(6, 9, Decimal("0.54")), (21, 27, Decimal("5.67"))]
    assert order.total == Decimal("42.21")


@pytest.mark.parametrize(
    ("amount", "currency", "unit"), [("10", "JPY", "1"), ("10.00", "EUR", "0.01"), ("10.000", "TND", "0.001")]
)
def test_a_discount_is_spread_to_the_minor_unit_with_nothing_lost(amount, currency, unit):
    amount, unit = Decimal(amount), Decimal(unit)

    parts = money.spread(amount, dict.fromkeys("abc", amount), currency)

    assert sum(parts.values()) == amount
    assert max(parts.values()) - min(parts.values()) == unit
    assert all(part % unit == 0 for part in parts.values())


def test_a_discount_is_spread_by_weight_and_nothing_goes_to_what_costs_nothing():
    shares = {"dear": Decimal("99.99"), "cheap": Decimal("0.01"), "free": Decimal(0)}

    assert money.spread(Decimal("10.00"), shares, "EUR") == {"dear": 10, "cheap": 0, "free": 0}


def test_no_discount_and_nothing_to_spread_it_over_give_nothing():
    assert money.spread(Decimal(0), {"a": Decimal(5)}, "EUR") == {"a": 0}
    assert money.spread(Decimal(5), {"a": Decimal(0)}, "EUR") == {"a": 0}


@pytest.mark.django_db
def test_a_discount_of_everything_leaves_neither_price_nor_tax():
    order = stored(
        lines=[line("0.33", 6), line("0.33", 21), line("0.33", 12)], discount_total=Decimal("0.99")
    )

    assert (order.total, order.tax_total) == (0, 0)
    assert order.payment_status == "paid"
    assert order.paid_at == order.placed_at


@pytest.mark.parametrize("given", ["36.99", "37.00", "37.01"])
@pytest.mark.django_db
def test_a_line_total_handed_over_is_kept_to_the_cent(given):
    order = stored(lines=[replace(MUG, total=Decimal(given))], total=Decimal(given))

    assert order.lines.get().total == Decimal(given)
    assert order.total == order.subtotal == Decimal(given)


@pytest.mark.parametrize(("given", "off"), [("36.98", "-0.02"), ("37.02", "0.02"), ("50", "13.00")])
@pytest.mark.django_db
def test_a_line_total_off_by_more_than_a_cent_is_refused(given, off):
    with pytest.raises(ValidationError) as refusal:
        stored(lines=[replace(MUG, total=Decimal(given))])

    [message] = refusal.value.message_dict["lines.0.total"]
    assert message == f"{given} was handed over, but it comes to 37.00: off by {off} EUR."


@pytest.mark.django_db
def test_line_taxes_handed_over_are_kept_and_only_the_rest_is_computed():
    first, second = line("0.99", 21, tax=Decimal("0.17")), line("0.99", 21, tax=Decimal("0.18"))

    order = stored(lines=[first, second, line("0.99", 21)])

    assert [entry.tax for entry in order.lines.all()] == [Decimal("0.17"), Decimal("0.18"), None]
    assert order.tax_total == Decimal("0.17") + Decimal("0.18") + Decimal("0.17")


@pytest.mark.django_db
def test_a_line_tax_off_by_more_than_a_cent_is_refused():
    with pytest.raises(ValidationError) as refusal:
        stored(lines=[line("121.00", 21, tax=Decimal("20.98"))])

    assert "off by -0.02 EUR" in refusal.value.message_dict["lines.0.tax"][0]


@pytest.mark.parametrize(
    ("included", "price", "tax"),
    [
        (True, "10.00", "1.73"),
        (True, "10.00", "1.74"),
        (True, "10.00", "1.75"),
        (True, "0.04", "0.00"),
        (False, "8.26", "1.72"),
        (False, "8.26", "1.73"),
        (False, "8.26", "1.74"),
    ],
)
@pytest.mark.django_db
def test_a_discount_of_everything_leaves_no_tax_of_those_handed_over(included, price, tax):
    order = stored(
        lines=[line(price, 21, tax=Decimal(tax))],
        discount_total=Decimal(price),
        prices_include_tax=included,
    )

    assert (order.total, order.tax_total) == (0, 0)


@pytest.mark.django_db
def test_a_quantity_may_be_a_weight():
    cheese = Line(
        sku="GOUDA", name="Vieux Gouda", quantity=Decimal("1.250"), unit_price=Decimal("15.96"), tax_rate=6
    )

    order = stored(lines=[cheese])

    assert order.lines.get().quantity == Decimal("1.25")
    assert order.total == Decimal("19.95")


@pytest.mark.django_db
def test_a_price_may_be_finer_than_a_cent():
    order = stored(lines=[replace(MUG, quantity=Decimal("3"), unit_price=Decimal("0.014999"))])
    dearer = stored(lines=[replace(MUG, quantity=Decimal("3"), unit_price=Decimal("0.015"))])

    assert (order.total, dearer.total) == (Decimal("0.04"), Decimal("0.05"))


@pytest.mark.parametrize(
    ("language", "euros", "yen", "dinars"),
    [
        ("en", "€1,234.50", "¥1,235", "TND1,234.568"),
        ("fr", f"1{THIN}234,50{NBSP}€", f"1{THIN}235{NBSP}JPY", f"1{THIN}234,568{NBSP}TND"),
        ("nl", f"€{NBSP}1.234,50", f"JP¥{NBSP}1.235", f"TND{NBSP}1.234,568"),
        ("de", f"1.234,50{NBSP}€", f"1.235{NBSP}¥", f"1.234,568{NBSP}TND"),
    ],
)
def test_amounts_are_written_as_people_of_the_language_write_them(language, euros, yen, dinars):
    assert money.format_amount(Decimal("1234.5"), "EUR", language) == euros
    assert money.format_amount(Decimal("1234.5"), "JPY", language) == yen
    assert money.format_amount(Decimal("1234.5675"), "TND", language) == dinars


@pytest.mark.parametrize("language", ["xx", "not a language"])
def test_amounts_in_a_language_nobody_knows_are_written_as_in_english(language):
    assert money.format_amount(Decimal("1234.5"), "EUR", language) == "€1,234.50"


def test_a_unit_price_may_be_written_with_all_its_decimals():
    assert money.format_amount(Decimal("0.014999"), "EUR", "en", exact=True) == "€0.014999"
    assert money.format_amount(Decimal("18.500000"), "EUR", "en", exact=True) == "€18.50"
    assert money.format_amount(Decimal("1049.5"), "JPY", "en", exact=True) == "¥1,049.5"


@pytest.mark.django_db
def test_an_order_writes_amounts_in_its_own_currency():
    order = stored(currency="TND")

    assert order.format(order.total, "fr") == f"37,000{NBSP}TND"
