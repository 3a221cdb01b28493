"""The owner's own words: placeholders from a fixed list, filled in one pass, and nothing else."""

import re

from django.utils.translation import gettext_lazy as _

#: Each placeholder and what it stands for.
PLACEHOLDERS = {
    "customer_name": _("the customer's name"),
    "number": _("the order's number"),
    "total": _("the order's total"),
    "due": _("what is still owed"),
    "placed_on": _("the day the order was placed"),
    "shop_name": _("the shop's name"),
    "payment_method": _("how the order is paid"),
    "shipping_method": _("how the order is sent"),
    "amount": _("the amount that came in or went back"),
    "reason": _("the reason that was given"),
    "tracking_number": _("the parcel's number"),
    "tracking_link": _("the parcel's tracking link"),
}
_ALWAYS = (
    "customer_name",
    "number",
    "total",
    "due",
    "placed_on",
    "shop_name",
    "payment_method",
    "shipping_method",
)
_OF_KIND = {
    "needs_look": ("reason",),
    "payment_received": ("amount",),
    "shipped": ("tracking_number", "tracking_link"),
    "cancelled": ("reason",),
    "refunded": ("amount", "reason"),
}
# What looks like a placeholder: {name}, also with a blank or a slip in it, so that a slip is found.
_SLOT = re.compile(r"\{([^{}\n]{0,60})\}")


def allowed(kind):
    """The placeholders that a mail of this kind can fill."""
    return (*_ALWAYS, *_OF_KIND.get(kind, ()))


def kinds_of(name):
    """The kinds of mail that alone can fill a placeholder; none if every mail can."""
    return [kind for kind, names in _OF_KIND.items() if name in names]


def unknown(text, kind):
    """What stands in braces in ``text`` and is no placeholder of this kind of mail, in its order."""
    return [slot for slot in _SLOT.findall(text) if slot not in allowed(kind)]


def fill(text, facts):
    """
    ``text`` with each placeholder replaced by its fact; what a fact brings along is not looked at again, and
    what is no placeholder stays as it is.
    """
    return _SLOT.sub(lambda slot: str(facts.get(slot[1], slot[0])), str(text))
