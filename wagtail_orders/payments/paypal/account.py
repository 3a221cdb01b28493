"""The setting PAYPAL: whose account at PayPal, in which of its worlds, and where that is reached."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ... import conf

LIVE, SANDBOX = "live", "sandbox"
#: PayPal's REST API (developer.paypal.com/api/rest/requests/), by environment.
APIS = {LIVE: "https://api-m.paypal.com", SANDBOX: "https://api-m.sandbox.paypal.com"}
#: The hosts under which the API names itself and its certificates; PayPal uses the older names too.
HOSTS = {
    LIVE: ("api-m.paypal.com", "api.paypal.com"),
    SANDBOX: ("api-m.sandbox.paypal.com", "api.sandbox.paypal.com"),
}
#: Where the shop's owner sees payments.
SITES = {LIVE: "https://www.paypal.com", SANDBOX: "https://www.sandbox.paypal.com"}
#: Whom PayPal's signing certificate is made out to, as its SDKs have checked it.
SIGNERS = {
    LIVE: "messageverificationcerts.paypal.com",
    SANDBOX: "messageverificationcerts.sandbox.paypal.com",
}
OFFLINE, POSTBACK = "offline", "postback"

_TEXTS = ("CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_ID", "MERCHANT_ID")
NEEDED, OPTIONAL = (*_TEXTS, "ENVIRONMENT"), ("VERIFY", "DOUBLE")


@dataclass(frozen=True)
class Account:
    """
    An app at PayPal and where it is asked. ``authorities`` is a file of trusted CAs, ``pages`` where payments are seen;
    "" stands for the usual.
    """

    client_id: str
    client_secret: str = field(repr=False)
    webhook_id: str
    merchant_id: str
    environment: str
    verify: str
    api: str
    authorities: str = ""
    pages: str = ""

    @property
    def is_double(self):
        return self.api != APIS[self.environment]

    @property
    def hosts(self):
        """The hosts, with the port where there is one, of whatever speaks for this account's PayPal."""
        return (urlsplit(self.api).netloc,) if self.is_double else HOSTS[self.environment]

    @property
    def signer(self):
        """The name on the certificate that signs webhooks."""
        return SIGNERS[self.environment]

    def page_of(self, reference):
        """Where the shop's owner sees a payment."""
        return f"{self.pages or SITES[self.environment]}/activity/payment/{reference}"


def account():
    """
    The account of the setting PAYPAL, or None where it is not set or cannot be used. ``ImproperlyConfigured`` for
    the double where ``DEBUG`` is off.
    """
    given = conf.get("PAYPAL")
    if isinstance(given, dict) and given.get("DOUBLE") is not None and not settings.DEBUG:
        raise ImproperlyConfigured('WAGTAIL_ORDERS["PAYPAL"] has a DOUBLE, and DEBUG is off.')
    if given is None or problem_of(given):
        return None
    double = given.get("DOUBLE") or {}
    environment = given["ENVIRONMENT"]
    return Account(
        **{name.lower(): given[name].strip() for name in _TEXTS},
        environment=environment,
        verify=given.get("VERIFY") or (OFFLINE if has_cryptography() else POSTBACK),
        api=double.get("API", APIS[environment]).rstrip("/"),
        authorities=str(double.get("CA", "")),
        pages=double.get("PAGES", "").rstrip("/"),
    )


def has_cryptography():
    return find_spec("cryptography") is not None


def problem_of(given):
    """Why the setting PAYPAL cannot be used, as the end of a sentence; "" if it can."""
    if not isinstance(given, dict):
        return "is not a dictionary."
    if unknown := set(given) - {*NEEDED, *OPTIONAL}:
        return f"has an unknown key {min(unknown, key=str)!r}."
    for key in NEEDED:
        if not isinstance(given.get(key), str) or not given[key].strip():
            return f"has no {key}."
        if not given[key].isascii() or any(mark.isspace() for mark in given[key].strip()):
            return f"has a {key} with characters that PayPal does not use."
    return _mixed_up(given) or _problem_of_verify(given) or _problem_of_double(given.get("DOUBLE"))


def _mixed_up(given):
    if given["ENVIRONMENT"] not in APIS:
        return f'has the ENVIRONMENT {given["ENVIRONMENT"]!r}; it must be "live" or "sandbox".'
    values = [given[key].strip() for key in _TEXTS]
    for at, key in enumerate(_TEXTS):
        if values[at] in values[:at]:
            return f"has the same {key} as {_TEXTS[values.index(values[at])]}; one of them is another's."
    if given["MERCHANT_ID"].strip().startswith("WH-") or "@" in given["MERCHANT_ID"]:
        return (
            "has a MERCHANT_ID that is none: PayPal shows it under Account settings → Business information."
        )
    if given["WEBHOOK_ID"].strip().startswith("WH-") or "/" in given["WEBHOOK_ID"]:
        return "has a WEBHOOK_ID that is an event's or an address; take the one beside the webhook's address."
    return ""


def _problem_of_verify(given):
    verify = given.get("VERIFY")
    if verify not in (None, OFFLINE, POSTBACK):
        return f'has VERIFY set to {verify!r}; it must be "offline" or "postback".'
    if verify == OFFLINE and not has_cryptography():
        return 'has VERIFY set to "offline", which needs the extra "paypal" (cryptography).'
    return ""


def _problem_of_double(double):
    if double is None:
        return ""
    if not settings.DEBUG:
        return "has a DOUBLE, which plays PayPal and pays with no money, and DEBUG is off."
    if not isinstance(double, dict) or set(double) != {"API", "PAGES", "CA"}:
        return 'has a DOUBLE that is not {"API": …, "PAGES": …, "CA": …}.'
    for key, scheme in (("API", "https"), ("PAGES", "http")):
        if not _is_here(double[key], scheme):
            return f"has a DOUBLE whose {key} is not {scheme}://localhost:<port>."
    return "" if Path(double["CA"]).is_file() else "has a DOUBLE whose CA is no file."


def _is_here(url, scheme):
    try:
        address = urlsplit(url)
        is_near = address.hostname in ("localhost", "127.0.0.1") and address.port
    except (ValueError, TypeError, AttributeError):
        return False
    return bool(is_near) and address.scheme == scheme
