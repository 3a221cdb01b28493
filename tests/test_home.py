"""The admin's home page and its menu: what waits on the desk, and how many orders are new."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail import hooks

from wagtail_orders.lifecycle import (
    Line,
    archive,
    cancel,
    cancel_shipment,
    delete,
    dismiss_mail,
    edit_customer,
    mark_handled,
    mark_paid,
    mark_unhandled,
    record_payment,
    record_refund,
    reopen,
    resend_mail,
    ship,
)
from wagtail_orders.models import Notification, OrderSettings
from wagtail_orders.notifications import deliver

from .desk import page_of, parsed, user_with, words
from .orders import placed
from .smtp import MailServer, mail_settings

pytestmark = pytest.mark.django_db

HOME = "wagtailadmin_home"
YUNOMI = Line(sku="MUG", name="湯呑み", quantity=2, unit_price=1000)


def summary(client):
    """What the home page says of orders at its top: the words and where they lead."""
    links = parsed(client.get(reverse(HOME))).xpath("//*[contains(@class, 'w-summary')]//li/a")
    return {words(link): link.get("href") for link in links if "order" in words(link)}


def shown(client, url):
    """The numbers of the orders that a listing shows."""
    return [
        words(cell) for cell in parsed(client.get(url)).xpath("//td[contains(@class, 'orders-number')]//a")
    ]


def at_age(days, **changes):
    return placed(placed_at=timezone.now() - timedelta(days=days), **changes)


@pytest.fixture
def trade(db):
    """Orders in every state, in two currencies; three to be paid, four to be sent, two to be archived."""
    yen = {"currency": "JPY", "shipping_total": Decimal(500), "lines": [YUNOMI]}
    orders = {
        "unpaid": at_age(3),
        "unpaid in yen": at_age(2, **yen),
        "partly paid": at_age(1),
        "partly sent": at_age(9),
        "sent and paid": at_age(8),
        "handled, unpaid in yen": at_age(7, **yen),
        "archived": at_age(30),
        "cancelled": at_age(40),
        "refunded": at_age(2),
    }
    record_payment(orders["partly paid"], amount=10, method="cash")
    mark_paid(orders["partly sent"])
    line = orders["partly sent"].lines.get()
    ship(orders["partly sent"], lines={line: 1})
    mark_paid(orders["sent and paid"])
    ship(orders["sent and paid"])
    mark_handled(orders["handled, unpaid in yen"])
    mark_handled(orders["archived"])
    archive(orders["archived"])
    cancel(orders["cancelled"])
    mark_paid(orders["refunded"])
    record_refund(orders["refunded"], amount=42, method="cash")
    return orders


WAITING = {
    "4 orders to be paid (€74.00, ¥5,000)": {
        "unpaid",
        "unpaid in yen",
        "partly paid",
        "handled, unpaid in yen",
    },
    "5 orders to be sent (the oldest 1 week ago)": {
        "unpaid",
        "unpaid in yen",
        "partly paid",
        "partly sent",
        "refunded",
    },
    "2 orders handled, not archived": {"sent and paid", "handled, unpaid in yen"},
}


def test_the_home_page_says_what_waits_and_leads_to_just_that(desk, trade):
    items = summary(desk)
    assert set(items) == set(WAITING)
    for text, names in WAITING.items():
        numbers = {trade[name].number for name in names}
        listed = shown(desk, items[text])
        assert set(listed) == numbers, text
        assert len(listed) == len(numbers) == int(text.split()[0])


def test_a_desk_on_which_nothing_waits_says_so_without_details(desk):
    for _turn in range(2):
        items = summary(desk)
        assert set(items) == {
            "0 orders to be paid",
            "0 orders to be sent",
            "0 orders handled, not archived",
        }
        assert all(shown(desk, url) == [] for url in items.values())
        order = placed()
        mark_paid(order)
        mark_handled(order)
        archive(order)


def test_one_order_is_told_in_the_singular(desk):
    placed()
    paid, sent, archived = sorted(
        summary(desk), key=lambda text: "be sent" in text or 2 * ("handled" in text)
    )
    assert paid == "1 order to be paid (€42.00)"
    assert sent.startswith("1 order to be sent (the oldest ")
    assert archived == "0 orders handled, not archived"


def test_the_newest_five_orders_of_the_desk_are_shown(desk):
    orders = [at_age(days) for days in (6, 5, 4, 3, 2, 1)]
    mark_handled(orders[5])
    archive(orders[5])
    cancel(orders[4])
    mark_paid(orders[3])
    (panel,) = parsed(desk.get(reverse(HOME))).xpath("//section[@id='newest-orders-section']")
    rows = panel.xpath(".//tbody/tr")
    assert [words(row.xpath(".//a")[0]) for row in rows] == [order.number for order in orders[4::-1]]
    assert [row.xpath(".//a/@href")[0] for row in rows] == [page_of(order) for order in orders[4::-1]]
    for fact in ("Zoë Müller", "€42.00", "Unpaid", "Cancelled", "2 days ago"):
        assert fact in words(rows[0])
    assert "Paid To send" in words(rows[1])
    assert reverse("wagtail_orders:list") in panel.xpath(".//a/@href")


def test_an_empty_desk_has_an_empty_panel(desk):
    (panel,) = parsed(desk.get(reverse(HOME))).xpath("//section[@id='newest-orders-section']")
    assert "No orders yet" in words(panel)


@pytest.mark.parametrize(
    ("codenames", "may_look"),
    [
        ((), False),
        (("add_order",), False),
        (("export_order",), False),
        (("view_order",), True),
        (("change_order",), True),
        (("delete_order",), True),
    ],
)
def test_the_home_page_shows_orders_to_those_who_may_see_them(client, django_user_model, codenames, may_look):
    order = placed()
    client.force_login(user_with(django_user_model, *codenames))
    html = client.get(reverse(HOME)).content.decode()
    assert (order.number in html) == may_look
    assert ("Newest orders" in html) == may_look
    assert bool(summary(client)) == may_look
    assert (label(client) is not None) == may_look
    if may_look:
        assert label(client) == "Orders (1)"
        assert all(client.get(url).status_code == 200 for url in summary(client).values())


def test_the_home_page_takes_as_many_queries_for_many_orders_as_for_one(desk):
    def count():
        with CaptureQueriesContext(connection) as queries:
            desk.get(reverse(HOME))
        return len([query for query in queries if "wagtail_orders_" in query["sql"]])

    placed()
    desk.get(reverse(HOME))
    few = count()
    for _ in range(20):
        placed()
    # The counts, those to look at, the newest orders, money that fits none, the mails that were given up, the sites
    # with a shop and their settings.
    assert count() == few == 7


# --- What is wrong with the mails.


def trouble(client):
    """The home page's panel about mails, or None."""
    panels = parsed(client.get(reverse(HOME))).xpath("//section[@id='orders-mail-trouble-section']")
    assert len(panels) <= 1
    return panels[0] if panels else None


@pytest.fixture
def shop(site):
    """A shop with which nothing is wrong."""
    return OrderSettings.objects.create(site=site, sender="shop@example.com", recipients="anna@example.com")


@pytest.fixture
def given_up(shop, settings, django_capture_on_commit_callbacks):
    """Mails that the server refused for good: so many orders' confirmations."""

    def fail(count=1):
        with MailServer() as server:
            for name, value in mail_settings(server, timeout=30).items():
                setattr(settings, name, value)
            server.answer("RCPT", "550 5.1.1 <b>No such user</b>", to="zoe@example.com")
            with django_capture_on_commit_callbacks(execute=True):
                for _ in range(count):
                    placed()
            assert deliver.sweep().failed == count
        return list(Notification.objects.given_up().order_by("-pk"))

    return fail


def test_where_nothing_is_wrong_with_the_mails_nothing_is_said(desk, shop):
    placed()
    assert trouble(desk) is None


def test_a_mail_that_was_given_up_is_told_with_the_servers_answer_and_leads_to_its_page(desk, given_up):
    (mail,) = given_up()
    panel = trouble(desk)
    assert "1 e-mail could not be delivered:" in words(panel)
    (entry,) = panel.xpath(".//li")
    assert "Confirmation of the order → zoe@example.com" in words(entry)
    assert "550 5.1.1 <b>No such user</b>" in words(entry)
    (link,) = entry.xpath(".//a")
    assert words(link) == mail.order.number
    (page,) = parsed(desk.get(link.get("href"))).xpath("//main")
    assert "This mail could not be delivered. 550 5.1.1 <b>No such user</b>" in words(page)


def test_many_that_were_given_up_are_counted_and_the_newest_five_shown(desk, given_up):
    mails = given_up(7)
    panel = trouble(desk)
    assert "7 e-mails could not be delivered:" in words(panel)
    assert [words(link) for link in panel.xpath(".//li//a")] == [mail.order.number for mail in mails[:5]]


def test_more_than_five_lead_to_the_listing_of_the_orders_that_have_one(desk, given_up):
    quiet = placed(notify=False)
    seen_to, *rest = given_up(6)
    (url,) = trouble(desk).xpath(".//a[contains(@href, 'mails=failed')]/@href")
    dismiss_mail(seen_to)
    assert not trouble(desk).xpath(".//a[contains(@href, 'mails=failed')]")
    listed = words(parsed(desk.get(url)).xpath("//table[contains(@class, 'listing')]")[0])
    assert all(mail.order.number in listed for mail in rest)
    assert seen_to.order.number not in listed
    assert quiet.number not in listed


def test_what_somebody_saw_to_is_told_no_more(desk, given_up):
    one, other = given_up(2)
    dismiss_mail(one)
    assert [words(link) for link in trouble(desk).xpath(".//li//a")] == [other.order.number]
    resend_mail(other, recipient="zoe.mueller@example.com")
    assert trouble(desk) is None


@pytest.mark.parametrize(
    ("codenames", "may_look"),
    [((), False), (("change_ordersettings",), False), (("view_order",), True), (("delete_order",), True)],
)
def test_the_mails_trouble_is_told_to_those_who_may_look_at_orders(
    client, django_user_model, shop, given_up, codenames, may_look
):
    given_up()
    OrderSettings.objects.update(recipients="")
    client.force_login(user_with(django_user_model, *codenames))
    panel = trouble(client)
    assert (panel is not None) == may_look
    if may_look:
        assert "550 5.1.1" in words(panel)
        # Who may not set it is not led there.
        assert "Nobody is told of new orders" in words(panel)
        assert "Settings → Orders" not in words(panel)


# --- The menu's number of new orders.


def label(client, url=None):
    """What the menu calls the orders, or None if they are not in it."""
    document = parsed(client.get(url or reverse("wagtailadmin_account")))
    (props,) = document.xpath("//script[@id='wagtail-sidebar-props']/text()")
    labels = []

    def gather(value):
        if isinstance(value, dict):
            if value.get("url") == reverse("wagtail_orders:list"):
                labels.append(value["label"])
            value = list(value.values())
        if isinstance(value, list):
            for entry in value:
                gather(entry)

    gather(json.loads(props))
    assert len(labels) <= 1
    return labels[0] if labels else None


def test_the_menu_says_how_many_orders_are_new(desk, trade):
    # Of the nine, the handled, sent, archived and cancelled ones are not; nor is the one that is partly sent.
    assert label(desk) == "Orders (4)"


def test_the_menu_says_nothing_of_none(desk):
    assert label(desk) == "Orders"


def without_orders(request, items):
    items[:] = [item for item in items if item.name != "orders"]


def count_queries(client, url):
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return len(queries)


@pytest.mark.parametrize("name", ["wagtailadmin_account", "wagtailadmin_home", "wagtail_orders:list"])
def test_the_number_costs_one_query_once_and_none_afterwards(desk, name):
    placed()
    url = reverse(name)
    desk.get(url)
    with hooks.register_temporarily("construct_main_menu", without_orders):
        without = count_queries(desk, url)
    cached = count_queries(desk, url)
    cache.delete("wagtail_orders.new_orders")
    counted = count_queries(desk, url)
    assert (cached, counted) == (without, without + 1)


def test_the_number_is_kept_until_something_happens(desk):
    assert label(desk) == "Orders"
    # No test's transaction commits, so nobody hears of this order.
    placed()
    assert label(desk) == "Orders"
    cache.clear()
    assert label(desk) == "Orders (1)"


CHANGES = {
    "placed": (lambda order: placed(), 3),
    "handled": (mark_handled, 1),
    "cancelled": (cancel, 1),
    "deleted": (delete, 1),
    "shipped": (ship, 1),
    "sent in part": (lambda order: ship(order, lines={order.lines.get(): 1}), 1),
    "paid": (mark_paid, 2),
    "edited": (lambda order: edit_customer(order, phone="12"), 2),
}


@pytest.mark.parametrize(("verb", "count"), CHANGES.values(), ids=CHANGES)
def test_the_number_is_right_after_each_verb(desk, django_capture_on_commit_callbacks, verb, count):
    order, _other = placed(), placed()
    assert label(desk) == "Orders (2)"
    with django_capture_on_commit_callbacks(execute=True):
        verb(order)
    assert label(desk) == f"Orders ({count})"


TAKEN_BACK = {
    "unhandled": (mark_handled, mark_unhandled),
    "reopened": (cancel, reopen),
    "parcel cancelled": (ship, lambda order: cancel_shipment(order.shipments.get())),
}


@pytest.mark.parametrize(("verb", "opposite"), TAKEN_BACK.values(), ids=TAKEN_BACK)
def test_the_number_is_right_after_a_verb_is_taken_back(
    desk, django_capture_on_commit_callbacks, verb, opposite
):
    order = placed()
    verb(order)
    assert label(desk) == "Orders"
    with django_capture_on_commit_callbacks(execute=True):
        opposite(order)
    assert label(desk) == "Orders (1)"


def test_the_owners_own_click_changes_the_number_at_once(desk, django_capture_on_commit_callbacks):
    order = placed()
    assert label(desk) == "Orders (1)"
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(reverse("wagtail_orders:action", args=[order.pk, "mark-handled"]))
    assert label(desk, page_of(order)) == "Orders"


@pytest.mark.django_db(transaction=True)
def test_a_cache_that_is_away_does_not_have_the_signals_sent_again(site, settings):
    order = placed()
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    mark_handled(order)
    assert not order.events.undelivered().exists()
