"""How a set-based verb goes through its orders: in chunks, locked, decided, written and journaled together."""

from django.db.models import F
from django.utils import timezone

from .. import conf, database, events
from ..exceptions import StaleOrder, TransitionRefused
from ..models import Order
from .outcome import GONE, Outcome, Reason, slim

UNCHANGED = object()
CHANGE = object()
#: How many orders a dry run reads at a time; it locks none.
DRY_CHUNK = 10_000
#: What no verb decides on.
_BULKY = ("data", "customer_note", "taxes", "search_text")


class Batch:
    """The orders of one chunk that a verb changes: locked, read again, and agreed on."""

    def __init__(self, orders, *, user):
        self.orders = orders
        self.user = user
        self.now = timezone.now()

    def set(self, **facts):
        """Write the same facts on all of the chunk's orders, in one statement."""
        set_facts(self.orders, self.now, **facts)

    def set_each(self, facts_of):
        """Write what ``facts_of(order)`` gives on each order, in one statement for all that get the same."""
        groups = {}
        for order in self.orders:
            groups.setdefault(tuple(facts_of(order).items()), []).append(order)
        for facts, orders in groups.items():
            set_facts(orders, self.now, **dict(facts))


def set_facts(orders, now, **facts):
    """Write ``facts`` on orders that are locked, and on the instances, and count their version up."""
    if not orders:
        return
    database.primary(Order).filter(pk__in=[order.pk for order in orders]).update(
        version=F("version") + 1, updated_at=now, **facts
    )
    for order in orders:
        order.version += 1
        order.updated_at = now
        for name, value in facts.items():
            setattr(order, name, getattr(order, value.name) if isinstance(value, F) else value)


def change(
    orders,
    *,
    judge,
    write,
    kind=None,
    prepare=None,
    details=None,
    happenings=None,
    dry_run=False,
    user=None,
):
    """
    Run a set-based verb. ``prepare(orders)`` reads what judging needs beyond the order itself;
    ``judge(order)`` says CHANGE, UNCHANGED or a ``Reason`` to refuse; ``write(batch)`` writes the facts;
    ``details(order)`` gives the data of the event ``kind``. Where there may be several events,
    ``happenings(order)`` gives pairs of kind and data instead.

    Each chunk is a transaction of its own: an order's facts and journal are written together or not at all,
    and a shop that places an order meanwhile waits for a chunk, not for the whole. Returns an ``Outcome``;
    an ``Order`` passed in is brought up to date in place. With ``dry_run`` nothing is locked or written, and
    the outcome is what would become of the orders as they are.
    """
    if dry_run:
        return _foresee(orders, judge, prepare)
    happenings = happenings or (lambda order: [(kind, details(order) if details else {})])
    single = orders if isinstance(orders, Order) else None
    outcome = Outcome()
    for pks in _chunks(orders):

        def work(pks=pks):
            fresh = list(database.locked(database.primary(Order).filter(pk__in=pks)).order_by("pk"))
            if prepare:
                # After the lock and apart from it: within it, PostgreSQL would read other tables as they were
                # before it waited.
                prepare(fresh)
            return _change_chunk(fresh, judge, write, happenings, user), fresh

        part, fresh = database.in_transaction(Order, work)
        outcome.add(part)
        if single is not None:
            _finish_single(single, fresh, outcome)
    return outcome


def _foresee(orders, judge, prepare):
    outcome = Outcome()
    for pks in _chunks(orders, size=DRY_CHUNK):
        found = list(database.primary(Order).filter(pk__in=pks).defer(*_BULKY).order_by("pk"))
        if prepare:
            prepare(found)
        _sort(found, judge, outcome)
        if isinstance(orders, Order) and not found:
            outcome.refused[orders] = GONE
    return outcome


def _chunks(orders, *, size=None):
    """The orders' primary keys, each once, in the order in which they are locked."""
    if isinstance(orders, Order):
        yield [_key_of(orders)]
        return
    if getattr(orders, "model", None) is not Order:
        raise TypeError(f"Give an Order or a queryset of orders, not {type(orders).__name__}.")
    pks = sorted(set(orders.values_list("pk", flat=True)))
    size = size or conf.get("CHUNK_SIZE")
    for start in range(0, len(pks), size):
        yield pks[start : start + size]


def _change_chunk(fresh, judge, write, happenings, user):
    outcome = Outcome()
    changing = _sort(fresh, judge, outcome)
    if changing:
        batch = Batch(changing, user=user)
        write(batch)
        happened = [(order, kind, data) for order in changing for kind, data in happenings(order)]
        events.record_mixed(happened, user=user, now=batch.now)
    return outcome


def _sort(orders, judge, outcome):
    """Put each order where ``judge`` says, and return those that are to change."""
    changing = []
    for order in orders:
        verdict = judge(order)
        if verdict is CHANGE:
            changing.append(order)
            outcome.changed.append(slim(order))
        elif verdict is UNCHANGED:
            outcome.unchanged.append(slim(order))
        else:
            outcome.refused[slim(order)] = verdict
    return changing


def _finish_single(order, fresh, outcome):
    if fresh:
        bring_up_to_date(order, fresh[0])
    else:
        outcome.refused[order] = GONE


def _key_of(order):
    if order.pk is None:
        raise Order.DoesNotExist("This order was never placed, or is deleted.")
    return order.pk


def lock(order):
    """The order as it is now, locked until the transaction ends; refused if it does not exist any more."""
    fresh = database.locked(database.primary(Order).filter(pk=_key_of(order))).first()
    if fresh is None:
        raise TransitionRefused({order: GONE})
    return fresh


def refuse(order, reason: Reason):
    """Raise ``TransitionRefused`` for one order."""
    raise TransitionRefused({order: reason})


def bring_up_to_date(order, fresh):
    """Give the caller's instance the facts of the one that was locked and written."""
    if order is fresh:
        return
    for field in Order._meta.concrete_fields:
        if field.attname in fresh.__dict__:
            order.__dict__[field.attname] = fresh.__dict__[field.attname]
    order.__dict__.pop("address_by_kind", None)
    order._state.fields_cache.clear()
    getattr(order, "_prefetched_objects_cache", {}).clear()


def change_one(order, work):
    """
    Run a verb on a single order: ``work(fresh)`` gets the order locked and read again, in a transaction.
    Returns what ``work`` returns; the caller's instance is brought up to date.
    """

    def locked_work():
        fresh = lock(order)
        return fresh, work(fresh)

    fresh, result = database.in_transaction(Order, locked_work)
    bring_up_to_date(order, fresh)
    return result


def at_version(order, version, work):
    """
    Run ``work()``, which calls verbs on ``order``, if nobody has changed the order since ``version`` was read;
    else raise ``StaleOrder``. The order is locked meanwhile, and what the verbs write is written together or
    not at all. Returns what ``work`` returns. ``TransitionRefused`` if the order does not exist any more.
    """

    def checked_work():
        fresh = lock(order)
        if fresh.version != version:
            raise StaleOrder(given=version, current=fresh)
        return work()

    return database.in_transaction(Order, checked_work)
