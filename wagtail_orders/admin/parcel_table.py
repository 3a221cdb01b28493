"""Tables of parcels as owners have them: from any spreadsheet, in any order of columns, in their language."""

import codecs
import csv
import io
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _

from ..lifecycle.checking import clean_text
from ..models.search import fold
from ..money import format_count

MOST_LINES = 5_000
#: As many bytes of text; Django takes 2.5 MB in a form.
MOST_BYTES = 2_000_000
#: What a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# In English, French, Dutch and German, as `_bare` leaves them.
_HEADERS = {
    "order": """
        order number ordernumber orderno ordernr orderid numero nummer
        commande numerodecommande numerocommande ndecommande nodecommande ncommande
        commanden commandeno
        bestelling bestelnummer bestelnr bestellingsnummer
        bestellung bestellnummer bestellnr bestellungsnummer auftrag auftragsnummer auftragsnr
    """,
    "method": """
        method shippingmethod shipping deliverymethod delivery carrier service
        mode modedexpedition modedelivraison methodedexpedition methodedelivraison livraison expedition transporteur
        methode verzendmethode verzending verzendwijze vervoerder bezorging
        versandart versand versandmethode versanddienst versanddienstleister lieferart
    """,
    "parcel": """
        parcel parcelnumber parcelnumberorlink parcelno tracking trackingnumber trackingno trackingnr
        trackingcode trackingid trackinglink trackingurl trackandtrace tracktrace barcode link
        colis numerodecolis numerocolis ndecolis nodecolis suivi numerodesuivi ndesuivi nodesuivi liendesuivi lien
        pakket pakketnummer pakketnr trackingnummer zending zendingsnummer tracktracecode tracktracenummer
        paket paketnummer paketnr sendung sendungsnummer sendungsverfolgung sendungsverfolgungsnummer
    """,
}
_COLUMN_OF = {word: column for column, words in _HEADERS.items() for word in words.split()}


@dataclass(frozen=True)
class Line:
    """One line of a table: where it stands in the file, and its texts; or what makes it unreadable."""

    position: int
    order: str = ""
    method: str = ""
    parcel: str = ""
    error: str = ""


def text_of(data):
    """The text of an uploaded file's bytes: UTF-8, UTF-16 by its mark, else Windows-1252."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def tidy(text):
    """``text`` with line breaks of one kind and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def check_size(size):
    """Refuse what is too large to be read."""
    if size > MOST_BYTES:
        raise ValidationError(_("This is more than 2 MB. Send it in several parts."))


def read_table(text):
    """
    The ``Line``s of a table: order number, shipping method, parcel number or link, or the first and the last of
    them; in any order below a header. Empty lines are passed over. ``ValidationError`` where it is no such table,
    or too large.
    """
    # As browsers send it back.
    check_size(len(text.replace("\n", "\r\n").encode("utf-8", "replace")))
    if "\0" in text:
        raise ValidationError(
            _("This is no CSV file. Save it as CSV in your spreadsheet first, or paste its lines here.")
        )
    records = [(position, cells) for position, cells in _records(text) if cells is None or any(cells)]
    columns = _columns(records[0][1]) if records else None
    if columns:
        records = records[1:]
    if not records:
        raise ValidationError(_("There is no line with a parcel in it."))
    if len(records) > MOST_LINES:
        raise ValidationError(
            _("These are %(count)s lines; %(most)s at a time can be shipped."),
            params={"count": format_count(len(records)), "most": format_count(MOST_LINES)},
        )
    return [_line(position, cells, columns) for position, cells in records]


def write_table(rows):
    """
    Triples of order number, shipping method and parcel number as the bytes of a CSV file for spreadsheets of the
    reader's language, in which no text is a formula.
    """
    file = io.StringIO()
    # Spreadsheets of languages with a decimal comma expect semicolons.
    is_comma = formats.get_format("DECIMAL_SEPARATOR") == ","
    writer = csv.writer(file, delimiter=";" if is_comma else ",")
    writer.writerow([_("Order number"), _("Shipping method"), _("Parcel number")])
    writer.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def _records(text):
    """The lines' positions and cells; None in the place of the cells where quotation marks do not match."""
    separator = _separator(text)
    try:
        return list(_cells(text, separator))
    except csv.Error:
        # One stray mark must not swallow what comes after it.
        return [
            (position, _cells_of_line(line, separator))
            for position, line in enumerate(text.split("\n"), start=1)
        ]


def _separator(text):
    """What stands most often in the first lines; a tab in each of them is never a part of something else."""
    lines = [line for line in text.split("\n") if line.strip()][:20]
    return "\t" if lines and all("\t" in line for line in lines) else max(";\t,", key="\n".join(lines).count)


def _cells(text, separator):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begun = 1
    for cells in reader:
        yield begun, [_plain(cell) for cell in cells]
        begun = reader.line_num + 1


def _cells_of_line(line, separator):
    try:
        return next((cells for _position, cells in _cells(line, separator)), [])
    except csv.Error:
        return None


def _plain(cell):
    """A cell's text, without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    cell = clean_text(cell)
    return cell[1:].strip() if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _columns(cells):
    """Which column stands where, if the first line is a header; it is one that names the order's number."""
    own = {_bare(_("Order number")): "order", _bare(_("Shipping method")): "method"}
    own[_bare(_("Parcel number"))] = "parcel"
    found = {}
    for place, cell in enumerate(cells or ()):
        if column := (_COLUMN_OF | own).get(_bare(cell)):
            found.setdefault(column, place)
    if "order" not in found:
        return None
    if "parcel" not in found:
        raise ValidationError(_("The first line names no column with parcel numbers."))
    return found


def _bare(cell):
    return "".join(letter for letter in fold(cell) if letter.isalnum())


def _line(position, cells, columns):
    if cells is None:
        return Line(position, error=_("The quotation marks do not match."))
    if columns:
        return Line(
            position,
            **{column: cells[place] for column, place in columns.items() if place < len(cells)},
        )
    order, *rest = cells
    if any(rest[2:]):
        return Line(position, order, error=_("There are more than three columns."))
    method, parcel = rest[:2] if len(rest) > 1 else ("", *rest, "")[:2]
    return Line(position, order, method, parcel)
