"""What the example shop adds to the order desk by the package's hooks: gift messages, and the demo's."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.users.models import UserProfile

from example_site.shop.demo.orders import DemoOrders, gift
from example_site.shop.demo.people import GIFT_MESSAGES
from example_site.shop.demo.site import build_shipping_methods, build_site
from wagtail_orders.models import Order

from .orders import placed

pytestmark = pytest.mark.django_db

LISTING = reverse("wagtail_orders:list")
MARK = "With a gift message"
HOSTILE = "<script>alert('Zoë')</script>"


def with_gift(message="Happy birthday!", **changes):
    return placed(data={"gift_message": message}, **changes)


def listing(desk):
    return desk.get(LISTING).content.decode()


def page(desk, order):
    return desk.get(reverse("wagtail_orders:inspect", args=[order.pk])).content.decode()


def row_of(order, html):
    (row,) = [row for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL) if f">{order.number}</a>" in row]
    return row


def headings(html):
    """The column headings of the listing, in their order."""
    head = re.search(r"<thead>.*?</thead>", html, re.DOTALL)[0]
    return [
        " ".join(re.sub(r"<[^>]+>", " ", cell).split())
        for cell in re.findall(r"<th.*?</th>", head, re.DOTALL)
    ]


def panels(html):
    """The order's panels by name, in their order."""
    return dict(re.findall(r'<section[^>]* id="orders-panel-(\w+)-section"(.*?)</section>', html, re.DOTALL))


def test_the_listing_marks_the_orders_that_go_with_a_gift_message(desk):
    gift_order, plain = with_gift(), placed()
    html = listing(desk)
    row = row_of(gift_order, html)
    assert '<use href="#icon-gift">' in row
    assert f'<span class="w-sr-only">{MARK}</span>' in row
    assert "icon-gift" not in row_of(plain, html)
    assert MARK not in row_of(plain, html)


@pytest.mark.parametrize("data", [{}, {"gift_message": ""}, {"source": "counter"}])
def test_an_order_without_a_message_has_neither_mark_nor_panel(desk, data):
    order = placed(data=data)
    assert "icon-gift" not in row_of(order, listing(desk))
    shown = panels(page(desk, order))
    assert "customer" in shown
    assert "gift" not in shown


def test_the_gift_stands_between_the_customer_and_the_items(desk):
    with_gift()
    names = headings(listing(desk))
    at = names.index("Gift")
    assert (names[at - 1], names[at + 1]) == ("Customer", "Items")


def test_somebody_who_may_only_look_sees_the_gift_too(client, django_user_model):
    user = django_user_model.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=["access_admin", "view_order"]))
    client.force_login(user)
    order = with_gift()
    assert MARK in row_of(order, listing(client))
    assert "gift" in panels(page(client, order))


def test_the_listing_takes_as_many_queries_for_many_gifts_as_for_one(desk):
    with_gift()
    listing(desk)
    with CaptureQueriesContext(connection) as one:
        listing(desk)
    for _ in range(10):
        with_gift()
    with CaptureQueriesContext(connection) as many:
        assert listing(desk).count(f">{MARK}</span>") == 11
    assert len(many) == len(one)


def test_the_orders_page_shows_the_message_beside_the_customer_as_text(desk):
    html = page(desk, with_gift(f"Dear Zoë,\n{HOSTILE}"))
    shown = panels(html)
    assert list(shown)[-3:] == ["customer", "gift", "notes"]
    assert "Dear Zoë,<br>&lt;script&gt;alert(&#x27;Zoë&#x27;)&lt;/script&gt;" in shown["gift"]
    assert "<script>alert" not in html


def test_the_gift_panel_takes_no_query(desk):
    plain, gift_order = placed(email="a@example.com"), with_gift(email="b@example.com")
    page(desk, plain)
    with CaptureQueriesContext(connection) as without:
        page(desk, plain)
    with CaptureQueriesContext(connection) as with_panel:
        page(desk, gift_order)
    assert len(with_panel) == len(without)


def test_the_gift_has_its_icon(desk):
    sprite = desk.get(reverse("wagtailadmin_sprite")).content.decode()
    assert 'id="icon-gift"' in sprite


def test_the_desk_speaks_of_gifts_in_french(desk, owner):
    UserProfile.objects.create(user=owner, preferred_language="fr")
    order = with_gift()
    assert "Avec un message cadeau" in row_of(order, listing(desk))
    gift_panel = panels(page(desk, order))["gift"]
    assert "Cadeau" in gift_panel
    assert "Happy birthday!" in gift_panel


@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")
def test_some_of_the_demos_orders_are_gifts_the_same_ones_each_time(site, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    build_site()
    build_shipping_methods()
    demo = DemoOrders(20, get_user_model().objects.create_superuser("admin"))
    for n in range(1, 21):
        demo.make(n)
    data = dict(Order.objects.values_list("idempotency_key", "data"))
    assert data == {f"demo-{n}": gift(n) for n in range(1, 21)}
    assert {} in data.values()
    assert any(content.get("gift_message") in GIFT_MESSAGES for content in data.values())


def test_a_gift_in_the_demo_is_neither_rare_nor_the_rule():
    gifts = [n for n in range(1, 201) if gift(n)]
    assert gifts == [n for n in range(1, 201) if gift(n)]
    assert 15 <= len(gifts) <= 50
    assert {gift(n)["gift_message"] for n in gifts} == set(GIFT_MESSAGES)
