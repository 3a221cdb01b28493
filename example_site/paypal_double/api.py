"""PayPal's REST API as the double answers it: OAuth, Orders v2, Payments v2, and what belongs to webhooks."""

import base64
import binascii
import json
import re
import secrets
from urllib.parse import parse_qs, urlsplit

from .account import CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID
from .authority import ALGORITHM, is_signed, signed_message
from .books import INSTRUMENT_DECLINED
from .errors import Refused, error_body
from .server import Dropped

JSON = {"Content-Type": "application/json"}
TOKEN_LIFE = 32400  # seconds, as PayPal's
ROUTES = [
    ("POST", r"/v1/oauth2/token", "token"),
    ("GET", r"/v1/notifications/certs/([A-Za-z0-9._-]+)", "certificate"),
    ("POST", r"/v1/notifications/verify-webhook-signature", "verify"),
    ("POST", r"/v2/checkout/orders", "create"),
    ("GET", r"/v2/checkout/orders/([^/]+)", "order"),
    ("POST", r"/v2/checkout/orders/([^/]+)/capture", "capture"),
    ("GET", r"/v2/payments/captures/([^/]+)", "show_capture"),
    ("POST", r"/v2/payments/captures/([^/]+)/refund", "refund"),
    ("GET", r"/v2/payments/refunds/([^/]+)", "show_refund"),
]
OPEN_TO_ALL = {"token", "certificate"}
#: The event of a request to verify a signature, from its first byte on.
WEBHOOK_EVENT = re.compile(rb'"webhook_event"\s*:\s*')


class Api:
    """Answers requests out of ``books``; ``certificates`` are the chains that it shows, by name."""

    def __init__(self, double, books):
        self.double, self.books = double, books
        self.certificates = {}
        self.tokens = set()
        #: What a request whose means of payment was refused is answered, also when it comes again.
        self.refused = {}

    def answer(self, request):
        path = urlsplit(request.path).path
        self.double.requests.append((request.command, path))
        fault = self.double.faults(request.command, path)
        if fault is None:
            return self._answer(request, path)
        return self._fail(fault, request, path)

    def _fail(self, fault, request, path):
        if isinstance(fault, int):
            return as_json(fault, error_body(fault))
        if isinstance(fault, tuple):
            status, headers, body = fault
            return status, headers, body
        if fault.endswith(" after"):
            self._answer(request, path)
        if fault.startswith("timeout"):
            request.wait_in_vain()
        raise Dropped

    def _answer(self, request, path):
        try:
            name, arguments = self._route(request.command, path)
            if name not in OPEN_TO_ALL and not self._is_known(request):
                raise Refused("INVALID_TOKEN", "The access token is unknown or has expired.", status=401)
            return getattr(self, name)(request, *arguments)
        except Refused as refusal:
            return as_json(refusal.status, refusal.body)

    @staticmethod
    def _route(method, path):
        found = [(verb, name, match) for verb, route, name in ROUTES if (match := re.fullmatch(route, path))]
        if not found:
            raise Refused("INVALID_RESOURCE_ID", "There is nothing at this address.", status=404)
        for verb, name, match in found:
            if verb == method:
                return name, match.groups()
        raise Refused("METHOD_NOT_SUPPORTED", "Another method is needed here.", status=405)

    def _is_known(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and token in self.tokens

    # OAuth

    def token(self, request):
        if basic_credentials(request) != (CLIENT_ID, CLIENT_SECRET):
            refusal = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return as_json(401, refusal)
        if parse_qs(request.content.decode("latin-1")).get("grant_type") != ["client_credentials"]:
            refusal = {"error": "unsupported_grant_type", "error_description": "Grant Type is not supported"}
            return as_json(400, refusal)
        token = f"A21AA{secrets.token_urlsafe(60)}"
        self.tokens.add(token)
        return as_json(
            200,
            {
                "scope": "https://uri.paypal.com/services/payments/payment",
                "access_token": token,
                "token_type": "Bearer",
                "app_id": "APP-80W284485P519543T",
                "expires_in": TOKEN_LIFE,
                "nonce": secrets.token_hex(8),
            },
        )

    # Orders v2

    def create(self, request):
        asked = body_of(request)
        if asked.get("payment_source") and not request.headers.get("PayPal-Request-Id"):
            raise Refused("PAYPAL_REQUEST_ID_REQUIRED", "A PayPal-Request-Id is required.", status=400)

        def make():
            return self.books.create(asked)["id"]

        reference, is_new = self._once(request, make)
        order = self.books.order(reference)
        shown = ("id", "status", "payment_source", "links")
        return as_json(201 if is_new else 200, order if wants_all(request) else only(order, shown))

    def order(self, request, reference):
        return as_json(200, self.books.order(reference))

    def capture(self, request, reference):
        def take():
            return self.books.capture(reference)["id"]

        reference, is_new = self._once(request, take)
        order = self.books.order(reference)
        if not wants_all(request):
            units = [only(unit, ("reference_id", "payments")) for unit in order["purchase_units"]]
            order = only(order, ("id", "status", "payment_source", "payer", "links")) | {
                "purchase_units": units
            }
        return as_json(201 if is_new else 200, order)

    # Payments v2

    def show_capture(self, request, identifier):
        with self.books.lock:
            return as_json(200, found(self.books.captures, identifier))

    def show_refund(self, request, identifier):
        with self.books.lock:
            return as_json(200, found(self.books.refunds, identifier))

    def refund(self, request, capture_id):
        asked = body_of(request)

        def send_back():
            note = asked.get("note_to_payer", "")
            custom_id = asked.get("custom_id")
            return self.books.refund(capture_id, asked.get("amount"), note=note, custom_id=custom_id)["id"]

        identifier, is_new = self._once(request, send_back)
        with self.books.lock:
            refund = found(self.books.refunds, identifier)
            shown = (
                refund if wants_all(request) else only(refund, ("id", "status", "status_details", "links"))
            )
            return as_json(201 if is_new else 200, shown)

    # Webhooks

    def certificate(self, request, name):
        if name not in self.certificates:
            raise Refused("INVALID_RESOURCE_ID", "There is no such certificate.", status=404)
        return 200, {"Content-Type": "application/x-pem-file"}, self.certificates[name]

    def verify(self, request):
        asked = body_of(request)
        raw = raw_event(request.content)
        name = str(asked.get("cert_url", "")).rpartition("/")[2]
        is_true = (
            asked.get("auth_algo") == ALGORITHM
            and asked.get("webhook_id") == WEBHOOK_ID
            and asked.get("cert_url") == self.double.cert_url(name)
            and name == self.double.signer.name
            and is_signed(
                signed_message(asked["transmission_id"], asked["transmission_time"], WEBHOOK_ID, raw),
                asked["transmission_sig"],
                self.certificates[name],
            )
        )
        return as_json(200, {"verification_status": "SUCCESS" if is_true else "FAILURE"})

    def _once(self, request, act):
        """What ``act`` makes, and whether it is new: a request with the same PayPal-Request-Id acts once."""
        key = request.headers.get("PayPal-Request-Id")
        with self.books.lock:
            if not key:
                return act(), True
            known = f"{request.command} {urlsplit(request.path).path} {key}"
            if known in self.books.answered:
                return self.books.answered[known], False
            if known in self.refused:
                raise self.refused[known]
            try:
                self.books.answered[known] = made = act()
            except Refused as refusal:
                if refusal.issue == INSTRUMENT_DECLINED:
                    self.refused[known] = refusal
                raise
            self.books.kept()
            return made, True


def as_json(status, content):
    return status, JSON, json.dumps(content).encode()


def only(content, names):
    return {name: content[name] for name in names if name in content}


def found(known, identifier):
    if identifier not in known:
        raise Refused("INVALID_RESOURCE_ID", "Specified resource ID does not exist.", status=404)
    return known[identifier]


def wants_all(request):
    return "return=representation" in request.headers.get("Prefer", "")


def body_of(request):
    if not request.content:
        return {}
    if request.headers.get_content_type() != "application/json":
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "The body must be JSON.", status=415)
    try:
        body = json.loads(request.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.", status=400)
    return body


def basic_credentials(request):
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, secret) if scheme == "Basic" else None


def raw_event(content):
    """The bytes of ``webhook_event`` as they came: what was signed is the bytes, not what they mean."""
    match = WEBHOOK_EVENT.search(content)
    if not match:
        raise Refused("MISSING_REQUIRED_PARAMETER", "webhook_event is missing.", status=400)
    text = content[match.end() :].decode()
    _, end = json.JSONDecoder().raw_decode(text)
    return text[:end].encode()
