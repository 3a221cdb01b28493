"""
What paper costs: a sheet beside xhtml2pdf's own time for the same HTML, a hundred orders beside one, memory over
five hundred, and a sheet of thousands of lines. The orders lie in an SQLite file of their own.

    python benchmarks/documents.py [--long 5000]
"""

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: How often each way runs; the quickest run counts, what else the machine does only makes one slower.
RUNS = 7


def set_up(database):
    """Django, on the file ``database``."""
    os.environ["DATABASE_URL"] = f"sqlite:///{database}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


def fill():
    """A shop."""
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command
    from wagtail.models import Locale, Page, Site

    from wagtail_orders.models import OrderSettings

    # The tables as they are, without each migration on the way there.
    settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)
    Locale.objects.get_or_create(language_code="en")
    root = Page.add_root(title="Root", slug="root")
    site = Site.objects.create(hostname="www.example.com", root_page=root, is_default_site=True)
    OrderSettings.objects.create(
        site=site,
        shop_name="Atelier Forêt",
        address="7 rue du Moulin\n1050 Ixelles",
        vat_number="BE0123456789",
    )


def orders(count, lines=3):
    from wagtail.models import Site

    from tests.orders import order_input
    from wagtail_orders.lifecycle import Line, place_order
    from wagtail_orders.models import Order

    goods = [
        Line(sku=f"SKU-{at}", name=f"Tasse en grès {at}", quantity=2, unit_price=Decimal(9), tax_rate=21)
        for at in range(lines)
    ]
    site = Site.objects.get()
    made = [
        place_order(**order_input(lines=goods, site=site, language="fr", notify=False))
        for _at in range(count)
    ]
    return list(Order.objects.select_related("site").filter(pk__in=[order.pk for order in made]))


def cpu(function, runs=RUNS):
    """Seconds of the quickest of so many runs."""
    quickest = None
    for _run in range(runs):
        begun = time.process_time()
        function()
        took = time.process_time() - begun
        quickest = took if quickest is None else min(quickest, took)
    return quickest


def memory():
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bare(html):
    """What xhtml2pdf alone makes of the same HTML."""
    from xhtml2pdf import pisa

    from wagtail_orders.documents import fonts

    pisa.CreatePDF(html, dest=io.BytesIO(), path=str(fonts.FOLDER / "document.html"))


def sheet():
    from wagtail_orders.documents import render_html, render_pdf

    (order,) = orders(1)
    html = render_html("order-sheet", order, is_pdf=True)
    alone, whole = cpu(lambda: bare(html)), cpu(lambda: render_pdf("order-sheet", order))
    verdict(f"one sheet: {whole * 1000:.0f} ms, xhtml2pdf alone {alone * 1000:.0f} ms", whole / alone, 1.3)


def print_many(orders):
    """As the admin's "Print" does with ticked orders, at once or as a job: written bit by bit."""
    from wagtail_orders.documents import documents
    from wagtail_orders.documents.many import Printing

    printing = Printing(documents()["order-sheet"], [order.pk for order in orders])
    for _piece in printing.write():
        pass
    if printing.failed:
        raise RuntimeError(printing.failed)


def hundred():
    from wagtail_orders.documents import render_pdf

    many = orders(100)
    render_pdf("order-sheet", many[0])
    # As many runs of one, and not the quickest: else luck would be compared with the mean.
    one = cpu(lambda: [render_pdf("order-sheet", many[0]) for _run in range(50)], runs=1) / 50
    all_of_them = cpu(lambda: print_many(many), runs=1)
    verdict(f"100 orders: {all_of_them:.1f} s, one {one * 1000:.0f} ms", all_of_them / one, 110)


def five_hundred():
    many = orders(500)
    print_many(many[:25])
    before = memory()
    print_many(many)
    verdict(
        f"500 orders: {before:.0f} MB after 25, {memory():.0f} MB in the end", memory() - before, 40, "MB"
    )


def long(lines):
    from wagtail_orders.documents import render_pdf

    (order,) = orders(1, lines)
    took = cpu(lambda: render_pdf("order-sheet", order, seconds=3600), runs=1)
    print(f"{lines} lines: {took:.1f} s, {memory():.0f} MB")


def verdict(words, measured, most, unit="times"):
    print(f"{words}: {measured:.2f} {unit} (at most {most}) {'ok' if measured <= most else 'TOO MUCH'}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--long", type=int, default=5000)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        with tempfile.TemporaryDirectory() as folder:
            set_up(Path(folder) / "orders.sqlite3")
            fill()
            measure = {"sheet": sheet, "hundred": hundred, "five_hundred": five_hundred}
            measure.get(options.only, lambda: long(options.long))()
        return
    for name in ("sheet", "hundred", "five_hundred", "long"):
        # Each in a process of its own, for the sake of its memory.
        subprocess.run(  # noqa: S603
            [sys.executable, __file__, "--only", name, "--long", str(options.long)], check=True
        )


if __name__ == "__main__":
    main()
