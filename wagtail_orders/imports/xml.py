"""Orders from our own XML, bit by bit and held against ``orders.xsd``; each mistake with its line and column."""

from xml.parsers import expat

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from lxml import etree

from ..exports.xml import NAMESPACE, SCHEMA, VERSION
from ..lifecycle.records import Problem
from .readers import Reader
from .xml_records import Mistake, record_of

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
            return record_of(order, positions[0][0])
        except Mistake as mistake:
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
