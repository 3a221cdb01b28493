"""The cases about pages of the admin."""

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from wagtail_orders.models import Order

from .measure import Turns, measured
from .samples import COMMON, LONG_LINES, RARE

EMPTY_LISTING, EMPTY_PAGE = "/admin/nothing/", "/admin/empty-page/"
CURRENT, ARCHIVED, ALL = "/admin/orders/", "/admin/orders/archived/", "/admin/orders/all/"
STOCK = "/admin/stock-orders/"
PER_PAGE = 50
MILLION = 1_000_000


class Browser:
    """The owner's, who is a superuser, logged in."""

    def __init__(self):
        self.client = Client()
        self.user = get_user_model().objects.get(username="anna")
        self.client.force_login(self.user)

    def get(self, url):
        def run():
            response = self.client.get(url)
            assert response.status_code == 200, (url, response.status_code)  # noqa: S101
            return response

        return run

    def cold(self, url):
        """The same where what is kept for a minute was forgotten."""
        return cache.clear, self.get(url)


def listing(orders):
    browser = Browser()
    turns = Turns(
        {
            "an empty listing": browser.get(EMPTY_LISTING),
            "current": browser.get(CURRENT),
            "archived": browser.get(ARCHIVED),
            "all": browser.get(ALL),
            "current, nothing kept": browser.cold(CURRENT),
            "stock": browser.get(STOCK + "?is_archived=false"),
            "stock archived": browser.get(STOCK + "?is_archived=true"),
        },
        most=25,
    )
    for name, stock in (("current", "stock"), ("archived", "stock archived"), ("all", None)):
        yield turns.row(
            f"listing, {name}", name, "an empty listing", figure=2, most_queries=9, stock=stock, is_page=True
        )
    yield turns.row(
        "listing, nothing kept in the cache", "current, nothing kept", "an empty listing", is_page=True
    )


def deep(orders):
    browser = Browser()
    last = -(-Order.objects.archived().count() // PER_PAGE)
    at = STOCK + "?is_archived=true&p="
    turns = Turns(
        {
            "an empty listing": browser.get(EMPTY_LISTING),
            "the first page": browser.get(ARCHIVED),
            "page 3": browser.get(f"{ARCHIVED}?p=3"),
            "in the middle": browser.get(f"{ARCHIVED}?p={last // 2}"),
            "the last": browser.get(f"{ARCHIVED}?p={last}"),
            "stock in the middle": browser.get(f"{at}{last // 2}"),
            "stock last": browser.get(f"{at}{last}"),
        }
    )
    for name, stock in (
        ("page 3", None),
        ("in the middle", "stock in the middle"),
        ("the last", "stock last"),
    ):
        yield turns.row(
            f"deep page, archived: {name}",
            name,
            "the first page",
            figure=1.2,
            least_orders=MILLION,
            stock=stock,
            is_page=True,
        )


FILTERS = {
    "payment": "payment_status=paid",
    "payment, few": "payment_status=refunded",
    "fulfilment": "fulfillment_status=fulfilled",
    "cancelled": "status=cancelled",
    "how it is paid": "payment_method=card",
    "shipping method": "shipping_method={method}",
    "country": "country=BE",
    "country, none": "country=JP",
    "days": "placed_at_from=2024-03-01&placed_at_to=2024-03-31",
    "sum": "total_min=100&total_max=150",
    "sum, none": "total_min=100000",
    "needs a look": "needs_look=true",
    "mails": "mails=failed",
    "sorted by sum": "ordering=-total",
    "sorted by customer": "ordering=customer_name",
    "payment and fulfilment": "payment_status=paid&fulfillment_status=fulfilled",
    "payment and cancelled": "payment_status=refunded&status=open",
    "payment and country": "payment_status=paid&country=BE",
    "how it is paid and country": "payment_method=card&country=NL",
    "days and payment": "placed_at_from=2024-03-01&placed_at_to=2024-03-31&payment_status=paid",
    "sum and country": "total_min=100&total_max=150&country=DE",
    "cancelled and how it is paid": "status=cancelled&payment_method=paypal",
}


def filters(orders):
    method = Order.objects.values_list("shipping_method", flat=True).first()
    yield from _filtered("archived", ARCHIVED, FILTERS, method)
    few = ("payment", "how it is paid", "country", "payment and fulfilment", "mails", "needs a look")
    yield from _filtered("current", CURRENT, {name: FILTERS[name] for name in few}, method)


def _filtered(name, url, chosen, method):
    browser = Browser()
    ways = {label: browser.get(f"{url}?{query.format(method=method)}") for label, query in chosen.items()}
    stock = browser.get(
        f"{STOCK}?is_archived={name == 'archived'}&payment_status=paid&fulfillment_status=fulfilled"
    )
    floors = {"an empty listing": browser.get(EMPTY_LISTING), "the first page": browser.get(url)}
    turns = Turns({**floors, **ways, "stock": stock}, most=9)
    for label in chosen:
        yield turns.row(
            f"filter, {name}: {label}",
            label,
            "the first page",
            figure=1.3,
            least_orders=MILLION,
            stock="stock" if label == "payment and fulfilment" else None,
            is_page=True,
        )


def search(orders):
    browser = Browser()
    some = Order.objects.archived()
    order = some[min(orders // 3, some.count() - 1)]
    parcel = Order.objects.archived().filter(shipments__isnull=False).first().shipments.first()
    words = {
        "number": order.number,
        "end of a number": order.number[-5:],
        "e-mail": order.email,
        "a name, 10 orders": RARE.split()[1],
        f"a name, {orders // 100:,} orders": COMMON.split()[1],
        "two words": COMMON,
        "the beginning of a name": RARE.split()[1][:6],
        "three letters": RARE.split()[1][:3],
        "parcel": parcel.tracking_number if parcel else "",
        "nobody": "Xylophonowitsch",
    }
    turns = Turns(
        {
            "an empty listing": browser.get(EMPTY_LISTING),
            # An accent alone is no word: nothing is looked for, nothing found.
            "the page without a hit": browser.get(f"{ALL}?q=%CC%81"),
            "the first page": browser.get(ALL),
            **{label: browser.get(f"{ALL}?q={word}") for label, word in words.items()},
            "stock number": browser.get(f"{STOCK}?q={order.number}"),
            "stock name": browser.get(f"{STOCK}?q={RARE.split()[1]}"),
        },
    )
    stock = {"number": "stock number", "a name, 10 orders": "stock name"}
    for label in words:
        is_number = label == "number"
        yield turns.row(
            f"search: {label}",
            label,
            "the page without a hit" if is_number else "the first page",
            figure=1.2 if is_number else 1.5 if "orders" in label else None,
            least_orders=MILLION,
            stock=stock.get(label),
            is_page=True,
        )


def order_page(orders):
    browser = Browser()
    newest, before = Order.objects.current()[:2]
    old = Order.objects.archived()[orders // 2]

    def page(order, query=""):
        return browser.get(reverse("wagtail_orders:inspect", args=(order.pk,)) + query)

    turns = Turns(
        {
            "an empty page": browser.get(EMPTY_PAGE),
            "3 lines": page(before),
            f"{LONG_LINES} lines": page(newest),
            "archived": page(old, "?list=archived"),
            "of a filter": page(old, "?list=archived%3Fpayment_status%3Dpaid%26country%3DBE"),
            "by sum": page(old, "?list=archived%3Fordering%3Dtotal"),
        },
        most=25,
    )
    for name in ("3 lines", f"{LONG_LINES} lines", "archived", "of a filter", "by sum"):
        yield turns.row(
            f"order page, {name}",
            name,
            "an empty page",
            # The figure for many lines is that of each line, below.
            figure=None if name.startswith(str(LONG_LINES)) else 2.5,
            most_queries=14,
            is_page=True,
        )
    each = turns.row("order page, one more line", f"{LONG_LINES} lines", "an empty page", figure=0.05)
    few = turns.row("", "3 lines", "an empty page")
    each.cpu, each.wall = (
        (getattr(each, what) - getattr(few, what)) / (LONG_LINES - 3) for what in ("cpu", "wall")
    )
    each.ratio, each.queries = getattr(each, measured()) / each.floor_time, None
    yield each


def others(orders):
    """Pages and a command that have no figure but that they do not grow."""
    browser = Browser()
    order = Order.objects.archived()[orders // 2]
    turns = Turns(
        {
            "an empty page": browser.get(EMPTY_PAGE),
            "home": browser.get("/admin/"),
            "home, nothing kept": browser.cold("/admin/"),
            "an empty page, nothing kept": browser.cold(EMPTY_PAGE),
            "export's page": browser.get("/admin/orders/export/?list=archived"),
            "ship many": browser.get("/admin/orders/ship-many/"),
            "customer's page": browser.get(reverse("wagtail_orders_public:order", args=(order.token,))),
            "sweep": lambda: call_command("orders_sweep", verbosity=0),
        }
    )
    for name in ("home", "home, nothing kept", "an empty page, nothing kept", "export's page", "ship many"):
        yield turns.row(f"page: {name}", name, "an empty page", is_page=True)
    yield turns.row("page: customer's", "customer's page", "an empty page", is_page=True)
    yield turns.row("command: orders_sweep, nothing due", "sweep", "an empty page", is_page=True)
