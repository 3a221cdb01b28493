"""The owner's screens: the listings, the order's page, its buttons, and who may use them."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import NoReverseMatch, reverse
from wagtail.models import ModelLogEntry

from wagtail_orders.lifecycle import (
    add_note,
    archive,
    cancel,
    delete,
    mark_handled,
    mark_paid,
    record_payment,
    ship,
)
from wagtail_orders.models import Order

from .orders import IXELLES, MUG, placed

pytestmark = pytest.mark.django_db

LISTING = "wagtail_orders:list"
ARCHIVE = "wagtail_orders:archived"
HOSTILE = "<script>alert(1)</script>"


def page_of(order):
    return reverse("wagtail_orders:inspect", args=[order.pk])


def button(order, action):
    return reverse("wagtail_orders:action", args=[order.pk, action])


def user_with(django_user_model, *codenames):
    """Somebody who may enter the admin, with these permissions on orders."""
    group = Group.objects.create(name="-".join(codenames) or "nothing")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    group.permissions.add(*Permission.objects.filter(codename__in=codenames))
    user = django_user_model.objects.create_user(username="user-" + group.name, password="secret")
    user.groups.add(group)
    return user


@pytest.fixture
def desk(client, owner):
    client.force_login(owner)
    return client


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


@pytest.mark.parametrize("lines", [3, 100])
def test_the_orders_page_takes_as_many_queries_for_a_hundred_lines_as_for_three(
    desk, lines, django_assert_max_num_queries
):
    order = placed(lines=[MUG] * lines)
    desk.get(page_of(order))
    with django_assert_max_num_queries(14):
        desk.get(page_of(order))


def test_the_orders_page_shows_everything_about_it(desk, owner):
    order = placed(customer_note="Ring twice", discount_total=Decimal(2), phone="+32 470 12 34 56")
    record_payment(order, amount=10, method="bank_transfer", reference="REF-1")
    ship(order, tracking_number="3232", tracking_url="https://example.com/3232")
    add_note(order, text="Ready at the counter", user=owner)
    html = desk.get(page_of(order)).content.decode()
    for text in (
        "Tasse en grès « Forêt »",
        "MUG-F",
        "€18.50",
        "€40.00",
        "VAT 21 % included",
        "−€2.00",
        "1050 IXELLES",
        "Belgium",
        "+32 470 12 34 56",
        "Ring twice",
        "REF-1",
        "€30.00",
        "Partly paid",
        "https://example.com/3232",
        "Ready at the counter",
        "Payment received: €10.00 (Bank transfer)",
        "Placed: €40.00",
    ):
        assert text in html, text


def test_the_owner_marks_an_order_paid_handled_and_archived(desk, owner):
    order = placed()
    for action, said in (
        ("mark-paid", "is marked as paid"),
        ("mark-handled", "is handled"),
        ("archive", "is archived"),
    ):
        assert button(order, action) in desk.get(page_of(order)).content.decode()
        response = desk.post(button(order, action), follow=True)
        assert said in response.content.decode()
        assert response.redirect_chain == [(page_of(order), 302)]
    order.refresh_from_db()
    assert (order.payment_status, order.fulfillment_status, order.is_archived) == ("paid", "fulfilled", True)
    assert order.payments.get().recorded_by == owner
    assert {event.actor for event in order.events.exclude(kind="placed")} == {owner}


def test_each_step_can_be_taken_back(desk):
    order = placed()
    for verb in (mark_paid, mark_handled, archive):
        verb(order)
    for action in ("unarchive", "mark-unhandled", "mark-unpaid"):
        assert button(order, action) in desk.get(page_of(order)).content.decode()
        desk.post(button(order, action))
    order.refresh_from_db()
    assert (order.payment_status, order.fulfillment_status, order.is_archived) == (
        "unpaid",
        "unfulfilled",
        False,
    )


def test_what_cannot_be_done_is_said_and_changes_nothing(desk):
    order = placed()
    html = desk.get(page_of(order)).content.decode()
    assert button(order, "archive") not in html
    assert "It can be archived once it is handled" in html
    response = desk.post(button(order, "archive"), follow=True)
    assert "is neither handled nor cancelled yet" in response.content.decode()
    order.refresh_from_db()
    assert not order.is_archived


def test_a_second_click_says_that_it_was_so_already(desk):
    order = placed()
    desk.post(button(order, "mark-paid"))
    response = desk.post(button(order, "mark-paid"), follow=True)
    assert "was paid already" in response.content.decode()
    assert order.payments.count() == 1


def test_a_cancelled_order_says_so_and_can_be_archived(desk):
    order = placed()
    cancel(order)
    html = desk.get(page_of(order)).content.decode()
    assert "This order was cancelled" in html
    assert button(order, "mark-paid") not in html
    assert button(order, "archive") in html


def test_looking_changes_nothing(desk):
    order = placed()
    before = Order.objects.filter(pk=order.pk).values().get()
    desk.get(page_of(order))
    assert desk.get(button(order, "mark-paid")).status_code == 405
    assert Order.objects.filter(pk=order.pk).values().get() == before
    assert order.events.count() == 1


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
    from django.test import Client

    order = placed()
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post(button(order, "mark-paid")).status_code == 403
    assert not order.payments.exists()


def test_text_from_outside_shows_as_text(desk):
    order = placed(
        customer_name=HOSTILE,
        customer_note=HOSTILE,
        phone=HOSTILE,
        billing_address=IXELLES.__class__(name=HOSTILE, street=HOSTILE, city=HOSTILE, country="BE"),
        lines=[
            MUG.__class__(sku=HOSTILE, name=HOSTILE, quantity=1, unit_price=1, options=[(HOSTILE, HOSTILE)])
        ],
    )
    ship(order, tracking_number=HOSTILE)
    for url in (reverse(LISTING), page_of(order)):
        html = desk.get(url).content.decode()
        assert HOSTILE not in html
        assert HOSTILE.upper() not in html
        assert "&lt;script&gt;" in html


def test_a_link_that_is_none_is_not_rendered(desk):
    order = placed()
    parcel = ship(order, tracking_number="1")
    type(parcel).objects.filter(pk=parcel.pk).update(tracking_url="javascript:alert(1)")
    assert "javascript:" not in desk.get(page_of(order)).content.decode()


def test_orders_cannot_be_written_in_the_admin(desk):
    html = desk.get(reverse(LISTING)).content.decode()
    assert "/add/" not in html
    assert "snippets/choose/wagtail_orders" not in html
    for name in ("add", "copy", "delete", "usage", "history"):
        with pytest.raises(NoReverseMatch):
            reverse(f"wagtail_orders:{name}", args=[] if name == "add" else [1])


# Who, and what they get: the listings and the page, and the buttons.
ROLES = [
    ((), 302, 302),
    (("view_order",), 200, 302),
    (("change_order",), 200, 200),
    (("delete_order",), 200, 302),
    (("add_order",), 302, 302),
]


@pytest.mark.parametrize(("codenames", "may_look", "may_act"), ROLES, ids=lambda value: str(value))
def test_every_url_checks_permissions_itself(client, django_user_model, codenames, may_look, may_act):
    order = placed()
    mark_handled(order)
    client.force_login(user_with(django_user_model, *codenames))
    for url in (
        reverse(LISTING),
        reverse("wagtail_orders:list_results"),
        reverse(ARCHIVE),
        reverse("wagtail_orders:archived_results"),
        page_of(order),
    ):
        assert client.get(url).status_code == may_look, url
    response = client.post(button(order, "archive"))
    order.refresh_from_db()
    assert order.is_archived == (may_act == 200)
    assert response.status_code == 302
    assert (response.url == page_of(order)) == (may_act == 200)


def test_who_may_only_look_sees_no_button(client, django_user_model):
    order = placed()
    client.force_login(user_with(django_user_model, "view_order"))
    html = client.get(page_of(order)).content.decode()
    assert button(order, "mark-paid") not in html
    assert order.number in html


def test_a_stranger_is_sent_to_the_login(client):
    order = placed()
    for url in (reverse(LISTING), page_of(order)):
        response = client.get(url)
        assert response.status_code == 302
        assert reverse("wagtailadmin_login") in response.url


def test_wagtails_own_bulk_deletion_does_not_reach_orders(desk):
    order = placed()
    url = reverse("wagtail_bulk_action", args=["wagtail_orders", "order", "delete"])
    for chosen in (f"id={order.pk}", "id=all"):
        assert desk.get(f"{url}?{chosen}", follow=True).status_code == 404
        assert desk.post(f"{url}?{chosen}", follow=True).status_code == 404
    assert list(Order.objects.all()) == [order]


def test_a_deletion_is_in_wagtails_log_with_who_did_it(owner):
    order = placed()
    delete(order, user=owner)
    entry = ModelLogEntry.objects.get(action="wagtail_orders.deleted")
    assert (entry.label, entry.user, entry.deleted) == (order.number, owner, True)


def test_a_note_whose_author_is_gone_is_still_shown(desk, django_user_model):
    order = placed()
    leaver = django_user_model.objects.create_user("leaver")
    add_note(order, text="By somebody who left", user=leaver)
    add_note(order, text="By the system")
    leaver.delete()
    html = desk.get(page_of(order)).content.decode()
    assert "By somebody who left" in html
    assert "By the system" in html


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
    response = desk.post(url, {"shop_name": "Atelier", "number_prefix": "B-", "time_zone": "Europe/Paris"})
    assert response.status_code == 302
    assert placed(site=site).number.startswith("B-")
    refused = desk.post(url, {"number_prefix": "no spaces", "time_zone": "Mars/Base"})
    assert refused.status_code == 200
    html = refused.content.decode()
    assert "Use letters, digits" in html
    assert "Select a valid choice" in html
