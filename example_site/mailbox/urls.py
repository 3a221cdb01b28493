"""The addresses of the demo's mailbox."""

from django.urls import path

from . import views

app_name = "mailbox"
urlpatterns = [
    path("", views.mail_list, name="list"),
    path("empty/", views.empty, name="empty"),
    path("<str:name>/", views.mail, name="mail"),
    path("<str:name>/html/", views.mail_html, name="html"),
]
