"""The countries a parcel can go to, by name in the reader's language, the shop's neighbours first."""

import unicodedata
from functools import cache

from babel import Locale
from django.utils.translation import get_language, gettext

NEAR = ["BE", "FR", "LU", "NL", "DE", "GB"]
# Two-letter codes that Babel names and ISO 3166 assigns to no country.
NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}


def country_choices():
    """Choices for a select, grouped: the near ones, then the others in the reader's alphabetical order."""
    names = country_names(get_language())
    near = [(code, names[code]) for code in NEAR]
    others = [(code, name) for code, name in names.items() if code not in NEAR]
    return [("", gettext("Choose a country")), (gettext("Near"), near), (gettext("Other countries"), others)]


def country_name(code):
    """A country's name in the active language; the code itself when it is not known."""
    return country_names(get_language()).get(code, code)


@cache
def country_names(language):
    territories = Locale.parse(language or "en", sep="-").territories
    names = {
        code: name
        for code, name in territories.items()
        if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES
    }
    return dict(sorted(names.items(), key=lambda item: without_accents(item[1])))


def without_accents(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).casefold()
