"""The owner's way to an import: a file is sent, looked through, and only then brought over."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from .. import imports
from ..imports import job as importing
from ..imports import words
from ..lifecycle.checking import clean_text
from ..models import Job
from ..money import format_count
from .jobs import JobPage
from .listing import trail, url_of_state

LABEL = gettext_lazy("Import orders")
#: Bytes of a file that is sent by a browser; larger ones are read by the command.
MOST_BYTES = 50_000_000
COMMAND = "manage.py import_orders"


class FileForm(forms.Form):
    """A file with orders; its ``reader`` is the one that knows what wrote it."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": ".xml,.csv,.tsv,.txt,text/xml,application/xml,text/csv"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.reader = None

    def clean_file(self):
        file = self.cleaned_data["file"]
        if not file.size:
            raise ValidationError(_("The file is empty. Export the orders once more, and send that file."))
        if file.size > MOST_BYTES:
            raise ValidationError(
                _(
                    "The file has more than %(most)s MB. Divide it, or have it read on the server: %(command)s."
                ),
                params={"most": MOST_BYTES // 1_000_000, "command": COMMAND},
            )
        self.reader = imports.detect(file)
        if self.reader is None:
            labels = ", ".join(str(reader.label) for reader in imports.readers().values())
            raise ValidationError(
                _(
                    "What wrote this file cannot be told. Send it as it was exported, without changes: %(kinds)s."
                ),
                params={"kinds": labels},
            )
        return file


class ConfirmForm(forms.Form):
    """What becomes of the orders that exist, and of those that are wrong."""

    existing = forms.ChoiceField(
        label=gettext_lazy("Orders that exist here already"),
        choices=[
            ("skip", gettext_lazy("stay as they are here")),
            ("refuse", gettext_lazy("count as wrong")),
        ],
        initial="skip",
        widget=forms.RadioSelect,
    )
    wrong = forms.ChoiceField(
        label=gettext_lazy("If an order is wrong"),
        choices=[
            ("none", gettext_lazy("bring none over")),
            ("others", gettext_lazy("leave it out, and bring the others over")),
        ],
        initial="none",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args, done, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.done = done
        if not done.existing:
            del self.fields["existing"]

    @property
    def options(self):
        chosen = self.cleaned_data
        return {"existing": chosen.get("existing", "skip"), "keep_going": chosen["wrong"] == "others"}

    def clean(self):
        cleaned = super().clean()
        wrong = self.done.wrong + (self.done.existing if cleaned.get("existing") == "refuse" else 0)
        if wrong and cleaned.get("wrong") == "none":
            said = ngettext(
                "%(count)s order is wrong. Have it left out, or correct the file and send it once more.",
                "%(count)s orders are wrong. Have them left out, or correct the file and send it once more.",
                wrong,
            )
            self.add_error("wrong", said % {"count": format_count(wrong)})
        return cleaned


class ForImporters:
    """Opens to those alone who may import."""

    def dispatch(self, request, *args, **kwargs):
        if not importing.may_import(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)


class ImportView(ForImporters, WagtailAdminTemplateMixin, View):
    """Takes a file and has it looked through; POST stores it, GET only asks."""

    http_method_names = ["get", "head", "post"]
    page_title = LABEL
    header_icon = "upload"
    template_name = "wagtail_orders/admin/import.html"
    _show_breadcrumbs = True

    def get_breadcrumbs_items(self):
        return trail(self.page_title)

    def get(self, request):
        return self._ask(FileForm())

    def post(self, request):
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._ask(form, status=422)
        file = form.cleaned_data["file"]
        begun = importing.begin(file.chunks(), form.reader, user=request.user, name=clean_text(file.name))
        return redirect("wagtail_orders:import_job", begun.pk)

    def _ask(self, form, *, status=200):
        context = self.get_context_data(
            form=form, readers=imports.readers().values(), megabytes=MOST_BYTES // 1_000_000, command=COMMAND
        )
        return self.render_to_response(context, status=status)


class ImportJobView(ForImporters, JobPage):
    """
    One import: how far it is; once it is looked through, what would be brought over, and the button that does it; in
    the end what came of it.
    """

    http_method_names = ["get", "head", "post"]
    header_icon = "upload"
    template_name = "wagtail_orders/admin/import_job.html"
    form = None

    @cached_property
    def job(self):
        found = super().job
        if found.kind != Job.Kind.IMPORT:
            raise Http404("That is no import.")
        return found

    @cached_property
    def done(self):
        return importing.outcome_of(self.job)

    def get(self, request, pk):
        if self.is_open:
            self.form = ConfirmForm(done=self.done)
        return self.show()

    @property
    def is_open(self):
        """Whether there is something to confirm."""
        return bool(self.done and self.done.new and not self.done.is_written)

    def post(self, request, pk):
        if self.is_open:
            self.form = ConfirmForm(request.POST, done=self.done)
            if not self.form.is_valid():
                return self.show(status=422)
            if importing.confirm(self.job, **self.form.options):
                return redirect("wagtail_orders:import_job", pk)
        messages.warning(request, _("This was decided already, or there is nothing to bring over."))
        return redirect("wagtail_orders:import_job", pk)

    def get_context_data(self, **kwargs):
        facts = {"done": self.done, "form": self.form, "is_confirmed": importing.is_confirmed(self.job)}
        if self.done:
            facts |= {
                "reader": imports.readers().get(self.job.data["reader"]),
                "file": self.job.data["file"],
                "sums": list(words.sums(self.done)),
                "unknown": list(words.unknown(self.done)),
                "numbers": _shortened(self.done.existing_numbers, self.done.existing),
                "has_columns": any(problem.column is not None for problem in self.done.problems),
                "more": self.done.wrong - len(self.done.problems),
                "orders_url": url_of_state("all"),
                "question": _question(self.done.new),
            }
        return super().get_context_data(**facts, **kwargs)


def _question(count):
    return ngettext("Bring over %(count)s order", "Bring over %(count)s orders", count) % {
        "count": format_count(count)
    }


def _shortened(numbers, count):
    """The first numbers, and how many more there are."""
    listed = ", ".join(numbers)
    more = count - len(numbers)
    return (
        _("%(numbers)s and %(count)s more") % {"numbers": listed, "count": format_count(more)}
        if more > 0
        else listed
    )
