"""The demo's data: made once, kept when it is loaded again, in every state there is."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from wagtail.images import get_image_model
from wagtail.models import Page

from example_site.shop.demo.catalogue import SHOP
from example_site.shop.models import ProductPage
from wagtail_orders.models import (
    Notification,
    Order,
    OrderEvent,
    OrderNote,
    OrderSettings,
    Payment,
    Shipment,
    ShippingMethod,
)

# Wagtail leaves the temporary file of each picture it makes to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")


def load_demo(**options):
    out = StringIO()
    call_command("load_demo", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def demo(db, settings, tmp_path):
    settings.DEBUG = True
    settings.MEDIA_ROOT = tmp_path


def product(language):
    return ProductPage.objects.get(sku="MUG-F", locale__language_code=language)


def facts():
    """Everything the demo wrote, but for dates of reading."""
    counted = (
        Page,
        OrderEvent,
        OrderNote,
        Payment,
        Shipment,
        ShippingMethod,
        get_image_model(),
        get_user_model(),
    )
    orders = Order.objects.order_by("pk").values_list("number", "total", "payment_status", "updated_at")
    shops = OrderSettings.objects.order_by("pk").values()
    return [model.objects.count() for model in counted], list(orders), list(shops)


def shop_settings():
    return OrderSettings.objects.get(site__is_default_site=True)


def test_loading_the_demo_twice_keeps_its_data(demo):
    said = load_demo(orders=12)
    assert "For the demo only!" in said
    assert "12 of 12 made" in said
    before = facts()
    assert len(before[1]) == 12
    assert "all 12 there already" in load_demo(orders=12)
    assert facts() == before


def test_the_demo_says_whose_shop_it_is_with_a_logo_that_mails_can_show(demo):
    load_demo(orders=0)
    shop = shop_settings()
    shop.full_clean()
    assert {name: getattr(shop, name) for name in SHOP} == SHOP
    assert (shop.recipients, shop.color) == ("owner@example.com", "#2c5a43")
    assert shop.logo.file.name.endswith(".png")
    assert shop.logo.width == 400
    assert shop.logo.get_rendition("max-200x200").width == 200


def test_what_the_owner_has_set_is_kept_and_only_what_is_empty_is_filled(demo, site):
    OrderSettings.objects.create(site=site, shop_name="Anna’s pots", recipients="anna@example.com")
    load_demo(orders=0)
    shop = shop_settings()
    assert (shop.shop_name, shop.recipients) == ("Anna’s pots", "anna@example.com")
    assert shop.address == SHOP["address"]
    assert shop.logo is not None


def test_nobody_is_mailed_of_the_demos_orders(demo, site, mailoutbox, django_capture_on_commit_callbacks):
    OrderSettings.objects.create(site=site, mail_confirmation=True, mail_payment_received=True)
    with django_capture_on_commit_callbacks(execute=True):
        load_demo(orders=40)
    assert OrderEvent.objects.filter(dispatched_at=None).count() == 0
    assert Notification.objects.count() == 0
    assert mailoutbox == []


def test_a_demo_that_was_interrupted_goes_on_where_it_stopped(demo):
    load_demo(orders=3)
    first = facts()[1]
    assert "4 of 4 made" in load_demo(orders=7)
    assert facts()[1][:3] == first
    assert set(Order.objects.values_list("idempotency_key", flat=True)) == {f"demo-{n}" for n in range(1, 8)}


def test_the_demo_shows_orders_in_every_state(demo):
    load_demo(orders=40)
    states = {
        name: set(Order.objects.values_list(name, flat=True))
        for name in ("payment_status", "fulfillment_status", "status", "is_archived")
    }
    assert states == {
        "payment_status": {
            "unpaid",
            "pending",
            "partially_paid",
            "paid",
            "overpaid",
            "partially_refunded",
            "refunded",
        },
        "fulfillment_status": {"unfulfilled", "partially_fulfilled", "fulfilled"},
        "status": {"open", "cancelled"},
        "is_archived": {True, False},
    }
    assert Order.objects.filter(is_archived=True).count() == 24
    assert OrderNote.objects.exists()


def test_the_demo_has_a_page_for_each_product_in_both_languages_and_the_owner_can_log_in(demo, client):
    load_demo(orders=0)
    for language in ("en", "fr"):
        assert client.get(product(language).url).status_code == 200
    assert product("fr").picture.file.name.endswith(".svg")
    assert client.login(username="admin", password="admin")
    assert client.get("/admin/").status_code == 200


def test_the_demo_is_refused_where_debug_is_off(db):
    with pytest.raises(CommandError, match="DEBUG=True"):
        load_demo(orders=1)
    assert not get_user_model().objects.filter(username="admin").exists()
