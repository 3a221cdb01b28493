"""What customers wrote, as it may stand in a spreadsheet: no text there is a formula or an error."""

import re

# What begins a formula in Excel, LibreOffice and Google Sheets (OWASP, CSV Injection), with the full-width and small
# forms that East Asian versions take for the same, and what programs strip before they look.
_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
_INVISIBLE = (
    "\x01-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
)
# What begins with "#" is an error by its looks, since each language's Excel has its own: #REF!, #BEZUG!, #N/A, #NOM?
_FORMULA = re.compile(rf"[{_INVISIBLE}\0]*(?:[{_SIGNS}\t\r\n]|#[^\W\d_][\w/]*[!?]?[{_INVISIBLE}\0]*\Z)")
# Where a program splits a file at another sign than it was written with, a cell may begin in the middle of a text;
# there it takes a function's bracket or a command's stroke to do harm.
_INNER = re.compile(f"([,;|\t\r\n][{_INVISIBLE}]*)([{_SIGNS}])")
_INNER_HARMS = re.compile(r"[(|]")
# Whether any of the texts that stand behind NULs could be one of these: one search in place of hundreds.
_SUSPECT = re.compile(f"[\0,;|\t\r\n][{_INVISIBLE}]*[{_SIGNS}#\t\r\n]")


#: A match where a spreadsheet that was given the text by hand would compute something, or show an error.
is_formula = _FORMULA.match


def neutral(text):
    """``text`` as a spreadsheet leaves it alone: what it would compute begins with an apostrophe."""
    if _INNER_HARMS.search(text):
        text = _INNER.sub(r"\1'\2", text)
    return f"'{text}" if is_formula(text) else text


def texts(values):
    """A column of texts with "" for None, and whether one of them is anything but plain."""
    if None in values:
        values = ["" if value is None else value for value in values]
    return values, bool(_SUSPECT.search("\0" + "\0".join(values)))


def neutral_texts(values):
    """``neutral`` for a column; "" for None."""
    values, suspicious = texts(values)
    return [neutral(value) for value in values] if suspicious else values
