"""What a table of parcels would do: which lines are right, which are wrong and why."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from .. import lifecycle
from ..lifecycle.shipping import link_for
from ..models import Order, OrderAddress, ShippingMethod
from ..tracking import read_numbers
from .parcel_forms import doubt, several
from .parcel_input import ParcelInput, read_parcel
from .parcel_table import Line

#: More numbers in a sentence would be read by nobody.
MOST_NAMED = 20
_UNREAD = ("data", "customer_note", "taxes", "search_text")


def orders_to_ship():
    """Orders with what shipping them needs to know, in two queries."""
    shipping = OrderAddress.objects.filter(kind=OrderAddress.Kind.SHIPPING)
    return (
        Order.objects.order_by()
        .defer(*_UNREAD)
        .select_related("shipping_method")
        .prefetch_related(Prefetch("addresses", shipping))
    )


def refused(orders):
    """Why which of ``orders`` cannot be shipped as they are."""
    parcels = [lifecycle.Parcel(order) for order in orders]
    return lifecycle.ship_many(parcels, dry_run=True).refused


def read_for(order, text, *, method, methods):
    """What was typed for ``order`` as ``ParcelInput``, with the order's own method unless one is given."""
    typed = read_numbers(text)
    if len(typed) > 1:
        raise ValidationError(several(typed))
    return read_parcel(text, method=method or order.shipping_method, methods=methods)


def as_parcel(order, typed):
    """What the verb takes of what was typed."""
    return lifecycle.Parcel(order, typed.number, typed.url, typed.method)


@dataclass
class Row:
    """A line of the table, and what would become of it."""

    line: Line
    order: Order | None = None
    typed: ParcelInput | None = None
    #: What is wrong with it, for people.
    error: Any = ""
    #: What is wrong says nothing about the order's other lines.
    is_harmless: bool = False
    is_empty: bool = False

    def leave_out(self, error, *, is_harmless=False):
        self.error, self.is_harmless = error, is_harmless

    @property
    def place(self):
        """Where it stands, for people: ``Line 4 (2026-00012)``."""
        place = _("Line %(position)s") % {"position": self.line.position}
        return f"{place} ({Truncator(self.line.order).chars(60)})" if self.line.order else place

    @property
    def method_name(self):
        return self.typed.method.name if self.typed.method else self.order.shipping_method_name

    @property
    def link(self):
        order, typed = self.order, self.typed
        return typed.url or link_for(typed.method, typed.number, order.shipping_address, order.language)


class Plan:
    """All lines of a table against the orders as they are, in a constant number of queries."""

    def __init__(self, lines):
        self.lines = lines
        self.rows = [Row(line, self._orders.get(line.order)) for line in lines]
        self._seen = {}
        for row in self.rows:
            self._judge(row)
        self._spare_the_others()

    @cached_property
    def _orders(self):
        found = orders_to_ship().filter(number__in={line.order for line in self.lines if line.order})
        return {order.number: order for order in found}

    @cached_property
    def _refused(self):
        return refused(self._orders.values())

    @cached_property
    def _methods(self):
        return list(ShippingMethod.objects.order_by("-is_active", "sort_order", "name", "pk"))

    @cached_property
    def _offered(self):
        return [method for method in self._methods if method.is_active]

    @property
    def right(self):
        """The lines that are shipped."""
        return [row for row in self.rows if not row.error]

    @property
    def wrong(self):
        """The lines that are left out because something is wrong with them."""
        return [row for row in self.rows if row.error and not row.is_empty]

    @property
    def empty(self):
        """The lines that are left out because they have no parcel number yet."""
        return [row for row in self.rows if row.is_empty]

    @property
    def doubtful(self):
        return [row for row in self.right if row.typed.is_doubtful]

    @cached_property
    def shared(self):
        """The numbers that stand beside several orders."""
        orders_of = {}
        for row in self.right:
            orders_of.setdefault(row.typed.number or row.typed.url, set()).add(row.order.pk)
        return [number for number, orders in orders_of.items() if len(orders) > 1]

    @property
    def questions(self):
        """What is asked before it is done, each as a sentence."""
        questions = [doubt([row.typed.number for row in self.doubtful])] if self.doubtful else []
        if self.shared:
            numbers = ", ".join(self.shared[:MOST_NAMED])
            questions.append(
                _("Look once more: several orders have the same number: %(numbers)s.") % {"numbers": numbers}
            )
        return questions

    @property
    def orders(self):
        """The orders that are shipped."""
        return list({row.order.pk: row.order for row in self.right}.values())

    @property
    def parcels(self):
        return [as_parcel(row.order, row.typed) for row in self.right]

    @cached_property
    def fingerprint(self):
        """A short name for exactly these parcels of the orders as they are."""
        fates = [
            (row.line.position, row.order.pk, row.order.version, row.method_name, row.typed.number, row.link)
            for row in self.right
        ]
        return hashlib.sha256(repr(fates).encode()).hexdigest()

    def _judge(self, row):
        line, order = row.line, row.order
        if line.error:
            row.leave_out(line.error)
        elif not line.order:
            row.leave_out(_("The order number is missing."))
        elif order is None:
            row.leave_out(_("There is no order with this number."))
        elif order in self._refused:
            row.leave_out(
                _("Order %(number)s %(reason)s.") % {"number": order.number, "reason": self._refused[order]}
            )
        elif not line.parcel:
            row.is_empty = True
            row.leave_out(_("The parcel number is missing."), is_harmless=True)
        else:
            self._read(row)

    def _read(self, row):
        try:
            method = self._method(row)
            row.typed = read_for(row.order, row.line.parcel, method=method, methods=self._offered)
        except ValidationError as error:
            row.leave_out(error.messages[0])
            return
        parcel = (row.order.pk, row.typed.number or row.typed.url)
        first = self._seen.setdefault(parcel, row)
        if first is not row:
            row.leave_out(_("Line %(line)s says the same.") % {"line": first.line.position}, is_harmless=True)

    def _method(self, row):
        """The method that a line names or whose carrier it names; None is the order's own."""
        name = row.line.method.casefold()
        if name in ("", row.order.shipping_method_name.casefold()):
            return None
        own = [row.order.shipping_method] if row.order.shipping_method else []
        for method in (*own, *self._methods):
            if name == method.name.casefold():
                return method
        for method in (*own, *self._methods):
            if name == method.carrier.casefold():
                return method
        raise ValidationError(
            _("There is no shipping method “%(name)s”."), params={"name": row.line.method[:80]}
        )

    def _spare_the_others(self):
        """An order goes out with all its lines or with none: afterwards nothing would be left for the corrected one."""
        spoilt = {
            row.order.pk: row.line.position
            for row in self.rows
            if row.order and row.error and not row.is_harmless and row.order not in self._refused
        }
        for row in self.right:
            if row.order.pk in spoilt:
                row.leave_out(_("Line %(line)s of the same order is wrong.") % {"line": spoilt[row.order.pk]})
