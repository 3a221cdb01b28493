"""One run of a job's work: what it writes and says counts for as long as the job is its own, and not a byte longer."""

import logging
import threading
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from wagtail import hooks

from .. import database
from ..exceptions import WagtailOrdersError
from ..models import Job
from . import pieces

logger = logging.getLogger(__name__)

State = Job.State

#: Seconds between two signs of life, with which the progress is stored.
BEAT = 1

_works = {}


class Stopped(WagtailOrdersError):
    """The job was cancelled, taken up by another run or deleted: this one must end, and writes nothing more."""


class Failed(WagtailOrdersError):
    """The work cannot be done; the message is for its user, in the language that is active."""


def work(kind):
    """
    Decorate the function that does the work of the jobs of one kind: ``def export(run): …`` with a ``Run``. It runs
    in the job's language, in a thread or a process of its own and outside of any transaction. When it returns the
    job is done. What it raises fails the job: of a ``Failed`` its user reads the message, of all else the log.
    """

    def register(function):
        _works[kind] = function
        return function

    return register


def _work_of(kind):
    if kind not in _works:
        # In a worker nobody may have asked for a page yet.
        hooks.search_for_hooks()
    return _works[kind]


class Run:
    """
    What a work function works with. While it works, a thread beside it stores the progress and says that it lives,
    each second and over a connection of its own: so progress shows, and a slow step is not taken for a death, even
    while the work holds a transaction open (on SQLite only between its transactions).
    """

    def __init__(self, job):
        self.job = job
        #: What came of it, for the job's page; JSON.
        self.result = {}
        #: The file's name and type. A name makes what was written a file to download, be it empty.
        self.file_name = ""
        self.content_type = "application/octet-stream"
        #: Whether what went in stays when the work is done, because another run will need it.
        self.keeps_input = False
        self._total = job.total
        self._done = 0
        self._size = 0
        self._position = 0
        self._buffer = bytearray()
        # Told from other threads: the job may be somebody else's by now; the process ends.
        self._is_doubted = False
        self._is_ending = False

    # --- For the work

    def progress(self, done, total=None):
        """So many are done, of ``total`` if that was not known before. Raises ``Stopped``. Costs next to nothing."""
        self._done = done
        if total is not None:
            self._total = total
        self.look()

    def look(self):
        """Raise ``Stopped`` if the job is no longer this run's, as far as the last second knows."""
        if self._is_ending:
            raise Stopped
        if self._is_doubted:
            self.hold()

    def hold(self):
        """
        Raise ``Stopped`` if the job is no longer this run's; else, in a transaction, keep it so until that ends.
        Work that is all or nothing says this last before it commits.
        """
        facts = {"done": self._done, "total": self._total, "beat_at": timezone.now()}
        if self._is_ending or not self._mine().update(**facts):
            raise Stopped
        self._is_doubted = False

    def write(self, content):
        """
        Add bytes to the result. They are stored piece by piece, each in a short transaction: so not to be called
        within one. Raises ``Stopped``.
        """
        self._buffer += content
        while len(self._buffer) >= pieces.SIZE:
            self._store(bytes(self._buffer[: pieces.SIZE]))
            del self._buffer[: pieces.SIZE]

    # --- For the room

    def _store(self, content):
        def store():
            # The lock on the job's row lets nobody take it up between this and the commit.
            self.hold()
            pieces.store(self.job, pieces.Side.RESULT, self._position, content)

        database.in_transaction(Job, store)
        self._position += 1
        self._size += len(content)

    def _mine(self):
        jobs = database.primary(Job).filter(pk=self.job.pk, run=self.job.run, state=State.RUNNING)
        return jobs.order_by()

    def _end(self, **facts):
        """Write the last facts in one statement, if the job still is this run's; else raise ``Stopped``."""
        facts |= {"done": self._done, "total": self._total, "finished_at": timezone.now()}
        if not database.again_after_deadlock(Job, lambda: self._mine().update(**facts)):
            raise Stopped

    def finish(self):
        if self._buffer:
            self._store(bytes(self._buffer))
        file = {}
        if self.file_name:
            file = {"file_name": self.file_name, "content_type": self.content_type, "size": self._size}
        self._end(state=State.DONE, result=self.result, **file)
        if not self.keeps_input:
            pieces.forget(self.job, pieces.Side.INPUT)

    def fail(self, message):
        self._end(state=State.FAILED, error=message, result=self.result)
        pieces.forget(self.job, pieces.Side.RESULT)

    def stop(self):
        """Have the work stop at its next sign of life, because the process ends."""
        self._is_ending = True

    def leave(self):
        """Say that this run lives no longer, so that nobody waits to see whether it does."""
        self._mine().update(beat_at=None)

    @contextmanager
    def beating(self):
        """Say that it lives, every second for as long as the ``with`` block lasts."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._beat, args=[is_over], name="wagtail-orders-beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _beat(self, is_over):
        while not is_over.wait(BEAT):
            try:
                facts = {"done": self._done, "total": self._total, "beat_at": timezone.now()}
                if not self._mine().update(**facts):
                    self._is_doubted = True
            except (DatabaseError, InterfaceError) as error:
                # Locked, or away for a moment; the next beat is a second away.
                logger.info("Job %s could not say that it lives: %s", self.job.pk, error)
                connections.close_all()
        connections.close_all()


def do(pk, name, *, begun=None):
    """
    Do the work of a job's run, by its name. Nothing, if the job waits for no such run any more, because another
    worker does it or it was cancelled. ``begun`` is told the ``Run``.
    """
    job = _claim(pk, name)
    if job is None:
        return
    run = Run(job)
    if begun is not None:
        begun(run)
    with translation.override(job.language):
        try:
            with run.beating():
                _do(run)
        except Stopped:
            if run._is_ending:
                run.leave()
        except BaseException:
            # The worker is told to end.
            run.leave()
            raise


def _do(run):
    try:
        _work_of(run.job.kind)(run)
        run.finish()
    except Stopped:
        raise
    except Failed as error:
        run.fail(str(error))
    except Exception:
        logger.exception("Job %s, “%s”, failed", run.job.pk, run.job)
        run.fail(
            _(
                "Something went wrong that should not. Take it up again; if it fails once more, tell whoever "
                "looks after the website: the reason is in its log."
            )
        )


def _claim(pk, name):
    """Take the job, by compare and swap, if it waits for this very run; else None."""
    waiting = database.primary(Job).filter(pk=pk, run=name, state=State.QUEUED).order_by()
    now = timezone.now()
    facts = {"state": State.RUNNING, "started_at": now, "beat_at": now}
    if not database.again_after_deadlock(Job, lambda: waiting.update(**facts)):
        return None
    return database.primary(Job).get(pk=pk)
