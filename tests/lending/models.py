"""What the library looks at: every feature of a projection once."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Upper
from msgspec import Struct

from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on


class BookCard(ReadModel):
    """One row per book: its stream's own."""

    id = models.UUIDField(primary_key=True)
    title = models.CharField(max_length=40, db_index=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    subjects = models.JSONField(default=list)
    acquired_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(price__gte=0), name="lending_price_not_negative")]
        indexes = [GinIndex(fields=["subjects"], name="lending_subjects")]


class Volume(ReadModel):
    """One row per copy of a book."""

    id = models.IntegerField(primary_key=True, help_text="Its barcode.")
    book_id = models.UUIDField(db_index=True)
    condition = models.CharField(max_length=10)
    wear = models.FloatField(default=0.5)
    label = models.GeneratedField(
        expression=models.functions.Upper("condition"), output_field=models.CharField(max_length=10), db_persist=True
    )


class CopyFact(Struct):
    """A copy as ``Book.Acquired`` says it."""

    barcode: int
    condition: str


class Books(Projection):
    tables = (BookCard, Volume)
    splits_by = {BookCard: "id", Volume: "book_id"}
    keeps_history = True

    @on("Book.Acquired")
    def acquired(
        self, stream_id: UUID, title: str, price: Decimal, subjects: list[str], copies: list[CopyFact], at: datetime
    ) -> list[ReadModel]:
        book = BookCard(id=stream_id, title=title, price=price, acquired_at=at)
        book.subjects.extend(subjects)
        return [book, *(Volume(id=c.barcode, book_id=stream_id, condition=c.condition) for c in copies)]

    @on("Book.Retitled")
    def retitled(self, book: BookCard, title: str) -> None:
        book.title = title

    @on("Book.Appraised")
    def appraised(self, book: BookCard, price: Decimal, subjects: tuple[str, ...] = ()) -> None:
        book.price = price
        book.subjects += subjects

    @on("Book.Stamped")
    def stamped(self, book: BookCard) -> None: ...

    @on("Book.Discarded")
    def discarded(self, book: BookCard) -> type[Gone]:
        return Gone

    @on("Book.Discarded", volume=every("book_id"))
    def volume_discarded(self, volume: Volume) -> type[Gone]:
        return Gone


class Shelf(ReadModel):
    """One row per shelf, made when the first book comes to stand there."""

    name = models.CharField(max_length=20, primary_key=True)
    books = models.IntegerField(default=0)
    worth = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal)


class Shelves(Projection):
    tables = (Shelf,)
    keeps_history = True

    @on("Book.Acquired", row="shelf")
    def filled(self, row: Shelf | None, shelf: str, price: Decimal) -> Shelf:
        row = row or Shelf(name=shelf)
        row.books += 1
        row.worth += price
        return row


class Borrower(ReadModel):
    """One row per member."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=40)
    open_loans = models.IntegerField(default=0)
    fines = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal)
    last_book_id = models.UUIDField(null=True)


class LoanCard(ReadModel):
    """One row per loan, with the name of who has it."""

    id = models.UUIDField(primary_key=True)
    book_id = models.UUIDField()
    member_id = models.UUIDField(null=True, db_index=True)
    member_name = models.CharField(max_length=40)
    due = models.DateField()
    returned = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["-due", "id"], name="lending_due"),
            models.Index(Upper("member_name"), name="lending_lent", condition=models.Q(returned=False)),
        ]


class Loans(Projection):
    tables = (LoanCard, Borrower)
    keeps_history = True

    @on("Member.Joined")
    def joined(self, stream_id: UUID, name: str) -> Borrower:
        return Borrower(id=stream_id, name=name)

    @on("Member.Renamed")
    def renamed(self, borrower: Borrower, name: str) -> None:
        borrower.name = name

    @on("Member.Renamed", loan=every("member_id"))
    def borrower_renamed(self, loan: LoanCard, name: str) -> None:
        loan.member_name = name

    @on("Loan.Opened", borrower="member_id")
    def opened(
        self, borrower: Borrower | None, stream_id: UUID, book_id: UUID, member_id: UUID | None, due: date
    ) -> LoanCard:
        if borrower:
            borrower.open_loans += 1
            borrower.last_book_id = book_id
        name = borrower.name if borrower else "in the house"
        return LoanCard(id=stream_id, book_id=book_id, member_id=member_id, member_name=name, due=due)

    @on("Loan.Returned", borrower="member_id")
    def returned(self, loan: LoanCard, borrower: Borrower | None, fine: Decimal) -> None:
        loan.returned = True
        if borrower:
            borrower.open_loans -= 1
            borrower.fines += fine

    @on("Member.Left")
    def left(self, borrower: Borrower) -> type[Gone]:
        return Gone

    @on("Member.Left", loan=every("member_id"))
    def loan_forgotten(self, loan: LoanCard) -> type[Gone]:
        return Gone


from tests.lending import policies  # noqa: E402, F401  # found with the models, as all that listens is
