"""How the shop's pages write money, quantities and countries in the reader's language."""

from decimal import Decimal

from babel.numbers import format_percent
from django import template
from django.utils.formats import number_format
from django.utils.translation import get_language, to_locale

from example_site.shop.countries import country_name
from example_site.shop.models import CURRENCY
from wagtail_orders.money import format_amount

register = template.Library()
register.filter("country", country_name)


@register.filter
def amount(value, currency=CURRENCY):
    return format_amount(value, currency, get_language())


@register.filter
def quantity(value):
    """A quantity without trailing zeros: 2, or 1.25 (1,25 in French)."""
    return number_format(format(Decimal(value).normalize(), "f"), use_l10n=True)


@register.filter
def percent(value):
    """A rate as the language writes it: 21%, or 5,5 %."""
    locale = to_locale(get_language() or "en")
    return format_percent(Decimal(value) / 100, locale=locale, decimal_quantization=False)
