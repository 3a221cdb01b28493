"""The listing of orders: what it shows, narrows, counts and sorts, and how an order's page leads on and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html as markup
from wagtail import hooks
from wagtail.admin.ui.tables import Column
from wagtail.models import Site

from wagtail_orders.lifecycle import (
    add_note,
    archive,
    cancel,
    flag,
    mark_handled,
    mark_paid,
    record_payment,
    record_refund,
    ship,
)
from wagtail_orders.models import Order, ShippingMethod
from wagtail_orders.notifications.contents import customer_url

from .desk import user_with
from .orders import IXELLES, MUG, placed

pytestmark = pytest.mark.django_db

CURRENT, ARCHIVE, ALL = "/admin/orders/", "/admin/orders/archived/", "/admin/orders/all/"
HOSTILE = "<script>alert(1)</script>"


def address(base, query=()):
    return base + (f"?{urlencode(query)}" if query else "")


def page(client, url):
    response = client.get(url)
    assert response.status_code == 200, url
    return markup.fromstring(response.content.decode())


def numbers(tree):
    """The orders' numbers in the listing, from top to bottom."""
    return tree.xpath("//td[contains(@class, 'orders-number')]//a/text()")


def shown(client, base, *query):
    return numbers(page(client, address(base, query)))


def text_of(node):
    return " ".join(node.text_content().split())


def row_of(tree, order):
    [row] = tree.xpath(f"//tr[.//a[normalize-space() = '{order.number}']]")
    return row


def states(tree):
    """The drop-down's toggle and, by their words, its links."""
    nav = tree.get_element_by_id("w-slim-header-buttons")
    toggle = text_of(nav.xpath(".//button[@data-w-dropdown-target='toggle']")[0])
    links = nav.xpath("(.//div[@data-w-dropdown-target='content'])[1]/a")
    return toggle, {text_of(link): link.get("href") for link in links}


# Columns and what stands in them


def test_the_columns_say_who_ordered_what_and_where_it_stands(desk):
    bpost = ShippingMethod.objects.create(name="bpost")
    order = placed(
        shipping_method=bpost,
        placed_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        lines=[replace(MUG, quantity=3), replace(MUG, sku="CLAY", quantity=Decimal("1.25"))],
        customer_note="Ring twice",
    )
    add_note(order, text="Ready")
    record_payment(order, amount=10, method="cash")
    tree = page(desk, CURRENT)
    heads = [text_of(head) for head in tree.xpath("//table[contains(@class, 'orders-listing')]//th")]
    # A project's own column may stand among them.
    ours = [
        "Number",
        "Placed",
        "Customer",
        "Items",
        "Total",
        "Payment",
        "Fulfilment",
        "Shipping",
        "Next step",
    ]
    assert [head for head in heads if head in ours] == ours
    row = row_of(tree, order)
    [moment] = row.xpath(".//time")
    assert moment.get("datetime") == "2026-01-05T10:30:00+01:00"
    words = text_of(row)
    for part in ("Zoë Müller", "With remarks", "With notes", "4 items", "€83.63", "€73.63 owed", "bpost"):
        assert part in words, part
    assert "Partly paid" in words
    assert "To send" in words


def test_marks_are_not_shown_where_there_is_nothing_to_mark(desk):
    order = placed()
    mark_paid(order)
    words = text_of(row_of(page(desk, CURRENT), order))
    for part in ("With remarks", "With notes", "owed", "Needs a look"):
        assert part not in words


def test_an_order_that_needs_a_look_says_so(desk):
    order = placed()
    flag(order, reason="paid_after_cancellation")
    assert "Needs a look" in text_of(row_of(page(desk, CURRENT), order))


def test_a_cancelled_order_says_so_in_the_place_of_its_fulfilment(desk):
    order = placed()
    cancel(order)
    words = text_of(row_of(page(desk, CURRENT), order))
    assert "Cancelled" in words
    assert "To send" not in words
    assert "owed" not in words


def test_a_projects_hook_adds_a_column_and_takes_one_away(desk):
    order = placed(phone="+32 470 00 00 00")

    def with_phone(request, columns):
        assert request.user.username == "anna"
        columns[:] = [column for column in columns if column.name != "shipping_method_name"]
        columns.insert(4, Column("phone", label="Phone", sort_key="phone"))

    before = placed(phone="+32 1")
    with hooks.register_temporarily("construct_order_columns", with_phone):
        tree = page(desk, CURRENT)
        heads = [text_of(head) for head in tree.xpath("//table[contains(@class, 'orders-listing')]//th")]
        assert heads[4] == "Phone"
        assert "Shipping" not in heads
        assert "+32 470 00 00 00" in text_of(row_of(tree, order))
        assert shown(desk, CURRENT, ("ordering", "phone")) == [before.number, order.number]
        assert shown(desk, CURRENT, ("ordering", "-phone")) == [order.number, before.number]
    assert "Phone" not in text_of(page(desk, CURRENT))


# Which state


@pytest.fixture
def desk_of_six(desk):
    """Four current orders, of which two are Amélie's and one of these is paid; two archived, one Amélie's."""
    orders = {
        "unpaid": placed(customer_name="Amélie"),
        "paid": placed(customer_name="Amélie"),
        "bruno": placed(customer_name="Bruno"),
        "chloe": placed(customer_name="Chloé"),
        "old": placed(customer_name="Amélie"),
        "older": placed(customer_name="Bruno"),
    }
    mark_paid(orders["paid"])
    mark_paid(orders["old"])
    for name in ("old", "older"):
        mark_handled(orders[name])
        archive(orders[name])
    return orders


def test_the_drop_down_counts_each_state_and_leads_to_it(desk, desk_of_six):
    for base, toggle in (
        (CURRENT, "Show: Current (4)"),
        (ARCHIVE, "Show: Archived (2)"),
        (ALL, "Show: All (6)"),
    ):
        words, links = states(page(desk, base))
        assert words == toggle
        assert links == {"Current (4)": CURRENT, "Archived (2)": ARCHIVE, "All (6)": ALL}
    everybody = {order.number for order in desk_of_six.values()}
    archived = {desk_of_six["old"].number, desk_of_six["older"].number}
    assert set(shown(desk, CURRENT)) == everybody - archived
    assert set(shown(desk, ARCHIVE)) == archived
    assert set(shown(desk, ALL)) == everybody


def test_the_counts_follow_filters_and_search_and_the_links_keep_them(desk, desk_of_six):
    query = [
        ("q", "amelie"),
        ("payment_status", "paid"),
        ("payment_status", "overpaid"),
        ("ordering", "total"),
    ]
    words, links = states(page(desk, address(ALL, [*query, ("p", 1)])))
    assert words == "Show: All (2)"
    assert list(links) == ["Current (1)", "Archived (1)", "All (2)"]
    for base, link in zip((CURRENT, ARCHIVE, ALL), links.values(), strict=True):
        assert urlsplit(link).path == base
        assert parse_qs(urlsplit(link).query) == {
            "q": ["amelie"],
            "payment_status": ["paid", "overpaid"],
            "ordering": ["total"],
        }
    assert numbers(page(desk, links["Archived (1)"])) == [desk_of_six["old"].number]


def test_the_page_that_the_search_box_fetches_brings_its_own_counts(desk, desk_of_six):
    response = desk.get(CURRENT + "results/", {"q": "bruno", "_w_filter_fragment": "1"})
    words = response.content.decode()
    assert "Show: Current (1)" in words
    assert "Archived (1)" in words
    assert "_w_filter_fragment" not in "".join(
        link for link in markup.fromstring(words).xpath("//a/@href") if link.startswith("/admin/orders/a")
    )
    assert desk_of_six["bruno"].number in words
    assert desk_of_six["chloe"].number not in words


def test_what_the_search_finds_elsewhere_is_told_and_linked(desk, desk_of_six):
    for base, words, other in (
        (CURRENT, "1 archived order matches too", ARCHIVE),
        (ARCHIVE, "2 current orders match too", CURRENT),
    ):
        tree = page(desk, address(base, [("q", "Amélie")]))
        [link] = tree.xpath(f"//a[normalize-space() = '{words}']/@href")
        assert urlsplit(link).path == other
        assert parse_qs(urlsplit(link).query) == {"q": ["Amélie"]}
        assert numbers(page(desk, link))
    assert "match" not in text_of(page(desk, CURRENT))
    assert "too" not in text_of(
        page(desk, address(ALL, [("q", "Amélie")])).get_element_by_id("listing-results")
    )


def test_what_is_found_only_elsewhere_is_told_too(desk, desk_of_six):
    mark_handled(desk_of_six["chloe"])
    archive(desk_of_six["chloe"])
    tree = page(desk, address(CURRENT, [("q", "chloe")]))
    assert "No order matches “chloe”." in text_of(tree)
    [link] = tree.xpath("//a[normalize-space() = '1 archived order matches too']/@href")
    assert numbers(page(desk, link)) == [desk_of_six["chloe"].number]


def test_an_empty_listing_says_why(desk):
    assert "No orders yet. They arrive here" in text_of(page(desk, CURRENT))
    assert "No orders yet" in text_of(page(desk, ALL))
    assert "Nothing is archived yet." in text_of(page(desk, ARCHIVE))
    placed()
    assert "No order matches these filters." in text_of(
        page(desk, address(CURRENT, [("status", "cancelled")]))
    )
    assert "No order matches “<b>”." in text_of(page(desk, address(CURRENT, [("q", "<b>")])))


# Filters


@pytest.fixture
def varied(desk, site):
    """Six orders that each filter tells apart."""
    post, courier = (ShippingMethod.objects.create(name=name) for name in ("Post", "Courier"))
    lille = replace(IXELLES, street="1 rue Nationale", postal_code="59800", city="Lille", country="FR")
    zaandam = replace(IXELLES, street="Dam 1", postal_code="1506 BA", city="Zaandam", country="NL")
    second = Site.objects.create(hostname="shop.example.com", root_page=site.root_page, port=8000)
    day = datetime(2026, 3, 10, 12, tzinfo=UTC)
    orders = {
        "a": placed(number="a", shipping_method=post, placed_at=day),
        "b": placed(number="b", shipping_method=courier, billing_address=lille, placed_at=day),
        "c": placed(number="c", payment_method="card", site=second, placed_at=day + timedelta(days=1)),
        "d": placed(number="d", shipping_address=zaandam, placed_at=day + timedelta(days=2)),
        "e": placed(number="e", shipping_total=100, placed_at=day + timedelta(days=3)),
        "f": placed(number="f", shipping_total=0, payment_method="", placed_at=day + timedelta(days=4)),
    }
    mark_paid(orders["a"])
    record_payment(orders["b"], amount=1, method="cash")
    mark_paid(orders["c"])
    record_refund(orders["c"], amount=42, method="card")
    mark_handled(orders["a"])
    ship(orders["d"], lines={orders["d"].lines.get(): 1})
    cancel(orders["e"])
    flag(orders["f"], reason="paid_after_cancellation")
    orders["methods"], orders["site"] = (post, courier), second
    return orders


# The query, and the numbers of the orders that it leaves.
FILTERS = [
    ("payment_status=unpaid", "def"),
    ("payment_status=paid&payment_status=refunded", "ac"),
    ("payment_status=partially_paid", "b"),
    ("payment_status=overpaid", ""),
    ("fulfillment_status=unfulfilled", "bcef"),
    ("fulfillment_status=fulfilled&fulfillment_status=partially_fulfilled", "ad"),
    ("status=open", "abcdf"),
    ("status=cancelled", "e"),
    ("status=", "abcdef"),
    ("payment_method=card", "c"),
    ("payment_method=card&payment_method=bank_transfer", "abcde"),
    ("country=FR", "b"),
    ("country=FR&country=NL", "bd"),
    ("country=BE", "acef"),
    ("placed_at_from=2026-03-11", "cdef"),
    ("placed_at_to=2026-03-11", "abc"),
    ("placed_at_from=2026-03-11&placed_at_to=2026-03-12", "cd"),
    ("placed_at_from=2026-03-12&placed_at_to=2026-03-11", ""),
    ("total_min=42.01", "e"),
    ("total_max=41.99", "f"),
    ("total_min=42&total_max=42", "abcd"),
    ("total_min=37&total_max=42.00", "abcdf"),
    ("needs_look=true", "f"),
    ("needs_look=", "abcdef"),
    ("payment_status=unpaid&status=open", "df"),
    ("payment_status=paid&fulfillment_status=fulfilled&country=BE", "a"),
    ("country=FR&q=zoe", "b"),
    ("country=FR&q=nobody", ""),
    ("payment_status=unpaid&placed_at_from=2026-03-13&total_max=40&needs_look=true", "f"),
    ("unknown=1", "abcdef"),
    ("utm_source=<script>", "abcdef"),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS, ids=[query for query, _expected in FILTERS])
def test_a_filter_leaves(query, expected, desk, varied):
    tree = page(desk, f"{CURRENT}?{query}&ordering=number")
    assert numbers(tree) == list(expected)
    assert states(tree)[0] == f"Show: Current ({len(expected)})"


def test_the_filters_for_shipping_methods_and_sites(desk, varied, site):
    post, courier = varied["methods"]
    assert shown(desk, CURRENT, ("shipping_method", post.pk)) == ["a"]
    assert set(shown(desk, CURRENT, ("shipping_method", post.pk), ("shipping_method", courier.pk))) == {
        "a",
        "b",
    }
    assert shown(desk, CURRENT, ("site", varied["site"].pk)) == ["c"]
    assert len(shown(desk, CURRENT, ("site", site.pk))) == 5
    assert len(shown(desk, CURRENT, ("site", site.pk), ("site", varied["site"].pk))) == 6
    assert "shop.example.com:8000" in text_of(page(desk, CURRENT))


def test_sites_are_no_filter_where_there_is_one(desk, site):
    placed()
    tree = page(desk, address(CURRENT, [("site", site.pk + 7)]))
    assert not tree.xpath("//input[@name='site']")
    assert len(numbers(tree)) == 1


def test_a_new_shipping_method_can_be_chosen_at_once(desk):
    page(desk, CURRENT)
    method = ShippingMethod.objects.create(name="By boat")
    assert "By boat" in text_of(page(desk, CURRENT))
    method.delete()
    assert "By boat" not in text_of(page(desk, CURRENT))


def test_midnight_is_the_readers_own(desk):
    placed(number="late", placed_at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    assert shown(desk, CURRENT, ("placed_at_from", "2026-03-11"), ("placed_at_to", "2026-03-11")) == ["late"]
    assert shown(desk, CURRENT, ("placed_at_to", "2026-03-10")) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("payment_status", "nonsense", "nonsense is not one of the available choices"),
        ("fulfillment_status", HOSTILE, "is not one of the available choices"),
        ("status", "nonsense", "nonsense is not one of the available choices"),
        ("placed_at_from", "yesterday", "Enter a valid date"),
        ("placed_at_to", "2026-02-31", "Enter a valid date"),
        ("total_min", "much", "Enter a number"),
        ("total_max", "NaN", "Enter a number"),
        ("needs_look", "maybe", "maybe is not one of the available choices"),
    ],
)
def test_a_value_that_is_none_is_told_in_the_form(name, value, said, desk, varied):
    for base in (CURRENT, CURRENT + "results/"):
        response = desk.get(base, {name: value, "_w_filter_fragment": "1"})
        assert response.status_code == 200
        words = response.content.decode()
        assert said in words
        assert HOSTILE not in words
        assert "One of the filters cannot be read, so nothing is shown." in words
        assert not numbers(markup.fromstring(words))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("payment_method", "barter"),
        ("shipping_method", "x"),
        ("shipping_method", "99999999999999999999999"),
        ("country", "XX"),
        ("site", "0"),
    ],
)
def test_a_value_that_no_order_has_finds_none(name, value, desk, varied):
    """Another process may know a country that this one has not met yet, so such a value is no mistake."""
    for base in (CURRENT, CURRENT + "results/"):
        response = desk.get(base, {name: value})
        assert not numbers(markup.fromstring(response.content.decode()))


@pytest.mark.parametrize(
    "query",
    [
        "total_min=1e30",
        "total_max=-5",
        "total_min=0.000000000000000001",
        "total_min=99999999999999999999999999999999999999999",
        "placed_at_from=0001-01-01",
        "placed_at_to=9999-12-31",
        "placed_at_from=0001-01-01&placed_at_to=9999-12-31",
        "ordering=nonsense",
        "ordering=-",
        "ordering=-placed_at&ordering=total",
        "ordering=email",
        "ordering=%3F",
        "p=0",
        "p=-1",
        "p=99",
        "p=x",
        "q=%00",
        "q=%ff%fe",
        "q=" + "x" * 5_000,
        "q=" + "w+" * 1_500,
        "country=%00",
        "&&==&",
    ],
    ids=lambda query: query[:40],
)
def test_an_odd_query_shows_a_page(query, desk, varied):
    for base in (CURRENT, ARCHIVE, ALL, CURRENT + "results/"):
        assert desk.get(f"{base}?{query}").status_code == 200


def test_each_value_has_a_pill_that_takes_it_away(desk, varied):
    query = "payment_status=unpaid&payment_status=paid&country=BE&total_min=40&q=zoe&ordering=number"
    tree = page(desk, f"{CURRENT}?{query}")
    assert numbers(tree) == ["a", "e"]
    pills = {}
    for pill in tree.xpath("//ul[contains(@class, 'w-active-filters')]/li"):
        [url] = pill.xpath(".//button[contains(@class, 'w-pill__remove')]/@data-w-swap-src-value")
        pills[text_of(pill)] = url
    assert set(pills) == {"Payment: Unpaid", "Payment: Paid", "Country: Belgium", "Total between: 40 - any"}
    left = {
        "Payment: Unpaid": ["a"],
        "Payment: Paid": ["e"],
        "Country: Belgium": ["a", "d", "e"],
        "Total between: 40 - any": ["a", "e", "f"],
    }
    for words, url in pills.items():
        assert urlsplit(url).path == CURRENT + "results/"
        assert "q=zoe" in url
        assert numbers(page(desk, url)) == left[words], words


def test_a_pill_of_another_state_stays_in_that_state(desk, varied):
    for base in (ARCHIVE, ALL):
        tree = page(desk, f"{base}?status=cancelled")
        [url] = tree.xpath("//button[contains(@class, 'w-pill__remove')]/@data-w-swap-src-value")
        assert urlsplit(url).path == base + "results/"


# Sorting


def test_columns_sort_both_ways_and_equal_ones_keep_an_order_that_is_certain(desk):
    day = datetime(2026, 3, 10, tzinfo=UTC)
    for number, name, shipping, days in (
        ("m", "Bruno", 5, 0),
        ("k", "Amélie", 5, 0),
        ("z", "Amélie", 9, 1),
        ("b", "Chloé", 1, 2),
    ):
        placed(number=number, customer_name=name, shipping_total=shipping, placed_at=day + timedelta(days))
    for ordering, expected in (
        ("number", "bkmz"),
        ("placed_at", "mkzb"),
        ("customer_name", "kzmb"),
        ("total", "bmkz"),
    ):
        assert shown(desk, CURRENT, ("ordering", ordering)) == list(expected), ordering
        assert shown(desk, CURRENT, ("ordering", f"-{ordering}")) == list(reversed(expected)), ordering
    assert shown(desk, CURRENT) == list("bzkm")
    assert shown(desk, CURRENT, ("ordering", "nonsense")) == list("bzkm")


def test_the_heads_links_sort_and_keep_the_filters(desk):
    placed()
    tree = page(desk, address(CURRENT, [("q", "zoe"), ("payment_status", "unpaid")]))
    links = tree.xpath("//table[contains(@class, 'orders-listing')]//th//a/@href")
    assert len(links) == 4
    for link in links:
        query = parse_qs(urlsplit(link).query)
        assert (query["q"], query["payment_status"]) == (["zoe"], ["unpaid"])
        assert numbers(page(desk, "/admin/orders/" + link[link.index("?") :]))


def test_fifty_orders_make_a_page_and_the_next_one_keeps_the_filters(desk):
    for count in range(52):
        placed(number=f"n-{count:02}", customer_name="Amélie" if count != 7 else "Bruno")
    tree = page(desk, address(CURRENT, [("q", "amelie"), ("ordering", "number")]))
    assert len(numbers(tree)) == 50
    [link] = tree.xpath("//nav//a[contains(@href, 'p=2')]/@href")[:1]
    assert "q=amelie" in link
    last = page(desk, CURRENT + link[link.index("?") :])
    assert numbers(last) == ["n-51"]
    # An order's page leads back to the filters.
    [to_order] = last.xpath("//td[contains(@class, 'orders-number')]//a/@href")
    assert parse_qs(urlsplit(to_order).query)["list"] == ["current?q=amelie&ordering=number"]


# The next step


def step_of(tree, order):
    """The next step's words and where it leads, or None."""
    found = row_of(tree, order).xpath(
        ".//div[@class='orders-steps']/*[self::a or self::button][contains(@class, 'button-small')]"
    )
    if not found:
        return None
    [step] = found
    return text_of(step), step.get("formaction") or step.get("href")


def test_each_row_offers_what_comes_next(desk):
    bpost = ShippingMethod.objects.create(name="bpost")
    orders = {
        name: placed(number=name, shipping_method=bpost)
        for name in ("new", "part", "paid", "sent", "done", "owed", "cancelled", "away", "owed-away")
    }
    orders["fetched"] = placed(number="fetched")
    for name in ("paid", "sent", "done", "away", "fetched"):
        mark_paid(orders[name])
    record_payment(orders["part"], amount=1, method="cash")
    ship(orders["sent"], lines={orders["sent"].lines.get(): 1})
    for name in ("done", "owed", "away", "owed-away"):
        mark_handled(orders[name])
    cancel(orders["cancelled"])
    archive(orders["away"])
    archive(orders["owed-away"])
    tree = page(desk, ALL)
    expected = {
        "new": "Mark as paid",
        "part": "Mark as paid",
        "paid": "Ship…",
        "sent": "Ship…",
        "fetched": "Order handled",
        "done": "Archive",
        "owed": "Mark as paid",
        "cancelled": "Archive",
    }
    for name, order in orders.items():
        step = step_of(tree, order)
        assert (step and step[0]) == expected.get(name), name
    _words, url = step_of(tree, orders["paid"])
    assert url == f"/admin/orders/{orders['paid'].pk}/?list=all#orders-ship"


def test_the_step_to_ship_leads_to_a_dialog_that_is_there(desk):
    bpost = ShippingMethod.objects.create(name="bpost")
    orders = [placed(shipping_method=bpost) for _ in range(3)]
    mark_paid(Order.objects.all())
    ship(orders[1], lines={orders[1].lines.get(): 1})
    # Everything is sent, but the owner keeps the order open.
    ship(orders[2], handled=False)
    tree = page(desk, CURRENT)
    steps = [step_of(tree, order) for order in orders]
    assert [words for words, _url in steps[:2]] == ["Ship…", "Ship…"]
    for words, url in steps:
        if words == "Ship…":
            address, dialog = url.split("#")
            assert page(desk, address).xpath(f"//*[@id='{dialog}']"), url


@pytest.mark.parametrize(
    ("name", "said"), [("unpaid", "is marked as paid"), ("cancelled", "is archived")], ids=["pay", "archive"]
)
def test_a_rows_button_does_it_and_leads_back_to_the_same_listing(name, said, desk):
    order, other = placed(customer_name="Amélie"), placed()
    if name == "cancelled":
        cancel(order)
    query = [("q", "amélie"), ("country", "BE"), ("ordering", "-total")]
    tree = page(desk, address(CURRENT, query))
    _words, url = step_of(tree, order)
    [form] = tree.xpath("//form[@id='orders-step']")
    assert form.get("method") == "post"
    [next_url] = form.xpath("./input[@name='next']/@value")
    assert form.xpath("./input[@name='csrfmiddlewaretoken']/@value")
    response = desk.post(url, {"next": next_url})
    assert response.status_code == 302
    assert urlsplit(response.url).path == CURRENT
    assert parse_qs(urlsplit(response.url).query) == {
        "q": ["amélie"],
        "country": ["BE"],
        "ordering": ["-total"],
    }
    back = page(desk, response.url)
    assert f"Order {order.number} {said}." in text_of(back)
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.payment_status, fresh.is_archived) == (
        ("paid", False) if name == "unpaid" else ("unpaid", True)
    )
    assert Order.objects.get(pk=other.pk).version == 1


def test_a_rows_button_leads_back_to_the_same_page_of_the_listing(desk):
    for count in range(51):
        placed(number=f"n-{count:02}")
    for base in (CURRENT, CURRENT + "results/"):
        tree = page(desk, address(base, [("ordering", "number"), ("p", 2), ("_w_filter_fragment", 1)]))
        [next_url] = tree.xpath("//form[@id='orders-step']/input[@name='next']/@value")
        assert urlsplit(next_url).path == CURRENT
        assert parse_qs(urlsplit(next_url).query) == {"ordering": ["number"], "p": ["2"]}


def test_a_rows_button_does_not_lead_to_a_foreign_site(desk):
    order = placed()
    url = reverse("wagtail_orders:action", args=[order.pk, "mark-paid"])
    for foreign in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        response = desk.post(url, {"next": foreign})
        assert response.url == f"/admin/orders/{order.pk}/"


def test_a_rows_menu_offers_the_rest(desk):
    order, cancelled = placed(), placed()
    cancel(cancelled)
    tree = page(desk, CURRENT)
    menu = text_of(row_of(tree, order).xpath(".//div[@data-w-dropdown-target='content']")[0])
    assert menu == "Ship… Order handled Cancel… Delete…"
    menu = text_of(row_of(tree, cancelled).xpath(".//div[@data-w-dropdown-target='content']")[0])
    assert menu == "Reopen order Delete…"


def test_who_may_only_look_sees_no_tick_box_no_step_and_no_bulk_bar(client, django_user_model):
    order = placed()
    client.force_login(user_with(django_user_model, "view_order"))
    tree = page(client, CURRENT)
    assert numbers(tree) == [order.number]
    assert not tree.xpath("//*[@data-bulk-action-checkbox]")
    assert not tree.xpath("//*[@data-bulk-action-footer]")
    assert not tree.xpath("//*[@data-bulk-action-select-all-checkbox]")
    assert not tree.xpath("//*[@formaction]")
    assert "Next step" not in text_of(tree)
    assert "Mark as paid" not in text_of(tree)


@pytest.mark.parametrize(
    ("codename", "bulk", "step"),
    [
        (
            "change_order",
            ["Mark as paid", "Ship…", "Order handled", "Archive", "Cancel"],
            ("Mark as paid", None),
        ),
        ("delete_order", ["Delete"], None),
        (("view_order", "export_order"), ["Print", "Export"], None),
    ],
)
def test_who_may_do_part_is_offered_that_part(codename, bulk, step, client, django_user_model):
    order = placed()
    codenames = [codename] if isinstance(codename, str) else codename
    client.force_login(user_with(django_user_model, *codenames))
    tree = page(client, CURRENT)
    assert [text_of(link) for link in tree.xpath("//a[@data-bulk-action-button]")] == bulk
    assert (step_of(tree, order) or [None])[0] == (step or [None])[0]
    assert ("Delete…" in text_of(row_of(tree, order))) == (codename == "delete_order")


def test_each_state_offers_the_bulk_actions_it_has_a_use_for(desk):
    placed()
    archive_me = placed()
    cancel(archive_me)
    archive(archive_me)
    offered = {
        base: [text_of(link) for link in page(desk, base).xpath("//a[@data-bulk-action-button]")]
        for base in (CURRENT, ARCHIVE, ALL)
    }
    assert offered[CURRENT] == [
        "Mark as paid",
        "Ship…",
        "Order handled",
        "Archive",
        "Print",
        "Export",
        "Cancel",
        "Delete",
    ]
    assert offered[ARCHIVE] == ["Mark as paid", "Take back from the archive", "Print", "Export", "Delete"]
    assert len(offered[ALL]) == 9


# What it costs


@pytest.mark.parametrize("rows", [20, 50])
@pytest.mark.parametrize("codenames", [(), ("view_order",), ("change_order", "delete_order")], ids=str)
def test_a_page_of_rows_takes_two_queries_for_orders_and_nine_in_all(
    rows, codenames, client, owner, django_user_model
):
    client.force_login(user_with(django_user_model, *codenames) if codenames else owner)
    for count in range(rows):
        order = placed(customer_note="Ring" if count % 2 else "")
        if count % 3:
            add_note(order, text="Ready")
    page(client, CURRENT)
    # Django reads the permissions of who is no superuser in two queries, and Wagtail's menu asks three times more.
    most = 9 if not codenames else 11
    for url in (
        CURRENT,
        ALL,
        CURRENT + "?q=zoe&payment_status=unpaid&country=BE",
        CURRENT + "results/?q=zoe",
    ):
        with CaptureQueriesContext(connection) as queries:
            tree = page(client, url)
        assert len(numbers(tree)) == rows
        ours = [query["sql"] for query in queries if 'FROM "wagtail_orders_order"' in query["sql"]]
        assert len(ours) <= 2
        assert len(queries) <= most, "\n".join(query["sql"][:120] for query in queries)


# Text from outside


def test_hostile_text_in_every_field_shows_as_text(desk):
    method = ShippingMethod.objects.create(name=HOSTILE)
    hostile = dict.fromkeys(("name", "company", "street", "city", "region", "phone"), HOSTILE)
    where = replace(IXELLES, **hostile)
    order = placed(
        number=HOSTILE,
        customer_name=HOSTILE,
        email="zoe@example.com",
        phone=HOSTILE,
        customer_note=HOSTILE,
        billing_address=where,
        shipping_address=where,
        shipping_method=method,
        payment_method=HOSTILE,
        lines=[replace(MUG, sku=HOSTILE, name=HOSTILE)],
    )
    add_note(order, text=HOSTILE)
    cancel(order, reason=HOSTILE)
    query = urlencode(
        [("q", HOSTILE), ("payment_method", HOSTILE), ("shipping_method", method.pk), ("x", HOSTILE)]
    )
    for base in (CURRENT, ARCHIVE, ALL, CURRENT + "results/"):
        for url in (base, f"{base}?{query}", f"{base}?q={quote(HOSTILE)}nobody"):
            words = desk.get(url).content.decode()
            assert HOSTILE not in words, url
            assert HOSTILE.upper() not in words, url
            assert "&lt;script&gt;" in words or base == ARCHIVE, url
    tree = page(desk, f"{CURRENT}?{query}")
    assert numbers(tree) == [HOSTILE]
    # Its menu's label and its tick-box's too.
    assert f"Select order {HOSTILE}" in tree.xpath("//@aria-label")
    tree = page(desk, f"/admin/orders/{order.pk}/?list={quote('current?' + query)}")
    assert not tree.xpath("//script[contains(text(), 'alert(1)')]")


def test_what_was_typed_into_the_address_is_no_markup(desk):
    placed()
    for url in (
        f"{CURRENT}?{quote(HOSTILE)}={quote(HOSTILE)}",
        f'{CURRENT}?x="><script>alert(1)</script>',
        f"{CURRENT}?ordering={quote(HOSTILE)}&p={quote(HOSTILE)}",
    ):
        assert HOSTILE not in desk.get(url).content.decode()


# Previous and next


def beside(client, order, place=None):
    """The numbers of the orders before and after it on its page."""
    url = f"/admin/orders/{order.pk}/"
    tree = page(client, f"{url}?{urlencode({'list': place})}" if place is not None else url)
    sides = []
    for rel in ("prev", "next"):
        links = tree.xpath(f"//nav[contains(@class, 'orders-neighbours')]//a[@rel='{rel}']")
        sides.append(text_of(links[0]) if links else None)
        for link in links:
            assert parse_qs(urlsplit(link.get("href")).query) == ({"list": [place]} if place else {})
    return tuple(sides)


def walked(client, place):
    """The numbers that "next" leads through from the listing's first order on, and back from the last one."""
    state, _sep, query = place.partition("?")
    base = {"current": CURRENT, "archived": ARCHIVE, "all": ALL}[state]
    listed = numbers(page(client, f"{base}?{query}"))
    by_number = {order.number: order for order in Order.objects.all()}
    there = [listed[0]]
    while (following := beside(client, by_number[there[-1]], place)[1]) is not None:
        there.append(following)
        assert len(there) <= len(listed)
    back = [listed[-1]]
    while (previous := beside(client, by_number[back[-1]], place)[0]) is not None:
        back.append(previous)
        assert len(back) <= len(listed)
    return listed, there, back[::-1]


@pytest.mark.parametrize(
    "place",
    [
        "current",
        "archived",
        "all",
        "current?ordering=placed_at",
        "all?ordering=number",
        "all?ordering=-number",
        "all?ordering=customer_name",
        "all?ordering=-customer_name",
        "all?ordering=total",
        "all?ordering=-total",
        "current?payment_status=paid&payment_status=partially_paid",
        "all?q=am%C3%A9lie&ordering=total",
        "all?q=am%C3%A9lie&country=BE&total_min=40",
        "all?ordering=nonsense",
    ],
)
def test_previous_and_next_walk_the_listing_as_it_is(place, desk):
    day = datetime(2026, 3, 10, tzinfo=UTC)
    for count in range(9):
        order = placed(
            number=f"{'ab'[count % 2]}-{count}",
            customer_name=("Amélie", "Bruno", "amélie")[count % 3],
            shipping_total=(5, 5, 9, Decimal("10.00"))[count % 4],
            placed_at=day + timedelta(days=count // 3),
        )
        if count in (1, 2, 4, 6):
            mark_paid(order)
        if count in (3, 6, 8):
            cancel(order)
            archive(order)
    listed, there, back = walked(desk, place)
    assert len(listed) >= 2
    assert there == listed
    assert back == listed


def test_previous_and_next_follow_a_projects_own_column(desk):
    for number, phone in (("a", "3"), ("b", "1"), ("c", "2"), ("d", "1")):
        placed(number=number, phone=phone)

    def with_phone(request, columns):
        columns.append(Column("phone", label="Phone", sort_key="phone"))

    with hooks.register_temporarily("construct_order_columns", with_phone):
        for place, expected in (("all?ordering=phone", "bdca"), ("all?ordering=-phone", "acdb")):
            assert walked(desk, place) == (list(expected),) * 3


def test_an_order_that_is_not_in_the_listing_still_has_its_place_in_it(desk):
    first, order, last = placed(number="1"), placed(number="2"), placed(number="3")
    mark_paid(first)
    mark_paid(last)
    assert beside(desk, order, "current?payment_status=paid&ordering=number") == ("1", "3")
    assert beside(desk, order, "current?payment_status=paid&ordering=-number") == ("3", "1")
    assert beside(desk, order, "archived") == (None, None)


def test_the_page_leads_to_the_current_orders_when_it_was_not_reached_from_a_listing(desk):
    first, second = placed(), placed()
    assert beside(desk, first) == (second.number, None)
    assert beside(desk, second) == (None, first.number)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "nonsense",
        "nonsense?q=x",
        "current?ordering=__class__",
        "current?ordering=search_text",
        "current?payment_status=nonsense",
        "current?total_min=x&placed_at_from=never",
        "current?" + "q=" + "x" * 3_000,
        "current?q=%00",
        "all?\r\nSet-Cookie: x=1",
        "https://evil.example/",
        "//evil.example/?x",
        "javascript:alert(1)",
        '"><script>alert(1)</script>',
        "current?" + HOSTILE,
        "archived?p=99&p=x",
        "list",
        "../../",
    ],
    ids=lambda place: ascii(place)[:40],
)
def test_a_listing_that_is_none_is_harmless(place, desk):
    order = placed()
    url = f"/admin/orders/{order.pk}/?{urlencode({'list': place})}"
    response = desk.get(url)
    assert response.status_code == 200
    words = response.content.decode()
    assert HOSTILE not in words
    for link in markup.fromstring(words).xpath("//main//a/@href"):
        known = ("/admin/", "#", "mailto:", "?", customer_url(order))
        assert link.startswith(known) or not link, link
    response = desk.post(f"/admin/orders/{order.pk}/mark-handled/?{urlencode({'list': place})}")
    assert response.status_code == 302
    assert urlsplit(response.url).netloc == ""
    assert response.url.startswith(f"/admin/orders/{order.pk}/")
    assert "Set-Cookie: x" not in str(response.headers)


def test_the_orders_page_leads_back_to_the_listing_it_was_reached_from(desk):
    order = placed()
    query = urlencode([("q", "zoé"), ("payment_status", "unpaid"), ("p", 1)])
    [link] = page(desk, f"{CURRENT}?{query}").xpath("//td[contains(@class, 'orders-number')]//a/@href")
    back = page(desk, link).xpath("//nav[@aria-label='Breadcrumb']//a/@href")
    assert f"{CURRENT}?q=zo%C3%A9&payment_status=unpaid" in back
    assert order.number


@pytest.mark.parametrize(
    ("query", "shown"), [("total_min=1e200000", 0), ("total_max=1e200000", 1), ("total_max=-1", 0)]
)
def test_a_sum_that_no_order_can_have_is_no_error(query, shown, desk):
    placed()
    assert len(numbers(page(desk, f"{CURRENT}?{query}"))) == shown
