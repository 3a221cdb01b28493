"""The counters behind order numbers."""

from django.db import models

from .fields import ExactCharField


class NumberSequence(models.Model):
    """One counter: ``key`` is the number with ``#`` for the count (``2026-#``), ``last`` the last one given."""

    key = ExactCharField(max_length=100, unique=True)
    last = models.PositiveBigIntegerField(default=0)

    wagtail_reference_index_ignore = True

    def __str__(self):
        return f"{self.key}: {self.last}"
