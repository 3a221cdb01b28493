"""What PayPal can be paid in, and how it writes an amount."""

import re
from decimal import Decimal

from django.utils.translation import gettext as _

from ... import money
from ...exceptions import ProviderFailed

#: The currencies that PayPal takes, and those of them that it takes without decimals, whatever ISO 4217 says:
#: developer.paypal.com/reference/currency-codes/
CURRENCIES = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
WHOLE = "HUF JPY TWD"
#: What Decimal would take besides, such as Infinity, 4_2 and digits without end, is no amount.
_NUMBER = re.compile(r"-?([0-9]{1,20}|[0-9]{0,20}\.[0-9]{1,4})")


def amount_of(amount, currency):
    """
    ``amount`` as PayPal's API wants it. ``ProviderFailed`` for a currency that PayPal does not take, and for an
    amount that it cannot write, such as half a forint.
    """
    if currency not in CURRENCIES.split():
        raise ProviderFailed(_("PayPal does not take payments in %(currency)s.") % {"currency": currency})
    amount = Decimal(amount)
    rounded = amount.quantize(Decimal(1) if currency in WHOLE.split() else Decimal("0.01"))
    if rounded != amount or rounded <= 0:
        shown = money.format_amount(amount, currency, exact=True)
        raise ProviderFailed(_("PayPal cannot be asked for %(amount)s.") % {"amount": shown})
    return {"currency_code": currency, "value": str(rounded)}


def read_amount(given):
    """The number and the currency of an amount of PayPal's; None for what is none."""
    if not isinstance(given, dict):
        return None
    value, currency = given.get("value"), given.get("currency_code")
    if not (isinstance(value, str) and _NUMBER.fullmatch(value) and isinstance(currency, str)):
        return None
    return Decimal(value), currency[:10]
