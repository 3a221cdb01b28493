"""The pages of exports and imports in a real browser: they follow the work, and read well to everybody."""

import re
import threading
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer
from wagtail.users.models import UserProfile

from wagtail_orders import jobs
from wagtail_orders.jobs import pieces
from wagtail_orders.jobs import run as runs
from wagtail_orders.models import Job

from .policy import POLICY
from .test_accessibility import TOO_WIDE, UNDRAWN, WAGTAILS
from .test_content_security_policy import WATCH

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]

LIST = "orders/jobs/"


@pytest.fixture
def live_server(settings):
    """A server of its own, whose middleware sends the policy."""
    settings.MIDDLEWARE = ["tests.browser.policy.StrictPolicy", *settings.MIDDLEWARE]
    server = LiveServer("localhost")
    yield server
    server.stop()


def made(title="Current orders, CSV", **facts):
    anna = get_user_model().objects.get(username="anna")
    job = jobs.create("export", user=anna, title=title, total=100)
    Job.objects.filter(pk=job.pk).update(**{"run": "its-run", "beat_at": timezone.now()} | facts)
    job.refresh_from_db()
    return job


def page_of(job):
    return f"orders/jobs/{job.pk}/"


class Work:
    """Work that goes on when the test says so."""

    def __init__(self):
        self.step = threading.Semaphore(0)
        self.portions = [b"%d;" % number * 100_000 for number in range(4)]

    def __call__(self, run):
        run.file_name, run.content_type = "Atelier Forêt.csv", "text/csv"
        for count, portion in enumerate(self.portions, 1):
            assert self.step.acquire(timeout=30)
            run.write(portion)
            run.progress(count * 25)


@pytest.fixture
def work(shop, settings, monkeypatch):
    settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "TASK_BACKEND": "thread"}
    work = Work()
    monkeypatch.setitem(runs._works, "export", work)
    yield work
    for _ in range(10):
        work.step.release()
    jobs.threads.wait(30)


@pytest.fixture
def begun(work):
    job = made()
    Job.objects.update(run="", beat_at=None)
    job.refresh_from_db()
    assert jobs.start(job)
    return job


def test_the_page_follows_the_work_until_the_file_is_there_and_fetches_it(enter, work, begun, tmp_path):
    page = enter(page_of(begun))
    bar = page.locator("progress")
    work.step.release()
    expect(bar).to_have_attribute("value", "25")
    expect(page.locator("[data-orders-progress]")).to_contain_text("25 of 100 orders")
    expect(page).to_have_title(re.compile("^25% · Current orders, CSV"))
    work.step.release()
    expect(bar).to_have_attribute("value", "50")
    expect(page.locator("[data-orders-progress]")).to_contain_text("left")
    work.step.release(2)

    expect(page.locator("#job-title")).to_contain_text("Done")
    expect(bar).to_have_count(0)
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download").click()
    assert fetched.value.suggested_filename == "Atelier Forêt.csv"
    fetched.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"".join(work.portions)
    assert page.mistakes == []


def test_whoever_leaves_finds_the_job_again_through_the_listings_menu(enter, work, begun):
    page = enter(page_of(begun))
    page.goto(page.url.replace(page_of(begun), "orders/"))
    page.get_by_role("button", name="Actions", exact=True).click()
    page.get_by_role("link", name="Your exports, imports and prints").click()
    page.get_by_role("link", name="Current orders, CSV").click()
    work.step.release()

    expect(page.locator("progress")).to_have_attribute("value", "25")


def test_cancel_stops_the_work_and_take_it_up_again_brings_the_whole_file(enter, work, begun):
    page = enter(page_of(begun))
    work.step.release(2)
    expect(page.locator("progress")).to_have_attribute("value", "50")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("You cancelled it.").wait_for()
    work.step.release()
    jobs.threads.wait(30)

    page.get_by_role("button", name="Take it up again").click()
    work.step.release(4)
    page.get_by_role("link", name="Download").wait_for()
    begun.refresh_from_db()
    assert b"".join(jobs.read_result(begun)) == b"".join(work.portions)


def test_when_the_worker_goes_the_open_page_says_so(shop, enter):
    job = made(state="running", started_at=timezone.now(), beat_at=timezone.now(), done=5)
    page = enter(page_of(job))
    page.locator("progress").wait_for()
    Job.objects.update(beat_at=timezone.now() - timedelta(minutes=2))

    page.get_by_text("The process that worked on it has gone.").wait_for()
    assert page.get_by_role("button", name="Take it up again").is_visible()
    assert page.locator("progress").count() == 0


def test_without_scripts_the_page_follows_too(shop, chromium, enter):
    job = made(state="running", started_at=timezone.now(), done=5)
    cookies = enter().context.cookies()
    context = chromium.new_context(java_script_enabled=False)
    try:
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(f"{shop}/admin/{page_of(job)}")
        assert page.locator("progress").get_attribute("value") == "5"
        Job.objects.update(done=7)
        page.locator("progress[value='7']").wait_for(timeout=15_000)
    finally:
        context.close()


def every_page():
    """Each state's page by its name, and the list of them."""
    now = timezone.now()
    done = made(
        "Current orders, Payment: Paid, placed since 1 November 2026, CSV, one row a line",
        state="done",
        done=100,
        started_at=now - timedelta(minutes=1),
        finished_at=now,
        file_name="atelier-foret-current-orders-payment-paid-placed-since-2026-11-01.csv",
        size=3,
    )
    pieces.store(done, pieces.Side.RESULT, 0, b"1;2")
    found = {
        "done": done,
        "queued": made(state="queued"),
        "queued for long": made(state="queued", beat_at=now - timedelta(hours=1)),
        "running": made(state="running", started_at=now, beat_at=now + timedelta(seconds=20), done=40),
        "running, nobody knows how far": made(state="running", started_at=now, total=0),
        "lost": made(state="running", beat_at=None),
        "failed": made(state="failed", error="No ink. " * 30),
        "cancelled": made(state="cancelled"),
    }
    return {"list": LIST, **{name: page_of(job) for name, job in found.items()}}


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shop, enter, scheme, width):
    page = enter(scheme=scheme, width=width)
    page.goto(f"{shop}/admin/{LIST}")
    found = {"empty": Axe().run(page).response["violations"]}
    for name, address in every_page().items():
        assert page.goto(f"{shop}/admin/{address}").ok, name
        found[name] = Axe().run(page).response["violations"]
    assert {
        name: [(one["id"], one["nodes"][0]["html"]) for one in all_] for name, all_ in found.items() if all_
    } == {}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_scrolls_sideways_and_every_icon_is_drawn(shop, enter, settings, width, language):
    settings.WAGTAILADMIN_PERMITTED_LANGUAGES = [("en", "English"), ("ar", "العربية")]
    anna = get_user_model().objects.get(username="anna")
    UserProfile.objects.update_or_create(user=anna, defaults={"preferred_language": language})
    page = enter(width=width)
    found = {}
    for name, address in every_page().items():
        page.goto(f"{shop}/admin/{address}")
        assert page.locator("html").get_attribute("dir") == {"en": "ltr", "ar": "rtl"}[language]
        page.wait_for_selector("#icon-cross", state="attached")
        if wrong := page.evaluate(TOO_WIDE, WAGTAILS) + page.evaluate(UNDRAWN):
            found[name] = wrong
    assert found == {}


def test_a_strict_policy_blocks_nothing_of_ours(shop, enter):
    page = enter("account/")
    page.add_init_script(WATCH)
    for name, address in every_page().items():
        assert page.goto(f"{shop}/admin/{address}").headers["content-security-policy"] == POLICY
        page.wait_for_load_state("networkidle")
        ours = [one for one in page.evaluate("window.blocked") if "orders" in one[1] or "orders" in one[2]]
        assert ours == [], name
