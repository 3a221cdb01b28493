"""How PayPal's REST API is asked: its token, its answers, its refusals. Nothing secret goes into a log."""

import hashlib
import json
import logging
import re
import threading
import time
from decimal import Decimal

import requests
from django.utils.translation import gettext as _

from ...exceptions import ProviderFailed

logger = logging.getLogger(__name__)

#: Seconds to connect, and between two pieces of an answer.
TIMEOUTS = (5, 15)
#: Seconds that a whole answer may take.
PATIENCE = 30
#: Bytes of an answer; an order with its payments has some 10,000.
LARGEST_ANSWER = 1024 * 1024
#: Seconds by which a token is taken for expired before it is.
EARLY = 60
#: What may stand for an order, a capture or a refund in an address.
REFERENCE = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Statuses after which the same may be asked again: PayPal is slow, is busy, or works on the same request.
_PASSING = {408, 409, 425, 429}
#: Statuses that say that PayPal cannot make sense of what it was asked.
_UNREADABLE = {400, 422}

_bearers = {}
_lock = threading.Lock()


def is_reference(text):
    """Whether a text may be the name of something at PayPal."""
    return isinstance(text, str) and bool(REFERENCE.fullmatch(text))


class Refused(ProviderFailed):
    """PayPal answered with an error. ``issue`` is the first of its reasons, such as ``ORDER_NOT_APPROVED``."""

    def __init__(self, message, *, status, issue, is_passing=False):
        self.status = status
        self.issue = issue
        super().__init__(message, is_passing=is_passing)

    @property
    def is_unknown(self):
        """Whether PayPal knows nothing of what was asked about."""
        return self.status == 404


class _Bearer(requests.auth.AuthBase):
    """The token, given so that ``requests`` does not take a password from ~/.netrc instead."""

    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """
    PayPal's API as one account sees it. Each call raises ``ProviderFailed`` where PayPal cannot be asked, and its
    subclass ``Refused`` where it says no.
    """

    def __init__(self, account):
        self.account = account

    def get(self, *path):
        """What PayPal has at a path."""
        return self._ask("GET", path)

    def post(self, *path, body, key=None):
        """Have PayPal do something; with the same ``key`` it does it once."""
        headers = {"Prefer": "return=representation", **({"PayPal-Request-Id": key} if key else {})}
        return self._ask("POST", path, json.dumps(body).encode(), headers)

    def is_genuine(self, fields, body):
        """
        Whether PayPal says that it sent a webhook: ``body`` is passed on byte for byte, and must be JSON
        (developer.paypal.com/api/webhooks/v1/#verify-webhook-signature_post).
        """
        whole = json.dumps(fields)[:-1].encode() + b', "webhook_event": ' + body + b"}"
        try:
            answer = self._ask("POST", ("v1", "notifications", "verify-webhook-signature"), whole)
        except Refused as refusal:
            if refusal.status in _UNREADABLE:
                return False
            raise
        return answer.get("verification_status") == "SUCCESS"

    def certificate(self, address):
        """The bytes of a certificate at an address that is known to be PayPal's; None where there is no such."""
        status, content = self._send("GET", address)
        if status == 200:
            return content
        if status >= 500 or status in _PASSING:
            raise self._refused(status, {})
        return None

    def _ask(self, method, path, content=None, headers=None):
        if not all(map(is_reference, path)):
            raise Refused(_("PayPal has no such reference."), status=404, issue="")
        address = "/".join([self.account.api, *path])
        headers = {"Content-Type": "application/json"} | (headers or {})
        status, answer = self._send(method, address, content, headers, auth=self._bearer())
        if status == 401:
            # Tokens can end before their time.
            status, answer = self._send(method, address, content, headers, auth=self._bearer(is_fresh=True))
        answer = self._parsed(answer, status)
        if not 200 <= status < 300:
            raise self._refused(status, answer)
        return answer

    def _bearer(self, *, is_fresh=False):
        account = self.account
        secret = hashlib.sha256(account.client_secret.encode()).hexdigest()
        name = (account.api, account.client_id, secret)
        with _lock:
            bearer, ends = _bearers.get(name, (None, 0))
        if bearer and not is_fresh and time.monotonic() < ends:
            return bearer
        status, answer = self._send(
            "POST",
            f"{account.api}/v1/oauth2/token",
            b"grant_type=client_credentials",
            {"Content-Type": "application/x-www-form-urlencoded"},
            auth=requests.auth.HTTPBasicAuth(account.client_id, account.client_secret),
        )
        answer = self._parsed(answer, status)
        # Nothing here is called by a name of its own that an error page would show.
        bearer, lives = _Bearer(answer.pop("access_token", None)), answer.get("expires_in")
        if status != 200 or not isinstance(bearer.token, str) or not isinstance(lives, int):
            raise self._refused(status if status != 200 else 502, answer)
        with _lock:
            _bearers[name] = (bearer, time.monotonic() + lives - EARLY)
        return bearer

    def _send(self, method, address, content=None, headers=None, auth=None):
        """The status and the bytes of an answer; no redirect is followed."""
        begun = time.monotonic()
        try:
            with requests.Session() as session:
                if self.account.is_double:
                    # No proxy leads to this machine.
                    session.trust_env = False
                with session.request(
                    method,
                    address,
                    data=content,
                    headers={"Accept": "application/json", "User-Agent": "wagtail-orders", **(headers or {})},
                    auth=auth,
                    timeout=TIMEOUTS,
                    allow_redirects=False,
                    stream=True,
                    verify=self.account.authorities or None,
                ) as response:
                    return response.status_code, _read(response, begun)
        except (requests.RequestException, OSError) as error:
            logger.warning("PayPal: %s %s failed: %s", method, address, type(error).__name__)
            # Without its cause: in its frames, which an error page or a tracker shows, is who we say we are.
            raise ProviderFailed(_("PayPal could not be reached."), is_passing=True) from None

    def _parsed(self, content, status):
        try:
            answer = json.loads(content, parse_float=Decimal)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict):
            return answer
        if 200 <= status < 300:
            raise self._refused(502, {})
        return {}

    def _refused(self, status, answer):
        issue, said = _said(answer)
        logger.warning("PayPal answered %s %s (debug id %s)", status, said, answer.get("debug_id"))
        is_passing = status >= 500 or status in _PASSING
        if is_passing:
            text = _("PayPal has a fault of its own (%(status)s). Try again later.")
        elif status in (401, 403):
            text = _("PayPal does not accept the shop's access data (%(said)s).")
        else:
            text = _("PayPal refused: %(said)s.")
        said = said.rstrip(".") or str(status)
        return Refused(
            text % {"status": status, "said": said}, status=status, issue=issue, is_passing=is_passing
        )


def _read(response, begun):
    content = b""
    for piece in response.iter_content(64 * 1024):
        content += piece
        if len(content) > LARGEST_ANSWER or time.monotonic() - begun > PATIENCE:
            raise requests.RequestException("too long")
    return content


def _said(answer):
    """The first issue of an error answer, and all of it in a line: name, issues, and the number to tell PayPal."""
    details = answer.get("details")
    details = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    issues = [one["issue"] for one in details if isinstance(one.get("issue"), str)]
    name = answer.get("name") or answer.get("error")
    words = [word for word in (name, *issues) if isinstance(word, str)]
    said = ", ".join(words)[:300]
    if isinstance(debug := answer.get("debug_id"), str) and said:
        said += f"; debug id {debug[:64]}"
    return (issues[0] if issues else ""), said
