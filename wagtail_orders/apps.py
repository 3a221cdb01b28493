"""The app's place in a Django project."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WagtailOrdersConfig(AppConfig):
    name = "wagtail_orders"
    verbose_name = _("Orders")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from . import checks  # noqa: F401 (registers the checks)
        from .admin import choices, menu
        from .notifications import receivers

        choices.listen()
        menu.listen()
        receivers.listen()
