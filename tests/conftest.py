"""What every test may ask for."""

import gc
from collections.abc import Callable, Iterator
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
def empty_log(transactional_db: None) -> Iterator[None]:
    """A log with nothing in it, on real transactions: the guard is opened for this, in a test's database alone."""
    empty_the_log()
    yield
    empty_the_log()


def empty_the_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("alter table eventstore_event disable trigger eventstore_append_only")
        cursor.execute(
            "truncate eventstore_event, eventstore_command, eventstore_snapshot, eventstore_tracking, "
            "eventstore_personal_key restart identity"
        )
        cursor.execute("update eventstore_published_horizon set position = 0")
        cursor.execute("update projections_checkpoint set position = 0")  # of policies: no place ahead of the log
        cursor.execute("alter table eventstore_event enable trigger eventstore_append_only")


def flush(_: TransactionTestCase) -> None:
    """What a test on real transactions has left; as Django does it, but for the tables that are empty, and what
    ``migrate`` makes is not made anew: that took longer than most tests."""
    kept = {model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through)}
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - kept
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT '{table}' FROM \"{table}\" LIMIT 1)" for table in sorted(tables)))
        if filled := ", ".join(f'"{table}"' for (table,) in cursor.fetchall()):
            cursor.execute(f"TRUNCATE {filled} CASCADE")
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
