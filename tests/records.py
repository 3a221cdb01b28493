"""Orders as they might have been elsewhere: one that is plain, and thousands as hostile as hypothesis makes them."""

import random
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from wagtail_orders import money
from wagtail_orders.lifecycle import Address
from wagtail_orders.lifecycle.records import (
    LineRecord,
    NoteRecord,
    OrderRecord,
    PaymentRecord,
    ShipmentRecord,
)

PLACED = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
NASTY = [
    "=1+1",
    "+49 (0)30",
    "@SUM(A1)",
    "#REF!",
    "]]>",
    "<b>&amp;&#0;</b>",
    "<!DOCTYPE x>",
    "\x00\x01\x0b\x1f\x7f\x85",
    "\ufffe\uffff",
    "\ud800",
    " padded\t",
    "a\r\nb\rc\nd\u2028e",
    "\u202etfel ot thgir",
    "Zoë – „Müller“ 🤷🏽‍♀️",
    "'; DROP TABLE orders; --",
    "0",
    "none",
    "%(name)s {0} {{ x }}",
]
_TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=30))
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e9, 1e9), _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=4,
)


def record(number="A-1", **changes):
    """Two mugs at 18.50 and 5.00 for shipping, 42.00 EUR."""
    facts = {
        "number": number,
        "placed_at": PLACED,
        "currency": "EUR",
        "customer_name": "Zoë Müller",
        "email": "zoe@example.com",
        "billing_address": Address(
            name="Zoë Müller", street="12 rue de l'Église", postal_code="1050", city="Ixelles", country="BE"
        ),
        "lines": (
            LineRecord(
                sku="MUG-F", name="Tasse", quantity=2, unit_price=Decimal("18.50"), tax_rate=Decimal(21)
            ),
        ),
        "shipping_total": Decimal("5.00"),
        "shipping_tax_rate": Decimal(21),
        "total": Decimal("42.00"),
    }
    return OrderRecord(**{**facts, **changes})


def paid(number="A-1", **changes):
    """The same, paid and sent in two parcels, of which one was taken back; with a note."""
    facts = {
        "payments": (
            PaymentRecord(amount=Decimal(50), method="paypal", reference=f"CAPTURE-{number}"),
            PaymentRecord(amount=Decimal(8), method="paypal", kind="refund", reason="Too much"),
            PaymentRecord(amount=Decimal(42), method="card", state="failed"),
        ),
        "shipments": (
            ShipmentRecord(tracking_number="1Z1", lines={0: Decimal(2)}, cancelled_at=PLACED),
            ShipmentRecord(
                shipping_method_name="Post",
                tracking_number="1Z2",
                tracking_url="https://example.com/1Z2",
                shipped_at=PLACED + timedelta(days=1),
                lines={0: Decimal(2)},
            ),
        ),
        "notes": (NoteRecord(text="Rang twice", author="anna"),),
        "handled_at": PLACED + timedelta(days=2),
    }
    return record(number, **{**facts, **changes})


def hostile(count):
    """So many ``OrderRecord``s that no shop would like to have, each valid, the same each time."""
    made = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.integers(0, 2**32),
        st.lists(_TEXT, min_size=6, max_size=12),
        st.dictionaries(_TEXT, _JSON, max_size=2),
    )
    def make(seed, texts, data):
        if len(made) < count:
            made.append(_Maker(random.Random(seed), texts, data, len(made)).order())

    make()
    while len(made) < count:
        # Hypothesis ends early once it finds nothing new.
        make()
    return made


class _Maker:
    """Makes one order by chance, of texts and data that came along."""

    def __init__(self, chance, texts, data, index):
        self.chance, self.texts, self.data, self.index = chance, texts, data, index
        self.currency = chance.choice(["EUR", "USD", "JPY", "TND", "CLF"])
        self.unit = money.minor_unit(self.currency)

    def text(self, most=255, *, needed=False):
        text = self.chance.choice(self.texts)
        if self.chance.random() < 0.005:
            text = (text or "x") * most
        text = text[:most]
        # What is left of it must be something.
        return f"{text[: most - 1]}x" if needed else text

    def moment(self):
        seconds = self.chance.randrange(900_000_000)
        return PLACED - timedelta(seconds=seconds, microseconds=self.chance.choice([0, 1, 500_000, 999_999]))

    def maybe(self, value, share=0.5):
        return value if self.chance.random() < share else None

    def amount(self, most):
        """An amount above zero in whole minor units."""
        return self.unit * self.chance.randint(1, max(int(most / self.unit), 1))

    def order(self):
        lines = tuple(self.line(position) for position in self.positions())
        subtotal = sum((line.total for line in lines), Decimal(0))
        discount = self.maybe(self.amount(subtotal) if subtotal else Decimal(0), 0.2) or Decimal(0)
        shipping = self.maybe(self.amount(Decimal(50)), 0.7) or Decimal(0)
        included = self.chance.random() < 0.6
        payments = tuple(self.payments(subtotal - discount + shipping))
        return OrderRecord(
            number=f"{self.text(40)}-{self.index}",
            placed_at=self.moment(),
            currency=self.currency,
            customer_name=self.text(needed=True),
            email=self.chance.choice(["", "zoe@example.com", "o'hara+x@bücher.example"]),
            phone=self.text(64),
            language=self.chance.choice(["en", "fr-be", "zh-hans"]),
            site=self.chance.choice([None, "", "localhost"]),
            billing_address=self.maybe(self.address(), 0.9),
            shipping_address=self.maybe(self.address(), 0.9),
            lines=lines,
            handled_at=self.maybe(self.moment()),
            archived_at=self.maybe(self.moment()),
            cancelled_at=self.maybe(self.moment(), 0.2),
            updated_at=self.maybe(self.moment()),
            needs_look=self.chance.random() < 0.1,
            prices_include_tax=included,
            discount_total=discount,
            shipping_total=shipping,
            shipping_tax_rate=self.rate(),
            taxes=self.maybe((), 0.1),
            payment_method=self.text(50),
            shipping_method_name=self.chance.choice(["", "Post", self.text()]),
            customer_note=self.text(50_000),
            data=self.data,
            payments=payments,
            shipments=tuple(self.shipments(lines)),
            notes=tuple(self.note() for _ in range(self.chance.choice([0, 0, 1, 3]))),
        )

    def positions(self):
        """At which lines stand, maybe with gaps between them."""
        return sorted(self.chance.sample(range(30), self.chance.choice([1, 1, 2, 3, 8])))

    def rate(self):
        return Decimal(self.chance.choice(["0", "5.5", "21", "21.0000", "0.0001", "100"]))

    def line(self, position):
        quantity = Decimal(self.chance.choice(["1", "3", "0.0001", "1.25", "999999", "12345.6789"]))
        price = Decimal(self.chance.choice(["0", "0.000001", "18.5", "19.99", "850"]))
        discount = self.maybe((quantity * price / 3).quantize(Decimal("0.000001")), 0.3) or Decimal(0)
        total = (quantity * price - discount).quantize(self.unit, rounding=ROUND_HALF_UP)
        return LineRecord(
            position=position,
            sku=self.text(100),
            name=self.text(needed=True),
            options=tuple((self.text(), self.text(2000)) for _ in range(self.chance.choice([0, 0, 1, 2]))),
            quantity=quantity,
            unit_price=price,
            tax_rate=self.rate(),
            discount=min(discount, quantity * price),
            total=total,
            product_url=self.chance.choice(
                ["", "https://example.com/?a=1&b=%3C2%3E", "HTTP://EXAMPLE.COM/ü"]
            ),
            data=self.maybe(self.data),
        )

    def address(self):
        return Address(
            name=self.text(),
            company=self.text(),
            street=self.text(500),
            postal_code=self.text(20),
            city=self.text(),
            region=self.text(),
            country=self.chance.choice(["BE", "JP", "US", "HK"]),
            phone=self.text(64),
        )

    def payments(self, due):
        came_in = Decimal(0)
        for turn in range(self.chance.choice([0, 1, 1, 2, 4])):
            amount = self.amount(due)
            kind, state = (
                "payment",
                self.chance.choice(["confirmed", "confirmed", "pending", "failed", "voided"]),
            )
            if came_in and self.chance.random() < 0.5:
                kind, amount = "refund", self.amount(came_in)
            if state == "confirmed":
                came_in += amount if kind == "payment" else -amount
            yield PaymentRecord(
                kind=kind,
                state=state,
                amount=amount,
                method=self.text(50, needed=True),
                reference=self.maybe(f"{self.text(200)}-{self.index}-{turn}"),
                is_manual=self.chance.choice([None, True, False]),
                recorded_at=self.moment(),
                recorded_by=self.chance.choice(["", "anna", "nobody"]),
                reason=self.text(500),
            )

    def shipments(self, lines):
        left = {line.position: line.quantity for line in lines}
        for _ in range(self.chance.choice([0, 1, 1, 3])):
            cancelled_at = self.maybe(self.moment(), 0.2)
            part = {}
            for position, quantity in left.items():
                if quantity and self.chance.random() < 0.7:
                    part[position] = self.chance.choice([quantity, Decimal("0.0001")])
            if cancelled_at is None:
                left = {position: left[position] - part.get(position, 0) for position in left}
            yield ShipmentRecord(
                shipping_method_name=self.chance.choice(["", "Post", self.text()]),
                tracking_number=self.text(),
                tracking_url=self.chance.choice(["", "https://example.com/track?n=1&lang=fr"]),
                shipped_at=self.moment(),
                notified_at=self.maybe(self.moment()),
                cancelled_at=cancelled_at,
                lines=part,
            )

    def note(self):
        return NoteRecord(
            text=self.text(50_000, needed=True),
            author=self.chance.choice(["", "anna", "nobody"]),
            visible_to_customer=self.chance.random() < 0.5,
            created_at=self.moment(),
            edited_at=self.maybe(self.moment()),
        )
