"""The example site's settings, as a site in use has them, with the stock listing beside the desk."""

import django

from example_site.settings import *  # noqa: F403
from example_site.settings import DATABASES, INSTALLED_APPS

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.stock"]
ROOT_URLCONF = "benchmarks.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# What is measured ends where a worker would begin.
own_backends = "django.tasks.backends" if django.VERSION >= (6, 0) else "django_tasks.backends"
TASKS = {"default": {"BACKEND": f"{own_backends}.dummy.DummyBackend"}}
# Wagtail's own bulk actions name each ticked row in the address.
DATA_UPLOAD_MAX_NUMBER_FIELDS = None

if "postgresql" in DATABASES["default"]["ENGINE"]:
    # All of the server's work is in the process at the other end, whose CPU time is counted.
    DATABASES["default"]["OPTIONS"] = {"options": "-c max_parallel_workers_per_gather=0"}
