"""A file that is made while it is sent: whole, or visibly not."""

import logging

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header

logger = logging.getLogger(__name__)


class Download:
    """
    The file that ``file_format`` writes of ``selection``, piece by piece, in the selection's language and time zone.
    ``ended(state, orders)`` is called once: with "done" after the last piece, "failed" if making one raised, and
    "cancelled" if nobody wants the rest; and with how many orders are through. An error is logged and goes up, so
    that the server breaks the connection off: what arrived must not look whole.
    """

    def __init__(self, file_format, selection, *, ended):
        self._selection = selection
        selection.progress = self._count
        self._pieces = iter(file_format.write(selection))
        self._ended = ended
        self._orders = 0

    def __iter__(self):
        return self

    def __next__(self):
        selection = self._selection
        # Whoever sends the file has long left the page's language.
        with translation.override(selection.language), timezone.override(selection.time_zone):
            try:
                return next(self._pieces)
            except StopIteration:
                self._end("done")
                raise
            except Exception:
                logger.exception("An export broke off")
                self._end("failed")
                raise

    def close(self):
        """Called by the server in any case, and early if the client went."""
        if hasattr(self._pieces, "close"):
            self._pieces.close()
        self._end("cancelled")

    def _count(self, orders):
        self._orders = orders

    def _end(self, state):
        ended, self._ended = self._ended, None
        if ended is None:
            return
        try:
            ended(state, self._orders)
        except Exception:
            # The file is what it is; that its end could not be noted changes nothing about it.
            logger.exception("How an export ended could not be noted")


class AwaitedDownload:
    """
    The same for an asynchronous server: each piece is made in the request's own thread, with its database
    connection, once it is asked for. A mere generator would be made whole before the first byte is sent.
    """

    def __init__(self, download):
        self._download = download
        #: The response that sends it.
        self.response = None

    def close(self):
        # Called by Django in the request's thread; an asynchronous generator's own end may come when that has gone.
        if hasattr(self._download, "close"):
            self._download.close()

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            piece = await sync_to_async(next)(self._download, None)
        except Exception:
            # Django's asynchronous handler leaves a response that breaks off open, and its database connection.
            await sync_to_async(self.response.close)()
            raise
        if piece is None:
            raise StopAsyncIteration
        return piece


def respond(request, download, *, file_name, content_type):
    """The response that sends ``download`` as a file, which no cache may keep."""
    is_awaited = isinstance(request, ASGIRequest)
    pieces = AwaitedDownload(download) if is_awaited else download
    response = StreamingHttpResponse(
        pieces,
        content_type=content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, file_name),
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
    if is_awaited:
        pieces.response = response
    return response
