"""The addresses of basket and checkout; translated, as customers read them."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from . import paying, views

app_name = "shop"
urlpatterns = [
    path(_("basket/"), views.basket, name="basket"),
    path(_("checkout/"), views.checkout, name="checkout"),
    path(_("thank-you/<str:token>/"), views.thank_you, name="thank_you"),
    path("paypal/pay/<str:token>/", paying.pay, name="pay"),
    path("paypal/back/<int:pk>/", paying.back, name="paypal_back"),
    path("paypal/cancelled/<int:pk>/", paying.cancelled, name="paypal_cancelled"),
]
