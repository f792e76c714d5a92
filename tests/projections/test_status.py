"""Where each projection stands, what is wrong with it, and that it is said once."""

import logging
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from eventstore import log
from projections import complaints, operations, status, tasks
from projections.lease import take
from projections.models import Checkpoint, Complaint, Parked
from projections.status import Alert, alerts, statuses
from projections.tasks import sweep
from tests.lending.domain import Member
from tests.lending.story import library, tell
from tests.projections.conftest import LOANS, SHELVES, advance, sql

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(minutes=1)


def stand(**values) -> int:
    """Loans has seen one event, and stands as ``values`` say; answers the position."""
    receipt = library.record(Member("Ada"))
    advance(LOANS)
    Checkpoint.objects.filter(name="Loans").update(**values)
    return receipt.position


def another(name: str, **values) -> None:
    Checkpoint.objects.create(name=name, projection="Loans", **values)


def found() -> status.Status:
    (loans,) = statuses([LOANS])
    return loans


def wrong() -> list[tuple[str, str]]:
    return [(alert.kind, alert.text) for alert in alerts([found()])]


def wait_long() -> int:
    """An event waits, and nobody has moved Loans for a minute; answers where it stands."""
    position = stand(updated_at=LONG_AGO)
    library.record(Member("Grace"))
    sql("alter table eventstore_event disable trigger eventstore_append_only")
    sql("update eventstore_event set recorded_at = %s", LONG_AGO)
    sql("alter table eventstore_event enable trigger eventstore_append_only")
    return position


def test_a_projection_that_goes_well_has_no_alert():
    position = stand()

    assert wrong() == []
    assert found()[:6] == ("Loans", 1, 1, position, 0, 0.0)
    assert not found().behind_more


def test_one_that_has_not_begun_is_behind_by_all(empty_log):
    tell(30)

    (shelves,) = statuses([SHELVES])

    assert (shelves.position, shelves.parts) == (0, [])
    assert shelves.behind_events == sql("select count(*) from eventstore_event where name = 'Book.Acquired'")[0][0]
    assert 0 < shelves.behind_seconds < 60


def test_one_in_parts_stands_where_its_last_part_does():
    end = stand()
    another("Loans[1-2]", position=end - 1, low=1, high=2, error="it fails", error_position=end)

    loans = found()

    assert (loans.position, loans.parts) == (end - 1, [end - 1, end])
    assert (loans.behind_events, loans.error, loans.error_position) == (1, "it fails", end)


def test_more_events_than_anybody_needs_to_know_are_not_counted(monkeypatch):
    stand()
    tell(100)
    everything = found().behind_events

    monkeypatch.setattr(status, "MOST", 5)
    assert (found().behind_events, found().behind_more) == (5, True)
    monkeypatch.undo()
    monkeypatch.setattr(status, "STRETCH", 10)
    assert (found().behind_events < everything, found().behind_more) == (True, True)


def test_who_paused_it_and_what_is_parked_being_built_and_kept_is_said():
    end = stand(paused_at=LONG_AGO, paused_by="ada", pause_reason="a repair")
    operations.ask(LOANS, "rebuild", by="grace")
    another("Loans/new", schema="new_Loans", position=end - 1)
    another("Loans/old", schema="old_Loans", version=0)
    for position in (3, 2):
        Parked.objects.create(projection="Loans", position=position, stream_id=LOST, name="X")
    Parked.objects.create(projection="Loans", position=1, stream_id=LOST, name="X", skipped_at=LONG_AGO)

    loans = found()

    assert (loans.paused_at, loans.paused_by, loans.pause_reason) == (LONG_AGO, "ada", "a repair")
    assert [(each.kind, each.asked_by, each.ended_at) for each in loans.errands] == [("rebuild", "grace", None)]
    assert loans.rebuilding == end - 1
    assert (loans.parked, loans.parked_oldest, loans.kept_version) == (2, 2, 0)


LOST = "00000000-0000-0000-0000-000000000001"


def test_one_that_stopped_is_an_alert():
    position = stand(error="it fails\nDETAIL: of Ada")

    assert wrong() == [("stopped", f"Loans cannot go on from position {position:,}: it fails")]


def test_events_that_are_parked_are_an_alert_until_they_are_skipped():
    stand()
    Parked.objects.create(projection="Loans", position=1234, stream_id=LOST, name="X")

    assert wrong() == [("parked", "Loans has parked 1 event, the first at position 1,234: retry, or skip.")]
    Parked.objects.update(skipped_at=LONG_AGO)
    assert wrong() == []


def test_one_that_does_not_move_while_events_wait_is_an_alert():
    position = wait_long()

    text = f"Loans does not move from position {position:,}, though events wait: does a worker take its queue?"
    assert wrong() == [("stuck", text)]


def test_who_has_the_lease_of_one_that_does_not_move_is_named():
    position = wait_long()
    take([LOANS])
    holder = Checkpoint.objects.get(name="Loans").holder

    text = f"Loans does not move from position {position:,}, though events wait: {holder} has its lease."
    assert wrong() == [("stuck", text)]


def test_one_that_is_resumed_is_not_said_to_have_stood_still_while_it_was_paused():
    wait_long()
    Checkpoint.objects.filter(name="Loans").update(paused_at=LONG_AGO)

    operations.resume(LOANS)

    assert wrong() == []


@pytest.mark.parametrize("why_not", [{"paused_at": LONG_AGO}, {"updated_at": timezone.now() + timedelta(days=1)}])
def test_one_that_is_paused_or_has_just_moved_is_not_stuck(why_not):
    wait_long()
    Checkpoint.objects.filter(name="Loans").update(**why_not)

    assert wrong() == []


def test_one_that_has_seen_all_is_not_stuck_however_long_ago_it_moved():
    stand(updated_at=LONG_AGO)

    assert wrong() == []


def test_a_lease_that_was_left_behind_is_an_alert_where_events_wait():
    position = wait_long()
    Checkpoint.objects.filter(name="Loans").update(leased_until=LONG_AGO, backend=1)

    text = f"Loans was left at position {position:,} by a worker that is gone or frozen, and nobody goes on."
    assert wrong() == [("abandoned", text)]
    advance(LOANS)
    assert wrong() == []


def test_a_rebuild_that_was_refused_is_an_alert():
    stand(refused_version=2, refused_why="rows differ\n  1 of 2")

    assert wrong() == [("refused", "Loans was not rebuilt as version 2: rows differ")]


def test_an_alert_is_said_once_and_again_when_it_has_changed_or_come_back(caplog):
    stand()

    def say(error: str) -> list[str]:
        caplog.clear()
        Checkpoint.objects.filter(name="Loans").update(error=error)
        complaints.say([LOANS])
        return [record.message.rpartition(": ")[2] for record in caplog.records if record.levelno == logging.ERROR]

    assert [say(error) for error in ("a", "a", "b", "", "b")] == [["a"], [], ["b"], [], ["b"]]


def test_of_two_processes_that_look_at_once_one_says_it(caplog, monkeypatch):
    stand(error="a")
    look = complaints.statuses

    def meanwhile(projections):
        monkeypatch.setattr(complaints, "statuses", look)
        complaints.say(projections)  # the other
        return look(projections)

    for error in ("a", "b"):
        Checkpoint.objects.filter(name="Loans").update(error=error)
        monkeypatch.setattr(complaints, "statuses", meanwhile)
        complaints.say([LOANS])

    assert [record.message[-1] for record in caplog.records if record.name == "projections.complaints"] == ["a", "b"]


def test_what_one_that_died_has_not_said_another_says(caplog, monkeypatch):
    stand(error="a")
    with monkeypatch.context() as dying, pytest.raises(SystemExit):
        dying.setattr(complaints.logger, "error", lambda *_, **__: sys.exit())
        complaints.say([LOANS])

    complaints.say([LOANS])

    assert [record.message[-1] for record in caplog.records if record.name == "projections.complaints"] == ["a"]


def test_what_is_wrong_with_others_is_left_to_who_looks_at_them(caplog):
    stand(error="a")
    complaints.say([LOANS])

    complaints.say([SHELVES])

    assert Complaint.objects.filter(projection="Loans").exists()


def test_a_sweep_says_what_is_wrong(caplog):
    position = stand()
    Parked.objects.create(projection="Loans", position=1, stream_id=LOST, name="X")

    sweep()

    (said,) = [record for record in caplog.records if record.name == "projections.complaints"]
    assert (said.levelno, said.projection, said.kind, said.position) == (logging.ERROR, "Loans", "parked", position)


def test_a_horizon_that_cannot_be_published_keeps_no_projection(monkeypatch, caplog):
    monkeypatch.setattr(tasks, "publishing", tasks.Publishing())
    end = library.record(Member("Ada")).position

    def refuse() -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(log, "publish", refuse)

    sweep()
    sweep()

    assert found().position == end
    said = [record.message for record in caplog.records if record.name == "projections.tasks"]
    assert said == ["The horizon was not published for replicas (not yours)."]


def test_alerts_are_of_the_projection_and_the_kind():
    stand(error="it fails")

    assert [(alert.projection, alert.kind) for alert in alerts(statuses([SHELVES, LOANS]))] == [("Loans", "stopped")]
    assert Alert._fields == ("projection", "kind", "text")
