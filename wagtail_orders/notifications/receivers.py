"""From what happened to queued mails: one row for each event, kind and recipient, however often it is told."""

import uuid

from django.utils.encoding import punycode

from .. import database, signals
from ..models import Notification, OrderSettings
from . import tasks
from .kinds import MAILED, mails_for


def listen():
    """Have mails queued from now on."""
    signals.orders_changed.connect(queue, dispatch_uid="wagtail_orders.notifications")


def queue(sender, events, again=False, **kwargs):
    """Write the mails that ``events`` ask for, and have them delivered; an event told twice asks for nothing new."""
    events = [event for event in events if event.kind in MAILED and event.order is not None]
    if not events:
        return
    settings_of = OrderSettings.of_sites({event.order.site_id for event in events})
    rows = [row for event in events for row in _mails(event, settings_of[event.order.site_id])]
    if rows and again:
        # What was decided when the event was first told stands, whatever was set or corrected since.
        known = database.primary(Notification).filter(event__in={row.event_id for row in rows})
        decided = set(known.values_list("event_id", flat=True))
        rows = [row for row in rows if row.event_id not in decided]
    if rows:
        database.insert_all(Notification, rows, ignore_conflicts=True)
        tasks.hand_over(list(dict.fromkeys(row.event_id for row in rows)))


def _mails(event, shop):
    for kind, recipients in mails_for(event, shop):
        is_for_owner = kind in Notification.FOR_OWNER
        for recipient in filter(None, recipients):
            yield Notification(
                event=event,
                kind=kind,
                recipient=recipient,
                language=shop.language if is_for_owner else event.order.language,
                message_id=_message_id(shop),
            )


def _message_id(shop):
    # RFC 5322, 3.6.4. Made here, so that every attempt to send the mail has the same.
    domain = punycode(shop.mail_sender.rpartition("@")[2]) or "localhost"
    return f"<{uuid.uuid4().hex}@{domain}>"
