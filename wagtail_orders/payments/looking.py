"""Money that a provider reported and that fits no order: how it reads, and that somebody has looked at it."""

import logging

from django.utils.translation import gettext_lazy as _

from .. import database
from ..models import Payment, ProviderEvent
from .registry import provider_of

logger = logging.getLogger(__name__)

# The names are PayPal's: https://developer.paypal.com/api/rest/webhooks/event-names/
_WORDS = {
    "PAYMENT.CAPTURE.COMPLETED": _("Payment received"),
    "PAYMENT.CAPTURE.PENDING": _("Payment pending"),
    "PAYMENT.CAPTURE.DECLINED": _("Payment failed"),
    "PAYMENT.CAPTURE.DENIED": _("Payment failed"),
    "PAYMENT.CAPTURE.REFUNDED": _("Refunded"),
    "PAYMENT.CAPTURE.REVERSED": _("Taken back by the provider"),
}


def words_of(event):
    """What people read for the kind of a provider's event; an unknown kind is its own word."""
    return _WORDS.get(event.kind, event.kind)


def page_of(event):
    """The address of what an event is about at its provider, or "" where there is none."""
    about = Payment(method=event.provider, reference=event.resource, is_manual=False)
    provider = provider_of(about) if event.resource else None
    return provider.page_of(about) if provider else ""


def settle(pk, *, user=None):
    """
    Note that somebody has looked at the money of the event with this primary key; it is shown no more. Returns
    whether it was still to be looked at.
    """
    waiting = database.primary(ProviderEvent).filter(pk=pk, state=ProviderEvent.State.UNMATCHED)
    is_news = bool(waiting.update(state=ProviderEvent.State.DONE))
    if is_news:
        logger.info("Looked at the provider's event %s, which fits no order; user %s.", pk, user and user.pk)
    return is_news
