"""
What happened to an order, told after the transaction that did it has committed.

Every receiver gets ``sender`` (``Order``), ``order`` (as it is after the change; ``None`` for
``order_deleted``) and ``event`` (the ``OrderEvent``: ``kind``, ``data``, ``actor``, ``created_at``). A
receiver that raises is called again by ``manage.py orders_sweep``, and so are the others, so a receiver may
see an event twice: ``event.pk`` tells. What an order that is deleted still had to tell goes with it, but for
``order_deleted`` itself. Slow work belongs into a task.
"""

from django.dispatch import Signal

#: An order was placed.
order_placed = Signal()
#: An order was brought over from elsewhere, with all that came of it there; nobody is mailed. ``data``: ``total``,
#: ``currency``, ``source`` (the reader's name, such as ``xml``).
order_imported = Signal()
#: An order is paid in full (a free one as soon as it is placed). ``data``: ``amount``, ``method``,
#: ``payment``, ``received_on``.
order_paid = Signal()
#: An order's payments were taken back. ``data``: ``amount``, ``reason``.
order_unpaid = Signal()
#: A payment that does not pay the order in full was noted, or a payment or a refund is pending or failed.
#: ``data``: ``kind`` (payment or refund), ``amount``, ``method``, ``payment``, ``state``.
payment_recorded = Signal()
#: Money went back to the customer. ``data``: ``amount``, ``method``, ``payment``, ``reason``, ``state``.
order_refunded = Signal()
#: A parcel left. ``data``: ``shipment``, ``method``, ``tracking_number``, ``tracking_url``, ``complete``
#: (nothing is left to send), ``notify_customer``.
order_shipped = Signal()
#: A parcel's number, link or method was corrected. ``data``: ``shipment``, ``before``, ``after``,
#: ``notify_customer``.
shipment_updated = Signal()
#: A parcel did not leave after all. ``data``: ``shipment``, ``tracking_number``.
shipment_cancelled = Signal()
#: An order is handled: the owner said so, or nothing is left to send.
order_handled = Signal()
#: An order is no longer handled.
order_unhandled = Signal()
#: An order was cancelled. ``data``: ``reason``, ``notify_customer``.
order_cancelled = Signal()
#: A cancelled order is open again.
order_reopened = Signal()
#: An order was archived.
order_archived = Signal()
#: An order was taken back from the archive.
order_unarchived = Signal()
#: An order was deleted; ``order`` is ``None``. ``data``: ``order`` (its primary key), ``number``, ``total``,
#: ``currency``, ``placed_at``.
order_deleted = Signal()
#: A note was written. ``data``: ``note``, ``visible_to_customer``.
note_added = Signal()
#: A note was changed. ``data``: ``note``, ``before``.
note_edited = Signal()
#: A note was deleted. ``data``: ``note``, ``before``.
note_deleted = Signal()
#: The customer's details, addresses or remarks were changed. ``data``: ``changes`` (field to before/after).
customer_edited = Signal()
#: Something about an order needs the owner's look. ``data``: ``reason``.
order_flagged = Signal()
#: The owner has looked at it.
order_unflagged = Signal()

#: The owner wrote a mail to the customer. ``data``: ``recipient``, ``language``, ``subject``, ``text``.
mail_written = Signal()
#: A mail goes out once more. ``data``: ``notification``, ``kind``, ``recipient``.
mail_resent = Signal()

#: All that one transaction did to one or many orders, after the signals above. Instead of ``order`` and ``event`` its
#: receivers get ``events``, the list of them: for what is done better for a thousand orders at once. ``again`` is True
#: for events that the sweep tells, maybe a second time.
orders_changed = Signal()

#: The signal of each kind of event.
BY_KIND = {
    "placed": order_placed,
    "imported": order_imported,
    "paid": order_paid,
    "unpaid": order_unpaid,
    "payment_recorded": payment_recorded,
    "refunded": order_refunded,
    "shipped": order_shipped,
    "shipment_updated": shipment_updated,
    "shipment_cancelled": shipment_cancelled,
    "handled": order_handled,
    "unhandled": order_unhandled,
    "cancelled": order_cancelled,
    "reopened": order_reopened,
    "archived": order_archived,
    "unarchived": order_unarchived,
    "deleted": order_deleted,
    "note_added": note_added,
    "note_edited": note_edited,
    "note_deleted": note_deleted,
    "customer_edited": customer_edited,
    "flagged": order_flagged,
    "unflagged": order_unflagged,
    "mail_written": mail_written,
    "mail_resent": mail_resent,
}
