"""Orders as an Excel workbook: sheets of orders, lines and payments, with real dates and numbers."""

from dataclasses import replace
from functools import lru_cache

from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..models import OrderLine, Payment
from .columns import LINE, ORDER, PAYMENT
from .reading import amounts, local_moments, plain, price
from .registry import Format
from .tables import Table
from .workbook import DAY, MOMENT, NUMBER, Workbook, number_cells, text_cell, text_cells

#: Orders read at once: fewer than elsewhere, as a workbook's cells are wordy.
_CHUNK = 500
#: Days from the year 1 to the day that Excel counts from.
_DAY_ZERO = 693_594
# Excel takes 1900 for a leap year: the days before its 29 February are off by one.
_FIRST_DAY = 61
#: What says in the sheets of lines and payments whose they are.
_OF_ORDER = tuple(column for column in ORDER if column.name in ("number", "currency"))


class Cells:
    """Cells of a sheet, a column at a time, for a user's language and time zone."""

    def __init__(self, selection, columns):
        self.zone = selection.time_zone or timezone.get_default_timezone()
        with translation.override(selection.language):
            self.words = {column.name: column.words() for column in columns if column.words}
            self.flags = {None: "", False: str(_("No")), True: str(_("Yes"))}
            self.cut = str(_("… [cut]"))

    def __call__(self, column, values, digits):
        return getattr(self, column.kind)(column, values, digits)

    def text(self, column, values, digits):
        return text_cells(values, self.cut)

    def label(self, column, values, digits):
        words = self.words[column.name]
        return self.text(column, [words.get(value, value) for value in values], digits)

    def money(self, column, values, digits):
        written = amounts(values, digits)
        if len(set(digits)) == 1:
            return number_cells(written, NUMBER[digits[0]])
        return list(map(_exact, written))

    def price(self, column, values, digits):
        return list(map(_price, values, digits))

    def number(self, column, values, digits):
        return number_cells(list(map(plain, values)))

    def moment(self, column, values, digits):
        # Excel knows no time zones: the user's own.
        return ["<c/>" if local is None else _moment(local) for local in local_moments(values, self.zone)]

    def day(self, column, values, digits):
        return [_day(value) if value else "<c/>" for value in values]

    def flag(self, column, values, digits):
        # Words: LibreOffice makes a formula of what is true or false.
        return self.text(column, [self.flags[value] for value in values], digits)


def _exact(written):
    """A number that shows as many decimals as were written."""
    return number_cells([written], NUMBER[len(written.partition(".")[2])])[0]


@lru_cache(4096)
def _price(value, digits):
    return _exact(price(value, digits))


def _moment(local):
    day = local.toordinal() - _DAY_ZERO
    if day < _FIRST_DAY:
        return text_cell(local.isoformat(" ", "seconds"))
    # To the second; nine decimals of a day are finer than that.
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return f'<c s="{MOMENT}"><v>{day + seconds / 86_400:.9f}</v></c>'


def _day(value):
    day = value.toordinal() - _DAY_ZERO
    return text_cell(value.isoformat()) if day < _FIRST_DAY else f'<c s="{DAY}"><v>{day}</v></c>'


def write(selection):
    """The workbook, a chunk of orders at a time; the orders are gone through once for each of its sheets."""
    tables = [
        (_("Orders"), Table(ORDER)),
        (_("Lines"), Table(_OF_ORDER, OrderLine, LINE)),
        (_("Payments"), Table(_OF_ORDER, Payment, PAYMENT)),
    ]
    workbook = Workbook()
    yield workbook.begun()
    for nth, (title, table) in enumerate(tables):
        columns = [*table.columns, *table.detailed]
        cells = Cells(selection, columns)
        with translation.override(selection.language):
            title = str(title)
            headings = [(capfirst(str(column.label)), column.width) for column in columns]
        chunks = _part(selection, nth, len(tables)).chunks(_CHUNK)
        yield from workbook.sheet(title, headings, (table.rows(pks, cells) for pks in chunks))
    yield workbook.ended()


def _part(selection, nth, parts):
    """The selection for one pass of several, so that its progress runs up to the end only once."""
    if not selection.progress:
        return selection
    return replace(
        selection, progress=lambda done: selection.progress((nth * len(selection) + done) // parts)
    )


XLSX = Format(
    name="xlsx",
    label="XLSX",
    suffix=".xlsx",
    content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    write=write,
    description=_(
        "A workbook for Excel, LibreOffice and Numbers, with sheets of orders, lines and payments."
    ),
)
