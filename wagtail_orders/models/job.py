"""Work that takes longer than a page may: its progress, what goes in, what comes out; and what a user chose last."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class JobQuerySet(models.QuerySet):
    def of(self, user):
        """Those of ``user``, whom alone they concern."""
        return self.filter(user=user)

    def unfinished(self):
        return self.filter(state__in=Job.UNFINISHED)

    def expired(self, now):
        """Those whose time is over: they hold copies of personal data."""
        return self.filter(expires_at__lte=now)


class Job(models.Model):
    """
    One export, import or print, which its user can leave and find again. ``wagtail_orders.jobs`` is the only
    writer. What goes in and what comes out lies in pieces beside it: in the database every worker finds it, and
    nobody who may not.
    """

    class Kind(models.TextChoices):
        EXPORT = "export", _("Export")
        IMPORT = "import", _("Import")
        PRINT = "print", _("Print")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", pgettext_lazy("job", "Running")
        DONE = "done", pgettext_lazy("job", "Done")
        FAILED = "failed", pgettext_lazy("job", "Failed")
        CANCELLED = "cancelled", pgettext_lazy("job", "Cancelled")

    UNFINISHED = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=10, choices=Kind)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    #: What its user reads, in his language: "Current orders, XML".
    title = models.CharField(max_length=255)
    #: What the work needs to know; each kind's own.
    data = models.JSONField(default=dict, blank=True)
    language = models.CharField(max_length=16)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    #: Of how many orders so many are done.
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    #: Names the run that works on it; what another run writes is refused.
    run = models.CharField(max_length=32, blank=True, editable=False)
    #: What went wrong, in the user's words; in ``result`` what came of it.
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    #: Bytes of the whole result; null until it is whole.
    size = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    #: When its run last said that it lives.
    beat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = JobQuerySet.as_manager()

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="orders_jobs_of_a_user")]

    def __str__(self):
        return self.title

    @property
    def is_finished(self):
        return self.state not in self.UNFINISHED


class JobPiece(models.Model):
    """A part of what goes into a job, or of what comes out, small enough for any database's packets."""

    class Side(models.TextChoices):
        INPUT = "input"
        RESULT = "result"

    job = models.ForeignKey(Job, models.CASCADE, related_name="pieces")
    side = models.CharField(max_length=6, choices=Side)
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    wagtail_reference_index_ignore = True

    class Meta:
        ordering = ["job_id", "side", "position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "side", "position"], name="orders_one_piece_at_a_position")
        ]

    def __str__(self):
        return f"{self.job_id} {self.side} {self.position}"


class ExportChoice(models.Model):
    """What a user chose last for a format, such as the columns, or for a print: his next one begins with it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    format = models.CharField(max_length=50)
    options = models.JSONField(default=dict, blank=True)
    #: Which of the formats was taken last.
    chosen_at = models.DateTimeField(default=timezone.now)

    wagtail_reference_index_ignore = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "format"], name="orders_one_choice_a_format")]

    def __str__(self):
        return self.format
