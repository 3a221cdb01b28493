"""A real mail server on loopback that answers, refuses, hangs or goes away, as a test wants it to."""

import asyncio
import email
import socket
import threading
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage

import django
from aiosmtpd.smtp import SMTP


@dataclass
class Taken:
    """A mail that the server took in: its envelope, and what is in it."""

    sender: str
    recipients: list[str]
    raw: bytes
    message: EmailMessage

    @property
    def recipient(self):
        (recipient,) = self.recipients
        return recipient

    @property
    def subject(self):
        # Python reads a header whose first line is empty with the blank that begins the second.
        return self.message["Subject"].strip()

    @property
    def text(self):
        return self._part("plain")

    @property
    def html(self):
        return self._part("html")

    def _part(self, kind):
        return self.message.get_body([kind]).get_content().replace("\r\n", "\n")


class MailServer:
    """
    Listens while in its ``with`` block, always on the same port. The stages of a delivery are CONNECT, EHLO,
    MAIL, RCPT and DATA, the last being when all of the mail has come in; ``behave`` makes all as usual.
    """

    def __init__(self):
        self.taken = []
        self.connections = 0
        self._odd = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def start(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="mail-server")
        self._thread.start()
        assert ready.wait(10)

    def stop(self):
        """Go away: who is connected is cut off, who comes is refused. Does nothing the second time."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def behave(self):
        self._odd.clear()

    def answer(self, stage, reply, *, to=None):
        """Say ``reply``, such as ``450 4.2.1 Later``, at that stage, or to that recipient only."""

        async def say(session, recipient):
            return reply if to in (None, recipient) else None

        self._odd[stage] = say

    def delay(self, stage, seconds):
        """Do as usual, but only after that many seconds."""

        async def wait(session, recipient):
            await asyncio.sleep(seconds)

        self._odd[stage] = wait

    def limit(self, mails):
        """Take that many mails over a connection, then hang up."""

        async def count(session, recipient):
            session.mails = getattr(session, "mails", 0) + 1
            return "421 4.7.0 Enough for now" if session.mails > mails else None

        self._odd["MAIL"] = count

    def hang(self, stage):
        """Never say anything more once that stage is reached."""

        async def wait_for_ever(session, recipient):
            await asyncio.Event().wait()

        self._odd[stage] = wait_for_ever

    def drop(self, *, taken):
        """Cut the connection once all of the mail has come in, which is ``taken`` or forgotten; no word said."""

        async def cut(session, recipient):
            if taken:
                self._take(session.envelope)
            session.transport.abort()
            # The cut ends this as well.
            await asyncio.Event().wait()

        self._odd["DATA"] = cut

    def recipients(self):
        """Who got a mail, as often as they did, in the alphabet's order."""
        return sorted(mail.recipient for mail in self.taken)

    async def _serve(self, ready):
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        sessions = []

        def connected():
            self.connections += 1
            sessions.append(_Session(self) if "CONNECT" not in self._odd else _Odd(self._odd["CONNECT"]))
            return sessions[-1]

        listening = await self._loop.create_server(connected, "127.0.0.1", self.port)
        ready.set()
        await self._end.wait()
        listening.close()
        for session in sessions:
            if session.transport is not None:
                session.transport.abort()
        await listening.wait_closed()
        # What was cut off is told so in the loop's next turn.
        await asyncio.sleep(0)

    def _take(self, envelope):
        content = bytes(envelope.content)
        message = email.message_from_bytes(content, policy=policy.default)
        self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos, content, message))

    # What aiosmtpd calls, by these names.

    async def handle_EHLO(self, session, state, envelope, hostname, responses):
        state.host_name = hostname
        reply = await self._reply("EHLO", session)
        return [reply] if reply else responses

    async def handle_MAIL(self, session, state, envelope, address, options):
        envelope.mail_from = address
        return await self._reply("MAIL", session) or "250 OK"

    async def handle_RCPT(self, session, state, envelope, address, options):
        reply = await self._reply("RCPT", session, address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, session, state, envelope):
        reply = await self._reply("DATA", session)
        if reply is None:
            self._take(envelope)
        return reply or "250 Taken"

    async def _reply(self, stage, session, recipient=None):
        odd = self._odd.get(stage)
        return odd and await odd(session, recipient)


class _Session(SMTP):
    def __init__(self, server):
        super().__init__(server, hostname="mail.example.com", loop=server._loop)


class _Odd(asyncio.Protocol):
    """A connection that is refused with a word, or not answered at all."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        self.task = asyncio.ensure_future(self._greet())

    async def _greet(self):
        reply = await self.behaviour(self, None)
        self.transport.write(f"{reply}\r\n".encode())
        self.transport.close()

    def connection_lost(self, error):
        self.transport = None
        self.task.cancel()


def mail_settings(server, timeout=None):
    """What a project sets to send its mails to ``server``: ``MAILERS`` where Django knows it."""
    if django.VERSION < (6, 1):
        return old_mail_settings(server, timeout)
    options = {"host": "127.0.0.1", "port": server.port, "timeout": timeout}
    return {"MAILERS": {"default": {"BACKEND": SMTP_BACKEND, "OPTIONS": options}}}


def old_mail_settings(server, timeout=None):
    """The same in the words of every Django up to 6.2."""
    return {
        "EMAIL_BACKEND": SMTP_BACKEND,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": server.port,
        "EMAIL_TIMEOUT": timeout,
    }


SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
