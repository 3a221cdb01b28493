"""
Work that takes longer than a page may. A module registers what is to be done for a kind of job::

    @jobs.work("export")
    def export(run):
        run.file_name, run.content_type = "orders.csv", "text/csv"
        for done, lines in …:
            run.write(lines)
            run.progress(done)

and a view has it done::

    job = jobs.create("export", user=request.user, title=_("Current orders, CSV"), data={…}, total=100_000)
    jobs.put_input(job, content)
    jobs.start(job)
    return redirect("wagtail_orders:job", job.pk)
"""

from .records import (
    LEASE,
    LIFE,
    WAIT,
    cancel,
    create,
    discard_expired,
    expired,
    forget,
    is_lost,
    may_be_taken_up,
    put_input,
    read_input,
    read_result,
    start,
    state_for_people,
    take_up,
)
from .run import Failed, Run, Stopped, work
from .tasks import threads

__all__ = [
    "LEASE",
    "LIFE",
    "WAIT",
    "Failed",
    "Run",
    "Stopped",
    "cancel",
    "create",
    "discard_expired",
    "expired",
    "forget",
    "is_lost",
    "may_be_taken_up",
    "put_input",
    "read_input",
    "read_result",
    "start",
    "state_for_people",
    "take_up",
    "threads",
    "work",
]
