from django.urls import path
from django.views.generic import TemplateView
from wagtail import hooks
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from .models import Nothing, StockOrder


class StockOrderViewSet(SnippetViewSet):
    """The orders as a project would list them without a package."""

    model = StockOrder
    url_prefix = "stock-orders"
    list_display = [
        "number",
        "placed_at",
        "customer_name",
        "payment_status",
        "fulfillment_status",
        "total",
        "shipping_method_name",
    ]
    list_filter = ["is_archived", "payment_status", "fulfillment_status"]
    search_fields = ["number", "customer_name", "email"]
    list_export = ["number", "placed_at", "customer_name", "email", "payment_status", "total"]
    list_per_page = 50
    inspect_view_enabled = True


class NothingViewSet(SnippetViewSet):
    model = Nothing
    url_prefix = "nothing"


class EmptyView(WagtailAdminTemplateMixin, TemplateView):
    """A page of the admin with nothing in it."""

    template_name = "wagtailadmin/generic/base.html"
    page_title = "Nothing"


register_snippet(StockOrderViewSet)
register_snippet(NothingViewSet)


@hooks.register("register_admin_urls")
def register_admin_urls():
    return [path("empty-page/", EmptyView.as_view(), name="empty_page")]
