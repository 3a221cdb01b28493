"""The pages that ship many orders: a number beside each, or a table that is shown first and then done."""

import csv
import io
from urllib.parse import urlencode

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.urls import reverse
from django.utils import translation

from wagtail_orders.admin import parcel_table, ship_many
from wagtail_orders.lifecycle import Address, cancel, edit_customer, mark_handled, ship
from wagtail_orders.models import Notification, Order, OrderSettings, Shipment, ShippingMethod

from .desk import filled, parsed, said, tables, user_with, words
from .orders import placed
from .test_query_counts import Counted
from .test_ship_many import copies

pytestmark = pytest.mark.django_db

ROWS = "/admin/bulk/wagtail_orders/order/ship/"
TABLE = "/admin/orders/ship-many/"
LISTING = "/admin/orders/"
#: The one is right, the other is its twin with two digits changed places (UPU S10).
RIGHT, MISTYPED = "RR123456785BE", "RR123456875BE"


@pytest.fixture
def post():
    return ShippingMethod.objects.create(
        name="Post", carrier="bpost", tracking_url_template="https://track.example/{country}/{number}"
    )


@pytest.fixture
def courier():
    return ShippingMethod.objects.create(
        name="Courier", carrier="dhl", tracking_url_template="https://courier.example/{number}"
    )


@pytest.fixture
def orders(post):
    return [placed(number=f"A-{count}", shipping_method=post) for count in range(1, 4)]


def parcels():
    """Each parcel's order, method, number and link."""
    return [
        (parcel.order.number, parcel.shipping_method_name, parcel.tracking_number, parcel.tracking_url)
        for parcel in Shipment.objects.select_related("order").order_by("order__number", "pk")
    ]


def numbers():
    return [(order, number) for order, _method, number, _link in parcels()]


# --- A number beside each


def ticked(orders, listing=LISTING):
    return ROWS + "?" + urlencode([*(("id", order.pk) for order in orders), ("next", listing)])


def form_in(response, status=200):
    assert response.status_code == status
    [form] = parsed(response).xpath("//form[contains(@class, 'orders-form')]")
    return form


def typed(form, numbers, **others):
    """What the page's form sends with these numbers, given by their orders."""
    values = filled(form) | {f"number_{order.pk}": number for order, number in numbers.items()} | others
    return {name: value for name, value in values.items() if value is not None}


def fields_of(form):
    return [field.get("name") for field in form.xpath(".//td//input[not(@type='hidden')]")]


def errors_of(form):
    """What stands beside each row, by the order's number."""
    return {
        words(row.xpath("./td[1]")[0]): [words(error) for error in row.xpath(".//p")]
        for row in form.xpath(".//tbody/tr")
        if row.xpath(".//p")
    }


def test_each_ticked_order_has_a_row_with_one_field_in_the_listings_order(desk, orders):
    goes_to = Address(name="Jan", street="Korenmarkt 1", postal_code="9000", city="Gent", country="BE")
    far = placed(number="A-4", shipping_address=goes_to, customer_name="Jan de Vries")

    form = form_in(desk.get(ticked([*orders, far], f"{LISTING}?ordering=number")))

    rows = [[words(cell) for cell in row.xpath("./td")[:4]] for row in form.xpath(".//tbody/tr")]
    assert rows == [
        ["A-1", "Zoë Müller", "Ixelles, Belgium", "Post"],
        ["A-2", "Zoë Müller", "Ixelles, Belgium", "Post"],
        ["A-3", "Zoë Müller", "Ixelles, Belgium", "Post"],
        ["A-4", "Jan de Vries", "Gent, Belgium", ""],
    ]
    assert fields_of(form) == [f"number_{order.pk}" for order in [*orders, far]]
    assert form_in(desk.get(ticked(orders, f"{LISTING}?ordering=-number"))).xpath(".//td[1]/text()") == [
        "A-3",
        "A-2",
        "A-1",
    ]


def test_from_the_first_field_tab_leads_to_the_next_and_to_nothing_else(desk, orders):
    form = form_in(desk.get(ticked(orders)))

    focusable = form.xpath(".//*[self::a or self::button or self::select or self::input[@type!='hidden']]")
    names = [element.get("name") or element.tag for element in focusable]
    assert names == [
        "shipping_method",
        *(f"number_{order.pk}" for order in reversed(orders)),
        "notify_customer",
        "handled",
        "button",
        "a",
    ]
    assert not form.xpath(".//*[@tabindex]")


def test_what_is_typed_is_shipped_and_what_is_left_empty_is_not(desk, owner, orders):
    first, _second, third = orders
    form = form_in(desk.get(ticked(orders)))
    assert "Orders whose field stays empty are not shipped." in words(form)

    response = desk.post(form.get("action"), typed(form, {first: " J1 ", third: "J3"}))

    assert (response.status_code, response.url) == (302, LISTING)
    assert said(response) == ["2 orders shipped."]
    assert parcels() == [
        ("A-1", "Post", "J1", "https://track.example/BE/J1"),
        ("A-3", "Post", "J3", "https://track.example/BE/J3"),
    ]
    assert [order.is_handled for order in Order.objects.order_by("number")] == [True, False, True]
    assert {event.actor for event in first.events.filter(kind__in=["shipped", "handled"])} == {owner}


def test_one_method_may_be_chosen_for_all_and_a_pasted_link_knows_its_own(desk, orders, courier):
    first, second, _third = orders
    form = form_in(desk.get(ticked(orders)))
    choices = form.xpath(".//select[@name='shipping_method']/option/text()")
    assert choices == ["Each order's own", "Courier", "Post"]
    link = "https://track.example/BE/J2"

    desk.post(form.get("action"), typed(form, {first: "J1", second: link}, shipping_method=str(courier.pk)))

    assert parcels() == [
        ("A-1", "Courier", "J1", "https://courier.example/J1"),
        ("A-2", "Post", "J2", link),
    ]


@pytest.mark.parametrize("is_ticked", [True, False])
def test_customers_are_told_if_ticked_as_the_settings_preset_it(
    desk, site, orders, is_ticked, django_capture_on_commit_callbacks
):
    OrderSettings.objects.create(site=site, mail_shipped=is_ticked)
    Order.objects.update(site=site)
    form = form_in(desk.get(ticked(orders)))
    assert form.fields["notify_customer"] == ("on" if is_ticked else None)

    with django_capture_on_commit_callbacks(execute=True):
        desk.post(form.get("action"), typed(form, {orders[0]: "J1", orders[1]: "J2"}))

    assert Notification.objects.filter(kind="shipped").count() == (2 if is_ticked else 0)


def test_orders_stay_open_without_the_tick_for_handled(desk, orders):
    form = form_in(desk.get(ticked(orders)))
    assert form.fields["handled"] == "on"

    desk.post(form.get("action"), typed(form, {orders[0]: "J1"}, handled=None))

    assert Order.objects.get(number="A-1").fulfillment_status == "partially_fulfilled"


def test_nothing_is_shipped_until_every_row_is_right_and_what_was_typed_stays(desk, orders):
    first, second, third = orders
    form = form_in(desk.get(ticked(orders)))
    entries = {first: "J1", second: "javascript:alert(1)", third: "9" * 256}
    before = tables()

    refused = form_in(desk.post(form.get("action"), typed(form, entries)), status=422)

    assert tables() == before
    assert errors_of(refused) == {
        "A-2": [
            "javascript:alert(1) is no web address. Paste the whole link, from https:// on, or the number alone."
        ],
        "A-3": ["A parcel number has at most 255 characters."],
    }
    assert {refused.fields[f"number_{order.pk}"] for order in orders} == set(entries.values())
    assert fields_of(refused) == fields_of(form)
    desk.post(refused.get("action"), typed(refused, {second: "J2", third: ""}))
    assert numbers() == [("A-1", "J1"), ("A-2", "J2")]


def test_a_page_sent_empty_asks_for_a_number(desk, orders):
    form = form_in(desk.get(ticked(orders)))

    refused = form_in(desk.post(form.get("action"), filled(form)), status=422)

    assert "Type at least one parcel number." in words(refused)
    assert not Shipment.objects.exists()


def test_a_doubtful_number_is_questioned_and_goes_once_it_is_called_right(desk, orders):
    form = form_in(desk.get(ticked(orders)))
    assert "is_certain" not in form.fields

    asked = form_in(desk.post(form.get("action"), typed(form, {orders[0]: MISTYPED, orders[1]: RIGHT})), 422)

    assert errors_of(asked) == {"A-1": [f"Look once more: the check digit of {MISTYPED} does not fit."]}
    assert not Shipment.objects.exists()
    desk.post(asked.get("action"), typed(asked, {}, is_certain="on"))
    assert numbers() == [("A-1", MISTYPED), ("A-2", RIGHT)]


def test_a_number_on_two_orders_is_questioned_and_goes_once_it_is_called_right(desk, orders):
    form = form_in(desk.get(ticked(orders)))

    asked = form_in(desk.post(form.get("action"), typed(form, {orders[0]: "J1", orders[1]: "J1"})), 422)

    assert errors_of(asked) == {"A-1": ["Order A-2 has the same parcel number."]} or errors_of(asked) == {
        "A-2": ["Order A-1 has the same parcel number."]
    }
    assert not Shipment.objects.exists()
    desk.post(asked.get("action"), typed(asked, {}, is_certain="on"))
    assert numbers() == [("A-1", "J1"), ("A-2", "J1")]


def test_an_order_that_somebody_changed_is_looked_at_once_more(desk, orders):
    form = form_in(desk.get(ticked(orders)))
    ship(orders[0], lines={orders[0].lines.first(): 1}, handled=False)
    before = tables()

    asked = form_in(desk.post(form.get("action"), typed(form, {orders[0]: "J1", orders[1]: "J2"})), 422)

    assert tables() == before
    assert list(errors_of(asked)) == ["A-1"]
    assert asked.fields[f"number_{orders[0].pk}"] == "J1"
    desk.post(asked.get("action"), filled(asked))
    assert numbers()[1:] == [("A-1", "J1"), ("A-2", "J2")]


def test_what_cannot_be_shipped_is_listed_with_its_reason_and_has_no_field(desk, orders):
    cancel(orders[0])
    ship(orders[1])

    response = desk.get(ticked(orders))

    assert fields_of(form_in(response)) == [f"number_{orders[2].pk}"]
    told = [words(entry) for entry in parsed(response).xpath("//div[contains(@class, 'help-block')]//li")]
    assert told == ["A-2 has nothing left to send", "A-1 is cancelled; reopen it first"]


def test_the_page_sent_twice_sends_nothing_twice(desk, orders):
    form = form_in(desk.get(ticked(orders)))
    entries = typed(form, {orders[0]: "J1", orders[1]: "J2"})
    desk.post(form.get("action"), entries)

    again = desk.post(form.get("action"), entries | {f"number_{orders[2].pk}": "J3"})

    assert said(again)[-2:] == ["1 order shipped.", "2 not shipped: A-1, A-2 have nothing left to send."]
    assert numbers() == [("A-1", "J1"), ("A-2", "J2"), ("A-3", "J3")]


def test_at_most_two_hundred_have_room_and_the_others_are_told_of(desk, post, monkeypatch):
    monkeypatch.setattr(ship_many, "MOST_ROWS", 4)
    copies(placed(shipping_method=post), 5)

    response = desk.get(ROWS + "?" + urlencode({"id": "all", "next": f"{LISTING}?ordering=-number"}))

    assert "These are 6 orders; the first 4 are here. Ship them with a CSV file" in words(parsed(response))
    assert parsed(response).xpath(f"//div[contains(@class, 'help-block')]//a[@href='{TABLE}']")
    form = form_in(response)
    assert form.xpath(".//td[1]/text()") == [f"copy-0000{count}" for count in (4, 3, 2, 1)]
    assert ship_many.MOST_ROWS == 4
    last = Order.objects.get(number="copy-00001")
    response = desk.post(form.get("action"), typed(form, {last: "J1"}))
    assert (response.url, numbers()) == (f"{LISTING}?ordering=-number", [("copy-00001", "J1")])


def test_all_means_what_the_filter_shows(desk, orders):
    mark_handled(orders[1])

    response = desk.get(
        ROWS + "?" + urlencode({"id": "all", "next": f"{LISTING}?fulfillment_status=unfulfilled"})
    )

    assert form_in(response).xpath(".//td[1]/text()") == ["A-3", "A-1"]


def test_orders_that_nobody_ticked_are_not_reached_through_the_page(desk, orders):
    form = form_in(desk.get(ticked(orders[:1])))

    desk.post(form.get("action"), typed(form, {orders[0]: "J1", orders[1]: "J2"}))

    assert numbers() == [("A-1", "J1")]


def test_no_ticked_order_is_said(desk):
    assert "No order is selected." in words(parsed(desk.get(ticked([]))))


def test_a_broken_database_is_told(desk, orders, monkeypatch):
    def broken(*args, **kwargs):
        raise DatabaseError("disk full")

    form = form_in(desk.get(ticked(orders)))
    monkeypatch.setattr(ship_many.lifecycle, "ship_many", broken)

    response = desk.post(form.get("action"), typed(form, {orders[0]: "J1"}))

    assert said(response) == [
        "The database broke off: 0 of 1 orders were changed, the others were not. Try again with those."
    ]


def test_the_listing_leads_to_both(desk, orders):
    page = parsed(desk.get(LISTING))

    assert [words(link) for link in page.xpath(f"//a[@href='{TABLE}']")] == ["Ship many"]
    bar = page.xpath("//*[@data-bulk-action-button]/@href")
    assert [url.split("/")[-2] for url in bar] == [
        "mark-paid",
        "ship",
        "mark-handled",
        "archive",
        "print",
        "export",
        "cancel",
        "delete",
    ]
    archive = parsed(desk.get("/admin/orders/archived/")).xpath("//*[@data-bulk-action-button]/@href")
    assert ROWS not in archive


# --- A table


def look(desk, text="", *, file=None, status=200):
    """The page that says what a table would do."""
    data = {"text": text} if file is None else {"file": SimpleUploadedFile("parcels.csv", file)}
    response = desk.post(TABLE, data)
    assert response.status_code == status
    return Preview(response)


class Preview:
    """What the page says of a table, and what its form would send."""

    def __init__(self, response):
        document = parsed(response)
        [self.main] = document.xpath("//div[contains(@class, 'orders-bulk')]")
        [self.form] = document.xpath("//form[contains(@class, 'orders-form')]")
        self.text = words(self.main)
        self.sums = [words(one) for one in self.main.xpath("./p[not(@class)]")]
        self.wrong = [words(one) for one in self.main.xpath(".//ul[@class='orders-wrong']/li")]
        self.rows = [[words(cell) for cell in row.xpath("./td")] for row in self.main.xpath(".//tbody/tr")]
        self.errors = [words(one) for one in self.main.xpath(".//*[@class='error-message']")]
        self.button = [words(one) for one in self.form.xpath("./button")]

    def sent(self, **changes):
        values = filled(self.form) | changes
        return {name: value for name, value in values.items() if value is not None}


def confirm(desk, preview, **changes):
    return desk.post(TABLE, preview.sent(**changes))


def test_a_table_is_shown_first_and_then_done(desk, owner, orders, courier):
    text = "A-1;Post;J1\nA-2;courier;J2\nA-3;;J3"
    before = tables()

    preview = look(desk, text)

    assert tables() == before
    assert preview.sums == ["3 parcels for 3 orders will be noted."]
    assert preview.rows == [
        ["1", "A-1", "Zoë Müller", "Post", "J1", "https://track.example/BE/J1"],
        ["2", "A-2", "Zoë Müller", "Courier", "J2", "https://courier.example/J2"],
        ["3", "A-3", "Zoë Müller", "Post", "J3", "https://track.example/BE/J3"],
    ]
    assert preview.button == ["Ship 3 orders"]
    response = confirm(desk, preview)
    assert (response.status_code, response.url) == (302, LISTING)
    assert said(response) == ["3 orders shipped."]
    assert parcels() == [(row[1], *row[3:]) for row in preview.rows]
    assert {order.is_handled for order in Order.objects.all()} == {True}
    assert {event.actor for event in orders[0].events.filter(kind="shipped")} == {owner}


def test_wrong_lines_are_told_by_their_number_with_why_and_left_out(desk, orders):
    sent, gone, more = (placed(number=number) for number in ("sent", "gone", "more"))
    ship(sent)
    cancel(gone)
    text = "\n".join(
        [
            "A-1;Post;J1",
            "",
            "X-9;Post;J2",
            "A-2;Pigeon;J3",
            "sent;;J4",
            "gone;;J5",
            "A-3;;ftp://track.example/1",
            "A-1;; j1 ",
            "A-1;;J1",
            ";;J6",
            "A-1;;J7",
            'A-1;"Post;J8',
            "more;Post;J9;J10",
            ";;",
        ]
    )

    preview = look(desk, text)

    assert preview.wrong == [
        "Line 3 (X-9): There is no order with this number.",
        "Line 4 (A-2): There is no shipping method “Pigeon”.",
        "Line 5 (sent): Order sent has nothing left to send.",
        "Line 6 (gone): Order gone is cancelled; reopen it first.",
        "Line 7 (A-3): ftp://track.example/1 is no web address. "
        "Paste the whole link, from https:// on, or the number alone.",
        "Line 9 (A-1): Line 1 says the same.",
        "Line 10: The order number is missing.",
        "Line 12: The quotation marks do not match.",
        "Line 13 (more): There are more than three columns.",
    ]
    assert preview.sums == [
        "3 parcels for 1 order will be noted.",
        "9 lines are wrong and will be left out.",
    ]
    assert preview.button == ["Ship 1 order"]
    assert said(confirm(desk, preview)) == ["1 order shipped."]
    assert numbers() == [("A-1", "J1"), ("A-1", "j1"), ("A-1", "J7"), ("sent", "")]
    assert not more.shipments.exists()


def test_an_order_goes_with_all_its_lines_or_with_none(desk, orders):
    preview = look(desk, "A-1;;J1\nA-2;;J2\nA-1;Pigeon;J3\nA-1;;J4")

    assert preview.wrong == [
        "Line 1 (A-1): Line 3 of the same order is wrong.",
        "Line 3 (A-1): There is no shipping method “Pigeon”.",
        "Line 4 (A-1): Line 3 of the same order is wrong.",
    ]
    confirm(desk, preview)
    assert numbers() == [("A-2", "J2")]


def test_lines_without_a_parcel_number_are_counted_apart(desk, orders):
    preview = look(desk, "A-1;Post;\nA-2;Post;J2\nA-3;Post;")

    assert preview.sums == [
        "1 parcel for 1 order will be noted.",
        "2 lines have no parcel number and will be left out.",
    ]
    assert "Without a parcel number: line 1 (A-1), line 3 (A-3)" in preview.text
    assert preview.wrong == []
    confirm(desk, preview)
    assert numbers() == [("A-2", "J2")]


def test_a_table_in_which_nothing_is_right_has_no_button(desk, orders):
    preview = look(desk, "X-1;;J1")

    assert (preview.button, preview.rows) == ([], [])
    before = tables()
    assert confirm(desk, preview).status_code == 409
    assert tables() == before


def test_lines_can_be_corrected_in_the_preview(desk, orders):
    preview = look(desk, "A-1;;J1\nA-Z;;J2")
    assert preview.form.fields["text"].strip("\n") == "A-1;;J1\nA-Z;;J2"

    again = Preview(desk.post(TABLE, preview.sent(text="A-1;;J1\r\nA-2;;J2", again="yes")))

    assert again.wrong == []
    confirm(desk, again)
    assert numbers() == [("A-1", "J1"), ("A-2", "J2")]


def test_lines_keep_their_numbers_on_the_way_through_the_page(desk, orders):
    preview = look(desk, "\n\n\nA-1;;J1\nA-Z;;J2\n")
    assert preview.wrong == ["Line 5 (A-Z): There is no order with this number."]

    again = Preview(desk.post(TABLE, preview.sent(again="yes")))

    assert again.wrong == preview.wrong
    assert confirm(desk, again).status_code == 302


def test_doubtful_numbers_are_questioned_before_they_go(desk, orders):
    preview = look(desk, f"A-1;;{MISTYPED}\nA-2;;{RIGHT}")
    assert f"Look once more: the check digit of {MISTYPED} does not fit." in preview.text
    before = tables()

    asked = confirm(desk, preview)

    assert (asked.status_code, tables() == before) == (422, True)
    confirm(desk, Preview(asked), is_certain="on")
    assert numbers() == [("A-1", MISTYPED), ("A-2", RIGHT)]


def test_numbers_on_several_orders_are_questioned_before_they_go(desk, orders):
    preview = look(desk, "A-1;;J1\nA-2;;J1\nA-3;;J3")
    assert "Look once more: several orders have the same number: J1." in preview.text

    asked = confirm(desk, preview)

    assert (asked.status_code, Shipment.objects.exists()) == (422, False)
    confirm(desk, Preview(asked), is_certain="on")
    assert numbers() == [("A-1", "J1"), ("A-2", "J1"), ("A-3", "J3")]


def test_what_changed_meanwhile_is_shown_again_before_anything_is_done(desk, orders):
    preview = look(desk, "A-1;;J1\nA-2;;J2")
    ship(orders[0], tracking_number="other")
    before = tables()

    response = confirm(desk, preview, notify_customer=None)

    assert (response.status_code, tables() == before) == (409, True)
    again = Preview(response)
    assert "Something changed since you looked" in again.text
    assert again.wrong == ["Line 1 (A-1): Order A-1 has nothing left to send."]
    assert "notify_customer" not in again.sent()
    assert confirm(desk, again).status_code == 302
    assert numbers() == [("A-1", "other"), ("A-2", "J2")]


def test_a_method_that_was_corrected_meanwhile_is_shown_again(desk, orders, post):
    preview = look(desk, "A-1;;J1")
    post.tracking_url_template = "https://new.example/{number}"
    post.save()

    response = confirm(desk, preview)

    assert (response.status_code, parcels()) == (409, [])
    confirm(desk, Preview(response))
    assert parcels() == [("A-1", "Post", "J1", "https://new.example/J1")]


def test_the_table_sent_twice_sends_nothing_twice(desk, orders):
    preview = look(desk, "A-1;;J1")
    confirm(desk, preview)

    again = confirm(desk, preview)

    assert again.status_code == 409
    assert numbers() == [("A-1", "J1")]


def test_customers_get_one_mail_an_order_if_ticked(desk, orders, django_capture_on_commit_callbacks):
    preview = look(desk, "A-1;;J1\nA-1;;J2\nA-2;;J3")
    assert preview.form.fields["notify_customer"] == "on"

    with django_capture_on_commit_callbacks(execute=True):
        confirm(desk, preview)

    mails = Notification.objects.filter(kind="shipped").order_by("pk")
    assert [mail.event.data["tracking_number"] for mail in mails] == ["J2", "J3"]


def test_a_method_is_found_by_name_or_carrier_in_either_case(desk, orders, post, courier):
    old = ShippingMethod.objects.create(name="Old Post", carrier="bpost", is_active=False)
    text = "A-1;BPOST;J1\nA-2;DHL;J2\nA-3;old post;J3"

    assert [row[3] for row in look(desk, text).rows] == ["Post", "Courier", old.name]
    Order.objects.filter(number="A-1").update(shipping_method=old, shipping_method_name="As it was called")
    assert [row[3] for row in look(desk, "A-1;bpost;J1").rows] == ["Old Post"]
    assert [row[3] for row in look(desk, "A-1;as it was CALLED;J1").rows] == ["Old Post"]


# --- What a table may look like


SHAPES = [
    "A-1,Post,J1\nA-2,,J2",
    "A-1;Post;J1\r\nA-2;;J2\r\n",
    "A-1\tPost\tJ1\rA-2\t\tJ2",
    "\n\nA-1;J1\n;\nA-2;J2\n\n",
    "\ufeffA-1;J1\nA-2;J2",
    '"A-1","Post","J1"\n"A-2","","J2"',
    "Order number,Shipping method,Parcel number\nA-1,Post,J1\nA-2,,J2",
    "Colis;N° de commande;Client;Mode d'expédition\nJ1;A-1;Zoë;Post\nJ2;A-2;Zoë;",
    "Numéro de suivi\tCommande\nJ1\tA-1\nJ2\tA-2",
    "Bestelnummer;Verzendmethode;Track & Trace\nA-1;Post;J1\nA-2;;J2",
    "Sendungsnummer;Bestell-Nr.;Versandart\nJ1;A-1;Post\nJ2;A-2",
    'order,note,tracking\nA-1,"two\nlines, and a ""quote""",J1\nA-2,,J2',
    "number,method,parcel number\nA-1,Post,J1\nA-2,,J2",
    "A-1 ; Post ; J1 \n A-2;;J2",
]


@pytest.mark.parametrize("text", SHAPES, ids=range(len(SHAPES)))
def test_tables_of_many_shapes_say_the_same(desk, orders, text):
    preview = look(desk, text)

    assert preview.wrong == []
    assert [(row[1], row[4]) for row in preview.rows] == [("A-1", "J1"), ("A-2", "J2")]


ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_of_several_encodings_are_read(desk, orders, encoding):
    ShippingMethod.objects.create(name="Vélo")

    preview = look(desk, file="Commande;Méthode;Suivi\nA-1;vélo;J1\nA-2;;J2".encode(encoding))

    assert [row[3] for row in preview.rows] == ["Vélo", "Post"]
    confirm(desk, preview)
    assert numbers() == [("A-1", "J1"), ("A-2", "J2")]


NO_TABLES = [
    ("", "There is no line with a parcel in it."),
    (" \n;;\n", "There is no line with a parcel in it."),
    ("Order number;Parcel number\n", "There is no line with a parcel in it."),
    ("Order number;Customer\nA-1;Zoë", "The first line names no column with parcel numbers."),
    (
        "PK\x03\x04\0\0",
        "This is no CSV file. Save it as CSV in your spreadsheet first, or paste its lines here.",
    ),
    ("A-1;J1\n" * 5001, "These are 5,001 lines; 5,000 at a time can be shipped."),
    ("A-1;" + "J" * 2_000_000, "This is more than 2 MB. Send it in several parts."),
    ("\n" * 1_000_001, "This is more than 2 MB. Send it in several parts."),
]


@pytest.mark.parametrize(("text", "error"), NO_TABLES, ids=range(len(NO_TABLES)))
def test_what_is_no_table_or_too_large_is_refused_in_words(desk, orders, text, error):
    response = desk.post(TABLE, {"file": SimpleUploadedFile("parcels.csv", text.encode())})

    assert response.status_code == 422
    assert [words(one) for one in parsed(response).xpath("//*[@class='error-message']")] == [error]
    assert not Shipment.objects.exists()


def test_five_thousand_lines_are_not_too_many(desk):
    placed(number="A-1")
    assert len(parcel_table.read_table("A-1;J1\n" * 5000)) == 5000


HOSTILE = "<script>alert(1)</script>"


def test_hostile_cells_show_as_text_and_end_in_links_as_text(desk, orders, post):
    text = f'A-1;;<b>"&x=#%0a..\n{HOSTILE};;1\nA-2;{HOSTILE};1\nA-3;;javascript:alert(1)'

    response = desk.post(TABLE, {"text": text})

    assert HOSTILE not in response.content.decode()
    preview = Preview(response)
    [link] = preview.main.xpath(".//td/a/@href")
    assert link == "https://track.example/BE/%3Cb%3E%22%26x%3D%23%250a.."
    assert [line.split(" ", 2)[:2] for line in preview.wrong] == [
        ["Line", f"{number}"] for number in (2, 3, 4)
    ]


# --- Orders to ship, as a table to fill in


def as_file(response):
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="orders-to-ship.csv"'
    return response.content


def test_the_orders_that_await_shipping_come_as_a_table_and_go_back_filled_in(desk, orders):
    ship(orders[1])
    cancel(orders[2])
    placed(number="=1+1")
    page = parsed(desk.get(TABLE))
    [url] = page.xpath("//a[@download]/@href")

    content = as_file(desk.get(url))

    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [
        ["Order number", "Shipping method", "Parcel number"],
        ["A-1", "Post", ""],
        ["'=1+1", "", ""],
    ]
    back = content.decode("utf-8-sig").replace("Post,", "Post,J1").replace("'=1+1,,", "'=1+1,,J2")
    confirm(desk, look(desk, file=back.encode("utf-8-sig")))
    assert numbers() == [("=1+1", "J2"), ("A-1", "J1"), ("A-2", "")]


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("'t Pakje", "'t Pakje")],
)
def test_no_cell_is_a_formula_and_each_is_read_back_as_it_was(cell, written):
    content = parcel_table.write_table([("A-1", cell, "J1")]).decode("utf-8-sig")

    assert list(csv.reader(io.StringIO(content)))[1][1] == written
    assert parcel_table.read_table(parcel_table.tidy(content))[0].method == cell.strip()


@pytest.mark.parametrize(("language", "separator"), [("en", ","), ("fr", ";"), ("nl", ";"), ("de", ";")])
def test_the_table_is_written_for_the_readers_spreadsheet_and_read_in_her_language(language, separator):
    with translation.override(language):
        content = parcel_table.write_table([("A-1", "Post", "J1")]).decode("utf-8-sig")
        assert f"A-1{separator}Post{separator}J1" in content
        assert [line.order for line in parcel_table.read_table(parcel_table.tidy(content))] == ["A-1"]


# --- Who may


@pytest.mark.parametrize("codenames", [(), ("view_order", "export_order"), ("delete_order",)], ids=str)
def test_who_may_not_change_orders_ships_none(client, django_user_model, owner, orders, codenames):
    client.force_login(owner)
    rows = typed(form_in(client.get(ticked(orders))), {orders[0]: "J1"})
    table = look(client, "A-1;;J1").sent()
    client.force_login(user_with(django_user_model, *codenames))
    before = tables()

    urls = [ticked(orders), TABLE, reverse("wagtail_orders:orders_to_ship")]
    answers = [client.get(url) for url in urls]
    answers += [client.post(ROWS, rows), client.post(TABLE, table), client.post(TABLE, {"text": "A-1;;J1"})]

    assert [answer.status_code for answer in answers] == [302] * 6
    assert tables() == before
    if codenames:
        assert not parsed(client.get(LISTING)).xpath(f"//a[@href='{TABLE}']")


def test_who_may_change_orders_ships_them(client, django_user_model, orders):
    client.force_login(user_with(django_user_model, "change_order"))

    confirm(client, look(client, "A-1;;J1"))

    assert numbers() == [("A-1", "J1")]
    assert as_file(client.get(reverse("wagtail_orders:orders_to_ship")))


# --- What it costs


@pytest.fixture
def five_hundred(site, post):
    return copies(placed(number="first", shipping_method=post), 500)


#: Session, user and profile; orders, addresses, what is left (four), methods.
TO_READ = 3 + 7
#: Whether the sites tell their customers, and the admin's own look at languages and pages.
TO_SHOW = 4
#: What the verb takes without begin and commit (see test_ship_many.py), the earlier parcels that the mails tell of too,
#: Wagtail's log and the mails' rows, and what the message asks for its button.
TO_SHIP = 13 + 1 + 1 + 1 + 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [50, 500])
def test_a_table_costs_the_same_however_many_orders_it_ships(desk, five_hundred, count):
    ContentType.objects.get_for_model(Order)
    text = "".join(f"{order.number};Post;J{order.pk}\n" for order in five_hundred[:count])
    look(desk, "first;;")

    with Counted() as looked:
        preview = look(desk, text)
    with Counted() as done:
        response = confirm(desk, preview)

    assert said(response) == [f"{count} orders shipped."]
    assert Shipment.objects.count() == Order.objects.handled().count() == count
    assert looked.in_all() == TO_READ + TO_SHOW, looked
    assert done.in_all() == TO_READ + TO_SHIP, done


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [5, 50])
def test_the_rows_cost_the_same_however_many_they_are(desk, five_hundred, count):
    ContentType.objects.get_for_model(Order)
    orders = five_hundred[:count]
    desk.get(ticked(orders[:1]))

    with Counted() as shown:
        form = form_in(desk.get(ticked(orders)))
    with Counted() as sent:
        response = desk.post(form.get("action"), typed(form, {order: f"J{order.pk}" for order in orders}))

    assert said(response) == [f"{count} orders shipped."]
    # Which orders there are, and in which order the listing has them.
    assert shown.in_all() == TO_READ + 2 + TO_SHOW, shown
    # Nothing foresees what the verb refuses.
    assert sent.in_all() == TO_READ + 1 - 4 + TO_SHIP, sent


@pytest.mark.django_db(transaction=True)
def test_five_hundred_orders_with_wrong_lines_among_them_are_shipped_and_no_other(desk, five_hundred):
    lines = [f"{order.number};Post;J{order.pk}" for order in five_hundred]
    for position in (100, 200, 300):
        lines.insert(position - 1, f"wrong-{position};Post;J")
    untouched = Order.objects.get(number="first")
    version = untouched.version

    preview = look(desk, file="\r\n".join(["Order number;Method;Parcel", *lines]).encode())

    assert preview.sums == [
        "500 parcels for 500 orders will be noted.",
        "3 lines are wrong and will be left out.",
    ]
    assert preview.wrong == [
        f"Line {position + 1} (wrong-{position}): There is no order with this number."
        for position in (100, 200, 300)
    ]
    assert said(confirm(desk, preview)) == ["500 orders shipped."]
    assert dict(Shipment.objects.values_list("order_id", "tracking_number")) == {
        order.pk: f"J{order.pk}" for order in five_hundred
    }
    untouched.refresh_from_db()
    assert (untouched.version, untouched.is_handled) == (version, False)


def test_what_was_unticked_stays_unticked_when_the_lines_are_looked_at_again(desk, orders):
    preview = look(desk, f"A-1;;{MISTYPED}")
    ticks = {"notify_customer": None, "handled": None, "is_certain": "on"}
    form = form_in(confirm(desk, preview, again="1", text=f"A-2;;{MISTYPED}", **ticks))
    # What is certain of one number is not so of another.
    assert not any(form.inputs[name].checked for name in ticks)
    assert not Shipment.objects.exists()


def test_an_order_that_was_changed_since_is_looked_at_again(desk, orders):
    preview = look(desk, "A-1;;J1")
    edit_customer(orders[0], email="zoe@example.org")
    assert confirm(desk, preview).status_code == 409
    assert not Shipment.objects.exists()


@pytest.mark.parametrize("text", ["A-1;;J1, J2", "A-1;Post;3.23212E+23"])
def test_a_line_has_one_whole_number(desk, orders, text):
    (wrong,) = look(desk, text).wrong
    assert "These are 2 numbers; a parcel has one." in wrong or "A spreadsheet shortened" in wrong


def test_a_tab_parts_columns_though_links_have_commas(desk, orders):
    link = "https://example.com/a,b,c;d?n=1"
    confirm(desk, look(desk, f"A-1\tPost\t{link}\nA-2\tPost\t{link}x,,,"))
    assert Shipment.objects.order_by("pk").first().tracking_url == link
