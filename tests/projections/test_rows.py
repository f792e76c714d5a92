"""What a batch makes of events: the same rows, wherever it begins and ends."""

from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection

from projections.exact import exact
from projections.models import Checkpoint
from projections.projection import Gone, Projection, on
from tests.lending.domain import Book, Copy, Loan, Member
from tests.lending.models import BookCard, Borrower, LoanCard, Shelf, Volume
from tests.lending.story import library, naive, tell
from tests.projections.conftest import advance, tables

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]

NEW = Copy(1, "new")


def book(title: str = "Emma", copies: tuple[Copy, ...] = ()) -> Book:
    return Book(title, Decimal("9.50"), "A", (), copies)


@pytest.mark.parametrize(("size", "seed"), [(1, 1), (2, 2), (7, 3), (100, 4), (5000, 5)])
def test_rows_equal_a_naive_fold_whatever_the_size_of_a_batch(small_batches, size, seed):
    tell(600, seed)
    small_batches(size)

    advance()

    assert tables() == naive()


def test_many_new_rows_are_copied_into_their_table(monkeypatch):
    tell(600, seed=6)
    monkeypatch.setattr("projections.layout.MANY", 5)

    advance()

    assert tables() == naive()


def test_a_stream_s_own_row_has_its_version_even_where_nothing_else_changes():
    emma = book(copies=(NEW,))
    emma.stamp()
    library.record(emma)

    advance()

    card, volume = BookCard.objects.get(), Volume.objects.get()
    assert (card.version, card.position) == (2, volume.position + 1)
    assert volume.version == 0, "no stream is a volume's own"


def test_a_row_that_a_handler_leaves_as_it_was_is_not_written():
    ada = Member("Ada")
    library.record(ada, Loan(uuid4(), ada.id, date(2026, 2, 1)))
    advance()
    opened = LoanCard.objects.get()

    ada.rename("Ada")
    library.record(ada)
    advance()

    assert LoanCard.objects.get().position == opened.position
    assert Borrower.objects.get().version == 2


def test_a_row_can_go_and_come_again_in_one_batch():
    class Fickle(Projection):
        tables = (Shelf,)

        @on("Book.Acquired", row="shelf")
        def acquired(self, row: Shelf | None, shelf: str, title: str) -> Shelf | type[Gone]:
            return Gone if row else Shelf(name=shelf, books=len(title))

    library.record(book("A"))
    advance(Fickle())
    library.record(book("AB"), book("ABC"))
    advance(Fickle())

    assert [(row.name, row.books) for row in Shelf.objects.all()] == [("A", 3)]


def stopped_by(projection: Projection) -> str:
    type(projection).on_error = "stop"
    advance(projection)
    return Checkpoint.objects.get(name=projection.name).error


def test_a_missing_row_that_a_handler_needs_is_named():
    ada = Member("Ada")
    loan = Loan(uuid4(), ada.id, date(2026, 2, 1))
    receipt = library.record(loan)

    class Strict(Projection):
        tables = (Borrower,)

        @on("Loan.Opened", borrower="member_id")
        def opened(self, borrower: Borrower) -> None: ...

    assert stopped_by(Strict()) == (
        f"Strict cannot apply Loan.Opened at position {receipt.position}: MissingRow: there is no Borrower {ada.id}. "
        "Where it may be missing, the handler says `Borrower | None`."
    )


def test_a_row_that_exists_cannot_be_made_again():
    class Twice(Projection):
        tables = (Borrower,)

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> list[Borrower]:
            return [Borrower(id=stream_id, name=name), Borrower(id=stream_id, name=name)]

    library.record(Member("Ada"))

    assert "ValueError: Borrower" in (error := stopped_by(Twice()))
    assert "exists already" in error


def test_a_row_cannot_change_its_key():
    class Renumbered(Projection):
        tables = (Borrower,)

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name)

        @on("Member.Renamed")
        def renamed(self, borrower: Borrower) -> None:
            borrower.id = uuid4()

    ada = Member("Ada")
    ada.rename("Ida")
    library.record(ada)

    assert "cannot change its key: return Gone, and a new row" in stopped_by(Renumbered())


def test_an_amount_is_never_rounded_in_silence():
    class Halves(Projection):
        tables = (Shelf,)

        @on("Book.Acquired", row="shelf")
        def acquired(self, row: Shelf | None, shelf: str, price: Decimal) -> Shelf:
            return Shelf(name=shelf, worth=price / 100)

    library.record(book())

    assert "Shelf.worth has 2 decimal places: 0.095 is to be rounded" in stopped_by(Halves())


def test_a_row_of_another_projection_cannot_be_returned():
    class Stray(Projection):
        tables = (Shelf,)

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name)

    library.record(Member("Ada"))

    assert "Stray does not keep Borrower: it is not in its tables." in stopped_by(Stray())


def test_what_the_log_has_now_is_read_without_the_table():
    emma, persuasion, gone = book("Emma", (NEW,)), book("Persuasion"), book("Gone")
    emma.retitle("Emma, again")
    emma.appraise(Decimal("12.00"), ("rare",))
    gone.discard()
    library.record(emma, persuasion, gone)

    found = exact(BookCard, [emma.id, persuasion.id, gone.id, uuid4()])

    assert not BookCard.objects.exists()
    assert {key: (row.title, row.price, row.version) for key, row in found.items()} == {
        emma.id: ("Emma, again", Decimal("12.00"), 3),
        persuasion.id: ("Persuasion", Decimal("9.50"), 1),
    }
    advance()
    assert [vars(row) for row in map(without_state, BookCard.objects.all())] == [
        vars(without_state(found[row.pk])) for row in BookCard.objects.all()
    ]


def without_state(row: BookCard) -> BookCard:
    del row.__dict__["_state"]
    return row


def test_what_the_log_has_now_is_one_query(django_assert_num_queries):
    library.record(emma := book())
    statements = []

    with connection.execute_wrapper(lambda execute, *args: statements.append(args[0]) or execute(*args)):
        exact(BookCard, [emma.id])

    assert statements == [], "and none through Django's cursor, which binds on the client"


@pytest.mark.parametrize("model", [Volume, LoanCard, Borrower, Shelf])
def test_a_row_that_is_made_of_more_than_its_stream_is_not_read_from_the_log(model):
    with pytest.raises(TypeError, match=f"{model.__name__} cannot be read from the log by stream"):
        exact(model, [uuid4()])
