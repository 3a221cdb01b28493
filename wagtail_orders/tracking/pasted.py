"""From a tracking link that somebody pasted back to the parcel's number and its carrier."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from .carriers import carriers
from .links import PLACEHOLDERS, is_web_link, placeholders

# What a link may have in a placeholder's place; bounded, so that no template makes it slow to look.
_VALUES = {"number": ".{1,255}", "postcode": ".{0,20}", "country": "[a-z]{0,2}", "language": "[a-z]{0,8}"}
_LOCALE = re.compile("[a-z]{2}([-_][a-z]{2})?", re.IGNORECASE)


@dataclass(frozen=True)
class Recognised:
    """What a link says: the parcel's number, the carrier's code if it is known, the key of the template."""

    number: str
    carrier: str = ""
    key: object = None


def recognise(url, templates=()):
    """
    The number in the tracking link ``url`` as a ``Recognised``, or None. ``templates`` are the shop's own, as
    pairs of a key and a template, and come before the known carriers'. A link fits that is on the template's
    host and has the number in the same place; of several that fit, the closest is taken.
    """
    url = url.strip()
    if not is_web_link(url):
        return None
    address = _read(url)
    own = _closest(address, templates)
    known = _closest(address, _known_forms())
    if not own and not known:
        return None
    return Recognised(
        number=own[1] if own else known[1], carrier=known[0] if known else "", key=own[0] if own else None
    )


def _known_forms():
    for carrier in carriers().values():
        for form in (carrier.template, *carrier.also):
            yield carrier.code, form


def _closest(address, templates):
    """The key of the template that ``address`` is closest to, and the number by it; None if none fits."""
    best, most = None, -1
    for key, template in templates:
        number, closeness = _number_in(address, template)
        if number and closeness > most:
            best, most = (key, number), closeness
    return best


def _number_in(address, template):
    """The number that stands in the template's place for it, and how many of the other places are the same."""
    host, found = address
    try:
        own_host, places = _read(template)
    except ValueError:
        return "", 0
    spot = next((place for place, value in places.items() if "{number}" in value), None)
    if host != own_host or spot not in found:
        return "", 0
    if spot[0] != "parameter" and not _same_way(found, places, spot):
        return "", 0
    fits = _pattern(places[spot]).fullmatch(found[spot])
    number = "".join(fits["number"].split()) if fits else ""
    closeness = sum(found.get(place, "").lower() == value.lower() for place, value in places.items())
    return (number, closeness) if number.isprintable() else ("", 0)


def _read(url):
    """
    An address as its host and its places in their order: the steps of the path, those behind the ``#``, and
    the parameters, wherever they stand.
    """
    parts = urlsplit(url)
    steps, _mark, query = parts.fragment.partition("?")
    if "=" in steps and "/" not in steps:
        steps, query = "", steps
    places = {}
    for name, path in (("path", parts.path), ("fragment", steps)):
        pieces = [piece for piece in path.split("/") if piece]
        places |= {(name, index): unquote(piece) for index, piece in enumerate(pieces)}
    for name, value in parse_qsl(f"{parts.query}&{query}"):
        places.setdefault(("parameter", name.lower()), value)
    return (parts.hostname or "").removeprefix("www."), places


def _same_way(found, places, spot):
    """Whether an address goes the template's way up to the number; the language may be another."""
    for place, value in places.items():
        if place == spot:
            return True
        step = found.get(place, "")
        is_given = not placeholders(value) and not (_LOCALE.fullmatch(value) and _LOCALE.fullmatch(step))
        if is_given and step.lower() != value.lower():
            return False
    return False


def _pattern(value):
    """A template's value as a regular expression; what stands in it twice is the same twice."""
    seen, pattern = set(), ""
    for index, piece in enumerate(re.split(f"{{({'|'.join(PLACEHOLDERS)})}}", value)):
        if index % 2 == 0:
            pattern += re.escape(piece)
        elif piece in seen:
            pattern += f"(?P={piece})"
        else:
            pattern += f"(?P<{piece}>{_VALUES[piece]})"
            seen.add(piece)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
