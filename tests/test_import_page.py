"""The page that imports orders: a file is sent, looked through, shown, and brought over when somebody says so."""

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.urls import reverse

from wagtail_orders import imports, jobs
from wagtail_orders.admin import imports as page
from wagtail_orders.exports import Selection
from wagtail_orders.exports.xml import XML
from wagtail_orders.imports import job as importing
from wagtail_orders.jobs import run as runs
from wagtail_orders.jobs import tasks
from wagtail_orders.lifecycle import add_note, mark_paid, record_payment, ship
from wagtail_orders.models import Job, JobPiece, Notification, Order, OrderEvent, ShippingMethod

from .desk import filled, parsed, said, tables, user_with, words
from .orders import placed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]

NEEDED = ("change_order", "export_order")


@pytest.fixture(autouse=True)
def worked(monkeypatch):
    """What a worker would do after the commit is done when it is handed over, without a beat beside it."""
    monkeypatch.setattr(tasks, "hand_over", runs.do)
    monkeypatch.setattr(runs, "BEAT", 1000)


@pytest.fixture
def idle(worked, monkeypatch):
    """No worker comes."""
    monkeypatch.setattr(tasks, "hand_over", lambda *run: None)


def committed():
    return TestCase.captureOnCommitCallbacks(execute=True)


def xml_of(*orders):
    """An export of these orders, which exist no longer."""
    selection = Selection.of(Order.objects.filter(pk__in=[order.pk for order in orders]).order_by("pk"))
    content = b"".join(XML.write(selection))
    Order.objects.filter(pk__in=[order.pk for order in orders]).delete()
    return content


def orders_of(count=2):
    orders = [placed() for _ in range(count)]
    mark_paid(orders[0])
    ship(orders[0], tracking_number="1Z1")
    add_note(orders[0], text="Wrapped")
    return orders


def spoilt(content, order):
    """The same, with a sum in it that the order's lines do not come to."""
    start = content.index(order.number.encode())
    return content[:start] + content[start:].replace(b">42.00<", b">43.00<")


def send(desk, content, name="orders.xml"):
    with committed():
        return desk.post(reverse("wagtail_orders:import"), {"file": SimpleUploadedFile(name, content)})


def looked_through(desk, content, name="orders.xml"):
    """The import that came of a file, with its page."""
    response = send(desk, content, name)
    job = Job.objects.latest("pk")
    assert response.status_code == 302
    assert response.url == reverse("wagtail_orders:import_job", args=[job.pk])
    return job, opened(desk, job)


def opened(desk, job):
    response = desk.get(reverse("wagtail_orders:import_job", args=[job.pk]))
    assert response.status_code == 200
    return parsed(response)


def text_of(document):
    [main] = document.xpath("//main")
    return words(main)


def form_in(document):
    found = [form for form in document.forms if not form.get("action") and "wrong" in form.fields]
    return found[0] if found else None


def confirm(desk, job, **typed):
    values = {name: value for name, value in filled(form_in(opened(desk, job))).items() if value is not None}
    with committed():
        return desk.post(reverse("wagtail_orders:import_job", args=[job.pk]), {**values, **typed})


# --- Who


@pytest.mark.parametrize(
    "codenames", [(), ("view_order",), ("change_order",), ("export_order", "view_order")]
)
def test_who_may_not_both_change_and_export_imports_nothing(django_user_model, client, codenames):
    client.force_login(user_with(django_user_model, *codenames))
    for response in (client.get(reverse("wagtail_orders:import")), send(client, xml_of(*orders_of()))):
        assert response.status_code == 302
        assert "permission" in str(said(response))
    assert not Job.objects.exists()
    listing = client.get(reverse("wagtail_orders:list"))
    assert reverse("wagtail_orders:import") not in listing.content.decode()


def test_who_may_finds_the_page_in_the_listing(django_user_model, client):
    client.force_login(user_with(django_user_model, *NEEDED))
    listing = parsed(client.get(reverse("wagtail_orders:list")))
    [link] = listing.xpath(f"//a[@href='{reverse('wagtail_orders:import')}']")
    assert words(link) == "Import orders"
    assert client.get(reverse("wagtail_orders:import")).status_code == 200


def test_an_import_is_nobody_elses(desk, client, django_user_model):
    job, _page = looked_through(desk, xml_of(*orders_of()))
    other = Client()
    other.force_login(user_with(django_user_model, *NEEDED))
    address = reverse("wagtail_orders:import_job", args=[job.pk])
    assert other.get(address, follow=True).status_code == 404
    assert other.post(address, {}, follow=True).status_code == 404
    assert not Order.objects.exists()


def test_an_export_is_no_import(desk, owner):
    job = jobs.create("export", user=owner, title="An export")
    jobs.start(job)
    address = reverse("wagtail_orders:import_job", args=[job.pk])
    assert desk.get(address, follow=True).status_code == 404


def test_who_may_no_longer_import_brings_nothing_over(client, django_user_model):
    user = user_with(django_user_model, *NEEDED)
    client.force_login(user)
    content = xml_of(*orders_of())
    job, _page = looked_through(client, content)
    user.groups.clear()
    with committed():
        assert importing.confirm(Job.objects.get(pk=job.pk), existing="skip", keep_going=False)
    job.refresh_from_db()
    assert (job.state, Order.objects.count()) == (Job.State.FAILED, 0)
    assert "may no longer" in job.error


# --- The file


def test_the_page_says_what_it_takes_and_that_nobody_is_mailed(desk):
    said_there = text_of(parsed(desk.get(reverse("wagtail_orders:import"))))
    for fact in ("nobody is mailed", "XML", "WooCommerce", "Shopify", "50 MB", "manage.py import_orders"):
        assert fact in said_there


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Hello", "as it was exported"),
        (b"a,b,c\n1,2,3\n", "as it was exported"),
        (b"\x00" * 100, "as it was exported"),
    ],
)
def test_a_file_that_cannot_be_told_is_refused(desk, content, reason):
    response = send(desk, content)
    assert response.status_code == 422
    assert reason in text_of(parsed(response))
    assert not Job.objects.exists()


def test_no_file_is_asked_for(desk):
    response = desk.post(reverse("wagtail_orders:import"))
    assert response.status_code == 422
    assert "Choose a file" in text_of(parsed(response))


def test_a_file_that_is_too_large_is_for_the_command(desk, monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 100)
    response = send(desk, xml_of(*orders_of()))
    assert response.status_code == 422
    assert "manage.py import_orders" in text_of(parsed(response))
    assert not Job.objects.exists()


def test_looking_and_asking_write_no_order(desk):
    content = xml_of(*orders_of())
    before = {name: rows for name, rows in tables().items() if not name.startswith("Job")}
    looked_through(desk, content)
    assert {name: rows for name, rows in tables().items() if not name.startswith("Job")} == before


def test_a_hostile_name_is_only_a_name(desk):
    _job, document = looked_through(desk, xml_of(*orders_of()), name="<script>alert(1)</script>.xml")
    assert document.xpath("//main//script[contains(text(), 'alert(1)')]") == []


# --- What is shown first


def test_what_would_be_brought_over_is_shown_first(desk):
    orders = orders_of(3)
    content = xml_of(*orders)
    _job, document = looked_through(desk, content, "elsewhere.xml")
    shown = text_of(document)
    assert "This is what would be done" in shown
    assert "elsewhere.xml · XML" in shown
    assert "3 orders are new: €126.00." in shown
    assert "Nobody is mailed" in shown
    assert "Bring over 3 orders" in shown
    assert not Order.objects.exists()


def test_what_exists_is_told_and_the_choice_is_offered(desk):
    orders = orders_of(3)
    content = xml_of(*orders)
    existing = placed(number=orders[1].number)
    job, document = looked_through(desk, content)
    assert "1 order exists here already" in text_of(document)
    assert existing.number in text_of(document)
    assert "existing" in form_in(document).fields
    confirm(desk, job)
    assert Order.objects.count() == 3
    assert Order.objects.get(number=existing.number).token == existing.token


def test_what_is_wrong_is_told_with_its_place(desk):
    orders = orders_of(3)
    content = spoilt(xml_of(*orders), orders[2])
    _job, document = looked_through(desk, content)
    assert "2 orders are new" in text_of(document)
    assert "1 order is wrong" in text_of(document)
    [row] = document.xpath("//main//table//tbody/tr")
    line, number, message = [words(cell) for cell in row.xpath("td")]
    assert int(line.split()[-1]) > 1
    assert number == orders[2].number
    assert "43" in message


def test_of_many_that_are_wrong_the_first_fifty_are_shown(desk):
    orders = [placed() for _ in range(53)]
    content = xml_of(*orders).replace(b">42.00<", b">43.00<")
    job, document = looked_through(desk, content)
    assert len(document.xpath("//main//table//tbody/tr")) == 50
    assert "And 3 more." in text_of(document)
    assert "There is nothing to bring over" in text_of(document)
    assert form_in(document) is None
    assert len(job.result["problems"]) == 50


def test_what_is_not_known_here_is_told(desk, owner):
    method = ShippingMethod.objects.create(name="By bicycle")
    order = placed(shipping_method=method)
    content = xml_of(order)
    method.delete()
    _job, document = looked_through(desk, content)
    assert "Shipping methods that are not known here; only their name is kept: By bicycle (1)" in text_of(
        document
    )


def test_a_file_that_breaks_off_says_where(desk):
    content = xml_of(*orders_of())
    _job, document = looked_through(desk, content[: len(content) // 2])
    [row] = document.xpath("//main//table//tbody/tr")
    line, column, number, message = [words(cell) for cell in row.xpath("td")]
    assert "damaged" in message
    assert (int(line.split()[-1]) > 1, int(column.split()[-1]) > 1, number) == (True, True, "")


# --- Bringing over


def test_the_orders_come_over_and_nobody_is_mailed(desk, owner):
    orders = orders_of(2)
    content = xml_of(*orders)
    Notification.objects.all().delete()
    job, _page = looked_through(desk, content)
    response = confirm(desk, job)
    assert response.status_code == 302
    assert sorted(Order.objects.values_list("number", flat=True)) == sorted(order.number for order in orders)
    assert not Notification.objects.exists()
    assert mail.outbox == []
    events = OrderEvent.objects.filter(kind="imported")
    assert {(event.actor, event.data["source"]) for event in events} == {(owner, "xml")}

    document = opened(desk, job)
    assert "2 orders were brought over: €84.00." in text_of(document)
    assert "Nobody was mailed." in text_of(document)
    assert document.xpath(f"//main//a[@href='{reverse('wagtail_orders:all')}']")
    assert form_in(document) is None
    job.refresh_from_db()
    assert (job.done, job.total) == (2, 2)
    assert not JobPiece.objects.exists()


def test_the_same_twice_brings_nothing(desk):
    content = xml_of(*orders_of(2))
    job, _page = looked_through(desk, content)
    confirm(desk, job)
    again = desk.post(reverse("wagtail_orders:import_job", args=[job.pk]), {})
    assert "decided already" in str(said(again))
    assert Order.objects.count() == 2
    job, document = looked_through(desk, content)
    assert "2 orders exist here already" in text_of(document)
    assert form_in(document) is None


def test_with_something_wrong_it_is_asked_whether_to_leave_it_out(desk):
    orders = orders_of(3)
    job, _page = looked_through(desk, spoilt(xml_of(*orders), orders[2]))
    response = confirm(desk, job)
    assert response.status_code == 422
    assert "Have it left out, or correct the file" in text_of(parsed(response))
    assert not Order.objects.exists()
    assert confirm(desk, job, wrong="others").status_code == 302
    assert sorted(Order.objects.values_list("number", flat=True)) == sorted(
        order.number for order in orders[:2]
    )
    document = opened(desk, job)
    assert "These were left out" in text_of(document)
    assert orders[2].number in text_of(document)


def test_those_that_exist_may_count_as_wrong(desk):
    orders = orders_of(2)
    content = xml_of(*orders)
    placed(number=orders[1].number)
    job, _page = looked_through(desk, content)
    assert confirm(desk, job, existing="refuse").status_code == 422
    assert confirm(desk, job, existing="refuse", wrong="others").status_code == 302
    assert Order.objects.count() == 2
    assert "exists already" in text_of(opened(desk, job))


def test_what_became_wrong_meanwhile_leaves_all_as_it_was_and_is_asked_anew(desk):
    orders = [placed() for _ in range(2)]
    for order in orders:
        record_payment(order, amount=42, method="card", reference=f"pi_{order.number}")
    content = xml_of(*orders)
    job, _page = looked_through(desk, content)
    # Meanwhile the payment comes in with another order.
    record_payment(placed(number="OTHER"), amount=1, method="card", reference=f"pi_{orders[1].number}")
    confirm(desk, job)
    assert Order.objects.get().number == "OTHER"
    document = opened(desk, job)
    assert "Nothing was brought over" in text_of(document)
    assert "all or nothing" in text_of(document)
    confirm(desk, job, wrong="others")
    assert set(Order.objects.values_list("number", flat=True)) == {"OTHER", orders[0].number}


def test_a_second_click_begins_no_second_run(desk, monkeypatch):
    job, _page = looked_through(desk, xml_of(*orders_of()))
    monkeypatch.setattr(jobs.records.tasks, "hand_over", lambda *run: None)
    confirm_address = reverse("wagtail_orders:import_job", args=[job.pk])
    assert desk.post(confirm_address, {"wrong": "none"}).status_code == 302
    first = Job.objects.get().run
    assert "decided already" in str(said(desk.post(confirm_address, {"wrong": "none"})))
    assert Job.objects.get().run == first


def test_while_nobody_works_the_page_says_so_and_can_be_left(desk, idle):
    response = send(desk, xml_of(*orders_of()))
    job = Job.objects.get()
    document = parsed(desk.get(response.url))
    assert "waits for its turn" in text_of(document)
    assert document.xpath("//*[@data-orders-job]")
    assert words(document.xpath("//main//h2")[0]).startswith("Import of orders.xml")
    listed = desk.get(reverse("wagtail_orders:jobs")).content.decode()
    assert reverse("wagtail_orders:job", args=[job.pk]) in listed


def test_the_list_of_jobs_leads_to_the_import(desk):
    job, _page = looked_through(desk, xml_of(*orders_of()))
    address = reverse("wagtail_orders:import_job", args=[job.pk])
    document = parsed(desk.get(reverse("wagtail_orders:job", args=[job.pk])))
    assert "nothing is brought over yet" in text_of(document)
    assert document.xpath(f"//main//a[@href='{address}']")
    confirm(desk, job)
    document = parsed(desk.get(reverse("wagtail_orders:job", args=[job.pk])))
    assert "The orders were brought over." in text_of(document)


def test_a_cancelled_import_writes_nothing_and_can_be_taken_up(desk, monkeypatch):
    job, _page = looked_through(desk, xml_of(*orders_of()))

    bring_over = importing.bring_over

    def cancelled_meanwhile(*args, **options):
        jobs.cancel(Job.objects.get(pk=job.pk))
        return bring_over(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(importing, "bring_over", cancelled_meanwhile)
        confirm(desk, job)
    job.refresh_from_db()
    assert (job.state, Order.objects.count()) == (Job.State.CANCELLED, 0)
    with committed():
        assert jobs.take_up(job)
    assert Order.objects.count() == 2


def test_a_file_that_is_gone_is_asked_for_again(desk):
    job, _page = looked_through(desk, xml_of(*orders_of()))
    JobPiece.objects.all().delete()
    confirm(desk, job)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "Send it once more" in text_of(opened(desk, job))


def test_every_reader_is_recognised_by_itself(desk):
    for reader in imports.readers().values():
        assert str(reader.label) in text_of(parsed(desk.get(reverse("wagtail_orders:import"))))


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_takes_as_many_queries_however_many_orders(desk, count, django_assert_max_num_queries):
    job, _page = looked_through(desk, xml_of(*[placed() for _ in range(count)]))
    with django_assert_max_num_queries(12):
        opened(desk, job)
