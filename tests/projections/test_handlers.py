"""A handler's signature says what it needs; it is tried with no database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from eventstore.log import Recorded
from projections.handler import Handler
from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on
from tests.lending.models import BookCard, Books, Borrower, CopyFact, LoanCard, Loans, Volume

pytestmark = pytest.mark.usefixtures("made_up")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA, EMMA, LOAN = (UUID(int=n) for n in (1, 2, 3))


def recorded(name: str, data: bytes, stream_id: UUID = LOAN) -> Recorded:
    return Recorded(17, stream_id, 4, name, data, NOW, NOW)


def test_a_handler_makes_rows():
    rows = Books().acquired(EMMA, "Emma", Decimal("9.50"), ["love"], [CopyFact(7, "new")], NOW)

    book, volume = rows
    assert isinstance(book, BookCard)
    assert (book.title, book.subjects) == ("Emma", ["love"])
    assert isinstance(volume, Volume)
    assert (volume.pk, volume.book_id, volume.wear) == (7, EMMA, 0.5)


def test_a_handler_changes_the_rows_it_is_given():
    loan = LoanCard(id=LOAN, book_id=EMMA, member_id=ADA, member_name="Ada", due=date(2026, 2, 1))
    ada = Borrower(id=ADA, name="Ada", open_loans=1)

    Loans().returned(loan, ada, Decimal("0.50"))

    assert (loan.returned, ada.open_loans, ada.fines) == (True, 0, Decimal("0.50"))


def test_a_row_is_no_more():
    assert Loans().left(Borrower(id=ADA, name="Ada")) is Gone


def test_only_the_facts_that_a_handler_declares_are_decoded_to_its_types():
    (handler,) = Loans().handlers["Loan.Opened"]
    data = b'{"book_id": "%s", "member_id": "%s", "due": "2026-02-01", "not looked at": {}}' % (
        str(EMMA).encode(),
        str(ADA).encode(),
    )

    keys, arguments = handler.read(recorded("Loan.Opened", data))

    assert keys == [ADA], "of the borrower, whose key is a fact"
    assert arguments == (LOAN, EMMA, ADA, date(2026, 2, 1))


def test_words_of_the_log_are_not_looked_for_among_the_facts():
    class Words(Projection):
        tables = (Borrower,)

        @on("Member.Stamped")
        def stamped(
            self, at: datetime, position: int, recorded_at: datetime, version: int, stream_id: UUID
        ) -> None: ...

    (handler,) = Words().handlers["Member.Stamped"]

    assert handler.read(recorded("Member.Stamped", b"not even JSON")) == ([], (NOW, 17, NOW, 4, LOAN))


def test_a_fact_that_older_events_lack_has_the_handlers_default():
    (handler,) = Books().handlers["Book.Appraised"]

    assert handler.read(recorded("Book.Appraised", b'{"price": "1.00"}'))[1] == (Decimal("1.00"), ())


def test_a_row_that_may_be_missing_may_have_no_key():
    (handler,) = Loans().handlers["Loan.Returned"]

    keys, _ = handler.read(recorded("Loan.Returned", b'{"member_id": null, "fine": "0.00"}'))

    assert keys == [LOAN, None]


def test_rows_do_not_share_a_default_that_can_change():
    first, second = BookCard(id=EMMA), BookCard(id=uuid4())

    first.subjects.append("sea")

    assert second.subjects == []


def refuses(method: object, because: str) -> None:
    class Odd(Projection):
        tables = (Borrower, LoanCard)

    with pytest.raises(TypeError, match=because):
        Handler("Odd", Odd.tables, method.__get__(Odd()))  # type: ignore[attr-defined]


def test_every_parameter_needs_a_type():
    @on("Member.Joined")
    def joined(self, stream_id: UUID, name) -> None: ...

    refuses(joined, "Odd.joined: name needs a type")


def test_rows_come_first():
    @on("Member.Joined")
    def joined(self, name: str, borrower: Borrower) -> None: ...

    refuses(joined, "rows come first")


def test_a_key_is_for_a_row():
    @on("Member.Joined", borrwer="member_id")
    def joined(self, borrower: Borrower) -> None: ...

    refuses(joined, "borrwer is no parameter annotated with a model")


def test_only_the_first_row_can_be_every():
    @on("Member.Joined", loan=every("member_id"))
    def joined(self, borrower: Borrower, loan: LoanCard) -> None: ...

    refuses(joined, "only its first row can be `every`")


def test_a_projection_only_asks_for_rows_it_keeps():
    @on("Book.Retitled")
    def retitled(self, book: BookCard, title: str) -> None: ...

    refuses(retitled, "book is a BookCard, which Odd does not keep")


def test_a_read_model_is_written_by_its_projection_only():
    loan = LoanCard(id=LOAN)

    for forbidden in (
        loan.save,
        loan.delete,
        LoanCard.objects.all().delete,
        lambda: LoanCard.objects.create(id=LOAN),
        lambda: LoanCard.objects.update(returned=True),
        lambda: LoanCard.objects.bulk_create([loan]),
        lambda: LoanCard.objects.filter(pk=LOAN).update_or_create(),
    ):
        with pytest.raises(TypeError, match=r"LoanCard is kept by Loans.*manage.py projections rebuild Loans"):
            forbidden()


def test_a_row_can_be_made_as_django_makes_it():
    by_place = Borrower(5, 2, ADA, "Ada")
    by_pk = Borrower(pk=ADA, name="Ada")

    assert (by_place.position, by_place.version, by_place.id) == (5, 2, ADA)
    assert by_pk == by_place
    assert isinstance(by_pk, ReadModel)
