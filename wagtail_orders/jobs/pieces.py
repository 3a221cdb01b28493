"""A job's bytes in the database: cut into pieces that any database's packets hold, each compressed on its own."""

import zlib

from .. import database
from ..models import JobPiece

Side = JobPiece.Side

#: Bytes of a piece before it is compressed; what cannot be compressed grows by a few, and stays below 512 KiB.
SIZE = 500_000
# The quickest level: a worker's time is worth more than a few bytes of a week.
_LEVEL = 1
#: How many pieces are deleted at once. On SQLite, others wait meanwhile.
_BATCH = 50


def cut(content, size=SIZE):
    """Bytes, or an iterable of bytes, in pieces of ``size`` and a last one of what is left."""
    buffer = bytearray()
    for chunk in [content] if isinstance(content, (bytes, bytearray, memoryview)) else content:
        buffer += chunk
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)


def store(job, side, position, content):
    """Write one piece, in one statement."""
    piece = JobPiece(job=job, side=side, position=position, content=zlib.compress(content, _LEVEL))
    database.insert_all(JobPiece, [piece])


def read(job, side):
    """Each piece's bytes, one query a piece, until one is not there."""
    pieces = database.primary(JobPiece).filter(job=job, side=side)
    position = 0
    while (content := pieces.filter(position=position).values_list("content", flat=True).first()) is not None:
        yield zlib.decompress(content)
        position += 1


def forget(job, side):
    """Delete all pieces of one side, some at a time and without reading them."""
    pieces = database.primary(JobPiece).filter(job=job, side=side)
    while pks := list(pieces.order_by().values_list("pk", flat=True)[:_BATCH]):
        some = database.primary(JobPiece).filter(pk__in=pks)
        database.again_after_deadlock(JobPiece, lambda some=some: some._raw_delete(some.db))
