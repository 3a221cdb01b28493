"""A user's own exports, imports and prints: how far they are, what came of them, and what can be done about it."""

from babel.dates import format_timedelta
from babel.numbers import format_decimal, format_percent
from django.contrib import messages
from django.http import Http404, JsonResponse
from django.shortcuts import redirect
from django.template import TemplateDoesNotExist
from django.template.loader import select_template
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from .. import database, jobs
from ..exports.download import respond
from ..models import Job, Order
from ..money import locale_of
from .cells import status_tag, time_tag
from .listing import trail

State = Job.State

#: What a user must still be allowed to do with orders, to fetch a job's file or to have it done anew.
NEEDED = {
    Job.Kind.EXPORT: {"export"},
    Job.Kind.IMPORT: {"change", "export"},
    Job.Kind.PRINT: {"export"},
}
#: The longest list; more than anybody starts in a week.
MOST = 200


def jobs_of(user):
    """The jobs that ``user`` has started and that are not expired, newest first. Nobody sees another's."""
    return database.primary(Job).of(user).filter(expires_at__gt=timezone.now()).exclude(run="")


class JobWords:
    """What is read of a job: ``of`` it, at one moment, in the reader's language."""

    def __init__(self, job):
        self.job = job
        self.now = timezone.now()
        self.is_lost = jobs.is_lost(job, self.now)
        self.sentence = jobs.state_for_people(job, self.now)
        self.may_be_taken_up = jobs.may_be_taken_up(job, self.now)

    @property
    def stage(self):
        """Changes when another page has to be shown."""
        return f"{self.job.state}{'-lost' if self.is_lost else ''}"

    @property
    def tag(self):
        is_interrupted = self.is_lost and self.job.state == State.RUNNING
        label = _("Interrupted") if is_interrupted else self.job.get_state_display()
        return status_tag(label, is_done=self.job.state == State.DONE)

    @property
    def has_file(self):
        return self.job.state == State.DONE and self.job.size is not None

    @property
    def is_running(self):
        return self.job.state == State.RUNNING and not self.is_lost

    @property
    def percent(self):
        """``42 %``, or nothing where it is not known."""
        if not self.is_running or not self.job.total:
            return ""
        return format_percent(min(1, self.job.done / self.job.total), locale=locale_of())

    @property
    def progress(self):
        """How many are done, how quickly, and how long it will still take."""
        if not self.is_running:
            return ""
        return " · ".join(part for part in (self._count, self._rate, self._left) if part)

    @property
    def _count(self):
        done, total = self.job.done, self.job.total
        if not total:
            return ngettext("%(done)s order", "%(done)s orders", done) % {"done": _number(done)}
        words = ngettext("%(done)s of %(total)s order", "%(done)s of %(total)s orders", total)
        return words % {"done": _number(done), "total": _number(total)}

    @cached_property
    def _per_second(self):
        seconds = (self.job.beat_at - self.job.started_at).total_seconds()
        # The first second says nothing yet.
        return self.job.done / seconds if seconds >= 1 else 0

    @property
    def _rate(self):
        rate = self._per_second
        if not rate:
            return ""
        return _("%(rate)s a second") % {"rate": _number(rate, "#,##0" if rate >= 10 else "0.#")}

    @property
    def _left(self):
        if not self._per_second or not self.job.total:
            return ""
        return _("%(time)s left") % {"time": _span((self.job.total - self.job.done) / self._per_second)}

    @property
    def orders(self):
        """How many it was about, once that is certain."""
        return _number(self.job.done) if self.job.state == State.DONE and self.job.done else ""

    @property
    def made(self):
        return time_tag(self.job.created_at)

    @property
    def expires(self):
        return time_tag(self.job.expires_at)

    @property
    def took(self):
        """How long the run took that made it."""
        if self.job.state != State.DONE or not self.job.started_at:
            return ""
        return _span((self.job.finished_at - self.job.started_at).total_seconds())


def _number(number, pattern=None):
    return format_decimal(number, pattern, locale=locale_of())


def _span(seconds):
    """``3 minutes``; at least a second."""
    return format_timedelta(max(1, seconds), threshold=1.5, locale=locale_of())


def result_template(job):
    """What tells the result of a kind of job, such as ``job_result_import.html``, or None."""
    try:
        return select_template([f"wagtail_orders/admin/job_result_{job.kind}.html"])
    except TemplateDoesNotExist:
        return None


class JobPage(PermissionCheckedMixin, WagtailAdminTemplateMixin, View):
    """
    What concerns one job. It is its user's whatever he may do with orders by now; to everybody else, superusers
    too, there is no such job.
    """

    http_method_names = ["get", "head"]
    model = Order
    permission_policy = None
    header_icon = "history"
    _show_breadcrumbs = True

    @cached_property
    def job(self):
        job = jobs_of(self.request.user).filter(pk=self.kwargs["pk"]).first()
        if job is None:
            raise Http404("No such job of yours.")
        return job

    def may(self, job):
        """Whether the user may still do what the job is about."""
        return all(self.user_has_permission(needed) for needed in NEEDED[job.kind])

    def get_breadcrumbs_items(self):
        return trail((_("Exports, imports and prints"), reverse("wagtail_orders:jobs")), self.job.title)

    def get_page_title(self):
        return self.job.title

    def show(self, *, status=200):
        context = self.get_context_data(
            job=self.job,
            words=JobWords(self.job),
            may=self.may(self.job),
            is_refused=status == 403,
            result_template=result_template(self.job),
        )
        return self.render_to_response(context, status=status)


class JobView(JobPage):
    """One job, which a script keeps up to date while it is under way."""

    template_name = "wagtail_orders/admin/job.html"

    def get(self, request, pk):
        return self.show()


class JobStateView(JobPage):
    """What changes on the job's page, for its script."""

    def get(self, request, pk):
        words = JobWords(self.job)
        facts = {
            "stage": words.stage,
            "done": self.job.done,
            "total": self.job.total,
            "percent": words.percent,
            "progress": words.progress,
        }
        return JsonResponse(facts)


class JobFileView(JobView):
    """The file that came of a job, once it is whole."""

    def get(self, request, pk):
        if not self.may(self.job):
            return self.show(status=403)
        if not JobWords(self.job).has_file:
            raise Http404("There is no whole file.")
        facts = {"file_name": self.job.file_name, "content_type": self.job.content_type}
        content = iter([]) if request.method == "HEAD" else jobs.read_result(self.job)
        response = respond(request, content, **facts)
        response["Content-Length"] = self.job.size
        return response


class JobActionView(JobView):
    """Cancels a job, takes it up again or deletes it; POST only."""

    http_method_names = ["post"]

    def post(self, request, pk, action):
        if action not in ("cancel", "take-up", "delete"):
            raise Http404
        return getattr(self, action.replace("-", "_"))()

    def cancel(self):
        if not jobs.cancel(self.job):
            messages.warning(self.request, _("There was nothing left to cancel."))
        return redirect("wagtail_orders:job", self.job.pk)

    def take_up(self):
        if not self.may(self.job):
            return self.show(status=403)
        if not jobs.take_up(self.job):
            messages.warning(self.request, _("Somebody works on it already, or is through."))
        return redirect("wagtail_orders:job", self.job.pk)

    def delete(self):
        jobs.forget(self.job)
        messages.success(self.request, _("“%(title)s” is deleted.") % {"title": self.job.title})
        return redirect("wagtail_orders:jobs")


class JobsView(JobPage):
    """All that the user has started in the last days."""

    template_name = "wagtail_orders/admin/jobs.html"
    page_title = gettext_lazy("Your exports, imports and prints")

    def get_page_title(self):
        return self.page_title

    def get_breadcrumbs_items(self):
        return trail(self.page_title)

    def get(self, request):
        mine = jobs_of(request.user).defer("data", "result")[:MOST]
        rows = [(JobWords(job), self.may(job)) for job in mine]
        context = self.get_context_data(rows=rows, days=jobs.LIFE.days)
        return self.render_to_response(context)
