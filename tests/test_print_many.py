"""Many orders on paper: which, as what, in whose language; one PDF at once or as a job; what fails, and who may."""

import io
from array import array
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader
from wagtail import hooks
from wagtail.models import ModelLogEntry
from wagtail.users.models import UserProfile

from wagtail_orders import jobs
from wagtail_orders.documents import Document, documents, many
from wagtail_orders.documents.many import Printing
from wagtail_orders.documents.xhtml2pdf import render
from wagtail_orders.exceptions import DocumentFailed
from wagtail_orders.lifecycle import Line, archive, cancel, mark_handled, mark_paid, ship
from wagtail_orders.models import ExportChoice, Job, JobPiece, Order, OrderSettings

from .desk import filled, parsed, tables, user_with, words
from .orders import MUG, placed
from .paper import many_lines, needs_poppler, pages_of, text_of

pytestmark = pytest.mark.django_db

LISTING = "/admin/orders/"
PAGE = "/admin/orders/print/"
BULK = "/admin/bulk/wagtail_orders/order/print/"


@pytest.fixture
def orders(site):
    found = [
        placed(site=site, number=f"A-{position}", customer_name=name, email=f"{position}@example.com")
        for position, name in enumerate(("Zoë", "Ann", "Bob"))
    ]
    mark_paid(found[1])
    return found


@pytest.fixture
def at_most(settings):
    """At most so many orders at once, and other keys of the settings."""

    def set_to(count=2, **keys):
        settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "PRINT_AT_ONCE": count, **keys}

    return set_to


def fails_for(*numbers):
    """A renderer that breaks at the orders with these numbers."""

    def renderer(html, base):
        if any(number in html for number in numbers):
            raise RuntimeError("secret detail")
        return render(html, base)

    return renderer


def only_a_1_breaks(html, base):
    return fails_for("A-1")(html, base)


def all_break(html, base):
    return fails_for("")(html, base)


BROKEN = {"PDF_RENDERER": f"{__name__}.only_a_1_breaks"}
ALL_BROKEN = {"PDF_RENDERER": f"{__name__}.all_break"}


def ticked(orders, listing=LISTING):
    return BULK + "?" + urlencode([*(("id", order.pk) for order in orders), ("next", listing)])


def all_of(listing):
    return BULK + "?" + urlencode([("id", "all"), ("next", listing)])


def page_of(desk, url, status=200):
    response = desk.get(url)
    assert response.status_code == status
    return parsed(response)


def form_in(page):
    [form] = page.xpath("//form[.//input[@name='document']]")
    return form


def send(desk, url, **typed):
    """Open the page, choose, and press a button: ``way`` is its value."""
    form = form_in(page_of(desk, url))
    sent = {**filled(form), **typed}
    return desk.post(form.get("action"), {name: value for name, value in sent.items() if value is not None})


def buttons(page):
    return {button.get("value"): words(button) for button in page.xpath("//button[@name='way']")}


def pdf_of(response):
    assert response.status_code == 200, words(parsed(response))
    assert response.headers["Content-Type"] == "application/pdf"
    return response.content


def numbers_in(pdf):
    """The numbers in the order of the pages, each once."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    found = (next((word for word in text.split() if word.startswith(("A-", "B-"))), None) for text in pages)
    return list(dict.fromkeys(found))


def made(job):
    """The job, after its work is done."""
    job.refresh_from_db()
    jobs.run.do(job.pk, job.run)
    job.refresh_from_db()
    return job


def result_of(job):
    return b"".join(jobs.read_result(job))


# Which orders


def test_the_ticked_orders_are_printed_in_the_listings_order(desk, orders):
    page = page_of(desk, ticked([orders[0], orders[2]]))
    assert "Print 2 orders" in words(page)
    assert "Selected orders: A-2, A-0" in words(page)
    assert numbers_in(pdf_of(send(desk, ticked([orders[0], orders[2]])))) == ["A-2", "A-0"]
    by_number = ticked([orders[2], orders[0]], f"{LISTING}?ordering=number")
    assert numbers_in(pdf_of(send(desk, by_number))) == ["A-0", "A-2"]


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (LISTING, ["A-2", "A-1", "A-0"]),
        (f"{LISTING}?payment_status=unpaid&ordering=number", ["A-0", "A-2"]),
        (f"{LISTING}?q=ann", ["A-1"]),
        ("/admin/orders/archived/", ["B-1"]),
    ],
)
def test_all_that_a_filtered_listing_shows_is_printed(desk, site, orders, listing, expected):
    put_away = placed(site=site, number="B-1", customer_name="Eve", email="eve@example.com")
    mark_handled(put_away)
    archive(put_away)
    [link] = [link for link in page_of(desk, listing).xpath("//a") if words(link) == "Print orders"]
    assert numbers_in(pdf_of(send(desk, link.get("href")))) == expected
    assert numbers_in(pdf_of(send(desk, all_of(listing)))) == expected


def test_the_listing_has_the_button_beside_export(desk, orders):
    bar = page_of(desk, LISTING).xpath("//*[@data-bulk-action-button]")
    found = [words(button) for button in bar]
    assert found[found.index("Export") - 1] == "Print"


@pytest.mark.parametrize("url", [f"{BULK}?next={LISTING}", f"{BULK}?id=999999&next={LISTING}"])
def test_nothing_selected_is_told(desk, orders, url):
    page = page_of(desk, url)
    assert "No order is selected. Go back and tick some." in words(page)
    assert not buttons(page)
    response = desk.post(url, {"document": "order-sheet"})
    assert response.status_code == 422
    assert "No order is selected." in words(parsed(response))
    assert not Job.objects.exists()


def test_to_look_prints_nothing(desk, orders):
    before = tables()
    for url in (PAGE, ticked(orders), all_of(LISTING)):
        joint = "?" if url == PAGE else "&"
        for query in ("", f"{joint}document=order-sheet&way=pdf"):
            assert desk.get(url + query).headers["Content-Type"].startswith("text/html")
            desk.head(url + query)
    assert tables() == before
    assert not ModelLogEntry.objects.filter(action="wagtail_orders.printed").exists()


# At once


def test_the_pdf_opens_in_the_browser_under_a_name_and_no_cache_keeps_it(desk, orders):
    response = send(desk, PAGE, document="packing-slip")
    name = f"testserver-packing-slip-current-{timezone.localdate()}.pdf"
    assert response.headers["Content-Disposition"] == f'inline; filename="{name}"'
    assert {"private", "no-store"} <= set(response.headers["Cache-Control"].split(", "))


@needs_poppler
def test_each_order_counts_its_own_pages(desk, site):
    placed(site=site, lines=many_lines(60), number="A-1")
    placed(site=site, number="A-0")
    pdf = pdf_of(send(desk, PAGE, document="order-sheet"))
    long = pages_of(pdf) - 1
    assert long > 1
    text = text_of(pdf)
    assert text.count("Page 1 of 1 ") == 1
    for page in range(1, long + 1):
        assert f"Page {page} of {long}" in text
    assert f"of {long + 1}" not in text


@pytest.mark.parametrize("kind", ["order-sheet", "packing-slip", "address-label"])
def test_every_document_of_one_order_has_as_many_pages_as_orders(desk, orders, kind):
    assert pages_of(pdf_of(send(desk, PAGE, document=kind))) == 3


@needs_poppler
def test_a_pick_list_sums_all_lines_by_sku_sorted(desk, site):
    bowl = Line(sku="BOWL", name="Bol", quantity=3, unit_price=5)
    two, three = placed(site=site, number="A-2", lines=[MUG, bowl]), placed(site=site, number="A-3")
    gone = placed(site=site, number="A-4", lines=[bowl])
    cancel(gone)
    ship(three, lines={three.lines.get(): 1})
    pdf = pdf_of(send(desk, ticked([two, three, gone]), document="pick-list"))
    text = text_of(pdf, "-layout")
    assert "☐ 3× BOWL" in text
    assert "☐ 3× MUG-F" in text
    assert text.index("BOWL") < text.index("MUG-F")
    assert "A-2 × 2" in text
    assert "A-3" in text
    assert "A-4" not in text


def test_a_projects_own_document_is_printed_too(desk, orders, monkeypatch):
    own = Document(
        "note",
        "Gift note",
        "wagtail_orders/documents/address_label.html",
        documents()["address-label"].context,
    )
    found = [*hooks._hooks["register_order_document"], (lambda: own, 0)]
    monkeypatch.setattr(hooks, "_hooks", {**hooks._hooks, "register_order_document": found})
    page = page_of(desk, PAGE)
    cards = [words(card) for card in page.xpath("//label[contains(@class, 'orders-format__card')]//strong")]
    assert cards == ["Order sheet", "Packing slip", "Address label", "Pick list", "Gift note"]
    assert pages_of(pdf_of(send(desk, PAGE, document="note"))) == 3


@pytest.mark.parametrize("sent", ["nothing", "", None, "\0", "<b>"])
def test_what_is_no_document_is_told(desk, orders, sent):
    response = send(desk, PAGE, document=sent)
    assert response.status_code == 422
    assert "Choose one of the documents." in words(parsed(response))
    assert not Job.objects.exists()
    assert not ExportChoice.objects.exists()


# In whose language


@needs_poppler
def test_each_customers_language_or_mine(desk, site):
    placed(site=site, number="A-1", language="fr")
    placed(site=site, number="A-2", language="en")
    form = form_in(page_of(desk, PAGE))
    assert {words(label) for label in form.xpath(".//label[.//*[@name='language']]")} == {
        "Each customer's",
        "Mine: English",
    }
    text = text_of(pdf_of(send(desk, PAGE)))
    assert "Order A-2" in text
    assert "Commande A-1" in text
    text = text_of(pdf_of(send(desk, PAGE, language="own")))
    assert "Order A-1" in text
    assert "Commande" not in text


@needs_poppler
def test_a_pick_list_is_in_the_language_of_who_prints_it(desk, site, owner):
    placed(site=site, language="nl")
    UserProfile.objects.create(user=owner, preferred_language="fr")
    assert "Article" in text_of(pdf_of(send(desk, PAGE, document="pick-list")))


def test_where_all_is_in_the_readers_language_nothing_is_asked(desk, orders):
    form = form_in(page_of(desk, PAGE))
    assert "language" not in form.fields
    pdf_of(send(desk, PAGE, language="own"))


# What is remembered


def test_the_last_choice_is_kept_for_each_user(desk, orders, site, owner, client, django_user_model):
    french = placed(site=site, language="fr")
    send(desk, PAGE, document="packing-slip", language="own")
    # Where no language is asked for, the choice stays.
    send(desk, ticked(orders), document="address-label")
    form = form_in(page_of(desk, ticked([french])))
    assert (form.fields["document"], form.fields["language"]) == ("address-label", "own")
    assert ExportChoice.objects.get().user == owner
    # An export begins with what was exported.
    assert desk.get("/admin/orders/export/").status_code == 200
    client.force_login(user_with(django_user_model, "export_order", "view_order"))
    form = form_in(page_of(client, PAGE))
    assert (form.fields["document"], form.fields["language"]) == ("order-sheet", "customers")


def test_a_remembered_document_that_is_no_more_is_forgotten(desk, orders, owner):
    ExportChoice.objects.create(user=owner, format=":print", options={"document": "gone"})
    assert form_in(page_of(desk, PAGE)).fields["document"] == "order-sheet"


# What fails


def test_an_order_that_fails_is_named_with_the_reason_and_the_rest_is_offered(desk, orders, at_most, caplog):
    at_most(25, **BROKEN)
    response = send(desk, PAGE)
    assert response.status_code == 422
    page = parsed(response)
    said = words(page.xpath("//main")[0])
    assert "1 order could not be printed." in said
    assert "A-1: The PDF could not be made; the website's log says why: RuntimeError" in said
    assert "secret detail" not in response.content.decode()
    assert page.xpath(f"//a[@href='{reverse('wagtail_orders:inspect', args=[orders[1].pk])}']")
    offered = buttons(page)
    assert offered["rest"] == "PDF of the other 2 orders"
    assert offered["browser"] == "Print from the browser"
    form = form_in(page)
    response = desk.post(form.get("action"), {**filled(form), "way": "rest"})
    assert numbers_in(pdf_of(response)) == ["A-2", "A-0"]
    response = desk.post(form.get("action"), {**filled(form), "way": "browser"})
    assert response.status_code == 200
    assert "A-1" in response.content.decode()


@pytest.mark.parametrize("way", ["pdf", "rest"])
def test_where_all_fail_no_rest_is_offered(desk, orders, at_most, way, caplog):
    at_most(25, **ALL_BROKEN)
    response = send(desk, PAGE, way=way)
    assert response.status_code == 422
    assert "None of the orders could be printed." in words(parsed(response))
    assert set(buttons(parsed(response))) == {"pdf", "browser"}
    assert Job.objects.get().state == "failed"


def test_a_pick_list_that_fails_says_why(desk, orders, at_most, caplog):
    at_most(25, **ALL_BROKEN)
    response = send(desk, PAGE, document="pick-list")
    assert response.status_code == 422
    assert "The PDF could not be made" in words(parsed(response))
    assert "browser" in buttons(parsed(response))


def test_what_takes_longer_than_a_page_may_is_offered_in_the_background(desk, orders, at_most, monkeypatch):
    at_most(25, PDF_SECONDS=5)
    # Each PDF takes three seconds.
    moments = iter(range(0, 100, 3))
    monkeypatch.setattr(many, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    response = send(desk, PAGE)
    assert response.status_code == 422
    page = parsed(response)
    assert "Making the PDF takes too long." in words(page)
    assert "background" in buttons(page)
    form = form_in(page)
    response = desk.post(form.get("action"), {**filled(form), "way": "background"})
    job = Job.objects.latest("pk")
    assert response.url == reverse("wagtail_orders:job", args=[job.pk])
    assert numbers_in(result_of(made(job))) == ["A-2", "A-1", "A-0"]


# From the browser


def test_the_browser_prints_them_all_from_one_page(desk, orders, at_most):
    at_most(25, **ALL_BROKEN)
    Order.objects.filter(pk=orders[0].pk).update(customer_name="<b>Zoë", language="ar")
    response = send(desk, PAGE, way="browser")
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    html = response.content.decode()
    page = parsed(response)
    sheets = page.xpath("//div[@class='order']")
    assert [sheet.get("dir") for sheet in sheets] == ["ltr", "ltr", "rtl"]
    assert html.count('<template shadowrootmode="open">') == 3
    assert [f"@page order{at} " in html for at in range(4)] == [True, True, True, False]
    assert "<b>Zoë" not in html
    # A browser would count the pages of all of them.
    named = html[html.index("@page order0") : html.index("</style>")]
    assert "counter(" not in named
    assert words(page.xpath("//div[@class='screen']")[0]) == "Print Back to the orders"


def test_the_browser_prints_a_pick_list_too(desk, orders):
    response = send(desk, PAGE, document="pick-list", way="browser")
    html = response.content.decode()
    assert "MUG-F" in html
    assert "shadowroot" not in html


def test_a_page_that_cannot_be_made_says_so(desk, orders, settings, tmp_path, caplog):
    own = tmp_path / "wagtail_orders/documents/order_sheet.html"
    own.parent.mkdir(parents=True)
    own.write_text("{% oops %}", encoding="utf-8")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    response = send(desk, PAGE, way="browser")
    assert response.status_code == 422
    assert "the website's log says why: TemplateSyntaxError" in words(parsed(response))


def test_the_browser_does_not_print_more_than_fit_at_once(desk, orders, at_most):
    at_most(2)
    response = send(desk, PAGE, way="browser")
    assert response.status_code == 422
    assert "The browser prints up to 2 orders at once." in words(parsed(response))
    assert not Job.objects.exists()


# In the background


def test_more_than_the_limit_become_a_job(desk, orders, at_most, owner):
    at_most(2)
    page = page_of(desk, PAGE)
    assert "More than 2 orders are printed in the background" in words(page)
    assert buttons(page) == {"background": "Make the PDF"}
    response = send(desk, PAGE, document="packing-slip")
    job = Job.objects.get()
    assert response.url == reverse("wagtail_orders:job", args=[job.pk])
    assert (job.kind, job.user, str(job), job.total) == ("print", owner, "Current orders, Packing slip", 3)
    made(job)
    assert (job.state, job.done, job.content_type) == ("done", 3, "application/pdf")
    assert job.file_name == f"testserver-packing-slip-current-{timezone.localdate()}.pdf"
    assert numbers_in(result_of(job)) == ["A-2", "A-1", "A-0"]
    page = page_of(desk, response.url)
    assert "The file is ready." in words(page)
    assert not page.xpath("//*[@class='orders-failed']")
    file = desk.get(reverse("wagtail_orders:job_file", args=[job.pk]))
    assert b"".join(file.streaming_content) == result_of(job)
    # Up to the limit it is made at once.
    assert numbers_in(pdf_of(send(desk, ticked(orders[:2])))) == ["A-1", "A-0"]


def test_even_who_says_at_once_gets_a_job_for_many(desk, orders, at_most):
    at_most(2)
    assert send(desk, PAGE, way="pdf").status_code == 302
    assert send(desk, PAGE, way="rest").status_code == 302
    assert Job.objects.exclude(run="").count() == 2


@needs_poppler
def test_the_job_prints_in_the_language_that_was_chosen(desk, site, owner, at_most):
    at_most(0)
    UserProfile.objects.create(user=owner, preferred_language="de")
    placed(site=site, language="fr")
    send(desk, PAGE, language="own")
    assert "Bestellung" in text_of(result_of(made(Job.objects.get())))
    send(desk, PAGE, language="customers")
    assert "Commande" in text_of(result_of(made(Job.objects.latest("pk"))))
    send(desk, PAGE, document="pick-list")
    assert "Artikel" in text_of(result_of(made(Job.objects.latest("pk"))))


def test_a_job_keeps_the_others_and_lists_what_failed_and_what_is_gone(desk, orders, at_most, caplog):
    at_most(2, **BROKEN)
    send(desk, PAGE)
    job = Job.objects.get()
    orders[0].delete()
    made(job)
    assert (job.state, job.done) == ("done", 3)
    assert numbers_in(result_of(job)) == ["A-2"]
    said = words(page_of(desk, reverse("wagtail_orders:job", args=[job.pk])))
    assert "1 order is in the PDF. These are not:" in said
    assert "A-1: The PDF could not be made; the website's log says why: RuntimeError" in said
    assert "1 order no longer exists." in said


def test_a_job_of_which_nothing_came_fails_and_says_why(desk, orders, at_most, caplog):
    at_most(2, **ALL_BROKEN)
    send(desk, PAGE)
    job = made(Job.objects.get())
    assert (job.state, job.error) == ("failed", "None of the orders could be printed.")
    page = page_of(desk, reverse("wagtail_orders:job", args=[job.pk]))
    assert len(page.xpath("//*[@class='orders-failed']/li")) == 3
    assert "Download" not in words(page)
    send(desk, PAGE, document="pick-list")
    assert "The PDF could not be made" in made(Job.objects.latest("pk")).error


def test_only_so_many_failures_are_kept(desk, orders, at_most, monkeypatch, caplog):
    at_most(2, **ALL_BROKEN)
    monkeypatch.setattr("wagtail_orders.documents.job.NAMED", 1)
    send(desk, PAGE)
    job = made(Job.objects.get())
    assert [number for _pk, number, _reason in job.result["failed"]] == ["A-2"]
    assert "and 2 more" in words(page_of(desk, reverse("wagtail_orders:job", args=[job.pk])))


def test_orders_that_are_all_gone_are_told(desk, orders, at_most):
    at_most(2)
    for kind in ("order-sheet", "pick-list"):
        send(desk, ticked(orders), document=kind)
    Order.objects.all().delete()
    for job in Job.objects.all():
        assert made(job).error == "These orders no longer exist, so there is nothing to print."


def test_a_document_that_went_away_meanwhile_is_told(desk, orders, at_most, monkeypatch):
    at_most(2)
    send(desk, PAGE, document="address-label")
    monkeypatch.setattr(hooks, "_hooks", {**hooks._hooks, "register_order_document": []})
    assert "no longer offered" in made(Job.objects.get()).error


def test_a_job_that_lost_its_orders_says_so(desk, orders, at_most):
    at_most(2)
    send(desk, PAGE)
    JobPiece.objects.all().delete()
    assert "Print once more from the listing." in made(Job.objects.get()).error


def test_a_job_that_is_cancelled_stops_between_two_orders_and_leaves_nothing(
    desk, orders, at_most, monkeypatch
):
    at_most(2)
    send(desk, PAGE)
    job = Job.objects.get()
    rendered = []

    def cancels(html, base):
        rendered.append(html)
        assert jobs.cancel(Job.objects.get())
        return render(html, base)

    monkeypatch.setattr("wagtail_orders.documents.pdf.import_string", lambda path: cancels)
    # So it need not wait for its next sign of life.
    monkeypatch.setattr(jobs.Run, "look", lambda run: run.hold())
    made(job)
    assert (job.state, len(rendered)) == ("cancelled", 1)
    assert not JobPiece.objects.filter(side="result").exists()
    page = page_of(desk, reverse("wagtail_orders:job", args=[job.pk]))
    assert "You cancelled it." in words(page)
    assert "Take it up again" in words(page)


def test_the_job_tells_how_many_orders_are_through(orders):
    told = []
    pks = [order.pk for order in orders]
    printing = Printing(documents()["order-sheet"], pks, progress=told.append)
    b"".join(printing.write())
    assert told == [1, 2, 3]


# What it costs


def count_of(function):
    with CaptureQueriesContext(connection) as caught:
        function()
    return len(caught)


@pytest.mark.parametrize("kind", ["order-sheet", "packing-slip", "address-label", "pick-list"])
def test_a_chunk_takes_as_many_queries_however_many_orders(site, kind):
    OrderSettings.objects.create(site=site, shop_name="Bois & Forêt")
    some = [placed(site=site, lines=[MUG] * 2) for _ in range(6)]
    for order in some[:3]:
        ship(order, lines={order.lines.first(): 1})
    document = documents()[kind]

    def printed(count):
        return b"".join(Printing(document, array("q", [order.pk for order in some[:count]])).write())

    printed(1)
    assert count_of(lambda: printed(6)) == count_of(lambda: printed(1)) <= 9


def test_the_number_of_queries_grows_with_the_chunks_alone(site, monkeypatch):
    pks = [placed(site=site).pk for _ in range(6)]

    def printed(size):
        monkeypatch.setattr(many, "CHUNK", size)
        return count_of(lambda: b"".join(Printing(documents()["order-sheet"], pks).write()))

    assert printed(2) == 3 * printed(6)


@pytest.mark.parametrize("count", [3, 12])
def test_the_page_takes_ten_queries_however_many_orders(desk, site, orders, count):
    orders += [placed(site=site) for _ in range(count - 3)]
    desk.get(PAGE)
    # As for an export, and the languages.
    assert count_of(lambda: desk.get(PAGE)) == 9
    assert count_of(lambda: desk.get(ticked(orders))) == 11


# Who may, and what is told


def test_many_need_the_permission_to_export(client, django_user_model, orders):
    user = user_with(django_user_model, "view_order", "change_order", "delete_order")
    client.force_login(user)
    assert "Print orders" not in words(page_of(client, LISTING))
    assert not page_of(client, LISTING).xpath(f"//a[@href='{BULK}']")
    for url in (PAGE, ticked(orders), all_of(LISTING)):
        assert client.get(url).url == "/admin/"
        assert client.post(url, {"document": "order-sheet", "ids": "all", "next": LISTING}).url == "/admin/"
    assert not Job.objects.exists()


def test_whose_permission_was_withdrawn_gets_no_file(client, django_user_model, orders, at_most):
    at_most(2)
    user = user_with(django_user_model, "view_order", "export_order")
    client.force_login(user)
    send(client, PAGE)
    job = made(Job.objects.get())
    user.groups.get().permissions.remove(Permission.objects.get(codename="export_order"))
    assert client.get(reverse("wagtail_orders:job_file", args=[job.pk])).status_code == 403


@pytest.mark.parametrize("way", ["pdf", "browser", "background"])
def test_a_print_is_told_in_wagtails_log(desk, orders, owner, way):
    url = f"{PAGE}?{urlencode({'list': 'current?payment_status=unpaid'})}"
    send(desk, url, document="packing-slip", way=way)
    entry = ModelLogEntry.objects.get(action="wagtail_orders.printed")
    assert (entry.user, entry.label) == (owner, "Current orders, Packing slip")
    assert entry.data == {
        "document": "packing-slip",
        "count": 2,
        "orders": "current",
        "conditions": ["Payment: Unpaid"],
        "listing": "current?payment_status=unpaid",
    }
    said = "Printed 2 orders: Packing slip (Current orders; Payment: Unpaid)"
    assert said in words(page_of(desk, "/admin/reports/site-history/"))
    Job.objects.all().delete()
    assert said in words(page_of(desk, "/admin/reports/site-history/"))


def test_what_was_made_at_once_is_no_job_to_be_found(desk, orders):
    send(desk, PAGE)
    job = Job.objects.get()
    assert (job.state, job.done, job.run) == ("done", 3, "")
    assert "Packing" not in words(page_of(desk, "/admin/orders/jobs/"))
    assert not jobs.take_up(job)


# In code


def test_one_that_fails_leaves_the_others_in_code_too(orders, at_most, caplog):
    at_most(25, **BROKEN)
    pks = [orders[0].pk, orders[1].pk, 999_999]
    printing = Printing(documents()["order-sheet"], pks)
    pdf = b"".join(printing.write())
    assert (printing.made, printing.gone) == (1, 1)
    [(pk, number, reason)] = printing.failed
    assert (pk, number) == (orders[1].pk, "A-1")
    assert "RuntimeError" in reason
    assert numbers_in(pdf) == ["A-0"]
    at_most(25, **ALL_BROKEN)
    with pytest.raises(DocumentFailed):
        list(Printing(documents()["pick-list"], pks).write())
