"""The pages of the double: the buyer's, who pays or does not, and PayPal's own list of what was paid."""

import html
from importlib.resources import files
from string import Template
from urllib.parse import parse_qs, urlencode, urlsplit

from .books import BUYER, COMPLETED, DECLINED, PENDING
from .errors import Refused

WAITING = ("CREATED", "PAYER_ACTION_REQUIRED")
CHOICES = [
    ("pay", "Pay now", "button", "The money is with the shop at once."),
    ("later", "Pay later", "button second", "The money takes days: you decide when it arrives."),
    ("decline", "Have it declined", "button second", "You agree, and the payment is refused."),
    ("cancel", "Cancel and go back to the shop", "quiet", ""),
]
#: What can be done with a capture, by its status.
DEEDS = {
    PENDING: [("settle", "Let the money arrive"), ("refuse", "Refuse the payment")],
    COMPLETED: [("refund", "Refund all of it here"), ("reverse", "Let the buyer win a dispute")],
    "PARTIALLY_REFUNDED": [("refund", "Refund the rest here"), ("reverse", "Let the buyer win a dispute")],
}
STATUSES = {
    COMPLETED: "Paid",
    PENDING: "Pending: the money is on its way",
    DECLINED: "Declined",
    "FAILED": "Failed",
    "PARTIALLY_REFUNDED": "Refunded in part",
    "REFUNDED": "Refunded",
}


class Pages:
    """Answers browsers. What is done here reaches the shop as it does from PayPal: by return and by webhook."""

    def __init__(self, double, books):
        self.double, self.books = double, books
        self.frame = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))

    def answer(self, request):
        address = urlsplit(request.path)
        typed = parse_qs(address.query)
        action = parse_qs(request.content.decode("latin-1")).get("action", [""])[0]
        is_post = request.command == "POST"
        try:
            if address.path == "/checkoutnow":
                reference = typed.get("token", [""])[0]
                return self._decide(reference, action) if is_post else self._checkout(reference)
            if address.path.startswith("/activity/payment/"):
                capture_id = address.path.rpartition("/")[2]
                return self._act(capture_id, action) if is_post else self._payment(capture_id)
            if address.path == "/":
                return self._list()
        except Refused as refusal:
            return self._show("That did not work", para(refusal.description) + ALL_PAYMENTS, refusal.status)
        return self._show("Nothing here", ALL_PAYMENTS, 404)

    # The buyer's

    def _checkout(self, reference):
        order = self.books.order(reference)
        context, unit = self.books.contexts[reference], order["purchase_units"][0]
        content = facts(
            ("To", context["brand_name"] or "The shop"),
            ("For", unit.get("invoice_id", "")),
            ("From", BUYER["email_address"]),
        )
        if order["status"] in WAITING:
            content += "".join(choice(*one) for one in CHOICES)
            content = f'<form method="post">{content}</form>'
        else:
            content += para("You have agreed to this payment already.")
            content += (
                f'<a class="button" href="{escape(returning(context, reference))}">Back to the shop</a>'
            )
        return self._show(f"Pay {money(unit['amount'])}", content)

    def _decide(self, reference, action):
        self.books.order(reference)
        context = self.books.contexts[reference]
        if action == "cancel":
            return redirect(with_query(context["cancel_url"], token=reference))
        outcomes = {"pay": None, "later": PENDING, "decline": DECLINED}
        if action not in outcomes:
            raise Refused("INVALID_PARAMETER_VALUE", "Choose one of the buttons.", status=400)
        self.books.approve(reference, outcomes[action])
        return redirect(returning(context, reference))

    # PayPal's own site

    def _list(self):
        with self.books.lock:
            captures = [
                f'<li><a href="/activity/payment/{escape(one["id"])}">{escape(one.get("invoice_id") or one["id"])}</a>'
                f"<span>{escape(money(one['amount']))}</span><small>{status_of(one)}</small></li>"
                for one in reversed(self.books.captures.values())
            ]
            waiting = [
                f'<li><a href="/checkoutnow?token={escape(one["id"])}">'
                f"{escape(one['purchase_units'][0].get('invoice_id') or one['id'])}</a>"
                f"<span>{money(one['purchase_units'][0]['amount'])}</span><small>Not agreed to yet</small></li>"
                for one in reversed(self.books.orders.values())
                if one["status"] in WAITING
            ]
        listed = "".join(waiting + captures)
        return self._show("Payments", f"<ul>{listed}</ul>" if listed else para("Nobody has paid yet."))

    def _payment(self, capture_id):
        with self.books.lock:
            capture = self.books.captures.get(capture_id)
            refunds = [self.books.refunds[one] for one in self.books.refunds_of.get(capture_id, ())]
        if capture is None:
            return self._show("This payment is not known", ALL_PAYMENTS, 404)
        back = [("Sent back", f"{money(one['amount'])} ({one['id']})") for one in refunds]
        content = facts(
            ("Status", status_of(capture)),
            ("For", capture.get("invoice_id", "")),
            ("Payment", capture_id),
            *back,
        )
        deeds = DEEDS.get(capture["status"], [])
        buttons = "".join(choice(name, label, "button second", "") for name, label in deeds)
        content += f'<form method="post">{buttons}</form>{ALL_PAYMENTS}'
        return self._show(money(capture["amount"]), content)

    def _act(self, capture_id, action):
        deeds = {
            "settle": lambda: self.books.settle(capture_id, COMPLETED),
            "refuse": lambda: self.books.settle(capture_id, DECLINED),
            "refund": lambda: self.books.refund(capture_id),
            "reverse": lambda: self.books.reverse(capture_id),
        }
        if action in deeds:
            deeds[action]()
        return redirect(f"/activity/payment/{capture_id}")

    def _show(self, title, content, status=200):
        page = self.frame.substitute(title=escape(title), content=content)
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        return status, headers, page.encode()


ALL_PAYMENTS = '<p><a class="quiet" href="/">All payments</a></p>'


def escape(text):
    return html.escape(str(text))


def para(text):
    return f"<p>{escape(text)}</p>"


def money(amount):
    return f"{amount['value']} {amount['currency_code']}"


def status_of(capture):
    return STATUSES.get(capture["status"], capture["status"])


def facts(*rows):
    shown = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in rows if value)
    return f"<dl>{shown}</dl>"


def choice(name, label, style, hint):
    button = f'<button name="action" value="{name}" class="{style}">{escape(label)}</button>'
    return f"{button}<small>{escape(hint)}</small>" if hint else button


def returning(context, reference):
    return with_query(context["return_url"], token=reference, PayerID=BUYER["payer_id"])


def with_query(url, **query):
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def redirect(url):
    return 303, {"Location": url}, b""
