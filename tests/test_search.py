"""An order is found by its words: number, names, e-mail, phones, parcels, SKUs and remarks, however they are typed."""

from dataclasses import replace

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from wagtail_orders.lifecycle import (
    Address,
    add_note,
    archive,
    cancel_shipment,
    edit_customer,
    mark_handled,
    ship,
    update_shipment,
)
from wagtail_orders.models import Order

from .orders import IXELLES, MUG, placed

pytestmark = pytest.mark.django_db

ATELIER = Address(
    name="Noël Ångström",
    company="Ateliers Dvořák & Søn",
    street="1 Main Street",
    postal_code="1000",
    city="Bruxelles",
    country="BE",
    phone="02/555.66.77",
)


def found(words):
    return set(Order.objects.search(words))


@pytest.fixture
def order():
    """The order that is looked for; ``others`` beside it are never found by its words."""
    return placed(
        number="B-2026-Xy7",
        customer_name="Zoë Müller-Straße",
        email="Zoe.Mueller@Example.com",
        phone="+32 470 12 34 56",
        customer_note="Déposer chez\nle voisin, s'il vous plaît",
        shipping_address=ATELIER,
        lines=[MUG, replace(MUG, sku="Vase-Ü/12", name="Vase")],
    )


@pytest.fixture(autouse=True)
def other(order):
    return placed(
        number="C-1",
        customer_name="Bruno",
        email="bruno@example.org",
        billing_address=replace(IXELLES, name="Bruno"),
        lines=[replace(MUG, sku="BOWL")],
    )


@pytest.mark.parametrize(
    "words",
    [
        "B-2026-Xy7",
        "b-2026-xY7",
        "2026-xy",
        "Zoë",
        "zoe",
        "ZOË",
        "Zoe\u0308",
        "müller",
        "MULLER",
        "strasse",
        "STRAẞE",
        "zoe.mueller@example.com",
        "ZOE.MUELLER@EXAMPLE.COM",
        "mueller@",
        "+32 470 12 34 56",
        "+32470123456",
        "470123456",
        "470 12",
        "noel angstrom",
        "Ångström",
        "dvorak",
        "Ateliers Dvořák & Søn",
        "02/555.66.77",
        "025556677",
        "MUG-F",
        "mug-f",
        "vase-u/12",
        "VASE-Ü",
        "deposer",
        "voisin, s'il",
        "plait",
        "  zoe   muller  ",
        "zoe\tvoisin",
        "muller b-2026",
        "voisin mug-f +32470123456 dvorak",
        "ｚｏｅ",
    ],
)
def test_an_order_is_found_by(words, order):
    assert found(words) == {order}


@pytest.mark.parametrize(
    "words",
    [
        "Nobody",
        "zoe nobody",
        "zoe bowl",
        "zoee",
        "B-2026-Xy7-1",
        "Rue",
        "%",
        "_",
        "Z_e",
        "Z%e",
        "%zoe%",
        "\\",
        "\\%",
        "zo\\e",
        '"',
        "zoe'--",
        "' OR 1=1 --",
        "'; DROP TABLE wagtail_orders_order; --",
        "zoe*",
        "[z]oe",
        "{}",
        "%s",
        "%(x)s",
        "\u200b\u200b\u200bzoe\U0001f600",
    ],
)
def test_no_order_is_found_by(words, order, other):
    assert found(words) == set()
    assert Order.objects.count() == 2


def test_signs_that_mean_something_to_a_database_are_found_literally():
    for number, sign in enumerate(("50%_off", "back\\slash", "it's", '"quoted"', "semi;colon")):
        order = placed(customer_note=f"A note with {sign}", number=f"SIGN-{number}")
        assert found(sign) == {order}
        assert found(sign[:-1] + "?") == set()


@pytest.mark.parametrize("words", ["", " ", "\n\t ", "\u0301"])
def test_no_words_find_all(words, order, other):
    assert found(words) == {order, other}


def test_a_word_does_not_reach_from_one_field_into_the_next(order):
    first, second = order.search_text.split("\n")[:2]
    assert found(first[-3:] + second[:3]) == set()


def test_a_search_keeps_what_was_filtered_before(order, other):
    mark_handled(order)
    archive(order)
    assert not Order.objects.current().search("zoe").exists()
    assert list(Order.objects.archived().search("zoe")) == [order]
    assert list(Order.objects.search("example").filter(pk=other.pk)) == [other]


def test_an_owners_notes_are_not_searched(order):
    add_note(order, text="Unmistakable")
    assert found("unmistakable") == set()


def test_a_parcels_number_finds_its_order(order, other):
    ship(order, tracking_number="3S AbC 123/ß")
    ship(other, tracking_number="ZZ-9")
    assert found("3s abc 123/SS") == {order}
    assert found("ABC") == {order}
    assert found("zz-9") == {other}


def test_each_of_several_parcels_finds_the_order(order):
    line = order.lines.first()
    ship(order, tracking_number="ONE-1", lines={line: 1})
    ship(order, tracking_number="TWO-2")
    assert found("one-1") == found("two-2") == found("one-1 two-2") == {order}


def test_a_corrected_parcels_number_is_found_and_the_old_one_too(order):
    parcel = ship(order, tracking_number="OLD-1")
    update_shipment(parcel, tracking_number="NEW-2")
    assert found("new-2") == {order}
    assert found("old-1") == {order}


def test_a_corrected_parcels_old_number_is_still_found_after_the_customer_was_edited(order):
    parcel = ship(order, tracking_number="OLD-1")
    update_shipment(parcel, tracking_number="NEW-2")
    edit_customer(order, phone="+32 2 000 00 00")
    assert found("new-2") == {order}
    assert found("old-1") == {order}


def test_a_cancelled_parcels_number_is_still_found(order):
    cancel_shipment(ship(order, tracking_number="BACK-1"))
    assert found("back-1") == {order}
    edit_customer(order, customer_note="Called")
    assert found("back-1") == {order}


def test_a_parcel_without_a_number_adds_nothing(order):
    before = order.search_text
    ship(order)
    assert Order.objects.get(pk=order.pk).search_text == before


def test_edited_facts_are_found_and_the_old_ones_no_more(order):
    ship(order, tracking_number="3S-1")
    edit_customer(
        order,
        customer_name="Chloé Dupré",
        email="chloe@example.net",
        phone="0471 99 88 77",
        customer_note="Sonner à la grille",
        billing_address=replace(IXELLES, name="Chloé Dupré"),
        shipping_address=replace(ATELIER, name="Renée", company="Café Français"),
    )
    for words in (
        "chloe",
        "dupre",
        "@example.net",
        "0471998877",
        "0471 99",
        "grille",
        "renee",
        "cafe francais",
        # And what was not edited.
        "MUG-F",
        "vase-u",
        "3s-1",
        "b-2026-xy7",
    ):
        assert found(words) == {order}, words
    for words in ("muller", "zoe", "470123456", "voisin", "angstrom", "dvorak"):
        assert found(words) == set(), words


def test_editing_nothing_leaves_the_text_alone(order):
    before = Order.objects.get(pk=order.pk).search_text
    edit_customer(order, customer_name=order.customer_name, phone=order.phone)
    assert Order.objects.get(pk=order.pk).search_text == before


def test_an_order_without_email_phone_and_sku_is_found_by_its_name():
    order = placed(customer_name="Odile", email="", phone="", lines=[replace(MUG, sku="")])
    assert found("odile") == {order}
    assert "\n\n" not in order.search_text


def test_a_very_long_word_finds_nothing_and_raises_nothing():
    assert found("x" * 1_000) == set()
    assert found("x" * 100_000) == set()


def test_very_many_words_raise_nothing(order):
    assert found("zoe " * 5_000) == {order}
    assert found(" ".join(f"w{count}" for count in range(2_000))) == set()


def test_letters_that_no_text_holds_raise_nothing(order):
    for words in ("zoe\x00", "\x00", "\ud800", "\x1b[0m", "\ufffe", "\U0010ffff"):
        assert isinstance(found(words), set), ascii(words)


def test_a_long_remark_is_found_to_its_end():
    order = placed(customer_note="blah " * 9_000 + "needle")
    assert found("needle") == {order}


@pytest.mark.django_db(transaction=True)
def test_the_migration_writes_for_older_orders_what_the_verbs_write(site):
    first = placed(phone="+32 470 12 34 56", customer_note="Près\nde l'église", shipping_address=ATELIER)
    ship(first, tracking_number="3S-1")
    second = placed(customer_name="Bruno", lines=[MUG, replace(MUG, sku="BOWL")])
    cancel_shipment(ship(second, tracking_number="BACK-1"))
    edit_customer(placed(), customer_note="Sonner à la grille")
    written = dict(Order.objects.values_list("pk", "search_text"))
    assert all(written.values())

    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([("wagtail_orders", "0001_initial")])
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, Order._meta.db_table)
        assert "search_text" not in {column.name for column in columns}
    finally:
        MigrationExecutor(connection).migrate(newest)

    filled = dict(Order.objects.values_list("pk", "search_text"))
    assert {pk: set(text.split("\n")) for pk, text in filled.items()} == {
        pk: set(text.split("\n")) for pk, text in written.items()
    }
    assert found("3s-1 dvorak eglise") == {first}
    assert found("bowl back-1") == {second}
