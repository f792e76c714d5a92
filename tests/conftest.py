"""What every test may ask for."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from projections.lease import begin
from projections.projection import Policy, registered

# A machine that is busy is no failure: speed is measured by benchmarks.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")

SMALL = 2**18  # bytes of a table, with what was deleted from it
WRITTEN = """
    SELECT name, pg_relation_size(to_regclass(name)) FROM unnest(%s::text[]) name
    WHERE pg_relation_size(to_regclass(name)) > 0"""


@pytest.fixture(scope="module")
def once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Makes something for all tests of a module: what each of them does to it is undone, and last of all it itself."""
    whole = transaction.atomic()

    def make(something: Callable[[], Any]) -> Any:
        with django_db_blocker.unblock():
            return something()

    make(whole.__enter__)
    yield make
    make(lambda: transaction.set_rollback(True))
    make(lambda: whole.__exit__(None, None, None))


@pytest.fixture
def empty_log(transactional_db: None) -> None:
    """A log with nothing in it, on real transactions."""
    empty_the_log()


def empty_the_log() -> None:
    tables = ("eventstore_event", "eventstore_command", "eventstore_snapshot", "eventstore_tracking")
    with unguarded() as cursor:
        for table in (*tables, "eventstore_personal_key"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SELECT setval(pg_get_serial_sequence('eventstore_event', 'position'), 1, false)")
        cursor.execute("UPDATE eventstore_published_horizon SET position = 0")
        cursor.execute("UPDATE projections_checkpoint SET position = 0")  # of policies: no place ahead of the log


@contextmanager
def unguarded() -> Iterator[Any]:
    """A transaction in which no trigger fires: the guard of the log is opened in a test's database alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor


def flush(_: TransactionTestCase) -> None:
    """What a test on real transactions has left; as Django does it, but what ``migrate`` makes is not made anew, and
    small tables are not truncated, for which each of their indexes would get a new file."""
    kept = {model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through)}
    tables = [f'"{table}"' for table in sorted(set(connection.introspection.django_table_names()) - kept)]
    with unguarded() as cursor:
        cursor.execute(WRITTEN, [tables])
        written = dict(cursor.fetchall())
        if small := [table for table, size in written.items() if size <= SMALL]:
            cursor.execute(f"LOCK TABLE {', '.join(small)} IN SHARE ROW EXCLUSIVE MODE")  # whoever writes has ended
            cursor.execute("; ".join(f"DELETE FROM {table}" for table in small))
        if large := [table for table, size in written.items() if size > SMALL]:
            cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    for each in registered:
        if isinstance(each, Policy):
            begin(each)


TransactionTestCase._fixture_teardown = flush  # type: ignore[method-assign]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long forms are run when they are asked for: ``./test -m long``."""
    if "long" not in config.getoption("markexpr"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_collection_finish() -> None:
    """What was imported stays to the end: it is not looked through over and over for what may be forgotten."""
    gc.collect()
    gc.freeze()
