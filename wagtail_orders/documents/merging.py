"""
Several PDFs as one, written as they come: pypdf reads each and its objects go out under new numbers, so that
thousands need no more memory than one.
"""

import io

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject


def merge(pdfs):
    """
    Yield, bit by bit, one PDF of all pages of ``pdfs``, an iterable of bytes, in their order. What a PDF has beside
    its pages, as bookmarks and forms, is left behind.
    """
    book = _Book()
    yield book.beginning
    for pdf in pdfs:
        yield book.added(PdfReader(io.BytesIO(pdf)))
    yield book.end()


class _Book:
    """A PDF that is being written: where each object is (ISO 32000-1, 7.5), and which of them are pages."""

    beginning = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    _CATALOG, _PAGES = 1, 2

    def __init__(self):
        self._at = len(self.beginning)
        # The first two are written last.
        self._offsets = [0, 0]
        self._pages = []

    def _new_number(self):
        self._offsets.append(0)
        return len(self._offsets)

    def added(self, reader):
        """All objects of a PDF's pages, as bytes."""
        self._numbers, self._waiting = {}, []
        for page in reader.pages:
            reference = page.indirect_reference
            page[NameObject("/Parent")] = IndirectObject(0, 0, reader)
            number = self._moved(reference).idnum
            self._pages.append(number)
        written = io.BytesIO()
        while self._waiting:
            number, reference = self._waiting.pop()
            held = self._moved(reference.get_object())
            self._offsets[number - 1] = self._at + written.tell()
            written.write(b"%d 0 obj\n" % number)
            held.write_to_stream(written)
            written.write(b"\nendobj\n")
        self._at += written.tell()
        return written.getvalue()

    def _moved(self, held):
        """An object with its references to others under their new numbers; those are written as well."""
        if isinstance(held, IndirectObject):
            if held.idnum == 0:
                return IndirectObject(self._PAGES, 0, held.pdf)
            if held.idnum not in self._numbers:
                self._numbers[held.idnum] = self._new_number()
                self._waiting.append((self._numbers[held.idnum], held))
            return IndirectObject(self._numbers[held.idnum], 0, held.pdf)
        if isinstance(held, DictionaryObject):
            # Pages may share a dictionary; a stream stands alone.
            moved = held if isinstance(held, StreamObject) else DictionaryObject()
            moved.update([(name, self._moved(value)) for name, value in held.items()])
            return moved
        if isinstance(held, ArrayObject):
            return ArrayObject(self._moved(value) for value in list.__iter__(held))
        return held

    def end(self):
        kids = b" ".join(b"%d 0 R" % number for number in self._pages)
        written = io.BytesIO()
        for number, content in (
            (self._CATALOG, b"<< /Type /Catalog /Pages %d 0 R >>" % self._PAGES),
            (self._PAGES, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(self._pages), kids)),
        ):
            self._offsets[number - 1] = self._at + written.tell()
            written.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        table_at = self._at + written.tell()
        size = len(self._offsets) + 1
        written.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
        written.write(b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets))
        trailer = (size, self._CATALOG, table_at)
        written.write(b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % trailer)
        return written.getvalue()
