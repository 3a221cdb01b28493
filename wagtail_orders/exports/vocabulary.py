"""The words of ``orders.xsd``: which element holds which column, and how its values are written."""

import json
import re
from functools import lru_cache

from .reading import moment, plain

#: Amounts and options come again and again.
_kept = lru_cache(4_000)
#: Longer options are read anew each time.
_KEPT_LENGTH = 200
_read_json = json.JSONDecoder().decode

# What stands for something else in XML, and what XML 1.0 does not know at all (section 2.2, Char).
_UNKNOWN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_IN_TEXT = re.compile(f"[&<>\r{_UNKNOWN}]")
_IN_ATTRIBUTE = re.compile(f'[&<>"\r\n\t{_UNKNOWN}]')
_WRITTEN = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


def _escape(match):
    return _WRITTEN.get(match[0], "\ufffd")


def attribute(value):
    """A text as an attribute holds it."""
    return _IN_ATTRIBUTE.sub(_escape, value)


def _text(value):
    return _IN_TEXT.sub(_escape, value)


# Each of these writes a column of raw values, an absent one as an empty text; ``places`` are the decimals of each
# one's currency.


def _texts(values, places):
    # To look through all at once takes a fraction of looking into each.
    if _IN_TEXT.search("".join(filter(None, values))):
        return [value and _text(value) for value in values]
    return values


def _long_texts(values, places):
    return map(_text, values)


def _codes(values, places):
    """Few different ones, names too; a project's own user model may have numbers for names."""
    written = {value: "" if value is None else _text(str(value)) for value in set(values)}
    return [written[value] for value in values]


def _truths(values, places):
    return ["true" if value else "false" for value in values]


def _moments(values, places):
    # An aware datetime takes four times as long to write.
    return [
        value and (moment(value).isoformat() if value.tzinfo else f"{value.isoformat()}+00:00")
        for value in values
    ]


def _days(values, places):
    return [value.isoformat() for value in values]


@_kept
def _amount(value, places):
    """With the currency's decimals, or with as many as it takes to be exact."""
    if value is None:
        return ""
    whole, decimals = ("%.4f" % (value or 0)).split(".")
    decimals = decimals[:places] + decimals[places:].rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _amounts(values, places):
    return map(_amount, values, places)


def _decimals(values, places):
    return map(plain, values)


def _objects(values, places):
    """JSON in one of the many ways it may be written, and in ASCII, so that no character is lost."""
    return ["" if value == "{}" else _text(json.dumps(_read_json(value), sort_keys=True)) for value in values]


def _taxes(values, places):
    return ["" if value == "[]" else _shares(value) for value in values]


def _shares(value):
    shares = [
        f'\n        <tax rate="{attribute(str(share["rate"]))}">'
        f"\n          <net>{_text(str(share['net']))}</net>"
        f"\n          <amount>{_text(str(share['tax']))}</amount>"
        f"\n        </tax>"
        for share in _read_json(value)
    ]
    return f"{''.join(shares)}\n      "


def _options(values, places):
    return [
        "" if value == "[]" else (_chosen if len(value) < _KEPT_LENGTH else _chosen.__wrapped__)(value)
        for value in values
    ]


@_kept
def _chosen(value):
    options = [
        f'\n          <option name="{attribute(str(name))}">{_text(str(chosen))}</option>'
        for name, chosen in _read_json(value)
    ]
    return f"{''.join(options)}\n        "


class Fields:
    """Columns, and beneath each other the elements that hold them, so many blanks from the left."""

    def __init__(self, blanks, *fields):
        self.columns = tuple(column for column, *_ in fields)
        self._parts = [
            (column, f"{' ' * blanks}<{name}>", write, f"</{name}>\n", is_needed)
            for column, name, write, is_needed in fields
        ]

    def written(self, columns, places):
        """The elements of each row of ``columns``, which are values by name."""
        elements = []
        for column, opening, write, closing, is_needed in self._parts:
            values = write(columns[column], places)
            if is_needed:
                elements.append([f"{opening}{value}{closing}" for value in values])
            else:
                elements.append([f"{opening}{value}{closing}" if value else "" for value in values])
        return map("".join, zip(*elements, strict=True))


def within(blanks, name, content):
    """``content`` in an element, or nothing if there is none."""
    pad = " " * blanks
    return f"{pad}<{name}>\n{content}{pad}</{name}>\n" if content else ""


def _must(column, write=_texts, name=None):
    return column, name or column, write, True


def _may(column, write=_texts, name=None):
    return column, name or column, write, False


STATE = Fields(
    4,
    _must("language", _codes),
    _must("currency", _codes),
    _must("status", _codes),
    _must("payment_status", _codes),
    _must("fulfillment_status", _codes),
    _must("is_archived", _truths),
    _must("needs_look", _truths),
    _must("placed_at", _moments),
    _may("paid_at", _moments),
    _may("handled_at", _moments),
    _may("archived_at", _moments),
    _may("cancelled_at", _moments),
    _must("updated_at", _moments),
)
DUE = Fields(6, _must("amount_due", _amounts))
CUSTOMER = Fields(6, _must("customer_name", name="name"), _may("email"), _may("phone"))
PRICES = Fields(4, _must("prices_include_tax", _truths))
TOTALS = Fields(
    6,
    _must("subtotal", _amounts),
    _must("discount_total", _amounts),
    _must("shipping_total", _amounts),
    _must("shipping_tax_rate", _decimals),
    _must("tax_total", _amounts),
    _may("taxes", _taxes),
    _must("total", _amounts),
    _must("amount_paid", _amounts),
    _must("amount_refunded", _amounts),
)
WISHES = Fields(
    4,
    _may("payment_method", _codes),
    _may("shipping_method_name", name="shipping_method"),
    _may("customer_note", _long_texts),
)
DATA = Fields(4, _may("data", _objects))
SITE = Fields(6, _must("hostname"), _must("port", _codes), _may("site_name", name="name"))
ADDRESS = Fields(
    6,
    _may("name"),
    _may("company"),
    _must("street"),
    _may("postal_code"),
    _may("city"),
    _may("region"),
    _must("country", _codes),
    _may("phone"),
)
LINE = Fields(
    8,
    _may("sku"),
    _must("name"),
    _may("options", _options),
    _must("quantity", _decimals),
    _must("unit_price", _decimals),
    _must("tax_rate", _decimals),
    _must("discount", _decimals),
    _must("total", _amounts),
    _may("tax", _amounts),
    _may("product_url"),
    _may("data", _objects),
)
PAYMENT = Fields(
    8,
    _must("kind", _codes),
    _must("state", _codes),
    _must("amount", _amounts),
    _must("method", _codes),
    _may("reference"),
    _must("is_manual", _truths),
    _must("received_on", _days),
    _must("recorded_at", _moments),
    _may("recorded_by", _codes),
    _may("reason"),
)
SHIPMENT = Fields(
    8,
    _may("shipping_method_name", name="shipping_method"),
    _may("tracking_number"),
    _may("tracking_url"),
    _must("shipped_at", _moments),
    _may("notified_at", _moments),
    _may("cancelled_at", _moments),
)
ITEM = Fields(12, _must("quantity", _decimals))
NOTE = Fields(
    8,
    _must("text", _long_texts),
    _may("author", _codes),
    _must("visible_to_customer", _truths),
    _must("created_at", _moments),
    _may("edited_at", _moments),
)
