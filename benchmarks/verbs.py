"""The cases about verbs over many orders, called and through the admin, beside a loop that writes the same rows."""

import uuid

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone
from lxml import html
from wagtail.models import ModelLogEntry

from wagtail_orders import lifecycle
from wagtail_orders.models import Notification, Order, OrderEvent, Payment

from . import loading, samples
from .measure import Turns, peak_of
from .pages import EMPTY_PAGE, Browser

CHUNK = 500
#: What an UPDATE may have changed, to be put back.
STATE = [
    "payment_status",
    "fulfillment_status",
    "is_archived",
    "paid_at",
    "handled_at",
    "archived_at",
    "updated_at",
    "amount_paid",
    "version",
]


class Extra:
    """Orders on top of those that were loaded, in one state, which they get back after each run."""

    def __init__(self, count, steps, prefix):
        self.count = count
        self.first = loading.add(count, steps, prefix)
        self.pks = list(self.orders.values_list("pk", flat=True))
        self.facts = self.orders.values(*STATE)[0]
        self.last = {model: samples.last_pk(model) for model in (OrderEvent, Payment)}
        self.last_log = set(ModelLogEntry.objects.values_list("pk", flat=True))

    @property
    def orders(self):
        return Order.objects.filter(pk__gte=self.first).order_by()

    def put_back(self):
        self.orders.update(**self.facts)
        newer = {model: model.objects.filter(pk__gt=last) for model, last in self.last.items()}
        Notification.objects.filter(event__in=newer[OrderEvent])._raw_delete(connection.alias)
        for rows in newer.values():
            rows._raw_delete(connection.alias)
        ModelLogEntry.objects.exclude(pk__in=self.last_log)._raw_delete(connection.alias)

    def remove(self):
        self.put_back()
        for model, path in reversed(samples.TABLES.items()):
            model.objects.filter(**{f"{path}__gte": self.first})._raw_delete(connection.alias)


# The loops


def bare(extra, user, changed, kind, payments=False):
    """
    The rows that a verb writes, one after the other, a transaction for so many: ``changed`` is what is set on each
    order, and for ``payments`` what it owes is written as one.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    content_type = ContentType.objects.get_for_model(Order).pk
    numbers = dict(extra.orders.values_list("pk", "number"))
    totals = dict(extra.orders.values_list("pk", "total")) if payments else {}
    log = f"wagtail_orders.{kind}"
    for start in range(0, len(extra.pks), CHUNK):
        pks = extra.pks[start : start + CHUNK]
        with transaction.atomic(), connection.cursor() as cursor:
            if payments:
                cursor.executemany(
                    "INSERT INTO wagtail_orders_payment (order_id, kind, state, amount, method, is_manual, received_on,"
                    " recorded_at, recorded_by_id, reason) VALUES (%s, 'payment', 'confirmed', %s, 'manual', %s, %s,"
                    " %s, %s, '')",
                    [(pk, str(totals[pk]), True, str(now)[:10], now, user.pk) for pk in pks],
                )
            cursor.executemany(
                f"UPDATE wagtail_orders_order SET {changed}, version = version + 1, updated_at = %s WHERE id = %s",  # noqa: S608
                [(now, now, pk) for pk in pks],
            )
            cursor.executemany(
                "INSERT INTO wagtail_orders_orderevent (order_id, kind, actor_id, data, created_at, dispatched_at,"
                " dispatch_attempts, dispatch_error) VALUES (%s, %s, %s, '{}', %s, %s, 0, '')",
                [(pk, kind, user.pk, now, now) for pk in pks],
            )
            cursor.executemany(
                "INSERT INTO wagtailcore_modellogentry (content_type_id, label, action, data, timestamp, uuid, user_id,"
                " object_id, content_changed, deleted) VALUES (%s, %s, %s, '{}', %s, %s, %s, %s, %s, %s)",
                [
                    (content_type, numbers[pk], log, now, _hex(uuid.uuid4()), user.pk, str(pk), True, False)
                    for pk in pks
                ],
            )


def _hex(value):
    return value if connection.features.has_native_uuid_field else value.hex


SENT, PAID, UNPAID = samples.SENT, samples.STATES["paid"][2], []
#: What is done, the state of the orders before, and what the loop writes for it.
VERBS = {
    "archive": (lifecycle.archive, SENT, "is_archived = TRUE, archived_at = %s", "archived"),
    "mark handled": (
        lifecycle.mark_handled,
        PAID,
        "fulfillment_status = 'fulfilled', handled_at = %s",
        "handled",
    ),
    "mark paid": (
        lifecycle.mark_paid,
        UNPAID,
        "payment_status = 'paid', amount_paid = total, paid_at = %s",
        "paid",
    ),
}
WHERE = "/admin/orders/?placed_at_from=2030-01-01"


def verbs(orders):
    count = min(orders, 10_000)
    user = get_user_model().objects.get(username="anna")
    for name, (verb, steps, changed, kind) in VERBS.items():
        extra = Extra(count, steps, f"extra-{kind}")
        try:
            yield from _verb(name, extra, verb, changed, kind, user)
            yield from _through_the_admin(name, extra, verb, user)
        finally:
            extra.remove()


def _verb(name, extra, verb, changed, kind, user):
    def run():
        outcome = verb(extra.orders, user=user)
        assert len(outcome.changed) == extra.count, outcome  # noqa: S101

    turns = Turns(
        {
            "a loop": (extra.put_back, lambda: bare(extra, user, changed, kind, payments=kind == "paid")),
            "verb": (extra.put_back, run),
        },
        most=7,
        warm=1,
    )
    extra.put_back()
    row = turns.row(f"verb over {extra.count:,}: {name}", "verb", "a loop", figure=4)
    # By chunk; one query more finds the orders.
    row.queries = (row.queries - 1) / -(-extra.count // CHUNK)
    row.most_queries, row.note = 14, "queries a chunk of 500"
    row.peak, row.most_peak = peak_of(run), 32
    yield row


def _through_the_admin(name, extra, verb, user):
    browser = Browser()
    slug = name.replace(" ", "-")
    ask = browser.get(
        f"/admin/bulk/wagtail_orders/order/{slug}/?id=all&next={WHERE}&placed_at_from=2030-01-01"
    )
    ticked = "&".join(f"id={pk}" for pk in extra.pks)
    stock_delete = browser.get(f"/admin/bulk/stock/stockorder/delete/?{ticked}&next=/admin/stock-orders/")
    extra.put_back()
    action, fields = _form(ask())

    def post():
        response = browser.client.post(action, fields)
        assert response.status_code == 302, response.status_code  # noqa: S101

    ways = {
        "an empty page": browser.get(EMPTY_PAGE),
        "confirmation": ask,
        "the verb": (extra.put_back, lambda: verb(extra.orders, user=user)),
        "POST": (extra.put_back, post),
    }
    if name == "archive":
        ways["stock"] = (extra.put_back, stock_delete)
    turns = Turns(ways, most=7, warm=1)
    extra.put_back()
    yield turns.row(
        f"confirmation of {extra.count:,}: {name}",
        "confirmation",
        "an empty page",
        figure=3,
        stock="stock" if name == "archive" else None,
        note=f"{len(ask().content) / 1e6:.2f} MB of HTML",
    )
    yield turns.row(f"POST of {extra.count:,}: {name}", "POST", "the verb", figure=1.3)


def _form(response):
    [form] = html.fromstring(response.content.decode()).xpath("//div[contains(@class, 'orders-bulk')]//form")
    return form.action, {name: value for name, value in form.fields.items() if value is not None}
