"""The package as others get it: the wheel, installed into an empty environment, in a site of one file."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SITE = """
import sys

from django.conf import settings

settings.configure(
    SECRET_KEY="x" * 50,
    ROOT_URLCONF="one_file_site",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3",
                           "OPTIONS": {"transaction_mode": "IMMEDIATE"}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    STATIC_URL="/static/",
    WAGTAIL_SITE_NAME="One file",
    WAGTAILADMIN_BASE_URL="http://localhost",
    ALLOWED_HOSTS=["testserver"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages"]}}],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    INSTALLED_APPS=["wagtail_orders"] + sys.argv.pop(1).split(",") + [
        "wagtail.sites", "wagtail.users", "wagtail.snippets", "wagtail.documents", "wagtail.images",
        "wagtail.search", "wagtail.admin", "wagtail", "modelcluster", "taggit",
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.staticfiles"],
)

import django
django.setup()

from django.urls import include, path
from wagtail.admin import urls as wagtailadmin_urls

urlpatterns = [path("cms/", include(wagtailadmin_urls))]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    sys.modules["one_file_site"] = sys.modules["__main__"]
    execute_from_command_line(sys.argv)
"""

WALK = """
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.translation import override
from wagtail_orders.lifecycle import Address, Line, place_order, mark_paid
order = place_order(currency="EUR", email="a@example.com", customer_name="A",
    billing_address=Address(name="A", street="1 road", city="Ghent", country="BE"),
    lines=[Line(sku="", name="Mug", quantity=1, unit_price=5)])
client = Client()
client.force_login(get_user_model().objects.create_superuser("a", "a@example.com", "a"))
assert order.number in client.get("/cms/orders/").content.decode()
assert client.post(f"/cms/orders/{order.pk}/mark-paid/").status_code == 302
order.refresh_from_db()
with override("fr"):
    print(order.number, order.get_payment_status_display())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT], check=True, capture_output=True
    )
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel]
    # What stands on PYTHONPATH would be taken for installed there.
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(install, check=True, capture_output=True, env=surroundings)
    (folder / "one_file_site.py").write_text(SITE)
    return folder


def run(environment, apps, *command, check=True):
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PYTHONPATH")
    }
    return subprocess.run(
        [environment / "bin" / "python", "one_file_site.py", apps, *command],
        cwd=environment,
        env=surroundings,
        check=check,
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_all_that_is_not_code(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "wagtail_orders").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {name.split("/")[1] for name in expected} == {
        "templates",
        "static",
        "locale",
        "tracking",
        "exports",
        "documents",
    }
    assert expected <= names
    assert "wagtail_orders/migrations/0001_initial.py" in names


def test_the_wheel_holds_all_code(wheel):
    code = {str(path.relative_to(ROOT)) for path in (ROOT / "wagtail_orders").rglob("*.py")}
    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")} == code
    assert "wagtail_orders/payments/paypal/provider.py" in code


def test_the_wheel_holds_nothing_else(wheel):
    roots = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"wagtail_orders"}


def test_one_app_and_migrate_are_the_whole_installation(environment):
    apps = "wagtail.contrib.settings"
    checked = run(environment, apps, "check", "--fail-level", "WARNING")
    assert "no issues" in checked.stdout
    run(environment, apps, "migrate", "--verbosity", "0")
    run(environment, apps, "makemigrations", "--check", "wagtail_orders")
    walked = run(environment, apps, "shell", "--command", WALK)
    assert walked.stdout.strip().endswith("-00001 Payée")


WITH_PAYPAL = """
from django.conf import settings
from django.core import checks
settings.WAGTAIL_ORDERS = {"PAYPAL": {"CLIENT_ID": "a", "CLIENT_SECRET": "b", "WEBHOOK_ID": "c", "MERCHANT_ID": "d",
                                      "ENVIRONMENT": "sandbox"}}
from wagtail_orders import payments
print(payments.provider("paypal").account.verify, [one.id for one in checks.run_checks(tags=["wagtail_orders"])])
"""


def test_paypal_does_without_its_extra_and_says_so(environment):
    told = run(environment, "wagtail.contrib.settings", "shell", "--command", WITH_PAYPAL)
    assert told.stdout.strip().endswith("postback ['wagtail_orders.W003']")


def test_a_site_without_the_settings_app_is_told_so(environment):
    told = run(environment, "django.contrib.humanize", "check", check=False)
    assert told.returncode != 0
    assert "wagtail_orders.E001" in told.stderr
    assert 'Add "wagtail.contrib.settings" to INSTALLED_APPS.' in told.stderr
