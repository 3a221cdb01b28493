"""
The lists that WooCommerce's exports put into one cell, such as ``line_items``.

Either JSON, or items between ``;`` (fees and notes of one extension: ``||``) whose facts stand between ``|``, each as
``name:value``. In values the one extension writes ``\\:``, ``\\|`` and ``\\;``; the other writes them as they are.
"""

import html
import json
import re

from django.utils.translation import gettext as _

from .values import Unreadable, shortened

#: The facts that items begin with: only before one of these does a separator end an item.
_FIRST = "id|name|title|code|rate_id|method_id|items|amount|date|content"
_ITEMS = re.compile(rf"(?<!\\)(?:;|\|\|)\s*(?=(?:{_FIRST}):)")
_FACTS = re.compile(r"(?<!\\)\|")
_COLON = re.compile(r"(?<!\\):")
_ESCAPED = re.compile(r"\\([:|;])")
_ESCAPED_PAIR = re.compile(r"\\([,=])")
#: ``Color=Red,Size=L``, where commas and equals signs of the values have a backslash.
_PAIRS = re.compile(r"(?<!\\),")
_EQUALS = re.compile(r"(?<!\\)=")
#: Facts of an item; whatever else it has is an option of the product.
_NO_OPTIONS = re.compile(
    r"id|name|title|product_id|sku|quantity|qty|total|sub_?total|(sub)?total_tax|tax(_\w+)?|taxes|taxable|meta"
    r"|refunded(_qty)?"
)


def read_items(text):
    """A cell's items, each a dictionary of texts; JSON's inner dictionaries and lists stay as they are."""
    if not text:
        return []
    if text.startswith(("[", "{")):
        return _from_json(text)
    return [_facts(item) for item in _ITEMS.split(text)]


def read_item(text):
    """The one item of a cell, in which a semicolon is nothing but one."""
    return _from_json(text)[0] if text.startswith("{") else _facts(text)


def items_in(row, column, read=read_items):
    """The items in a row's column; what is wrong with one is wrong with the cell."""
    try:
        return read(row.text(column))
    except Unreadable as error:
        raise row.unreadable(column, error.message) from None


def read_options(item):
    """Pairs of a name and a value: the product's options, however they are written."""
    pairs = _meta(item.get("meta", ""))
    pairs += [
        (name.removeprefix("meta:"), value) for name, value in item.items() if not _NO_OPTIONS.fullmatch(name)
    ]
    # WordPress hides what begins with an underscore.
    shown = [(name, _text(value)) for name, value in pairs if value and not name.startswith("_")]
    return tuple((shortened(name, 255), shortened(str(value), 2000)) for name, value in shown)


def _meta(meta):
    if isinstance(meta, str) and meta.startswith(("[{", "{")):
        meta = _from_json(meta)
    if isinstance(meta, str):
        return [_pair(text) for text in _PAIRS.split(meta) if text]
    pairs = []
    for entry in [meta] if isinstance(meta, dict) else meta if isinstance(meta, list) else ():
        if isinstance(entry, dict):
            pairs += [(str(entry["key"]), entry.get("value"))] if "key" in entry else entry.items()
    return pairs


def _pair(text):
    *name, value = (_ESCAPED_PAIR.sub(r"\1", half).strip() for half in _EQUALS.split(text, maxsplit=1))
    return name[0] if name else "", value


def _from_json(text):
    try:
        items = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise Unreadable(_("This begins as JSON and is none. Export the order anew.")) from None
    items = items if isinstance(items, list) else [items]
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable(_("This is no list of items. Export the order anew."))
    return [{name: _text(value) for name, value in item.items()} for item in items]


def _text(value):
    if isinstance(value, str):
        # Their JSON has &quot; for quotation marks.
        return html.unescape(value).strip()
    return "" if value is None or value is False else value


def _facts(item):
    facts, last = {}, None
    for part in _FACTS.split(item):
        name, *value = _COLON.split(part, maxsplit=1)
        if name == "meta" and value and len(halves := _COLON.split(value[0], maxsplit=1)) == 2:
            # meta:Colour:Red
            name, value = f"meta:{halves[0]}", halves[1:]
        if value:
            last = _unescaped(name).strip()
            facts[last] = _unescaped(value[0]).strip()
        elif last:
            # A value with a bar in it.
            facts[last] += f"|{_unescaped(part)}"
    if not facts:
        raise Unreadable(_("“%(text)s” is no list of items. Export the order anew.") % {"text": item[:80]})
    return facts


def _unescaped(text):
    return _ESCAPED.sub(r"\1", text)
