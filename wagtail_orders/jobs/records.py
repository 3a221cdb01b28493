"""A job's way: made, started, cancelled, taken up again, forgotten. Each step is a compare and swap on what it is."""

import logging
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from .. import database
from ..models import Job
from . import pieces, tasks

logger = logging.getLogger(__name__)

State = Job.State
Side = pieces.Side

#: How long a job is kept, from its making on.
LIFE = timedelta(days=7)
#: How long a run may say nothing before it is taken for gone. It says something every second.
LEASE = timedelta(seconds=60)
#: How long a job may wait before its user is told that nobody works.
WAIT = timedelta(minutes=2)


def create(kind, *, user, title, data=None, total=0, language=None):
    """Make a job that ``start`` starts, in ``language`` or the active one. Nobody else than ``user`` will see it."""
    now = timezone.now()
    return database.primary(Job).create(
        kind=kind,
        user=user,
        title=title[:255],
        data=data or {},
        total=total,
        language=language or get_language() or settings.LANGUAGE_CODE,
        created_at=now,
        expires_at=now + LIFE,
    )


def put_input(job, content):
    """Store what goes in, bytes or an iterable of them, in place of what did before; the number of bytes."""
    pieces.forget(job, Side.INPUT)
    size = 0
    for position, piece in enumerate(pieces.cut(content)):
        pieces.store(job, Side.INPUT, position, piece)
        size += len(piece)
    return size


def read_input(job):
    """What went in, bit by bit."""
    return pieces.read(job, Side.INPUT)


def read_result(job):
    """
    The bytes of a done job's file, bit by bit. Raises ``LookupError`` where some are missing, because it was deleted
    meanwhile: nobody shall take what he has for the whole.
    """
    left = job.size
    if job.state != State.DONE or left is None:
        raise LookupError(f"Job {job.pk} has no file.")
    for content in pieces.read(job, Side.RESULT):
        left -= len(content)
        yield content
    if left:
        raise LookupError(f"{left} bytes of job {job.pk} are no longer there.")


def start(job, *, data=None):
    """
    Have the job's work done after the commit, anew if it was before; with other ``data`` if given. Returns whether:
    not, if it is under way, or is no longer as ``job`` was read. What an earlier run wrote is deleted.
    """
    if job.run and job.state in Job.UNFINISHED and not is_lost(job):
        return False
    name = uuid.uuid4().hex
    facts = {
        "state": State.QUEUED,
        "run": name,
        "data": job.data if data is None else data,
        "done": 0,
        "error": "",
        "result": {},
        "file_name": "",
        "content_type": "",
        "size": None,
        "beat_at": timezone.now(),
        "started_at": None,
        "finished_at": None,
    }
    if not _swap(job, facts):
        return False
    pieces.forget(job, Side.RESULT)
    alias = database.alias_for(Job)
    transaction.on_commit(lambda: _hand_over(job.pk, name, job.language), using=alias, robust=True)
    return True


def _hand_over(pk, name, language):
    try:
        tasks.hand_over(pk, name)
    except Exception:
        logger.exception("Job %s found no task backend", pk)
        with override(language):
            why = _(
                "The program that does such work could not be reached. Take it up again in a while; if it fails "
                "once more, tell whoever looks after the website."
            )
        waiting = database.primary(Job).filter(pk=pk, run=name, state=State.QUEUED).order_by()
        waiting.update(state=State.FAILED, error=why, finished_at=timezone.now())


def take_up(job):
    """Have a lost, failed or cancelled job's work done anew; returns whether."""
    return may_be_taken_up(job) and start(job)


def cancel(job):
    """
    Stop the job: its run writes nothing more, and ends within about a second. What it wrote is deleted. Returns
    whether; not, if it is no longer under way.
    """
    facts = {"state": State.CANCELLED, "finished_at": timezone.now(), "error": ""}
    # Not compared with when it last said that it lives: that is another moment each second.
    if job.is_finished or not _swap(job, facts, but=["beat_at", "state"], state__in=Job.UNFINISHED):
        return False
    pieces.forget(job, Side.RESULT)
    return True


def forget(job):
    """Delete the job and all its bytes, whatever its state; its run stops."""
    # First nobody offers it or writes to it any more; the pieces then go some at a time.
    gone = {"state": State.CANCELLED, "run": "", "expires_at": timezone.now()}
    mine = database.primary(Job).filter(pk=job.pk).order_by()
    database.again_after_deadlock(Job, lambda: mine.update(**gone))
    pieces.forget(job, Side.INPUT)
    pieces.forget(job, Side.RESULT)
    database.again_after_deadlock(Job, lambda: mine._raw_delete(mine.db))


def discard_expired(now=None):
    """Delete the jobs whose time is over; how many they were."""
    over = list(expired(now).only("pk"))
    for job in over:
        forget(job)
    return len(over)


def expired(now=None):
    """The jobs that ``discard_expired`` would delete."""
    return database.primary(Job).expired(now or timezone.now()).order_by("pk")


def _swap(job, facts, *, but=(), **conditions):
    """Write ``facts`` if the job still is as it was read, and to ``job`` too; whether it was."""
    seen = {name: getattr(job, name) for name in ("state", "run", "beat_at") if name not in but}
    same = database.primary(Job).filter(pk=job.pk, **seen, **conditions).order_by()
    if not database.again_after_deadlock(Job, lambda: same.update(**facts)):
        return False
    for name, value in facts.items():
        setattr(job, name, value)
    return True


def is_lost(job, now=None):
    """Whether nobody works on a job that is under way."""
    now = now or timezone.now()
    if job.state == State.QUEUED:
        return (job.beat_at or job.created_at) < now - WAIT
    return job.state == State.RUNNING and (job.beat_at is None or job.beat_at < now - LEASE)


def may_be_taken_up(job, now=None):
    """Whether ``take_up`` would: a job that was never started it leaves alone."""
    return bool(job.run) and (job.state in (State.FAILED, State.CANCELLED) or is_lost(job, now))


def state_for_people(job, now=None):
    """A sentence that says where the job stands and what can be done."""
    if job.state == State.QUEUED:
        if is_lost(job, now):
            return _(
                "Nothing has begun with it yet. Go on waiting, or take it up again; if that does not help, tell "
                "whoever looks after the website that no worker runs."
            )
        return _("It waits for its turn.")
    if job.state == State.RUNNING:
        if is_lost(job, now):
            return _("The process that worked on it has gone. Take it up again, and it begins anew.")
        return _("It is under way. You may leave this page and come back.")
    if job.state == State.FAILED:
        return job.error
    if job.state == State.CANCELLED:
        return _("You cancelled it.")
    return _("The file is ready.") if job.size is not None else _("It is done.")
