"""A poison event stops only what it must; nothing is lost, nothing is silent."""

from datetime import date
from uuid import UUID

import pytest

from eventstore import log
from eventstore.models import Event
from projections import parking
from projections.models import Checkpoint, Parked
from projections.operations import Refused
from projections.parking import NotParked, skip, unskip
from projections.projection import Gone, Projection, on
from projections.rebuild import verify
from projections.retrying import retry
from projections.status import alerts, statuses
from projections.waiting import wait_until
from tests.lending.domain import Loan, Member
from tests.lending.models import Borrower, LoanCard
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, SHELVES, advance, tables

pytestmark = [pytest.mark.usefixtures("made_up", "on_real_transactions")]


DUE = date(2026, 2, 1)


class Poison(Exception):
    pass


def touchy() -> Projection:
    """Each row is made of one member's events; it cannot stand poison until it is mended."""

    class Touchy(Projection):
        tables = (Borrower,)
        cannot_stand = "poison"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            if name == self.cannot_stand:
                raise Poison("cannot stand it")
            return Borrower(id=stream_id, name=name)

        @on("Member.Renamed")
        def renamed(self, borrower: Borrower, name: str) -> None:
            if name == self.cannot_stand:
                raise Poison("cannot stand it")
            borrower.name += f", then {name}"

        @on("Member.Left")
        def left(self, borrower: Borrower) -> type[Gone]:
            return Gone

    return Touchy()


def mend(projection: Projection) -> None:
    type(projection).cannot_stand = ""  # type: ignore[attr-defined]


def parked(projection: Projection) -> list[tuple[str, bool]]:
    """The names of the events in order, and whether each failed itself."""
    return [(p.name, p.error != "") for p in Parked.objects.filter(projection=projection.name).order_by("position")]


def rows() -> dict[UUID, str]:
    return dict(Borrower.objects.values_list("id", "name"))


def equal_to_a_rebuild(projection: Projection) -> bool:
    return not any(compared.differing for compared in verify(projection))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_only_the_stream_of_a_poison_event_is_parked(small_batches, size):
    projection = touchy()
    ada, ben = Member("Ada"), Member("Ben")
    library.record(ada, ben)
    ada.rename("poison")
    library.record(ada)
    ada.rename("Countess")
    ben.rename("Benjamin")
    library.record(ada, ben)
    small_batches(size)

    advance(projection, BOOKS, SHELVES)

    assert parked(projection) == [("Member.Renamed", True), ("Member.Renamed", False)]
    assert rows() == {ada.id: "Ada", ben.id: "Ben, then Benjamin"}
    stands = Checkpoint.objects.get(name=projection.name)
    assert (stands.position, stands.error) == (log.horizon(), "")
    first = Parked.objects.order_by("position").first()
    assert first.error == f"Touchy cannot apply Member.Renamed at position {first.position}: Poison: cannot stand it"


def test_what_comes_later_of_that_stream_is_parked_behind_it():
    projection = touchy()
    ada = Member("poison")
    library.record(ada)
    advance(projection)
    ada.rename("Ada")
    receipt = library.record(ada)
    advance(projection)

    assert parked(projection) == [("Member.Joined", True), ("Member.Renamed", False)]
    assert not wait_until(receipt.position, projection.name, timeout=0.05), "it was not seen"


def test_after_a_fix_parked_events_are_applied_in_their_order_and_all_is_as_if_nothing_had_been():
    projection = touchy()
    ada, ben = Member("poison"), Member("Ben")
    library.record(ada, ben)
    for name in ("one", "two", "three"):
        ada.rename(name)
        library.record(ada)
    advance(projection)
    mend(projection)

    retried = retry(projection)

    assert retried == (4, 0, False, [])
    assert rows() == {ada.id: "poison, then one, then two, then three", ben.id: "Ben"}
    assert equal_to_a_rebuild(projection)


def test_what_fails_again_stays_with_all_that_follows_it():
    projection = touchy()
    ada, eve = Member("poison"), Member("poison")
    library.record(ada, eve)
    ada.rename("Ada")
    eve.rename("poison")
    library.record(ada, eve)
    eve.rename("Eve")
    library.record(eve)
    advance(projection)
    type(projection).cannot_stand = "nothing"
    first = Parked.objects.filter(stream_id=eve.id).order_by("position").first()
    retry(projection, stream_id=ada.id)
    type(projection).cannot_stand = "poison"

    retried = retry(projection)

    assert (retried.applied, retried.parked) == (0, 3)
    assert retried.errors == [first.error]
    assert rows() == {ada.id: "poison, then Ada"}
    first.refresh_from_db()
    assert first.tries == 1


def test_a_skipped_event_needs_a_reason_leaves_a_trace_and_stays_out_of_a_rebuild():
    projection = touchy()
    ada = Member("Ada")
    library.record(ada)
    ada.rename("poison")
    position = library.record(ada).position
    ada.rename("Countess")
    library.record(ada)
    advance(projection)

    with pytest.raises(Refused, match="Expected a reason"):
        skip(projection, position, by="ops", reason=" ")
    skip(projection, position, by="ops", reason="typed by a cat")
    retried = retry(projection)

    assert (retried.applied, retried.parked) == (1, 0)
    assert rows() == {ada.id: "Ada, then Countess"}
    trace = Parked.objects.get(position=position)
    assert (trace.skipped_by, trace.skip_reason, trace.skipped_at is None) == ("ops", "typed by a cat", False)
    assert equal_to_a_rebuild(projection)


def test_what_was_skipped_and_overtaken_is_applied_in_its_place_by_a_rebuild():
    projection = touchy()
    ada = Member("Ada")
    library.record(ada)
    ada.rename("poison")
    position = library.record(ada).position
    ada.rename("Countess")
    library.record(ada)
    advance(projection)
    skip(projection, position, by="ops", reason="typed by a cat")
    retry(projection)

    unskip(projection, position)
    projection.cannot_stand = "nothing"
    retried = retry(projection)

    assert (retried.rebuilt, retried.parked) == (True, 0)
    assert rows() == {ada.id: "Ada, then poison, then Countess"}
    assert equal_to_a_rebuild(projection)


def test_skipping_can_be_undone():
    projection = touchy()
    ada = Member("poison")
    position = library.record(ada).position
    advance(projection)
    skip(projection, position, by="ops", reason="wrong one")

    unskip(projection, position)
    mend(projection)
    retry(projection)

    assert rows() == {ada.id: "poison"}
    with pytest.raises(NotParked):
        unskip(projection, position)


def test_a_projection_that_stops_as_a_whole_goes_past_what_is_skipped():
    projection = touchy()
    type(projection).on_error = "stop"
    ada, ben = Member("poison"), Member("Ben")
    position = library.record(ada).position
    library.record(ben)
    advance(projection)
    assert Checkpoint.objects.get(name=projection.name).error_position == position

    skip(projection, position, by="ops", reason="a test")
    advance(projection)

    assert rows() == {ben.id: "Ben"}
    assert Checkpoint.objects.get(name=projection.name).error == ""


def test_where_rows_are_made_of_several_streams_a_retry_builds_the_tables_anew():
    class Mixed(Projection):
        tables = (Borrower, LoanCard)
        cannot_stand = "poison"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            if name == self.cannot_stand:
                raise Poison("cannot stand it")
            return Borrower(id=stream_id, name=name)

        @on("Loan.Opened", borrower="member_id")
        def opened(self, borrower: Borrower | None) -> None:
            if borrower:
                borrower.open_loans += 1

    projection = Mixed()
    ada = Member("poison")
    library.record(ada)
    advance(BOOKS)
    library.record(*(Loan(ada.id, ada.id, DUE) for _ in range(3)))
    advance(projection)
    assert rows() == {}
    mend(projection)

    retried = retry(projection)

    assert (retried.rebuilt, retried.parked) == (True, 0)
    assert list(Borrower.objects.values_list("id", "open_loans")) == [(ada.id, 3)]
    assert parked(projection) == []


def test_where_everything_fails_the_projection_stops_since_it_is_not_the_events(monkeypatch):
    monkeypatch.setattr(parking, "LIMIT", 5)
    projection = touchy()
    library.record(*(Member("poison") for _ in range(20)))

    advance(projection)

    stands = Checkpoint.objects.get(name=projection.name)
    assert "more than 5 events fail" in stands.error
    assert Parked.objects.count() == 5
    mend(projection)
    advance(projection)
    assert Checkpoint.objects.get(name=projection.name).position == log.horizon()
    retry(projection)
    assert Borrower.objects.count() == 20


def test_an_event_that_no_code_can_read_is_parked_and_the_others_go_on():
    projection = touchy()
    ada = Member("Ada")
    library.record(ada)
    broken = raw(ada.id, 2, "Member.Renamed", b'{"name": "\xff"}')
    library.record(Member("Ben"))

    advance(projection)

    assert [p.position for p in Parked.objects.all()] == [broken]
    assert Borrower.objects.count() == 2


@pytest.mark.parametrize("poisoned", LENDING, ids=lambda each: each.name)
def test_a_poison_event_in_any_projection_is_an_alert_and_the_others_do_not_notice(poisoned, monkeypatch):
    tell(300)
    name, handler = next((n, hs[0]) for n, hs in poisoned.handlers.items() if Event.objects.filter(name=n).count() > 5)
    method, heard = handler.method, list[object]()

    def suffers(*arguments: object) -> object:
        heard.append(facts := arguments[len(handler.wanted) :])
        if facts == heard[:3][-1] and len(heard) >= 3:
            raise Poison("cannot stand it")
        return method(*arguments)

    monkeypatch.setattr(handler, "method", suffers)
    advance()
    head = log.horizon()

    assert {each.name: each.position for each in statuses(LENDING)} == {each.name: head for each in LENDING}
    assert [(alert.projection, alert.kind) for alert in alerts(statuses(LENDING))] == [(poisoned.name, "parked")]
    assert Parked.objects.filter(projection=poisoned.name).exclude(error="").first().name == name

    monkeypatch.setattr(handler, "method", method)
    retry(poisoned)

    assert alerts(statuses(LENDING)) == []
    assert tables() == naive()
    assert all(equal_to_a_rebuild(each) for each in LENDING)


def test_nothing_parked_is_said():
    with pytest.raises(NotParked, match="Touchy has nothing parked"):
        retry(touchy())
    with pytest.raises(NotParked, match="no event parked at position 1"):
        skip(touchy(), 1, by="ops", reason="a test")


def raw(stream_id: UUID, version: int, name: str, data: bytes) -> int:
    """Store what our own code would not; answers its position."""
    from eventstore.persistence import Stored

    return library.recorder.append([Stored(stream_id, version, name, data)])[0]
