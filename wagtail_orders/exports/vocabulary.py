"""The words of ``orders.xsd``: which element holds which column, and how a value is written."""

import json
import re
from functools import lru_cache

from .reading import moment, plain

#: Codes, amounts, rates and options come again and again.
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


# Each of these writes one column's raw value; ``places`` are the decimals of the order's currency.


def _text(value, places=None):
    return _IN_TEXT.sub(_escape, value) if _IN_TEXT.search(value) else value


_code = _kept(_text)


def _name(value, places):
    """Of a user or a port: a project's own user model may count its users."""
    return _text(str(value))


def _truth(value, places):
    return "true" if value else "false"


def _moment(value, places):
    # datetime writes the same for an aware one, in four times the time.
    written = value.isoformat()
    return f"{written}+00:00" if value.tzinfo is None else moment(value).isoformat()


def _day(value, places):
    return value.isoformat()


@_kept
def amount(value, places):
    """With the currency's decimals, or with as many as it takes to be exact."""
    whole, decimals = ("%.4f" % (value or 0)).split(".")
    decimals = decimals[:places] + decimals[places:].rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


@_kept
def _plain(value, places):
    return plain(value)


def _json(value, places):
    """In one of the many ways that JSON may be written, and in ASCII, so that no character is lost."""
    return _text(json.dumps(_read_json(value), sort_keys=True))


def _taxes(value, places):
    shares = [
        f'<tax rate="{attribute(str(share["rate"]))}">'
        f"\n          <net>{_text(str(share['net']))}</net>"
        f"\n          <amount>{_text(str(share['tax']))}</amount>"
        f"\n        </tax>"
        for share in _read_json(value)
    ]
    return "".join(f"\n        {share}" for share in shares) + "\n      "


@_kept
def _kept_options(value):
    options = [
        f'\n          <option name="{attribute(str(name))}">{_text(str(chosen))}</option>'
        for name, chosen in _read_json(value)
    ]
    return f"{''.join(options)}\n        "


def _options(value, places):
    return (_kept_options if len(value) < _KEPT_LENGTH else _kept_options.__wrapped__)(value)


class Fields:
    """Columns, and beneath each other the elements that hold them, so many blanks from the left."""

    def __init__(self, blanks, *fields):
        self.columns = tuple(column for column, *_ in fields)
        self._parts = [
            (f"{' ' * blanks}<{name}>", write, f"</{name}>\n", empty) for _, name, write, empty in fields
        ]

    def written(self, values, places=2):
        """The elements of as many ``values`` as there are columns; an iterator keeps the rest."""
        return "".join(
            [
                f"{opening}{write(value, places)}{closing}"
                for (opening, write, closing, empty), value in zip(self._parts, values, strict=False)
                if value is not None and value not in empty
            ]
        )


def within(blanks, name, content):
    """``content`` in an element, or nothing if there is none."""
    pad = " " * blanks
    return f"{pad}<{name}>\n{content}{pad}</{name}>\n" if content else ""


def _must(column, write=_text, name=None):
    return column, name or column, write, ()


def _may(column, write=_text, name=None, empty=("",)):
    return column, name or column, write, empty


def _may_at(column):
    return _may(column, _moment, empty=())


STATE = Fields(
    4,
    _must("language", _code),
    _must("currency", _code),
    _must("status", _code),
    _must("payment_status", _code),
    _must("fulfillment_status", _code),
    _must("is_archived", _truth),
    _must("needs_look", _truth),
    _must("placed_at", _moment),
    _may_at("paid_at"),
    _may_at("handled_at"),
    _may_at("archived_at"),
    _may_at("cancelled_at"),
    _must("updated_at", _moment),
)
CUSTOMER = Fields(6, _must("customer_name", name="name"), _may("email"), _may("phone"))
PRICES = Fields(4, _must("prices_include_tax", _truth))
TOTALS = Fields(
    6,
    _must("subtotal", amount),
    _must("discount_total", amount),
    _must("shipping_total", amount),
    _must("shipping_tax_rate", _plain),
    _must("tax_total", amount),
    _may("taxes", _taxes, empty=("[]",)),
    _must("total", amount),
    _must("amount_paid", amount),
    _must("amount_refunded", amount),
)
WISHES = Fields(
    4,
    _may("payment_method", _code),
    _may("shipping_method_name", name="shipping_method"),
    _may("customer_note"),
)
DATA = Fields(4, _may("data", _json, empty=("{}",)))
SITE = Fields(6, _must("hostname"), _must("port", _name), _may("site_name", name="name"))
ADDRESS = Fields(
    6,
    _may("name"),
    _may("company"),
    _must("street"),
    _may("postal_code"),
    _may("city"),
    _may("region"),
    _must("country", _code),
    _may("phone"),
)
LINE = Fields(
    8,
    _may("sku"),
    _must("name"),
    _may("options", _options, empty=("[]",)),
    _must("quantity", _plain),
    _must("unit_price", _plain),
    _must("tax_rate", _plain),
    _must("discount", _plain),
    _must("total", amount),
    _may("tax", amount, empty=()),
    _may("product_url"),
    _may("data", _json, empty=("{}",)),
)
PAYMENT = Fields(
    8,
    _must("kind", _code),
    _must("state", _code),
    _must("amount", amount),
    _must("method", _code),
    _may("reference"),
    _must("is_manual", _truth),
    _must("received_on", _day),
    _must("recorded_at", _moment),
    _may("recorded_by", _name),
    _may("reason"),
)
SHIPMENT = Fields(
    8,
    _may("shipping_method_name", name="shipping_method"),
    _may("tracking_number"),
    _may("tracking_url"),
    _must("shipped_at", _moment),
    _may_at("notified_at"),
    _may_at("cancelled_at"),
)
ITEM = Fields(12, _must("quantity", _plain))
NOTE = Fields(
    8,
    _must("text"),
    _may("author", _name),
    _must("visible_to_customer", _truth),
    _must("created_at", _moment),
    _may_at("edited_at"),
)
