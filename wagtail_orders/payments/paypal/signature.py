"""
Whether a webhook was sent by PayPal: developer.paypal.com/api/rest/webhooks/rest/. What its signature covers is no more
than the body's CRC32, which anybody can keep while changing the body: it says who spoke, never what was said.
"""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from .account import OFFLINE
from .certificates import Forged, check_address, signing_key

ALGORITHM = "SHA256withRSA"
#: PayPal sends a webhook again for three days.
OLDEST = timedelta(days=5)
#: How far PayPal's clock may be ahead of ours.
AHEAD = timedelta(hours=1)

_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Transmission:
    """What PayPal says about a message, in the headers that come with it."""

    identifier: str
    moment: str
    algorithm: str
    certificate: str
    signature: str


def transmission_of(headers):
    """The transmission that a request's headers tell of; ``Forged`` if they do not."""
    names = ("Id", "Time", "Sig")
    identifier, moment, signature = (headers.get(f"Paypal-Transmission-{name}", "") for name in names)
    found = Transmission(
        identifier=identifier,
        moment=moment,
        algorithm=headers.get("Paypal-Auth-Algo", ""),
        certificate=headers.get("Paypal-Cert-Url", ""),
        signature=signature,
    )
    if not all(vars(found).values()):
        raise Forged("it is not signed")
    if not _NAME.fullmatch(identifier) or len(signature) > 2000 or len(found.certificate) > 500:
        raise Forged("its headers are not PayPal's")
    if found.algorithm.lower() != ALGORITHM.lower():
        raise Forged("it is signed in another way than PayPal does")
    return found


def check(transmission, body, account, client, now):
    """
    Refuse what PayPal did not send, by ``Forged``; ``ProviderFailed`` if PayPal, or its certificate, cannot be asked.
    ``body`` is the message byte for byte.
    """
    _check_moment(transmission.moment, now)
    check_address(transmission.certificate, account)
    if account.verify == OFFLINE:
        _check_signature(transmission, body, account, client, now)
    elif not client.is_genuine(_told(transmission, account), body):
        raise Forged("PayPal says that it did not send it")


def _check_moment(text, now):
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise Forged("its time cannot be read")
    if not now - OLDEST <= moment <= now + AHEAD:
        raise Forged("it is too old, or of the future")


def _check_signature(transmission, body, account, client, now):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    try:
        signature = base64.b64decode(transmission.signature, validate=True)
    except (binascii.Error, ValueError):
        raise Forged("its signature is not base64") from None
    key = signing_key(transmission.certificate, account, client, now)
    signed = f"{transmission.identifier}|{transmission.moment}|{account.webhook_id}|{zlib.crc32(body)}"
    try:
        key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Forged("its signature is wrong") from None


def _told(transmission, account):
    return {
        "auth_algo": transmission.algorithm,
        "cert_url": transmission.certificate,
        "transmission_id": transmission.identifier,
        "transmission_sig": transmission.signature,
        "transmission_time": transmission.moment,
        "webhook_id": account.webhook_id,
    }
