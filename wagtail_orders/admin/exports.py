"""The owner's way to an export: the page that asks how, the download, and what Wagtail's log tells of it."""

import re

from django import forms
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _
from django.views import View
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.log_actions import LogFormatter, log

from .. import conf
from ..exports import Selection, formats, job
from ..exports.download import Download, respond
from ..models import ExportChoice, Order
from ..money import format_count
from .listing import trail
from .permissions import policy
from .wanted import WHICH, Wanted

LABEL = gettext_lazy("Export orders")


class ExportForm(forms.Form):
    """
    Which format, with the choices that each has, and whether the file is made in the background. Each begins with
    what ``user`` chose last.
    """

    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), gettext_lazy("Choose one of the formats.")
        ),
    )
    in_background = forms.BooleanField(
        label=gettext_lazy("Make it in the background"),
        required=False,
        widget=forms.CheckboxInput(attrs={"aria-describedby": "export-background"}),
    )

    def __init__(self, data=None, *, user, is_large=False):
        self.formats = formats()
        self._user = user
        last = ExportChoice.objects.filter(user=user).order_by("-chosen_at", "-pk")
        self._last = {choice.format: choice.options for choice in last if choice.format in self.formats}
        super().__init__(
            data, initial={"format": next(iter([*self._last, *self.formats]), None)}, label_suffix=""
        )
        self.fields["format"].choices = [(name, known.label) for name, known in self.formats.items()]
        #: What it means to make it in the background, or why it has to be.
        self.hint = _("You can leave meanwhile, and fetch the file from a page of its own.")
        if is_large:
            field = self.fields["in_background"]
            field.initial = field.disabled = True
            self.hint = _(
                "A file of more than %(count)s orders is always made in the background. You can leave meanwhile, "
                "and fetch it from a page of its own."
            ) % {"count": format_count(conf.get("EXPORT_AT_ONCE"))}

    @property
    def chosen(self):
        return self["format"].value()

    @cached_property
    def options_forms(self):
        """Each format's own form by its name. Only the chosen one's can be wrong; the others keep what was typed."""
        return {
            name: self._options_form(name, known.form_class)
            for name, known in self.formats.items()
            if known.form_class is not None
        }

    def _options_form(self, name, form_class):
        shared = {"user": self._user, "prefix": name}
        last = self._last.get(name, {})
        if not self.is_bound:
            return form_class(initial=last, **shared)
        form = form_class(self.data, initial=last, **shared)
        if name == self.chosen:
            return form
        return form_class(initial={field.name: field.value() for field in form}, **shared)

    @property
    def cards(self):
        """What is chosen from: each format, its form or None, and whether it is the chosen one."""
        forms = self.options_forms
        return [(known, forms.get(name), name == self.chosen) for name, known in self.formats.items()]

    def clean(self):
        cleaned = super().clean()
        form = self.options_forms.get(cleaned.get("format"))
        if form is not None and not form.is_valid():
            self.add_error(None, _("Nothing is exported yet. Look at what is marked below."))
        return {**cleaned, "options": form.cleaned_data if form is not None else {}}

    def remember(self):
        ExportChoice.objects.update_or_create(
            user=self._user,
            format=self.cleaned_data["format"],
            defaults={"options": self.cleaned_data["options"], "chosen_at": timezone.now()},
        )


class ExportView(PermissionCheckedMixin, WagtailAdminTemplateMixin, View):
    """
    Asks how orders are exported, and exports them. GET only asks. The file holds what the listing shows when it is
    asked for, or the orders that were ticked, in the listing's order.
    """

    http_method_names = ["get", "head", "post"]
    model = Order
    permission_policy = None
    permission_required = "export"
    page_title = LABEL
    header_icon = "clipboard-list"
    template_name = "wagtail_orders/admin/export.html"
    _show_breadcrumbs = True
    #: Whether it is a bulk action, whose address names ticked orders.
    in_bulk = False

    @cached_property
    def wanted(self):
        return Wanted.of_ticks(self.request) if self.in_bulk else Wanted.of_listing(self.request)

    def get_breadcrumbs_items(self):
        return trail(self.page_title, back=self.wanted.place.url)

    def get(self, request):
        if self.wanted.ticked is not None:
            self.wanted = self.wanted.in_the_listings_order()
        return self._ask(self._form())

    def post(self, request):
        # Read before they are counted: others work on the desk too.
        pks = self.wanted.pks
        form = self._form(request.POST)
        if not form.is_valid() or not pks:
            return self._ask(form, status=422)
        form.remember()
        file_format = form.formats[form.cleaned_data["format"]]
        selection = Selection(
            pks,
            options=form.cleaned_data["options"],
            language=get_language(),
            time_zone=timezone.get_current_timezone(),
        )
        return self._export(file_format, selection, in_background=form.cleaned_data["in_background"])

    def _form(self, data=None):
        is_large = self.wanted.count > conf.get("EXPORT_AT_ONCE")
        return ExportForm(data, user=self.request.user, is_large=is_large)

    def _export(self, file_format, selection, *, in_background):
        """In the background, the job's page; else the download."""
        begun = job.begin(
            file_format,
            selection,
            user=self.request.user,
            title=_("%(orders)s, %(format)s") % {"orders": self.wanted.title, "format": file_format.label},
            file_name=self._file_name(file_format),
        )
        self._log(begun, file_format)
        if in_background:
            job.start(begun, selection)
            return redirect("wagtail_orders:job", begun.pk)
        download = Download(file_format, selection, ended=job.note_download(begun))
        return respond(
            self.request,
            download,
            file_name=begun.data["file_name"],
            content_type=file_format.content_type,
        )

    def _file_name(self, file_format):
        """Site, view and date: ``example.com-orders-current-2026-11-23.csv``, in letters that any system takes."""
        host = self.request.get_host().rpartition("@")[2].split(":")[0].lower().removeprefix("www.")
        site = re.sub(r"[^a-z0-9.]+", "-", host).strip("-.")
        parts = [site, "orders", self.wanted.state, timezone.localdate().isoformat()]
        return "-".join(filter(None, parts)) + f".{file_format.suffix.lstrip('.')}"

    def _log(self, begun, file_format):
        data = {
            "format": file_format.name,
            "count": self.wanted.count,
            "orders": self.wanted.state,
            "conditions": self.wanted.conditions,
            "listing": str(self.wanted.place),
        }
        log(begun, "wagtail_orders.exported", user=self.request.user, data=data)

    def _ask(self, form, *, status=200):
        wanted = self.wanted
        question = ngettext("Export %(count)s order", "Export %(count)s orders", wanted.count)
        context = self.get_context_data(
            form=form,
            wanted=wanted,
            question=question % {"count": format_count(wanted.count)},
            action=self.request.path if self.in_bulk else self.request.get_full_path(),
            ids="all" if wanted.ticked is None else ",".join(map(str, wanted.pks)),
        )
        return self.render_to_response(context, status=status)


class ExportTicked(BulkAction):
    """The same page for the ticked orders, or for all in the listing that they are ticked in."""

    models = [Order]
    action_type = "export"
    action_priority = 90
    display_name = LABEL
    aria_label = LABEL
    template_name = ExportView.template_name

    def dispatch(self, request):
        return ExportView.as_view(permission_policy=policy, in_bulk=True)(request)


class ExportedFormatter(LogFormatter):
    """How an export reads in Wagtail's log: ``Exported 12 orders as CSV (Current orders; Payment: Paid)``."""

    label = pgettext_lazy("orders", "Exported")

    def format_message(self, log_entry):
        data = log_entry.data
        known = formats().get(data["format"])
        said = ngettext(
            "Exported %(count)s order as %(format)s (%(which)s)",
            "Exported %(count)s orders as %(format)s (%(which)s)",
            data["count"],
        )
        return said % {
            "count": format_count(data["count"]),
            "format": known.label if known else data["format"],
            "which": "; ".join(map(str, [WHICH[data["orders"]], *data["conditions"]])),
        }
