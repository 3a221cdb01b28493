"""What a person types or pastes for a parcel: its number, or the whole link that follows it."""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .. import tracking
from ..models import Shipment, ShippingMethod

NUMBER_LENGTH = Shipment._meta.get_field("tracking_number").max_length
LINK_LENGTH = Shipment._meta.get_field("tracking_url").max_length


#: What is meant as a link, be it a good one or not: numbers may have a slash or a colon in them, too.
_LINK = re.compile(
    r"[a-z][a-z0-9+.-]*://|//|www\.|(?:javascript|data|vbscript|file|mailto):|[^\s/]+\.[^\s/]+/",
    re.IGNORECASE,
)
#: What spreadsheets make of many digits: 3.23212E+23.
_SHORTENED = re.compile(r"\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)


@dataclass(frozen=True)
class ParcelInput:
    """A parcel as it was typed: ``url`` is the pasted link, where the method cannot make one of the number."""

    number: str = ""
    method: ShippingMethod | None = None
    url: str = ""
    #: The number's own check digit says that it is mistyped.
    is_doubtful: bool = False
    #: The name of the carrier whose link was pasted.
    recognised: str = ""


def offered_methods():
    """The shipping methods that are offered, to read many parcels with."""
    return list(ShippingMethod.objects.active())


def read_parcel(text, *, method, methods):
    """
    The ``ParcelInput`` of a number or a link. A link tells its carrier: the first of ``methods`` of that carrier
    takes the place of ``method``; a link of a carrier that nobody knows is kept as it is, without a number.
    ``ValidationError`` for what is too long, or looks like a link and is no http(s) address.
    """
    parcel = _read(text.strip(), method, methods)
    if len(parcel.number) > NUMBER_LENGTH or len(parcel.url) > LINK_LENGTH:
        raise ValidationError(
            _("A parcel number has at most %(most)s characters."), params={"most": NUMBER_LENGTH}
        )
    return parcel


def _read(text, method, methods):
    if not _LINK.match(text):
        number = "".join(text.split())
        if _SHORTENED.fullmatch(number):
            raise ValidationError(
                _(
                    "A spreadsheet shortened %(number)s. Give its cells the format “text” and type the number again."
                ),
                params={"number": number},
            )
        return ParcelInput(number, method, is_doubtful=tracking.is_doubtful(number))
    if not tracking.is_web_link(text):
        raise ValidationError(
            _("%(text)s is no web address. Paste the whole link, from https:// on, or the number alone."),
            params={"text": text[:80]},
        )
    # Of several with the same link, the chosen one.
    methods = [known for known in (method, *methods) if known]
    found = tracking.recognise(text, [(known.pk, known.tracking_url_template) for known in methods])
    if found is None:
        return ParcelInput(method=method, url=text)
    method, own = _method_of(found, method, methods)
    return ParcelInput(
        found.number,
        method,
        url="" if own and not tracking.missing(own.tracking_url_template, carrier=own.carrier) else text,
        is_doubtful=tracking.is_doubtful(found.number),
        recognised=tracking.carriers()[found.carrier].name if found.carrier else str(method or ""),
    )


def _method_of(found, method, methods):
    """The method to send with, and the one that makes the found number's link, if any does."""
    by_key = {known.pk: known for known in methods}
    if found.key in by_key:
        return (by_key[found.key],) * 2
    alike = [known for known in methods if found.carrier and known.carrier == found.carrier]
    own = alike[0] if alike else None
    return own or method, own if own and own.tracking_url_template else None
