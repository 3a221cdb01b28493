"""Parcels from the order's page: several at once, a part of the goods, pasted links, and what would happen first."""

from dataclasses import replace

import pytest
from django.urls import reverse

from wagtail_orders.lifecycle import cancel_shipment, ship, update_shipment
from wagtail_orders.models import Notification, Order, Shipment, ShippingMethod
from wagtail_orders.notifications import deliver

from .desk import (
    button,
    form_at,
    is_open,
    opened,
    page_of,
    parsed,
    raw,
    said,
    send,
    tables,
    typed_into,
    user_with,
    words,
)
from .orders import IXELLES, MUG, placed

pytestmark = pytest.mark.django_db

VALID, DOUBTFUL = "RB123456785GB", "RB123456786GB"


@pytest.fixture
def bpost():
    return ShippingMethod.objects.create(
        name="bpost",
        carrier="bpost",
        tracking_url_template="https://track.bpost.cloud/btr/web/#/search?itemCode={number}&lang={language}",
    )


@pytest.fixture
def postnl():
    return ShippingMethod.objects.create(
        name="PostNL",
        carrier="postnl",
        tracking_url_template="https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postcode}",
    )


@pytest.fixture
def order(bpost):
    """Two mugs and two bowls."""
    return placed(lines=[MUG, replace(MUG, sku="BOWL", name="Bol")], shipping_method=bpost, notify=False)


def parcels(order):
    return list(order.shipments.order_by("pk"))


def quantity(order, sku):
    return f"quantity_{order.lines.get(sku=sku).pk}"


def rehearse(desk, order, slug="ship", *, name="rehearse", **typed):
    form = form_at(opened(desk, order), button(order, slug))
    values = typed_into(form, slug, **typed)
    return desk.post(reverse(f"wagtail_orders:{name}", args=[order.pk, slug]), values)


def told(response):
    assert response.status_code == 200
    return words(parsed(response))


def path_to(order, parcel, slug):
    return reverse("wagtail_orders:parcel", args=[order.pk, parcel.pk, slug])


def correct(desk, order, parcel, **typed):
    form = form_at(opened(desk, order), path_to(order, parcel, "correct"))
    return desk.post(form.get("action"), typed_into(form, "correct", parcel, **typed))


# --- Several at once


def test_several_numbers_are_several_parcels_with_one_mail_that_names_them_all(desk, order, mailoutbox):
    response = send(
        desk, order, "ship", tracking_number="3232 0001\n32320002, 32320003", notify_customer="on"
    )
    assert said(response) == [f"3 parcels of order {order.number} are on their way."]
    assert [parcel.tracking_number for parcel in parcels(order)] == ["32320001", "32320002", "32320003"]
    first, *others = parcels(order)
    assert first.lines.count() == 2
    assert not any(parcel.lines.exists() for parcel in others)
    (told,) = {parcel.notified_at for parcel in parcels(order)}
    assert told is not None
    order.refresh_from_db()
    assert order.is_handled
    events = order.events.filter(kind="shipped").order_by("pk")
    assert [event.data["notify_customer"] for event in events] == [False, False, True]


def test_the_mail_has_each_link(desk, order, django_capture_on_commit_callbacks, mailoutbox):
    with django_capture_on_commit_callbacks(execute=True):
        send(desk, order, "ship", tracking_number="32320001\n32320002", notify_customer="on")
    deliver.sweep()
    (mail,) = mailoutbox
    assert mail.to == [order.email]
    for parcel in parcels(order):
        assert parcel.tracking_url in mail.body


def test_the_mail_goes_while_one_of_its_parcels_does(
    desk, order, django_capture_on_commit_callbacks, mailoutbox
):
    with django_capture_on_commit_callbacks(execute=True):
        send(desk, order, "ship", tracking_number="32320001\n32320002", notify_customer="on")
        first, last = parcels(order)
        cancel_shipment(last)
    deliver.sweep()
    (mail,) = mailoutbox
    assert first.tracking_number in mail.body
    assert last.tracking_number not in mail.body


def test_no_mail_goes_about_parcels_that_were_all_cancelled(
    desk, order, django_capture_on_commit_callbacks, mailoutbox
):
    with django_capture_on_commit_callbacks(execute=True):
        send(desk, order, "ship", tracking_number="32320000", notify_customer=None, handled=None)
        send(desk, order, "another", tracking_number="32320001\n32320002", notify_customer="on")
        for parcel in parcels(order):
            cancel_shipment(parcel)
    deliver.sweep()
    assert mailoutbox == []


def test_a_number_named_twice_is_one_parcel(desk, order):
    send(desk, order, "ship", tracking_number="32320001\n32320001\n")
    assert len(parcels(order)) == 1


def test_more_parcels_than_anybody_sends_at_once_are_a_mistake(desk, order):
    refused = send(desk, order, "ship", tracking_number="\n".join(f"3232{count:04}" for count in range(101)))
    assert refused.status_code == 422
    assert "These are 101 parcels; 100 at a time can be sent." in words(parsed(refused))
    assert not parcels(order)


def test_a_second_click_sends_nothing_twice(desk, order):
    page = opened(desk, order)
    send(desk, order, "ship", at=page, tracking_number="32320001")
    again = send(desk, order, "ship", at=page, tracking_number="32320001")
    assert again.status_code == 409
    assert len(parcels(order)) == 1


# --- A part of it


def test_all_that_is_left_stands_there_and_a_part_is_possible(desk, order):
    form = form_at(opened(desk, order), button(order, "ship"))
    assert form.fields[f"ship-{quantity(order, 'MUG-F')}"] == "2"
    send(desk, order, "ship", handled=None, **{quantity(order, "MUG-F"): "1", quantity(order, "BOWL"): ""})
    (parcel,) = parcels(order)
    assert [(row.line.sku, row.quantity) for row in parcel.lines.all()] == [("MUG-F", 1)]
    order.refresh_from_db()
    assert order.fulfillment_status == "partially_fulfilled"
    form = form_at(opened(desk, order), button(order, "ship"))
    assert form.fields[f"ship-{quantity(order, 'MUG-F')}"] == "1"
    assert form.fields[f"ship-{quantity(order, 'BOWL')}"] == "2"


def test_a_part_may_be_all_that_is_ever_sent(desk, order):
    send(desk, order, "ship", handled="on", **{quantity(order, "MUG-F"): "1"})
    order.refresh_from_db()
    assert order.is_handled


@pytest.mark.parametrize("typed", ["3", "-1", "x"])
def test_a_quantity_that_is_not_left_is_refused_and_what_was_typed_stays(desk, order, typed):
    before = tables()
    refused = send(desk, order, "ship", tracking_number="32320001", **{quantity(order, "MUG-F"): typed})
    assert refused.status_code == 422
    assert tables() == before
    form = form_at(parsed(refused), button(order, "ship"))
    assert form.fields[f"ship-{quantity(order, 'MUG-F')}"] == typed
    (part,) = form.xpath(".//details")
    assert "open" in part.attrib
    assert part.xpath(".//*[@class='error-message']")


def test_an_empty_parcel_is_none(desk, order):
    refused = send(desk, order, "ship", **{quantity(order, "MUG-F"): "0", quantity(order, "BOWL"): "0"})
    assert refused.status_code == 422
    assert "there must be something in the parcel" in words(parsed(refused))
    assert not parcels(order)


# --- A further parcel


def test_another_parcels_number_may_come_late(desk, order):
    assert form_at(opened(desk, order), button(order, "another")) is None
    send(desk, order, "ship", tracking_number="32320001")
    page = opened(desk, order)
    assert form_at(page, button(order, "ship")) is None
    response = send(desk, order, "another", tracking_number="32320002", notify_customer=None)
    assert said(response) == [f"A parcel of order {order.number} is on its way."]
    _first, second = parcels(order)
    assert (second.tracking_number, second.lines.count(), second.notified_at) == ("32320002", 0, None)
    order.refresh_from_db()
    assert order.is_handled


def test_another_parcel_leaves_an_order_open_that_was_left_open(desk, order):
    send(desk, order, "ship", tracking_number="32320001", handled=None)
    send(desk, order, "another", tracking_number="32320002")
    order.refresh_from_db()
    assert not order.is_handled
    assert len(parcels(order)) == 2


# --- Links instead of numbers


def test_a_pasted_link_tells_the_number_and_the_carrier(desk, order, postnl):
    link = "https://track.bpost.cloud/btr/web/#/search?itemCode=323200001234&lang=nl"
    send(desk, order, "ship", shipping_method=str(postnl.pk), tracking_number=link)
    (parcel,) = parcels(order)
    assert (parcel.shipping_method.name, parcel.tracking_number) == ("bpost", "323200001234")
    assert parcel.tracking_url.endswith("itemCode=323200001234&lang=en")


def test_a_pasted_link_is_kept_where_the_method_needs_more_than_a_number(desk, order, postnl):
    link = "https://jouw.postnl.nl/track-and-trace/3SABCD1234567-NL-1506BA"
    send(desk, order, "ship", tracking_number=link)
    (parcel,) = parcels(order)
    assert (parcel.shipping_method, parcel.tracking_number) == (postnl, "3SABCD1234567")
    assert parcel.tracking_url == link


def test_a_link_of_a_carrier_that_nobody_knows_is_kept_as_it_is(desk, order):
    send(desk, order, "ship", tracking_number="https://pigeons.example.com/where/is/it?n=7")
    (parcel,) = parcels(order)
    assert (parcel.tracking_number, parcel.tracking_url) == (
        "",
        "https://pigeons.example.com/where/is/it?n=7",
    )


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "//evil.example.com/1",
        "ftp://example.com/1",
        "www.bpost.be/1",
        "data:text/html,x",
    ],
)
def test_what_looks_like_a_link_and_is_none_is_refused(desk, order, text):
    refused = send(desk, order, "ship", tracking_number=text)
    assert refused.status_code == 422
    assert "is no web address" in words(parsed(refused))
    assert not parcels(order)


def test_of_two_methods_with_the_same_link_the_chosen_one_stays(desk, order, bpost):
    pickup = ShippingMethod.objects.create(
        name="bpost pick-up", carrier="bpost", tracking_url_template=bpost.tracking_url_template, sort_order=9
    )
    link = "https://track.bpost.cloud/btr/web/#/search?itemCode=323200001234&lang=nl"
    send(desk, order, "ship", shipping_method=str(pickup.pk), tracking_number=link)
    assert parcels(order)[0].shipping_method == pickup


def test_a_method_that_is_new_to_this_process_can_be_chosen(desk, order):
    page = opened(desk, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wagtail_orders.admin.parcel_forms.found", lambda: {"shipping_methods": []})
        new = ShippingMethod.objects.create(name="New")
        form = form_at(page, button(order, "ship"))
        values = typed_into(form, "ship", tracking_number="1") | {"ship-shipping_method": str(new.pk)}
        assert desk.post(form.get("action"), values).status_code == 302
    assert parcels(order)[0].shipping_method == new


# --- A number with a wrong check digit


def test_a_doubtful_number_is_questioned_and_sent_if_it_is_right(desk, order):
    refused = send(desk, order, "ship", tracking_number=DOUBTFUL)
    assert refused.status_code == 422
    again = parsed(refused)
    assert is_open(again, order, "ship")
    form = form_at(again, button(order, "ship"))
    assert f"Look once more: the check digit of {DOUBTFUL} does not fit." in words(form)
    (asked,) = form.xpath(".//*[@data-orders-certain]")
    assert "hidden" not in asked.attrib
    assert not parcels(order)
    desk.post(form.get("action"), typed_into(form, "ship", is_certain="on"))
    assert [parcel.tracking_number for parcel in parcels(order)] == [DOUBTFUL]


def test_a_number_that_fits_is_not_questioned(desk, order):
    (asked,) = form_at(opened(desk, order), button(order, "ship")).xpath(".//*[@data-orders-certain]")
    assert "hidden" in asked.attrib
    send(desk, order, "ship", tracking_number=VALID.lower())
    assert len(parcels(order)) == 1


@pytest.mark.parametrize("number", ["12/345", "DPD:0998ABC", "1Z.999", "A-1"])
def test_a_number_may_look_odd(desk, order, number):
    send(desk, order, "ship", tracking_number=number)
    assert [parcel.tracking_number for parcel in parcels(order)] == [number]


@pytest.mark.parametrize("number", ["3.23212E+23", "3E23"])
def test_a_number_that_a_spreadsheet_shortened_is_refused(desk, order, number):
    refused = send(desk, order, "ship", tracking_number=f"32320001\n{number}")
    assert refused.status_code == 422
    assert f"A spreadsheet shortened {number}." in words(parsed(refused))
    assert not parcels(order)


# --- What would happen


def test_a_rehearsal_tells_the_links_and_the_mail_and_writes_nothing(desk, order):
    order.email, order.language = "zoe@example.com", "fr"
    order.save()
    before = tables()
    text = told(rehearse(desk, order, tracking_number="32320001\n32320002", notify_customer="on"))
    assert tables() == before
    assert "itemCode=32320001&lang=fr" in text
    assert "itemCode=32320002&lang=fr" in text
    assert "Nothing is left to send. The order will be handled." in text
    assert f"This mail will go to zoe@example.com, in French: Votre commande {order.number}" in text
    mail = rehearse(
        desk, order, name="rehearse_mail", tracking_number="32320001\n32320002", notify_customer="on"
    )
    assert tables() == before
    assert "sandbox" in mail["Content-Security-Policy"]
    assert mail["X-Frame-Options"] == "SAMEORIGIN"
    html = mail.content.decode()
    assert "itemCode=32320001" in html
    assert "itemCode=32320002" in html


def test_the_mail_that_is_shown_is_the_mail_that_goes(
    desk, order, django_capture_on_commit_callbacks, mailoutbox
):
    typed = {"tracking_number": "32320001\n32320002", "notify_customer": "on"}
    shown = rehearse(desk, order, name="rehearse_mail", **typed).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        send(desk, order, "ship", **typed)
    deliver.sweep()
    (mail,) = mailoutbox
    assert mail.alternatives[0][0] == shown
    assert Notification.objects.get().html_body == shown


def test_a_rehearsal_tells_what_stays_to_be_sent_and_shows_no_mail_unasked(desk, order):
    text = told(
        rehearse(desk, order, handled=None, notify_customer=None, **{quantity(order, "MUG-F"): "1.5"})
    )
    assert "Still to be sent: 0.5 × Tasse en grès « Forêt »." in text
    assert "The order stays on the list of those to be sent." in text
    assert "Without a number nobody can follow it." in text
    assert "This mail" not in text


def test_a_rehearsal_says_what_a_link_lacks(desk, postnl):
    order = placed(
        shipping_method=postnl, shipping_address=replace(IXELLES, postal_code="", country="AE"), notify=False
    )
    text = told(rehearse(desk, order, tracking_number="3SABCD1234567"))
    assert "No link: it needs a postal code, and this order has none." in text


def test_a_rehearsal_tells_whose_link_was_pasted_even_if_no_method_goes_by_that_carrier(desk, order):
    text = told(
        rehearse(desk, order, tracking_number="https://www.ups.com/track?tracknum=1Z999AA10123456784")
    )
    assert "1Z999AA10123456784 read from a link of UPS https://www.ups.com/track?tracknum=" in text


def test_a_rehearsal_tells_mistakes_and_doubts(desk, order):
    response = rehearse(desk, order, tracking_number=DOUBTFUL)
    assert "the check digit" in told(response)
    assert parsed(response).xpath("//*[@data-orders-doubt='yes']")
    assert "is no web address" in told(rehearse(desk, order, tracking_number="javascript:alert(1)"))


def test_a_rehearsal_escapes_what_was_typed(desk, order):
    response = rehearse(desk, order, tracking_number="<script>alert(1)</script>")
    assert "<script>" not in response.content.decode()


def test_a_rehearsal_of_an_order_that_somebody_changed_says_so(desk, order):
    form = form_at(opened(desk, order), button(order, "ship"))
    values = typed_into(form, "ship", tracking_number="32320001")
    ship(order, handled=False, lines={order.lines.first(): 1})
    response = desk.post(reverse("wagtail_orders:rehearse", args=[order.pk, "ship"]), values)
    assert "Somebody changed this order" in told(response)


def test_only_who_may_change_orders_rehearses_and_only_by_post(client, desk, order, django_user_model):
    url = reverse("wagtail_orders:rehearse", args=[order.pk, "ship"])
    assert desk.get(url).status_code == 405
    unknown = reverse("wagtail_orders:rehearse", args=[order.pk, "pay"])
    assert desk.post(unknown, follow=True).status_code == 404
    client.force_login(user_with(django_user_model, "view_order"))
    for name in ("rehearse", "rehearse_mail"):
        refused = client.post(
            reverse(f"wagtail_orders:{name}", args=[order.pk, "ship"]),
            raw(order, "ship", tracking_number="1"),
        )
        assert refused.status_code == 302
    assert not parcels(order)


# --- Afterwards


def test_a_parcels_number_is_corrected_and_its_link_with_it(desk, order, owner):
    send(desk, order, "ship", tracking_number="32320001")
    (parcel,) = parcels(order)
    response = correct(desk, order, parcel, tracking_number="32320009")
    assert said(response) == [f"The parcel of order {order.number} is corrected."]
    (parcel,) = parcels(order)
    assert parcel.tracking_number == "32320009"
    assert "itemCode=32320009" in parcel.tracking_url
    event = order.events.get(kind="shipment_updated")
    assert (event.actor, event.data["notify_customer"]) == (owner, False)
    assert "Parcel changed: 32320001 → 32320009" in words(opened(desk, order))


def test_another_method_or_a_link_of_its_own(desk, order, postnl):
    send(desk, order, "ship", tracking_number="32320001")
    (parcel,) = parcels(order)
    correct(desk, order, parcel, shipping_method=str(postnl.pk), tracking_url="https://example.com/mine")
    (parcel,) = parcels(order)
    assert (parcel.shipping_method, parcel.shipping_method_name) == (postnl, "PostNL")
    assert parcel.tracking_url == "https://example.com/mine"
    refused = correct(desk, order, parcel, tracking_url="javascript:alert(1)")
    assert refused.status_code == 422
    assert Shipment.objects.get().tracking_url == "https://example.com/mine"


def test_what_was_not_touched_follows_what_a_colleague_wrote_meanwhile(desk, order):
    send(desk, order, "ship", tracking_number="32321111")
    (parcel,) = parcels(order)
    page = opened(desk, order)
    update_shipment(parcel, tracking_number="32322222")
    form = form_at(page, path_to(order, parcel, "correct"))
    stale = desk.post(form.get("action"), typed_into(form, "correct", parcel, tracking_number="32323333"))
    assert stale.status_code == 409
    again = form_at(parsed(stale), path_to(order, parcel, "correct"))
    assert again.fields[f"correct-tracking_number-{parcel.pk}"] == "32323333"
    assert "itemCode=32322222" in again.fields[f"correct-tracking_url-{parcel.pk}"]
    assert desk.post(again.get("action"), typed_into(again, "correct", parcel)).status_code == 302
    (parcel,) = parcels(order)
    assert parcel.tracking_number == "32323333"
    assert "itemCode=32323333" in parcel.tracking_url


def test_a_number_that_came_from_elsewhere_does_not_stand_in_the_way(desk, order, postnl):
    parcel = ship(order, tracking_number="javascript:1, 2")
    assert correct(desk, order, parcel, shipping_method=str(postnl.pk)).status_code == 302
    (parcel,) = parcels(order)
    assert (parcel.shipping_method, parcel.tracking_number) == (postnl, "javascript:1, 2")


def test_a_parcel_has_one_number(desk, order):
    parcel = ship(order, tracking_number="32321111")
    refused = correct(desk, order, parcel, tracking_number="32321111, 32322222")
    assert refused.status_code == 422
    assert "These are 2 numbers; a parcel has one." in words(parsed(refused))


def test_the_customer_is_told_of_a_correction_only_if_that_is_ticked(
    desk, order, django_capture_on_commit_callbacks, mailoutbox
):
    with django_capture_on_commit_callbacks(execute=True):
        send(desk, order, "ship", tracking_number="32320001", notify_customer="on")
        (parcel,) = parcels(order)
        correct(desk, order, parcel, tracking_number="32320002")
    deliver.sweep()
    assert len(mailoutbox) == 1
    with django_capture_on_commit_callbacks(execute=True):
        correct(desk, order, parcel, tracking_number="32320003", notify_customer="on")
    deliver.sweep()
    assert len(mailoutbox) == 2
    assert "32320003" in mailoutbox[1].body


def test_a_parcel_is_cancelled_and_its_goods_are_to_be_sent_again(desk, order):
    send(desk, order, "ship", tracking_number="32320001")
    (parcel,) = parcels(order)
    form = form_at(opened(desk, order), path_to(order, parcel, "cancel-parcel"))
    response = desk.post(form.get("action"), dict(form.form_values()))
    assert said(response) == [
        f"A parcel of order {order.number} is cancelled; what was in it is to be sent again."
    ]
    assert parcels(order)[0].cancelled_at
    assert Order.objects.get(pk=order.pk).fulfillment_status == "unfulfilled"
    page = opened(desk, order)
    assert "Parcel cancelled: 32320001" in words(page)
    assert form_at(page, path_to(order, parcel, "correct")) is None
    assert form_at(page, button(order, "ship")) is not None


def test_a_parcel_that_was_cancelled_meanwhile_is_not_corrected(desk, order):
    send(desk, order, "ship", tracking_number="32320001")
    (parcel,) = parcels(order)
    page = opened(desk, order)
    cancel_shipment(parcel)
    form = form_at(page, path_to(order, parcel, "correct"))
    response = desk.post(form.get("action"), typed_into(form, "correct", parcel, tracking_number="1"))
    assert response.status_code == 409
    assert Shipment.objects.get().tracking_number == "32320001"


def test_another_orders_parcel_is_not_found(desk, order):
    other = placed()
    parcel = ship(other)
    assert desk.post(path_to(order, parcel, "correct"), follow=True).status_code == 404
    assert desk.post(path_to(other, parcel, "explode"), follow=True).status_code == 404


def test_who_may_only_look_sees_links_and_no_forms(client, order, django_user_model):
    ship(order, tracking_number="32320001")
    client.force_login(user_with(django_user_model, "view_order"))
    page = opened(client, order)
    (parcel,) = parcels(order)
    assert page.xpath(f"//a[@href='{parcel.tracking_url}']")
    assert form_at(page, path_to(order, parcel, "correct")) is None
    assert client.post(path_to(order, parcel, "cancel-parcel"), {}).status_code == 302
    assert parcels(order)[0].cancelled_at is None


def test_an_old_row_with_a_hostile_link_shows_none(desk, order):
    ship(order, tracking_number="32320001")
    Shipment.objects.update(tracking_url="javascript:alert(1)")
    assert "javascript:" not in desk.get(page_of(order)).content.decode()
