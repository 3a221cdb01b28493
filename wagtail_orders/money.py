"""Amounts, rounding, totals and taxes: pure functions on ``Decimal``, no database."""

from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from babel.core import Locale, UnknownLocaleError, get_global
from django.utils.formats import number_format
from django.utils.translation import get_language, to_locale

# Minor units other than 2, from ISO 4217 list one. Babel's own digits follow CLDR, which shows some
# currencies with fewer digits than they are accounted in (RSD, IQD), so they are of no use here.
_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR = "CLF UYW"
_DIGITS = {
    code: count
    for codes, count in ((_WITHOUT_DECIMALS, 0), (_WITH_THREE, 3), (_WITH_FOUR, 4))
    for code in codes.split()
}


def is_currency(code):
    """Whether ``code`` is an ISO 4217 code, of today or withdrawn (an order of 1998 may be in DEM)."""
    return isinstance(code, str) and code in get_global("all_currencies")


def digits(currency):
    """The number of decimals the currency is accounted in: JPY 0, EUR 2, TND 3."""
    return _DIGITS.get(currency, 2)


def minor_unit(currency):
    """The smallest amount of the currency: ``Decimal("0.01")`` for EUR."""
    return Decimal(1).scaleb(-digits(currency))


def rounded(amount, currency):
    """``amount`` rounded half up (away from zero) to the currency's digits."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)


def locale_of(language=None):
    """Babel's locale of a language (the active one by default); English where Babel does not know it."""
    try:
        return Locale.parse(to_locale(language or get_language() or "en"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def format_count(count):
    """A large whole number as people of the active language write it: ``1 234``."""
    return number_format(count, force_grouping=True)


def format_amount(amount, currency, language=None, *, exact=False):
    """
    ``amount`` as people of that language (the active one by default) write it: ``42,00 €``; rounded to the
    currency's digits, or ``exact`` with all it has, as a unit price may have more.
    """
    number, places = rounded(Decimal(amount), currency), digits(currency)
    if exact and number != amount:
        number = Decimal(amount).normalize()
    locale = locale_of(language)
    pattern = copy(locale.currency_formats["standard"])
    # A language's pattern has two decimals, whatever the currency.
    pattern.frac_prec = (places, max(places, -number.as_tuple().exponent))
    return pattern.apply(number, locale, currency=currency, currency_digits=False)


def tax_within(base, rate, *, included):
    """
    The unrounded tax of ``base`` at ``rate`` percent: contained in it where prices include tax, on top of
    it otherwise.
    """
    return base * rate / (100 + rate) if included else base * rate / 100


@dataclass(frozen=True, slots=True)
class TaxedAmount:
    """An amount at one rate; ``tax`` where the shop computed it itself, else None."""

    amount: Decimal
    rate: Decimal
    tax: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RateTotal:
    """All of an order at one rate (percent): what is taxed, without the tax, and the tax."""

    rate: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's sums, each in whole minor units of its currency."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal
    taxes: tuple[RateTotal, ...]


def totals(lines, *, shipping, shipping_rate, discount, included, currency):
    """
    Add an order up. ``lines`` are ``TaxedAmount``s in whole minor units, ``shipping`` and ``discount``
    amounts of the same kind; the discount lowers the lines' rates by their shares. The tax is rounded once
    for each rate; a line's own tax, where the shop gave one, is kept (the discount lowers it by its share)
    and only the rest is computed.
    """
    of_lines, kept, computed = defaultdict(Decimal), defaultdict(Decimal), defaultdict(Decimal)
    for line in lines:
        of_lines[line.rate] += line.amount
        if line.tax is None:
            computed[line.rate] += line.amount
        else:
            kept[line.rate] += line.tax
    shares = spread(discount, of_lines, currency)
    bases = defaultdict(Decimal, {rate: amount - shares[rate] for rate, amount in of_lines.items()})
    for rate, share in shares.items():
        if share:
            computed[rate] -= computed[rate] * share / of_lines[rate]
            kept[rate] -= kept[rate] * share / of_lines[rate]
    if shipping:
        bases[shipping_rate] += shipping
        computed[shipping_rate] += shipping
    taxes = tuple(
        _rate_total(rate, base, computed[rate], kept[rate], included, currency)
        for rate, base in sorted(bases.items())
    )
    subtotal = sum(of_lines.values(), Decimal(0))
    tax = sum((entry.tax for entry in taxes), Decimal(0))
    total = subtotal - discount + shipping + (0 if included else tax)
    return Totals(*(rounded(amount, currency) for amount in (subtotal, tax, total)), taxes)


def _rate_total(rate, base, computed, kept, included, currency):
    tax = rounded(kept + tax_within(computed, rate, included=included), currency)
    return RateTotal(rate, net=base - tax if included else base, tax=tax)


def spread(amount, shares, currency):
    """
    Divide ``amount`` over the keys of ``shares`` by their values, in whole minor units, nothing lost: each
    gets its share rounded down, and what is left goes by one unit to those whom rounding cost the most.
    """
    whole = sum(shares.values(), Decimal(0))
    if not amount or not whole:
        return dict.fromkeys(shares, Decimal(0))
    unit = minor_unit(currency)
    exact = {key: amount * share / whole for key, share in shares.items()}
    parts = {key: part.quantize(unit, rounding=ROUND_DOWN) for key, part in exact.items()}
    left = int((amount - sum(parts.values())) / unit)
    neediest = sorted(parts, key=lambda key: exact[key] - parts[key], reverse=True)
    for key in neediest[:left]:
        parts[key] += unit
    return parts
