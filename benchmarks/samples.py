"""
Orders in every state, made by the verbs, and what is needed to write copies of them: so the rows of a million orders
are those that the verbs would have written.
"""

import json
import random
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

from django.db import connection
from django.db.models import F, JSONField
from django.utils import timezone

from wagtail_orders import lifecycle
from wagtail_orders.models import (
    Notification,
    NumberSequence,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    OrderNote,
    Payment,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)
from wagtail_orders.models.search import search_text

#: The tables that an order has rows in, each after those that it points to, and how its rows are found.
TABLES = {
    Order: "pk",
    OrderAddress: "order",
    OrderLine: "order",
    Payment: "order",
    Shipment: "order",
    ShipmentLine: "shipment__order",
    OrderNote: "order",
    OrderEvent: "order",
    Notification: "event__order",
}
#: What each copy has of its own.
OWN = {
    Order: ["number", "token", "idempotency_key", "customer_name", "email", "phone", "search_text"],
    OrderAddress: ["customer_name"],
    Payment: ["reference"],
    Shipment: ["tracking_number", "tracking_url"],
    Notification: ["email", "message_id"],
}
_COLUMN = {(OrderAddress, "customer_name"): "name", (Notification, "email"): "recipient"}

FIRST_NAMES = [
    "Zoë",
    "Søren",
    "María",
    "Jean-Luc",
    "Łukasz",
    "Anke",
    "Bart",
    "Chloé",
    "Dries",
    "Élise",
    "Femke",
    "Giulia",
    "Hanne",
    "Ines",
    "Jonas",
    "Katrien",
    "Lars",
    "Marieke",
    "Noor",
    "Olivier",
    "Pieter",
    "Quentin",
    "Rania",
    "Sofie",
    "Thomas",
    "Ursula",
    "Veerle",
    "Wim",
    "Xavier",
    "Yasmine",
    "Zeger",
    "Åsa",
    "José",
    "Nadia",
    "Emil",
    "Fatima",
    "Björn",
    "Oğuz",
    "Siân",
    "Niamh",
    "Aurélie",
    "Benoît",
    "Camille",
    "Désirée",
    "Ewa",
    "Františka",
    "Gert",
    "Hélène",
    "Ivo",
    "Jürgen",
]
LAST_NAMES = [
    "Müller",
    "Peeters",
    "Janssens",
    "Dupont",
    "Ångström",
    "Núñez",
    "Öztürk",
    "Kowalski",
    "Lefèvre",
    "Maes",
    "Jacobs",
    "Willems",
    "Claes",
    "Goossens",
    "Wouters",
    "De-Smet",
    "Dubois",
    "Lambert",
    "Martin",
    "Simon",
    "Laurent",
    "Michel",
    "Fontaine",
    "Rousseau",
    "Girard",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Wagner",
    "Becker",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Jansen",
    "Bakker",
    "Visser",
    "Smit",
    "Meijer",
    "Mulder",
    "Bos",
    "Vos",
    "Dekker",
    "Brouwer",
    "Dijkstra",
    "Vermeulen",
    "Haddad",
    "O'Connor",
    "Byrne",
    "Rossi",
    "Ferrari",
    "Esposito",
    "Bianchi",
    "Romano",
    "García",
    "Silva",
    "Santos",
    "Ferreira",
    "Hansen",
    "Nielsen",
    "Larsen",
    "Johansson",
    "Virtanen",
    "Novák",
    "Horváth",
    "Popescu",
    "Yılmaz",
    "Nguyễn",
]
#: The lines of the newest order.
LONG_LINES = 300
#: Names that nobody else has: of ten orders, and of one in a hundred.
RARE, COMMON = "Isolde Quastenberg", "Thorwald Zwingmeister"
GOODS = [
    ("MUG-F", "Tasse en grès « Forêt »", "18.50"),
    ("BOWL-L", "Bowl, large <blue>", "34.00"),
    ("VASE-3", "Vase Nr. 3", "59.90"),
    ("PLATE-S", "Bord, klein", "12.25"),
    ("TEAPOT", "Théière à anse", "72.00"),
    ("CUP-E", "Espressotasse", "9.95"),
]
PLACES = [
    ("12 rue de l'Église", "1050", "Ixelles", "BE"),
    ("Keizersgracht 401", "1016 EK", "Amsterdam", "NL"),
    ("Hauptstraße 7\nHinterhaus", "10827", "Berlin", "DE"),
    ("3 place du Marché", "59000", "Lille", "FR"),
    ("Meir 21", "2000", "Antwerpen", "BE"),
    ("Calle Mayor 3, 2º", "28013", "Madrid", "ES"),
]
SAMPLE = "sample@example.com"
METHODS = ("card", "bank_transfer", "paypal")
NOTE = "Please ring twice, the bell is “difficult”.\nThank you!"


# The states. Each is a list of hours after the placing and what is done then.


def pay(order, at):
    lifecycle.record_payment(
        order, amount=order.total, method=order.payment_method, reference=f"sample-{order.pk}"
    )


def pay_part(order, at):
    lifecycle.record_payment(order, amount=order.rounded(order.total / 2), method="bank_transfer")


def await_payment(order, at):
    lifecycle.record_payment(
        order, amount=order.total, method="card", reference=f"sample-{order.pk}", state="pending"
    )


def refund(order, at):
    lifecycle.record_refund(order, amount=order.total, method=order.payment_method, reason="sent back")


def ship(order, at):
    lifecycle.ship(order, tracking_number=f"3232{order.pk:010d}")


def ship_part(order, at):
    lifecycle.ship(order, tracking_number=f"3232{order.pk:010d}", lines={order.lines.first(): 1})


def note(order, at):
    lifecycle.add_note(order, text="She asked for gift wrap.")


def cancel(order, at):
    lifecycle.cancel(order, reason="changed her mind").raise_if_refused()


def handle(order, at):
    lifecycle.mark_handled(order).raise_if_refused()


def archive(order, at):
    lifecycle.archive(order).raise_if_refused()


def lose_mail(order, at):
    mails = Notification.objects.filter(event__order=order, recipient=order.email)
    mails.update(state=Notification.State.FAILED, attempts=8, next_attempt_at=None, error="550 No such user")


def flag(order, at):
    lifecycle.flag(order, reason="an unusual address")


SENT = [(1, pay), (26, ship)]
PUT_AWAY = [*SENT, (900, archive)]
#: State by state: how many of a hundred archived orders, how many of a hundred current ones, and the steps.
STATES = {
    "archived": (80, 0, PUT_AWAY),
    "archived_noted": (10, 0, [(0.5, note), *PUT_AWAY]),
    "archived_by_hand": (2, 0, [(1, pay), (30, handle), (900, archive)]),
    "archived_refunded": (3, 0, [*SENT, (300, refund), (900, archive)]),
    "archived_cancelled": (5, 0, [(20, cancel), (900, archive)]),
    "unpaid": (0, 21, []),
    "unreachable": (0, 1, [(0.1, lose_mail)]),
    "pending": (0, 4, [(0.1, await_payment)]),
    "partly_paid": (0, 2, [(1, pay_part)]),
    "paid": (0, 22, [(1, pay)]),
    "paid_noted": (0, 4, [(1, pay), (2, note)]),
    "partly_sent": (0, 3, [(1, pay), (26, ship_part)]),
    "sent": (0, 36, SENT),
    "handled": (0, 2, [(1, pay), (30, handle)]),
    "cancelled": (0, 4, [(20, cancel)]),
    "flagged": (0, 1, [(1, pay), (3, flag)]),
}


class Sample:
    """One order's rows, ready to be copied."""

    def __init__(self, steps, number, *, lines=3):
        self.moments = []
        order = self._do(steps, number, lines)
        Notification.objects.filter(event__order=order).exclude(state=Notification.State.FAILED).update(
            state=Notification.State.SENT,
            attempts=1,
            next_attempt_at=None,
            sent_at=F("created_at"),
            subject=f"Your order {order.number}",
            text_body="Hello, thank you for your order.",
            html_body="<p>Hello, thank you for your order.</p>",
        )
        found = {
            model: list(model.objects.filter(**{path: order.pk}).order_by("pk"))
            for model, path in TABLES.items()
        }
        self.at = {model: {row.pk: at for at, row in enumerate(rows)} for model, rows in found.items()}
        self.rows = {model: [self._template(row) for row in rows] for model, rows in found.items()}
        self.order = order
        self.skus = [line.sku for line in found[OrderLine]]
        self.parcels = len(found[Shipment])
        self.is_keyed = order.idempotency_key is not None

    def _do(self, steps, number, lines):
        self._begin(0)
        street, postal_code, city, country = PLACES[number % len(PLACES)]
        order = lifecycle.place_order(
            currency="EUR",
            email=SAMPLE,
            customer_name="Sample",
            phone="+32 475 00 00 00" if number % 2 else "",
            billing_address=lifecycle.Address(
                name="Sample", street=street, postal_code=postal_code, city=city, country=country
            ),
            lines=[line(number + at) for at in range(lines)],
            shipping_method=ShippingMethod.objects.order_by("pk")[number // 3 % 2],
            shipping_total=Decimal("5.00"),
            shipping_tax_rate=Decimal(21),
            payment_method=METHODS[number // len(PLACES) % 3],
            customer_note=NOTE if number % 7 == 0 else "",
            language=("fr", "nl", "en")[number % 3],
            idempotency_key=f"sample-{number}-{random.random()}" if number % 10 else None,  # noqa: S311
        )
        for hours, step in steps:
            self._begin(hours)
            step(order, number)
        return Order.objects.get(pk=order.pk)

    def _begin(self, hours):
        self.moments.append((timezone.now(), timedelta(hours=hours)))

    def _template(self, row):
        values, moments, days, links, own, named = [], [], [], [], [], None
        for at, field in enumerate(type(row)._meta.concrete_fields):
            value = getattr(row, field.attname)
            if isinstance(value, datetime):
                moments.append((at, self._after(value)))
            elif isinstance(value, date):
                days.append(at)
            elif isinstance(field, JSONField):
                for key, model in (("payment", Payment), ("shipment", Shipment)):
                    if isinstance(value, dict) and value.get(key) in self.at[model]:
                        named = (at, model, self.at[model][value[key]])
                        value = {**value, key: "@"}
                if isinstance(value, dict) and "received_on" in value:
                    value = {**value, "received_on": "2024-01-01"}
                value = json.dumps(value, cls=field.encoder)
            elif field.is_relation and field.related_model in TABLES and value is not None:
                links.append((at, field.related_model, self.at[field.related_model][value]))
            elif isinstance(value, bool) or value is None:
                pass
            elif not isinstance(value, int):
                value = str(value)
            values.append(value)
        columns = [field.name for field in type(row)._meta.concrete_fields]
        for name in OWN.get(type(row), ()):
            at = columns.index(_COLUMN.get((type(row), name), name))
            # Not so the owner's mails.
            if values[at] is not None and (name != "email" or values[at] == SAMPLE):
                own.append((at, name))
        return values, moments, days, links, own, named

    def _after(self, moment):
        """How long after its placing something happened, by the step in which it did."""
        at = bisect_right([begun for begun, _hours in self.moments], moment.astimezone(UTC)) - 1
        return self.moments[max(at, 0)][1]


def line(at):
    sku, name, price = GOODS[at % len(GOODS)]
    return lifecycle.Line(
        sku=sku,
        name=name,
        quantity=1 + at % 3,
        unit_price=Decimal(price),
        tax_rate=Decimal(21),
        options=[("Colour", "Green"), ("Size", "L")] if at % 2 else (),
    )


def last_pk(model):
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


class Copier:
    """Copies samples, each with a customer of its own; ``rows`` fills, table by table."""

    def __init__(self):
        self.next_pk = {model: last_pk(model) + 1 for model in TABLES}
        self.rows = {model: [] for model in TABLES}

    def copy(self, sample, placed_at, who):
        """One more order, placed at a moment (naive, in UTC), by ``who``: its own facts by their names."""
        begin = self.next_pk.copy()
        for model, templates in sample.rows.items():
            rows, pk = self.rows[model], begin[model]
            for values, moments, days, links, own, named in templates:
                row = values.copy()
                row[0] = pk
                pk += 1
                for at, after in moments:
                    row[at] = str(placed_at + after)
                for at in days:
                    row[at] = str(placed_at.date())
                for at, target, index in links:
                    row[at] = begin[target] + index
                for at, name in own:
                    row[at] = who[name]
                if named:
                    at, target, index = named
                    row[at] = row[at].replace('"@"', str(begin[target] + index))
                rows.append(row)
            self.next_pk[model] = pk

    def taken(self):
        """What was copied since the last time."""
        rows, self.rows = self.rows, {model: [] for model in TABLES}
        return rows


def somebody(sample, number, name, chance):
    """The facts of an order of its own: of the order ``number``, by the customer ``name``."""
    mailbox = name.casefold().replace(" ", ".").replace("'", "").encode("ascii", "ignore").decode()
    digits = chance.randrange(10_000_000)
    who = {
        "number": number,
        "token": f"{chance.getrandbits(160):040x}",
        "idempotency_key": f"basket-{number}",
        "customer_name": name,
        "email": f"{mailbox}.{digits}@example.com",
        "phone": f"+32 4{digits:07d}" if sample.order.phone else "",
        "reference": f"pi_{chance.getrandbits(96):024x}",
        "tracking_number": f"3232{digits:07d}{chance.randrange(1_000_000):06d}",
        "message_id": f"<{chance.getrandbits(128):032x}@example.com>",
    }
    who["tracking_url"] = f"https://track.example.com/{who['tracking_number']}"
    found_by = SimpleNamespace(
        number=number,
        customer_name=name,
        email=who["email"],
        phone=who["phone"],
        customer_note=sample.order.customer_note,
    )
    address = SimpleNamespace(name=name, company="", phone="")
    parcels = [who["tracking_number"]] * sample.parcels
    who["search_text"] = search_text(found_by, addresses=[address], skus=sample.skus, parcels=parcels)
    return who


def forget_samples():
    """Delete what the samples left; the next number is the first again."""
    for model in reversed(TABLES):
        model.objects.all()._raw_delete(connection.alias)
    NumberSequence.objects.all().delete()
