"""Many orders at once: what will happen is said first, exactly that is done, and it is told afterwards."""

from datetime import date, timedelta
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_script_prefix
from django.utils import timezone
from lxml import html as markup

from wagtail_orders.lifecycle import (
    archive,
    cancel,
    delete,
    mark_handled,
    mark_paid,
    mark_unpaid,
    record_payment,
    ship,
)
from wagtail_orders.models import Order, OrderEvent

from .desk import user_with
from .orders import placed

pytestmark = pytest.mark.django_db

CURRENT, ARCHIVE, ALL = "/admin/orders/", "/admin/orders/archived/", "/admin/orders/all/"
SLUGS = ("mark-paid", "mark-handled", "archive", "unarchive", "cancel", "delete")


def bulk(slug):
    return f"/admin/bulk/wagtail_orders/order/{slug}/"


def ticked(slug, orders, listing=CURRENT):
    """The address that Wagtail's script builds of the ticked rows."""
    return bulk(slug) + "?" + urlencode([*(("id", order.pk) for order in orders), ("next", listing)])


def all_of(slug, listing=CURRENT):
    """The address that Wagtail's script builds for all that ``listing`` shows."""
    query = urlsplit(listing).query
    return bulk(slug) + "?" + (f"{query}&" if query else "") + urlencode([("id", "all"), ("next", listing)])


class Question:
    """The confirmation's page: what it says, and what its form would send."""

    def __init__(self, response, status=200):
        assert response.status_code == status
        self.html = response.content.decode()
        tree = markup.fromstring(self.html)
        [self.main] = tree.xpath("//div[contains(@class, 'orders-bulk')]")
        self.text = text_of(self.main)
        self.title = text_of(self.main.xpath(".//h2")[0])
        self.numbers = self.main.xpath(".//table//tbody/tr/td[1]/text()")
        [form] = self.main.xpath(".//form")
        self.action = form.get("action")
        self.fields = {
            field.get("name"): field.get("value") for field in form.xpath(".//input[@type='hidden']")
        }
        self.fields |= {
            field.name: field.value
            for field in form.inputs
            if field.name and field.name not in self.fields and field.value is not None
        }
        self.button = [text_of(button) for button in form.xpath(".//button[@type='submit']")]
        self.errors = [text_of(error) for error in form.xpath(".//*[contains(@class, 'error-message')]")]
        self.back = form.xpath(".//a/@href")


def text_of(node):
    return " ".join(node.text_content().split())


def ask(client, url, status=200):
    return Question(client.get(url), status)


def confirm(client, question, **changes):
    return client.post(question.action, {**question.fields, **changes})


def told(client, response):
    """The messages shown on the page that the answer leads to."""
    assert response.status_code == 302
    page = client.get(response.url)
    assert page.status_code == 200
    tree = markup.fromstring(page.content.decode())
    return [text_of(message) for message in tree.xpath("//div[contains(@class, 'messages')]/ul/li")]


def everything():
    return list(Order.objects.order_by("pk").values()), list(OrderEvent.objects.order_by("pk").values())


def states_of(orders):
    """Each order as the database has it, in the words of what a bulk action changes; None for one that is gone."""
    found = Order.objects.in_bulk([order.pk for order in orders])
    return [
        (fresh.payment_status, fresh.is_handled, fresh.is_archived, fresh.is_cancelled) if fresh else None
        for fresh in (found.get(order.pk) for order in orders)
    ]


def copies(order, count):
    """``count`` orders, copied row by row from one that was placed."""
    facts = Order.objects.filter(pk=order.pk).values().get()
    del facts["id"]
    rows = [
        Order(**{**facts, "number": f"copy-{number:05}", "token": f"{number:040d}"})
        for number in range(count)
    ]
    return Order.objects.bulk_create(rows, batch_size=500)


# What is asked


@pytest.fixture
def mixed():
    """One order in each state, in the order in which they were placed."""
    names = ("new", "paid", "handled", "cancelled", "archived", "by card")
    orders = {name: placed(number=name) for name in names}
    mark_paid(orders["paid"])
    mark_handled(orders["handled"])
    cancel(orders["cancelled"])
    mark_handled(orders["archived"])
    archive(orders["archived"])
    record_payment(orders["by card"], amount=42, method="card", reference="card-1")
    return orders


# The action, its question, what it says will be and is so already and will not be, and its button.
QUESTIONS = [
    (
        "mark-paid",
        "Mark 6 orders as paid?",
        "3 will be marked as paid.",
        "2 are paid already.",
        ["1 will not: cancelled is cancelled; reopen it first."],
        "Mark as paid (3)",
    ),
    (
        "mark-handled",
        "Mark 6 orders as handled?",
        "3 will be handled.",
        "2 are handled already.",
        ["1 will not: cancelled is cancelled; reopen it first."],
        "Order handled (3)",
    ),
    (
        "archive",
        "Archive 6 orders?",
        "2 will be archived.",
        "1 is archived already.",
        ["3 will not: new, paid, by card are neither handled nor cancelled yet."],
        "Archive (2)",
    ),
    (
        "unarchive",
        "Take 6 orders back from the archive?",
        "1 will be back among the current orders.",
        "5 are not archived.",
        [],
        "Take back from the archive (1)",
    ),
    (
        "cancel",
        "Cancel 6 orders?",
        "3 will be cancelled.",
        "1 is cancelled already.",
        ["2 will not: handled, archived are already sent or handled; take that back first."],
        "Cancel (3)",
    ),
    (
        "delete",
        "Delete 6 orders?",
        "4 will be deleted with all that belongs to them, for good.",
        "",
        ["2 will not: paid, by card have money recorded; refund it or mark the orders as unpaid first."],
        "Delete (4)",
    ),
]
IDS = [case[0] for case in QUESTIONS]


@pytest.mark.parametrize(("slug", "title", "will", "already", "refused", "button"), QUESTIONS, ids=IDS)
def test_the_question_says_what_will_happen_to_how_many_and_changes_nothing(
    slug, title, will, already, refused, button, desk, mixed
):
    before = everything()
    for url in (ticked(slug, mixed.values()), all_of(slug, ALL)):
        question = ask(desk, url)
        assert question.title == title
        assert will in question.text
        assert already in question.text
        for sentence in refused:
            assert sentence in question.text
        assert question.text.count("will not:") == len(refused)
        assert question.button == [button]
        assert sorted(question.numbers) == sorted(mixed)
        assert question.back
    assert everything() == before


# What each order is afterwards: paid status, handled, archived, cancelled; what is not named stays.
AFTERWARDS = {
    "mark-paid": dict.fromkeys(("new", "handled", "archived"), ("paid", None, None, None)),
    "mark-handled": dict.fromkeys(("new", "paid", "by card"), (None, True, None, None)),
    "archive": dict.fromkeys(("handled", "cancelled"), (None, None, True, None)),
    "unarchive": {"archived": (None, None, False, None)},
    "cancel": dict.fromkeys(("new", "paid", "by card"), (None, None, None, True)),
    "delete": dict.fromkeys(("new", "handled", "cancelled", "archived")),
}
TOLD = {
    "mark-paid": [
        "3 orders marked as paid.",
        "2 are paid already.",
        "1 not marked as paid: cancelled is cancelled; reopen it first.",
    ],
    "mark-handled": [
        "3 orders handled.",
        "2 are handled already.",
        "1 not marked as handled: cancelled is cancelled; reopen it first.",
    ],
    "archive": [
        "2 orders archived.",
        "1 is archived already.",
        "3 not archived: new, paid, by card are neither handled nor cancelled yet.",
    ],
    "unarchive": ["1 order taken back from the archive.", "5 are not archived."],
    "cancel": [
        "3 orders cancelled.",
        "1 is cancelled already.",
        "2 not cancelled: handled, archived are already sent or handled; take that back first.",
    ],
    "delete": [
        "4 orders deleted.",
        "2 not deleted: paid, by card have money recorded; refund it or mark the orders as unpaid first.",
    ],
}


@pytest.mark.parametrize("slug", SLUGS)
def test_what_was_confirmed_is_done_and_told(slug, desk, owner, mixed):
    bystander = placed(number="bystander")
    names, orders = list(mixed), list(mixed.values())
    before = dict(zip(names, states_of(orders), strict=True))
    last = OrderEvent.objects.latest("pk").pk

    response = confirm(desk, ask(desk, ticked(slug, orders)))

    assert response.url == CURRENT
    # The button to take it back stands behind the first sentence.
    sentences = [sentence.removesuffix("Undo").strip() for sentence in told(desk, response)]
    assert sentences == TOLD[slug]
    after = dict(zip(names, states_of(orders), strict=True))
    for name in names:
        wanted = before[name]
        if name in AFTERWARDS[slug]:
            new = AFTERWARDS[slug][name]
            wanted = new and tuple(
                old if value is None else value for old, value in zip(wanted, new, strict=True)
            )
        assert after[name] == wanted, name
    assert states_of([bystander]) == [("unpaid", False, False, False)]
    written = OrderEvent.objects.filter(pk__gt=last)
    assert written.count() == len(AFTERWARDS[slug])
    assert {event.actor for event in written} == {owner}


def test_the_first_twenty_are_shown_and_the_rest_is_counted(desk):
    orders = [placed(number=f"n-{count:02}") for count in range(25)]
    question = ask(desk, ticked("mark-handled", orders))
    assert question.numbers == [f"n-{count:02}" for count in range(24, 4, -1)]
    assert "and 5 more" in question.text
    assert question.button == ["Order handled (25)"]
    question = ask(desk, all_of("mark-handled", f"{CURRENT}?ordering=number"))
    assert question.numbers == [f"n-{count:02}" for count in range(20)]
    question = ask(desk, ticked("mark-handled", orders[:20]))
    assert "more" not in question.text


def test_refusals_name_five_and_count_the_rest(desk):
    orders = [placed(number=f"n-{count}") for count in range(8)]
    question = ask(desk, ticked("archive", orders))
    sentence = "n-0, n-1, n-2, n-3, n-4 and 3 more are neither handled nor cancelled yet."
    assert f"8 will not: {sentence}" in question.text
    assert not question.button
    [said] = told(desk, confirm(desk, question))
    assert said == f"8 not archived: {sentence}"


def test_refusals_are_grouped_by_their_reason(desk):
    orders = [placed(number=f"n-{count}") for count in range(4)]
    mark_paid(orders[0])
    record_payment(orders[1], amount=42, method="card", reference="card-1", state="pending")
    mark_paid(orders[2])
    question = ask(desk, ticked("delete", orders))
    assert "2 will not: n-0, n-2 have money recorded" in question.text
    assert "1 will not: n-1 has a payment that is still pending" in question.text
    assert question.button == ["Delete (1)"]


def test_one_order_is_spoken_of_as_one(desk):
    order = placed(number="only")
    question = ask(desk, ticked("mark-paid", [order]))
    assert question.title == "Mark 1 order as paid?"
    assert "1 will be marked as paid." in question.text
    [said] = told(desk, confirm(desk, question))
    assert said.startswith("1 order marked as paid.")


def test_hostile_text_shows_as_text(desk):
    hostile = "<script>alert(1)</script>"
    order = placed(number=hostile, customer_name=hostile)
    for slug in SLUGS:
        response = desk.get(ticked(slug, [order], f"{CURRENT}?q={hostile}"))
        assert hostile not in response.content.decode()
    response = confirm(desk, ask(desk, ticked("archive", [order])))
    page = desk.get(response.url).content.decode()
    assert hostile not in page
    assert "1 not archived: &lt;script&gt;" in page


# What was typed into the form


def test_payments_are_noted_on_the_day_and_by_the_way_that_were_given(desk, owner):
    orders = [placed(), placed()]
    question = ask(desk, ticked("mark-paid", orders))
    assert question.fields["method"] == "manual"
    assert question.fields["received_on"] == timezone.localdate().isoformat()
    confirm(desk, question, method="cash", received_on="2026-01-05")
    for order in orders:
        payment = order.payments.get()
        assert (payment.amount, payment.method, payment.received_on) == (42, "cash", date(2026, 1, 5))
        assert payment.recorded_by == owner


def test_a_cancellations_reason_is_kept_with_each(desk):
    orders = [placed(), placed()]
    confirm(desk, ask(desk, ticked("cancel", orders)), reason="Sold <out>")
    assert {order.events.get(kind="cancelled").data["reason"] for order in orders} == {"Sold <out>"}


@pytest.mark.parametrize(
    ("slug", "changes"),
    [
        ("mark-paid", {"received_on": ""}),
        ("mark-paid", {"received_on": "yesterday"}),
        ("mark-paid", {"method": "barter"}),
        ("mark-paid", {"method": ""}),
        ("cancel", {"reason": "x" * 501}),
        ("cancel", {"reason": "a\x00b"}),
    ],
    ids=str,
)
def test_a_wrong_entry_is_told_and_nothing_is_done(slug, changes, desk):
    order = placed()
    question = ask(desk, ticked(slug, [order]))
    before = everything()
    refused = Question(confirm(desk, question, **changes), 422)
    assert refused.errors
    assert everything() == before
    # And corrected, it is done.
    confirm(desk, refused, **{name: question.fields.get(name, "") for name in changes})
    assert Order.objects.get(pk=order.pk).version == 2


def test_a_day_that_lies_in_the_future_is_told_and_nothing_is_done(desk):
    orders = [placed(), placed()]
    question = ask(desk, ticked("mark-paid", orders))
    before = everything()
    day = (timezone.localdate() + timedelta(days=30)).isoformat()
    refused = Question(confirm(desk, question, received_on=day), 422)
    assert refused.errors
    assert everything() == before


# All that a listing shows


@pytest.fixture
def listed():
    """Orders of which a listing's filters, search and state leave exactly two."""
    wanted = [placed(number="w-1", customer_name="Amélie"), placed(number="w-2", customer_name="Amélie")]
    paid, archived = (placed(customer_name="Amélie") for _ in range(2))
    mark_paid(paid)
    mark_handled(archived)
    archive(archived)
    return wanted, [paid, archived, placed(customer_name="Bruno")]


NARROWED = f"{CURRENT}?q=am%C3%A9lie&payment_status=unpaid&payment_status=pending&ordering=-total&p=1"


def test_all_are_all_that_the_filters_the_search_and_the_state_leave(desk, listed):
    wanted, others = listed
    before = states_of(others)
    question = ask(desk, all_of("mark-handled", NARROWED))
    assert question.title == "Mark 2 orders as handled?"
    assert set(question.numbers) == {"w-1", "w-2"}
    assert question.fields["ids"] == "all"
    response = confirm(desk, question)
    assert urlsplit(response.url).path == CURRENT
    assert "q=am%C3%A9lie" in response.url
    assert "payment_status=unpaid&payment_status=pending" in response.url
    assert [state[1] for state in states_of(wanted)] == [True, True]
    assert states_of(others) == before


def test_all_in_the_archive_are_those_in_the_archive(desk, listed):
    question = ask(desk, all_of("unarchive", ARCHIVE))
    assert question.title == "Take 1 order back from the archive?"
    assert confirm(desk, question).url == ARCHIVE
    assert not Order.objects.archived().exists()
    assert ask(desk, all_of("archive", ALL)).title == "Archive 5 orders?"


def test_all_beyond_the_first_page_are_meant(desk):
    copies(placed(), 60)
    question = ask(desk, all_of("mark-handled", f"{CURRENT}?p=2"))
    assert question.title == "Mark 61 orders as handled?"
    [said] = told(desk, confirm(desk, question))
    assert said.startswith("61 orders handled.")


def test_coming_back_to_a_page_that_is_no_more_shows_the_last_one(desk):
    copies(placed(), 60)
    mark_handled(Order.objects.all())
    said = told(desk, confirm(desk, ask(desk, all_of("archive", f"{CURRENT}?p=2"))))
    assert said[0].startswith("61 orders archived.")


def test_ticked_ones_win_over_the_listing_they_were_ticked_in(desk, listed):
    wanted, _others = listed
    confirm(desk, ask(desk, ticked("mark-handled", wanted[:1], NARROWED)))
    assert [state[1] for state in states_of(wanted)] == [True, False]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/admin/",
        "/admin/orders/1/",
        "/admin/orders/undo/",
        "/nowhere/",
        "/",
        "https://evil.example/admin/orders/",
        "//evil.example/admin/orders/",
        "javascript:alert(1)",
        "archived?q=x",
    ],
    ids=str,
)
def test_all_of_no_listing_is_not_found_and_touches_nothing(address, desk):
    orders = [placed(), placed()]
    fingerprint = ask(desk, all_of("mark-handled")).fields["fingerprint"]
    before = everything()
    url = f"{bulk('mark-handled')}?{urlencode({'id': 'all', 'next': address})}"
    sent = {"ids": "all", "next": address, "fingerprint": fingerprint}
    for response in (
        desk.get(url, follow=True),
        desk.post(url, {"fingerprint": fingerprint}, follow=True),
        desk.post(bulk("mark-handled"), sent, follow=True),
    ):
        assert response.status_code == 404
    assert everything() == before
    assert states_of(orders) == [("unpaid", False, False, False)] * 2


@pytest.mark.parametrize(
    "query", ["payment_status=nonsense", "total_min=x", "placed_at_from=never", "country=XX"]
)
def test_all_of_a_listing_whose_filter_cannot_be_read_are_none(query, desk):
    placed()
    before = everything()
    question = ask(desk, all_of("delete", f"{CURRENT}?{query}&q=zoe"))
    assert "No order is selected." in question.text
    assert not question.button
    confirm(desk, question)
    assert everything() == before


def test_all_of_a_listing_below_a_prefix_are_found(desk):
    order = placed()
    url = all_of("mark-handled", "/desk/admin/orders/?q=zoe")
    with override_script_prefix("/desk/"):
        question = Question(desk.get(url, SCRIPT_NAME="/desk"))
    assert question.numbers == [order.number]
    assert question.fields["next"] == "/desk/admin/orders/?q=zoe"


def test_ticked_ones_without_a_listing_lead_back_to_the_current_orders(desk):
    order = placed()
    for address in ("", "/admin/", "https://evil.example/", "javascript:alert(1)"):
        question = ask(desk, ticked("mark-handled", [order], address))
        assert question.back == [CURRENT]
        assert confirm(desk, question, next=address).url == CURRENT


# What changed between the question and the answer


def test_an_order_that_came_meanwhile_is_asked_about_first(desk):
    first = placed(number="first")
    question = ask(desk, all_of("mark-handled"))
    late = placed(number="late")
    before = everything()

    again = Question(confirm(desk, question), 409)

    assert everything() == before
    assert "The listing changed while you were here, so nothing was done yet." in again.text
    assert again.title == "Mark 2 orders as handled?"
    assert again.numbers == ["late", "first"]
    assert again.button == ["Order handled (2)"]
    response = confirm(desk, again)
    assert told(desk, response)[0].startswith("2 orders handled.")
    assert [state[1] for state in states_of([first, late])] == [True, True]


def test_an_order_that_left_meanwhile_is_told_too(desk):
    orders = [placed(number="stays"), placed(number="leaves")]
    question = ask(desk, all_of("mark-handled", f"{CURRENT}?payment_status=unpaid"))
    mark_paid(orders[1])
    before = everything()
    again = Question(confirm(desk, question), 409)
    assert everything() == before
    assert again.title == "Mark 1 order as handled?"
    confirm(desk, again)
    assert [state[1] for state in states_of(orders)] == [True, False]


def test_one_that_came_for_one_that_left_is_noticed_too(desk):
    leaves = placed(number="leaves")
    question = ask(desk, all_of("delete"))
    delete(leaves)
    placed(number="comes")
    again = Question(confirm(desk, question), 409)
    assert again.numbers == ["comes"]
    assert Order.objects.count() == 1


def test_a_ticked_order_that_was_deleted_meanwhile_is_noticed(desk):
    orders = [placed(number="stays"), placed(number="leaves")]
    question = ask(desk, ticked("mark-handled", orders))
    delete(orders[1])
    again = Question(confirm(desk, question), 409)
    assert again.numbers == ["stays"]
    assert not Order.objects.get(pk=orders[0].pk).is_handled
    confirm(desk, again)
    assert Order.objects.get(pk=orders[0].pk).is_handled


def test_no_more_is_deleted_than_the_question_said(desk):
    free, owed = placed(number="free"), placed(number="owed")
    mark_paid(owed)
    question = ask(desk, ticked("delete", [free, owed]))
    assert question.button == ["Delete (1)"]
    mark_unpaid(owed)
    again = Question(confirm(desk, question), 409)
    assert again.button == ["Delete (2)"]
    assert Order.objects.count() == 2


def test_what_was_typed_stays_when_the_listing_changed(desk):
    placed()
    question = ask(desk, all_of("cancel"))
    placed()
    again = Question(confirm(desk, question, reason="Sold out"), 409)
    assert again.fields["reason"] == "Sold out"


@pytest.mark.parametrize("fingerprint", [None, "", "0" * 64, "é", "x" * 10_000], ids=ascii)
def test_an_answer_to_no_question_does_nothing(fingerprint, desk):
    order = placed()
    sent = {"ids": str(order.pk), "next": CURRENT} | (
        {} if fingerprint is None else {"fingerprint": fingerprint}
    )
    before = everything()
    for slug in ("mark-handled", "delete", "cancel"):
        assert desk.post(bulk(slug), sent).status_code == 409
    assert everything() == before


def test_a_second_answer_finds_it_done(desk):
    orders = [placed(), placed()]
    question = ask(desk, ticked("mark-handled", orders))
    confirm(desk, question)
    events = OrderEvent.objects.count()
    response = confirm(desk, question)
    assert told(desk, response)[-1] == "2 are handled already."
    assert OrderEvent.objects.count() == events


def test_the_answer_to_one_question_does_not_answer_another(desk):
    """The same orders are named by the same fingerprint, but each action stands in its own address."""
    order = placed()
    question = ask(desk, ticked("archive", [order]))
    confirm(desk, question)
    fresh = Order.objects.get(pk=order.pk)
    assert not fresh.is_handled
    assert not fresh.is_cancelled


# Nonsense


@pytest.mark.parametrize(
    "ids",
    [
        "x",
        "-1",
        "0",
        "1.5",
        "1e3",
        "²",
        "١",
        "",
        " ",
        "None",
        "ALL",
        "1 OR 1=1",
        "<script>alert(1)</script>",
        "\x00",
        "999999999",
        "9223372036854775807",
        "9223372036854775808",
        "9" * 40,
        "9" * 5_000,
    ],
    ids=lambda ids: ascii(ids)[:30],
)
def test_what_is_no_order_is_left_out(ids, desk):
    orders = [placed(), placed()]
    before = everything()
    url = f"{bulk('delete')}?{urlencode([('id', ids), ('next', CURRENT)])}"
    question = ask(desk, url)
    assert "No order is selected." in question.text
    assert not question.button
    response = desk.post(bulk("delete"), {**question.fields, "ids": ids})
    assert response.status_code in {302, 409}
    assert everything() == before
    # Beside one that is ticked it does no harm either.
    mixed = ask(desk, f"{bulk('delete')}?{urlencode([('id', ids), ('id', orders[0].pk), ('next', CURRENT)])}")
    assert mixed.numbers == [orders[0].number]


def test_an_order_that_is_ticked_twice_is_meant_once(desk):
    order = placed()
    question = ask(desk, ticked("mark-paid", [order, order, order]))
    assert question.title == "Mark 1 order as paid?"
    confirm(desk, question)
    assert order.payments.count() == 1


def test_nothing_ticked_is_told(desk):
    placed()
    before = everything()
    question = ask(desk, bulk("archive") + "?next=/admin/orders/")
    assert "No order is selected. Go back and tick some." in question.text
    assert not question.button
    assert told(desk, confirm(desk, question)) == ["No order was selected, so nothing was changed."]
    assert everything() == before


def test_an_unknown_action_is_not_found(desk):
    order = placed()
    for slug in ("explode", "mark-unpaid", "reopen", "unflag", "mark-unhandled", "refund"):
        assert desk.get(ticked(slug, [order]), follow=True).status_code == 404
        assert desk.post(ticked(slug, [order]), follow=True).status_code == 404


def test_a_method_that_is_neither_get_nor_post_changes_nothing(desk):
    order = placed()
    before = everything()
    for method in (desk.put, desk.patch, desk.delete, desk.head, desk.options):
        method(ticked("mark-handled", [order]))
    assert everything() == before


def test_the_bulk_deletion_that_every_snippet_has_is_replaced_by_the_verb(desk, owner):
    order, paid = placed(number="gone"), placed(number="paid")
    mark_paid(paid)
    question = ask(desk, ticked("delete", [order, paid]))
    assert "have money recorded" in question.text or "has money recorded" in question.text
    confirm(desk, question)
    assert list(Order.objects.all()) == [paid]
    event = OrderEvent.objects.get(kind="deleted")
    assert (event.data["number"], event.actor) == ("gone", owner)


# Who may


@pytest.mark.parametrize(
    ("codenames", "allowed"),
    [
        ((), set()),
        (("view_order",), set()),
        (("add_order",), set()),
        (("export_order", "view_order"), set()),
        (("change_order",), {"mark-paid", "mark-handled", "archive", "unarchive", "cancel"}),
        (("delete_order",), {"delete"}),
        (("change_order", "delete_order"), set(SLUGS)),
    ],
    ids=str,
)
def test_each_action_checks_its_permission_itself(codenames, allowed, client, django_user_model):
    orders = [placed(), placed()]
    mark_handled(orders[0])
    archive(orders[0])
    client.force_login(user_with(django_user_model, *codenames))
    for slug in SLUGS:
        before = everything()
        for url in (ticked(slug, orders), all_of(slug, ALL)):
            response = client.get(url)
            assert (response.status_code == 200) == (slug in allowed), (slug, response.status_code)
            if slug in allowed:
                assert response.content.decode().count("<tr><td>") >= 2
            else:
                assert orders[1].number not in response.content.decode()
                fingerprint = "b" * 64
                sent = {"ids": "all", "next": ALL, "fingerprint": fingerprint}
                assert client.post(bulk(slug), sent).status_code in {302, 403}
        assert everything() == before


def test_who_lost_the_permission_after_the_question_cannot_answer_it(client, django_user_model):
    order = placed()
    user = user_with(django_user_model, "change_order", "view_order")
    client.force_login(user)
    question = ask(client, ticked("mark-handled", [order]))
    user.groups.get().permissions.remove(*user.groups.get().permissions.filter(codename="change_order"))
    before = everything()
    assert confirm(client, question).status_code in {302, 403}
    assert everything() == before


def test_a_stranger_is_sent_to_the_login(client):
    order = placed()
    before = everything()
    for slug in SLUGS:
        for response in (client.get(ticked(slug, [order])), client.post(ticked(slug, [order]))):
            assert response.status_code == 302
            assert response.url.startswith("/admin/login/")
    assert everything() == before


def test_an_answer_without_its_token_is_refused(owner):
    order = placed()
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    question = ask(client, ticked("mark-handled", [order]))
    before = everything()
    fields = {name: value for name, value in question.fields.items() if name != "csrfmiddlewaretoken"}
    assert client.post(question.action, fields).status_code == 403
    assert everything() == before
    assert client.post(question.action, question.fields).status_code == 302
    assert Order.objects.get(pk=order.pk).is_handled


# Ten thousand


@pytest.fixture
def ten_thousand(site):
    order = placed()
    mark_handled(order)
    copies(order, 9_999)
    assert Order.objects.count() == 10_000


@pytest.mark.parametrize("slug", ["archive", "mark-paid", "cancel", "delete"])
def test_the_question_about_ten_thousand_takes_twelve_queries_and_a_small_page(slug, desk, ten_thousand):
    desk.get(CURRENT)
    with CaptureQueriesContext(connection) as queries:
        response = desk.get(all_of(slug, f"{CURRENT}?q=zoe"))
    question = Question(response)
    assert "10,000" in question.title or "10000" in question.title
    assert len(response.content) < 1_000_000
    assert len(queries) <= 12, "\n".join(query["sql"][:160] for query in queries)


def test_ten_thousand_are_archived_at_once(desk, ten_thousand):
    left_alone = placed(customer_name="Bruno")
    response = confirm(desk, ask(desk, all_of("archive", f"{CURRENT}?q=zoe")))
    said = told(desk, response)[0]
    assert said.replace(",", "").startswith("10000 orders archived.")
    assert Order.objects.archived().count() == 10_000
    assert OrderEvent.objects.filter(kind="archived").count() == 10_000
    assert list(Order.objects.current()) == [left_alone]


def test_an_order_that_is_partly_sent_is_not_cancelled_among_many(desk):
    sent, other = placed(number="sent"), placed(number="other")
    ship(sent, lines={sent.lines.get(): 1})
    question = ask(desk, ticked("cancel", [sent, other]))
    assert "1 will not: sent is already sent or handled; take that back first." in question.text
    confirm(desk, question)
    assert [state[3] for state in states_of([sent, other])] == [False, True]


def test_a_database_that_breaks_off_is_told_with_what_was_done(desk, settings):
    """The chunks that were committed stand, and can be undone; the rest is as it was."""
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 1}
    orders = [placed(), placed(), placed()]
    question = ask(desk, ticked("mark-handled", orders))
    updates = []

    def break_off(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "handled_at" in sql:
            updates.append(sql)
            if len(updates) == 2:
                raise DatabaseError("server closed the connection")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_off):
        response = confirm(desk, question)
    said = " ".join(told(desk, response))
    assert "1 of 3 orders were changed, the others were not. Try again with those." in said
    assert [order.is_handled for order in Order.objects.order_by("pk")] == [True, False, False]


def test_an_invalid_answer_still_tells_that_the_listing_changed(desk):
    placed()
    question = ask(desk, all_of("mark-paid"))
    placed()
    response = confirm(desk, question, received_on="")
    assert response.status_code == 422
    assert "The listing changed while you were here" in response.content.decode()


@pytest.mark.parametrize("q", ["%00", "%CC%81"])
def test_a_search_that_cannot_be_read_selects_nothing(desk, q):
    placed()
    url = f"{bulk('cancel')}?q={q}&id=all&next={quote(CURRENT + '?q=' + q, safe='')}"
    assert "No order is selected" in desk.get(url).content.decode()


def test_a_deletion_that_breaks_off_tells_how_many_are_gone(desk, settings):
    settings.WAGTAIL_ORDERS = {"CHUNK_SIZE": 1}
    question = ask(desk, ticked("delete", [placed(), placed(), placed()]))

    def break_off(execute, sql, params, many, context):
        if sql.startswith("DELETE") and Order.objects.count() == 1:
            raise DatabaseError("server closed the connection")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_off):
        response = confirm(desk, question)
    assert "2 of 3 orders were changed" in " ".join(told(desk, response))
    assert Order.objects.count() == 1
