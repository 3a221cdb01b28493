"""
Measures the desk beside the same orders behind Wagtail's own snippets, and beside the floor: an empty page, a loop, a
raw cursor.

    python benchmarks/run.py --orders 10000 100000 --database sqlite --database postgres://user@host/name
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In the place of this folder, whose modules are the package's.
sys.path[0] = str(ROOT)

CASES = ["listing", "deep", "filters", "search", "order", "others", "verbs", "placing", "exports"]


def url_of(database, orders):
    """Each number of orders has a database of its own, whose name ends with it."""
    if database == "sqlite":
        database = f"sqlite:///{Path(tempfile.gettempdir()) / 'wagtail-orders-benchmarks' / 'orders.sqlite3'}"
    head, _slash, name = database.rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{head}/{stem}_{orders}{dot}{suffix}"


def measure(orders, cases, seconds):
    """Measure one database, which the settings name, and print each row as JSON."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()

    from benchmarks import export_cases, loading, pages, placing, verbs
    from benchmarks.measure import patience, say

    patience.seconds = seconds
    loading.ensure(orders)
    groups = {
        "listing": pages.listing,
        "deep": pages.deep,
        "filters": pages.filters,
        "search": pages.search,
        "order": pages.order_page,
        "others": pages.others,
        "verbs": verbs.verbs,
        "placing": placing.placing,
        "exports": export_cases.exports,
    }
    for name in cases:
        say(f"{orders} orders: {name}")
        for row in groups[name](orders):
            row.orders = orders
            print(json.dumps(asdict(row)), flush=True)
            say(
                f"    {row.case}: {row.ratio:.2f} {' '.join(['MISSES', *row.misses()]) if row.misses() else ''}"
            )


def measured_apart(database, orders, given):
    """The rows of one database, each as soon as it is there, from a process of its own, for it has one database."""
    arguments = ["--orders", orders, "--cases", ",".join(given.cases), "--seconds", given.seconds]
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, __file__, "--measure", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DATABASE_URL": url_of(database, orders)},
    )
    for line in child.stdout:
        yield json.loads(line)
    if child.wait():
        raise SystemExit(child.returncode)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--orders", type=int, nargs="+", default=[10_000], help="1,000 to 1,000,000; several are compared"
    )
    parser.add_argument(
        "--database",
        action="append",
        help="sqlite (the default), or a URL; kept, and used again if it is there",
    )
    parser.add_argument("--cases", type=lambda text: text.split(","), default=CASES, help=",".join(CASES))
    parser.add_argument(
        "--seconds",
        type=float,
        default=10,
        help="after which a group of cases begins no further round (10); 0 only shows that it runs",
    )
    parser.add_argument(
        "--write", type=Path, help="a file that keeps the table, with the command and the machine"
    )
    parser.add_argument("--json", type=Path, help="a file that keeps the rows")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.cases) - set(CASES):
        parser.error(f"There is no case {', '.join(sorted(unknown))}.")
    if given.measure:
        measure(given.orders[0], given.cases, given.seconds)
        return

    from benchmarks import table

    results = {}
    for database in given.database or ["sqlite"]:
        results[database] = []
        for orders in sorted(given.orders):
            for row in measured_apart(database, orders, given):
                results[database].append(row)
                if given.json:
                    given.json.write_text(json.dumps(results, indent=1))
    text = table.render(results)
    print(text)
    if given.write:
        given.write.write_text(table.page(text, sys.argv[1:]))


if __name__ == "__main__":
    main()
