"""Whether an order as it was elsewhere holds together, and how it becomes rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import (
    Order,
    OrderAddress,
    OrderNote,
    OrderStatus,
    Payment,
    Shipment,
)
from ..models.search import search_text
from ..models.settings import local_moment
from .checking import Checker
from .inputs import check_address, check_line
from .record_sums import add_up, fulfil, settle
from .records import NoteRecord, PaymentRecord, ShipmentRecord
from .shipping import parcel_facts

#: No shop's orders are older; a date that is, is a slip.
FIRST_YEAR = 1900
_MAX_POSITION = 2**31 - 1
_MAX_TEXT = 50_000
# What a customer left out years ago, nobody can ask any more.
_MAY_BE_MISSING = {
    f"{kind}_address.{name}" for kind in OrderAddress.Kind for name in ("name", "street", "city")
}


class RecordChecker(Checker):
    """Checks what was good elsewhere: it keeps texts to the letter, and takes addresses that want something."""

    strips = False

    def text(self, field, value, *, required=False, **options):
        return super().text(field, value, required=required and field not in _MAY_BE_MISSING, **options)

    def moment(self, field, value, default=None):
        """``value``, or ``default`` where it is None; neither in the future nor before there were shops."""
        if value is None:
            return default
        if isinstance(value, datetime) and not FIRST_YEAR <= value.year < 9999:
            self.refuse(
                field,
                _("%(value)s is too early or too late for an order; correct the year.") % {"value": value},
            )
            return timezone.now()
        return super().moment(field, value)

    def day(self, field, value, default):
        if value is None:
            return default
        if isinstance(value, datetime) or not isinstance(value, date):
            self.refuse(field, _("%(value)r is not a date.") % {"value": value})
        elif value.year < FIRST_YEAR:
            self.refuse(
                field,
                _("%(value)s is too early or too late for an order; correct the year.") % {"value": value},
            )
        elif value > local_moment(timezone.now()).date() + timedelta(days=1):
            self.refuse(field, _("%(value)s lies in the future.") % {"value": value})
        else:
            return value
        return default

    def choice(self, field, value, choices):
        if value not in choices.values:
            self.refuse(
                field,
                _("%(value)r is none of: %(choices)s.")
                % {"value": value, "choices": ", ".join(choices.values)},
            )
            return choices.values[0]
        return value

    def same(self, field, given, ours):
        """Refuse what the file says if it comes to something else; None says nothing."""
        if given is not None and given != ours:
            self.refuse(
                field, _("It says %(given)s, but it comes to %(ours)s.") % {"given": given, "ours": ours}
            )


@dataclass(slots=True)
class Ready:
    """An order's rows, unsaved; what they name (users, shipping methods, a site) is not looked up yet."""

    order: Order
    addresses: list
    lines: list
    payments: list
    shipments: list
    #: For each shipment the quantities by position.
    parcels: list
    notes: list
    site: str | None
    user: str
    recorders: list
    authors: list
    #: Where in the file the order began.
    line: int | None
    #: About how many characters it writes.
    weight: int

    @property
    def rows(self):
        """All of them, the order first."""
        return [self.order, *self.addresses, *self.lines, *self.payments, *self.shipments, *self.notes]

    @property
    def references(self):
        """What must be the only one of its kind among all payments."""
        return [(entry.method, entry.reference) for entry in self.payments if entry.reference is not None]

    @property
    def users(self):
        return {self.user, *self.recorders, *self.authors} - {""}

    @property
    def methods(self):
        names = {self.order.shipping_method_name, *(parcel.shipping_method_name for parcel in self.shipments)}
        return names - {""}


def check_record(record):
    """
    The ``Ready`` rows of an ``OrderRecord``. Raises ``ValidationError`` whose ``message_dict`` names every field
    (``payments.0.amount``) and what is wrong with it.
    """
    checker = RecordChecker()
    order = _check_order(checker, record)
    lines = _check_lines(checker, record, order)
    addresses = [
        check_address(checker, f"{kind}_address", address, kind)
        for kind in OrderAddress.Kind
        if (address := getattr(record, f"{kind}_address")) is not None
    ]
    payments = _check_payments(checker, record, order)
    shipments, parcels = _check_shipments(checker, record, order, lines)
    notes = _check_notes(checker, record, order)
    checker.raise_errors()
    names = {
        "site": record.site if record.site is None else checker.text("site", record.site),
        "user": checker.text("user", record.user),
        "recorders": [checker.text("payments", entry.recorded_by) for entry in record.payments],
        "authors": [checker.text("notes", note.author) for note in record.notes],
    }
    add_up(checker, record, order, lines)
    settle(checker, record, order, payments)
    fulfil(checker, record, order, shipments)
    checker.raise_errors()
    numbers = [parcel.tracking_number for parcel in shipments]
    skus = [line.sku for line in lines]
    order.search_text = search_text(order, addresses=addresses, skus=skus, parcels=numbers)
    return Ready(
        order=order,
        addresses=addresses,
        lines=lines,
        payments=payments,
        shipments=shipments,
        parcels=parcels,
        notes=notes,
        line=record.line,
        weight=_weigh(order, lines, payments, shipments, notes),
        **names,
    )


def _weigh(order, lines, payments, shipments, notes):
    rows = 4 + len(lines) + len(payments) + 2 * len(shipments)
    texts = len(order.customer_note) * 2 + len(str(order.data)) + sum(len(note.text) for note in notes)
    return 300 * rows + texts + sum(len(str(line.data)) + len(str(line.options)) for line in lines)


def _check_order(checker, record):
    currency = checker.currency(record.currency)
    number = checker.text("number", record.number, most=50, required=True)
    placed_at = checker.moment("placed_at", record.placed_at, None)
    if placed_at is None:
        checker.refuse("placed_at", _("Missing; say when the order was placed."))
        placed_at = timezone.now()
    dates = {
        name: checker.moment(name, getattr(record, name))
        for name in ("paid_at", "handled_at", "archived_at", "cancelled_at")
    }
    latest = max([placed_at, *filter(None, dates.values())]) if not checker.errors else placed_at
    return Order(
        number=number,
        language=checker.text("language", record.language or settings.LANGUAGE_CODE, most=16),
        currency=currency,
        customer_name=checker.text("customer_name", record.customer_name, most=255, required=True),
        email=checker.email("email", record.email),
        phone=checker.text("phone", record.phone, most=64),
        status=OrderStatus.OPEN if record.cancelled_at is None else OrderStatus.CANCELLED,
        is_archived=record.archived_at is not None,
        needs_look=bool(record.needs_look),
        placed_at=placed_at,
        updated_at=checker.moment("updated_at", record.updated_at, latest),
        **dates,
        prices_include_tax=bool(record.prices_include_tax),
        discount_total=checker.amount("discount_total", record.discount_total, currency, minimum=0),
        shipping_total=checker.amount("shipping_total", record.shipping_total, currency, minimum=0),
        shipping_tax_rate=checker.decimal(
            "shipping_tax_rate", record.shipping_tax_rate, places=4, minimum=0, maximum=100
        ),
        payment_method=checker.text("payment_method", record.payment_method, most=50),
        shipping_method_name=checker.text("shipping_method_name", record.shipping_method_name, most=255),
        customer_note=checker.text("customer_note", record.customer_note, most=_MAX_TEXT, lines=True),
        data=checker.json("data", record.data),
    )


def _each(checker, field, rows, kind):
    """The rows that are of this kind, with the prefix of their errors."""
    for index, row in enumerate(rows if isinstance(rows, Iterable) else ()):
        if isinstance(row, kind):
            yield f"{field}.{index}", row
        else:
            checker.refuse(f"{field}.{index}", _("Give a %(kind)s.") % {"kind": kind.__name__})


def _check_lines(checker, record, order):
    if not record.lines:
        checker.refuse("lines", _("An order needs at least one line."))
    lines, taken = [], set()
    for index, given in enumerate(record.lines):
        line = check_line(checker, index, given, currency=order.currency, included=order.prices_include_tax)
        if line is None:
            continue
        position = getattr(given, "position", None)
        line.position = index if position is None else position
        if not isinstance(line.position, int) or not 0 <= line.position <= _MAX_POSITION:
            checker.refuse(f"lines.{index}.position", _("Give a whole number from 0 on."))
        elif line.position in taken:
            checker.refuse(
                f"lines.{index}.position",
                _("Another line is at position %(position)s already.") % {"position": line.position},
            )
        taken.add(line.position)
        lines.append(line)
    return lines


def _check_payments(checker, record, order):
    payments, taken = [], set()
    for prefix, given in _each(checker, "payments", record.payments, PaymentRecord):
        recorded_at = checker.moment(f"{prefix}.recorded_at", given.recorded_at, order.placed_at)
        reference = checker.text(f"{prefix}.reference", given.reference, most=255) or None
        entry = Payment(
            kind=checker.choice(f"{prefix}.kind", given.kind, Payment.Kind),
            state=checker.choice(f"{prefix}.state", given.state, Payment.State),
            amount=checker.amount(f"{prefix}.amount", given.amount, order.currency, above=0),
            method=checker.text(f"{prefix}.method", given.method, most=50, required=True),
            reference=reference,
            is_manual=reference is None if given.is_manual is None else bool(given.is_manual),
            received_on=checker.day(
                f"{prefix}.received_on", given.received_on, local_moment(recorded_at).date()
            ),
            recorded_at=recorded_at,
            reason=checker.text(f"{prefix}.reason", given.reason, most=500),
        )
        if reference is not None and (entry.method, reference) in taken:
            checker.refuse(
                f"{prefix}.reference", _("Another entry has the same reference; an entry is listed once.")
            )
        taken.add((entry.method, reference))
        payments.append(entry)
    return payments


def _check_shipments(checker, record, order, lines):
    left = {line.position: line.quantity for line in lines}
    shipments, parcels = [], []
    for prefix, given in _each(checker, "shipments", record.shipments, ShipmentRecord):
        parcel = Shipment(
            shipping_method_name=checker.text(
                f"{prefix}.shipping_method_name", given.shipping_method_name, most=255
            ),
            **parcel_facts(checker, given.tracking_number, given.tracking_url, prefix=f"{prefix}."),
            shipped_at=checker.moment(f"{prefix}.shipped_at", given.shipped_at, order.placed_at),
            notified_at=checker.moment(f"{prefix}.notified_at", given.notified_at),
            cancelled_at=checker.moment(f"{prefix}.cancelled_at", given.cancelled_at),
        )
        quantities = _check_quantities(checker, f"{prefix}.lines", given.lines, left)
        if parcel.cancelled_at is None:
            for position, quantity in quantities.items():
                left[position] -= quantity
        shipments.append(parcel)
        parcels.append(quantities)
    for position, rest in left.items():
        if rest < 0:
            checker.refuse(
                "shipments",
                _("Of line %(position)s %(excess)s more were sent than ordered.")
                % {"position": position, "excess": -rest},
            )
    return shipments, parcels


def _check_quantities(checker, field, given, left):
    if not isinstance(given, Mapping):
        checker.refuse(field, _("Give a dictionary of positions and their quantities."))
        return {}
    quantities = {}
    for position, quantity in given.items():
        if position in left:
            quantities[position] = checker.decimal(field, quantity, places=4, above=0, maximum=99_999_999)
        else:
            checker.refuse(field, _("There is no line at position %(position)s.") % {"position": position})
    return quantities


def _check_notes(checker, record, order):
    return [
        OrderNote(
            text=checker.text(f"{prefix}.text", given.text, most=_MAX_TEXT, required=True, lines=True),
            visible_to_customer=bool(given.visible_to_customer),
            created_at=checker.moment(f"{prefix}.created_at", given.created_at, order.placed_at),
            edited_at=checker.moment(f"{prefix}.edited_at", given.edited_at),
        )
        for prefix, given in _each(checker, "notes", record.notes, NoteRecord)
    ]
