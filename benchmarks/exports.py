"""
What exports cost: CPU time beside the barest way to the same file, memory, the first byte, queries. The orders are
made up and lie in an SQLite file of their own.

    python benchmarks/exports.py [--orders 100000] [--format csv] [--database FILE]
"""

import argparse
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
#: How often each way runs; the quickest run counts, what else the machine does only makes one slower.
RUNS = 3


def set_up(database):
    """Django, on the file ``database``."""
    os.environ["DATABASE_URL"] = f"sqlite:///{database}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


# Orders


def fill(count):
    """``count`` orders with two or three lines, two addresses, most of them with a payment and a parcel."""
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    # The tables as they are, without each migration on the way there.
    settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)
    for start in range(0, count, 5_000):
        fill_chunk(range(start, min(start + 5_000, count)))


NAMES = ["Zoë Müller", "Atelier Dupont & fils", "J. de Vries", "Søren Ångström", "María-José Núñez", "王小明"]
STREETS = ["12 rue de l'Église", "Hauptstraße 7\nHinterhaus", "Keizersgracht 401", "Calle Mayor 3, 2º"]
GOODS = [("MUG-F", "Tasse en grès « Forêt »"), ("BOWL-L", "Bowl, large <blue>"), ("VASE-3", "Vase Nr. 3")]
FIRST = datetime(2024, 1, 1, 8, tzinfo=UTC)


def fill_chunk(numbers):
    from wagtail_orders.models import Order, OrderAddress, OrderLine, Payment, Shipment

    orders = Order.objects.bulk_create([order(number) for number in numbers])
    made = list(zip(numbers, orders, strict=True))
    OrderAddress.objects.bulk_create(address(n, o, kind) for n, o in made for kind in ("billing", "shipping"))
    OrderLine.objects.bulk_create(line(n, o, p) for n, o in made for p in range(1, 3 + n % 2))
    Payment.objects.bulk_create(
        Payment(
            order=o,
            kind="payment",
            amount=o.total,
            method="card",
            reference=f"pi_{n:024x}",
            received_on=date(2024, 1, 2),
        )
        for n, o in made
        if n % 5
    )
    Shipment.objects.bulk_create(
        Shipment(
            order=o,
            shipping_method_name="bpost",
            tracking_number=f"3232{n:020d}",
            tracking_url=f"https://track.example.com/btr/web/#/search?itemCode=3232{n:020d}&lang=en",
        )
        for n, o in made
        if n % 3
    )


def order(n):
    from wagtail_orders.models import Order

    placed_at = FIRST + timedelta(minutes=7 * n, microseconds=n)
    is_paid, name = bool(n % 5), NAMES[n % 6]
    total = Decimal(1995 + n % 9973) / 100
    return Order(
        number=f"2024-{n:06d}",
        language=("fr", "nl", "en")[n % 3],
        currency="EUR",
        customer_name=name,
        email=f"customer{n}@example.com",
        phone=f"+32 475 {n % 1000:03d} {n // 1000:03d}" if n % 2 else "",
        payment_status="paid" if is_paid else "unpaid",
        fulfillment_status="partially_fulfilled" if n % 3 else "unfulfilled",
        placed_at=placed_at,
        paid_at=placed_at + timedelta(hours=2) if is_paid else None,
        subtotal=total - 5,
        shipping_total=5,
        tax_total=round(total * 21 / 121, 2),
        total=total,
        amount_paid=total if is_paid else 0,
        payment_method=("card", "bank_transfer", "paypal")[n % 3],
        shipping_method_name="bpost",
        customer_note="Please ring twice, the bell is “difficult”.\nThank you!" if n % 7 == 0 else "",
    )


def address(n, order, kind):
    from wagtail_orders.models import OrderAddress

    return OrderAddress(
        order=order,
        kind=kind,
        name=order.customer_name,
        street=STREETS[n % 4],
        postal_code=f"{1000 + n % 9000}",
        city="Ixelles",
        country="BE",
    )


def line(n, order, position):
    from wagtail_orders.models import OrderLine

    sku, name = GOODS[(n + position) % 3]
    return OrderLine(
        order=order,
        position=position,
        sku=sku,
        name=name,
        options=[["Colour", "Green"], ["Size", "L"]] if n % 2 else [],
        quantity=1 + n % 4,
        unit_price=Decimal(1850 + n % 500) / 100,
        tax_rate=21,
        total=(1 + n % 4) * Decimal(1850 + n % 500) / 100,
    )


# The ways, ours and bare. Each is a generator of bytes, given the orders' primary keys.


def ours(name, **options):
    def write(pks):
        from wagtail_orders.exports.selection import Selection

        module = __import__(f"wagtail_orders.exports.{name}", fromlist=["write"])
        return module.write(Selection(pks, options, "en", ZoneInfo("Europe/Brussels")))

    return write


class Sink(io.RawIOBase):
    """Takes what is written, for the generator that hands it on."""

    def __init__(self):
        self.pieces = []

    def writable(self):
        return True

    def write(self, piece):
        self.pieces.append(bytes(piece))
        return len(piece)

    def taken(self):
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)


def selected(sql, pks):
    """The rows of a raw cursor, a thousand at a time; of the newest so many orders, if there are more."""
    from django.db import connection

    from wagtail_orders.models import Order

    if len(pks) < Order.objects.count():
        newest = f"(SELECT * FROM {ORDERS} ORDER BY placed_at DESC, id DESC LIMIT {len(pks)}) o"  # noqa: S608
        sql = sql.replace(f"FROM {ORDERS} o", f"FROM {newest}")
    if connection.vendor == "postgresql":
        sql = re.sub(r"group_concat\((\w+)\)", r"string_agg(\1, ',')", sql)
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(1000):
            yield rows


def bare_csv(sql):
    def write(pks):
        for rows in selected(sql, pks):
            written = io.StringIO()
            csv.writer(written).writerows(rows)
            yield written.getvalue().encode()

    return write


ORDERS = "wagtail_orders_order"
ORDER_COLUMNS = """
    o.number, o.placed_at, o.customer_name, o.email, o.phone, o.status, o.payment_status, o.fulfillment_status,
    o.currency, o.total, o.total - o.amount_paid, o.payment_method, o.shipping_method_name, o.customer_note
"""
NEWEST_FIRST = "o.placed_at DESC, o.id DESC"
CSV_ORDERS = f"SELECT {ORDER_COLUMNS} FROM wagtail_orders_order o ORDER BY {NEWEST_FIRST}"  # noqa: S608
CSV_LINES = f"""
    SELECT {ORDER_COLUMNS}, l.sku, l.name, l.options, l.quantity, l.unit_price, l.total
    FROM wagtail_orders_order o JOIN wagtail_orders_orderline l ON l.order_id = o.id
    ORDER BY {NEWEST_FIRST}, l.position
"""  # noqa: S608


def bare_xlsx(pks):
    """Sheets written by hand into a zip, a cell after the other, as one would."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, sql in enumerate((XLSX_ORDERS, XLSX_LINES, XLSX_PAYMENTS), 1):
            with archive.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
                part.write(b"<worksheet><sheetData>")
                for rows in selected(sql, pks):
                    part.write("".join(map(xlsx_row, rows)).encode())
                    yield sink.taken()
                part.write(b"</sheetData></worksheet>")
    yield sink.taken()


EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - as Excel counts


def xlsx_row(row):
    cells = []
    for value in row:
        if value is None or value == "":
            cells.append("<c/>")
        elif isinstance(value, str):
            cells.append(f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>')
        elif isinstance(value, datetime):
            cells.append(f'<c s="1"><v>{(value.replace(tzinfo=None) - EPOCH) / timedelta(days=1)}</v></c>')
        elif isinstance(value, date):
            cells.append(f'<c s="2"><v>{(value - EPOCH.date()).days}</v></c>')
        else:
            cells.append(f"<c><v>{value}</v></c>")
    return f"<row>{''.join(cells)}</row>"


ADDRESS_COLUMNS = ", ".join(
    f"{alias}.{name}"
    for alias in ("b", "s")
    for name in ("name", "company", "street", "postal_code", "city", "region", "country", "phone")
)
XLSX_ORDERS = f"""
    SELECT o.number, o.placed_at, site.hostname, o.language, o.customer_name, o.email, o.phone, o.status,
        o.payment_status, o.fulfillment_status, o.is_archived, o.paid_at, o.handled_at, o.cancelled_at, o.archived_at,
        o.currency, o.subtotal, o.discount_total, o.shipping_total, o.tax_total, o.total, o.amount_paid,
        o.amount_refunded, o.total - o.amount_paid, o.payment_method, o.shipping_method_name, o.customer_note,
        (SELECT group_concat(tracking_number) FROM wagtail_orders_shipment WHERE order_id = o.id),
        (SELECT group_concat(tracking_url) FROM wagtail_orders_shipment WHERE order_id = o.id),
        (SELECT sum(quantity) FROM wagtail_orders_orderline WHERE order_id = o.id),
        {ADDRESS_COLUMNS}
    FROM wagtail_orders_order o LEFT JOIN wagtailcore_site site ON site.id = o.site_id
        LEFT JOIN wagtail_orders_orderaddress b ON b.order_id = o.id AND b.kind = 'billing'
        LEFT JOIN wagtail_orders_orderaddress s ON s.order_id = o.id AND s.kind = 'shipping'
    ORDER BY {NEWEST_FIRST}
"""  # noqa: S608
XLSX_LINES = f"""
    SELECT o.number, o.currency, l.position, l.sku, l.name, l.options, l.quantity, l.unit_price, l.tax_rate,
        l.discount, l.total, l.tax, l.product_url
    FROM wagtail_orders_order o JOIN wagtail_orders_orderline l ON l.order_id = o.id
    ORDER BY {NEWEST_FIRST}, l.position
"""  # noqa: S608
XLSX_PAYMENTS = f"""
    SELECT o.number, o.currency, p.kind, p.state, p.amount, p.method, p.reference, p.is_manual, p.received_on,
        p.recorded_at, p.reason
    FROM wagtail_orders_order o JOIN wagtail_orders_payment p ON p.order_id = o.id
    ORDER BY {NEWEST_FIRST}, p.id
"""  # noqa: S608


def bare_xml(pks):
    """Raw rows as elements, built order by order, for that is quicker than a call of xmlfile for each of them."""
    from lxml import etree

    from wagtail_orders.exports import vocabulary as words

    order = [words.STATE, words.CUSTOMER, words.PRICES, words.TOTALS, words.WISHES, words.DATA]
    columns = ["id", *(column for fields in order for column in fields.columns)]
    parts = {
        "address": ["order_id", *words.ADDRESS.columns],
        "line": ["order_id", *words.LINE.columns],
        "payment": ["order_id", *(column.replace("_by", "_by_id") for column in words.PAYMENT.columns)],
        "shipment": ["order_id", *words.SHIPMENT.columns],
    }
    tables = {"address": "orderaddress", "line": "orderline"}

    def element(parent, name, names, row):
        inner = etree.SubElement(parent, name)
        for column, value in zip(names[1:], row[1:], strict=True):
            if value is not None and value != "":
                etree.SubElement(inner, column).text = str(value)
        return inner

    sink = Sink()
    with etree.xmlfile(sink, encoding="UTF-8") as file, file.element("orders"):
        for start in range(0, len(pks), 1000):
            chunk = pks[start : start + 1000].tolist()
            orders = {row[0]: row for row in of(chunk, "order", "id", columns)}
            rows = {
                name: by_first(of(chunk, tables.get(name, name), "order_id", names))
                for name, names in parts.items()
            }
            for pk in chunk:
                root = element(etree.Element("orders"), "order", columns, orders[pk])
                for name, names in parts.items():
                    for row in rows[name].get(pk, ()):
                        element(root, name, names, row)
                file.write(root)
            yield sink.taken()
    yield sink.taken()


def of(pks, table, key, columns):
    from django.db import connection

    names = ", ".join(columns)
    sql = f"SELECT {names} FROM wagtail_orders_{table} WHERE {key} IN ({', '.join(map(str, pks))})"  # noqa: S608
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def by_first(rows):
    grouped = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return grouped


#: By format: what it is, ours, and the barest way to the same.
WAYS = {
    "csv": [
        ("one row an order, for people", ours("csv"), bare_csv(CSV_ORDERS)),
        ("one row an order, for programs", ours("csv", audience="programs"), bare_csv(CSV_ORDERS)),
        ("one row a line, for people", ours("csv", rows="line"), bare_csv(CSV_LINES)),
    ],
    "xlsx": [("orders, lines and payments", ours("xlsx"), bare_xlsx)],
    "xml": [("everything of an order", ours("xml"), bare_xml)],
}


# Measuring


def memory(key):
    """VmRSS (now) or VmHWM (at most since the last reset), in bytes."""
    for entry in Path("/proc/self/status").read_text().splitlines():
        if entry.startswith(f"{key}:"):
            return int(entry.split()[1]) * 1024
    raise LookupError(key)


def measure(write):
    """Run one way in this process, and print what it took as JSON."""
    from django.db import connection

    from wagtail_orders.exports.selection import Selection
    from wagtail_orders.models import Order

    asked = 0

    def count(execute, *args):
        nonlocal asked
        asked += 1
        return execute(*args)

    Order.objects.first()
    Path("/proc/self/clear_refs").write_text("5")
    start = memory("VmRSS")
    pks = Selection.of(Order.objects.all()).pks
    with connection.execute_wrapper(count):
        begun, clock = time.process_time(), time.perf_counter()
        pieces = write(pks)
        size, first = len(next(pieces)), time.perf_counter() - clock
        size += sum(map(len, pieces))
        cpu = time.process_time() - begun
    return {"cpu": cpu, "first": first, "peak": memory("VmHWM") - start, "size": size, "queries": asked}


def in_a_process_of_its_own(*arguments):
    done = subprocess.run(  # noqa: S603
        [sys.executable, __file__, *map(str, arguments)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout or "null")


def compare(database, name):
    print(
        f"{name.upper():<34}{'CPU':>8}{'bare':>8}{'ratio':>7}{'peak':>9}{'first byte':>12}{'size':>10}{'queries':>9}"
    )
    for index, (label, *_ways) in enumerate(WAYS[name]):
        runs = [
            [in_a_process_of_its_own("--database", database, "--run", name, index, which) for which in (1, 2)]
            for _run in range(RUNS)
        ]
        best = min((own for own, _bare in runs), key=lambda run: run["cpu"])
        bare = min(bare["cpu"] for _own, bare in runs)
        print(
            f"{label:<34}{best['cpu']:>6.2f} s{bare:>6.2f} s{best['cpu'] / bare:>7.2f}"
            f"{max(own['peak'] for own, _bare in runs) / 1e6:>6.1f} MB{best['first'] * 1000:>9.1f} ms"
            f"{best['size'] / 1e6:>7.1f} MB{best['queries']:>9}"
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--format", choices=WAYS, action="append", help="all of them unless given")
    parser.add_argument("--database", help="an SQLite file, kept: used again if it is there")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fill or given.run:
        set_up(given.database)
    if given.fill:
        fill(given.orders)
    elif given.run:
        name, index, which = given.run
        json.dump(measure(WAYS[name][int(index)][int(which)]), sys.stdout)
    else:
        with tempfile.TemporaryDirectory(prefix="wagtail-orders-") as scratch:
            database = Path(given.database or Path(scratch) / "orders.sqlite3")
            if not database.exists():
                in_a_process_of_its_own("--database", database, "--fill", "--orders", given.orders)
            for name in given.format or WAYS:
                compare(database, name)


if __name__ == "__main__":
    main()
