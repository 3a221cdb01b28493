"""``place_order``: from what a shop hands over to an order that stands."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError
from django.db.models import BigIntegerField, F, Subquery, Value
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from wagtail.models import Site

from .. import database, events, money
from ..exceptions import IdempotencyConflict
from ..models import Order, OrderAddress, OrderEvent, OrderLine, PaymentStatus
from ..models.search import search_text
from . import numbers
from .checking import MAX_AMOUNT, Checker
from .inputs import check_address, check_line


def place_order(
    *,
    lines,
    currency,
    email,
    customer_name,
    billing_address,
    shipping_address=None,
    phone="",
    shipping_method=None,
    shipping_total=Decimal(0),
    shipping_tax_rate=Decimal(0),
    discount_total=Decimal(0),
    prices_include_tax=True,
    payment_method="",
    customer_note="",
    language=None,
    site=None,
    user=None,
    data=None,
    placed_at=None,
    number=None,
    total=None,
    idempotency_key=None,
    notify=True,
):
    """
    Take a finished order in: a snapshot of ``lines`` (``Line``) and addresses (``Address``), its number, its
    totals and the event ``placed`` (and ``paid``, if it costs nothing), in one transaction.

    Amounts are in ``currency`` (ISO 4217), ``shipping_total`` and ``discount_total`` in whole minor units;
    rates are in percent. ``shipping_address`` is the billing address unless given; ``language`` the active
    one; ``site`` the default site; ``user`` the customer's account. ``email`` may be empty for a customer
    who has none. ``placed_at`` and ``number`` bring an order over from elsewhere; then ``notify=False`` keeps
    the mails back that owner and customer get of a new order. ``total`` is what the shop showed the customer,
    and is refused if the lines give another sum.

    The same ``idempotency_key`` with the same content returns the first order and writes nothing; with
    another content it raises ``IdempotencyConflict``. Bad input raises ``ValidationError`` whose
    ``message_dict`` names every field (``lines.0.quantity``) and what to do.
    """
    given = {name: value for name, value in locals().items() if name not in ("idempotency_key", "notify")}
    placement = _check(given, idempotency_key, notify)
    for skip_taken in (False, True):
        try:
            return database.in_transaction(Order, lambda skip=skip_taken: _place(placement, skip))
        except IntegrityError:
            # Somebody else was first, with the same key or the same number.
            if existing := _find_by_key(placement.key):
                return _same_or_conflict(existing, placement)
            if placement.number and database.primary(Order).filter(number=placement.number).exists():
                raise _number_taken(placement.number) from None
            if skip_taken:
                raise
    raise AssertionError("unreachable")


@dataclass
class _Placement:
    """An order that is ready to be written, but for its number."""

    order: Order
    addresses: list
    lines: list
    key: str | None
    fingerprint: str
    number: str | None
    site: Site | None
    notify: bool


def _check(given, key, notify):
    checker = Checker()
    currency = checker.currency(given["currency"])
    included = bool(given["prices_include_tax"])
    lines = [
        check_line(checker, position, line, currency=currency, included=included)
        for position, line in enumerate(_iterable(checker, given["lines"]))
    ]
    if not lines and "lines" not in checker.errors:
        checker.refuse("lines", _("An order needs at least one line."))
    billing = check_address(checker, "billing_address", given["billing_address"], OrderAddress.Kind.BILLING)
    if given["shipping_address"] is None:
        # The same address, whose mistakes are told already.
        shipping = check_address(
            Checker(), "billing_address", given["billing_address"], OrderAddress.Kind.SHIPPING
        )
    else:
        shipping = check_address(
            checker, "shipping_address", given["shipping_address"], OrderAddress.Kind.SHIPPING
        )
    order = _check_order(checker, given, currency, included)
    key = checker.text("idempotency_key", key, most=255) or None
    number = checker.text("number", given["number"], most=50) or None
    checker.raise_errors()
    _add_up(checker, order, lines, given["total"])
    checker.raise_errors()
    return _Placement(
        order=order,
        addresses=[billing, shipping],
        lines=lines,
        key=key,
        fingerprint=_fingerprint(order, lines, [billing, shipping], number, given["placed_at"]),
        number=number,
        site=given["site"],
        notify=notify,
    )


def _iterable(checker, lines):
    if not isinstance(lines or (), Iterable):
        checker.refuse("lines", _("Give a list of Line."))
        return ()
    return lines or ()


def _check_order(checker, given, currency, included):
    method = given["shipping_method"]
    placed_at = given["placed_at"]
    return Order(
        language=checker.text(
            "language", given["language"] or get_language() or settings.LANGUAGE_CODE, most=16
        ),
        currency=currency,
        customer_name=checker.text("customer_name", given["customer_name"], most=255, required=True),
        email=checker.email("email", given["email"]),
        phone=checker.text("phone", given["phone"], most=64),
        user=given["user"],
        placed_at=timezone.now() if placed_at is None else checker.moment("placed_at", placed_at),
        prices_include_tax=included,
        discount_total=checker.amount("discount_total", given["discount_total"], currency, minimum=0),
        shipping_total=checker.amount("shipping_total", given["shipping_total"], currency, minimum=0),
        shipping_tax_rate=checker.decimal(
            "shipping_tax_rate", given["shipping_tax_rate"], places=4, minimum=0, maximum=100
        ),
        payment_method=checker.text("payment_method", given["payment_method"], most=50),
        shipping_method=method,
        shipping_method_name=method.name if method else "",
        customer_note=checker.text("customer_note", given["customer_note"], most=50_000, lines=True),
        data=checker.json("data", given["data"]),
    )


def _add_up(checker, order, lines, given_total):
    sums = money.totals(
        [money.TaxedAmount(line.total, line.tax_rate, line.tax) for line in lines],
        shipping=order.shipping_total,
        shipping_rate=order.shipping_tax_rate,
        discount=order.discount_total,
        included=order.prices_include_tax,
        currency=order.currency,
    )
    if order.discount_total > sums.subtotal:
        checker.refuse(
            "discount_total",
            _("A discount of %(discount)s is more than the goods' %(subtotal)s.")
            % {"discount": order.discount_total, "subtotal": sums.subtotal},
        )
    if max(sums.subtotal, sums.total) >= MAX_AMOUNT:
        checker.refuse("lines", _("The order's total is too large."))
    if given_total is not None:
        checker.handed_over("total", given_total, sums.total, order.currency)
    order.subtotal, order.tax_total, order.total = sums.subtotal, sums.tax, sums.total
    order.taxes = [
        {name: format(value, "f") for name, value in asdict(entry).items()} for entry in sums.taxes
    ]


def _fingerprint(order, lines, addresses, number, placed_at):
    """
    A hash of what was ordered, so that the same key with another content is noticed. Site, language and
    account are left out: the same basket sent again from another page is still the same.
    """
    order_facts = [
        "currency",
        "email",
        "customer_name",
        "phone",
        "shipping_method_id",
        "shipping_total",
        "shipping_tax_rate",
        "discount_total",
        "prices_include_tax",
        "payment_method",
        "customer_note",
        "data",
    ]
    line_facts = [
        "sku",
        "name",
        "quantity",
        "unit_price",
        "tax_rate",
        "discount",
        "options",
        "total",
        "tax",
        "product_url",
        "data",
    ]
    address_facts = ["name", "company", "street", "postal_code", "city", "region", "country", "phone"]
    content = [
        [_plain(getattr(order, name)) for name in order_facts],
        [[_plain(getattr(line, name)) for name in line_facts] for line in lines],
        [[getattr(address, name) for name in address_facts] for address in addresses],
        [number, placed_at and placed_at.timestamp()],
    ]
    return hashlib.sha256(json.dumps(content, cls=DjangoJSONEncoder, sort_keys=True).encode()).hexdigest()


def _plain(value):
    # Plus zero, because -0 is 0.
    return format((value + 0).normalize(), "f") if isinstance(value, Decimal) else value


def _place(placement, skip_taken):
    order = placement.order
    known = _known_before(placement)
    if known["existing"]:
        return _same_or_conflict(database.primary(Order).get(pk=known["existing"]), placement)
    order.pk = None
    order._state.adding = True
    order.site_id = known["pk"]
    order.number = placement.number or numbers.take(
        placed_at=order.placed_at,
        site_id=known["pk"],
        prefix=known["prefix"] or "",
        time_zone=known["time_zone"] or "",
        skip_taken=skip_taken,
    )
    order.idempotency_key, order.fingerprint = placement.key, placement.fingerprint
    order.updated_at = order.placed_at
    order.search_text = search_text(
        order, addresses=placement.addresses, skus=[line.sku for line in placement.lines]
    )
    data = {"total": str(order.total), "currency": order.currency}
    happenings = [(order, OrderEvent.Kind.PLACED, data if placement.notify else {**data, "notify": False})]
    if not order.total:
        order.payment_status, order.paid_at = PaymentStatus.PAID, order.placed_at
        happenings.append((order, OrderEvent.Kind.PAID, {"amount": "0", "method": order.payment_method}))
    order.save(force_insert=True)
    for row in (*placement.addresses, *placement.lines):
        row.pk, row.order = None, order
    database.insert_all(OrderAddress, placement.addresses)
    database.insert_all(OrderLine, placement.lines)
    events.record_mixed(happenings, now=order.placed_at)
    return order


def _known_before(placement):
    """In one query: the order's site, how it numbers its orders, and the order that has the key already."""
    same_key = database.primary(Order).filter(idempotency_key=placement.key).order_by().values("pk")[:1]
    existing = Subquery(same_key) if placement.key else Value(None, output_field=BigIntegerField())
    sites = Site.objects.using(database.alias_for(Order))
    sites = sites.filter(pk=placement.site.pk) if placement.site else sites.filter(is_default_site=True)
    known = (
        sites.annotate(prefix=F("order_settings__number_prefix"), time_zone=F("order_settings__time_zone"))
        .annotate(existing=existing)
        .values("pk", "prefix", "time_zone", "existing")
        .first()
    )
    if known is None:
        existing = _find_by_key(placement.key)
        known = {"pk": None, "prefix": "", "time_zone": "", "existing": existing and existing.pk}
    return known


def _find_by_key(key):
    return database.primary(Order).filter(idempotency_key=key).first() if key else None


def _same_or_conflict(existing, placement):
    if existing.fingerprint == placement.fingerprint:
        return existing
    raise IdempotencyConflict(
        f"The idempotency key {placement.key!r} belongs to order {existing.number}, which has another content; "
        "give a new order a key of its own",
        existing=existing,
    )


def _number_taken(number):
    return ValidationError(
        {"number": [_("Order %(number)s exists already; give another number.") % {"number": number}]}
    )
