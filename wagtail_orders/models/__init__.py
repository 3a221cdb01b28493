"""The facts of an order, and the questions that are asked of them."""

from .event import OrderEvent
from .job import ExportChoice, Job, JobPiece
from .note import OrderNote
from .notification import Notification
from .number import NumberSequence
from .order import FulfillmentStatus, Order, OrderAddress, OrderLine, OrderStatus, PaymentStatus
from .payment import Payment
from .provider import PaymentAttempt, ProviderEvent
from .settings import OrderSettings
from .shipment import Shipment, ShipmentLine, ShippingMethod
from .wording import MailText, SavedText

__all__ = [
    "ExportChoice",
    "FulfillmentStatus",
    "Job",
    "JobPiece",
    "MailText",
    "Notification",
    "NumberSequence",
    "Order",
    "OrderAddress",
    "OrderEvent",
    "OrderLine",
    "OrderNote",
    "OrderSettings",
    "OrderStatus",
    "Payment",
    "PaymentAttempt",
    "PaymentStatus",
    "ProviderEvent",
    "SavedText",
    "Shipment",
    "ShipmentLine",
    "ShippingMethod",
]
