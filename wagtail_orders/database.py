"""How a verb talks to the database: transactions that survive a deadlock, row locks, wide inserts."""

import logging
import sqlite3
import time
from contextlib import contextmanager

from django.db import OperationalError, connections, router, transaction

logger = logging.getLogger(__name__)

ATTEMPTS = 5
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
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except OperationalError as error:
            if nested or stands or attempt == ATTEMPTS or not _may_be_tried_again(error):
                raise
            logger.info("Deadlock, attempt %s: %s", attempt, error)
            time.sleep(0.01 * 2**attempt)
    raise AssertionError("unreachable")


def _may_be_tried_again(error):
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) in _RETRY_SQLSTATES or error.args[:1] in {
        (number,) for number in _RETRY_ERRNOS
    }


def locked(queryset):
    """``queryset`` with its rows locked until the transaction ends (SQLite locks the whole file instead)."""
    return queryset.select_for_update()


def insert_all(model, rows, **options):
    """``bulk_create`` in as few statements as the database allows."""
    alias = alias_for(model)
    with _all_parameters_of(connections[alias]):
        return model._base_manager.using(alias).bulk_create(rows, **options)


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
