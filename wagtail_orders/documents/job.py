"""A print as a job: a row for each that somebody made, and the work of those that are made in the background."""

from array import array

from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database, jobs
from ..exceptions import DocumentFailed
from ..models import Job
from .many import Printing
from .registry import documents

#: How long one document may take where nobody waits for it. Meanwhile a thread of the website keeps others waiting.
SECONDS = 120
#: How many of the orders that failed are kept by their number.
NAMED = 200


def begin(document, pks, *, user, title, file_name, language):
    """Make a print's job, which is neither begun nor has its orders yet. ``language`` is that of the paper, or None."""
    data = {"document": document.name, "language": language or "", "file_name": file_name}
    return jobs.create("print", user=user, title=title, data=data, total=len(pks))


def start(job, pks):
    """Have it made in the background."""
    jobs.put_input(job, pks.tobytes())
    jobs.start(job)


def note(job, printing):
    """Note how a print ended that was made at once."""
    now = timezone.now()
    state = Job.State.DONE if printing.made else Job.State.FAILED
    facts = {"state": state, "done": printing.made, "started_at": job.created_at, "finished_at": now}
    # Only while it is no job that a worker does.
    database.primary(Job).filter(pk=job.pk, run="").order_by().update(**facts, result=report(printing))


def report(printing):
    """What came of it, for the job's page."""
    return {
        "made": printing.made,
        "failed": [list(one) for one in printing.failed[:NAMED]],
        "more_failed": max(len(printing.failed) - NAMED, 0),
        "gone": printing.gone,
    }


@jobs.work("print")
def print_many(run):
    data = run.job.data
    document = documents().get(data["document"])
    if document is None:
        raise jobs.Failed(_("The document is no longer offered. Print another one from the listing."))
    pks = array("q")
    pks.frombytes(b"".join(jobs.read_input(run.job)))
    if not pks:
        raise jobs.Failed(_("Which orders they were is no longer known. Print once more from the listing."))
    printing = Printing(
        document, pks, language=data["language"] or None, seconds=SECONDS, progress=run.progress
    )
    try:
        for piece in printing.write():
            run.write(piece)
    except DocumentFailed as error:
        raise jobs.Failed(str(error)) from error
    run.result = report(printing)
    if not printing.made:
        raise jobs.Failed(why_nothing(printing))
    run.progress(len(pks))
    run.file_name, run.content_type = data["file_name"], "application/pdf"


def why_nothing(printing):
    """A sentence that says why there is no PDF at all."""
    if printing.failed:
        return _("None of the orders could be printed.")
    return _("These orders no longer exist, so there is nothing to print.")
