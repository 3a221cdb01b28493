"""Several documents as one page for the browser to print, each with the looks that its own page has."""

import re

from django.template.loader import render_to_string

_ROOT = re.compile(r"<html([^>]*)>")
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL)
_STYLE = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
_PAGE = re.compile(r"@page\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
#: A page's foot or head with a number: the browser counts those of all orders, not of each.
_COUNTER = re.compile(r"@[\w-]+\s*\{[^{}]*counter\([^{}]*\}")
_BODY_IN_STYLE = re.compile(r"(?<![\w.#-])body(?=\s*[,{])")


def together(pages, document, screen):
    """
    The HTML of ``pages``, each the whole page of ``render_html`` without a ``screen``. Each stands in a shadow root of
    its own, so that one's style is not another's, and has its own kind of printed page, with its own foot.
    """
    sheets = [_sheet(html, f"order{position}") for position, html in enumerate(pages)]
    context = {"document": document, "sheets": sheets, "screen": screen}
    return render_to_string("wagtail_orders/documents/together.html", context)


def _sheet(html, name):
    """A document's parts. They were escaped when it was rendered, so the template takes them as they are."""
    styles = [style for style in _STYLE.findall(html) if 'media="pdf"' not in style]
    rules = [_COUNTER.sub("", rule) for style in styles for rule in _PAGE.findall(style)]
    style = _BODY_IN_STYLE.sub(":host", "".join(styles))
    return {
        "name": name,
        "attributes": _first(_ROOT, html),
        "pages": "".join(f"@page {name} {{{rule}}}" for rule in rules),
        "style": style,
        "body": _first(_BODY, html),
    }


def _first(pattern, html):
    found = pattern.search(html)
    return found[1] if found else ""
