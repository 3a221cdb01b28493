"""Orders as CSV: for people, who open it in Excel, and for programs, which take RFC 4180 by its word."""

import codecs
import csv
import re
from io import StringIO

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..models import OrderLine
from ..money import locale_of
from .cells import neutral_texts
from .columns import LINE, ORDER
from .reading import amounts, iso_moment, local_moments, plain, price
from .registry import Format
from .tables import Table

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class CSVForm(forms.Form):
    """What the rows are, who reads them, and which columns there are; its cleaned data are the selection's options."""

    rows = forms.ChoiceField(
        label=_("Rows"),
        choices=[("order", _("One row per order")), ("line", _("One row per line of an order"))],
        initial="order",
        widget=forms.RadioSelect,
    )
    audience = forms.ChoiceField(
        label=_("For whom"),
        choices=[
            ("people", _("For people: opens in Excel, in your language")),
            ("programs", _("For programs: codes, decimal points, dates in UTC")),
        ],
        initial="people",
        widget=forms.RadioSelect,
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        choices=lambda: [
            (_("Order"), [(column.name, column.label) for column in ORDER]),
            (_("Line (with one row per line only)"), [(column.name, column.label) for column in LINE]),
        ],
        initial=[column.name for column in (*ORDER, *LINE) if column.is_default],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one column.")},
    )

    def __init__(self, *args, user=None, **kwargs):
        super().__init__(*args, **kwargs)

    def clean_columns(self):
        """In the columns' own order, whatever order they were sent in."""
        chosen = self.cleaned_data["columns"]
        columns = [column.name for column in (*ORDER, *LINE) if column.name in chosen]
        if self.cleaned_data.get("rows") == "order" and not {column.name for column in ORDER} & set(columns):
            raise ValidationError(_("Choose a column of the order, or one row per line."))
        return columns


class ForPrograms:
    """Cells as programs read them: codes, a decimal point, moments in UTC with their offset (ISO 8601)."""

    separator = ","

    def __init__(self, selection, columns):
        self.headings = [column.name for column in columns]

    def cells(self, column, values, digits):
        """A column of raw values as text."""
        return getattr(self, column.kind)(column, values, digits)

    def text(self, column, values, digits):
        return neutral_texts(values)

    def label(self, column, values, digits):
        return neutral_texts(values)

    def money(self, column, values, digits):
        return amounts(values, digits)

    def price(self, column, values, digits):
        return list(map(price, values, digits))

    def number(self, column, values, digits):
        return list(map(plain, values))

    def moment(self, column, values, digits):
        return list(map(iso_moment, values))

    def flag(self, column, values, digits):
        return ["" if value is None else "true" if value else "false" for value in values]


class ForPeople(ForPrograms):
    """Cells as Excel reads them on a computer of the user's language, and people beside it."""

    def __init__(self, selection, columns):
        self.zone = selection.time_zone or timezone.get_default_timezone()
        with translation.override(selection.language):
            self.point = "," if locale_of().number_symbols["latn"]["decimal"] == "," else "."
            self.headings = neutral_texts([capfirst(str(column.label)) for column in columns])
            self.words = {column.name: column.words() for column in columns if column.words}
            self.flags = {None: "", False: str(_("No")), True: str(_("Yes"))}
        # Where commas stand in numbers, Excel splits lines at semicolons. A line "sep=;" would tell every Excel, but
        # it then takes no notice of the mark that says UTF-8, and other programs read it as an order.
        self.separator = ";" if self.point == "," else ","

    def label(self, column, values, digits):
        words = self.words[column.name]
        return neutral_texts([words.get(value, value) for value in values])

    def money(self, column, values, digits):
        return self._numbers(super().money(column, values, digits))

    def price(self, column, values, digits):
        return self._numbers(super().price(column, values, digits))

    def number(self, column, values, digits):
        return self._numbers(super().number(column, values, digits))

    def moment(self, column, values, digits):
        # The user's own time, but year first: 3/5 is a day in March here and in May there, and what Excel makes of it
        # depends on the computer, whereas it takes this for the same day everywhere.
        return [
            "" if local is None else local.isoformat(" ", "seconds")
            for local in local_moments(values, self.zone)
        ]

    def flag(self, column, values, digits):
        return [self.flags[value] for value in values]

    def _numbers(self, written):
        return written if self.point == "." else [number.replace(".", self.point) for number in written]


def write(selection):
    """The file, a chunk of orders at a time; what the options leave open is as the form proposes it."""
    options = {name: field.initial for name, field in CSVForm.base_fields.items()} | selection.options
    chosen = set(options["columns"])
    of_orders = [column for column in ORDER if column.name in chosen]
    of_lines = [column for column in LINE if column.name in chosen] if options["rows"] == "line" else []
    audience = {"people": ForPeople, "programs": ForPrograms}[options["audience"]]
    cells = audience(selection, [*of_orders, *of_lines])
    lines = OrderLine if options["rows"] == "line" else None
    table = Table(of_orders, lines, of_lines, every=True)
    # Without the mark Excel takes UTF-8 for the computer's own code page.
    yield codecs.BOM_UTF8 + _lines([cells.headings], cells.separator)
    for pks in selection.chunks():
        yield _lines(table.rows(pks, cells.cells), cells.separator)


def _lines(rows, separator):
    """Rows by RFC 4180, in UTF-8, without NUL and halves of characters, which no reader takes."""
    written = StringIO()
    csv.writer(written, delimiter=separator).writerows(rows)
    text = written.getvalue().replace("\0", "\ufffd")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text).encode()


CSV = Format(
    name="csv",
    label="CSV",
    suffix=".csv",
    content_type="text/csv; charset=utf-8",
    write=write,
    description=_(
        "A table as plain text, with the columns you choose, for spreadsheets and other programs. Excel drops zeros at "
        "the beginning of postal codes and the like; choose XLSX if that matters."
    ),
    form_class=CSVForm,
)
