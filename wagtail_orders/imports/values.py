"""What stands in the cells of other shops' tables: amounts, moments, countries, rates. Never a guess about money."""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.core import Locale
from django.utils.translation import gettext as _

from .. import money

#: What a spreadsheet takes for a formula; exporters put an apostrophe before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# No amount has more digits, and none of these makes arithmetic overflow.
_AMOUNT = re.compile(r"-?\d{1,12}(?:\.\d{1,20})?", re.ASCII)
#: 12,5 and 12,50 can only be decimals; 1,250 may be either, and is refused.
_WITH_COMMA = re.compile(r"-?\d{1,12},(?:\d{1,2}|\d{4,20})", re.ASCII)
_GROUPED = re.compile(r"-?\d{1,3}(?:(?:,\d{3}){1,3}\.\d{1,20}|(?:\.\d{3}){1,3},\d{1,20})", re.ASCII)
#: Slashes: the month first; dashes and dots: the day first. That is PHP's rule, and WooCommerce's.
_MONTH_FIRST = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})")
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})([-.])(?P<month>\d{1,2})\2(?P<year>\d{4})")
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)")
_TIME = re.compile(
    r"(?:[T\s]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
    r"\s*(?P<offset>Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)


class Unreadable(Exception):
    """Something in the file cannot be understood: what, where, and what to do."""

    def __init__(self, message, line=None, column=None):
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


def plain(text):
    """A cell's text, without the apostrophe that keeps a spreadsheet from changing it."""
    text = text.strip()
    return text[1:].strip() if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def amount(text):
    """The number that ``text`` is. Raises ``Unreadable`` where it is none, or could be two."""
    if _AMOUNT.fullmatch(text):
        return Decimal(text)
    if _WITH_COMMA.fullmatch(text):
        return Decimal(text.replace(",", "."))
    if _GROUPED.fullmatch(text):
        decimals = text[max(text.rfind(","), text.rfind(".")) + 1 :]
        whole = text[: -len(decimals) - 1].replace(",", "").replace(".", "")
        return Decimal(f"{whole}.{decimals}")
    raise Unreadable(
        _(
            "“%(text)s” cannot be read as an amount. Write it with a decimal point and nothing else, such as 1250.00."
        )
        % {"text": text[:80]}
    )


def moment(text, zone):
    """The moment that ``text`` is, in ``zone`` unless it has an offset of its own. Raises ``Unreadable``."""
    for pattern in (_YEAR_FIRST, _MONTH_FIRST, _DAY_FIRST):
        if (day := pattern.match(text)) and (time := _TIME.fullmatch(text, day.end())):
            try:
                return _moment(day, time, zone)
            except ValueError:
                break
    raise Unreadable(
        _("“%(text)s” cannot be read as a date. Write it as 2026-03-01 10:11:12.") % {"text": text[:80]}
    )


def _moment(day, time, zone):
    numbers = [
        int(part or 0)
        for part in (*day.group("year", "month", "day"), *time.group("hour", "minute", "second"))
    ]
    offset = time["offset"]
    if offset is None:
        return datetime(*numbers, tzinfo=zone)
    offset = "+0000" if offset.isalpha() else offset.replace(":", "")
    written = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*numbers)
    return datetime.strptime(written + offset, "%Y-%m-%dT%H:%M:%S%z")


def country(text):
    """The ISO 3166 code of a country given by its code or its English name; ``text`` itself if there is no such."""
    code = text.strip().upper()
    return code if len(code) == 2 else _codes().get(code, text)


@lru_cache(maxsize=1)
def _codes():
    return {
        name.upper(): code
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and code.isalpha()
    }


def rate(net, tax, currency, *, known=()):
    """
    The rate, in percent, at which ``net`` is taxed with ``tax``, both rounded to minor units: the first of ``known``
    that gives it, else the one with the fewest decimals; None where there is none between 0 and 100.
    """
    if not tax:
        return Decimal(0)
    if not net or not 0 < tax / net <= 1:
        return None
    exact = tax * 100 / net
    by_decimals = (exact.quantize(Decimal(1).scaleb(-places)) for places in range(5))
    for guess in (*known, *by_decimals):
        # Both are off by half a unit at most.
        slack = money.minor_unit(currency) * (1 + guess / 100) / 2
        if guess <= 100 and abs(net * guess / 100 - tax) <= slack:
            return guess
    return None


def shortened(text, most):
    """``text`` cut to ``most`` characters, with an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1] + "…"
