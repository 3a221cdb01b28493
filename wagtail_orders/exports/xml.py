"""Orders as XML, in a vocabulary of their own: ``orders.xsd`` describes it, docs/xml.md explains it."""

from collections import defaultdict
from operator import itemgetter
from pathlib import Path

from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _
from lxml import etree
from wagtail.models import Site

from ..models import (
    Order,
    OrderAddress,
    OrderLine,
    OrderNote,
    Payment,
    PaymentStatus,
    Shipment,
    ShipmentLine,
)
from ..money import digits
from . import vocabulary as words
from .reading import rows
from .registry import Format

NAMESPACE = "urn:wagtail-orders:orders:1"
VERSION = "1.0"
SCHEMA = Path(__file__).with_name("orders.xsd")

#: So many bytes are handed on at once.
_BLOCK = 64_000
_ROOT = {"version": VERSION, "nsmap": {None: NAMESPACE}}
#: In the order in which the elements stand; what the order itself is told by comes after them.
_COLUMNS = (
    *words.STATE.columns,
    *words.CUSTOMER.columns,
    *words.PRICES.columns,
    *words.TOTALS.columns,
    *words.WISHES.columns,
    *words.DATA.columns,
    *("pk", "site_id", "number"),
)
_FACTS = ("pk", "site_id", "number", "currency", "payment_status", "total", "amount_paid")
_facts = itemgetter(*map(_COLUMNS.index, _FACTS))
#: Columns that lead to a user, of whom the user name is told.
_PEOPLE = {"recorded_by", "author"}


def write(selection):
    """The file, block by block. Nothing in it tells who made it or when: the same orders give the same bytes."""
    sink = _Sink()
    with etree.xmlfile(sink, encoding="UTF-8") as file:
        file.write_declaration()
        with file.element(f"{{{NAMESPACE}}}orders", **_ROOT):
            file.flush()
            yield sink.taken()
            sites = _sites()
            for pks in selection.chunks():
                for order in _Chunk(pks, sites).elements():
                    file.write("\n  ", order)
                    if sink.size > _BLOCK:
                        yield sink.taken()
            file.write("\n")
    yield sink.taken() + b"\n"


class _Sink:
    """Where lxml writes to."""

    def __init__(self):
        self.parts, self.size = [], 0

    def write(self, part):
        self.parts.append(part)
        self.size += len(part)

    def taken(self):
        taken = b"".join(self.parts)
        self.__init__()
        return taken


def _sites():
    """Each site's element by the site's primary key."""
    sites = rows(Site.objects.order_by(), *words.SITE.columns, "pk")
    return {row[-1]: words.within(4, "site", words.SITE.written(row)) for row in sites}


class _Chunk:
    """Some orders with all that belongs to them, in seven queries."""

    def __init__(self, pks, sites):
        self.pks, self.sites = pks, sites
        self.user_name = get_user_model().USERNAME_FIELD
        orders = rows(Order.objects.filter(pk__in=pks).order_by(), *_COLUMNS)
        self.orders = {_facts(row)[0]: row for row in orders}
        self.addresses = self._read(OrderAddress, words.ADDRESS, "order_id", "kind")
        self.lines = self._read(OrderLine, words.LINE, "order_id", "position")
        self.payments = self._read(Payment, words.PAYMENT, "order_id", "pk")
        self.shipments = self._read(Shipment, words.SHIPMENT, "order_id", "pk")
        self.items = self._read(ShipmentLine, words.ITEM, "shipment_id", "line__position", "shipment__order")
        self.notes = self._read(OrderNote, words.NOTE, "order_id", "pk")

    def _read(self, model, fields, owner, key, order="order"):
        """The model's rows by their owner, in the order of ``key``, which comes last in each."""
        columns = [f"{name}__{self.user_name}" if name in _PEOPLE else name for name in fields.columns]
        found = model.objects.filter(**{f"{order}__in": self.pks}).order_by(owner, key)
        by_owner = defaultdict(list)
        for row in rows(found, *columns, owner, key):
            by_owner[row[-2]].append(row)
        return by_owner

    def elements(self):
        """Each order's element."""
        # Composed as text and read by lxml, which finds fault with what is not well-formed: with a call of lxml's
        # for each value it would take half as long again. Without a namespace, as it comes to stand in the root's.
        parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True, collect_ids=False)
        for pk in self.pks:
            if pk in self.orders:
                yield etree.fromstring(self._order(pk), parser)

    def _order(self, pk):
        row = self.orders[pk]
        pk, site, number, currency, status, total, paid = _facts(row)
        places = digits(currency)
        due = 0 if status == PaymentStatus.REFUNDED else max(total - paid, 0)
        # Each part takes its own columns, so they stand in the order of ``_COLUMNS``.
        values = iter(row)
        return "".join(
            (
                f'<order number="{words.attribute(number)}">\n',
                self.sites.get(site, ""),
                words.STATE.written(values, places),
                words.within(4, "customer", words.CUSTOMER.written(values, places)),
                *[_entry(4, f"{row[-1]}_address", words.ADDRESS, row, places) for row in self.addresses[pk]],
                words.PRICES.written(values, places),
                words.within(4, "lines", "".join([_line(row, places) for row in self.lines[pk]])),
                f"    <totals>\n{words.TOTALS.written(values, places)}",
                f"      <amount_due>{words.amount(due, places)}</amount_due>\n    </totals>\n",
                words.WISHES.written(values, places),
                _list("payments", "payment", words.PAYMENT, self.payments[pk], places),
                words.within(4, "shipments", "".join(map(self._shipment, self.shipments[pk]))),
                _list("notes", "note", words.NOTE, self.notes[pk], places),
                words.DATA.written(values, places),
                "  </order>",
            )
        )

    def _shipment(self, row):
        items = "".join(map(_item, self.items[row[-1]]))
        return words.within(6, "shipment", words.SHIPMENT.written(row) + words.within(8, "items", items))


def _line(row, places):
    return f'      <line position="{row[-1]}">\n{words.LINE.written(row, places)}      </line>\n'


def _item(row):
    return f'          <item line="{row[-1]}">\n{words.ITEM.written(row)}          </item>\n'


def _entry(blanks, name, fields, row, places):
    return words.within(blanks, name, fields.written(row, places))


def _list(name, entry, fields, found, places):
    return words.within(4, name, "".join([_entry(6, entry, fields, row, places) for row in found]))


XML = Format(
    name="xml",
    label="XML",
    suffix="xml",
    content_type="application/xml",
    write=write,
    description=_("Everything of an order, for other programs and for bringing orders over to another site."),
)
