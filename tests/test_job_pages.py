"""The pages of a user's exports and imports: how far they are, what can be done, and nobody else sees them."""

import asyncio
import os
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.users.models import UserProfile

from wagtail_orders import jobs
from wagtail_orders.jobs import pieces
from wagtail_orders.jobs import run as runs
from wagtail_orders.models import Job, JobPiece

from .desk import form_at, parsed, said, user_with, words

pytestmark = pytest.mark.django_db

LIST = "/admin/orders/jobs/"
LISTING = "/admin/orders/"
CONTENT = os.urandom(pieces.SIZE) + b"number,total\r\n"


def page_of(job):
    return reverse("wagtail_orders:job", args=[job.pk])


def state_of(job):
    return reverse("wagtail_orders:job_state", args=[job.pk])


def file_of(job):
    return reverse("wagtail_orders:job_file", args=[job.pk])


def action_on(job, action):
    return reverse("wagtail_orders:job_action", args=[job.pk, action])


def addresses(job):
    return [page_of(job), state_of(job), file_of(job)]


def made(user, kind="export", **facts):
    """A job that was begun, and is as ``facts`` say."""
    job = jobs.create(kind, user=user, title="Current orders, CSV", total=100_000)
    Job.objects.filter(pk=job.pk).update(**{"run": "its-run", "beat_at": timezone.now()} | facts)
    job.refresh_from_db()
    return job


def running(user, **facts):
    begun = timezone.now()
    now = begun + timedelta(seconds=10)
    return made(user, **{"state": "running", "done": 40_000, "started_at": begun, "beat_at": now} | facts)


def finished(user, content=CONTENT, **facts):
    job = made(
        user,
        **{
            "state": "done",
            "done": 100_000,
            "started_at": timezone.now() - timedelta(minutes=3),
            "finished_at": timezone.now(),
            "file_name": "Atelier Forêt 2026-11-23.csv",
            "content_type": "text/csv",
            "size": len(content),
        }
        | facts,
    )
    for position, piece in enumerate(pieces.cut(content)):
        pieces.store(job, pieces.Side.RESULT, position, piece)
    return job


def is_missing(client, address):
    # The example site first looks for the page in a language.
    return client.get(address, follow=True).status_code == 404


def main_of(response):
    [main] = parsed(response).xpath("//main")
    return main


def buttons(response):
    """What can be pressed beneath the job."""
    pressed = ".//*[contains(@class, 'orders-actions')]//*[self::a or self::button]"
    return [words(button) for button in main_of(response).xpath(pressed)]


# --- One job


STATES = {
    "queued": ({"state": "queued"}, "Waiting", "It waits for its turn.", ["Cancel"]),
    "running": ({"state": "running"}, "Running", "It is under way.", ["Cancel"]),
    "never begun": (
        {"state": "queued", "beat_at": timezone.now() - timedelta(minutes=5)},
        "Waiting",
        "no worker runs",
        ["Take it up again", "Cancel"],
    ),
    "lost": (
        {"state": "running", "beat_at": timezone.now() - timedelta(minutes=5)},
        "Interrupted",
        "The process that worked on it has gone. Take it up again, and it begins anew.",
        ["Take it up again", "Cancel"],
    ),
    "given up": (
        {"state": "running", "beat_at": None},
        "Interrupted",
        "The process that worked on it has gone.",
        ["Take it up again", "Cancel"],
    ),
    "failed": (
        {"state": "failed", "error": "No <ink>."},
        "Failed",
        "No <ink>.",
        ["Take it up again", "Delete it now"],
    ),
    "cancelled": (
        {"state": "cancelled"},
        "Cancelled",
        "You cancelled it.",
        ["Take it up again", "Delete it now"],
    ),
    "done without a file": ({"state": "done"}, "Done", "It is done.", ["Delete it now"]),
}


@pytest.mark.parametrize("name", STATES)
def test_the_page_says_where_the_job_stands_and_what_can_be_done(desk, owner, name):
    facts, tag, sentence, offered = STATES[name]
    started = {"started_at": timezone.now() - timedelta(minutes=9)} if facts["state"] == "running" else {}
    job = made(owner, **facts, **started)

    response = desk.get(page_of(job))

    main = main_of(response)
    assert tag in words(main.xpath(".//h2")[0])
    assert sentence in words(main)
    assert buttons(response) == offered
    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))


def test_a_running_job_shows_how_far_it_is_how_quickly_and_how_long_it_will_take(desk, owner):
    job = running(owner)

    main = main_of(desk.get(page_of(job)))

    [bar] = main.xpath(".//progress")
    assert (bar.get("value"), bar.get("max"), bar.text) == ("40000", "100000", "40%")
    [title] = main.xpath(f".//*[@id='{bar.get('aria-labelledby')}']")
    assert "Current orders, CSV" in words(title)
    assert "40% 40,000 of 100,000 orders · 4,000 a second · 15 seconds left" in words(main)


@pytest.mark.parametrize(
    ("facts", "progress"),
    [
        ({"done": 0}, "0 of 100,000 orders"),
        ({"done": 4}, "4 of 100,000 orders · 0.4 a second · 3 days left"),
        ({"total": 0, "done": 1_200}, "1,200 orders · 120 a second"),
        ({"total": 1, "done": 0}, "0 of 1 order"),
        ({"done": 100_000}, "100,000 of 100,000 orders · 10,000 a second · 1 second left"),
        ({"done": 120_000}, "120,000 of 100,000 orders · 12,000 a second · 1 second left"),
        ({"beat_at": timezone.now()}, "40,000 of 100,000 orders"),
    ],
)
def test_odd_progress_reads_well_too(desk, owner, facts, progress):
    job = running(owner)
    if "beat_at" in facts:
        # The first second says nothing yet.
        facts = {"beat_at": job.started_at + timedelta(seconds=0.3)}
    Job.objects.filter(pk=job.pk).update(**facts)

    assert desk.get(state_of(job)).json()["progress"] == progress


def test_progress_reads_in_the_readers_language(desk, owner):
    UserProfile.objects.create(user=owner, preferred_language="de")
    job = running(owner)

    state = desk.get(state_of(job)).json()

    assert state["percent"] == "40\xa0%"
    assert "40.000" in state["progress"]
    assert "15 Sekunden" in state["progress"]


def test_a_finished_job_names_its_file_its_orders_and_when_it_goes(desk, owner):
    job = finished(owner, created_at=timezone.now() - timedelta(minutes=5))

    response = desk.get(page_of(job))

    names, values = ([words(cell) for cell in main_of(response).xpath(f".//{tag}")] for tag in ("dt", "dd"))
    facts = dict(zip(names, values, strict=True))
    assert facts == {
        "Begun": "5 minutes ago",
        "File": "Atelier Forêt 2026-11-23.csv",
        "Orders": "100,000",
        "Took": "3 minutes",
        "Will be deleted": "in 1 week",
    }
    moment = main_of(response).xpath(".//dd/time")[1]
    assert str(job.expires_at.year) in moment.get("title")
    assert buttons(response) == ["Download (488.3 KB)", "Delete it now"]


def test_without_scripts_the_page_of_a_job_that_is_under_way_reloads_itself(desk, owner):
    job = running(owner)
    [refresh] = parsed(desk.get(page_of(job))).xpath("//head/noscript/meta[@http-equiv='refresh']")
    assert refresh.get("content") == f"5; url={page_of(job)}"

    finished_job = finished(owner)
    assert not parsed(desk.get(page_of(finished_job))).xpath("//meta[@http-equiv='refresh']")


# --- For the script


def test_the_state_is_four_statements_for_an_owner(desk, owner, django_assert_num_queries):
    job = running(owner)
    desk.get(state_of(job))

    # The session, the user, Wagtail's profile of him, the job.
    with django_assert_num_queries(4):
        state = desk.get(state_of(job)).json()

    assert state == {
        "stage": "running",
        "done": 40_000,
        "total": 100_000,
        "percent": "40%",
        "progress": "40,000 of 100,000 orders · 4,000 a second · 15 seconds left",
    }


def test_the_state_is_no_statement_more_with_ten_thousand_pieces(desk, owner, django_assert_num_queries):
    job = running(owner)
    JobPiece.objects.bulk_create(
        JobPiece(job=job, side="result", position=position, content=b"x") for position in range(10_000)
    )
    desk.get(state_of(job))

    with django_assert_num_queries(4):
        desk.get(state_of(job))
    with CaptureQueriesContext(connection) as caught:
        desk.get(page_of(job))
    assert not [query for query in caught if "jobpiece" in query["sql"]]


def test_the_stage_changes_when_another_page_is_to_be_shown(desk, owner):
    stages = [
        desk.get(state_of(job)).json()["stage"]
        for job in (
            made(owner, state="queued"),
            running(owner),
            running(owner, beat_at=None),
            made(owner, state="queued", beat_at=timezone.now() - timedelta(hours=1)),
            finished(owner),
        )
    ]

    assert stages == ["queued", "running", "running-lost", "queued-lost", "done"]


# --- The file


def body(response):
    return b"".join(response.streaming_content)


def test_the_file_is_streamed_with_its_length_and_kept_by_no_cache(desk, owner, django_assert_num_queries):
    job = finished(owner)
    desk.get(file_of(job))

    # The session, the user, his profile, the job.
    with django_assert_num_queries(4):
        response = desk.get(file_of(job))
    # Its two pieces, and that there are no more.
    with django_assert_num_queries(3):
        assert body(response) == CONTENT

    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Content-Type"] == "text/csv"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''Atelier%20For%C3%AAt")
    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))


def test_head_tells_the_length_and_reads_nothing(desk, owner):
    job = finished(owner)

    response = desk.head(file_of(job))

    assert (response.status_code, response["Content-Length"]) == (200, str(len(CONTENT)))
    assert body(response) == b""


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled"])
def test_no_byte_of_what_is_not_whole_is_handed_out(desk, owner, state):
    job = finished(owner, state=state)

    assert is_missing(desk, file_of(job))
    assert "Download" not in words(main_of(desk.get(page_of(job))))
    assert "Download" not in words(main_of(desk.get(LIST)))


def test_a_download_whose_job_is_deleted_meanwhile_breaks_off_instead_of_looking_whole(desk, owner):
    job = finished(owner)
    content = iter(desk.get(file_of(job)).streaming_content)
    next(content)
    jobs.forget(job)

    with pytest.raises(LookupError):
        next(content)


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_server_streams_it_too(owner):
    job = finished(owner)

    async def fetch():
        client = AsyncClient()
        await client.aforce_login(owner)
        response = await client.get(file_of(job))
        content = [piece async for piece in response.streaming_content]
        # They belong to a thread that stays.
        await sync_to_async(connections.close_all)()
        return response, content

    response, content = asyncio.run(fetch())

    assert [len(piece) for piece in content] == [pieces.SIZE, len(CONTENT) - pieces.SIZE]
    assert b"".join(content) == CONTENT
    assert response["Content-Length"] == str(len(CONTENT))


# --- Whose it is


@pytest.fixture
def other(django_user_model):
    """Somebody else who may do everything, too."""
    return django_user_model.objects.create_superuser("berta", "berta@example.com", "secret")


@pytest.fixture
def others_desk(other):
    client = Client()
    client.force_login(other)
    return client


def test_to_everybody_else_superusers_too_there_is_no_such_job(others_desk, owner):
    for job in (running(owner), finished(owner)):
        assert all(is_missing(others_desk, address) for address in addresses(job))
        for action in ("cancel", "take-up", "delete"):
            assert others_desk.post(action_on(job, action), follow=True).status_code == 404
        job.refresh_from_db()
    assert "Current orders, CSV" not in words(main_of(others_desk.get(LIST)))
    assert Job.objects.count() == 2


def test_who_is_not_logged_in_is_asked_to(client, owner):
    job = finished(owner)

    for address in [LIST, *addresses(job)]:
        response = client.get(address)
        assert response.status_code == 302
        assert "/login/" in response["Location"]


def test_whose_permission_to_export_was_withdrawn_gets_no_file(client, django_user_model):
    user = user_with(django_user_model, "view_order", "export_order")
    client.force_login(user)
    job = finished(user)
    assert client.get(file_of(job)).status_code == 200
    user.groups.get().permissions.remove(Permission.objects.get(codename="export_order"))

    response = client.get(file_of(job))

    assert response.status_code == 403
    assert "You may no longer do this with orders" in words(main_of(response))
    assert buttons(response) == ["Delete it now"]
    assert "Download" not in words(main_of(client.get(LIST)))
    failed = made(user, state="failed")
    assert client.post(action_on(failed, "take-up")).status_code == 403
    assert Job.objects.get(pk=failed.pk).state == "failed"


def test_what_is_over_is_gone_even_before_the_sweep_comes(desk, owner):
    job = finished(owner, expires_at=timezone.now())

    assert all(is_missing(desk, address) for address in addresses(job))
    assert "There are none at the moment." in words(main_of(desk.get(LIST)))


def test_a_job_that_was_not_begun_is_not_shown(desk, owner):
    job = jobs.create("import", user=owner, title="orders.xml")

    assert is_missing(desk, page_of(job))
    assert "orders.xml" not in words(main_of(desk.get(LIST)))


# --- What can be done


def press(client, job, action):
    """Press the button on the job's page; the page it leads to."""
    form = form_at(parsed(client.get(page_of(job))), action_on(job, action))
    assert form is not None
    return client.post(form.get("action"), follow=True)


def test_cancel_stops_the_run_and_leads_back_to_the_job(desk, owner):
    job = running(owner)
    pieces.store(job, pieces.Side.RESULT, 0, b"half")

    response = press(desk, job, "cancel")

    assert "You cancelled it." in words(main_of(response))
    assert not JobPiece.objects.exists()


def test_what_became_finished_meanwhile_is_not_cancelled(desk, owner):
    job = finished(owner)

    response = desk.post(action_on(job, "cancel"), follow=True)

    assert said(response) == ["There was nothing left to cancel."]
    assert Job.objects.get().state == "done"


def test_a_lost_job_is_taken_up_again_and_its_file_is_whole(desk, owner, monkeypatch, settings):
    def write(run):
        run.file_name = "orders.csv"
        run.write(CONTENT)

    monkeypatch.setitem(runs._works, "export", write)
    job = running(owner, beat_at=timezone.now() - timedelta(minutes=2))
    pieces.store(job, pieces.Side.RESULT, 0, b"half")

    response = press(desk, job, "take-up")
    assert "It waits for its turn." in words(main_of(response))
    job.refresh_from_db()
    runs.do(job.pk, job.run)

    assert body(desk.get(file_of(job))) == CONTENT


def test_a_job_that_lives_is_not_taken_up(desk, owner):
    job = running(owner)

    response = desk.post(action_on(job, "take-up"), follow=True)

    assert said(response) == ["Somebody works on it already, or is through."]
    assert Job.objects.get().run == "its-run"


def test_delete_leads_to_the_list_without_it(desk, owner):
    job = finished(owner)

    response = press(desk, job, "delete")

    assert said(response) == ["“Current orders, CSV” is deleted."]
    assert response.redirect_chain == [(LIST, 302)]
    assert not Job.objects.exists()
    assert not JobPiece.objects.exists()


@pytest.mark.parametrize("action", ["cancel", "take-up", "delete"])
def test_reading_changes_nothing(desk, owner, action):
    job = running(owner)

    assert desk.get(action_on(job, action)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(action_on(job, action)).status_code == 403
    assert Job.objects.get().state == "running"


def test_there_are_no_other_actions(desk, owner):
    assert desk.post(action_on(running(owner), "dispatch"), follow=True).status_code == 404


# --- All of them


def test_the_list_has_the_newest_first_with_state_size_and_when_each_goes(desk, owner):
    now = timezone.now()
    finished(
        owner, title="Old", created_at=now - timedelta(days=3), expires_at=now + timedelta(days=4, hours=1)
    )
    running(owner, title="New", created_at=now - timedelta(minutes=2))

    rows = main_of(desk.get(LIST)).xpath(".//tbody/tr")

    assert [[words(cell) for cell in row.xpath("td")] for row in rows] == [
        ["New", "Running 40%", "2 minutes ago", "", "Will be deleted in 1 week", ""],
        ["Old", "Done", "3 days ago", "488.3 KB", "Will be deleted in 4 days", "Download"],
    ]
    [download] = rows[1].xpath(".//td[last()]/a")
    assert download.get("aria-label") == "Download “Old”"


def test_the_list_costs_the_same_for_one_and_for_a_hundred(desk, owner):
    def count():
        with CaptureQueriesContext(connection) as caught:
            assert desk.get(LIST).status_code == 200
        return len(caught)

    running(owner)
    count()
    with_one = count()
    for _ in range(99):
        finished(owner, b"x")

    assert count() == with_one


def more_links(client):
    return [link.get("href") for link in parsed(client.get(LISTING)).xpath("//header//a")]


def test_the_listing_leads_there_whoever_may_export(client, django_user_model):
    client.force_login(user_with(django_user_model, "view_order", "export_order"))
    assert LIST in more_links(client)

    client.force_login(user_with(django_user_model, "view_order", "change_order"))
    assert LIST not in more_links(client)
