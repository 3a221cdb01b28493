"""Jobs: long work that is done apart from the request, stored bit by bit, and offered only when it is whole."""

import pytest

from wagtail_orders import jobs
from wagtail_orders.jobs import run as runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def threaded(settings):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "thread"}
    yield
    jobs.threads.wait(30)


@pytest.fixture
def worked(monkeypatch):
    def set_work(function, kind="export"):
        monkeypatch.setitem(runs._works, kind, function)

    return set_work


def made(owner, **facts):
    return jobs.create("export", user=owner, **{"title": "Current orders, CSV", "total": 3, **facts})


def test_what_the_work_writes_is_the_file(owner, worked, threaded):
    content = [b"a" * 400_000, b"b" * 700_000, b"", b"c"]

    def work(run):
        run.file_name, run.content_type = "orders.csv", "text/csv"
        for count, some in enumerate(content):
            run.write(some)
            run.progress(count)

    worked(work)
    job = made(owner)
    assert jobs.start(job)
    jobs.threads.wait(30)

    job.refresh_from_db()
    assert (job.state, job.error, job.size) == ("done", "", 1_100_001)
    assert b"".join(jobs.read_result(job)) == b"".join(content)
