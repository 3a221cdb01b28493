"""Orders brought over in a real browser: a file is chosen, looked at, corrected or not, and then there are orders."""

import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer
from wagtail.users.models import UserProfile

from tests.orders import placed
from wagtail_orders import imports, jobs
from wagtail_orders.exports import Selection
from wagtail_orders.exports.xml import XML
from wagtail_orders.imports import job as importing
from wagtail_orders.jobs import run as runs
from wagtail_orders.models import Notification, Order, ShippingMethod

from .policy import POLICY
from .test_accessibility import TOO_WIDE, UNDRAWN, WAGTAILS
from .test_content_security_policy import WATCH

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


@pytest.fixture
def live_server(settings):
    """A server of its own, whose middleware sends the policy, and whose jobs are done by threads."""
    settings.MIDDLEWARE = ["tests.browser.policy.StrictPolicy", *settings.MIDDLEWARE]
    settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "TASK_BACKEND": "thread"}
    server = LiveServer("localhost")
    yield server
    jobs.threads.wait(30)
    server.stop()


def file_of(orders):
    """An export of the orders, which exist no longer, the last of them with a sum that is wrong."""
    selection = Selection.of(Order.objects.filter(pk__in=[order.pk for order in orders]).order_by("pk"))
    content = b"".join(XML.write(selection))
    Order.objects.filter(pk__in=[order.pk for order in orders]).delete()
    start = content.index(orders[-1].number.encode())
    return content[:start] + content[start:].replace(b">42.00<", b">43.00<")


@pytest.fixture
def file(shop, tmp_path):
    method = ShippingMethod.objects.create(name="By bicycle")
    orders = [placed(shipping_method=method) for _ in range(12)]
    path = tmp_path / "elsewhere.xml"
    path.write_bytes(file_of(orders))
    method.delete()
    placed(number=orders[0].number)
    return path


@pytest.mark.parametrize("width", [390, 1440])
def test_from_the_menu_to_the_orders(shop, file, enter, width):
    Notification.objects.all().delete()
    page = enter("orders/", width=width)
    page.get_by_role("button", name="Actions", exact=True).click()
    page.get_by_role("link", name="Import orders").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()

    main = page.locator("main")
    expect(main).to_contain_text("10 orders are new: €420.00.", timeout=30_000)
    expect(main).to_contain_text("1 order exists here already.")
    expect(main).to_contain_text("1 order is wrong.")
    expect(main).to_contain_text("By bicycle (10)")
    assert Order.objects.count() == 1

    bring = page.get_by_role("button", name="Bring over 10 orders")
    bring.click()
    expect(main).to_contain_text("1 order is wrong. Have it left out")
    assert Order.objects.count() == 1
    page.get_by_label("leave it out, and bring the others over").check()
    bring.click()
    expect(main).to_contain_text("10 orders were brought over: €420.00.", timeout=30_000)
    expect(main).to_contain_text("Nobody was mailed.")
    assert Order.objects.count() == 11
    assert not Notification.objects.exists()
    page.get_by_role("link", name="To the orders").click()
    expect(page.locator("main table tbody tr")).to_have_count(11)
    assert page.mistakes == []


def test_whoever_leaves_finds_what_would_be_done_again(shop, file, enter):
    page = enter("orders/import/")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()
    expect(page.locator("main")).to_contain_text("10 orders are new", timeout=30_000)
    page.goto(f"{shop}/admin/orders/jobs/")
    page.get_by_role("link", name="Import of elsewhere.xml").click()
    page.get_by_role("link", name="What would be brought over").click()
    expect(page.get_by_role("button", name="Bring over 10 orders")).to_be_visible()


def test_the_page_follows_the_work(shop, file, enter, monkeypatch):
    is_over = threading.Event()

    def slow(run):
        run.progress(4, total=10)
        is_over.wait(60)
        run.hold()

    page = enter("orders/import/")
    page.get_by_label("File").set_input_files(file)
    monkeypatch.setitem(runs._works, "import", slow)
    page.get_by_role("button", name="Look at it first").click()
    expect(page.locator("progress")).to_have_attribute("value", "4", timeout=30_000)
    expect(page.locator("[data-orders-progress]")).to_contain_text("4 of 10 orders")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("You cancelled it.").wait_for()
    is_over.set()


def done(content, **decision):
    """An import of anna's, looked through in this thread, and brought over if ``decision`` says how."""
    anna = get_user_model().objects.get(username="anna")
    job = importing.begin([content], imports.readers()["xml"], user=anna, name="elsewhere, " * 6 + ".xml")
    jobs.threads.wait(30)
    job.refresh_from_db()
    if decision:
        assert importing.confirm(job, **decision)
        jobs.threads.wait(30)
    return f"orders/import/{job.pk}/"


def every_page(file):
    """Each state's page by its name."""
    content = file.read_bytes()
    found = {"file": "orders/import/", "looked at": done(content)}
    found["broken off"] = done(content[: len(content) // 2])
    found["nothing new"] = done(content.replace(b">42.00<", b">43.00<"))
    # All or nothing, as if something had become wrong only then.
    found["refused"] = done(content, existing="skip", keep_going=False)
    found["brought over"] = done(content, existing="skip", keep_going=True)
    found["job"] = found["brought over"].replace("import", "jobs")
    return found


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shop, file, enter, scheme, width):
    page = enter(scheme=scheme, width=width)
    found = {}
    for name, address in every_page(file).items():
        assert page.goto(f"{shop}/admin/{address}").ok, name
        for fold in page.locator("main summary").all():
            fold.click()
        found[name] = Axe().run(page).response["violations"]
    assert {
        name: [(one["id"], one["nodes"][0]["html"]) for one in all_] for name, all_ in found.items() if all_
    } == {}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_scrolls_sideways_and_every_icon_is_drawn(shop, file, enter, settings, width, language):
    settings.WAGTAILADMIN_PERMITTED_LANGUAGES = [("en", "English"), ("ar", "العربية")]
    anna = get_user_model().objects.get(username="anna")
    UserProfile.objects.update_or_create(user=anna, defaults={"preferred_language": language})
    page = enter(width=width)
    found = {}
    for name, address in every_page(file).items():
        page.goto(f"{shop}/admin/{address}")
        page.wait_for_selector("#icon-cross", state="attached")
        if wrong := page.evaluate(TOO_WIDE, WAGTAILS) + page.evaluate(UNDRAWN):
            found[name] = wrong
    assert found == {}


def test_a_strict_policy_blocks_nothing_of_ours(shop, file, enter):
    page = enter("account/")
    page.add_init_script(WATCH)
    for name, address in every_page(file).items():
        assert page.goto(f"{shop}/admin/{address}").headers["content-security-policy"] == POLICY
        page.wait_for_load_state("networkidle")
        ours = [one for one in page.evaluate("window.blocked") if "orders" in one[1] or "orders" in one[2]]
        assert ours == [], name
