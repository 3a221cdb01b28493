"""Orders in: readers of files, what would become of their orders, and bringing them over."""

from ..lifecycle.imported import Imported
from .readers import OrderRecord, Problem, Reader, detect, readers
from .run import plan, run

__all__ = ["Imported", "OrderRecord", "Problem", "Reader", "detect", "plan", "readers", "run"]
