"""The formats that orders can be exported in: those that come along, and each project's own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from wagtail import hooks

from .selection import Selection


@dataclass(frozen=True)
class Format:
    """
    One file format. ``write`` is a generator that takes a ``Selection`` and yields the file bit by bit; what comes
    before the first order should be yielded before the first chunk is asked for, so that a download begins at once.
    """

    #: In URLs and for ``get``; a slug.
    name: str
    #: What people choose, and beneath it in a sentence what it is good for.
    label: Any
    suffix: str
    content_type: str
    write: Callable[[Selection], Iterator[bytes]]
    description: Any = ""
    #: Its cleaned data are the selection's options, and must be JSON; constructed with ``user`` as a keyword.
    form_class: type[forms.Form] | None = None


def formats():
    """
    All formats by their name. A project adds its own with Wagtail's hook ``register_order_export_format``: a function
    without arguments that returns a ``Format``, or None while it is not offered. Of two with one name the later takes
    the earlier one's place.
    """
    known = {}
    for function in hooks.get_hooks("register_order_export_format"):
        if made := function():
            known[made.name] = made
    return known
