"""A document as PDF, by the project's renderer; a failure comes as a ``DocumentFailed`` that says why."""

import logging
import re

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from .. import conf
from ..exceptions import DocumentFailed
from ..models import Order, OrderSettings
from . import fonts, limits
from .html import render_html
from .registry import Document, documents

logger = logging.getLogger(__name__)


def render_pdf(kind, orders, *, language=None, seconds=None):
    """
    The PDF of a document: ``kind`` is a ``Document`` or its name, ``orders`` an ``Order`` or several. Of several
    each makes a document of its own with its own page numbers, one after the other, but for a kind of many.
    ``language`` is each customer's if it is not given. ``seconds`` is how long each document may take,
    ``PDF_SECONDS`` if it is not given. Raises ``DocumentFailed``.
    """
    document = kind if isinstance(kind, Document) else documents()[kind]
    if document.is_of_many:
        return _render(document, orders, language, seconds)
    orders = [orders] if isinstance(orders, Order) else list(orders)
    if len(orders) == 1:
        return _render(document, orders[0], language, seconds)
    share_shops(orders)
    # Not earlier: with pypdf each start of the site would take a tenth of a second longer.
    from .merging import merge

    return b"".join(merge(_render(document, order, language, seconds) for order in orders))


def share_shops(orders):
    """Read what the owners of the orders' sites set once for all of them."""
    shops = OrderSettings.of_sites({order.site_id for order in orders})
    for order in orders:
        order.shop = shops[order.site_id]


def _render(document, orders, language, seconds):
    seconds = seconds or conf.get("PDF_SECONDS")
    try:
        html = render_html(document, orders, language=language, is_pdf=True)
        if len(html) > limits.CHARACTERS:
            raise limits.TooLong
        renderer = import_string(conf.get("PDF_RENDERER"))
        with limits.within(seconds):
            return renderer(html, fonts.FOLDER)
    except limits.TooLong as error:
        logger.warning("%s is too long for a PDF", document.name)
        raise DocumentFailed(_("This is too long for a PDF.")) from error
    except limits.TooSlow as error:
        logger.warning("%s was given up after %s seconds", document.name, seconds)
        raise DocumentFailed(_("Making the PDF takes too long.")) from error
    except Exception as error:
        logger.exception("%s could not be made a PDF", document.name)
        raise DocumentFailed(
            _("The PDF could not be made; the website's log says why: %(reason)s")
            % {"reason": type(error).__name__}
        ) from error


def file_name(document, orders=()):
    """What a document's file is called, such as ``order-sheet-2026-00042.pdf``."""
    number = f"-{orders[0].number}" if len(orders) == 1 else ""
    return re.sub(r"[^\w.-]+", "-", f"{document.name}{number}") + ".pdf"
