"""The order desk in the admin: its place in the menu, the log and the settings, and what its screens cost."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from wagtail.models import ModelLogEntry

from wagtail_orders.lifecycle import (
    add_note,
    archive,
    delete,
    mark_handled,
    record_payment,
    ship,
)
from wagtail_orders.models import Order

from .desk import button, page_of, user_with
from .orders import MUG, placed

pytestmark = pytest.mark.django_db

LISTING = "wagtail_orders:list"
ARCHIVE = "wagtail_orders:archived"
HOSTILE = "<script>alert(1)</script>"


def test_the_menu_leads_to_the_current_orders(desk):
    home = desk.get(reverse("wagtailadmin_home"))
    assert reverse(LISTING) in home.content.decode()


def test_the_listing_shows_what_an_owner_needs(desk):
    order = placed()
    html = desk.get(reverse(LISTING)).content.decode()
    assert page_of(order) in html
    for text in (order.number, "Zoë Müller", "€42.00", "Unpaid", "To send"):
        assert text in html


def test_an_archived_order_is_in_the_archive_alone(desk):
    order = placed()
    mark_handled(order)
    archive(order)
    assert order.number not in desk.get(reverse(LISTING)).content.decode()
    assert order.number in desk.get(reverse(ARCHIVE)).content.decode()


def test_both_listings_say_what_an_empty_one_means(desk):
    assert "No orders yet" in desk.get(reverse(LISTING)).content.decode()
    assert "Nothing is archived yet" in desk.get(reverse(ARCHIVE)).content.decode()


def test_a_search_keeps_to_its_listing(desk):
    found, other = placed(customer_name="Amélie"), placed(customer_name="Bruno")
    html = desk.get(reverse("wagtail_orders:list_results"), {"q": "Amélie"}).content.decode()
    assert found.number in html
    assert other.number not in html
    assert "No order matches" in desk.get(reverse(LISTING), {"q": "Nobody"}).content.decode()


@pytest.mark.parametrize("ordering", ["number", "-number", "placed_at", "customer_name", "-total"])
def test_the_listing_can_be_sorted(desk, ordering):
    cheap = placed(customer_name="Aa")
    dear = placed(customer_name="Zz", shipping_total=Decimal(99))
    html = desk.get(reverse(LISTING), {"ordering": ordering}).content.decode()
    first, last = (dear, cheap) if ordering.startswith("-") else (cheap, dear)
    assert html.index(page_of(first)) < html.index(page_of(last))


@pytest.mark.parametrize("rows", [2, 20, 50])
def test_the_listing_takes_as_many_queries_for_fifty_rows_as_for_two(
    desk, rows, django_assert_max_num_queries
):
    for _ in range(rows):
        placed()
    desk.get(reverse(LISTING))
    with django_assert_max_num_queries(9):
        desk.get(reverse(LISTING))


def busy(order, owner, django_user_model):
    """All that may stand on an order's page beside its lines: parcels, payments, notes, other orders."""
    for count in range(12):
        record_payment(order, amount=1, method="bank_transfer", reference=f"REF-{count}", user=owner)
        author = django_user_model.objects.create_user(f"author-{count}")
        add_note(order, text=f"Note {count}", user=author)
    for line in order.lines.all()[:3]:
        ship(order, lines={line: 1}, tracking_number=f"{line.pk}", user=owner)
    alike = [placed(lines=[MUG] * order.lines.count()) for _ in range(3)]
    for _ in range(7):
        placed()
    return alike


def only_look(django_user_model):
    return user_with(django_user_model, "view_order")


def all_but_export(django_user_model):
    return user_with(django_user_model, "view_order", "change_order", "delete_order")


def queries_of(client, url):
    """What a page asks the database, and what of it Django and Wagtail ask for a user's permissions."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    statements = [query["sql"] for query in queries]
    permissions = [sql for sql in statements if re.search(r'FROM ["`]\w+permission', sql)]
    return [sql for sql in statements if sql not in permissions], permissions


@pytest.mark.parametrize("lines", [3, 300])
@pytest.mark.parametrize("reader", [None, only_look, all_but_export])
def test_an_orders_page_takes_fourteen_queries_whatever_stands_on_it(
    client, owner, django_user_model, reader, lines
):
    client.force_login(reader(django_user_model) if reader else owner)
    order = placed(lines=[MUG] * lines)
    client.get(page_of(order))
    quiet, permissions = queries_of(client, page_of(order))
    assert len(quiet) <= 14, "\n".join(quiet)
    alike = busy(order, owner, django_user_model)
    lively, _permissions = queries_of(client, page_of(order))
    assert len(lively) == len(quiet), "\n".join(lively)
    assert len(lively) <= 14, "\n".join(lively)
    # Two of Django for the user and the groups, three of Wagtail for its menu; a superuser needs none.
    assert len(permissions) == (5 if reader else 0)
    html = client.get(page_of(order)).content.decode()
    for text in ("Note 11", "REF-11", "1 of 2 sent", "All orders of this customer"):
        assert text in html
    assert alike[0].number in client.get(reverse("wagtail_orders:all")).content.decode()


def test_an_unknown_action_or_order_is_not_found(desk):
    order = placed()
    nowhere = Order(pk=order.pk + 1)
    for response in (
        desk.post(button(order, "explode"), follow=True),
        desk.post(button(nowhere, "archive"), follow=True),
        desk.get(page_of(nowhere), follow=True),
    ):
        assert response.status_code == 404


def test_a_post_without_its_token_is_refused(owner):
    order = placed()
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post(button(order, "mark-paid")).status_code == 403
    assert not order.payments.exists()


def test_orders_cannot_be_written_in_the_admin(desk):
    html = desk.get(reverse(LISTING)).content.decode()
    assert "/add/" not in html
    assert "snippets/choose/wagtail_orders" not in html
    for name in ("add", "copy", "delete", "usage", "history"):
        with pytest.raises(NoReverseMatch):
            reverse(f"wagtail_orders:{name}", args=[] if name == "add" else [1])


def test_a_deletion_is_in_wagtails_log_with_who_did_it(owner):
    order = placed()
    delete(order, user=owner)
    entry = ModelLogEntry.objects.get(action="wagtail_orders.deleted")
    assert (entry.label, entry.user, entry.deleted) == (order.number, owner, True)


def test_a_number_is_found_in_either_case(desk):
    placed(number="B-2026-x")
    for words in ("b-2026-X", "B-2026-x"):
        assert "B-2026-x" in desk.get(reverse(LISTING), {"q": words}).content.decode()


def test_site_history_tells_what_the_owner_did_and_leads_to_the_order(desk):
    order = placed()
    desk.post(button(order, "mark-paid"))
    html = desk.get(reverse("wagtailadmin_reports:site_history")).content.decode()
    assert "Paid: €42.00 (By hand)" in html
    assert page_of(order) in html


def test_the_settings_number_the_orders(desk, site):
    url = reverse("wagtailsettings:edit", args=["wagtail_orders", "ordersettings", site.pk])
    paper = {"paper_size": "a4", "address_window": "left"}
    facts = {"shop_name": "Atelier", "number_prefix": "B-", "time_zone": "Europe/Paris", **paper}
    response = desk.post(url, facts)
    assert response.status_code == 302
    assert placed(site=site).number.startswith("B-")
    refused = desk.post(url, {"number_prefix": "no spaces", "time_zone": "Mars/Base"})
    assert refused.status_code == 200
    html = refused.content.decode()
    assert "Use letters, digits" in html
    assert "Select a valid choice" in html
