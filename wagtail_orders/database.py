"""How a verb talks to the database: transactions that survive a deadlock, row locks, wide writes."""

import logging
import random
import sqlite3
import time
from contextlib import contextmanager

from django.db import OperationalError, connections, router, transaction

logger = logging.getLogger(__name__)

ATTEMPTS = 8
#: Seconds after which no other attempt begins: a lock wait timeout alone takes MariaDB 50.
PATIENCE = 60
# SQLSTATE 40001 serialization failure and 40P01 deadlock (PostgreSQL, appendix A); 1213 deadlock and 1205
# lock wait timeout (MariaDB's error codes). Each means: rolled back, try again.
_RETRY_SQLSTATES = {"40001", "40P01"}
_RETRY_ERRNOS = {1205, 1213}


def alias_for(model):
    """The database that ``model`` is written to."""
    return router.db_for_write(model)


def primary(model):
    """
    All rows of ``model`` in the database that it is written to. Verbs decide on what they read, and a router
    may send other reads to a replica that lags behind.
    """
    return model.objects.using(alias_for(model))


def in_transaction(model, work):
    """
    Run ``work()`` in a transaction of the database that ``model`` is written to and return its result. If the
    database picks it as a deadlock's victim it runs again, from the start; inside a caller's transaction
    that is the caller's to do, and the error goes up.
    """
    alias = alias_for(model)
    nested = connections[alias].in_atomic_block
    committed = []

    def whole():
        with transaction.atomic(using=alias):
            if not nested:
                # The first hook: what a later one raises comes after the commit, and must not run work again.
                transaction.on_commit(lambda: committed.append(True), using=alias)
            return work()

    return again_after_deadlock(model, whole, stands=committed)


def again_after_deadlock(model, work, *, stands=()):
    """
    Run ``work()``, one statement or one transaction, and again if the database picks it as a deadlock's
    victim, for as long as ``stands`` is empty.
    """
    nested = connections[alias_for(model)].in_atomic_block
    begun = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except OperationalError as error:
            is_last = attempt == ATTEMPTS or time.monotonic() - begun > PATIENCE
            if nested or stands or is_last or not _may_be_tried_again(error):
                raise
            logger.info("Deadlock, attempt %s: %s", attempt, error)
            _pause(attempt)
    raise AssertionError("unreachable")


def _pause(attempt):
    """Wait longer each time, up to a third of a second; by chance, so that victims do not meet again."""
    longest = 0.01 * 2 ** min(attempt, 5)
    time.sleep(random.uniform(longest / 4, longest))  # noqa: S311 - no secret depends on it


def _may_be_tried_again(error):
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) in _RETRY_SQLSTATES or error.args[:1] in {
        (number,) for number in _RETRY_ERRNOS
    }


def locked(queryset, *, waiting=True):
    """
    ``queryset`` with its rows locked until the transaction ends (SQLite locks the whole file instead); where
    not ``waiting``, without the rows that somebody else has locked.
    """
    may_skip = connections[queryset.db].features.has_select_for_update_skip_locked
    return queryset.select_for_update(skip_locked=may_skip and not waiting)


def insert_all(model, rows, **options):
    """``bulk_create`` in as few statements as the database allows."""
    alias = alias_for(model)
    with _all_parameters_of(connections[alias]):
        return model._base_manager.using(alias).bulk_create(rows, **options)


def update_all(model, rows, fields):
    """``bulk_update`` in as few statements as the database allows."""
    alias = alias_for(model)
    with _all_parameters_of(connections[alias]):
        return model._base_manager.using(alias).bulk_update(rows, fields)


@contextmanager
def _all_parameters_of(connection):
    """
    Let Django use as many parameters in a statement as SQLite does. From 6.0 on it asks SQLite itself;
    5.2 keeps to the 999 of before SQLite 3.32 and would split 500 rows into four to six statements.
    """
    features = connection.features
    if connection.vendor != "sqlite" or not isinstance(
        getattr(type(features), "max_query_params", None), int
    ):
        yield
        return
    connection.ensure_connection()
    features.max_query_params = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    try:
        yield
    finally:
        del features.max_query_params
