"""A document as HTML, for a PDF or for a browser to print."""

import re

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from ..models import Order, OrderSettings
from ..notifications.contents import reading, shop_name
from . import fonts
from .pictures import logo
from .registry import Document, documents

_PAPER = {OrderSettings.Paper.A4: (210, 297), OrderSettings.Paper.LETTER: (215.9, 279.4)}


def render_html(kind, orders, *, language=None, is_pdf=False, screen=None):
    """
    The HTML of one document: ``kind`` is a ``Document`` or its name, ``orders`` an ``Order``, or several where the
    kind is of many. ``language`` is the customer's if it is not given, or the site's where there are many customers.
    Without ``is_pdf`` it is a page for a browser to print; ``screen`` is what stands above it there and is not
    printed: a dictionary with ``language``, ``notice``, ``links`` (each a label and an address) and ``print_label``.
    """
    document = kind if isinstance(kind, Document) else documents()[kind]
    orders = [orders] if isinstance(orders, Order) else list(orders)
    if not orders or (len(orders) > 1 and not document.is_of_many):
        raise ValueError(f"{document.name} is not made of {len(orders)} orders.")
    first = orders[0]
    language = translation.to_language(
        language or (first.shop.language if document.is_of_many else first.language)
    )
    with reading(first, language):
        context = {
            **_frame(document, first, is_pdf),
            "language": language,
            "is_pdf": is_pdf,
            "screen": screen,
        }
        if document.context is not None:
            context |= document.context(orders if document.is_of_many else first)
        return render_to_string(document.template, context)


def _frame(document, order, is_pdf):
    """What the base of every template knows."""
    shop = order.shop
    picture = logo(shop)
    name = shop_name(order)
    title = str(document.label)
    numbered = title if document.is_of_many else _("Order %(number)s") % {"number": order.number}
    is_left = shop.address_window == OrderSettings.Window.LEFT
    is_rtl = get_language_bidi()
    return {
        "document": document,
        "order": order,
        "shop": shop,
        "shop_name": name,
        "title": title,
        "foot": " · ".join(filter(None, (numbered, name))),
        "page_of": _page_of(),
        # A document of a size of its own has no room for it.
        "has_foot": document.size is None,
        "logo": picture and picture.within(75, 20),
        "is_rtl": is_rtl,
        "faces": fonts.faces() if is_pdf else (),
        "families": fonts.families() if is_pdf else (),
        "paper": _paper(document, shop),
        "is_window_left": is_left,
        # A table's first column stands where reading begins.
        "is_window_first": is_left != is_rtl,
    }


def _paper(document, shop):
    """
    Millimetres. The address stands where the windows of DL envelopes (110 by 220) show it, however the sheet slips
    about in them. On A4 it begins 55 below the edge. On the left at 25, within the field of DIN 5008, form B (20 to
    105 across, 45 to 90 down; https://www.din-5008-richtlinien.de/startseite/anschriftenfeld/). On the right at 110,
    as French senders have it (a field of 85 by 33, 110 from the left and 55 from the top;
    https://edics.fr/rediger-vos-adresses-les-bonnes-pratiques/), within what bpost asks for (at least 15 from the
    right and the lower edge, at most 140 from the right one; https://bpost.be/fr-masspost-guide/12). A US Letter
    folds at 93, and the window of a No. 10 envelope shows 63 to 81 of it: the address begins at 64.
    """
    if document.size:
        width, height = document.size
        return _in_css(
            {"width": width, "height": height, "top": 6, "side": 6, "bottom": 6, "inner": width - 12}
        )
    width, height = _PAPER[shop.paper_size]
    top, side = 12, 20
    is_left = shop.address_window == OrderSettings.Window.LEFT
    first_line = 64 if shop.paper_size == OrderSettings.Paper.LETTER else 55
    sizes = {
        "width": width,
        "height": height,
        "top": top,
        "side": side,
        "bottom": 18,
        "inner": width - 2 * side,
        # The sender's line, which takes 5, stands between the head and the address.
        "head": first_line - 5 - top,
        "window": 90 if is_left else width - 2 * side - 90,
        "facts": width - 2 * side - 90 if is_left else 90,
    }
    return _in_css(sizes)


def _in_css(sizes):
    # As text, which no template writes with a decimal comma.
    return {name: f"{number:g}mm" for name, number in sizes.items()}


def _page_of():
    """ "Page n of N" in pieces: a text, or what a renderer has to put in, ``page`` or ``pages``."""
    text = _("Page %(page)s of %(pages)s")
    pieces = re.split(r"%\((page|pages)\)s", text)
    return [(piece if at % 2 else "text", piece) for at, piece in enumerate(pieces) if piece]
