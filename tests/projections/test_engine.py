"""Leases, batches, errors: what makes each event count once, whoever works, and whatever happens."""

import threading
from uuid import UUID

import pytest
from django.db import connection

from eventstore import log
from projections.engine import BATCH, apply, catch_up, read
from projections.lease import LeaseLost, take
from projections.models import Checkpoint
from projections.projection import Projection, on
from projections.waiting import wait_until
from tests.lending.domain import Member
from tests.lending.models import Borrower, LoanCard, Shelf
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, SHELVES, advance, tables

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]


class Poison(Exception):
    pass


def checkpoint(projection: Projection) -> Checkpoint:
    return Checkpoint.objects.get(name=projection.name)


def test_projections_that_stand_together_read_the_log_once(monkeypatch):
    tell(50)
    reads = []
    after = log.after
    monkeypatch.setattr(log, "after", lambda *args, **kwargs: reads.append(args) or after(*args, **kwargs))

    advance()

    assert len([limit for _, _, limit in reads if limit > 1]) == 1, "one asks only whether there is anything before"
    assert tables() == naive()


def test_who_has_seen_all_lets_go_of_its_lease():
    tell(50)

    advance()

    names = [projection.name for projection in LENDING]
    assert {(c.name, c.position, c.leased_until) for c in Checkpoint.objects.filter(name__in=names)} == {
        (projection.name, log.horizon(), None) for projection in LENDING
    }


def test_a_lease_that_is_held_is_nobody_else_s():
    (lease,) = take([LOANS])

    assert take([LOANS]) == []
    lease.release()
    assert [again.epoch for again in take([LOANS])] == [lease.epoch + 1]


def test_a_worker_whose_lease_was_taken_writes_nothing():
    tell(50)
    (slow,) = take([LOANS], seconds=0)
    (quick,) = take([LOANS])
    events, to = read([slow], log.horizon(), BATCH)

    with pytest.raises(LeaseLost, match="Loans was to go from 0 to"):
        apply(slow, events, to)

    assert not LoanCard.objects.exists()
    assert checkpoint(LOANS).position == 0
    apply(quick, events, to)
    assert checkpoint(LOANS).position == to


def test_the_same_batch_cannot_be_applied_twice():
    tell(50)
    (lease,) = take([LOANS])
    events, to = read([lease], log.horizon(), BATCH)
    apply(lease, events, to)

    lease.position = 0
    with pytest.raises(LeaseLost):
        apply(lease, events, to)

    assert tables()["loancard"] == naive()["loancard"]


def test_an_event_recorded_while_another_worker_held_the_lease_is_not_left_behind(monkeypatch):
    library.record(Member("Ada"))
    let_go = []

    def meanwhile(*_: object) -> None:
        if not let_go:  # a worker was woken for this one, and found the lease taken
            let_go.append(library.record(Member("Ida")))

    catch_up([LOANS], report=meanwhile)

    assert [row.name for row in Borrower.objects.order_by("name")] == ["Ada", "Ida"]


def test_who_is_far_behind_does_not_keep_the_others_waiting(small_batches):
    tell(300)
    advance(BOOKS)
    tell(10, seed=2)
    small_batches(20)
    order = []

    catch_up(LENDING, report=lambda name, doing, position, end, events: order.append((name, position == end)))

    assert order[0] == ("Books", True), "nearest to the end, it is first, and let go"
    assert len(order) > 10
    assert tables() == naive()


def test_work_stops_after_a_while_and_goes_on_later(small_batches):
    tell(100)
    small_batches(10)

    catch_up([LOANS], seconds=0)

    assert checkpoint(LOANS).position == 0
    assert checkpoint(LOANS).leased_until is None
    advance()
    assert tables() == naive()


def poisoned(after: int) -> Projection:
    class Touchy(Projection):
        tables = (Borrower,)
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            if name == "Member poison" and Touchy.bad:
                raise Poison("cannot stand it")
            return Borrower(id=stream_id, name=name)

    Touchy.bad = True
    return Touchy()


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_handler_that_fails_stops_its_projection_alone_right_before_the_event(small_batches, size):
    touchy = poisoned(5)
    before = [Member(f"Member {n}") for n in range(5)]
    library.record(*before)
    poison = library.record(Member("Member poison")).position
    library.record(*(Member(f"Member later {n}") for n in range(5)))
    small_batches(size)

    advance(touchy, BOOKS, SHELVES)

    stands = checkpoint(touchy)
    assert Borrower.objects.count() == 5, "those before it"
    assert stands.position == poison - 1
    assert (stands.error_position, stands.leased_until) == (poison, None)
    assert stands.error == f"Touchy cannot apply Member.Joined at position {poison}: Poison: cannot stand it"
    assert checkpoint(BOOKS).position == checkpoint(SHELVES).position == log.horizon()


def test_what_stopped_goes_on_by_itself_once_its_handler_is_mended():
    touchy = poisoned(0)
    library.record(Member("Member poison"), Member("Ada"))
    advance(touchy)
    since = checkpoint(touchy).error_since

    catch_up([touchy], failed=False)
    assert checkpoint(touchy).error, "a wake-up leaves it alone"
    advance(touchy)
    assert checkpoint(touchy).error_since == since, "a sweep tries again"
    type(touchy).bad = False
    advance(touchy)

    stands = checkpoint(touchy)
    assert (stands.error, stands.error_position, stands.error_since) == ("", None, None)
    assert stands.position == log.horizon()
    assert Borrower.objects.count() == 2


def test_the_event_behind_an_error_of_the_server_is_found(small_batches):
    class Long(Projection):
        tables = (Borrower,)
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name)

    members = [Member(f"Member {n}") for n in range(20)]
    members[13] = Member("x" * 41)
    first = library.record(members[0]).position
    library.record(*members[1:])

    advance(Long())

    stands = checkpoint(Long())
    assert Borrower.objects.count() == 13
    assert (stands.position, stands.error_position) == (first + 12, first + 13)
    assert "value too long for type character varying(40)" in stands.error


def test_an_event_that_cannot_be_decoded_stops_its_projection_there():
    class Numbers(Projection):
        tables = (Shelf,)
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, name: int) -> None: ...

    receipt = library.record(Member("Ada"))

    advance(Numbers())

    assert checkpoint(Numbers()).error_position == receipt.position
    assert "ValidationError: Expected `int`, got `str` - at `$.name`" in checkpoint(Numbers()).error


def test_a_projection_that_handles_nothing_that_happened_moves_on():
    library.record(Member("Ada"))

    advance(SHELVES)

    assert checkpoint(SHELVES).position == log.horizon()


def test_waiting_for_a_position_ends_when_the_projection_has_seen_it():
    receipt = library.record(Member("Ada"))

    assert not wait_until(receipt.position, "Loans", timeout=0.02)
    advance(LOANS)
    assert wait_until(receipt.position, "Loans", timeout=0)
    assert not wait_until(receipt.position, "Loans", "Books", timeout=0.02)


@pytest.mark.usefixtures("on_real_transactions")
def test_a_reader_who_waits_sees_what_another_worker_does():
    ada = Member("Ada")
    receipt = library.record(ada)

    def work() -> None:
        advance(LOANS)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert wait_until(receipt.position, "Loans", timeout=20)
    thread.join()

    assert Borrower.objects.get().pk == ada.id
