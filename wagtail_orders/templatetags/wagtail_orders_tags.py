"""Amounts and quantities in templates, in the language of the page."""

from urllib.parse import urlencode

from babel.numbers import format_decimal
from django import template
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, gettext

from ..conf import payment_method_label
from ..documents import documents
from ..money import locale_of
from ..tracking import is_web_link

register = template.Library()


@register.filter
def money(amount, order):
    """``{{ order.total|money:order }}``: an amount in the order's currency."""
    return order.format(amount)


@register.filter
def unit_price(amount, order):
    """``{{ line.unit_price|unit_price:order }}``: the same, with more decimals where the price has more."""
    return order.format(amount, exact=True)


@register.filter
def quantity(number):
    """``{{ line.quantity|quantity }}``: a number without needless zeros."""
    return format_decimal(number, locale=locale_of(), decimal_quantization=False)


@register.filter
def web_link(url):
    """``{{ shipment.tracking_url|web_link }}``: an http(s) address, and nothing where it is none."""
    return url if is_web_link(url) else ""


@register.filter
def postal(address):
    """``{{ order.billing_address|postal }}``: the lines of an address as its country's post wants them."""
    return address.postal_lines() if address else []


@register.filter
def person(user):
    """``{{ note.author|person }}``: what people call a user."""
    return (user.get_full_name() or user.get_username()) if user else ""


@register.filter
def language_label(code):
    """``{{ order.language|language_label }}``: a language's name in the reader's own."""
    return locale_of(code).get_display_name(locale_of())


@register.filter
def method_label(code):
    """``{{ order.payment_method|method_label }}``: what people read for a payment method."""
    return payment_method_label(code)


@register.filter
def as_search(words):
    """``?{{ order.email|as_search }}``: the listing's query that searches for something."""
    return urlencode({"q": words})


@register.filter
def css_string(text):
    """``content: "{{ foot|css_string }}"``: any text within quotes in a style sheet, where HTML's escaping is none."""
    return "".join(one if one.isalnum() and one.isascii() else f"\\{ord(one):x} " for one in str(text))


@register.filter
def isolated(text):
    """
    ``{{ line.name|isolated }}``: each line of a text in its own direction, whatever surrounds it (UAX #9's isolates,
    which a PDF obeys too). Only where one reads from right to left: elsewhere nothing is needed.
    """
    if not get_language_bidi():
        return text
    return "\n".join(f"\u2068{line}\u2069" if line else "" for line in str(text).split("\n"))


@register.filter
def batches(rows, size=100):
    """
    ``{% for batch in lines|batches %}``: rows for several tables, one for an order as most are: xhtml2pdf takes three
    times as long for one of 5,000 rows.
    """
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@register.filter
def pieces(text, size=1000):
    """
    ``{% for piece in order.customer_note|pieces %}``: a text's lines, very long ones cut where a word ends if one
    does: paragraphs that a PDF is made of quickly.
    """
    found = []
    for line in str(text).replace("\r\n", "\n").split("\n"):
        while len(line) > size:
            at = line.rfind(" ", size // 2, size) + 1 or size
            found.append(line[:at])
            line = line[at:]
        found.append(line if line.strip() else "\xa0")
    return found


@register.filter
def form_url(page, form):
    """``{{ page|form_url:form }}``: where a form of the order's page is sent."""
    return page.form_url(form)


@register.filter
def rehearse_url(page, form):
    """``{{ page|rehearse_url:form }}``: where a dialog learns what it would do."""
    return page.url_of("rehearse", page.order.pk, form.slug)


@register.filter
def rehearse_mail_url(page, form):
    """``{{ page|rehearse_mail_url:form }}``: where a dialog gets the mail that would go."""
    return page.url_of("rehearse_mail", page.order.pk, form.slug)


@register.filter
def without_id(field):
    """``{{ field|without_id }}``: a hidden field of a form that stands in the page more than once."""
    return field.as_hidden(attrs={"id": ""})


@register.simple_tag
def print_links(order):
    """
    ``{% print_links order as prints %}``: what can be printed of an order, each a label and an address: in the
    customer's language, then in the reader's if that is another, then in the browser.
    """
    kinds = [document for document in documents().values() if not document.is_of_many]
    links = [(document.label, print_url(order, document)) for document in kinds]
    own = get_language()
    if own.partition("-")[0] != order.language.partition("-")[0]:
        words = {"language": language_label(own)}
        links += [
            (
                gettext("%(document)s, in %(language)s") % {**words, "document": document.label},
                print_url(order, document, language=own),
            )
            for document in kinds
        ]
    if kinds:
        links.append((gettext("Print from the browser"), print_url(order, kinds[0], in_browser=True)))
    return links


def print_url(order, document, *, language="", in_browser=False):
    """Where a document of an order is, as PDF or as a page to print from the browser."""
    url = reverse(
        "wagtail_orders:document" if in_browser else "wagtail_orders:document_pdf",
        args=(order.pk, document.name),
    )
    return f"{url}?{urlencode({'language': language})}" if language else url


@register.simple_tag
def order_documents():
    """``{% order_documents as documents %}``: the kinds of documents there are."""
    return documents().values()


@register.simple_tag(takes_context=True)
def parcel_form(context, slug, shipment):
    """``{% parcel_form "correct" shipment as form %}``: a form about one parcel, if it may be changed."""
    return context["page"].parcel_form(slug, shipment)


@register.simple_tag(takes_context=True)
def order_form(context, slug):
    """``{% order_form "note" as form %}``: one of the forms of the order's page."""
    return context["page"].form(slug)
