"""How long a document and its making may be."""

from contextlib import contextmanager
from contextvars import ContextVar

#: Of a document's HTML: some 20,000 lines.
CHARACTERS = 6_000_000

_seconds = ContextVar("seconds", default=60)


class TooLong(Exception):
    """The document's HTML has more than ``CHARACTERS``."""


class TooSlow(Exception):
    """The renderer used up its time; it stopped by itself."""


@contextmanager
def within(seconds):
    """While it lasts, a renderer may take so many seconds: see ``seconds``."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def seconds():
    """How many seconds a renderer may take. It looks itself whether they are over, and raises ``TooSlow``."""
    return _seconds.get()
