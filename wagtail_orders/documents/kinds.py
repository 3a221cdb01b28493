"""The documents that come along: what an order sheet, a packing slip, a label and a pick list each tell."""

from collections import defaultdict
from math import ceil

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import database
from ..models import OrderLine, OrderStatus, PaymentStatus, ShipmentLine
from ..notifications.contents import contents
from .pictures import logo, qr_code
from .registry import Document

#: So many orders are read at once for a pick list.
CHUNK = 500


def _letter(order):
    """What an order sheet and a packing slip both know."""
    known = contents(order)
    shop = known["shop"]
    return {
        **known,
        "order_title": _("Order %(number)s") % {"number": order.number},
        "sender": " · ".join(filter(None, (known["shop_name"], *_first_lines(shop.address)))),
        "code": qr_code(order.number),
    }


def _first_lines(text, count=3):
    """A text's first lines: of an address what brings a letter back."""
    return [line.strip() for line in text.split("\n") if line.strip()][:count]


def _phone(order, *addresses):
    return next((one for one in (*(a.phone for a in addresses if a), order.phone) if one), "")


def order_sheet(order):
    known = _letter(order)
    billing, shipping = known["billing_address"], known["shipping_address"]
    is_one = shipping is None or (billing is not None and shipping.postal_lines() == billing.postal_lines())
    amount_due = 0 if order.is_cancelled else order.amount_due
    return {
        **known,
        "title": known["order_title"],
        "address": billing or shipping,
        "other_address": None if is_one else shipping,
        "phone": _phone(order, shipping, billing),
        "amount_due": amount_due,
        # What is being processed is not asked for once more.
        "is_to_be_paid": amount_due and order.payment_status != PaymentStatus.PENDING,
        "is_paid_in_person": order.is_paid_in_person,
    }


def packing_slip(order):
    known = _letter(order)
    for line in known["lines"]:
        line.sent = sum(parcel["quantities"].get(line.pk, 0) for parcel in known["parcels"])
        line.to_pack = max(line.quantity - line.sent, 0)
    left = [line for line in known["lines"] if line.to_pack]
    if not left:
        # All of it went: the slip of what was sent, once more.
        for line in known["lines"]:
            line.to_pack = line.quantity
    address = known["shipping_address"] or known["billing_address"]
    return {
        **known,
        "address": address,
        "to_pack": left or known["lines"],
        "is_rest": 0 < len(left) < len(known["lines"]),
        "phone": _phone(order, address),
    }


def address_label(order):
    known = contents(order)
    address = known["shipping_address"] or known["billing_address"]
    picture = logo(order.shop)
    return {
        **known,
        "address": address,
        "phone": _phone(order, address),
        "code": qr_code(order.number),
        "logo": picture and picture.within(40, 9),
        "sender_lines": _first_lines(order.shop.address, 5),
        # The phone's is one more.
        "label_size": _size_for(["", *(address.postal_lines() if address else ())]),
    }


def _size_for(lines):
    """The largest points in which an address stays on its label, however long it is: 92 millimetres by 62 are free."""
    for size in (14, 12, 10, 8, 7, 6):
        em = size * 25.4 / 72
        # A letter is hardly ever wider than seven tenths of an em.
        count = sum(ceil(len(line) * 0.7 * em / 92) for line in lines)
        if count * 1.3 * em <= 62:
            return size
    return 5


def pick_list(orders):
    """What is still to be sent of these orders, each SKU once, sorted; cancelled orders are left out."""
    picks = {}
    for start in range(0, len(orders), CHUNK):
        _add(picks, [order for order in orders[start : start + CHUNK] if order.status == OrderStatus.OPEN])
    ordered = sorted(picks.values(), key=lambda pick: (not pick["sku"], pick["sku"], pick["name"]))
    return {"picks": ordered, "order_count": len(orders), "printed_at": timezone.now()}


def _add(picks, orders):
    numbers = {order.pk: order.number for order in orders}
    sent = _sent(numbers)
    lines = database.primary(OrderLine).filter(order__in=list(numbers)).order_by("order_id", "position")
    for line in lines.only("order", "position", "sku", "name", "options", "quantity"):
        left = line.quantity - sent.get(line.pk, 0)
        if left <= 0:
            continue
        # A customer's language may have another name for the same SKU.
        key = line.sku or (line.name, str(line.options))
        pick = picks.setdefault(key, {"sku": line.sku, "name": line.name, "quantity": 0, "shares": []})
        pick["quantity"] += left
        number = numbers[line.order_id]
        pick["shares"].append({"number": number, "quantity": left, "options": line.options})


def _sent(orders):
    """How much of each line has gone in parcels."""
    rows = database.primary(ShipmentLine).filter(line__order__in=list(orders), shipment__cancelled_at=None)
    totals = rows.order_by().values("line").annotate(sent=Sum("quantity")).values_list("line", "sent")
    return defaultdict(int, totals)


FOLDER = "wagtail_orders/documents"
ORDER_SHEET = Document(
    "order-sheet",
    gettext_lazy("Order sheet"),
    f"{FOLDER}/order_sheet.html",
    order_sheet,
    description=gettext_lazy("All of an order: addresses, prices, taxes, payment."),
)
PACKING_SLIP = Document(
    "packing-slip",
    gettext_lazy("Packing slip"),
    f"{FOLDER}/packing_slip.html",
    packing_slip,
    description=gettext_lazy("What is left to be sent, with tick boxes and without prices."),
)
ADDRESS_LABEL = Document(
    "address-label",
    gettext_lazy("Address label"),
    f"{FOLDER}/address_label.html",
    address_label,
    size=(105, 148),
    description=gettext_lazy("Where the parcel goes and where it comes from, on A6."),
)
PICK_LIST = Document(
    "pick-list",
    gettext_lazy("Pick list"),
    f"{FOLDER}/pick_list.html",
    pick_list,
    is_of_many=True,
    description=gettext_lazy(
        "One list of what is left to be sent of all these orders: each SKU once, with its sum and the orders' numbers."
    ),
)
BUILT_IN = (ORDER_SHEET, PACKING_SLIP, ADDRESS_LABEL, PICK_LIST)
