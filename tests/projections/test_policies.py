"""A policy acts exactly once at each event, whatever happens to its worker."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection

from eventstore import log
from eventstore.cause import because
from eventstore.commands import Receipt, command
from eventstore.history import of
from projections.engine import catch_up
from projections.lease import begin
from projections.models import Checkpoint, Parked
from projections.operations import Refused, replay
from projections.projection import Policy, on
from projections.retrying import retry
from tests.lending.domain import Book, Loan, Member
from tests.lending.story import library

pytestmark = [pytest.mark.usefixtures("made_up", "on_real_transactions")]


DUE = date(2026, 2, 1)


@command
def stamp(book_id: UUID) -> Receipt:
    book = library.load(Book, book_id)
    book.stamp()
    return library.record(book)


def a_book() -> Book:
    book = Book("Emma", Decimal(5), "A", (), ())
    library.record(book)
    return book


def stamping() -> Policy:
    """Stamps a book whenever it is lent; until it is mended, it does so and then fails at lending without a member."""

    class Stamping(Policy):
        mended = False

        @on("Loan.Opened")
        def stamp(self, book_id: UUID, member_id: UUID | None) -> None:
            stamp(book_id)
            if member_id is None and not self.mended:
                raise RuntimeError("after the command")

    Checkpoint.objects.filter(projection=Stamping.name).delete()
    begin(policy := Stamping())
    return policy


def stamps(book: Book) -> list[UUID | None]:
    return [entry.causation_id for entry in of(book.id) if entry.name == "Book.Stamped"]


def test_it_asks_in_the_name_of_the_event_that_made_it_ask():
    policy, book = stamping(), a_book()
    with because(actor="ada") as why:
        loan = Loan(book.id, Member("Ada").id, DUE)
        library.record(loan)

    catch_up([policy])

    (lent,), (stamped,) = of(loan.id), [e for e in of(book.id) if e.name == "Book.Stamped"]
    assert why.correlation_id is None
    assert (stamped.causation_id, stamped.correlation_id) == (lent.event_id, lent.event_id)
    assert stamped.actor == "policy Stamping"


def test_what_it_asked_and_its_checkpoint_are_one_commit():
    policy, book = stamping(), a_book()
    bad = Loan(book.id, None, DUE)
    library.record(bad)
    good = Loan(book.id, Member("Ada").id, DUE)
    library.record(good)

    catch_up([policy])
    assert len(stamps(book)) == 1, "what was asked before the failure is undone"
    assert [p.stream_id for p in Parked.objects.all()] == [bad.id]

    type(policy).mended = True  # type: ignore[attr-defined]
    retry(policy)
    assert sorted(map(str, stamps(book))) == sorted(str(of(loan.id)[0].event_id) for loan in (good, bad))


def test_a_new_policy_hears_only_what_comes():
    book = a_book()
    library.record(Loan(book.id, Member("Ada").id, DUE))

    policy = stamping()
    catch_up([policy])
    assert stamps(book) == []

    library.record(Loan(book.id, Member("Ben").id, DUE))
    catch_up([policy])
    assert len(stamps(book)) == 1


def test_it_is_never_replayed():
    policy, book = stamping(), a_book()
    library.record(Loan(book.id, Member("Ada").id, DUE))
    catch_up([policy])

    with pytest.raises(Refused, match="what it did, it did"):
        replay(policy)

    catch_up([policy])
    assert len(stamps(book)) == 1


def test_when_a_command_cannot_be_carried_out_now_it_is_tried_again_and_nothing_is_parked(monkeypatch):
    from eventsourcing.persistence import IntegrityError

    policy, book = stamping(), a_book()
    library.record(Loan(book.id, Member("Ada").id, DUE))
    monkeypatch.setattr("eventstore.commands.DEADLINE", 0.05)
    append = library.recorder.append

    def faster(*_: object) -> list[int]:
        raise IntegrityError("Another writer was faster.")

    monkeypatch.setattr(library.recorder, "append", faster)
    catch_up([policy], seconds=1)
    assert (stamps(book), Parked.objects.count()) == ([], 0)

    monkeypatch.setattr(library.recorder, "append", append)
    catch_up([policy])
    assert len(stamps(book)) == 1


def test_a_policy_that_looks_ahead_of_an_open_append_waits_for_it():
    policy, book = stamping(), a_book()
    library.record(Loan(book.id, Member("Ada").id, DUE))
    catch_up([policy])

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM eventstore_event WHERE name = 'Book.Stamped'")
        (count,) = cursor.fetchone()

    assert count == 1
    assert Checkpoint.objects.get(name="Stamping").position == log.horizon()
