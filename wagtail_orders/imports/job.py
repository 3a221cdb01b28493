"""An import as a job of two runs: the first looks the file through, the second brings its orders over."""

from tempfile import TemporaryFile

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from .. import jobs
from ..models import Job
from .readers import readers
from .run import Imported, plan
from .run import run as bring_over

#: Who brings orders over writes them as they please: it takes more than to change one, and no less than to see all.
NEEDED = ("wagtail_orders.change_order", "wagtail_orders.export_order")
#: So many problems and numbers are kept for the page; the rest is counted.
MOST_TOLD = 50


def may_import(user):
    """Whether ``user`` may bring orders over in the admin."""
    return user.is_active and user.has_perms(NEEDED)


def begin(content, reader, *, user, name):
    """
    Have a file looked through: ``content`` is an iterable of its bytes, ``name`` what its user calls it. Nothing is
    brought over yet. Returns the job, which keeps the file.
    """
    title = _("Import of %(file)s") % {"file": Truncator(name).chars(100)}
    job = jobs.create("import", user=user, title=title, data={"reader": reader.name, "file": name})
    jobs.put_input(job, content)
    jobs.start(job)
    return job


def confirm(job, *, existing, keep_going):
    """Have the orders of a file that was looked through brought over; returns whether: not, if they are already."""
    done = outcome_of(job)
    if done is None or done.is_written:
        return False
    asked = {"existing": existing, "keep_going": keep_going, "orders": done.orders}
    return jobs.start(job, data={**job.data, **asked})


def is_confirmed(job):
    """Whether the job is to bring the orders over, or has, and does not only look."""
    return "existing" in job.data


def outcome_of(job):
    """What became of the file's orders, or would, as ``Imported``; None while that is not known."""
    if job.state != Job.State.DONE or "new" not in job.result:
        return None
    return Imported.of(job.result)


@jobs.work("import")
def work(run):
    job = run.job
    reader = readers().get(job.data["reader"])
    if reader is None:
        raise jobs.Failed(_("Files of this kind are no longer read here. Send the orders as XML."))
    if not may_import(job.user):
        # Since the job was begun.
        raise jobs.Failed(
            _("You may no longer import orders. Ask whoever manages the users of this website.")
        )
    with TemporaryFile() as file:
        for piece in jobs.read_input(job):
            file.write(piece)
        if not file.tell():
            raise jobs.Failed(_("The file is no longer here. Send it once more."))
        done = (
            _bring_over(run, file, reader) if is_confirmed(job) else plan(file, reader, progress=run.progress)
        )
    # What was not brought over may be confirmed yet, or with what is wrong left out.
    run.keeps_input = not done.is_written
    run.result = _slim(done).as_dict()


def _bring_over(run, file, reader):
    data = run.job.data

    def progress(count):
        run.progress(count, total=data["orders"])
        if not data["keep_going"] and count >= data["orders"]:
            # All or nothing, and about to be all: whoever cancels now is too late or in time, never in between.
            run.hold()

    return bring_over(
        file,
        reader,
        existing=data["existing"],
        keep_going=data["keep_going"],
        user=run.job.user,
        progress=progress,
    )


def _slim(done):
    """As much of it as a page shows."""
    del done.problems[MOST_TOLD:], done.existing_numbers[MOST_TOLD:]
    for names in (done.unknown_users, done.unknown_shipping_methods, done.unknown_sites):
        for name, _count in names.most_common()[MOST_TOLD:]:
            del names[name]
    return done
