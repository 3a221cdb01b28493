"""From a file to orders as they were elsewhere: what every reader is, and which there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO

from ..lifecycle.records import OrderRecord, Problem

__all__ = ["OrderRecord", "Problem", "Reader", "detect", "readers"]

#: How much of a file tells what it is.
HEAD = 4096
#: Modules beside this one, each with its ``READER``.
MODULES = ("xml", "woocommerce", "shopify")


@dataclass(frozen=True)
class Reader:
    """
    One kind of file. ``matches`` says of its first bytes whether it is one. ``read`` takes a file opened in binary
    mode at its beginning and gives its orders one by one, in constant memory, in between each ``Problem`` in its
    place: an order that cannot be read is a problem and the next one follows; after a problem that spoils the rest
    the reader ends. It raises nothing but what reading the file itself raises.
    """

    #: For ``--format`` and in events; a slug.
    name: str
    #: What people choose, and beneath it in a sentence where such a file comes from.
    label: Any
    suffixes: tuple[str, ...]
    matches: Callable[[bytes], bool]
    read: Callable[[BinaryIO], Iterator[OrderRecord | Problem]]
    description: Any = ""


def readers():
    """All readers by their name."""
    found = [import_module(f".{name}", __package__).READER for name in MODULES]
    return {reader.name: reader for reader in found}


def detect(file):
    """The reader that ``file`` (seekable, in binary mode) is for, or None; the file is at its beginning again."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return next((reader for reader in readers().values() if reader.matches(head)), None)
