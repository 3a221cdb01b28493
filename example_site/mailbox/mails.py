"""The mails in MAILBOX_DIR, one `.eml` file each: kept, found, read and thrown away."""

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from django.conf import settings

NAME = re.compile(r"([0-9]{8}T[0-9]{12})-[0-9a-f]{8}")
MOMENT = "%Y%m%dT%H%M%S%f"


def keep(content):
    """Write one mail; whoever looks meanwhile finds all of it or nothing."""
    name = f"{datetime.now(UTC).strftime(MOMENT)}-{secrets.token_hex(4)}"
    folder().mkdir(parents=True, exist_ok=True)
    unfinished = folder() / f"{name}.part"
    unfinished.write_bytes(content)
    os.replace(unfinished, file_of(name))
    return name


def newest_first():
    return [read(name, headers_only=True) for name in sorted(names(), reverse=True)]


def find(name):
    """The mail of that name, or None. Only a name that `keep` could have given ever becomes a path."""
    return read(name) if received_at(name) and file_of(name).is_file() else None


def throw_away():
    """Empty the mailbox; other files in its folder stay."""
    for name in names():
        file_of(name).unlink(missing_ok=True)


@dataclass
class Mail:
    """One mail as somebody reads it; what is missing or cannot be understood is empty."""

    name: str
    received_at: datetime
    message: EmailMessage

    @property
    def is_damaged(self):
        return not self.message.keys()

    @property
    def subject(self):
        return self._header("subject")

    @property
    def sender(self):
        return self._header("from")

    @property
    def to(self):
        return self._header("to")

    @property
    def reply_to(self):
        return self._header("reply-to")

    @property
    def html(self):
        return self._body("html")

    @property
    def text(self):
        return self._body("plain")

    def _header(self, name):
        # Not self.message[name]: of a name in several encoded words, that may split a letter off.
        raw = next((raw for key, raw in self.message.raw_items() if key.lower() == name), "")
        return readable(lambda: str(make_header(decode_header(unfolded(raw)))))

    def _body(self, kind):
        part = readable(lambda: self.message.get_body((kind,)), otherwise=None)
        return readable(part.get_content) if part else ""


def unfolded(raw):
    """A header on one line; bytes that ought to be encoded are taken for UTF-8."""
    return (
        raw.translate({10: None, 13: None}).encode(errors="surrogateescape").decode(errors="replace").strip()
    )


def readable(get, otherwise=""):
    """What `get` finds in a mail, as text that can be written out again."""
    try:
        found = get()
    # A damaged mail makes the email package raise nearly anything.
    except Exception:
        return otherwise
    return found.encode(errors="replace").decode() if isinstance(found, str) else found


def read(name, headers_only=False):
    try:
        content = file_of(name).read_bytes()
    except OSError:
        content = b""
    message = BytesParser(policy=policy.default).parsebytes(content, headersonly=headers_only)
    return Mail(name, received_at(name), message)


def names():
    return [path.stem for path in folder().glob("*.eml") if received_at(path.stem) and path.is_file()]


def received_at(name):
    """The moment that a mail's name tells, or None if it is not a mail's name."""
    match = NAME.fullmatch(name)
    try:
        return datetime.strptime(match[1], MOMENT).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def file_of(name):
    return folder() / f"{name}.eml"


def folder():
    return Path(settings.MAILBOX_DIR)
