"""
The verbs: the public API, and the only writers of an order's state.

Admin, API, webhook, command and shop all call these functions. ``orders`` is one ``Order`` or a queryset; what
a verb does twice changes nothing the second time, writes no event and sends no mail.
"""

from .batch import at_version
from .closing import archive, cancel, delete, reopen, unarchive
from .importing import import_orders
from .inputs import Address, Line
from .mailing import dismiss_mail, resend_mail, write_mail
from .noting import add_note, delete_note, edit_customer, edit_note, flag, unflag
from .outcome import Outcome, Reason
from .paying import mark_paid, mark_unpaid, record_payment, record_refund
from .placing import place_order
from .shipping import cancel_shipment, mark_handled, mark_unhandled, ship, update_shipment
from .shipping_many import Parcel, ship_many

__all__ = [
    "Address",
    "Line",
    "Outcome",
    "Parcel",
    "Reason",
    "add_note",
    "archive",
    "at_version",
    "cancel",
    "cancel_shipment",
    "delete",
    "delete_note",
    "dismiss_mail",
    "edit_customer",
    "edit_note",
    "flag",
    "import_orders",
    "mark_handled",
    "mark_paid",
    "mark_unhandled",
    "mark_unpaid",
    "place_order",
    "record_payment",
    "record_refund",
    "reopen",
    "resend_mail",
    "ship",
    "ship_many",
    "unarchive",
    "unflag",
    "update_shipment",
    "write_mail",
]
