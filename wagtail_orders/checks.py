"""What is wrong with a project's settings, told when it starts, with what to do."""

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.template.loader import get_template
from django.utils import timezone
from django.utils.module_loading import import_string

from . import conf
from .documents import fonts
from .lifecycle import numbers
from .payments.paypal import account as paypal
from .shipstation import door

NEEDED_APPS = (
    "wagtail.admin",
    "wagtail.contrib.settings",
    "wagtail.images",
    "wagtail.snippets",
    "django.contrib.contenttypes",
)


@checks.register("wagtail_orders")
def check_installed_apps(app_configs, **kwargs):
    """E001: an app that the order desk builds on is missing."""
    return [
        checks.Error(
            f"wagtail_orders needs {name!r}.",
            hint=f'Add "{name}" to INSTALLED_APPS.',
            id="wagtail_orders.E001",
        )
        for name in NEEDED_APPS
        if not apps.is_installed(name)
    ]


@checks.register("wagtail_orders")
def check_settings(app_configs, **kwargs):
    """
    E002: a key of WAGTAIL_ORDERS is unknown. E003: NUMBER_FORMAT makes no usable numbers. E004: the template
    PUBLIC_BASE_TEMPLATE cannot be used.
    """
    given = getattr(settings, "WAGTAIL_ORDERS", {})
    errors = [
        checks.Error(
            f"WAGTAIL_ORDERS has no key {key!r}.",
            hint=f"The keys are: {', '.join(sorted(conf.DEFAULTS))}.",
            id="wagtail_orders.E002",
        )
        for key in sorted(set(given) - set(conf.DEFAULTS))
    ]
    if problem := _problem_of_number_format():
        errors.append(
            checks.Error(
                f'WAGTAIL_ORDERS["NUMBER_FORMAT"] {problem}',
                hint='The default is "{year}-{sequence:05d}".',
                id="wagtail_orders.E003",
            )
        )
    try:
        get_template(conf.get("PUBLIC_BASE_TEMPLATE"))
    except Exception as error:
        errors.append(
            checks.Error(
                f'WAGTAIL_ORDERS["PUBLIC_BASE_TEMPLATE"] cannot be used: {error!r}',
                hint="Name the template that your site's pages extend, with the blocks title and content.",
                id="wagtail_orders.E004",
            )
        )
    return errors


@checks.register("wagtail_orders")
def check_documents(app_configs, **kwargs):
    """E005: PDF_RENDERER names no function. E006: a file of PDF_FONT cannot be used."""
    errors = []
    try:
        import_string(conf.get("PDF_RENDERER"))
    except Exception as error:
        errors.append(
            checks.Error(
                f'WAGTAIL_ORDERS["PDF_RENDERER"] cannot be used: {error!r}',
                hint=f'The default is "{conf.DEFAULTS["PDF_RENDERER"]}".',
                id="wagtail_orders.E005",
            )
        )
    for face in fonts.faces():
        try:
            fonts.characters(face.path)
        except Exception as error:
            errors.append(
                checks.Error(
                    f'WAGTAIL_ORDERS["PDF_FONT"]: {str(face.path)!r} cannot be used: {error}',
                    hint="Name a font file with TrueType outlines (.ttf or .ttc) that the website may read.",
                    id="wagtail_orders.E006",
                )
            )
    return errors


def _problem_of_number_format():
    moment = timezone.now()
    try:
        first, last = (numbers.render(count, moment=moment, site_id=1) for count in (1, 99_999_999))
    except Exception as error:
        return f"cannot be used: {error}"
    if first == last:
        return "has no {sequence}, so every order would get the same number."
    if len(last) > 30:
        return "makes numbers of more than 30 characters; with a prefix they must fit into 50."
    return ""


@checks.register("wagtail_orders", checks.Tags.security)
def check_shipstation(app_configs, **kwargs):
    """E007: SHIPSTATION lets nobody in. W002: its password is short."""
    login = conf.get("SHIPSTATION")
    if login is None:
        return []
    if problem := door.problem_of(login):
        return [
            checks.Error(
                f'WAGTAIL_ORDERS["SHIPSTATION"] {problem}',
                hint='Set it to {"USERNAME": …, "PASSWORD": …}, or to None to have no such door.',
                id="wagtail_orders.E007",
            )
        ]
    if len(login["PASSWORD"]) < door.WELL_LONG:
        return [
            checks.Warning(
                'The password in WAGTAIL_ORDERS["SHIPSTATION"] is short, and nothing but it keeps customers\' data.',
                hint=f"Take {door.WELL_LONG} random characters or more.",
                id="wagtail_orders.W002",
            )
        ]
    return []


@checks.register("wagtail_orders", checks.Tags.security)
def check_paypal(app_configs, **kwargs):
    """E008: PAYPAL cannot be used. W003: each of its webhooks is verified by asking PayPal."""
    given = conf.get("PAYPAL")
    if given is None:
        return []
    if problem := paypal.problem_of(given):
        return [
            checks.Error(
                f'WAGTAIL_ORDERS["PAYPAL"] {problem}',
                hint=f"Set {', '.join(paypal.NEEDED)} as docs/paypal.md says, or PAYPAL to None to have no PayPal.",
                id="wagtail_orders.E008",
            )
        ]
    if given.get("VERIFY") is None and not paypal.has_cryptography():
        return [
            checks.Warning(
                "Without cryptography, PayPal is asked about the signature of each of its webhooks.",
                hint='Install wagtail-orders[paypal], or set "VERIFY": "postback" in WAGTAIL_ORDERS["PAYPAL"].',
                id="wagtail_orders.W003",
            )
        ]
    return []


@checks.register("wagtail_orders", checks.Tags.database)
def check_sqlite(app_configs, databases=None, **kwargs):
    """W001: on SQLite, two writers would meet "database is locked"."""
    return [
        checks.Warning(
            f"The SQLite database {alias!r} begins its transactions without the write lock, so that customers "
            'may meet "database is locked".',
            hint=f'Set DATABASES["{alias}"]["OPTIONS"] = {{"transaction_mode": "IMMEDIATE", "timeout": 20}}.',
            id="wagtail_orders.W001",
        )
        for alias, database in settings.DATABASES.items()
        if alias in (databases or ()) and database["ENGINE"] == "django.db.backends.sqlite3"
        if ((database.get("OPTIONS") or {}).get("transaction_mode") or "").upper()
        not in ("IMMEDIATE", "EXCLUSIVE")
    ]
