"""The basket: what a visitor means to buy, in the session with the key of the order it becomes."""

import secrets
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from wagtail.models import Locale

from wagtail_orders.lifecycle import Line

from .models import ProductPage

SESSION_BASKET = "shop_basket"
SESSION_ORDERS = "shop_orders"


@dataclass(frozen=True)
class BasketLine:
    product: ProductPage
    quantity: Decimal
    glaze: int | None

    @property
    def id(self):
        chosen = "" if self.glaze is None else f"-{self.glaze}"
        return f"{self.product.translation_key}{chosen}"

    @property
    def glaze_name(self):
        names = self.product.glaze_names
        return names[self.glaze] if self.glaze is not None and self.glaze < len(names) else ""

    @property
    def total(self):
        return (self.quantity * self.product.price).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def as_order_line(self, glaze_label):
        return Line(
            sku=self.product.sku,
            name=self.product.title,
            quantity=self.quantity,
            unit_price=self.product.price,
            tax_rate=self.product.vat_rate,
            options=[(glaze_label, self.glaze_name)] if self.glaze_name else [],
            product_url=self.product.full_url or "",
            data={"unit": self.product.unit},
        )


class Basket:
    """Reads and writes the basket of one request's session.

    The session holds product translation keys, so the basket survives a change of language, and never a
    price: prices come from the pages each time the basket is read.
    """

    def __init__(self, request):
        self.session = request.session
        self._lines = None

    @property
    def lines(self):
        """The lines whose product is still sold, in the language of the request."""
        if self._lines is None:
            stored = self._stored()["lines"]
            products = products_in_active_language([row["product"] for row in stored])
            self._lines = [
                BasketLine(products[row["product"]], Decimal(row["quantity"]), row["glaze"])
                for row in stored
                if row["product"] in products
            ]
        return self._lines

    def __len__(self):
        return len(self.lines)

    @property
    def total(self):
        return sum((line.total for line in self.lines), Decimal(0))

    @property
    def key(self):
        """The idempotency key of the order this basket becomes; made when first asked for."""
        stored = self._stored()
        if not stored["key"]:
            stored["key"] = secrets.token_urlsafe(24)
            self._store(stored)
        return stored["key"]

    def add(self, product, quantity, glaze=None):
        """Put more of a product in; the same product with the same glaze stays one line."""
        stored = self._stored()
        wanted = {"product": str(product.translation_key), "glaze": glaze}
        for row in stored["lines"]:
            if {"product": row["product"], "glaze": row["glaze"]} == wanted:
                row["quantity"] = str(Decimal(row["quantity"]) + quantity)
                break
        else:
            stored["lines"].append({**wanted, "quantity": str(quantity)})
        self._store(stored)

    def set_quantities(self, quantities):
        """Keep the given quantities, by line id; a line that is not named is taken out."""
        stored = self._stored()
        stored["lines"] = [
            {
                "product": str(line.product.translation_key),
                "glaze": line.glaze,
                "quantity": str(quantities[line.id]),
            }
            for line in self.lines
            if line.id in quantities
        ]
        self._store(stored)

    def renew_key(self):
        """Let the next order be another one than whatever was placed with the old key."""
        self._store({**self._stored(), "key": None})

    def became(self, order, key):
        """Remember the visitor's order under its key and begin an empty basket."""
        self.session[SESSION_ORDERS] = {**self.session.get(SESSION_ORDERS, {}), key: order.token}
        self._store({"key": None, "lines": []})

    def order_token(self, key):
        """The token of the order this visitor placed with that key, or None."""
        return self.session.get(SESSION_ORDERS, {}).get(key)

    @property
    def last_order_token(self):
        """The token of the last order that this visitor placed, or None."""
        return next(reversed(self.session.get(SESSION_ORDERS, {}).values()), None)

    def owns(self, token):
        return token in self.session.get(SESSION_ORDERS, {}).values()

    def _stored(self):
        return self.session.get(SESSION_BASKET) or {"key": None, "lines": []}

    def _store(self, stored):
        self.session[SESSION_BASKET] = stored
        self._lines = None


def products_in_active_language(keys):
    """The live products by translation key; where the active language has none, another language's."""
    active = Locale.get_active()
    products = {}
    for product in ProductPage.objects.live().filter(translation_key__in=keys).select_related("picture"):
        key = str(product.translation_key)
        if key not in products or product.locale_id == active.pk:
            products[key] = product
    return products
