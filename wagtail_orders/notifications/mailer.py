"""The connection to the project's own e-mail backend, and what its errors mean."""

import logging
import smtplib

from django.core import mail

logger = logging.getLogger(__name__)

#: Seconds to wait for a mail server, where the project sets no limit: a silent one must not stop a worker for ever.
TIMEOUT = 30


class Mailer:
    """One connection to the project's e-mail backend, opened when the first mail needs it."""

    def __init__(self):
        self._backend = None
        #: How many mails went over this connection.
        self._carried = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._close()

    def send(self, message):
        try:
            self._send(message)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused) as error:
            if not self._carried or not _hangs_up(error):
                raise
            # Many servers take so many mails a connection and no more. They did not take this one.
            self._close()
            self._send(message)

    def _send(self, message):
        if self._backend is None:
            self._backend = _open()
        if self._backend.send_messages([message]) == 0:
            raise RuntimeError("The e-mail backend sent nothing.")
        self._carried += 1

    def is_down(self, error):
        """Whether it is the server, not this mail; what is wrong is then not tried on the next one."""
        could_not_open, carried = self._backend is None, self._carried
        # After an error the connection may be in any state.
        self._close()
        if could_not_open:
            return True
        if isinstance(error, smtplib.SMTPServerDisconnected) or _hangs_up(error):
            return not carried
        if isinstance(error, smtplib.SMTPException) or getattr(error, "response", None) is not None:
            return False
        return isinstance(error, OSError)

    def _close(self):
        backend, self._backend, self._carried = self._backend, None, 0
        if backend is not None:
            try:
                backend.close()
            except Exception:
                logger.info("The connection to the mail server could not be closed.", exc_info=True)


def _open():
    # Django 6.1 has MAILERS in the place of EMAIL_BACKEND; the default one is the project's either way.
    backend = mail.mailers.default if hasattr(mail, "mailers") else mail.get_connection()
    if getattr(backend, "timeout", TIMEOUT) is None:
        backend.timeout = TIMEOUT
    backend.open()
    return backend


def _refusals(error):
    """The codes and texts with which a mail server refused the recipients, or one of its other answers."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return list(error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return [(error.smtp_code, error.smtp_error)]
    return []


def answer(error):
    """What the server said, or what went wrong, for people to read."""
    texts = [f"{code} {_text(said)}" for code, said in _refusals(error)]
    answer = "; ".join(texts) or f"{type(error).__name__}: {error}"
    return answer.replace("\x00", "").encode("utf-8", "replace").decode()[:5000]


def _text(said):
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def is_final(error):
    """Whether trying again is no use: the server does not know the recipient, for good."""
    return isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        _is_unknown(code, _text(said)) for code, said in _refusals(error)
    )


def _is_unknown(code, said):
    # RFC 5321, 4.2.2: 551 and 553 are about the mailbox's name. A bare 550 may as well say that the server does not
    # trust us; RFC 3463's codes tell: an address (5.1), a mailbox that is closed (5.2.1), a domain (5.4.1).
    if code in (551, 553):
        return not said.startswith("5.7.")
    return code == 550 and said.startswith(("5.1.", "5.2.1", "5.4.1"))


def _hangs_up(error):
    return any(code == 421 for code, _said in _refusals(error))
