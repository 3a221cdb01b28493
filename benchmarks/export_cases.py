"""The cases about exports: ours beside the barest way to the same cells, each run in a process of its own."""

import statistics
from dataclasses import asdict

from django.db import connection

from wagtail_orders.exports.selection import Selection
from wagtail_orders.models import Order

from .exports import WAYS
from .measure import Clock, Row, alone, counting, measured, memory, reset_peak, say
from .pages import STOCK, Browser

MOST = 100_000
ROUNDS = 3
FIGURES = {"csv": 2, "xlsx": 2, "xml": 1.4}
FIRST_BYTE = 0.1


def exports(orders):
    count = min(orders, MOST)
    for name, ways in WAYS.items():
        for index, (label, ours, bare) in enumerate(ways):
            yield _compare(
                name, label, count, ours, bare, with_stock=index == 0 and name != "xml" and orders <= MOST
            )


def _compare(name, label, count, ours, bare, *, with_stock):
    runs = {"bare": [], "ours": []}
    for _round in range(ROUNDS):
        for which, write in (("bare", bare), ("ours", ours)):
            runs[which].append(alone(lambda write=write: _run(write, count)))
    what = measured()
    ratios = [mine[what] / base[what] for mine, base in zip(runs["ours"], runs["bare"], strict=True)]

    def middle(which, key):
        return statistics.median(run[key] for run in runs[which])

    stock = None
    if with_stock:
        say(f"the stock export as {name}")
        stock = alone(lambda: _stock(name))[what] / middle("bare", what)
    first = middle("ours", "first")
    return Row(
        f"export of {count:,}: {name.upper()}, {label}",
        middle("ours", "cpu"),
        middle("ours", "wall"),
        "raw cursor and writer",
        middle("bare", what),
        statistics.median(ratios),
        figure=FIGURES[name],
        stock=stock,
        queries=runs["ours"][0]["queries"],
        peak=max(run["peak"] for run in runs["ours"]),
        most_peak=24,
        note=f"first byte {first * 1000:.0f} ms" + ("" if first <= FIRST_BYTE else ": TOO LATE"),
    )


def _run(write, count):
    """One run in this process; the time begins before the orders are looked for."""
    Order.objects.first()
    start = reset_peak()
    with counting() as counted:
        clock = Clock()
        pieces = write(Selection.of(Order.objects.all()[:count]).pks)
        next(pieces)
        first = clock.read().wall
        for _piece in pieces:
            pass
        took = clock.read()
    peak = (memory("VmHWM") - start) / 1e6
    return {**asdict(took), "first": first, "peak": peak, "queries": counted[0]}


def _stock(name):
    connection.ensure_connection()
    browser = Browser()
    clock = Clock()
    for _piece in browser.client.get(f"{STOCK}?export={name}"):
        pass
    return asdict(clock.read())
