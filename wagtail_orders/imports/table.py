"""Orders in a CSV file as shops and spreadsheets write it: its columns, its rows by order, their values."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database
from ..models import OrderSettings
from . import values
from .readers import Problem
from .text import bare, encoding_of, opened, separator
from .values import Unreadable

#: So many orders whose rows are scattered are told one by one; more, and the file is not in its order at all.
_MOST_STRAYS = 100


@dataclass(frozen=True)
class Kind:
    """What a shop's file consists of, its columns by their ``bare`` names."""

    shop: str
    #: The columns without which nothing can be read; of several names one is enough.
    needed: tuple[tuple[str, ...], ...]
    #: Where the order's number stands, the best first.
    number: tuple[str, ...]
    #: Other names of columns.
    aliases: dict[str, str] = field(default_factory=dict)
    #: The column that only the first of an order's rows fills, if there is one.
    first: str = ""

    def missing(self, columns):
        """The needed columns that a file does not have, in words."""
        return [
            _(" or ").join(names) for names in self.needed if not any(bare(name) in columns for name in names)
        ]


class Columns(dict):
    """Where each column stands, by its bare name."""

    def __init__(self, header, aliases):
        self.header = header
        self._unknown = {}
        places = {}
        for place, cell in enumerate(header):
            if name := bare(cell):
                # A second column of the name is another one.
                places[f"{name}_2" if name in places else name] = place
        # The very name goes before one that means the same.
        own = {aliases[name]: place for name, place in places.items() if name in aliases}
        super().__init__(own | places)

    def unknown(self, is_known):
        """One name of each column that has none of which ``is_known`` is true."""
        if is_known not in self._unknown:
            known = {place for name, place in self.items() if is_known(name)}
            names = {place: name for name, place in self.items() if place not in known}
            self._unknown[is_known] = list(names.values())
        return self._unknown[is_known]

    def title(self, name):
        """The column as the file calls it."""
        return self.header[self[name]].strip()


class Row:
    """A line of the file: its texts by column, and where they stand."""

    def __init__(self, line, cells, columns):
        self.line, self.cells, self.columns = line, cells, columns

    def text(self, *names):
        """What stands in the first of these columns that holds something."""
        for name in names:
            place = self.columns.get(name, len(self.cells))
            if place < len(self.cells) and (text := values.plain(self.cells[place])):
                return text
        return ""

    def amount(self, name, *, is_needed=False):
        """The number in a column, zero where it is empty. Raises ``Unreadable`` if it is none, or needed and empty."""
        if text := self.text(name):
            return self._read(name, values.amount, text)
        if is_needed:
            raise self.unreadable(name, _("There is no amount. Fill it in, or export the order anew."))
        return Decimal(0)

    def moment(self, name, zone):
        """The moment in a column, in ``zone`` unless it has an offset; None where it is empty."""
        text = self.text(name)
        return self._read(name, values.moment, text, zone) if text else None

    def unreadable(self, name, message):
        """The error to raise for what stands in a column."""
        if name not in self.columns:
            return Unreadable(message, self.line)
        message = _("“%(column)s”: %(message)s") % {"column": self.columns.title(name), "message": message}
        return Unreadable(message, self.line, self.columns[name] + 1)

    def _read(self, name, read, *args):
        try:
            return read(*args)
        except Unreadable as error:
            raise self.unreadable(name, error.message) from None

    def rest(self, is_known):
        """The texts of all columns but those whose bare name is known, by the columns' own names."""
        return {
            self.columns.title(name): text
            for name in self.columns.unknown(is_known)
            if (text := self.text(name))
        }

    def check(self):
        """Refuse a line with more cells than the header: its texts stand in the wrong columns."""
        width = len(self.columns.header)
        if any(cell.strip() for cell in self.cells[width:]):
            raise Unreadable(
                _(
                    "This line has more cells than the first one has columns. A quotation mark is missing or "
                    "superfluous; correct the line, or export the order anew."
                ),
                self.line,
                width + 1,
            )


def read_orders(file, kind: Kind, build: Callable[[list[Row], ZoneInfo], object]) -> Iterator[object]:
    """
    What ``build(rows, zone)`` makes of the rows of each order, or a ``Problem`` in its place. ``zone`` is the one of
    the site's settings, which moments without an offset are in. The file is read twice or three times.
    """
    encoding = encoding_of(file)
    if encoding is None:
        yield Problem(
            None,
            None,
            _(
                "The file's characters cannot be read. Save it as “CSV UTF-8” in your spreadsheet, or export it anew."
            ),
        )
        return
    strays = _strays(file, encoding, kind) if kind.first else set()
    if len(strays) > _MOST_STRAYS:
        yield Problem(
            None,
            None,
            _(
                "The lines of an order do not stand together: the file was sorted. Sort it by the order's number "
                "with each order's first line before its others, or export it anew."
            ),
        )
        return
    zone = local_zone()
    for number, rows in _groups(file, encoding, kind):
        if isinstance(rows, Problem):
            yield rows
            continue
        try:
            _check_group(number, rows, strays, kind)
            yield build(rows, zone)
        except Unreadable as error:
            yield Problem(error.line or rows[0].line, error.column, error.message, number)


def _check_group(number, rows, strays, kind):
    if not number:
        raise rows[0].unreadable(kind.number[0], _("This line has no order number. Fill it in."))
    if number in strays:
        raise Unreadable(
            _(
                "The lines of this order do not stand together. Move them below its first line, or export it anew."
            ),
            rows[0].line,
        )
    for row in rows:
        row.check()


def _strays(file, encoding, kind):
    """The numbers of orders some of whose rows stand apart from the others."""
    found = set()
    for number, rows in _groups(file, encoding, kind):
        if isinstance(rows, list) and not rows[0].text(kind.first):
            found.add(number)
            if len(found) > _MOST_STRAYS:
                break
    return found


def _groups(file, encoding, kind):
    """Pairs of an order's number and its rows, or the ``Problem`` in their place."""
    held = None
    with opened(file, encoding) as text:
        rows = _rows(text, kind)
        for number, group in groupby(
            rows, lambda row: row.text(*kind.number) if isinstance(row, Row) else None
        ):
            group = list(group)
            if number is not None:
                if held:
                    yield held
                held = number, group
                continue
            if held:
                # What the file cannot tell any more may belong to it.
                yield (
                    held[0],
                    Problem(held[1][0].line, None, _("The file breaks off in this order."), held[0]),
                )
            yield "", group[0]
            return
        if held:
            yield held


def _rows(text, kind):
    """Each ``Row`` that is not empty; at last the ``Problem`` that keeps the rest from being read, if there is one."""
    begun = 1
    columns = None
    try:
        first = text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=separator(first), strict=True)
        for cells in reader:
            line, begun = begun, reader.line_num + 1
            if not any(cells):
                continue
            if columns is None:
                columns = Columns(cells, kind.aliases)
                if missing := kind.missing(columns):
                    yield _no_such_file(kind, missing)
                    return
            else:
                yield Row(line, cells, columns)
    except csv.Error as error:
        yield Problem(begun, None, _broken(error))
        return
    if columns is None:
        yield Problem(None, None, _("The file is empty."))


def _no_such_file(kind, missing):
    return Problem(
        1,
        None,
        _("This is no order export of %(shop)s that can be read: these columns are missing: %(columns)s.")
        % {"shop": kind.shop, "columns": ", ".join(missing)},
    )


def _broken(error):
    if "field limit" in str(error):
        most = csv.field_size_limit()
        return _(
            "A cell that begins in this line has more than %(most)d characters. Its closing quotation mark is missing."
        ) % {"most": most}
    return _(
        "The quotation marks of this line do not match, so that nothing after it can be read. Correct it, or export "
        "the file anew."
    )


def local_zone():
    """The time zone that the default site's settings name, else the project's."""
    name = (
        database.primary(OrderSettings).filter(site__is_default_site=True).values_list("time_zone", flat=True)
    )
    name = name.first()
    return ZoneInfo(name) if name else timezone.get_default_timezone()
