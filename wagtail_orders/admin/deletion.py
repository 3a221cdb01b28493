"""Keeps Wagtail's own bulk deletion away from orders: it would delete rows behind the verbs' back."""

from django.http import Http404
from wagtail.snippets.bulk_actions.delete import DeleteBulkAction

from ..models import Order


class NoBulkDeletion(DeleteBulkAction):
    """Takes the place of Wagtail's own for orders; its page does not exist."""

    models = [Order]

    def dispatch(self, request, *args, **kwargs):
        raise Http404
