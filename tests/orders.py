"""Orders for tests, placed through the verb as a shop would."""

from decimal import Decimal

from wagtail_orders.lifecycle import Address, Line, place_order

IXELLES = Address(
    name="Zoë Müller", street="12 rue de l'Église", postal_code="1050", city="Ixelles", country="BE"
)
MUG = Line(
    sku="MUG-F",
    name="Tasse en grès « Forêt »",
    quantity=2,
    unit_price=Decimal("18.50"),
    tax_rate=Decimal(21),
)


def order_input(**changes):
    """What a shop hands over: two mugs at 18.50 and 5.00 for shipping make 42.00 EUR."""
    return {
        "currency": "EUR",
        "email": "zoe@example.com",
        "customer_name": "Zoë Müller",
        "billing_address": IXELLES,
        "lines": [MUG],
        "shipping_total": Decimal("5.00"),
        "shipping_tax_rate": Decimal(21),
        "payment_method": "bank_transfer",
        **changes,
    }


def placed(**changes):
    """An order that stands, 42.00 EUR unless changed."""
    return place_order(**order_input(**changes))
