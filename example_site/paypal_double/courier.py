"""Webhooks on their way: signed as PayPal signs them, sent in the background, and sent again until they are taken."""

import contextlib
import heapq
import itertools
import threading
import time
import uuid
from datetime import UTC, datetime

import requests

from .account import WEBHOOK_ID
from .authority import ALGORITHM, signed_message

#: How long, in seconds, the double waits before it sends an event again; PayPal goes on for three days.
PAUSES = (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
PATIENCE = 20


class Courier:
    """Signs and sends; a thread of its own sends what ``send_soon`` is given."""

    def __init__(self, double, is_delivered):
        self.double, self.is_delivered = double, is_delivered
        self._turn = itertools.count()
        self._due, self._changed = [], threading.Condition()
        self._busy = self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="paypal double's courier")

    def headers_for(
        self, body, *, identifier=None, transmission_time=None, webhook_id=None, authority=None, cert_url=None
    ):
        signer = self.double.signer_of(authority)
        identifier = identifier or str(uuid.uuid1())
        at = transmission_time or datetime.now(UTC)
        if isinstance(at, datetime):
            at = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = signed_message(identifier, at, webhook_id or WEBHOOK_ID, body)
        return {
            "PAYPAL-AUTH-ALGO": ALGORITHM,
            "PAYPAL-AUTH-VERSION": "v2",
            "PAYPAL-CERT-URL": cert_url or self.double.cert_url(signer.name),
            "PAYPAL-TRANSMISSION-ID": identifier,
            "PAYPAL-TRANSMISSION-SIG": signer.sign(message),
            "PAYPAL-TRANSMISSION-TIME": at,
        }

    def deliver(self, event, url=None):
        """Sign and send once; the answer. ``requests.RequestException`` where there is none."""
        headers = {**self.headers_for(event.body), "Content-Type": "application/json"}
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(
                url or self.double.webhook_url,
                data=event.body,
                headers=headers,
                timeout=PATIENCE,
                allow_redirects=False,
            )
        if response.ok:
            self.is_delivered(event)
        return response

    def start(self):
        self._thread.start()

    def close(self):
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread.ident:
            self._thread.join()

    def send_soon(self, event, tries=0):
        pause = PAUSES[tries - 1] if tries else 0
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + pause, next(self._turn), tries, event))
            self._changed.notify_all()

    def is_idle(self, timeout):
        """Wait, ``timeout`` seconds at most, until all events are taken or given up; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._busy, timeout)

    def _run(self):
        while (taken := self._take()) is not None:
            _, _, tries, event = taken
            is_taken = False
            with contextlib.suppress(requests.RequestException):
                is_taken = self.deliver(event).ok
            if not is_taken and tries < len(PAUSES):
                self.send_soon(event, tries + 1)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _take(self):
        """The next event whose time has come; None once the double is closed."""
        with self._changed:
            while not self._is_closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._busy = True
                    return heapq.heappop(self._due)
                self._changed.wait(wait)
        return None
