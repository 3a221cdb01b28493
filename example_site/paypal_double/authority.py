"""Certificates: an authority of the double's own, the API's name at localhost, and who signs the webhooks."""

import base64
import functools
import ipaddress
import os
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: Whom PayPal's certificates for webhooks name, by environment.
SIGNER_NAMES = {
    "live": "messageverificationcerts.paypal.com",
    "sandbox": "messageverificationcerts.sandbox.paypal.com",
}
ALGORITHM = "SHA256withRSA"
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Signer:
    """Who signs webhooks: a key, and the chain of certificates to be fetched under ``name``."""

    key: rsa.RSAPrivateKey
    chain: bytes
    name: str

    def sign(self, message):
        return base64.b64encode(self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


class Authority:
    """A certificate authority that nobody trusts but who is told to. A second one is a foreign authority."""

    def __init__(self, key=None, certificate=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.certificate = certificate or self._root()
        self._signers = {}

    @classmethod
    def kept_in(cls, folder):
        """The authority whose key lies in ``folder``; made there the first time."""
        path = folder / "ca-key.pem"
        if not path.exists():
            made = cls()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(private_pem(made.key) + pem(made.certificate))
            return made
        content = path.read_bytes()
        key = serialization.load_pem_private_key(content, password=None)
        return cls(key, x509.load_pem_x509_certificate(content[content.index(b"-----BEGIN CERT") :]))

    def signer(self, name, *, not_before=None, not_after=None):
        """Who signs webhooks as ``name``; made once for each name and dates."""
        wanted = (name, not_before, not_after)
        if wanted not in self._signers:
            self._signers[wanted] = self._make_signer(*wanted)
        return self._signers[wanted]

    def _make_signer(self, name, not_before, not_after):
        between_key = ec.generate_private_key(ec.SECP256R1())
        between = self._issue(
            "PayPal double, webhooks", between_key.public_key(), usage=CA_USAGE, is_authority=True
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        leaf = self._issue(
            name,
            key.public_key(),
            issuer=between,
            issuer_key=between_key,
            names=[x509.DNSName(name)],
            not_before=not_before,
            not_after=not_after,
        )
        print_of_it = leaf.fingerprint(hashes.SHA256()).hex()
        cert_name = f"CERT-{print_of_it[:8]}-{print_of_it[8:16]}-{print_of_it[16:24]}"
        return Signer(key, pem(leaf) + pem(between), cert_name)

    @functools.cached_property
    def api_pem(self):
        """Key and certificate of a server on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return private_pem(key) + pem(self._issue("localhost", key.public_key(), names=names))

    @property
    def pem(self):
        """What to put into the trust store of whoever is to trust this authority."""
        return pem(self.certificate)

    def _root(self):
        key, name = self.key, named("PayPal double, no real money")
        return (
            begun(name, name, key.public_key(), *dates(None, 10 * YEAR))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(CA_USAGE, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )

    def _issue(
        self,
        subject,
        public_key,
        *,
        names=(),
        issuer=None,
        issuer_key=None,
        usage=None,
        is_authority=False,
        not_before=None,
        not_after=None,
    ):
        issuer, issuer_key = issuer or self.certificate, issuer_key or self.key
        valid = dates(not_before, YEAR, not_after)
        builder = (
            begun(named(subject), issuer.subject, public_key, *valid)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(usage or LEAF_USAGE, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
            )
        )
        if names:
            purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            builder = builder.add_extension(purposes, critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


def usages(*allowed):
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in allowed for name in every.split()})


CA_USAGE = usages("key_cert_sign", "crl_sign")
LEAF_USAGE = usages("digital_signature")


def named(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def dates(not_before, length, not_after=None):
    """From yesterday on unless said otherwise: clocks differ."""
    until = not_after or datetime.now(UTC) + length
    return not_before or min(datetime.now(UTC), until) - timedelta(days=1), until


def begun(subject, issuer, public_key, not_before, not_after):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@functools.cache
def authority_of_this_process():
    """Made once: keys take a tenth of a second."""
    return Authority()


def signed_message(identifier, time, webhook_id, body):
    """What PayPal signs of a webhook: of its body, the CRC32 alone."""
    return f"{identifier}|{time}|{webhook_id}|{zlib.crc32(body)}".encode()


def is_signed(message, signature, chain):
    """Whether ``signature`` over ``message`` is by the first certificate of ``chain``."""
    public_key = x509.load_pem_x509_certificate(chain).public_key()
    try:
        public_key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
