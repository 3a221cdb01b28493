"""The order desk's pages as tests see them: opened, filled in, sent, and read."""

from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import lxml.html
import requests
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from wagtail_orders import payments
from wagtail_orders.lifecycle import mark_paid, record_payment
from wagtail_orders.models import Order, ProviderEvent
from wagtail_orders.models.settings import local_moment

DIALOGS = ("pay", "unpay", "refund", "refund-provider", "ship", "cancel", "delete", "mail", "another")


def page_of(order):
    return reverse("wagtail_orders:inspect", args=[order.pk])


def button(order, action):
    return reverse("wagtail_orders:action", args=[order.pk, action])


def user_with(django_user_model, *codenames):
    """Somebody who may enter the admin, with these permissions on orders."""
    group = Group.objects.create(name="-".join(codenames) or "nothing")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    group.permissions.add(*Permission.objects.filter(codename__in=codenames))
    user = django_user_model.objects.create_user(username="user-" + group.name, password="secret")
    user.groups.add(group)
    return user


def parsed(response):
    return lxml.html.fromstring(response.content.decode())


def words(element):
    """An element's text as people read it."""
    return " ".join(element.text_content().split())


def path_of(order, slug, note=None):
    """Where one of the page's forms is sent."""
    if note is None:
        return button(order, slug)
    return reverse("wagtail_orders:note", args=[order.pk, note.pk, slug])


def form_at(document, path):
    """The form that is sent to ``path``, or None."""
    forms = [form for form in document.forms if urlsplit(form.get("action", "")).path == path]
    assert len(forms) <= 1
    return forms[0] if forms else None


def filled(form):
    """What a browser would send of the form as it is."""
    values = dict(form.form_values())
    for element in form.inputs:
        if element.tag == "textarea":
            # HTML leaves the first line's break out.
            values[element.name] = (element.value or "").removeprefix("\n")
        elif element.get("type") in ("text", "email", "date", "tel", "url", "number"):
            values[element.name] = element.value or ""
    return values


def name_of(slug, field, note=None):
    return f"{slug}-{field}" if note is None else f"{slug}-{field}-{note.pk}"


def typed_into(form, slug, note=None, **typed):
    """The form's values with ``typed`` in the place of some; a tick-box is given as None to take its tick away."""
    values = filled(form)
    for field, text in typed.items():
        name = name_of(slug, field, note)
        assert name in form.fields, name
        values[name] = text
    return {name: text for name, text in values.items() if text is not None}


def send(desk, order, slug, *, note=None, listing="", at=None, **typed):
    """Open the order's page, fill one of its forms in, and send it. ``at`` is the page as it was opened before."""
    page = opened(desk, order, listing) if at is None else at
    form = form_at(page, path_of(order, slug, note))
    assert form is not None, f"the page has no form {slug!r}"
    return desk.post(form.get("action"), typed_into(form, slug, note, **typed))


def opened(desk, order, listing=""):
    response = desk.get(page_of(order) + (f"?{urlencode({'list': listing})}" if listing else ""))
    assert response.status_code == 200
    return parsed(response)


def raw(order, slug, **typed):
    """What a hand-made request would send, or a page that is open since before the form went away."""
    version = Order.objects.get(pk=order.pk).version
    return {f"{slug}-{name}": value for name, value in {"version": version, **typed}.items()}


def said(response):
    """The messages that a response leaves for the next page, without the button for undoing."""
    return [
        words(lxml.html.fromstring(f"<p>{str(message).split(' <form')[0]}</p>"))
        for message in get_messages(response.wsgi_request)
    ]


def tables():
    """All that is written about orders."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in apps.get_app_config("wagtail_orders").get_models()
    }


def day(days=0):
    return local_moment(timezone.now()).date() + timedelta(days=days)


def is_open(document, order, slug, note=None):
    """Whether the form stands open before the reader's eyes."""
    if slug in DIALOGS:
        marks = document.xpath("//*[@data-orders-open]/@data-orders-open")
        return marks == [f"orders-{slug}"] and len(document.xpath(f"//*[@id='orders-{slug}']")) == 1
    form = form_at(document, path_of(order, slug, note))
    return all("open" in fold.attrib for fold in form.iterancestors("details"))


def provider_paid(order):
    record_payment(order, amount=order.total, method="card", reference=f"pi_{order.pk}")
    return order


def with_paypal(settings, double):
    """PayPal is its double, which plays with no money and therefore only where DEBUG is on."""
    settings.DEBUG = True
    settings.WAGTAIL_ORDERS = {**getattr(settings, "WAGTAIL_ORDERS", {}), "PAYPAL": double.settings}
    return double


def paypal_paid(order):
    """The order, paid at PayPal's double as its customer does."""
    paypal = payments.provider("paypal")
    attempt = paypal.start(order, return_url="https://shop.example/", cancel_url="https://shop.example/")
    requests.post(attempt.approve_url, data={"action": "pay"}, allow_redirects=False, timeout=10)
    paypal.confirm(attempt)
    order.refresh_from_db()
    assert order.payment_status == "paid"
    return order


def unmatched(number=1, **facts):
    """An event of a provider about money that fits no order."""
    facts = {
        "provider": "paypal",
        "identifier": f"WH-{number}",
        "digest": "0" * 64,
        "kind": "PAYMENT.CAPTURE.COMPLETED",
        "resource": f"CAPTURE-{number}",
        "body": "{}",
        "state": ProviderEvent.State.UNMATCHED,
        "error": "42.00 EUR for 2026-00077, which is no order",
        **facts,
    }
    return ProviderEvent.objects.create(**facts)


def paid(order):
    mark_paid(order)
    return order
