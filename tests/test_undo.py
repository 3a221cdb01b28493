"""Undo: what somebody did a moment ago is taken back, that and nothing else, by who did it and for a day."""

import contextvars
import time
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.core import signing
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from lxml import html as markup

from wagtail_orders.lifecycle import (
    archive,
    cancel,
    delete,
    flag,
    mark_handled,
    mark_paid,
    mark_unhandled,
    record_payment,
    record_refund,
    unarchive,
)
from wagtail_orders.models import Order, OrderEvent

from .desk import user_with
from .orders import placed

pytestmark = pytest.mark.django_db

LISTING = "/admin/orders/"
NO_LONGER = "This can no longer be undone. Nothing was changed."
NOTHING_LEFT = "There was nothing left to undo."


def everything():
    return list(Order.objects.order_by("pk").values()), list(OrderEvent.objects.order_by("pk").values())


def fresh(order):
    return Order.objects.get(pk=order.pk)


def text_of(node):
    return " ".join(node.text_content().split())


def after(client, response):
    """The page that an answer leads to: its messages, and what the Undo button in them would send, or None."""
    assert response.status_code == 302
    page = client.get(response.url)
    assert page.status_code == 200
    tree = markup.fromstring(page.content.decode())
    messages = tree.xpath("//div[contains(@class, 'messages')]/ul/li")
    forms = tree.xpath("//div[contains(@class, 'messages')]//form")
    assert len(forms) <= 1
    sent = None
    if forms:
        assert forms[0].get("method") == "post"
        assert forms[0].get("action") == reverse("wagtail_orders:undo")
        assert text_of(forms[0]) == "Undo"
        sent = dict(forms[0].form_values())
    sentences = [text_of(message) for message in messages]
    for button in ("Undo", "Go to the first error"):
        sentences = [sentence.removesuffix(button).strip() for sentence in sentences]
    return sentences, sent


def act(client, order, action, **data):
    response = client.post(reverse("wagtail_orders:action", args=[order.pk, action]), data)
    return after(client, response)


def fill(client, order, slug, **typed):
    """Send the form ``slug`` of the order's page as it stands there, with what was typed."""
    tree = markup.fromstring(client.get(reverse("wagtail_orders:inspect", args=[order.pk])).content.decode())
    action = reverse("wagtail_orders:action", args=[order.pk, slug])
    [form] = [form for form in tree.forms if form.get("action") == action]
    fields = {**dict(form.form_values()), **{f"{slug}-{name}": value for name, value in typed.items()}}
    return after(client, client.post(form.get("action"), fields))


def in_bulk(client, slug, orders):
    url = f"/admin/bulk/wagtail_orders/order/{slug}/"
    ids = "&".join(f"id={order.pk}" for order in orders)
    tree = markup.fromstring(client.get(f"{url}?{ids}&next={LISTING}").content.decode())
    [form] = tree.xpath("//form[contains(@class, 'orders-form')]")
    return after(client, client.post(form.get("action"), dict(form.form_values())))


def undo(client, sent, **changes):
    messages, again = after(client, client.post(reverse("wagtail_orders:undo"), {**sent, **changes}))
    assert again is None
    return messages


def facts(order):
    order = fresh(order)
    return (
        order.status,
        order.payment_status,
        order.fulfillment_status,
        order.is_archived,
        order.amount_paid,
        order.paid_at,
        order.handled_at,
        order.archived_at,
        order.cancelled_at,
    )


# The action, and what brings the order to where it is offered.
WAYS = [
    ("mark-paid", []),
    ("mark-handled", []),
    ("mark-unhandled", [mark_handled]),
    ("archive", [mark_handled]),
    ("unarchive", [mark_handled, archive]),
    ("reopen", [cancel]),
]


@pytest.mark.parametrize(("action", "before"), WAYS, ids=[way[0] for way in WAYS])
def test_one_action_is_taken_back(action, before, desk, owner):
    order, other = placed(), placed()
    for verb in before:
        verb(Order.objects.all())
    was, others = facts(order), facts(other)

    _messages, sent = act(desk, order, action)

    assert facts(order) != was
    assert undo(desk, sent) == ["Undone for 1 order."]
    assert facts(order)[:5] == was[:5]
    assert [moment is None for moment in facts(order)[5:]] == [moment is None for moment in was[5:]]
    assert facts(other) == others
    assert order.events.latest("pk").actor == owner


def test_undo_leads_back_to_where_it_was_offered(desk):
    order = placed()
    here = f"{LISTING}?q=zoe&ordering=number"
    _messages, sent = act(desk, order, "mark-handled", next=here)
    assert sent["next"] == here
    response = desk.post(reverse("wagtail_orders:undo"), sent)
    assert response.url == here
    for foreign in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", ""):
        response = desk.post(reverse("wagtail_orders:undo"), {**sent, "next": foreign})
        assert response.url == LISTING


def test_a_cancellation_from_its_dialog_is_taken_back(desk):
    order = placed()
    was = facts(order)
    messages, sent = fill(desk, order, "cancel", reason="By mistake")
    assert messages == [f"Order {order.number} is cancelled."]
    assert undo(desk, sent) == ["Undone for 1 order."]
    assert facts(order) == was


def test_a_part_payment_from_its_dialog_is_taken_back_alone(desk):
    order = placed()
    earlier = record_payment(order, amount=5, method="cash")
    messages, sent = fill(desk, order, "pay", amount="10.00", method="cash")
    assert messages == ["Payment of €10.00 noted; €27.00 is still owed."]
    assert fresh(order).amount_paid == 15
    assert undo(desk, sent) == ["Undone for 1 order."]
    order = fresh(order)
    assert (order.amount_paid, order.payment_status) == (5, "partially_paid")
    assert dict(order.payments.values_list("amount", "state")) == {5: "confirmed", 10: "voided"}
    assert order.payments.get(state="confirmed") == earlier


def test_the_payment_that_completed_an_order_is_taken_back_and_the_earlier_part_stays(desk):
    order = placed()
    earlier = record_payment(order, amount=10, method="cash")
    _messages, sent = fill(desk, order, "pay", method="bank_transfer")
    assert fresh(order).payment_status == "paid"
    assert undo(desk, sent) == ["Undone for 1 order."]
    order = fresh(order)
    assert (order.amount_paid, order.payment_status, order.paid_at) == (10, "partially_paid", None)
    assert order.payments.get(state="confirmed") == earlier


def test_marking_as_paid_is_taken_back_and_the_part_noted_before_stays(desk):
    order = placed()
    earlier = record_payment(order, amount=10, method="cash")
    _messages, sent = act(desk, order, "mark-paid")
    assert fresh(order).payment_status == "paid"
    undo(desk, sent)
    assert fresh(order).payment_status == "partially_paid"
    assert order.payments.get(state="confirmed") == earlier


def test_a_payment_noted_after_it_stays(desk):
    order = placed()
    _messages, sent = act(desk, order, "mark-paid")
    later = record_payment(order, amount=3, method="cash")
    undo(desk, sent)
    assert fresh(order).amount_paid == 3
    assert order.payments.get(state="confirmed") == later


def test_sixty_orders_done_together_are_taken_back_together(desk):
    orders = [placed() for _ in range(60)]
    bystander = placed()
    mark_handled(bystander)
    messages, sent = in_bulk(desk, "mark-handled", orders)
    assert messages == ["60 orders handled."]
    assert undo(desk, sent) == ["Undone for 60 orders."]
    assert set(Order.objects.handled()) == {bystander}
    assert Order.objects.get(pk=orders[0].pk).events.count() == 3


def test_only_those_that_the_act_changed_are_taken_back(desk):
    orders = [placed() for _ in range(4)]
    mark_handled(Order.objects.all())
    archive(orders[0])
    archive(orders[1])
    before = facts(orders[0]), facts(orders[1])
    _messages, sent = in_bulk(desk, "archive", orders)
    assert Order.objects.archived().count() == 4
    assert undo(desk, sent) == ["Undone for 2 orders."]
    assert set(Order.objects.archived()) == {orders[0], orders[1]}
    assert (facts(orders[0]), facts(orders[1])) == before


def test_of_many_payments_each_orders_own_is_taken_back(desk):
    orders = [placed() for _ in range(3)]
    record_payment(orders[0], amount=10, method="cash")
    mark_paid(orders[1])
    _messages, sent = in_bulk(desk, "mark-paid", orders)
    assert undo(desk, sent) == ["Undone for 2 orders."]
    assert [(fresh(order).amount_paid, fresh(order).payment_status) for order in orders] == [
        (10, "partially_paid"),
        (42, "paid"),
        (0, "unpaid"),
    ]


def test_what_the_same_person_did_before_and_after_stays(desk):
    before, order, later = placed(), placed(), placed()
    act(desk, before, "mark-handled")
    _messages, sent = act(desk, order, "mark-handled")
    act(desk, later, "mark-handled")
    undo(desk, sent)
    assert [fresh(each).is_handled for each in (before, order, later)] == [True, False, True]


def test_what_somebody_else_did_meanwhile_stays(desk, django_user_model):
    order, other = placed(), placed()
    colleague = django_user_model.objects.create_superuser("colleague")
    _messages, sent = act(desk, order, "mark-handled")
    mark_handled(other, user=colleague)
    mark_paid(order, user=colleague)
    undo(desk, sent)
    assert not fresh(order).is_handled
    assert fresh(order).payment_status == "paid"
    assert fresh(other).is_handled


def test_a_second_time_there_is_nothing_left(desk):
    for action, before in WAYS:
        order = placed()
        for verb in before:
            verb(order)
        _messages, sent = act(desk, order, action)
        assert undo(desk, sent) == ["Undone for 1 order."], action
        rows = everything()
        assert undo(desk, sent) == [NOTHING_LEFT], action
        assert everything() == rows


def test_what_was_taken_back_by_hand_already_is_left_alone(desk):
    order = placed()
    mark_handled(order)
    _messages, sent = act(desk, order, "archive")
    unarchive(order)
    rows = everything()
    assert undo(desk, sent) == [NOTHING_LEFT]
    assert everything() == rows


def test_an_order_that_is_deleted_meanwhile_is_nothing_left(desk):
    order = placed()
    _messages, sent = act(desk, order, "mark-handled", next=LISTING)
    delete(order)
    rows = everything()
    assert undo(desk, sent) == [NOTHING_LEFT]
    assert everything() == rows


def test_what_cannot_be_undone_any_more_is_told_with_the_reason(desk):
    order = placed(number="N-1")
    _messages, sent = act(desk, order, "mark-paid")
    record_refund(order, amount=5, method="cash")
    rows = everything()
    assert undo(desk, sent) == ["1 not undone: N-1 has a refund recorded, so its payments stand."]
    assert everything() == rows


def test_of_many_those_that_can_are_undone_and_the_others_told(desk):
    orders = [placed(number=f"N-{count}") for count in range(3)]
    _messages, sent = in_bulk(desk, "mark-handled", orders)
    archive(orders[1])
    assert undo(desk, sent) == [
        "Undone for 2 orders.",
        "1 not undone: N-1 is archived; take it back from the archive first.",
    ]
    assert [fresh(order).is_handled for order in orders] == [False, True, False]


def test_a_hostile_number_shows_as_text(desk):
    hostile = "<script>alert(1)</script>"
    order = placed(number=hostile)
    response = desk.post(reverse("wagtail_orders:action", args=[order.pk, "mark-paid"]))
    html = desk.get(response.url).content.decode()
    assert hostile not in html
    [sent] = [dict(form.form_values()) for form in markup.fromstring(html).forms if "what" in form.fields]
    record_refund(order, amount=5, method="cash")
    response = desk.post(reverse("wagtail_orders:undo"), sent)
    html = desk.get(response.url).content.decode()
    assert hostile not in html
    assert "1 not undone: &lt;script&gt;" in html


# What is offered


def test_no_undo_is_offered_where_there_is_no_way_back(desk, owner):
    order, gone = placed(), placed()
    assert fill(desk, order, "note", text="Ready")[1] is None
    assert fill(desk, order, "remarks", customer_note="Ring")[1] is None
    assert fill(desk, order, "ship", tracking_number="1")[1] is None
    mark_paid(order)
    assert fill(desk, order, "refund", amount="1.00")[1] is None
    assert fill(desk, gone, "delete")[1] is None
    assert in_bulk(desk, "delete", [placed(), placed()])[1] is None


def test_no_undo_is_offered_where_nothing_was_done(desk):
    order = placed()
    mark_handled(order)
    assert act(desk, order, "mark-handled") == ([f"Order {order.number} was handled already."], None)
    assert in_bulk(desk, "mark-handled", [order])[1] is None
    unfinished = placed()
    assert act(desk, unfinished, "archive")[1] is None


def test_unflagging_is_not_offered_to_be_undone(desk):
    order = placed()
    flag(order, reason="paid_after_cancellation")
    assert act(desk, order, "unflag")[1] is None


# Whose it is, and for how long


@pytest.fixture
def done(desk):
    """An order that was just handled, what its Undo would send, and everything as it is now."""
    order = placed()
    _messages, sent = act(desk, order, "mark-handled", next=LISTING)
    return order, sent, everything()


def test_another_persons_undo_is_refused(done, django_user_model):
    order, sent, rows = done
    other = Client()
    other.force_login(django_user_model.objects.create_superuser("other"))
    assert undo(other, sent) == [NO_LONGER]
    assert everything() == rows
    assert fresh(order).is_handled


@pytest.mark.parametrize(
    "what",
    [
        None,
        "",
        "x",
        ":::",
        "\x00",
        "é" * 100,
        "x" * 100_000,
        signing.dumps([1, 0, 10**6]),
        signing.dumps([1, 0, 10**6], salt="another"),
        signing.dumps("text", salt="another"),
    ],
    ids=lambda what: ascii(what)[:20],
)
def test_a_token_that_is_none_is_refused(what, done, desk):
    _order, sent, rows = done
    changed = {name: value for name, value in sent.items() if name != "what"}
    if what is not None:
        changed["what"] = what
    assert undo(desk, changed) == [NO_LONGER]
    assert everything() == rows


def test_a_token_that_was_tampered_with_is_refused(done, desk, owner):
    _order, sent, rows = done
    payload, rest = sent["what"].split(":", 1)
    wider = signing.dumps([owner.pk, 0, 10**6], salt="wagtail_orders.undo", key="guessed").split(":", 1)[0]
    for what in (wider + ":" + rest, payload + ":" + rest[:-1], sent["what"] + "x", sent["what"].swapcase()):
        assert undo(desk, sent, what=what) == [NO_LONGER]
    assert everything() == rows


def test_it_lasts_for_a_day_and_no_longer(done, desk):
    order, sent, rows = done
    now = time.time()
    # The session does not expire with it: that asks datetime, which the patched clock does not move.
    with mock.patch("django.core.signing.time.time", return_value=now + 24 * 3600 + 60):
        response = desk.post(reverse("wagtail_orders:undo"), sent)
    assert after(desk, response)[0] == [NO_LONGER]
    assert everything() == rows
    with mock.patch("django.core.signing.time.time", return_value=now + 23 * 3600):
        response = desk.post(reverse("wagtail_orders:undo"), sent)
    assert after(desk, response)[0] == ["Undone for 1 order."]
    assert not fresh(order).is_handled


def test_who_may_not_change_orders_any_more_may_not_undo(client, django_user_model):
    user = user_with(django_user_model, "change_order", "view_order")
    client.force_login(user)
    order = placed()
    _messages, sent = act(client, order, "mark-handled")
    user.groups.get().permissions.remove(Permission.objects.get(codename="change_order"))
    rows = everything()
    response = client.post(reverse("wagtail_orders:undo"), sent)
    assert response.status_code in {302, 403}
    assert everything() == rows
    assert fresh(order).is_handled


def test_a_stranger_may_not_undo(done):
    order, sent, rows = done
    response = Client().post(reverse("wagtail_orders:undo"), sent)
    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")
    assert everything() == rows
    assert fresh(order).is_handled


def test_undo_needs_a_post_and_its_token(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    order = placed()
    page = markup.fromstring(client.get(reverse("wagtail_orders:inspect", args=[order.pk])).content.decode())
    action = reverse("wagtail_orders:action", args=[order.pk, "mark-handled"])
    [form] = [form for form in page.forms if form.get("action") == action]
    _messages, sent = after(client, client.post(action, dict(form.form_values())))
    rows = everything()
    url = reverse("wagtail_orders:undo")
    assert client.get(url, sent).status_code == 405
    assert client.post(url, {"what": sent["what"], "next": LISTING}).status_code == 403
    assert everything() == rows
    # With the token that stands in the message it is done.
    assert client.post(url, sent).status_code == 302
    assert not fresh(order).is_handled


def test_another_act_of_the_same_person_in_between_is_left_alone(desk, owner, settings):
    """Two windows: while the one's bulk action runs, the other's click is no part of it."""
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 1}
    orders, other = [placed(), placed()], placed()
    updates = []

    def click_in_the_other_window(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "handled_at" in sql:
            updates.append(sql)
            if len(updates) == 2:
                # In a context of its own, as another request is.
                contextvars.Context().run(mark_paid, other, user=owner)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(click_in_the_other_window):
        _, sent = in_bulk(desk, "mark-handled", orders)
    assert fresh(other).payment_status == "paid"
    sentences = undo(desk, sent)
    assert sentences == ["Undone for 2 orders."]
    assert fresh(other).payment_status == "paid"
    assert not any(fresh(order).is_handled for order in orders)


def test_what_somebody_decided_anew_is_not_undone(desk, django_user_model):
    """An old message's button takes its own act back, not a later one of the same kind."""
    order = placed()
    _, sent = act(desk, order, "mark-handled")
    mark_unhandled(order)
    mark_handled(order, user=django_user_model.objects.create_user("bob"))
    sentences = undo(desk, sent)
    assert sentences == [NOTHING_LEFT]
    assert fresh(order).is_handled


def test_no_undo_is_offered_for_a_payment_that_a_refund_refers_to(desk):
    order = placed()
    record_payment(order, amount=20, method="cash")
    record_refund(order, amount=5, method="cash")
    assert act(desk, order, "mark-paid")[1] is None


def test_the_keys_that_sqlite_gives_again_name_nothing_of_an_earlier_act(desk, owner, settings):
    """What was rolled back leaves its keys to what comes later, which the first message must not undo."""
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 1}
    first, second = placed(), placed()

    def break_off(execute, sql, params, many, context):
        if "wagtailcore_modellogentry" in sql and OrderEvent.objects.filter(kind="cancelled").count() == 2:
            raise DatabaseError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_off):
        said, sent = in_bulk(desk, "cancel", [first, second])
    assert "1 of 2 orders were changed" in said[0]
    cancel(second, user=owner)
    assert undo(desk, sent) == ["Undone for 1 order."]
    assert not fresh(first).is_cancelled
    assert fresh(second).is_cancelled
