"""Every text of the package and of the shop is translated, and the compiled catalogues are up to date."""

import io
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = [
    ("wagtail_orders", "fr"),
    ("wagtail_orders", "nl"),
    ("wagtail_orders", "de"),
    ("example_site", "fr"),
]
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}


def sources(folder):
    """The package's code, and its templates as Django turns them into code for gettext."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path.read_text(encoding="utf-8")
    for path in sorted((ROOT / folder).rglob("templates/**/*.html")):
        code = templatize(path.read_text(encoding="utf-8"))
        yield "\n".join(line.strip() for line in code.splitlines())


def texts_in_code(folder):
    found = set()
    for source in sources(folder):
        for _, message, _, context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):
            found.add((context, message if isinstance(message, str) else message[0]))
    return found


def key_of(message):
    # Babel reads a compiled catalogue's contexts as bytes.
    context = message.context.decode() if isinstance(message.context, bytes) else message.context
    return (context, message.id if isinstance(message.id, str) else message.id[0])


def catalogue(folder, language, ending, read):
    path = ROOT / folder / "locale" / language / "LC_MESSAGES" / f"django.{ending}"
    with path.open("rb") as file:
        return {key_of(message): message for message in read(file) if message.id}


@pytest.mark.parametrize(("folder", "language"), CATALOGUES)
def test_every_text_is_translated(folder, language):
    translated = {
        key
        for key, message in catalogue(folder, language, "po", read_po).items()
        if message.string and all(message.string) and not message.fuzzy
    }
    expected = texts_in_code(folder)
    assert len(expected) > 50
    assert expected - translated == set()


@pytest.mark.parametrize(("folder", "language"), CATALOGUES)
def test_every_placeholder_is_kept(folder, language):
    for message in catalogue(folder, language, "po", read_po).values():
        assert [str(error) for error in message.check()] == [], message.id


@pytest.mark.parametrize(("folder", "language"), CATALOGUES)
def test_the_compiled_catalogue_is_that_of_the_text(folder, language):
    def strings(kind, read):
        # Babel gives a plural's forms as a list here and as a tuple there.
        return {
            key: message.string if isinstance(message.string, str) else tuple(message.string)
            for key, message in catalogue(folder, language, kind, read).items()
        }

    assert strings("mo", read_mo) == strings("po", read_po)
