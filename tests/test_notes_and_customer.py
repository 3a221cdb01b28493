"""Words about an order: notes, the customer's corrected details, and what needs a look."""

from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError

from wagtail_orders.exceptions import StaleOrder, TransitionRefused
from wagtail_orders.lifecycle import (
    add_note,
    delete,
    delete_note,
    edit_customer,
    edit_note,
    flag,
    mark_paid,
    unflag,
)
from wagtail_orders.models import Order, OrderNote

from .orders import IXELLES, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return placed(phone="+32 2 555 12 12", customer_note="Merci !")


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def bert():
    return get_user_model().objects.create_user("bert")


def kinds(order):
    return [event.kind for event in order.events.exclude(kind="placed")]


def test_a_note_has_a_text_an_author_and_is_the_shops_own(order, anna):
    note = OrderNote.objects.get(pk=add_note(order, text=" Rang twice.\r\nNobody in. \x00", user=anna).pk)

    assert note.text == "Rang twice.\nNobody in."
    assert (note.author, note.visible_to_customer, note.edited_at) == (anna, False, None)
    event = order.events.get(kind="note_added")
    assert event.actor == anna
    assert event.data == {"note": note.pk, "visible_to_customer": False}


def test_a_note_may_be_for_the_customer_too(order):
    assert add_note(order, text="See you!", visible_to_customer=True).visible_to_customer
    assert order.events.get(kind="note_added").data["visible_to_customer"] is True


@pytest.mark.parametrize("text", ["", " \n\t", None, "\x00"])
def test_a_note_without_a_text_is_refused(order, text):
    with pytest.raises(ValidationError) as refusal:
        add_note(order, text=text)

    assert list(refusal.value.message_dict) == ["text"]
    assert kinds(order) == []


def test_a_note_on_an_order_that_was_deleted_is_refused(order):
    delete(order)

    with pytest.raises(TransitionRefused) as refusal:
        add_note(order, text="Too late")

    assert refusal.value.refused[order].code == "gone"
    assert not OrderNote.objects.exists()


def test_an_edited_note_tells_what_it_said_before(order, anna):
    note = add_note(order, text="Old", user=anna)

    edit_note(note, text="New", user=anna)
    edit_note(note, visible_to_customer=True, user=anna)

    note.refresh_from_db()
    assert (note.text, note.visible_to_customer) == ("New", True)
    assert note.edited_at is not None
    told = [event.data["before"] for event in order.events.filter(kind="note_edited")]
    assert told == [
        {"text": "Old", "visible_to_customer": False},
        {"text": "New", "visible_to_customer": False},
    ]


def test_a_note_edited_to_what_it_says_already_is_unchanged(order):
    note = add_note(order, text="Same")

    edit_note(note)
    edit_note(note, text=" Same ", visible_to_customer=False)

    note.refresh_from_db()
    assert note.edited_at is None
    assert kinds(order) == ["note_added"]


def test_a_note_cannot_be_emptied_by_editing(order):
    note = add_note(order, text="Stays")

    with pytest.raises(ValidationError):
        edit_note(note, text=" ")

    note.refresh_from_db()
    assert note.text == "Stays"


def test_nobody_changes_or_deletes_someone_elses_note(order, anna, bert):
    note = add_note(order, text="Anna was here", user=anna)

    with pytest.raises(PermissionDenied):
        edit_note(note, text="Bert was here", user=bert)
    with pytest.raises(PermissionDenied):
        delete_note(note, user=bert)

    note.refresh_from_db()
    assert note.text == "Anna was here"
    assert kinds(order) == ["note_added"]


def test_nobody_changes_the_note_of_an_account_that_is_gone(order, anna, bert):
    note = add_note(order, text="Anna was here", user=anna)
    anna.delete()

    with pytest.raises(PermissionDenied):
        edit_note(note, text="Bert was here", user=bert)


def test_the_system_may_change_any_note(order, anna):
    note = add_note(order, text="Anna was here", user=anna)

    assert edit_note(note, text="Redacted").text == "Redacted"
    assert delete_note(note)


def test_a_deleted_note_is_told_with_its_text_and_deleted_once(order, anna):
    note = add_note(order, text="Gone soon", user=anna)
    pk = note.pk

    assert delete_note(note, user=anna) is True
    assert delete_note(OrderNote(pk=pk, order=order), user=anna) is False

    assert not OrderNote.objects.exists()
    data = order.events.get(kind="note_deleted").data
    assert data == {"note": pk, "before": {"text": "Gone soon", "visible_to_customer": False}}


def test_a_corrected_customer_is_told_field_by_field(order, anna):
    version = order.version

    returned = edit_customer(
        order, customer_name="Zoé Muller", email="zoe.muller@example.com", phone="", user=anna
    )

    assert returned is order
    stored = Order.objects.get(pk=order.pk)
    assert (stored.customer_name, stored.email, stored.phone) == ("Zoé Muller", "zoe.muller@example.com", "")
    assert stored.version == order.version == version + 1
    event = order.events.get(kind="customer_edited")
    assert event.actor == anna
    assert event.data["changes"] == {
        "customer_name": {"before": "Zoë Müller", "after": "Zoé Muller"},
        "email": {"before": "zoe@example.com", "after": "zoe.muller@example.com"},
        "phone": {"before": "+32 2 555 12 12", "after": ""},
    }


def test_what_is_not_given_stays(order):
    edit_customer(order, customer_note="Deuxième étage\r\nà gauche")

    stored = Order.objects.get(pk=order.pk)
    assert stored.customer_note == "Deuxième étage\nà gauche"
    assert (stored.customer_name, stored.phone) == ("Zoë Müller", "+32 2 555 12 12")
    assert stored.billing_address.street == "12 rue de l'Église"


def test_a_corrected_address_changes_only_the_one_of_its_kind(order):
    assert order.shipping_address.city == "Ixelles"

    edit_customer(order, shipping_address=replace(IXELLES, street="3 Grand-Place", city="Liège"))

    assert order.shipping_address.city == "Liège"
    stored = Order.objects.get(pk=order.pk)
    assert (stored.shipping_address.street, stored.shipping_address.city) == ("3 Grand-Place", "Liège")
    assert stored.billing_address.city == "Ixelles"
    assert stored.addresses.count() == 2
    assert set(order.events.get(kind="customer_edited").data["changes"]) == {
        "shipping_address.street",
        "shipping_address.city",
    }


def test_details_that_are_so_already_change_nothing(order):
    version = order.version

    edit_customer(order, customer_name="Zoë Müller", billing_address=IXELLES, shipping_address=IXELLES)

    order.refresh_from_db()
    assert order.version == version
    assert kinds(order) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_name": " "}, "customer_name"),
        ({"customer_name": "Z" * 256}, "customer_name"),
        ({"email": "zoe"}, "email"),
        ({"phone": "1" * 65}, "phone"),
        ({"billing_address": replace(IXELLES, country="XX")}, "billing_address.country"),
        ({"shipping_address": replace(IXELLES, street="")}, "shipping_address.street"),
        ({"shipping_address": "Grand-Place"}, "shipping_address"),
    ],
)
def test_bad_details_are_refused_at_their_field_and_change_nothing(order, changes, field):
    with pytest.raises(ValidationError) as refusal:
        edit_customer(order, **{"customer_note": "Changed", **changes})

    assert list(refusal.value.message_dict) == [field]
    order.refresh_from_db()
    assert order.customer_note == "Merci !"
    assert kinds(order) == []


def test_an_order_that_was_changed_meanwhile_is_not_overwritten(order):
    read = order.version
    mark_paid(Order.objects.get(pk=order.pk))

    with pytest.raises(StaleOrder) as stale:
        edit_customer(order, customer_name="Zoé", version=read)

    assert stale.value.given == read
    assert stale.value.current.version == read + 1
    assert stale.value.current.payment_status == "paid"
    assert Order.objects.get(pk=order.pk).customer_name == "Zoë Müller"
    assert kinds(order) == ["paid"]


def test_the_version_that_was_read_may_be_written(order):
    edit_customer(order, customer_name="Zoé", version=order.version)

    assert Order.objects.get(pk=order.pk).customer_name == "Zoé"


def test_details_of_an_order_that_was_deleted_are_refused(order):
    delete(order)

    with pytest.raises(TransitionRefused) as refusal:
        edit_customer(order, customer_name="Zoé")

    assert refusal.value.refused[order].code == "gone"


def test_an_order_that_needs_a_look_is_flagged_once(order):
    assert flag(order, reason="address").changed == [order]
    assert flag(order, reason="again").unchanged == [order]

    assert order.needs_look
    assert order.events.get(kind="flagged").data == {"reason": "address"}


def test_an_order_looked_at_is_unflagged_once(order, anna):
    flag(order, reason="address")

    assert unflag(Order.objects.all(), user=anna).changed == [order]
    assert unflag(order).unchanged == [order]

    assert not order.needs_look
    assert order.events.get(kind="unflagged").actor == anna
