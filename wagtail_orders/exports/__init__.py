"""Orders out: a registry of formats, and one module for each that comes along."""

from .registry import Format, formats
from .selection import Selection

__all__ = ["Format", "Selection", "formats"]
