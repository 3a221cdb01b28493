"""Which orders somebody wants: all that a listing shows, or those ticked in it; how that reads; pages about them."""

import re
from array import array

from django.http import Http404
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views import View
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.log_actions import log

from ..exports import Selection
from ..models import Order
from ..money import format_count
from .actions import NAMED
from .bulk import keys_of
from .listing import Place, trail
from .permissions import policy

WHICH = {
    "current": gettext_lazy("Current orders"),
    "archived": gettext_lazy("Archived orders"),
    "all": pgettext_lazy("export", "All orders"),
    "selected": gettext_lazy("Selected orders"),
}
#: How many orders one statement names by their primary keys.
_SLICE = 10_000


class Wanted:
    """
    The orders of the listing at ``place``, in its order; or those ``ticked`` in it, in the order given. What a
    listing shows is read when it is asked for.
    """

    def __init__(self, request, place, ticked=None):
        self.request = request
        self.place = place
        self.ticked = ticked

    @classmethod
    def of_listing(cls, request):
        """Of the listing that the page's URL names in ``list``."""
        place = Place.from_request(request)
        if place is None and "list" in request.GET:
            raise Http404("There is no such listing.")
        return cls(request, place or Place("current"))

    @classmethod
    def of_ticks(cls, request):
        """What a bulk action is about: ``ids`` in the body or ``id`` in the URL, in the listing at ``next``."""
        place = Place.from_url(get_valid_next_url_from_request(request))
        sent = request.POST.get("ids", "").split(",")
        given = sent if any(sent) else request.GET.getlist("id")
        if "all" not in given:
            return cls(request, place or Place("current"), list(dict.fromkeys(keys_of(given))))
        if place is None:
            raise Http404("All of which listing? Its address is missing.")
        return cls(request, place)

    @property
    def state(self):
        return self.place.state if self.ticked is None else "selected"

    @cached_property
    def listing(self):
        return self.place.view(self.request)

    @cached_property
    def pks(self):
        """Their primary keys, as an ``array``. Who is ticked and no longer exists is not among them."""
        if self.ticked is None:
            return Selection.of(self.listing.get_queryset()).pks
        known = set()
        for start in range(0, len(self.ticked), _SLICE):
            some = Order.objects.filter(pk__in=self.ticked[start : start + _SLICE])
            known.update(some.values_list("pk", flat=True))
        return array("q", (pk for pk in self.ticked if pk in known))

    @cached_property
    def count(self):
        if self.ticked is None and "pks" not in self.__dict__:
            return self.listing.get_queryset().order_by().count()
        return len(self.pks)

    @cached_property
    def languages(self):
        """The languages that they were ordered in."""
        if self.ticked is None:
            return set(self.listing.get_queryset().order_by().values_list("language", flat=True).distinct())
        found = set()
        for start in range(0, len(self.ticked), _SLICE):
            some = Order.objects.filter(pk__in=self.ticked[start : start + _SLICE]).order_by()
            found.update(some.values_list("language", flat=True).distinct())
        return found

    def in_the_listings_order(self):
        """The ticked ones as the listing has them. Those that it shows no longer were ticked all the same."""
        pks = self.pks.tolist()
        shown = self.listing.get_queryset().filter(pk__in=pks).values_list("pk", flat=True)
        places = {pk: place for place, pk in enumerate(shown)}
        wanted = Wanted(self.request, self.place, sorted(pks, key=lambda pk: places.get(pk, len(places))))
        wanted.pks = array("q", wanted.ticked)
        return wanted

    @cached_property
    def numbers(self):
        """The numbers of those that are ticked, for a sentence: ``2026-00042, 2026-00041 and 12 more``."""
        first = self.pks[:NAMED].tolist() if self.ticked is not None else []
        known = dict(Order.objects.filter(pk__in=first).values_list("pk", "number")) if first else {}
        numbers = ", ".join(known[pk] for pk in first if pk in known)
        rest = self.count - len(first) if first else 0
        return _("%(numbers)s and %(count)s more") % {"numbers": numbers, "count": rest} if rest else numbers

    @property
    def title(self):
        return WHICH[self.state]

    @cached_property
    def conditions(self):
        """What the listing is narrowed to, each in words: ``Payment: Paid``."""
        if self.ticked is not None:
            return []
        pairs = [(active.field_label, active.value) for active in self.listing.active_filters]
        if self.listing.is_searching:
            pairs.insert(0, (_("Search"), _("“%(text)s”") % {"text": self.listing.search_query}))
        return [_("%(what)s: %(detail)s") % {"what": what, "detail": detail} for what, detail in pairs]

    @property
    def sorting(self):
        """What somebody chose to sort the listing by, in words."""
        ordering = self.listing.ordering
        if ordering == self.listing.default_ordering:
            return ""
        words = _("%(column)s, descending") if ordering[0] == "-" else _("%(column)s, ascending")
        by = next(column for column in self.listing.columns if column.sort_key == ordering.lstrip("-"))
        return words % {"column": by.label}

    @property
    def why_none(self):
        """Why there are none, and what to do."""
        if self.ticked is not None:
            return _("No order is selected. Go back and tick some.")
        return self.listing.no_results_message


class WantedPage(PermissionCheckedMixin, WagtailAdminTemplateMixin, View):
    """
    Asks how something is made of the orders that somebody wants, all that a listing shows or those that were ticked in
    it; makes it when it is sent. GET only asks.
    """

    http_method_names = ["get", "head", "post"]
    model = Order
    permission_policy = None
    permission_required = "export"
    header_icon = "clipboard-list"
    _show_breadcrumbs = True
    #: Whether it is a bulk action, whose address names ticked orders.
    in_bulk = False

    @cached_property
    def wanted(self):
        return Wanted.of_ticks(self.request) if self.in_bulk else Wanted.of_listing(self.request)

    def get_breadcrumbs_items(self):
        return trail(self.page_title, back=self.wanted.place.url)

    def get(self, request):
        if self.wanted.ticked is not None:
            self.wanted = self.wanted.in_the_listings_order()
        return self.ask(self.form())

    def form(self, data=None):
        raise NotImplementedError

    def question(self, count):
        """The heading, with ``%(count)s``."""
        raise NotImplementedError

    def ask(self, form, *, status=200, **context):
        wanted = self.wanted
        context = self.get_context_data(
            form=form,
            wanted=wanted,
            question=self.question(wanted.count) % {"count": format_count(wanted.count)},
            action=self.request.path if self.in_bulk else self.request.get_full_path(),
            ids="all" if wanted.ticked is None else ",".join(map(str, wanted.pks)),
            **context,
        )
        return self.render_to_response(context, status=status)

    def file_name(self, what, suffix):
        """Site, what, view, date: ``example.com-orders-current-2026-11-23.csv``, in letters that any system takes."""
        host = self.request.get_host().rpartition("@")[2].split(":")[0].lower().removeprefix("www.")
        site = re.sub(r"[^a-z0-9.]+", "-", host).strip("-.")
        parts = [site, what, self.wanted.state, timezone.localdate().isoformat()]
        return "-".join(filter(None, parts)) + f".{suffix}"

    def log(self, job, action, **data):
        """Tell Wagtail's log what was made of which orders, before a byte of it goes out."""
        data |= {
            "count": self.wanted.count,
            "orders": self.wanted.state,
            "conditions": self.wanted.conditions,
            "listing": str(self.wanted.place),
        }
        log(job, action, user=self.request.user, data=data)


class TickedPage(BulkAction):
    """A ``WantedPage`` for the ticked orders, or for all in the listing that they are ticked in."""

    models = [Order]
    page = None

    def dispatch(self, request):
        return self.page.as_view(permission_policy=policy, in_bulk=True)(request)


def in_log(data):
    """How many orders they were and which, for a sentence in Wagtail's log."""
    return {
        "count": format_count(data["count"]),
        "which": "; ".join(map(str, [WHICH[data["orders"]], *data["conditions"]])),
    }
