"""What the desk's forms ask for: amounts, days, countries, ways of payment."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats

from .. import conf
from ..lifecycle.checking import is_country
from ..money import locale_of


def payment_methods():
    """The ways of payment a person may note, as choices."""
    return sorted(conf.payment_methods().items(), key=lambda pair: str(pair[1]))


def day_input():
    """The browser's own date picker, in the reader's way of writing dates."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def countries():
    """All countries, in the reader's language."""
    return sorted(
        (
            (code, name)
            for code, name in locale_of().territories.items()
            if len(code) == 2 and code.isalpha() and is_country(code)
        ),
        key=lambda pair: pair[1],
    )


class AmountField(forms.DecimalField):
    """
    An amount as people of the reader's language write it, with or without thousands separators, which must
    stand before three digits. Django's own reading depends on a setting, and takes 1.500 in German for one and
    a half or 42,00 in English for 4,200.
    """

    def __init__(self, **kwargs):
        super().__init__(localize=True, max_digits=15, decimal_places=4, **kwargs)

    def to_python(self, value):
        written = re.sub(r"\s", " ", str(value or "").strip())
        point = formats.get_format("DECIMAL_SEPARATOR")
        thousands = re.sub(r"\s", " ", formats.get_format("THOUSAND_SEPARATOR"))
        if "." not in (point, thousands) and point not in written:
            # Where it means nothing else, a point is what people with another keyboard type.
            written = written.replace(".", point)
        whole, _point, decimals = written.partition(point)
        if thousands and re.fullmatch(rf"-?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+", whole):
            whole = whole.replace(thousands, "")
        if not re.fullmatch(r"-?[0-9]*", whole) or not re.fullmatch(r"[0-9]*", decimals):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return _PLAIN_NUMBER.to_python(f"{whole}.{decimals}" if decimals else whole)


_PLAIN_NUMBER = forms.DecimalField()
