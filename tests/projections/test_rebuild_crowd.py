"""A rebuild among readers, writers, workers and other rebuilds."""

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from projections import shadow
from projections.engine import catch_up
from projections.lease import LeaseLost, take
from projections.models import Checkpoint
from projections.rebuild import Refused, rebuild
from tests.lending.domain import Member
from tests.lending.models import BookCard, LoanCard
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, advance, environment, leftovers, sql, tables

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
    monkeypatch.setattr("projections.rebuild.PATIENCE", 0.2)

    with pytest.raises(Refused, match="somebody reads its tables without end"):
        rebuild(BOOKS)
    finish.set()
    thread.join()

    assert tables() == naive()
    rebuild(BOOKS)


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


def test_a_rebuild_killed_half_way_leaves_nothing_that_stops_the_next():
    tell(300)
    advance()
    before = tables()
    script = (
        "import django, os; django.setup()\n"
        "from projections import rebuild; from projections.projection import known\n"
        "rebuild.BATCH = 50\n"
        "def die(name, doing, position, end, events): events and os.kill(os.getpid(), 9)\n"
        "rebuild.rebuild(known()['Loans'], report=die)\n"
    )
    killed = run(script)
    left = leftovers()
    assert tables() == before

    rebuild(LOANS)

    assert (killed, len(left)) == (-9, 2), "a schema and a checkpoint"
    assert leftovers() == []
    assert tables() == naive()


def run(script: str) -> int:
    return subprocess.run([sys.executable, "-c", script], env=environment(), timeout=60, check=False).returncode


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
