"""Many orders on paper: each with pages of its own, or all as one pick list; read some at a time, made one by one."""

import logging
import time

from django.utils.translation import gettext as _

from .. import database
from ..exceptions import DocumentFailed
from ..models import Order
from ..notifications.contents import read_ahead
from .html import render_html
from .pdf import render_pdf, share_shops
from .together import together

logger = logging.getLogger(__name__)

#: So many orders are read at once: the number of queries grows with the chunks, never with the orders.
CHUNK = 50


class OutOfTime(DocumentFailed):
    """All documents together took longer than they may."""


class Printing:
    """
    One document of the orders with the primary keys ``pks``, in their order. ``language`` is each customer's if it is
    not given; of a kind of many the site's. ``seconds`` is how long the PDF of each order may take, ``PDF_SECONDS`` if
    it is not given, and ``patience`` how long all of them. ``progress`` is told how many orders are through.
    """

    def __init__(self, document, pks, *, language=None, seconds=None, patience=None, progress=None):
        self.document = document
        self.pks = pks
        self.language = language
        self._seconds = seconds
        self._until = patience and time.monotonic() + patience
        self._progress = progress
        #: How many orders are in it.
        self.made = 0
        #: Those that could not be made, each with its primary key, its number, and why in the active language.
        self.failed = []
        #: How many there are no more.
        self.gone = 0

    def write(self):
        """
        Yield one PDF bit by bit, in the memory of one order. An order that fails is left out and noted in ``failed``:
        a PDF with none ``made`` is none. Raises ``DocumentFailed`` where one document is made of all, and
        ``OutOfTime``.
        """
        if self.document.is_of_many:
            return self._one_of_all()
        # Not earlier: with pypdf each start of the site would take a tenth of a second longer.
        from .merging import merge

        return merge(self._each(self._pdf))

    def html(self, screen):
        """The same as one page for the browser to print; ``screen`` is that of ``render_html``."""
        if self.document.is_of_many:
            orders = list(self._orders())
            self.made = len(orders)
            return self._html(orders, screen=screen)
        return together(self._each(self._html), self.document, screen)

    def _one_of_all(self):
        orders = list(self._orders())
        if orders:
            pdf = self._pdf(orders)
            self._is_through(len(orders))
            yield pdf

    def _each(self, make):
        """What ``make`` makes of each order, one after the other."""
        for order in self._orders():
            try:
                made = make(order)
            except OutOfTime:
                raise
            except DocumentFailed as error:
                self.failed.append((order.pk, order.number, str(error)))
                self._is_through(0)
            else:
                self._is_through(1)
                yield made

    def _is_through(self, made):
        self.made += made
        if self._progress:
            self._progress(self.made + len(self.failed) + self.gone)

    def _orders(self):
        for start in range(0, len(self.pks), CHUNK):
            pks = list(self.pks[start : start + CHUNK])
            found = database.primary(Order).select_related("site").in_bulk(pks)
            orders = [found[pk] for pk in pks if pk in found]
            self.gone += len(pks) - len(orders)
            share_shops(orders)
            if not self.document.is_of_many:
                read_ahead(orders)
            yield from orders

    def _pdf(self, orders):
        seconds = self._seconds
        if self._until is not None:
            seconds = self._until - time.monotonic()
            if seconds <= 0:
                raise OutOfTime(_("Making the PDF takes too long."))
        return render_pdf(self.document, orders, language=self.language, seconds=seconds)

    def _html(self, orders, screen=None):
        try:
            return render_html(self.document, orders, language=self.language, screen=screen)
        except Exception as error:
            logger.exception("%s could not be made", self.document.name)
            said = _("It could not be made; the website's log says why: %(reason)s")
            raise DocumentFailed(said % {"reason": type(error).__name__}) from error
