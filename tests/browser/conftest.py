"""A real Chromium against the example site, with the shop built and the owner there."""

import os
import shutil

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import sync_playwright

from example_site.shop.demo.site import build_settings, build_shipping_methods, build_site

# Playwright keeps an event loop in the tests' thread, in which Django would refuse to query.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# No look-ups of its own: the machine may have no network.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on the path")
    return path


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def shop(site, settings, tmp_path, live_server):
    """The address of the example site, served with its own pages and pictures."""
    settings.MEDIA_ROOT = tmp_path
    settings.WAGTAIL_ENABLE_UPDATE_CHECK = False
    settings.WAGTAIL_GRAVATAR_PROVIDER_URL = None
    build_site()
    build_shipping_methods()
    build_settings()
    get_user_model().objects.create_superuser("anna", "anna@example.com", "secret")
    return live_server.url


@pytest.fixture
def browse(chromium):
    """Opens a page of a new visitor: a phone or a desktop, in a language, in light or dark."""
    contexts = []

    def open_page(*, width=1440, language="en", scheme="light"):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            locale=language,
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.mistakes = []
        page.on("pageerror", lambda error: page.mistakes.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def enter(shop, browse):
    """Opens a page of the admin as somebody who is logged in already."""

    def open_admin(address="", *, user="anna", **kwargs):
        page = browse(**kwargs)
        client = Client()
        client.force_login(get_user_model().objects.get(username=user))
        name = django_settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": shop}])
        page.goto(f"{shop}/admin/{address}")
        return page

    return open_admin
