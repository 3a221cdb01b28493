"""Places the demo's orders and lets each live its life, through wagtail_orders' verbs only."""

import random
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from wagtail.models import Site

from example_site.shop.basket import BasketLine
from example_site.shop.models import CURRENCY, ProductPage
from wagtail_orders.lifecycle import add_note, place_order
from wagtail_orders.models import Order, ShippingMethod

from .catalogue import PRODUCTS, SHIPPING_METHODS
from .lives import PAST, PRESENT, Life
from .people import GIFT_MESSAGES, NOTES, PEOPLE, REMARKS

SEED = "atelier-foret"
DAYS = 425
SHARE_ARCHIVED = 0.6
SHARE_GIFTS = 0.15


class DemoOrders:
    """The demo's `count` orders; the one with number n is the same each time it is made."""

    def __init__(self, count, owner):
        self.count, self.owner = count, owner
        self.now = timezone.now()
        self.site = Site.objects.get(is_default_site=True)
        skus = [product.sku for product in PRODUCTS]
        pages = ProductPage.objects.live().filter(sku__in=skus).select_related("locale").order_by("path")
        self.products = {}
        for page in pages:
            self.products.setdefault(page.locale.language_code, []).append(page)
        names = [method["name"] for method in SHIPPING_METHODS]
        self.methods = list(ShippingMethod.objects.filter(name__in=names).order_by("sort_order", "pk"))

    def missing(self):
        """The numbers of the orders that are not there yet."""
        there = set(
            Order.objects.filter(idempotency_key__startswith="demo-").values_list(
                "idempotency_key", flat=True
            )
        )
        return [n for n in range(1, self.count + 1) if f"demo-{n}" not in there]

    @transaction.atomic
    def make(self, n):
        """Place order n and let it live; all of it or, if the command is stopped, nothing."""
        dice = random.Random(f"{SEED}-{n}")
        is_past = n <= self.count * SHARE_ARCHIVED
        life = dice.choice(PAST) if is_past else PRESENT[(self.count - n) % len(PRESENT)]
        order = self._place(n, dice)
        story = Life(order, dice, self.owner)
        life(story)
        if dice.random() < 0.3:
            text, visible = dice.choice(NOTES)
            add_note(order, text=text, visible_to_customer=visible, user=self.owner)
        if is_past:
            story.put_away()
        return order

    def _place(self, n, dice):
        person = dice.choice(PEOPLE)
        method = dice.choices(self.methods, weights=[5, 3, 3, 1][: len(self.methods)])[0]
        with translation.override(person.language):
            lines = self._lines(dice, person.language)
        goods = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
        discount = (goods / 10).quantize(Decimal("0.01")) if dice.random() < 0.15 else Decimal(0)
        receiver = dice.choice(PEOPLE).address if dice.random() < 0.2 else None
        return place_order(
            lines=lines,
            currency=CURRENCY,
            email=person.email,
            customer_name=person.name,
            phone=person.phone,
            billing_address=person.address,
            shipping_address=receiver,
            shipping_method=method,
            shipping_total=method.price,
            shipping_tax_rate=Decimal(21),
            discount_total=discount,
            payment_method="on_delivery" if dice.random() < 0.2 else "bank_transfer",
            customer_note=dice.choice(REMARKS) if dice.random() < 0.35 else "",
            language=person.language,
            site=self.site,
            data=gift(n),
            placed_at=self._placed_at(n, dice),
            idempotency_key=f"demo-{n}",
            notify=False,
        )

    def _lines(self, dice, language):
        pages = self.products.get(language) or self.products["en"]
        lines = []
        for product in dice.sample(pages, dice.choice([2, 2, 2, 3, 4])):
            by_weight = product.unit == ProductPage.Unit.KILOGRAM
            quantity = (
                Decimal(dice.randrange(500, 12000, 250)) / 1000
                if by_weight
                else Decimal(dice.choice([1, 1, 1, 2, 2, 4, 6]))
            )
            glaze = dice.randrange(len(product.glaze_names)) if product.glaze_names else None
            lines.append(BasketLine(product, quantity, glaze).as_order_line(gettext("Glaze")))
        return lines

    def _placed_at(self, n, dice):
        """Older orders first and ever denser towards now; the last few are of today."""
        left = self.count - n
        if left < 4:
            return self.now - timedelta(minutes=4 + 35 * left)
        days = DAYS * (left / self.count) ** 1.6
        return self.now - timedelta(days=max(days, 1), minutes=dice.randrange(0, 90))


def gift(n):
    """What order n says of a gift: a message for some, and dice of its own that no other choice hangs on."""
    dice = random.Random(f"{SEED}-gift-{n}")
    return {"gift_message": dice.choice(GIFT_MESSAGES)} if dice.random() < SHARE_GIFTS else {}
