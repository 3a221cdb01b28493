"""Orders from our own XML, bit by bit and held against ``orders.xsd``; each mistake with its line and column."""

import json
from datetime import date, datetime
from decimal import Decimal
from xml.parsers import expat

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from lxml import etree

from ..exports.xml import NAMESPACE, SCHEMA, VERSION
from ..lifecycle.inputs import Address
from ..lifecycle.records import LineRecord, NoteRecord, OrderRecord, PaymentRecord, Problem, ShipmentRecord
from ..money import RateTotal
from .readers import Reader

_ANY_NAMESPACE = NAMESPACE.rpartition(":")[0]
_TAG = f"{{{NAMESPACE}}}"

#: Bytes read at once.
CHUNK = 65_536
# What no order of a shop comes to, and no attack gets beyond.
MOST_DEPTH = 32
MOST_ELEMENTS = 500_000
MOST_SIBLINGS = 20_000
MOST_TEXT = 32_000_000
MOST_TOKEN = 4_000_000
#: After so many the rest is not looked at: to say where each one is takes libxml2 ever longer.
MOST_MISTAKES = 100_000
_LONGEST_MESSAGE = 600
#: What libxml2 has instead of a line's number that is as large or larger.
_NO_LINE = 65_535


class _Spoilt(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, message, position):
        self.message, self.position = message, position
        super().__init__(message)


class _Mistake(Exception):
    """One element of an order says what cannot be."""

    def __init__(self, element, message):
        self.element, self.message = element, message
        super().__init__(message)


def read(file):
    """The file's orders, and in between what is wrong with others; see ``Reader``."""
    parsing = _Parsing()
    try:
        while content := file.read(CHUNK):
            parsing.feed(content)
            yield from parsing.take()
        parsing.end()
        yield from parsing.take()
    except (_Spoilt, expat.ExpatError) as error:
        # What ended before the mistake is good.
        yield from parsing.take()
        yield _fatal(error)


def _fatal(error):
    if isinstance(error, _Spoilt):
        return Problem(*error.position, error.message)
    message = _("The file is damaged here, or not XML: %(error)s. Nothing after this place was read.")
    return Problem(error.lineno, error.offset + 1, message % {"error": expat.ErrorString(error.code)})


class _Open:
    """An element that has not ended, how many are within it, and the last one of them."""

    __slots__ = ("children", "element", "last")

    def __init__(self, element):
        self.element, self.last, self.children = element, None, 0


class _Parsing:
    """
    Builds one order at a time. Expat parses, since unlike libxml2 it knows the line and the column of each element
    however long the file is, and since nothing of a DTD happens without our doing.
    """

    def __init__(self):
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.buffer_size = CHUNK
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.fed = self.depth = self.elements = self.length = self.mistakes = 0
        self.open, self.text, self.positions, self.ended = [], [], [], []
        self.schema = etree.XMLSchema(etree.parse(SCHEMA))

    @property
    def position(self):
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1

    def _spoilt(self, message):
        # At once: when the exception is caught, the parser is further on.
        return _Spoilt(message, self.position)

    def feed(self, content):
        self.fed += len(content)
        try:
            self.parser.Parse(content, False)
        except (LookupError, ValueError) as error:
            # Of an encoding that Python does not know, or of a name that lxml does not take.
            message = _("The file cannot be read: %(error)s. Save it as UTF-8.")
            raise self._spoilt(message % {"error": str(error)[:_LONGEST_MESSAGE]}) from None
        if self.fed - self.parser.CurrentByteIndex > MOST_TOKEN:
            raise self._spoilt(_("A tag or comment that begins here is too long for an order."))

    def end(self):
        self.parser.Parse(b"", True)

    def take(self):
        """The orders that have ended, as records or problems."""
        ended, self.ended = self.ended, []
        for order, positions in ended:
            yield self._judge(order, positions)

    def _refuse_doctype(self, *declaration):
        raise self._spoilt(_("A DOCTYPE is not read, since it can make a small file endless. Take it out."))

    def _start(self, name, attributes):
        self.depth += 1
        self.elements += 1
        if self.depth > MOST_DEPTH or self.elements > MOST_ELEMENTS:
            raise self._spoilt(_("There are too many elements within one order."))
        self.length += sum(map(len, attributes.values()))
        if self.depth == 1:
            self._check_root(name, attributes)
            return
        self._put_text()
        attributes = {_clark(name): value for name, value in attributes.items()}
        if self.depth == 2:
            root = etree.Element(f"{_TAG}orders", version=VERSION, nsmap={None: NAMESPACE})
            self.open, self.positions = [_Open(root)], []
        parent = self.open[-1]
        parent.last = etree.SubElement(parent.element, _clark(name), attributes)
        parent.children += 1
        if parent.children > MOST_SIBLINGS:
            raise self._spoilt(_("There are too many elements within one order."))
        self.open.append(_Open(parent.last))
        self.positions.append(self.position)
        # The schema says it of what it does not like.
        parent.last.sourceline = min(len(self.positions), _NO_LINE)

    def _check_root(self, name, attributes):
        namespace, _space, local = name.rpartition(" ")
        if local != "orders" or not namespace.startswith(_ANY_NAMESPACE):
            raise self._spoilt(
                _(
                    "This is not an export of orders: it begins with “%(name)s”, not with “orders” of %(namespace)s."
                )
                % {"name": name[:200], "namespace": NAMESPACE}
            )
        version = attributes.get("version", "")
        if (namespace, version) != (NAMESPACE, VERSION):
            raise self._spoilt(
                _(
                    "This is version “%(given)s” of %(namespace)s; version %(expected)s of %(ours)s can be read. "
                    "Export the orders anew with this version of the order desk."
                )
                % {
                    "given": version[:20],
                    "namespace": namespace[:200],
                    "expected": VERSION,
                    "ours": NAMESPACE,
                }
            )

    def _text(self, text):
        self.length += len(text)
        if self.length > MOST_TEXT:
            raise self._spoilt(_("There is too much text within one order."))
        if self.depth > 1:
            self.text.append(text)
        elif text.strip():
            raise self._spoilt(_("There must be nothing between the orders."))

    def _put_text(self):
        """What was read since the last tag belongs into the open element, or after the last one within it."""
        if not self.text:
            return
        text, self.text = "".join(self.text), []
        if not self.open:
            return
        parent = self.open[-1]
        if parent.last is None:
            parent.element.text = text
        else:
            parent.last.tail = text

    def _end(self, name):
        self._put_text()
        self.depth -= 1
        if self.depth == 0:
            return
        ended = self.open.pop()
        if self.depth == 1:
            self.ended.append((ended.element, self.positions))
            self.open, self.positions = [], []
            self.elements = self.length = 0

    def _judge(self, order, positions):
        number = order.get("number", "")[:50]
        if not self.schema.validate(order.getroottree()):
            errors = list(self.schema.error_log)
            self.mistakes += len(errors)
            if self.mistakes > MOST_MISTAKES:
                message = _("There is too much wrong in this file; the rest was not looked at.")
                raise _Spoilt(message, positions[0])
            return Problem(*_place(errors[0].line, positions), _in_words(errors), number)
        try:
            return _record(order, positions[0][0])
        except _Mistake as mistake:
            return Problem(*_place(mistake.element.sourceline, positions), mistake.message, number)


def _clark(name):
    namespace, _space, local = name.rpartition(" ")
    return f"{{{namespace}}}{local}" if namespace else local


def _place(count, positions):
    """Line and column of an order's so-manieth element; the order's own where that is not known."""
    return positions[count - 1 if count and count < _NO_LINE else 0]


def _in_words(errors):
    """The first mistake as people say it and as the schema does, and how many more there are."""
    error = errors[0]
    said = error.message.replace(_TAG, "")
    name = said.removeprefix("Element '").partition("'")[0]
    kind = error.type_name.removeprefix("SCHEMAV_")
    words = _WORDS.get(kind, _WORDS["OTHER"]) if "Missing child" not in said else _WORDS["MISSING"]
    message = words % {"name": name}
    if len(said) > _LONGEST_MESSAGE:
        said = f"{said[:_LONGEST_MESSAGE]}…"
    message = _("%(words)s The schema says: %(said)s") % {"words": message, "said": said}
    if more := len(errors) - 1:
        message += " " + ngettext(
            "There is %(count)d more mistake in this order.",
            "There are %(count)d more mistakes in this order.",
            more,
        ) % {"count": more}
    return message


_WORDS = {
    "ELEMENT_CONTENT": gettext_lazy(
        "“%(name)s” does not belong here: it is unknown or out of turn, or what must stand before it is missing."
    ),
    "MISSING": gettext_lazy("Something is missing within “%(name)s”."),
    "CVC_COMPLEX_TYPE_2_3": gettext_lazy(
        "Within “%(name)s” there is text that belongs to none of its elements."
    ),
    "CVC_COMPLEX_TYPE_4": gettext_lazy("An attribute of “%(name)s” is missing."),
    "CVC_COMPLEX_TYPE_3_2_1": gettext_lazy("“%(name)s” has an attribute that is not known."),
    "CVC_MAXLENGTH_VALID": gettext_lazy("What “%(name)s” says is too long; shorten it."),
    "CVC_MINLENGTH_VALID": gettext_lazy("“%(name)s” is empty; leave it out or fill it."),
    "CVC_ENUMERATION_VALID": gettext_lazy("“%(name)s” says something that is not known."),
    "CVC_IDC": gettext_lazy("“%(name)s” names a position that is there twice, or not at all."),
    "OTHER": gettext_lazy("What “%(name)s” says is not written as it must be."),
}


# --- From an order that is valid to its record


def _record(order, line):
    parts = _parts(order)
    for fact, stated, when in (
        ("status", _word(parts, "status") == "cancelled", "cancelled_at"),
        ("is_archived", _truth(parts, "is_archived"), "archived_at"),
    ):
        if stated != (when in parts):
            message = _("“%(fact)s” and “%(date)s” contradict each other; correct one of the two.")
            raise _Mistake(parts[fact], message % {"fact": fact, "date": when})
    customer, totals = _parts(parts["customer"]), _parts(parts["totals"])
    return OrderRecord(
        number=order.get("number"),
        site=_site(parts.get("site")),
        language=_word(parts, "language"),
        currency=_word(parts, "currency"),
        payment_status=_word(parts, "payment_status"),
        fulfillment_status=_word(parts, "fulfillment_status"),
        needs_look=_truth(parts, "needs_look"),
        placed_at=_moment(parts, "placed_at"),
        paid_at=_moment(parts, "paid_at"),
        handled_at=_moment(parts, "handled_at"),
        archived_at=_moment(parts, "archived_at"),
        cancelled_at=_moment(parts, "cancelled_at"),
        updated_at=_moment(parts, "updated_at"),
        customer_name=_word(customer, "name"),
        email=_word(customer, "email"),
        phone=_word(customer, "phone"),
        billing_address=_address(parts.get("billing_address")),
        shipping_address=_address(parts.get("shipping_address")),
        prices_include_tax=_truth(parts, "prices_include_tax"),
        lines=tuple(map(_line, parts.get("lines", ()))),
        subtotal=_decimal(totals, "subtotal"),
        discount_total=_decimal(totals, "discount_total"),
        shipping_total=_decimal(totals, "shipping_total"),
        shipping_tax_rate=_decimal(totals, "shipping_tax_rate"),
        tax_total=_decimal(totals, "tax_total"),
        taxes=tuple(map(_tax, totals.get("taxes", ()))),
        total=_decimal(totals, "total"),
        amount_paid=_decimal(totals, "amount_paid"),
        amount_refunded=_decimal(totals, "amount_refunded"),
        payment_method=_word(parts, "payment_method"),
        shipping_method_name=_word(parts, "shipping_method"),
        customer_note=_word(parts, "customer_note"),
        payments=tuple(map(_payment, parts.get("payments", ()))),
        shipments=tuple(map(_shipment, parts.get("shipments", ()))),
        notes=tuple(map(_note, parts.get("notes", ()))),
        data=_json(parts),
        line=line,
    )


def _parts(element):
    """An element's children by their names."""
    start = len(_TAG)
    return {child.tag[start:]: child for child in element}


def _word(parts, name):
    child = parts.get(name)
    return "" if child is None else child.text or ""


def _decimal(parts, name):
    return Decimal(parts[name].text.strip()) if name in parts else None


def _truth(parts, name):
    return parts[name].text.strip() == "true"


def _moment(parts, name):
    return datetime.fromisoformat(parts[name].text.strip()) if name in parts else None


def _json(parts):
    if "data" not in parts:
        return None
    try:
        data = json.loads(parts["data"].text)
    except (ValueError, RecursionError) as error:
        raise _Mistake(parts["data"], _("“data” is not JSON: %(error)s.") % {"error": error}) from None
    if not isinstance(data, dict):
        raise _Mistake(parts["data"], _('“data” must be a JSON object, such as {"colour": "green"}.'))
    return data


def _site(site):
    if site is None:
        return None
    parts = _parts(site)
    port = int(parts["port"].text)
    return parts["hostname"].text if port == 80 else f"{parts['hostname'].text}:{port}"


def _address(address):
    if address is None:
        return None
    parts = _parts(address)
    return Address(**{name: _word(parts, name) for name in Address.__dataclass_fields__})


def _line(line):
    parts = _parts(line)
    return LineRecord(
        position=int(line.get("position")),
        sku=_word(parts, "sku"),
        name=_word(parts, "name"),
        options=tuple((option.get("name"), option.text or "") for option in parts.get("options", ())),
        quantity=_decimal(parts, "quantity"),
        unit_price=_decimal(parts, "unit_price"),
        tax_rate=_decimal(parts, "tax_rate"),
        discount=_decimal(parts, "discount"),
        total=_decimal(parts, "total"),
        tax=_decimal(parts, "tax"),
        product_url=_word(parts, "product_url"),
        data=_json(parts),
    )


def _tax(tax):
    parts = _parts(tax)
    return RateTotal(
        rate=Decimal(tax.get("rate").strip()), net=_decimal(parts, "net"), tax=_decimal(parts, "amount")
    )


def _payment(payment):
    parts = _parts(payment)
    return PaymentRecord(
        kind=_word(parts, "kind"),
        state=_word(parts, "state"),
        amount=_decimal(parts, "amount"),
        method=_word(parts, "method"),
        reference=_word(parts, "reference") or None,
        is_manual=_truth(parts, "is_manual"),
        received_on=date.fromisoformat(parts["received_on"].text.strip()),
        recorded_at=_moment(parts, "recorded_at"),
        recorded_by=_word(parts, "recorded_by"),
        reason=_word(parts, "reason"),
    )


def _shipment(shipment):
    parts = _parts(shipment)
    return ShipmentRecord(
        shipping_method_name=_word(parts, "shipping_method"),
        tracking_number=_word(parts, "tracking_number"),
        tracking_url=_word(parts, "tracking_url"),
        shipped_at=_moment(parts, "shipped_at"),
        notified_at=_moment(parts, "notified_at"),
        cancelled_at=_moment(parts, "cancelled_at"),
        lines=_items(parts.get("items", ())),
    )


def _items(items):
    quantities = {}
    for item in items:
        position = int(item.get("line"))
        if position in quantities:
            message = _("Line %(position)s is in this parcel already; give it once, with the whole quantity.")
            raise _Mistake(item, message % {"position": position})
        quantities[position] = _decimal(_parts(item), "quantity")
    return quantities


def _note(note):
    parts = _parts(note)
    return NoteRecord(
        text=_word(parts, "text"),
        author=_word(parts, "author"),
        visible_to_customer=_truth(parts, "visible_to_customer"),
        created_at=_moment(parts, "created_at"),
        edited_at=_moment(parts, "edited_at"),
    )


def matches(head):
    """Whether it is XML at all: what is not ours is better told from within."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return b"<" in head[2:4]
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


READER = Reader(
    name="xml",
    label="XML",
    suffixes=(".xml",),
    matches=matches,
    read=read,
    description=gettext_lazy("An export of this order desk, from here or from another site."),
)
