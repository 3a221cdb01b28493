"""The owner's own words for each mail: written in the admin, seen with a real order, tried out, and sent."""

import json
import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from wagtail.models import Site

from wagtail_orders import lifecycle
from wagtail_orders.models import MailText, Notification, OrderSettings, SavedText
from wagtail_orders.notifications import deliver, render

from .desk import parsed, words
from .orders import placed
from .smtp import MailServer, mail_settings

pytestmark = pytest.mark.django_db

KINDS = ["new_order", "needs_look", "confirmation", "payment_received", "shipped", "cancelled", "refunded"]
ADD = "/admin/order-mail-texts/add/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def shop(site):
    return OrderSettings.objects.create(site=site, shop_name="Atelier Forêt", sender="shop@example.com")


@pytest.fixture
def other_site(site):
    return Site.objects.create(hostname="other.example.com", root_page=site.root_page)


@pytest.fixture
def server(settings):
    with MailServer() as server:
        for name, value in mail_settings(server, timeout=30).items():
            setattr(settings, name, value)
        yield server


def own(site, kind="confirmation", language="en", **changes):
    return MailText.objects.create(site=site, kind=kind, language=language, **changes)


def typed(site, kind="confirmation", language="en", **changes):
    """What the form sends."""
    texts = {"subject": "", "opening": "", "closing": ""}
    return {"site": site.pk, "kind": kind, "language": language, **texts, **changes}


def edit_url(text):
    return reverse("wagtail_orders_mail_texts:edit", args=[text.pk])


def overview(client):
    response = client.get("/admin/order-mail-texts/")
    assert response.status_code == 200
    return parsed(response)


def cells(document, table=0):
    """What the overview says of each mail, by its name, in the order of the languages."""
    rows = document.xpath("//table[contains(@class, 'orders-texts')]")[table].xpath("tbody/tr")
    return {words(row.xpath("th")[0]): [words(cell) for cell in row.xpath("td")] for row in rows}


def shown(client, query=""):
    """The values of the form for a new text."""
    response = client.get(ADD + query)
    assert response.status_code == 200
    (form,) = [form for form in parsed(response).forms if "opening" in form.fields]
    return {name: form.fields[name] for name in ("site", "kind", "language", "subject", "opening", "closing")}


def errors_of(response):
    """What is told beside each field, and above the form."""
    document = parsed(response)
    told = {}
    for name in ("site", "kind", "language", "subject", "opening", "closing", "name", "text"):
        found = document.xpath(
            f"//*[@id='panel-child-x-{name}' or @data-contentpath='{name}']//*[contains(@class, 'error-message')]"
        )
        if found:
            told[name] = " ".join(words(error) for error in found)
    return told


def messages_of(response):
    return " ".join(
        words(entry) for entry in parsed(response).xpath("//div[contains(@class, 'messages')]//li")
    )


# --- All mails in all languages


def test_the_overview_has_each_mail_in_each_language(desk, site):
    document = overview(desk)
    (table,) = document.xpath("//table[contains(@class, 'orders-texts')]")
    assert [words(head) for head in table.xpath("thead//th")] == ["E-mail", "English", "French"]
    rows = cells(document)
    assert len(rows) == len(KINDS)
    assert "Message to the customer" not in rows
    assert all(row == ["Standard Write your own"] * 2 for row in rows.values())
    links = table.xpath(".//td[2]//a/@href")
    assert links == [
        f"{ADD}?{urlencode({'site': site.pk, 'kind': kind, 'language': 'fr'})}" for kind in KINDS
    ]


def test_the_overview_marks_what_is_the_owners_and_leads_to_it(desk, site):
    text = own(site, "shipped", "fr", subject="Parti !")
    document = overview(desk)
    assert cells(document)["Parcel on its way"] == ["Standard Write your own", "Your words Edit"]
    assert edit_url(text) in document.xpath("//td//a/@href")


def test_each_site_has_its_own_words(desk, site, other_site):
    own(other_site, "shipped", "en", subject="Off it goes")
    document = overview(desk)
    assert [words(head) for head in document.xpath("//h2[@class='orders-subheading']")] == [
        str(site),
        str(other_site),
    ]
    assert cells(document, 0)["Parcel on its way"][0] == "Standard Write your own"
    assert cells(document, 1)["Parcel on its way"][0] == "Your words Edit"


def test_the_overview_takes_as_many_queries_with_texts_as_without(desk, site, django_assert_max_num_queries):
    overview(desk)
    for kind in KINDS:
        own(site, kind, subject="Mine")
    with django_assert_max_num_queries(14):
        overview(desk)


# --- A new text


@pytest.mark.parametrize(
    ("language", "subject", "beginning"),
    [("en", "Your order {number}", "Hello {customer_name},"), ("fr", "Votre commande {number}", "Bonjour")],
)
def test_a_new_text_begins_with_the_standard_words_in_its_language(
    desk, other_site, language, subject, beginning
):
    query = {"kind": "confirmation", "language": language, "site": other_site.pk}
    form = shown(desk, "?" + urlencode(query))
    assert (form["site"], form["kind"], form["language"]) == (str(other_site.pk), "confirmation", language)
    assert form["subject"] == subject
    assert form["opening"].lstrip().startswith(beginning)
    assert form["closing"].rstrip().endswith("{shop_name}")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"kind": "confirmation"},
        {"kind": "confirmation", "language": "xx"},
        {"kind": "message", "language": "en"},
        {"kind": "../../etc", "language": "en"},
        {"site": "0"},
        {"site": "²"},
        {"site": "9" * 30},
        {"site": "9" * 5000},
        {"site": "-1"},
        {"site": "x\x00"},
        {"kind": HOSTILE, "language": HOSTILE, "site": HOSTILE},
    ],
    ids=lambda query: ascii(query)[:40],
)
def test_an_address_that_names_nothing_gives_an_empty_form(desk, site, query):
    form = shown(desk, "?" + urlencode(query))
    assert form["site"] == str(site.pk)
    assert not form["subject"]
    assert form["opening"].strip() == form["closing"].strip() == ""


def test_a_text_is_saved_and_used(desk, site):
    response = desk.post(ADD, typed(site, subject="Thanks for {number}", opening="Dear {customer_name},"))
    assert response.status_code == 302
    text = MailText.objects.get()
    assert (text.subject, text.opening, text.closing) == ("Thanks for {number}", "Dear {customer_name},", "")
    order = placed(site=site)
    mail = render.mail(order, "confirmation", language="en")
    assert mail.subject == f"Thanks for {order.number}"
    assert mail.text.startswith("Dear Zoë Müller,\n")
    assert "Dear Zoë Müller," in mail.html
    # What is left empty is the standard text.
    assert "Kind regards\nAtelier Forêt\n" in mail.text


@pytest.mark.parametrize("field", ["subject", "opening", "closing"])
@pytest.mark.parametrize(
    "wrong",
    ["{customer}", "{Number}", "{ number }", "{}", "{order.total}", "{number!r}", "{amount}", "{__class__}"],
)
def test_an_unknown_placeholder_is_refused_where_it_stands_with_those_there_are(desk, site, field, wrong):
    texts = {"subject": "Fine {number}", field: f"Hello {wrong}, {{number}}"}
    response = desk.post(ADD, typed(site, **texts))
    assert response.status_code == 200
    assert not MailText.objects.exists()
    told = errors_of(response)
    assert set(told) == {field}
    assert f"{wrong} is no placeholder. There are: {{customer_name}}, {{number}}, " in told[field]
    assert "{tracking_link}" not in told[field]


def test_all_wrong_fields_are_told_at_once(desk, site):
    response = desk.post(ADD, typed(site, subject="{a}", opening="{b} {c}", closing="{d}"))
    told = errors_of(response)
    assert [told[name].split(" is no")[0] for name in ("subject", "opening", "closing")] == [
        "{a}",
        "{b}, {c}",
        "{d}",
    ]


def test_each_mail_has_the_placeholders_that_it_can_fill(desk, site):
    for kind, text in [("shipped", "{tracking_link}"), ("refunded", "{amount}"), ("cancelled", "{reason}")]:
        assert desk.post(ADD, typed(site, kind, opening=text)).status_code == 302
    assert desk.post(ADD, typed(site, "confirmation", opening="{tracking_link}")).status_code == 200


@pytest.mark.parametrize(
    "text", ["{", "}", "}{", "{ a set }{\n}", "{% if x %}", "100 % {\n number}", "{{number}}"]
)
def test_a_brace_that_is_no_placeholder_stays_as_it_is_or_is_refused_but_never_runs(desk, site, text):
    response = desk.post(ADD, typed(site, opening=text))
    if response.status_code == 200:
        assert set(errors_of(response)) == {"opening"}
        return
    mail = render.mail(placed(site=site), "confirmation", language="en")
    assert mail.text.startswith(text.replace("{number}", "2026-00001").split("\n")[0])


def test_a_second_text_for_the_same_mail_in_the_same_language_is_refused(desk, site, other_site):
    own(site, subject="Mine")
    response = desk.post(ADD, typed(site, subject="Mine too"))
    assert response.status_code == 200
    assert "There is a text for this e-mail in this language already." in words(parsed(response))
    assert MailText.objects.count() == 1
    assert desk.post(ADD, typed(other_site, subject="Theirs")).status_code == 302
    assert desk.post(ADD, typed(site, language="fr", subject="Le mien")).status_code == 302


def test_a_text_is_edited_and_deleted(desk, site):
    text = own(site, subject="Mine")
    order = placed(site=site)
    assert desk.post(edit_url(text), typed(site, subject="Mine again")).status_code == 302
    assert render.mail(order, "confirmation", language="en").subject == "Mine again"
    url = reverse("wagtail_orders_mail_texts:delete", args=[text.pk])
    assert desk.post(url).status_code == 302
    assert render.mail(order, "confirmation", language="en").subject == f"Your order {order.number}"


def test_the_placeholders_are_explained_beside_the_form(desk):
    page = words(parsed(desk.get(ADD)))
    assert "{customer_name} the customer's name" in page.replace("{customer_name}the", "{customer_name} the")
    assert "Only in: Parcel on its way" in page


# --- Which words are sent


def test_own_words_win_in_their_language_only(site):
    own(site, subject="Mine {number}")
    order = placed(site=site)
    assert render.mail(order, "confirmation", language="en").subject == f"Mine {order.number}"
    assert render.mail(order, "confirmation", language="fr").subject == f"Votre commande {order.number}"
    assert render.mail(order, "shipped", language="en").subject != f"Mine {order.number}"


@pytest.mark.parametrize("language", ["fr-be", "fr-BE"])
def test_a_regional_language_has_the_words_of_its_language_unless_it_has_its_own(site, language):
    own(site, language="fr", subject="La mienne {number}")
    order = placed(site=site, language=language)
    mail = render.mail(order, "confirmation", language=order.language)
    assert mail.subject == f"La mienne {order.number}"
    assert "Tasse en grès" in mail.text
    own(site, language="fr-be", subject="Celle de Belgique")
    assert render.mail(order, "confirmation", language=order.language).subject == "Celle de Belgique"


def test_the_words_of_another_site_are_not_used(site, other_site):
    own(other_site, subject="Theirs")
    assert render.mail(placed(site=site), "confirmation", language="en").subject != "Theirs"
    assert render.mail(placed(site=other_site), "confirmation", language="en").subject == "Theirs"


def test_own_words_are_text_and_what_they_are_filled_with_too(site):
    own(site, subject=HOSTILE, opening=HOSTILE + "\n\n{customer_name}", closing="a\nb")
    mail = render.mail(placed(site=site, customer_name="{total} <b>"), "confirmation", language="en")
    assert mail.subject == HOSTILE
    assert HOSTILE not in mail.html
    assert "{total} &lt;b&gt;" in mail.html
    assert f"{HOSTILE}\n\n{{total}} <b>\n" in mail.text
    assert re.search(r"a<br ?/?>\s*b", mail.html)


def test_own_words_go_to_the_customer(site, django_capture_on_commit_callbacks, mailoutbox):
    own(site, "shipped", opening="Track it: {tracking_link}")
    order = placed(site=site, notify=False)
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.ship(
            order, tracking_number="1", tracking_url="https://track.example.com/1", notify_customer=True
        )
    deliver.sweep()
    (mail,) = mailoutbox
    assert mail.body.startswith("Track it: https://track.example.com/1\n")


# --- Seen before it is saved


PREVIEW_NEW = "/admin/order-mail-texts/preview/"


def preview(client, site, url=PREVIEW_NEW, mode=None, **changes):
    """What Wagtail's panel does: send the form, then ask for the page."""
    response = client.post(url, typed(site, **changes))
    assert response.status_code == 200
    answer = json.loads(response.content)
    assert answer["is_valid"]
    return client.get(url, {"mode": mode} if mode is not None else {})


def modes(client, url=ADD):
    """What the preview's choice offers."""
    options = parsed(client.get(url)).xpath("//select[@id='id_preview_mode']/option")
    return {option.get("value"): words(option) for option in options}


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "saved"])
def test_a_text_is_seen_with_a_real_order_before_it_is_saved(desk, site, is_new):
    older, newer = placed(site=site, customer_name="Amélie"), placed(site=site)
    url = PREVIEW_NEW
    if not is_new:
        url = reverse("wagtail_orders_mail_texts:preview_on_edit", args=[own(site, subject="Old").pk])
    response = preview(desk, site, url, opening="Dear {customer_name} of {number}")
    html = response.content.decode()
    assert f"Dear Zoë Müller of {newer.number}" in html
    assert "€42.00" in html
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    html = preview(desk, site, url, mode=str(older.pk), opening="Dear {customer_name}").content.decode()
    assert "Dear Amélie" in html
    response = preview(
        desk, site, url, mode=f"{older.pk}.text", subject="S {number}", opening="Dear {customer_name}"
    )
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode().startswith(f"S {older.number}\n\nDear Amélie\n")
    assert MailText.objects.filter(opening="Dear {customer_name}").count() == 0


def test_the_newest_orders_of_the_site_are_offered_each_as_it_looks_and_as_text(desk, site, other_site):
    orders = [placed(site=site) for _ in range(6)]
    placed(site=other_site, customer_name="Not this one")
    offered = modes(desk, edit_url(own(site)))
    newest = orders[:0:-1]
    assert list(offered) == [str(order.pk) for order in newest] + [f"{order.pk}.text" for order in newest]
    assert offered[str(orders[5].pk)] == f"{orders[5].number}, Zoë Müller"
    assert offered[f"{orders[5].pk}.text"] == f"{orders[5].number}, Zoë Müller (plain text)"


def test_a_site_without_orders_shows_another_ones(desk, site, other_site):
    order = placed(site=site)
    text = own(other_site)
    assert list(modes(desk, edit_url(text))) == [str(order.pk), f"{order.pk}.text"]
    url = reverse("wagtail_orders_mail_texts:preview_on_edit", args=[text.pk])
    assert "Dear Zoë" in preview(desk, other_site, url, opening="Dear Zoë").content.decode()


def test_without_any_order_the_preview_says_so(desk, site):
    assert desk.get(ADD).status_code == 200
    assert b"There is no order yet to show it with." in preview(desk, site, opening="Dear").content


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_can_be_seen(desk, site, kind):
    order = placed(site=site)
    lifecycle.mark_paid(order)
    lifecycle.ship(order, tracking_number="1", tracking_url="https://track.example.com/1")
    response = preview(desk, site, kind=kind, opening="Dear {customer_name}, {number}")
    assert f"Dear Zoë Müller, {order.number}" in response.content.decode()
    assert b"<script" not in response.content


@pytest.mark.parametrize("mode", ["", "0", "x", "²", "-1", "9" * 30, "1.pdf", "../1", ".text"])
def test_an_odd_mode_shows_the_newest_order(desk, site, mode):
    placed(site=site)
    response = preview(desk, site, mode=mode, opening="Dear {customer_name}")
    assert "Dear Zoë Müller" in response.content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"kind": ""}, {"language": ""}, {"kind": "message"}, {"opening": "{nothing}"}, {"subject": "x" * 256}],
    ids=str,
)
def test_what_could_not_be_saved_is_not_shown(desk, site, changes):
    placed(site=site)
    response = desk.post(PREVIEW_NEW, typed(site, **changes))
    assert json.loads(response.content) == {"is_valid": False, "is_available": False}
    assert desk.get(PREVIEW_NEW).status_code == 200


@pytest.fixture
def writer(client, django_user_model):
    """Somebody who may write texts and not see orders."""
    group = Group.objects.create(name="writers")
    group.permissions.set(
        Permission.objects.filter(codename__in=["access_admin", "add_mailtext", "change_mailtext"])
    )
    user = django_user_model.objects.create_user("wim", email="wim@example.com")
    user.groups.add(group)
    client.force_login(user)
    return client


def test_who_may_not_see_orders_writes_texts_without_seeing_any(writer, site, mailoutbox):
    text = own(site, subject="Mine")
    order = placed(site=site)
    pages = [writer.get(url) for url in (ADD, edit_url(text), "/admin/order-mail-texts/")]
    assert {page.status_code for page in pages} == {200}
    for page in pages:
        assert "Zoë" not in page.content.decode()
        assert order.number not in page.content.decode()
        assert "Send me a test" not in page.content.decode()
    for url in (PREVIEW_NEW, reverse("wagtail_orders_mail_texts:preview_on_edit", args=[text.pk])):
        writer.post(url, typed(site, language="fr", opening="Dear {customer_name}"))
        response = writer.get(url)
        assert response.status_code == 302
        assert response.url == reverse("wagtailadmin_home")
    response = writer.post(edit_url(text), typed(site, opening="Dear") | {"action-test": "x"})
    assert "Zoë" not in response.content.decode()
    assert mailoutbox == []
    assert writer.post(edit_url(text), typed(site, opening="Dear {customer_name}")).status_code == 302
    text.refresh_from_db()
    assert text.opening == "Dear {customer_name}"


def test_who_may_not_write_texts_sees_none(client, django_user_model, site):
    group = Group.objects.create(name="lookers")
    group.permissions.set(
        Permission.objects.filter(codename__in=["access_admin", "view_order", "change_order"])
    )
    user = django_user_model.objects.create_user("vera")
    user.groups.add(group)
    client.force_login(user)
    text, home = own(site, subject="Mine"), reverse("wagtailadmin_home")
    for url in (ADD, edit_url(text), "/admin/order-mail-texts/", PREVIEW_NEW, "/admin/order-saved-texts/"):
        response = client.get(url)
        assert (response.status_code, response.headers.get("Location")) == (302, home), url
    client.post(edit_url(text), typed(site, subject="Changed"))
    text.refresh_from_db()
    assert text.subject == "Mine"


# --- Tried out


def try_out(client, site, url=ADD, **changes):
    return client.post(url, typed(site, **changes) | {"action-test": "Send me a test"})


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "saved"])
def test_a_test_sends_what_stands_in_the_form_and_saves_nothing(desk, site, server, is_new):
    order = placed(site=site)
    url = ADD if is_new else edit_url(own(site, subject="Old"))
    before = list(MailText.objects.values())
    response = try_out(desk, site, url, subject="New {number}", opening="Dear {customer_name}")
    assert response.status_code == 200
    (mail,) = server.taken
    assert mail.recipient == "anna@example.com"
    assert mail.subject == f"New {order.number}"
    assert mail.text.startswith("Dear Zoë Müller\n")
    assert list(MailText.objects.values()) == before
    assert not Notification.objects.exists()
    said = messages_of(response)
    assert (
        f"A test with order {order.number} was sent to anna@example.com. Your text is not saved yet." in said
    )
    (form,) = [form for form in parsed(response).forms if "opening" in form.fields]
    assert form.fields["subject"] == "New {number}"
    assert form.fields["opening"].strip() == "Dear {customer_name}"


def test_a_test_is_in_the_texts_language_with_an_order_in_it(desk, site, server):
    placed(site=site, language="fr", customer_name="Amélie")
    placed(site=site)
    try_out(desk, site, language="fr", subject="Essai")
    (mail,) = server.taken
    assert "Amélie" in mail.text
    assert "42,00\xa0€" in mail.text


def test_a_test_that_failed_says_what_the_server_said(desk, site, server):
    placed(site=site)
    server.answer("RCPT", "550 5.7.1 <b>Relaying denied</b>")
    response = try_out(desk, site, subject="New")
    assert "The test was not sent: 550 5.7.1 <b>Relaying denied</b>" in messages_of(response)
    server.stop()
    assert "The test was not sent: ConnectionRefusedError" in messages_of(try_out(desk, site, subject="New"))


def test_a_test_needs_an_address_and_an_order(desk, site, owner, server):
    assert "There is no order yet to show it with." in messages_of(try_out(desk, site, subject="New"))
    placed(site=site)
    owner.email = ""
    owner.save()
    response = try_out(desk, site, subject="New")
    assert "Your account has no e-mail address to send a test to." in messages_of(response)
    assert server.taken == []


def test_what_could_not_be_saved_is_not_tried_out(desk, site, server):
    placed(site=site)
    response = try_out(desk, site, opening="{nothing}")
    assert set(errors_of(response)) == {"opening"}
    assert server.taken == []


def test_only_mails_can_be_tried_out(desk):
    assert "Send me a test" in desk.get(ADD).content.decode()
    assert "Send me a test" not in desk.get("/admin/order-saved-texts/add/").content.decode()


# --- Saved texts


def test_saved_texts_are_kept_listed_changed_and_deleted(desk):
    add = "/admin/order-saved-texts/add/"
    data = {"name": "Late", "subject": "{number} is late", "text": "Hello {customer_name}"}
    assert desk.post(add, data).status_code == 302
    text = SavedText.objects.get()
    assert "{number} is late" in words(parsed(desk.get("/admin/order-saved-texts/")))
    edit = reverse("wagtail_orders_saved_texts:edit", args=[text.pk])
    assert desk.post(edit, {**data, "name": "Very late"}).status_code == 302
    text.refresh_from_db()
    assert text.name == "Very late"
    assert desk.post(reverse("wagtail_orders_saved_texts:delete", args=[text.pk])).status_code == 302
    assert not SavedText.objects.exists()


@pytest.mark.parametrize("field", ["subject", "text"])
@pytest.mark.parametrize("wrong", ["{customer}", "{tracking_link}", "{amount}"])
def test_a_saved_text_has_the_placeholders_of_every_order(desk, field, wrong):
    data = {"name": "Late", "subject": "Late", "text": "Late", field: wrong}
    response = desk.post("/admin/order-saved-texts/add/", data)
    assert set(errors_of(response)) == {field}
    assert f"{wrong} is no placeholder." in errors_of(response)[field]
    page = words(parsed(response))
    assert "{customer_name}" in page
    assert "Only in:" not in page


def test_the_menu_leads_to_both(desk):
    menu = parsed(desk.get(reverse("wagtailadmin_home"))).xpath(
        "//script[@id='wagtail-sidebar-props']/text()"
    )
    assert "/admin/order-mail-texts/" in menu[0]
    assert "/admin/order-saved-texts/" in menu[0]
