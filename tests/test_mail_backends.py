"""Mails are delivered by whichever task backend a project has: the same story with each and its own worker."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import django_rq
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from tests.orders import placed
from tests.smtp import MailServer, mail_settings
from tests.workers import Database, Redis
from wagtail_orders import conf
from wagtail_orders.lifecycle import mark_paid, ship
from wagtail_orders.models import Notification, Order, OrderSettings
from wagtail_orders.notifications import deliver, tasks

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
BOTH = ["anna@example.com", "zoe@example.com"]


class Thread:
    """The thread of this process that stands in for an immediate backend."""

    def work(self):
        tasks.courier.wait(30)

    def waiting(self):
        return 0


@pytest.fixture
def server(settings):
    with MailServer() as server:
        for name, value in mail_settings(server).items():
            setattr(settings, name, value)
        yield server


@pytest.fixture
def shop(site):
    return OrderSettings.objects.create(site=site, shop_name="Atelier Forêt", recipients=BOTH[0])


@pytest.fixture
def use_redis():
    made = []
    yield lambda: made.append(Redis()) or made[0]
    for backend in made:
        backend.forget()


@pytest.fixture(params=["thread", "database", "redis"])
def backend(request, settings, shop, use_redis):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": request.param}
    return {"thread": Thread, "database": Database, "redis": use_redis}[request.param]()


def test_the_worker_delivers_a_new_orders_mails_once(backend, server):
    order = placed()
    if backend.waiting():
        assert server.taken == []
    backend.work()

    assert server.recipients() == BOTH
    assert set(Notification.objects.values_list("state", "attempts")) == {("sent", 1)}
    ship(order, tracking_number="323200012345", notify_customer=True)
    backend.work()
    backend.work()
    deliver.sweep()
    assert server.recipients() == [*BOTH, "zoe@example.com"]
    assert backend.waiting() == 0


def test_what_the_worker_could_not_deliver_the_sweep_sends_once(backend, server):
    server.stop()
    placed()
    backend.work()

    put_off = Notification.objects.get(attempts=1)
    assert put_off.state == "queued"
    assert "refused" in put_off.error
    server.start()
    deliver.sweep(timezone.now() + timedelta(minutes=2))
    backend.work()

    assert server.recipients() == BOTH
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.parametrize("name", ["database", "redis"])
def test_what_a_verb_does_to_many_orders_is_one_task(name, settings, shop, use_redis, server):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": name}
    backend = use_redis() if name == "redis" else Database()
    placed(), placed()
    backend.work()
    server.taken.clear()

    mark_paid(Order.objects.all(), notify_customer=True)

    assert backend.waiting() == 1
    assert server.taken == []
    backend.work()
    assert server.recipients() == ["zoe@example.com"] * 2


def test_without_redis_an_order_is_placed_and_the_sweep_sends_its_mails(settings, shop, server, monkeypatch):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "redis"}
    monkeypatch.setitem(django_rq.settings.QUEUES["default"], "URL", "redis://127.0.0.1:1/0")

    placed()
    deliver.sweep()

    assert server.recipients() == BOTH


OTHER_DEFAULT = """
import django
from tests import settings
settings.TASKS["default"]["BACKEND"] = "django_tasks.backends.immediate.ImmediateBackend"
settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "database"}
django.setup()
from wagtail_orders.notifications import tasks
assert isinstance(tasks.deliver_mails, tasks.task_backends["database"].task_class)
"""


def test_the_task_is_of_the_kind_that_the_chosen_backend_runs_whatever_the_default_is():
    subprocess.run(
        [sys.executable, "-c", OTHER_DEFAULT], env={**os.environ, **SETTINGS}, cwd=ROOT, check=True
    )


def test_a_backend_that_is_not_there_is_named_with_those_that_are(settings):
    settings.WAGTAIL_ORDERS = {"TASK_BACKEND": "mail"}
    with pytest.raises(ImproperlyConfigured, match=r"'mail'.*TASKS has: database, default, redis, thread"):
        conf.task_backend()
