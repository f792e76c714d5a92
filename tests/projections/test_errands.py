"""What somebody asks of the workers is done in steps, from whichever door, and leaves what came of it."""

from typing import Any

import pytest
from django.db.utils import OperationalError

from eventstore import log
from projections import doors, errands, operations, rebuild, tasks
from projections.lease import hold
from projections.models import Checkpoint, Errand
from projections.operations import Refused
from projections.projection import Policy, Projection, on
from projections.status import alerts, statuses
from projections.told import Told
from tests.lending import models
from tests.lending.domain import Member
from tests.lending.models import BookCard, Borrower
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LOANS, advance, leftovers, tables
from tests.projections.test_command import command, refused
from tests.projections.test_rebuild import louder, tamper

pytestmark = pytest.mark.usefixtures("on_real_transactions", "made_up")


def sweep_until_done(*projections: Any) -> int:
    """Answers how many sweeps it took."""
    count = 0
    while Errand.objects.filter(ended_at=None).exists():
        tasks.look_after(projections or [BOOKS, LOANS])
        count += 1
        assert count < 500, "it never ends"
    return count


def told(projection: Projection, kind: str) -> Told:
    (status,) = statuses([projection])
    (found,) = [each for each in status.errands if each.kind == kind]
    return found


def wrong(projection: Projection) -> list[str]:
    return [alert.text for alert in alerts(statuses([projection]))]


def test_a_verification_says_how_many_rows_differ_and_in_which_columns():
    tell(300)
    advance()
    key = tamper()
    before = tables()

    doors.ask_verify(BOOKS, by="ada")
    sweep_until_done()

    found = told(BOOKS, "verify")
    rows = len(before["bookcard"]) + len(before["volume"])
    assert (found.asked_by, found.differing, found.healed, found.refused) == ("ada", 1, 0, "")
    assert found.rows >= rows
    assert found.said == f"{found.rows:,} rows compared, 1 differ."
    (cards,) = [each for each in found.tables if each["differing"]]
    assert (cards["table"], cards["columns"], cards["keys"]) == ("lending_bookcard", {"title": 1}, [str(key)])
    assert wrong(BOOKS) == ["Books is not what the log makes of it: 1 rows differ. Heal it, or rebuild."]
    assert (tables(), leftovers()) == (before, [])


def test_what_is_healed_is_what_the_log_makes_of_it():
    tell(300)
    advance()
    tamper()

    doors.ask_verify(BOOKS, by="ada", heal=True)
    sweep_until_done()

    found = told(BOOKS, "verify")
    assert (found.differing, found.healed) == (0, 1)
    assert found.said.endswith("1 differ, and were healed.")
    assert (tables(), wrong(BOOKS), leftovers()) == (naive(), [], [])


def test_a_rebuild_ends_the_alert_of_what_differed():
    tell(100)
    advance()
    key = tamper()
    doors.ask_verify(BOOKS, by="ada")
    sweep_until_done()

    doors.ask_rebuild(BOOKS, by="ada", expect_changes=True)
    sweep_until_done()

    assert [each.kind for each in statuses([BOOKS])[0].errands] == ["rebuild"]
    assert (tables(), wrong(BOOKS)) == (naive(), [])
    found = told(BOOKS, "rebuild")
    assert found.said == f"{found.rows:,} rows compared, 1 differ; swapped in."
    assert [each["keys"] for each in found.tables if each["differing"]] == [[str(key)]]


def test_it_is_done_in_steps_and_others_are_advanced_between_them(monkeypatch):
    tell(400)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    monkeypatch.setattr(tasks, "STEP", 0.0)
    doors.ask_verify(BOOKS, by="ada")

    tasks.look_after([BOOKS, LOANS])
    first = statuses([BOOKS])[0]
    library.record(Member("Ada"))
    sweeps = sweep_until_done()

    assert first.progress is not None
    assert (first.progress.doing, first.progress.end) == ("verify", first.position)
    assert 0 < first.progress.position < first.position
    assert (first.progress.per_second or 0) > 0
    assert (first.progress.seconds_left or 0) > 0
    assert first.rebuilding is None
    assert doors.state(first) == "verifying"
    assert sweeps > 5
    assert Borrower.objects.filter(name="Ada").exists()
    assert told(BOOKS, "verify").differing == 0
    assert statuses([BOOKS])[0].progress is None


def test_a_rebuild_says_that_it_has_begun(monkeypatch):
    tell(100)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    doors.ask_rebuild(BOOKS, by="ada")
    waiting = told(BOOKS, "rebuild").said

    errands.go_on(BOOKS, seconds=0)

    assert (waiting, told(BOOKS, "rebuild").said) == ("A worker will begin soon.", "It is being done.")
    assert doors.state(statuses([BOOKS])[0]) == "rebuilding"
    sweep_until_done()


def test_a_step_goes_on_with_the_same_share_alone(monkeypatch):
    tell(400)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 3)  # ids are random: so many a share surely has
    doors.ask_verify(BOOKS, by="ada", sample=0.25)
    errands.go_on(BOOKS, seconds=0)
    begun = Checkpoint.objects.get(schema="verify_Books").position

    Errand.objects.update(options={"sample": 0.5, "heal": False})
    errands.go_on(BOOKS, seconds=0)

    assert 0 < Checkpoint.objects.get(schema="verify_Books").position <= begun, "it began anew"
    sweep_until_done()
    assert told(BOOKS, "verify").rows < sum(map(len, (tables()["bookcard"], tables()["volume"]))) * 4


def test_a_dry_run_says_what_would_change_and_how_long_it_takes():
    library.record(Member("Ada"), Member("Ben"))
    advance(LOANS)
    risen = louder()
    operations.ask(risen, "dry_run", by="ada")
    Checkpoint.objects.filter(name="Loans").update(refused_version=2)  # or it would be rebuilt by itself

    sweep_until_done(risen)

    found = told(risen, "dry_run")
    assert found.differing == 2
    assert found.said.startswith(f"{found.rows:,} rows compared, 2 differ; a rebuild takes about ")
    assert sorted(Borrower.objects.values_list("name", flat=True)) == ["Ada", "Ben"]


def test_a_replay_is_seen_to_fill_again(monkeypatch):
    tell(300)
    advance()
    rows = len(naive()["bookcard"]) + len(naive()["volume"])
    doors.ask_replay(BOOKS, by="ada")

    errands.go_on(BOOKS, seconds=1)
    emptied = statuses([BOOKS])[0]
    assert BookCard.objects.count() == 0
    assert emptied.progress is not None
    assert (emptied.progress.doing, emptied.progress.position) == ("replay", 0)
    assert emptied.progress.end == log.horizon()
    assert doors.state(emptied) == "replaying"
    assert told(BOOKS, "replay").said == f"{rows} rows were emptied, and fill again."

    advance()
    assert tables() == naive()
    assert statuses([BOOKS])[0].progress is None


def test_what_refuses_it_is_noted_and_not_tried_again():
    library.record(Member("Ada"))
    advance(LOANS)

    class Loans(models.Loans):
        @on("Member.Joined")
        def joined(self) -> None:
            raise ValueError("no")

    operations.ask(failing := Loans(), "verify", by="ada")

    assert errands.go_on(failing, seconds=10)

    assert told(failing, "verify").refused.endswith("ValueError: no")
    assert not errands.go_on(failing, seconds=10)
    assert leftovers() == []


def test_what_is_of_the_moment_is_tried_again(monkeypatch):
    library.record(Member("Ada"))
    advance(LOANS)
    operations.ask(LOANS, "verify", by="ada")

    with monkeypatch.context() as away:
        away.setattr("projections.verify.compare", fail := raising(OperationalError("the server is away")))
        with pytest.raises(OperationalError):
            errands.go_on(LOANS, seconds=10)

    assert fail
    assert told(LOANS, "verify").ended_at is None
    sweep_until_done(LOANS)
    assert told(LOANS, "verify").said.endswith("all equal.")


def raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_while_another_holds_the_live_tables_it_waits(monkeypatch):
    library.record(Member("Ada"))
    advance(LOANS)
    operations.ask(LOANS, "verify", by="ada")
    monkeypatch.setattr("projections.lease.PATIENCE", 0.0)

    with hold(LOANS):
        errands.go_on(LOANS, seconds=10)
        assert told(LOANS, "verify").ended_at is None

    errands.go_on(LOANS, seconds=10)
    assert told(LOANS, "verify").ended_at


def test_to_abandon_it_ends_it_and_a_higher_version_is_not_built_by_itself(monkeypatch):
    tell(100)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    risen = louder()
    doors.ask_verify(risen, by="ada")
    errands.go_on(risen, seconds=0)
    assert leftovers()

    doors.abandon(risen, by="grace")

    assert told(risen, "verify").refused == "Abandoned by grace."
    assert leftovers() == []
    assert not errands.go_on(risen, seconds=0)
    assert Checkpoint.objects.get(name="Loans").refused_why == "Abandoned by grace."
    with pytest.raises(Refused, match="there is nothing to abandon"):
        doors.abandon(risen, by="grace")


def test_what_cannot_be_done_is_refused_when_it_is_asked():
    class Greets(Policy):
        @on("Member.Joined")
        def joined(self, name: str) -> None: ...

    with pytest.raises(Refused, match="has never run"):
        doors.ask_verify(LOANS, by="ada")
    library.record(Member("Ada"))
    advance(LOANS)

    for ask in (doors.ask_verify, doors.ask_replay, doors.ask_dry_run, doors.ask_rebuild):
        with pytest.raises(Refused, match="Greets is a policy"):
            ask(Greets(), by="ada")
        ask(LOANS, by="ada")
        with pytest.raises(Refused, match=r"Loans is to be \w+ already: ada asked at "):
            ask(LOANS, by="ben")
    with pytest.raises(Refused, match="a sample cannot take the place"):
        doors.ask_verify(BOOKS, by="ada", sample=0.5, heal=True)
    operations.pause(BOOKS, by="ada", reason="upgrade")
    with pytest.raises(Refused, match="Books is paused: its tables would stay empty"):
        doors.ask_replay(BOOKS, by="ada")


def test_what_is_done_at_a_terminal_is_told_at_the_other_doors():
    tell(100)
    advance()
    tamper()

    refused("verify", "Books")
    assert told(BOOKS, "verify").differing == 1
    assert "! Books is not what the log makes of it: 1 rows differ." in command("list", "Books")
    command("verify", "Books", "--heal")
    assert told(BOOKS, "verify").healed == 1
    command("replay", "Books", "--yes")
    command("rebuild", "Books")

    kinds = [each.kind for each in statuses([BOOKS])[0].errands]
    assert kinds == ["rebuild", "replay"], "what was verified before is no more"


def test_two_workers_finish_it_once(monkeypatch):
    library.record(Member("Ada"), Member("Ben"))
    advance(LOANS)
    for kind in ("rebuild", "verify"):
        operations.ask(LOANS, kind, by="ada")
    late = Errand.objects.get(kind="verify")
    sweep_until_done()

    monkeypatch.setattr("projections.build.BATCH", 1)
    rebuild.go_on(LOANS, seconds=0)
    errands._step(LOANS, late, 0)

    assert leftovers() == [], "who comes too late begins nothing"
