"""PayPal behind the seam of payment providers."""

import re
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from ... import database
from ...exceptions import ProviderFailed, TransitionRefused
from ...lifecycle import outcome
from ...lifecycle.checking import Checker
from ...models import Order, Payment, PaymentAttempt
from ...notifications.contents import shop_name
from . import judging
from .account import account
from .amounts import amount_of
from .client import Client, Refused
from .events import answer
from .following import NAME, Follower

#: How long an attempt is gone on with: PayPal keeps an order that nobody approves for three hours.
OPEN_FOR = timedelta(hours=2, minutes=45)
#: When an attempt is looked at for the first time if nobody comes back.
FIRST_LOOK = timedelta(minutes=1)
#: What PayPal takes for a language: developer.paypal.com/docs/api/orders/v2/#definition-language
_LOCALE = re.compile(r"[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")


class PayPal:
    """A customer's way to pay with PayPal, and what comes of it."""

    name = NAME
    label = "PayPal"

    def __init__(self, account):
        self.account = account
        self.client = Client(account)

    @classmethod
    def from_settings(cls):
        """
        The provider of the setting PAYPAL; None where there is none or it cannot be used. ``ImproperlyConfigured``
        for the double where ``DEBUG`` is off.
        """
        found = account()
        return None if found is None else cls(found)

    def start(self, order, *, return_url, cancel_url):
        """Begin a payment of what the order owes, or go on with one that is open: see ``Provider.start``."""
        attempt = self._attempt_for(order)
        if attempt.approve_url:
            return attempt
        remote = self.client.post(
            "v2",
            "checkout",
            "orders",
            key=attempt.key,
            body=self._wish(order, attempt, return_url, cancel_url),
        )
        page = judging.link(remote, "payer-action") or judging.link(remote, "approve")
        if not isinstance(remote.get("id"), str) or not page or not self._is_page(page):
            raise ProviderFailed(_("PayPal did not say where to pay."))
        attempt.reference, attempt.approve_url = remote["id"], page
        attempt.next_look_at = timezone.now() + FIRST_LOOK
        attempt.save(update_fields=["reference", "approve_url", "next_look_at"])
        return attempt

    def _is_page(self, address):
        return address.startswith(("https://", "http://localhost:") if self.account.is_double else "https://")

    def _attempt_for(self, order):
        def work():
            fresh = database.locked(database.primary(Order).filter(pk=order.pk)).first()
            self._check_owing(order, fresh)
            owed = amount_of(fresh.amount_due, fresh.currency)
            attempts = database.primary(PaymentAttempt).filter(order=fresh, provider=NAME)
            going = attempts.filter(
                environment=self.account.environment,
                amount=fresh.amount_due,
                created_at__gt=timezone.now() - OPEN_FOR,
            ).exclude(reference__isnull=False, next_look_at=None)
            return going.last() or attempts.create(
                order=fresh, provider=NAME, environment=self.account.environment, amount=owed["value"]
            )

        attempt = database.in_transaction(PaymentAttempt, work)
        attempt.refresh_from_db(using=attempt._state.db)
        return attempt

    def _check_owing(self, order, fresh):
        if fresh is None:
            raise TransitionRefused({order: outcome.GONE})
        if fresh.is_cancelled:
            raise ProviderFailed(_("This order is cancelled."))
        if not fresh.amount_due:
            raise ProviderFailed(_("This order is paid already."))
        entries = database.primary(Payment).filter(order=fresh, method=NAME, kind=Payment.Kind.PAYMENT)
        if entries.filter(state=Payment.State.PENDING).exists():
            raise ProviderFailed(_("PayPal is still working on a payment of this order."))

    def _wish(self, order, attempt, return_url, cancel_url):
        """The order to be made at PayPal: developer.paypal.com/docs/api/orders/v2/#orders_create"""
        context = {
            "return_url": return_url,
            "cancel_url": cancel_url,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
        }
        if name := shop_name(order):
            context["brand_name"] = name[:127]
        if _LOCALE.fullmatch(order.language):
            context["locale"] = order.language
        unit = {
            "custom_id": order.number,
            "invoice_id": order.number,
            "amount": amount_of(attempt.amount, order.currency),
            "payee": {"merchant_id": self.account.merchant_id},
        }
        return {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }

    def attempt(self, order, reference):
        """The order's attempt that PayPal calls ``reference``, or None."""
        if not isinstance(reference, str) or "\0" in reference:
            return None
        found = database.primary(PaymentAttempt).filter(order=order, provider=NAME, reference=reference)
        return found.select_related("order").first()

    def confirm(self, attempt):
        """Take the money that the customer has agreed to, and have the ledger follow: see ``Provider.confirm``."""
        try:
            Follower(self.account).look_at_attempt(attempt)
        except Refused as refusal:
            if refusal.issue == "INSTRUMENT_DECLINED":
                text = _("PayPal could not take the money. Choose another way to pay there.")
                raise ProviderFailed(text) from refusal
            raise
        return database.primary(Order).get(pk=attempt.order_id)

    def read_event(self, request):
        """Answer PayPal's webhook."""
        return answer(request, self.account)

    def refund(self, payment, *, amount, key, reason="", notify_customer=False, user=None):
        """Send money back through PayPal, and have the ledger follow: see ``Provider.refund``."""
        order, amount = database.primary(Order).get(pk=payment.order_id), Decimal(amount)
        # Now: what the ledger would refuse is not to be sent.
        checker = Checker()
        reason = checker.text("reason", reason, most=500)
        checker.raise_errors()
        # By its custom_id whoever hears of the refund finds what was told here.
        body = {"amount": amount_of(amount, order.currency), "custom_id": key}
        known = database.primary(Payment).filter(method=NAME, kind=Payment.Kind.REFUND, order=order)
        self._check_left(order, amount, known)
        self._note_wish(
            order, key, {"reason": reason, "notify_customer": notify_customer, "user": user and user.pk}
        )
        answer = self.client.post(
            "v2", "payments", "captures", payment.reference, "refund", body=body, key=key
        )
        told = {"reason": reason, "notify_customer": notify_customer, "user": user}
        reference = answer.get("id")
        Follower(self.account).look_at_refund(reference, **told)
        entry = known.filter(reference=reference).first()
        if entry is None:
            text = _("PayPal has sent the money back, but it does not fit the ledger. Look at the order.")
            raise ProviderFailed(text)
        return entry

    def _note_wish(self, order, key, told):
        """
        Write down what the ledger is to have of a refund before PayPal is asked: its webhook may be faster than its
        answer, and should nobody hear the answer, the reconciliation does.
        """

        def work():
            ours = {"provider": NAME, "environment": self.account.environment, "reference__isnull": False}
            for attempt in database.locked(database.primary(PaymentAttempt).filter(order=order, **ours)):
                attempt.refunds[key] = told
                attempt.looks, attempt.next_look_at = 0, timezone.now() + FIRST_LOOK
                attempt.save(update_fields=["refunds", "looks", "next_look_at"])

        database.in_transaction(PaymentAttempt, work)

    def _check_left(self, order, amount, known):
        """Refuse more than the ledger has left, unless it may be a refund that is asked for again."""
        is_more = amount > order.amount_paid - order.amount_refunded
        if is_more and not known.filter(amount=amount).exists():
            raise TransitionRefused({order: outcome.MORE_THAN_PAID})

    def page_of(self, payment):
        """The payment's page at PayPal."""
        return self.account.page_of(payment.reference) if payment.reference else ""
