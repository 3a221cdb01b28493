"""The e-mail backend that keeps each mail as a file for the demo's mailbox, and sends nothing."""

import io
from email import policy
from email.generator import BytesGenerator

from django.core.mail.backends.base import BaseEmailBackend

from . import mails

# Headers of any length on one line: where Python folds one, a space between two words may get lost.
POLICY = policy.default.clone(max_line_length=None, refold_source="none")


class EmailBackend(BaseEmailBackend):
    """For the demo only; the mails go to settings.MAILBOX_DIR."""

    def send_messages(self, email_messages):
        for message in email_messages:
            mails.keep(as_bytes(message.message()))
        return len(email_messages)


def as_bytes(message):
    written = io.BytesIO()
    BytesGenerator(written, policy=POLICY).flatten(message)
    return written.getvalue()
