"""The shape of the package: imports point one way, translations are complete, nothing waits for a migration."""

import ast
import io
from pathlib import Path

import pytest
from django.core.management import call_command

import wagtail_orders

PACKAGE = Path(wagtail_orders.__file__).parent

# A module may import from its own level and from those before it.
LEVELS = [
    {"exceptions", "conf", "money", "tracking", "signals", "database", "wording"},
    {"models"},
    {"events"},
    {"lifecycle"},
    {"notifications", "exports", "imports", "jobs", "documents", "payments"},
    {"admin", "shipstation", "templatetags", "views"},
    {"apps", "checks", "urls", "wagtail_hooks", "management", "contrib"},
]
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """The package's own rooms that a module imports from, wherever in the module it does so."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = list(parts[: len(parts) - node.level]) if node.level else []
            module = (node.module or "").split(".") if node.module else []
            if not node.level:
                if module[:1] != ["wagtail_orders"]:
                    continue
                module = module[1:]
            full = base + module
            yield from [full[0]] if full else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("wagtail_orders."):
                    yield alias.name.split(".")[1]


def modules():
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if "migrations" not in path.parts and path != PACKAGE / "__init__.py"
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    own = LEVEL_OF[room_of(path)]
    for room in imported_rooms(path):
        assert LEVEL_OF[room] <= own, f"{path.name} imports from {room}"


def test_every_room_has_its_level():
    rooms = {room_of(path) for path in modules()}
    assert rooms <= set(LEVEL_OF)


@pytest.mark.django_db
def test_the_models_have_their_migrations():
    out = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert "No changes" in out.getvalue()
