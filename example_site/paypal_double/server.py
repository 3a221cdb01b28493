"""A server of HTTP on a port of this machine, with TLS or without, that ends at once when it is told to."""

import contextlib
import http.server
import select
import socket
import ssl
import threading

from .ports import HOST

LONGEST_BODY = 1 << 20
#: How long, in seconds, a client may take to shake hands.
HANDSHAKE = 10


class Dropped(Exception):
    """The connection is to end without an answer."""


class Server(http.server.ThreadingHTTPServer):
    """
    Runs in threads of its own until ``close``. ``answer(request)`` returns status, headers and body, or raises
    ``Dropped``. Port 0 stands for any free one.
    """

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port, answer, tls=None):
        self.answer, self.tls = answer, tls
        self.closing = threading.Event()
        self._open, self._lock = set(), threading.Lock()
        super().__init__((HOST, port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="paypal double")

    @property
    def port(self):
        return self.server_address[1]

    def start(self):
        self._thread.start()

    def close(self):
        """End, with every connection, and wait until all threads have."""
        self.closing.set()
        if self._thread.ident:
            self.shutdown()
            self._thread.join()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            connection.settimeout(HANDSHAKE)
            # The thread of the connection shakes hands: a slow client is not to hold up the others.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request):
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """Who does not trust the certificate, or leaves halfway, is no mistake of the server's."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection and its requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
            self.request.settimeout(None)
        super().setup()

    def handle(self):
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def answer(self):
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            self.close_connection = True
            return self.send_error(413)
        self.content = self.rfile.read(int(length))
        try:
            status, headers, body = self.server.answer(self)
        except Dropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return None
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        return self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def wait_in_vain(self):
        """Say nothing until the client has gone, or the server is told to end."""
        self.connection.settimeout(None)
        while not self.server.closing.wait(0.02):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable:
                break
        raise Dropped

    def log_message(self, *args):
        """The double keeps its own list of requests."""
