"""Workbooks (Office Open XML, ECMA-376) written while they are read: sheets of finished rows into a zip of bytes."""

import re
import zipfile
from contextlib import ExitStack, contextmanager
from xml.sax.saxutils import quoteattr

from .cells import is_formula, texts

#: What Excel takes: rows in a sheet, and UTF-16 units in a cell.
MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
# A part of more than 2 GiB needs Zip64, at which Excel asks whether to repair the file: a sheet ends before.
_MAX_SIZE = 1_900_000_000

# Styles, by their place among the cellXfs below: a heading; text that stays text when somebody edits it (Excel's
# apostrophe, quotePrefix); moments and days as the reader's computer writes them; numbers by their decimals.
HEADING, QUOTED, MOMENT, DAY = 1, 2, 3, 4
NUMBER = range(5, 12)

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

# A part is a sheet unless it is said otherwise: how many there will be is not known when this is written.
_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
)
_RELATIONSHIPS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_FORMATS = ["#,##0", *(f"#,##0.{'0' * places}" for places in range(1, len(NUMBER)))]
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(_FORMATS)}">'
    + "".join(f'<numFmt numFmtId="{170 + n}" formatCode="{code}"/>' for n, code in enumerate(_FORMATS))
    + '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    f'<cellXfs count="{5 + len(_FORMATS)}"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/>'
    + "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for number in (22, 14, *(170 + n for n in range(len(_FORMATS))))
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)

# Text

# What XML 1.0 has no place for.
_ILLEGAL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What reads as one of the format's own escapes (ST_Xstring): _x000D_.
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
# Whether any of the texts between NULs takes more than the quick way does.
_ODD = re.compile("[^\0\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|_x[0-9A-Fa-f]{4}_|\0 | \0")


def text_cells(values, cut):
    """
    A column of texts as cells; ``cut`` ends what is too long for one. Where a few come time and again each is made
    once, and what neither is long nor holds anything odd is made all at once.
    """
    values, suspicious = texts(values)
    distinct = set(values)
    if len(distinct) * 4 <= len(values):
        cells = {value: text_cell(value, cut) for value in distinct}
        return [cells[value] for value in values]
    joined = "\0".join(values)
    if (
        suspicious
        or joined.count("\0") != len(values) - 1
        or len(max(values, key=len)) * 2 > MAX_TEXT
        or _ODD.search(f"\0{joined}\0")
    ):
        return [text_cell(value, cut) for value in values]
    return _cells(_escaped(joined), '<c t="inlineStr"><is><t>', "</t></is></c>")


def number_cells(written, style=0):
    """A column of written numbers as cells; "" makes an empty one."""
    if not written:
        return []
    return _cells("\0".join(written), f'<c s="{style}"><v>' if style else "<c><v>", "</v></c>")


def _cells(joined, before, after):
    """Cells of contents with NULs between them, at once."""
    cells = joined.replace("\0", f"{after}\0{before}")
    return f"{before}{cells}{after}".replace(f"{before}{after}", "<c/>").split("\0")


def text_cell(value, cut="", style=None):
    """One text as a cell, whatever it holds."""
    if not value:
        return "<c/>"
    if style is None and is_formula(value):
        style = QUOTED
    text = shortened(value, cut).replace("\r\n", "\n").replace("\r", "\n")
    text = _escaped(_ESCAPE.sub("_x005F_", _ILLEGAL.sub("\ufffd", text)))
    styled = f' s="{style}"' if style else ""
    spaced = ' xml:space="preserve"' if "\n" in text or text != text.strip(" \t") else ""
    return f'<c{styled} t="inlineStr"><is><t{spaced}>{text}</t></is></c>'


def shortened(text, cut):
    """``text`` as long as a cell takes it, ended by ``cut`` where it is longer."""
    if len(text) * 2 <= MAX_TEXT:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= MAX_TEXT * 2:
        return text
    # A character of two units that is cut in half is left out.
    return units[: (MAX_TEXT - len(cut)) * 2].decode("utf-16-le", "ignore") + cut


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# The file


class _Sink:
    """The zip's file: what is written is handed on; nobody can go back in it."""

    def __init__(self):
        self._pieces = []

    def write(self, piece):
        self._pieces.append(piece)
        return len(piece)

    def flush(self):
        pass

    def taken(self):
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class Workbook:
    """A workbook on its way: ``begun``, then ``sheet`` by ``sheet``, then ``ended``, each of which gives bytes."""

    def __init__(self):
        self._sink = _Sink()
        # Its parts are of 1980, when a zip's dates begin: the same orders make the same file.
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)
        self._titles = []

    def begun(self):
        self._add("[Content_Types].xml", _CONTENT_TYPES)
        self._add("_rels/.rels", _RELATIONSHIPS)
        self._add("xl/styles.xml", _STYLES)
        return self._sink.taken()

    def sheet(self, title, headings, batches):
        """
        A sheet with ``headings``, each a text and its column's width, and the rows of ``batches``, each row a tuple of
        cells; where it is full, further sheets, numbered on from 2. A generator of bytes.
        """
        with ExitStack() as opened:
            page = opened.enter_context(self._page(title, headings))
            yield self._sink.taken()
            number = 1
            for batch in batches:
                rows = list(map("".join, batch))
                while rows := page.add(rows):
                    number += 1
                    opened.close()
                    page = opened.enter_context(self._page(f"{title} {number}", headings))
                if piece := self._sink.taken():
                    yield piece

    @contextmanager
    def _page(self, title, headings):
        self._titles.append(title)
        with self._zip.open(f"xl/worksheets/sheet{len(self._titles)}.xml", "w") as part:
            page = _Page(part, headings)
            yield page
            page.end()

    def ended(self):
        sheets = range(1, len(self._titles) + 1)
        self._add(
            "xl/workbook.xml",
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            + "".join(
                f'<sheet name={quoteattr(title)} sheetId="{number}" r:id="rId{number}"/>'
                for number, title in zip(sheets, self._titles, strict=True)
            )
            + "</sheets></workbook>",
        )
        self._add(
            "xl/_rels/workbook.xml.rels",
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                for n in sheets
            )
            + f'<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        )
        self._zip.close()
        return self._sink.taken()

    def _add(self, name, content):
        with self._zip.open(name, "w") as part:
            part.write(content.encode())


class _Page:
    """A sheet's part of the file, open for rows; the first one, with the headings, stays in sight."""

    def __init__(self, part, headings):
        self._part, self._columns, self._rows, self._size = part, len(headings), 0, 0
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{max(width, len(text) + 3)}" customWidth="1"/>'
            for n, (text, width) in enumerate(headings, 1)
        )
        self._write(
            f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
            'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
            f"<cols>{widths}</cols><sheetData>"
        )
        self.add(["".join(text_cell(text, style=HEADING) for text, _width in headings)])

    def add(self, rows):
        """Write rows, each a text of cells, as many as there is room for, and return the rest."""
        is_full = self._size > _MAX_SIZE and self._rows > 1
        room = 0 if is_full else MAX_ROWS - self._rows
        if fitting := rows[:room]:
            self._rows += len(fitting)
            self._write(f"<row>{'</row><row>'.join(fitting)}</row>")
        return rows[room:]

    def end(self):
        # Excel marks each text that looks like a number, such as a postal code, unless it is told not to.
        self._write(
            f'</sheetData><autoFilter ref="A1:{_letters(self._columns)}{self._rows}"/><ignoredErrors>'
            f'<ignoredError sqref="A1:{_letters(self._columns)}{self._rows}" numberStoredAsText="1"/>'
            "</ignoredErrors></worksheet>"
        )

    def _write(self, text):
        self._size += self._part.write(text.encode())


def _letters(column):
    """The name of a column: 1 is A, 27 AA."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
