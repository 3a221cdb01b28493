"""The pages of the demo's mailbox: the list, one mail, its HTML apart, and emptying. For the demo only."""

import functools
import re

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from . import is_open, mails

# A mail comes from anywhere: it runs no script, asks no form and loads nothing but pictures. Its links may
# leave the frame when somebody clicks them.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'"
)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)
HTML, TEXT = "html", "text"


def demo_page(view):
    """Not found unless the mailbox is open; `?language=` says in which language, as the address does not."""

    @never_cache
    @functools.wraps(view)
    def page(request, *args, **kwargs):
        if not is_open():
            raise Http404
        language = request.GET.get("language")
        if language in dict(settings.LANGUAGES):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return view(request, *args, **kwargs)

    return page


@demo_page
@require_safe
def mail_list(request):
    return show(request, "mailbox/list.html", mails=mails.newest_first())


@demo_page
@require_safe
def mail(request, name):
    """One mail as HTML if it has any, else, or with `?as=text`, as plain text."""
    found = find(name)
    as_html = found.html and not (request.GET.get("as") == TEXT and found.text)
    return show(request, "mailbox/mail.html", mail=found, shown_as=HTML if as_html else TEXT)


@demo_page
@require_safe
@xframe_options_sameorigin
def mail_html(request, name):
    """The mail's own HTML, for the frame on its page, whose place its links take."""
    html = find(name).html
    head = HEAD.search(html) or DOCTYPE.match(html)
    start = head.end() if head else 0
    return HttpResponse(
        f'{html[:start]}<base target="_top">{html[start:]}',
        headers={"Content-Security-Policy": MAIL_POLICY},
    )


@demo_page
@require_POST
def empty(request):
    mails.throw_away()
    return redirect(f"{reverse('mailbox:list')}?language={translation.get_language()}")


def find(name):
    found = mails.find(name)
    if found is None:
        raise Http404
    return found


def show(request, template, **context):
    return render(request, template, {**context, "language_links": language_links(request)})


def language_links(request):
    """Links to this same page in each language."""
    query = request.GET.copy()
    links = []
    for code, _name in settings.LANGUAGES:
        query["language"] = code
        links.append({**translation.get_language_info(code), "url": f"{request.path}?{query.urlencode()}"})
    return links
