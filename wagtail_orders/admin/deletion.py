"""Deleting several orders: Wagtail's own bulk action would delete the rows behind the verbs' back."""

from django.utils.translation import gettext_lazy as _
from wagtail.snippets.bulk_actions.delete import DeleteBulkAction

from .. import lifecycle
from ..models import Order


class DeleteOrdersBulkAction(DeleteBulkAction):
    """Takes the place of Wagtail's own for orders: the verb decides, and writes the journal and the log."""

    display_name = _("Delete")
    aria_label = _("Delete the selected orders")
    models = [Order]

    def check_perm(self, order):
        return self.request.user.has_perm("wagtail_orders.delete_order")

    @classmethod
    def execute_action(cls, objects, user=None, **kwargs):
        chosen = Order.objects.filter(pk__in=[order.pk for order in objects])
        return len(lifecycle.delete(chosen, user=kwargs["self"].request.user).changed), 0
