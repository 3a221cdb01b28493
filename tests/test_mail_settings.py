"""Settings → Orders: who the shop is, who is told, which mails customers get; and that it is heeded."""

from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from wagtail.models import Site

from wagtail_orders.lifecycle import mark_paid, record_payment
from wagtail_orders.models import Notification, OrderSettings

from .desk import button, filled, form_at, opened, parsed, send, tables, words
from .orders import placed

pytestmark = pytest.mark.django_db

ZOE = "zoe@example.com"
NOBODY = "Nobody is told of new orders: no e-mail address is set for that."
NO_SENDER = "E-mails have no sender yet, so that customers may never get them."
FIELDS = {
    "shop_name",
    "address",
    "vat_number",
    "registration_number",
    "bank_details",
    "logo",
    "color",
    "sender",
    "recipients",
    "footer",
    "mail_confirmation",
    "mail_payment_received",
    "mail_shipped",
    "mail_cancelled",
    "mail_refunded",
    "number_prefix",
    "time_zone",
}
SWITCHES = {
    "pay": ("mail_payment_received", "payment_received", {}),
    "ship": ("mail_shipped", "shipped", {"tracking_number": "3232"}),
    "cancel": ("mail_cancelled", "cancelled", {"reason": "Sold out"}),
    "refund": ("mail_refunded", "refunded", {"amount": "5.00"}),
}


@pytest.fixture
def do(django_capture_on_commit_callbacks):
    """Do something and commit it; what it returned."""

    def commit(verb, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return commit


def url_of(site):
    return reverse("wagtailsettings:edit", args=["wagtail_orders", "ordersettings", site.pk])


def settings_form(desk, site):
    (form,) = [form for form in parsed(desk.get(url_of(site))).forms if "shop_name" in form.fields]
    return form


def save(desk, site, **changes):
    """Fill the page in and send it; a tick-box is given as None to take its tick away."""
    values = filled(settings_form(desk, site)) | changes
    return desk.post(url_of(site), {name: value for name, value in values.items() if value is not None})


def errors_of(response):
    return {
        panel.get("data-contentpath"): words(error)
        for panel in parsed(response).xpath("//*[@data-contentpath]")
        for error in panel.xpath(".//*[contains(@class, 'error-message')]")
    }


def warnings(response):
    """What a page says of what is missing."""
    main = words(parsed(response).xpath("//main")[0])
    return [sentence for sentence in (NOBODY, NO_SENDER) if sentence in main]


def mails():
    return list(Notification.objects.values_list("kind", "recipient").order_by("pk"))


# --- The page


def test_all_that_a_shop_says_of_itself_is_set_here(desk, site):
    assert set(settings_form(desk, site).fields) >= FIELDS
    response = save(
        desk,
        site,
        shop_name="Atelier Forêt",
        address="12 rue de l'Église\r\n1050 Ixelles",
        vat_number="BE0123456789",
        registration_number="RPM Bruxelles",
        bank_details="BE68 5390 0754 7034",
        color="#2E6b4f",
        sender="shop@example.com",
        recipients="anna@example.com\r\nben@example.com",
        footer="See you soon",
        mail_payment_received="on",
        mail_shipped=None,
        number_prefix="B-",
        time_zone="Asia/Tokyo",
    )
    assert response.status_code == 302
    found = OrderSettings.objects.get(site=site)
    assert (found.shop_name, found.vat_number, found.color) == ("Atelier Forêt", "BE0123456789", "#2E6b4f")
    assert (found.sender, found.owners) == ("shop@example.com", ["anna@example.com", "ben@example.com"])
    assert (found.mail_confirmation, found.mail_payment_received, found.mail_shipped) == (True, True, False)
    assert (found.mail_cancelled, found.mail_refunded, found.time_zone) == (True, True, "Asia/Tokyo")


def test_a_shop_begins_with_what_customers_expect(desk, site):
    form = settings_form(desk, site)
    ticked = {name for name in FIELDS if name.startswith("mail_") and form.inputs[name].checked}
    assert ticked == {"mail_confirmation", "mail_shipped", "mail_cancelled", "mail_refunded"}


def test_each_site_has_its_own(desk, site):
    other = Site.objects.create(hostname="other.example.com", root_page=site.root_page)
    save(desk, site, shop_name="One")
    save(desk, other, shop_name="Other")
    assert OrderSettings.of(site.pk).shop_name == "One"
    assert OrderSettings.of(other.pk).shop_name == "Other"


@pytest.mark.parametrize(
    ("typed", "owners"),
    [
        ("anna@example.com", ["anna@example.com"]),
        (" anna@example.com \r\n\r\n\tben@example.com\r\n", ["anna@example.com", "ben@example.com"]),
        ("anna@example.com\nanna@example.com", ["anna@example.com"]),
        ("\r\n \r\n", []),
    ],
    ids=ascii,
)
def test_who_is_told_is_one_address_a_line(desk, site, typed, owners):
    assert save(desk, site, recipients=typed).status_code == 302
    assert OrderSettings.of(site.pk).owners == owners


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("anna@example.com\r\nben", "ben"),
        ("anna@example.com, ben@example.com", "anna@example.com, ben@example.com"),
        ("Anna <anna@example.com>", "Anna <anna@example.com>"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("100%", "100%"),
        ("anna@example.com\rBcc: x@y.z", "anna@example.com"),
    ],
    ids=ascii,
)
def test_a_line_that_is_no_address_is_named(desk, site, typed, wrong):
    response = save(desk, site, recipients=typed)
    assert response.status_code == 200
    error = errors_of(response)["recipients"]
    assert wrong in error
    assert error.endswith("is not an e-mail address.")
    assert not OrderSettings.of(site.pk).owners


@pytest.mark.parametrize(
    "color", ["red", "#fff", "#12345", "#1234567", "2e6b4f", "#2e6b4g", "#2e6b4f;", "#2e6b4٣"]
)
def test_what_is_no_colour_is_refused(desk, site, color):
    response = save(desk, site, color=color)
    assert set(errors_of(response)) == {"color"}


@pytest.mark.parametrize("sender", ["shop", "a@example.com, b@example.com", "a@example.com\r\nBcc: x@y.z"])
def test_what_is_no_sender_is_refused(desk, site, sender):
    assert set(errors_of(save(desk, site, sender=sender))) == {"sender"}


# --- What is missing


def test_what_is_missing_is_said_until_it_is_set(desk, site, settings):
    settings.DEFAULT_FROM_EMAIL = "webmaster@localhost"
    home = reverse("wagtailadmin_home")
    for url in (home, url_of(site)):
        assert warnings(desk.get(url)) == [NOBODY, NO_SENDER]
    links = parsed(desk.get(home)).xpath("//section[@id='orders-mail-trouble-section']//a/@href")
    assert links[-1] == reverse("wagtailsettings:edit", args=["wagtail_orders", "ordersettings"])
    assert desk.get(links[-1]).url == url_of(site)
    save(desk, site, recipients="anna@example.com")
    for url in (home, url_of(site)):
        assert warnings(desk.get(url)) == [NO_SENDER]
    save(desk, site, sender="shop@example.com")
    for url in (home, url_of(site)):
        assert warnings(desk.get(url)) == []


def test_a_project_that_sends_from_an_address_of_its_own_has_a_sender(desk, site, settings):
    settings.DEFAULT_FROM_EMAIL = "Atelier <atelier@example.com>"
    assert warnings(desk.get(url_of(site))) == [NOBODY]
    settings.DEFAULT_FROM_EMAIL = ""
    assert warnings(desk.get(url_of(site))) == [NOBODY, NO_SENDER]


def test_the_home_page_names_the_shop_where_there_are_several(desk, site):
    OrderSettings.objects.create(site=site, recipients="anna@example.com", sender="shop@example.com")
    empty = Site.objects.create(hostname="empty.example.com", root_page=site.root_page)
    other = Site.objects.create(hostname="other.example.com", root_page=site.root_page)
    assert warnings(desk.get(reverse("wagtailadmin_home"))) == []
    OrderSettings.objects.create(site=other, shop_name="Other", sender="shop@example.com")
    home = words(parsed(desk.get(reverse("wagtailadmin_home"))).xpath("//main")[0])
    assert f"{other}: {NOBODY}" in home
    assert str(empty) not in home


# --- The switches


def shop_of(site, **switches):
    return OrderSettings.objects.create(site=site, sender="shop@example.com", **switches)


def ready(slug, site):
    order = placed(site=site, notify=False)
    if slug == "refund":
        mark_paid(order, notify_customer=False)
    return order


def box(desk, order, slug):
    """The dialog's tick-box."""
    return form_at(opened(desk, order), button(order, slug)).inputs[f"{slug}-notify_customer"]


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("slug", SWITCHES)
def test_the_switch_presets_the_dialogs_tick_box(desk, do, site, slug, is_on):
    switch, kind, typed = SWITCHES[slug]
    shop_of(site, **{switch: is_on})
    order = ready(slug, site)
    assert box(desk, order, slug).checked == is_on
    assert do(send, desk, order, slug, **typed).status_code == 302
    assert mails() == ([(kind, ZOE)] if is_on else [])


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("slug", SWITCHES)
def test_what_is_ticked_counts_whatever_the_switch_says(desk, do, site, slug, is_on):
    switch, kind, typed = SWITCHES[slug]
    shop_of(site, **{switch: is_on})
    do(send, desk, ready(slug, site), slug, **typed, notify_customer=None)
    assert mails() == []
    do(send, desk, ready(slug, site), slug, **typed, notify_customer="on")
    assert mails() == [(kind, ZOE)]


def test_the_tick_box_says_who_is_told_and_in_which_language(desk, site):
    order = placed(site=site, language="fr")
    form = form_at(opened(desk, order), button(order, "ship"))
    told = "Tell the customer that the order has been shipped (zoe@example.com, in French)"
    assert told in words(form)
    nameless = placed(site=site, email="")
    form = form_at(opened(desk, nameless), button(nameless, "ship"))
    assert "ship-notify_customer" not in form.fields
    assert "Tell the customer" not in words(form)


def test_an_order_without_an_address_is_done_as_any(desk, do, site):
    shop_of(site, mail_payment_received=True)
    order = placed(site=site, email="")
    for slug, typed in [("pay", {}), ("refund", {"amount": "5"}), ("ship", {"tracking_number": "1"})]:
        assert do(send, desk, order, slug, **typed).status_code == 302
    assert mails() == []


def test_a_refused_form_keeps_the_tick_as_it_was_set(desk, site):
    shop_of(site, mail_payment_received=True)
    order = placed(site=site)
    response = send(desk, order, "pay", amount="x", notify_customer=None)
    assert response.status_code == 422
    assert not form_at(parsed(response), button(order, "pay")).inputs["pay-notify_customer"].checked


def test_an_order_of_no_site_has_the_switches_of_a_new_shop(desk, do, site):
    order = placed(site=site)
    Site.objects.filter(pk=site.pk).update(is_default_site=False)
    order.site = None
    order.save()
    assert not box(desk, order, "pay").checked
    assert box(desk, order, "ship").checked


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "off"])
def test_a_rows_mark_as_paid_follows_the_switch(desk, do, site, is_on):
    shop_of(site, mail_payment_received=is_on)
    order = placed(site=site, notify=False)
    do(desk.post, button(order, "mark-paid"))
    order.refresh_from_db()
    assert order.payment_status == "paid"
    assert mails() == ([("payment_received", ZOE)] if is_on else [])


@pytest.mark.parametrize(
    "action", ["mark-handled", "archive", "unarchive", "mark-unhandled", "reopen", "unflag"]
)
def test_a_button_alone_mails_nobody(desk, do, site, action):
    shop_of(site, mail_payment_received=True)
    order = placed(site=site, notify=False)
    do(desk.post, button(order, action))
    assert mails() == []


# --- Many at once


BULK = {
    "mark-paid": ("mail_payment_received", "payment_received"),
    "cancel": ("mail_cancelled", "cancelled"),
}


def asked(desk, slug, orders):
    """The form that asks before many orders are changed."""
    query = urlencode([*(("id", order.pk) for order in orders), ("next", "/admin/orders/")])
    path = reverse("wagtail_bulk_action", args=["wagtail_orders", "order", slug])
    return form_at(parsed(desk.get(f"{path}?{query}")), path)


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("slug", BULK)
def test_the_switch_presets_the_tick_box_for_many(desk, do, site, slug, is_on):
    switch, kind = BULK[slug]
    shop_of(site, **{switch: is_on})
    orders = [placed(site=site, notify=False, email=f"{name}@example.com") for name in ("a", "b")]
    form = asked(desk, slug, orders)
    assert form.inputs["notify_customer"].checked == is_on
    assert do(desk.post, form.get("action"), filled(form)).status_code == 302
    told = [(kind, "a@example.com"), (kind, "b@example.com")]
    assert sorted(mails()) == (told if is_on else [])


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("slug", BULK)
def test_what_is_ticked_counts_for_many_too(desk, do, site, slug, is_on):
    switch, kind = BULK[slug]
    shop_of(site, **{switch: is_on})
    form = asked(desk, slug, [placed(site=site, notify=False)])
    values = {name: value for name, value in filled(form).items() if name != "notify_customer"}
    do(desk.post, form.get("action"), values)
    assert mails() == []
    form = asked(desk, slug, [placed(site=site, notify=False)])
    do(desk.post, form.get("action"), filled(form) | {"notify_customer": "on"})
    assert mails() == [(kind, ZOE)]


@pytest.mark.parametrize("slug", ["mark-handled", "archive", "unarchive", "delete"])
def test_nothing_else_offers_to_tell_many(desk, site, slug):
    assert "notify_customer" not in asked(desk, slug, [placed(site=site)]).fields


def test_nobody_is_told_unless_all_their_shops_say_so(desk, site):
    """Orders of several sites at once: what one shop switched off must not be ticked for it."""
    other = Site.objects.create(hostname="other.example.com", root_page=site.root_page)
    shop_of(site, mail_cancelled=True)
    quiet = OrderSettings.objects.create(site=other, mail_cancelled=False)
    orders = [placed(site=other), placed(site=site)]
    for turn in (orders, orders[::-1]):
        assert not asked(desk, "cancel", turn).inputs["notify_customer"].checked
    quiet.mail_cancelled = True
    quiet.save()
    assert asked(desk, "cancel", orders).inputs["notify_customer"].checked


def test_to_undo_mails_nobody(desk, do, site):
    shop_of(site, mail_payment_received=True)
    order = placed(site=site, notify=False)
    response = do(desk.post, button(order, "mark-paid"))
    undo = form_at(parsed(desk.get(response.url)), reverse("wagtail_orders:undo"))
    before = mails()
    do(desk.post, undo.get("action"), filled(undo))
    order.refresh_from_db()
    assert order.payment_status == "unpaid"
    assert mails() == before


def test_a_payment_noted_again_is_told_again_only_if_ticked(desk, do, site):
    shop_of(site, mail_payment_received=True)
    order = placed(site=site, notify=False)
    do(send, desk, order, "pay", amount="20")
    assert mails() == [("payment_received", ZOE)]
    do(record_payment, order, amount=Decimal(22), method="card", reference="pi_1")
    assert mails() == [("payment_received", ZOE)] * 2


def test_to_look_at_the_settings_writes_nothing_about_orders(desk, site):
    OrderSettings.objects.create(site=site)
    before = tables()
    desk.get(url_of(site))
    desk.get(reverse("wagtailadmin_home"))
    assert tables() == before
