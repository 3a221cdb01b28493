"""What is on paper: an order sheet, a packing slip, a label and a pick list, in every language, for every shop."""

import io
import logging
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from unicodedata import normalize

import pytest
from django.core.files.images import ImageFile
from django.template.loader import get_template
from PIL import Image as Picture
from PIL import ImageFile as PictureFile
from pypdf import PdfReader
from wagtail import hooks
from wagtail.images import get_image_model
from wagtail.models import Collection

from wagtail_orders import conf
from wagtail_orders.documents import (
    Document,
    documents,
    file_name,
    fonts,
    limits,
    render_html,
    render_pdf,
)
from wagtail_orders.documents.merging import merge
from wagtail_orders.documents.xhtml2pdf import drawable
from wagtail_orders.exceptions import DocumentFailed
from wagtail_orders.lifecycle import Address, Line, cancel, mark_paid, record_payment, ship
from wagtail_orders.models import Order, OrderSettings

from .orders import MUG, placed
from .paper import many_lines, needs_poppler, pages_of, places, sizes_of, text_of

pytestmark = [
    pytest.mark.django_db,
    # Wagtail leaves the file in which it writes a rendition to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

ORDER_DOCUMENTS = ["order-sheet", "packing-slip", "address-label"]
BEIRUT = Address(
    name="فاطمة الزهراء", street="شارع الحمراء ١٢", postal_code="1103", city="بيروت", country="LB"
)
PARIS = Address(
    name="Jean Dupont", street="5 rue de la Paix", postal_code="75002", city="Paris", country="FR"
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80">'
    '<rect width="200" height="80" fill="#123456"/>{}</svg>'
)


@pytest.fixture
def shop(site):
    return OrderSettings.objects.create(
        site=site,
        shop_name="Bois & Forêt",
        address="7 rue du Moulin\n1050 Ixelles",
        vat_number="BE0123456789",
        bank_details="BE68 5390 0754 7034",
    )


@pytest.fixture
def order(site, shop):
    return placed(
        site=site,
        language="fr",
        number="2026-00042",
        shipping_address=PARIS,
        customer_note="Livrer après 17 h\nSonner deux fois",
        placed_at=datetime(2026, 5, 3, 12, tzinfo=UTC),
    )


def logo_of(shop, content, name):
    if not Collection.objects.exists():
        Collection.add_root(name="Root")
    shop.logo = get_image_model()(title="Logo", width=200, height=80)
    shop.logo.file.save(name, ImageFile(io.BytesIO(content), name=name), save=False)
    shop.logo.save()
    shop.save()


def png():
    file = io.BytesIO()
    Picture.new("RGB", (200, 80), "#123456").save(file, "PNG")
    return file.getvalue()


def again(order):
    return Order.objects.select_related("site").get(pk=order.pk)


# --- The order sheet


@needs_poppler
def test_the_sheet_tells_all_of_the_order(order):
    text = text_of(render_pdf("order-sheet", order))
    for words in (
        "Bois & Forêt",
        "BE0123456789",
        "Commande 2026-00042",
        "3 mai 2026",
        "Zoë Müller",
        "12 rue de l'Église",
        "1050 IXELLES",
        "Belgique",
        "Jean Dupont",
        "75002 PARIS",
        "Livrer après 17 h Sonner deux fois",
        "Tasse en grès « Forêt »",
        "MUG-F",
        "18,50 €",
        "37,00 €",
        "5,00 €",
        "Dont TVA 21 % 7,29 €",
        "42,00 €",
        "Non payée",
        "Reste à payer : 42,00 €",
        "BE68 5390 0754 7034",
        "zoe@example.com",
    ):
        assert words in text, words


@needs_poppler
@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["€1,255.50", "May 3, 2026", "Total"]),
        ("fr", ["1 255,50 €", "3 mai 2026", "Total"]),
        ("nl", ["€ 1.255,50", "3 mei 2026", "Totaal"]),
        ("de", ["1.255,50 €", "3. Mai 2026", "Gesamtbetrag"]),
    ],
)
def test_the_sheet_is_in_the_customers_language_or_the_one_asked_for(site, shop, language, expected):
    table = Line(sku="T", name="Table", quantity=1, unit_price=Decimal("1250.50"), tax_rate=Decimal(21))
    order = placed(
        site=site,
        language=language,
        lines=[table],
        placed_at=datetime(2026, 5, 3, 12, tzinfo=UTC),
    )
    for pdf in (
        render_pdf("order-sheet", order),
        render_pdf("order-sheet", placed(site=site, language="es"), language=language),
    ):
        assert expected[2] in text_of(pdf)
    text = text_of(render_pdf("order-sheet", order))
    assert [words for words in expected if words not in text] == []


@needs_poppler
def test_what_is_open_is_asked_for_as_long_as_it_is_open(order):
    bank = "BE68 5390 0754 7034"
    assert bank in text_of(render_pdf("order-sheet", order))
    record_payment(order, amount=42, method="card", reference="pi_1", state="pending")
    text = text_of(render_pdf("order-sheet", again(order), language="en"))
    assert "Payment pending" in text
    assert bank not in text
    mark_paid(order)
    text = text_of(render_pdf("order-sheet", again(order), language="en"))
    assert "Paid" in text
    assert "Still to be paid" not in text
    assert bank not in text


@needs_poppler
def test_a_cancelled_order_says_so_and_asks_for_nothing(order):
    cancel(order)
    text = text_of(render_pdf("order-sheet", again(order), language="en"))
    assert "This order is cancelled." in text
    assert "Still to be paid" not in text
    assert "This order is cancelled." in text_of(render_pdf("packing-slip", again(order), language="en"))


@needs_poppler
@pytest.mark.parametrize("count", [1, 5, 200])
def test_every_line_is_on_paper_whole_and_its_pages_are_counted(site, shop, count):
    order = placed(site=site, language="fr", lines=many_lines(count), customer_note="déjà vu " * 500)
    pdf = render_pdf("order-sheet", order)
    text = text_of(pdf, "-raw")
    lines = list(order.lines.all())
    assert len(lines) == count
    squeezed = text.replace(" ", "")
    for line in lines:
        assert line.name.replace(" ", "") in squeezed
        assert line.sku in squeezed
        assert order.format(line.total, "fr").replace("\xa0", "") in squeezed
    assert text.count("déjà") == 500
    total = pages_of(pdf)
    assert {f"Page {page} sur {total}" in text for page in range(1, total + 1)} == {True}
    assert text.count("Prix unitaire") >= total - 2


@needs_poppler
@pytest.mark.parametrize(
    ("window", "paper", "left", "right", "top", "bottom"),
    [
        # DIN 5008, form B: the field that a window shows.
        ("left", "a4", 20, 105, 45, 90),
        # What every window of 45 by 100, 20 from the right and the lower edge of a DL envelope, shows.
        ("right", "a4", 100, 190, 45, 90),
        # What the window of a No. 10 envelope shows.
        ("left", "letter", 22, 111, 63.5, 81),
        ("right", "letter", 100, 200, 63.5, 81),
    ],
)
@pytest.mark.parametrize("language", ["fr", "ar"])
@pytest.mark.parametrize("kind", ["order-sheet", "packing-slip"])
def test_the_address_stands_in_the_window(
    site, shop, kind, language, window, paper, left, right, top, bottom
):
    shop.address_window, shop.paper_size = window, paper
    shop.save()
    order = placed(site=site, language=language, shipping_address=None)
    pdf = render_pdf(kind, order)
    for word in ("Müller", "12", "IXELLES"):
        ((x1, y1, x2, y2),) = places(pdf, word)
        assert left < x1 < x2 < right
        assert top < y1 < y2 < bottom
    assert sizes_of(pdf) == [(210, 297) if paper == "a4" else (216, 279)]


@needs_poppler
def test_nothing_but_the_address_and_its_sender_stands_in_the_window(order):
    pdf = render_pdf("order-sheet", order)
    assert places(pdf, "Livrer")[0][1] > 90


@needs_poppler
def test_arabic_is_joined_and_reads_from_right_to_left(site, shop):
    mug = Line(sku="MUG-1", name="إبريق شاي أخضر", quantity=1, unit_price=5)
    order = placed(site=site, language="ar", billing_address=BEIRUT, lines=[mug], customer_name="فاطمة")
    pdf = render_pdf("order-sheet", order)
    html = render_html("order-sheet", order, is_pdf=True)
    assert '<html lang="ar" dir="rtl">' in html
    text = text_of(pdf)
    # The letters stand there in the shapes they have at a word's beginning, middle and end.
    assert "فاطمة" not in text
    for word in ("فاطمة", "بيروت", "إبريق"):
        assert word in normalize("NFKC", text)
    # A line of Latin letters keeps its own order.
    assert places(pdf, "1050")[0][0] < places(pdf, "Ixelles")[0][0]
    # The first column is the one on the right.
    assert places(pdf, "Quantity")[0][0] > places(pdf, "Item")[0][0] > places(pdf, "Total")[0][0]


# --- The packing slip


@needs_poppler
def test_a_packing_slip_has_no_price_at_all(order):
    for language in ("en", "fr", "de", "ar"):
        text = text_of(render_pdf("packing-slip", order, language=language))
        assert "MUG-F" in text
        assert ("×2" if language == "ar" else "2×") in text.replace(" ", "")
        for price in ("18", "37", "42", "€", "EUR", "7,29", "5,00", "Total"):
            assert price not in text.replace("2026-00042", "").replace("17 h", ""), price


@needs_poppler
def test_a_packing_slip_lists_what_is_left_to_send(site, shop):
    plate = Line(sku="PLATE", name="Assiette", quantity=3, unit_price=10)
    bowl = Line(sku="BOWL", name="Bol", quantity=1, unit_price=10)
    order = placed(site=site, language="en", lines=[MUG, plate, bowl])
    mug, plates, _bowl = order.lines.all()
    ship(order, lines={mug: 2, plates: 1})
    text = text_of(render_pdf("packing-slip", again(order)))
    assert "MUG-F" not in text
    assert "PLATE" in text
    assert "1 of 3 were sent before" in text
    assert "What else you ordered was sent before." in text
    ship(order)
    text = text_of(render_pdf("packing-slip", again(order)))
    assert all(sku in text for sku in ("MUG-F", "PLATE", "BOWL"))
    assert "sent before" not in text


# --- The label


@needs_poppler
def test_a_label_is_an_a6_with_where_it_goes_and_whose_it_is(order):
    pdf = render_pdf("address-label", order)
    assert sizes_of(pdf) == [(105, 148)]
    text = text_of(pdf)
    for words in ("Jean Dupont", "75002 PARIS", "France", "Bois & Forêt", "2026-00042"):
        assert words in text
    assert "IXELLES" not in text


@needs_poppler
def test_the_longest_address_fits_on_one_label(site, shop):
    endless = Address(
        name="N" * 255, company="C" * 255, street="\n".join(["S" * 120] * 4), city="T" * 255, country="BE"
    )
    pdf = render_pdf("address-label", placed(site=site, billing_address=endless))
    assert pages_of(pdf) == 1
    squeezed = text_of(pdf).replace(" ", "")
    assert [letter for letter in "NCST" if letter * 100 not in squeezed] == []


# --- The pick list


@needs_poppler
def test_a_pick_list_has_each_sku_once_with_its_orders(site, shop):
    plate = Line(sku="A-1", name="Assiette", quantity=3, unit_price=10, options=(("Gravure", "Zoë"),))
    one = placed(site=site, lines=[MUG, plate])
    two = placed(site=site, lines=[MUG])
    half, gone, off = (placed(site=site, lines=[MUG]) for _time in range(3))
    ship(half, lines={half.lines.get(): 1})
    ship(gone)
    cancel(off)
    text = text_of(
        render_pdf("pick-list", [again(each) for each in (one, two, half, gone, off)]),
    )
    assert "5 orders" in text
    assert text.index("A-1") < text.index("MUG-F")
    assert text.count("MUG-F") == 1
    assert re.search(r"5 ?× +MUG-F", text)
    assert re.search(
        f"{one.number} × 2 · {two.number} × 2 · {half.number} (?!×)", " ".join(text.split()) + " "
    )
    assert gone.number not in text
    assert off.number not in text
    assert "Gravure: Zoë" in text


@needs_poppler
def test_a_row_taller_than_a_page_goes_on_on_the_next(site, shop):
    options = [(f"{at}", "n" * 250) for at in range(40)]
    order = placed(site=site, lines=[Line(sku="S", name="Long", quantity=1, unit_price=5, options=options)])
    text = text_of(render_pdf("order-sheet", order), "-raw")
    assert [at for at in range(40) if f"{at}: " not in text] == []
    assert text.count("n") > 40 * 250
    assert pages_of(render_pdf("order-sheet", order)) > 2


def test_a_pick_list_takes_two_queries_however_many_orders(
    site, shop, django_assert_num_queries, monkeypatch
):
    from wagtail_orders.documents.kinds import pick_list

    orders = [placed(site=site) for _time in range(3)]
    with django_assert_num_queries(2):
        assert len(pick_list(orders)["picks"]) == 1


# --- Logos


def test_a_logo_is_in_the_document_itself(shop, order):
    logo_of(shop, png(), "logo.png")
    html = render_html("order-sheet", again(order), is_pdf=True)
    assert '<img src="data:image/png;base64,' in html
    assert '<div class="shop' not in html
    assert b"/Image" in render_pdf("order-sheet", again(order))


@pytest.mark.parametrize(
    "inside",
    [
        "",
        '<image href="file:///etc/passwd" width="9" height="9"/>',
        '<image xmlns:x="http://www.w3.org/1999/xlink" x:href="http://127.0.0.1:9/a.png"/>',
        "<style>@import url(http://127.0.0.1:9/a.css)</style>",
        '<script>alert(1)</script><rect onclick="alert(1)" fill="url(http://127.0.0.1:9/#a)"/>',
    ],
)
def test_an_svg_logo_is_drawn_and_leads_nowhere(shop, order, inside):
    from wagtail_orders.documents.pictures import _tamed

    logo_of(shop, SVG.format(inside).encode(), "logo.svg")
    assert "data:image/svg+xml" in render_html("order-sheet", again(order), is_pdf=True)
    assert render_pdf("order-sheet", again(order)).startswith(b"%PDF")
    tamed = _tamed(SVG.format(inside).encode()).decode()
    assert "#123456" in tamed
    for word in ("passwd", "127.0.0.1", "alert"):
        assert word not in tamed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.png", b"no picture"),
        ("logo.png", png()[:60]),
        ("logo.svg", b"<svg"),
        ("logo.svg", b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>'),
        ("logo.svg", SVG.format(" " * 2_000_000).encode()),
        ("logo.png", None),
    ],
    ids=["no picture", "cut off", "broken SVG", "SVG with entities", "too large", "lost"],
)
def test_a_logo_that_cannot_be_shown_is_left_out_and_the_log_says_so(
    shop, order, caplog, monkeypatch, name, content
):
    # WeasyPrint, where it is installed, has Pillow take cut off pictures for whole ones.
    monkeypatch.setattr(PictureFile, "LOAD_TRUNCATED_IMAGES", False)
    logo_of(shop, png() if name == "logo.png" else SVG.format("").encode(), name)
    file = Path(shop.logo.file.path)
    file.unlink() if content is None else file.write_bytes(content)
    html = render_html("order-sheet", again(order), is_pdf=True)
    assert '<div class="shop words">Bois &amp; Forêt</div>' in html
    assert render_pdf("order-sheet", again(order)).startswith(b"%PDF")
    assert "is left out of a document" in caplog.text


# --- Letters


@needs_poppler
@pytest.mark.parametrize(
    "text",
    [
        "Żółć Ősz Œuvre Ñandú Þór ğüşiöç",
        "Ελληνικά ἀρχή",
        "Русский їжак ђ",
        "€£¥₹₺₴₽₩",
        "←↑→↓☐☑☒✓★№™",
        "e\u0301te\u0301",
    ],
)
def test_the_fonts_have_the_letters_and_signs_of_orders(site, shop, caplog, text):
    pdf = render_pdf("order-sheet", placed(site=site, customer_note=text))
    assert text.replace("e\u0301", "é") in text_of(pdf)
    assert caplog.text == ""


@needs_poppler
def test_a_character_that_no_font_has_is_replaced_and_the_log_says_so(site, shop, caplog):
    order = placed(site=site, customer_name="Zoë 漢字 🎁👩‍👩‍👧", customer_note="a\x00b\ufe0f漢 cadeau 🎁")
    text = text_of(render_pdf("order-sheet", order))
    assert "� cadeau �" in text
    assert "No font of the PDFs has U+6F22" in caplog.text
    assert "U+1F381" in caplog.text
    assert len(caplog.records) == 1
    # Nobody's text stands in the log.
    assert "cadeau" not in caplog.text


@needs_poppler
def test_a_project_names_a_font_for_what_is_lacking(site, shop, settings, caplog):
    settings.WAGTAIL_ORDERS = {"PDF_FONT": Path(__file__).parent / "fonts" / "han.ttf"}
    order = placed(site=site, customer_note="au 漢 gré 字")
    assert "au 漢 gré �" in text_of(render_pdf("order-sheet", order))
    assert "U+5B57" in caplog.text
    assert "U+6F22" not in caplog.text


def test_only_what_is_drawn_is_touched():
    text = "a\u2068b\u2069\n\t\xa0é"
    assert drawable(text) == text
    assert ord("漢") not in fonts.drawable()
    assert drawable("\ufe0f漢") == "�"


# --- Which there are, and what they are called


def test_the_documents_that_come_along():
    assert list(documents()) == [*ORDER_DOCUMENTS, "pick-list"]


@needs_poppler
def test_a_project_adds_its_own_or_takes_the_place_of_one(order, settings, tmp_path):
    template = tmp_path / "gift.html"
    template.write_text(
        '{% extends "wagtail_orders/documents/base.html" %}{% block content %}<p>{{ wish }}</p>{% endblock %}',
        encoding="utf-8",
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    gift = Document("gift-note", "Gift note", "gift.html", lambda order: {"wish": f"<b>{order.number}"})
    slip = Document("packing-slip", "Our slip", "gift.html")
    with (
        hooks.register_temporarily("register_order_document", lambda: gift),
        hooks.register_temporarily("register_order_document", lambda: slip),
    ):
        assert documents()["packing-slip"].label == "Our slip"
        assert "<b>2026-00042" in text_of(render_pdf("gift-note", order))
    assert "gift-note" not in documents()


def test_a_project_overrides_a_template(order, settings, tmp_path):
    own = tmp_path / "wagtail_orders/documents/parts/head.html"
    own.parent.mkdir(parents=True)
    own.write_text("<p>Our own head</p>", encoding="utf-8")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert "Our own head" in render_html("order-sheet", order)


def test_files_have_names_that_every_system_takes(order):
    sheet = documents()["order-sheet"]
    assert file_name(sheet, [order]) == "order-sheet-2026-00042.pdf"
    assert file_name(documents()["pick-list"], [order, order]) == "pick-list.pdf"
    order.number = "B/../é 42\r\n"
    assert file_name(sheet, [order]) == "order-sheet-B-..-é-42-.pdf"


@needs_poppler
def test_of_several_orders_each_has_its_own_pages(site, shop):
    long, short = placed(site=site, lines=many_lines(60)), placed(site=site)
    pdf = render_pdf("order-sheet", [long, short])
    own = pages_of(render_pdf("order-sheet", long))
    assert own > 1
    assert pages_of(pdf) == own + 1
    text = text_of(pdf)
    assert f"Page {own} of {own}" in text
    assert "Page 1 of 1" in text


@needs_poppler
def test_pdfs_are_merged_as_they_come_and_each_keeps_its_looks(shop, order):
    logo_of(shop, png(), "logo.png")
    one = render_pdf("order-sheet", again(order))
    two = render_pdf("address-label", again(order))
    asked = []

    def come():
        for pdf in (one, two, one):
            asked.append(pdf)
            yield pdf

    bits = merge(come())
    assert next(bits).startswith(b"%PDF")
    assert asked == []
    next(bits)
    assert asked == [one]
    whole = b"".join(merge([one, two, one]))
    assert sizes_of(whole) == [(210, 297), (105, 148), (210, 297)]
    assert text_of(whole) == " ".join(text_of(pdf).strip() for pdf in (one, two, one)) + " "
    # Strictly: every object is where the table says.
    assert PdfReader(io.BytesIO(whole), strict=True).pages[2].images
    assert pages_of(b"".join(merge([whole, one]))) == 4


def test_a_document_of_one_order_is_not_made_of_several_or_none(order):
    with pytest.raises(ValueError, match="not made of 2 orders"):
        render_html("order-sheet", [order, order])
    with pytest.raises(ValueError, match="not made of 0 orders"):
        render_html("pick-list", [])


@pytest.mark.parametrize("kind", ORDER_DOCUMENTS)
def test_every_template_of_a_document_compiles_and_escapes(kind):
    assert get_template(documents()[kind].template)


def test_the_examples_of_the_docs_run(order, site, monkeypatch, tmp_path, settings):
    text = (Path(__file__).resolve().parent.parent / "docs" / "paper.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
    making, printing, merging, own, *given = blocks
    names = {"order": order, "other": placed(site=site), "file": io.BytesIO()}
    exec(making, names)
    exec(printing, names)
    assert pages_of(names["file"].getvalue()) == names["printing"].made == 2
    names["file"] = io.BytesIO()
    exec(merging, names)
    assert pages_of(names["book"]) == pages_of(names["file"].getvalue()) == 2
    monkeypatch.setattr(hooks, "_hooks", {name: list(found) for name, found in hooks._hooks.items()})
    exec(own, names)
    assert documents()["gift-note"].context(order) == {"wish": ""}
    for line in given:
        exec(line, names)
        assert set(names["WAGTAIL_ORDERS"]) <= set(conf.DEFAULTS)


# --- What fails


def test_a_document_that_takes_too_long_is_given_up(site, shop, caplog):
    order = placed(site=site, lines=many_lines(200))
    with pytest.raises(DocumentFailed, match="takes too long"):
        render_pdf("order-sheet", order, seconds=0.05)
    assert "given up" in caplog.text
    assert render_pdf("order-sheet", order).startswith(b"%PDF")


def test_a_document_that_is_too_long_is_not_even_begun(order, monkeypatch):
    monkeypatch.setattr(limits, "CHARACTERS", 1000)
    with pytest.raises(DocumentFailed, match="too long for a PDF"):
        render_pdf("order-sheet", order)


def broken(html, base):
    raise RuntimeError("secret detail")


def plain(html, base):
    assert base == fonts.FOLDER
    return b"%PDF- " + html[:15].encode()


def test_a_project_names_its_own_renderer(order, settings):
    settings.WAGTAIL_ORDERS = {"PDF_RENDERER": f"{__name__}.plain"}
    assert render_pdf("order-sheet", order) == b"%PDF- <!doctype html>"


def test_what_breaks_is_in_the_log_and_told_without_details(order, settings, caplog):
    settings.WAGTAIL_ORDERS = {"PDF_RENDERER": f"{__name__}.broken"}
    caplog.set_level(logging.ERROR)
    with pytest.raises(DocumentFailed, match=r"says why: RuntimeError$"):
        render_pdf("order-sheet", order)
    assert "secret detail" in caplog.text


def test_no_part_of_a_document_is_written_to_disk(site, shop, monkeypatch):
    spilt = []

    def spill():
        spilt.append("a customer's order")
        return io.BytesIO()

    monkeypatch.setattr("xhtml2pdf.files.pisaTempFile.STRATEGIES", (io.BytesIO, spill))
    assert render_pdf("order-sheet", placed(site=site, lines=many_lines(600))).startswith(b"%PDF")
    assert spilt == []
