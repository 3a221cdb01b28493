"""The home page of the admin: what waits on the desk, and the newest orders."""

from urllib.parse import urlencode

from django.db.models import Count, Min, Q, Sum
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.site_summary import SummaryItem
from wagtail.admin.ui.components import Component
from wagtail.models import Site

from ..models import FulfillmentStatus, Notification, Order, OrderSettings, OrderStatus
from ..models.order import OWING
from ..money import format_amount
from .cells import age, fulfillment_tag, payment_tag
from .listing import Place
from .permissions import may_look

SHOWN = 5


class Desk:
    """What waits, read when the first of the home page's items asks."""

    def __init__(self, request):
        self.request = request

    @classmethod
    def of(cls, request):
        if not hasattr(request, "_wagtail_orders_desk"):
            request._wagtail_orders_desk = cls(request)
        return request._wagtail_orders_desk

    @cached_property
    def by_currency(self):
        is_open = Q(status=OrderStatus.OPEN)
        is_handled = Q(fulfillment_status=FulfillmentStatus.FULFILLED)
        owed = is_open & Q(payment_status__in=OWING)
        return list(
            Order.objects.current()
            .order_by()
            .values("currency")
            .annotate(
                to_pay=Count("pk", filter=owed),
                total_owed=Sum("total", filter=owed),
                paid_of_it=Sum("amount_paid", filter=owed),
                to_send=Count("pk", filter=is_open & ~is_handled),
                oldest=Min("placed_at", filter=is_open & ~is_handled),
                to_archive=Count("pk", filter=is_open & is_handled),
            )
        )

    def count(self, name):
        return sum(row[name] for row in self.by_currency)

    @cached_property
    def to_look_at(self):
        """How many orders need a look; apart from the other figures, since an index has these few."""
        return Order.objects.order_by().filter(needs_look=True).count()


class _DeskItem(SummaryItem):
    template_name = "wagtail_orders/admin/summary_item.html"
    icon = "clipboard-list"
    #: The listing that it leads to, and how it is narrowed.
    state = "current"
    filters = ()

    def is_shown(self):
        return may_look(self.request.user)

    @property
    def desk(self):
        return Desk.of(self.request)

    def get_context_data(self, parent_context):
        count = self.count()
        return {
            "icon": self.icon,
            "count": count,
            "words": self.words(count),
            "detail": self.detail() if count else "",
            "url": Place(self.state, urlencode(self.filters)).url,
        }


class ToPayItem(_DeskItem):
    order = 210
    icon = "tag"
    filters = [("payment_status", status.value) for status in OWING] + [("status", OrderStatus.OPEN.value)]

    def count(self):
        return self.desk.count("to_pay")

    def words(self, count):
        return ngettext("order to be paid", "orders to be paid", count)

    def detail(self):
        return ", ".join(
            format_amount(row["total_owed"] - row["paid_of_it"], row["currency"])
            for row in self.desk.by_currency
            if row["to_pay"]
        )


class ToSendItem(_DeskItem):
    order = 220
    icon = "redirect"
    filters = [
        ("fulfillment_status", FulfillmentStatus.UNFULFILLED.value),
        ("fulfillment_status", FulfillmentStatus.PARTIALLY_FULFILLED.value),
        ("status", OrderStatus.OPEN.value),
    ]

    def count(self):
        return self.desk.count("to_send")

    def words(self, count):
        return ngettext("order to be sent", "orders to be sent", count)

    def detail(self):
        oldest = min(row["oldest"] for row in self.desk.by_currency if row["oldest"])
        return _("the oldest %(age)s") % {"age": age(oldest)}


class ToArchiveItem(_DeskItem):
    order = 230
    icon = "folder"
    filters = [
        ("fulfillment_status", FulfillmentStatus.FULFILLED.value),
        ("status", OrderStatus.OPEN.value),
    ]

    def count(self):
        return self.desk.count("to_archive")

    def words(self, count):
        return ngettext("order handled, not archived", "orders handled, not archived", count)

    def detail(self):
        return ""


class ToLookAtItem(_DeskItem):
    """Only where there are any. Money that goes back late finds its order in the archive, so all orders count."""

    order = 205
    icon = "warning"
    state = "all"
    filters = [("needs_look", "true")]

    def is_shown(self):
        return super().is_shown() and self.count() > 0

    def count(self):
        return self.desk.to_look_at

    def words(self, count):
        return ngettext("order needs a look", "orders need a look", count)

    def detail(self):
        return ""


class NewestOrdersPanel(Component):
    """The newest orders on the desk."""

    name = "newest_orders"
    template_name = "wagtail_orders/admin/newest_orders.html"
    order = 120

    class Media:
        css = {"all": ["wagtail_orders/admin.css"]}

    def __init__(self, request):
        self.request = request

    def render_html(self, parent_context=None):
        return super().render_html(parent_context) if may_look(self.request.user) else ""

    def get_context_data(self, parent_context):
        place = Place()
        return {
            "rows": [
                (order, place.url_of(order), age(order.placed_at), payment_tag(order), fulfillment_tag(order))
                for order in Order.objects.current().defer("data", "taxes", "search_text")[:SHOWN]
            ],
            "url": place.url,
        }


def _missing():
    """What is not set for the default site, and for others that have a shop: each as a sentence."""
    shops = Site.objects.filter(Q(is_default_site=True) | Q(order_settings__shop_name__gt=""))
    names = {site.pk: str(site) for site in shops}
    return [
        f"{names[pk]}: {sentence}" if len(names) > 1 else sentence
        for pk, shop in OrderSettings.of_sites(names).items()
        for sentence in shop.missing()
    ]


class MailTroublePanel(Component):
    """What is wrong with the mails: some were given up, or nobody is told of new orders. Else it is not there."""

    name = "orders_mail_trouble"
    template_name = "wagtail_orders/admin/mail_trouble.html"
    order = 110

    class Media:
        css = {"all": ["wagtail_orders/admin.css"]}

    def __init__(self, request):
        self.request = request

    def render_html(self, parent_context=None):
        if not may_look(self.request.user):
            return ""
        context = self.get_context_data(parent_context)
        return render_to_string(self.template_name, context) if context["mails"] or context["missing"] else ""

    def get_context_data(self, parent_context):
        given_up = Notification.objects.given_up().select_related("event__order").order_by("-pk")
        mails = list(given_up.defer("text_body", "html_body")[: SHOWN + 1])
        return {
            "mails": mails[:SHOWN],
            "count": given_up.count() if len(mails) > SHOWN else len(mails),
            "url": Place("all", urlencode({"mails": "failed"})).url,
            "missing": _missing(),
            "settings_url": self.request.user.has_perm("wagtail_orders.change_ordersettings")
            and reverse("wagtailsettings:edit", args=("wagtail_orders", "ordersettings")),
        }


def summary_items(request):
    return [item(request) for item in (ToLookAtItem, ToPayItem, ToSendItem, ToArchiveItem)]
