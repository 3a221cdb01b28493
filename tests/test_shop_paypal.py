"""The example shop's checkout with PayPal: the way there, each way back, and what the customer is told."""

import re
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections
from django.test import Client

from tests.paypal import PAID, event_of, ledger, now, sent
from tests.test_shop import (
    CHECKOUT,
    filled_form,
    open_all_day,  # noqa: F401 - a fixture
    open_shop,
    order,
    put_in_basket,
    put_session,
    shop,  # noqa: F401 - a fixture
    text,
)
from wagtail_orders import lifecycle
from wagtail_orders.models import Order, PaymentAttempt
from wagtail_orders.notifications import render

pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")

BUTTON = "Pay with PayPal"
NOT_PAID = "Your order is not paid yet"
PAID_WORDS = "Your payment of <strong>€42.00</strong> has arrived."
PENDING = "PayPal is still working on your payment."


def ordered(client, language="en", **changes):
    """The answer to an order of 42.00 EUR that is to be paid with PayPal."""
    put_in_basket(client, "MUG-F", "2", language=language, glaze="0")
    form = filled_form(client, language, payment_method="paypal", **changes)
    return client.post(CHECKOUT[language], form)


def thank_you(placed, language="en"):
    return f"/en/thank-you/{placed.token}/" if language == "en" else f"/fr/merci/{placed.token}/"


def addresses(double):
    """Where PayPal sends the buyer of its last order: after paying, and without."""
    reference = next(reversed(double.orders))
    context = double.books.contexts[reference]
    query = f"?token={reference}&PayerID=BUYER"
    return [urlsplit(context[name]).path + query for name in ("return_url", "cancel_url")]


def pay_button(client, placed):
    return client.post(f"/en/paypal/pay/{placed.token}/")


def reference():
    return PaymentAttempt.objects.get().reference


@pytest.fixture
def begun(shop, double, client):  # noqa: F811
    """An order of this visitor's who is at PayPal now."""
    ordered(client)
    return Order.objects.get()


class TestTheWayThere:
    def test_paypal_is_offered_where_it_is_set_up(self, shop, double, client):  # noqa: F811
        put_in_basket(client, "MUG-F", glaze="0")
        page = text(client.get(CHECKOUT["en"]))
        assert 'name="payment_method" value="paypal"' in page
        assert "Order and pay</button>" in page

    def test_without_paypal_it_is_neither_offered_nor_taken(self, shop, client):  # noqa: F811
        put_in_basket(client, "MUG-F", glaze="0")
        assert "PayPal" not in text(client.get(CHECKOUT["en"]))
        response = order(client, payment_method="paypal")
        assert set(response.context["form"].errors) == {"payment_method"}
        assert not Order.objects.exists()

    def test_the_order_is_placed_first_and_unpaid(self, shop, double, client):  # noqa: F811
        response = ordered(client)
        placed = Order.objects.get()
        assert (placed.payment_method, placed.payment_status, placed.total) == ("paypal", "unpaid", 42)
        attempt = placed.payment_attempts.get()
        assert response.status_code == 302
        assert response.url == attempt.approve_url == f"{double.pages_url}/checkoutnow?token={reference()}"
        unit = double.orders[reference()]["purchase_units"][0]
        assert (unit["custom_id"], unit["invoice_id"]) == (placed.number, placed.number)
        assert unit["amount"] == {"currency_code": "EUR", "value": "42.00"}

    def test_paypal_is_not_told_what_opens_the_order(self, begun, double):
        assert begun.token not in str(double.books.contexts)
        assert begun.token not in str(double.orders)

    @pytest.mark.parametrize("language", ["en", "fr"])
    def test_the_language_is_kept(self, shop, double, client, language):  # noqa: F811
        ordered(client, language)
        assert [url.split("/")[1] for url in addresses(double)] == [language, language]
        double.approve(reference())
        response = client.get(addresses(double)[0], follow=True)
        assert response.redirect_chain == [(thank_you(Order.objects.get(), language), 302)]
        assert f'<html lang="{language}">' in text(response)

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000"])
    def test_the_customer_comes_back_to_the_host_that_knows_her(self, shop, double, host):  # noqa: F811
        client = Client(headers={"host": host})
        ordered(client)
        context = double.books.contexts[reference()]
        assert {urlsplit(context[name]).netloc for name in ("return_url", "cancel_url")} == {host}

    def test_sending_the_form_again_leads_to_the_same_payment(self, shop, double, client):  # noqa: F811
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client, payment_method="paypal")
        before = dict(client.session)
        first = client.post(CHECKOUT["en"], form)
        again = client.post(CHECKOUT["en"], form)
        put_session(client, before)
        unknowing = client.post(CHECKOUT["en"], form)
        assert first.url == again.url == unknowing.url
        assert len(double.orders) == Order.objects.count() == PaymentAttempt.objects.count() == 1

    def test_who_goes_back_and_chooses_another_way_is_not_sent_to_paypal(self, shop, double, client):  # noqa: F811
        put_in_basket(client, "MUG-F", glaze="0")
        form = filled_form(client, payment_method="paypal")
        client.post(CHECKOUT["en"], form)
        response = client.post(CHECKOUT["en"], {**form, "payment_method": "bank_transfer"}, follow=True)
        assert response.redirect_chain == [(thank_you(Order.objects.get()), 302)]
        assert "BE68 5390 0754 7034" in text(response)

    def test_who_goes_back_to_the_checkout_finds_the_order_that_waits(self, begun, client, double):
        response = client.get(CHECKOUT["en"], follow=True)
        assert response.redirect_chain == [(thank_you(begun), 302)]
        assert BUTTON in text(response)
        double.approve(reference())
        client.get(addresses(double)[0])
        assert "Your basket is empty." in text(client.get(CHECKOUT["en"], follow=True))

    @pytest.mark.parametrize("fault", ["drop", 500])
    def test_the_order_stands_where_paypal_fails(self, shop, double, client, fault):  # noqa: F811
        double.faults = lambda method, path: fault
        response = client.get(ordered(client).url)
        page = text(response)
        assert re.search(r"PayPal (could not be reached|has a fault of its own)", page)
        assert "Your order stands all the same. Try again in a while." in page
        assert Order.objects.get().number in page
        assert BUTTON in page
        assert "Your order stands" not in text(client.get(thank_you(Order.objects.get())))

        double.faults = lambda method, path: None
        assert pay_button(client, Order.objects.get()).url == PaymentAttempt.objects.get().approve_url
        assert len(double.orders) == 1

    @pytest.mark.django_db(transaction=True)
    def test_no_transaction_is_open_while_paypal_is_asked(
        self, site, double, client, settings, tmp_path, monkeypatch
    ):
        settings.MEDIA_ROOT = tmp_path
        open_shop()
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        assert connections.settings["default"]["ATOMIC_REQUESTS"]
        committed = []

        def look(method, path):
            # In the double's thread, with a connection of its own.
            committed.append((path.rsplit("/", 1)[-1], Order.objects.count(), PaymentAttempt.objects.count()))
            connection.close()

        double.faults = look
        ordered(client)
        assert ("orders", 1, 1) in committed
        double.approve(reference())
        client.get(addresses(double)[0])
        assert committed[-1][1:] == (1, 1)
        assert now(Order.objects.get()).payment_status == "paid"


class TestTheWayBack:
    def test_who_has_paid_is_told_so(self, begun, client, double):
        double.approve(reference())
        response = client.get(addresses(double)[0], follow=True)
        assert response.redirect_chain == [(thank_you(begun), 302)]
        page = text(response)
        assert PAID_WORDS in page
        assert BUTTON not in page
        assert "IBAN" not in page
        assert ledger(begun) == PAID

    def test_coming_back_twice_changes_nothing(self, begun, client, double):
        double.approve(reference())
        pages = [text(client.get(addresses(double)[0], follow=True)) for _time in range(2)]
        assert pages[0] == pages[1]
        assert ledger(begun) == PAID

    def test_the_webhook_may_be_first(self, begun, client, double):
        double.approve(reference())
        assert sent(double, event_of(double, "CHECKOUT.ORDER.APPROVED")).status_code == 200
        assert ledger(begun) == PAID
        assert PAID_WORDS in text(client.get(thank_you(begun)))
        assert PAID_WORDS in text(client.get(addresses(double)[0], follow=True))
        assert ledger(begun) == PAID

    def test_money_that_takes_days_is_said_to_be_on_its_way(self, begun, client, double):
        double.pay_later(reference())
        page = text(client.get(addresses(double)[0], follow=True))
        assert PENDING in page
        assert BUTTON not in page
        assert pay_button(client, begun).url == thank_you(begun)
        double.settle(next(iter(double.captures)))
        assert sent(double, event_of(double, "PAYMENT.CAPTURE.COMPLETED")).status_code == 200
        assert PAID_WORDS in text(client.get(thank_you(begun)))

    def test_a_refused_payment_may_be_tried_again(self, begun, client, double):
        double.decline(reference())
        page = text(client.get(addresses(double)[0], follow=True))
        assert NOT_PAID in page
        assert BUTTON in page
        again = pay_button(client, begun).url
        assert again.startswith(double.pages_url)
        second = again.rpartition("=")[2]
        double.approve(second)
        assert PAID_WORDS in text(client.get(addresses(double)[0], follow=True))
        assert now(begun).payment_status == "paid"

    def test_a_card_that_is_refused_is_told(self, begun, client, double):
        double.approve(reference())
        double.capture_outcome = "INSTRUMENT_DECLINED"
        page = text(client.get(addresses(double)[0], follow=True))
        assert "PayPal could not take the money. Choose another way to pay there." in page
        assert BUTTON in page

    def test_who_cancels_is_told_and_may_pay_after_all(self, begun, client, double):
        response = client.get(addresses(double)[1], follow=True)
        assert response.redirect_chain == [(thank_you(begun), 302)]
        page = text(response)
        assert "You came back from PayPal without paying." in page
        assert NOT_PAID in page
        assert "BE68 5390 0754 7034" in page
        assert "You came back" not in text(client.get(thank_you(begun)))
        assert pay_button(client, begun).url == PaymentAttempt.objects.get().approve_url

    def test_who_cancels_in_one_window_and_has_paid_in_another_is_told_the_truth(self, begun, client, double):
        double.approve(reference())
        paid, without = addresses(double)
        client.get(paid)
        page = text(client.get(without, follow=True))
        assert PAID_WORDS in page
        assert "without paying" not in page

    def test_who_comes_back_without_having_agreed_has_not_paid(self, begun, client, double):
        assert NOT_PAID in text(client.get(addresses(double)[0], follow=True))
        assert ledger(begun) == []

    def test_paypal_may_fail_when_she_comes_back(self, begun, client, double):
        double.approve(reference())
        double.faults = lambda method, path: "drop"
        page = text(client.get(addresses(double)[0], follow=True))
        assert "PayPal could not be reached. If you have agreed there, you need not do anything" in page
        double.faults = lambda method, path: None
        assert PAID_WORDS in text(client.get(addresses(double)[0], follow=True))

    def test_what_was_paid_by_hand_or_cancelled_meanwhile_is_not_asked_for(self, begun, client, double):
        lifecycle.cancel(begun)
        page = text(client.get(addresses(double)[1], follow=True))
        assert "This order is cancelled." in page
        assert "without paying" not in page
        assert BUTTON not in page
        lifecycle.reopen(begun)
        lifecycle.mark_paid(now(begun))
        assert PAID_WORDS in text(client.get(addresses(double)[0], follow=True))
        assert pay_button(client, begun).url == thank_you(begun)

    def test_where_paypal_is_set_up_no_more_the_bank_is_left(self, begun, client, double, settings):
        paid, _without = addresses(double)
        settings.WAGTAIL_ORDERS = {**settings.WAGTAIL_ORDERS, "PAYPAL": None}
        for address in (paid, thank_you(begun)):
            page = text(client.get(address, follow=True))
            assert BUTTON not in page
            assert "BE68 5390 0754 7034" in page
        assert pay_button(client, begun).url == thank_you(begun)

    @pytest.mark.parametrize("token", ["", "?token=", "?token=5O190127TN364715T", "?token=%00", "?token=é"])
    def test_an_unknown_token_shows_her_own_order_and_takes_nothing(self, begun, client, double, token):
        double.approve(reference())
        page = text(client.get(f"/en/paypal/back/{begun.pk}/{token}", follow=True))
        assert NOT_PAID in page
        assert ledger(begun) == []

    def test_somebody_else_s_token_pays_neither_order(self, begun, client, double):
        other = Client()
        ordered(other)
        hers, theirs = Order.objects.order_by("pk")
        token = theirs.payment_attempts.get().reference
        double.approve(token)
        page = text(client.get(f"/en/paypal/back/{hers.pk}/?token={token}", follow=True))
        assert hers.number in page
        assert NOT_PAID in page
        assert ledger(hers) == ledger(theirs) == []


class TestStrangers:
    def test_the_phones_other_browser_is_told_whether_it_is_paid_and_nothing_more(self, begun, double):
        elsewhere = Client()
        paid, without = addresses(double)
        page = text(elsewhere.get(without))
        assert "It is not paid yet. Go on in the browser in which you ordered." in page
        double.approve(reference())
        response = elsewhere.get(paid)
        page = text(response)
        assert PAID_WORDS in page
        assert begun.number in page
        for secret in (begun.token, "Zoë", "zoe@", "Ixelles", "Tasse", "mug"):
            assert secret not in page
        assert ledger(begun) == PAID

    def test_who_knows_no_token_of_the_order_s_finds_nothing(self, begun, double):
        stranger = Client()
        double.approve(reference())
        for way in ("back", "cancelled"):
            for token in ("", "?token=", "?token=5O190127TN364715T", "?token=%00"):
                assert stranger.get(f"/en/paypal/{way}/{begun.pk}/{token}").status_code == 404
            for pk in (begun.pk + 1, 0, 10**30):
                assert stranger.get(f"/en/paypal/{way}/{pk}/?token={reference()}").status_code == 404
        assert ledger(begun) == []

    def test_nobody_pays_an_order_of_another_session(self, begun, double):
        for token in (begun.token, "x", "0" * 40):
            assert Client().post(f"/en/paypal/pay/{token}/").status_code == 404
        assert len(double.requests) == 2

    def test_the_button_is_a_post_with_a_csrf_token(self, begun, client):
        assert client.get(f"/en/paypal/pay/{begun.token}/").status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies
        assert pay_button(strict, begun).status_code == 403
        assert re.search(
            rf'<form method="post" action="/en/paypal/pay/{begun.token}/"><input type="hidden" name="csrfm',
            text(client.get(thank_you(begun))),
        )

    def test_hostile_words_of_paypals_are_shown_as_text(self, shop, double, client):  # noqa: F811
        said = b'{"name": "<script>alert(1)</script>"}'
        double.faults = lambda method, path: (422, {}, said) if path.endswith("/orders") else None
        page = text(client.get(ordered(client).url))
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


@pytest.mark.django_db
class TestWhatElseIsSaid:
    def test_the_confirmation_says_that_paypal_is_to_be_paid_and_asks_for_no_transfer(self, begun):
        assert begun.shop.bank_details
        mail = render.mail(begun, "confirmation", language="en")
        for body in (mail.text, mail.html):
            assert "Still to be paid: €42.00" in body
            assert "PayPal" in body
            assert "Please transfer" not in body

    def test_the_customers_page_knows_the_way_to_pay(self, begun, client, double):
        address = f"/orders/{begun.token}/"
        page = text(Client().get(address))
        assert "We have your order and are waiting for your payment." in page
        assert "PayPal" in page
        double.approve(reference())
        client.get(addresses(double)[0])
        page = text(Client().get(address))
        assert "Your order is paid" in page
        assert now(begun).amount_paid == Decimal(42)

    def test_an_order_by_transfer_that_is_paid_is_not_asked_for_again(self, shop, client):  # noqa: F811
        put_in_basket(client, "MUG-F", "2", glaze="0")
        order(client)
        placed = Order.objects.get()
        lifecycle.mark_paid(placed)
        page = text(client.get(thank_you(placed)))
        assert PAID_WORDS in page
        assert "Please transfer" not in page
