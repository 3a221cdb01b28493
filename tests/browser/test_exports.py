"""Exports in a real browser: from ticked rows or a filtered listing to the file that arrives."""

import csv
import io
import zipfile

import pytest
from django.utils import timezone
from lxml import etree
from playwright.sync_api import expect

from tests.orders import placed
from wagtail_orders import jobs
from wagtail_orders.exports.xml import NAMESPACE
from wagtail_orders.lifecycle import mark_paid
from wagtail_orders.models import Job

from .test_main_way import scrolls_sideways

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


@pytest.fixture
def orders(shop):
    found = [placed(number=f"A-{position}") for position in range(4)]
    mark_paid(found[1])
    return found


def arrived(page, tmp_path):
    """The file that Export brings: its name and its bytes."""
    with page.expect_download() as begun:
        page.get_by_role("button", name="Export", exact=True).click()
    begun.value.save_as(tmp_path / "file")
    return begun.value.suggested_filename, (tmp_path / "file").read_bytes()


def choose(page, name):
    page.locator(f"input[name=format][value={name}]").check()


def name_of(state, suffix):
    return f"localhost-orders-{state}-{timezone.localdate()}.{suffix}"


@pytest.mark.parametrize("width", [390, 1440])
def test_ticked_orders_arrive_as_csv(enter, orders, tmp_path, width):
    page = enter("orders/?ordering=number", width=width)
    for order in (orders[3], orders[1]):
        page.get_by_role("checkbox", name=f"Select order {order.number}").check()
    page.locator(".bulk-actions-choices").get_by_role("link", name="Export").click()
    expect(page.get_by_role("heading", name="Export 2 orders")).to_be_visible()
    choose(page, "csv")
    assert not scrolls_sideways(page)
    page.get_by_label("For programs").check()
    name, content = arrived(page, tmp_path)
    assert name == name_of("selected", "csv")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["number"] for row in rows] == ["A-1", "A-3"]
    # The page is still there, and a second file can follow.
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_enabled()
    choose(page, "xml")
    name, content = arrived(page, tmp_path)
    found = etree.fromstring(content).iterfind(f"{{{NAMESPACE}}}order")
    assert len(list(found)) == 2
    # The next time it begins where this one ended.
    page.goto(page.url)
    expect(page.locator("input[name=format][value=xml]")).to_be_checked()
    choose(page, "csv")
    expect(page.get_by_label("For programs")).to_be_checked()
    assert page.mistakes == []


def test_the_menu_exports_what_the_filtered_listing_shows(enter, orders, tmp_path):
    page = enter("orders/?payment_status=unpaid&ordering=-number")
    page.get_by_role("button", name="Actions", exact=True).click()
    page.get_by_role("link", name="Export orders").click()
    expect(page.get_by_role("heading", name="Export 3 orders")).to_be_visible()
    expect(page.locator(".orders-conditions")).to_contain_text("Payment: Unpaid")
    choose(page, "xlsx")
    name, content = arrived(page, tmp_path)
    assert name == name_of("current", "xlsx")
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    choose(page, "xml")
    name, content = arrived(page, tmp_path)
    numbers = etree.fromstring(content).xpath("//o:order/@number", namespaces={"o": NAMESPACE})
    assert numbers == ["A-3", "A-2", "A-0"]
    assert page.mistakes == []


def test_all_in_the_listing_are_exported_with_its_filter(enter, orders, tmp_path):
    placed(number="A-4")
    page = enter("orders/?payment_status=unpaid")
    page.locator("[data-bulk-action-select-all-checkbox]").first.check()
    page.locator(".bulk-actions-choices").get_by_role("link", name="Export").click()
    expect(page.get_by_role("heading", name="Export 4 orders")).to_be_visible()
    choose(page, "xml")
    _name, content = arrived(page, tmp_path)
    numbers = etree.fromstring(content).xpath("//o:order/@number", namespaces={"o": NAMESPACE})
    assert numbers == ["A-4", "A-3", "A-2", "A-0"]


def test_only_the_chosen_formats_choices_are_shown(enter, orders):
    page = enter("orders/export/")
    columns = page.get_by_label("Customer's remarks")
    choose(page, "xml")
    expect(columns).to_be_hidden()
    choose(page, "csv")
    expect(columns).to_be_visible()
    # By the keyboard too.
    page.locator("input[name=format]:checked").press("ArrowDown")
    expect(columns).to_be_hidden()


def test_nothing_ticked_is_told_and_what_was_chosen_is_still_there(enter, orders):
    page = enter("orders/export/")
    choose(page, "csv")
    page.get_by_label("One row per line").check()
    page.locator("[name=csv-columns]:checked").evaluate_all("boxes => boxes.forEach(box => box.click())")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_text("Choose at least one column.").wait_for()
    expect(page.get_by_label("One row per line")).to_be_checked()
    assert not Job.objects.exists()


def test_in_the_background_it_leads_to_its_page_and_the_file(enter, orders, tmp_path, settings):
    settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "TASK_BACKEND": "thread"}
    page = enter("orders/export/")
    choose(page, "xml")
    page.get_by_label("Make it in the background").check()
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download").click()
    begun.value.save_as(tmp_path / "file")
    assert begun.value.suggested_filename == name_of("current", "xml")
    assert len(etree.parse(tmp_path / "file").findall(f"{{{NAMESPACE}}}order")) == 4
    jobs.threads.wait(30)
    assert page.mistakes == []
