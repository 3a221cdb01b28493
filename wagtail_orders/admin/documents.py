"""An order on paper: as PDF in the browser, or as a page that the browser prints."""

import logging

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from django.utils.translation import check_for_language, get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views import View
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.models import Site

from ..documents import documents, file_name, render_html, render_pdf
from ..exceptions import DocumentFailed
from ..models import Order
from ..templatetags.wagtail_orders_tags import print_url
from .listing import trail
from .order import OrderPage

logger = logging.getLogger(__name__)

# A document holds all it shows; its page runs no script but ours.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'self'"
HEADERS = {"Cache-Control": "private, no-store", "Referrer-Policy": "same-origin"}


class _DocumentPage(OrderPage):
    http_method_names = ["get", "head"]

    def get_object(self, queryset=None):
        return get_object_or_404(Order.objects.select_related("site"), pk=self.pk)

    @cached_property
    def document(self):
        found = documents().get(self.kwargs["kind"])
        if found is None:
            raise Http404
        return found

    @cached_property
    def language(self):
        """The one asked for, if it is one; else None, for the customer's."""
        asked = self.request.GET.get("language", "")
        return asked if asked and check_for_language(asked) else None

    def printed(self, notice="", status=200):
        """The page for the browser; if not even that can be made, the order's page says so."""
        try:
            html = render_html(
                self.document, self.object, language=self.language, screen=self._screen(notice)
            )
        except Exception as error:
            logger.exception("%s of order %s could not be made", self.document.name, self.object)
            reason = {"document": self.document.label, "reason": type(error).__name__}
            messages.error(
                self.request,
                _("%(document)s: could not be made; the website's log says why (%(reason)s).") % reason,
            )
            return redirect("wagtail_orders:inspect", self.object.pk)
        return HttpResponse(html, status=status, headers={**HEADERS, "Content-Security-Policy": POLICY})

    def _screen(self, notice):
        order, language = self.object, self.language or ""
        links = [(_("PDF"), print_url(order, self.document, language=language))]
        links += [
            (document.label, print_url(order, document, language=language, in_browser=True))
            for document in documents().values()
            if document != self.document
        ]
        links.append((_("Back to the order"), reverse("wagtail_orders:inspect", args=(order.pk,))))
        return {
            "language": get_language(),
            "notice": notice,
            "print_label": _("Print"),
            "links": [(str(label), url) for label, url in links],
        }


class DocumentView(_DocumentPage):
    """The document as a page for the browser to print."""

    def get(self, request, *args, **kwargs):
        return self.printed()


class DocumentPdfView(_DocumentPage):
    """The document as PDF; if that fails, the page for the browser, with the reason."""

    def get(self, request, *args, **kwargs):
        try:
            pdf = render_pdf(self.document, self.object, language=self.language)
        except DocumentFailed as error:
            return self.printed(
                _("%(reason)s You can print this page from the browser instead.") % {"reason": error},
                status=422,
            )
        response = HttpResponse(pdf, content_type="application/pdf", headers=HEADERS)
        name = file_name(self.document, [self.object])
        response.headers["Content-Disposition"] = content_disposition_header(False, name)
        return response


class NewestDocumentView(_DocumentPage):
    """Leads to the document of a site's newest order, as an example for the settings."""

    pk_url_kwarg = "site"

    def get_object(self, queryset=None):
        return Order.objects.filter(site=self.pk).first()

    def get(self, request, *args, **kwargs):
        if self.object is None:
            messages.info(request, _("There is no order yet that could be shown."))
            return redirect("wagtailsettings:edit", "wagtail_orders", "ordersettings", self.pk)
        return redirect(print_url(self.object, self.document))


class ExampleForm(forms.Form):
    """Which of a site's orders is the example."""

    number = forms.CharField(label=gettext_lazy("Number of an order"), max_length=100)

    def __init__(self, *args, site, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.orders = Order.objects.filter(site=site)

    def clean_number(self):
        number = self.cleaned_data["number"]
        self.order = self.orders.filter(number=number).first()
        if self.order is None:
            raise forms.ValidationError(_("This website has no order with this number."))
        return number


class PaperView(PermissionCheckedMixin, WagtailAdminTemplateMixin, View):
    """Every document of an order of a site's that somebody names, or of its newest, as examples for the settings."""

    http_method_names = ["get", "head"]
    model = Order
    permission_policy = None
    any_permission_required = ["change", "delete", "view"]
    page_title = gettext_lazy("What an order looks like on paper")
    header_icon = "doc-full"
    template_name = "wagtail_orders/admin/paper_examples.html"
    _show_breadcrumbs = True

    def get_breadcrumbs_items(self):
        return trail(self.page_title)

    def get(self, request, site):
        site = get_object_or_404(Site, pk=site)
        order = Order.objects.filter(site=site).first()
        if "number" in request.GET:
            form = ExampleForm(request.GET, site=site)
            order = form.order if form.is_valid() else None
        else:
            form = ExampleForm(site=site, initial={"number": order and order.number})
        return self.render_to_response(self.get_context_data(form=form, order=order, rows=self._rows(order)))

    def _rows(self, order):
        """Each document with the addresses of its PDF and of its page for the browser."""
        if order is None:
            return []
        return [
            (document.label, print_url(order, document), print_url(order, document, in_browser=True))
            for document in documents().values()
        ]
