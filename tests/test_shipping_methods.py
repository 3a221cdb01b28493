"""The ways to send a parcel as the owner keeps them: chosen, tried out, refused with the reason, used."""

import json
from decimal import Decimal
from urllib.parse import urlencode, urlsplit

import pytest
from django.urls import reverse
from django.utils.translation import override

from wagtail_orders.lifecycle import ship
from wagtail_orders.models import Shipment, ShippingMethod
from wagtail_orders.tracking import carriers, is_web_link

from .desk import opened, parsed, user_with, words
from .orders import placed

pytestmark = pytest.mark.django_db

LIST = "/admin/order-shipping-methods/"
ADD = f"{LIST}add/"
TRY = f"{LIST}try/"
BPOST = "https://track.bpost.cloud/btr/web/#/search?itemCode={number}&lang={language}"
POSTNL = "https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postcode}"
RELAIS = "https://www.relaiscolis.com/suivi-de-colis/"


def method(**changes):
    return ShippingMethod.objects.create(**{"name": "Post", "tracking_url_template": BPOST, **changes})


def typed(**changes):
    """What the form sends."""
    standard = {"carrier": "", "tracking_url_template": "", "price": "4.95", "sort_order": "0"}
    return {"name": "Post", "is_active": "on", **standard, **changes}


def edit_url(method):
    return reverse("wagtail_orders_shipping_methods:edit", args=[method.pk])


def form_of(response):
    (form,) = [form for form in parsed(response).forms if "tracking_url_template" in form.fields]
    return form


def errors_of(response):
    """What is told beside each field."""
    assert response.status_code == 200
    errors = form_of(response).xpath(".//*[@data-contentpath][.//*[contains(@class, 'error-message')]]")
    return {
        error.get("data-contentpath"): words(error.xpath(".//*[contains(@class, 'error-message')]")[0])
        for error in errors
    }


def tried(client, **given):
    response = client.get(f"{TRY}?{urlencode(given)}")
    assert response.status_code == 200
    return json.loads(response.content)


# --- The list


def test_the_list_tells_what_counts_in_the_shops_own_order(desk):
    method(name="By hand", tracking_url_template="", price="0", sort_order=2, is_active=False)
    method(name="bpost", carrier="bpost", price="5.5", sort_order=1)
    method(name="Ours", carrier="bike", price="500", sort_order=3)

    (table,) = parsed(desk.get(LIST)).xpath("//table[contains(@class, 'listing')]")

    heads = [words(head) for head in table.xpath("thead//th")]
    assert heads[1:] == ["Name", "Carrier", "Price", "Offered", "Position"]
    rows = [[words(cell) for cell in row.xpath("td")] for row in table.xpath("tbody/tr")]
    assert [[row[1].removesuffix(" Edit Copy Delete"), row[2], row[3], row[5]] for row in rows] == [
        ["bpost", "bpost", "5.50", "1"],
        ["By hand", "", "0", "2"],
        ["Ours", "bike", "500", "3"],
    ]


def test_the_menu_leads_to_the_list(desk):
    props = parsed(desk.get("/admin/")).xpath("//script[@id='wagtail-sidebar-props']/text()")

    assert (
        f'"label": "Shipping methods", "icon_name": "redirect", "classname": "", "attrs": {{}}, "url": "{LIST}"'
        in (props[0])
    )


# --- The form


def test_the_known_carriers_are_offered_by_name(desk):
    choice = form_of(desk.get(ADD)).fields
    select = form_of(desk.get(ADD)).inputs["carrier"]
    options = [(option.get("value"), words(option)) for option in select]

    assert options[0] == ("", "Other / none")
    assert dict(options[1:]) == {code: carrier.name for code, carrier in carriers().items()}
    names = [name.casefold() for _code, name in options[1:]]
    assert names == sorted(names)
    assert (choice["carrier"], choice["price"]) == ("", "0")


def test_the_form_knows_each_carriers_link_without_any_script_in_the_page(desk):
    document = parsed(desk.get(ADD))

    (panel,) = document.xpath("//*[@data-orders-try]")
    assert panel.get("data-orders-try") == TRY
    templates = json.loads(panel.get("data-templates"))
    assert templates == {code: carrier.template for code, carrier in carriers().items()}
    assert [src for src in document.xpath("//script/@src") if "/shipping-method.js" in src]
    (link,) = panel.xpath(".//a")
    assert (link.get("target"), set(link.get("rel").split())) == ("_blank", {"noreferrer", "noopener"})
    assert panel.xpath(".//*[@aria-live='polite']//a")
    # The samples are no fields of the form.
    assert panel.xpath(".//input/@name") == []


def test_a_method_is_kept_with_its_carrier(desk):
    response = desk.post(ADD, typed(carrier="bpost", tracking_url_template=BPOST, sort_order="3"))

    assert response.status_code == 302
    kept = ShippingMethod.objects.get()
    assert (kept.name, kept.carrier, kept.tracking_url_template) == ("Post", "bpost", BPOST)
    assert (kept.price, kept.is_active, kept.sort_order) == (Decimal("4.95"), True, 3)
    assert kept.carrier_name == "bpost"


def test_a_method_is_corrected(desk):
    kept = method(carrier="bpost", price="4.5")
    form = form_of(desk.get(edit_url(kept))).fields
    assert (form["carrier"], form["tracking_url_template"], form["price"]) == ("bpost", BPOST, "4.50")

    desk.post(edit_url(kept), {**typed(name="Parcel", price="5"), "is_active": ""})

    kept.refresh_from_db()
    assert (kept.name, kept.carrier, kept.tracking_url_template) == ("Parcel", "", "")
    assert (kept.price, kept.is_active) == (Decimal(5), False)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("track.example.com/{number}", "The link must start with https:// or http://."),
        ("javascript:alert({number})", "The link must start with https:// or http://."),
        (
            "https://example.com/{order}/{number}",
            "{order} is no placeholder. There are: {number}, {postcode}, {country}, {language}.",
        ),
        (
            "https://{number}.evil",
            "Placeholders belong after the carrier's address, as in https://carrier.example/{number}.",
        ),
        (
            "https://good.example@{number}/",
            "Placeholders belong after the carrier's address, as in https://carrier.example/{number}.",
        ),
        (
            "https://example.com/track",
            "The link has no {number}. Write {number} where the parcel's number belongs.",
        ),
        (
            "https://example.com/{number",
            "A brace stands alone. Placeholders are written like this: {number}.",
        ),
        (
            "https://example.com/ {number}",
            "There is a space or an invisible character in the link. Take it out.",
        ),
        ("https://example.com\\{number}", "\\ cannot stand in a link. Take it out."),
        ("https:///{number}", "This is no web address. Copy it from the carrier's tracking page."),
        ("https://good@evil.example/{number}", "Take out the @ and what stands before it."),
    ],
)
@pytest.mark.parametrize("carrier", ["", "bpost"])
def test_an_unfit_link_is_refused_beside_its_field_and_when_tried(desk, template, reason, carrier):
    response = desk.post(ADD, typed(carrier=carrier, tracking_url_template=template))

    assert errors_of(response) == {"tracking_url_template": reason}
    assert form_of(response).fields["tracking_url_template"] == template
    assert not ShippingMethod.objects.exists()
    answer = tried(desk, carrier=carrier, template=template, number="1")
    assert (answer["link"], answer["refused"], answer["notes"]) == ("", reason, [])


def test_a_link_without_a_number_is_for_a_carrier_with_a_page_to_type_it_in(desk):
    assert desk.post(ADD, typed(carrier="relaiscolis", tracking_url_template=RELAIS)).status_code == 302
    assert set(errors_of(desk.post(ADD, typed(tracking_url_template=RELAIS)))) == {"tracking_url_template"}
    unsafe = typed(carrier="relaiscolis", tracking_url_template="javascript:alert(1)")
    assert set(errors_of(desk.post(ADD, unsafe))) == {"tracking_url_template"}


def test_a_method_need_not_have_a_link(desk):
    assert desk.post(ADD, typed(name="Collected")).status_code == 302
    assert ShippingMethod.objects.get().tracking_url_template == ""


def test_an_unheard_of_carrier_is_refused_but_a_projects_own_is_not_lost(desk):
    assert set(errors_of(desk.post(ADD, typed(carrier="nobody")))) == {"carrier"}
    own = method(carrier="bike")

    form = form_of(desk.get(edit_url(own)))

    assert form.fields["carrier"] == "bike"
    assert desk.post(edit_url(own), typed(carrier="bike", name="By bike")).status_code == 302
    own.refresh_from_db()
    assert (own.name, own.carrier, own.carrier_name) == ("By bike", "bike", "bike")


@pytest.mark.parametrize("price", ["", "-1", "abc", "1e5", "NaN"])
def test_a_price_that_is_none_is_refused(desk, price):
    assert set(errors_of(desk.post(ADD, typed(price=price)))) == {"price"}


# --- Tried out


def test_a_sample_shows_its_link(desk):
    answer = tried(desk, carrier="bpost", template=BPOST, number="3232 1234")

    assert answer == {
        "link": "https://track.bpost.cloud/btr/web/#/search?itemCode=32321234&lang=en",
        "refused": "",
        "notes": [],
        "asks": ["number"],
    }


def test_what_a_link_needs_besides_the_number_is_said(desk):
    answer = tried(desk, carrier="postnl", template=POSTNL, number="3S", postcode="1506 BA", country="NL")

    assert answer["link"] == "https://jouw.postnl.nl/track-and-trace/3S-NL-1506BA"
    assert answer["notes"] == ["The link needs the customer's postal code and country."]
    assert answer["asks"] == ["number", "postcode", "country"]
    own = "https://example.com/{number}/{%s}"
    for name, said in (("postcode", "postal code"), ("country", "country")):
        assert tried(desk, template=own % name, number="1")["notes"] == [
            f"The link needs the customer's {said}."
        ]
    gls = carriers()["gls"].template
    assert tried(desk, carrier="gls", template=gls, number="1")["notes"] == []


@pytest.mark.parametrize(
    ("given", "link", "note"),
    [
        ({"template": ""}, "", "Without a tracking link customers are told the parcel's number only."),
        (
            {"carrier": "relaiscolis", "template": RELAIS, "number": "1"},
            RELAIS,
            "The link leads to a page where the customer types the number in.",
        ),
        ({"template": BPOST}, "", "Type a number to see its link."),
        (
            {"template": "https://example.com/{number}", "number": ".."},
            "",
            "No link can be made of this number.",
        ),
    ],
)
def test_where_there_is_no_link_to_a_parcel_it_is_said_why(desk, given, link, note):
    answer = tried(desk, **given)

    assert (answer["link"], answer["refused"], answer["notes"]) == (link, "", [note])


@pytest.mark.parametrize(
    "number",
    [
        '"&x=<>#%0a',
        "x" * 500,
        "../..",
        "//evil.example",
        "javascript:alert(1)",
        "\x00",
        "<script>",
        "{postcode}",
    ],
)
@pytest.mark.parametrize("code", ["bpost", "postnl", "yodel", "hermes_de"])
def test_no_hostile_sample_leads_elsewhere(desk, code, number):
    template = carriers()[code].template

    link = tried(desk, carrier=code, template=template, number=number, postcode="/..", country="@")["link"]

    assert is_web_link(link)
    assert urlsplit(link).netloc == urlsplit(template).netloc


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"carrier": "../../etc", "template": "\x00{number}"},
        {"template": "https://[{number}"},
        {"template": "{" * 5000},
        {"template": "https://example.com/<script>{number}</script>", "number": "1"},
    ],
)
def test_nonsense_breaks_nothing(desk, given):
    assert tried(desk, **given)["link"] == ""


def test_trying_keeps_nothing_and_is_only_asked_for(desk):
    assert desk.post(TRY, {"template": BPOST, "number": "1"}).status_code == 405
    tried(desk, template=BPOST, number="1")
    assert not ShippingMethod.objects.exists()


def test_the_answer_is_in_the_owners_language(desk):
    with override("fr"):
        answer = json.loads(desk.get(f"{TRY}?{urlencode({'template': BPOST, 'number': '1'})}").content)

    assert answer["link"].endswith("&lang=en")
    response = desk.get(
        f"{TRY}?{urlencode({'template': BPOST, 'number': '1'})}", headers={"accept-language": "fr"}
    )
    assert json.loads(response.content)["link"].endswith("&lang=fr")


# --- Who may


@pytest.mark.parametrize(
    ("codenames", "allowed"),
    [
        ((), set()),
        (("view_order", "change_order", "delete_order"), set()),
        (("view_shippingmethod",), {LIST}),
        (("delete_shippingmethod",), {LIST}),
        (("add_shippingmethod",), {LIST, ADD, TRY}),
        (("change_shippingmethod",), {LIST, "edit", TRY}),
    ],
)
def test_each_page_asks_for_its_permission(client, django_user_model, codenames, allowed):
    kept = method()
    client.force_login(user_with(django_user_model, *codenames))

    open_to = {
        name
        for name, url in {LIST: LIST, ADD: ADD, TRY: TRY, "edit": edit_url(kept)}.items()
        if client.get(url).status_code == 200
    }

    assert open_to == allowed
    for url in (ADD, edit_url(kept)):
        client.post(url, typed(name="Changed"))
    names = set(ShippingMethod.objects.values_list("name", flat=True))
    assert names == {"Post"} if not allowed & {ADD, "edit"} else "Changed" in names


def test_nobody_tries_without_a_login(client):
    response = client.get(f"{TRY}?{urlencode({'template': BPOST, 'number': '1'})}")

    assert response.status_code == 302
    assert "/login/" in response.url


# --- In use


@pytest.mark.parametrize(
    "template",
    [
        "javascript:alert({number})",
        "https://{number}/",
        "https://good.example@{number}/",
        "data:text/html,{number}",
    ],
)
def test_an_old_unfit_method_gives_no_link_anywhere(desk, template):
    old = method(tracking_url_template=template)
    order = placed(shipping_method=old)

    shipment = ship(order, tracking_number="evil.example")

    assert shipment.tracking_url == ""
    Shipment.objects.filter(pk=shipment.pk).update(tracking_url="javascript:alert(1)")
    for document in (opened(desk, order), parsed(desk.get(edit_url(old)))):
        for link in document.xpath("//a/@href"):
            assert "evil.example" not in link
            assert not link.startswith(("javascript:", "data:"))
    # It can be mended in the form, and is not kept as it is.
    assert form_of(desk.get(edit_url(old))).fields["tracking_url_template"] == template
    assert set(errors_of(desk.post(edit_url(old), typed(tracking_url_template=template)))) == {
        "tracking_url_template"
    }


def test_a_deleted_methods_name_stays_with_its_orders_and_parcels(desk):
    used = method(name="Old post")
    shipment = ship(placed(shipping_method=used), tracking_number="1")

    response = desk.post(reverse("wagtail_orders_shipping_methods:delete", args=[used.pk]))

    assert response.status_code == 302
    assert not ShippingMethod.objects.exists()
    shipment = Shipment.objects.get(pk=shipment.pk)
    assert (shipment.shipping_method, shipment.shipping_method_name) == (None, "Old post")
    assert (shipment.order.shipping_method, shipment.order.shipping_method_name) == (None, "Old post")
    assert shipment.tracking_url == "https://track.bpost.cloud/btr/web/#/search?itemCode=1&lang=en"
