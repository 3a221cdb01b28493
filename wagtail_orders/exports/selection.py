"""Which orders go out, in which order, and how; read bit by bit, so that any number of them fits into memory."""

from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from ..models import Order

#: How many orders are read at once. The number of queries grows with the chunks, never with the orders.
CHUNK = 1_000


@dataclass
class Selection:
    """
    The orders of one export. A format's ``write`` reads them chunk by chunk: ``chunks`` gives primary keys,
    ``orders`` whole orders. An order that is deleted meanwhile is left out.
    """

    #: Primary keys in the order shown: an ``array("q")`` takes eight bytes each.
    pks: array
    #: What the user chose in the format's form, by its field's name.
    options: dict[str, Any] = field(default_factory=dict)
    #: The language and the time zone of who exports, for files that people read.
    language: str = "en"
    time_zone: Any = None
    #: The moment that the file says it was made at.
    made_at: datetime = field(default_factory=timezone.now)
    #: Called with the number of orders that are through, after each chunk.
    progress: Any = None

    @classmethod
    def of(cls, orders, **facts):
        """Of a queryset, in its order."""
        pks = array("q")
        pks.extend(orders.values_list("pk", flat=True).iterator(chunk_size=10_000))
        return cls(pks, **facts)

    def __len__(self):
        return len(self.pks)

    def chunks(self, size=CHUNK):
        """The primary keys, so many at a time. Whoever asks for the next ones is through with those before."""
        for start in range(0, len(self.pks), size):
            chunk = self.pks[start : start + size].tolist()
            yield chunk
            if self.progress:
                self.progress(start + len(chunk))

    def orders(self):
        """Whole orders with their lines and addresses, for formats that care more for ease than for speed."""
        for pks in self.chunks():
            found = Order.objects.prefetch_related("lines", "addresses").in_bulk(pks)
            for pk in pks:
                with suppress(KeyError):
                    yield found[pk]
