"""The setting PAYPAL and what is wrong with it; how PayPal is asked: patiently, and with nothing secret in a log."""

import base64
import logging
from decimal import Decimal
from importlib import util
from pathlib import Path

import certifi
import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import ExceptionReporter

from example_site.paypal_double import Authority
from tests.paypal import approved, paypal, started
from wagtail_orders import payments
from wagtail_orders.exceptions import ProviderFailed
from wagtail_orders.payments.paypal import account as accounts
from wagtail_orders.payments.paypal import certificates, client, judging
from wagtail_orders.payments.paypal.amounts import read_amount

SET_UP = {
    "CLIENT_ID": "AaBbCc",
    "CLIENT_SECRET": "EeFfGg",
    "WEBHOOK_ID": "5GP028458E2496506",
    "MERCHANT_ID": "7KNGBPH2U58GQ",
    "ENVIRONMENT": "live",
}
DOUBLE = {"API": "https://localhost:8443", "PAGES": "http://localhost:8444", "CA": certifi.where()}


@pytest.fixture(autouse=True)
def nothing_set(settings):
    settings.WAGTAIL_ORDERS = {}


def told(settings, **changes):
    """What the system checks say of the setting: their ids and their messages."""
    given = {key: value for key, value in {**SET_UP, **changes}.items() if value is not None}
    settings.WAGTAIL_ORDERS = {"PAYPAL": given}
    found = checks.run_checks(tags=["wagtail_orders"])
    return [(one.id, one.msg) for one in found if "E008" in one.id or "W003" in one.id]


# --- The setting


def test_without_the_setting_there_is_no_paypal():
    assert payments.providers() == {}
    assert accounts.account() is None


@pytest.mark.parametrize("environment", ["live", "sandbox"])
def test_a_setting_that_is_right_says_nothing(settings, environment):
    assert told(settings, ENVIRONMENT=environment) == []
    provider = payments.provider("paypal")
    assert provider.account.api == accounts.APIS[environment]
    assert provider.account.verify == "offline"
    assert not provider.account.is_double


WRONG = {
    "has no CLIENT_ID": {"CLIENT_ID": None},
    "has no CLIENT_SECRET": {"CLIENT_SECRET": " "},
    "has no WEBHOOK_ID": {"WEBHOOK_ID": None},
    "has no MERCHANT_ID": {"MERCHANT_ID": 7},
    "has no ENVIRONMENT": {"ENVIRONMENT": None},
    'it must be "live" or "sandbox"': {"ENVIRONMENT": "test"},
    "an unknown key 'MODE'": {"MODE": "live"},
    "the same CLIENT_SECRET as CLIENT_ID": {"CLIENT_SECRET": "AaBbCc"},
    "MERCHANT_ID that is none": {"MERCHANT_ID": "anna@example.com"},
    "WEBHOOK_ID that is an event's": {"WEBHOOK_ID": "WH-5GP028458E2496506"},
    "characters that PayPal does not use": {"CLIENT_SECRET": "EeFf Gg"},
    'it must be "offline" or "postback"': {"VERIFY": "never"},
    "DEBUG is off": {"DOUBLE": DOUBLE},
}


@pytest.mark.parametrize("says", WRONG)
def test_what_is_missing_or_mixed_up_is_told(settings, says):
    [(number, message)] = told(settings, **WRONG[says])
    assert number == "wagtail_orders.E008"
    assert says in message
    assert "EeFf" not in message


@pytest.mark.parametrize(
    "double",
    [
        {**DOUBLE, "API": "https://api-m.paypal.com"},
        {**DOUBLE, "API": "http://localhost:8443"},
        {**DOUBLE, "API": "https://localhost"},
        {**DOUBLE, "API": "https://localhost:99999"},
        {**DOUBLE, "CA": "/nowhere/ca.pem"},
        {"API": "https://localhost:8443"},
        {**DOUBLE, "API": 8443},
        {**DOUBLE, "PAGES": "https://www.paypal.com"},
        {**DOUBLE, "PAGES": "javascript:alert(1)"},
        {**DOUBLE, "PAGES": None},
        "https://localhost:8443",
    ],
)
def test_a_double_that_is_none_is_told(settings, double):
    settings.DEBUG = True
    assert [number for number, _message in told(settings, DOUBLE=double)] == ["wagtail_orders.E008"]
    assert payments.providers() == {}


def test_no_double_plays_paypal_where_debug_is_off(settings):
    settings.WAGTAIL_ORDERS = {"PAYPAL": {**SET_UP, "DOUBLE": DOUBLE}}
    with pytest.raises(ImproperlyConfigured, match="DOUBLE"):
        payments.providers()
    settings.DEBUG = True
    assert payments.provider("paypal").account.is_double


def test_without_cryptography_paypal_is_asked_about_signatures(settings, monkeypatch):
    monkeypatch.setattr(
        accounts, "find_spec", lambda name: None if name == "cryptography" else util.find_spec(name)
    )
    assert [number for number, _message in told(settings)] == ["wagtail_orders.W003"]
    assert accounts.account().verify == "postback"
    assert told(settings, VERIFY="postback") == []
    assert [number for number, _message in told(settings, VERIFY="offline")] == ["wagtail_orders.E008"]


def test_an_account_does_not_show_its_secret(settings):
    settings.WAGTAIL_ORDERS = {"PAYPAL": SET_UP}
    assert "EeFfGg" not in repr(accounts.account())


# --- PayPal's names


@pytest.mark.parametrize("environment", ["live", "sandbox"])
def test_only_the_environment_s_own_hosts_have_its_certificates(settings, environment):
    settings.WAGTAIL_ORDERS = {"PAYPAL": {**SET_UP, "ENVIRONMENT": environment}}
    ours = accounts.account()
    for of, hosts in accounts.HOSTS.items():
        for host in hosts:
            address = f"https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
            if of == environment:
                certificates.check_address(address, ours)
            else:
                with pytest.raises(certificates.Forged):
                    certificates.check_address(address, ours)


def test_the_trusted_authorities_can_all_be_read():
    wanted = Path(certifi.where()).read_bytes().count(b"BEGIN CERTIFICATE")
    assert len(certificates._trusted(certifi.where())) == wanted > 50


def test_an_authority_that_cannot_be_read_takes_the_others_not_along(tmp_path, monkeypatch):
    pem = Authority().pem
    bad = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (tmp_path / "ca.pem").write_bytes(b"# An authority\n" + bad + pem + bad + pem)
    assert len(certificates._trusted(tmp_path / "ca.pem")) == 2


def test_a_payment_s_page_is_the_environment_s(settings):
    settings.WAGTAIL_ORDERS = {"PAYPAL": SET_UP}
    assert accounts.account().page_of("5O1") == "https://www.paypal.com/activity/payment/5O1"
    settings.WAGTAIL_ORDERS = {"PAYPAL": {**SET_UP, "ENVIRONMENT": "sandbox"}}
    assert accounts.account().page_of("5O1") == "https://www.sandbox.paypal.com/activity/payment/5O1"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"links": None},
        {"links": [None, "x", {"rel": "self"}]},
        {"links": [{"rel": "self", "href": "https://[a"}]},
    ],
)
def test_an_answer_without_a_name_of_its_own_is_nobody_s(settings, answer):
    settings.WAGTAIL_ORDERS = {"PAYPAL": SET_UP}
    assert not judging.is_of(answer, accounts.account())


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"value": "42.00", "currency_code": "EUR"}, (Decimal(42), "EUR")),
        ({"value": "NaN", "currency_code": "EUR"}, None),
        ({"value": "Infinity", "currency_code": "EUR"}, None),
        ({"value": None, "currency_code": "EUR"}, None),
        ({"value": "42.00"}, None),
        ({"value": True, "currency_code": "EUR"}, None),
        ({"value": 42, "currency_code": "EUR"}, None),
        ({"value": "4_2", "currency_code": "EUR"}, None),
        ({"value": "٤٢", "currency_code": "EUR"}, None),
        ({"value": "1e9", "currency_code": "EUR"}, None),
        ({"value": "9" * 5000, "currency_code": "EUR"}, None),
        ({"value": ".50", "currency_code": "EUR"}, (Decimal("0.5"), "EUR")),
        ({"value": "16800", "currency_code": "HUF"}, (Decimal(16800), "HUF")),
        ({"value": "-1.00", "currency_code": "EUR"}, (Decimal(-1), "EUR")),
        ("42.00", None),
        (None, None),
    ],
)
def test_what_is_no_amount_is_none(given, read):
    assert read_amount(given) == read


# --- How PayPal is asked


@pytest.mark.django_db
def test_a_token_is_kept_until_it_ends(double, site):
    started()
    started()
    tokens = [path for _method, path in double.requests if path == "/v1/oauth2/token"]
    assert len(tokens) == 1
    double.expire_tokens()
    started()
    tokens = [path for _method, path in double.requests if path == "/v1/oauth2/token"]
    assert len(tokens) == 2


@pytest.mark.django_db
def test_a_wrong_secret_is_told_and_is_in_no_log(double, site, settings, caplog):
    settings.WAGTAIL_ORDERS = {"PAYPAL": {**double.settings, "CLIENT_SECRET": "TopSecret"}}
    with caplog.at_level(logging.DEBUG), pytest.raises(ProviderFailed, match="does not accept") as failure:
        started()
    assert not failure.value.is_passing
    assert "TopSecret" not in caplog.text


@pytest.mark.django_db
def test_no_token_is_in_a_log(double, site, caplog):
    with caplog.at_level(logging.DEBUG):
        paypal().confirm(approved(double))
    assert not [token for token in double.api.tokens if token in caplog.text]
    assert double.settings["CLIENT_SECRET"] not in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["drop", 500, 401, 403, (200, {}, b"[]")])
@pytest.mark.parametrize("where", ["/v1/oauth2/token", "/v2/"])
def test_no_secret_is_in_an_error_page(double, site, fault, where):
    """An error page, or what a tracker of errors is sent, shows what each function on the way knew."""
    started()
    [known] = double.api.tokens
    if where == "/v1/oauth2/token":
        double.expire_tokens()
    double.faults = lambda method, path: fault if path.startswith(where) else None
    with pytest.raises(ProviderFailed) as failure:
        started()
    # But for the test's own frame, which knows the secrets.
    reporter = ExceptionReporter(None, failure.type, failure.value, failure.tb.tb_next)
    page = reporter.get_traceback_html() + reporter.get_traceback_text()
    secret = double.settings["CLIENT_SECRET"]
    basic = base64.b64encode(f"{double.settings['CLIENT_ID']}:{secret}".encode()).decode()
    assert failure.type.__name__ in page
    assert not [one for one in (secret, basic, known, *double.api.tokens) if one in page]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "is_passing"),
    [
        (500, True),
        (503, True),
        (429, True),
        ("drop", True),
        (400, False),
        ((200, {}, b"[]"), True),
        ((200, {}, b"x" * (client.LARGEST_ANSWER + 1)), True),
        ((302, {"Location": "https://evil.example/"}, b""), False),
    ],
)
def test_what_paypal_fails_at_is_told(double, site, fault, is_passing):
    double.faults = lambda method, path: fault if path.startswith("/v2/") else None
    with pytest.raises(ProviderFailed) as failure:
        started()
    assert failure.value.is_passing == is_passing


@pytest.mark.django_db
def test_an_error_is_told_with_its_issue_and_its_debug_id(double, site, caplog):
    attempt = started()
    with pytest.raises(ProviderFailed, match=r"UNPROCESSABLE_ENTITY, ORDER_NOT_APPROVED; debug id \w+\.$"):
        client.Client(accounts.account()).post(
            "v2", "checkout", "orders", attempt.reference, "capture", body={}
        )
    assert "ORDER_NOT_APPROVED" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("reference", ["", "..", "a/b", "a?b", "é", "a" * 65, None])
def test_nothing_but_a_reference_comes_into_an_address(double, site, reference):
    with pytest.raises(client.Refused):
        client.Client(accounts.account()).get("v2", "payments", "captures", reference)
    assert double.requests == []


@pytest.mark.django_db
def test_who_is_not_of_the_trusted_authority_is_not_asked(double, site, settings):
    settings.WAGTAIL_ORDERS = {
        "PAYPAL": {**double.settings, "DOUBLE": {**double.settings["DOUBLE"], "CA": certifi.where()}}
    }
    with pytest.raises(ProviderFailed, match="could not be reached"):
        started()
    assert double.requests == []
