"""A list by time, as of a moment, is read from a mark on; and no row that was there is after it."""

import random
from datetime import date, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import F

from eventstore import log
from projections.models import HistoryEpoch
from projections.projection import Projection, every, on, registered
from projections.rebuild import rebuild
from projections.retrying import retry
from projections.versions import versions
from tests.lending.domain import Loan
from tests.lending.models import Borrower, LoanCard
from tests.lending.story import library, naive, tell
from tests.projections.conftest import LOANS, advance, positions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up", "small_epochs")]

TABLE = LoanCard._meta.db_table


class Postponing(Projection):
    """Loans, where those of a member who leaves are due in another century, and always were."""

    tables = (LoanCard, Borrower)
    keeps_history = True

    joined, opened, returned = LOANS.__class__.joined, LOANS.__class__.opened, LOANS.__class__.returned

    @on("Member.Left", loan=every("member_id"), past=True)
    def left(self, loan: LoanCard) -> None:
        loan.due = date(2199, 1, 1)


class Lending(Projection):
    """Loans, each made of its own stream; those of another century cannot be applied until they are ``readable``."""

    tables = (LoanCard,)
    keeps_history = True
    readable = False

    @on("Loan.Opened")
    def opened(self, stream_id: UUID, book_id: UUID, due: date) -> LoanCard:
        if due.year > 2100 and not self.readable:
            raise ValueError("due in another century")
        return LoanCard(id=stream_id, book_id=book_id, member_name="", due=due)


registered[:] = [each for each in registered if not isinstance(each, (Postponing, Lending))]


def marks() -> list[tuple[int, int, date]]:
    """Epoch, position, and the latest due date up to there."""
    epochs = HistoryEpoch.objects.filter(table=TABLE, schema="")
    return [(e.start, m["position"], date.fromisoformat(m["due"])) for e in epochs for m in e.marks if m["due"]]


def told() -> list[tuple[int, int, date]]:
    """Epoch, position and due date of each version; the live rows are of the present one."""
    present = HistoryEpoch.objects.filter(table=TABLE, schema="").latest("start").start
    ended = versions[LoanCard].objects.values_list("epoch", "position", "due")
    return [*ended, *((present, *live) for live in LoanCard.objects.values_list("position", "due"))]


def wrong() -> list[Any]:
    """Marks that say less than a version of their epoch does."""
    entries = told()
    return [
        (mark, each)
        for mark in marks()
        for each in entries
        if each[0] == mark[0] and each[1] <= mark[1] and each[2] > mark[2]
    ]


@pytest.mark.parametrize("size", [3, 40])
def test_no_version_is_after_a_mark_that_was_made_as_the_table_was_written(small_batches, size):
    tell(700, seed=41)
    small_batches(size)

    advance()

    assert len(marks()) > 10
    assert wrong() == []


def test_a_rebuild_marks_what_it_has_built(small_batches, monkeypatch):
    tell(1500, seed=42)
    small_batches(40)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 100)

    rebuild(LOANS)

    epochs = {epoch for epoch, *_ in marks()}
    assert len(epochs) > 3
    assert len(marks()) > 3 * len(epochs)
    assert wrong() == []
    moment = positions()[len(positions()) // 2]
    assert pages(moment) == pages_of(naive(moment)["loancard"].values())


def test_the_newest_of_each_moment_are_those_of_a_naive_fold(small_batches):
    tell(1000, seed=43)
    small_batches(30)
    advance()

    different = [
        position
        for position in random.Random(43).sample(positions(), 60)
        if pages(position) != pages_of(naive(position)["loancard"].values())
    ]

    assert not different


def pages(position: int) -> list[Any]:
    """The ends of the list, in either order, however it is asked for."""
    loans = LoanCard.objects.as_of(position)
    newest = loans.order_by("-due", "-id").values_list("id", flat=True)
    by_expression = loans.order_by(F("due").desc(), F("id").desc()).values_list("id", flat=True)
    return [list(newest[:5]), list(by_expression[20:25]), list(newest.reverse()[:5]), newest.count()]


def pages_of(rows: Any) -> list[Any]:
    newest = [row["id"] for row in sorted(rows, key=itemgetter("due", "id"), reverse=True)]
    return [newest[:5], newest[20:25], newest[::-1][:5], len(newest)]


def test_a_page_newest_first_steps_over_nothing_that_is_newer_than_the_next_mark(small_batches):
    tell(2000, seed=44)
    small_batches(50)
    advance()
    epoch, position, latest = marks()[len(marks()) // 2]
    newer = sum(1 for start, _, due in told() if start == epoch and due > latest)
    assert newer > 10, "there is something to step over"

    newest = LoanCard.objects.as_of(position).order_by("-due", "-id")[:5]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plan = newest.explain(analyze=True)

    assert "due <= COALESCE" in plan, plan
    assert "Index Cond" in next(line for line in plan.splitlines() if "due <= COALESCE" in line), plan


def test_what_is_said_of_the_past_later_than_a_mark_says_is_found(small_batches):
    registered[:] = [each for each in registered if each is not LOANS] + [postponing := Postponing()]
    tell(1500, seed=45)
    small_batches(25)

    advance(postponing)

    postponed = set(versions[LoanCard].objects.filter(due=date(2199, 1, 1)).values_list("id", flat=True))
    assert postponed
    assert wrong() == []
    for position in positions()[::50]:
        there = {row.id for row in LoanCard.objects.as_of(position)}
        listed = list(LoanCard.objects.as_of(position).order_by("-due", "-id").values_list("id", flat=True))
        assert set(listed) == there
        assert set(listed[: len(there & postponed)]) == there & postponed
    assert log.last() == positions()[-1]


def test_what_was_parked_and_is_applied_late_is_found_among_the_newest(small_batches, monkeypatch):
    monkeypatch.setattr("projections.history.SMALLEST_EPOCH", 64)
    registered[:] = [each for each in registered if each is not LOANS] + [lending := Lending()]
    small_batches(4)
    book, first = uuid4(), date(2026, 1, 1)
    library.record(*(Loan(book, None, first + timedelta(days=n)) for n in range(12)))
    library.record(late := Loan(book, None, date(2199, 1, 1)))
    moment = log.last()
    library.record(*(Loan(book, None, first + timedelta(days=20 + n)) for n in range(30)))
    advance(lending)
    before = len(marks())
    assert marks()[-1][1] > moment, "a mark says of that moment what is not true any more"

    lending.readable = True
    assert retry(lending) == (1, 0, False, [])

    assert LoanCard.objects.as_of(moment).order_by("-due", "-id")[0].id == late.id
    assert wrong() == []
    assert 0 < len(marks()) < before, "those of before it still hold"
