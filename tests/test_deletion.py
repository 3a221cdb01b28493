"""Deleting orders: all that is theirs goes, and a project's own models keep their say."""

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models

from wagtail_orders.lifecycle import add_note, cancel_shipment, delete, mark_paid, mark_unpaid, ship
from wagtail_orders.models import Notification, Order, OrderEvent, OrderLine

from .orders import placed

OWN = list(apps.get_app_config("wagtail_orders").get_models())
LEFT = {"NumberSequence", "OrderSettings", "ShippingMethod", "OrderEvent", "Order"}


def rows_of(model):
    return model.objects.count()


@pytest.mark.django_db
def test_nothing_of_a_deleted_order_stays_but_the_word_of_it():
    order, kept = placed(), placed()
    mark_paid(order)
    mark_unpaid(order)
    cancel_shipment(ship(order, tracking_number="1"))
    add_note(order, text="Twice the same")
    Notification.objects.create(
        event=order.events.first(), kind="x", recipient="a@example.com", language="en"
    )
    delete(order).raise_if_refused()
    assert list(Order.objects.all()) == [kept]
    assert {model.__name__ for model in OWN if rows_of(model)} <= LEFT | {"OrderLine", "OrderAddress"}
    assert OrderLine.objects.count() == kept.lines.count()
    told = OrderEvent.objects.get(order=None)
    assert (told.kind, told.data["number"], told.data["total"]) == ("deleted", order.number, "42.00")


@pytest.mark.django_db
def test_deleting_what_is_gone_changes_nothing():
    order = placed()
    delete(order)
    again = delete(order)
    assert (again.changed, again.unchanged, again.refused) == ([], [order], {})
    with pytest.raises(Order.DoesNotExist, match="never placed"):
        delete(Order())


def made_by_a_project(name, **fields):
    meta = type("Meta", (), {"app_label": "shop"})
    return type(name, (models.Model,), {"Meta": meta, "__module__": __name__, **fields})


@pytest.fixture(params=[models.CASCADE, models.PROTECT], ids=["cascade", "protect"])
def engraving(request, transactional_db):
    """A project's model that points to a line, unseen from there, with its table."""
    line = models.ForeignKey(OrderLine, request.param, related_name="+")
    model = made_by_a_project("Engraving", line=line)
    with connection.schema_editor() as editor:
        editor.create_model(model)
    yield model, request.param
    with connection.schema_editor() as editor:
        editor.delete_model(model)
    del apps.all_models["shop"]["engraving"]
    apps.clear_cache()


def test_a_projects_own_model_decides_what_becomes_of_it(engraving):
    model, on_delete = engraving
    order = placed()
    model.objects.create(line=order.lines.first())
    if on_delete is models.PROTECT:
        with pytest.raises(IntegrityError):
            delete(order)
        assert Order.objects.filter(pk=order.pk).exists()
        assert not OrderEvent.objects.filter(kind="deleted").exists()
        model.objects.all().delete()
    else:
        delete(order).raise_if_refused()
        assert not model.objects.exists()
        assert not Order.objects.exists()
