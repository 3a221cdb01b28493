"""The 830 orders of Northwind brought over: every cent, every date and every accent arrives."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.test import TestCase

from wagtail_orders.lifecycle import place_order, ship
from wagtail_orders.models import (
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)

from . import northwind


def cents(exact):
    """An exact sum of dollars in whole cents, half up."""
    return floor(exact * 100 + Fraction(1, 2))


def total_in_cents(row):
    """What an order comes to, computed from the files alone."""
    lines = sum(
        cents(Fraction(line["unitPrice"]) * int(line["quantity"]) * (1 - Fraction(line["discount"])))
        for line in row.lines
    )
    return lines + cents(Fraction(row.facts["freight"]))


@pytest.mark.skipif(
    not northwind.is_there(),
    reason=f"The Northwind tables are not in {northwind.FOLDER}; name their folder in NORTHWIND.",
)
class TestNorthwind(TestCase):
    @classmethod
    def setUpTestData(cls):
        methods = {
            key: ShippingMethod.objects.create(name=name) for key, name in northwind.shippers().items()
        }
        customers, products = northwind.customers(), northwind.products()
        cls.rows = northwind.orders()
        cls.placements = {
            row.number: northwind.placement(
                row,
                customer=customers[row.facts["customerID"]],
                products=products,
                shipping_method=methods[row.facts["shipVia"]],
            )
            for row in cls.rows
        }
        for row in cls.rows:
            order = place_order(**cls.placements[row.number])
            if row.shipped_at:
                ship(order, shipped_at=row.shipped_at)

    def test_all_orders_and_lines_arrive(self):
        assert Order.objects.count() == len(self.rows) == 830
        assert OrderLine.objects.count() == sum(len(row.lines) for row in self.rows) == 2155
        assert OrderAddress.objects.count() == 2 * 830
        assert OrderEvent.objects.filter(kind="placed").count() == 830

    def test_each_order_comes_to_what_the_files_say(self):
        totals = {number: total * 100 for number, total in Order.objects.values_list("number", "total")}

        assert totals == {row.number: total_in_cents(row) for row in self.rows}

    def test_each_country_comes_to_what_the_files_say(self):
        addresses = OrderAddress.objects.filter(kind="shipping").values_list("country", "order__total")

        told = northwind.by_country((country, total * 100) for country, total in addresses)

        assert told == northwind.by_country((row.country, total_in_cents(row)) for row in self.rows)
        assert len(told) == 21

    def test_the_database_adds_all_orders_up_to_what_the_files_say(self):
        total = Order.objects.aggregate(total=Sum("total"))["total"]

        assert total.quantize(Decimal("0.01")) * 100 == sum(map(total_in_cents, self.rows))

    def test_what_was_ordered_at_which_price_is_kept(self):
        lines = OrderLine.objects.values_list("order__number", "sku", "quantity", "unit_price")

        assert Counter(lines) == Counter(
            (row.number, line["productID"], Decimal(line["quantity"]), Decimal(line["unitPrice"]))
            for row in self.rows
            for line in row.lines
        )

    def test_no_name_street_or_city_loses_an_accent(self):
        columns = ("name", "street", "postal_code", "city", "region")
        headings = ("shipName", "shipAddress", "shipPostalCode", "shipCity", "shipRegion")
        stored = OrderAddress.objects.filter(kind="shipping").values_list("order__number", *columns)

        expected = {(row.number, *(row.facts[heading] for heading in headings)) for row in self.rows}

        assert set(stored) == expected

    def test_no_customer_loses_an_accent(self):
        columns = ("name", "company", "street", "city", "region")
        headings = ("contactName", "companyName", "address", "city", "region")
        stored = OrderAddress.objects.filter(kind="billing").values_list(*columns).distinct()
        known = northwind.customers()

        expected = {
            tuple(known[row.facts["customerID"]][heading].strip() for heading in headings)
            for row in self.rows
        }

        assert set(stored) == expected
        assert set(Order.objects.values_list("customer_name", flat=True)) == {name for name, *_ in expected}

    def test_no_product_loses_an_accent(self):
        names = northwind.products()

        assert set(OrderLine.objects.values_list("sku", "name")) == {
            (line["productID"], names[line["productID"]]) for row in self.rows for line in row.lines
        }

    def test_each_order_was_placed_and_sent_on_its_own_day(self):
        ordered = dict(Order.objects.values_list("number", "placed_at"))
        sent = dict(Shipment.objects.values_list("order__number", "shipped_at"))

        assert ordered == {row.number: row.ordered_at for row in self.rows}
        assert sent == {row.number: row.shipped_at for row in self.rows if row.shipped_at}

    def test_what_was_sent_is_handled_and_the_rest_is_to_handle(self):
        sent = {row.number for row in self.rows if row.shipped_at}

        assert set(Order.objects.handled().values_list("number", flat=True)) == sent
        assert Order.objects.to_handle().count() == 830 - len(sent) == 21
        assert ShipmentLine.objects.count() == sum(len(row.lines) for row in self.rows if row.shipped_at)

    def test_parcels_went_with_the_shipper_of_the_files(self):
        names = northwind.shippers()
        stored = Shipment.objects.values_list("shipping_method_name", flat=True)

        assert Counter(stored) == Counter(names[row.facts["shipVia"]] for row in self.rows if row.shipped_at)

    def test_the_set_brought_over_twice_is_refused_and_nothing_is_doubled(self):
        for number, given in self.placements.items():
            with pytest.raises(ValidationError) as refusal:
                place_order(**given)
            assert refusal.value.message_dict == {
                "number": [f"Order {number} exists already; give another number."]
            }

        self.test_all_orders_and_lines_arrive()
