"""A verb decides on what the database says that it writes to, not on a replica that may lag behind."""

from datetime import date

import pytest
from django.core import mail

from wagtail_orders import events
from wagtail_orders.lifecycle import (
    add_note,
    archive,
    cancel_shipment,
    delete,
    delete_note,
    edit_customer,
    edit_note,
    mark_handled,
    mark_paid,
    mark_unhandled,
    mark_unpaid,
    record_payment,
    record_refund,
    reopen,
    ship,
    unarchive,
    update_shipment,
    write_mail,
)
from wagtail_orders.models import Order, ShippingMethod
from wagtail_orders.notifications import deliver

from .orders import IXELLES, placed

pytestmark = pytest.mark.django_db


class ReadsElsewhere:
    """Sends every read of an order to a database that is not there."""

    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label == "wagtail_orders" else None

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, *objects, **hints):
        return True


@pytest.fixture
def replica(settings):
    settings.DATABASE_ROUTERS = [ReadsElsewhere()]


@pytest.mark.django_db(transaction=True)
def test_a_mail_reads_where_the_order_was_written(site, replica):
    order = placed(customer_note="After five")
    ship(order, tracking_number="1", notify_customer=True)
    write_mail(order, subject="A question", text="Which glaze?")
    assert deliver.sweep().sent == 3
    assert "After five" in mail.outbox[0].body


def test_every_verb_reads_where_it_writes(site, owner, replica):
    method = ShippingMethod.objects.create(name="bpost", tracking_url_template="https://example.com/{number}")
    order = placed(idempotency_key="basket", shipping_method=method)
    assert placed(idempotency_key="basket", shipping_method=method) == order
    record_payment(order, amount=10, method="card", reference="A", user=owner)
    mark_unpaid(order, user=owner)
    mark_paid(order, received_on=date(2026, 1, 5))
    parcel = ship(order, tracking_number="1")
    assert parcel.tracking_url == "https://example.com/1"
    update_shipment(parcel, tracking_number="2")
    cancel_shipment(parcel)
    mark_handled(order)
    mark_unhandled(order)
    note = add_note(order, text="One", user=owner)
    edit_note(note, text="Two", user=owner)
    delete_note(note, user=owner)
    edit_customer(order, email="z@example.com", billing_address=IXELLES)
    mark_handled(order)
    archive(order)
    unarchive(order)
    reopen(order)
    record_refund(order, amount=42, method="card", reference="R")
    assert (order.payment_status, order.fulfillment_status) == ("refunded", "fulfilled")
    delete(order).raise_if_refused()
    placed(number="2026-00002", idempotency_key="imported")
    placed(), placed()
    assert events.sweep().failed == 0
    assert set(Order.objects.using("default").values_list("number", flat=True)) >= {"2026-00002"}
