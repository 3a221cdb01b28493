"""The example site's settings, with what makes tests quick and strict."""

import os
import tempfile

import django

from example_site.settings import *  # noqa: F403
from example_site.settings import DATABASES, INSTALLED_APPS, WAGTAIL_ORDERS, env

DEBUG = False
# Whatever the environment says: a test that wants PayPal sets up its double.
WAGTAIL_ORDERS = {**WAGTAIL_ORDERS, "PAYPAL": None}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = tempfile.mkdtemp(prefix="wagtail-orders-media-")
MAILBOX_DIR = tempfile.mkdtemp(prefix="wagtail-orders-mails-")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: the tests let several processes write to it.
    DATABASES["default"]["TEST"] = {
        "NAME": os.path.join(tempfile.mkdtemp(prefix="wagtail-orders-"), "test.sqlite3")
    }

INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks_db", "django_tasks_rq", "django_rq"]
# Django has tasks of its own from 6.0 on.
own_backends = "django.tasks.backends" if django.VERSION >= (6, 0) else "django_tasks.backends"
TASKS = {
    # Mails wait for whoever delivers them: a test that wants it done, does it or chooses another backend.
    "default": {"BACKEND": f"{own_backends}.dummy.DummyBackend"},
    "thread": {"BACKEND": f"{own_backends}.immediate.ImmediateBackend"},
    "database": {"BACKEND": "django_tasks_db.DatabaseBackend"},
    "redis": {"BACKEND": "django_tasks_rq.RQBackend"},
}
# The last of a Redis server's databases, which nobody else is likely to use.
RQ_QUEUES = {"default": {"URL": env("REDIS_URL", default="redis://127.0.0.1:6379/15")}}
