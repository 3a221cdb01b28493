"""From the sums that another shop tells to an order's own, to the cent: what does not add up is kept in sight."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from django.utils.translation import gettext as _

from .. import money
from ..lifecycle.records import LineRecord, NoteRecord
from . import values


@dataclass
class Part:
    """
    Something that an order's total consists of: goods, a fee, the shipping. ``net`` is what it costs after its
    discount, ``gross`` before; neither has the tax in it. A fee below zero is a discount.
    """

    net: Decimal
    tax: Decimal
    name: str = ""
    gross: Decimal = Decimal(0)
    quantity: Decimal = Decimal(1)
    sku: str = ""
    options: tuple = ()
    data: dict = field(default_factory=dict)
    #: In percent; None where net and tax do not go together.
    rate: Decimal | None = None

    def line(self):
        quantity, data = self.quantity, self.data
        if quantity <= 0:
            quantity, data = Decimal(1), {**data, "quantity": str(quantity)}
        gross = max(self.gross, self.net)
        return LineRecord(
            sku=self.sku,
            name=self.name,
            quantity=quantity,
            # Up, so that a discount of all of it is no more than it.
            unit_price=(gross / quantity).quantize(Decimal("0.000001"), rounding=ROUND_UP),
            discount=gross - self.net,
            total=self.net,
            tax_rate=self.rate or Decimal(0),
            tax=None if self.rate is None else self.tax,
            options=self.options,
            data=data or None,
        )


class Sums:
    """The sums of an order whose parts are told without tax, each with its own tax."""

    def __init__(self, *, currency, goods, shipping, tax, total, rates=()):
        self.currency, self.shipping, self.tax, self.total = currency, shipping, tax, total
        self.goods = [part for part in goods if part.net >= 0]
        self.off = [part for part in goods if part.net < 0]
        #: What rounding each part may come to.
        self.slack = money.minor_unit(currency) * (len(goods) + 2)
        self._find_rates(list(rates))
        self.discount = -sum((part.net for part in self.off), Decimal(0))
        self.rest = total - sum((part.net for part in self._parts), Decimal(0)) - tax

    @property
    def _parts(self):
        return [*self.goods, *self.off, self.shipping]

    def _find_rates(self, known):
        # The largest first: its cents tell the rate best, and the others have it, too.
        for part in sorted(self._parts, key=lambda part: -abs(part.net)):
            part.rate = values.rate(part.net, part.tax, self.currency, known=known)
            if part.rate and part.rate not in known:
                known.append(part.rate)

    def _taxes(self):
        """The taxes by rate, which come to the order's tax; none where they do not."""
        shares = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for part in self._parts:
            if part.rate is None:
                return ()
            if part.net:
                shares[part.rate][0] += part.net
                shares[part.rate][1] += part.tax
        off = self.tax - sum((tax for _net, tax in shares.values()), Decimal(0))
        if off:
            rate = max(shares, key=lambda rate: shares[rate][1], default=None)
            if not rate or abs(off) > self.slack:
                return ()
            shares[rate][1] += off
        return tuple(money.RateTotal(rate, net, tax) for rate, (net, tax) in sorted(shares.items()))

    def facts(self):
        """What an ``OrderRecord`` says of it."""
        lines, discount = even_out(
            [part.line() for part in self.goods], self.discount, self.rest, slack=self.slack
        )
        return {
            "currency": self.currency,
            "prices_include_tax": False,
            "lines": lines,
            "discount_total": discount,
            "shipping_total": self.shipping.net,
            "shipping_tax_rate": self.shipping.rate or Decimal(0),
            "tax_total": self.tax,
            "taxes": self._taxes(),
            "total": self.total,
        }

    def notes(self):
        return told(self.rest, self.currency, self.slack)


def even_out(lines, discount, rest, *, slack):
    """
    Lines and discount that come to the order's total: what is missing becomes a line of its own, what is too much a
    discount.
    """
    if rest > 0:
        name = _("Rounding") if rest <= slack else _("Difference to the order's total")
        lines = [*lines, LineRecord(sku="", name=name, quantity=Decimal(1), unit_price=rest, total=rest)]
    return tuple(lines), discount + max(-rest, Decimal(0))


def told(rest, currency, slack):
    """A note for the owner where more than roundings is between an order's parts and its total."""
    if abs(rest) <= slack:
        return ()
    text = (
        _(
            "The old shop's total is %(off)s more than what it consists of. The difference is a line of its own."
        )
        if rest > 0
        else _(
            "The old shop's total is %(off)s less than what it consists of. The difference is in the discount."
        )
    )
    return (NoteRecord(text=text % {"off": f"{abs(rest)} {currency}"}),)
