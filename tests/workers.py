"""The task backends' own workers, each run in a process of its own until nothing is left to do."""

import django_rq
import pytest
import redis
from django.core.management import call_command

from .processes import ended, fork


def call_in_another_process(*command, **options):
    assert ended(fork(lambda: call_command(*command, **options))) == 0


class Database:
    """django-tasks-db."""

    def work(self):
        call_in_another_process(
            "db_worker", "--backend", "database", "--batch", "--no-startup-delay", verbosity=0
        )

    def waiting(self):
        # Not earlier: a process with the example site's settings has no such model.
        from django_tasks_db.models import DBTaskResult

        return DBTaskResult.objects.ready().count()


class Redis:
    """django-tasks-rq."""

    def __init__(self):
        self.queue = django_rq.get_queue("default")
        try:
            self.queue.connection.ping()
        except redis.ConnectionError as error:
            pytest.skip(f"no Redis answers: {error}")
        self.forget()

    def forget(self):
        for key in self.queue.connection.scan_iter("rq:*"):
            self.queue.connection.delete(key)

    def work(self):
        call_in_another_process(
            "rqworker", "default", "--job-class", "django_tasks_rq.Job", "--burst", verbosity=0
        )

    def waiting(self):
        return self.queue.count
