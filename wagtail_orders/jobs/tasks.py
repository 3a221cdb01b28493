"""Has a job's run done apart from the request: by the project's task backend, else by a thread of this process."""

import atexit
import logging
import os
import threading
import time

from django.db import connections

from .. import conf
from . import run

try:
    from django.tasks import task, task_backends
except ImportError:  # before Django 6.0
    from django_tasks import task, task_backends

logger = logging.getLogger(__name__)

#: How many threads of one process work at once; the others wait for their turn, so that the site stays quick.
AT_ONCE = 2
#: How many seconds a process that ends waits for its threads to notice.
PATIENCE = 5


# Of the chosen backend's kind: see notifications/tasks.py.
@task(backend=conf.task_backend())
def do_job(pk, name):
    """Do one run, by its name, of the job with this primary key."""
    run.do(pk, name)


def hand_over(pk, name):
    """Have a run done soon; what the backend raises goes up."""
    backend = task_backends[conf.task_backend()]
    if any(base.__name__ == "ImmediateBackend" for base in type(backend).__mro__):
        threads.begin(pk, name)
    else:
        do_job.using(backend=backend.alias).enqueue(pk, name)


class Threads:
    """A thread for each run; they stop no process from ending, and then say that they are gone."""

    def __init__(self):
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._runs = {}
        self._is_ending = False

    def begin(self, pk, name):
        thread = threading.Thread(target=self._work, args=[pk, name], name="wagtail-orders-job", daemon=True)
        with self._lock:
            self._runs[thread] = None
        thread.start()

    def _work(self, pk, name):
        thread = threading.current_thread()
        try:
            with self._turns:
                if not self._is_ending:
                    run.do(pk, name, begun=lambda begun: self._runs.update({thread: begun}))
        except Exception:
            logger.exception("The thread of job %s broke off", pk)
        finally:
            connections.close_all()
            with self._lock:
                del self._runs[thread]

    def end(self):
        """Stop them all, for the process ends."""
        self._is_ending = True
        with self._lock:
            begun = [one for one in self._runs.values() if one is not None]
        for one in begun:
            one.stop()
        self.wait(PATIENCE if begun else 0)

    def wait(self, seconds=None):
        """Wait until all are through, or so many seconds."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._lock:
            running = list(self._runs)
        for thread in running:
            thread.join(until and max(0, until - time.monotonic()))


threads = Threads()
atexit.register(threads.end)
if hasattr(os, "register_at_fork"):
    # A process that forks (a web server's) has the threads in the parent only.
    os.register_at_fork(after_in_child=threads.__init__)
