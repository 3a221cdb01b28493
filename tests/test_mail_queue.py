"""Which mails are queued because of what, for whom and in which language."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from wagtail.models import Locale

from wagtail_orders import events, lifecycle
from wagtail_orders.models import Notification, OrderEvent, OrderSettings, Payment
from wagtail_orders.notifications import receivers

from .orders import placed

pytestmark = pytest.mark.django_db

ZOE = "zoe@example.com"
OWNERS = ["anna@example.com", "ben@example.com"]


@pytest.fixture(autouse=True)
def shop(site):
    """A shop with two owners, one of them written down twice."""
    return OrderSettings.objects.create(
        site=site,
        sender="shop@example.com",
        recipients="anna@example.com\n\n ben@example.com \nanna@example.com",
    )


@pytest.fixture
def do(django_capture_on_commit_callbacks):
    """Do a verb and commit it; what the verb returned."""

    def commit(verb, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return commit


def queued(**which):
    """Kind and recipient of each mail, in the order they were queued."""
    return list(Notification.objects.filter(**which).values_list("kind", "recipient").order_by("pk"))


# --- Who gets what


def pay(order, **told):
    lifecycle.mark_paid(order, **told)


def pay_a_part(order, **told):
    lifecycle.record_payment(order, amount=Decimal(10), method="bank_transfer", **told)


def pay_soon(order, **told):
    lifecycle.record_payment(order, amount=Decimal(10), method="paypal", state=Payment.State.PENDING, **told)


def ship(order, **told):
    lifecycle.ship(order, tracking_number="123", **told)


def correct_a_parcel(order, **told):
    parcel = lifecycle.ship(order, tracking_number="123")
    lifecycle.update_shipment(parcel, tracking_number="456", **told)


def cancel(order, **told):
    lifecycle.cancel(order, **told)


def refund(order, **told):
    lifecycle.mark_paid(order, notify_customer=False)
    lifecycle.record_refund(order, amount=Decimal(5), method="bank_transfer", **told)


ASKED = [
    (pay, "payment_received"),
    (pay_a_part, "payment_received"),
    (ship, "shipped"),
    (correct_a_parcel, "shipped"),
    (cancel, "cancelled"),
    (refund, "refunded"),
]
SWITCHES = {
    "payment_received": "mail_payment_received",
    "shipped": "mail_shipped",
    "cancelled": "mail_cancelled",
    "refunded": "mail_refunded",
}


@pytest.mark.parametrize("is_on", [False, True], ids=["off", "on"])
@pytest.mark.parametrize(("verb", "kind"), ASKED)
def test_the_customer_is_told_if_the_owner_chose_so_and_not_if_she_chose_otherwise(
    shop, do, verb, kind, is_on
):
    setattr(shop, SWITCHES[kind], is_on)
    shop.save()
    order = placed(notify=False)

    do(verb, order, notify_customer=False)
    assert queued() == []

    do(verb, placed(notify=False), notify_customer=True)
    assert queued() == [(kind, ZOE)]


@pytest.mark.parametrize(("verb", "kind"), ASKED)
def test_without_a_choice_only_money_that_comes_in_is_told_and_only_where_that_is_switched_on(
    shop, do, verb, kind
):
    shop.mail_payment_received = False
    shop.save()
    do(verb, placed(notify=False))
    assert queued() == []

    for switch in SWITCHES.values():
        setattr(shop, switch, True)
    shop.save()
    do(verb, placed(notify=False))
    assert queued() == ([(kind, ZOE)] if kind == "payment_received" else [])


@pytest.mark.parametrize(("is_on", "confirmed"), [(True, [("confirmation", ZOE)]), (False, [])])
def test_a_new_order_is_told_to_each_owner_once_and_confirmed_where_that_is_switched_on(
    shop, do, is_on, confirmed
):
    shop.mail_confirmation = is_on
    shop.save()

    do(placed)

    assert queued() == [*(("new_order", owner) for owner in OWNERS), *confirmed]


def test_an_order_brought_over_from_elsewhere_is_told_to_nobody(do):
    do(placed, notify=False)

    assert queued() == []


def test_a_shop_without_settings_confirms_and_tells_nobody_else(shop, do):
    shop.delete()

    do(placed)

    assert queued() == [("confirmation", ZOE)]


def test_a_payment_that_needs_a_look_is_told_to_the_owners(do):
    order = placed(notify=False)
    lifecycle.cancel(order)

    do(lifecycle.record_payment, order, amount=order.total, method="paypal", reference="1")

    assert queued(kind="needs_look") == [("needs_look", owner) for owner in OWNERS]


@pytest.mark.parametrize("state", [Payment.State.PENDING, Payment.State.FAILED])
def test_money_that_has_not_come_is_not_confirmed(do, state):
    do(
        lifecycle.record_payment,
        placed(notify=False),
        amount=Decimal(10),
        method="paypal",
        state=state,
        notify_customer=True,
    )

    assert queued() == []


def test_a_free_order_is_confirmed_and_no_payment_told(shop, do):
    shop.mail_payment_received = True
    shop.save()

    do(placed, discount_total=Decimal(37), shipping_total=Decimal(0))

    assert queued(kind="payment_received") == []
    assert queued(kind="confirmation") == [("confirmation", ZOE)]


def quiet_verbs(order, owner):
    lifecycle.mark_handled(order)
    lifecycle.archive(order)
    lifecycle.unarchive(order)
    lifecycle.mark_unhandled(order)
    lifecycle.mark_paid(order)
    lifecycle.mark_unpaid(order)
    lifecycle.cancel(order)
    lifecycle.reopen(order)
    lifecycle.edit_customer(order, customer_name="Zoë M.")
    lifecycle.edit_note(lifecycle.add_note(order, text="Knock", visible_to_customer=True), text="Knock twice")
    lifecycle.cancel_shipment(lifecycle.ship(order, user=owner))


def test_a_change_alone_never_mails(do, owner):
    do(quiet_verbs, placed(notify=False), owner)

    assert queued() == []


@pytest.mark.parametrize(("verb", "kind"), ASKED)
def test_a_customer_without_an_address_is_not_written_to(do, verb, kind):
    order = do(placed, email="")

    do(verb, order, notify_customer=True)

    assert queued() == [("new_order", owner) for owner in OWNERS]


def test_doing_a_thing_twice_mails_once(do):
    order = placed(notify=False)
    for _time in range(2):
        do(lifecycle.cancel, order, notify_customer=True)

    assert queued() == [("cancelled", ZOE)]


def test_an_event_that_is_told_twice_queues_nothing_new(do):
    order = do(placed)
    before = list(Notification.objects.values())
    assert len(before) == 3

    receivers.queue(sender=None, events=list(order.events.all()))
    OrderEvent.objects.update(next_dispatch_at=timezone.now())
    assert events.sweep().delivered == 1

    assert list(Notification.objects.values()) == before


def test_an_event_whose_process_died_is_mailed_after_the_sweep(do):
    placed()
    assert queued() == []

    events.sweep(timezone.now() + timedelta(minutes=2))

    assert len(queued()) == 3


def test_a_deleted_order_is_mailed_to_nobody(do):
    order = placed()
    with_mails = do(placed)
    assert len(queued()) == 3

    do(lifecycle.delete, order)
    do(lifecycle.delete, with_mails)

    assert events.sweep(timezone.now() + timedelta(days=1)).due == 0
    assert queued() == []


def test_an_order_deleted_before_its_event_is_told_is_mailed_to_nobody(do):
    order = placed()
    told = list(order.events.all())
    lifecycle.delete(order)
    for event in told:
        event.order = None

    receivers.queue(sender=None, events=told)

    assert queued() == []


def test_the_customer_is_written_to_in_the_orders_language_and_the_owner_in_the_sites(site, do):
    site.root_page.locale = Locale.objects.get_or_create(language_code="fr")[0]
    site.root_page.save()

    do(placed, language="nl")

    languages = dict(Notification.objects.values_list("recipient", "language"))
    assert languages == {**dict.fromkeys(OWNERS, "fr"), ZOE: "nl"}
