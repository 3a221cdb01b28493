"""What a shop hands over for an order, and how it becomes the order's rows."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from .. import money
from ..models import OrderAddress, OrderLine
from .checking import MAX_AMOUNT

#: What nine digits before six decimals hold.
_MAX_PRICE = Decimal(999_999_999)


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    One position of an order. ``unit_price`` and ``discount`` (off the whole line) are in the order's
    currency, with up to six decimals; ``tax_rate`` is in percent; ``quantity`` may have four decimals
    (1.250 kg). ``options`` are pairs of a name and a value. ``total`` and ``tax``, where the shop computes
    them itself, are checked to one minor unit and kept. Amounts are ``Decimal``, ``int`` or text.
    """

    sku: str
    name: str
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    options: tuple = ()
    total: Decimal | None = None
    tax: Decimal | None = None
    product_url: str = ""
    data: dict | None = None


@dataclass(frozen=True, kw_only=True)
class Address:
    """A postal address; ``country`` is an ISO 3166 alpha-2 code, ``street`` may have several lines."""

    name: str
    street: str
    city: str = ""
    country: str
    company: str = ""
    postal_code: str = ""
    region: str = ""
    phone: str = ""


def check_address(checker, prefix, address, kind):
    """The address as an unsaved ``OrderAddress``; errors are named ``billing_address.country`` and so on."""
    if not isinstance(address, Address):
        checker.refuse(prefix, _("Give an Address."))
        return None

    def text(name, most, **options):
        return checker.text(f"{prefix}.{name}", getattr(address, name), most=most, **options)

    country, rules = checker.country(f"{prefix}.country", address.country)
    return OrderAddress(
        kind=kind,
        name=text("name", 255, required=not address.company),
        company=text("company", 255),
        street=text("street", 500, required=True, lines=True),
        postal_code=text("postal_code", 20),
        city=text("city", 255, required=rules is not None and "city" in rules.required_fields),
        region=text("region", 255),
        country=country,
        phone=text("phone", 64),
    )


def check_line(checker, position, line, *, currency, included):
    """The line as an unsaved ``OrderLine``; errors are named ``lines.0.quantity`` and so on."""
    prefix = f"lines.{position}"
    if not isinstance(line, Line):
        checker.refuse(prefix, _("Give a Line."))
        return None
    quantity = checker.decimal(f"{prefix}.quantity", line.quantity, places=4, above=0, maximum=99_999_999)
    unit_price = checker.decimal(
        f"{prefix}.unit_price", line.unit_price, places=6, minimum=0, maximum=_MAX_PRICE
    )
    discount = checker.decimal(f"{prefix}.discount", line.discount, places=6, minimum=0, maximum=_MAX_PRICE)
    rate = checker.decimal(f"{prefix}.tax_rate", line.tax_rate, places=4, minimum=0, maximum=100)
    total, tax = Decimal(0), None
    if not any(field.startswith(f"{prefix}.") for field in checker.errors):
        total, tax = _check_sums(
            checker, prefix, line, (quantity, unit_price, discount, rate), currency, included
        )
    return OrderLine(
        position=position,
        sku=checker.text(f"{prefix}.sku", line.sku, most=100),
        name=checker.text(f"{prefix}.name", line.name, most=255, required=True),
        options=_options(checker, f"{prefix}.options", line.options),
        quantity=quantity,
        unit_price=unit_price,
        tax_rate=rate,
        discount=discount,
        total=total,
        tax=tax,
        product_url=checker.web_link(f"{prefix}.product_url", line.product_url),
        data=checker.json(f"{prefix}.data", line.data),
    )


def _check_sums(checker, prefix, line, figures, currency, included):
    """The line's total, and its tax where the shop gave one."""
    quantity, unit_price, discount, rate = figures
    gross = quantity * unit_price
    if discount > gross:
        checker.refuse(
            f"{prefix}.discount",
            _("A discount of %(discount)s is more than the line's %(gross)s.")
            % {"discount": discount, "gross": gross},
        )
        return Decimal(0), None
    total = _handed_over(checker, f"{prefix}.total", line.total, gross - discount, currency)
    if total >= MAX_AMOUNT:
        checker.refuse(f"{prefix}.unit_price", _("The line's total is too large."))
        return Decimal(0), None
    if line.tax is None:
        return total, None
    expected = money.tax_within(total, rate, included=included)
    return total, _handed_over(checker, f"{prefix}.tax", line.tax, expected, currency)


def _handed_over(checker, field, given, exact, currency):
    """The shop's own sum if it gave one and it is right to one minor unit; else ours."""
    ours = money.rounded(exact, currency)
    if given is None:
        return ours
    unit = money.minor_unit(currency)
    return checker.handed_over(field, given, ours, currency, tolerance=unit, minimum=0)


def _options(checker, field, options):
    pairs = options.items() if isinstance(options, dict) else options
    try:
        if any(isinstance(pair, str) for pair in pairs):
            raise TypeError
        return [
            [checker.text(field, name, most=255), checker.text(field, value, most=2000)]
            for name, value in pairs
        ]
    except (TypeError, ValueError):
        checker.refuse(field, _('Give pairs of a name and a value, such as [("Colour", "Green")].'))
        return []
