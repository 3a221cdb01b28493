"""Many workers and killed ones: each mail reaches a real mail server once, and once more in a single case."""

import multiprocessing
import os
import queue
import random
import re
import signal
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.orders import placed
from tests.processes import Death, ended, fork, in_processes
from tests.smtp import MailServer, mail_settings
from wagtail_orders import database, events
from wagtail_orders.models import Notification, Order, OrderEvent, OrderSettings
from wagtail_orders.notifications import deliver

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4
STAGES = ("MAIL", "RCPT", "DATA")
NOTE_SENT = re.compile(r"before UPDATE .wagtail_orders_notification. SET .*sent_at")


class Sniper(MailServer):
    """A mail server that kills who talks to it, when a stage comes for the so-manieth time, before it answers."""

    def __init__(self):
        super().__init__()
        self.spare()

    def spare(self):
        self.target, self.passed, self.prey = None, Counter(), queue.SimpleQueue()
        self.behave()

    def kill(self, work, stage, time=1):
        """Do ``work`` in another process, which is killed at that stage; whether it came so far."""
        self.spare()
        self.target = (stage, time)
        if stage == "CONNECT":
            self._odd[stage] = self._shoot
        pid = fork(work)
        self.prey.put(pid)
        was_killed = ended(pid) == -signal.SIGKILL
        self.spare()
        return was_killed

    @property
    def ids(self):
        """How often each Message-ID was taken in."""
        return Counter(mail.message["Message-ID"] for mail in self.taken)

    async def _reply(self, stage, session, recipient=None):
        self.passed[stage] += 1
        if self.target == (stage, self.passed[stage]):
            return await self._shoot(session, recipient)
        return await super()._reply(stage, session, recipient)

    async def _shoot(self, session, recipient):
        os.kill(self.prey.get(timeout=20), signal.SIGKILL)
        return "451 4.3.0 Nobody is there any more"


@pytest.fixture
def server(settings):
    with Sniper() as server:
        for name, value in mail_settings(server).items():
            setattr(settings, name, value)
        yield server


@pytest.fixture
def shop(site):
    return OrderSettings.objects.create(site=site, shop_name="Atelier Forêt", recipients="anna@example.com")


def ids_of_all():
    """Every mail's Message-ID, once."""
    return Counter(Notification.objects.values_list("message_id", flat=True))


# --- Many workers


def queue_mails(shop, count, orders=10):
    """So many mails that wait: each order's customer is told, and many an owner."""
    owners = count // orders - 1
    shop.recipients = "\n".join(f"anna{number}@example.com" for number in range(owners))
    shop.save()
    for _ in range(orders):
        placed()
    assert Notification.objects.due(timezone.now()).count() == count


def deliver_at_once():
    """Two sweeps and two tasks, each in a process of its own, that send what is queued; how many each sent."""
    start = multiprocessing.get_context("fork").Barrier(WORKERS)
    pks = list(OrderEvent.objects.values_list("pk", flat=True))

    def sweep():
        start.wait(30)
        return deliver.sweep().sent

    def task(pks):
        start.wait(30)
        return deliver.deliver(pks).sent

    return in_processes(sweep, sweep, lambda: task(pks), lambda: task(pks[::-1]))


@pytest.fixture
def without_compare(monkeypatch):
    """Swaps without comparing: whoever wants a mail gets it."""
    monkeypatch.setattr(
        deliver,
        "_update",
        lambda model, seen, facts: database.primary(model).filter(pk=seen["pk"]).update(**facts),
    )


def test_without_compare_and_swap_workers_send_mails_twice(server, shop, without_compare):
    queue_mails(shop, 20)

    assert sum(deliver_at_once()) > 20

    assert max(server.ids.values()) > 1


def test_four_workers_send_each_of_many_mails_once(server, shop):
    # SQLite has one writer at a time; a small shop's evening is enough for it.
    count = 200 if connection.vendor == "sqlite" else 1000
    queue_mails(shop, count)

    sent = deliver_at_once()

    assert sum(sent) == count
    assert min(sent) > 0
    assert server.ids == ids_of_all()
    assert len(server.taken) == count
    assert set(Notification.objects.values_list("state", "attempts")) == {("sent", 1)}


# --- Killed workers


def place_and_deliver():
    order = placed()
    deliver.deliver(list(order.events.values_list("pk", flat=True)))


class Watch(Death):
    """Sees the moments go by and kills nobody."""

    def __init__(self):
        super().__init__(None)
        self.names = []

    def _moment(self, name):
        self.names.append(name)

    def watch(self, work):
        self._meet(work)
        return self.names


def when_mails_are_noted_as_sent(names):
    """The moments after the mail server's "250" and before the note of it, one for each mail."""
    return [at for at, name in enumerate(names) if NOTE_SENT.match(name)]


def moments_of_placing_and_delivering():
    """By name; what is read once in a process's life is read before."""
    place_and_deliver()
    [names] = in_processes(lambda: Watch().watch(place_and_deliver))
    return names


def moments_to_be_killed_at():
    """
    When a process may be killed that places an order and delivers its two mails: by the statement, from the
    order's commit on, and by what the mail server hears. Left out is what is between its "250" and our note.
    """
    names = moments_of_placing_and_delivering()
    too_late = when_mails_are_noted_as_sent(names)
    assert len(too_late) == 2
    by_statement = [at for at in range(names.index("after COMMIT"), len(names)) if at not in too_late]
    by_stage = [("CONNECT", 1), ("EHLO", 1), *((stage, time) for stage in STAGES for time in (1, 2))]
    return by_statement, by_stage


def sweep_after_the_lease():
    later = timezone.now() + deliver.LEASE + timedelta(minutes=2)
    return events.sweep(later), deliver.sweep(later)


def test_after_a_hundred_kills_between_commit_and_delivery_one_sweep_has_each_mail_there_once(server, shop):
    by_statement, by_stage = moments_to_be_killed_at()
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    at = [*chance.choices(by_statement, k=60), *chance.choices(by_stage, k=40)]
    chance.shuffle(at)
    print(f"With the seed {seed} the moments are {at}.")

    for moment in at:
        if isinstance(moment, int):
            assert Death(moment).awaits(place_and_deliver), moment
        else:
            assert server.kill(place_and_deliver, *moment), moment
    left = Notification.objects.exclude(state="sent").count()
    told, sent = sweep_after_the_lease()

    assert left > 0
    assert told.failed == sent.put_off == sent.failed == 0
    assert Notification.objects.count() == 2 * Order.objects.count() == 2 * (2 + 100)
    assert server.ids == ids_of_all()
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}
    assert deliver.sweep(timezone.now() + timedelta(days=9)).due == 0


def test_a_mail_taken_by_the_server_and_not_noted_is_sent_again_with_the_same_id_and_words(server, shop):
    first_of_two, _ = when_mails_are_noted_as_sent(moments_of_placing_and_delivering())
    server.taken.clear()

    assert Death(first_of_two).awaits(place_and_deliver)
    [taken] = server.taken
    sweep_after_the_lease()

    order = Order.objects.latest("pk")
    sent = Notification.objects.filter(event__order=order)
    again = [mail for mail in server.taken if mail.recipient == taken.recipient]
    assert server.ids == Counter(mail.message_id for mail in sent) + Counter([taken.message["Message-ID"]])
    assert [(mail.message["Subject"], mail.text, mail.html) for mail in again] == [
        (taken.message["Subject"], taken.text, taken.html)
    ] * 2
    assert deliver.sweep(timezone.now() + timedelta(days=9)).due == 0
