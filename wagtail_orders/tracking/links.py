"""Templates of tracking links: which are fit, and the link that one makes of a number."""

import re
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .carriers import carriers

#: What may stand in braces in a template.
PLACEHOLDERS = ("number", "postcode", "country", "language")

_SLOT = re.compile(r"\{([^{}]*)\}")
_NEVER = '"<>\\^`|'


def is_web_link(url):
    """Whether ``url`` is an absolute http or https address that is safe to show as a link."""
    if not isinstance(url, str) or any(character <= " " or character in _NEVER + "{}" for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def placeholders(template):
    """What stands in braces in ``template``, in its order, known or not."""
    return _SLOT.findall(template)


def check_template(template, *, is_landing=False):
    """
    Refuse a template that makes no link, or one that a number could lead elsewhere: a ``ValidationError``
    says what is wrong and what to do. Only a carrier's landing page does without ``{number}``.
    """
    for check in (_check_characters, _check_placeholders, _check_address):
        check(template)
    if not is_landing and "{number}" not in template:
        raise ValidationError(
            _("The link has no {number}. Write {number} where the parcel's number belongs."),
            code="no_number",
        )


def _check_characters(template):
    if any(character == " " or not character.isprintable() for character in template):
        raise ValidationError(
            _("There is a space or an invisible character in the link. Take it out."), code="space"
        )
    for character in template:
        if character in _NEVER:
            raise ValidationError(
                _("%(character)s cannot stand in a link. Take it out."),
                code="character",
                params={"character": character},
            )


def _check_placeholders(template):
    unknown = [f"{{{name}}}" for name in placeholders(template) if name not in PLACEHOLDERS]
    if unknown:
        raise ValidationError(
            _("%(unknown)s is no placeholder. There are: %(known)s."),
            code="unknown",
            params={
                "unknown": ", ".join(unknown),
                "known": ", ".join(f"{{{name}}}" for name in PLACEHOLDERS),
            },
        )
    if set(_SLOT.sub("", template)) & {"{", "}"}:
        raise ValidationError(
            _("A brace stands alone. Placeholders are written like this: {number}."), code="brace"
        )


def _check_address(template):
    if not re.match("https?://", template, re.IGNORECASE):
        raise ValidationError(_("The link must start with https:// or http://."), code="scheme")
    if "{" in _authority(template):
        raise ValidationError(
            _("Placeholders belong after the carrier's address, as in https://carrier.example/{number}."),
            code="host",
        )
    try:
        parts = urlsplit(template)
        host, user, _port = parts.hostname, parts.username, parts.port
    except ValueError:
        host = ""
    if not host:
        raise ValidationError(
            _("This is no web address. Copy it from the carrier's tracking page."), code="address"
        )
    if user is not None:
        raise ValidationError(_("Take out the @ and what stands before it."), code="user")


def _authority(template):
    """What says where an http(s) address leads: all between ``//`` and the path."""
    found = re.match("https?://([^/?#]*)", template, re.IGNORECASE)
    return found[1] if found else ""


def build_link(template, *, number, postcode="", country="", language=""):
    """
    The tracking link for ``number`` from a shipping method's template with ``{number}`` and optionally
    ``{postcode}``, ``{country}``, ``{language}``, each value percent-encoded; number and postcode go without
    the spaces they are printed with, a language without its country. A template without ``{number}`` is
    the address of a page where people type it in. Empty where there is no template or no number, or where
    the outcome would not be an http(s) address on the template's own host.
    """
    values = {
        "number": "".join(number.split()),
        "postcode": "".join(postcode.split()),
        "country": country,
        "language": re.split("[-_]", language)[0],
    }
    if not template or not values["number"]:
        return ""
    link = _fill(template, values)
    return link if is_web_link(link) and _stays_in_place(template, values) else ""


def _fill(template, values):
    encoded = {name: quote(value, safe="", errors="replace") for name, value in values.items()}
    return _SLOT.sub(lambda slot: encoded.get(slot[1], slot[0]), template)


def _stays_in_place(template, values):
    """Whether no value is part of the host, and none a step up in the path: dots are steps, encoded or not."""
    authority = _authority(template)
    pieces = [piece for piece in re.split("[/?#]", template) if "{" in piece]
    climbs = any(unquote(_fill(piece, values)) in (".", "..") for piece in pieces)
    return bool(authority) and "{" not in authority and not climbs


def missing(template, *, carrier="", postcode="", country=""):
    """
    The placeholders that the link needs and that would be empty: those that the carrier with this very
    template names, else all that the template has. A number and a language are not asked for.
    """
    known = carriers().get(carrier)
    needed = known.needs if known and known.template == template else placeholders(template)
    given = {"postcode": postcode, "country": country}
    return [name for name, value in given.items() if name in needed and not value.strip()]
