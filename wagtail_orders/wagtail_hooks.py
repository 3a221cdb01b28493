"""Registers the order desk with Wagtail; nothing is decided here."""

from wagtail import hooks
from wagtail.contrib.settings.registry import register_setting
from wagtail.snippets.models import register_snippet

from .admin.deletion import NoBulkDeletion
from .admin.history import log_formatter
from .admin.viewset import OrderViewSet, policy
from .models import Order, OrderEvent, OrderSettings

try:
    from wagtail.permissions import register_permission_policy
except ImportError:  # Wagtail 7.4 asks the viewset instead.
    pass
else:
    register_permission_policy(Order, policy)

register_snippet(OrderViewSet)
register_setting(OrderSettings, icon="clipboard-list")
# Later than Wagtail's own of the same name, so that it takes its place for orders.
hooks.register("register_bulk_action", NoBulkDeletion, order=100)


@hooks.register("register_log_actions")
def register_log_actions(actions):
    for kind in OrderEvent.Kind.values:
        actions.register_action(f"wagtail_orders.{kind}")(log_formatter(kind))
