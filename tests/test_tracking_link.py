"""From a parcel's number to the link that follows it, by itself and through the verbs."""

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError

from wagtail_orders.lifecycle import ship, update_shipment
from wagtail_orders.models import Shipment, ShippingMethod
from wagtail_orders.tracking import build_link, is_web_link

from .orders import IXELLES, placed

POST = "https://track.example.com/{language}/{country}/{postcode}?item={number}"


@pytest.fixture
def post(db):
    return ShippingMethod.objects.create(name="Post", tracking_url_template=POST)


@pytest.fixture
def courier(db):
    return ShippingMethod.objects.create(
        name="Courier", tracking_url_template="https://courier.example.com/{number}"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/a/b?c=d&e=%20#f",
        "HTTPS://EXAMPLE.COM/",
        "https://example.com:8443/é",
        "https://[2001:db8::1]/",
    ],
)
def test_a_web_address_is_a_link(url):
    assert is_web_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        42,
        "example.com",
        "//example.com/",
        "/track/1",
        "https:///track",
        "https://",
        "http://[",
        "javascript:alert(1)",
        "JavaScript://example.com/%0Aalert(1)",
        "data:text/html,x",
        "ftp://example.com/",
        "file:///etc/passwd",
        " https://example.com/",
        "https://example.com/a b",
        "https://example.com/\nb",
        "java\tscript:alert(1)",
        "https://example.com/\x00",
        'https://example.com/"onclick="x',
        "https://example.com/<script>",
        "https://example.com\\@evil.example",
        "https://example.com/{number}",
    ],
)
def test_what_is_no_safe_web_address_is_no_link(url):
    assert not is_web_link(url)


def test_a_link_is_made_of_the_number_and_the_place_it_goes_to():
    link = build_link(POST, number="3SABC", postcode="1050", country="BE", language="fr")

    assert link == "https://track.example.com/fr/BE/1050?item=3SABC"


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        ("1&x=2#top", "1%26x%3D2%23top"),
        ("../../login", "..%2F..%2Flogin"),
        ("3S 12/é", "3S12%2F%C3%A9"),
        ('"><script>', "%22%3E%3Cscript%3E"),
        ("{postcode}", "%7Bpostcode%7D"),
    ],
)
def test_a_number_cannot_change_where_the_link_leads(number, encoded):
    link = build_link("https://example.com/?p={postcode}&n={number}", number=number, postcode="1050")

    assert link == f"https://example.com/?p=1050&n={encoded}"


@pytest.mark.parametrize(
    ("template", "number"),
    [
        ("", "1"),
        (POST, ""),
        ("javascript:alert({number})", "1"),
        ("{number}", "https://evil.example"),
        ("https://example.com/{order}/{number}", "1"),
        ("https://example .com/{number}", "1"),
    ],
)
def test_there_is_no_link_without_a_template_a_number_and_a_safe_outcome(template, number):
    assert build_link(template, number=number) == ""


def test_a_parcel_takes_its_link_from_the_orders_own_method(post):
    order = placed(shipping_method=post, language="nl")

    shipment = ship(order, tracking_number="3S 1")

    assert shipment.tracking_url == "https://track.example.com/nl/BE/1050?item=3S1"
    assert (shipment.shipping_method, shipment.shipping_method_name) == (post, "Post")


def test_a_parcel_goes_to_the_shipping_address_not_to_the_bill(post):
    order = placed(shipping_method=post, shipping_address=replace(IXELLES, postal_code="75001", country="FR"))

    assert "/FR/75001?" in ship(order, tracking_number="1").tracking_url


def test_a_method_given_with_the_parcel_makes_the_link(post, courier):
    shipment = ship(placed(shipping_method=post), shipping_method=courier, tracking_number="1")

    assert shipment.tracking_url == "https://courier.example.com/1"
    assert shipment.shipping_method_name == "Courier"


def test_a_link_given_with_the_parcel_is_kept(post):
    shipment = ship(
        placed(shipping_method=post), tracking_number="1", tracking_url="https://other.example.com/x"
    )

    assert shipment.tracking_url == "https://other.example.com/x"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "example.com/1", "ftp://example.com/1"])
def test_a_parcel_with_an_unsafe_link_is_refused(post, url):
    order = placed(shipping_method=post)

    with pytest.raises(ValidationError) as refusal:
        ship(order, tracking_url=url)

    assert "starts with http:// or https://" in refusal.value.message_dict["tracking_url"][0]
    assert not Shipment.objects.exists()
    order.refresh_from_db()
    assert order.fulfillment_status == "unfulfilled"


@pytest.mark.django_db
def test_a_parcel_without_method_or_number_has_no_link(post):
    assert ship(placed(), tracking_number="1").tracking_url == ""
    assert ship(placed(shipping_method=post)).tracking_url == ""


def test_a_number_that_would_make_the_link_too_long_makes_none(post):
    shipment = ship(placed(shipping_method=post), tracking_number="包" * 255)

    stored = Shipment.objects.get(pk=shipment.pk)
    assert (stored.tracking_number, stored.tracking_url) == ("包" * 255, "")


def test_a_corrected_number_makes_a_new_link(courier):
    shipment = ship(placed(shipping_method=courier), tracking_number="1")

    assert update_shipment(shipment, tracking_number="2").tracking_url == "https://courier.example.com/2"


def test_a_corrected_method_makes_a_new_link(post, courier):
    shipment = ship(placed(shipping_method=post), tracking_number="1")

    corrected = update_shipment(shipment, shipping_method=courier)

    assert corrected.tracking_url == "https://courier.example.com/1"
    assert corrected.shipping_method_name == "Courier"


def test_a_corrected_number_keeps_a_link_given_with_it(courier):
    shipment = ship(placed(shipping_method=courier), tracking_number="1")

    corrected = update_shipment(shipment, tracking_number="2", tracking_url="https://other.example.com/2")

    assert corrected.tracking_url == "https://other.example.com/2"


def test_a_number_or_link_taken_away_leaves_no_link(courier):
    shipment = ship(placed(shipping_method=courier), tracking_number="1")

    assert update_shipment(shipment, tracking_url="").tracking_url == ""
    assert update_shipment(shipment, tracking_number="").tracking_url == ""


def test_an_unsafe_link_is_refused_in_a_correction_too(courier):
    shipment = ship(placed(shipping_method=courier), tracking_number="1")

    with pytest.raises(ValidationError) as refusal:
        update_shipment(shipment, tracking_url="javascript:alert(1)")

    assert list(refusal.value.message_dict) == ["tracking_url"]
    assert Shipment.objects.get().tracking_url == "https://courier.example.com/1"


def test_parcels_keep_their_link_when_the_owner_changes_the_method(courier):
    shipment = ship(placed(shipping_method=courier), tracking_number="1")
    courier.tracking_url_template, courier.name = "https://new.example.com/{number}", "New courier"
    courier.save()

    shipment.refresh_from_db()

    assert shipment.tracking_url == "https://courier.example.com/1"
    assert shipment.shipping_method_name == "Courier"


def test_parcels_keep_the_methods_name_when_the_owner_deletes_it(courier):
    shipment = ship(placed(shipping_method=courier), tracking_number="1")
    courier.delete()

    shipment.refresh_from_db()

    assert shipment.shipping_method is None
    assert shipment.shipping_method_name == "Courier"
    assert shipment.order.shipping_method_name == "Courier"
