"""A file's orders brought over, and before that what would become of them."""

from ..lifecycle.imported import Imported
from ..lifecycle.importing import import_orders


class _Orders:
    """A file's orders, which can be gone through again."""

    def __init__(self, file, reader):
        self.file, self.reader = file, reader

    def __iter__(self):
        self.file.seek(0)
        return iter(self.reader.read(self.file))


def plan(file, reader, *, existing="skip", progress=None) -> Imported:
    """
    Read ``file`` (seekable, in binary mode) through and write nothing: how many orders are new, exist already or are
    wrong, and what they name that is not known here. ``as_dict`` of the result is JSON. ``progress`` is called now and
    then with how many orders are through.
    """
    return import_orders(
        _Orders(file, reader), existing=existing, source=reader.name, progress=progress, dry_run=True
    )


def run(file, reader, *, existing="skip", keep_going=False, user=None, progress=None) -> Imported:
    """
    Bring the orders of ``file`` (seekable, in binary mode) over, all or none, or with ``keep_going`` those that can
    be; see ``import_orders``. What ``progress`` raises goes up; what was written is then taken back, or with
    ``keep_going`` stays up to the last whole chunk, so that the same file can be run again.
    """
    return import_orders(
        _Orders(file, reader),
        existing=existing,
        keep_going=keep_going,
        source=reader.name,
        progress=progress,
        user=user,
    )
