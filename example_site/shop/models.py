"""What the shop shows: the home page and the products."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page

from .forms import AddToBasketForm

CURRENCY = "EUR"


class HomePage(Page):
    """The front of the shop: a picture, a few words, and every product below it."""

    intro = models.TextField(_("introduction"), blank=True)
    picture = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    about = RichTextField(_("about the studio"), blank=True, features=["bold", "italic", "link"])

    content_panels = [*Page.content_panels, "intro", "picture", "about"]
    subpage_types = ["shop.ProductPage"]

    def get_context(self, request, *args, **kwargs):
        products = ProductPage.objects.child_of(self).live().select_related("picture")
        return {**super().get_context(request, *args, **kwargs), "products": products}


class ProductPage(Page):
    """One thing that can be bought, by the piece or by weight."""

    class Unit(models.TextChoices):
        PIECE = "piece", _("by the piece")
        KILOGRAM = "kg", _("by weight, in kg")

    sku = models.CharField(_("article number"), max_length=40)
    price = models.DecimalField(
        _("price (EUR, VAT included)"),
        max_digits=9,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    vat_rate = models.DecimalField(
        _("VAT rate (%)"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(21),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
    )
    unit = models.CharField(_("sold"), max_length=5, choices=Unit.choices, default=Unit.PIECE)
    glazes = models.TextField(
        _("glazes"),
        blank=True,
        help_text=_("One a line, in the same order in each language. Leave empty if there is no choice."),
    )
    summary = models.CharField(_("summary"), max_length=160, blank=True)
    description = RichTextField(_("description"), features=["bold", "italic", "ul", "link"])
    picture = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    content_panels = [
        *Page.content_panels,
        FieldRowPanel([FieldPanel("sku"), FieldPanel("price"), FieldPanel("vat_rate"), FieldPanel("unit")]),
        "glazes",
        MultiFieldPanel([FieldPanel("summary"), FieldPanel("description"), FieldPanel("picture")]),
    ]
    parent_page_types = ["shop.HomePage"]
    subpage_types = []

    @property
    def glaze_names(self):
        return [name.strip() for name in self.glazes.splitlines() if name.strip()]

    def serve(self, request, *args, **kwargs):
        """Show the product; a POST puts it in the basket, or shows what is wrong next to the field."""
        from .basket import Basket  # here, because the basket reads products

        form = AddToBasketForm(request.POST or None, product=self)
        if request.method == "POST" and form.is_valid():
            Basket(request).add(self, form.cleaned_data["quantity"], form.cleaned_data.get("glaze"))
            return redirect("shop:basket")
        response = super().serve(request, *args, form=form, **kwargs)
        response.status_code = 422 if form.is_bound else 200
        return response

    def get_context(self, request, *args, **kwargs):
        others = ProductPage.objects.sibling_of(self, inclusive=False).live().select_related("picture")
        return {
            **super().get_context(request, *args, **kwargs),
            "form": kwargs.get("form") or AddToBasketForm(product=self),
            "others": others[:4],
        }
