"""A lending library, as small as can be: what the engines are tried with, for they know no shop."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from eventsourcing.domain import event

from eventstore.application import EventSourced
from eventstore.domain import Aggregate, value


@value
class Copy:
    barcode: int
    condition: str


class Book(Aggregate):
    """acquired → discarded"""

    @event("Acquired")
    def __init__(
        self, title: str, price: Decimal, shelf: str, subjects: tuple[str, ...], copies: tuple[Copy, ...]
    ) -> None:
        self.title = title
        self.price = price

    @event("Retitled")
    def retitle(self, title: str) -> None:
        self.title = title

    @event("Appraised")
    def appraise(self, price: Decimal, subjects: tuple[str, ...] = ()) -> None:
        self.price = price

    @event("Stamped")
    def stamp(self) -> None:
        """Changes nothing that anybody keeps."""

    @event("Discarded")
    def discard(self) -> None: ...


class Member(Aggregate):
    """joined → left"""

    @event("Joined")
    def __init__(self, name: str) -> None:
        self.name = name

    @event("Renamed")
    def rename(self, name: str) -> None:
        self.name = name

    @event("Left")
    def leave(self) -> None: ...


class Loan(Aggregate):
    """opened → returned. Without a member: read in the house."""

    @event("Opened")
    def __init__(self, book_id: UUID, member_id: UUID | None, due: date) -> None:
        self.member_id = member_id

    @event("Returned")
    def bring_back(self, member_id: UUID | None, fine: Decimal) -> None: ...


class Reminder(Aggregate):
    """Written to whoever has the book, when a loan is opened."""

    @event("Written")
    def __init__(self, loan_id: UUID) -> None: ...


class Library(EventSourced):
    name = "library"
