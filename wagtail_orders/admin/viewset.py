"""The order desk's place in the admin: its menu item, its URLs, its views."""

from django.urls import path, reverse
from django.utils.functional import cached_property
from wagtail.snippets.views.snippets import SnippetViewSet

from ..models import Order
from .listing import OrderIndexView
from .order import OrderActionView, OrderView
from .permissions import OrderPermissionPolicy

policy = OrderPermissionPolicy(Order)


class OrderAdminURLFinder:
    """Leads from Wagtail's log and other places to the order's page, for all who may see it."""

    def __init__(self, user=None):
        self.user = user

    def get_edit_url(self, order):
        if self.user is None or policy.user_has_any_permission(self.user, {"view", "change", "delete"}):
            return reverse("wagtail_orders:inspect", args=(order.pk,))
        return None


class OrderViewSet(SnippetViewSet):
    """
    Orders in the menu, a listing of the current and one of the archived ones, and the order's page. There is
    no add, copy, edit or delete view: the verbs write, and each has its button.
    """

    model = Order
    icon = "clipboard-list"
    menu_name = "orders"
    menu_order = 150
    add_to_admin_menu = True
    url_prefix = "orders"
    url_namespace = "wagtail_orders"
    inspect_view_enabled = True
    copy_view_enabled = False
    index_view_class = OrderIndexView
    inspect_view_class = OrderView
    # Wagtail 8 has it registered by wagtail_hooks; 7.4 asks the viewset.
    permission_policy = policy
    url_finder_class = OrderAdminURLFinder

    @cached_property
    def index_template_name(self):
        return "wagtailadmin/generic/index.html"

    @cached_property
    def inspect_template_name(self):
        return self.inspect_view_class.template_name

    def get_permissions_to_register(self):
        return super().get_permissions_to_register().exclude(codename="add_order")

    def register_chooser_viewset(self):
        """Not at all: a chooser would list orders to everybody who may enter the admin."""

    def get_index_view_kwargs(self, **kwargs):
        return super().get_index_view_kwargs(other_url_name=self.get_url_name("archived"), **kwargs)

    def get_inspect_view_kwargs(self, **kwargs):
        return super().get_inspect_view_kwargs(
            archived_url_name=self.get_url_name("archived"),
            action_url_name=self.get_url_name("action"),
            **kwargs,
        )

    def _archived_view(self, **kwargs):
        return self.construct_view(
            self.index_view_class,
            **{
                **self.get_index_view_kwargs(),
                "state": "archived",
                "index_url_name": self.get_url_name("archived"),
                "index_results_url_name": self.get_url_name("archived_results"),
                "other_url_name": self.get_url_name("list"),
                **kwargs,
            },
        )

    @property
    def action_view(self):
        return self.construct_view(
            OrderActionView,
            permission_policy=self.permission_policy,
            inspect_url_name=self.get_url_name("inspect"),
        )

    def get_urlpatterns(self):
        return [
            path("", self.index_view, name="list"),
            path("results/", self.index_results_view, name="list_results"),
            path("archived/", self._archived_view(), name="archived"),
            path(
                "archived/results/",
                self._archived_view(
                    results_only=True, results_template_name="wagtailadmin/generic/index_results.html"
                ),
                name="archived_results",
            ),
            path("<int:pk>/", self.inspect_view, name="inspect"),
            # Wagtail looks for a model's page under this name.
            path("<int:pk>/", self.inspect_view, name="edit"),
            path("<int:pk>/<slug:action>/", self.action_view, name="action"),
        ]
