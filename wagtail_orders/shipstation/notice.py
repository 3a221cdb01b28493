"""What ShipStation tells of a parcel it has sent, and how that becomes one of ours."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from lxml import etree

from .. import database
from ..exports.shipstation import MOMENT, is_whole, sku_of
from ..lifecycle import ship
from ..lifecycle.shipping import left_to_send, link_for
from ..models import Order, OrderAddress, OrderLine, OrderSettings, Shipment, ShippingMethod
from ..tracking import carriers

#: ShipStation's names of carriers that are others' services, or called otherwise here.
_ALSO = {"dhlglobalmail": "dhl", "fedexcanada": "fedex", "stampscom": "usps", "upsmi": "ups"}


class UnknownOrder(Exception):
    """There is no order with the number in the notice."""


@dataclass(frozen=True)
class Item:
    """What lies in the parcel: a line by our own key or by its SKU, and how many of it."""

    line: str
    sku: str
    quantity: Decimal


@dataclass(frozen=True)
class Notice:
    """One parcel; ``notify_customer`` and ``shipped_at`` are None where nothing is said."""

    order_number: str
    carrier: str
    service: str
    tracking_number: str
    notify_customer: bool | None = None
    shipped_at: datetime | None = None
    items: tuple = ()


def read(parameters, body):
    """
    The notice in a request's parameters and its XML, of which the former come first; either may be missing. XML that
    cannot be read, or that has a DTD, is a ``ValidationError``.
    """
    root = _parsed(body) if body.strip() else etree.Element("ShipNotice")

    def said(parameter, element):
        return _clean(parameters.get(parameter)) or _clean(root.findtext(element))

    return Notice(
        order_number=said("order_number", "OrderNumber"),
        carrier=said("carrier", "Carrier"),
        service=said("service", "Service"),
        tracking_number=said("tracking_number", "TrackingNumber"),
        notify_customer={"true": True, "1": True, "false": False, "0": False}.get(
            _clean(root.findtext("NotifyCustomer")).lower()
        ),
        shipped_at=_moment(_clean(root.findtext("LabelCreateDate"))),
        items=tuple(_items(root)),
    )


def _parsed(body):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValidationError(
            _("The notice is no XML that can be read: %(error)s."), params={"error": error}
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValidationError(_("The notice has a DTD; send it without."))
    if root.tag != "ShipNotice":
        raise ValidationError(_("The notice must be a ShipNotice."))
    return root


def _items(root):
    for element in root.iterfind("Items/Item"):
        try:
            quantity = Decimal(_clean(element.findtext("Quantity")))
        except InvalidOperation:
            continue
        if quantity.is_finite() and quantity > 0:
            line, sku = (_clean(element.findtext(name)) for name in ("LineItemID", "SKU"))
            yield Item(line=line, sku=sku, quantity=quantity)


def _clean(text):
    return "".join(filter(str.isprintable, text or "")).strip()


def _moment(text):
    """When the label was made; a clock that is ahead of ours says now. None where it cannot be read."""
    try:
        moment = datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
        moment = moment if settings.USE_TZ else timezone.make_naive(moment)
    except (ValueError, OverflowError):
        return None
    return min(moment, timezone.now())


def note(notice):
    """
    Send the parcel by the verb ``ship`` and return it; None if it is noted already. The goods have left, so that more
    than is left to send is no error: the parcel has what is left, or is a further one. ``UnknownOrder`` if there is
    no such order, ``TransitionRefused`` if it is cancelled.
    """

    def work():
        found = database.primary(Order).filter(number=notice.order_number)
        order = database.locked(found).first() if notice.order_number else None
        if order is None:
            raise UnknownOrder(_("There is no order “%(number)s”.") % {"number": notice.order_number[:50]})
        left = left_to_send([order.pk])[order.pk]
        if _is_noted(order, notice, left):
            return None
        method, url = _way(order, notice)
        return ship(
            order,
            shipping_method=method,
            tracking_number=notice.tracking_number,
            tracking_url=url,
            lines=_quantities(order, notice.items, left),
            notify_customer=_is_customer_told(order, notice),
            shipped_at=notice.shipped_at,
        )

    # The lock is held from the look for the same parcel until it is written: two notices at once make one.
    return database.in_transaction(Order, work)


def _is_noted(order, notice, left):
    """Whether the parcel is known, cancelled or not; one without a number is told by when its label was made."""
    known = database.primary(Shipment).filter(order=order, tracking_number=notice.tracking_number)
    if notice.tracking_number:
        return known.exists()
    is_known = notice.shipped_at is not None and known.filter(shipped_at=notice.shipped_at).exists()
    return is_known or (not any(left.values()) and not order.is_cancelled)


def _is_customer_told(order, notice):
    """As ShipStation says, which tells customers itself if it is set up so; else as the shop does by itself."""
    if notice.notify_customer is None:
        return OrderSettings.of(order.site_id).mail_shipped
    return notice.notify_customer


def _quantities(order, items, left):
    """
    What the parcel has of each line, by primary key. None, all that is left, where no item is one of ours: a bundle's
    parts, say. Empty, a further parcel of what was sent, where all of it was.
    """
    if not any(left.values()):
        return {}
    packed, is_ours = defaultdict(Decimal), False
    lines = list(database.primary(OrderLine).filter(order=order).order_by("position"))
    for item in items:
        wanted = item.quantity
        for line in _lines_of(item, lines):
            is_ours = True
            most = left[line.pk] - packed[line.pk]
            taken = min(wanted, most) if is_whole(line) else most
            packed[line.pk] += taken
            wanted -= taken
    return {pk: quantity for pk, quantity in packed.items() if quantity} if is_ours else None


def _lines_of(item, lines):
    return [line for line in lines if str(line.pk) == item.line] or [
        line for line in lines if item.sku and sku_of(line) == item.sku
    ]


def _way(order, notice):
    """The shop's shipping method that a parcel went by, if it has such a one; and the link where it has none."""
    own = order.shipping_method_id
    methods = sorted(
        database.primary(ShippingMethod).all(), key=lambda method: (method.pk != own, not method.is_active)
    )
    carrier = _key(notice.carrier)
    carrier = _ALSO.get(carrier, carrier)
    names = [_key(notice.service), _key(notice.carrier + notice.service), _key(notice.carrier)]
    # From what says most: the name of the method, its carrier, another branch of that carrier (dhl for dhl_paket_de).
    looks = [lambda method, name=name: _key(method.name) == name for name in names if name]
    if carrier:
        looks += [
            lambda method: _key(method.carrier) == carrier,
            lambda method: method.carrier.partition("_")[0] == carrier,
        ]
    for fits in looks:
        for method in methods:
            if fits(method):
                return method, ""
    return None, _link(order, carrier, notice.tracking_number)


def _key(name):
    """A name as it is compared: ShipStation writes CanadaPost, people Canada Post."""
    return "".join(filter(str.isalnum, name.casefold()))


def _link(order, carrier, number):
    """The link of a known carrier that the shop has no method for; its own method's would lead to another carrier."""
    known = next((one for one in carriers().values() if carrier in (_key(one.code), _key(one.name))), None)
    if known is None:
        return ""
    address = database.primary(OrderAddress).filter(order=order, kind=OrderAddress.Kind.SHIPPING).first()
    method = ShippingMethod(carrier=known.code, tracking_url_template=known.template)
    return link_for(method, number, address, order.language)
