"""Work that really runs at once: threads and processes with database connections of their own, and where they meet."""

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections


def in_threads(*works):
    """Run each work in a thread, all begun at the same moment; what each returned, or the exception it raised."""
    start = threading.Barrier(len(works))

    def run(work):
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return work()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def in_processes(*works):
    """Run each work in a process; what each returned, in JSON's terms. A process that raises fails the test."""
    children = [_with_pipe(work) for work in works]
    results = []
    for pid, pipe in children:
        with os.fdopen(pipe) as answer:
            text = answer.read()
        assert ended(pid) == 0, "the process raised; its traceback is on stderr"
        results.append(json.loads(text))
    return results


def _with_pipe(work):
    reading, writing = os.pipe()

    def answer():
        with os.fdopen(writing, "w") as pipe:
            json.dump(work(), pipe)

    pid = fork(answer)
    os.close(writing)
    return pid, reading


def fork(work):
    """Begin ``work`` in a copy of this process that leaves nothing of pytest's to clean up; its process id."""
    # A connection that two processes share is spoilt for both.
    connections.close_all()
    with warnings.catch_warnings():
        # Python warns where other threads run (a live server's, say); the child needs none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(pid):
    """Wait for a process: its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Meeting:
    """
    Workers inside it wait for each other before the first statement that ``pattern`` matches: ``parties`` of
    them the first time each comes by, and so on. They leave ``apart`` seconds after one another. Whoever still
    is alone after ``patience`` seconds goes on alone, so that the meeting opens a gap where no lock closes it
    and harms nothing where one does.
    """

    #: Enough for all to come where nothing stops them; a test in which a guard is taken out, so that all must
    #: come for the race to happen, gives a busy machine more.
    PATIENCE = 0.5

    def __init__(self, pattern, *parties, apart=0, patience=None, barrier=threading.Barrier):
        self.pattern = re.compile(pattern)
        self.barriers = [barrier(count) for count in parties]
        self.apart = apart
        self.patience = self.PATIENCE if patience is None else patience
        self.visits = threading.local()

    def attended(self, work):
        """``work`` as one of the meeting's workers does it."""

        def attending():
            with connection.execute_wrapper(self):
                return work()

        return attending

    def __call__(self, execute, sql, params, many, context):
        if self.pattern.search(sql):
            visit = getattr(self.visits, "count", 0)
            self.visits.count = visit + 1
            if visit < len(self.barriers):
                with contextlib.suppress(threading.BrokenBarrierError):
                    time.sleep(self.barriers[visit].wait(self.patience) * self.apart)
        return execute(sql, params, many, context)


class Death:
    """
    Kills its own process, as a power cut would, at one moment: the ``at``-th of all moments, or the one with
    that name. The moments are those before and after every statement and every commit.
    """

    def __init__(self, at):
        self.at = at
        self.seen = 0

    def awaits(self, work):
        """Do ``work`` in another process that dies at the moment; whether it lived to it."""
        return ended(fork(lambda: self._meet(work))) == -signal.SIGKILL

    def _meet(self, work):
        commit = connection.commit

        def commit_or_die():
            self._moment("before COMMIT")
            commit()
            self._moment("after COMMIT")

        # No execute_wrapper sees a COMMIT.
        connection.commit = commit_or_die
        with connection.execute_wrapper(self._execute_or_die):
            work()

    def _execute_or_die(self, execute, sql, params, many, context):
        self._moment(f"before {sql}")
        result = execute(sql, params, many, context)
        self._moment(f"after {sql}")
        return result

    def _moment(self, name):
        if self.at in (self.seen, name):
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen += 1
