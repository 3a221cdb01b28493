"""What the double knows: orders, captures, refunds and events, and what may become of them."""

import copy
import json
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from .account import MERCHANT_EMAIL, MERCHANT_ID
from .errors import Refused

LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
#: developer.paypal.com/api/rest/reference/currency-codes/: what PayPal takes.
WITH_DECIMALS = {
    *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS"),
    *("MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "USD"),
}
WITHOUT_DECIMALS = {"HUF", "JPY", "TWD"}
AMOUNT = re.compile(r"\d{1,25}(\.\d{1,2})?")
COMPLETED, PENDING, DECLINED, FAILED = "COMPLETED", "PENDING", "DECLINED", "FAILED"
#: As an outcome: the buyer's means of payment is refused, and the order waits for another.
INSTRUMENT_DECLINED = "INSTRUMENT_DECLINED"
CAPTURE_KINDS = {COMPLETED: "COMPLETED", PENDING: "PENDING", DECLINED: "DECLINED", FAILED: "DECLINED"}
BUYER = {
    "name": {"given_name": "Bo", "surname": "Buyer"},
    "email_address": "buyer@paypal-double.example",
    "payer_id": "DBLBUYERBUYER",
    "address": {"country_code": "BE"},
}
SAVED = (
    "orders",
    "captures",
    "refunds",
    "captures_of",
    "refunds_of",
    "outcomes",
    "contexts",
    "answered",
    "waiting",
)


@dataclass(frozen=True)
class Event:
    """What a webhook tells: its own identifier, its kind such as ``PAYMENT.CAPTURE.COMPLETED``, the body as sent."""

    identifier: str
    kind: str
    body: bytes


def make_id():
    return "".join(secrets.choice(LETTERS) for _ in range(17))


def now():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def total_of(entries):
    return sum((Decimal(entry["amount"]["value"]) for entry in entries), Decimal(0))


class Books:
    """
    All that is known, as PayPal would answer it; whoever holds the dictionaries may bend them. ``lock`` is held while
    something is changed. ``heard`` is called with each event, and ``kept`` after each change.
    """

    def __init__(self, api, pages, *, heard=lambda event: None, kept=lambda: None):
        self.api, self.pages, self.heard, self.kept = api, pages, heard, kept
        self.lock = threading.RLock()
        self.orders, self.captures, self.refunds = {}, {}, {}
        self.captures_of, self.refunds_of = {}, {}
        #: What the capture of an order becomes, where the buyer has chosen it.
        self.outcomes = {}
        #: Where the buyer of an order goes afterwards, and in which language.
        self.contexts = {}
        #: What a request with a PayPal-Request-Id was about: the answer to the same one again.
        self.answered = {}
        self.waiting = {}
        self.events = []
        self.capture_outcome = self.refund_outcome = COMPLETED

    # Orders

    def create(self, asked):
        """A new order, as it is asked for; ``Refused`` where PayPal would."""
        unit = checked_unit(asked)
        with self.lock:
            reference = make_id()
            source = (asked.get("payment_source") or {}).get("paypal")
            context = (source or {}).get("experience_context") or asked.get("application_context") or {}
            self.contexts[reference] = {key: context.get(key, "") for key in CONTEXT}
            self.orders[reference] = {
                "id": reference,
                "intent": "CAPTURE",
                "status": "CREATED" if source is None else "PAYER_ACTION_REQUIRED",
                **({} if source is None else {"payment_source": {"paypal": {}}}),
                "purchase_units": [
                    {
                        "reference_id": "default",
                        "payee": {"email_address": MERCHANT_EMAIL, "merchant_id": MERCHANT_ID},
                        **{key: unit[key] for key in UNIT if key in unit},
                    }
                ],
                "create_time": now(),
            }
            self.kept()
            return self.order(reference)

    def order(self, reference):
        """The order with its payments, as it is shown; a copy."""
        with self.lock:
            shown = copy.deepcopy(self._found(self.orders, reference))
            captures = [
                self.captures[one] for one in self.captures_of.get(reference, ()) if one in self.captures
            ]
            refunds = [
                self.refunds[one] for capture in captures for one in self.refunds_of.get(capture["id"], ())
            ]
            if captures:
                without = ("payee", "supplementary_data")
                payments = {
                    "captures": [{k: v for k, v in one.items() if k not in without} for one in captures]
                }
                if refunds:
                    payments["refunds"] = [
                        {k: v for k, v in one.items() if k not in without} for one in refunds
                    ]
                shown["purchase_units"][0]["payments"] = copy.deepcopy(payments)
            shown.setdefault("links", self._links_of(shown))
            return shown

    def _links_of(self, order):
        own = f"/v2/checkout/orders/{order['id']}"
        links = [link(self.api, own, "self")]
        if order["status"] in ("CREATED", "PAYER_ACTION_REQUIRED"):
            rel = "approve" if order["status"] == "CREATED" else "payer-action"
            links.append(link(self.pages, f"/checkoutnow?token={order['id']}", rel))
        if order["status"] == "APPROVED":
            links.append(link(self.api, f"{own}/capture", "capture", "POST"))
        return links

    def approve(self, reference, outcome=None):
        """The buyer says yes; ``outcome`` is what the capture then becomes."""
        with self.lock:
            order = self._found(self.orders, reference)
            if order["status"] not in ("CREATED", "PAYER_ACTION_REQUIRED"):
                return
            order.update(status="APPROVED", payer=copy.deepcopy(BUYER), update_time=now())
            account = {"email_address": BUYER["email_address"], "account_id": BUYER["payer_id"]}
            order["payment_source"] = {"paypal": account}
            if outcome:
                self.outcomes[reference] = outcome
            self.tell(
                "CHECKOUT.ORDER.APPROVED",
                "checkout-order",
                "An order has been approved by buyer",
                self.order(reference),
            )

    def expire(self, reference):
        """What PayPal does after three hours with an order that nobody approved: it is gone."""
        with self.lock:
            self.orders.pop(reference, None)
            self.kept()

    def capture(self, reference):
        """Take the money of an approved order; the order as it is then."""
        with self.lock:
            order = self._found(self.orders, reference)
            if order["status"] == "COMPLETED":
                raise Refused("ORDER_ALREADY_CAPTURED", "Order already captured.")
            if order["status"] != "APPROVED":
                raise Refused("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
            unit = order["purchase_units"][0]
            self._refuse_second_payment(unit.get("invoice_id"))
            outcome = self.outcomes.pop(reference, self.capture_outcome)
            if outcome == INSTRUMENT_DECLINED:
                order["status"] = "PAYER_ACTION_REQUIRED"
                self.kept()
                raise Refused(INSTRUMENT_DECLINED, "The instrument presented was declined by the processor.")
            order.update(status="COMPLETED", update_time=now())
            related = {"supplementary_data": {"related_ids": {"order_id": reference}}}
            self._make_capture(unit, outcome, related, up=f"/v2/checkout/orders/{reference}", of=reference)
            return self.order(reference)

    # Captures

    def take_elsewhere(self, value, currency="EUR", **facts):
        """A payment that came to the account by another way than an order of the API; its capture's id."""
        unit = {
            "amount": {"currency_code": currency, "value": value},
            "payee": {"email_address": MERCHANT_EMAIL, "merchant_id": MERCHANT_ID},
            **facts,
        }
        with self.lock:
            return self._make_capture(unit, COMPLETED, {})

    def settle(self, capture_id, status=COMPLETED):
        """What becomes of a pending capture."""
        with self.lock:
            capture = self._found(self.captures, capture_id)
            capture.update(status=status, update_time=now())
            capture.pop("status_details", None)
            kind = {COMPLETED: "COMPLETED", PENDING: "PENDING"}.get(status, "DENIED")
            self._tell_capture(capture, kind)

    def _make_capture(self, unit, outcome, related, up=None, of=None):
        identifier = make_id()
        own = f"/v2/payments/captures/{identifier}"
        links = [link(self.api, own, "self"), link(self.api, f"{own}/refund", "refund", "POST")]
        self.captures[identifier] = capture = {
            "id": identifier,
            "status": outcome,
            **({"status_details": {"reason": "ECHECK"}} if outcome == PENDING else {}),
            "amount": copy.deepcopy(unit["amount"]),
            "final_capture": True,
            "seller_protection": {"status": "NOT_ELIGIBLE"},
            **{key: unit[key] for key in ("custom_id", "invoice_id") if unit.get(key)},
            "payee": copy.deepcopy(unit["payee"]),
            **related,
            "create_time": now(),
            "update_time": now(),
            "links": [*links, link(self.api, up, "up")] if up else links,
        }
        if of:
            self.captures_of.setdefault(of, []).append(identifier)
        self._tell_capture(capture, CAPTURE_KINDS[outcome])
        return identifier

    def _tell_capture(self, capture, kind):
        amount = capture["amount"]
        summary = f"Payment {kind.lower()} for {amount['value']} {amount['currency_code']}"
        self.tell(f"PAYMENT.CAPTURE.{kind}", "capture", summary, capture)

    def _refuse_second_payment(self, invoice_id):
        gone = (DECLINED, FAILED)
        paid = [one for one in self.captures.values() if one["status"] not in gone]
        if invoice_id and any(one.get("invoice_id") == invoice_id for one in paid):
            raise Refused("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.")

    # Refunds

    def refund(self, capture_id, amount=None, *, note="", kind="REFUNDED", custom_id=None):
        """Send ``amount``, as an amount of PayPal's or a text, or what is left back; the refund."""
        with self.lock:
            capture = self._found(self.captures, capture_id)
            if capture["status"] not in (COMPLETED, "PARTIALLY_REFUNDED"):
                raise refusal_of(capture["status"])
            whole = capture["amount"]
            left = Decimal(whole["value"]) - self._sent_back(capture_id)
            if not isinstance(amount, dict):
                value = left if amount is None else Decimal(amount)
                amount = {"currency_code": whole["currency_code"], "value": str(value)}
            if amount["currency_code"] != whole["currency_code"]:
                raise Refused(
                    "REFUND_CURRENCY_MISMATCH", "The currency of the refund must match the capture."
                )
            check_amount(amount)
            if Decimal(amount["value"]) > left:
                raise Refused(
                    "REFUND_AMOUNT_EXCEEDED", "The refund amount must be less than or equal to the capture."
                )
            refund = self._make_refund(capture, amount, note, custom_id)
            self._follow_refunds(capture)
            words = {"REFUNDED": "refunded", "REVERSED": "reversed"}[kind]
            if refund["status"] == COMPLETED:
                summary = f"A {amount['value']} {amount['currency_code']} capture payment was {words}"
                self.tell(f"PAYMENT.CAPTURE.{kind}", "refund", summary, refund)
            else:
                self._tell_refund(refund)
            return copy.deepcopy(refund)

    def reverse(self, capture_id, amount=None):
        """A dispute that the merchant lost: what is left goes back to the buyer."""
        return self.refund(capture_id, amount, kind="REVERSED")

    def settle_refund(self, refund_id, status=COMPLETED):
        """What becomes of a pending refund."""
        with self.lock:
            refund = self._found(self.refunds, refund_id)
            refund.update(status=status, update_time=now())
            capture = next(one for one, refunds in self.refunds_of.items() if refund_id in refunds)
            self._follow_refunds(self.captures[capture])
            if status == COMPLETED:
                self.tell("PAYMENT.CAPTURE.REFUNDED", "refund", "A capture payment was refunded", refund)
            else:
                self._tell_refund(refund)

    def _tell_refund(self, refund):
        self.tell(f"PAYMENT.REFUND.{refund['status']}", "refund", f"A refund is {refund['status']}", refund)

    def _make_refund(self, capture, amount, note, custom_id):
        identifier = make_id()
        own = f"/v2/payments/refunds/{identifier}"
        status = self.refund_outcome
        self.refunds[identifier] = refund = {
            "id": identifier,
            "status": status,
            **({"status_details": {"reason": "ECHECK"}} if status == PENDING else {}),
            "amount": copy.deepcopy(amount),
            **({"note_to_payer": note} if note else {}),
            **{key: capture[key] for key in ("custom_id", "invoice_id") if key in capture},
            **({"custom_id": custom_id} if custom_id else {}),
            "seller_payable_breakdown": {
                "gross_amount": copy.deepcopy(amount),
                "net_amount": copy.deepcopy(amount),
            },
            "payer": copy.deepcopy(capture["payee"]),
            "create_time": now(),
            "update_time": now(),
            "links": [
                link(self.api, own, "self"),
                link(self.api, f"/v2/payments/captures/{capture['id']}", "up"),
            ],
        }
        self.refunds_of.setdefault(capture["id"], []).append(identifier)
        return refund

    def _sent_back(self, capture_id):
        refunds = [self.refunds[one] for one in self.refunds_of.get(capture_id, ())]
        return total_of(one for one in refunds if one["status"] in (COMPLETED, PENDING))

    def _follow_refunds(self, capture):
        sent_back = self._sent_back(capture["id"])
        part = "PARTIALLY_REFUNDED" if sent_back else COMPLETED
        capture["status"] = "REFUNDED" if sent_back >= Decimal(capture["amount"]["value"]) else part
        capture["update_time"] = now()

    # Events

    def tell(self, kind, resource_type, summary, resource):
        """Make an event, of what ``resource`` is now."""
        identifier = f"WH-{make_id()}-{make_id()}"
        own = f"/v1/notifications/webhooks-events/{identifier}"
        body = {
            "id": identifier,
            "event_version": "1.0",
            "create_time": now(),
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": kind,
            "summary": summary,
            "resource": resource,
            "links": [link(self.api, own, "self"), link(self.api, f"{own}/resend", "resend", "POST")],
        }
        event = Event(identifier, kind, json.dumps(body, separators=(",", ":")).encode())
        self.events.append(event)
        self.waiting[identifier] = [kind, event.body.decode()]
        self.kept()
        self.heard(event)
        return event

    def is_delivered(self, event):
        with self.lock:
            self.waiting.pop(event.identifier, None)
            self.kept()

    # Keeping

    def as_text(self):
        with self.lock:
            return json.dumps({"api": self.api, **{name: getattr(self, name) for name in SAVED}}, indent=1)

    def read(self, text):
        """Take up what ``as_text`` gave, at whatever address the API was then."""
        text = text.replace(json.loads(text)["api"], self.api)
        saved = json.loads(text)
        for name in SAVED:
            setattr(self, name, saved[name])

    def undelivered(self):
        return [Event(identifier, kind, body.encode()) for identifier, (kind, body) in self.waiting.items()]

    @staticmethod
    def _found(known, identifier):
        if identifier not in known:
            raise Refused("INVALID_RESOURCE_ID", "Specified resource ID does not exist.", status=404)
        return known[identifier]


CONTEXT = ("return_url", "cancel_url", "locale", "brand_name")
UNIT = ("reference_id", "amount", "payee", "description", "custom_id", "invoice_id")


def link(api, path, rel, method="GET"):
    return {"href": f"{api}{path}", "rel": rel, "method": method}


def refusal_of(status):
    if status == "REFUNDED":
        return Refused("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
    return Refused("CAPTURE_NOT_COMPLETED", f"The capture is {status}, so that it cannot be refunded.")


def checked_unit(asked):
    """The one purchase unit of an order that is asked for, in its own dictionary."""
    units = asked.get("purchase_units")
    if asked.get("intent") != "CAPTURE":
        raise Refused("INVALID_PARAMETER_VALUE", "The double takes the intent CAPTURE only.", status=400)
    if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
        raise Refused("INVALID_ARRAY_MAX_ITEMS", "The double takes one purchase unit.", status=400)
    unit = copy.deepcopy(units[0])
    check_amount(unit.get("amount"))
    for key, longest in {"custom_id": 255, "invoice_id": 127}.items():
        if len(unit.get(key, "")) > longest:
            raise Refused("INVALID_STRING_LENGTH", f"The value of {key} is too long.", status=400)
    payee = unit.get("payee", {}).get("merchant_id", MERCHANT_ID)
    if payee != MERCHANT_ID:
        raise Refused("PAYEE_ACCOUNT_INVALID", "Payee account is invalid.")
    unit["payee"] = {"email_address": MERCHANT_EMAIL, "merchant_id": payee}
    return unit


def check_amount(amount):
    if not isinstance(amount, dict) or not AMOUNT.fullmatch(str(amount.get("value", ""))):
        raise Refused("INVALID_PARAMETER_SYNTAX", "The amount is not one of PayPal's.", status=400)
    if amount.get("currency_code") not in WITH_DECIMALS | WITHOUT_DECIMALS:
        raise Refused("CURRENCY_NOT_SUPPORTED", "Currency code is not currently supported.")
    if amount["currency_code"] in WITHOUT_DECIMALS and "." in amount["value"]:
        raise Refused("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.")
    if not Decimal(amount["value"]):
        raise Refused("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")
