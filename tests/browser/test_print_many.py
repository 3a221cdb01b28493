"""Many orders on paper in a real browser: ticked, printed as one PDF, as a page, and in the background."""

import io
import re

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.orders import placed
from wagtail_orders import jobs
from wagtail_orders.documents import xhtml2pdf
from wagtail_orders.documents.many import Printing

from .test_main_way import scrolls_sideways

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


@pytest.fixture
def orders(shop, site):
    return [placed(site=site, number=f"A-{position}", language="en") for position in range(4)]


def pages_of(pdf):
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def choose(page, name):
    page.locator(f"input[name=document][value={name}]").check()


@pytest.fixture
def kept(shop, monkeypatch):
    """Each PDF that is made at once: a browser shows it, and tells no test what it shows."""
    pdfs = []
    write = Printing.write

    def keep(printing):
        pdfs.append(b"".join(write(printing)))
        yield pdfs[-1]

    monkeypatch.setattr(Printing, "write", keep)
    return pdfs


@pytest.mark.parametrize("width", [390, 1440])
def test_ticked_orders_open_as_one_pdf(enter, orders, kept, width):
    page = enter("orders/?ordering=number", width=width)
    for order in (orders[3], orders[1]):
        page.get_by_role("checkbox", name=f"Select order {order.number}").check()
    page.locator(".bulk-actions-choices").get_by_role("link", name="Print").click()
    expect(page.get_by_role("heading", name="Print 2 orders")).to_be_visible()
    choose(page, "packing-slip")
    assert not scrolls_sideways(page)
    with page.context.expect_event("response", lambda one: one.request.method == "POST") as answered:
        page.get_by_role("button", name="Make the PDF").click()
    assert answered.value.status == 200
    assert answered.value.headers["content-type"] == "application/pdf"
    assert answered.value.headers["content-disposition"].startswith("inline")
    [pdf] = kept
    first, second = pages_of(pdf)
    assert "A-1" in first
    assert "A-3" in second
    # The page is still there, and begins with the same the next time.
    expect(page.get_by_role("button", name="Make the PDF")).to_be_enabled()
    page.reload()
    expect(page.locator("input[name=document][value=packing-slip]")).to_be_checked()
    assert page.mistakes == []


def test_the_browser_prints_each_order_on_a_page_of_its_own(enter, site, orders):
    placed(site=site, number="A-4", language="ar")
    page = enter("orders/print/?list=current%3Fordering%3Dnumber")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Print from the browser").click()
    sheets = opened.value
    expect(sheets.get_by_role("button", name="Print")).to_be_visible()
    expect(sheets.get_by_text("A-4").first).to_be_visible()
    # Style and direction are each document's own.
    directions = "[...document.querySelectorAll('.order')].map(one => getComputedStyle(one).direction)"
    assert sheets.evaluate(directions) == ["ltr"] * 4 + ["rtl"]
    printed = pages_of(sheets.pdf(prefer_css_page_size=True))
    assert len(printed) == 5
    for position, text in enumerate(printed):
        assert f"A-{position}" in text
        assert "Back to the orders" not in text
    # The foot is each order's, and counts no pages, which would be those of all.
    assert re.search(r"Order A-3 · Atelier", printed[3])
    assert "Page" not in printed[3]


def test_a_pick_list_asks_for_no_language(enter, site, orders):
    placed(site=site, language="nl")
    page = enter("orders/print/")
    language = page.get_by_text("Each customer's")
    choose(page, "order-sheet")
    expect(language).to_be_visible()
    choose(page, "pick-list")
    expect(language).to_be_hidden()


def test_in_the_background_it_leads_to_its_page_with_progress_and_the_file(enter, orders, tmp_path, settings):
    settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "TASK_BACKEND": "thread", "PRINT_AT_ONCE": 3}
    page = enter("orders/print/")
    page.get_by_text("More than 3 orders are printed in the background").wait_for()
    page.get_by_role("button", name="Make the PDF").click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download").click()
    begun.value.save_as(tmp_path / "file")
    assert len(pages_of((tmp_path / "file").read_bytes())) == 4
    jobs.threads.wait(30)
    assert page.mistakes == []


def test_an_order_that_fails_is_named_and_the_others_are_printed(enter, orders, kept, monkeypatch, caplog):
    render = xhtml2pdf.render

    def breaks(html, base):
        if "A-2" in html:
            raise RuntimeError
        return render(html, base)

    monkeypatch.setattr(xhtml2pdf, "render", breaks)
    page = enter("orders/print/")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Make the PDF").click()
    told = opened.value
    expect(told.get_by_text("1 order could not be printed.")).to_be_visible()
    expect(told.locator(".orders-failed")).to_contain_text("A-2")
    with told.context.expect_event("response", lambda one: one.request.method == "POST") as answered:
        told.get_by_role("button", name="PDF of the other 3 orders").click()
    assert answered.value.headers["content-type"] == "application/pdf"
    assert len(pages_of(kept[-1])) == 3
