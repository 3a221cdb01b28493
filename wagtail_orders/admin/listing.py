"""The listing of orders: the current ones, and those in the archive."""

from django.db.models import Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Table
from wagtail.admin.widgets.button import HeaderButton
from wagtail.snippets.views.snippets import IndexView

from .cells import order_columns


class OrderTable(Table):
    """The listing's table, which brings its style along."""

    class Media:
        css = {"all": ["wagtail_orders/admin.css"]}


class OrderIndexView(IndexView):
    """One listing; ``state`` says whether of the current or of the archived orders."""

    state = "current"
    other_url_name = None
    any_permission_required = ["change", "delete", "view"]
    table_class = OrderTable
    table_classname = "listing orders-listing"
    is_searchable = True
    default_ordering = "-placed_at"
    paginate_by = 50

    @property
    def is_archive(self):
        return self.state == "archived"

    @cached_property
    def columns(self):
        return order_columns(self.inspect_url_name)

    def get_base_queryset(self):
        orders = super().get_base_queryset()
        return orders.archived() if self.is_archive else orders.current()

    def order_queryset(self, queryset):
        # The primary key makes the order of equal ones certain, and the listing's index ends with it.
        sign = "-" if self.ordering.startswith("-") else ""
        return queryset.order_by(self.ordering, f"{sign}pk")

    def search_queryset(self, queryset):
        words = self.search_query
        if not words:
            return queryset
        # A number equals only itself on every database, so MariaDB too would search it letter by letter.
        return queryset.alias(number_in_capitals=Upper("number")).filter(
            Q(number_in_capitals__icontains=words.upper())
            | Q(customer_name__icontains=words)
            | Q(email__icontains=words)
        )

    def get_page_title(self):
        return gettext("Archived orders") if self.is_archive else gettext("Orders")

    def get_breadcrumbs_items(self):
        items = super().get_breadcrumbs_items()
        if self.is_archive:
            items.insert(-1, {"url": reverse(self.other_url_name), "label": gettext("Orders")})
        return items

    @cached_property
    def header_buttons(self):
        label, icon = (_("Current orders"), "clipboard-list") if self.is_archive else (_("Archive"), "folder")
        return [HeaderButton(label, url=reverse(self.other_url_name), icon_name=icon)]

    @cached_property
    def header_more_buttons(self):
        return []

    @cached_property
    def no_results_message(self):
        if self.is_searching:
            return gettext("No order matches “%(query)s”.") % {"query": self.search_query}
        if self.is_archive:
            return gettext("Nothing is archived yet. Handled and cancelled orders can be put away here.")
        return gettext("No orders yet. They arrive here as soon as the shop hands them over.")
