"""Jobs with real workers: each task backend with its own, several at once, and killed ones."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_rq
import pytest
from django.db import connection
from django.utils import timezone

from tests.processes import Death, in_processes
from tests.workers import Database, Redis
from wagtail_orders import jobs
from wagtail_orders.jobs import pieces
from wagtail_orders.jobs import run as runs
from wagtail_orders.models import Job, JobPiece

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent
STEPS = 5


def portion(step):
    """What a step writes: no two are the same, and each is more than a piece."""
    return b"%05d\n" % step * 100_000


WHOLE = b"".join(portion(step) for step in range(STEPS))


def write_five_portions(run):
    run.file_name = "orders.csv"
    for step in range(STEPS):
        run.write(portion(step))
        run.progress(step + 1)


@pytest.fixture(autouse=True)
def five_portions(monkeypatch):
    """The work of exports, in this process and in its forks."""
    monkeypatch.setitem(runs._works, "export", write_five_portions)


@pytest.fixture
def job(owner):
    return jobs.create("export", user=owner, title="Current orders, CSV", total=STEPS)


def read(job):
    job.refresh_from_db()
    return b"".join(jobs.read_result(job))


def wait_until(what):
    for _moment in range(1_500):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


# --- Each task backend


class Thread:
    """The thread of this process that stands in for an immediate backend."""

    def work(self):
        jobs.threads.wait(30)


@pytest.fixture(params=["thread", "database", "redis"])
def backend(request, settings):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": request.param}
    backend = {"thread": Thread, "database": Database, "redis": Redis}[request.param]()
    yield backend
    if request.param == "redis":
        backend.forget()


def test_the_backends_worker_does_the_work(job, backend):
    assert jobs.start(job)
    backend.work()

    assert read(job) == WHOLE
    assert (job.state, job.done) == ("done", STEPS)


@pytest.mark.parametrize("backend", ["database", "redis"], indirect=True)
def test_a_worker_leaves_jobs_alone_that_were_cancelled_or_deleted_while_they_waited(job, backend, owner):
    gone = jobs.create("export", user=owner, title="Gone")
    jobs.start(job)
    jobs.start(gone)
    jobs.cancel(job)
    jobs.forget(gone)
    backend.work()

    assert list(Job.objects.values_list("state", "started_at")) == [("cancelled", None)]
    assert not JobPiece.objects.exists()


def test_what_failed_with_a_backend_is_taken_up_again_with_it(job, backend, monkeypatch):
    monkeypatch.setitem(runs._works, "export", lambda run: 1 / 0)
    jobs.start(job)
    backend.work()
    job.refresh_from_db()
    assert job.state == "failed"

    monkeypatch.setitem(runs._works, "export", write_five_portions)
    assert jobs.take_up(job)
    backend.work()
    assert read(job) == WHOLE


@pytest.mark.parametrize("backend", ["redis"], indirect=True)
def test_a_run_that_takes_longer_than_rq_allows_fails_and_says_so(job, backend, monkeypatch):
    monkeypatch.setitem(django_rq.settings.QUEUES["default"], "DEFAULT_TIMEOUT", 1)

    def take_long(run):
        run.write(portion(1))
        time.sleep(20)

    monkeypatch.setitem(runs._works, "export", take_long)
    jobs.start(job)
    backend.work()

    job.refresh_from_db()
    assert job.state == "failed"
    assert "Take it up again" in job.error
    assert not JobPiece.objects.exists()


# --- Several workers


def test_of_four_workers_one_does_the_work(job):
    jobs.start(job)
    start = multiprocessing.get_context("fork").Barrier(4)

    def work():
        worked = []
        runs._works["export"] = lambda run: worked.append(True) or write_five_portions(run)
        start.wait(30)
        runs.do(job.pk, job.run)
        return len(worked)

    assert sorted(in_processes(work, work, work, work)) == [0, 0, 0, 1]
    assert read(job) == WHOLE


def test_a_job_is_taken_up_while_the_run_that_was_thought_lost_goes_on_writing(job, monkeypatch):
    """Both write at once as fast as they can; the file is one run's alone."""
    monkeypatch.setattr(jobs.records, "LEASE", timedelta(seconds=-1))
    jobs.start(job)

    def go_on():
        runs.do(job.pk, job.run)
        return Job.objects.get().run == job.run

    def take_up():
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            mine = Job.objects.get()
            if mine.is_finished:
                return 0
            if mine.state == "running" and jobs.take_up(mine):
                runs.do(mine.pk, mine.run)
                return 1
        raise AssertionError("neither finished nor taken up")

    in_processes(go_on, take_up)

    assert read(job) == WHOLE
    assert JobPiece.objects.count() == -(-len(WHOLE) // pieces.SIZE)


# --- Killed workers


def lease_over(job):
    """What the job is like when its run has said nothing for longer than the lease."""
    long_ago = timezone.now() - 2 * jobs.LEASE - jobs.WAIT
    Job.objects.filter(pk=job.pk, state__in=Job.UNFINISHED).update(beat_at=long_ago)
    job.refresh_from_db()


def test_killed_at_any_moment_a_run_leaves_a_whole_file_or_none_and_the_next_run_makes_it_whole(owner):
    """Each moment before and after each statement and each commit in turn, until the work is through unharmed."""
    found, was_killed = [], True
    while was_killed:
        job = jobs.create("export", user=owner, title="Current orders, CSV", total=STEPS)
        jobs.start(job)
        was_killed = Death(len(found)).awaits(lambda job=job: runs.do(job.pk, job.run))
        lease_over(job)
        found.append(job.state)
        if job.state != "done":
            with pytest.raises(LookupError):
                read(job)
            assert jobs.take_up(job)
            assert not JobPiece.objects.filter(job=job).exists()
            runs.do(job.pk, job.run)
        assert read(job) == WHOLE, found

    # Two moments a statement: the claim, the reading, two a piece and its commit, the end.
    assert len(found) > 2 * 2 + 6 * 4 + 2
    assert set(found) == {"queued", "running", "done"}
    assert found == sorted(found, key=["queued", "running", "done"].index)


WORKER = """
import sys, time
import django
django.setup()
from wagtail_orders.jobs import run as runs
from tests.test_jobs_workers import portion

def write_for_ever(run):
    run.file_name = "orders.csv"
    for step in range(1_000_000):
        run.write(portion(step))
        run.progress(step + 1)
        time.sleep(0.01)

runs._works["export"] = write_for_ever
runs.do(int(sys.argv[1]), sys.argv[2])
"""


def database_url():
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.fixture
def worker(job):
    """A process of its own that writes for ever."""
    jobs.start(job)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "example_site.settings",
        "DATABASE_URL": database_url(),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job.pk), job.run],
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def test_a_worker_killed_in_mid_run_is_found_out_and_another_makes_the_file(job, worker):
    wait_until(lambda: JobPiece.objects.count() > 3)
    worker.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL

    job.refresh_from_db()
    assert job.state == "running"
    assert not jobs.take_up(job)
    with pytest.raises(LookupError):
        read(job)
    later = timezone.now() + jobs.LEASE + timedelta(seconds=1)
    assert "has gone" in jobs.state_for_people(job, later)
    lease_over(job)
    assert jobs.take_up(job)
    runs.do(job.pk, job.run)

    assert read(job) == WHOLE


def test_a_worker_in_another_process_stops_when_its_job_is_cancelled(job, worker):
    wait_until(lambda: JobPiece.objects.count() > 3)
    job.refresh_from_db()
    assert jobs.cancel(job)

    assert worker.wait(30) == 0
    assert not JobPiece.objects.exists()
    assert Job.objects.get().state == "cancelled"
