"""Fills a database with orders, the same ones each time, and knows one again that it filled."""

import hashlib
import random
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from wagtail.models import Site

from wagtail_orders.models import NumberSequence, Order, OrderSettings, ShippingMethod

from .measure import say
from .samples import (
    COMMON,
    FIRST_NAMES,
    LAST_NAMES,
    LONG_LINES,
    RARE,
    STATES,
    TABLES,
    Copier,
    Sample,
    forget_samples,
    somebody,
)
from .stock.models import Load

#: The orders were placed evenly between these two moments.
FIRST, LAST = datetime(2024, 1, 1, 6), datetime(2026, 10, 31, 20)  # noqa: DTZ001 - UTC, as the columns have it
CHUNK = 5_000
#: To be changed with what is loaded: databases of another version are made anew.
VERSION = "1"
#: How many samples there are of each state: each place with each way to pay.
VARIANTS = 18


def ensure(count):
    """Have the database hold ``count`` orders, four in five archived; made anew unless it does so already."""
    found = _found()
    wanted = {"orders": count, "made_by": made_by()}
    # Not all there, or more: a run was ended before it could remove what it had added.
    if found == wanted and Order.objects.count() == count:
        return
    if found is None and _has_tables():
        raise SystemExit(
            f"{settings.DATABASES['default']['NAME']} is not a database of this command's; name another."
        )
    _recreate()
    say(f"migrating {settings.DATABASES['default']['NAME']}")
    call_command("migrate", verbosity=0)
    say(f"loading {count} orders")
    fill(count)
    Load.objects.create(**wanted)
    say("loaded")


def made_by():
    """Changes with the package's migrations and with the loader's version."""
    names = sorted(name for app, name in MigrationLoader(None).disk_migrations if app == "wagtail_orders")
    return hashlib.sha256(" ".join([VERSION, *names]).encode()).hexdigest()


def _found():
    """What the database was filled with; None if not by this command."""
    try:
        return Load.objects.values("orders", "made_by").first() or {}
    except DatabaseError:
        return None


def _has_tables():
    try:
        return bool(connection.introspection.table_names())
    except DatabaseError:
        return False


def _recreate():
    name = settings.DATABASES["default"]["NAME"]
    connection.close()
    if connection.vendor == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        return
    with connection._nodb_cursor() as cursor:
        quoted = connection.ops.quote_name(name)
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted}")
        cursor.execute(f"CREATE DATABASE {quoted}")


def fill(count):
    get_user_model().objects.create_superuser("anna", "anna@example.com", "secret", first_name="Anna")
    site = Site.objects.get(is_default_site=True)
    OrderSettings.objects.create(
        site=site,
        shop_name="Atelier Forêt",
        address="7 rue du Moulin\n1050 Ixelles",
        recipients="anna@example.com",
    )
    for name, carrier in (("bpost", "bpost-be"), ("PostNL", "")):
        ShippingMethod.objects.create(
            name=name, carrier=carrier, price=5, tracking_url_template="https://track.example.com/{number}"
        )
    samples = {
        state: [Sample(steps, at) for at in range(VARIANTS if count >= 1_000 else 3)]
        for state, (_a, _c, steps) in STATES.items()
    }
    long = Sample(STATES["paid"][2], 1, lines=LONG_LINES)
    forget_samples()
    archived = _weighted(samples, 0)
    current = _weighted(samples, 1)
    chance = random.Random(4711)  # noqa: S311 - no secret depends on it
    step = (LAST - FIRST) / count
    copier, sequences = Copier(), {}
    with _bulk():
        for n in range(count):
            sample = chance.choice(archived if _is_archived(n, count) else current)
            if n == count - 1:
                sample = long
            placed_at = FIRST + n * step
            sequences[placed_at.year] = sequence = sequences.get(placed_at.year, 0) + 1
            number = f"{placed_at.year}-{sequence:05d}"
            copier.copy(sample, placed_at, somebody(sample, number, _name(n, count, chance), chance))
            if (n + 1) % CHUNK == 0 or n + 1 == count:
                write(copier.taken())
                if (n + 1) % 100_000 == 0:
                    say(f"{n + 1} orders")
    NumberSequence.objects.bulk_create(
        NumberSequence(key=f"{year}-#", last=last) for year, last in sequences.items()
    )


def _weighted(samples, which):
    return [
        sample
        for state, facts in STATES.items()
        for sample in samples[state]
        for _time in range(facts[which])
    ]


def _is_archived(n, count):
    """Four in five: the older ones, but for a few that are still on the desk, and a few new ones instead."""
    is_old = n < count * 4 // 5
    return n % 40 != 0 if is_old else n % 10 == 0


def _name(n, count, chance):
    if n % max(count // 10, 1) == 7:
        return RARE
    if n % 100 == 3:
        return COMMON
    return f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"


#: Extra orders are placed from here on, so that the listing of that time has no others.
EXTRA = datetime(2030, 1, 1)  # noqa: DTZ001


def add(count, steps, prefix):
    """``count`` further orders that went through ``steps``; returns the first one's primary key."""
    sample = Sample(steps, 1)
    last = sample.order.pk
    for model, path in reversed(TABLES.items()):
        model.objects.filter(**{path: last})._raw_delete(connection.alias)
    chance, copier = random.Random(prefix), Copier()  # noqa: S311
    first = copier.next_pk[Order]
    for n in range(count):
        who = somebody(sample, f"{prefix}-{n:06d}", _name(n, count, chance), chance)
        copier.copy(sample, EXTRA + timedelta(minutes=n), who)
    write(copier.taken())
    _reset_sequences()
    return first


# How the rows get in


def write(rows):
    """Rows of each table, by its model, in the columns' order."""
    with connection.cursor() as cursor:
        for model, values in rows.items():
            if values:
                _write(cursor, model, values)
    if connection.vendor == "mysql":
        connection.commit()


def _write(cursor, model, rows):
    names = [connection.ops.quote_name(field.column) for field in model._meta.concrete_fields]
    table = f"{connection.ops.quote_name(model._meta.db_table)} ({', '.join(names)})"
    if connection.vendor == "postgresql":
        with cursor.cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join(["?" if connection.vendor == "sqlite" else "%s"] * len(names))
    statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608
    if connection.vendor == "sqlite":
        with connection.connection as transaction:
            if not transaction.in_transaction:
                transaction.execute("BEGIN IMMEDIATE")
            transaction.executemany(statement, rows)
    else:
        cursor.cursor.executemany(statement, rows)


@contextmanager
def _bulk():
    """Without what many rows wait for: indexes are made in the end, what was loaded is not lost in a power cut."""
    with connection.cursor() as cursor:
        indexes = _indexes(cursor)
        for name, _sql in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        for statement in _QUICKLY.get(connection.vendor, ()):
            cursor.execute(statement)
    yield
    with connection.cursor() as cursor:
        say("making the indexes")
        for _name_of_it, sql in indexes:
            cursor.execute(sql)
        for statement in _AFTERWARDS.get(connection.vendor, ()):
            cursor.execute(statement)
    _reset_sequences()
    connection.close()


#: Foreign keys need no look: the rows are copies of such as had one.
_QUICKLY = {
    "sqlite": ["PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000", "PRAGMA foreign_keys = OFF"],
    "postgresql": ["SET session_replication_role = replica", "SET maintenance_work_mem = '512MB'"],
    "mysql": ["SET foreign_key_checks = 0"],
}
_AFTERWARDS = {"postgresql": ["VACUUM ANALYZE"], "sqlite": ["PRAGMA wal_checkpoint(TRUNCATE)"]}


def _indexes(cursor):
    """The names of the indexes that are not there for the sake of a constraint, and how to make each."""
    tables = [model._meta.db_table for model in TABLES]
    marks = ", ".join(["%s"] * len(tables))
    if connection.vendor == "sqlite":
        sql = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE INDEX%%' AND tbl_name IN ({marks})"  # noqa: S608, E501  # fmt: skip
    elif connection.vendor == "postgresql":
        sql = f"SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE 'CREATE INDEX%%' AND tablename IN ({marks})"  # noqa: S608, E501  # fmt: skip
    else:
        return []
    cursor.execute(sql, tables)
    return cursor.fetchall()


def _reset_sequences():
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(TABLES)):
            cursor.execute(statement)
