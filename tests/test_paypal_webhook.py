"""PayPal's webhook: what is answered to whom, what is stored, and that nothing forged pays."""

import json
import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from example_site.paypal_double import Authority
from tests.orders import placed
from tests.paypal import (
    PAID,
    approved,
    captured,
    event_of,
    ledger,
    now,
    paypal,
    post,
    reasons,
    sent,
    started,
    with_crc_of,
)
from tests.processes import in_threads
from wagtail_orders.lifecycle import archive, cancel, delete, mark_handled
from wagtail_orders.models import Notification, Order, OrderSettings, PaymentAttempt, ProviderEvent
from wagtail_orders.payments.paypal import client, judging

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
    # Neither by who says nothing of the length, nor nonsense.
    assert post(b"{}", double.headers_for(b"{}"), CONTENT_LENGTH="²").status_code == 400
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
    "body",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"{}",
            b'{"id": 7}',
            b'{"id": "a b"}',
            b"\xff",
            b"\xef\xbb\xbf{}",
        ),
        b"[" * 100_000,
        b'{"id": "WH-1", "x": ' + b'{"x": ' * 30_000 + b"1" + b"}" * 30_001,
        b'{"id": "WH-1", "x": ' + b"9" * 5000 + b"}",
        b'{"id": "WH-1", "id": 7}',
    ],
    ids=lambda body: body[:20],
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
        {"id": "WH-1", "event_type": "NUL\0", "resource": {"id": "5O1"}},
        {"id": "WH-1", "event_type": "HALF\ud800", "resource": {"id": "5O1"}},
        {"id": "WH-1", "event_type": "X" * 5000, "resource": {"id": "5O1"}},
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


#: What is changed, what the log says of it, and whether PayPal, when it is asked itself, can see it too.
FORGED = {
    "no headers": (lambda double, body: {}, "it is not signed"),
    "no signature": (without("PAYPAL-TRANSMISSION-SIG"), "it is not signed"),
    "no certificate": (without("PAYPAL-CERT-URL"), "it is not signed"),
    "no time": (without("PAYPAL-TRANSMISSION-TIME"), "it is not signed"),
    "no algorithm": (without("PAYPAL-AUTH-ALGO"), "it is not signed"),
    "another algorithm": (with_header("PAYPAL-AUTH-ALGO", "SHA1withRSA"), "signed in another way"),
    "no base64": (with_header("PAYPAL-TRANSMISSION-SIG", "***"), "its signature is not base64"),
    "another signature": (with_header("PAYPAL-TRANSMISSION-SIG", "AAAA"), "its signature is wrong"),
    "another id of the transmission": (
        with_header("PAYPAL-TRANSMISSION-ID", "b3f1e0a0-0000-11f0-8000-000000000000"),
        "its signature is wrong",
    ),
    "an id that would move the fields": (
        with_header("PAYPAL-TRANSMISSION-ID", "a|b"),
        "its headers are not PayPal's",
    ),
    "another webhook": (
        made_with(webhook_id=lambda double: "0ABCDEFGHIJKLMNOP"),
        "its signature is wrong",
    ),
    "a foreign authority": (
        made_with(authority=lambda double: Authority()),
        "the certificate is not PayPal's",
    ),
    "a month old": (made_with(transmission_time=days_ago(30)), "it is too old"),
    "of tomorrow": (made_with(transmission_time=days_ago(-1)), "of the future"),
    "no time of any clock": (
        made_with(transmission_time=lambda double: "yesterday"),
        "its time cannot be read",
    ),
    "a time without a zone": (
        made_with(transmission_time=lambda double: "2026-11-23T12:00:00"),
        "its time cannot be read",
    ),
}
#: Certificates of PayPal's own authority that are none for a webhook. PayPal itself would look at that; the double
#: does not, so that there is nothing to try with "postback".
BAD_CERTIFICATES = {
    "another name": lambda double: double.authority.signer("api.paypal.com"),
    "the other environment": lambda double: double.authority.signer("messageverificationcerts.paypal.com"),
    "an expired certificate": lambda double: double.authority.signer(
        "messageverificationcerts.sandbox.paypal.com", not_after=datetime(2026, 1, 1, tzinfo=UTC)
    ),
    "a certificate of the future": lambda double: double.authority.signer(
        "messageverificationcerts.sandbox.paypal.com",
        not_before=datetime.now(UTC) + timedelta(days=2),
        not_after=datetime.now(UTC) + timedelta(days=20),
    ),
}
BAD_CERTIFICATES = {
    name: (made_with(authority=make), "the certificate is not PayPal's")
    for name, make in BAD_CERTIFICATES.items()
}
#: What only the signature or the certificate tells; with "postback", PayPal says so.
UNTRUE = ("its signature is", "the certificate is")


@pytest.mark.parametrize(
    ("verify", "forged"),
    [
        *(("offline", name) for name in [*FORGED, *BAD_CERTIFICATES]),
        *(("postback", name) for name in FORGED),
    ],
)
def test_nothing_forged_pays(double, settings, completed, caplog, verify, forged):
    settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": verify}
    attempt, event = completed
    make, says = {**FORGED, **BAD_CERTIFICATES}[forged]
    if verify == "postback" and says.startswith(UNTRUE):
        says = "PayPal says that it did not send it"
    with caplog.at_level(logging.WARNING, logger="wagtail_orders"):
        response = post(event.body, make(double, event.body))
    assert (response.status_code, response.content) == (400, b"refused\n")
    [record] = [one for one in caplog.records if one.name.startswith("wagtail_orders")]
    assert record.getMessage().startswith("A webhook that is not PayPal's was refused: ")
    assert says in record.getMessage()
    assert not ProviderEvent.objects.exists()
    assert not [path for _method, path in double.requests if path.startswith("/v2/")]
    assert ledger(attempt) == []
    # The true one is taken all the same.
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID


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
@pytest.mark.parametrize("verify", ["offline", "postback"])
def test_no_address_but_paypal_s_own_is_asked_for_a_certificate(
    double, settings, completed, caplog, trick, verify
):
    settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": verify}
    attempt, event = completed
    address = trick.format(port=double.api_url.rpartition(":")[2], name=double.signer.name)
    assert sent(double, event, cert_url=address).status_code == 400
    assert "refused: the certificate's address is not PayPal's" in caplog.text
    assert double.requests == []
    assert now(attempt).payment_status == "unpaid"


def test_a_redirect_to_another_host_is_not_followed(double, completed, caplog):
    attempt, event = completed
    away = (302, {"Location": "https://evil.example/v1/notifications/certs/CERT-1"}, b"")
    double.faults = lambda method, path: away if "/certs/" in path else None
    assert sent(double, event).status_code == 400
    assert "refused: PayPal has no such certificate" in caplog.text
    assert now(attempt).payment_status == "unpaid"


@pytest.mark.parametrize(
    "served", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_signs_nothing_and_is_not_kept(double, completed, served):
    attempt, event = completed
    double.faults = lambda method, path: (200, {}, served) if "/certs/" in path else None
    assert sent(double, event).status_code == 400
    double.faults = lambda method, path: None
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID


def test_a_long_name_of_a_certificate_is_no_key_that_a_cache_refuses(double, completed):
    _attempt, event = completed
    assert sent(double, event, cert_url=double.cert_url("C" * 200)).status_code == 400


@pytest.mark.parametrize(("status", "answered"), [(400, 400), (422, 400), (401, 503), (403, 503), (404, 503)])
def test_what_paypal_cannot_read_is_forged_and_what_it_does_not_let_us_ask_is_sent_again(
    double, settings, completed, status, answered
):
    settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": "postback"}
    _attempt, event = completed
    double.faults = lambda method, path: status if "/verify-webhook-signature" in path else None
    assert sent(double, event).status_code == answered
    assert not ProviderEvent.objects.exists()


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
@pytest.mark.parametrize("verify", ["offline", "postback"])
def test_a_known_message_with_another_body_is_refused_and_reported(
    double, settings, completed, caplog, change, verify
):
    settings.WAGTAIL_ORDERS["PAYPAL"] = {**double.settings, "VERIFY": verify}
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


def test_a_forged_reversal_takes_nothing_back(double, completed):
    attempt, event = completed

    def change(content):
        content["event_type"] = "PAYMENT.CAPTURE.REVERSED"

    assert post(altered(event, change), double.headers_for(event.body)).status_code == 200
    assert ledger(attempt) == PAID
    [reason] = reasons(attempt)
    assert reason.startswith("a message says that PayPal has taken the payment")


@pytest.mark.parametrize("odd", ["NUL\0", "HALF\ud800", "X" * 5000, ["x"], 7])
def test_a_known_message_with_an_odd_number_in_it_is_refused_all_the_same(double, completed, odd):
    attempt, event = completed
    headers = double.headers_for(event.body)
    assert post(event.body, headers).status_code == 200

    def change(content):
        content["resource"]["custom_id"] = content["resource"]["invoice_id"] = odd

    assert post(altered(event, change), headers).status_code == 409
    assert "another content" in reasons(attempt)[0]


def test_a_forged_message_that_comes_first_is_followed_by_what_paypal_has(double, completed):
    """Whoever reads a message before we do may alter it: it costs a look, no money, and no payment is lost."""
    attempt, event = completed
    headers = double.headers_for(event.body)

    def change(content):
        content["id"], content["resource"]["id"] = "WH-FORGED", "0" * 17

    assert post(altered(event, change), headers).status_code == 503
    assert post(event.body, headers).status_code == 409
    assert ledger(attempt) == []
    assert now(attempt).needs_look
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
    "amount": (lambda capture: capture["amount"].update(value="1.00"), "its amount is 1.00 EUR"),
    "more": (lambda capture: capture["amount"].update(value="42.01"), "its amount is 42.01 EUR"),
    "not a number": (lambda capture: capture["amount"].update(value="NaN"), "its amount is ?"),
    "a yes": (lambda capture: capture["amount"].update(value=True), "its amount is ?"),
    "a number without end": (lambda capture: capture["amount"].update(value="4" * 5000), "its amount is ?"),
    "currency": (lambda capture: capture["amount"].update(currency_code="HUF"), "its amount is 42.00 HUF"),
    "no amount": (lambda capture: capture.pop("amount"), "its amount is ?"),
    "payee": (
        lambda capture: capture["payee"].update(merchant_id="SOMEBODYELSE1"),
        "it was paid to “SOMEBODYELSE1”",
    ),
    "number": (lambda capture: capture.update(custom_id="2026-99999"), "it names the order “2026-99999”"),
    "invoice": (lambda capture: capture.update(invoice_id="2026-99999"), "it names the invoice “2026-99999”"),
    "no number": (lambda capture: capture.pop("custom_id"), "it names the order “None”"),
    "environment": (
        lambda capture: capture["links"][0].update(
            href="https://api-m.paypal.com/v2/payments/captures/" + capture["id"]
        ),
        "it does not come from PayPal’s “sandbox” environment",
    ),
    "no links": (
        lambda capture: capture.update(links=[]),
        "it does not come from PayPal’s “sandbox” environment",
    ),
    "status": (
        lambda capture: capture.update(status="NEVER_HEARD_OF"),
        "its status is “NEVER_HEARD_OF”",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_capture_that_does_not_fit_never_pays_and_the_owner_looks(
    double, site, completed, wrong, caplog, django_capture_on_commit_callbacks
):
    OrderSettings.objects.create(site=site, recipients="anna@example.com")
    attempt, event = completed
    change, says = WRONG[wrong]
    change(double.captures[json.loads(event.body)["resource"]["id"]])
    for _again in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            response = sent(double, event)
        assert (response.status_code, response.content) == (200, b"done\n")
        assert ledger(attempt) == []
        assert now(attempt).needs_look
        [reason] = reasons(attempt)
        assert "is not what was asked for" in reason
        assert says in reason
        assert f"PayPal: order {now(attempt).number} needs a look: {reason}" in caplog.text
        assert [mail.recipient for mail in Notification.objects.filter(kind="needs_look")] == [
            "anna@example.com"
        ]
        ProviderEvent.objects.update(state="waiting")


def test_the_capture_of_another_order_does_not_pay(double, completed, caplog):
    attempt, event = completed
    other = started()
    capture = double.captures[json.loads(event.body)["resource"]["id"]]
    capture["supplementary_data"]["related_ids"]["order_id"] = other.reference
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == ledger(other) == []
    assert now(other).needs_look
    assert f"it names the order “{attempt.order.number}”" in reasons(other)[0]
    assert "needs a look" in caplog.text


def test_an_attempt_of_the_other_environment_is_not_paid(double, completed, caplog):
    attempt, event = completed
    PaymentAttempt.objects.update(environment="live")
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == []
    assert now(attempt).needs_look
    assert "it does not come from PayPal’s “live” environment" in reasons(attempt)[0]
    assert "needs a look" in caplog.text


@pytest.mark.parametrize("parts", [("20.00", "22.00"), ("42.00", "42.00")])
def test_money_that_came_in_several_captures_pays_none_and_the_owner_looks(double, completed, parts):
    attempt, event = completed
    first = double.captures[json.loads(event.body)["resource"]["id"]]
    first["amount"]["value"] = parts[0]
    second = json.loads(json.dumps(first).replace(first["id"], "2" * 17))
    second["amount"]["value"] = parts[1]
    double.captures[second["id"]] = second
    double.books.captures_of[attempt.reference].append(second["id"])
    paypal().confirm(attempt)
    expected = PAID * 2 if parts[0] == "42.00" else []
    assert ledger(attempt) == expected
    assert now(attempt).payment_status == ("overpaid" if expected else "unpaid")
    assert now(attempt).needs_look


def test_money_for_an_order_that_was_archived_meanwhile_is_noted(double, completed):
    attempt, event = completed
    mark_handled(attempt.order)
    archive(attempt.order)
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID
    assert now(attempt).is_archived


def test_money_for_an_order_that_was_deleted_meanwhile_is_kept_for_the_owner(double, completed):
    attempt, event = completed
    delete(attempt.order).raise_if_refused()
    assert sent(double, event).status_code == 503
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=16))
    assert sent(double, event).status_code == 200
    stored = ProviderEvent.objects.get()
    assert stored.state == "unmatched"
    assert "42.00 EUR" in stored.error


def test_money_for_an_order_that_is_deleted_while_paypal_is_asked_is_kept_for_the_owner(
    double, completed, monkeypatch
):
    _attempt, event = completed
    ProviderEvent.objects.all().delete()
    real = judging.mismatches

    def mismatches(capture, attempt, order, account):
        delete(Order.objects.filter(pk=order.pk)).raise_if_refused()
        return real(capture, attempt, order, account)

    monkeypatch.setattr(judging, "mismatches", mismatches)
    assert sent(double, event).status_code == 503
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=16))
    assert sent(double, event).status_code == 200
    assert ProviderEvent.objects.get().state == "unmatched"


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
def test_a_webhook_within_the_order_s_transaction_pays_in_the_end(double, site):
    """The shop has not committed the order, and PayPal tells already: from another connection nothing is there yet."""
    if connection.vendor == "sqlite":
        pytest.skip(
            "SQLite lets nobody else write meanwhile: the webhook waits until the order is committed."
        )
    with transaction.atomic():
        attempt, _capture = captured(double)
        event = event_of(double, COMPLETED)
        [status] = in_threads(lambda: sent(double, event).status_code)
        assert status == 503
    assert ledger(attempt) == []
    assert sent(double, event).status_code == 200
    assert ledger(attempt) == PAID
    assert ProviderEvent.objects.get().state == "done"


@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_are_one_payment_and_one_mail(double, site):
    OrderSettings.objects.create(site=site, mail_payment_received=True)
    attempt, _capture = captured(double)
    event = event_of(double, COMPLETED)
    # PostgreSQL has 100 connections, and others want some.
    results = in_threads(*[lambda: [sent(double, event).status_code for _again in range(2)]] * 50)
    assert results == [[200, 200]] * 50
    assert ledger(attempt) == PAID
    assert [one.kind for one in now(attempt).events.order_by("pk")] == ["placed", "paid"]
    assert Notification.objects.filter(kind="payment_received").count() == 1
    assert ProviderEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_return_webhook_and_reconciliation_at_once_are_one_payment(double, site):
    attempt = approved(double)
    event = event_of(double, "CHECKOUT.ORDER.APPROVED")
    works = [lambda: sent(double, event).status_code, lambda: paypal().confirm(attempt).payment_status]
    results = in_threads(*works * 10)
    assert set(results) == {200, "paid"}, results
    assert ledger(attempt) == PAID
    assert len(double.captures) == 1
    assert [one.kind for one in now(attempt).events.order_by("pk")] == ["placed", "paid"]


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
