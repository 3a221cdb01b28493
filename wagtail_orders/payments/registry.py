"""The payment providers there are, each behind the same few calls."""

from typing import Protocol

from .paypal.provider import PayPal


class Provider(Protocol):
    """
    What a payment provider does. All of it asks the provider over the network, outside of any transaction of the
    caller's, and raises ``ProviderFailed`` where that fails; nothing is lost then, and the same call may be repeated.
    """

    #: The method that its payments have in the ledger.
    name: str

    def start(self, order, *, return_url, cancel_url):
        """
        Begin a payment of what ``order`` still owes, and return the ``PaymentAttempt`` with its ``approve_url``. An
        attempt of the same amount that is still open is gone on with. ``ProviderFailed`` if nothing is owed.
        """

    def attempt(self, order, reference):
        """The order's attempt that the provider calls ``reference``, or None."""

    def confirm(self, attempt):
        """
        Take the money that the customer has agreed to, if it is still owed, and have the ledger follow. Returns the
        order as it is then. What was confirmed before changes nothing.
        """

    def read_event(self, request):
        """Answer the provider's webhook: an ``HttpResponse``."""

    def refund(self, payment, *, amount, key, reason="", notify_customer=False, user=None):
        """
        Send ``amount`` of a confirmed ``payment`` back, in the order's currency, and return the ledger's entry. With
        the same ``key``, a random text of the caller's, it is sent once however often this is called.
        ``ValidationError`` for a reason of more than 500 characters.
        """

    def page_of(self, payment):
        """The address of the payment's page at the provider, for the shop's owner; "" where there is none."""


def providers():
    """The providers that are set up, by their name."""
    known = [PayPal]
    return {made.name: made for made in (one.from_settings() for one in known) if made is not None}


def provider(name):
    """The provider called ``name``; ``LookupError`` if it is not set up."""
    if name not in (found := providers()):
        raise LookupError(f"The payment provider {name!r} is not set up in WAGTAIL_ORDERS.")
    return found[name]


def provider_of(payment):
    """The provider that ``payment`` came through, or None: it was noted by hand, or the provider is not set up."""
    return None if payment.is_manual else providers().get(payment.method)
