"""What others wrote is text on paper, whatever it looks like: nothing is fetched, no file is read, nothing breaks."""

import os
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from reportlab.pdfbase.ttfonts import TTFError
from xhtml2pdf.config.resources import ResourceAccessError

from wagtail_orders.documents import documents, fonts, render_html, render_pdf
from wagtail_orders.documents import xhtml2pdf as renderer
from wagtail_orders.lifecycle import Address, Line
from wagtail_orders.models import OrderSettings

from .orders import placed
from .paper import needs_poppler, text_of

pytestmark = [
    pytest.mark.django_db,
    # xhtml2pdf leaves the file in which it writes a large PDF to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*_io.FileIO name=:pytest.PytestUnraisableExceptionWarning"),
]

SECRET = "the secret of a file"
DEEP = "<div>" * 5000


class Canary(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.hits.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"body { content: 'x' }")

    do_HEAD = do_POST = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def canary():
    """The address of a server that notes who asks it for anything."""
    with HTTPServer(("127.0.0.1", 0), Canary) as server:
        server.hits = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(monkeypatch):
    """The names of the files that are opened for reading, by whatever way."""
    seen = []

    is_listening = True

    def hear(event, arguments):
        if event == "open" and is_listening:
            seen.append(str(arguments[0]))

    # An audit hook cannot be taken away again, only made deaf.
    sys.addaudithook(hear)
    yield seen
    is_listening = False


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


def attacks(canary, secret):
    url = f"http://127.0.0.1:{canary.server_port}"
    return [
        f'<img src="file://{secret}">',
        f'<img src="{url}/img.png">',
        f'<style>@import url("{url}/a.css"); @import "file://{secret}";</style>',
        f'<link rel="stylesheet" href="{url}/b.css">',
        f"<style>@font-face {{ font-family: Orders; src: url({url}/font.ttf) }}</style>",
        f'<div style="background-image: url({url}/c.png)">x</div>',
        f'<pdf:insertpdf src="{secret}"></pdf:insertpdf><pdf:nextpage/><pdf:toc/>',
        f'<pdf:font name="a" src="{url}/d.ttf"/><pdf:barcode value="1" type="qr"/>',
        "<table><tr><td colspan=1000000 rowspan=1000000>x</td></tr></table>",
        f'<object data="{url}/e"></object><iframe src="{url}/f"></iframe><embed src="{url}/g">',
        "</td></tr></table></div></body></html><script>alert(1)</script>",
        '"><canvas type="graph">{"type": "pie"}</canvas>',
        "{% include '/etc/passwd' %}{{ settings.SECRET_KEY }}%(number)s&lt;&#60;\\3c",
    ]


def order_of(site, text):
    """An order with ``text`` wherever a customer or a shop can write."""
    short = text[:255] if text.strip() else "x"
    address = Address(
        name=short,
        company=short,
        street=text[:500] if text.strip() else "x",
        city=short,
        region=short,
        country="BE",
        phone=text[:64],
    )
    lines = [
        Line(sku=text[:100], name=short, quantity=1, unit_price=5, options=((short, short), (short, "x")))
    ]
    return placed(
        site=site,
        lines=lines,
        customer_name=short,
        customer_note=text,
        billing_address=address,
        phone=text[:64],
        payment_method=text[:50],
        notify=False,
    )


def squeezed(text):
    return "".join(text.split())


@needs_poppler
@pytest.mark.parametrize("number", range(13))
def test_markup_is_printed_as_text(site, canary, secret, opened, number):
    attack = attacks(canary, secret)[number]
    OrderSettings.objects.create(site=site, shop_name=attack[:255], address=attack, bank_details=attack)
    order = order_of(site, attack)
    kinds = [kind for kind in documents() if kind != "address-label"]
    del opened[:]
    for kind in documents():
        html = render_html(kind, [order])
        assert attack not in html
        pdf = render_pdf(kind, [order])
        text = text_of(pdf, "-raw")
        assert SECRET not in text
        if kind in kinds:
            assert squeezed(attack[:60]) in squeezed(text)
    assert canary.hits == []
    assert str(secret) not in opened


@needs_poppler
@pytest.mark.parametrize("kind", ["order-sheet", "packing-slip", "address-label", "pick-list"])
def test_thousands_of_tags_are_thousands_of_letters(site, kind):
    pdf = render_pdf(kind, [order_of(site, DEEP)], seconds=600)
    if kind in ("order-sheet", "packing-slip"):
        assert squeezed(text_of(pdf)).count("<div>") > 5000


@needs_poppler
@pytest.mark.parametrize(
    "text",
    ["W" * 50_000, "a\n" * 5_000, "\u202e\u2066" * 500 + "abc", "\n" * 1000, "ـ" * 1000, "\t \r\n" * 500],
    ids=["one word", "many lines", "turned around", "empty lines", "Arabic strokes", "white space"],
)
def test_a_text_of_any_length_and_kind_wraps(site, text):
    pdf = render_pdf("order-sheet", order_of(site, text), seconds=600)
    assert pdf.startswith(b"%PDF")
    if text.startswith("W"):
        assert text_of(pdf).count("W") >= 50_000


@pytest.mark.filterwarnings("ignore:.* is deprecated!:DeprecationWarning")
def test_not_even_our_own_templates_could_reach_out(canary, secret, opened):
    """Should escaping fail once: the renderer itself is closed."""
    for attack in attacks(canary, secret):
        if "colspan" in attack:
            # That only escaping keeps out: xhtml2pdf draws a million cells.
            continue
        html = f"<html><body>{attack}<p>x</p></body></html>"
        # What it makes of a font that it may not read is an error.
        with suppress(TTFError):
            assert renderer.render(html, fonts.FOLDER).startswith(b"%PDF")
    assert canary.hits == []
    assert str(secret) not in opened


def test_only_the_fonts_may_be_read(tmp_path):
    policy = renderer.FontsOnly(files=frozenset({fonts.FOLDER / "DejaVuSans.ttf"}))
    policy.check_path(fonts.FOLDER / "DejaVuSans.ttf")
    link = tmp_path / "DejaVuSans.ttf"
    link.symlink_to("/etc/passwd")
    for path in (Path("/etc/passwd"), fonts.FOLDER / "LICENSE.txt", fonts.FOLDER, os.devnull, link):
        with pytest.raises(ResourceAccessError):
            policy.check_path(path)


def test_a_label_of_a_foot_cannot_leave_its_style_sheet(site):
    order = placed(site=site, number='"; } </style><script>alert(1)</script> \\')
    html = render_html("order-sheet", order)
    assert "<script>alert" not in html
    assert '@bottom-left { content: "Order' in html.replace("\\20 ", " ")
    style = html.split("@bottom-left { content: ")[1].split("font:")[0]
    assert style.count('"') == 2
