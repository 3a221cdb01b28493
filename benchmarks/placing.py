"""The cases about placing an order: one after the other, and by eight processes at once."""

import itertools
import os
import secrets
import time
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone
from wagtail.models import Site

from wagtail_orders.lifecycle import place_order
from wagtail_orders.models import (
    Notification,
    NumberSequence,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
)

from . import samples
from .measure import Row, Turns, alone, say

PROCESSES = 8
#: How many orders one measured run places, and how long the processes place.
AT_ONCE, SECONDS, ROUNDS = 50, 4, 3
_count = itertools.count()


def given():
    """What a shop hands over: three lines."""
    from wagtail_orders.lifecycle import Address

    street, postal_code, city, country = samples.PLACES[0]
    return {
        "currency": "EUR",
        "email": "zoe@example.com",
        "customer_name": "Zoë Müller",
        "billing_address": Address(
            name="Zoë Müller", street=street, postal_code=postal_code, city=city, country=country
        ),
        "lines": [samples.line(at) for at in range(3)],
        "shipping_total": Decimal(5),
        "shipping_tax_rate": Decimal(21),
        "payment_method": "bank_transfer",
        "idempotency_key": secrets.token_hex(16),
    }


class Bare:
    """Writes the rows that ``place_order`` wrote for an order, without a look at them."""

    def __init__(self):
        order = place_order(**given())
        self.order = _facts(order, "number", "token", "idempotency_key")
        self.addresses = [_facts(row, "order_id") for row in order.addresses.all()]
        self.lines = [_facts(row, "order_id") for row in order.lines.all()]
        event = order.events.get()
        self.event = _facts(event, "order_id")
        self.mails = [_facts(row, "event_id", "message_id") for row in event.notifications.all()]

    def place(self):
        name = f"{os.getpid()}-{next(_count)}-{time.time()}"
        with transaction.atomic():
            order = Order.objects.create(
                **self.order, number=name, token=secrets.token_hex(20), idempotency_key=name
            )
            OrderAddress.objects.bulk_create([OrderAddress(order=order, **facts) for facts in self.addresses])
            OrderLine.objects.bulk_create([OrderLine(order=order, **facts) for facts in self.lines])
            event = OrderEvent.objects.create(order=order, **self.event)
            Notification.objects.bulk_create(
                [Notification(event=event, message_id=name, **facts) for facts in self.mails]
            )


def _facts(row, *but):
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key and field.attname not in but
    }


class Kept:
    """What was there before; the orders placed since are removed again."""

    def __enter__(self):
        self.last = Order.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.sequences = dict(NumberSequence.objects.values_list("key", "last"))

    def __exit__(self, *error):
        for model, path in reversed(samples.TABLES.items()):
            model.objects.filter(**{f"{path}__gt": self.last})._raw_delete(connection.alias)
        for key, last in self.sequences.items():
            NumberSequence.objects.filter(key=key).update(last=last)


def placing(orders):
    with Kept():
        bare = Bare()

        def ours():
            for _time in range(AT_ONCE):
                place_order(**given())

        def theirs():
            for _time in range(AT_ONCE):
                bare.place()

        turns = Turns({"bare": theirs, "ours": ours})
        row = turns.row("place_order, 3 lines", "ours", "bare", figure=4)
        for what in ("cpu", "wall", "floor_time", "queries"):
            setattr(row, what, getattr(row, what) / AT_ONCE)
        row.floor = "create + bulk_create"
        yield row
        yield _by_many(bare)


def _by_many(bare):
    """How many orders eight processes place in a second, beside the bare version."""
    site = Site.objects.get(is_default_site=True)
    # A counter that is there already, as in any shop that is in use.
    place_order(**given(), site=site, placed_at=timezone.now())
    rates = {"ours": [], "bare": []}
    failures = 0
    for _round in range(ROUNDS):
        for name, place in (("bare", bare.place), ("ours", lambda: place_order(**given()))):
            placed, failed = alone(lambda place=place: _race(place))
            rates[name].append(placed / SECONDS)
            failures += failed if name == "ours" else 0
    say(f"orders a second: {rates}")
    ratios = sorted(ours / theirs for ours, theirs in zip(rates["ours"], rates["bare"], strict=True))
    rate, floor = (sorted(rates[name])[ROUNDS // 2] for name in ("ours", "bare"))
    return Row(
        f"place_order, {PROCESSES} processes",
        0,
        1 / rate,
        "create + bulk_create",
        1 / floor,
        ratios[ROUNDS // 2],
        # SQLite has one writer at a time.
        figure=0.45 if connection.vendor == "postgresql" else None,
        is_rate=True,
        note=f"{rate:.0f} orders a second beside {floor:.0f}, {failures} failures",
    )


def _race(place):
    """Place by so many processes for so long: how many were placed, and how many failed."""
    begin = time.monotonic() + 0.5
    pipes = []
    for _process in range(PROCESSES):
        reading, writing = os.pipe()
        if not os.fork():
            counts = [0, 0]
            try:
                connection.ensure_connection()
                time.sleep(max(begin - time.monotonic(), 0))
                while time.monotonic() < begin + SECONDS:
                    try:
                        place()
                        counts[0] += 1
                    except Exception as error:
                        counts[1] += 1
                        say(repr(error))
                os.write(writing, b"%d %d" % tuple(counts))
            finally:
                os._exit(0)
        os.close(writing)
        pipes.append(reading)
    results = []
    for pipe in pipes:
        with os.fdopen(pipe, "rb") as answer:
            results.append([int(count) for count in answer.read().split()])
    for _process in range(PROCESSES):
        os.wait()
    return sum(placed for placed, _failed in results), sum(failed for _placed, failed in results)
