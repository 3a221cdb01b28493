"""Has mails delivered apart from the request: by the project's task backend, else by a thread of this process."""

import atexit
import logging
import os
import threading
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

from .. import conf
from .deliver import deliver

try:
    from django.tasks import task, task_backends
except ImportError:  # before Django 6.0
    from django_tasks import task, task_backends

logger = logging.getLogger(__name__)

#: Of how many events one task delivers the mails, over one connection to the mail server.
CHUNK = 20
#: How many seconds a process that ends goes on sending, and then waits for the mail that is on its way. The sweep
#: sends the others.
PATIENCE = 5


_is_withheld = ContextVar("wagtail_orders_mails_withheld", default=False)


# Named here as well as below, for a worker runs only tasks of its own backend's kind: from Django 6.0 on there are
# two, Django's own and those of the package that was before it.
@task(backend=conf.task_backend())
def deliver_mails(events):
    """Deliver the mails of these events, given by their primary keys."""
    deliver(events)


@contextmanager
def withheld():
    """Start no task in the ``with`` block: whoever is in it sends what is queued himself."""
    token = _is_withheld.set(True)
    try:
        yield
    finally:
        _is_withheld.reset(token)


def hand_over(events):
    """
    Have the mails of these events, given by their primary keys, delivered soon. They are queued already, so what
    goes wrong here costs time only: the sweep sends them.
    """
    if _is_withheld.get():
        return
    try:
        backend = task_backends[conf.task_backend()]
        if _works_in_the_request(backend):
            courier.hand_over(events)
            return
        for start in range(0, len(events), CHUNK):
            deliver_mails.using(backend=backend.alias).enqueue(events[start : start + CHUNK])
    except Exception:
        logger.exception("Mails of %s events found no task; orders_sweep will send them.", len(events))


def _works_in_the_request(backend):
    """Whether the backend would let whoever placed an order wait for the mail server."""
    return any(base.__name__ == "ImmediateBackend" for base in type(backend).__mro__)


class Courier:
    """A thread that delivers what it is handed and ends when nothing is left; it stops no process from ending."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting = []
        self._thread = None
        self._is_ending = False

    def hand_over(self, events):
        with self._lock:
            self._waiting.extend(events)
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._work, name="wagtail-orders-mail", daemon=True)
                thread.start()
                self._thread = thread

    def _work(self):
        while events := self._take():
            try:
                deliver(events, go_on=lambda: not self._is_ending)
            except Exception:
                logger.exception(
                    "Delivering the mails of %s events failed; orders_sweep will send them.", len(events)
                )
            finally:
                connections.close_all()

    def _take(self):
        with self._lock:
            events, self._waiting = self._waiting, []
            if not events:
                self._thread = None
            return events

    def end(self):
        """Go on for a while, then only end the mail that is on its way: if it were cut off, it would go twice."""
        self.wait(PATIENCE)
        self._is_ending = True
        self.wait(PATIENCE)

    def wait(self, seconds=None):
        """Wait until nothing is left to send, or so many seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)


courier = Courier()
atexit.register(courier.end)
if hasattr(os, "register_at_fork"):
    # A process that forks (a web server's) has the thread in the parent only.
    os.register_at_fork(after_in_child=courier.__init__)
