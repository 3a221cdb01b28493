"""Order numbers: a counter row, locked in the placing transaction, so that no number is lost or given twice."""

from django.core.exceptions import ImproperlyConfigured

from .. import conf, database
from ..models import NumberSequence, Order
from ..models.settings import local_moment

_LOOK_AHEAD = 200


class _CountGoesHere:
    """Stands for the count in the counter's key, whatever format it is asked for."""

    def __format__(self, spec):
        return "#"

    def __str__(self):
        return "#"

    __repr__ = __str__


def render(sequence, *, moment, site_id=None, prefix=""):
    """The number that ``sequence`` gives in the configured format."""
    parts = {"year": moment.year, "month": moment.month, "day": moment.day, "site": site_id or 0}
    try:
        return prefix + conf.get("NUMBER_FORMAT").format(sequence=sequence, **parts)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ImproperlyConfigured(f'WAGTAIL_ORDERS["NUMBER_FORMAT"] cannot be used: {error!r}') from error


def take(*, placed_at, site_id=None, prefix="", time_zone="", skip_taken=False):
    """
    The next number of the site and the period that ``placed_at`` falls in. Must be called in the placing
    transaction: its rollback gives the number back. ``skip_taken`` passes over numbers that orders brought
    over from elsewhere have already.
    """
    context = {"moment": local_moment(placed_at, time_zone), "site_id": site_id, "prefix": prefix}
    counter = _locked_counter(render(_CountGoesHere(), **context))
    count = counter.last + 1
    if skip_taken:
        count = _first_free(count, context)
    database.primary(NumberSequence).filter(pk=counter.pk).update(last=count)
    return render(count, **context)


def _locked_counter(key):
    counters = database.locked(database.primary(NumberSequence).filter(key=key))
    counter = counters.first()
    if counter is None:
        database.primary(NumberSequence).bulk_create([NumberSequence(key=key)], ignore_conflicts=True)
        counter = counters.all().get()
    return counter


def _first_free(count, context):
    while True:
        numbers = {render(candidate, **context): candidate for candidate in range(count, count + _LOOK_AHEAD)}
        taken = set(database.primary(Order).filter(number__in=numbers).values_list("number", flat=True))
        free = [candidate for number, candidate in numbers.items() if number not in taken]
        if free:
            return free[0]
        count += _LOOK_AHEAD
