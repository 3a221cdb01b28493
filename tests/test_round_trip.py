"""Orders out and in again: what was exported, brought over into an empty database and exported anew, is the same."""

import io
from itertools import islice

import pytest

from tests import northwind
from tests.records import hostile
from wagtail_orders.exports.selection import Selection
from wagtail_orders.exports.xml import XML
from wagtail_orders.imports import run
from wagtail_orders.imports.xml import READER
from wagtail_orders.lifecycle import import_orders, place_order, ship
from wagtail_orders.models import Order, ShippingMethod


def exported():
    """All orders as XML, in the order in which they came."""
    return b"".join(XML.write(Selection.of(Order.objects.order_by("pk"))))


def brought_over(document):
    """Empty the database of orders, and bring those of the document over."""
    Order.objects.all().delete()
    return run(io.BytesIO(document), READER)


def differences(one, other):
    """The first lines in which two documents differ, for who reads of a failure."""
    pairs = zip(one.decode().split("\n"), other.decode().split("\n"), strict=False)
    return list(islice((pair for pair in pairs if pair[0] != pair[1]), 5))


@pytest.mark.django_db
@pytest.mark.skipif(
    not northwind.is_there(),
    reason=f"The Northwind tables are not in {northwind.FOLDER}; name their folder in NORTHWIND.",
)
def test_northwind_comes_back_byte_by_byte():
    methods = {key: ShippingMethod.objects.create(name=name) for key, name in northwind.shippers().items()}
    customers, products = northwind.customers(), northwind.products()
    for row in northwind.orders():
        order = place_order(
            **northwind.placement(
                row,
                customer=customers[row.facts["customerID"]],
                products=products,
                shipping_method=methods[row.facts["shipVia"]],
            )
        )
        if row.shipped_at:
            ship(order, shipped_at=row.shipped_at, tracking_number=f"1Z{row.number}")
    before = exported()

    done = brought_over(before)

    assert (done.new, done.wrong, done.problems) == (830, 0, [])
    after = exported()
    assert differences(before, after) == []
    assert after == before


@pytest.mark.django_db
def test_two_thousand_hostile_orders_come_back_byte_by_byte(owner, site):
    ShippingMethod.objects.create(name="Post")
    done = import_orders(hostile(2_000))
    assert (done.new, done.problems) == (2_000, [])
    before = exported()

    done = brought_over(before)

    assert (done.new, done.problems) == (2_000, [])
    after = exported()
    assert differences(before, after) == []
    assert after == before
