"""Two people at one order: what somebody did meanwhile is told, and nobody's work is lost or done twice."""

import pytest
from django.test import Client

from wagtail_orders.admin.forms import FORMS
from wagtail_orders.lifecycle import (
    add_note,
    cancel,
    delete,
    edit_customer,
    flag,
    mark_handled,
    mark_paid,
    mark_unpaid,
    record_payment,
    record_refund,
    ship,
    unflag,
)
from wagtail_orders.models import Order, OrderEvent

from .desk import (
    DIALOGS,
    button,
    filled,
    form_at,
    is_open,
    name_of,
    opened,
    paid,
    parsed,
    path_of,
    send,
    tables,
    words,
)
from .orders import placed
from .processes import in_threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def bert(django_user_model):
    return django_user_model.objects.create_superuser(
        "bert", email="bert@example.com", password="secret", first_name="Bert"
    )


def shipped(order):
    ship(order)
    return order


# Each form that knows the order's version: an order for it, what is typed, and the event that it writes.
GUARDED = {
    "pay": (placed, {"amount": "20.00", "method": "cash"}, "payment_recorded"),
    "unpay": (lambda: paid(placed()), {"reason": "By mistake"}, "unpaid"),
    "refund": (lambda: paid(placed()), {"amount": "5.00", "reason": "A chip"}, "refunded"),
    "ship": (placed, {"tracking_number": "3232", "handled": None}, "shipped"),
    "cancel": (placed, {"reason": "Out of clay"}, "cancelled"),
    "delete": (placed, {}, "deleted"),
    "remarks": (placed, {"customer_note": "Ring twice"}, "customer_edited"),
    "mail": (placed, {"subject": "A question", "text": "Which glaze?"}, "mail_written"),
    "another": (lambda: shipped(placed()), {"tracking_number": "3233"}, "shipped"),
    "customer": (placed, {"customer_name": "Amélie", "shipping_city": "Uccle"}, "customer_edited"),
}
FREE = {"note"}
#: What asks a payment provider: tests/test_paypal_desk.py.
ELSEWHERE = {"refund-provider"}


def meanwhile(form):
    """The sentences with which a form tells what somebody did since it was opened, the newest first."""
    return [words(entry) for entry in form.xpath(".//ul[@class='orders-meanwhile']/li")]


def kinds():
    return list(OrderEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_every_form_is_in_these_tests():
    assert set(GUARDED) | FREE | ELSEWHERE == set(FORMS)


@pytest.mark.parametrize("slug", GUARDED)
def test_what_somebody_changed_meanwhile_is_told_and_nothing_is_written(desk, bert, slug):
    make, typed, kind = GUARDED[slug]
    order = make()
    flag(order, reason="Long before", user=bert)
    page = opened(desk, order)
    edit_customer(order, phone="12", user=bert)
    unflag(order, user=bert)
    before = tables()
    response = send(desk, order, slug, at=page, **typed)
    assert response.status_code == 409
    assert tables() == before

    again = parsed(response)
    form = form_at(again, path_of(order, slug))
    assert "Nothing of yours was saved yet" in words(form)
    newest, oldest = meanwhile(form)
    assert newest.startswith("Looked at")
    assert oldest.startswith("Customer's details changed Phone: – → 12")
    assert newest.endswith(", Bert")
    assert oldest.endswith(", Bert")
    assert is_open(again, order, slug)
    shown = filled(form)
    for field, text in typed.items():
        assert shown.get(name_of(slug, field)) == text
    assert [mark for mark in again.xpath("//@data-orders-open") if mark != f"orders-{slug}"] == [], (
        "one dialog opens"
    )

    sent_again = desk.post(form.get("action"), shown)
    assert sent_again.status_code == 302
    assert kinds()[-1] == kind
    assert Order.objects.filter(pk=order.pk).exists() == (slug != "delete")


@pytest.mark.parametrize("slug", GUARDED)
def test_a_form_that_was_shown_again_notices_the_next_change_too(desk, bert, slug):
    make, typed, _kind = GUARDED[slug]
    order = make()
    page = opened(desk, order)
    edit_customer(order, phone="12", user=bert)
    again = parsed(send(desk, order, slug, at=page, **typed))
    edit_customer(order, phone="34", user=bert)
    before = tables()
    response = desk.post(button(order, slug), filled(form_at(again, button(order, slug))))
    assert response.status_code == 409
    (told,) = meanwhile(form_at(parsed(response), button(order, slug)))
    assert "Phone: 12 → 34" in told
    assert tables() == before


@pytest.mark.parametrize("slug", sorted(set(GUARDED) - {"delete"}))
def test_a_form_with_a_mistake_takes_up_what_it_has_shown(desk, bert, slug):
    make, typed, kind = GUARDED[slug]
    wrong = {
        "pay": {"amount": "x"},
        "refund": {"amount": "x"},
        "ship": {"tracking_number": "x" * 300},
        "another": {"tracking_number": "x" * 300},
        "remarks": {"customer_note": "x" * 50_001},
        "mail": {"recipient": "x"},
        "customer": {"email": "x"},
    }.get(slug, {"reason": "x" * 501})
    corrected = {"customer": {"email": "zoe@example.com"}, "mail": {"recipient": "zoe@example.com"}}
    order = make()
    page = opened(desk, order)
    again = send(desk, order, slug, at=page, **{**typed, **wrong})
    assert again.status_code == 422
    right = {**typed, **corrected.get(slug, {})}
    response = send(desk, order, slug, at=parsed(again), **right)
    assert response.status_code == 302
    assert kinds()[-1] == kind


def test_what_nobody_signed_is_told_without_a_name(desk):
    order = placed()
    page = opened(desk, order)
    record_payment(order, amount=10, method="card", reference="pi_1")
    response = send(desk, order, "remarks", at=page, customer_note="Ring twice")
    (told,) = meanwhile(form_at(parsed(response), button(order, "remarks")))
    assert told.startswith("Payment received: €10.00 (Card)")
    assert not told.endswith(",")


@pytest.mark.parametrize("slug", GUARDED)
def test_a_note_stands_in_nobodys_way(desk, bert, slug):
    make, typed, kind = GUARDED[slug]
    order = make()
    page = opened(desk, order)
    add_note(order, text="Wrap it", user=bert)
    assert send(desk, order, slug, at=page, **typed).status_code == 302
    assert kinds()[-1] == kind


def part(order, **options):
    record_payment(order, amount=10, method="cash", **options)


def refund(order, **options):
    record_refund(order, amount=1, method="cash", **options)


# What somebody did meanwhile may be just what the verb would be refused for, or make it pointless.
CROSSED = [
    ("pay", mark_paid, "Paid: €42.00 (By hand)"),
    ("pay", cancel, "Cancelled"),
    ("unpay", refund, "Refunded €1.00"),
    ("refund", refund, "Refunded €1.00"),
    ("ship", ship, "Sent"),
    ("ship", cancel, "Cancelled"),
    ("cancel", mark_handled, "Handled"),
    ("cancel", cancel, "Cancelled"),
    ("delete", part, "Payment received: €10.00 (Cash)"),
    ("customer", cancel, "Cancelled"),
    ("remarks", ship, "Sent"),
    ("mail", cancel, "Cancelled"),
]


@pytest.mark.parametrize(
    ("slug", "verb", "sentence"), CROSSED, ids=[f"{slug}-{verb.__name__}" for slug, verb, _ in CROSSED]
)
def test_somebody_elses_deed_is_told_in_the_form_even_where_it_stands_in_the_way(
    desk, bert, slug, verb, sentence
):
    make, typed, _kind = GUARDED[slug]
    order = make()
    page = opened(desk, order)
    verb(order, user=bert)
    before = tables()
    response = send(desk, order, slug, at=page, **typed)
    assert response.status_code == 409
    assert tables() == before
    again = parsed(response)
    place = (
        again.xpath(f"//*[@id='orders-{slug}']")[0]
        if slug in DIALOGS
        else form_at(again, button(order, slug))
    )
    assert [told for told in meanwhile(place) if told.startswith(sentence) and told.endswith(", Bert")]
    for text in (
        typed[name] for name in ("reason", "tracking_number", "customer_note", "subject") if name in typed
    ):
        assert text in words(place) or text in [
            value for form in place.xpath("descendant-or-self::form") for value in filled(form).values()
        ]


@pytest.mark.parametrize("slug", [*GUARDED, *FREE])
def test_an_order_that_somebody_deleted_meanwhile_is_not_found(desk, bert, slug):
    make, typed = GUARDED[slug][:2] if slug in GUARDED else (placed, {"text": "Wrap it"})
    order = make()
    page = opened(desk, order)
    mark_unpaid(order, user=bert)
    url = button(order, slug)
    delete(Order.objects.filter(pk=order.pk), user=bert)
    before = tables()
    values = filled(form_at(page, url))
    values |= {name_of(slug, field): text for field, text in typed.items() if text}
    response = desk.post(url, values, follow=True)
    assert response.status_code == 404
    assert tables() == before


def test_a_button_does_what_it_says_whatever_happened_meanwhile(desk, bert):
    order = placed()
    page = opened(desk, order)
    edit_customer(order, phone="12", user=bert)
    form = form_at(page, button(order, "mark-handled"))
    assert desk.post(form.get("action"), filled(form)).status_code == 302
    order.refresh_from_db()
    assert order.is_handled


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("slug", "written"), [("pay", "payments"), ("refund", "payments"), ("ship", "shipments")]
)
def test_two_who_send_the_same_form_at_the_same_moment_do_it_once(owner, bert, slug, written):
    make, typed, _kind = GUARDED[slug]
    order = make()
    before = getattr(order, written).count()
    works = []
    for user in (owner, bert):
        client = Client()
        client.force_login(user)
        page = opened(client, order)
        works.append(lambda client=client, page=page: send(client, order, slug, at=page, **typed))
    responses = in_threads(*works)
    assert sorted(response.status_code for response in responses) == [302, 409]
    assert getattr(order, written).count() == before + 1


def test_what_a_colleague_changed_stays_where_one_did_not_touch_it(desk, bert):
    """The second save writes the field that was typed into, not the others as they once were."""
    order = placed(phone="0470 1", customer_note="")
    page = opened(desk, order)
    edit_customer(order, phone="0499 9", user=bert)
    response = send(desk, order, "customer", at=page, customer_name="Amélie")
    assert response.status_code == 409
    form = form_at(parsed(response), button(order, "customer"))
    assert filled(form)["customer-phone"] == "0499 9"
    assert filled(form)["customer-customer_name"] == "Amélie"
    desk.post(form.get("action"), filled(form))
    order.refresh_from_db()
    assert (order.customer_name, order.phone) == ("Amélie", "0499 9")


def test_a_mistake_does_not_hide_that_somebody_was_faster(desk, bert):
    """A form that is wrong and old is told both, or the corrected one would pass for a new one."""
    order = placed()
    page = opened(desk, order)
    edit_customer(order, customer_name="Bert's", user=bert)
    response = send(desk, order, "customer", at=page, email="nobody")
    assert response.status_code == 409
    form = form_at(parsed(response), button(order, "customer"))
    assert "Bert" in " ".join(meanwhile(form))
    assert "Enter a valid email address" in words(form)
    corrected = filled(form) | {"customer-email": "zoe@example.com"}
    assert corrected["customer-customer_name"] == "Bert's"
    desk.post(form.get("action"), corrected)
    order.refresh_from_db()
    assert order.customer_name == "Bert's"


def test_a_stale_form_is_told_so_even_if_the_journal_has_nothing_new(desk):
    """A change between the reading of the order and of its journal is in the one and not in the other."""
    order = placed()
    values = filled(form_at(opened(desk, order), button(order, "cancel")))
    mark_handled(order)
    values["cancel-seen"] = order.events.latest("pk").pk
    response = desk.post(button(order, "cancel"), values)
    assert response.status_code == 409
    assert "Somebody changed this order while you had it open" in response.content.decode()
