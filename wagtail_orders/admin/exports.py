"""The owner's way to an export: the page that asks how, the download, and what Wagtail's log tells of it."""

from django import forms
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _
from wagtail.log_actions import LogFormatter

from .. import conf
from ..exports import Selection, formats, job
from ..exports.download import Download, respond
from ..models import ExportChoice
from ..money import format_count
from .wanted import TickedPage, WantedPage, in_log

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


class ExportView(WantedPage):
    """
    Asks how orders are exported, and exports them. The file holds what the listing shows when it is asked for, or the
    orders that were ticked, in the listing's order.
    """

    page_title = LABEL
    template_name = "wagtail_orders/admin/export.html"

    def post(self, request):
        # Read before they are counted: others work on the desk too.
        pks = self.wanted.pks
        form = self.form(request.POST)
        if not form.is_valid() or not pks:
            return self.ask(form, status=422)
        form.remember()
        file_format = form.formats[form.cleaned_data["format"]]
        selection = Selection(
            pks,
            options=form.cleaned_data["options"],
            language=get_language(),
            time_zone=timezone.get_current_timezone(),
        )
        return self._export(file_format, selection, in_background=form.cleaned_data["in_background"])

    def form(self, data=None):
        is_large = self.wanted.count > conf.get("EXPORT_AT_ONCE")
        return ExportForm(data, user=self.request.user, is_large=is_large)

    def question(self, count):
        return ngettext("Export %(count)s order", "Export %(count)s orders", count)

    def _export(self, file_format, selection, *, in_background):
        """In the background, the job's page; else the download."""
        begun = job.begin(
            file_format,
            selection,
            user=self.request.user,
            title=_("%(orders)s, %(format)s") % {"orders": self.wanted.title, "format": file_format.label},
            file_name=self.file_name("orders", file_format.suffix.lstrip(".")),
        )
        self.log(begun, "wagtail_orders.exported", format=file_format.name)
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


class ExportTicked(TickedPage):
    """The same page for ticked orders."""

    action_type = "export"
    action_priority = 90
    display_name = LABEL
    aria_label = LABEL
    template_name = ExportView.template_name
    page = ExportView


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
        return said % {**in_log(data), "format": known.label if known else data["format"]}
