"""Settings of the example site: SQLite and DEBUG unless the environment says otherwise."""

from pathlib import Path

import django
import environ
from django.utils.translation import gettext_lazy as _

from example_site.paypal_double.account import CA_FILE, account_settings

ROOT = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", True)
SECRET_KEY = env("SECRET_KEY", default="for-the-demo-only-" + "x" * 40)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])

INSTALLED_APPS = [
    "example_site.shop",
    "example_site.mailbox",
    "example_site.paypal_double",
    "wagtail_orders",
    "wagtail.contrib.settings",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_tasks",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example_site.urls"
WSGI_APPLICATION = "example_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_site.shop.context_processors.basket",
                "example_site.mailbox.context_processors.mailbox",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{ROOT / 'demo.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Two processes that write at once must wait for each other, not fail with "database is locked":
    # IMMEDIATE takes the write lock when a transaction begins, the timeout is how long one waits.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = []

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
WAGTAIL_CONTENT_LANGUAGES = LANGUAGES
WAGTAIL_I18N_ENABLED = True
WAGTAILADMIN_PERMITTED_LANGUAGES = [
    ("en", "English"),
    ("fr", "français"),
    ("nl", "Nederlands"),
    ("de", "Deutsch"),
]
LOCALE_PATHS = [ROOT / "example_site" / "locale"]
TIME_ZONE = "Europe/Brussels"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "var" / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = env("MEDIA_ROOT", default=str(ROOT / "var" / "media"))

WAGTAIL_ORDERS = {"PUBLIC_BASE_TEMPLATE": "shop/base.html"}

# PAYPAL_CLIENT_ID and its like name an account at PayPal. Without them, `make demo` says in PAYPAL_DOUBLE on which
# port PayPal's double runs beside it; that one takes no money, and is never asked unless DEBUG is on.
PAYPAL_DOUBLE_DIR = env("PAYPAL_DOUBLE_DIR", default=str(ROOT / "var" / "paypal"))
if env("PAYPAL_CLIENT_ID", default=""):
    WAGTAIL_ORDERS["PAYPAL"] = {
        "CLIENT_ID": env("PAYPAL_CLIENT_ID"),
        "CLIENT_SECRET": env("PAYPAL_CLIENT_SECRET", default=""),
        "WEBHOOK_ID": env("PAYPAL_WEBHOOK_ID", default=""),
        "MERCHANT_ID": env("PAYPAL_MERCHANT_ID", default=""),
        "ENVIRONMENT": env("PAYPAL_ENVIRONMENT", default="sandbox"),
    }
elif DEBUG and env("PAYPAL_DOUBLE", default=""):
    api_port = env.int("PAYPAL_DOUBLE")
    WAGTAIL_ORDERS["PAYPAL"] = account_settings(
        api=f"https://localhost:{api_port}",
        pages=f"http://localhost:{api_port + 1}",
        ca=Path(PAYPAL_DOUBLE_DIR) / CA_FILE,
    )

WAGTAIL_SITE_NAME = "Atelier Forêt"
WAGTAILADMIN_BASE_URL = env("WAGTAILADMIN_BASE_URL", default="http://localhost:8000")
WAGTAILIMAGES_EXTENSIONS = ["gif", "jpg", "jpeg", "png", "webp", "svg"]

# EMAIL_URL, such as smtp+tls://name:password@mail.example.com:587 or smtp+ssl://…:465, sends the mails out.
# Without it they stay in the demo's own mailbox.
SMTP = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_TIMEOUT": "timeout",
}
if env("EMAIL_URL", default=""):
    MAILBOX_DIR = None
    email = env.email_url("EMAIL_URL")
    email_backend = email["EMAIL_BACKEND"]
    email = {name: email[name] for name in SMTP if email.get(name)}
    if "EMAIL_HOST" in email:
        usual_port = 465 if "EMAIL_USE_SSL" in email else 587 if "EMAIL_USE_TLS" in email else 25
        email = {"EMAIL_PORT": usual_port, "EMAIL_TIMEOUT": 20, **email}
else:
    MAILBOX_DIR = env("MAILBOX_DIR", default=str(ROOT / "var" / "mails"))
    email_backend, email = "example_site.mailbox.backend.EmailBackend", {}
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Atelier Forêt <atelier@example.com>")

# Django 6.1 replaces EMAIL_BACKEND and its like by MAILERS.
if django.VERSION >= (6, 1):
    email_options = {SMTP[name]: value for name, value in email.items()}
    MAILERS = {"default": {"BACKEND": email_backend, "OPTIONS": email_options}}
else:
    vars().update(email, EMAIL_BACKEND=email_backend)
