"""Projections moved in a command's own transaction: all or nothing."""

from uuid import UUID

import pytest
from django.db import transaction

from eventstore import log
from eventstore.models import Event
from projections.engine import catch_up
from projections.gateway import NotMoved, moved
from projections.models import Checkpoint, Parked
from projections.operations import pause
from projections.parking import skip
from projections.projection import Projection, on
from projections.rows import EventFailed
from tests.crowd import at_once, meanwhile
from tests.lending.domain import Member
from tests.lending.models import Borrower
from tests.lending.story import library, naive, tell
from tests.projections.conftest import LOANS, advance, tables

pytestmark = [pytest.mark.usefixtures("made_up", "on_real_transactions")]


def join(name: str) -> Member:
    member = Member(name)
    with transaction.atomic(), moved("Loans"):
        library.record(member)
    return member


def test_the_row_is_there_when_the_command_answers():
    tell(200)
    advance(LOANS)

    ada = join("Ada")

    assert Borrower.objects.get(pk=ada.id).name == "Ada"
    advance()
    assert tables() == naive()


def test_it_sees_all_that_came_before_first():
    tell(200)

    join("Ada")

    assert tables()["borrower"] == naive()["borrower"]


def test_who_takes_part_in_a_crowd_is_seen_once():
    tell(50)
    advance()

    answers = at_once(8, lambda: [join("Crowd") for _ in range(10)])

    assert [len(members) for members in answers] == [10] * 8
    assert Borrower.objects.filter(name="Crowd").count() == 80
    advance()
    assert tables() == naive()


def test_an_event_of_a_parked_stream_is_refused_since_its_row_would_stay_behind():
    ada = join("Ada")
    Parked.objects.create(projection="Loans", position=log.horizon(), stream_id=ada.id, name="Member.Renamed")
    ada.rename("Grace")

    with pytest.raises(NotMoved, match=f"Loans has parked stream {ada.id}"), transaction.atomic(), moved("Loans"):
        library.record(ada)

    assert Borrower.objects.get(pk=ada.id).name == "Ada"
    assert not Event.objects.filter(name="Member.Renamed").exists()
    join("Ben")
    assert Borrower.objects.filter(name="Ben").exists(), "other streams are moved"


def test_workers_go_on_beside_it():
    tell(50)

    with meanwhile(catch_up):
        for n in range(40):
            ada = join(f"Ada {n}")
            assert Borrower.objects.filter(pk=ada.id).exists()
            library.record(Member(f"Ben {n}"))

    advance()
    assert tables() == naive()


def test_where_a_handler_fails_nothing_is_stored():
    class Touchy(Projection):
        tables = (Borrower,)

        @on("Member.Joined")
        def joined(self, stream_id: UUID) -> None:
            raise RuntimeError("cannot stand it")

    advance(Touchy())
    member = Member("Ada")

    with pytest.raises(EventFailed), transaction.atomic(), moved("Touchy"):
        library.record(member)

    assert naive()["borrower"] == {}
    assert Checkpoint.objects.get(name="Touchy").position == 0


def test_an_event_that_somebody_has_left_out_is_no_obstacle():
    class Touchy(Projection):
        tables = (Borrower,)
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            if name == "Ada":
                raise RuntimeError("cannot stand her")
            return Borrower(id=stream_id, name=name)

    touchy = Touchy()
    library.record(Member("Ada"))
    advance(touchy)
    skip(touchy, log.horizon(), by="ops", reason="not wanted")
    ben = Member("Ben")

    with transaction.atomic(), moved("Touchy"):
        library.record(ben)

    assert set(Borrower.objects.values_list("name", flat=True)) == {"Ben"}
    assert Checkpoint.objects.get(name="Touchy").position == log.horizon()


def test_a_paused_projection_is_not_moved():
    advance()
    pause(LOANS, by="ops", reason="a test")

    with pytest.raises(NotMoved, match="Loans is paused"):
        join("Ada")

    assert naive()["borrower"] == {}


def test_rows_of_an_older_version_are_moved_unless_they_are_about_to_be_replaced(monkeypatch):
    advance()
    monkeypatch.setattr(type(LOANS), "version", 2)

    with pytest.raises(NotMoved, match="Loans has tables of version 1, and code of version 2"):
        join("Ada")
    Checkpoint.objects.filter(name="Loans").update(refused_version=2)  # somebody went back from it
    join("Ben")

    assert [each["name"] for each in tables()["borrower"].values()] == ["Ben"]


def test_it_needs_a_transaction():
    with pytest.raises(RuntimeError, match="Expected a transaction"), moved("Loans"):
        pass
