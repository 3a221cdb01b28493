"""Our own XML read: every fact arrives, each mistake is told with its place, and no file does harm."""

import dataclasses
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings

from tests.hostile import hostile_rows, written
from tests.records import PLACED, paid, record
from wagtail_orders.exports.selection import Selection
from wagtail_orders.exports.xml import XML
from wagtail_orders.imports import plan, xml
from wagtail_orders.imports.readers import detect
from wagtail_orders.imports.xml import NAMESPACE, READER
from wagtail_orders.lifecycle import Address, import_orders
from wagtail_orders.lifecycle.records import LineRecord, NoteRecord, OrderRecord, Problem
from wagtail_orders.models import Order

HEAD = f'<orders xmlns="{NAMESPACE}" version="1.0">'
ORDER = """<order number="A-1">
  <language>en</language><currency>EUR</currency><status>open</status>
  <payment_status>unpaid</payment_status><fulfillment_status>unfulfilled</fulfillment_status>
  <is_archived>false</is_archived><needs_look>false</needs_look>
  <placed_at>2024-02-29T23:59:59Z</placed_at><updated_at>2024-03-01T01:00:00+01:00</updated_at>
  <customer><name>Zoë</name></customer>
  <prices_include_tax>true</prices_include_tax>
  <lines><line position="0"><name>Mug</name><quantity>2</quantity><unit_price>21</unit_price>
    <tax_rate>0</tax_rate><discount>0</discount><total>42.00</total></line></lines>
  <totals><subtotal>42.00</subtotal><discount_total>0.00</discount_total><shipping_total>0.00</shipping_total>
    <shipping_tax_rate>0</shipping_tax_rate><tax_total>0.00</tax_total><total>42.00</total>
    <amount_paid>0.00</amount_paid><amount_refunded>0.00</amount_refunded><amount_due>42.00</amount_due></totals>
</order>
"""
DOCUMENT = f"{HEAD}\n{ORDER}</orders>"


def read(text, encoding="utf-8"):
    """What the reader gives of a document."""
    return list(READER.read(io.BytesIO(text.encode(encoding) if isinstance(text, str) else text)))


def mistake(text):
    """The only problem of a document."""
    (problem,) = read(text)
    assert isinstance(problem, Problem), problem
    return problem


def changed(old, new):
    """The document with one place changed."""
    assert DOCUMENT.count(old) >= 1
    return DOCUMENT.replace(old, new, 1)


def numbers(found):
    return [entry.number if isinstance(entry, OrderRecord) else "!" for entry in found]


class Stream(io.RawIOBase):
    """A file of pieces that are made when they are read; ``given`` says how many bytes were."""

    def __init__(self, *pieces):
        self.pieces = (byte for piece in pieces for byte in ([piece] if isinstance(piece, bytes) else piece))
        self.rest, self.given = b"", 0

    def read(self, size=-1):
        while len(self.rest) < size and (piece := next(self.pieces, b"")):
            self.rest += piece
        content, self.rest = self.rest[:size], self.rest[size:]
        self.given += len(content)
        return content


# --- What arrives


@pytest.mark.django_db
def test_every_fact_of_an_order_arrives(owner, site):
    whole = paid(
        user="",
        site=site.hostname if site.port == 80 else f"{site.hostname}:{site.port}",
        language="fr-be",
        phone="+32 2 555 12 34",
        shipping_address=Address(name="", company="Bücher & Co", street="a\nb", city="Gent", country="BE"),
        lines=(
            LineRecord(
                position=3,
                sku="MUG-F",
                name=" Tasse <b> ",
                quantity=Decimal("2"),
                unit_price=Decimal("18.5"),
                tax_rate=Decimal("21"),
                discount=Decimal("0"),
                total=Decimal("37.00"),
                tax=Decimal("6.42"),
                options=(("Colour", "Green"), ("", "")),
                product_url="https://example.com/?a=1&b=2",
                data={"warehouse": [1, None, "ä"]},
            ),
        ),
        shipments=(),
        notes=(NoteRecord(text="]]>\t\u2028", author="anna", visible_to_customer=True, edited_at=PLACED),),
        archived_at=PLACED + timedelta(days=3),
        needs_look=True,
        customer_note="Ring\ntwice",
        payment_method="paypal",
        shipping_method_name="Post",
        data={"basket": "4711"},
    )
    import_orders([whole])

    (got,) = read(b"".join(XML.write(Selection.of(Order.objects.all()))))

    # What is computed where it is not given:
    filled = dataclasses.replace(
        whole,
        updated_at=whole.archived_at,
        paid_at=PLACED,
        payment_status="paid",
        fulfillment_status="fulfilled",
        subtotal=Decimal(37),
        tax_total=got.tax_total,
        taxes=got.taxes,
        amount_paid=Decimal(50),
        amount_refunded=Decimal(8),
        payments=got.payments,
        notes=(dataclasses.replace(whole.notes[0], created_at=PLACED),),
    )
    assert got == filled
    assert sum(share.tax for share in got.taxes) == got.tax_total > 0
    assert [(entry.kind, entry.amount, entry.reference) for entry in got.payments] == [
        ("payment", Decimal(50), "CAPTURE-A-1"),
        ("refund", Decimal(8), None),
        ("payment", Decimal(42), None),
    ]


def test_an_order_needs_no_more_than_the_schema_says():
    (got,) = read(DOCUMENT)

    assert (got.number, got.total, got.line) == ("A-1", Decimal(42), 2)
    assert got.placed_at.isoformat() == "2024-02-29T23:59:59+00:00"
    assert got.updated_at == got.placed_at + timedelta(seconds=1)
    assert (got.site, got.billing_address, got.payments, got.data) == (None, None, (), None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252"])
def test_a_file_may_be_written_in_any_usual_encoding(encoding):
    declared = encoding.removesuffix("-sig")
    content = f'<?xml version="1.0" encoding="{declared}"?>\n{DOCUMENT}'.encode(encoding)

    assert detect(io.BytesIO(content)) is READER
    (got,) = read(content)
    assert (got.customer_name, got.line) == ("Zoë", 3)


@pytest.mark.parametrize(
    "text",
    [
        DOCUMENT.replace("\n", "\r\n"),
        changed("<name>Zoë</name>", "<name>Z<!-- a comment -->o<![CDATA[ë]]></name>"),
        changed("<name>Zoë</name>", "<name>&#90;&#x6f;ë</name><?php nothing ?>"),
        changed("<currency>", "<!-- ISO 4217 -->\n<currency>"),
        changed("<total>42.00</total>", "<total> +042.0 </total>"),
        DOCUMENT.replace("<", "<o:").replace("<o:/", "</o:").replace("xmlns=", "xmlns:o="),
        changed(
            "version=",
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x y" version=',
        ),
    ],
)
def test_what_means_the_same_is_read_the_same(text):
    assert read(text) == read(DOCUMENT)


def test_an_export_without_orders_is_one_of_none():
    assert read(f"{HEAD}</orders>") == []


# --- What is wrong, and where


@pytest.mark.parametrize(
    ("old", "new", "place", "words", "schemas"),
    [
        ("EUR", "eur", (3, 26), "What “currency” says is not written", "not accepted by the pattern"),
        ("<status>open", "<status>lost", (3, 50), "“status” says something that is not known", "'lost'"),
        ("<language>en</language>", "", (3, 3), "“currency” does not belong here", "Expected is"),
        ("<customer><name>Zoë</name></customer>", "<customer/>", (7, 3), "missing within “customer”", "name"),
        ("<currency>", "<x/><currency>", (3, 26), "“x” does not belong here", "not expected"),
        ("<currency>", '<x xmlns="urn:y"/><currency>', (3, 26), "“{urn:y}x” does not belong", "not expected"),
        (' number="A-1"', "", (2, 1), "An attribute of “order” is missing", "'number'"),
        (
            'position="0"',
            'position="0" old="1"',
            (9, 10),
            "“line” has an attribute that is not known",
            "'old'",
        ),
        (
            "<customer><name>Zoë",
            f"<customer><name>{'x' * 256}",
            (7, 13),
            "What “name” says is too long",
            "'256'",
        ),
        ("<status>", "text<status>", (2, 1), "Within “order” there is text", "Character content"),
        ("<quantity>2", "<quantity>0", (9, 45), "What “quantity” says is not written", "'0'"),
        ("2024-02-29T", "2023-02-29T", (6, 3), "What “placed_at” says is not written", "2023-02-29"),
        ("23:59:59Z", "23:59:59", (6, 3), "What “placed_at” says is not written", "23:59:59"),
    ],
)
def test_a_mistake_is_told_with_line_and_column_in_words_and_as_the_schema_has_it(
    old, new, place, words, schemas
):
    problem = mistake(changed(old, new))

    assert (problem.line, problem.column) == place
    assert words in problem.message
    assert schemas in problem.message.partition("The schema says:")[2]


def test_a_mistake_with_a_position_is_told_where_it_is():
    twice = changed("</line>", "</line>" + ORDER[ORDER.index("<line ") : ORDER.index("</line>") + 7])

    problem = mistake(twice)

    assert (problem.line, problem.number) == (10, "A-1")
    assert "“line” names a position that is there twice" in problem.message


def test_more_mistakes_than_one_are_counted():
    assert "There is 1 more mistake" in mistake(changed("EUR", "eur").replace(">open<", ">lost<")).message


def test_a_wrong_order_does_not_keep_the_next_from_being_read():
    wrong = ORDER.replace("EUR", "eur")

    found = read(f"{HEAD}{ORDER}{wrong}{ORDER.replace('A-1', 'A-3')}</orders>")

    assert numbers(found) == ["A-1", "!", "A-3"]


def test_the_place_is_right_however_long_the_file_is():
    blank = "\n" * 70_000

    (problem, got) = read(f"{HEAD}{blank}{ORDER.replace('EUR', 'eur')}{blank}{ORDER}</orders>")

    assert (problem.line, problem.column) == (70_002, 26)
    assert got.line == 140_000 + ORDER.count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "place", "told"),
    [
        (">open<", ">cancelled<", (3, 50), "“status” and “cancelled_at” contradict"),
        ("<is_archived>false", "<is_archived>true", (5, 3), "“is_archived” and “archived_at” contradict"),
        ("</order>", "<data>{</data></order>", (14, 1), "“data” is not JSON"),
        ("</order>", "<data>[1]</data></order>", (14, 1), "“data” must be a JSON object"),
        ("</order>", f"<data>{'[' * 200_000}</data></order>", (14, 1), "“data” is not JSON"),
        ("</order>", f'<data>{{"a": {"9" * 5000}}}</data></order>', (14, 1), "“data” is not JSON"),
    ],
)
def test_what_the_schema_cannot_know_is_told_with_its_place_too(old, new, place, told):
    problem = mistake(changed(old, new))

    assert (problem.line, problem.column, problem.number) == (*place, "A-1")
    assert told in problem.message


def test_a_line_is_once_in_a_parcel():
    item = '<item line="0"><quantity>1</quantity></item>'
    shipment = (
        f"<shipment><shipped_at>2024-03-01T00:00:00Z</shipped_at><items>{item}{item}</items></shipment>"
    )

    problem = mistake(changed("</order>", f"<shipments>{shipment}</shipments></order>"))

    assert "Line 0 is in this parcel already" in problem.message


def test_a_file_that_breaks_off_gives_what_came_before_and_says_where():
    first, *_rest, last = read(f"{HEAD}\n{ORDER}{ORDER[:300]}")

    assert first.number == "A-1"
    assert last.line == 19
    assert "damaged here, or not XML: " in last.message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no element found"),
        ("Order,Total\nA-1,42", "syntax error"),
        (f"{HEAD}<order></orders>", "mismatched tag"),
        (f"{HEAD}\x01</orders>", "not well-formed"),
        (f"{HEAD}&#0;</orders>", "reference to invalid character number"),
        (f"{HEAD}<order number='&copy;'/></orders>", "undefined entity"),
        (f"{HEAD}<x:order/></orders>", "unbound prefix"),
        (DOCUMENT.encode("iso-8859-1"), "not well-formed"),
    ],
)
def test_what_is_no_xml_is_told(content, told):
    assert told in mistake(content).message


def test_an_encoding_that_nobody_knows_is_told():
    assert "Save it as UTF-8" in mistake(f'<?xml version="1.0" encoding="klingon"?>{DOCUMENT}').message


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ("<html>", "it begins with “html”, not with “orders” of urn:wagtail-orders:orders:1"),
        ("<orders>", "it begins with “orders”, not with “orders” of"),
        (f'<order xmlns="{NAMESPACE}">', "This is not an export of orders"),
        ('<orders xmlns="urn:wagtail-orders:orders:2" version="2.0">', "This is version “2.0” of"),
        (
            f'<orders xmlns="{NAMESPACE}" version="1.7">',
            "version 1.0 of urn:wagtail-orders:orders:1 can be read",
        ),
        (f'<orders xmlns="{NAMESPACE}">', "This is version “” of"),
    ],
)
def test_another_document_or_version_is_told_with_what_is_expected(root, told):
    problem = mistake(f"{root}{ORDER}")

    assert told in problem.message
    assert (problem.line, problem.column) == (1, 1)


def test_nothing_but_orders_stands_in_the_document():
    assert numbers(read(f"{HEAD}<x/>{ORDER}</orders>")) == ["!", "A-1"]
    assert "nothing between the orders" in mistake(f"{HEAD}x{ORDER}</orders>").message


# --- What is hostile


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE orders SYSTEM "http://example.com/x.dtd">',
        "<!DOCTYPE orders>",
        '<!DOCTYPE orders [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE orders [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        f'<!DOCTYPE orders [<!ENTITY a "{"a" * 100_000}">]>',
    ],
)
def test_no_doctype_is_read_and_so_no_entity(declaration):
    problem = mistake(declaration + changed("Zoë", "&e;&a;"))

    assert "A DOCTYPE is not read" in problem.message
    assert problem.line == 1


def endless(piece):
    while True:
        yield piece


@pytest.mark.parametrize(
    ("start", "piece", "told"),
    [
        (b'<order number="', b"x" * 9_999, "too long"),
        (b"<!--", b"x" * 9_999, "too long"),
        (b"<?php ", b"x" * 9_999, "too long"),
        (b"<", b"x" * 9_999, "too long"),
        (b"<order ", b" " * 9_999, "too long"),
        (b"<order>", b"x" * 9_999, "too much text"),
        (b"", b" " * 9_999, "too much text"),
        (b"<order><data><![CDATA[", b"x" * 9_999, "too much text"),
        (b"", b"<order>" * 999, "too many elements"),
        (b"<order>", b"<line/>" * 999, "too many elements"),
        (b"<order>", (b"<lines>" + b"<line/>" * 999 + b"</lines>"), "too many elements"),
    ],
)
def test_what_has_no_end_is_ended(start, piece, told):
    file = Stream(HEAD.encode(), start, endless(piece))

    (problem,) = READER.read(file)

    assert told in problem.message
    assert file.given < 40_000_000


def test_a_file_of_mistakes_is_given_up():
    before, _line, after = ORDER.partition(ORDER[ORDER.index("<line ") : ORDER.index("</line>") + 7])
    file = Stream(HEAD.encode(), endless(f"{before}{'<line/>' * 2_000}{after}".encode()))

    *found, last = READER.read(file)

    assert len(found) < 100
    assert "too much wrong" in last.message


def test_orders_are_given_as_they_are_read():
    file = Stream(HEAD.encode(), endless(ORDER.encode()))
    reading = READER.read(file)

    for _ in range(200):
        assert isinstance(next(reading), OrderRecord)

    assert file.given <= 200 * len(ORDER.encode()) + 2 * xml.CHUNK


def test_a_long_message_is_cut():
    assert len(mistake(changed("EUR", "x" * 100_000)).message) < 1_000


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=hostile_rows())
def test_whatever_was_exported_is_an_order_or_told_as_a_problem(site, rows):
    with transaction.atomic():
        written(rows)
        document = b"".join(XML.write(Selection.of(Order.objects.all())))
        Order.objects.all().delete()

        done = plan(io.BytesIO(document), READER)

        assert done.new + done.wrong == 1
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_plan_tells_lines_and_columns(site):
    wrong = ORDER.replace("A-1", "A-2").replace("EUR", "eur")
    false = ORDER.replace("A-1", "A-3").replace("<subtotal>42.00", "<subtotal>41.00")

    done = plan(io.BytesIO(f"{HEAD}\n{ORDER}{wrong}{false}</orders>".encode()), READER)

    assert (done.new, done.wrong, done.is_written) == (1, 2, False)
    assert [(problem.line, problem.column, problem.number) for problem in done.problems] == [
        (16, 26, "A-2"),
        (28, None, "A-3"),
    ]
    assert "subtotal: 41.00 was handed over, but it comes to 42.00" in done.problems[1].message
    assert not Order.objects.exists()


def test_a_record_is_the_same_wherever_it_stood():
    assert record(line=3) == record(line=4)
