"""The ``WAGTAIL_ORDERS`` dictionary of a project's settings, read when used; every key has a default."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

DEFAULTS = {
    # How an order's number reads: str.format with {sequence} (needed) and any of {year}, {month}, {day} (of
    # the moment the order is placed, in the site's time zone) and {site} (the site's primary key). Orders
    # whose numbers differ only in {sequence} are counted together, without gaps. The prefix from
    # Settings → Orders stands before it.
    "NUMBER_FORMAT": "{year}-{sequence:05d}",
    # What people read for a payment method's code; added to PAYMENT_METHODS below.
    "PAYMENT_METHODS": {},
    # How many orders a set-based verb locks and writes in one transaction.
    "CHUNK_SIZE": 500,
    # Seconds after which the sweep takes an event for left behind by a process that died.
    "DISPATCH_GRACE": 60,
    # Which of the project's TASKS delivers e-mails, and makes large exports, imports and prints. With an immediate one
    # (Django's default) a thread of the web process does it, so that nobody waits for it.
    "TASK_BACKEND": "default",
    # The template that the customer's page of an order extends: the site's own base. The page fills its blocks
    # "title" and "content", and links its style sheet within the latter.
    "PUBLIC_BASE_TEMPLATE": "wagtail_orders/public/base.html",
    # Up to so many orders an export is a download at once; of more, a job with a page of its own.
    "EXPORT_AT_ONCE": 20_000,
    # Up to so many orders are printed at once, within PDF_SECONDS; of more, a job makes the PDF.
    "PRINT_AT_ONCE": 25,
    # {"USERNAME": …, "PASSWORD": …}: what ShipStation's Custom Store logs in with; with "PASSWORD_IN_ADDRESS": True
    # also in the address, for servers that swallow the header. None: there is no such door.
    "SHIPSTATION": None,
    # What makes a PDF of a document: the dotted path of a function render(html, base) -> bytes, where base is the
    # folder against which the HTML's addresses are read. "wagtail_orders.documents.weasyprint.render" comes along
    # too, and needs the extra "weasyprint".
    "PDF_RENDERER": "wagtail_orders.documents.xhtml2pdf.render",
    # So many seconds a PDF may take in a request, then it is given up. Less than the web server's patience: Gunicorn
    # ends a worker after 30.
    "PDF_SECONDS": 25,
    # A font file (TrueType) for what DejaVu Sans lacks, such as Chinese, Japanese and Korean: its path, or the paths
    # of a regular and a bold one.
    "PDF_FONT": None,
    # {"CLIENT_ID": …, "CLIENT_SECRET": …, "WEBHOOK_ID": …, "MERCHANT_ID": …, "ENVIRONMENT": "live" or "sandbox"}: the
    # app at PayPal with which customers pay; docs/paypal.md says where each is found, and what "VERIFY" and "DOUBLE"
    # are for. None: no PayPal.
    "PAYPAL": None,
}

PAYMENT_METHODS = {
    "bank_transfer": _("Bank transfer"),
    "card": _("Card"),
    "cash": _("Cash"),
    "manual": _("By hand"),
    "on_delivery": _("On delivery"),
    "paypal": "PayPal",
}

#: The methods with which money changes hands when the goods do.
PAID_IN_PERSON = ("cash", "on_delivery")


def get(key):
    """The value of one key: the project's, else the default."""
    return {**DEFAULTS, **getattr(settings, "WAGTAIL_ORDERS", {})}[key]


def task_backend():
    """The alias among the project's TASKS that works in the background; ``ImproperlyConfigured`` if there is none."""
    alias, known = get("TASK_BACKEND"), getattr(settings, "TASKS", None) or {"default": {}}
    if alias not in known:
        raise ImproperlyConfigured(
            f'WAGTAIL_ORDERS["TASK_BACKEND"] is {alias!r}, but TASKS has: {", ".join(sorted(known))}.'
        )
    return alias


def payment_methods():
    """What people read for each payment method's code."""
    return {**PAYMENT_METHODS, **get("PAYMENT_METHODS")}


def payment_method_label(code):
    """What people read for a payment method's code; an unknown code is its own label."""
    return payment_methods().get(code, code)
