"""Builds the demo's pages, pictures, shipping methods and settings; what is there already is kept."""

from pathlib import Path

from django.core.files.images import ImageFile
from wagtail.images import get_image_model
from wagtail.models import Locale, Page, Site

from example_site.shop.models import HomePage, ProductPage
from wagtail_orders.models import OrderSettings, ShippingMethod

from .catalogue import HOME, PRODUCTS, SHIPPING_METHODS, SHOP

PICTURES = Path(__file__).resolve().parent.parent / "pictures"


def build_site():
    """Make the site with its pages in both languages; returns how many pages were made."""
    english, _created = Locale.objects.get_or_create(language_code="en")
    french, _created = Locale.objects.get_or_create(language_code="fr")
    before = Page.objects.count()
    home = HomePage.objects.filter(locale=english).first() or add_home(english)
    home_in_french = home.get_translation_or_none(french) or add_home(french, home)
    for product in PRODUCTS:
        page = ProductPage.objects.filter(locale=english, sku=product.sku).first()
        page = page or add_product(home, product, product.en)
        if not page.has_translation(french):
            add_product(home_in_french, product, product.fr, page)
    set_site_root(home)
    return Page.objects.count() - before


def build_shipping_methods():
    for position, method in enumerate(SHIPPING_METHODS):
        ShippingMethod.objects.get_or_create(
            name=method["name"], defaults={**method, "sort_order": position * 10}
        )


def build_settings():
    """Say whose shop it is, wherever nobody has said so already."""
    settings = OrderSettings.for_site(Site.objects.get(is_default_site=True))
    missing = {name: value for name, value in SHOP.items() if not getattr(settings, name)}
    if not settings.logo:
        # Not the drawing: mail programs show no SVG.
        missing["logo"] = picture("logo", ending="png")
    if missing:
        for name, value in missing.items():
            setattr(settings, name, value)
        settings.save()


def add_home(locale, translation_of=None):
    tree = Page.objects.get(depth=1)
    home = HomePage(
        locale=locale,
        picture=picture("hero"),
        **HOME[locale.language_code],
        **same_key(translation_of),
    )
    if tree.get_children().filter(slug=home.slug).exists():
        home.slug = "atelier-foret"
    return tree.add_child(instance=home)


def add_product(home, product, words, translation_of=None):
    page = ProductPage(
        locale=home.locale,
        title=words.title,
        slug=words.slug,
        sku=product.sku,
        price=product.price,
        vat_rate=product.vat_rate,
        unit=product.unit,
        glazes="\n".join(words.glazes),
        summary=words.summary,
        search_description=words.summary,
        description=words.description,
        picture=picture(product.picture),
        **same_key(translation_of),
    )
    return home.add_child(instance=page)


def same_key(page):
    """What makes a new page a translation of the given one."""
    return {"translation_key": page.translation_key} if page else {}


def set_site_root(home):
    """Make our home page the default site's, and take Wagtail's empty welcome page away."""
    site = Site.objects.filter(is_default_site=True).first() or Site(hostname="localhost", port=8000)
    if site.root_page_id == home.pk:
        return
    old_root = site.root_page if site.root_page_id else None
    site.hostname, site.port, site.is_default_site = "localhost", 8000, True
    site.site_name, site.root_page = "Atelier Forêt", home
    site.save()
    if old_root and old_root.specific_class is Page and not old_root.is_root() and old_root.is_leaf():
        old_root.delete()


def picture(name, ending="svg"):
    """The image of that name, imported from the shop's own pictures when it is not there yet."""
    images = get_image_model().objects
    title = f"Atelier Forêt: {name}"
    existing = images.filter(title=title).first()
    if existing:
        return existing
    file_name = f"{name}.{ending}"
    with (PICTURES / file_name).open("rb") as file:
        return images.create(title=title, file=ImageFile(file, name=file_name))
