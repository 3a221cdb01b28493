"""How an order leaves the desk: cancelled, archived, deleted, and the ways back."""

from django.apps import apps
from django.db.models import Exists, OuterRef

from .. import database, money
from ..models import (
    FulfillmentStatus,
    Notification,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    OrderNote,
    OrderStatus,
    Payment,
    PaymentAttempt,
    Shipment,
    ShipmentLine,
)
from . import outcome as reasons
from .batch import CHANGE, UNCHANGED, change
from .checking import clean_text


def cancel(orders, *, reason="", notify_customer=False, dry_run=False, user=None):
    """
    Cancel each order (one ``Order`` or a queryset); money that came in stays recorded until it is refunded.
    A cancelled one is unchanged; one that is sent, in part or whole, or handled is refused. Event
    ``cancelled``; ``notify_customer`` has a mail tell the customer. Returns an ``Outcome``.
    """
    reason = clean_text(reason or "", lines=True)

    def judge(order):
        if order.is_cancelled:
            return UNCHANGED
        return CHANGE if order.fulfillment_status == FulfillmentStatus.UNFULFILLED else reasons.SHIPPED

    def write(batch):
        batch.set(status=OrderStatus.CANCELLED, cancelled_at=batch.now)

    return change(
        orders,
        judge=judge,
        write=write,
        kind=OrderEvent.Kind.CANCELLED,
        details=lambda order: {"reason": reason, "notify_customer": notify_customer},
        dry_run=dry_run,
        user=user,
    )


def reopen(orders, *, dry_run=False, user=None):
    """
    Open cancelled orders again. An open one is unchanged, an archived one refused. Event ``reopened``.
    Returns an ``Outcome``.
    """

    def judge(order):
        if not order.is_cancelled:
            return UNCHANGED
        return reasons.ARCHIVED if order.is_archived else CHANGE

    def write(batch):
        batch.set(status=OrderStatus.OPEN, cancelled_at=None)

    return change(orders, judge=judge, write=write, kind=OrderEvent.Kind.REOPENED, dry_run=dry_run, user=user)


def archive(orders, *, dry_run=False, user=None):
    """
    Put each order away. An archived one is unchanged; one that is neither handled nor cancelled is refused.
    Event ``archived``. Returns an ``Outcome``.
    """

    def judge(order):
        if order.is_archived:
            return UNCHANGED
        return CHANGE if order.is_handled or order.is_cancelled else reasons.UNFINISHED

    def write(batch):
        batch.set(is_archived=True, archived_at=batch.now)

    return change(orders, judge=judge, write=write, kind=OrderEvent.Kind.ARCHIVED, dry_run=dry_run, user=user)


def unarchive(orders, *, dry_run=False, user=None):
    """
    Take orders back from the archive; a current one is unchanged. Event ``unarchived``. Returns an
    ``Outcome``.
    """

    def judge(order):
        return CHANGE if order.is_archived else UNCHANGED

    def write(batch):
        batch.set(is_archived=False, archived_at=None)

    return change(
        orders, judge=judge, write=write, kind=OrderEvent.Kind.UNARCHIVED, dry_run=dry_run, user=user
    )


def delete(orders, *, dry_run=False, user=None):
    """
    Delete orders with all that belongs to them, their journal too; what stays is the event ``deleted`` (and
    the entry in Wagtail's log) with number, total and date. Refused while money is recorded that was
    neither voided nor refunded, or a payment is pending. One that is gone already is unchanged. Returns an
    ``Outcome``; the deleted orders in it keep their number only.

    Django's ``pre_delete`` and ``post_delete`` are not sent unless another app's model points to orders;
    ``order_deleted`` is.
    """
    pending, with_parcels = set(), set()

    def prepare(fresh):
        pending.clear()
        with_parcels.clear()
        of_order = {"order": OuterRef("pk")}
        for pk, is_pending, has_parcels in (
            database.primary(Order)
            .filter(pk__in=[order.pk for order in fresh])
            .values_list(
                "pk",
                Exists(database.primary(Payment).filter(state=Payment.State.PENDING, **of_order)),
                Exists(database.primary(Shipment).filter(**of_order)),
            )
        ):
            if is_pending:
                pending.add(pk)
            if has_parcels:
                with_parcels.add(pk)

    def judge(order):
        if order.amount_paid > order.amount_refunded:
            return reasons.MONEY_RECORDED
        return reasons.PAYMENT_PENDING if order.pk in pending else CHANGE

    def write(batch):
        pks = {order.pk for order in batch.orders}
        _delete_rows(pks, with_parcels=pks & with_parcels)

    outcome = change(
        orders,
        prepare=prepare,
        judge=judge,
        write=write,
        kind=OrderEvent.Kind.DELETED,
        details=_describe,
        dry_run=dry_run,
        user=user,
    )
    gone = [order for order, reason in outcome.refused.items() if reason is reasons.GONE]
    outcome.unchanged += gone
    for order in gone:
        del outcome.refused[order]
    return outcome


def _describe(order):
    return {
        "order": order.pk,
        "number": order.number,
        "total": str(money.rounded(order.total, order.currency)),
        "currency": order.currency,
        "placed_at": order.placed_at.isoformat(),
    }


def _delete_rows(pks, *, with_parcels):
    orders = database.primary(Order).filter(pk__in=pks)
    if _others_point_here():
        orders.delete()
        return
    # Wagtail listens to every post_delete, so Django would read all rows first and delete them one table's
    # primary keys at a time; nothing of ours needs that.
    if with_parcels:
        database.primary(ShipmentLine).filter(shipment__order__in=with_parcels)._raw_delete(orders.db)
        database.primary(Shipment).filter(order__in=with_parcels)._raw_delete(orders.db)
    database.primary(Notification).filter(event__order__in=pks)._raw_delete(orders.db)
    for model in (Payment, PaymentAttempt, OrderNote, OrderAddress, OrderLine, OrderEvent):
        database.primary(model).filter(order__in=pks)._raw_delete(orders.db)
    orders._raw_delete(orders.db)


def _others_point_here():
    """Whether a project's own model has a relation to one of ours, whose ``on_delete`` Django must keep."""
    ours = apps.get_app_config(Order._meta.app_label)
    relations = (
        field for model in ours.get_models() for field in model._meta.get_fields(include_hidden=True)
    )
    return any(
        relation.related_model._meta.app_label != ours.label
        for relation in relations
        if relation.auto_created and not relation.concrete and relation.related_model
    )
