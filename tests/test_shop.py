"""The example shop through the screen, from a product's page to the thank-you page."""

import re
import threading
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client, override_settings
from wagtail.models import Site

from example_site.shop.demo.site import build_settings, build_shipping_methods, build_site
from example_site.shop.models import ProductPage
from wagtail_orders.models import Order, ShippingMethod

# Wagtail leaves the temporary file of each picture it makes to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")

ZOE = {
    "customer_name": "Zoë Müller",
    "email": "zoe@example.com",
    "phone": "+32 470 11 22 33",
    "billing_company": "",
    "billing_street": "12 rue de l'Église",
    "billing_postal_code": "1050",
    "billing_city": "Ixelles",
    "billing_region": "",
    "billing_country": "BE",
    "payment_method": "bank_transfer",
    "customer_note": "",
}
HANAKO = {
    "other_address": "on",
    "shipping_name": "山田 花子",
    "shipping_street": "神宮前1-2-3\nコーポ青山 205",
    "shipping_postal_code": "150-0001",
    "shipping_city": "渋谷区",
    "shipping_region": "東京都",
    "shipping_country": "JP",
}


def open_shop():
    build_site()
    build_shipping_methods()
    build_settings()


@pytest.fixture(scope="class")
def open_all_day(django_db_setup, django_db_blocker, tmp_path_factory):
    """The shop, built once for a class of tests: its pages take longer to make than all the rest."""
    with (
        override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        open_shop()
        yield
        transaction.set_rollback(True)
    Site.clear_site_root_paths_cache()


@pytest.fixture
def shop(open_all_day, db):
    """The shop as it was built, whatever the test before did in it."""


def product_url(sku, language="en"):
    return ProductPage.objects.get(sku=sku, locale__language_code=language).url


def put_in_basket(client, sku, quantity="1", language="en", **choice):
    response = client.post(product_url(sku, language), {"quantity": quantity, **choice})
    assert response.status_code == 302, response.content.decode()
    return response


def filled_form(client, language="en", **changes):
    """What a browser sends after the customer filled in the checkout page as it stands now."""
    html = client.get(CHECKOUT[language]).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(basket_key|seen_prices)" value="([^"]*)">', html))
    method = re.search(r'name="shipping_method" value="(\d+)"', html)[1]
    return {**hidden, **ZOE, "shipping_method": method, **changes}


CHECKOUT = {"en": "/en/checkout/", "fr": "/fr/commande/"}


def order(client, language="en", **changes):
    """Send the filled form and show the page it leads to."""
    return client.post(CHECKOUT[language], filled_form(client, language, **changes), follow=True)


def text(response):
    return response.content.decode()


def put_session(client, content):
    session = client.session
    session.clear()
    session.update(content)
    session.save()


def quantities(client, *typed):
    """The basket's form with these quantities, in the order of its lines."""
    names = re.findall(r'name="([^"]+-quantity)"', text(client.get("/en/basket/")))
    return dict(zip(names, typed, strict=True))


class TestTheShop:
    def test_a_visitor_orders_from_the_product_page_to_the_thank_you_page(self, shop, client):
        assert "Forest mug" in text(client.get("/en/"))
        put_in_basket(client, "MUG-F", "2", glaze="1")
        put_in_basket(client, "BOOK-G")
        basket = text(client.get("/en/basket/"))
        assert "Night blue" in basket
        assert "€59.00" in basket

        response = order(client, customer_note="Ring twice.")

        placed = Order.objects.get()
        assert response.redirect_chain == [(f"/en/thank-you/{placed.token}/", 302)]
        page = text(response)
        assert placed.number in page
        assert "€64.00" in page
        assert "BE68 5390 0754 7034" in page
        assert "Ring twice." in page
        mug, book = placed.lines.all()
        assert (mug.sku, mug.quantity, mug.unit_price, mug.tax_rate) == ("MUG-F", 2, Decimal("18.50"), 21)
        assert mug.options == [["Glaze", "Night blue"]]
        assert (book.sku, book.tax_rate) == ("BOOK-G", 6)
        assert (placed.total, placed.shipping_total) == (Decimal("64.00"), Decimal("5.00"))
        assert (placed.language, placed.payment_method) == ("en", "bank_transfer")
        assert placed.shipping_method.name == placed.shipping_method_name == "bpost"
        assert {address.city for address in placed.addresses.all()} == {"Ixelles"}
        assert "Your basket is empty." in text(client.get("/en/basket/"))

    def test_the_whole_way_is_there_in_french(self, shop, client):
        put_in_basket(client, "MUG-F", "2", language="fr", glaze="0")
        assert "Votre panier" in text(client.get("/fr/panier/"))
        page = text(order(client, "fr", payment_method="on_delivery", billing_country="FR"))
        placed = Order.objects.get()
        assert "Merci, Zoë Müller" in page
        assert "42,00\xa0€" in page
        assert "Vous payez" in page
        assert "IBAN" not in page
        assert "21\xa0%" in page
        assert placed.language == "fr"
        assert placed.lines.get().name == "Tasse Forêt"
        assert placed.lines.get().options == [["Émail", "Mousse"]]

    def test_the_language_switch_keeps_the_product_and_the_basket(self, shop, client):
        put_in_basket(client, "TEAPOT")
        page = text(client.get(product_url("TEAPOT")))
        assert f'href="{product_url("TEAPOT", "fr")}"' in page
        assert 'href="/fr/panier/"' in text(client.get("/en/basket/"))
        assert "Théière Clairière" in text(client.get("/fr/panier/"))

    def test_countries_are_named_in_the_language_of_the_page_the_near_ones_first(self, shop, client):
        put_in_basket(client, "VASE-E")
        page = text(client.get(CHECKOUT["fr"]))
        assert (
            page.index("Belgique") < page.index("Afghanistan") < page.index("Éthiopie") < page.index("Japon")
        )

    @pytest.mark.parametrize("typed", ["1.250", "1,25"])
    def test_clay_is_sold_by_weight_with_a_point_or_a_comma(self, shop, client, typed):
        put_in_basket(client, "CLAY-R", typed)
        page = text(order(client))
        line = Order.objects.get().lines.get()
        assert (line.quantity, line.total) == (Decimal("1.25"), Decimal("6.13"))
        assert "1.25 kg Red stoneware clay" in page

    def test_the_parcel_may_go_to_another_address(self, shop, client):
        put_in_basket(client, "JUG-D")
        page = text(order(client, **HANAKO))
        billing, shipping = Order.objects.get().addresses.order_by("kind")
        assert (billing.name, billing.country) == ("Zoë Müller", "BE")
        assert (shipping.name, shipping.city, shipping.region) == ("山田 花子", "渋谷区", "東京都")
        assert shipping.street == "神宮前1-2-3\nコーポ青山 205"
        assert "Japan" in page

    def test_what_stands_in_the_other_address_does_not_matter_when_it_is_not_ticked(self, shop, client):
        put_in_basket(client, "JUG-D")
        order(client, **{**HANAKO, "other_address": "", "shipping_city": ""})
        assert Order.objects.get().addresses.filter(city="Ixelles").count() == 2

    def test_an_unfinished_other_address_is_asked_for(self, shop, client):
        put_in_basket(client, "JUG-D")
        response = order(client, **{**HANAKO, "shipping_city": ""})
        assert set(response.context["form"].errors) == {"shipping_city"}
        assert "山田 花子" in text(response)

    def test_the_price_of_the_chosen_way_of_sending_is_on_the_order(self, shop, client):
        put_in_basket(client, "JUG-D")
        dhl = ShippingMethod.objects.get(name="DHL")
        page = text(order(client, shipping_method=dhl.pk))
        assert Order.objects.get().total == Decimal("58.50")
        assert "€58.50" in page

    def test_a_way_of_sending_that_is_no_longer_offered_is_not_shown_and_not_taken(self, shop, client):
        put_in_basket(client, "JUG-D")
        dhl = ShippingMethod.objects.get(name="DHL")
        form = filled_form(client, shipping_method=dhl.pk)
        ShippingMethod.objects.filter(pk=dhl.pk).update(is_active=False)
        response = client.post(CHECKOUT["en"], form)
        assert "shipping_method" in response.context["form"].errors
        assert "DHL" not in text(response)
        assert not Order.objects.exists()

    def test_a_customer_with_an_account_is_kept_with_the_order(self, shop, client):
        zoe = get_user_model().objects.create_user("zoe")
        client.force_login(zoe)
        put_in_basket(client, "JUG-D")
        order(client)
        assert Order.objects.get().user == zoe

    def test_sending_the_form_again_shows_the_same_order(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client)
        first = client.post(CHECKOUT["en"], form)
        second = client.post(CHECKOUT["en"], form)
        assert first.url == second.url
        assert Order.objects.count() == 1
        assert client.get(first.url).content == client.get(first.url).content

    def test_a_request_that_read_the_session_before_the_order_was_placed_places_no_other(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client)
        before = dict(client.session)
        first = client.post(CHECKOUT["en"], form)
        put_session(client, before)
        second = client.post(CHECKOUT["en"], form)
        assert first.url == second.url
        assert Order.objects.count() == 1

    def test_a_basket_filled_again_becomes_another_order(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        order(client)
        put_in_basket(client, "MUG-F", glaze="0")
        order(client)
        first, second = Order.objects.order_by("pk")
        assert first.idempotency_key != second.idempotency_key
        for placed in (first, second):
            assert client.get(f"/en/thank-you/{placed.token}/").status_code == 200

    def test_the_same_basket_with_other_details_is_explained_and_may_be_ordered_again(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client)
        before = dict(client.session)
        client.post(CHECKOUT["en"], form)
        put_session(client, before)

        response = client.post(CHECKOUT["en"], {**form, "billing_city": "Gent"})

        number = Order.objects.get().number
        assert f"This basket has already become order {number}" in text(response)
        assert 'value="Gent"' in text(response)
        order(client, billing_city="Gent")
        assert Order.objects.count() == 2

    def test_a_basket_that_changed_in_another_tab_is_shown_before_it_is_ordered(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client)
        put_in_basket(client, "TEAPOT")
        response = client.post(CHECKOUT["en"], form)
        assert "Your basket or a price has changed." in text(response)
        assert "Clearing teapot" in text(response)
        assert not Order.objects.exists()

    def test_a_price_that_changed_meanwhile_is_shown_before_it_is_ordered(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client)
        ProductPage.objects.filter(sku="MUG-F").update(price=Decimal("21.00"))
        response = client.post(CHECKOUT["en"], form)
        assert "Your basket or a price has changed." in text(response)
        assert "€21.00" in text(response)
        assert not Order.objects.exists()

    def test_a_price_of_sending_that_changed_meanwhile_is_shown_before_it_is_ordered(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client)
        ShippingMethod.objects.update(price=Decimal("500.00"))
        response = client.post(CHECKOUT["en"], form)
        assert "Your basket or a price has changed." in text(response)
        assert "€500.00" in text(response)
        assert not Order.objects.exists()

    def test_an_empty_basket_has_no_checkout(self, shop, client):
        for response in (
            client.get(CHECKOUT["en"], follow=True),
            client.post(CHECKOUT["en"], ZOE, follow=True),
        ):
            assert "Your basket is empty." in text(response)
        assert not Order.objects.exists()

    def test_a_product_that_is_no_longer_sold_leaves_the_basket(self, shop, client):
        put_in_basket(client, "VASE-E")
        for page in ProductPage.objects.filter(sku="VASE-E"):
            page.unpublish()
        assert "Your basket is empty." in text(client.get("/en/basket/"))

    @pytest.mark.parametrize(
        ("field", "typed"),
        [
            ("customer_name", ""),
            ("email", "zoe(at)example"),
            ("email", "zoe@" + ".".join(["x" * 62] * 4) + ".com"),
            ("billing_street", ""),
            ("billing_country", "XX"),
            ("billing_country", ""),
            ("shipping_method", "0"),
            ("payment_method", "barter"),
        ],
    )
    def test_what_is_wrong_is_said_next_to_its_field_and_nothing_typed_is_lost(
        self, shop, client, field, typed
    ):
        put_in_basket(client, "MUG-F", glaze="0")
        response = order(
            client, **{"billing_company": "Tasses & Cie", "customer_note": "Sonnez.", field: typed}
        )
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {field}
        page = text(response)
        assert response.context["form"].errors[field][0] in page
        assert "Tasses &amp; Cie" in page
        assert "Sonnez." in page
        assert typed in page or field in ("billing_country", "shipping_method", "payment_method")
        assert not Order.objects.exists()

    @pytest.mark.parametrize("typed", ["", "0", "-1", "1.5", "100", "two", "NaN", "1e99"])
    def test_a_quantity_that_is_none_is_refused_on_the_product_page(self, shop, client, typed):
        response = client.post(product_url("MUG-F"), {"quantity": typed, "glaze": "2"})
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"quantity"}
        page = text(response)
        assert 'id="id_quantity_error"' in page
        assert f'value="{typed}"' in page or not typed
        assert '<option value="2" selected>' in page
        assert "Your basket is empty." in text(client.get("/en/basket/"))

    def test_a_weight_finer_than_a_gram_is_refused(self, shop, client):
        response = client.post(product_url("CLAY-R"), {"quantity": "1.2505"})
        assert "Enter at most three decimals." in text(response)

    def test_quantities_are_changed_in_the_basket(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        put_in_basket(client, "MUG-F", glaze="1")
        put_in_basket(client, "MUG-F", glaze="1")
        client.post("/en/basket/", quantities(client, "3", "0"))
        page = text(client.get("/en/basket/"))
        assert "Moss" in page
        assert "Night blue" not in page
        assert "€55.50" in page

    def test_a_line_is_taken_out_of_the_basket(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        put_in_basket(client, "TEAPOT")
        mug = re.search(r'name="remove" value="([^"]+)"', text(client.get("/en/basket/")))[1]
        client.post("/en/basket/", {**quantities(client, "nonsense", "1"), "remove": mug})
        page = text(client.get("/en/basket/"))
        assert "Forest mug" not in page
        assert "Clearing teapot" in page

    def test_a_wrong_quantity_in_the_basket_stays_there_with_the_reason(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        response = client.post("/en/basket/", {**quantities(client, "many"), "checkout": "1"})
        assert response.status_code == 422
        assert "Enter a number." in text(response)
        assert 'value="many"' in text(response)

    def test_hostile_text_is_shown_as_text(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        hostile = "<script>alert('Zoë')</script>"
        page = text(order(client, customer_name=hostile, customer_note=hostile, billing_street=hostile))
        assert "<script>alert" not in page
        assert page.count("&lt;script&gt;alert") == 6
        assert Order.objects.get().customer_note == hostile

    def test_a_gift_message_is_kept_with_the_order_and_shown_to_the_customer(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        page = text(order(client, gift_message="  Joyeux Noël, <b>Mémé</b>!  "))
        assert Order.objects.get().data == {"gift_message": "Joyeux Noël, <b>Mémé</b>!"}
        assert "Your gift message" in page
        assert "Joyeux Noël, &lt;b&gt;Mémé&lt;/b&gt;!" in page

    @pytest.mark.parametrize("typed", ["", "  \r\n"])
    def test_an_order_without_a_gift_message_keeps_nothing_of_it(self, shop, client, typed):
        put_in_basket(client, "MUG-F", glaze="0")
        page = text(order(client, gift_message=typed))
        assert Order.objects.get().data == {}
        assert "Your gift message" not in page

    def test_the_gift_message_is_asked_for_in_french_and_may_be_left_out(self, shop, client):
        put_in_basket(client, "MUG-F", language="fr", glaze="0")
        page = text(client.get(CHECKOUT["fr"]))
        assert re.search(
            r'<label for="id_gift_message">Message cadeau <span class="optional">facultatif</span>', page
        )
        assert "Nous l’écrivons à la main" in page
        assert "Votre message cadeau" in text(order(client, "fr", gift_message="Bisous"))

    def test_a_gift_message_too_long_for_its_card_is_refused_and_not_lost(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        response = order(client, gift_message="é" * 301)
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"gift_message"}
        assert "é" * 301 in text(response)
        assert not Order.objects.exists()
        order(client, gift_message="é" * 300)
        assert Order.objects.get().data == {"gift_message": "é" * 300}

    def test_the_same_basket_with_another_gift_message_is_another_order(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client, gift_message="For Mum")
        before = dict(client.session)
        first = client.post(CHECKOUT["en"], form)
        put_session(client, before)
        assert client.post(CHECKOUT["en"], form).url == first.url
        put_session(client, before)
        response = client.post(CHECKOUT["en"], {**form, "gift_message": "For Dad"})
        assert f"This basket has already become order {Order.objects.get().number}" in text(response)

    def test_the_thank_you_page_of_somebody_else_is_not_found(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        order(client)
        url = f"/en/thank-you/{Order.objects.get().token}/"
        assert client.get(url).status_code == 200
        response = Client().get(url)
        assert response.status_code == 404
        assert "There is nothing on this shelf" in text(response)
        assert "Zoë" not in text(response)

    @pytest.mark.parametrize(("url", "said"), [("/en/no/", "nothing on this shelf"), ("/fr/no/", "étagère")])
    def test_a_page_that_does_not_exist_leads_back_to_the_shop(self, shop, client, url, said):
        response = client.get(url)
        assert response.status_code == 404
        assert said in text(response)
        assert f'href="{url[:4]}"' in text(response)

    def test_the_owner_sees_a_preview_of_a_product(self, shop):
        page = ProductPage.objects.get(sku="MUG-F", locale__language_code="en")
        assert "Put in the basket" in text(page.make_preview_request())

    def test_the_pages_need_no_inline_style_or_script(self, shop, client):
        put_in_basket(client, "MUG-F", glaze="0")
        for url in ("/en/", product_url("MUG-F"), "/fr/panier/", CHECKOUT["fr"]):
            page = text(client.get(url))
            assert "<style" not in page
            assert not re.search(r"\s(style|on\w+)=", page)
            assert re.findall(r"<script[^>]*>", page) == ['<script src="/static/shop/shop.js" defer>']


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_place_one_order(site, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    open_shop()
    client = Client()
    put_in_basket(client, "MUG-F", glaze="0")
    form = filled_form(client)
    start, answers = threading.Barrier(2), []

    def click():
        other = Client()
        other.cookies = client.cookies
        start.wait()
        answers.append(other.post(CHECKOUT["en"], form))
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert Order.objects.count() == 1
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].url == answers[1].url
    assert client.get(answers[0].url).status_code == 200
