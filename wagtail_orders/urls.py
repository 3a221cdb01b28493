"""
What customers reach, ShipStation and PayPal. A project includes it where it likes, outside ``i18n_patterns`` and before
Wagtail's own: ``path("orders/", include("wagtail_orders.urls"))``.
"""

from django.urls import path

from . import views
from .shipstation import door

app_name = "wagtail_orders_public"

urlpatterns = [
    path("shipstation/", door.enter, name="shipstation"),
    path("payments/paypal/", views.paypal, name="paypal"),
    path("<token>/", views.order, name="order"),
]
