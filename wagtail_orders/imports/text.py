"""The text of another shop's table: its characters, what parts its cells, and its columns' names."""

import codecs
import csv
import io
from contextlib import contextmanager

_BLOCK = 1 << 16


def bare(name):
    """A column's name as it is compared: in lower case, with one ``_`` between words."""
    return "_".join(name.strip().lower().replace("_", " ").split())


def header(head):
    """The bare column names in the first bytes of a file; none if it is no text."""
    encoding = _marked(head) or "utf-8"
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    if "\0" in text:
        return []
    lines = text.splitlines()
    if not lines:
        return []
    try:
        return [bare(cell) for cell in next(csv.reader([lines[0]], delimiter=separator(lines[0])))]
    except (csv.Error, StopIteration):
        return []


@contextmanager
def opened(file, encoding):
    """The file's text from its beginning, line breaks as they are; the file stays open."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        yield text
    finally:
        # Left alone it would close the file, which is not ours.
        if not file.closed:
            text.detach()


def encoding_of(file):
    """UTF-16 by its mark, else UTF-8 if the whole file is, else Windows-1252; None if it is nothing of these."""
    file.seek(0)
    marked = _marked(file.read(4))
    candidates = [marked] if marked else ["utf-8-sig", "cp1252"]
    return next((encoding for encoding in candidates if _decodes(file, encoding)), None)


def _decodes(file, encoding):
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while block := file.read(_BLOCK):
            if "\0" in decoder.decode(block):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _marked(head):
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def separator(line):
    """Comma, semicolon or tab: column names hold none of them."""
    return max(",;\t", key=line.count)
