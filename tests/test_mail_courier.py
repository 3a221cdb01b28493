"""Where no worker is set up: a thread of the process delivers, and nobody who places an order waits for it."""

import os
import statistics
import subprocess
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from wagtail_orders.models import Notification, OrderSettings
from wagtail_orders.notifications import deliver
from wagtail_orders.notifications.tasks import PATIENCE, courier

from .orders import placed
from .processes import ended, fork
from .smtp import MailServer, mail_settings, old_mail_settings

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent
#: Seconds after which a server that hangs is given up here.
TIMEOUT = 0.5
#: Seconds after which one that answers is given up: a busy machine takes its time.
PATIENT = 60
#: How many seconds longer placing an order may take because of its mails.
AT_MOST = 0.4


@pytest.fixture
def server():
    immediate = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    with MailServer() as server, override_settings(TASKS=immediate, **mail_settings(server, PATIENT)):
        yield server
        server.stop()
        courier.wait()


@pytest.fixture(autouse=True)
def shop(site):
    return OrderSettings.objects.create(site=site, sender="shop@example.com", recipients="anna@example.com")


# --- Placing an order

ODD = {
    "normal": lambda server: None,
    "refused": lambda server: server.stop(),
    "silent": lambda server: server.hang("CONNECT"),
    "silent after the data": lambda server: server.hang("DATA"),
    "450": lambda server: server.answer("RCPT", "450 4.2.1 Later"),
    "550": lambda server: server.answer("RCPT", "550 5.1.1 Unknown", to="zoe1@example.com"),
    "cut off, forgotten": lambda server: server.drop(taken=False),
    "cut off, taken": lambda server: server.drop(taken=True),
}


def seconds_to_place(**changes):
    begun = time.perf_counter()
    placed(**changes)
    return time.perf_counter() - begun


@pytest.mark.parametrize("odd", ODD)
def test_an_order_is_placed_as_quickly_as_without_mail_and_its_mails_arrive_later(server, odd):
    placed(notify=False)
    without = [seconds_to_place(notify=False) for _ in range(5)]
    ODD[odd](server)

    with override_settings(**mail_settings(server, TIMEOUT if odd.startswith("silent") else PATIENT)):
        with_mail = [seconds_to_place(email=f"zoe{number}@example.com") for number in range(5)]
        courier.wait()

    assert statistics.median(with_mail) < statistics.median(without) + AT_MOST
    server.behave()
    if odd == "refused":
        server.start()
    sweep_for_a_day()
    unknown = ["zoe1@example.com"] if odd == "550" else []
    assert_all_came(server, but=unknown)
    assert copies(server) == 0 or odd == "cut off, taken"


def sweep_for_a_day():
    for minutes in (2, 10, 60, 24 * 60):
        deliver.sweep(timezone.now() + timedelta(minutes=minutes))


def assert_all_came(server, *, but):
    queued = Notification.objects.exclude(recipient__in=but)
    assert queued.count() == 10 - len(but)
    assert set(queued.values_list("state", flat=True)) == {"sent"}
    came = {(mail.message["Message-ID"], mail.recipient) for mail in server.taken}
    assert came == set(queued.values_list("message_id", "recipient"))


def copies(server):
    """How many mails came that had come already: what was cut off comes again, under its old id."""
    return len(server.taken) - len({mail.message["Message-ID"] for mail in server.taken})


# --- The project's own settings


def test_the_settings_of_every_django_are_used(server):
    with warnings.catch_warnings():
        # Django 6.1 knows them still, and says that they will go.
        warnings.simplefilter("ignore")
        with override_settings(**old_mail_settings(server, PATIENT)):
            if hasattr(settings, "MAILERS"):
                del settings.MAILERS
            placed()
            courier.wait()

    assert server.recipients() == ["anna@example.com", "zoe@example.com"]


# --- Processes that end, and processes that fork

PLACE = """
import django
django.setup()
from tests.orders import placed
from wagtail_orders.notifications import tasks
tasks.PATIENCE = {patience}
placed()
"""


def end_a_process_that_places_an_order(server, patience=PATIENCE):
    """Run one in the example site's own settings, which name no worker; the seconds it took."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "example_site.settings",
        "DATABASE_URL": database_url(),
        "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
    }
    code = PLACE.format(patience=patience)
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, cwd=ROOT, check=True, timeout=60
    )
    return time.monotonic() - begun


def database_url():
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def test_a_process_that_ends_delivers_first_what_it_was_handed(server):
    end_a_process_that_places_an_order(server)

    assert server.recipients() == ["anna@example.com", "zoe@example.com"]
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}


def test_a_process_that_ends_cuts_no_mail_off_and_leaves_to_the_sweep_what_would_take_long(server):
    owners = [f"anna{number}@example.com" for number in range(5)]
    OrderSettings.objects.update(recipients="\n".join(owners))
    server.delay("DATA", 0.6)

    end_a_process_that_places_an_order(server, patience=0.9)

    went, left = (Notification.objects.filter(state=state) for state in ("sent", "queued"))
    assert 1 <= len(went) < 6
    assert len(went) + len(left) == 6
    assert {mail.attempts for mail in left} == {0}
    assert server.recipients() == sorted(mail.recipient for mail in went)
    server.behave()
    deliver.sweep()
    assert server.recipients() == [*owners, "zoe@example.com"]


def test_a_process_that_ends_waits_for_no_server_that_hangs(server):
    quick = end_a_process_that_places_an_order(server)
    Notification.objects.all().delete()
    server.taken.clear()
    server.hang("CONNECT")

    # The example site itself waits for a mail server 20 seconds.
    assert end_a_process_that_places_an_order(server, patience=0.5) < quick + 2 * 0.5 + 10

    left = Notification.objects.order_by("pk").values_list("state", flat=True)
    assert list(left) == ["sending", "queued"]
    server.behave()
    deliver.sweep(timezone.now() + deliver.LEASE)
    assert server.recipients() == ["anna@example.com", "zoe@example.com"]


def test_a_forked_process_has_a_thread_of_its_own(server):
    server.hang("CONNECT")
    placed(email="parent@example.com")
    wait_until(lambda: server.connections)
    server.behave()

    def place_and_wait():
        placed(email="child@example.com")
        courier.wait(10)

    assert ended(fork(place_and_wait)) == 0

    assert server.recipients() == ["anna@example.com", "child@example.com"]


def wait_until(what):
    for _moment in range(200):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


def test_a_thread_that_has_ended_is_followed_by_another(server):
    for number in range(3):
        placed(email=f"zoe{number}@example.com")
        courier.wait()

    assert len(server.taken) == 6


def test_what_goes_wrong_in_the_thread_stops_no_later_mail(server, caplog):
    courier.hand_over(["no number"])
    courier.wait()
    placed()
    courier.wait()

    assert "orders_sweep will send them" in caplog.text
    assert server.recipients() == ["anna@example.com", "zoe@example.com"]
