"""What the tests share: a site, an owner, a recorder of signals."""

import pytest
from django.core.cache import cache
from django.utils import translation
from wagtail.models import Collection, Locale, Page, Site

from wagtail_orders import signals


@pytest.fixture(autouse=True)
def english():
    """A request leaves its language behind; each test begins in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def site(db):
    """The default site; a test with real transactions finds none of what migrations made."""
    site = Site.objects.filter(is_default_site=True).first()
    if site is None:
        Locale.objects.get_or_create(language_code="en")
        root = Page.objects.filter(depth=1).first() or Page.add_root(title="Root", slug="root")
        Collection.objects.exists() or Collection.add_root(name="Root")
        site = Site.objects.create(hostname="www.example.com", root_page=root, is_default_site=True)
    return site


@pytest.fixture
def owner(django_user_model):
    return django_user_model.objects.create_superuser(
        username="anna", email="anna@example.com", password="secret", first_name="Anna"
    )


@pytest.fixture(autouse=True)
def nothing_kept():
    """The number of new orders and the choices of the filters are kept longer than a test lasts."""
    cache.clear()


@pytest.fixture
def desk(client, owner):
    """The owner's browser, logged in."""
    client.force_login(owner)
    return client


@pytest.fixture
def heard():
    """The kinds of the signals sent while the test runs, in their order, with what came along."""
    received = []
    receivers = []
    for kind, signal in signals.BY_KIND.items():

        def receiver(sender, order, event, kind=kind, **kwargs):
            received.append((kind, order, event))

        receivers.append((signal, receiver))
        signal.connect(receiver)
    yield received
    for signal, receiver in receivers:
        signal.disconnect(receiver)


@pytest.fixture
def double(settings):
    """PayPal's double in PayPal's place; its webhooks are not sent unless a test does it."""
    # Which tests of others do not need.
    from example_site.paypal_double import Double

    with Double() as double:
        settings.DEBUG = True
        settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "PAYPAL": double.settings}
        yield double
