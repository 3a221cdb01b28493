"""
PayPal's double: a little server of our own that answers as PayPal's documentation says, for tests and the demo. No
money moves. It depends on nothing but ``cryptography`` and ``requests``, and knows nothing of what it is used for.
"""

from importlib import import_module

HOMES = {"Authority": ".authority", "Double": ".double", "Event": ".books"}

__all__ = ["Authority", "Double", "Event"]


def __getattr__(name):
    """The example site's settings come by here, and are to do without ``cryptography``."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name], __name__), name)
