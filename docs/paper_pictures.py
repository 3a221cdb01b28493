"""
Takes the pictures of paper in docs/images: orders of 1, 5, 200 and (with --long) 5,000 lines in five languages, with
each kind of logo. Needs pdftoppm (poppler-utils) on the path.

    python docs/paper_pictures.py [--long] [--keep FOLDER]
"""

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
IMAGES = ROOT / "docs" / "images"
DPI = 50
GAP = 6


def pages(pdf, last=1):
    """The first pages of a PDF, as pictures."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["pdftoppm", "-r", str(DPI), "-png", "-l", str(last), "-", f"{folder}/page"]
        subprocess.run(command, input=pdf, check=True)  # noqa: S603
        return [Image.open(io.BytesIO(path.read_bytes())) for path in sorted(Path(folder).iterdir())]


def beside(pictures, name):
    """Pictures side by side as one small file."""
    width = sum(picture.width + GAP for picture in pictures) + GAP
    whole = Image.new("RGB", (width, max(picture.height for picture in pictures) + 2 * GAP), "#8a8a8a")
    left = GAP
    for picture in pictures:
        whole.paste(picture, (left, GAP))
        left += picture.width + GAP
    whole.quantize(32).save(IMAGES / name, optimize=True)


def orders():
    """The shop's settings, and a function that places an order of so many lines in a language."""
    from wagtail.models import Collection, Site

    from tests.orders import placed
    from tests.paper import many_lines
    from wagtail_orders.lifecycle import Address
    from wagtail_orders.models import Order, OrderSettings

    Collection.objects.exists() or Collection.add_root(name="Root")
    shop = OrderSettings.objects.get()
    shop.bank_details = "BE68 5390 0754 7034\nBIC GKCCBEBB"
    beirut = Address(
        name="فاطمة الزهراء", street="شارع الحمراء ١٢", postal_code="1103", city="بيروت", country="LB"
    )
    paris = Address(
        name="Jean Dupont", street="5 rue de la Paix", postal_code="75002", city="Paris", country="FR"
    )

    def order(count, language, **changes):
        addresses = {"billing_address": beirut} if language == "ar" else {"shipping_address": paris}
        note = "Livrer après 17 h, s'il vous plaît.\nSonner deux fois."
        made = placed(
            **{"lines": many_lines(count), "customer_note": note, **addresses, **changes},
            language=language,
            site=Site.objects.get(),
            notify=False,
        )
        return Order.objects.select_related("site").get(pk=made.pk)

    return shop, order


def give_logo(shop, content, name):
    from django.core.files.images import ImageFile
    from wagtail.images import get_image_model

    shop.logo = get_image_model()(title="Logo", file=ImageFile(io.BytesIO(content), name=name))
    shop.logo.save()
    shop.save()


def take(is_long, keep):
    from wagtail_orders.documents import render_pdf

    def made(name, *arguments, last=1, **options):
        pdf = render_pdf(*arguments, **options)
        if keep:
            (keep / f"{name}.pdf").write_bytes(pdf)
        return pages(pdf, last)

    shop, order = orders()
    pictures = ROOT / "example_site" / "shop"
    shop.save()
    plain = made("1-en-no-logo", "order-sheet", order(1, "en"))
    give_logo(shop, (pictures / "static/shop/logo.svg").read_bytes(), "logo.svg")
    drawn = made("5-nl-svg-logo", "order-sheet", order(5, "nl"))
    give_logo(shop, (pictures / "pictures/logo.png").read_bytes(), "logo.png")
    shop.address_window = "right"
    shop.save()
    beside(
        [
            *made("order-sheet", "order-sheet", order(5, "fr")),
            *made("packing-slip", "packing-slip", order(5, "fr")),
            *made("address-label", "address-label", order(1, "fr")),
            *made("pick-list", "pick-list", [order(count, "fr") for count in (1, 3, 6)]),
        ],
        "paper.png",
    )
    shop.address_window = "left"
    shop.save()
    arabic = made("5-ar", "order-sheet", order(5, "ar")) + made("label-ar", "address-label", order(1, "ar"))
    Path(shop.logo.file.path).write_bytes(b"broken")
    shop.logo.renditions.all().delete()
    broken = made("1-de-broken-logo", "order-sheet", order(1, "de"))
    beside([*plain, *drawn, *broken, *arabic], "paper-languages.png")
    note = "Donaudampfschifffahrtsgesellschaft " * 40 + "W" * 200
    beside(made("200-de", "order-sheet", order(200, "de", customer_note=note), last=4), "paper-long.png")
    if is_long:
        made("5000-fr", "order-sheet", order(5000, "fr"), seconds=3600)


def main():
    import documents

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder to leave the PDFs in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        documents.set_up(Path(folder) / "orders.sqlite3")
        documents.fill()
        take(options.long, options.keep)


if __name__ == "__main__":
    main()
