"""Orders as XML, in a vocabulary of their own: ``orders.xsd`` describes it, docs/xml.md explains it."""

from collections import defaultdict
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
from .reading import Keys, rows
from .registry import Format

NAMESPACE = "urn:wagtail-orders:orders:1"
VERSION = "1.0"
SCHEMA = Path(__file__).with_name("orders.xsd")

#: So many bytes are handed on at once.
_BLOCK = 64_000
_ROOT = {"version": VERSION, "nsmap": {None: NAMESPACE}}
_COLUMNS = (
    *("pk", "site_id", "number"),
    *words.STATE.columns,
    *words.CUSTOMER.columns,
    *words.PRICES.columns,
    *words.TOTALS.columns,
    *words.WISHES.columns,
    *words.DATA.columns,
)
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


def _columns(names, found):
    """Rows as values by the columns' names."""
    return dict(zip(names, zip(*found, strict=True), strict=True)) if found else dict.fromkeys(names, ())


def _sites():
    """Each site's element by the site's primary key."""
    columns = _columns(("pk", *words.SITE.columns), rows(Site.objects.order_by(), "pk", *words.SITE.columns))
    written = words.SITE.written(columns, ())
    return {pk: words.within(4, "site", site) for pk, site in zip(columns["pk"], written, strict=True)}


class _Chunk:
    """Some orders with all that belongs to them, read in seven queries and written column by column."""

    def __init__(self, pks, sites):
        self.pks, self.sites, self.keys = pks, sites, Keys(pks)
        self.user_name = get_user_model().USERNAME_FIELD
        found = rows(Order.objects.filter(pk__in=self.keys).order_by(), *_COLUMNS)
        self.columns = _columns(_COLUMNS, found)
        self.places = dict(zip(self.columns["pk"], map(digits, self.columns["currency"]), strict=True))

    def _written(self, model, fields, key, *, owner="order_id", path="order"):
        """Of each of the model's rows: whose it is, its ``key``, and its elements; by owner and key."""
        columns = [f"{name}__{self.user_name}" if name in _PEOPLE else name for name in fields.columns]
        found = model.objects.filter(**{f"{path}__in": self.keys}).order_by(owner, key)
        values = _columns((owner, key, *fields.columns), rows(found, owner, key, *columns))
        owners = values[owner]
        places = [self.places.get(pk, 2) for pk in owners]
        return zip(owners, values[key], fields.written(values, places), strict=True)

    def _addresses(self):
        for pk, kind, elements in self._written(OrderAddress, words.ADDRESS, "kind"):
            yield pk, words.within(4, f"{kind}_address", elements)

    def _lines(self):
        for pk, position, elements in self._written(OrderLine, words.LINE, "position"):
            yield pk, f'      <line position="{position}">\n{elements}      </line>\n'

    def _entries(self, model, fields, name):
        for pk, _key, elements in self._written(model, fields, "pk"):
            yield pk, words.within(6, name, elements)

    def _items(self):
        items = self._written(
            ShipmentLine, words.ITEM, "line__position", owner="shipment_id", path="shipment__order"
        )
        for pk, position, elements in items:
            yield pk, f'          <item line="{position}">\n{elements}          </item>\n'

    def _shipments(self):
        items = _by_owner(self._items())
        for pk, shipment, elements in self._written(Shipment, words.SHIPMENT, "pk"):
            yield pk, words.within(6, "shipment", elements + words.within(8, "items", items(shipment)))

    def elements(self):
        """Each order's element."""
        # Composed as text and read by lxml, which finds fault with what is not well-formed: with a call of lxml's
        # for each value it would take half as long again. Without a namespace, as it comes to stand in the root's.
        parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True, collect_ids=False)
        composed = self._composed()
        for pk in self.pks:
            if order := composed.pop(pk, None):
                yield etree.fromstring(order, parser)

    def _composed(self):
        """Each order's text by its primary key."""
        addresses = _by_owner(self._addresses())
        lines = _by_owner(self._lines())
        payments = _by_owner(self._entries(Payment, words.PAYMENT, "payment"))
        shipments = _by_owner(self._shipments())
        notes = _by_owner(self._entries(OrderNote, words.NOTE, "note"))
        columns, places = self.columns, list(self.places.values())
        columns["amount_due"] = _due(columns)
        parts = (words.STATE, words.CUSTOMER, words.PRICES, words.TOTALS, words.DUE, words.WISHES, words.DATA)
        written = [part.written(columns, places) for part in parts]
        orders = zip(columns["pk"], columns["site_id"], columns["number"], *written, strict=True)
        return {
            pk: "".join(
                (
                    f'<order number="{words.attribute(number)}">\n',
                    self.sites.get(site, ""),
                    state,
                    words.within(4, "customer", customer),
                    addresses(pk),
                    prices,
                    words.within(4, "lines", lines(pk)),
                    words.within(4, "totals", totals + due),
                    wishes,
                    words.within(4, "payments", payments(pk)),
                    words.within(4, "shipments", shipments(pk)),
                    words.within(4, "notes", notes(pk)),
                    data,
                    "  </order>",
                )
            )
            for pk, site, number, state, customer, prices, totals, due, wishes, data in orders
        }


def _by_owner(pairs):
    """Texts of pairs of an owner and a text: a function that gives an owner's, one after the other."""
    by_owner = defaultdict(list)
    for owner, text in pairs:
        by_owner[owner].append(text)
    return lambda owner: "".join(by_owner.get(owner, ()))


def _due(columns):
    """As ``Order.amount_due`` has it."""
    facts = zip(columns["payment_status"], columns["total"], columns["amount_paid"], strict=True)
    return [0 if status == PaymentStatus.REFUNDED else max(total - paid, 0) for status, total, paid in facts]


XML = Format(
    name="xml",
    label="XML",
    suffix="xml",
    content_type="application/xml",
    write=write,
    description=_("Everything of an order, for other programs and for bringing orders over to another site."),
)
