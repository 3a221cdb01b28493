"""Registers the order desk with Wagtail; nothing is decided here."""

from wagtail import hooks
from wagtail.contrib.settings.registry import register_setting
from wagtail.snippets.models import register_snippet

from . import conf
from .admin.bulk import bulk_actions
from .admin.dashboard import MailTroublePanel, NewestOrdersPanel, summary_items
from .admin.exports import ExportedFormatter, ExportTicked
from .admin.history import log_formatter
from .admin.permissions import policy
from .admin.print_many import PrintedFormatter, PrintTicked
from .admin.ship_many import ShipRows
from .admin.shipping_methods import ShippingMethodViewSet
from .admin.texts import MailTextViewSet, SavedTextViewSet, SendTestItem
from .admin.unmatched import UnmatchedMoneyPanel
from .admin.viewset import OrderViewSet
from .documents.kinds import BUILT_IN
from .exports.csv import CSV
from .exports.shipstation import SHIPSTATION
from .exports.xlsx import XLSX
from .exports.xml import XML
from .models import Order, OrderEvent, OrderSettings

try:
    from wagtail.permissions import register_permission_policy
except ImportError:  # Wagtail 7.4 asks the viewset instead.
    pass
else:
    register_permission_policy(Order, policy)

register_snippet(OrderViewSet)
register_snippet(ShippingMethodViewSet)
register_snippet(MailTextViewSet)
register_snippet(SavedTextViewSet)
register_setting(OrderSettings, icon="clipboard-list")
for bulk_action in [*bulk_actions(), ShipRows, PrintTicked, ExportTicked]:
    # Later than Wagtail's own "delete", which would delete rows behind the verbs' back, to take its place.
    hooks.register("register_bulk_action", bulk_action, order=100)
for file_format in (XLSX, CSV, XML):
    hooks.register("register_order_export_format", lambda file_format=file_format: file_format)
for document in BUILT_IN:
    # Before a project's own, which may take the place of one.
    hooks.register("register_order_document", lambda document=document: document, order=-1)


@hooks.register("register_order_export_format")
def add_shipstation():
    return SHIPSTATION if conf.get("SHIPSTATION") else None


@hooks.register("register_log_actions")
def register_log_actions(actions):
    for kind in OrderEvent.Kind.values:
        actions.register_action(f"wagtail_orders.{kind}")(log_formatter(kind))
    actions.register_action("wagtail_orders.exported")(ExportedFormatter)
    actions.register_action("wagtail_orders.printed")(PrintedFormatter)


@hooks.register("register_snippet_action_menu_item")
def add_send_test(model):
    return SendTestItem(order=50)


@hooks.register("construct_homepage_summary_items")
def add_summary_items(request, items):
    items.extend(summary_items(request))


@hooks.register("construct_homepage_panels")
def add_home_panel(request, panels):
    panels += [UnmatchedMoneyPanel(request), MailTroublePanel(request), NewestOrdersPanel(request)]
