"""What was swapped out is kept for a day, and can come back at once; workers rebuild by themselves what is due."""

import logging
from uuid import UUID

import pytest

from eventstore import log
from projections import operations, tasks
from projections.models import Checkpoint, Errand, HistoryEpoch, Parked
from projections.projection import Policy, Projection, on, registered
from projections.rebuild import Refused, drop_expired, drop_old, go_back, go_on, is_due, rebuild, verify
from projections.retrying import retry
from projections.status import alerts, statuses
from tests.lending import models
from tests.lending.domain import Member
from tests.lending.models import Borrower
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LOANS, advance, leftovers, sql, tables
from tests.projections.test_rebuild import louder, tamper

pytestmark = pytest.mark.usefixtures("on_real_transactions", "made_up")


def capitals() -> Projection:
    return louder(changes={Borrower: ("name",)})


def names() -> list[str]:
    return list(Borrower.objects.order_by("name").values_list("name", flat=True))


def schemas() -> list[str]:
    return [name for (name,) in sql("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(old|back|rebuild)_'")]


def test_the_old_tables_come_back_and_catch_up():
    library.record(Member("Ada"))
    advance(LOANS)
    rebuild(capitals())
    stood = log.horizon()
    library.record(Member("Ben"))
    advance(capitals())
    assert names() == ["ADA", "BEN"]

    position = go_back(capitals(), by="ops")

    assert position == stood
    assert names() == ["Ada"]
    (alert,) = alerts(statuses([capitals()]))
    assert alert.text == "Loans was not rebuilt as version 2: ops went back from it to version 1."
    live = Checkpoint.objects.get(name="Loans")
    assert (live.version, live.position, live.refused_version) == (1, stood, 2)
    assert not is_due(capitals()), "somebody has just gone back from it"
    advance(LOANS)
    assert names() == ["Ada", "Ben"]


def test_going_back_twice_is_going_forward_again():
    tell(300)
    advance()
    tamper()
    tampered = tables()
    rebuild(BOOKS, expect_changes=True)
    assert tables() == naive()

    go_back(BOOKS, even_so=True)
    assert [alert.kind for alert in alerts(statuses([BOOKS]))] == ["differs"], "they are of this code's version"
    back = tables()
    go_back(BOOKS)
    assert alerts(statuses([BOOKS])) == []

    assert back == tampered
    assert tables() == naive()
    assert schemas() == ["old_Books"]
    assert sorted({(each.schema, each.table) for each in HistoryEpoch.objects.filter(table__contains="book")}) == [
        ("", "lending_bookcard"),
        ("old_Books", "lending_bookcard"),
    ]
    tell(100, seed=2)
    advance()
    assert tables() == naive()


@pytest.mark.parametrize("spoil", [lambda: verify(BOOKS), lambda: verify(BOOKS, sample=1 / 2)], ids=["all", "half"])
def test_rows_that_were_found_to_differ_come_back_only_even_so(spoil):
    tell(300)
    advance()
    sql("UPDATE lending_bookcard SET title = 'Spoiled'")
    spoil()
    (known,) = statuses([BOOKS])
    rebuild(capital_books := Books2(), expect_changes=True)
    mended = tables()

    with pytest.raises(Refused, match=rf"Of the old rows of Books, {known.differing:,} were not what the log makes"):
        go_back(capital_books)

    assert known.differing > 0
    assert tables() == mended
    (status,) = statuses([capital_books])
    assert (status.differing, status.kept_differing) == (0, known.differing)
    go_back(capital_books, even_so=True)
    (status,) = statuses([capital_books])
    assert (status.differing, status.kept_differing) == (known.differing, 0)
    assert set(models.BookCard.objects.values_list("title", flat=True)) == {"Spoiled"}


class Books2(models.Books):
    version = 2
    changes = {models.BookCard: ("*",)}


registered.remove(next(each for each in registered if isinstance(each, Books2)))
Books2.name = "Books"


def test_tables_that_were_healed_are_kept_as_what_they_were():
    tell(100)
    advance()
    tamper()

    verify(BOOKS, heal=True)

    (status,) = statuses([BOOKS])
    assert (status.differing, status.kept_differing) == (0, 1)
    with pytest.raises(Refused, match="go back even so"):
        go_back(BOOKS)


def test_where_nothing_is_kept_there_is_no_way_back():
    tell(50)
    advance()
    rebuild(BOOKS)
    drop_old(BOOKS)

    with pytest.raises(Refused, match=r"No old tables of Books are kept: there is nothing to go back to\."):
        go_back(BOOKS)

    assert schemas() == []
    assert not Checkpoint.objects.exclude(schema="").exists()
    assert not HistoryEpoch.objects.exclude(schema="").exists()


def test_old_tables_that_this_code_cannot_read_do_not_come_back():
    tell(50)
    advance()
    rebuild(BOOKS)
    sql('ALTER TABLE "old_Books".lending_bookcard ADD COLUMN more text')

    with pytest.raises(Refused, match="lending_bookcard has more text in one of them alone"):
        go_back(BOOKS)

    assert tables() == naive()


def test_old_tables_hold_what_was_erased_since_and_are_dropped_after_a_day():
    tell(50)
    advance()
    rebuild(BOOKS)
    sql("UPDATE projections_checkpoint SET updated_at = updated_at - interval '23 hours' WHERE schema <> ''")
    before_that = drop_expired()
    sql("UPDATE projections_checkpoint SET updated_at = updated_at - interval '2 hours' WHERE schema <> ''")

    dropped = drop_expired()

    assert (before_that, dropped) == ([], ["old_Books"])
    assert schemas() == []


def test_a_pause_outlives_a_swap_and_the_way_back():
    tell(50)
    advance()
    operations.pause(BOOKS, by="ada", reason="to look")

    rebuild(BOOKS)
    go_back(BOOKS)

    live = Checkpoint.objects.get(name="Books")
    assert (live.paused_by, live.pause_reason) == ("ada", "to look")
    assert live.paused_at is not None


class Touchy(models.Loans):
    """Cannot stand a name, until it is mended."""

    refuses = True

    @on("Member.Joined")
    def joined(self, stream_id: UUID, name: str) -> Borrower:
        if self.refuses and name == "Poison":
            raise ValueError("cannot stand it")
        return Borrower(id=stream_id, name=name)


registered.remove(next(each for each in registered if isinstance(each, Touchy)))  # only where a test asks for it


Touchy.name = "Loans"  # a subclass is called as its class is


def test_a_rebuild_applies_what_was_parked_and_the_way_back_parks_it_again(monkeypatch):
    library.record(Member("Ada"), Member("Poison"))
    advance(touchy := Touchy())
    parked = list(Parked.objects.values_list("projection", "position"))
    monkeypatch.setattr(Touchy, "refuses", False)

    with pytest.raises(Refused, match="1 events are parked, which a rebuild applies"):
        rebuild(touchy)
    rebuild(touchy, expect_changes=True)

    assert len(parked) == 1
    assert not Parked.objects.filter(projection="Loans").exists()
    assert names() == ["Ada", "Poison"]
    go_back(touchy, even_so=True)
    assert names() == ["Ada"]
    assert list(Parked.objects.values_list("projection", "position")) == parked
    drop_old(touchy)
    assert list(Parked.objects.values_list("projection", "position")) == parked


class Choosy(Touchy):
    version = 2
    changes = {Borrower: ("*",)}


registered.remove(next(each for each in registered if isinstance(each, Choosy)))
Choosy.name = "Loans"


def test_rows_that_somebody_went_back_to_go_on_past_a_poison_event(monkeypatch):
    library.record(Member("Ada"))
    advance(LOANS)
    rebuild(choosy := Choosy())
    go_back(choosy, by="ops")
    library.record(Member("Poison"), Member("Ben"))

    advance(choosy)

    (status,) = statuses([choosy])
    assert (status.position, status.error, status.parked) == (log.horizon(), "", 1)
    assert names() == ["Ada", "Ben"]
    monkeypatch.setattr(Touchy, "refuses", False)
    assert retry(choosy).parked == 0
    assert names() == ["Ada", "Ben", "Poison"]
    assert rebuild(choosy).compared[0].differing == 0


def test_rows_that_are_about_to_be_replaced_stand_before_a_poison_event_until_then():
    library.record(Member("Ada"))
    advance(LOANS)
    choosy = Choosy()
    poison = library.record(Member("Poison")).position
    library.record(Member("Ben"))

    advance(choosy)

    (alert,) = alerts(statuses([choosy]))
    assert alert.text.endswith("ValueError: cannot stand it; it goes on when version 2 is built.")
    assert Checkpoint.objects.get(name="Loans").error_position == poison
    assert go_on(choosy, seconds=10)
    advance(choosy)
    assert [alert.kind for alert in alerts(statuses([choosy]))] == ["parked"]
    assert names() == ["Ada", "Ben"]


def test_a_higher_version_is_built_by_the_workers_in_steps(monkeypatch):
    tell(300)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    assert not is_due(LOANS)
    risen = louder(changes={Borrower: ("name",), models.LoanCard: ("member_name",)})

    steps = 0
    assert is_due(risen)
    while not go_on(risen, seconds=0.02):
        assert Borrower.objects.filter(name__startswith="M").exists(), "the old serves reads"
        assert {Checkpoint.objects.get(name="Loans").version} == {1}
        steps += 1

    assert steps > 0
    assert not is_due(risen)
    assert all(name == name.upper() or name.startswith("Renamed") for name in names())
    assert Checkpoint.objects.get(name="Loans").version == 2
    assert leftovers() == []


def test_a_sweep_rebuilds_what_is_due_and_drops_what_is_kept_too_long(monkeypatch):
    tell(300)
    advance()
    rebuild(BOOKS)
    sql("UPDATE projections_checkpoint SET updated_at = updated_at - interval '25 hours' WHERE schema <> ''")
    operations.ask(LOANS, "rebuild", by="ada")

    sweeps = 0
    while is_due(LOANS):
        tasks.look_after([BOOKS, LOANS])
        sweeps += 1

    assert 0 < sweeps < 10
    assert schemas() == ["old_Loans"]
    assert tables() == naive()


def test_what_refuses_a_rebuild_is_noted_and_not_tried_again_until_somebody_asks(caplog):
    library.record(Member("Ada"))
    advance(LOANS)
    risen = louder()

    with caplog.at_level(logging.ERROR):
        over = go_on(risen, seconds=10)

    live = Checkpoint.objects.get(name="Loans")
    assert over
    assert live.refused_version == 2
    assert live.refused_why == "Loans: its tables do not hold the rows that the log makes now. Nothing was swapped."
    (errand,) = Errand.objects.all()
    found = {each["table"]: (each["differing"], each["columns"]) for each in errand.found["tables"]}
    assert found["lending_borrower"] == (1, {"name": 1})
    assert "ADA" not in f"{live.refused_why} {errand.found} {caplog.text}", "rows may be personal"
    assert not is_due(risen)
    assert leftovers() == []
    operations.ask(risen, "rebuild", by="ada", expect_changes=True)
    assert is_due(risen)
    assert go_on(risen, seconds=10)
    assert names() == ["ADA"]
    live.refresh_from_db()
    assert (live.version, live.refused_version) == (2, None)
    assert not is_due(risen)


def test_a_handler_that_fails_refuses_a_rebuild_by_the_workers():
    library.record(Member("Ada"))
    advance(LOANS)

    class Loans(models.Loans):
        version = 2

        @on("Member.Joined")
        def joined(self) -> None:
            raise ValueError("no")

    assert go_on(Loans(), seconds=10)

    assert Checkpoint.objects.get(name="Loans").refused_why == (
        f"Loans cannot apply Member.Joined at position {log.horizon()}: ValueError: no"
    )
    assert not is_due(Loans())
    assert names() == ["Ada"]


def test_a_step_leaves_what_another_is_building_alone():
    library.record(Member("Ada"))
    advance(LOANS)
    steps = []

    def step(name: str, doing: str, *_: object) -> None:
        if doing == "indexing":
            steps.append(go_on(capitals(), seconds=10))

    rebuild(capitals(), report=step)

    assert steps == [False]
    assert names() == ["ADA"]
    assert not is_due(capitals())


def test_nothing_is_due_of_a_policy_or_of_what_never_ran():
    class Greets(Policy):
        @on("Member.Joined")
        def joined(self, name: str) -> None: ...

    assert not is_due(Greets())
    assert not is_due(LOANS)
