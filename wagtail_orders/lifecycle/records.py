"""An order as it was elsewhere, with all that came of it: what ``import_orders`` brings over."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ..money import RateTotal
from .inputs import Address, Line


@dataclass(frozen=True)
class Problem:
    """
    What is wrong in a file, in people's words, and where: line and column count from 1, None where it is not known.
    ``number`` is the order's that is left out for it, if one is.
    """

    line: int | None
    column: int | None
    message: str
    number: str = ""


@dataclass(frozen=True, kw_only=True)
class LineRecord(Line):
    """A ``Line``, and where it stands; in its turn if ``position`` is None."""

    position: int | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentRecord:
    """
    An entry of the ledger: ``kind`` payment or refund, ``state`` pending, confirmed, failed or voided. Without
    ``received_on`` it came in on the day it was recorded; without ``recorded_at`` when the order was placed.
    ``recorded_by`` is a user's name.
    """

    amount: Decimal
    method: str
    kind: str = "payment"
    state: str = "confirmed"
    reference: str | None = None
    #: Noted by a person, who may void it; None: if it has no reference.
    is_manual: bool | None = None
    received_on: date | None = None
    recorded_at: datetime | None = None
    recorded_by: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ShipmentRecord:
    """A parcel: how much of the line at which position lies in it. It left when the order was placed unless told."""

    shipping_method_name: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
    notified_at: datetime | None = None
    cancelled_at: datetime | None = None
    #: Position of a line to the quantity.
    lines: dict[int, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NoteRecord:
    """What somebody wrote down; ``author`` is a user's name. Written when the order was placed unless told."""

    text: str
    author: str = ""
    visible_to_customer: bool = False
    created_at: datetime | None = None
    edited_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OrderRecord:
    """
    An order that was placed elsewhere; the names are the model's. Texts are kept as they are, so whoever reads them
    from a file strips them. Moments know their time zone. A sum that is None is computed, one that is given must be
    what the lines and the ledger come to. ``line`` is the line of the file in which the order begins.
    """

    number: str
    placed_at: datetime
    currency: str
    customer_name: str
    lines: tuple[LineRecord, ...]
    email: str = ""
    phone: str = ""
    #: None: there is none, as of goods that were not sent. Name and country are needed, the rest where it is known.
    billing_address: Address | None = None
    shipping_address: Address | None = None
    #: Empty: the project's.
    language: str = ""
    #: Host name, with ``:port`` where it is not 80. Empty: the default site; None: none.
    site: str | None = ""
    #: The name of the customer's account.
    user: str = ""

    #: A date says that it is so. An order is handled, archived and cancelled by its date alone.
    paid_at: datetime | None = None
    handled_at: datetime | None = None
    archived_at: datetime | None = None
    cancelled_at: datetime | None = None
    updated_at: datetime | None = None
    needs_look: bool = False
    #: Where given, what the dates and parcels (``unfulfilled``, ``partially_fulfilled``, ``fulfilled``) and the
    #: ledger must come to.
    fulfillment_status: str | None = None
    payment_status: str | None = None
    amount_paid: Decimal | None = None
    amount_refunded: Decimal | None = None

    prices_include_tax: bool = True
    subtotal: Decimal | None = None
    discount_total: Decimal = Decimal(0)
    shipping_total: Decimal = Decimal(0)
    shipping_tax_rate: Decimal = Decimal(0)
    tax_total: Decimal | None = None
    total: Decimal | None = None
    #: The tax by rate, together ``tax_total``. Empty: not known. None: computed, or not known where what is computed is
    #: not ``tax_total``.
    taxes: tuple[RateTotal, ...] | None = None

    payment_method: str = ""
    shipping_method_name: str = ""
    customer_note: str = ""
    data: dict | None = None

    payments: tuple[PaymentRecord, ...] = ()
    shipments: tuple[ShipmentRecord, ...] = ()
    notes: tuple[NoteRecord, ...] = ()
    line: int | None = field(default=None, compare=False)
