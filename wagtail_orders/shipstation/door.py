"""The door for ShipStation's Custom Store, shut unless the setting SHIPSTATION opens it: orders out, parcels in."""

import binascii
from array import array
from base64 import b64decode
from datetime import UTC, datetime
from math import ceil

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from .. import conf, database, views
from ..exceptions import TransitionRefused
from ..exports.shipstation import CHUNK, FOOT, MOMENT, elements, head
from ..models import Order
from .notice import UnknownOrder, note, read

#: Bytes of a notice; a real one of a hundred items has 20,000.
LARGEST_NOTICE = 256 * 1024
#: How long the pages of one fetch hold together, in seconds.
WINDOW_KEPT = 3600
#: As much as ShipStation's schema has room for in "pages", an xs:short.
MOST_PAGES = 32_767
#: The keys of the setting that must be there, and the one that may.
NEEDED, OPTIONAL = ("USERNAME", "PASSWORD"), ("PASSWORD_IN_ADDRESS",)
WELL_LONG = 16


class Refusal(Exception):
    """What is answered instead: a status and a sentence for whoever reads ShipStation's log."""

    def __init__(self, status, text, **headers):
        super().__init__(text)
        self.response = _said(text, status)
        for name, value in headers.items():
            self.response.headers[name.replace("_", "-")] = value


@csrf_exempt
def enter(request):
    """
    ShipStation's one address: a GET fetches orders, a POST tells of a parcel. Without the setting, or with one that
    cannot be used, there is no such address.
    """
    login = conf.get("SHIPSTATION")
    if problem_of(login):
        return views.not_found(request)
    with translation.override(settings.LANGUAGE_CODE):
        try:
            _check_login(request, login)
            response = _answer(request)
        except Refusal as refusal:
            response = refusal.response
    views.keep_here(request)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def problem_of(login):
    """Why the setting SHIPSTATION lets nobody in, as the end of a sentence; "" if it does."""
    if not isinstance(login, dict):
        return "is not a dictionary."
    if unknown := set(login) - {*NEEDED, *OPTIONAL}:
        return f"has an unknown key {min(unknown, key=str)!r}."
    for key in NEEDED:
        if not isinstance(login.get(key), str) or not login[key].strip():
            return f"has no {key}."
    return "has a USERNAME with a colon, which HTTP cannot send." if ":" in login["USERNAME"] else ""


def _check_login(request, login):
    if not (request.is_secure() or settings.DEBUG):
        # Before the password is looked at: it has just gone over the wire for everybody to read.
        raise Refusal(403, _("Use https. Behind a proxy that does, set SECURE_PROXY_SSL_HEADER."))
    given = _basic(request)
    if given is None and login.get("PASSWORD_IN_ADDRESS"):
        given = [request.GET.get(name, "") for name in ("SS-UserName", "SS-Password")]
    user, password = given or ("", "")
    # Both are always compared, so that the time tells nothing.
    is_user = constant_time_compare(user, login["USERNAME"])
    is_password = constant_time_compare(password, login["PASSWORD"])
    if not (is_user and is_password):
        raise Refusal(
            401,
            _("The user name or the password is wrong."),
            WWW_Authenticate='Basic realm="ShipStation", charset="UTF-8"',
        )


def _basic(request):
    """User name and password of HTTP Basic (RFC 7617), as bytes; None where there are none."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(token.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def _answer(request):
    works = {"GET": ("export", _export), "HEAD": ("export", _export), "POST": ("shipnotify", _shipnotify)}
    if request.method not in works:
        raise Refusal(405, _("Only GET and POST are understood."), Allow=", ".join(works))
    action, work = works[request.method]
    if request.GET.get("action", "").lower() != action:
        raise Refusal(
            400, _("A %(method)s needs action=%(action)s.") % {"method": request.method, "action": action}
        )
    return work(request)


# --- Orders out


def _export(request):
    """The orders that changed between two minutes, both included; a page of them."""
    start = _asked(request, "start_date")
    end = _asked(request, "end_date").replace(second=59, microsecond=999_999)
    if start > end:
        raise Refusal(400, _("start_date is after end_date."))
    page = _page(request)
    pks = _pks(start, end, is_first=page == 1)
    pages = min(max(ceil(len(pks) / CHUNK), 1), MOST_PAGES)
    orders = elements(pks[(page - 1) * CHUNK : page * CHUNK])
    return HttpResponse(head(pages) + orders + FOOT, content_type="application/xml; charset=utf-8")


def _asked(request, name):
    text = request.GET.get(name, "").strip()
    try:
        moment = datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
        return moment if settings.USE_TZ else timezone.make_naive(moment)
    except (ValueError, OverflowError):
        raise Refusal(
            400, _("%(name)s must be UTC and look like 12/31/2026 23:59.") % {"name": name}
        ) from None


def _page(request):
    text = request.GET.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise Refusal(400, _("page must be a number from 1 on."))
    return int(text)


def _pks(start, end, *, is_first):
    """
    The primary keys of a fetch, by the moment of the change. Kept from its first page on: an order that changes
    meanwhile leaves the window, and the next page would else begin one too late.
    """
    key = f"wagtail_orders.shipstation.{start:%Y%m%d%H%M}.{end:%Y%m%d%H%M}"
    kept = None if is_first else cache.get(key)
    if kept is not None:
        return array("q", kept).tolist()
    found = database.primary(Order).filter(updated_at__gte=start, updated_at__lte=end)
    pks = list(found.order_by("updated_at", "pk").values_list("pk", flat=True))
    if len(pks) > CHUNK:
        cache.set(key, array("q", pks).tobytes(), WINDOW_KEPT)
    return pks


# --- Parcels in


def _shipnotify(request):
    """Note a parcel that ShipStation has sent; the same notice again changes nothing."""
    try:
        notice = read(request.GET, _body(request))
        parcel = note(notice)
    except UnknownOrder as error:
        raise Refusal(404, str(error)) from None
    except TransitionRefused as refusal:
        [(order, reason)] = refusal.refused.items()
        text = _("Order %(number)s %(reason)s.") % {"number": order.number, "reason": reason}
        raise Refusal(409, text) from None
    except ValidationError as error:
        raise Refusal(400, " ".join(error.messages)) from None
    if parcel is None:
        return _said(_("This parcel was noted before."))
    return _said(_("The parcel is noted with order %(number)s.") % {"number": parcel.order.number})


def _body(request):
    length = request.headers.get("Content-Length", "")
    # Asked first: Django itself would read up to DATA_UPLOAD_MAX_MEMORY_SIZE.
    is_too_large = length.isdigit() and int(length) > LARGEST_NOTICE
    if is_too_large or len(request.body) > LARGEST_NOTICE:
        raise Refusal(413, _("The notice is too large."))
    return request.body


def _said(text, status=200):
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
