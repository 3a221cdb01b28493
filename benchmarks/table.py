"""The rows as a table in Markdown."""

import os
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from .measure import Row

HEAD = ["case", "CPU", "wall", "beside", "ratio", "may be", "stock", "queries", "peak", ""]
#: Ten times the orders may take a page so much longer.
GROWTH = 1.2


def render(results):
    """The tables of each database, as text."""
    parts = []
    for database, found in results.items():
        rows = [Row(**facts) for facts in found]
        parts.append(f"## {_name(database)}")
        sizes = sorted({row.orders for row in rows})
        for orders in sizes:
            parts.append(f"### {orders:,} orders")
            parts.append(_table(HEAD, [_cells(row) for row in rows if row.orders == orders]))
        if len(sizes) > 1:
            parts.append("### Growth")
            parts.append(_growth(rows, sizes))
    return "\n\n".join(parts) + "\n"


def _name(database):
    return {"sqlite": "SQLite", "postgres": "PostgreSQL", "postgresql": "PostgreSQL", "mysql": "MariaDB"}[
        database.partition(":")[0]
    ]


def _cells(row):
    figure = "" if row.figure is None else f"{'≥' if row.is_rate else '≤'} {row.figure:g}"
    missed = row.misses()
    verdict = "ok" if row.is_judged() else ""
    if missed:
        verdict = f"**misses: {', '.join(missed)}**"
    queries = (
        "" if row.queries is None else f"{row.queries:,.3g}" if row.queries < 100 else f"{row.queries:,.0f}"
    )
    return [
        row.case,
        _time(row.cpu) if row.cpu else "",
        _time(row.wall),
        f"{row.floor} {_time(row.floor_time)}",
        f"{row.ratio:.2f}",
        figure,
        "" if row.stock is None else f"{row.stock:.1f}",
        queries + (f" (≤ {row.most_queries})" if row.most_queries is not None else ""),
        "" if row.peak is None else f"{row.peak:.0f} MB (≤ {row.most_peak})",
        "; ".join(filter(None, [verdict, row.note])),
    ]


def _growth(rows, sizes):
    by_case = {(row.case, row.orders): row for row in rows if row.is_page}
    lines = []
    for case in dict.fromkeys(case for case, _orders in by_case):
        found = [by_case.get((case, orders)) for orders in sizes]
        if not all(row and row.unit for row in found):
            continue
        times = [row.cpu / row.unit for row in found]
        worst = max(later / before for before, later in pairwise(times))
        lines.append(
            [
                case,
                *(f"{time:.2f}" for time in times),
                f"{worst:.2f}",
                "ok" if worst <= GROWTH else "**misses**",
            ]
        )
    head = ["page, in empty pages", *(f"{orders:,}" for orders in sizes), f"worst step (≤ {GROWTH})", ""]
    return _table(head, lines)


def _time(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def page(text, arguments):
    """The whole document: what was run, where, and what came of it."""
    command = shlex.join(["python", "benchmarks/run.py", *arguments])
    return f"""# Benchmarks

{INTRODUCTION}

```sh
{command}
```

{_machine()}

{text}"""


INTRODUCTION = """What the desk costs beside the same orders in Wagtail's own snippet listing ("stock", as a ratio too),
and beside a floor: an empty page, a loop, a raw cursor. [How it is measured](../benchmarks/README.md)."""


def _machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("Django", "wagtail"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {memory:.0f} GB RAM, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {versions}."
    )


def _processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
