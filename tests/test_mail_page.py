"""An order's mails in the admin: told in its history, each read as it was sent, and sent once more if need be."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from wagtail_orders import lifecycle
from wagtail_orders.models import Notification, OrderSettings
from wagtail_orders.notifications import deliver

from .desk import filled, form_at, opened, page_of, parsed, said, tables, typed_into, user_with, words
from .orders import placed
from .smtp import MailServer, mail_settings

pytestmark = pytest.mark.django_db

ZOE = "zoe@example.com"
HOSTILE = "<script>alert(1)</script>"
UNKNOWN = "550 5.1.1 <b>No such user</b>"


@pytest.fixture(autouse=True)
def server(settings):
    with MailServer() as server:
        for name, value in mail_settings(server, timeout=30).items():
            setattr(settings, name, value)
        yield server


@pytest.fixture(autouse=True)
def shop(site):
    return OrderSettings.objects.create(site=site, shop_name="Atelier Forêt", sender="shop@example.com")


@pytest.fixture
def do(django_capture_on_commit_callbacks):
    """Do something and commit it; what it returned."""

    def commit(verb, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return commit


@pytest.fixture
def waiting(do):
    """The confirmation of a new order, which nobody has tried to send yet."""
    return do(placed).events.get().notifications.get()


@pytest.fixture
def sent(waiting):
    assert deliver.sweep().sent == 1
    return fresh(waiting)


@pytest.fixture
def failed(waiting, server):
    server.answer("RCPT", UNKNOWN)
    assert deliver.sweep().failed == 1
    server.behave()
    return fresh(waiting)


def fresh(mail):
    return Notification.objects.select_related("event__order__site").get(pk=mail.pk)


def url_of(mail, name="mail", *args, order=None):
    return reverse(f"wagtail_orders:{name}", args=[(order or mail.order).pk, mail.pk, *args])


def resending(mail):
    return url_of(mail, "mail_action", "resend")


def mail_page(desk, mail):
    response = desk.get(url_of(mail))
    assert response.status_code == 200
    return parsed(response)


def typed(page, mail, **values):
    return typed_into(form_at(page, resending(mail)), "resend", **values)


def resend(desk, mail, **values):
    return desk.post(resending(mail), typed(mail_page(desk, mail), mail, **values))


def main(document):
    (element,) = document.xpath("//main")
    return words(element)


def facts(page):
    """What the page says of the mail's delivery."""
    (told,) = page.xpath("//section[@id='orders-panel-delivery-section']//dl")
    return dict(zip(map(words, told.xpath("dt")), map(words, told.xpath("dd")), strict=True))


def mails_told(desk, order):
    """What the order's history says of mails, the newest event first."""
    return [words(line) for line in opened(desk, order).xpath("//*[@class='orders-mail-line']")]


# --- The history


def test_the_history_tells_each_mail_with_its_recipient_and_how_far_it_has_come(desk, waiting):
    order = waiting.order
    assert mails_told(desk, order) == [f"Confirmation of the order → {ZOE} Queued"]
    deliver.sweep()
    (line,) = opened(desk, order).xpath("//*[@class='orders-mail-line']")
    assert words(line) == f"Your order {order.number} → {ZOE} Sent"
    assert line.xpath(".//a/@href") == [url_of(waiting)]


def test_the_history_tells_what_the_server_said_how_often_it_was_tried_and_when_it_is_next(
    desk, waiting, server
):
    server.answer("RCPT", "450 4.2.1 Mailbox busy")
    deliver.sweep()
    deliver.sweep(timezone.now() + timedelta(minutes=2))
    mail = fresh(waiting)
    moment = date_format(timezone.localtime(mail.next_attempt_at), "DATETIME_FORMAT")
    (line,) = mails_told(desk, mail.order)
    assert line.endswith(f"{ZOE} Queued 450 4.2.1 Mailbox busy – Attempts: 2 – next attempt {moment}")


def test_the_history_tells_of_a_mail_that_was_given_up_and_when_it_was_sent_again(desk, do, failed):
    (line,) = mails_told(desk, failed.order)
    assert line.endswith(f"{ZOE} Failed {UNKNOWN} – Attempts: 1")
    do(resend, desk, failed, recipient="zoe.mueller@example.com")
    deliver.sweep()
    newest, oldest = mails_told(desk, failed.order)
    assert newest.endswith("zoe.mueller@example.com Sent")
    assert oldest == line
    history = words(opened(desk, failed.order).xpath("//*[@class='orders-history']")[0])
    assert "E-mail sent again: zoe.mueller@example.com" in history


def test_the_history_takes_as_many_queries_for_many_mails_as_for_one(desk, do, waiting):
    order = waiting.order

    def count():
        with CaptureQueriesContext(connection) as queries:
            opened(desk, order)
        return len(queries)

    count()
    few = count()
    for number in range(5):
        do(lifecycle.write_mail, order, subject=f"Question {number}", text="Which glaze?")
    assert count() == few


# --- A mail's page


def test_a_sent_mail_is_shown_as_it_was_sent_whatever_became_of_the_order(desk, sent, server):
    lifecycle.edit_customer(sent.order, customer_name="Somebody Else")
    page = mail_page(desk, sent)
    (mail,) = server.taken
    assert page.xpath("//iframe/@src") == [url_of(sent, "mail_body")]
    assert words(page.xpath("//h2[@class='orders-head__title']")[0]) == f"{mail.subject} Sent"
    assert page.xpath("//pre")[0].text_content().strip() == mail.text.strip()
    assert desk.get(url_of(sent, "mail_body")).content.decode().strip() == mail.html.strip()
    assert "Somebody Else" not in page.xpath("//pre")[0].text_content()
    assert "It waits to be sent" not in main(page)
    told = facts(page)
    assert (told["To"], told["Status"], told["Language"], told["Attempts"]) == (ZOE, "Sent", "English", "1")
    assert "Next attempt" not in told
    assert form_at(page, url_of(sent, "mail_action", "dismiss")) is None


def test_a_waiting_mail_is_shown_as_it_would_be_sent_now(desk, waiting):
    lifecycle.edit_customer(waiting.order, customer_name="Amélie")
    page = mail_page(desk, waiting)
    assert "It waits to be sent" in main(page)
    assert "Hello Amélie," in page.xpath("//pre")[0].text_content()
    assert "Hello Amélie," in desk.get(url_of(waiting, "mail_body")).content.decode()
    assert fresh(waiting).subject == ""


def test_a_mail_that_is_tried_again_says_when_and_what_went_wrong(desk, waiting, server):
    server.stop()
    deliver.sweep()
    mail = fresh(waiting)
    page = mail_page(desk, waiting)
    text = main(page)
    assert "This mail could not be delivered yet." in text
    assert mail.error.startswith("ConnectionRefusedError")
    assert mail.error in text
    moment = date_format(timezone.localtime(mail.next_attempt_at), "DATETIME_FORMAT")
    assert (facts(page)["Attempts"], facts(page)["Next attempt"]) == ("1", moment)


def test_a_failed_mail_says_what_the_server_said_and_can_be_sent_again_or_left(desk, failed):
    page = mail_page(desk, failed)
    assert f"This mail could not be delivered. {UNKNOWN}" in main(page)
    assert "Correct the address if it is wrong." in words(form_at(page, resending(failed)))
    assert form_at(page, url_of(failed, "mail_action", "dismiss")) is not None


def test_a_mail_that_cannot_be_written_is_shown_with_what_is_wrong(desk, waiting, settings, tmp_path):
    """A slip in a project's own template must not hide the page that says so."""
    broken = tmp_path / "wagtail_orders/emails/confirmation/body.html"
    broken.parent.mkdir(parents=True)
    broken.write_text("{% oops %}", encoding="utf-8")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert deliver.sweep().put_off == 1
    page = mail_page(desk, waiting)
    assert re.search("TemplateSyntaxError: .*Invalid block tag", main(page))
    assert desk.get(url_of(waiting, "mail_body")).status_code == 200


def test_who_sent_a_mail_is_named(desk, do, owner):
    order = placed(notify=False)
    do(lifecycle.write_mail, order, subject="A question", text="Which glaze?", user=owner)
    mail = Notification.objects.get()
    assert facts(mail_page(desk, mail))["Because of"] == "Anna"


def test_a_mail_belongs_to_its_order_and_no_other(desk, waiting):
    other = placed()
    for name in ("mail", "mail_body"):
        assert not_found(desk.get(url_of(waiting, name, order=other)))
        assert not_found(desk.get(reverse(f"wagtail_orders:{name}", args=[other.pk + 100, waiting.pk])))
        assert not_found(desk.get(reverse(f"wagtail_orders:{name}", args=[waiting.order.pk, 10**30])))
    before = tables()
    for action in ("resend", "dismiss"):
        url = url_of(waiting, "mail_action", action, order=other)
        assert not_found(desk.post(url, {"resend-version": other.version, "resend-recipient": ZOE}))
    assert not_found(desk.post(url_of(waiting, "mail_action", "forget")))
    assert tables() == before


def not_found(response):
    # The example site looks for what is not found once more under a language.
    return response.status_code == 404 or (
        response.status_code == 302 and urlsplit(response.url).path == f"/en{response.request['PATH_INFO']}"
    )


def test_to_read_a_mail_changes_nothing(desk, waiting, failed):
    before = tables()
    for name in ("mail", "mail_body"):
        desk.get(url_of(waiting, name))
        desk.head(url_of(waiting, name))
        assert desk.post(url_of(waiting, name)).status_code == 405
    assert desk.get(resending(waiting)).status_code == 405
    assert tables() == before


def test_who_may_only_look_reads_mails_and_can_send_none(client, django_user_model, failed):
    client.force_login(user_with(django_user_model, "view_order"))
    page = mail_page(client, failed)
    assert page.xpath("//main//form") == []
    before = tables()
    for action in ("resend", "dismiss"):
        client.post(url_of(failed, "mail_action", action), {"resend-version": 1, "resend-recipient": ZOE})
    assert tables() == before


# --- The mail's HTML, which is somebody else's text


class Strict:
    """What a project may add to every response: its own headers, where there are none yet."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'; script-src 'self'")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "unsafe-url")
        return response


@pytest.mark.parametrize("strict", [False, True], ids=["alone", "with another middleware"])
def test_the_body_may_do_nothing_and_stands_in_the_admins_frame_only(desk, sent, settings, strict):
    settings.X_FRAME_OPTIONS = "DENY"
    if strict:
        settings.MIDDLEWARE = [f"{__name__}.Strict", *settings.MIDDLEWARE]
    response = desk.get(url_of(sent, "mail_body"))
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "private" in response["Cache-Control"]
    policy = [part.split() for part in response["Content-Security-Policy"].split(";")]
    assert ["sandbox"] in policy
    assert ["default-src", "'none'"] in policy
    assert not {"script-src", "frame-src", "connect-src", "form-action"} & {part[0] for part in policy}
    (frame,) = mail_page(desk, sent).xpath("//iframe")
    assert frame.get("sandbox") == ""


def test_what_others_wrote_is_text_in_the_mail_and_in_its_page(desk, do, server):
    order = do(
        placed,
        customer_name=HOSTILE,
        email='"<script>alert(1)</script>"@example.com',
        customer_note=HOSTILE * 300,
    )
    do(lifecycle.write_mail, order, subject=HOSTILE, text=f"</pre></iframe>{HOSTILE}\n\n</textarea>")
    server.answer("RCPT", f"550 5.1.1 {HOSTILE}")
    for _turn in range(2):
        for mail in Notification.objects.all():
            for url in (
                url_of(mail),
                url_of(mail, "mail_body"),
                page_of(order),
                reverse("wagtailadmin_home"),
            ):
                html = desk.get(url).content.decode()
                assert "<script>alert" not in html
                assert "</iframe><script" not in html
        deliver.sweep()
    assert Notification.objects.filter(state="failed").count() == 2
    message = Notification.objects.get(kind="message")
    assert f"</pre></iframe>{HOSTILE}" in mail_page(desk, message).xpath("//pre")[0].text_content()


# --- Sent once more


def test_a_mail_goes_once_more_to_the_same_address(desk, do, sent, owner, server):
    response = do(resend, desk, sent)
    assert response.status_code == 302
    assert response.url == page_of(sent.order)
    assert said(response) == ["The mail is on its way once more."]
    deliver.sweep()
    first, second = server.taken
    assert (second.recipient, second.text, second.html) == (first.recipient, first.text, first.html)
    assert sent.order.events.get(kind="mail_resent").actor == owner


def test_a_failed_mail_goes_to_the_corrected_address_and_asks_for_nothing_more(desk, do, failed, server):
    do(resend, desk, failed, recipient=" zoe.mueller@example.com ")
    deliver.sweep()
    assert server.recipients() == ["zoe.mueller@example.com"]
    assert not Notification.objects.given_up().exists()
    page = mail_page(desk, failed)
    assert form_at(page, url_of(failed, "mail_action", "dismiss")) is None
    assert form_at(page, resending(failed)) is not None


@pytest.mark.parametrize(
    "recipient", ["", "zoe", "a@example.com, b@example.com", "zoe@example.com\r\nBcc: x@y.z"]
)
def test_what_is_no_address_is_told_and_still_there(desk, sent, recipient):
    before = tables()
    response = resend(desk, sent, recipient=recipient)
    assert response.status_code == 422
    assert tables() == before
    form = form_at(parsed(response), resending(sent))
    assert form.xpath(".//*[@class='error-message']")
    assert filled(form)["resend-recipient"].split() == recipient.split()


def test_a_waiting_mail_is_not_sent_twice_to_the_same_address_but_to_another(desk, do, waiting, server):
    response = resend(desk, waiting)
    assert response.status_code == 422
    form = form_at(parsed(response), resending(waiting))
    assert "This mail is still waiting to be sent." in words(form)
    corrected = filled(form) | {"resend-recipient": "mother@example.com"}
    assert do(desk.post, resending(waiting), corrected).status_code == 302
    deliver.sweep()
    assert server.recipients() == ["mother@example.com", ZOE]


def test_a_double_click_sends_it_once_more_once(desk, do, sent, server):
    form = typed(mail_page(desk, sent), sent)
    responses = [do(desk.post, resending(sent), form) for _click in range(2)]
    assert [response.status_code for response in responses] == [302, 409]
    deliver.sweep()
    assert len(server.taken) == 2


def test_what_somebody_did_meanwhile_is_told_and_what_was_typed_is_still_there(desk, do, sent, owner):
    page = mail_page(desk, sent)
    lifecycle.edit_customer(sent.order, email="zoe.mueller@example.com", user=owner)
    before = tables()
    response = desk.post(resending(sent), typed(page, sent, recipient="mother@example.com"))
    assert response.status_code == 409
    assert tables() == before
    form = form_at(parsed(response), resending(sent))
    assert "Nothing of yours was saved yet" in words(form)
    (told,) = [words(entry) for entry in form.xpath(".//ul[@class='orders-meanwhile']/li")]
    assert told.startswith(f"Customer's details changed E-mail: {ZOE} → zoe.mueller@example.com")
    assert told.endswith(", Anna")
    assert filled(form)["resend-recipient"] == "mother@example.com"
    assert do(desk.post, resending(sent), filled(form)).status_code == 302
    assert sent.order.events.latest("pk").data["recipient"] == "mother@example.com"


def test_a_mistake_does_not_hide_that_somebody_was_faster(desk, sent):
    page = mail_page(desk, sent)
    lifecycle.edit_customer(sent.order, email="zoe.mueller@example.com")
    response = desk.post(resending(sent), typed(page, sent, recipient="nobody"))
    assert response.status_code == 409
    form = form_at(parsed(response), resending(sent))
    assert "Enter a valid email address" in words(form)
    assert "zoe.mueller@example.com" in words(form)


def test_a_form_without_its_version_sends_nothing(desk, sent):
    before = tables()
    assert desk.post(resending(sent), {"resend-recipient": ZOE}).status_code == 422
    assert tables() == before


# --- Left at that


def test_a_failed_mail_is_left_unsent_and_nobody_is_reminded(desk, failed):
    form = form_at(mail_page(desk, failed), url_of(failed, "mail_action", "dismiss"))
    response = desk.post(form.get("action"), filled(form))
    assert response.url == page_of(failed.order)
    assert said(response) == ["The mail is left unsent."]
    assert not Notification.objects.given_up().exists()
    assert form_at(mail_page(desk, failed), form.get("action")) is None
    (line,) = mails_told(desk, failed.order)
    assert "Failed" in line
    before = tables()
    assert desk.post(form.get("action"), filled(form)).status_code == 302
    assert tables() == before


def test_a_mail_that_was_sent_or_waits_cannot_be_left_unsent(desk, waiting):
    for _turn in range(2):
        before = tables()
        response = desk.post(url_of(waiting, "mail_action", "dismiss"))
        assert tables() == before
        assert "The mail is left unsent." not in said(response)
        deliver.sweep()


def test_a_deleted_orders_mail_is_not_found(desk, waiting):
    url = url_of(waiting)
    lifecycle.delete(waiting.order)
    assert not_found(desk.get(url))
