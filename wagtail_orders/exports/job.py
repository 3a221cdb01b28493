"""An export as a job: a row for each that somebody made, and the work of those that are made in the background."""

from array import array
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database, jobs
from ..models import Job
from .registry import formats
from .selection import Selection


def begin(file_format, selection, *, user, title, file_name):
    """Make an export's job, which is neither begun nor has its orders yet."""
    data = {
        "format": file_format.name,
        "options": selection.options,
        "time_zone": str(selection.time_zone),
        "file_name": file_name,
    }
    return jobs.create(
        "export", user=user, title=title, data=data, total=len(selection), language=selection.language
    )


def start(job, selection):
    """Have it made in the background."""
    jobs.put_input(job, selection.pks.tobytes())
    jobs.start(job)


def note_download(job):
    """
    Note that the export is a download, and return what is told of its end with "done", "failed" or "cancelled".
    Until then, and for good if the process dies, it counts as failed.
    """
    broken = _("The download did not reach its end. Export once more from the listing.")
    _write(job, state=Job.State.FAILED, error=broken, started_at=timezone.now())

    def ended(state, done):
        facts = {"error": ""} if state != Job.State.FAILED else {}
        _write(job, state=state, done=done, finished_at=timezone.now(), **facts)

    return ended


def _write(job, **facts):
    # Only while it is no job that a worker does.
    database.primary(Job).filter(pk=job.pk, run="").order_by().update(**facts)


@jobs.work("export")
def export(run):
    data = run.job.data
    file_format = formats().get(data["format"])
    if file_format is None:
        raise jobs.Failed(_("The format is no longer offered. Export once more in another one."))
    pks = array("q")
    pks.frombytes(b"".join(jobs.read_input(run.job)))
    if not pks:
        raise jobs.Failed(_("Which orders they were is no longer known. Export once more from the listing."))
    run.file_name, run.content_type = data["file_name"], file_format.content_type
    time_zone = ZoneInfo(data["time_zone"])
    selection = Selection(
        pks,
        options=data["options"],
        language=run.job.language,
        time_zone=time_zone,
        progress=run.progress,
    )
    with timezone.override(time_zone):
        for piece in file_format.write(selection):
            run.write(piece)
