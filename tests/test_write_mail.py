"""A mail of the owner's own words: written on the order's page, from a blank or a saved text, and kept there."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from wagtail_orders import lifecycle
from wagtail_orders.models import Notification, OrderSettings, SavedText
from wagtail_orders.notifications import deliver

from .desk import button, filled, form_at, opened, page_of, parsed, raw, said, send, tables, words
from .orders import placed

pytestmark = pytest.mark.django_db

ZOE = "zoe@example.com"
HOSTILE = "</script><script>alert(1)</script>"
WORDS = {"subject": "A question", "text": "Which glaze?\n\nKind regards"}


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


def written(desk, order):
    """The form as the page has it."""
    return form_at(opened(desk, order), button(order, "mail"))


def path_of_texts(order):
    return reverse("wagtail_orders:saved_texts", args=[order.pk])


def saved_texts(client, order):
    """What the page's script can write into the form."""
    response = client.get(path_of_texts(order))
    assert "no-store" in response["Cache-Control"]
    return response.json()["texts"]


def test_the_dialog_is_addressed_to_the_customer_in_her_language(desk):
    order = placed(language="fr")
    page = opened(desk, order)
    form = filled(form_at(page, button(order, "mail")))
    assert form["mail-recipient"] == ZOE
    assert form["mail-subject"] == f"Votre commande {order.number}"
    assert form["mail-text"] == ""
    assert page.xpath("//button[@data-a11y-dialog-show='orders-mail']")
    assert "mail-saved" not in form


def test_a_mail_goes_to_the_customer_and_is_kept_in_the_history(desk, do, owner, mailoutbox):
    order = placed(notify=False)
    response = do(send, desk, order, "mail", **WORDS)
    assert response.url == page_of(order)
    assert said(response) == [f"Your mail about order {order.number} is on its way."]
    assert deliver.sweep().sent == 1
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([ZOE], "A question")
    assert mail.body.startswith("Which glaze?\n\nKind regards\n")
    page = opened(desk, order)
    history = words(page.xpath("//*[@class='orders-history']")[0])
    assert "E-mail written: A question" in history
    assert f"A question → {ZOE} Sent" in history
    assert order.events.get(kind="mail_written").actor == owner


def test_it_may_go_to_another_address(desk, do, mailoutbox):
    order = placed(notify=False)
    do(send, desk, order, "mail", **WORDS, recipient="mother@example.com")
    deliver.sweep()
    assert [mail.to for mail in mailoutbox] == [["mother@example.com"]]
    order.refresh_from_db()
    assert order.email == ZOE


@pytest.mark.parametrize(
    "typed",
    [
        {"recipient": ""},
        {"recipient": "zoe"},
        {"recipient": "a@example.com, b@example.com"},
        {"subject": ""},
        {"subject": "x" * 256},
        {"text": ""},
        {"text": " \n "},
        {"text": "x" * 50_001},
        {"subject": "a\x00b"},
    ],
    ids=lambda typed: str(typed)[:40],
)
def test_what_is_missing_or_wrong_is_told_in_the_open_dialog_and_nothing_is_lost(desk, typed):
    order = placed(notify=False)
    before = tables()
    response = send(desk, order, "mail", **{**WORDS, **typed})
    assert response.status_code == 422
    assert tables() == before
    page = parsed(response)
    assert page.xpath("//@data-orders-open") == ["orders-mail"]
    form = form_at(page, button(order, "mail"))

    assert len(form.xpath(".//*[@class='error-message']")) == 1
    for field, text in WORDS.items():
        if field not in typed:
            assert filled(form)[f"mail-{field}"].replace("\r\n", "\n") == text


def test_a_line_break_in_the_subject_begins_no_header(desk, do, mailoutbox):
    order = placed(notify=False)
    do(
        desk.post,
        button(order, "mail"),
        raw(order, "mail", recipient=ZOE, **{**WORDS, "subject": "A\r\nBcc: x@y.z"}),
    )
    deliver.sweep()
    for mail in mailoutbox:
        assert "\n" not in mail.subject
        assert mail.recipients() == [ZOE]


def test_placeholders_are_filled_in_here_too_and_other_braces_are_braces(desk, do, mailoutbox):
    order = placed(notify=False, customer_name="{total}")
    do(send, desk, order, "mail", subject="{number}", text="{customer_name} {% now %} {{ order }}")
    deliver.sweep()
    (mail,) = mailoutbox
    assert mail.subject == order.number
    assert mail.body.startswith("{total} {% now %} {{ order }}\n")


def test_a_double_click_sends_one(desk, do, mailoutbox):
    order = placed(notify=False)
    page = opened(desk, order)
    statuses = [do(send, desk, order, "mail", at=page, **WORDS).status_code for _click in range(2)]
    assert statuses == [302, 409]
    deliver.sweep()
    assert len(mailoutbox) == 1


def test_what_somebody_did_meanwhile_is_told_before_the_mail_goes(desk, do, django_user_model):
    order = placed(notify=False)
    bert = django_user_model.objects.create_user("bert", first_name="Bert")
    page = opened(desk, order)
    lifecycle.write_mail(order, subject="From Bert", text="Which glaze?", user=bert)
    before = tables()
    response = send(desk, order, "mail", at=page, **WORDS)
    assert response.status_code == 409
    assert tables() == before
    form = form_at(parsed(response), button(order, "mail"))
    (told,) = [words(entry) for entry in form.xpath(".//ul[@class='orders-meanwhile']/li")]
    assert told.startswith("E-mail written: From Bert")
    assert told.endswith(", Bert")
    assert filled(form)["mail-text"].replace("\r\n", "\n") == WORDS["text"]
    assert do(desk.post, button(order, "mail"), filled(form)).status_code == 302


def test_an_order_without_an_address_needs_one(desk, do, mailoutbox):
    order = placed(email="", notify=False)
    assert filled(written(desk, order))["mail-recipient"] == ""
    assert send(desk, order, "mail", **WORDS).status_code == 422
    assert do(send, desk, order, "mail", **WORDS, recipient="zoe@example.org").status_code == 302
    deliver.sweep()
    assert [mail.to for mail in mailoutbox] == [["zoe@example.org"]]


def put_away(order):
    lifecycle.cancel(order)
    lifecycle.archive(order)


@pytest.mark.parametrize("verb", [lifecycle.cancel, put_away, lifecycle.mark_handled])
def test_one_can_write_about_an_order_that_is_done_with(desk, do, verb, mailoutbox):
    order = placed(notify=False)
    verb(order)
    assert do(send, desk, order, "mail", **WORDS).status_code == 302
    deliver.sweep()
    assert len(mailoutbox) == 1


# --- From a saved text


def test_saved_texts_are_offered_with_the_orders_own_facts_in_the_customers_language(desk):
    text = SavedText.objects.create(
        name="Late",
        subject="{number} is late",
        text="Hello {customer_name}, {total}, {due}, {placed_on}, {shop_name}, {payment_method}. {unknown} 100 %",
    )
    SavedText.objects.create(name="A second", subject="S", text="T")
    order = placed(language="fr", customer_name="{number} Zoë")
    page = opened(desk, order)
    form = form_at(page, button(order, "mail"))
    choice = form.inputs["mail-saved"]
    assert choice.get("data-orders-texts") == path_of_texts(order)
    second, found = saved_texts(desk, order)
    assert (second["name"], found["name"]) == ("A second", "Late")
    assert found["key"] == str(text.pk)
    assert found["subject"] == f"{order.number} is late"
    # What a customer's name brings along is not filled in again.
    assert found["text"].startswith("Hello {number} Zoë, 42,00\xa0€, 42,00\xa0€, ")
    assert found["text"].endswith(", Atelier Forêt, Virement bancaire. {unknown} 100 %")


def test_a_name_that_looks_like_markup_stays_in_its_place(desk):
    SavedText.objects.create(name=HOSTILE, subject="{customer_name}", text="{customer_name}" + HOSTILE)
    order = placed(customer_name=HOSTILE)
    assert "<script>alert" not in desk.get(page_of(order)).content.decode()
    assert desk.get(path_of_texts(order))["Content-Type"] == "application/json"
    (found,) = saved_texts(desk, order)
    assert (found["name"], found["subject"], found["text"]) == (HOSTILE, HOSTILE, HOSTILE * 2)


def test_what_was_chosen_stays_chosen_and_is_not_put_into_the_mail_by_itself(desk, do, mailoutbox):
    text = SavedText.objects.create(name="Late", subject="Late", text="It is late")
    order = placed(notify=False)
    refused = send(desk, order, "mail", **{**WORDS, "text": ""}, saved=str(text.pk))
    assert refused.status_code == 422
    assert filled(form_at(parsed(refused), button(order, "mail")))["mail-saved"] == str(text.pk)
    do(send, desk, order, "mail", **WORDS, saved=str(text.pk))
    deliver.sweep()
    assert [(mail.subject, mail.body.split("\n")[0]) for mail in mailoutbox] == [
        ("A question", "Which glaze?")
    ]


def test_a_saved_text_that_is_gone_meanwhile_keeps_no_mail_back(desk, do):
    text = SavedText.objects.create(name="Late", subject="Late", text="It is late")
    SavedText.objects.create(name="Other", subject="O", text="O")
    order = placed(notify=False)
    page = opened(desk, order)
    gone = str(text.pk)
    text.delete()
    assert do(send, desk, order, "mail", at=page, **WORDS, saved=gone).status_code == 302
    assert Notification.objects.get().subject == ""


def test_who_may_only_look_is_offered_no_mail(client, django_user_model):
    user = django_user_model.objects.create_user("vera", is_active=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["access_admin", "view_order"]))
    client.force_login(user)
    SavedText.objects.create(name="Late", subject="Late", text="It is late")
    order = placed(notify=False)
    page = opened(client, order)
    assert form_at(page, button(order, "mail")) is None
    assert client.get(path_of_texts(order)).status_code == 302
    assert not page.xpath("//*[@data-a11y-dialog-show='orders-mail']")
    before = tables()
    assert client.post(button(order, "mail"), raw(order, "mail", recipient=ZOE, **WORDS)).url == reverse(
        "wagtailadmin_home"
    )
    assert tables() == before
