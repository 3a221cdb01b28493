"""``manage.py import_orders``: brings the orders of a file over."""

from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from wagtail_orders import imports
from wagtail_orders.imports import words
from wagtail_orders.money import format_count


class Command(BaseCommand):
    help = (
        "Brings the orders of a file over, with their numbers, dates, payments, parcels and notes; nobody is mailed. "
        "An order whose number exists stays as it is. If anything is wrong, nothing is written and all that is wrong "
        "is listed. It ends with 1 if an order was left out as wrong or refused."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help="an export of orders")
        parser.add_argument(
            "--format", choices=list(imports.readers()), help="what wrote the file, if it does not show"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would happen, write nothing"
        )
        parser.add_argument(
            "--existing",
            choices=["skip", "refuse"],
            default="skip",
            help="what becomes of an order whose number exists already",
        )
        parser.add_argument(
            "--keep-going", action="store_true", help="bring over what can be, and list what was left out"
        )
        parser.add_argument("--user", metavar="NAME", help="who brings them over, for the orders' history")

    def handle(self, *, file, format, dry_run, existing, keep_going, user, verbosity, **options):
        user = self._user(user)
        try:
            content = file.open("rb")
        except OSError as error:
            raise CommandError(
                _("%(file)s cannot be opened: %(error)s") % {"file": file, "error": error}
            ) from None
        with content:
            reader = self._reader(content, format)
            with self._bar(_("Looking")) as bar:
                done = imports.plan(content, reader, existing=existing, progress=_advance(bar))
            if not dry_run and (keep_going or not done.wrong):
                with self._bar(_("Bringing over"), total=done.orders) as bar:
                    done = imports.run(
                        content,
                        reader,
                        existing=existing,
                        keep_going=keep_going,
                        user=user,
                        progress=_advance(bar),
                    )
        if verbosity:
            self._tell(done)
        if done.wrong:
            raise SystemExit(1)

    def _user(self, name):
        if name is None:
            return None
        try:
            return get_user_model()._default_manager.get_by_natural_key(name)
        except get_user_model().DoesNotExist:
            raise CommandError(_("There is no user “%(name)s”.") % {"name": name}) from None

    def _reader(self, file, name):
        readers = imports.readers()
        reader = readers[name] if name else imports.detect(file)
        if reader is None:
            raise CommandError(
                _("What wrote this file does not show; say it with --format: %(names)s.")
                % {"names": ", ".join(readers)}
            )
        return reader

    def _bar(self, what, total=None):
        # None: where stderr is no terminal, there is none.
        return tqdm(desc=what, total=total, unit="", disable=None)

    def _tell(self, done):
        for problem in done.problems:
            self.stdout.write(describe(problem))
        if more := done.wrong - len(done.problems):
            self.stdout.write(
                ngettext("… and %(count)s more.", "… and %(count)s more.", more)
                % {"count": format_count(more)}
            )
        for sentence in words.sums(done):
            self.stdout.write(sentence)
        for said, names in words.unknown(done):
            self.stdout.write(f"{said}: {names}")
        if not done.is_written:
            self.stdout.write(_("Nothing was written."))


def _advance(bar):
    return lambda count: bar.update(count - bar.n)


def describe(problem):
    """One problem on a line: ``Line 12, column 5, order A-1: …``."""
    place = []
    if problem.line is not None:
        place.append(_("line %(line)d") % {"line": problem.line})
    if problem.column is not None:
        place.append(_("column %(column)d") % {"column": problem.column})
    if problem.number:
        place.append(_("order %(number)s") % {"number": problem.number})
    where = ", ".join(place)
    return f"{where[:1].upper()}{where[1:]}: {problem.message}" if where else problem.message
