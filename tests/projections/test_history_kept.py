"""Which versions of rows are kept, which are pruned, and where epochs begin and end."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.db import migrations, transaction
from django.db.models import QuerySet

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from projections import history
from projections.as_of import Pruned, TooLate
from projections.models import HistoryEpoch
from projections.operations import replay
from projections.places import go_back
from projections.projection import Gone, Projection, keeper, on, registered
from projections.rebuild import rebuild
from projections.rows import Rows
from projections.versions import versions
from tests.lending.models import BookCard, LoanCard, Shelf, Volume
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, MODELS, advance, emma, positions, sql, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]


def test_two_handlers_of_one_event_end_one_version_and_what_comes_and_goes_in_a_batch_leaves_its_own():
    class Twice(Projection):
        tables = (BookCard,)
        keeps_history = True

        @on("Book.Acquired")
        def acquired(self, stream_id: UUID, title: str, price: Decimal, at: datetime) -> BookCard:
            return BookCard(id=stream_id, title=title, price=price, acquired_at=at)

        @on("Book.Acquired")
        def at_once(self, book: BookCard) -> None:
            book.subjects.append("at once")

        @on("Book.Retitled")
        def retitled(self, book: BookCard, title: str) -> None:
            book.title = title

        @on("Book.Retitled")
        def again(self, book: BookCard) -> None:
            book.subjects.append("again")

        @on("Book.Discarded")
        def discarded(self, book: BookCard) -> type[Gone]:
            return Gone

    registered[:] = [each for each in registered if each is not BOOKS]
    book = emma()
    book.retitle("Emma, again")
    book.discard()
    library.record(book)
    end = log.last()

    advance(Twice())

    found = versions[BookCard].objects.order_by("position").values_list("position", "until", "title", "subjects")
    assert list(found) == [
        (end - 2, end - 1, "Emma", ["at once"]),
        (end - 1, end, "Emma, again", ["at once", "again"]),
    ]
    assert [list(BookCard.objects.as_of(end - 3 + n).values_list("title", flat=True)) for n in range(4)] == [
        [],
        ["Emma"],
        ["Emma, again"],
        [],
    ]


def test_what_changes_nothing_leaves_no_version():
    book = emma()
    library.record(book)
    advance()
    book.stamp()
    library.record(book)

    advance()

    assert versions[BookCard].objects.count() == 1, "its stream's own row has another version"
    assert not versions[Volume].objects.exists()


def test_a_model_without_history_says_what_to_write():
    class Plain(Projection):
        tables = (Shelf,)

    LENDING[1].__class__.keeps_history, before = False, LENDING[1].keeps_history
    try:
        with pytest.raises(TypeError, match="Shelf keeps no history: write `keeps_history = True` in Shelves"):
            Shelf.objects.as_of(0)
    finally:
        LENDING[1].__class__.keeps_history = before


def test_the_model_of_earlier_versions_is_found_where_it_says_it_is():
    assert pickle.loads(pickle.dumps(versions[BookCard])) is versions[BookCard]


def test_history_that_is_kept_from_now_on_begins_where_the_tables_stand():
    tell(60, seed=31)
    LENDING[0].__class__.keeps_history = False
    try:
        advance()
    finally:
        LENDING[0].__class__.keeps_history = True
    stood = log.last()
    with pytest.raises(Pruned, match=f"The history of BookCard is not kept yet: position {stood} is before that"):
        BookCard.objects.as_of(stood)

    tell(60, seed=32)
    advance()

    begins = history.kept_since(BookCard)
    assert begins == log.last(), "where the first batch ended that kept it"
    tell(60, seed=33)
    advance()
    assert [position for position in positions() if position >= begins and told(position) != naive(position)] == []
    with pytest.raises(Pruned, match=f"is kept from position {begins} on: position {stood} is before that"):
        BookCard.objects.as_of(stood)


def test_history_that_was_switched_off_and_on_again_knows_nothing_of_before(small_epochs, monkeypatch):
    tell(60, seed=31)
    advance()
    before = log.last()
    monkeypatch.setattr(type(BOOKS), "keeps_history", False)
    tell(60, seed=32)
    advance()

    monkeypatch.setattr(type(BOOKS), "keeps_history", True)
    tell(60, seed=33)
    advance()

    begins = history.kept_since(BookCard)
    assert begins == log.last()
    tell(60, seed=34)
    advance()
    cards = {each: told(each)["bookcard"] for each in positions() if each >= begins}
    assert [each for each, rows in cards.items() if rows != naive(each)["bookcard"]] == []
    for position in (before, begins - 1):
        with pytest.raises(Pruned, match=f"is kept from position {begins} on"):
            BookCard.objects.as_of(position)


def test_epochs_go_with_the_tables_that_a_migration_has_dropped_or_made():
    tell(60, seed=31)
    advance()
    tables = set(HistoryEpoch.objects.values_list("table", flat=True))
    HistoryEpoch.objects.create(table="lending_gone", start=7, rows=1)
    card = versions[BookCard]._meta.db_table
    made = migrations.CreateModel("BookCardHistory", [], {"db_table": card})
    plan = [(SimpleNamespace(operations=[made, migrations.RunSQL("select 1")]), False)]

    emit_post_migrate_signal(0, False, "default", plan=plan)

    assert set(HistoryEpoch.objects.values_list("table", flat=True)) == tables - {BookCard._meta.db_table}
    assert BookCard._meta.db_table in tables
    tell(60, seed=32)
    advance()
    begins = history.kept_since(BookCard)
    assert begins == log.last(), "it begins anew"


@pytest.mark.usefixtures("small_epochs")
def test_what_is_older_than_it_is_kept_is_pruned(small_batches, monkeypatch):
    tell(600, seed=41)
    small_batches(40)
    advance()
    sql("ALTER TABLE eventstore_event DISABLE TRIGGER eventstore_append_only")
    first = positions()[0]
    sql(
        "UPDATE eventstore_event SET recorded_at = timestamptz '2026-03-01 12:00Z' + interval '1 h' * (position - %s)",
        first,
    )
    sql("ALTER TABLE eventstore_event ENABLE TRIGGER eventstore_append_only")
    now, middle = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(hours=600), positions()[300]
    monkeypatch.setattr(BOOKS.__class__, "keeps_history", timedelta(hours=300))
    before, untouched = versions[BookCard].objects.count(), versions[LoanCard].objects.count()

    pruned = [history.prune(projection, now) for projection in LENDING]

    cards = versions[BookCard].objects
    assert pruned[0] >= before - cards.count() > 0
    assert pruned[1:] == [0, 0]
    assert versions[LoanCard].objects.count() == untouched
    assert not cards.filter(until__lte=middle).exists()
    assert history.kept_since(BookCard) == middle
    for position in positions()[300::5]:
        rows = {row["id"]: row for row in BookCard.objects.as_of(position).values()}
        assert rows == naive(position)["bookcard"], position
    with pytest.raises(Pruned, match=f"is kept from position {middle} on: position {middle - 1} is before that"):
        BookCard.objects.as_of(middle - 1)
    assert history.prune(BOOKS, now) == 0, "once is enough"


def pruned() -> None:
    HistoryEpoch.objects.all().delete()


def put_back() -> None:
    go_back(BOOKS)


def emptied() -> None:
    replay(BOOKS)


@pytest.mark.parametrize("meanwhile", [pruned, put_back, emptied])
def test_what_is_read_too_late_is_refused_and_is_no_earlier_state_nor_an_empty_table(meanwhile):
    tell(60, seed=42)
    advance()
    rebuild(BOOKS)
    tell(60, seed=43)
    advance()
    late = BookCard.objects.as_of(log.last()).order_by("id")
    before = list(late.all())

    meanwhile()

    for read in (list, QuerySet.count, lambda books: books[:5].count()):
        with pytest.raises(TooLate, match="was asked for in time, and read too late: its hist"), transaction.atomic():
            read(late)
    if meanwhile is not pruned:
        advance()
        assert list(late) == before, "they have come so far again"


@pytest.mark.usefixtures("small_epochs")
def test_who_shares_a_table_ends_its_epochs_where_all_meet(small_batches, monkeypatch):
    tell(600, seed=51)
    small_batches(40)
    monkeypatch.setattr("projections.rows.Rows.write", alone_is_nobody(Rows.write))
    advance()
    table, end = "lending_bookcard", log.last()
    assert HistoryEpoch.objects.filter(table=table).count() == 1

    with transaction.atomic(), log_cursor() as cursor:
        history.end_epochs(cursor, BOOKS, "", end)

    assert [epoch.start for epoch in HistoryEpoch.objects.filter(table=table).order_by("start")] == [0, end]
    tell(100, seed=52)
    advance()
    assert [position for position in positions()[::9] if told(position) != naive(position)] == []


def alone_is_nobody(write: Any) -> Callable[..., None]:
    return lambda self, cursor, to, *, alone=True: write(self, cursor, to, alone=False)


def test_the_versions_that_ended_are_the_same_whatever_the_batches(small_batches, small_epochs):
    tell(400, seed=61)
    found = []
    for size in (1, 30, 5000):
        small_batches(size)
        for projection in LENDING:
            replay(projection)
        advance()
        found.append([sql(f"SELECT t::text FROM {history.ended(keeper(m), m)} t ORDER BY 1") for m in MODELS])

    assert found[0] == found[1] == found[2]
    assert all(found[0])
