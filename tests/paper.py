"""Documents as tests see them: the words of a PDF, its pages, and orders that are hard to print."""

import io
import re
import shutil
import subprocess
from decimal import Decimal

import pytest
from pypdf import PdfReader

from wagtail_orders.lifecycle import Line

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler-utils")


def text_of(pdf, *options):
    """All that can be read in a PDF, by another program than made it, its white space as single spaces."""
    found = subprocess.run(
        ["pdftotext", "-q", "-enc", "UTF-8", *options, "-", "-"], input=pdf, capture_output=True, check=True
    )
    return re.sub(r"\s+", " ", found.stdout.decode())


def places(pdf, word):
    """Where the first page shows ``word``: the millimetres from its left and upper edges, of each time."""
    found = subprocess.run(
        ["pdftotext", "-q", "-bbox", "-l", "1", "-", "-"], input=pdf, capture_output=True, check=True
    )
    pattern = rf'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">{re.escape(word)}<'
    return [
        tuple(round(float(number) * 25.4 / 72, 1) for number in place)
        for place in re.findall(pattern, found.stdout.decode())
    ]


def pages_of(pdf):
    return len(PdfReader(io.BytesIO(pdf)).pages)


def sizes_of(pdf):
    """Each page's width and height in whole millimetres."""
    boxes = [page.mediabox for page in PdfReader(io.BytesIO(pdf)).pages]
    return [tuple(round(float(side) * 25.4 / 72) for side in (box.width, box.height)) for box in boxes]


NAMES = [
    "Tasse en grès « Forêt »",
    "Assiette, émail cœur de hêtre",
    "Großes Gefäß für Öl",
    "Schaal, crème",
    "Ποτήρι κρασιού",
    "Чашка зелёная",
]


def many_lines(count):
    """Lines that differ in name, price, tax and options; every seventh has a SKU as long as can be."""
    return [
        Line(
            sku=f"SKU-{at:05d}" if at % 7 else "X" * 94 + f"-{at:05d}",
            name=f"{NAMES[at % len(NAMES)]} {at}",
            quantity=1 + at % 3,
            unit_price=Decimal("18.50") + at % 10,
            tax_rate=Decimal(21) if at % 4 else Decimal(6),
            options=(("Gravure", "À Zoë, née le 3 mai"),) if at % 5 == 0 else (),
        )
        for at in range(count)
    ]
