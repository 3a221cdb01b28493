"""
Payment providers: what takes a customer's money and tells of it by itself. A shop needs two calls::

    paypal = payments.provider("paypal")
    attempt = paypal.start(order, return_url=…, cancel_url=…)      # then: redirect(attempt.approve_url)

    attempt = paypal.attempt(order, request.GET.get("token"))       # at return_url
    order = paypal.confirm(attempt)                                 # then: look at order.payment_status

Whether the customer comes back, the provider's webhook comes, or ``manage.py paypal_reconcile`` asks: each has the
provider asked what is true, and the ledger's verbs write it, once.
"""

from .registry import Provider, provider, provider_of, providers

__all__ = ["Provider", "provider", "provider_of", "providers"]
