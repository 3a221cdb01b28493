"""The certificate that signs PayPal's webhooks: from where it may come, and whether it is PayPal's."""

import contextlib
import hashlib
import re
import warnings
from functools import lru_cache
from pathlib import Path

import certifi
from django.core.cache import cache

#: Seconds for which a certificate is not fetched again; it is verified each time.
KEPT = 3600
#: Bytes of a chain; a real one has some 6,000.
LARGEST = 64 * 1024
#: Certificates of a chain, the first one included.
LONGEST = 6

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class Forged(Exception):
    """What came is not from PayPal, or cannot be shown to be; the message is for the log."""


def check_address(address, account):
    """
    Refuse an address that is not exactly one of a certificate of the account's PayPal. The whole text is matched, so
    that there is nothing that two parsers could read in two ways.
    """
    hosts = "|".join(re.escape(host) for host in account.hosts)
    pattern = rf"https://({hosts})/v1/notifications/certs/[A-Za-z0-9][A-Za-z0-9._-]{{0,199}}"
    if not re.fullmatch(pattern, address, re.ASCII):
        raise Forged("the certificate's address is not PayPal's")


def signing_key(address, account, client, now):
    """
    The public key of the certificate at an address of PayPal's. ``Forged`` if its chain does not end at a trusted
    authority, if it is not valid now, or is made out to another name; ``ProviderFailed`` if it cannot be fetched.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509 import verification

    check_address(address, account)
    try:
        content, keep = _fetched(address, client)
        chain = x509.load_pem_x509_certificates(content)
        if len(chain) > LONGEST:
            raise Forged("the certificate's chain is too long")
        store = verification.Store(_trusted(account.authorities or certifi.where()))
        builder = verification.PolicyBuilder().store(store).time(now)
        verifier = builder.build_server_verifier(x509.DNSName(account.signer))
        verifier.verify(chain[0], chain[1:])
        key = chain[0].public_key()
    except (verification.VerificationError, ValueError, x509.ExtensionNotFound, TypeError) as error:
        raise Forged(f"the certificate is not PayPal's: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Forged("the certificate's key is not RSA")
    keep()
    return key


def _fetched(address, client):
    """The bytes at an address, and what keeps them: only what was verified once is not fetched again."""
    name = f"wagtail_orders.paypal.{hashlib.sha256(address.encode()).hexdigest()}"
    content = cache.get(name)
    if content is not None:
        return content, lambda: None
    content = client.certificate(address)
    if content is None or len(content) > LARGEST:
        raise Forged("PayPal has no such certificate")
    return content, lambda: cache.set(name, content, KEPT)


def _trusted(path):
    return _authorities(path, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _authorities(path, _changed):
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    found = []
    for one in _PEM.findall(Path(path).read_bytes()):
        # One by one: an old authority that cryptography refuses, or is about to, takes the others' trust not along.
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            found.append(x509.load_pem_x509_certificate(one))
    return found
