"""Jobs: long work apart from the request, stored bit by bit, and offered only when it is whole."""

import io
import os
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import get_language

from wagtail_orders import database, jobs
from wagtail_orders.jobs import pieces, tasks
from wagtail_orders.jobs import run as runs
from wagtail_orders.models import Job, JobPiece

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work(monkeypatch):
    """Sets what is done for the jobs of a kind while the test runs."""
    return lambda function, kind="export": monkeypatch.setitem(runs._works, kind, function)


@pytest.fixture
def threaded(settings):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "thread"}
    yield
    jobs.threads.wait(30)


@pytest.fixture
def job(owner):
    return jobs.create("export", user=owner, title="Current orders, CSV", data={"format": "csv"}, total=3)


def write_a_file(run):
    run.file_name, run.content_type = "orders.csv", "text/csv"
    for done in range(1, 4):
        run.write(b"%d;" % done)
        run.progress(done)


def done(job):
    """Started and done in this very thread."""
    assert jobs.start(job)
    runs.do(job.pk, job.run)
    job.refresh_from_db()
    return job


def result_of(job):
    return b"".join(jobs.read_result(job))


def sides():
    """How many pieces there are on each side."""
    found = list(JobPiece.objects.values_list("side", flat=True))
    return found.count("input"), found.count("result")


def wait_until(what):
    for _moment in range(500):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


# --- From one end to the other


def test_a_job_is_kept_for_seven_days_in_its_users_language(owner):
    with translation.override("fr"):
        job = jobs.create("export", user=owner, title="x" * 300)

    assert (job.state, job.language, len(job.title), job.data) == ("queued", "fr", 255, {})
    assert job.expires_at - job.created_at == timedelta(days=7)


def test_a_thread_does_the_work_and_what_it_wrote_is_the_file(job, work, threaded):
    at_work = []

    def note_and_write(run):
        at_work.append((threading.current_thread().name, get_language(), run.job.data))
        write_a_file(run)
        run.result = {"orders": 3}

    work(note_and_write)
    with translation.override("nl"):
        assert jobs.start(job)
    jobs.threads.wait(30)

    job.refresh_from_db()
    assert at_work == [("wagtail-orders-job", "en", {"format": "csv"})]
    assert (job.state, job.done, job.total, job.result, job.error) == ("done", 3, 3, {"orders": 3}, "")
    assert (job.file_name, job.content_type, job.size) == ("orders.csv", "text/csv", 6)
    assert job.started_at <= job.finished_at
    assert result_of(job) == b"1;2;3;"


def test_the_work_begins_after_the_commit_only(job, work, threaded):
    work(write_a_file)
    with transaction.atomic():
        jobs.start(job)
        assert not jobs.threads._runs
    jobs.threads.wait(30)

    job.refresh_from_db()
    assert job.state == "done"


def test_no_work_begins_where_nothing_was_committed(job, work, threaded):
    work(write_a_file)
    with transaction.atomic():
        jobs.start(job)
        transaction.set_rollback(True)
    jobs.threads.wait(30)

    job.refresh_from_db()
    assert (job.state, job.run) == ("queued", "")


@pytest.mark.parametrize("size", [0, 1, pieces.SIZE - 1, pieces.SIZE, pieces.SIZE + 1, 3 * pieces.SIZE + 7])
def test_what_goes_in_and_out_is_cut_into_pieces_that_every_database_takes(job, work, size):
    # Nothing can compress it: as large as it gets.
    content = os.urandom(size)
    portions = [content[start : start + 300_000] for start in range(0, size, 300_000)]
    assert jobs.put_input(job, iter(portions)) == size

    def copy(run):
        run.file_name = "copy.bin"
        for some in jobs.read_input(run.job):
            run.write(some)
        run.keeps_input = True

    work(copy)
    done(job)

    assert job.size == size
    assert result_of(job) == content
    count = -(-size // pieces.SIZE)
    assert sides() == (count, count)
    assert all(len(stored) <= 512 * 1024 for stored in JobPiece.objects.values_list("content", flat=True))


def test_what_can_be_compressed_is(job):
    jobs.put_input(job, b"the same again " * 20_000)

    [stored] = JobPiece.objects.values_list("content", flat=True)
    assert len(stored) < 30_000


def test_other_input_takes_the_place_of_what_was_there(job):
    jobs.put_input(job, [b"a" * pieces.SIZE, b"b"])
    jobs.put_input(job, b"c")

    assert b"".join(jobs.read_input(job)) == b"c"


def test_what_went_in_is_deleted_as_soon_as_it_is_done_with(job, work):
    jobs.put_input(job, b"Zoe's address")
    work(lambda run: None)
    done(job)

    assert sides() == (0, 0)
    assert (job.state, job.size) == ("done", None)


def test_a_file_may_be_empty(job, work):
    def write_nothing(run):
        run.file_name = "orders.csv"

    work(write_nothing)
    done(job)

    assert job.size == 0
    assert result_of(job) == b""


def test_a_rehearsal_keeps_its_input_for_the_run_in_earnest(job, work):
    def rehearse_then_do(run):
        run.keeps_input = run.job.data["rehearse"]
        run.result = {"read": b"".join(jobs.read_input(run.job)).decode(), **run.job.data}

    work(rehearse_then_do)
    job.data = {"rehearse": True}
    jobs.put_input(job, b"orders")
    jobs.start(job, data={"rehearse": True})
    runs.do(job.pk, job.run)
    job.refresh_from_db()
    assert job.result == {"read": "orders", "rehearse": True}

    assert jobs.start(job, data={"rehearse": False})
    runs.do(job.pk, job.run)
    job.refresh_from_db()
    assert job.result == {"read": "orders", "rehearse": False}
    assert sides() == (0, 0)


# --- Progress


@pytest.fixture
def quick_beats(monkeypatch):
    monkeypatch.setattr(runs, "BEAT", 0.02)


def test_progress_shows_while_the_work_is_slow_and_so_does_that_it_lives(job, work, quick_beats):
    seen = []

    def be_slow(run):
        run.progress(1)
        wait_until(lambda: seen.append(Job.objects.get(pk=run.job.pk)) or seen[-1].done == 1)
        first = seen[-1].beat_at
        run.progress(2, total=5)
        wait_until(lambda: seen.append(Job.objects.get(pk=run.job.pk)) or seen[-1].beat_at > first)

    work(be_slow)
    done(job)

    assert {row.state for row in seen} == {"running"}
    assert (job.done, job.total) == (2, 5)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
def test_progress_shows_even_while_the_work_holds_a_transaction_open(job, work, quick_beats):
    seen = []

    def hold_a_transaction(run):
        with transaction.atomic():
            Job.objects.filter(pk=-1).update(done=1)
            run.progress(2)
            in_other_thread = threading.Thread(target=watch, args=[run.job.pk])
            in_other_thread.start()
            in_other_thread.join()

    def watch(pk):
        try:
            wait_until(lambda: Job.objects.get(pk=pk).done == 2)
            seen.append(True)
        finally:
            connection.close()

    work(hold_a_transaction)
    done(job)

    assert seen == [True]


def test_progress_is_no_statement_of_the_works_own(job, work, django_assert_num_queries):
    def say_much(run):
        with django_assert_num_queries(0):
            for count in range(10_000):
                run.progress(count)

    work(say_much)
    done(job)

    assert job.done == 9_999


def test_a_beat_that_fails_harms_nothing(job, work, quick_beats, monkeypatch):
    failed = threading.Event()
    beat = runs.Run._mine

    def fail_at_first(run):
        if threading.current_thread().name == "wagtail-orders-beat" and not failed.is_set():
            failed.set()
            raise DatabaseError("database is locked")
        return beat(run)

    monkeypatch.setattr(runs.Run, "_mine", fail_at_first)

    def wait_for_the_next(run):
        assert failed.wait(10)
        run.progress(2)
        wait_until(lambda: Job.objects.get(pk=run.job.pk).done == 2)

    work(wait_for_the_next)
    assert done(job).state == "done"


# --- What goes wrong


def test_what_the_work_raises_fails_the_job_and_stands_in_the_log(job, work, caplog):
    def fail(run):
        run.write(b"x" * (pieces.SIZE + 1))
        raise RuntimeError("no ink")

    work(fail)
    done(job)

    assert job.state == "failed"
    assert "Take it up again" in job.error
    assert "no ink" not in job.error
    assert "no ink" in caplog.text
    assert "Traceback" in caplog.text
    assert sides() == (0, 0)
    with pytest.raises(LookupError):
        result_of(job)


def test_a_failure_in_words_is_told_in_the_jobs_language(owner, work):
    def fail(run):
        raise jobs.Failed(f"Rien à faire ({get_language()}).")

    work(fail)
    job = done(jobs.create("export", user=owner, title="Commandes", language="fr"))

    assert (job.state, job.error) == ("failed", "Rien à faire (fr).")
    assert jobs.state_for_people(job) == job.error


def test_a_failed_job_is_taken_up_again_and_nothing_of_the_first_run_is_left(job, work):
    attempts = []

    def fail_at_first(run):
        attempts.append(run.job.run)
        run.file_name = "orders.csv"
        run.write(bytes([len(attempts)]) * (pieces.SIZE + 5))
        run.progress(2)
        if len(attempts) == 1:
            raise RuntimeError("no ink")

    work(fail_at_first)
    jobs.put_input(job, b"in")
    done(job)
    assert jobs.may_be_taken_up(job)
    assert jobs.take_up(job)
    assert (job.state, job.done, job.error) == ("queued", 0, "")
    runs.do(job.pk, job.run)

    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    assert result_of(job) == b"\x02" * (pieces.SIZE + 5)
    assert len(set(attempts)) == 2


def test_where_the_task_backend_is_away_the_job_fails_with_words_and_can_be_taken_up(job, work, monkeypatch):
    def refuse(pk, name):
        raise ConnectionError("no Redis")

    with monkeypatch.context() as away:
        away.setattr(tasks, "hand_over", refuse)
        assert jobs.start(job)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "could not be reached" in job.error

    work(write_a_file)
    jobs.take_up(job)
    runs.do(job.pk, job.run)
    job.refresh_from_db()
    assert result_of(job) == b"1;2;3;"


def test_work_of_an_unknown_kind_fails(owner, caplog):
    job = done(jobs.create("print", user=owner, title="Papers"))

    assert job.state == "failed"
    assert "KeyError" in caplog.text


def test_a_worker_that_is_told_to_end_says_that_it_has_gone(job, work):
    def end(run):
        raise SystemExit

    work(end)
    with pytest.raises(SystemExit):
        done(job)

    job.refresh_from_db()
    assert (job.state, job.beat_at) == ("running", None)
    assert jobs.is_lost(job)


def test_a_process_that_ends_stops_its_threads_and_they_say_so_at_once(job, work, settings, monkeypatch):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "thread"}
    monkeypatch.setattr(tasks, "threads", tasks.Threads())
    begun = threading.Event()

    def go_on_and_on(run):
        begun.set()
        wait_until(lambda: run.progress(1))

    work(go_on_and_on)
    jobs.start(job)
    assert begun.wait(10)
    tasks.threads.end()

    job.refresh_from_db()
    assert jobs.is_lost(job)
    assert jobs.may_be_taken_up(job)


# --- Only one


def test_only_one_of_two_workers_does_the_work(job, work):
    count = []

    def note(run):
        count.append(run)
        # The other worker comes while this one works, and another when it is through.
        runs.do(run.job.pk, run.job.run)

    work(note)
    done(job)
    runs.do(job.pk, job.run)

    assert len(count) == 1
    assert job.state == "done"


def test_a_job_that_is_under_way_is_started_by_nobody_else(job):
    twin = Job.objects.get(pk=job.pk)

    assert jobs.start(job)
    name = job.run

    assert not jobs.start(twin)
    assert not jobs.start(job)
    assert not jobs.take_up(job)
    job.refresh_from_db()
    assert job.run == name


def test_two_who_take_a_lost_job_up_start_one_run(job):
    jobs.start(job)
    Job.objects.update(state="running", beat_at=timezone.now() - timedelta(minutes=2))
    mine, yours = Job.objects.get(), Job.objects.get()

    assert jobs.take_up(mine)
    assert not jobs.take_up(yours)
    assert Job.objects.get().run == mine.run


def test_a_run_that_was_thought_lost_and_speaks_again_keeps_its_job(job):
    jobs.start(job)
    Job.objects.update(state="running", beat_at=timezone.now() - timedelta(minutes=2))
    seen = Job.objects.get()
    Job.objects.update(beat_at=timezone.now())

    assert jobs.may_be_taken_up(seen)
    assert not jobs.take_up(seen)


@pytest.mark.parametrize("when", ["between", "at the end"])
def test_a_run_that_was_overtaken_writes_nothing_more(job, work, when):
    """It slept for longer than the lease, and another run has the job when it wakes."""
    overtaken = []

    def sleep_and_write(run):
        run.file_name = "orders.csv"
        if overtaken:
            run.write(b"new" * pieces.SIZE)
            return
        run.write(b"old" * pieces.SIZE)
        overtaken.append(run.job.run)
        Job.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
        other = Job.objects.get()
        assert jobs.take_up(other)
        runs.do(other.pk, other.run)
        if when == "between":
            with pytest.raises(jobs.Stopped):
                run.write(b"old" * pieces.SIZE)
            raise jobs.Stopped

    work(sleep_and_write)
    done(job)

    assert job.run != overtaken[0]
    assert job.state == "done"
    assert result_of(job) == b"new" * pieces.SIZE


@pytest.fixture
def without_compare(monkeypatch):
    """Writes without comparing: whoever wants the job has it."""
    monkeypatch.setattr(runs.Run, "_mine", lambda run: database.primary(Job).filter(pk=run.job.pk).order_by())


def test_without_comparing_an_overtaken_run_would_spoil_the_file(job, work, without_compare):
    overtaken = []

    def sleep_and_write(run):
        run.file_name = "orders.csv"
        run.write((b"new" if overtaken else b"old") * pieces.SIZE)
        if not overtaken:
            overtaken.append(True)
            other = Job.objects.get()
            Job.objects.update(beat_at=None)
            other.refresh_from_db()
            assert jobs.take_up(other)
            runs.do(other.pk, other.run)
            run.write(b"old")

    work(sleep_and_write)
    done(job)

    with pytest.raises((LookupError, AssertionError)):
        assert result_of(job) == b"new" * pieces.SIZE


# --- Cancelled


def test_a_cancelled_run_stops_at_its_next_piece_and_leaves_nothing(job, work):
    written = []

    def write_and_be_cancelled(run):
        run.file_name = "orders.csv"
        run.write(b"x" * pieces.SIZE)
        assert jobs.cancel(Job.objects.get())
        for _ in range(5):
            run.write(b"x" * pieces.SIZE)
            written.append(True)

    work(write_and_be_cancelled)
    done(job)

    assert written == []
    assert (job.state, job.size) == ("cancelled", None)
    assert job.finished_at
    assert sides() == (0, 0)


def test_a_cancelled_run_that_writes_nothing_stops_at_a_sign_of_life(job, work, quick_beats):
    def import_and_be_cancelled(run):
        assert jobs.cancel(Job.objects.get())
        wait_until(lambda: run.progress(1))

    work(import_and_be_cancelled)

    assert done(job).state == "cancelled"


def test_work_that_is_all_or_nothing_is_nothing_when_it_was_cancelled_before_its_end(job, work, owner):
    def rename_the_owner(run):
        with transaction.atomic():
            type(owner).objects.filter(pk=owner.pk).update(first_name="Berta")
            if connection.vendor == "sqlite":
                # Nobody else can write meanwhile; who did it before is found out all the same.
                Job.objects.update(state="cancelled")
            else:
                cancelling = threading.Thread(target=cancel_it)
                cancelling.start()
                cancelling.join()
            run.hold()

    def cancel_it():
        try:
            jobs.cancel(Job.objects.get())
        finally:
            connection.close()

    work(rename_the_owner)
    done(job)

    owner.refresh_from_db()
    assert owner.first_name == "Anna"


def test_a_job_that_is_cancelled_while_it_waits_never_begins(job, work):
    work(write_a_file)
    jobs.start(job)
    assert jobs.cancel(job)
    runs.do(job.pk, job.run)

    job.refresh_from_db()
    assert (job.state, job.started_at) == ("cancelled", None)


def test_what_is_done_cannot_be_cancelled(job, work):
    work(write_a_file)
    jobs.start(job)
    seen = Job.objects.get()
    runs.do(job.pk, job.run)

    assert not jobs.cancel(seen)
    job.refresh_from_db()
    assert not jobs.cancel(job)
    assert result_of(job) == b"1;2;3;"


def test_a_cancelled_job_is_taken_up_again(job, work):
    work(write_a_file)
    jobs.put_input(job, b"in")
    jobs.start(job)
    jobs.cancel(job)
    assert jobs.take_up(job)
    runs.do(job.pk, job.run)

    job.refresh_from_db()
    assert result_of(job) == b"1;2;3;"


# --- Lost, in words


def standing(job, **facts):
    for name, value in facts.items():
        setattr(job, name, value)
    return jobs.is_lost(job), jobs.may_be_taken_up(job)


def test_a_job_is_lost_when_nobody_has_spoken_for_it_for_long(job):
    now = timezone.now()

    assert standing(job, state="queued", created_at=now - timedelta(days=1)) == (True, False)
    job.run = "a-run"
    assert standing(job, state="queued", beat_at=now - timedelta(minutes=1)) == (False, False)
    assert standing(job, state="queued", beat_at=now - timedelta(minutes=3)) == (True, True)
    assert "Nothing has begun" in jobs.state_for_people(job)
    assert standing(job, state="running", beat_at=now - timedelta(seconds=50)) == (False, False)
    assert "under way" in jobs.state_for_people(job)
    assert standing(job, state="running", beat_at=now - timedelta(seconds=70)) == (True, True)
    assert jobs.state_for_people(job).startswith("The process that worked on it has gone.")
    assert standing(job, state="done") == (False, False)
    assert standing(job, state="cancelled") == standing(job, state="failed") == (False, True)


# --- Deleted


def test_a_job_is_deleted_with_all_its_bytes_and_without_reading_them(job, work, django_assert_num_queries):
    work(write_a_file)
    done(job)
    jobs.put_input(job, b"in")
    other = jobs.create("export", user=job.user, title="Other")
    jobs.put_input(other, b"other")

    # The job noted as gone; for each side the keys, the pieces, and that there are no more; the job.
    with django_assert_num_queries(1 + 3 + 3 + 1):
        jobs.forget(job)

    assert list(Job.objects.all()) == [other]
    assert sides() == (1, 0)


def test_a_run_whose_job_was_deleted_stops(job, work):
    def be_deleted(run):
        jobs.forget(Job.objects.get())
        with pytest.raises(jobs.Stopped):
            run.write(b"x" * pieces.SIZE)
        raise jobs.Stopped

    work(be_deleted)
    jobs.start(job)
    runs.do(job.pk, job.run)

    assert not Job.objects.exists()
    assert not JobPiece.objects.exists()


def test_whoever_reads_a_file_that_is_deleted_meanwhile_is_told(job, work):
    def write_two(run):
        run.file_name = "orders.csv"
        run.write(os.urandom(pieces.SIZE + 1))

    work(write_two)
    done(job)
    reading = jobs.read_result(job)
    next(reading)
    jobs.forget(job)

    with pytest.raises(LookupError, match="1 bytes"):
        next(reading)


def sweep(*arguments):
    out = io.StringIO()
    call_command("orders_sweep", *arguments, stdout=out)
    return out.getvalue()


def test_the_sweep_deletes_what_is_over_and_says_how_many(job, owner, work):
    work(write_a_file)
    done(job)
    fresh = jobs.create("export", user=owner, title="Fresh")
    assert jobs.discard_expired() == 0
    assert "deleted" not in sweep()
    Job.objects.filter(pk=job.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert "1 exports, imports and prints are over; nothing was deleted." in sweep("--dry-run")
    assert Job.objects.count() == 2
    assert "1 exports, imports and prints were over and are deleted." in sweep()
    assert list(Job.objects.all()) == [fresh]
    assert sides() == (0, 0)
    assert jobs.discard_expired(timezone.now() + timedelta(days=7, minutes=1)) == 1


# --- Many at once


def test_two_threads_of_a_process_work_at_once_and_the_others_wait(owner, work, threaded):
    pair, now, most = threading.Barrier(2), [], []

    def count(run):
        now.append(run)
        most.append(len(now))
        pair.wait(30)
        now.remove(run)
        pair.wait(30)

    work(count)
    for number in range(4):
        jobs.start(jobs.create("export", user=owner, title=str(number)))
    jobs.threads.wait(60)

    assert max(most) == tasks.AT_ONCE == 2
    assert list(Job.objects.values_list("state", flat=True)) == ["done"] * 4
    assert jobs.threads._runs == {}
