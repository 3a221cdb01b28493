"""PayPal's webhook: what is answered to whom, what is stored, and that nothing forged pays."""

import json
import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from example_site.paypal_double import Authority
from tests.orders import placed
from tests.paypal import (
    PAID,
    captured,
    event_of,
    ledger,
    now,
    post,
    reasons,
    sent,
    started,
    with_crc_of,
)
from tests.processes import in_threads
from wagtail_orders.lifecycle import cancel
from wagtail_orders.models import Notification, OrderSettings, PaymentAttempt, ProviderEvent
from wagtail_orders.payments.paypal import client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]

COMPLETED = "PAYMENT.CAPTURE.COMPLETED"
URL = "/orders/payments/paypal/"


@pytest.fixture(autouse=True)
def foreign(monkeypatch):
    """The hosts, other than this machine, whose address anybody asked for."""
    asked, real = [], socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        if host not in ("localhost", "127.0.0.1"):
            asked.append(host)
            raise OSError(f"{host} is foreign")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    assert asked == []


@pytest.fixture
def completed(double):
    """An attempt whose money was taken, and the webhook that would tell so."""
    attempt, _capture = captured(double)
    double.requests.clear()
    return attempt, event_of(double, COMPLETED)


def certificates_fetched(double):
    return [path for _method, path in double.requests if "/certs/" in path]


# --- Who may come in


def test_without_the_setting_there_is_no_such_address(client):
    unknown = client.get(reverse("wagtail_orders_public:order", args=["0" * 40]))
    for ask in (client.get, client.post, client.put):
        response = ask(URL)
        assert response.status_code == 404
        assert response.content == unknown.content
        assert dict(response.headers) == dict(unknown.headers)


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_only_a_post_is_understood(double, client, method):
    response = getattr(client, method)(URL)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_it_needs_no_csrf_token_and_says_nothing_of_anybody(double, completed):
    _attempt, event = completed
    response = Client(enforce_csrf_checks=True).post(
        URL, event.body, content_type="application/json", headers=double.headers_for(event.body)
    )
    assert (response.status_code, response.content) == (200, b"done\n")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"].startswith("text/plain")


def test_a_body_that_is_too_large_is_not_read(double, completed):
    body = b" " * (256 * 1024 + 1)
    assert post(body, double.headers_for(body)).status_code == 413
    assert post(b"{}", double.headers_for(b"{}"), CONTENT_LENGTH=str(2**40)).status_code == 413
    assert double.requests == []
    assert not ProviderEvent.objects.exists()


def test_a_webhook_is_stored_and_pays(double, completed):
    attempt, event = completed
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID
    stored = ProviderEvent.objects.get()
    assert (stored.identifier, stored.kind, stored.state) == (event.identifier, COMPLETED, "done")
    assert stored.body == event.body.decode()
    assert stored.next_attempt_at is None


def test_a_second_webhook_changes_nothing(double, completed):
    attempt, event = completed
    sent(double, event)
    version = now(attempt).version
    double.requests.clear()
    assert sent(double, event).status_code == 200
    assert double.requests == []
    assert now(attempt).version == version
    assert ProviderEvent.objects.count() == 1


def test_the_certificate_is_fetched_once_and_verified_each_time(double, completed):
    _attempt, event = completed
    for _again in range(3):
        assert sent(double, event).status_code == 200
    assert len(certificates_fetched(double)) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"id": 7}', b'{"id": "a b"}', b"\xff"]
)
def test_a_body_without_an_id_is_refused(double, body):
    assert post(body, double.headers_for(body)).status_code == 400
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"id": "WH-1"},
        {"id": "WH-1", "event_type": "BILLING.PLAN.CREATED", "resource": {"id": "P-1"}},
        {"id": "WH-1", "event_type": COMPLETED},
        {"id": "WH-1", "event_type": COMPLETED, "resource": []},
        {"id": "WH-1", "event_type": COMPLETED, "resource": {"id": "../../v1/oauth2"}},
        {"id": "WH-1", "event_type": ["x"], "resource": {"id": ["x"]}},
    ],
)
def test_what_is_none_of_our_business_is_taken_and_ignored(double, content):
    body = json.dumps(content).encode()
    assert post(body, double.headers_for(body)).status_code == 200
    assert ProviderEvent.objects.get().state == "ignored"
    assert not [path for _method, path in double.requests if path.startswith("/v2/")]


# --- Forged


def without(*names):
    return lambda double, body: {k: v for k, v in double.headers_for(body).items() if k not in names}


def with_header(name, value):
    return lambda double, body: {**double.headers_for(body), name: value}


def made_with(**changes):
    return lambda double, body: double.headers_for(body, **{k: make(double) for k, make in changes.items()})


def days_ago(days):
    return lambda double: datetime.now(UTC) - timedelta(days=days)


FORGED = {
    "no headers": lambda double, body: {},
    "no signature": without("PAYPAL-TRANSMISSION-SIG"),
    "no certificate": without("PAYPAL-CERT-URL"),
    "no time": without("PAYPAL-TRANSMISSION-TIME"),
    "no algorithm": without("PAYPAL-AUTH-ALGO"),
    "another algorithm": with_header("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
    "no base64": with_header("PAYPAL-TRANSMISSION-SIG", "***"),
    "another signature": with_header("PAYPAL-TRANSMISSION-SIG", "AAAA"),
    "another id of the transmission": with_header(
        "PAYPAL-TRANSMISSION-ID", "b3f1e0a0-0000-11f0-8000-000000000000"
    ),
    "an id that would move the fields": with_header("PAYPAL-TRANSMISSION-ID", "a|b"),
    "another webhook": made_with(webhook_id=lambda double: "0ABCDEFGHIJKLMNOP"),
    "a foreign authority": made_with(authority=lambda double: Authority()),
    "another name": made_with(authority=lambda double: double.authority.signer("api.paypal.com")),
    "the other environment": made_with(
        authority=lambda double: double.authority.signer("messageverificationcerts.paypal.com")
    ),
    "an expired certificate": made_with(
        authority=lambda double: double.authority.signer(
            "messageverificationcerts.sandbox.paypal.com", not_after=datetime(2026, 1, 1, tzinfo=UTC)
        )
    ),
    "a certificate of the future": made_with(
        authority=lambda double: double.authority.signer(
            "messageverificationcerts.sandbox.paypal.com",
            not_before=datetime.now(UTC) + timedelta(days=2),
            not_after=datetime.now(UTC) + timedelta(days=20),
        )
    ),
    "a month old": made_with(transmission_time=days_ago(30)),
    "of tomorrow": made_with(transmission_time=days_ago(-1)),
    "no time of any clock": made_with(transmission_time=lambda double: "yesterday"),
    "a time without a zone": made_with(transmission_time=lambda double: "2026-11-23T12:00:00"),
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("verify", ["offline", "postback"])
def test_nothing_forged_pays(double, settings, completed, caplog, forged, verify):
    if verify == "postback":
        settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": "postback"}
        if forged in (
            "another name",
            "the other environment",
            "an expired certificate",
            "a certificate of the future",
        ):
            return  # What PayPal itself would look at, the double does not.
    attempt, event = completed
    headers = FORGED[forged](double, event.body)
    with caplog.at_level(logging.WARNING, logger="wagtail_orders"):
        assert post(event.body, headers).status_code == 400
    assert "not PayPal's was refused" in caplog.text
    assert not ProviderEvent.objects.exists()
    assert now(attempt).payment_status == "unpaid"


TRICKS = [
    "http://localhost:{port}/v1/notifications/certs/{name}",
    "https://localhost:{port}@evil.example/v1/notifications/certs/{name}",
    "https://evil.example@localhost:{port}/v1/notifications/certs/{name}",
    "https://localhost:{port}:443/v1/notifications/certs/{name}",
    "https://localhost:1/v1/notifications/certs/{name}",
    "https://localhost/v1/notifications/certs/{name}",
    "https://127.0.0.1:{port}/v1/notifications/certs/{name}",
    "https://2130706433:{port}/v1/notifications/certs/{name}",
    "https://localhost:{port}.evil.example/v1/notifications/certs/{name}",
    "https://evil.localhost:{port}/v1/notifications/certs/{name}",
    "https://api.paypal.com/v1/notifications/certs/{name}",
    "https://api.paypal.com.evil.example/v1/notifications/certs/{name}",
    "https://evil.example/v1/notifications/certs/{name}",
    "https://evil.example#@localhost:{port}/v1/notifications/certs/{name}",
    "https://evil.example\\@localhost:{port}/v1/notifications/certs/{name}",
    "https://localhost:{port}\\.evil.example/v1/notifications/certs/{name}",
    "https://localhost:{port}/v1/notifications/certs/../../oauth2/{name}",
    "https://localhost:{port}/v1/notifications/certs/..",
    "https://localhost:{port}/v1/notifications/certs/",
    "https://localhost:{port}/v1/notifications/certs/a/{name}",
    "https://localhost:{port}/v1/notifications/certs/{name}?a=b",
    "https://localhost:{port}/v1/notifications/certs/{name}#a",
    "https://localhost:{port}/v1/notifications/certs/%2e%2e/{name}",
    "https://localhost:{port}/x/../v1/notifications/certs/{name}",
    "https://localhost:{port}//v1/notifications/certs/{name}",
    "https://LOCALHOST:{port}/v1/notifications/certs/{name}",
    "https://ⅼocalhost:{port}/v1/notifications/certs/{name}",
    " https://localhost:{port}/v1/notifications/certs/{name}",
    "https://localhost:{port}/v1/notifications/certs/{name}\t",
    "//localhost:{port}/v1/notifications/certs/{name}",
    "file:///etc/passwd",
    "data:,{name}",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_address_but_paypal_s_own_is_asked_for_a_certificate(double, completed, trick):
    attempt, event = completed
    address = trick.format(port=double.api_url.rpartition(":")[2], name=double.signer.name)
    assert sent(double, event, cert_url=address).status_code == 400
    assert double.requests == []
    assert now(attempt).payment_status == "unpaid"


def test_a_redirect_to_another_host_is_not_followed(double, completed):
    attempt, event = completed
    away = (302, {"Location": "https://evil.example/v1/notifications/certs/CERT-1"}, b"")
    double.faults = lambda method, path: away if "/certs/" in path else None
    assert sent(double, event).status_code == 400
    assert now(attempt).payment_status == "unpaid"


@pytest.mark.parametrize(
    "served", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_signs_nothing(double, completed, served):
    _attempt, event = completed
    double.faults = lambda method, path: (200, {}, served) if "/certs/" in path else None
    assert sent(double, event).status_code == 400


def test_a_certificate_without_end_is_not_read_to_the_end(double, completed):
    attempt, event = completed
    chain = double.signer.chain
    double.faults = lambda method, path: (200, {}, chain * 600) if "/certs/" in path else None
    assert sent(double, event).status_code in (400, 503)
    assert now(attempt).payment_status == "unpaid"


@pytest.mark.parametrize("fault", [500, 503, 429, "drop"])
@pytest.mark.parametrize("verify", ["offline", "postback"])
def test_what_cannot_be_verified_now_is_to_be_sent_again(double, settings, completed, fault, verify):
    settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": verify}
    attempt, event = completed
    double.faults = lambda method, path: fault if "/notifications/" in path else None
    assert sent(double, event).status_code == 503
    assert not ProviderEvent.objects.exists()
    double.faults = lambda method, path: None
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID


def test_paypal_s_postback_gets_the_body_byte_for_byte(double, settings, completed):
    settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": "postback"}
    attempt, event = completed
    odd = event.body.replace(b'":', b'"  :\n')
    assert post(odd, double.headers_for(odd)).status_code == 200
    assert certificates_fetched(double) == []
    assert ledger(attempt) == PAID


# --- The body is never believed


def altered(event, change):
    """The event's body, changed, with the same CRC32: whoever has one true signature can make it."""
    content = json.loads(event.body)
    change(content)
    return with_crc_of(json.dumps(content).encode(), event.body)


def with_another_id(content):
    content["id"] = "WH-FORGED"


def with_another_amount(content):
    content["resource"]["amount"]["value"] = "1.00"


@pytest.mark.parametrize("change", [with_another_id, with_another_amount])
def test_a_known_message_with_another_body_is_refused_and_reported(double, completed, caplog, change):
    attempt, event = completed
    headers = double.headers_for(event.body)
    assert post(event.body, headers).status_code == 200
    with caplog.at_level(logging.ERROR, logger="wagtail_orders"):
        assert post(altered(event, change), headers).status_code == 409
    assert "came again with another content" in caplog.text
    assert ledger(attempt) == PAID
    assert ProviderEvent.objects.count() == 1
    assert "another content" in reasons(attempt)[0]
    attempt.refresh_from_db()
    assert attempt.next_look_at <= timezone.now()


def test_a_body_that_names_another_order_s_capture_pays_what_paypal_has(double, completed):
    attempt, event = completed
    other = started()

    def change(content):
        content["resource"]["custom_id"] = content["resource"]["invoice_id"] = other.order.number
        content["resource"]["supplementary_data"]["related_ids"]["order_id"] = other.reference

    assert post(altered(event, change), double.headers_for(event.body)).status_code == 200
    assert now(other).payment_status == "unpaid"
    assert ledger(attempt) == PAID


def test_a_capture_that_paypal_does_not_know_is_waited_for_and_then_ignored(double, completed):
    attempt, event = completed

    def change(content):
        content["resource"]["id"] = "0" * 17

    body, headers = altered(event, change), double.headers_for(event.body)
    assert post(body, headers).status_code == 503
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=16))
    assert post(body, headers).status_code == 200
    assert ProviderEvent.objects.get().state == "ignored"
    assert now(attempt).payment_status == "unpaid"


WRONG = {
    "amount": lambda capture: capture["amount"].update(value="1.00"),
    "more": lambda capture: capture["amount"].update(value="42.01"),
    "not a number": lambda capture: capture["amount"].update(value="NaN"),
    "currency": lambda capture: capture["amount"].update(currency_code="HUF"),
    "no amount": lambda capture: capture.pop("amount"),
    "payee": lambda capture: capture["payee"].update(merchant_id="SOMEBODYELSE1"),
    "number": lambda capture: capture.update(custom_id="2026-99999"),
    "invoice": lambda capture: capture.update(invoice_id="2026-99999"),
    "no number": lambda capture: capture.pop("custom_id"),
    "environment": lambda capture: capture["links"][0].update(
        href="https://api-m.paypal.com/v2/payments/captures/" + capture["id"]
    ),
    "no links": lambda capture: capture.update(links=[]),
    "status": lambda capture: capture.update(status="NEVER_HEARD_OF"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_capture_that_does_not_fit_never_pays_and_the_owner_looks(double, completed, wrong):
    attempt, event = completed
    WRONG[wrong](double.captures[json.loads(event.body)["resource"]["id"]])
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == []
    assert now(attempt).needs_look
    assert len(reasons(attempt)) == 1
    assert "is not what was asked for" in reasons(attempt)[0]
    ProviderEvent.objects.update(state="waiting")
    sent(double, event)
    assert len(reasons(attempt)) == 1


def test_the_capture_of_another_order_does_not_pay(double, completed):
    attempt, event = completed
    other = started()
    capture = double.captures[json.loads(event.body)["resource"]["id"]]
    capture["supplementary_data"]["related_ids"]["order_id"] = other.reference
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == ledger(other) == []
    assert now(other).needs_look


def test_an_attempt_of_the_other_environment_is_not_paid(double, completed):
    attempt, event = completed
    PaymentAttempt.objects.update(environment="live")
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == []
    assert now(attempt).needs_look


def test_some_answers_leave_the_payee_to_the_order(double, completed):
    attempt, event = completed
    capture = double.captures[json.loads(event.body)["resource"]["id"]]
    del capture["payee"]
    del capture["supplementary_data"]
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID


def test_money_with_our_number_that_nobody_asked_for_makes_the_owner_look(double):
    order = placed()
    double.take_elsewhere("42.00", custom_id=order.number, invoice_id=order.number)
    event = event_of(double, COMPLETED)
    assert sent(double, event).status_code == 503
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=16))
    assert sent(double, event).status_code == 200
    assert ledger(order) == []
    assert "nobody asked for" in reasons(order)[0]


def test_money_with_a_number_that_is_no_order_s_is_kept_for_the_owner(double):
    double.take_elsewhere("42.00", custom_id="2026-99999", invoice_id="2026-99999")
    event = event_of(double, COMPLETED)
    assert sent(double, event).status_code == 503
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=16))
    assert sent(double, event).status_code == 200
    stored = ProviderEvent.objects.get()
    assert stored.state == "unmatched"
    assert "42.00 EUR" in stored.error


def test_money_for_something_else_is_ignored(double):
    double.take_elsewhere("42.00")
    assert sent(double, event_of(double, COMPLETED)).status_code == 200
    assert ProviderEvent.objects.get().state == "ignored"


def test_money_for_a_cancelled_order_is_kept_and_the_owner_looks(double, completed):
    attempt, event = completed
    cancel(attempt.order)
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID
    assert now(attempt).needs_look


# --- What cannot be asked, comes early, comes at once


@pytest.mark.parametrize(
    "fault",
    [500, 503, 429, 401, "drop", (200, {}, b"no json"), (302, {"Location": "https://evil.example/"}, b"")],
)
def test_an_event_that_paypal_cannot_be_asked_about_waits(double, completed, fault):
    attempt, event = completed
    double.faults = lambda method, path: fault if path.startswith("/v2/") else None
    assert sent(double, event).status_code == 503
    stored = ProviderEvent.objects.get()
    assert (stored.state, stored.attempts) == ("waiting", 1)
    assert stored.error
    assert stored.next_attempt_at > timezone.now()
    double.faults = lambda method, path: None
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID


def test_paypal_s_silence_is_not_waited_for(double, completed, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUTS", (5, 0.1))
    attempt, event = completed
    double.faults = lambda method, path: "timeout" if path.startswith("/v2/") else None
    assert sent(double, event).status_code == 503
    assert now(attempt).payment_status == "unpaid"


def test_a_webhook_before_the_order_s_commit_pays_in_the_end(double, completed):
    attempt, event = completed
    held = PaymentAttempt.objects.get()
    PaymentAttempt.objects.all().delete()
    assert sent(double, event).status_code == 503
    assert ledger(attempt) == []
    held.save(force_insert=True)
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_one_payment_and_one_mail(double, site):
    OrderSettings.objects.create(site=site, mail_payment_received=True)
    attempt, _capture = captured(double)
    event = event_of(double, COMPLETED)
    results = in_threads(*[lambda: sent(double, event).status_code] * 24)
    assert set(results) <= {200}, results
    assert ledger(attempt) == PAID
    assert [one.kind for one in now(attempt).events.order_by("pk")] == ["placed", "paid"]
    assert Notification.objects.filter(kind="payment_received").count() == 1
    assert ProviderEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_stays_even_where_requests_are_transactions(double, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert connections.settings["default"]["ATOMIC_REQUESTS"]
    attempt, _capture = captured(double)
    committed = []

    def look(method, path):
        # In the double's thread, with a connection of its own.
        committed.append(ProviderEvent.objects.exists())
        connection.close()
        return 500 if path.startswith("/v2/") else None

    double.faults = look
    assert sent(double, event_of(double, COMPLETED)).status_code == 503
    assert committed[-1] is True
    assert ProviderEvent.objects.get().state == "waiting"
    assert now(attempt).payment_status == "unpaid"
