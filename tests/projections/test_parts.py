"""A projection that is split: several workers at once, and the same rows as one makes."""

import threading
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection

from projections.checks import check_projections
from projections.engine import advance as step
from projections.engine import catch_up
from projections.lease import hold, take
from projections.models import Checkpoint
from projections.projection import Projection, every, on, parts
from projections.waiting import wait_until
from tests.lending.domain import Book, Loan, Member
from tests.lending.models import BookCard, Books, Borrower, LoanCard, Shelf, Volume
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, advance, tables

pytestmark = [pytest.mark.usefixtures("made_up", "on_real_transactions")]


@pytest.fixture
def in_four(monkeypatch):
    monkeypatch.setattr(Books, "partitions", 4)
    monkeypatch.setattr(Books, "keeps_history", False)


def kept() -> dict[str, object]:
    return {name: rows for name, rows in tables().items() if name in ("bookcard", "volume")}


def wanted() -> dict[str, object]:
    return {name: rows for name, rows in naive().items() if name in ("bookcard", "volume")}


@pytest.mark.usefixtures("in_four")
@pytest.mark.parametrize("size", [7, 1000])
def test_one_worker_moves_all_parts(small_batches, size):
    tell(400)
    small_batches(size)

    advance(BOOKS)

    assert kept() == wanted()
    assert Checkpoint.objects.filter(projection="Books").count() == 4


@pytest.mark.usefixtures("in_four")
def test_four_workers_move_a_part_each(small_batches):
    tell(1000)
    small_batches(20)
    threads = [threading.Thread(target=worked) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    advance(BOOKS)
    assert kept() == wanted()


def worked() -> None:
    try:
        catch_up([BOOKS])
    finally:
        connection.close()


@pytest.mark.usefixtures("in_four")
def test_each_worker_takes_the_part_that_is_last():
    tell(400)
    first, second = take([BOOKS]), take([BOOKS])
    step(first, 100)

    assert first[0].name != second[0].name
    for lease in (*first, *second):
        lease.release()
    (third,) = take([BOOKS])
    assert third.position == 0
    third.release()


@pytest.mark.usefixtures("in_four")
def test_a_position_is_seen_when_the_last_part_has_come_to_it():
    receipt = library.record(Book("Emma", Decimal(5), "A", (), ()))
    (lease,) = take([BOOKS])
    step([lease], receipt.position)

    assert not wait_until(receipt.position, "Books", timeout=0.02)
    advance(BOOKS)
    assert wait_until(receipt.position, "Books", timeout=0)


@pytest.mark.usefixtures("in_four")
def test_all_parts_can_be_held():
    advance(BOOKS)

    with hold(BOOKS) as leases:
        assert sorted(lease.part for lease in leases) == parts(4)
        assert take([BOOKS]) == []


def test_parts_are_all_of_it_and_do_not_overlap():
    for count in (1, 2, 3, 7, 256):
        owners = [UUID(int=n) for n in range(256)]
        assert all(sum(part.holds(owner) for part in parts(count)) == 1 for owner in owners)


def refused(projection: type[Projection]) -> list[tuple[str, str]]:
    return [(e.id, e.msg) for e in check_projections() if e.id > "projections.E008"]


def test_what_is_split_says_so_of_each_table():
    class Half(Projection):
        tables = (BookCard, Volume)
        splits_by = {BookCard: "id"}

        @on("Book.Acquired")
        def acquired(self) -> None: ...

    assert refused(Half) == [
        ("projections.E011", "Half does not say which UUID column of Volume holds a row's stream."),
    ]


def test_what_looks_at_rows_of_several_streams_is_not_split():
    class Mixed(Projection):
        tables = (LoanCard, Borrower)
        splits_by = {LoanCard: "id", Borrower: "id"}

        @on("Loan.Returned", borrower="member_id")
        def returned(self, loan: LoanCard, borrower: Borrower) -> None: ...

    assert refused(Mixed) == [
        ("projections.E012", "Mixed.returned takes rows of several streams at once: Mixed cannot be split."),
    ]


def test_parts_need_to_know_how_to_split():
    class Many(Projection):
        tables = (Shelf,)
        partitions = 2

        @on("Book.Acquired")
        def acquired(self) -> None: ...

    assert [each for each, _ in refused(Many)] == ["projections.E009"]


def test_an_event_that_concerns_rows_of_other_streams_is_heard_in_every_part():
    class Names(Projection):
        tables = (LoanCard,)
        splits_by = {LoanCard: "id"}
        partitions = 4

        @on("Loan.Opened")
        def opened(self, stream_id: UUID, book_id: UUID, member_id: UUID | None, due: date) -> LoanCard:
            return LoanCard(id=stream_id, book_id=book_id, member_id=member_id, member_name="?", due=due)

        @on("Member.Renamed", loan=every("member_id"))
        def renamed(self, loan: LoanCard, name: str) -> None:
            loan.member_name = name

    ada = Member("Ada")
    library.record(ada, *(Loan(ada.id, ada.id, date(2026, 2, n)) for n in range(1, 21)))
    ada.rename("Countess")
    library.record(ada)

    advance(Names())

    assert [e for e in check_projections() if e.id > "projections.E008"] == []
    assert set(LoanCard.objects.values_list("member_name", flat=True)) == {"Countess"}
    assert LoanCard.objects.count() == 20


def test_a_key_may_be_computed_from_the_event():
    def decade(price: Decimal) -> str:
        return f"{price // 10 * 10:f}s"

    class ByPrice(Projection):
        tables = (Shelf,)

        @on("Book.Acquired", decade=decade)
        def acquired(self, decade: Shelf | None, price: Decimal, shelf: str) -> Shelf:
            row = decade or Shelf(name=f"{price // 10 * 10:f}s")
            row.books += 1
            return row

    library.record(*(Book(f"Book {n}", Decimal(n), "A", (), ()) for n in range(25)))

    advance(ByPrice())

    assert dict(Shelf.objects.values_list("name", "books")) == {"0s": 10, "10s": 10, "20s": 5}


def test_a_function_that_computes_a_key_needs_types():
    def day(at):
        return at

    class Odd(Projection):
        tables = (Shelf,)

        @on("Book.Acquired", row=day)
        def acquired(self, row: Shelf | None) -> None: ...

    assert [e.msg for e in check_projections() if e.id == "projections.E006"] == [
        "Odd.acquired: day needs a type for at."
    ]
