"""A rebuild among readers, writers, workers and other rebuilds."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from eventstore import log
from projections import shadow
from projections.engine import catch_up
from projections.lease import LeaseLost, take
from projections.listing import as_table
from projections.models import Checkpoint, HistoryEpoch
from projections.projection import parts
from projections.rebuild import NotNow, Refused, go_back, rebuild
from projections.rows import EventFailed
from projections.status import statuses
from tests.lending.domain import Book, Member
from tests.lending.models import BookCard, LoanCard
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, advance, emma, leftovers, sql, tables

pytestmark = pytest.mark.usefixtures("on_real_transactions")


def test_readers_see_whole_tables_while_they_are_rebuilt_under_writers():
    tell(1500)
    advance()
    fewest = BookCard.objects.count()
    seen: list[int] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def again_and_again(job: Callable[[], object]) -> threading.Thread:
        def work() -> None:
            try:
                while not over.is_set():
                    job()
            except BaseException as error:
                failed.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def read() -> None:
        with transaction.atomic():
            seen.append(BookCard.objects.count())
            LoanCard.objects.order_by("id").first()

    def write() -> None:
        library.record(Member("Ada"))
        catch_up(LENDING)

    threads = [again_and_again(job) for job in (read, read, write)]
    try:
        for _ in range(3):
            for projection in LENDING:
                rebuild(projection)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    advance()

    assert failed == []
    assert len(seen) > 20
    assert min(seen) == max(seen) == fewest
    assert tables() == naive()


def test_a_swap_gives_up_where_a_reader_never_ends(monkeypatch):
    tell(50)
    advance()
    reading, finish = threading.Event(), threading.Event()

    def long_reader() -> None:
        with transaction.atomic():
            BookCard.objects.count()
            reading.set()
            finish.wait(30)
        connection.close()

    thread = threading.Thread(target=long_reader)
    thread.start()
    assert reading.wait(30)
    monkeypatch.setattr("projections.places.PATIENCE", 0.2)

    with pytest.raises(Refused, match="others hold its tables without end"):
        rebuild(BOOKS)
    finish.set()
    thread.join()

    assert tables() == naive()
    rebuild(BOOKS)


def test_who_has_had_the_live_tables_for_long_is_named_and_they_go_on_while_he_is_waited_for(
    monkeypatch, another_connection
):
    tell(50)
    advance()
    monkeypatch.setattr("projections.others.LONG", timedelta(0))
    said: list[str] = []
    with another_connection() as reader:
        reader.execute("SELECT count(*) FROM lending_bookcard")
        reads = f"process {reader.info.backend_pid} (no name, idle in transaction)"

        def hear(name: str, doing: str, *_: object) -> None:
            if doing.startswith("waiting") and doing not in said:
                library.record(emma())
                advance(BOOKS)
                (status,) = statuses([BOOKS])
                said.extend([doing, status.progress.waits_for if status.progress else "", as_table([status])])
                reader.rollback()

        built = rebuild(BOOKS, report=hear)

    assert said[:2] == [f"waiting for {reads}", reads]
    assert f"; {reads} has the live tables, and is waited for before the swap" in said[2]
    assert said[2].splitlines()[1].split()[5] == "0", "the live tables are not behind"
    assert built.position == log.last()
    advance()
    assert tables() == naive()


def test_a_reader_who_never_ends_is_named_and_what_was_built_is_kept(monkeypatch, another_connection):
    tell(50)
    advance()
    monkeypatch.setattr("projections.others.LONG", timedelta(0))
    monkeypatch.setattr("projections.rebuild.PATIENCE", 0.0)
    with another_connection() as reader:
        reader.execute("SELECT count(*) FROM lending_bookcard")

        with pytest.raises(NotNow, match=rf"without end: process {reader.info.backend_pid} \(.*What was built is kept"):
            rebuild(BOOKS)

    assert rebuild(BOOKS).events == 0


def test_while_a_swap_waits_for_a_vacuum_nobody_waits_for_the_swap():
    tell(50)
    advance()
    vacuuming, over = threading.Event(), threading.Event()
    waiting = "SELECT DISTINCT mode FROM pg_locks WHERE relation = 'lending_bookcard'::regclass AND NOT granted"

    def vacuum() -> None:
        with transaction.atomic():
            sql("LOCK TABLE lending_bookcard IN SHARE UPDATE EXCLUSIVE MODE")  # as VACUUM does
            vacuuming.set()
            over.wait(60)
        connection.close()

    def read_and_write() -> list[str]:
        until = time.monotonic() + 30
        while not (modes := sql(waiting)) and time.monotonic() < until:
            time.sleep(0.01)
        with transaction.atomic():
            sql("SET LOCAL lock_timeout = '50ms'")
            sql("UPDATE lending_bookcard SET title = title")
        connection.close()
        over.set()
        return [mode for (mode,) in modes]

    thread = threading.Thread(target=vacuum)
    thread.start()
    assert vacuuming.wait(30)
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(read_and_write)
        built = rebuild(BOOKS)
    thread.join()

    assert waited.result() == ["ShareUpdateExclusiveLock"], "which no reader and no writer queues behind"
    assert built.swap_seconds < 5
    assert tables() == naive()


def test_two_rebuilds_of_one_projection_are_one_too_many():
    tell(50)
    advance()
    (first,) = take([BOOKS], schema=shadow.schema(BOOKS))

    with pytest.raises(Refused, match=r"Books is being rebuilt already, by \S+ \d+\."):
        rebuild(BOOKS)

    first.release()
    rebuild(BOOKS)


def test_a_rebuild_whose_place_was_taken_cannot_swap():
    tell(50)
    advance()

    def taken(name: str, doing: str, *_: object) -> None:
        if doing == "swapping":
            Checkpoint.objects.filter(name=shadow.checkpoint(BOOKS)).update(epoch=99)

    with pytest.raises(LeaseLost):
        rebuild(BOOKS, report=taken)

    assert tables() == naive()


def test_a_swap_is_refused_where_something_else_depends_on_the_tables():
    tell(50)
    advance()
    sql("CREATE VIEW lending_titles AS SELECT title FROM lending_bookcard")

    try:
        with pytest.raises(Refused, match="view lending_titles depends on table lending_bookcard"):
            rebuild(BOOKS)

        assert tables() == naive()
        assert leftovers() == []
    finally:
        sql("DROP VIEW lending_titles")


def test_two_processes_build_what_one_does(monkeypatch):
    tell(1000)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 100)
    monkeypatch.setattr("projections.history.SMALLEST_EPOCH", 50)
    seen: list[tuple[str, int]] = []

    built = rebuild(BOOKS, workers=2, report=lambda name, doing, position, end, events: seen.append((doing, events)))

    total = sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(BOOKS.handlers))[0][0]
    everywhere = sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(BOOKS.everywhere))[0][0]
    assert total <= built.events <= total + everywhere
    assert sum(events for doing, events in seen) == built.events
    assert not any(each.differing for each in built.compared)
    assert HistoryEpoch.objects.filter(table="lending_bookcard", schema="").count() > 1, "epochs ended where they met"
    assert tables() == naive()
    assert leftovers() == []
    tell(100, seed=2)
    advance()
    assert tables() == naive()


def test_what_does_not_say_how_it_splits_has_one_worker():
    tell(50)
    advance()

    with pytest.raises(Refused, match=r"Loans: one worker alone builds it. `splits_by` would say which column"):
        rebuild(LOANS, workers=2)

    assert leftovers() == []


def test_an_event_that_fails_in_another_process_is_the_one_that_is_named(monkeypatch):
    tell(300)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 100)
    books = (Book("x", Decimal(1), "A", (), ()) for _ in range(10_000))
    library.record(book := next(book for book in books if not parts(2)[0].holds(book.id)))
    book.appraise(Decimal(-1))
    library.record(book)
    advance(BOOKS)
    ((position, name),) = sql("SELECT position, name FROM eventstore_event ORDER BY position DESC LIMIT 1")

    with pytest.raises(EventFailed, match=rf"Books cannot apply {name} at position {position}: .*price_not_negative"):
        rebuild(BOOKS, workers=2, expect_changes=True)

    assert leftovers() == []


def test_a_projection_in_parts_is_rebuilt_and_goes_on_in_as_many_as_its_code_says(monkeypatch):
    tell(500)
    monkeypatch.setattr("tests.lending.models.Books.keeps_history", False)
    monkeypatch.setattr("tests.lending.models.Books.partitions", 3)
    advance(BOOKS)
    tell(100, seed=2)
    (behind, *_) = take([BOOKS], only=parts(3)[1:2])
    advance(BOOKS)  # all but one
    behind.release()
    stood = list(Checkpoint.objects.filter(projection="Books").order_by("low").values_list("position", flat=True))
    monkeypatch.setattr("tests.lending.models.Books.partitions", 2)

    rebuild(BOOKS)

    assert stood == [600, 500, 600]
    assert sorted(Checkpoint.objects.filter(projection="Books", schema="").values_list("name", "position")) == [
        ("Books[0-127]", 600),
        ("Books[128-255]", 600),
    ]
    tell(100, seed=3)
    go_back(BOOKS)
    live = Checkpoint.objects.filter(projection="Books", schema="").order_by("low")
    assert list(live.values_list("low", "high", "position")) == [(0, 85, 600), (85, 170, 600), (170, 256, 600)]
    advance(BOOKS)
    assert {name: rows for name, rows in tables().items() if name in ("bookcard", "volume")} == {
        name: rows for name, rows in naive().items() if name in ("bookcard", "volume")
    }
