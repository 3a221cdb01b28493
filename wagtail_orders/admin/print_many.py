"""The owner's way to many orders on paper: the page that asks what is printed, and what Wagtail's log tells of it."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _
from wagtail.log_actions import LogFormatter

from .. import conf
from ..documents import documents, job
from ..documents.many import OutOfTime, Printing
from ..exceptions import DocumentFailed
from ..models import ExportChoice
from ..money import format_count
from ..templatetags.wagtail_orders_tags import language_label
from .documents import HEADERS, POLICY
from .wanted import TickedPage, WantedPage, in_log

LABEL = gettext_lazy("Print orders")
#: What a user printed last is kept beside what he exported last. No format is called so: their names are slugs.
KEPT = ":print"
CUSTOMERS, OWN = "customers", "own"


def _base(language):
    return language.partition("-")[0]


class PrintForm(forms.Form):
    """Which document, and in whose language where that matters. It begins with what ``user`` chose last."""

    document = forms.ChoiceField(
        label=gettext_lazy("Document"),
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), gettext_lazy("Choose one of the documents.")
        ),
    )
    language = forms.ChoiceField(
        label=pgettext_lazy("of documents", "Language"), required=False, widget=forms.RadioSelect
    )

    def __init__(self, data=None, *, user, languages=()):
        """``languages`` are those of the orders' customers."""
        self.documents = documents()
        self._user = user
        kept = ExportChoice.objects.filter(user=user, format=KEPT).first()
        self._last = kept.options if kept else {}
        document = self._last.get("document")
        initial = {
            "document": document if document in self.documents else next(iter(self.documents), None),
            "language": self._last.get("language") or CUSTOMERS,
        }
        super().__init__(data, initial=initial, label_suffix="")
        self.fields["document"].choices = [(name, known.label) for name, known in self.documents.items()]
        own = get_language()
        if all(_base(language) == _base(own) for language in languages):
            del self.fields["language"]
        else:
            mine = _("Mine: %(language)s") % {"language": language_label(own)}
            self.fields["language"].choices = [(CUSTOMERS, _("Each customer's")), (OWN, mine)]

    @property
    def cards(self):
        """What is chosen from: each document, and whether it is the chosen one."""
        chosen = self["document"].value()
        return [(known, name == chosen) for name, known in self.documents.items()]

    @property
    def chosen(self):
        return self.documents[self.cleaned_data["document"]]

    @property
    def chosen_language(self):
        """The language of the paper; None for each customer's own. Who prints a list of many reads it, too."""
        is_own = self.chosen.is_of_many or self.cleaned_data.get("language") == OWN
        return get_language() if is_own else None

    def remember(self):
        options = {**self._last, **self.cleaned_data}
        ExportChoice.objects.update_or_create(
            user=self._user, format=KEPT, defaults={"options": options, "chosen_at": timezone.now()}
        )


class PrintManyView(WantedPage):
    """
    Asks which document of the orders is printed, and prints it: one PDF that opens in the browser, or a page that the
    browser prints. More than ``PRINT_AT_ONCE`` orders become a job.
    """

    page_title = LABEL
    template_name = "wagtail_orders/admin/print_many.html"

    def post(self, request):
        # Read before they are counted: others work on the desk too.
        pks = self.wanted.pks
        form = self.form(request.POST)
        if not form.is_valid() or not pks:
            return self.ask(form, status=422)
        way = request.POST.get("way", "")
        if way == "browser" and self.is_large:
            return self.ask(form, status=422, problem=self._too_many())
        form.remember()
        if way == "background" or self.is_large:
            begun = self._begin(form)
            job.start(begun, pks)
            return redirect("wagtail_orders:job", begun.pk)
        return self._in_browser(form) if way == "browser" else self._at_once(form, skips_failed=way == "rest")

    def form(self, data=None):
        return PrintForm(data, user=self.request.user, languages=self.wanted.languages)

    def question(self, count):
        return ngettext("Print %(count)s order", "Print %(count)s orders", count)

    @cached_property
    def is_large(self):
        return self.wanted.count > conf.get("PRINT_AT_ONCE")

    def ask(self, form, *, status=200, **context):
        most = format_count(conf.get("PRINT_AT_ONCE"))
        context = {"is_large": self.is_large, "most": most, "problem": "", **context}
        return super().ask(form, status=status, **context)

    def _too_many(self):
        said = _("The browser prints up to %(count)s orders at once. Make a PDF of these, or select fewer.")
        return said % {"count": format_count(conf.get("PRINT_AT_ONCE"))}

    def _begin(self, form):
        """The job's row, in Wagtail's log too."""
        document = form.chosen
        begun = job.begin(
            document,
            self.wanted.pks,
            user=self.request.user,
            title=_("%(orders)s, %(format)s") % {"orders": self.wanted.title, "format": document.label},
            file_name=self.file_name(document.name, "pdf"),
            language=form.chosen_language,
        )
        self.log(begun, "wagtail_orders.printed", document=document.name)
        return begun

    def _at_once(self, form, *, skips_failed):
        printing = Printing(
            form.chosen, self.wanted.pks, language=form.chosen_language, patience=conf.get("PDF_SECONDS")
        )
        begun = self._begin(form)
        try:
            pdf = b"".join(printing.write())
        except DocumentFailed as error:
            printing.made = 0
            job.note(begun, printing)
            return self._failed(form, printing, str(error), is_slow=isinstance(error, OutOfTime))
        job.note(begun, printing)
        if not printing.made or (printing.failed and not skips_failed):
            return self._failed(form, printing)
        response = HttpResponse(pdf, content_type="application/pdf", headers=HEADERS)
        name = content_disposition_header(False, begun.data["file_name"])
        response.headers["Content-Disposition"] = name
        return response

    def _failed(self, form, printing, reason="", *, is_slow=False):
        """The page again, with why there is no PDF, and what else there is."""
        return self.ask(
            form,
            status=422,
            problem=reason or self._why(printing),
            failed=printing.failed,
            rest=printing.made if printing.failed else 0,
            is_slow=is_slow,
        )

    def _why(self, printing):
        if not printing.made:
            return job.why_nothing(printing)
        count = len(printing.failed)
        said = ngettext(
            "%(count)s order could not be printed.", "%(count)s orders could not be printed.", count
        )
        return said % {"count": format_count(count)}

    def _in_browser(self, form):
        printing = Printing(form.chosen, self.wanted.pks, language=form.chosen_language)
        begun = self._begin(form)
        try:
            html = printing.html(self._screen(form.chosen))
        except DocumentFailed as error:
            job.note(begun, printing)
            return self._failed(form, printing, str(error))
        job.note(begun, printing)
        if printing.failed or not printing.made:
            return self._failed(form, printing)
        return HttpResponse(html, headers={**HEADERS, "Content-Security-Policy": POLICY})

    def _screen(self, document):
        return {
            "language": get_language(),
            "title": f"{document.label} ({format_count(self.wanted.count)})",
            "notice": "",
            "print_label": _("Print"),
            "links": [(_("Back to the orders"), self.wanted.place.url)],
        }


class PrintTicked(TickedPage):
    """The same page for ticked orders."""

    action_type = "print"
    action_priority = 89
    display_name = LABEL
    aria_label = LABEL
    template_name = PrintManyView.template_name
    page = PrintManyView


class PrintedFormatter(LogFormatter):
    """How a print reads in Wagtail's log: ``Printed 12 orders: Packing slip (Current orders; Payment: Paid)``."""

    label = pgettext_lazy("orders", "Printed")

    def format_message(self, log_entry):
        data = log_entry.data
        known = documents().get(data["document"])
        said = ngettext(
            "Printed %(count)s order: %(document)s (%(which)s)",
            "Printed %(count)s orders: %(document)s (%(which)s)",
            data["count"],
        )
        return said % {**in_log(data), "document": known.label if known else data["document"]}
