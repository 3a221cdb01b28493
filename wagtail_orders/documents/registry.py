"""The documents that can be printed: those that come along, and each project's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wagtail import hooks


@dataclass(frozen=True)
class Document:
    """One kind of document: a template, and what it is to know beside what all of them know."""

    #: In URLs and file names; a slug.
    name: str
    #: What people choose.
    label: Any
    template: str
    #: Takes an order, or a list of orders if ``is_of_many``, and returns what the template knows; within it the
    #: language and time zone of the document are active.
    context: Callable[[Any], dict] | None = None
    #: Whether several orders make one document, as a pick list; else each makes one of its own.
    is_of_many: bool = False
    #: Width and height in millimetres; None: the paper that the owner chose.
    size: tuple[float, float] | None = None
    #: What it is good for, in a sentence beneath its label where many orders are printed.
    description: Any = ""


def documents():
    """
    All documents by their name. A project adds its own with Wagtail's hook ``register_order_document``: a function
    without arguments that returns a ``Document``; of two with one name the later takes the earlier one's place.
    """
    made = (function() for function in hooks.get_hooks("register_order_document"))
    return {document.name: document for document in made}
