"""What must be forgotten is forgotten in every version of a row."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import log
from projections.models import Checkpoint
from projections.projection import Gone, Projection, every, on, registered
from projections.versions import versions
from tests.lending.domain import Book, Member
from tests.lending.models import BookCard, Borrower, LoanCard
from tests.lending.story import library, tell
from tests.projections.conftest import BOOKS, LOANS, advance, emma, positions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]


class Forgetting(Projection):
    """Loans, where a member who leaves is forgotten: with ``Member.Left`` in the place of an erasure."""

    tables = (LoanCard, Borrower)
    keeps_history = True

    joined, opened, returned = LOANS.__class__.joined, LOANS.__class__.opened, LOANS.__class__.returned
    renamed, borrower_renamed = LOANS.__class__.renamed, LOANS.__class__.borrower_renamed

    @on("Member.Left", past=True)
    def left(self, borrower: Borrower) -> None:
        borrower.name = "[erased]"

    @on("Member.Left", loan=every("member_id"), past=True)
    def loan_left(self, loan: LoanCard) -> None:
        loan.member_name = "[erased]"
        loan.book_id = UUID(int=0)


registered.remove(next(each for each in registered if isinstance(each, Forgetting)))


@pytest.fixture
def forgetting() -> Projection:
    registered[:] = [each for each in registered if each is not LOANS] + [projection := Forgetting()]
    return projection


@pytest.mark.usefixtures("small_epochs")
@pytest.mark.parametrize("size", [1, 7, 40, 5000])
def test_what_must_be_forgotten_is_forgotten_in_every_version(small_batches, forgetting, size):
    tell(500, seed=21)
    small_batches(size)

    advance(forgetting)

    left = {event.stream_id: event.position for event in log.after(0, ["Member.Left"], 1000)}
    assert len(left) > 3
    for position in positions()[::10]:
        people, loans = story_of_forgetting(position)
        forgotten = {key for key in left if key in people}
        people |= dict.fromkeys(forgotten, "[erased]")
        loans |= {key: (member, "[erased]") for key, (member, _) in loans.items() if member in left}
        assert dict(Borrower.objects.as_of(position).values_list("id", "name")) == people
        assert {row.id: (row.member_id, row.member_name) for row in LoanCard.objects.as_of(position)} == loans
    erased = list(left)
    assert not versions[Borrower].objects.filter(id__in=erased).exclude(name="[erased]").exists()
    assert not versions[LoanCard].objects.filter(member_id__in=erased).exclude(book_id=UUID(int=0)).exists()
    assert versions[LoanCard].objects.exclude(member_name="[erased]").exists()


def story_of_forgetting(position: int) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Names of members, and who had each loan, where nobody ever leaves."""
    people: dict[Any, Any] = {}
    loans: dict[Any, Any] = {}
    for event in log.after(0, limit=100_000, up_to=position):
        facts = json.loads(event.data)
        if event.name in ("Member.Joined", "Member.Renamed"):
            people[event.stream_id] = facts["name"]
            if event.name == "Member.Renamed":
                loans |= {key: (m, facts["name"]) for key, (m, _) in loans.items() if m == event.stream_id}
        elif event.name == "Loan.Opened":
            who = UUID(facts["member_id"]) if facts["member_id"] else None
            loans[event.stream_id] = (who, people[who] if who else "in the house")
    return people, loans


def test_a_row_that_is_gone_is_forgotten_too():
    class Vanishing(Projection):
        tables = (BookCard,)
        keeps_history = True

        @on("Book.Acquired")
        def acquired(self, stream_id: UUID, title: str, price: Decimal, at: datetime) -> BookCard:
            return BookCard(id=stream_id, title=title, price=price, acquired_at=at)

        @on("Book.Retitled")
        def retitled(self, book: BookCard) -> type[Gone]:
            return Gone

        @on("Book.Stamped", past=True)
        def stamped(self, book: BookCard | None) -> None:
            if book:
                book.title = "[erased]"

        @on("Book.Discarded", past=True)
        def discarded(self, book: BookCard | None) -> type[Gone] | None:
            return Gone if book else None

    registered[:] = [each for each in registered if each is not BOOKS] + [vanishing := Vanishing()]
    book, other = emma(), Book("Persuasion", Decimal(1), "A", (), ())
    other.retitle("gone")
    book.retitle("gone")
    library.record(book, other)
    advance(vanishing)
    book.stamp()
    library.record(book)

    advance(vanishing)

    assert set(versions[BookCard].objects.values_list("title", flat=True)) == {"[erased]", "Persuasion"}
    book.discard()
    library.record(book)
    advance(vanishing)
    assert list(versions[BookCard].objects.values_list("title", flat=True)) == ["Persuasion"], "Gone: all of it"


def test_a_handler_that_does_more_to_the_past_than_forget_stops():
    class Inventing(Projection):
        tables = (Borrower,)
        keeps_history = True
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name)

        @on("Member.Renamed", past=True)
        def renamed(self, borrower: Borrower, name: str) -> None:
            if borrower.version == 1 and borrower.name != "Ada":
                borrower.id = uuid4()
            borrower.name = name

    ada = Member("Ada")
    ada.rename("Ida")
    ada.rename("Eda")
    library.record(ada)

    advance(inventing := Inventing())

    error = Checkpoint.objects.get(projection=inventing.name).error
    assert "A handler `past` may change columns, or return Gone: here it does more to Borrower" in error
