"""From a parcel's number to the link that follows it, and back: pure functions, no database."""

from .carriers import Carrier, carriers
from .links import PLACEHOLDERS, build_link, check_template, is_web_link, missing
from .numbers import is_doubtful, read_numbers
from .pasted import Recognised, recognise

__all__ = [
    "PLACEHOLDERS",
    "Carrier",
    "Recognised",
    "build_link",
    "carriers",
    "check_template",
    "is_doubtful",
    "is_web_link",
    "missing",
    "read_numbers",
    "recognise",
]
