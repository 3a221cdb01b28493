"""Undo: what the journal says somebody did a moment ago is taken back by the opposite verb."""

from contextlib import contextmanager
from datetime import datetime, timedelta

from django.contrib import messages
from django.core import signing
from django.db.models import Exists, OuterRef, Q
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from .. import database, events, lifecycle
from ..models import Order, OrderEvent, Payment
from .actions import refusals

Kind = OrderEvent.Kind
_SALT = "wagtail_orders.undo"
#: How long a message's button works.
_LASTS = timedelta(days=1)


def _void(orders, *, mine, user):
    payments = [data["payment"] for data in mine.values_list("data", flat=True)]
    return lifecycle.mark_unpaid(orders, payments=payments, user=user)


def _verb(verb):
    return lambda orders, *, mine, user: verb(orders, user=user)


_OPPOSITES = {
    Kind.PAID: _void,
    Kind.PAYMENT_RECORDED: _void,
    Kind.HANDLED: _verb(lifecycle.mark_unhandled),
    Kind.UNHANDLED: _verb(lifecycle.mark_handled),
    Kind.ARCHIVED: _verb(lifecycle.unarchive),
    Kind.UNARCHIVED: _verb(lifecycle.archive),
    Kind.CANCELLED: _verb(lifecycle.reopen),
    Kind.REOPENED: _verb(lifecycle.cancel),
}
# What came later on the same axis makes an Undo pointless: it would undo that instead.
_AXES = [
    {Kind.HANDLED, Kind.UNHANDLED},
    {Kind.ARCHIVED, Kind.UNARCHIVED},
    {Kind.CANCELLED, Kind.REOPENED},
]
#: A token names the journal's entries by their ranges; beyond so many it would be too long for a message.
_MAX_RANGES = 100


class Deed:
    """What somebody just did, by the entries that it wrote into the journal."""

    def __init__(self, user):
        self.user = user
        self.noticed = []
        self.finished = None

    @property
    def count(self):
        """How many orders it changed."""
        events = self._events()
        return (
            events.values("order").exclude(order=None).distinct().count() + events.filter(order=None).count()
        )

    def _has_way_back(self):
        kinds = set(self._events().order_by().values_list("kind", flat=True).distinct())
        if not kinds or not kinds <= set(_OPPOSITES):
            return False
        # The ledger stands where a refund refers to it, and a refund that is on its way is not called back.
        stands = Q(order__amount_refunded__gt=0) | Q(data__kind=Payment.Kind.REFUND)
        return not (kinds & {Kind.PAID, Kind.PAYMENT_RECORDED} and self._events().filter(stands).exists())

    def _events(self):
        return _events(self.user, _ranges(self.noticed), self.finished)

    def button(self, request, next_url):
        """A form with the Undo button, or nothing where there is no way back."""
        ranges = _ranges(self.noticed)
        if len(ranges) > _MAX_RANGES or not self._has_way_back():
            return ""
        return format_html(
            ' <form method="post" action="{}" class="orders-undo">'
            '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<input type="hidden" name="next" value="{}"><input type="hidden" name="what" value="{}">'
            '<button type="submit" class="button button-small button-secondary">{}</button></form>',
            reverse("wagtail_orders:undo"),
            get_token(request),
            next_url,
            signing.dumps([str(self.user.pk), ranges, self.finished.isoformat()], salt=_SALT),
            _("Undo"),
        )


def _ranges(pks):
    """``[1, 2, 3, 7]`` as ``[[1, 3], [7, 7]]``."""
    ranges = []
    for pk in sorted(pks):
        if ranges and pk == ranges[-1][1] + 1:
            ranges[-1][1] = pk
        else:
            ranges.append([pk, pk])
    return ranges


def _events(user, ranges, finished):
    within = Q(pk__in=[])
    for first, last in ranges:
        within |= Q(pk__range=(first, last))
    # SQLite gives the keys of what was rolled back to what comes later.
    return database.primary(OrderEvent).filter(within, actor=user, created_at__lte=finished)


@contextmanager
def deed(user):
    """Watch what ``user`` does in the ``with`` block, so that it can be offered to be undone."""
    doing = Deed(user)
    with events.noticing() as doing.noticed:
        try:
            yield doing
        finally:
            doing.finished = timezone.now()


def _not_overtaken(mine, kind):
    """Those of the events after which nothing happened to the order on the same axis."""
    axis = next((kinds for kinds in _AXES if kind in kinds), None)
    if axis is None:
        return mine
    later = database.primary(OrderEvent).filter(order=OuterRef("order"), kind__in=axis, pk__gt=OuterRef("pk"))
    return mine.exclude(Exists(later))


class UndoView(PermissionCheckedMixin, View):
    """Takes back what the signed deed says its own user did; POST only."""

    http_method_names = ["post"]
    permission_policy = None
    permission_required = "change"

    def post(self, request):
        next_url = get_valid_next_url_from_request(request) or reverse("wagtail_orders:list")
        try:
            user, ranges, finished = signing.loads(request.POST.get("what", ""), salt=_SALT, max_age=_LASTS)
        except signing.BadSignature:
            user = None
        if user != str(request.user.pk):
            messages.error(request, _("This can no longer be undone. Nothing was changed."))
            return redirect(next_url)
        self._tell(self._undo(_events(request.user, ranges, datetime.fromisoformat(finished))))
        return redirect(next_url)

    def _undo(self, mine):
        outcome = lifecycle.Outcome()
        # The last thing first: what completed an order came after what it consisted of.
        for kind in dict.fromkeys(mine.order_by("-pk").values_list("kind", flat=True)):
            if kind in _OPPOSITES:
                still = _not_overtaken(mine.filter(kind=kind), kind)
                orders = database.primary(Order).filter(pk__in=still.values("order"))
                outcome.add(_OPPOSITES[kind](orders, mine=still, user=self.request.user))
        return outcome

    def _tell(self, outcome):
        if outcome.changed:
            count = len(outcome.changed)
            messages.success(
                self.request,
                ngettext("Undone for %(count)s order.", "Undone for %(count)s orders.", count)
                % {"count": count},
            )
        for sentence in refusals(outcome.refused, words=_("%(count)s not undone: %(numbers)s %(reason)s.")):
            messages.error(self.request, sentence)
        if not outcome.changed and not outcome.refused:
            messages.info(self.request, _("There was nothing left to undo."))
