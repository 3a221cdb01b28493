"""What an owner can do with orders: for each verb its words, its button, and when it is offered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from .. import lifecycle

#: So many numbers are named in a message before it says "and 12 more".
NAMED = 5


@dataclass(frozen=True)
class Action:
    """One verb as the owner meets it, on one order and on many."""

    slug: str
    #: On the button of one order, and of many.
    label: Any
    icon: str
    #: Takes an order or a queryset, ``user`` and ``dry_run``.
    verb: Callable
    #: Whether it makes sense for an order as it is.
    offered: Callable
    #: Afterwards, for one order (``number``): it is done, or was so already.
    done: Any
    unchanged: Any
    #: Of many (``count``), if it is a bulk action: what is asked, what will happen to how many, what was done.
    question: Any = ""
    will: Any = ""
    already: Any = ""
    done_many: Any = ""
    refused: Any = ""
    permission: str = "change"
    #: Its button asks first, in the dialog of this name.
    dialog: str = ""
    is_grave: bool = False
    #: On a row's button and on that of many orders, where it can be shorter.
    short: Any = ""

    @property
    def in_bulk(self):
        return bool(self.question)

    @property
    def short_label(self):
        return self.short or self.label


def _is_open(order):
    return not order.is_cancelled and not order.is_archived


ACTIONS = {
    action.slug: action
    for action in (
        Action(
            "mark-paid",
            _("Mark as paid"),
            "check",
            lifecycle.mark_paid,
            offered=lambda order: not order.is_cancelled and order.amount_due > 0,
            done=_("Order %(number)s is marked as paid."),
            done_many=ngettext_lazy(
                "%(count)s order marked as paid.", "%(count)s orders marked as paid.", "count"
            ),
            unchanged=_("Order %(number)s was paid already."),
            question=ngettext_lazy(
                "Mark %(count)s order as paid?", "Mark %(count)s orders as paid?", "count"
            ),
            will=ngettext_lazy(
                "%(count)s will be marked as paid.", "%(count)s will be marked as paid.", "count"
            ),
            already=ngettext_lazy("%(count)s is paid already.", "%(count)s are paid already.", "count"),
            refused=_("%(count)s not marked as paid: %(numbers)s %(reason)s."),
            dialog="pay",
        ),
        Action(
            "mark-handled",
            _("Order handled"),
            "tasks",
            lifecycle.mark_handled,
            offered=lambda order: not order.is_cancelled and not order.is_handled,
            done=_("Order %(number)s is handled."),
            done_many=ngettext_lazy("%(count)s order handled.", "%(count)s orders handled.", "count"),
            unchanged=_("Order %(number)s was handled already."),
            question=ngettext_lazy(
                "Mark %(count)s order as handled?", "Mark %(count)s orders as handled?", "count"
            ),
            will=ngettext_lazy("%(count)s will be handled.", "%(count)s will be handled.", "count"),
            already=ngettext_lazy("%(count)s is handled already.", "%(count)s are handled already.", "count"),
            refused=_("%(count)s not marked as handled: %(numbers)s %(reason)s."),
        ),
        Action(
            "archive",
            _("Archive order"),
            "folder",
            lifecycle.archive,
            short=pgettext_lazy("do with orders", "Archive"),
            offered=lambda order: not order.is_archived and (order.is_handled or order.is_cancelled),
            done=_("Order %(number)s is archived."),
            done_many=ngettext_lazy("%(count)s order archived.", "%(count)s orders archived.", "count"),
            unchanged=_("Order %(number)s was archived already."),
            question=ngettext_lazy("Archive %(count)s order?", "Archive %(count)s orders?", "count"),
            will=ngettext_lazy("%(count)s will be archived.", "%(count)s will be archived.", "count"),
            already=ngettext_lazy(
                "%(count)s is archived already.", "%(count)s are archived already.", "count"
            ),
            refused=_("%(count)s not archived: %(numbers)s %(reason)s."),
        ),
        Action(
            "unarchive",
            _("Take back from the archive"),
            "folder-open-1",
            lifecycle.unarchive,
            offered=lambda order: order.is_archived,
            done=_("Order %(number)s is back among the current orders."),
            done_many=ngettext_lazy(
                "%(count)s order taken back from the archive.",
                "%(count)s orders taken back from the archive.",
                "count",
            ),
            unchanged=_("Order %(number)s was not archived."),
            question=ngettext_lazy(
                "Take %(count)s order back from the archive?",
                "Take %(count)s orders back from the archive?",
                "count",
            ),
            will=ngettext_lazy(
                "%(count)s will be back among the current orders.",
                "%(count)s will be back among the current orders.",
                "count",
            ),
            already=ngettext_lazy("%(count)s is not archived.", "%(count)s are not archived.", "count"),
            refused=_("%(count)s not taken back: %(numbers)s %(reason)s."),
        ),
        Action(
            "mark-unpaid",
            _("Mark as unpaid"),
            "rotate",
            lifecycle.mark_unpaid,
            offered=lambda order: order.amount_paid > 0,
            done=_("Order %(number)s is marked as unpaid."),
            unchanged=_("Order %(number)s was unpaid already."),
            dialog="unpay",
        ),
        Action(
            "mark-unhandled",
            _("Order not handled"),
            "rotate",
            lifecycle.mark_unhandled,
            offered=lambda order: order.is_handled and _is_open(order),
            done=_("Order %(number)s is to be handled again."),
            unchanged=_("Order %(number)s was not handled."),
        ),
        Action(
            "cancel",
            _("Cancel order"),
            "cross",
            lifecycle.cancel,
            short=pgettext_lazy("do with orders", "Cancel"),
            offered=lambda order: not order.is_cancelled and not order.is_archived,
            done=_("Order %(number)s is cancelled."),
            done_many=ngettext_lazy("%(count)s order cancelled.", "%(count)s orders cancelled.", "count"),
            unchanged=_("Order %(number)s was cancelled already."),
            question=ngettext_lazy("Cancel %(count)s order?", "Cancel %(count)s orders?", "count"),
            will=ngettext_lazy("%(count)s will be cancelled.", "%(count)s will be cancelled.", "count"),
            already=ngettext_lazy(
                "%(count)s is cancelled already.", "%(count)s are cancelled already.", "count"
            ),
            refused=_("%(count)s not cancelled: %(numbers)s %(reason)s."),
            dialog="cancel",
            is_grave=True,
        ),
        Action(
            "reopen",
            _("Reopen order"),
            "rotate",
            lifecycle.reopen,
            offered=lambda order: order.is_cancelled and not order.is_archived,
            done=_("Order %(number)s is open again."),
            unchanged=_("Order %(number)s was not cancelled."),
        ),
        Action(
            "unflag",
            _("Looked at"),
            "view",
            lifecycle.unflag,
            offered=lambda order: order.needs_look,
            done=_("Order %(number)s no longer needs a look."),
            unchanged=_("Order %(number)s needed no look."),
        ),
        Action(
            "delete",
            _("Delete order"),
            "bin",
            lifecycle.delete,
            short=pgettext_lazy("do with orders", "Delete"),
            offered=lambda order: True,
            done=_("Order %(number)s is deleted."),
            done_many=ngettext_lazy("%(count)s order deleted.", "%(count)s orders deleted.", "count"),
            unchanged=_("Order %(number)s was deleted already."),
            question=ngettext_lazy("Delete %(count)s order?", "Delete %(count)s orders?", "count"),
            will=ngettext_lazy(
                "%(count)s will be deleted with all that belongs to it, for good.",
                "%(count)s will be deleted with all that belongs to them, for good.",
                "count",
            ),
            already=ngettext_lazy("%(count)s is deleted already.", "%(count)s are deleted already.", "count"),
            refused=_("%(count)s not deleted: %(numbers)s %(reason)s."),
            permission="delete",
            dialog="delete",
            is_grave=True,
        ),
    )
}

#: On many orders, which asks for each one's parcel; on one it is a form of its own.
SHIP = Action(
    "ship",
    _("Ship…"),
    "redirect",
    lifecycle.ship_many,
    offered=lambda order: not order.is_cancelled and not order.is_handled,
    done=_("Order %(number)s is shipped."),
    done_many=ngettext_lazy("%(count)s order shipped.", "%(count)s orders shipped.", "count"),
    unchanged="",
    refused=_("%(count)s not shipped: %(numbers)s %(reason)s."),
)


def next_step(order):
    """
    What an owner most likely does next with ``order``: the slug of an action, or "ship", or nothing. An order
    that is still owed is marked as paid; one that is paid goes out, or is handled where nothing is shipped; one
    that is done is put away.
    """
    if order.is_archived:
        return ""
    if order.is_cancelled:
        return "archive"
    if order.amount_due:
        return "mark-paid"
    if order.is_handled:
        return "archive"
    return "ship" if order.shipping_method_name else "mark-handled"


def offered(order, may):
    """The actions that make sense for ``order``, for somebody with the permissions ``may(name)``."""
    return [action for action in ACTIONS.values() if may(action.permission) and action.offered(order)]


def by_reason(refused):
    """The refused orders grouped by their reason: pairs of reason and orders, in the order they came."""
    groups = {}
    for order, reason in refused.items():
        groups.setdefault(reason, []).append(order)
    return groups.items()


def name_some(orders):
    """The numbers of ``orders`` for a sentence: ``2026-00012, 2026-00015 and 12 more``."""
    numbers = ", ".join(order.number for order in orders[:NAMED])
    rest = len(orders) - NAMED
    return _("%(numbers)s and %(count)s more") % {"numbers": numbers, "count": rest} if rest > 0 else numbers


def refusals(refused, *, words=None):
    """
    One sentence for each reason: ``3 not archived: 2026-00012, 2026-00015 … are not handled yet.`` Without
    ``words`` it is about what has not happened yet.
    """
    return [
        (words or _("%(count)s will not: %(numbers)s %(reason)s."))
        % {
            "count": len(orders),
            "numbers": name_some(orders),
            "reason": reason.plural if len(orders) > 1 else reason.message,
        }
        for reason, orders in by_reason(refused)
    ]
