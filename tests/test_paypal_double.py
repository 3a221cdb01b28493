"""PayPal's double: what it answers, signs and forgets, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.x509 import verification
from django.core.management import CommandError, call_command

from example_site.paypal_double import Authority, Double
from example_site.paypal_double.authority import SIGNER_NAMES, is_signed
from example_site.paypal_double.server import Server

ROOT = Path(__file__).parent.parent
ORDER = {
    "intent": "CAPTURE",
    "purchase_units": [
        {
            "custom_id": "2026-0001",
            "invoice_id": "2026-0001",
            "amount": {"currency_code": "EUR", "value": "64.00"},
        }
    ],
    "payment_source": {
        "paypal": {
            "experience_context": {
                "return_url": "http://shop.example/return/?a=1",
                "cancel_url": "http://shop.example/cancel/",
                "brand_name": "Atelier <Forêt>",
            }
        }
    },
}


class Merchant:
    """Asks the double as a shop does."""

    def __init__(self, double):
        self.double = double
        self.session = requests.Session()
        # The environment may name certificates of its own.
        self.session.trust_env = False
        self.session.verify = double.settings["DOUBLE"]["CA"]

    def log_in(self, **changes):
        given = {**self.double.settings, **changes}
        answer = self.session.post(
            f"{self.double.api_url}/v1/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(given["CLIENT_ID"], given["CLIENT_SECRET"]),
        )
        if answer.ok:
            self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def post(self, path, body=None, *, key=None, timeout=None, **headers):
        headers = {**headers, **({"PayPal-Request-Id": key} if key else {})}
        url = f"{self.double.api_url}/v2/{path}"
        return self.session.post(url, json=body or {}, headers=headers, timeout=timeout)

    def get(self, path):
        return self.session.get(f"{self.double.api_url}/v2/{path}")

    def order(self, key="first", **changes):
        unit = {**ORDER["purchase_units"][0], **changes}
        return self.post("checkout/orders", {**ORDER, "purchase_units": [unit]}, key=key)

    def paid(self, number="2026-0001"):
        """The capture's id of an order that was paid."""
        reference = self.order(number, custom_id=number, invoice_id=number).json()["id"]
        self.double.approve(reference)
        return self.double.capture(reference)


@pytest.fixture
def double():
    with Double() as double:
        yield double


@pytest.fixture
def merchant(double):
    merchant = Merchant(double)
    merchant.log_in()
    yield merchant
    merchant.session.close()


@pytest.fixture
def browser():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def issue(answer):
    return answer.status_code, answer.json()["name"], answer.json()["details"][0]["issue"]


def kinds(double):
    return [event.kind for event in double.events]


class TestTheApi:
    def test_a_customer_pays_and_the_answers_are_paypals(self, double, merchant):
        made = merchant.order()
        assert made.status_code == 201
        assert made.json()["status"] == "PAYER_ACTION_REQUIRED"
        links = {link["rel"]: link["href"] for link in made.json()["links"]}
        reference = made.json()["id"]
        assert links["payer-action"] == f"{double.pages_url}/checkoutnow?token={reference}"
        double.approve(reference)
        assert merchant.get(f"checkout/orders/{reference}").json()["status"] == "APPROVED"

        taken = merchant.post(f"checkout/orders/{reference}/capture", key="first-capture")

        assert taken.status_code == 201
        capture = taken.json()["purchase_units"][0]["payments"]["captures"][0]
        assert capture["status"] == "COMPLETED"
        whole = merchant.get(f"payments/captures/{capture['id']}").json()
        assert whole["amount"] == {"currency_code": "EUR", "value": "64.00"}
        assert whole["custom_id"] == whole["invoice_id"] == "2026-0001"
        assert whole["payee"]["merchant_id"] == double.settings["MERCHANT_ID"]
        assert whole["supplementary_data"]["related_ids"]["order_id"] == reference
        assert whole["links"][0]["href"] == f"{double.api_url}/v2/payments/captures/{capture['id']}"
        assert kinds(double) == ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"]

    def test_all_of_it_is_answered_to_who_asks_for_all_of_it(self, merchant):
        made = merchant.post("checkout/orders", ORDER, key="k", Prefer="return=representation").json()
        assert made["purchase_units"][0]["custom_id"] == "2026-0001"
        assert "purchase_units" not in merchant.order().json()

    def test_nobody_is_let_in_without_the_accounts_secret(self, double):
        merchant = Merchant(double)
        with merchant.session:
            assert merchant.log_in(CLIENT_SECRET="guessed").json()["error"] == "invalid_client"
            assert issue(merchant.order()) == (401, "AUTHENTICATION_FAILURE", "INVALID_TOKEN")
            merchant.log_in()
            assert merchant.order().status_code == 201
            double.expire_tokens()
            assert merchant.order().status_code == 401
            merchant.log_in()
            assert merchant.order().status_code == 200

    def test_who_does_not_know_its_authority_does_not_talk_to_it(self, double):
        with requests.Session() as session:
            session.trust_env = False
            with pytest.raises(requests.exceptions.SSLError):
                session.get(double.api_url)

    def test_the_same_request_id_acts_once(self, double, merchant):
        first, second = merchant.order("k"), merchant.order("k")
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]
        double.approve(first.json()["id"])
        path = f"checkout/orders/{first.json()['id']}/capture"
        assert [merchant.post(path, key="c").status_code for _ in range(2)] == [201, 200]
        capture = next(iter(double.captures))
        half = {"amount": {"currency_code": "EUR", "value": "32.00"}}
        answers = [merchant.post(f"payments/captures/{capture}/refund", half, key="r") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 200]
        assert len(double.refunds) == 1
        merchant.post(f"payments/captures/{capture}/refund", half, key="another")
        assert len(double.refunds) == 2

    def test_many_of_the_same_at_once_act_once(self, double, merchant):
        reference = merchant.order().json()["id"]
        double.approve(reference)

        def capture(_):
            return merchant.post(f"checkout/orders/{reference}/capture", key="c").status_code

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(capture, range(32)))
        assert sorted(answers) == [200] * 31 + [201]
        assert len(double.captures) == 1

    def test_an_order_is_taken_once_and_when_it_is_approved(self, double, merchant):
        reference = merchant.order().json()["id"]
        path = f"checkout/orders/{reference}/capture"
        assert issue(merchant.post(path)) == (422, "UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED")
        double.approve(reference)
        assert merchant.post(path).status_code == 201
        assert issue(merchant.post(path))[2] == "ORDER_ALREADY_CAPTURED"

    def test_one_invoice_is_paid_once(self, double, merchant):
        first, second = merchant.order("a").json()["id"], merchant.order("b").json()["id"]
        double.approve(first)
        double.approve(second)
        double.capture(first)
        assert issue(merchant.post(f"checkout/orders/{second}/capture"))[2] == "DUPLICATE_INVOICE_ID"

    @pytest.mark.parametrize(
        ("amount", "said"),
        [
            ({"currency_code": "EUR", "value": "64,00"}, "INVALID_PARAMETER_SYNTAX"),
            ({"currency_code": "EUR", "value": "64.001"}, "INVALID_PARAMETER_SYNTAX"),
            ({"currency_code": "JPY", "value": "64.00"}, "DECIMALS_NOT_SUPPORTED"),
            ({"currency_code": "XAF", "value": "64"}, "CURRENCY_NOT_SUPPORTED"),
            ({"currency_code": "EUR", "value": "0.00"}, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ],
    )
    def test_an_amount_that_paypal_cannot_take_is_refused(self, merchant, amount, said):
        assert issue(merchant.order(amount=amount))[2] == said

    def test_an_order_for_somebody_else_or_without_a_request_id_is_refused(self, merchant):
        assert issue(merchant.order(payee={"merchant_id": "SOMEBODYELSE1"}))[2] == "PAYEE_ACCOUNT_INVALID"
        assert issue(merchant.order(None)) == (400, "INVALID_REQUEST", "PAYPAL_REQUEST_ID_REQUIRED")

    def test_what_there_is_not_is_not_found(self, double, merchant):
        for path in ("checkout/orders/X", "payments/captures/X", "payments/refunds/X", "nonsense"):
            assert issue(merchant.get(path))[:2] == (404, "RESOURCE_NOT_FOUND")
        reference = merchant.order().json()["id"]
        double.expire(reference)
        assert merchant.get(f"checkout/orders/{reference}").status_code == 404
        assert merchant.get(f"checkout/orders/{reference}/capture").status_code == 405

    @pytest.mark.parametrize(
        ("outcome", "kind"), [("PENDING", "PENDING"), ("DECLINED", "DECLINED"), ("COMPLETED", "COMPLETED")]
    )
    def test_a_capture_becomes_what_the_test_says(self, double, merchant, outcome, kind):
        double.capture_outcome = outcome
        capture = merchant.paid()
        assert double.captures[capture]["status"] == outcome
        assert kinds(double)[-1] == f"PAYMENT.CAPTURE.{kind}"

    def test_a_refused_card_leaves_the_order_to_be_paid_otherwise(self, double, merchant):
        reference = merchant.order().json()["id"]
        double.capture_outcome = "INSTRUMENT_DECLINED"
        double.approve(reference)
        assert issue(merchant.post(f"checkout/orders/{reference}/capture"))[2] == "INSTRUMENT_DECLINED"
        assert double.orders[reference]["status"] == "PAYER_ACTION_REQUIRED"
        assert not double.captures

    def test_money_that_was_on_its_way_arrives_or_does_not(self, double, merchant):
        for number, status, kind in (("1", "COMPLETED", "COMPLETED"), ("2", "DECLINED", "DENIED")):
            reference = merchant.order(number, invoice_id=number).json()["id"]
            double.pay_later(reference)
            capture = double.capture(reference)
            assert double.captures[capture]["status_details"] == {"reason": "ECHECK"}
            double.settle(capture, status)
            assert double.captures[capture]["status"] == status
            assert kinds(double)[-1] == f"PAYMENT.CAPTURE.{kind}"

    def test_a_refund_goes_back_to_what_was_paid_and_no_further(self, double, merchant):
        capture = merchant.paid()
        path = f"payments/captures/{capture}/refund"
        part = {"amount": {"currency_code": "EUR", "value": "32.00"}}
        refund = merchant.post(path, part, Prefer="return=representation").json()
        assert refund["status"] == "COMPLETED"
        up = next(link["href"] for link in refund["links"] if link["rel"] == "up")
        assert up == f"{double.api_url}/v2/payments/captures/{capture}"
        assert double.captures[capture]["status"] == "PARTIALLY_REFUNDED"
        too_much = {"amount": {"currency_code": "EUR", "value": "32.01"}}
        assert issue(merchant.post(path, too_much))[2] == "REFUND_AMOUNT_EXCEEDED"
        dollars = {"amount": {"currency_code": "USD", "value": "1.00"}}
        assert issue(merchant.post(path, dollars))[2] == "REFUND_CURRENCY_MISMATCH"
        merchant.post(path)
        assert double.captures[capture]["status"] == "REFUNDED"
        assert issue(merchant.post(path))[2] == "CAPTURE_FULLY_REFUNDED"
        order = double.captures[capture]["supplementary_data"]["related_ids"]["order_id"]
        shown = merchant.get(f"checkout/orders/{order}").json()["purchase_units"][0]["payments"]["refunds"]
        assert [one["amount"]["value"] for one in shown] == ["32.00", "32.00"]

    def test_a_refund_may_take_days_or_fail(self, double, merchant):
        capture = merchant.paid()
        double.refund_outcome = "PENDING"
        refund = double.refund(capture, "10.00")
        assert kinds(double)[-1] == "PAYMENT.REFUND.PENDING"
        double.settle_refund(refund, "FAILED")
        assert kinds(double)[-1] == "PAYMENT.REFUND.FAILED"
        assert double.captures[capture]["status"] == "COMPLETED"

    def test_a_dispute_takes_back_what_is_left(self, double, merchant):
        capture = merchant.paid()
        double.refund(capture, "4.00")
        reversal = double.reverse(capture)
        assert double.refunds[reversal]["amount"]["value"] == "60.00"
        assert kinds(double)[-2:] == ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"]

    def test_money_may_come_that_nobody_asked_for(self, double, merchant):
        capture = double.take_elsewhere("5.00", custom_id="2026-0009")
        assert "supplementary_data" not in merchant.get(f"payments/captures/{capture}").json()
        assert kinds(double) == ["PAYMENT.CAPTURE.COMPLETED"]

    def test_what_a_test_bends_is_what_is_answered(self, double, merchant):
        capture = merchant.paid()
        double.captures[capture]["amount"]["value"] = "1.00"
        assert merchant.get(f"payments/captures/{capture}").json()["amount"]["value"] == "1.00"


class TestFaults:
    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_a_status_is_answered_with_an_error_of_paypals(self, double, merchant, status):
        double.faults = lambda method, path: status
        answer = merchant.order()
        assert answer.status_code == status
        assert {"name", "message", "debug_id"} <= set(answer.json())
        assert not double.orders

    @pytest.mark.parametrize(
        ("fault", "error", "made"),
        [
            ("drop", requests.ConnectionError, 0),
            ("drop after", requests.ConnectionError, 1),
            ("timeout", requests.ReadTimeout, 0),
            ("timeout after", requests.ReadTimeout, 1),
        ],
    )
    def test_a_connection_ends_or_stands_still_before_or_after_it_took_effect(
        self, double, merchant, fault, error, made
    ):
        double.faults = lambda method, path: fault
        with pytest.raises(error):
            merchant.post("checkout/orders", ORDER, key="k", timeout=0.3)
        assert len(double.orders) == made
        double.faults = lambda method, path: None
        assert merchant.order("k").status_code == (200 if made else 201)

    def test_an_answer_may_be_anything(self, double, merchant):
        double.faults = lambda method, path: (302, {"Location": "https://evil.example/"}, b"")
        answer = merchant.session.get(double.api_url, allow_redirects=False)
        assert answer.headers["Location"] == "https://evil.example/"

    def test_it_is_known_who_asked_for_what(self, double, merchant):
        merchant.order()
        assert double.requests == [("POST", "/v1/oauth2/token"), ("POST", "/v2/checkout/orders")]

    def test_it_ends_at_once_though_somebody_waits_for_an_answer(self):
        errors = []
        with Double() as double:
            merchant = Merchant(double)
            double.faults = lambda method, path: "timeout"

            def ask():
                try:
                    merchant.get("nothing")
                except requests.RequestException as error:
                    errors.append(error)

            asking = threading.Thread(target=ask)
            asking.start()
            while not double.requests:
                time.sleep(0.01)
            began = time.monotonic()
        assert time.monotonic() - began < 2
        asking.join()
        merchant.session.close()
        assert len(errors) == 1


def verified(merchant, url, name=SIGNER_NAMES["sandbox"]):
    """The chain at ``url`` as somebody judges it who trusts the double's authority alone."""
    chain = x509.load_pem_x509_certificates(merchant.session.get(url).content)
    trusted = x509.load_pem_x509_certificates(Path(merchant.session.verify).read_bytes())
    builder = verification.PolicyBuilder().store(verification.Store(trusted))
    return builder.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])


class TestWebhooks:
    BODY = b'{"id": "WH-1",  "resource": {"note": "\xc3\xa9"}}'

    def ask(self, double, merchant, body, headers):
        """What PayPal's postback says of a webhook."""
        fields = {
            "auth_algo": headers["PAYPAL-AUTH-ALGO"],
            "cert_url": headers["PAYPAL-CERT-URL"],
            "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
            "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"],
            "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
            "webhook_id": double.settings["WEBHOOK_ID"],
        }
        whole = json.dumps(fields)[:-1].encode() + b', "webhook_event": ' + body + b"}"
        url = f"{double.api_url}/v1/notifications/verify-webhook-signature"
        answer = merchant.session.post(url, data=whole, headers={"Content-Type": "application/json"})
        return answer.json()["verification_status"]

    def test_a_signature_is_over_identifier_time_webhook_and_crc32(self, double, merchant):
        moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
        headers = double.headers_for(self.BODY, identifier="abc", transmission_time=moment)
        signed = f"abc|2026-11-01T12:00:00Z|{double.settings['WEBHOOK_ID']}|{zlib.crc32(self.BODY)}"
        chain = merchant.session.get(headers["PAYPAL-CERT-URL"]).content
        assert is_signed(signed.encode(), headers["PAYPAL-TRANSMISSION-SIG"], chain)
        assert not is_signed(signed.encode() + b"1", headers["PAYPAL-TRANSMISSION-SIG"], chain)
        assert headers["PAYPAL-AUTH-ALGO"] == "SHA256withRSA"

    def test_the_certificate_is_its_authoritys_and_names_who_signs(self, double, merchant):
        url = double.headers_for(self.BODY)["PAYPAL-CERT-URL"]
        assert len(verified(merchant, url)) == 3
        with pytest.raises(verification.VerificationError):
            verified(merchant, url, SIGNER_NAMES["live"])

    def test_a_foreign_authority_signs_as_well_and_nobody_trusts_it(self, double, merchant):
        headers = double.headers_for(self.BODY, authority=Authority())
        with pytest.raises(verification.VerificationError):
            verified(merchant, headers["PAYPAL-CERT-URL"])
        assert self.ask(double, merchant, self.BODY, headers) == "FAILURE"

    def test_an_expired_certificate_is_expired(self, double, merchant):
        signer = double.authority.signer(
            SIGNER_NAMES["sandbox"], not_after=datetime.now(UTC) - timedelta(days=1)
        )
        with pytest.raises(verification.VerificationError, match="not valid at validation time"):
            verified(merchant, double.headers_for(self.BODY, authority=signer)["PAYPAL-CERT-URL"])

    def test_the_postback_judges_the_bytes_as_they_came(self, double, merchant):
        headers = double.headers_for(self.BODY)
        assert self.ask(double, merchant, self.BODY, headers) == "SUCCESS"
        assert self.ask(double, merchant, self.BODY.replace(b",  ", b", "), headers) == "FAILURE"
        for name, wrong in (
            ("PAYPAL-TRANSMISSION-SIG", "AAAA"),
            ("PAYPAL-TRANSMISSION-ID", "another"),
            ("PAYPAL-CERT-URL", "https://evil.example/v1/notifications/certs/CERT-1"),
        ):
            assert self.ask(double, merchant, self.BODY, {**headers, name: wrong}) == "FAILURE"
        assert (
            self.ask(double, merchant, self.BODY, double.headers_for(self.BODY, webhook_id="X")) == "FAILURE"
        )

    def test_an_event_is_sent_until_it_is_taken(self, double, merchant):
        heard = []

        def answer(request):
            heard.append((dict(request.headers), request.content))
            return (500 if len(heard) < 3 else 200), {}, b""

        shop = Server(0, answer)
        shop.start()
        try:
            double.webhook_url = f"http://localhost:{shop.port}/hook"
            merchant.paid()
            assert double.is_idle(10)
        finally:
            shop.close()
        # Two events, and one of them three times.
        assert len(heard) == 4
        assert {content for _, content in heard} == {event.body for event in double.events}
        headers, content = heard[0]
        assert headers["Content-Type"] == "application/json"
        assert self.ask(double, merchant, content, headers) == "SUCCESS"
        assert not double.books.waiting

    def test_an_event_is_delivered_by_hand(self, double, merchant):
        shop = Server(0, lambda request: (409, {}, b"known"))
        shop.start()
        try:
            merchant.paid()
            answer = double.deliver(double.events[0], f"http://localhost:{shop.port}/")
        finally:
            shop.close()
        assert (answer.status_code, answer.text) == (409, "known")


class TestTheBuyersPages:
    def choose(self, browser, double, reference, action):
        url = f"{double.pages_url}/checkoutnow?token={reference}"
        return browser.post(url, data={"action": action}, allow_redirects=False).headers["Location"]

    def test_the_page_says_what_is_paid_and_that_no_money_moves(self, double, merchant, browser):
        reference = merchant.order().json()["id"]
        page = browser.get(f"{double.pages_url}/checkoutnow?token={reference}").text
        assert "no real money" in page
        assert "64.00 EUR" in page
        assert "Atelier &lt;Forêt&gt;" in page

    @pytest.mark.parametrize(
        ("action", "status"), [("pay", "COMPLETED"), ("later", "PENDING"), ("decline", "DECLINED")]
    )
    def test_a_button_agrees_and_leads_back_to_the_shop(self, double, merchant, browser, action, status):
        reference = merchant.order().json()["id"]
        back = self.choose(browser, double, reference, action)
        assert back == f"http://shop.example/return/?a=1&token={reference}&PayerID=DBLBUYERBUYER"
        assert double.orders[reference]["status"] == "APPROVED"
        assert double.captures[double.capture(reference)]["status"] == status
        page = browser.get(f"{double.pages_url}/checkoutnow?token={reference}").text
        assert "You have agreed to this payment already." in page

    def test_cancelling_agrees_to_nothing(self, double, merchant, browser):
        reference = merchant.order().json()["id"]
        back = self.choose(browser, double, reference, "cancel")
        assert back == f"http://shop.example/cancel/?token={reference}"
        assert double.orders[reference]["status"] == "PAYER_ACTION_REQUIRED"

    def test_what_is_pending_is_settled_and_what_is_paid_is_sent_back(self, double, merchant, browser):
        double.capture_outcome = "PENDING"
        capture = merchant.paid()
        assert f"/activity/payment/{capture}" in browser.get(double.pages_url).text
        url = f"{double.pages_url}/activity/payment/{capture}"
        assert "Let the money arrive" in browser.get(url).text
        assert "Refund all of it here" in browser.post(url, data={"action": "settle"}).text
        page = browser.post(url, data={"action": "refund"}).text
        assert "Sent back" in page
        assert kinds(double)[-2:] == ["PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED"]

    def test_what_there_is_not_is_said_kindly(self, double, browser):
        for path in ("/checkoutnow", "/checkoutnow?token=X", "/activity/payment/X", "/nothing"):
            answer = browser.get(double.pages_url + path)
            assert answer.status_code == 404
            assert "All payments" in answer.text


class TestKeeping:
    def test_what_was_paid_is_still_known_after_a_restart_on_other_ports(self, tmp_path):
        with Double(folder=tmp_path) as double:
            merchant = Merchant(double)
            merchant.log_in()
            capture = merchant.paid()
            merchant.session.close()
            old = double.api_url
            trusted = (tmp_path / "ca.pem").read_bytes()
        with Double(folder=tmp_path) as double:
            assert double.api_url != old
            assert (tmp_path / "ca.pem").read_bytes() == trusted
            assert double.captures[capture]["links"][0]["href"].startswith(double.api_url)
            merchant = Merchant(double)
            merchant.log_in()
            assert merchant.order("2026-0001").status_code == 200
            merchant.session.close()
            assert [event.kind for event in double.books.undelivered()] == [
                "CHECKOUT.ORDER.APPROVED",
                "PAYMENT.CAPTURE.COMPLETED",
            ]
        assert (tmp_path / "ca-key.pem").stat().st_mode & 0o777 == 0o600

    def test_a_port_that_is_taken_is_said_and_changes_nothing(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            with pytest.raises(OSError, match="in use"), Double(api_port=taken.getsockname()[1]):
                pass
            with pytest.raises(OSError, match="in use"), Double(pages_port=taken.getsockname()[1]):
                pass

    def test_two_doubles_are_two_accounts_of_one_authority(self, double):
        with Double(environment="live") as other:
            assert other.api_url != double.api_url
            assert other.settings["ENVIRONMENT"] == "live"
            assert other.signer.name != double.signer.name


def free_ports():
    """A port with the two after it free as well."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            try:
                for one in (port + 1, port + 2):
                    socket.create_server(("127.0.0.1", one)).close()
            except (OSError, OverflowError):
                continue
            return port


class TestTheCommand:
    def test_it_plays_nothing_where_debug_is_off(self, settings):
        settings.DEBUG = False
        with pytest.raises(CommandError, match="DEBUG=True"):
            call_command("paypal_double")

    def test_a_port_that_is_taken_is_named_and_the_demo_goes_on(self, settings):
        settings.DEBUG = True
        port = free_ports()
        call_command("paypal_double", port, check=True)
        said = rf"Port {port + 2}.* goes on without PayPal"
        with socket.create_server(("127.0.0.1", port + 2)), pytest.raises(CommandError, match=said):
            call_command("paypal_double", port, check=True)
        with pytest.raises(CommandError, match="no port 65536"):
            call_command("paypal_double", 65535, check=True)

    @pytest.mark.parametrize("end", ["signal", "parent"])
    def test_it_ends_when_it_is_told_to_and_when_the_demo_has_gone(self, tmp_path, end):
        port = free_ports()
        env = {**os.environ, "DEBUG": "true", "PAYPAL_DOUBLE_DIR": str(tmp_path)}
        env["DJANGO_SETTINGS_MODULE"] = "example_site.settings"
        double = f"{sys.executable} manage.py paypal_double {port}"
        # As the demo does: a shell begins the double, and becomes the server that customers see.
        line = f"{double} & echo $!; exec sleep 600" if end == "parent" else f"echo $$; exec {double}"
        with subprocess.Popen(["/bin/sh", "-c", line], cwd=ROOT, env=env, stdout=subprocess.PIPE) as demo:
            watch = threading.Timer(30, demo.kill)
            watch.start()
            try:
                demo.stdout.readline()
                said = demo.stdout.readline().decode()
                assert f"http://localhost:{port + 2}/" in said
                assert (tmp_path / "ca.pem").exists()
                demo.send_signal(signal.SIGTERM)
                # Its output ends when the last of the two has.
                assert demo.stdout.read() == b""
            finally:
                watch.cancel()
                demo.kill()
        with socket.create_server(("127.0.0.1", port + 1)):
            pass
