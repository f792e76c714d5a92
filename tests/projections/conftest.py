"""The library's projections, on their own and beside what a test makes up."""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection

from eventstore import log
from projections.engine import catch_up
from projections.models import Checkpoint
from projections.projection import Projection, known, registered
from tests.lending import models
from tests.lending.domain import Book, Copy
from tests.lending.story import Tables

BOOKS, SHELVES, LOANS = LENDING = [known()[name] for name in ("Books", "Shelves", "Loans")]
MODELS = [models.BookCard, models.Volume, models.Shelf, models.Borrower, models.LoanCard]


def tables() -> dict[str, dict[Any, dict[str, Any]]]:
    """All that the library's tables hold: key → column → value."""
    return {
        model._meta.model_name: {row[model._meta.pk.name]: row for row in model.objects.values()} for model in MODELS
    }


def advance(*projections: Projection) -> None:
    catch_up(projections or LENDING)


def environment() -> dict[str, str]:
    """For a process of its own, with this test's database."""
    where = connection.settings_dict
    user = f"{where['USER']}:{where['PASSWORD']}" if where["PASSWORD"] else where["USER"]
    return os.environ | {"DATABASE_URL": f"postgres://{user}@{where['HOST']}:{where['PORT']}/{where['NAME']}"}


def sql(statement: str, *parameters: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def leftovers() -> list[Any]:
    """Of rebuilds and comparisons; what is kept for going back is none."""
    return sql("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(rebuild|verify|back)_'") + list(
        Checkpoint.objects.exclude(schema="").exclude(schema__startswith="old_").values_list("name")
    )


@pytest.fixture
def on_real_transactions(empty_log: None) -> Iterator[None]:
    """An empty log and empty tables, on real transactions: what others do is seen."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname ~ '^(rebuild|verify|back|old)_'")
        for (schema,) in cursor.fetchall():
            cursor.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def made_up() -> Iterator[None]:
    """Projections that the test defines are forgotten afterwards."""
    before = registered[:]
    yield
    registered[:] = before


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda size: monkeypatch.setattr("projections.engine.BATCH", size)


@pytest.fixture
def small_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.history.SMALLEST_EPOCH", 20)


@pytest.fixture
def another_connection() -> Any:
    """Somebody else's transaction."""
    where = connection.settings_dict
    return lambda: psycopg.connect(
        host=where["HOST"], port=where["PORT"], user=where["USER"], password=where["PASSWORD"], dbname=where["NAME"]
    )


def told(position: int) -> Tables:
    """All that the library's tables held."""
    return {m._meta.model_name: by_key(m.objects.as_of(position)) for m in MODELS}


def by_key(rows: Any) -> dict[Any, dict[str, Any]]:
    return {row[rows.model._meta.pk.name]: row for row in rows.values()}


def positions() -> list[int]:
    """From just before the first event: those of earlier tests are gone, and left a gap."""
    found = [event.position for event in log.after(0, limit=100_000)]
    return [found[0] - 1, *found]


def emma() -> Book:
    return Book("Emma", Decimal("9.50"), "A", ("sea",), (Copy(1, "new"),))
