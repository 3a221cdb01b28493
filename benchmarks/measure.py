"""Time, memory and queries. Contestants take turns, so that whatever else the machine does hits all of them alike."""

import gc
import os
import pickle
import statistics
import sys
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, connections


@dataclass
class Row:
    """One line of the table. Times are medians, in seconds."""

    case: str
    cpu: float
    wall: float
    #: What it is compared with.
    floor: str
    floor_time: float
    ratio: float
    #: The ratio that it must not pass, or (``is_rate``) must reach.
    figure: float | None = None
    is_rate: bool = False
    stock: float | None = None
    queries: float | None = None
    most_queries: float | None = None
    #: In MB above the start.
    peak: float | None = None
    most_peak: float | None = None
    note: str = ""
    #: Whether the figure is only asked for from so many orders on.
    least_orders: int = 0
    orders: int = 0
    is_page: bool = False
    #: What an empty page took in the same rounds, so that pages of different runs can be compared.
    unit: float = 0

    def is_judged(self):
        return self.figure is not None and self.orders >= self.least_orders

    def misses(self):
        """What of it is not as it must be."""
        missed = []
        if self.orders < self.least_orders:
            return missed
        if self.figure is not None:
            is_missed = self.ratio < self.figure if self.is_rate else self.ratio > self.figure
            missed += ["time"] if is_missed else []
        missed += ["queries"] if self.most_queries is not None and self.queries > self.most_queries else []
        missed += ["memory"] if self.most_peak is not None and self.peak > self.most_peak else []
        return missed


class patience:
    """How many seconds a group of contestants may take before no further round begins."""

    seconds = 10


@dataclass
class Sample:
    cpu: float
    wall: float


class Turns:
    """
    What so many rounds of several ways took. A way is a function, or a pair: what brings about the state that it
    starts from, which is not measured, and the function.
    """

    def __init__(self, ways, *, least=3, most=15, warm=2):
        self.samples = {name: [] for name in ways}
        self.queries = {}
        ways = {name: way if isinstance(way, tuple) else (lambda: None, way) for name, way in ways.items()}
        if not patience.seconds:
            least = warm = 1
        begun = time.monotonic()
        for name, (prepare, run) in ways.items():
            for _time in range(warm):
                prepare()
                with counting() as counted:
                    run()
                # The fewest: what is kept for a minute may be over just now.
                self.queries[name] = min(counted[0], self.queries.get(name, counted[0]))
        for done in range(most):
            if done >= least and time.monotonic() - begun > patience.seconds:
                break
            for name, (prepare, run) in ways.items():
                prepare()
                self.samples[name].append(timed(run))

    def row(self, case, name, floor, **facts):
        """The line of the table for ``name`` beside ``floor``; both may be names or samples."""
        mine, base = self.samples[name], self.samples[floor]
        if empty := next((name for name in self.samples if name.startswith("an empty")), None):
            facts["unit"] = median(self.samples[empty], "cpu")
        if stock := facts.pop("stock", None):
            facts["stock"] = ratio(self.samples[stock], base)
        return Row(
            case,
            median(mine, "cpu"),
            median(mine, "wall"),
            floor,
            median(base, measured()),
            ratio(mine, base),
            queries=self.queries.get(name),
            **facts,
        )


def server_time():
    """
    The seconds of CPU that the server spent for our connection. Zero for SQLite, which works in this process, and for
    a server elsewhere or one that does not tell: then ``measured`` is the clock's time.
    """
    return int(_of_the_server().read_text().split()[0]) / 1e9 if _of_the_server() else 0.0


def _of_the_server():
    """Where Linux counts the nanoseconds of the process at the other end."""
    if connection.vendor != "postgresql":
        return None
    connection.ensure_connection()
    counted = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return counted if counted.exists() else None


def measured():
    """
    What the ratios are made of: CPU time, ours and the server's, which other work hardly touches; where the server's
    cannot be known, the clock's.
    """
    return "cpu" if connection.vendor == "sqlite" or _of_the_server() else "wall"


def median(samples, what):
    return statistics.median(getattr(sample, what) for sample in samples)


def ratio(mine, base):
    """The median of each round's ratio: what slows one round down slows both."""
    what = measured()
    return statistics.median(
        getattr(a, what) / max(getattr(b, what), 1e-9) for a, b in zip(mine, base, strict=False)
    )


def timed(run):
    gc.collect()
    clock = Clock()
    run()
    return clock.read()


class Clock:
    """Runs from when it is made."""

    def __init__(self):
        self.begin = self._now()

    def _now(self):
        return time.process_time() + server_time(), time.perf_counter()

    def read(self):
        return Sample(*(now - begin for now, begin in zip(self._now(), self.begin, strict=True)))


@contextmanager
def counting():
    """A list whose only item is how many queries the block sent, without the begin and end of transactions."""
    counted = [0]

    def count(execute, *args):
        counted[0] += 1
        return execute(*args)

    with connection.execute_wrapper(count):
        yield counted


def alone(work):
    """Run ``work`` in a process of its own, for the sake of its memory, and return what it returns."""
    connections.close_all()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(work(), pipe)
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            connections.close_all()
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("The process failed; see above.")
    return pickle.loads(answer)  # noqa: S301 - our own child's


def peak_of(work):
    """The most memory that ``work`` held above its start, in MB."""

    def measure():
        connection.ensure_connection()
        gc.collect()
        start = reset_peak()
        work()
        return (memory("VmHWM") - start) / 1e6

    return alone(measure)


def reset_peak():
    """Forget the most memory held so far; returns what is held now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(key):
    """VmRSS (now) or VmHWM (at most since the last reset), in bytes."""
    for entry in Path("/proc/self/status").read_text().splitlines():
        if entry.startswith(f"{key}:"):
            return int(entry.split()[1]) * 1024
    raise LookupError(key)


def say(words):
    """Tell whoever waits how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)
