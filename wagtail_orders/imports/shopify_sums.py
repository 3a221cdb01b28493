"""What a Shopify order comes to: its discounts, and whether its prices include the taxes, both found by its sums."""

import re
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _

from .. import money
from ..lifecycle.records import LineRecord
from .sums import even_out, told
from .values import shortened

_PERCENT = re.compile(r"(\d+(?:[.,]\d{1,4})?)\s*%")
_TAX_COLUMNS = range(1, 6)
_OF_LINE = re.compile(r"(?!lineitem_(quantity|name|price|sku)$)(lineitem_.*|vendor)")


class ShopifySums:
    """The sums of the order that ``row`` begins and whose things bought are ``items``."""

    def __init__(self, row, items, currency):
        self.row, self.currency = row, currency
        self.total = row.amount("total", is_needed=True)
        self.subtotal = row.amount("subtotal", is_needed=True)
        self.shipping, self.tax, self.duties = (row.amount(name) for name in ("shipping", "taxes", "duties"))
        #: What rounding each line's tax may come to.
        self.slack = money.minor_unit(currency) * (len(items) + 1)
        self.lines = [_line(item, currency) for item in items]
        goods = sum((line.total for line in self.lines), Decimal(0))
        self.net_goods = min(goods, self.subtotal)
        self.discount = goods - self.net_goods
        self._take_line_discounts(items)
        self.included = self._is_included()

    def _take_line_discounts(self, items):
        """A line's own discount stays with it, if it is part of what was taken off."""
        own = [item.amount("lineitem_discount") for item in items]
        fits = all(0 <= off <= line.total for off, line in zip(own, self.lines, strict=True))
        if fits and sum(own) <= self.discount:
            self.lines = [
                replace(line, discount=off, total=line.total - off)
                for off, line in zip(own, self.lines, strict=True)
            ]
            self.discount -= sum(own, Decimal(0))

    def _is_included(self):
        """Whether prices include the taxes: as the total says, else as the tax's rate says."""
        if not self.tax:
            return True
        over = self.total - self.subtotal - self.shipping
        readings = {False: over - self.tax, True: over}
        for included, rest in readings.items():
            if rest in (0, self.duties):
                return included
        fitting = [included for included in readings if self._taxation(included)]
        if len(fitting) == 1:
            return fitting[0]
        return min(readings, key=lambda included: abs(readings[included]))

    @cached_property
    def rate(self):
        """The taxes' rate together, if they all lie on the same things; None if not, or if nothing names it."""
        rates = []
        for number in _TAX_COLUMNS:
            tax = self.row.amount(f"tax_{number}_value")
            named = _PERCENT.search(self.row.text(f"tax_{number}_name"))
            if tax and not named:
                return None
            if tax:
                rates.append((Decimal(named[1].replace(",", ".")), tax))
        if not rates or not all(rate for rate, _tax in rates):
            return None
        first, first_tax = rates[0]
        alike = all(abs(tax - first_tax * rate / first) <= self.slack for rate, tax in rates)
        together = sum(rate for rate, _tax in rates)
        return together if alike and together <= 100 else None

    def _taxation(self, included):
        """The rate of the shipping and the totals that come nearest to the order's tax; None if they are not near."""
        if self.rate is None:
            return None
        found = []
        for shipping_rate in (self.rate, Decimal(0)):
            computed = money.totals(
                [money.TaxedAmount(line.total, line.tax_rate and self.rate) for line in self.lines],
                shipping=self.shipping,
                shipping_rate=shipping_rate,
                discount=self.discount,
                included=included,
                currency=self.currency,
            )
            found.append((abs(computed.tax - self.tax), shipping_rate, computed))
        off, shipping_rate, computed = min(found, key=lambda one: one[0])
        return (shipping_rate, computed) if off <= self.slack else None

    def facts(self):
        """What an ``OrderRecord`` says of it, and the notes that go with that."""
        shipping_rate, taxes, is_known = Decimal(0), None if not self.tax else (), False
        if self.tax and (taxation := self._taxation(self.included)):
            shipping_rate, computed = taxation
            taxes, is_known = self._shares(computed), True
        rate = self.rate if is_known else Decimal(0)
        lines = [replace(line, tax_rate=line.tax_rate and rate) for line in self.lines]
        rest = self.total - self.net_goods - self.shipping - (0 if self.included else self.tax)
        if 0 < self.duties <= rest:
            lines.append(
                LineRecord(
                    sku="", name=_("Duties"), quantity=Decimal(1), unit_price=self.duties, total=self.duties
                )
            )
            rest -= self.duties
        slack = money.minor_unit(self.currency)
        lines, discount = even_out(lines, self.discount, rest, slack=slack)
        return {
            "currency": self.currency,
            "prices_include_tax": self.included,
            "lines": lines,
            "discount_total": discount,
            "shipping_total": self.shipping,
            "shipping_tax_rate": shipping_rate,
            "tax_total": self.tax,
            "taxes": taxes,
            "total": self.total,
            "notes": told(rest, self.currency, slack),
        }

    def _shares(self, computed):
        """The taxes by rate as the order has them: Shopify rounds line by line, and its cents are kept."""
        off = self.tax - computed.tax
        return tuple(
            replace(share, tax=share.tax + off, net=share.net - (off if self.included else 0))
            if share.rate == self.rate
            else share
            for share in computed.taxes
        )


def _line(item, currency):
    """One thing bought; its ``tax_rate`` says for now only whether it is taxed."""
    quantity, price = item.amount("lineitem_quantity"), item.amount("lineitem_price")
    return LineRecord(
        sku=item.text("lineitem_sku"),
        name=shortened(item.text("lineitem_name") or _("Without a name"), 255),
        quantity=quantity,
        unit_price=price,
        total=money.rounded(quantity * price, currency),
        tax_rate=Decimal(item.text("lineitem_taxable").lower() != "false"),
        data=item.rest(_is_not_of_line) or None,
    )


def _is_not_of_line(name):
    return not _OF_LINE.fullmatch(name)
