"""docs/exports.md by its word: the format of a project's own, and the file written without the admin."""

import csv
from pathlib import Path

import pytest
from wagtail import hooks

from wagtail_orders.exports import formats
from wagtail_orders.lifecycle import mark_paid
from wagtail_orders.models import ExportChoice, Job

from .orders import placed
from .test_docs import blocks

pytestmark = pytest.mark.django_db

PAGE = "/admin/orders/export/"


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.setattr(hooks, "_hooks", {name: list(found) for name, found in hooks._hooks.items()})
    return blocks("docs/exports.md")


def test_a_format_of_20_lines_is_offered_written_and_remembered(desk, owner, examples):
    own, _without = examples
    assert len([line for line in own.splitlines() if line]) <= 20
    exec(compile(own, "docs/exports.md", "exec"), {"__name__": "labels"})
    placed(number="A")
    assert "For the label printer." in desk.get(PAGE).content.decode()
    missing = desk.post(PAGE, {"format": "labels"})
    assert missing.status_code == 422
    assert "This field is required." in missing.content.decode()
    response = desk.post(PAGE, {"format": "labels", "labels-sender": "Atelier Forêt"})
    expected = "Atelier Forêt\nZoë Müller\n12 rue de l'Église\n1050 Ixelles\nBelgium\n\n"
    assert response.getvalue().decode() == expected
    assert response.headers["Content-Disposition"].endswith('.txt"')
    assert Job.objects.get().state == "done"
    assert ExportChoice.objects.get(user=owner).options == {"sender": "Atelier Forêt"}
    assert 'value="Atelier Forêt"' in desk.get(PAGE).content.decode()


def test_a_file_is_written_without_the_admin(examples, site, tmp_path, monkeypatch):
    _own, without = examples
    placed(number="A")
    mark_paid(placed(number="B"))
    monkeypatch.chdir(tmp_path)
    exec(compile(without, "docs/exports.md", "exec"), {"__name__": "script"})
    with Path("paid.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["number"] for row in csv.DictReader(file)] == ["B"]


def test_the_table_names_the_formats_that_come_along():
    text = (Path(__file__).parent.parent / "docs" / "exports.md").read_text(encoding="utf-8")
    for kind in formats().values():
        assert f"| {kind.label} |" in text or f"| [{kind.label}](" in text, kind.label
