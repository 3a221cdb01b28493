"""The double as a whole: its servers, its account, what the buyer does, and what goes wrong."""

import os
import ssl
import tempfile
from pathlib import Path

from .account import CA_FILE, account_settings
from .api import Api
from .authority import SIGNER_NAMES, Authority, Signer, authority_of_this_process
from .books import COMPLETED, DECLINED, PENDING, Books
from .courier import Courier
from .pages import Pages
from .server import Server


class Double:
    """
    PayPal's double: the API over HTTPS at ``localhost``, the buyer's pages over HTTP on another port. It runs from the
    start of a ``with`` to its end. Without ``folder`` it forgets everything then; port 0 stands for any free one, and
    ``OSError`` says that one is taken.
    """

    def __init__(self, environment="sandbox", folder=None, *, api_port=0, pages_port=0):
        self.environment = environment
        #: Where webhooks go; None: events are made, and not sent.
        self.webhook_url = None
        #: ``faults(method, path)`` says what goes wrong with a request to the API: None, a status, ``"drop"``,
        #: ``"timeout"``, both also with ``" after"`` (the request has taken effect), or (status, headers, body).
        self.faults = lambda method, path: None
        #: (method, path) of each request to the API.
        self.requests = []
        self._wanted_folder, self._ports = folder, (api_port, pages_port)

    def __enter__(self):
        self._temporary = None
        if self._wanted_folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="paypal-double-")
            self.folder, self.authority = Path(self._temporary.name), authority_of_this_process()
        else:
            self.folder = Path(self._wanted_folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            self.authority = Authority.kept_in(self.folder)
        self._servers = []
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def _open(self):
        # The ports first: whoever finds one taken has changed nothing.
        self._api_server = self._serve(self._ports[0], tls=self._tls())
        self._pages_server = self._serve(self._ports[1])
        (self.folder / CA_FILE).write_bytes(self.authority.pem)
        self.books = Books(self.api_url, self.pages_url, heard=self._heard, kept=self._kept)
        if self._state.exists():
            self.books.read(self._state.read_text(encoding="utf-8"))
        self.api = Api(self, self.books)
        self.courier = Courier(self, self.books.is_delivered)
        self.signer_of(None)
        self._api_server.answer = self.api.answer
        self._pages_server.answer = Pages(self, self.books).answer
        self.courier.start()
        for server in self._servers:
            server.start()

    def _serve(self, port, tls=None):
        server = Server(port, None, tls)
        self._servers.append(server)
        return server

    def __exit__(self, *error):
        self.close()

    def close(self):
        for server in self._servers:
            server.close()
        if hasattr(self, "courier"):
            self.courier.close()
        if self._temporary:
            self._temporary.cleanup()

    # Where it is

    @property
    def api_url(self):
        return f"https://localhost:{self._api_server.port}"

    @property
    def pages_url(self):
        return f"http://localhost:{self._pages_server.port}"

    @property
    def settings(self):
        """What ``WAGTAIL_ORDERS["PAYPAL"]`` is to be."""
        ca = self.folder / CA_FILE
        return account_settings(api=self.api_url, pages=self.pages_url, ca=ca, environment=self.environment)

    # What it knows; the dictionaries may be bent

    @property
    def orders(self):
        return self.books.orders

    @property
    def captures(self):
        return self.books.captures

    @property
    def refunds(self):
        return self.books.refunds

    @property
    def events(self):
        """Every ``Event`` so far."""
        return self.books.events

    @property
    def capture_outcome(self):
        """What captures become: COMPLETED, PENDING, DECLINED, or INSTRUMENT_DECLINED, where none is made."""
        return self.books.capture_outcome

    @capture_outcome.setter
    def capture_outcome(self, outcome):
        self.books.capture_outcome = outcome

    @property
    def refund_outcome(self):
        """What refunds become: COMPLETED, PENDING or FAILED."""
        return self.books.refund_outcome

    @refund_outcome.setter
    def refund_outcome(self, outcome):
        self.books.refund_outcome = outcome

    # What the buyer does

    def approve(self, reference):
        self.books.approve(reference)

    def pay_later(self, reference):
        """Agree, with money that takes days: the capture will be pending until it is settled."""
        self.books.approve(reference, PENDING)

    def decline(self, reference):
        """Agree, and have the capture declined."""
        self.books.approve(reference, DECLINED)

    # What happens at PayPal

    def capture(self, reference):
        """Take the money of an approved order; the capture's id."""
        return self.books.capture(reference)["purchase_units"][0]["payments"]["captures"][-1]["id"]

    def expire(self, reference):
        self.books.expire(reference)

    def settle(self, capture_id, status=COMPLETED):
        self.books.settle(capture_id, status)

    def refund(self, capture_id, amount=None):
        """Send back what is left, or ``amount``, as the merchant does at PayPal's own site; the refund's id."""
        return self.books.refund(capture_id, amount)["id"]

    def settle_refund(self, refund_id, status=COMPLETED):
        self.books.settle_refund(refund_id, status)

    def reverse(self, capture_id, amount=None):
        """A dispute that the merchant lost; the id of what went back."""
        return self.books.reverse(capture_id, amount)["id"]

    def take_elsewhere(self, value, currency="EUR", **facts):
        """Money that no order of the API was for, with ``custom_id`` and ``invoice_id`` if given; the capture's id."""
        return self.books.take_elsewhere(value, currency, **facts)

    def expire_tokens(self):
        self.api.tokens.clear()

    # Webhooks

    @property
    def signer(self):
        return self.signer_of(None)

    def signer_of(self, authority):
        """Who signs for ``authority``, an ``Authority`` or a ``Signer``; the API shows the certificate from then on."""
        signer = authority or self.authority
        if not isinstance(signer, Signer):
            signer = signer.signer(SIGNER_NAMES[self.environment])
        self.api.certificates[signer.name] = signer.chain
        return signer

    def cert_url(self, name):
        return f"{self.api_url}/v1/notifications/certs/{name}"

    def headers_for(self, body, **changes):
        """
        The PAYPAL-* headers with a true signature over ``body``. ``changes``: ``identifier`` of the transmission,
        ``transmission_time``, ``webhook_id``, ``authority`` (or one of its signers) and ``cert_url``.
        """
        return self.courier.headers_for(body, **changes)

    def deliver(self, event, url=None):
        """Sign an event and POST it to ``url`` or the webhook's; the response."""
        return self.courier.deliver(event, url)

    def is_idle(self, timeout=10):
        """Wait until all events that were to be sent are taken or given up; whether they are."""
        return self.courier.is_idle(timeout)

    def send_undelivered(self):
        """Send again what nobody has taken yet, such as before the double was started anew."""
        for event in self.books.undelivered():
            self.courier.send_soon(event)

    def _heard(self, event):
        if self.webhook_url:
            self.courier.send_soon(event)

    # Keeping

    @property
    def _state(self):
        return self.folder / "state.json"

    def _kept(self):
        if self._temporary:
            return
        unfinished = self.folder / "state.json.part"
        unfinished.write_text(self.books.as_text(), encoding="utf-8")
        os.replace(unfinished, self._state)

    def _tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self.folder / "api.pem"
        path.touch(0o600)
        path.write_bytes(self.authority.api_pem)
        context.load_cert_chain(path)
        return context
