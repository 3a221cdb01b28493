"""What a mail says: the order's facts and the owner's words, as subject, text and HTML, in the reader's language."""

import re
from dataclasses import dataclass

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import punycode
from django.utils.formats import date_format

from .. import conf, database, wording
from ..models import MailText, Notification, OrderEvent
from ..models.event import REASONS
from ..models.settings import local_moment
from ..money import format_amount
from ..tracking import is_web_link
from .contents import contents, customer_url, logo, reading, shop_name
from .kinds import STANDARD, Kind, Words
from .looks import palette

#: RFC 5322, 2.1.1, allows lines of 998 characters; a subject that long is read by nobody.
SUBJECT_LENGTH = 255
# Styles are inlined because Outlook and Gmail read little else; those for dark screens stay where they are.
_inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True)
class Mail:
    """A mail as it will be sent."""

    subject: str
    text: str
    html: str


def notification(queued):
    """The ``Mail`` of a queued notification; one that is sent again says what it said."""
    event = queued.event
    while event.kind == OrderEvent.Kind.MAIL_RESENT:
        mails = database.primary(Notification).select_related("event")
        first = mails.filter(pk=event.data["notification"]).first()
        if first is None:
            break
        if first.subject:
            return Mail(first.subject, first.text_body, first.html_body)
        # Never written, so that it says now what happened then.
        event = first.event
    data = {**event.data, "recipient": queued.recipient}
    return mail(queued.order, queued.kind, language=queued.language, data=data)


def mail(order, kind, *, language, data=None, words=None):
    """
    The ``Mail`` of this kind about ``order``. ``data`` is that of the event it is about; ``words``, a
    ``MailText``, stands in for the owner's saved one.
    """
    data = data or {}
    language = translation.to_language(language)
    with reading(order, language):
        filled = _filled(order, kind, language, data, words)
        context = {
            **_context(order, kind, data),
            "language": language,
            "subject": _one_line(filled.subject),
            "opening": filled.opening,
            "closing": filled.closing,
        }
        folder = f"wagtail_orders/emails/{kind}"
        subject = _for_header(render_to_string(f"{folder}/subject.txt", context)) or str(Kind(kind).label)
        text = _tidy(render_to_string(f"{folder}/body.txt", context))
        html = _inliner.inline(render_to_string(f"{folder}/body.html", context))
    return Mail(subject[:SUBJECT_LENGTH], text, html)


def standard_subject(order):
    """What a mail about the order is called if nobody calls it otherwise, in the customer's language."""
    with translation.override(order.language):
        return _one_line(wording.fill(STANDARD[Kind.CONFIRMATION].subject, {"number": order.number}))


def facts(order, data=None):
    """What each placeholder stands for, in the customer's language; ``data`` is that of an event."""
    with translation.override(order.language):
        return {name: str(fact) for name, fact in _facts(order, data or {}).items()}


def message(mail, *, order, recipient, language, message_id=None, is_automatic=True):
    """
    The ``EmailMultiAlternatives`` of a ``Mail``: to one recipient, from the shop. ``is_automatic`` says that no
    person wrote it.
    """
    headers = {"Message-ID": message_id} if message_id else {}
    if is_automatic:
        # RFC 3834, 5: nobody's "I am on holiday" comes back to it.
        headers["Auto-Submitted"] = "auto-generated"
    address = _ascii_address(order.shop.mail_sender)
    with translation.override(language):
        name = shop_name(order)
    made = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=_named(name, address) if address else None,
        to=[recipient],
        reply_to=[address] if address else None,
        headers=headers,
    )
    made.attach_alternative(mail.html, "text/html")
    return made


def _named(name, address):
    """An address with a name, which loses what Python's email package no longer quotes once it encodes or folds it."""
    name = _one_line(re.sub(r'["\\<>@(),:;\[\]]', " ", _for_header(name)))
    return f'"{name}" <{address}>' if name else address


def _ascii_address(address):
    """An e-mail address whose domain every mail server understands (RFC 5891)."""
    name, at, domain = address.rpartition("@")
    return name + at + punycode(domain)


def _filled(order, kind, language, data, given):
    """The owner's words where she wrote some, else the standard ones, with their placeholders filled in."""
    if kind == Kind.MESSAGE:
        # Hers alone, as she read them before she sent them.
        return Words(data.get("subject", ""), data.get("text", ""))
    own = given or _own_words(order.site_id, kind, language)
    standard, known = STANDARD[kind], _facts(order, data)
    names = ("subject", "opening", "closing")
    return Words(*(wording.fill(getattr(own, name, "") or getattr(standard, name), known) for name in names))


def _own_words(site_id, kind, language):
    texts = {
        text.language.lower(): text for text in database.primary(MailText).filter(site=site_id, kind=kind)
    }
    return texts.get(language) or texts.get(language.partition("-")[0])


def _facts(order, data):
    reason = data.get("reason", "")
    return {
        "customer_name": order.customer_name,
        "number": order.number,
        "total": order.format(order.total),
        "due": order.format(order.amount_due),
        "placed_on": date_format(local_moment(order.placed_at, order.shop.time_zone), "DATE_FORMAT"),
        "shop_name": shop_name(order),
        "payment_method": conf.payment_method_label(order.payment_method),
        "shipping_method": order.shipping_method_name,
        "amount": format_amount(data.get("amount", order.total), order.currency),
        "reason": REASONS.get(reason, reason),
        "tracking_number": data.get("after", data).get("tracking_number", ""),
        "tracking_link": data.get("after", data).get("tracking_url", ""),
    }


def _context(order, kind, data):
    # A mail to somebody else must not open the customer's page to them.
    is_customers = data.get("recipient", order.email).lower() == order.email.lower()
    return {
        **contents(order),
        "kind": kind,
        "logo": _logo(order.shop),
        "colors": palette(order.shop.color),
        "is_to_be_transferred": order.payment_method == "bank_transfer" and order.amount_due > 0,
        "admin_url": admin_url(order),
        "customer_url": customer_url(order) if is_customers else "",
        "data": data,
    }


def admin_url(order):
    """The order's page in the admin, for the foot of the owner's mail."""
    root = getattr(settings, "WAGTAILADMIN_BASE_URL", "") or (order.site.root_url if order.site else "")
    return root.rstrip("/") + reverse("wagtail_orders:inspect", args=(order.pk,))


def _logo(shop):
    """The logo as a picture that mail programs can show: they know no SVG, and no address without a host."""
    if shop.logo is None or shop.logo.is_svg():
        return None
    rendition = logo(shop, "format-png")
    if rendition is None or not is_web_link(rendition.full_url):
        return None
    return {"url": rendition.full_url, "width": rendition.width // 2, "height": rendition.height // 2}


def _one_line(text):
    return " ".join(text.split())


def _for_header(text):
    """
    On one line, and nothing that Python's email package takes for encoded (RFC 2047): of line breaks that it
    decodes it makes headers, or refuses the mail.
    """
    return _one_line(text).replace("=?", "= ?")


def _tidy(text):
    """Without spaces at a line's end and more than one empty line at a time."""
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
