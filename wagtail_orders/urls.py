"""
What customers reach. A project includes it where it likes, outside ``i18n_patterns`` and before Wagtail's own:
``path("orders/", include("wagtail_orders.urls"))``.
"""

from django.urls import path

from . import views

app_name = "wagtail_orders_public"

urlpatterns = [path("<token>/", views.order, name="order")]
