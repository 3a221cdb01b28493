"""The owner's way to an export: which orders, in which format; what is remembered, refused, and told."""

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django import forms
from django.core.signals import request_finished
from django.db import close_old_connections
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from wagtail import hooks
from wagtail.models import ModelLogEntry
from wagtail.users.models import UserProfile

from wagtail_orders import jobs
from wagtail_orders.exports import Format
from wagtail_orders.lifecycle import archive, mark_handled, mark_paid
from wagtail_orders.models import ExportChoice, Job, JobPiece

from .desk import filled, parsed, user_with, words
from .orders import placed

pytestmark = pytest.mark.django_db

LISTING, ARCHIVE, ALL = "/admin/orders/", "/admin/orders/archived/", "/admin/orders/all/"
BULK = "/admin/bulk/wagtail_orders/order/export/"
PAGE = "/admin/orders/export/"


class LabelForm(forms.Form):
    heading = forms.CharField(max_length=20, required=False)
    columns = forms.MultipleChoiceField(
        choices=[("number", "Number"), ("total", "Total")],
        widget=forms.CheckboxSelectMultiple,
        initial=["number"],
        error_messages={"required": "Tick at least one column."},
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user


def write_labels(selection):
    yield f"{selection.options['heading']}\n".encode()
    for order in selection.orders():
        yield f"{order.number}\n".encode()


def write_plain(selection):
    yield ",".join(order.number for order in selection.orders()).encode()


LABELS = Format("labels", "Labels", "txt", "text/plain; charset=utf-8", write_labels, "For jars.", LabelForm)
PLAIN = Format("plain", "Plain", "lst", "text/plain", write_plain, "Numbers only.")


@pytest.fixture
def only(monkeypatch):
    """Puts a test's own formats in the place of those that come along."""

    def offer(*kinds):
        found = {"register_order_export_format": [(lambda kind=kind: kind, 0) for kind in kinds]}
        monkeypatch.setattr(hooks, "_hooks", {**hooks._hooks, **found})

    return offer


@pytest.fixture(autouse=True)
def two_formats(only):
    only(LABELS, PLAIN)


@pytest.fixture
def orders(desk):
    found = [
        placed(number=f"A-{position}", customer_name=name, email=f"{position}@example.com")
        for position, name in enumerate(("Zoë", "Ann", "Bob"))
    ]
    mark_paid(found[1])
    return found


def ticked(orders, listing=LISTING):
    return BULK + "?" + urlencode([*(("id", order.pk) for order in orders), ("next", listing)])


def all_of(listing):
    return BULK + "?" + urlencode([("id", "all"), ("next", listing)])


def page_of(desk, url, status=200):
    response = desk.get(url)
    assert response.status_code == status
    return parsed(response)


def form_in(page):
    [form] = page.xpath("//div[contains(@class, 'orders-export')]//form")
    return form


def heading(page):
    return words(page.xpath("//div[contains(@class, 'orders-export')]/h2")[0])


def export(desk, url, **typed):
    """Open the page, choose, and press Export."""
    form = form_in(page_of(desk, url))
    sent = {**filled(form), **typed}
    return desk.post(form.get("action"), {name: value for name, value in sent.items() if value is not None})


def numbers(response):
    assert response.status_code == 200, words(parsed(response))
    return response.getvalue().decode().split(",")


def abandon(response):
    """Close it as a server does, but for the database's connection, which is the test's too."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def more_link(desk, listing):
    [link] = [link for link in page_of(desk, listing).xpath("//a") if words(link) == "Export orders"]
    return link.get("href")


# Which orders


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (LISTING, ["A-2", "A-1", "A-0"]),
        (f"{LISTING}?ordering=number", ["A-0", "A-1", "A-2"]),
        (f"{LISTING}?ordering=-customer_name", ["A-0", "A-2", "A-1"]),
        (f"{LISTING}?payment_status=unpaid", ["A-2", "A-0"]),
        (f"{LISTING}?q=a-0", ["A-0"]),
        (f"{LISTING}?payment_status=paid&payment_status=unpaid&q=bob&p=1", ["A-2"]),
        (ARCHIVE, ["B-1"]),
        (ALL, ["B-1", "A-2", "A-1", "A-0"]),
    ],
)
def test_exactly_what_the_listing_shows_is_exported_in_its_order(desk, orders, listing, expected):
    put_away = placed(number="B-1", customer_name="Eve", email="eve@example.com")
    mark_handled(put_away)
    archive(put_away)
    shown = page_of(desk, listing).xpath("//td[contains(@class, 'orders-number')]//a/text()")
    assert shown == expected
    link = more_link(desk, listing)
    assert heading(page_of(desk, link)).startswith(f"Export {len(expected)} order")
    assert numbers(export(desk, link, format="plain")) == expected
    assert numbers(export(desk, all_of(listing), format="plain")) == expected


def test_the_ticked_orders_are_exported_in_the_listings_order(desk, orders):
    chosen = [orders[0], orders[2]]
    page = page_of(desk, ticked(chosen))
    assert heading(page) == "Export 2 orders"
    assert "Selected orders: A-2, A-0" in words(page)
    assert numbers(export(desk, ticked(chosen), format="plain")) == ["A-2", "A-0"]
    assert numbers(export(desk, ticked(chosen, f"{LISTING}?ordering=number"), format="plain")) == [
        "A-0",
        "A-2",
    ]


def test_a_ticked_order_that_left_the_listing_is_exported_all_the_same(desk, orders):
    mark_handled(orders[2])
    archive(orders[2])
    assert numbers(export(desk, ticked(orders), format="plain")) == ["A-1", "A-0", "A-2"]


def test_ticks_on_what_is_no_order_are_left_out(desk, orders):
    url = ticked([orders[1]]) + "&id=999999&id=x&id=%00&id=" + "9" * 30
    assert numbers(export(desk, url, format="plain")) == ["A-1"]


def test_ten_thousand_ticked_orders_travel_in_the_requests_body(desk, orders):
    pks = [order.pk for order in orders]
    ids = ",".join(map(str, [*range(10_000_000, 10_010_000), *pks]))
    response = desk.post(BULK, {"ids": ids, "next": LISTING, "format": "plain"})
    assert numbers(response) == ["A-0", "A-1", "A-2"]


def test_an_order_that_arrives_before_export_is_pressed_is_exported_too(desk, orders):
    form = form_in(page_of(desk, PAGE))
    placed(number="A-3")
    response = desk.post(form.get("action"), {**filled(form), "format": "plain"})
    assert numbers(response) == ["A-3", "A-2", "A-1", "A-0"]
    assert Job.objects.get().total == 4


def test_the_page_says_in_words_which_orders(desk, orders):
    listing = f"{LISTING}?{urlencode({'q': '<b>o', 'payment_status': 'unpaid', 'ordering': '-total'})}"
    placed(number="C", customer_name="<b>o")
    page = page_of(desk, more_link(desk, listing))
    [conditions] = page.xpath("//ul[contains(@class, 'orders-conditions')]")
    assert [words(item) for item in conditions] == [
        "Current orders",
        "Search: “<b>o”",
        "Payment: Unpaid",
        "Sorted by: Total, descending",
    ]
    assert page.xpath("//form//a[text()='Go back']/@href") == [listing]


@pytest.mark.parametrize("sent", ["list=nowhere", "list=", "list=%00"])
def test_a_listing_that_is_none_is_not_found(desk, orders, sent):
    assert desk.get(f"{PAGE}?{sent}", follow=True).status_code == 404
    assert desk.post(f"{PAGE}?{sent}", {"format": "plain"}, follow=True).status_code == 404


@pytest.mark.parametrize("next_url", ["", "/admin/", "https://elsewhere.example.com/admin/orders/"])
def test_all_of_no_listing_is_not_found(desk, orders, next_url):
    assert desk.get(all_of(next_url), follow=True).status_code == 404


# The file


@pytest.mark.parametrize(
    ("url", "state"),
    [(LISTING, "current"), (ARCHIVE, "archived"), (ALL, "all")],
)
def test_the_file_is_named_after_site_view_and_date(desk, orders, url, state, settings):
    settings.ALLOWED_HOSTS = ["*"]
    mark_handled(orders[0])
    archive(orders[0])
    day = timezone.localdate().isoformat()
    for host, site in (("www.example.com", "example.com"), ("shop.example.com:8000", "shop.example.com")):
        link = more_link(desk, url)
        response = desk.post(link, {"format": "plain"}, headers={"host": host})
        name = f'attachment; filename="{site}-orders-{state}-{day}.lst"'
        assert response.headers["Content-Disposition"] == name
    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert {"private", "no-store"} <= set(response.headers["Cache-Control"].split(", "))


def test_a_file_of_ticked_orders_says_so(desk, orders):
    response = export(desk, ticked(orders[:1]), format="plain")
    assert f"testserver-orders-selected-{timezone.localdate()}" in response.headers["Content-Disposition"]


def test_the_date_is_that_of_who_exports(desk, orders, owner, monkeypatch):
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: late)
    profile = UserProfile.get_for_user(owner)
    profile.current_time_zone = "Asia/Tokyo"
    profile.save()
    response = export(desk, PAGE, format="plain")
    assert f"-{date(2026, 11, 24)}." in response.headers["Content-Disposition"]
    assert Job.objects.get().data["time_zone"] == "Asia/Tokyo"


def test_a_file_is_written_in_the_language_of_who_exports(desk, orders, owner, only):
    profile = UserProfile.get_for_user(owner)
    profile.preferred_language = "fr"
    profile.save()

    def write(selection):
        yield gettext("Yes").encode()
        yield f" {timezone.get_current_timezone_name()} {selection.language}".encode()

    only(Format("said", "Said", "txt", "text/plain", write))
    response = desk.post(PAGE, {"format": "said"})
    assert response.getvalue().decode() == "Oui Europe/Brussels fr"


# What is chosen, and remembered


def test_each_format_is_a_card_with_a_sentence_and_its_own_choices(desk, orders):
    page = page_of(desk, PAGE)
    cards = page.xpath("//label[contains(@class, 'orders-format__card')]")
    assert [words(card) for card in cards] == ["Labels For jars.", "Plain Numbers only."]
    assert [card.xpath("./input/@checked") for card in cards] == [["checked"], []]
    form = form_in(page)
    assert form.fields["format"] == "labels"
    assert {"labels-heading", "labels-columns"} <= set(form.fields.keys())


def test_the_last_choice_of_each_format_is_kept_for_each_user(desk, orders, owner, client, django_user_model):
    typed = {"format": "labels", "labels-heading": "Jars", "labels-columns": ["total"]}
    assert export(desk, PAGE, **typed).getvalue().startswith(b"Jars\n")
    export(desk, PAGE, format="plain")
    form = form_in(page_of(desk, ticked(orders)))
    assert form.fields["format"] == "plain"
    assert form.fields["labels-heading"] == "Jars"
    assert set(form.inputs["labels-columns"].value) == {"total"}
    export(desk, PAGE, **{**typed, "labels-heading": "Lids"})
    choices = ExportChoice.objects.order_by("chosen_at").values_list("user", "format", "options")
    assert list(choices) == [
        (owner.pk, "plain", {}),
        (owner.pk, "labels", {"heading": "Lids", "columns": ["total"]}),
    ]
    client.force_login(user_with(django_user_model, "export_order", "view_order"))
    form = form_in(page_of(client, PAGE))
    assert (form.fields["format"], form.fields["labels-heading"]) == ("labels", None)


def test_a_remembered_format_that_is_no_more_is_forgotten(desk, orders, owner):
    ExportChoice.objects.create(user=owner, format="gone", options={"x": 1})
    assert form_in(page_of(desk, PAGE)).fields["format"] == "labels"


# What is refused


def refused(response):
    assert response.status_code == 422
    assert (
        Job.objects.count()
        == ExportChoice.objects.count()
        == ModelLogEntry.objects.filter(action="wagtail_orders.exported").count()
        == 0
    )
    return parsed(response)


@pytest.mark.parametrize("name", ["pdf", "", None, "<b>", "\0"])
def test_an_unknown_format_is_told_and_the_choices_stay(desk, orders, name):
    sent = {"format": name, "labels-heading": "Jars", "in_background": "on"}
    page = refused(desk.post(PAGE, {key: value for key, value in sent.items() if value is not None}))
    assert "Choose one of the formats." in words(page)
    form = form_in(page)
    assert form.fields["labels-heading"] == "Jars"
    assert form.inputs["in_background"].checked


def test_a_format_without_columns_is_told_and_the_choices_stay(desk, orders):
    page = refused(
        desk.post(
            ticked(orders[:2]), {"format": "labels", "labels-heading": "Jars", "ids": "", "next": LISTING}
        )
    )
    assert "Tick at least one column." in words(page)
    assert "Nothing is exported yet." in words(page)
    form = form_in(page)
    assert (form.fields["format"], form.fields["labels-heading"]) == ("labels", "Jars")
    assert form.fields["ids"] == f"{orders[0].pk},{orders[1].pk}"


def test_only_the_chosen_format_can_be_wrong(desk, orders):
    sent = {"labels-heading": "x" * 30, "format": "plain"}
    assert numbers(desk.post(PAGE, sent)) == ["A-2", "A-1", "A-0"]
    page = refused_page(desk.post(PAGE, {**sent, "format": "nope"}))
    assert "at most 20" not in words(page)
    assert form_in(page).fields["labels-heading"] == "x" * 30


def refused_page(response):
    assert response.status_code == 422
    return parsed(response)


@pytest.mark.parametrize("url", [BULK + "?next=/admin/orders/", BULK + "?id=999999&next=/admin/orders/"])
def test_nothing_selected_is_told(desk, orders, url):
    page = page_of(desk, url)
    assert "No order is selected. Go back and tick some." in words(page)
    assert not page.xpath("//div[contains(@class, 'orders-export')]//form")
    assert page.xpath("//a[text()='Go back']/@href") == [LISTING]
    assert "No order is selected." in words(refused(desk.post(url, {"format": "plain"})))


def test_a_filter_that_cannot_be_read_exports_nothing(desk, orders):
    url = f"{PAGE}?{urlencode({'list': 'current?placed_at_from=yesterday'})}"
    assert "One of the filters cannot be read" in words(page_of(desk, url))
    assert "One of the filters cannot be read" in words(refused(desk.post(url, {"format": "plain"})))


def test_to_look_exports_nothing(desk, orders):
    for url in (PAGE, ticked(orders), all_of(LISTING)):
        for query in ("", "&format=plain", "&format=plain&ids=all"):
            response = desk.get(url + ("?" if url == PAGE else "") + query)
            assert response.headers["Content-Type"].startswith("text/html")
            desk.head(url)
    assert not Job.objects.exists()
    assert not ModelLogEntry.objects.filter(action="wagtail_orders.exported").exists()


# Big ones


@pytest.fixture
def few_at_once(settings):
    settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "EXPORT_AT_ONCE": 2}


def made(job):
    """The file of a background job, after its work is done."""
    job.refresh_from_db()
    jobs.run.do(job.pk, job.run)
    job.refresh_from_db()
    return b"".join(jobs.read_result(job)) if job.state == "done" else job.error


def test_a_big_export_is_made_in_the_background_and_says_why(desk, orders, few_at_once, owner):
    form = form_in(page_of(desk, PAGE))
    box = form.inputs["in_background"]
    assert (box.checked, box.get("disabled")) == (True, "disabled")
    assert "A file of more than 2 orders is always made in the background." in words(form)
    response = desk.post(form.get("action"), {**filled(form), "format": "plain"})
    job = Job.objects.get()
    assert response.url == reverse("wagtail_orders:job", args=[job.pk])
    assert (job.kind, job.user, str(job), job.total) == ("export", owner, "Current orders, Plain", 3)
    assert made(job) == b"A-2,A-1,A-0"
    assert (job.done, job.content_type) == (3, "text/plain")
    assert job.file_name == f"testserver-orders-current-{timezone.localdate()}.lst"
    # Up to the limit it is a download.
    assert numbers(export(desk, ticked(orders[:2]), format="plain")) == ["A-1", "A-0"]


def test_a_small_export_is_made_in_the_background_on_wish(desk, orders):
    typed = {"format": "labels", "labels-heading": "Jars", "labels-columns": ["total"], "in_background": "on"}
    response = export(desk, f"{PAGE}?list=current%3Fordering%3Dnumber", **typed)
    assert response.status_code == 302
    assert made(Job.objects.get()) == b"Jars\nA-0\nA-1\nA-2\n"


def test_the_background_exports_what_was_shown_when_it_was_asked_for(desk, orders):
    export(desk, ticked(orders[:2]), format="plain", in_background="on")
    placed(number="later")
    mark_handled(orders[0])
    archive(orders[0])
    assert made(Job.objects.get()) == b"A-1,A-0"


def test_a_format_that_went_away_meanwhile_is_told(desk, orders, only):
    export(desk, PAGE, format="plain", in_background="on")
    only(LABELS)
    assert made(Job.objects.get()) == "The format is no longer offered. Export once more in another one."


def test_a_download_cannot_be_taken_up_again(desk, orders):
    abandon(export(desk, PAGE, format="plain"))
    job = Job.objects.get()
    assert job.state == "cancelled"
    assert not jobs.take_up(job)


def test_a_job_that_lost_its_orders_says_so(desk, orders):
    export(desk, PAGE, format="plain", in_background="on")
    JobPiece.objects.all().delete()
    assert "Export once more from the listing." in made(Job.objects.get())


# What it costs


@pytest.mark.parametrize("count", [3, 30])
def test_the_page_takes_eight_queries_however_many_orders(desk, orders, django_assert_num_queries, count):
    orders += [placed() for _ in range(count - 3)]
    listing = f"{LISTING}?q=example&payment_status=unpaid&ordering=total"
    desk.get(more_link(desk, listing))
    # How many orders, and what was chosen last; three for the user, and three of Wagtail's.
    with django_assert_num_queries(8):
        desk.get(f"{PAGE}?{urlencode({'list': 'current?q=example&payment_status=unpaid&ordering=total'})}")
    with django_assert_num_queries(8):
        desk.get(all_of(listing))
    # Of ticked ones which there are still, in which order, and the first numbers.
    with django_assert_num_queries(10):
        desk.get(ticked(orders))


@pytest.mark.parametrize("count", [3, 30])
def test_a_download_takes_as_many_queries_however_many_orders(desk, orders, django_assert_num_queries, count):
    for _ in range(count - 3):
        placed()
    export(desk, PAGE, format="plain").getvalue()
    # Which orders, what was chosen last and is now, the job, Wagtail's log.
    with django_assert_num_queries(14):
        response = desk.post(PAGE, {"format": "plain"})
    # The orders, their lines, their addresses; and the note that it is through.
    with django_assert_num_queries(4):
        assert len(response.getvalue().split(b",")) == count


# Who may, and what is told


def test_export_needs_its_permission_everywhere(client, django_user_model, orders):
    user = user_with(django_user_model, "view_order", "change_order", "delete_order")
    client.force_login(user)
    assert "Export" not in words(page_of(client, LISTING).xpath("//main")[0])
    assert not page_of(client, LISTING).xpath("//a[contains(@href, 'export')]")
    for url in (PAGE, ticked(orders), all_of(LISTING)):
        assert client.get(url).url == "/admin/"
        assert client.post(url, {"format": "plain", "ids": "all", "next": LISTING}).url == "/admin/"
    assert not Job.objects.exists()


def test_who_may_look_and_export_finds_the_way(client, django_user_model, orders):
    client.force_login(user_with(django_user_model, "view_order", "export_order"))
    page = page_of(client, LISTING)
    assert len(page.xpath("//input[@data-bulk-action-checkbox]")) == 3
    bar = {words(button): button.get("href") for button in page.xpath("//*[@data-bulk-action-button]")}
    assert bar == {"Print": BULK.replace("export", "print"), "Export": BULK}
    assert not page.xpath("//button[contains(@formaction, 'action')]")
    assert numbers(export(client, more_link(client, LISTING), format="plain")) == ["A-2", "A-1", "A-0"]


def test_the_permission_can_be_given_to_a_group(desk):
    page = page_of(desk, "/admin/groups/new/")
    assert "Can export orders" in words(page)


def test_an_export_is_told_in_wagtails_log(desk, orders, owner):
    listing = f"{LISTING}?{urlencode({'q': 'a-0', 'payment_status': 'unpaid'})}"
    export(desk, more_link(desk, listing), format="plain")
    entry = ModelLogEntry.objects.get(action="wagtail_orders.exported")
    assert (entry.user, entry.label) == (owner, "Current orders, Plain")
    assert entry.object_id == str(Job.objects.get().pk)
    assert entry.data == {
        "format": "plain",
        "count": 1,
        "orders": "current",
        "conditions": ["Search: “a-0”", "Payment: Unpaid"],
        "listing": "current?q=a-0&payment_status=unpaid",
    }
    assert json.loads(json.dumps(entry.data)) == entry.data
    page = page_of(desk, "/admin/reports/site-history/")
    said = "Exported 1 order as Plain (Current orders; Search: “a-0”; Payment: Unpaid)"
    assert said in words(page)
    Job.objects.all().delete()
    assert said in words(page_of(desk, "/admin/reports/site-history/"))


def test_ticked_and_background_exports_are_in_the_log_too(desk, orders):
    export(desk, ticked(orders[:2]), format="plain", in_background="on")
    page = page_of(desk, "/admin/reports/site-history/")
    assert "Exported 2 orders as Plain (Selected orders)" in words(page)


def test_the_links_of_the_listing_lead_to_exactly_that_listing(desk, orders):
    query = "payment_status=unpaid&q=bob&ordering=total"
    link = urlsplit(more_link(desk, f"{ALL}?{query}&p=1"))
    assert link.path == PAGE
    assert parse_qs(link.query) == {"list": [f"all?{query}"]}
