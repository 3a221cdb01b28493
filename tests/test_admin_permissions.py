"""Who gets what in the admin: one table of every address, every role, and what comes of it."""

import uuid
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.urls import get_resolver, resolve, reverse
from wagtail.admin.views.bulk_action.registry import bulk_action_registry

from example_site.paypal_double import Double
from wagtail_orders import imports, jobs
from wagtail_orders.admin.actions import ACTIONS
from wagtail_orders.admin.forms import FORMS, NOTE_FORMS
from wagtail_orders.admin.mail_forms import MAIL_FORMS
from wagtail_orders.admin.parcel_forms import PARCEL_FORMS, SHIP_FORMS
from wagtail_orders.exports import Selection
from wagtail_orders.exports.xml import XML
from wagtail_orders.imports import job as importing
from wagtail_orders.jobs import run as runs
from wagtail_orders.lifecycle import (
    add_note,
    archive,
    cancel,
    flag,
    mark_handled,
    mark_paid,
    record_payment,
    record_refund,
    ship,
)
from wagtail_orders.models import Job, Notification, Order

from .desk import (
    button,
    day,
    filled,
    form_at,
    page_of,
    parsed,
    paypal_paid,
    tables,
    unmatched,
    with_paypal,
)
from .orders import placed

pytestmark = pytest.mark.django_db

# What comes of a request:
#   login  sent to the login
#   home   sent to the admin's home, which says that it is not permitted
#   page   the page
#   done   done, and sent on
#   on     sent on to another page
#   403    a page that says that it is no longer permitted
#   404    there is no such thing
#   405    not by this method
# Whatever is neither "page" nor "done" shows nothing of orders, and whatever is not "done" writes nothing.
#
# The roles: nobody is logged in, "stranger" may do everything with orders but not enter the admin, "nothing"
# may enter it and no more, the others have the permissions of their names, and "owner" is a superuser.
TABLE = """
                            nobody stranger nothing add   export view  change delete both  owner
list                  GET   login  login    home    home  home   page  page   page   page  page
list                  POST  login  login    home    home  home   405   405    405    405   405
list_results          GET   login  login    home    home  home   page  page   page   page  page
list_results          POST  login  login    home    home  home   405   405    405    405   405
archived              GET   login  login    home    home  home   page  page   page   page  page
archived              POST  login  login    home    home  home   405   405    405    405   405
archived_results      GET   login  login    home    home  home   page  page   page   page  page
archived_results      POST  login  login    home    home  home   405   405    405    405   405
all                   GET   login  login    home    home  home   page  page   page   page  page
all                   POST  login  login    home    home  home   405   405    405    405   405
all_results           GET   login  login    home    home  home   page  page   page   page  page
all_results           POST  login  login    home    home  home   405   405    405    405   405
inspect               GET   login  login    home    home  home   page  page   page   page  page
inspect               POST  login  login    home    home  home   405   405    405    405   405
edit                  GET   login  login    home    home  home   page  page   page   page  page
edit                  POST  login  login    home    home  home   405   405    405    405   405
compare               GET   login  login    home    home  home   page  page   page   page  page
compare               POST  login  login    home    home  home   405   405    405    405   405
document              GET   login  login    home    home  home   page  page   page   page  page
document              POST  login  login    home    home  home   405   405    405    405   405
document_pdf          GET   login  login    home    home  home   page  page   page   page  page
document_pdf          POST  login  login    home    home  home   405   405    405    405   405
newest_document       GET   login  login    home    home  home   on    on     on     on    on
newest_document       POST  login  login    home    home  home   405   405    405    405   405
paper                 GET   login  login    home    home  home   page  page   page   page  page
paper                 POST  login  login    home    home  home   405   405    405    405   405
ship_many             GET   login  login    home    home  home   home  page   home   page  page
ship_many             POST  login  login    home    home  home   home  done   home   done  done
orders_to_ship        GET   login  login    home    home  home   home  page   home   page  page
orders_to_ship        POST  login  login    home    home  home   home  405    home   405   405
export                GET   login  login    home    home  page   home  home   home   home  page
export                POST  login  login    home    home  done   home  home   home   home  done
print_many            GET   login  login    home    home  page   home  home   home   home  page
print_many            POST  login  login    home    home  done   home  home   home   home  done
import                GET   login  login    home    home  home   home  home   home   home  page
import                POST  login  login    home    home  home   home  home   home   home  done
import_job            GET   login  login    home    home  home   home  home   home   home  page
import_job            POST  login  login    home    home  home   home  home   home   home  done
jobs                  GET   login  login    page    page  page   page  page   page   page  page
jobs                  POST  login  login    405     405   405    405   405    405    405   405
job                   GET   login  login    page    page  page   page  page   page   page  page
job                   POST  login  login    405     405   405    405   405    405    405   405
job_state             GET   login  login    page    page  page   page  page   page   page  page
job_state             POST  login  login    405     405   405    405   405    405    405   405
job_file              GET   login  login    403     403   page   403   403    403    403   page
job_file              POST  login  login    405     405   405    405   405    405    405   405
job_action:cancel     GET   login  login    405     405   405    405   405    405    405   405
job_action:cancel     POST  login  login    done    done  done   done  done   done   done  done
job_action:delete     GET   login  login    405     405   405    405   405    405    405   405
job_action:delete     POST  login  login    done    done  done   done  done   done   done  done
job_action:take-up    GET   login  login    405     405   405    405   405    405    405   405
job_action:take-up    POST  login  login    403     403   done   403   403    403    403   done
undo                  GET   login  login    home    home  home   home  405    home   405   405
undo                  POST  login  login    home    home  home   home  done   home   done  done
looked_at             GET   login  login    home    home  home   home  405    home   405   405
looked_at             POST  login  login    home    home  home   home  done   home   done  done
action:mark-paid      GET   login  login    home    home  home   405   405    405    405   405
action:mark-paid      POST  login  login    home    home  home   home  done   home   done  done
action:mark-handled   GET   login  login    home    home  home   405   405    405    405   405
action:mark-handled   POST  login  login    home    home  home   home  done   home   done  done
action:archive        GET   login  login    home    home  home   405   405    405    405   405
action:archive        POST  login  login    home    home  home   home  done   home   done  done
action:unarchive      GET   login  login    home    home  home   405   405    405    405   405
action:unarchive      POST  login  login    home    home  home   home  done   home   done  done
action:mark-unpaid    GET   login  login    home    home  home   405   405    405    405   405
action:mark-unpaid    POST  login  login    home    home  home   404   404    404    404   404
action:mark-unhandled GET   login  login    home    home  home   405   405    405    405   405
action:mark-unhandled POST  login  login    home    home  home   home  done   home   done  done
action:cancel         GET   login  login    home    home  home   405   405    405    405   405
action:cancel         POST  login  login    home    home  home   home  done   home   done  done
action:reopen         GET   login  login    home    home  home   405   405    405    405   405
action:reopen         POST  login  login    home    home  home   home  done   home   done  done
action:unflag         GET   login  login    home    home  home   405   405    405    405   405
action:unflag         POST  login  login    home    home  home   home  done   home   done  done
action:delete         GET   login  login    home    home  home   405   405    405    405   405
action:delete         POST  login  login    home    home  home   home  home   done   home  done
action:pay            GET   login  login    home    home  home   405   405    405    405   405
action:pay            POST  login  login    home    home  home   home  done   home   done  done
action:unpay          GET   login  login    home    home  home   405   405    405    405   405
action:unpay          POST  login  login    home    home  home   home  done   home   done  done
action:refund         GET   login  login    home    home  home   405   405    405    405   405
action:refund         POST  login  login    home    home  home   home  done   home   done  done
action:refund-provider GET  login  login    home    home  home   405   405    405    405   405
action:refund-provider POST login  login    home    home  home   home  done   home   done  done
action:ship           GET   login  login    home    home  home   405   405    405    405   405
action:ship           POST  login  login    home    home  home   home  done   home   done  done
action:another        GET   login  login    home    home  home   405   405    405    405   405
action:another        POST  login  login    home    home  home   home  done   home   done  done
action:remarks        GET   login  login    home    home  home   405   405    405    405   405
action:remarks        POST  login  login    home    home  home   home  done   home   done  done
action:customer       GET   login  login    home    home  home   405   405    405    405   405
action:customer       POST  login  login    home    home  home   home  done   home   done  done
action:note           GET   login  login    home    home  home   405   405    405    405   405
action:note           POST  login  login    home    home  home   home  done   home   done  done
action:mail           GET   login  login    home    home  home   405   405    405    405   405
action:mail           POST  login  login    home    home  home   home  done   home   done  done
saved_texts           GET   login  login    home    home  home   home  page   home   page  page
saved_texts           POST  login  login    home    home  home   home  405    home   405   405
mail                  GET   login  login    home    home  home   page  page   page   page  page
mail                  POST  login  login    home    home  home   405   405    405    405   405
mail_body             GET   login  login    home    home  home   page  page   page   page  page
mail_body             POST  login  login    home    home  home   405   405    405    405   405
mail_action:resend    GET   login  login    home    home  home   405   405    405    405   405
mail_action:resend    POST  login  login    home    home  home   home  done   home   done  done
mail_action:dismiss   GET   login  login    home    home  home   405   405    405    405   405
mail_action:dismiss   POST  login  login    home    home  home   home  done   home   done  done
parcel:correct        GET   login  login    home    home  home   405   405    405    405   405
parcel:correct        POST  login  login    home    home  home   home  done   home   done  done
parcel:cancel-parcel  GET   login  login    home    home  home   405   405    405    405   405
parcel:cancel-parcel  POST  login  login    home    home  home   home  done   home   done  done
rehearse:ship         GET   login  login    home    home  home   home  405    home   405   405
rehearse:ship         POST  login  login    home    home  home   home  page   home   page  page
rehearse:another      GET   login  login    home    home  home   home  405    home   405   405
rehearse:another      POST  login  login    home    home  home   home  page   home   page  page
rehearse_mail:ship    GET   login  login    home    home  home   home  405    home   405   405
rehearse_mail:ship    POST  login  login    home    home  home   home  page   home   page  page
rehearse_mail:another GET   login  login    home    home  home   home  405    home   405   405
rehearse_mail:another POST  login  login    home    home  home   home  page   home   page  page
note:edit-note        GET   login  login    home    home  home   405   405    405    405   405
note:edit-note        POST  login  login    home    home  home   home  done   home   done  done
note:delete-note      GET   login  login    home    home  home   405   405    405    405   405
note:delete-note      POST  login  login    home    home  home   home  done   home   done  done
bulk:mark-paid        GET   login  login    home    home  home   home  page   home   page  page
bulk:mark-paid        POST  login  login    home    home  home   home  done   home   done  done
bulk:ship             GET   login  login    home    home  home   home  page   home   page  page
bulk:ship             POST  login  login    home    home  home   home  done   home   done  done
bulk:mark-handled     GET   login  login    home    home  home   home  page   home   page  page
bulk:mark-handled     POST  login  login    home    home  home   home  done   home   done  done
bulk:archive          GET   login  login    home    home  home   home  page   home   page  page
bulk:archive          POST  login  login    home    home  home   home  done   home   done  done
bulk:unarchive        GET   login  login    home    home  home   home  page   home   page  page
bulk:unarchive        POST  login  login    home    home  home   home  done   home   done  done
bulk:cancel           GET   login  login    home    home  home   home  page   home   page  page
bulk:cancel           POST  login  login    home    home  home   home  done   home   done  done
bulk:delete           GET   login  login    home    home  home   home  home   page   home  page
bulk:delete           POST  login  login    home    home  home   home  home   done   home  done
bulk:print            GET   login  login    home    home  page   home  home   home   home  page
bulk:print            POST  login  login    home    home  done   home  home   home   home  done
bulk:export           GET   login  login    home    home  page   home  home   home   home  page
bulk:export           POST  login  login    home    home  done   home  home   home   home  done
"""
HEADER, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
EXPECTED = {
    role: {(name, method): outcomes[column] for name, method, *outcomes in ROWS}
    for column, role in enumerate(HEADER)
}
NAMES = dict.fromkeys(name for name, _method, *_outcomes in ROWS)
PERMISSIONS = {
    "stranger": ["add_order", "view_order", "change_order", "delete_order", "export_order"],
    "nothing": [],
    "add": ["add_order"],
    "export": ["export_order"],
    "view": ["view_order"],
    "change": ["change_order"],
    "delete": ["delete_order"],
    "both": ["view_order", "change_order"],
}


@pytest.fixture(autouse=True)
def double(settings):
    """PayPal is its double."""
    with Double() as double:
        yield with_paypal(settings, double)


@pytest.fixture
def person(django_user_model, owner):
    """Somebody of a role; for nobody, the owner, whose things nobody then asks for."""

    def somebody(role):
        if role in ("nobody", "owner"):
            return owner
        group = Group.objects.create(name=role)
        codenames = PERMISSIONS[role] + (["access_admin"] if role != "stranger" else [])
        permissions = Permission.objects.filter(codename__in=codenames)
        assert len(permissions) == len(codenames)
        group.permissions.set(permissions)
        user = django_user_model.objects.create_user(role, password="secret")
        user.groups.add(group)
        return user

    return somebody


@pytest.fixture
def enter(client, person):
    """A client and the user of a role."""

    def come_in(role):
        user = person(role)
        if role != "nobody":
            client.force_login(user)
        return client, user

    return come_in


def with_facts(**facts):
    """What one of the forms of the order's page sends."""
    return lambda order, slug: {f"{slug}-{name}": value for name, value in facts.items()}


def done(*verbs):
    """An order on which these verbs were done."""

    def make():
        order = placed()
        for verb in verbs:
            verb(order)
        return order

    return make


def customer(order, slug):
    facts = {"customer_name": "Amélie"}
    for kind in ("shipping", "billing"):
        facts |= {f"{kind}_{name}": getattr(order.billing_address, name) for name in ("name", "street")}
        facts |= {f"{kind}_{name}": getattr(order.billing_address, name) for name in ("city", "country")}
    return {f"{slug}-{name}": value for name, value in facts.items()}


def flagged(order):
    flag(order, reason="Look")


def given_up_mail():
    """The confirmation of an order of its own, which the mail server would not take."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        order = placed()
    mail = Notification.objects.select_related("event__order").get(event__order=order)
    mail.state, mail.next_attempt_at, mail.error = Notification.State.FAILED, None, "550 No such user"
    mail.save()
    return mail


PAID = done(mark_paid)


def through_paypal(order, slug):
    """What the form sends that has PayPal send a part of the order's payment back."""
    payment = order.payments.first()
    return with_facts(payment=payment.pk if payment else 0, amount="1", key=uuid.uuid4())(order, slug)


#: An order for which each action makes sense, where a fresh one is not.
MADE = {
    "archive": done(mark_handled),
    "unarchive": done(mark_handled, archive),
    "mark-unpaid": PAID,
    "mark-unhandled": done(mark_handled),
    "reopen": done(cancel),
    "unflag": done(flagged),
    "unpay": PAID,
    "refund": PAID,
    "refund-provider": lambda: paypal_paid(placed()),
    "another": done(ship),
}
#: What its form sends.
DATA = {
    "pay": lambda order, slug: with_facts(amount="1", received_on=day(), method="cash")(order, slug),
    "refund": lambda order, slug: with_facts(amount="1", received_on=day(), method="cash")(order, slug),
    "refund-provider": through_paypal,
    "remarks": with_facts(customer_note="Ring twice"),
    "customer": customer,
    "note": with_facts(text="Wrap it"),
    "mail": with_facts(recipient="zoe@example.com", subject="A question", text="Which glaze?"),
    "resend": with_facts(recipient="zoe.mueller@example.com"),
}
#: A file that can be looked through.
NO_ORDERS = b'<orders xmlns="urn:wagtail-orders:orders:1" version="1.0"/>'
#: An export that ends on a job's page.
EXPORT = {"format": "xml", "in_background": "on"}
#: A print that does.
PRINT = {"document": "packing-slip", "way": "background"}


def form_data(client, url, path):
    """What the form that is sent to ``path`` holds in the page at ``url``."""
    form = form_at(parsed(client.get(url, follow=True)), path)
    return filled(form) if form is not None else {}


def ask_for(name, client, owner):
    """
    The address of a row of the table, with an order of its own, and the data that does something there: what
    ``owner``'s page would send, but for what only ``client``'s own page can.
    """
    kind, _colon, slug = name.partition(":")
    if kind.startswith("mail"):
        mail = given_up_mail()
        args = [mail.order.pk, mail.pk, *([slug] if slug else [])]
        data = {**DATA.get(slug, with_facts())(mail.order, slug), f"{slug}-version": mail.order.version}
        return reverse(f"wagtail_orders:{kind}", args=args), data
    order = MADE.get(slug, placed)()
    if kind == "action":
        data = DATA.get(slug, with_facts())(order, slug)
        return button(order, slug), {**data, f"{slug}-version": order.version}
    if kind == "note":
        author = client.session.get("_auth_user_id") if client else None
        note = add_note(order, text="Mine", user=get_user_model().objects.filter(pk=author).first() or owner)
        url = reverse("wagtail_orders:note", args=[order.pk, note.pk, slug])
        return url, {f"{slug}-text-{note.pk}": "Changed"}
    if kind == "parcel":
        parcel = ship(order)
        url = reverse("wagtail_orders:parcel", args=[order.pk, parcel.pk, slug])
        facts = {"version": order.version, "tracking_number": "3232", "tracking_url": ""}
        return url, {f"{slug}-{name}-{parcel.pk}": value for name, value in facts.items()}
    if kind.startswith("rehearse"):
        url = reverse(f"wagtail_orders:{kind}", args=[order.pk, slug])
        return url, {f"{slug}-version": order.version}
    if kind == "bulk":
        path = reverse("wagtail_bulk_action", args=["wagtail_orders", "order", slug])
        data = form_data(logged_in(owner), f"{path}?id={order.pk}", path)
        data |= {name: "J1" for name in data if name.startswith("number_")}
        return f"{path}?id={order.pk}", data | {"export": EXPORT, "print": PRINT}.get(slug, {})
    if kind == "export":
        return reverse("wagtail_orders:export"), EXPORT
    if kind == "print_many":
        return reverse("wagtail_orders:print_many"), PRINT
    if kind.startswith(("import", "job")):
        asking = get_user_model().objects.filter(pk=client.session.get("_auth_user_id")).first()
        return ask_for_job(kind, slug, asking or owner)
    if kind == "ship_many":
        path = reverse("wagtail_orders:ship_many")
        preview = parsed(logged_in(owner).post(path, {"text": f"{order.number};J1"}))
        [form] = preview.xpath("//form[.//*[@name='fingerprint']]")
        return path, filled(form)
    if kind == "looked_at":
        return reverse("wagtail_orders:looked_at", args=[unmatched(Order.objects.count()).pk]), {}
    if kind == "undo":
        url = reverse("wagtail_orders:undo")
        client.post(button(order, "mark-handled"))
        own = form_data(client, page_of(order), url)
        mine = logged_in(owner)
        mine.post(button(order, "mark-handled"))
        return url, own or form_data(mine, page_of(order), url)
    args = {kind: [order.pk] for kind in ("inspect", "edit", "saved_texts")}.get(kind, [])
    if kind == "paper":
        args = [order.site_id]
    if kind.endswith(("document", "document_pdf")):
        args = ["order-sheet", order.site_id] if kind == "newest_document" else [order.pk, "order-sheet"]
    if kind == "compare":
        args = [order.pk, placed().pk]
    return reverse(f"wagtail_orders:{kind}", args=args), {}


def ask_for_job(kind, slug, user):
    """The same for a job of ``user``'s own."""
    url = f"wagtail_orders:{kind}"
    if kind == "import":
        return reverse(url), {"file": SimpleUploadedFile("orders.xml", NO_ORDERS)}
    if kind == "jobs":
        return reverse(url), {}
    if kind == "import_job":
        order = placed()
        content = b"".join(XML.write(Selection.of(Order.objects.filter(pk=order.pk))))
        order.delete()
        job = importing.begin([content], imports.readers()["xml"], user=user, name="orders.xml")
        runs.do(job.pk, job.run)
        return reverse(url, args=[job.pk]), {"wrong": "none"}
    job = jobs.create("export", user=user, title="Current orders, XML")
    facts = {"run": "a", "state": {"cancel": "queued", "take-up": "failed"}.get(slug, "done"), "size": 0}
    Job.objects.filter(pk=job.pk).update(file_name="orders.xml", content_type="text/xml", **facts)
    return reverse(url, args=[job.pk, slug] if slug else [job.pk]), {}


def logged_in(user):
    client = Client()
    client.force_login(user)
    return client


def outcome_of(response, has_written):
    status = response.status_code
    if status != 302:
        outcome = {200: "page", 403: "403", 404: "404", 405: "405"}.get(status, f"status {status}")
    elif urlsplit(response.url).path == reverse("wagtailadmin_login"):
        outcome = "login"
    elif response.url == reverse("wagtailadmin_home"):
        outcome = "home"
    elif urlsplit(response.url).path == f"/en{response.request['PATH_INFO']}":
        # The example site has pages in languages: what is not found is looked for once more under one.
        outcome = "404"
    else:
        outcome = "done" if has_written else "on"
    return f"{outcome}, and something was written" if has_written and outcome != "done" else outcome


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("role", HEADER)
def test_every_role_gets_what_the_table_says(enter, owner, role, method):
    client, _user = enter(role)
    expected = {name: outcome for (name, by), outcome in EXPECTED[role].items() if by == method}
    outcomes = {}
    for name in expected:
        url, data = ask_for(name, client, owner)
        before = tables()
        response = client.generic(method, url) if method == "GET" else client.post(url, data)
        outcomes[name] = outcome_of(response, has_written=tables() != before)
        if outcomes[name] not in ("page", "done"):
            assert "Zoë" not in response.content.decode()
    assert outcomes == expected


def test_the_table_leaves_nothing_out():
    namespace = get_resolver().namespace_dict["wagtail_orders"][1]
    addresses = {key for key in namespace.reverse_dict if isinstance(key, str)}
    in_table = {}
    for name in NAMES:
        kind, _colon, slug = name.partition(":")
        in_table.setdefault(kind, set()).add(slug)
    bulk = in_table.pop("bulk")
    assert set(in_table) == addresses
    assert in_table["action"] == set(ACTIONS) | set(FORMS)
    assert in_table["note"] == set(NOTE_FORMS)
    assert in_table["parcel"] == set(PARCEL_FORMS)
    assert in_table["rehearse"] == in_table["rehearse_mail"] == {form.slug for form in SHIP_FORMS}
    assert in_table["mail_action"] == set(MAIL_FORMS)
    registered = bulk_action_registry.get_bulk_actions_for_model("wagtail_orders", "order")
    assert bulk == {action.action_type for action in registered}
    assert {(name, method) for name in NAMES for method in ("GET", "POST")} == set(EXPECTED["owner"])
    assert {len(row) for row in ROWS} == {len(HEADER) + 2}


def written_anywhere():
    """Every row of every table, but for the sessions."""
    return {
        model._meta.label: sorted(map(str, model._base_manager.values_list()))
        for model in apps.get_models()
        if model._meta.managed and model._meta.label != "sessions.Session"
    }


def test_to_look_changes_nothing_anywhere(enter):
    client, owner = enter("owner")
    urls = [ask_for(name, client, owner)[0] for name in NAMES]
    order = Order.objects.first()
    urls += [f"{page_of(order)}?list=all%3Fq%3Dx", reverse("wagtailadmin_home")]
    client.get(urls[0])
    before = written_anywhere()
    for url in urls:
        client.get(url)
        client.head(url)
    assert written_anywhere() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_do_nothing(enter, method):
    client, owner = enter("owner")
    statuses = {}
    for name in NAMES:
        url, data = ask_for(name, client, owner)
        before = tables()
        response = client.generic(method, url, data=str(data))
        assert tables() == before, name
        statuses[name] = response.status_code
    assert statuses == dict.fromkeys(NAMES, 405)


def test_head_answers_as_get_without_its_page(enter):
    client, owner = enter("owner")
    for name in NAMES:
        url, _data = ask_for(name, client, owner)
        response = client.head(url)
        assert b"".join(response) == b""
        assert response.status_code == client.get(url).status_code, name


# --- What a page offers is what its reader may do.


def lives(author):
    """Orders in all states that a page shows differently, and money that fits none."""
    unmatched()
    lively = placed(customer_note="Ring twice")
    record_payment(lively, amount=10, method="cash")
    add_note(lively, text="By its reader", user=author)
    flagged(lively)
    refunded = PAID()
    record_refund(refunded, amount=1, method="cash")
    sent = placed()
    ship(sent, tracking_number="3232")
    archived = MADE["unarchive"]()
    put_away = done(cancel, archive)()
    at_paypal = paypal_paid(placed())
    return [placed(), lively, refunded, sent, PAID(), MADE["reopen"](), archived, put_away, at_paypal]


def pages_about(orders):
    urls = [reverse("wagtailadmin_home")]
    urls += [reverse(f"wagtail_orders:{name}") for name in ("list", "archived", "all")]
    urls += [reverse(f"wagtail_orders:{name}_results") for name in ("list", "archived", "all")]
    urls += [page_of(order) for order in orders]
    urls.append(reverse("wagtail_orders:compare", args=[orders[0].pk, orders[5].pk]))
    mail = given_up_mail()
    urls.append(reverse("wagtail_orders:mail", args=[mail.order.pk, mail.pk]))
    return urls


def row_of(url):
    """The row of the table that an address belongs to, or None."""
    match = resolve(urlsplit(url).path)
    if match.view_name == "wagtail_bulk_action":
        return f"bulk:{match.kwargs['action']}"
    if match.namespace != "wagtail_orders":
        return None
    slug = match.kwargs.get("action")
    return f"{match.url_name}:{slug}" if slug else match.url_name


def offered(document):
    """What a page's forms and buttons would send, and its dialogs' buttons."""
    sent = [form.get("action") or "" for form in document.xpath("//form[@method='post']")]
    sent += document.xpath("//@formaction")
    dialogs = [name for name in document.xpath("//@data-a11y-dialog-show") if name.startswith("orders-")]
    return sent, dialogs


@pytest.mark.parametrize("role", ["view", "change", "delete", "both", "owner"])
def test_a_page_offers_only_what_its_reader_may_do(enter, role):
    client, user = enter(role)
    orders = lives(user)
    seen = set()
    for url in pages_about(orders):
        document = parsed(client.get(url))
        sent, dialogs = offered(document)
        for address in filter(None, sent):
            seen.add(row_of(address))
            assert EXPECTED[role][row_of(address), "POST"] == "done", (url, address)
        for dialog in dialogs:
            assert document.xpath(f"//*[@id='{dialog}']"), (url, dialog)
        for address in set(document.xpath("//a/@href")):
            if urlsplit(address).path.startswith("/admin/") and row_of(address):
                seen.add(row_of(address))
                assert EXPECTED[role][row_of(address), "GET"] == "page", (url, address)
    by_right = {
        name
        for name in NAMES
        if EXPECTED[role][name, "POST"] == "done"
        and name not in ("undo", "action:unpay", "action:refund")
        and not name.startswith(("import", "job"))
    }
    # "Ship" and the like are offered where they make sense; all that may be done is offered somewhere.
    assert by_right <= seen


def test_who_may_only_look_sees_nothing_that_could_be_sent(enter):
    client, user = enter("view")
    for url in pages_about(lives(user)):
        document = parsed(client.get(url))
        assert offered(document) == ([], []), url
        main = document.xpath("//main")[0] if document.xpath("//main") else document
        assert not main.xpath(".//*[@data-bulk-action-checkbox or @data-bulk-action-button]"), url
        assert not main.xpath(".//button[@type='submit' and not(ancestor::form[@method='get'])]"), url
        for address in set(document.xpath("//a/@href")):
            if urlsplit(address).path.startswith("/admin/") and row_of(address):
                assert client.get(address).status_code == 200, address


def test_what_was_offered_to_others_fails_for_who_may_only_look(enter):
    client, _user = enter("view")
    order = placed()
    before = tables()
    for slug in set(ACTIONS) | set(FORMS):
        data = DATA.get(slug, with_facts())(order, slug)
        client.post(button(order, slug), {**data, f"{slug}-version": order.version})
    assert tables() == before


def test_a_request_without_a_page_is_refused_as_such(enter):
    client, _user = enter("nothing")
    order = placed()
    response = client.get(page_of(order), headers={"x-requested-with": "XMLHttpRequest"})
    assert response.status_code == 403
    assert order.number not in response.content.decode()


def test_a_post_without_its_token_is_refused_at_every_address(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    for name in NAMES:
        url, data = ask_for(name, logged_in(owner), owner)
        data.pop("csrfmiddlewaretoken", None)
        before = tables()
        assert client.post(url, data).status_code == 403, name
        assert tables() == before
