"""Orders as tables, read chunk by chunk and column by column: a column at once costs a fraction of cell after cell."""

import json
from collections import defaultdict
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain, repeat

from django.db.models import Case, Sum, Value, When
from django.db.models.functions import Floor

from ..models import Order, OrderAddress, OrderLine, Payment, Shipment
from ..money import digits
from .reading import Keys, rows

_ADDRESS = ("name", "company", "street", "postal_code", "city", "region", "country", "phone")
# What is weighed or measured (1.25 kg) counts as one piece.
_PIECES = Case(When(quantity=Floor("quantity"), then="quantity"), default=Value(Decimal(1)))


class Orders:
    """The orders of one chunk in its order; ``orders["total"]`` is a column of raw values."""

    def __init__(self, pks, fields):
        names = tuple(dict.fromkeys(("pk", "currency", *fields)))
        found = {row[0]: row for row in rows(Order.objects.filter(pk__in=Keys(pks)).order_by(), *names)}
        self._columns = _turned(names, [found[pk] for pk in pks if pk in found])
        self.pks = self["pk"]
        #: Of each one's currency.
        self.digits = [digits(currency) for currency in self["currency"]]

    def __getitem__(self, field):
        return self._columns[field]

    @cached_property
    def addresses(self):
        """By kind the parts of the addresses, as columns."""
        asked = OrderAddress.objects.filter(order__in=Keys(self.pks)).order_by()
        found = {(pk, kind): parts for pk, kind, *parts in rows(asked, "order_id", "kind", *_ADDRESS)}
        none = [""] * len(_ADDRESS)
        return {
            kind: _turned(_ADDRESS, [found.get((pk, kind), none) for pk in self.pks])
            for kind in OrderAddress.Kind.values
        }

    @cached_property
    def parcels(self):
        """The parcels that were sent, by order."""
        by_order = defaultdict(list)
        sent = Shipment.objects.sent().filter(order__in=Keys(self.pks)).order_by("id")
        for pk, number, url in rows(sent, "order_id", "tracking_number", "tracking_url"):
            by_order[pk].append({"tracking_number": number, "tracking_url": url})
        return by_order

    @cached_property
    def pieces(self):
        """How many pieces were bought, by order."""
        lines = OrderLine.objects.filter(order__in=Keys(self.pks)).order_by().values("order_id")
        return dict(rows(lines.annotate(pieces=Sum(_PIECES)), "order_id", "pieces"))


class Details:
    """
    What belongs to the orders of one chunk, their lines or payments, in the orders' order. Where ``every`` order has
    to show up, one that has none gets a row of None.
    """

    def __init__(self, orders, found, fields, every):
        names = ("order_id", *dict.fromkeys(fields))
        by_order = defaultdict(list)
        for row in rows(found.filter(order__in=Keys(orders.pks)), *names):
            by_order[row[0]].append(row)
        none = [(None,) * len(names)] if every else []
        of_each = [by_order.get(pk, none) for pk in orders.pks]
        self._columns = _turned(names, list(chain.from_iterable(of_each)))
        #: For each row the position of its order.
        self.places = list(chain.from_iterable(repeat(place, len(of)) for place, of in enumerate(of_each)))
        self.digits = [orders.digits[place] for place in self.places]

    def __getitem__(self, field):
        return self._columns[field]


class Table:
    """What a table shows: ``columns`` of the orders, then ``detailed`` ones of their lines or payments, if any."""

    def __init__(self, columns, model=None, detailed=(), *, every=False):
        self.columns, self.detailed, self.every = columns, detailed, every
        self._fields = [field for column in columns for field in column.fields]
        self._of_details = [field for column in detailed for field in column.fields]
        self._details = _DETAILS.get(model)

    def rows(self, pks, write):
        """
        Of a chunk of orders, an iterator of rows. ``write(column, values, digits)`` makes cells of raw values;
        ``digits`` has the decimals of the currency, value by value.
        """
        orders = Orders(pks, self._fields)
        cells = [write(column, column.values(orders), orders.digits) for column in self.columns]
        if self._details is not None:
            details = Details(orders, self._details, self._of_details, self.every)
            cells = [[of_orders[place] for place in details.places] for of_orders in cells]
            cells += [write(column, column.values(details), details.digits) for column in self.detailed]
        return zip(*cells, strict=True)


_DETAILS = {
    OrderLine: OrderLine.objects.order_by("order_id", "position"),
    Payment: Payment.objects.order_by("order_id", "id"),
}


def _turned(names, found):
    """Rows into columns by their names."""
    return dict(zip(names, zip(*found, strict=True) if found else repeat(()), strict=False))


@lru_cache(4096)
def options_text(stored):
    """A line's options as people read them: "Colour: Green, Size: L". What is stored otherwise stays as it is."""
    if stored in (None, "[]"):
        return ""
    try:
        return ", ".join(f"{name}: {value}" for name, value in json.loads(stored))
    except (TypeError, ValueError):
        return stored
