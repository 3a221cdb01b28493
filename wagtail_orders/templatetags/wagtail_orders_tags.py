"""Amounts and quantities in templates, in the language of the page."""

from babel.numbers import format_decimal
from django import template

from ..money import locale_of
from ..tracking import is_web_link

register = template.Library()


@register.filter
def money(amount, order):
    """``{{ order.total|money:order }}``: an amount in the order's currency."""
    return order.format(amount)


@register.filter
def unit_price(amount, order):
    """``{{ line.unit_price|unit_price:order }}``: the same, with more decimals where the price has more."""
    return order.format(amount, exact=True)


@register.filter
def quantity(number):
    """``{{ line.quantity|quantity }}``: a number without needless zeros."""
    return format_decimal(number, locale=locale_of(), decimal_quantization=False)


@register.filter
def web_link(url):
    """``{{ shipment.tracking_url|web_link }}``: an http(s) address, and nothing where it is none."""
    return url if is_web_link(url) else ""


@register.filter
def postal(address):
    """``{{ order.billing_address|postal }}``: the lines of an address as its country's post wants them."""
    return address.postal_lines() if address else []
