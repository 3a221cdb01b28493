"""Which orders somebody wants: all that a listing shows, or those ticked in it; and how that reads in words."""

from array import array

from django.http import Http404
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.utils import get_valid_next_url_from_request

from ..exports import Selection
from ..models import Order
from .actions import NAMED
from .bulk import keys_of
from .listing import Place

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
