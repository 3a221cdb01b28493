"""The listing of orders: the current ones, those in the archive, or all."""

from copy import copy
from decimal import Decimal
from urllib.parse import urlencode, urlsplit

from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Floor
from django.http import QueryDict
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.functional import cached_property
from django.utils.translation import (
    get_language,
    get_language_from_path,
    gettext,
    ngettext,
    override,
    pgettext,
    pgettext_lazy,
)
from wagtail import hooks
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.ui.tables import Table
from wagtail.admin.widgets.button import Button, ButtonWithDropdown
from wagtail.snippets.views.snippets import IndexView

from ..imports.job import may_import
from ..models import OrderLine, OrderNote
from ..models.search import fold
from .actions import ACTIONS, SHIP
from .cells import order_columns
from .filters import OrderFilterSet

#: The listings by their state: the URL's name, and what the drop-down calls it.
STATES = {
    "current": ("list", pgettext_lazy("orders", "Current")),
    "archived": ("archived", pgettext_lazy("orders", "Archived")),
    "all": ("all", pgettext_lazy("orders", "All")),
}
# What is weighed or measured (1.25 kg) counts as one piece.
_PIECES = Case(When(quantity=Floor("quantity"), then="quantity"), default=Value(Decimal(1)))
# The listing does not show these, and they may be long.
_UNREAD = ("taxes", "search_text", "fingerprint", "token", "idempotency_key")


def url_of_state(state):
    return reverse(f"wagtail_orders:{STATES[state][0]}")


def trail(*steps, back=None):
    """
    The breadcrumbs of a page below the listing at ``back``, or else the current orders: each of ``steps`` is the
    label of the page itself, or a label and an address.
    """
    pairs = [
        (gettext("Home"), reverse("wagtailadmin_home")),
        (gettext("Orders"), back or url_of_state("current")),
    ]
    pairs += [step if isinstance(step, tuple) else (step, "") for step in steps]
    return [{"url": url, "label": label} for label, url in pairs]


def _resolve(path):
    # A site may live below a prefix, which URLs have and resolve() must not see; and the URL's language need not
    # be the user's.
    path = "/" + path.removeprefix(get_script_prefix())
    with override(get_language_from_path(path) or get_language()):
        return resolve(path)


class Place:
    """A listing as somebody left it, with its filters, search and order: where an order's page leads back to."""

    def __init__(self, state="current", query=""):
        self.state = state
        self.query = query

    @classmethod
    def from_request(cls, request):
        """The listing that the page's URL names in ``list``, such as ``archived?ordering=total``."""
        state, _sep, query = request.GET.get("list", "").partition("?")
        return cls(state, query) if state in STATES else None

    @classmethod
    def from_url(cls, url):
        """The listing at ``url``, or None if there is none."""
        parts = urlsplit(url)
        try:
            match = _resolve(parts.path)
        except Resolver404:
            return None
        states = {f"wagtail_orders:{name}": state for state, (name, _label) in STATES.items()}
        state = states.get(match.view_name)
        return cls(state, parts.query) if state else None

    def __str__(self):
        return f"{self.state}?{self.query}" if self.query else self.state

    @property
    def url(self):
        return url_of_state(self.state) + (f"?{self.query}" if self.query else "")

    def url_of(self, order, *, fragment=""):
        """The order's page, which leads back here."""
        url = reverse("wagtail_orders:inspect", args=(order.pk,))
        if str(self) != "current":
            url += "?" + urlencode({"list": str(self)})
        return f"{url}#{fragment}" if fragment else url

    def view(self, request):
        """The listing's view, set up for ``request``'s user and language."""
        match = _resolve(url_of_state(self.state))
        there = copy(request)
        there.method = "GET"
        there.GET = QueryDict(self.query)
        view = match.func.view_class(**match.func.view_initkwargs)
        view.setup(there)
        return view


class OrderTable(Table):
    """The listing's table, which brings its style along."""

    class Media:
        css = {"all": ["wagtail_orders/admin.css"]}


class OrderPaginator(WagtailPaginator):
    """A paginator that is told how many there are."""

    def __init__(self, *args, count, **kwargs):
        super().__init__(*args, **kwargs)
        self.count = count


class OrderIndexView(IndexView):
    """One listing; ``state`` says whether of the current, of the archived or of all orders."""

    state = "current"
    any_permission_required = ["change", "delete", "view"]
    template_name = "wagtail_orders/admin/listing.html"
    results_template_name = "wagtail_orders/admin/listing_results.html"
    table_class = OrderTable
    table_classname = "listing orders-listing"
    is_searchable = True
    default_ordering = "-placed_at"
    filterset_class = OrderFilterSet

    @cached_property
    def place(self):
        """This listing, without the page of it."""
        return Place(self.state, self._query_without("p", "_w_filter_fragment"))

    @property
    def here(self):
        """The URL that leads back to this very page, from the results alone too."""
        return Place(self.state, self._query_without("_w_filter_fragment")).url

    def _query_without(self, *names):
        query = self.request.GET.copy()
        for name in names:
            query.pop(name, None)
        # The search form sends its empty fields along.
        filled = {
            name: values for name in query if (values := [value for value in query.getlist(name) if value])
        }
        return urlencode(filled, doseq=True)

    @cached_property
    def columns(self):
        columns = order_columns(self.place, self.user_has_permission)
        for hook in hooks.get_hooks("construct_order_columns"):
            hook(self.request, columns)
        return columns

    def get_base_queryset(self):
        orders = super().get_base_queryset()
        return {"current": orders.current, "archived": orders.archived, "all": orders.all}[self.state]()

    def order_queryset(self, queryset):
        # The primary key makes the order of equal ones certain, and the listing's index ends with it.
        sign = "-" if self.ordering.startswith("-") else ""
        return queryset.order_by(self.ordering, f"{sign}pk")

    def filter_queryset(self, queryset):
        # Wagtail shows everything where a filter cannot be read, and a bulk action would then reach everything.
        return queryset.none() if self.has_wrong_filter else super().filter_queryset(queryset)

    @cached_property
    def has_wrong_filter(self):
        return bool(self.filters) and not self.filters.is_valid()

    def search_queryset(self, queryset):
        if not self.request.GET.get(self.search_kwarg, "").strip():
            return queryset
        # Words that cannot be read, or that are only accents, must not find everything.
        return queryset.search(self.search_query) if fold(self.search_query) else queryset.none()

    @cached_property
    def counts(self):
        """How many orders the filters and the search leave in each state."""
        found = self.search_queryset(self.filter_queryset(super().get_base_queryset())).order_by()
        in_archive = dict(found.values_list("is_archived").annotate(Count("pk")))
        current, archived = in_archive.get(False, 0), in_archive.get(True, 0)
        return {"current": current, "archived": archived, "all": current + archived}

    def get_paginator(self, queryset, per_page, **kwargs):
        rows = queryset.defer(*_UNREAD).annotate(
            items=Subquery(
                OrderLine.objects.filter(order=OuterRef("pk"))
                .order_by()
                .values("order")
                .annotate(items=Sum(_PIECES))
                .values("items")
            ),
            has_notes=Exists(OrderNote.objects.filter(order=OuterRef("pk"))),
        )
        return OrderPaginator(rows, per_page, count=self.counts[self.state], **kwargs)

    def get_page_title(self):
        return gettext("Archived orders") if self.state == "archived" else gettext("Orders")

    def get_breadcrumbs_items(self):
        return [*self.breadcrumbs_items, {"url": "", "label": gettext("Orders")}]

    @cached_property
    def header_buttons(self):
        return [
            ButtonWithDropdown(
                label=self._count_of(self.state, gettext("Show: %(state)s (%(count)s)")),
                buttons=[
                    Button(
                        self._count_of(state, "%(state)s (%(count)s)"),
                        url=Place(state, self.place.query).url,
                        priority=priority,
                        attrs={"aria-current": "page"} if state == self.state else {},
                    )
                    for priority, state in enumerate(STATES)
                ],
                classname="w-header-button button",
            )
        ]

    def _count_of(self, state, words):
        return words % {"state": STATES[state][1], "count": self.counts[state]}

    @cached_property
    def header_more_buttons(self):
        """What more there is to do; not Wagtail's own, and a list of each page's own."""
        buttons = []
        if self.user_has_permission("export"):
            url = reverse("wagtail_orders:export") + "?" + urlencode({"list": str(self.place)})
            buttons.append(Button(gettext("Export orders"), url=url, icon_name="download", priority=5))
            url = reverse("wagtail_orders:print_many") + "?" + urlencode({"list": str(self.place)})
            buttons.append(Button(gettext("Print orders"), url=url, icon_name="doc-full", priority=4))
        if may_import(self.request.user):
            url = reverse("wagtail_orders:import")
            buttons.append(Button(gettext("Import orders"), url=url, icon_name="upload", priority=6))
        if self.user_has_permission("change"):
            url = reverse("wagtail_orders:ship_many")
            buttons.append(Button(gettext("Ship many"), url=url, icon_name=SHIP.icon, priority=10))
        if self.user_has_permission("export"):
            url = reverse("wagtail_orders:jobs")
            buttons.append(
                Button(gettext("Your exports, imports and prints"), url=url, icon_name="history", priority=90)
            )
        return buttons

    @cached_property
    def bulk_buttons(self):
        """The bulk actions that the user may run and that this listing has a use for."""
        useless = {"current": {"unarchive"}, "archived": {"archive", "mark-handled", "cancel", "ship"}}
        first, *others = (action for action in ACTIONS.values() if action.in_bulk)
        buttons = [
            (action.slug, action.short_label, action.is_grave)
            for action in (first, SHIP, *others)
            if action.slug not in useless.get(self.state, ()) and self.user_has_permission(action.permission)
        ]
        if self.user_has_permission("export"):
            buttons.append(("print", pgettext("do with orders", "Print"), False))
            buttons.append(("export", pgettext("do with orders", "Export"), False))
        return [
            {
                "label": label,
                "url": reverse("wagtail_bulk_action", args=("wagtail_orders", "order", slug)),
                "is_grave": is_grave,
            }
            # What cannot be taken back stands last.
            for slug, label, is_grave in sorted(buttons, key=lambda button: button[2])
        ]

    @cached_property
    def elsewhere(self):
        """Where else the search finds orders, in words and as a link, or None."""
        other = {"current": "archived", "archived": "current"}.get(self.state)
        if not other or not self.counts[other] or not (self.is_searching or self.is_filtering):
            return None
        count = self.counts[other]
        words = {
            "archived": ngettext(
                "%(count)s archived order matches too", "%(count)s archived orders match too", count
            ),
            "current": ngettext(
                "%(count)s current order matches too", "%(count)s current orders match too", count
            ),
        }
        return {"words": words[other] % {"count": count}, "url": Place(other, self.place.query).url}

    @cached_property
    def no_results_message(self):
        if self.has_wrong_filter:
            return gettext("One of the filters cannot be read, so nothing is shown. Correct it or clear it.")
        if self.is_searching:
            return gettext("No order matches “%(query)s”.") % {"query": self.search_query}
        if self.is_filtering:
            return gettext("No order matches these filters.")
        if self.state == "archived":
            return gettext("Nothing is archived yet. Handled and cancelled orders can be put away here.")
        return gettext("No orders yet. They arrive here as soon as the shop hands them over.")


def with_neighbours(orders, listing):
    """
    ``orders``, each with the primary keys and numbers of those before and after it in ``listing`` (a set-up
    view): ``previous_pk``, ``previous_number``, ``next_pk``, ``next_number``; null at an end.
    """
    field = listing.ordering.lstrip("-")
    shown = listing.get_queryset()
    beyond = Q(**{f"{field}__gt": OuterRef(field)}) | Q(**{field: OuterRef(field), "pk__gt": OuterRef("pk")})
    below = Q(**{f"{field}__lt": OuterRef(field)}) | Q(**{field: OuterRef(field), "pk__lt": OuterRef("pk")})
    # The first condition is in the second, but lets the database use its index.
    higher = shown.filter(**{f"{field}__gte": OuterRef(field)}).filter(beyond).order_by(field, "pk")
    lower = shown.filter(**{f"{field}__lte": OuterRef(field)}).filter(below).order_by(f"-{field}", "-pk")
    sides = (higher, lower) if listing.ordering.startswith("-") else (lower, higher)
    return orders.annotate(
        **{
            f"{side}_{name}": Subquery(queryset.values(name)[:1])
            for side, queryset in zip(("previous", "next"), sides, strict=True)
            for name in ("pk", "number")
        }
    )
