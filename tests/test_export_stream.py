"""The download itself: bit by bit, whole or visibly not, and over as soon as nobody listens."""

import asyncio
import contextlib
import http.client
import io
import socket
import struct
import threading
import zipfile

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client
from django.utils import timezone
from lxml import etree
from wagtail import hooks

from wagtail_orders.exports import Format, Selection, formats
from wagtail_orders.exports.download import Download
from wagtail_orders.models import Job, Order

from .orders import placed

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/orders/export/"
PIECE = b"x" * 50_000


class Tap:
    """
    A format whose pieces a test lets out one by one: ``asked`` counts those that the server asked for, ``closed``
    tells that the generator came to its end, and the job's row is read between two pieces.
    """

    def __init__(self, pieces=1_000, *, breaks_at=None):
        self.pieces, self.breaks_at = pieces, breaks_at
        self.asked = 0
        self.threads = set()
        self.closed = threading.Event()
        self.valve = threading.Semaphore(0)

    def open(self, count=1):
        self.valve.release(count)

    def write(self, selection):
        try:
            for position in range(self.pieces):
                self.asked += 1
                self.threads.add(threading.get_ident())
                assert self.valve.acquire(timeout=10)
                if position == self.breaks_at:
                    raise RuntimeError("The disk is full.")
                # Something of the database, so that there is a connection to give back.
                assert Order.objects.exists()
                yield PIECE
        finally:
            self.closed.set()


@pytest.fixture
def tap(monkeypatch):
    """Makes a tap the only format there is."""

    def make(*args, **kwargs):
        tap = Tap(*args, **kwargs)
        found = {
            "register_order_export_format": [
                (lambda: Format("tap", "Tap", "bin", "application/x-tap", tap.write), 0)
            ]
        }
        monkeypatch.setattr(hooks, "_hooks", {**hooks._hooks, **found})
        return tap

    return make


@pytest.fixture
def session(site, owner):
    """An order, and the cookie of the owner who may export it."""
    placed()
    client = Client()
    client.force_login(owner)
    return f"sessionid={client.cookies['sessionid'].value}"


@pytest.fixture
def finished():
    """Whether the database connections were given back at each request's end: filled by the server's threads."""
    told = []

    def note(sender, **kwargs):
        told.append(connection.connection is None)

    request_finished.connect(note)
    yield told
    request_finished.disconnect(note)


class Server(ThreadedWSGIServer):
    # Django's own waits for its threads where a test's connections are shared.
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """Quiet: a client that goes is no news."""


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        """Quiet."""


@pytest.fixture
def without_csrf(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]


@pytest.fixture
def port(without_csrf):
    """A WSGI server as Django's own is, on a port of its own, with threads and connections of their own."""
    server = Server(("127.0.0.1", 0), Handler)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def request_of(session, body=b"format=tap"):
    return (
        f"POST {PAGE} HTTP/1.1\r\nHost: testserver\r\nCookie: {session}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def until(condition):
    for _ in range(600):
        if condition():
            return True
        threading.Event().wait(0.05)
    return False


def job_state():
    return Job.objects.values_list("state", flat=True).get()


# Django's own server


def test_pieces_are_made_as_they_are_sent(session, tap, port, finished):
    tap = tap(3)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request(
            "POST",
            PAGE,
            "format=tap",
            {"Cookie": session, "Content-Type": "application/x-www-form-urlencoded"},
        )
        tap.open()
        response = client.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "application/x-tap")
        assert response.headers["Content-Length"] is None
        assert response.read(len(PIECE)) == PIECE
        assert tap.asked <= 2
        assert job_state() == "failed"
        tap.open(2)
        assert response.read() == PIECE * 2
    assert until(lambda: finished == [True])
    assert job_state() == "done"
    job = Job.objects.get()
    assert (job.total, job.error, job.size, job.pieces.count()) == (1, "", None, 0)
    assert job.finished_at >= job.started_at


@pytest.mark.parametrize("manner", ["politely", "abruptly"])
def test_a_client_that_goes_ends_the_export_within_one_piece(session, tap, port, finished, manner):
    tap = tap()
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(request_of(session))
    tap.open()
    received = b""
    while len(received) < len(PIECE):
        received += client.recv(65536)
    assert until(lambda: tap.asked == 2)
    if manner == "abruptly":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    tap.open(1_000)
    assert tap.closed.wait(30)
    # The second was asked for while the client was there.
    assert tap.asked - 2 <= 1
    assert until(lambda: finished == [True])
    assert job_state() == "cancelled"
    [thread] = tap.threads
    assert until(lambda: thread not in {running.ident for running in threading.enumerate()})


def test_an_error_in_mid_download_breaks_the_connection_off_and_is_logged(
    session, tap, port, finished, caplog
):
    tap = tap(10, breaks_at=2)
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(request_of(session))
    tap.open(10)
    received = b""
    while part := client.recv(65536):
        received += part
    client.close()
    assert received.partition(b"\r\n\r\n")[2] == PIECE * 2
    assert tap.closed.is_set()
    assert until(lambda: finished == [True])
    assert "An export broke off" in [record.message for record in caplog.records]
    job = Job.objects.get()
    assert job.state == "failed"
    assert "Export once more" in job.error


# An asynchronous server


class Conversation:
    """One request to Django's ASGI handler: what it sent, and a client that can go."""

    def __init__(self, session):
        self.sent = []
        self.session = session
        self.first = asyncio.Event()
        self.gone = asyncio.Event()
        self.is_asked = False

    async def receive(self):
        if not self.is_asked:
            self.is_asked = True
            return {"type": "http.request", "body": b"format=tap", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.first.set()

    async def begun(self, tap):
        """The request as a task, once its first piece is there or it failed."""
        held = asyncio.create_task(self.held())
        first = asyncio.create_task(self.first.wait())
        tap.open()
        await asyncio.wait({held, first}, return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        return held

    async def held(self):
        headers = {
            "host": "testserver",
            "cookie": self.session,
            "content-type": "application/x-www-form-urlencoded",
            "content-length": "10",
        }
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": PAGE,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        await ASGIHandler()(scope, self.receive, self.send)

    @property
    def pieces(self):
        return [message["body"] for message in self.sent if message.get("body")]

    @property
    def is_whole(self):
        """Whether the client was told that this is all."""
        return not self.sent[-1].get("more_body")


def test_an_asynchronous_server_gets_piece_by_piece_too(session, tap, without_csrf, finished):
    tap = tap(5)

    async def talk():
        conversation = Conversation(session)
        held = await conversation.begun(tap)
        assert tap.asked <= 2
        tap.open(4)
        await held
        return conversation

    conversation = asyncio.run(talk())
    assert conversation.sent[0]["status"] == 200
    assert conversation.pieces == [PIECE] * 5
    assert conversation.is_whole
    assert job_state() == "done"
    # All in the request's thread, whose connection is given back.
    assert len(tap.threads) == 1
    assert finished == [True]


def test_an_asynchronous_server_stops_when_the_client_goes(session, tap, without_csrf, finished):
    tap = tap()

    async def talk():
        conversation = Conversation(session)
        held = await conversation.begun(tap)
        while tap.asked < 2 and not held.done():
            await asyncio.sleep(0.01)
        conversation.gone.set()
        asyncio.get_running_loop().call_later(0.2, tap.open, 1_000)
        await held
        return conversation

    conversation = asyncio.run(talk())
    assert tap.closed.is_set()
    assert tap.asked - 2 <= 1
    assert len(conversation.pieces) <= 2
    assert not conversation.is_whole
    assert job_state() == "cancelled"
    assert finished == [True]


def test_an_asynchronous_server_gets_no_end_of_a_broken_file(session, tap, without_csrf, finished, caplog):
    tap = tap(10, breaks_at=2)
    tap.open(10)
    conversation = []

    async def talk():
        conversation.append(Conversation(session))
        await conversation[0].held()

    with pytest.raises(RuntimeError, match="The disk is full"):
        asyncio.run(talk())
    assert conversation[0].pieces == [PIECE] * 2
    assert not conversation[0].is_whole
    assert job_state() == "failed"
    assert finished == [True]
    assert "An export broke off" in caplog.text


# Whatever the server


def download(write, ended):
    selection = Selection.of(Order.objects.all(), language="en", time_zone=timezone.get_current_timezone())
    return Download(Format("any", "Any", "txt", "text/plain", write), selection, ended=ended)


def in_chunks(selection):
    for chunk in selection.chunks(1):
        yield f"{chunk}".encode()


def test_the_end_is_told_once_with_how_many_orders_are_through(site):
    orders = [placed() for _ in range(3)]
    told = []
    whole = download(in_chunks, lambda *end: told.append(end))
    assert len(list(whole)) == len(orders)
    whole.close()
    whole.close()
    assert told == [("done", 3)]
    begun = download(in_chunks, lambda *end: told.append(end))
    next(begun)
    next(begun)
    begun.close()
    begun.close()
    assert list(begun) == []
    untouched = download(in_chunks, lambda *end: told.append(end))
    untouched.close()
    assert told[1:] == [("cancelled", 1), ("cancelled", 0)]


def test_a_format_may_return_a_list(site):
    told = []
    listed = download(lambda selection: [b"a", b"b"], lambda *end: told.append(end))
    assert b"".join(listed) == b"ab"
    listed.close()
    assert told == [("done", 0)]


def test_an_end_that_cannot_be_noted_leaves_the_file_whole(site, caplog):
    def fail(*end):
        raise OSError("gone")

    whole = download(lambda selection: iter([b"a"]), fail)
    assert list(whole) == [b"a"]
    assert "How an export ended could not be noted" in caplog.text


class Breaking(Selection):
    """Orders of which only the first can be read."""

    def chunks(self, size=1):
        yield self.pks[:1].tolist()
        raise RuntimeError("The database is gone.")


def test_what_arrived_of_a_broken_file_does_not_open(site):
    placed(), placed()
    kinds = formats()
    assert {"csv", "xlsx", "xml"} <= set(kinds)
    for name in ("csv", "xlsx", "xml"):
        selection = Breaking.of(Order.objects.all(), language="en", time_zone=timezone.get_current_timezone())
        told = []
        broken = Download(kinds[name], selection, ended=lambda *end, told=told: told.append(end))
        received = []
        with pytest.raises(RuntimeError):
            received.extend(broken)
        received = b"".join(received)
        assert told == [("failed", 0)]
        if name == "xlsx":
            assert not zipfile.is_zipfile(io.BytesIO(received))
        if name == "xml":
            with pytest.raises(etree.XMLSyntaxError):
                etree.fromstring(received)
