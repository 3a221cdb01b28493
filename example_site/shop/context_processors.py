"""What every template of the site knows: the basket, the way home, and the other languages."""

from django.conf import settings
from django.urls import translate_url
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language_info
from wagtail.models import Page, Site

from .basket import Basket


def basket(request):
    """`basket`, `home_url`, and `language_links`: this page in each language, if it has several; all lazy."""
    return {
        "basket": SimpleLazyObject(lambda: Basket(request)),
        "home_url": SimpleLazyObject(lambda: home_url(request)),
        "language_links": SimpleLazyObject(lambda: language_links(request)),
    }


def home_url(request):
    site = Site.find_for_request(request)
    return site.root_page.localized.url if site else "/"


def language_links(request):
    match = request.resolver_match
    page = None
    if match and match.url_name == "wagtail_serve":
        page = Page.route_for_request(request, match.args[0])
    translations = {}
    if page:
        siblings = page.page.get_translations(inclusive=True).live()
        translations = {other.locale.language_code: other.url for other in siblings.select_related("locale")}
    here = request.get_full_path()
    urls = {code: translations.get(code) or translate_url(here, code) for code, _name in settings.LANGUAGES}
    if len(set(urls.values())) == 1:
        return []
    return [{**get_language_info(code), "url": url} for code, url in urls.items()]
