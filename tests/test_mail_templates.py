"""What every mail looks like: its language, amounts and dates, the shop's looks, and a project's own templates."""

import io
import re
from datetime import UTC, datetime
from decimal import Decimal

import lxml.html
import pytest
from django.core.files.images import ImageFile
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Picture
from wagtail.images import get_image_model
from wagtail.models import Collection

from wagtail_orders.lifecycle import Line, flag, mark_paid, record_refund, ship
from wagtail_orders.models import Order, OrderSettings
from wagtail_orders.notifications import render
from wagtail_orders.notifications.looks import contrast, palette

from .orders import MUG, placed

pytestmark = [
    pytest.mark.django_db,
    # Wagtail leaves the file in which it writes a rendition to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

KINDS = [
    "new_order",
    "needs_look",
    "confirmation",
    "payment_received",
    "shipped",
    "cancelled",
    "refunded",
    "message",
]
#: What 1,255.50 euros and the third of May read like, and a word of each mail's frame.
LANGUAGES = {
    "en": ("€1,255.50", "May 3, 2026", "Total"),
    "fr": ("1\u202f255,50\xa0€", "3 mai 2026", "Total"),
    "nl": ("€\xa01.255,50", "3 mei 2026", "Totaal"),
    "de": ("1.255,50\xa0€", "3. Mai 2026", "Gesamt"),
}
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80"><rect width="200" height="80"/></svg>"""


@pytest.fixture
def shop(site):
    return OrderSettings.objects.create(
        site=site,
        shop_name="Bois & Forêt",
        address="12 rue de l'Église\n1050 Ixelles",
        vat_number="BE0123456789",
        registration_number="RPM <Bruxelles>",
        bank_details="BE68 5390 0754 7034",
        footer="À bientôt",
        color="#7a1f5c",
        sender="shop@example.com",
        recipients="anna@example.com",
    )


@pytest.fixture
def order(site, shop):
    """An order of 1,255.50 of the third of May, paid and sent, with all that a mail can tell."""
    table = Line(
        sku="T-1",
        name="Table « Chêne » & banc",
        quantity=1,
        unit_price=Decimal("1250.50"),
        tax_rate=Decimal(21),
        options=(("Size", "180 > 160"),),
    )
    order = placed(
        site=site,
        lines=[table],
        customer_note='Ring twice, it\'s at the "back" <b>',
        placed_at=datetime(2026, 5, 3, 10, tzinfo=UTC),
    )
    ship(order, tracking_number="3232", tracking_url="https://track.example.com/?a=1&b=2")
    flag(order, reason="paid_after_cancellation")
    return Order.objects.get(pk=order.pk)


DATA = {
    "amount": "1255.50",
    "reason": "paid_after_cancellation",
    "subject": "A question",
    "text": "Which & why?",
}


def mail_of(order, kind="confirmation", language="en"):
    # Read anew: an order keeps its shop as it was.
    return render.mail(Order.objects.get(pk=order.pk), kind, language=language, data=DATA)


def html_of(mail):
    return lxml.html.document_fromstring(mail.html)


# --- In every language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_is_in_its_language_whatever_the_readers(order, kind, language):
    amount, day, total = LANGUAGES[language]
    with translation.override("en" if language != "en" else "fr"):
        mail = mail_of(order, kind, language)
        assert translation.get_language() == ("en" if language != "en" else "fr")
    text = html_of(mail).text_content()
    assert html_of(mail).get("lang") == language
    assert html_of(mail).get("dir") == "ltr"
    assert mail.subject
    assert "{" not in mail.subject
    assert "{" not in mail.text
    for part in (mail.text, text):
        if kind not in ("shipped", "message"):
            assert amount in part
        if kind in ("new_order", "confirmation", "cancelled"):
            assert day in part
        if kind in ("new_order", "confirmation", "cancelled", "refunded", "payment_received"):
            assert total in part
        if kind != "message":
            assert order.number in mail.subject + part


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "message"])
def test_no_english_is_left_in_another_language(order, kind, language):
    Order.objects.filter(pk=order.pk).update(customer_note="")
    mail, english = mail_of(order, kind, language), mail_of(order, kind, "en")
    assert mail.subject != english.subject
    words = re.compile(
        r"\b(your|order|the|has|shipping|billing|address|payment|paid|quantity|to be)\b", re.IGNORECASE
    )
    assert not words.findall(mail.text.replace("Bois & Forêt", ""))


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_part_is_plain_text(order, kind):
    mail = mail_of(order, kind)
    assert not re.search(r"&(amp|lt|gt|quot|nbsp|#\w+);", mail.subject + mail.text)
    assert not re.search(r"</?(p|br|td|table|span|strong)\b", mail.text)
    assert "\n\n\n" not in mail.text
    assert not re.search(r"[ \t]\n", mail.text.replace("\n-- \n", "\n"))
    if kind in ("new_order", "confirmation"):
        assert 'Ring twice, it\'s at the "back" <b>' in mail.text
        assert "Table « Chêne » & banc" in mail.text
    if kind == "shipped":
        assert "https://track.example.com/?a=1&b=2" in mail.text


def test_the_site_speaks_to_the_customer_of_itself(order):
    mail = mail_of(order)
    for part in (mail.text, html_of(mail).text_content()):
        for fact in ("Bois & Forêt", "1050 Ixelles", "BE0123456789", "RPM <Bruxelles>", "À bientôt"):
            assert fact in part
    assert "<Bruxelles>" not in mail.html


def test_bank_details_stand_where_money_is_awaited_by_transfer_only(order):
    details = "BE68 5390 0754 7034"
    assert details in mail_of(order).text
    assert details in mail_of(order).html
    mark_paid(order)
    assert details not in mail_of(order).text
    by_card = placed(site=order.site, payment_method="card")
    assert details not in mail_of(by_card).html


def test_the_owners_mail_leads_to_the_order(order, settings):
    settings.WAGTAILADMIN_BASE_URL = "https://admin.example.com/"
    url = f"https://admin.example.com/admin/orders/{order.pk}/"
    for kind in ("new_order", "needs_look"):
        mail = mail_of(order, kind)
        assert url in mail.text
        assert url in html_of(mail).xpath("//a/@href")
    assert url not in mail_of(order).html


def test_a_refund_says_how_much_went_back(order):
    mark_paid(order)
    record_refund(order, amount=Decimal(5), method="bank_transfer")
    mail = render.mail(order, "refunded", language="en", data={"amount": "5.00"})
    assert "€5.00" in mail.text


def test_a_language_that_is_written_from_right_to_left_is_laid_out_so(order):
    mail = mail_of(order, language="ar")
    page = html_of(mail)
    assert (page.get("dir"), page.get("lang")) == ("rtl", "ar")
    assert "direction" not in page.get("style", "")
    assert mail.text
    for kind in KINDS:
        assert html_of(mail_of(order, kind, "ar")).get("dir") == "rtl"


@pytest.mark.parametrize("language", ["xx", "zz-zz", "fr-be", "pt-BR", "zh-hans"])
def test_any_language_makes_a_mail(order, language):
    mail = mail_of(order, language=language)
    assert order.number in mail.subject
    assert "1" in mail.text


# --- Days and hours


@pytest.mark.parametrize(
    ("zone", "day"),
    [("", "May 3, 2026"), ("Pacific/Kiritimati", "May 4, 2026"), ("Pacific/Pago_Pago", "May 2, 2026")],
)
def test_the_shops_time_zone_decides_the_day(order, shop, zone, day):
    Order.objects.filter(pk=order.pk).update(placed_at=datetime(2026, 5, 3, 10, 30, tzinfo=UTC))
    shop.time_zone = zone
    shop.save()
    for kind in ("new_order", "confirmation", "cancelled"):
        assert day in mail_of(order, kind).text, kind
        assert day in mail_of(order, kind).html, kind


def test_a_project_without_time_zones_has_its_mails_too(order, settings):
    settings.USE_TZ = False
    fresh = Order.objects.get(pk=order.pk)
    fresh.placed_at = datetime(2026, 5, 3, 23, 59)  # noqa: DTZ001
    for kind in KINDS:
        mail = render.mail(fresh, kind, language="en", data=DATA)
        if kind in ("confirmation", "cancelled"):
            assert "May 3, 2026" in mail.text


# --- The shop's logo and colour


def image(name, content):
    Collection.objects.exists() or Collection.add_root(name="Root")
    return get_image_model().objects.create(title=name, file=ImageFile(io.BytesIO(content), name=name))


def raster(size=(960, 160), mode="RGBA", format="PNG"):
    written = io.BytesIO()
    Picture.new(mode, size).save(written, format)
    return written.getvalue()


def with_logo(shop, logo):
    shop.logo = logo
    shop.save()


def pictures(mail):
    return [dict(element.attrib) for element in html_of(mail).xpath("//img")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.png", raster()),
        ("logo.jpg", raster(mode="RGB", format="JPEG")),
        ("logo.gif", raster(mode="P", format="GIF")),
        ("logo.webp", raster(format="WEBP")),
    ],
    ids=["png", "jpg", "gif", "webp"],
)
def test_the_logo_is_a_picture_that_every_mail_program_shows(order, shop, settings, name, content):
    settings.WAGTAILADMIN_BASE_URL = "https://shop.example.com"
    with_logo(shop, image(name, content))
    (picture,) = pictures(mail_of(order))
    assert picture["src"].startswith("https://shop.example.com/media/")
    assert picture["src"].endswith(".png")
    assert (picture["width"], picture["height"]) == ("240", "40")
    assert picture["alt"] == "Bois & Forêt"


def test_a_drawing_gives_way_to_the_shops_name(order, shop):
    with_logo(shop, image("logo.svg", SVG))
    assert pictures(mail_of(order)) == []
    assert html_of(mail_of(order)).xpath("//*[@class='shop']")[0].text_content() == "Bois & Forêt"


@pytest.mark.parametrize("damage", ["lost", "broken"])
def test_a_logo_whose_file_is_gone_gives_way_to_the_shops_name(order, shop, damage):
    logo = image("logo.png", raster())
    with_logo(shop, logo)
    if damage == "lost":
        logo.file.storage.delete(logo.file.name)
    else:
        with open(logo.file.path, "wb") as file:
            file.write(b"no picture")
    assert pictures(mail_of(order)) == []
    assert "Bois &amp; Forêt" in mail_of(order).html


def test_a_logo_without_a_host_gives_way_to_the_shops_name(order, shop, settings):
    settings.WAGTAILADMIN_BASE_URL = ""
    with_logo(shop, image("logo.png", raster()))
    for picture in pictures(mail_of(order)):
        assert picture["src"].startswith("http")


def test_the_shops_colour_is_in_its_mails(order):
    assert "#7a1f5c" in mail_of(order).html.lower()


colors = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(colors)
@example("#7a7a7a")
@example("#767676")
@example("#d22020")
def test_text_can_be_read_with_any_colour(color):
    """WCAG 2.2, 1.4.3."""
    found = palette(color)
    assert found.brand == color
    assert contrast(found.on_brand, found.brand) >= 4.5
    assert contrast(found.link, "#ffffff") >= 4.5
    assert contrast(found.link_dark, "#1c1c1e") >= 4.5
    # What is a line only, WCAG 2.2, 1.4.11.
    assert all(contrast(found.edge, paper) >= 3 for paper in ("#ffffff", "#f6f5ef"))
    assert all(contrast(found.edge_dark, paper) >= 3 for paper in ("#1c1c1e", "#2a2a2d"))


def test_a_shop_without_a_colour_has_one_that_can_be_read():
    found = palette("")
    assert re.fullmatch("#[0-9a-f]{6}", found.brand)
    assert contrast(found.on_brand, found.brand) >= 4.5


# --- What mail programs understand


@pytest.mark.parametrize("kind", KINDS)
def test_styles_stand_on_the_elements_and_nothing_is_fetched_but_the_logo(order, kind):
    page = html_of(mail_of(order, kind))
    rules = re.sub(r"\s+", " ", " ".join(page.xpath("//style/text()")))
    outside = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", rules)
    assert not re.search(r"\{", outside), outside
    for cell in page.xpath("//td[contains(@class, 'part')]"):
        assert "font-family" in cell.get("style")
    assert page.body.get("style")
    assert page.xpath("//link | //script | //iframe | //form | //object | //*[@background]") == []
    assert "url(" not in mail_of(order, kind).html
    assert all(href.startswith(("http", "mailto:")) for href in page.xpath("//a/@href"))
    for table in page.xpath("//table[not(@role='presentation')]"):
        assert table.xpath(".//th"), "a table that is no layout has heads"


# --- A project's own


@pytest.fixture
def own(settings, tmp_path):
    """Write a template of the project's own."""

    def write(name, text):
        file = tmp_path / "wagtail_orders/emails" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    return write


def test_a_project_overrides_each_part_of_one_mail(order, own):
    before = mail_of(order)
    own("confirmation/subject.txt", "Merci\nfor {{ order.number }}\n")
    mail = mail_of(order)
    assert (mail.subject, mail.text) == (f"Merci for {order.number}", before.text)
    assert html_of(mail).body.text_content() == html_of(before).body.text_content()
    own("confirmation/body.txt", "Hello {{ order.customer_name|safe }}")
    own("confirmation/body.html", "<style>p { color: red }</style><p>Hello {{ order.customer_name }}</p>")
    mail = mail_of(order)
    assert mail.text == "Hello Zoë Müller\n"
    assert '<p style="color: red;">Hello Zoë Müller</p>' in mail.html
    assert mail_of(order, "shipped").subject.startswith("Your order")


def test_a_project_overrides_a_block_of_all_mails(order, own):
    own(
        "confirmation/body.html",
        '{% extends "wagtail_orders/emails/base.html" %}{% block foot %}<tr><td>Our foot</td></tr>{% endblock %}',
    )
    html = html_of(mail_of(order)).text_content()
    assert "Our foot" in html
    assert "À bientôt" not in html
    assert "Bois & Forêt" in html


def test_a_subject_that_a_project_left_empty_is_the_mails_name(order, own):
    own("confirmation/subject.txt", "\n")
    assert mail_of(order).subject == "Confirmation of the order"


def test_a_subject_has_no_end(order, own):
    own("confirmation/subject.txt", "x" * 1000)
    assert mail_of(order).subject == "x" * 255


def test_goods_without_taxes_and_options_are_listed_too(site, shop):
    plain = placed(site=site, lines=[MUG], prices_include_tax=False, shipping_total=Decimal(0), email="")
    for kind in KINDS:
        assert mail_of(plain, kind).text
