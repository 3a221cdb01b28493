"""The benchmarks run; what they say is not judged here."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_command_measures_a_few_orders_and_keeps_the_tables(tmp_path):
    table, rows = tmp_path / "benchmarks.md", tmp_path / "rows.json"
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / "run.py",
            *("--orders", "200"),
            *("--database", f"sqlite:///{tmp_path / 'orders.sqlite3'}"),
            *("--cases", "deep,verbs"),
            *("--seconds", "0"),
            *("--write", table),
            *("--json", rows),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    measured = {
        row["case"]: row for row in json.loads(rows.read_text())[f"sqlite:///{tmp_path}/orders.sqlite3"]
    }
    assert "deep page, archived: the last" in measured
    assert measured["verb over 200: archive"]["queries"] > 0
    assert all(row["ratio"] > 0 and row["cpu"] > 0 for row in measured.values())
    text = table.read_text()
    assert "## SQLite" in text
    assert "--orders 200" in text
    assert text.count("\n| deep page") == 3
    assert (tmp_path / "orders_200.sqlite3").exists()
