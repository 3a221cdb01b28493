"""What `make demo` runs: the site always, PayPal's double beside it where that can be."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: In Python's place: says what it is asked for, and plays the double until whoever began it has gone.
PYTHON = """#!/bin/sh
case "$*" in
    *--check) exit "$CHECK";;
    *runserver*) echo "$* with PayPal on ${PAYPAL_DOUBLE:-no port}";;
    *paypal_double*)
        echo "$*"
        test "$ENDS" && exit 1
        sleep 0.2; touch "$PAYPAL_DOUBLE_DIR/ca.pem"
        while kill -0 $PPID; do sleep 0.05; done 2>/dev/null;;
esac
"""


@pytest.fixture
def demo(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("no make on the path")
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / ".test").touch()

    def run(**environment):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PAYPAL", "MAKE"))}
        env |= {"CHECK": "0", "ENDS": "", "PAYPAL_DOUBLE_DIR": str(tmp_path), **environment}
        made = subprocess.run(
            ["make", "--no-print-directory", "demo", "PORT=8300", f"VENV={tmp_path}"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (made.returncode, made.stderr) == (0, "")
        return [line for line in made.stdout.splitlines() if not line.startswith(str(tmp_path))]

    return run


def test_the_double_is_there_before_the_site_is(demo):
    double, site = demo()
    assert double == "manage.py paypal_double 8300"
    assert site == "manage.py runserver 8300 with PayPal on 8301"
    assert demo()[-1] == site


@pytest.mark.parametrize("why", [{"CHECK": "1"}, {"PAYPAL_CLIENT_ID": "AX"}])
def test_where_its_ports_are_taken_or_paypal_itself_is_set_up_there_is_no_double(demo, why):
    assert demo(**why) == ["manage.py runserver 8300 with PayPal on no port"]


def test_a_double_that_ends_at_once_does_not_end_the_demo(demo):
    assert demo(ENDS="1")[-1] == "manage.py runserver 8300 with PayPal on no port"
