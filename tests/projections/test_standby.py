"""What a worker does by itself where no sweep arrives: as little as a sweep, and only then."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone
from eventsourcing.persistence import OperationalError

from projections import standby, tasks
from projections.engine import catch_up
from projections.models import Checkpoint, Errand
from projections.standby import Standby
from tests.lending.domain import Member
from tests.lending.models import Borrower
from tests.lending.story import library
from tests.projections.conftest import BOOKS, LOANS, advance, environment, sql

pytestmark = pytest.mark.usefixtures("on_real_transactions")


class Acts:
    """Looks after projections as the engine does, and notes which."""

    def __init__(self) -> None:
        self.after: list[list[str]] = []

    def __call__(self, projections) -> None:
        self.after.append([each.name for each in projections])
        catch_up(projections)


@pytest.fixture
def acts():
    return Acts()


@pytest.fixture
def standing(acts):
    return Standby(lambda: [LOANS, BOOKS], acts)


def turns(standing: Standby, count: int) -> None:
    for _ in range(count):
        standing.turn()


def test_what_nobody_looked_after_between_two_looks_is_advanced(standing, acts, caplog):
    library.record(Member("Ada"))

    standing.turn()
    assert acts.after == []
    turns(standing, 3)

    assert acts.after == [["Books", "Loans"]]
    assert Borrower.objects.count() == 1
    said = [record.message for record in caplog.records if record.name == "projections.standby"]
    assert said == ["No sweep arrives: this worker advances projections without being asked."]


def test_where_sweeps_arrive_it_does_nothing(standing, acts):
    for name in ("Ada", "Grace", "Joan"):
        library.record(Member(name))
        standing.turn()
        advance(LOANS, BOOKS)

    turns(standing, 2)

    assert acts.after == []


def test_while_no_sweep_arrives_it_does_not_wait_for_a_second_look(standing, acts):
    library.record(Member("Ada"))
    turns(standing, 2)

    library.record(Member("Grace"))
    standing.turn()

    assert Borrower.objects.count() == 2
    assert len(acts.after) == 2


def test_when_sweeps_arrive_again_it_leaves_it_to_them(standing, acts, caplog):
    caplog.set_level("INFO")
    library.record(Member("Ada"))
    turns(standing, 2)
    library.record(Member("Grace"))
    advance(LOANS, BOOKS)

    standing.turn()
    library.record(Member("Joan"))
    standing.turn()

    assert len(acts.after) == 1
    assert caplog.messages[-1] == "Sweeps arrive again."


def test_whoever_comes_again_is_given_a_moment_for_the_rest(standing, acts):
    library.record(Member("Ada"))
    turns(standing, 2)
    library.record(Member("Grace"))
    advance(LOANS)

    standing.turn()
    assert len(acts.after) == 1
    standing.turn()

    assert acts.after[1:] == [["Books"]]


def test_one_that_stopped_is_tried_again(standing, acts):
    receipt = library.record(Member("Ada"))
    advance(BOOKS, LOANS)
    Checkpoint.objects.filter(name="Loans").update(position=receipt.position - 1, error="it failed")
    Borrower.objects.all()._raw_delete("default")

    turns(standing, 2)

    assert Borrower.objects.count() == 1


@pytest.mark.parametrize(("asked", "done"), [(timedelta(seconds=61), True), (timedelta(seconds=50), False)])
def test_what_was_asked_for_a_minute_ago_and_nobody_has_begun_is_done(asked, done):
    library.record(Member("Ada"))
    advance(BOOKS, LOANS)
    Checkpoint.objects.update(updated_at=timezone.now() - asked)
    Errand.objects.create(projection="Loans", kind="verify", asked_by="ops", asked_at=timezone.now() - asked)

    turns(Standby(lambda: [LOANS, BOOKS], tasks.look_after), 3)

    assert bool(Errand.objects.get().ended_at) is done
    assert Errand.objects.get().refused == ""


@pytest.mark.parametrize("why", [{"paused_at": "2026-01-01T00:00Z"}, {"leased_until": "2999-01-01T00:00Z"}])
def test_one_that_is_paused_or_held_is_left_alone(standing, acts, why):
    library.record(Member("Ada"))
    advance(BOOKS, LOANS)
    library.record(Member("Grace"))
    backend = sql("select pg_backend_pid()")[0][0]
    Checkpoint.objects.filter(name="Loans").update(**why, backend=backend)

    turns(standing, 3)

    assert acts.after == [["Books"]]


def test_an_error_is_said_once_and_does_not_end_it(standing, monkeypatch, caplog):
    class Enough(BaseException):
        pass

    turned = iter([OperationalError("away"), OperationalError("away"), None, Enough()])

    def turn() -> None:
        if error := next(turned):
            raise error

    monkeypatch.setattr(standby.time, "sleep", lambda _: None)
    monkeypatch.setattr(standing, "turn", turn)

    with pytest.raises(Enough):
        standing.run()

    assert caplog.messages == ["Projections cannot be looked at: away"]


def test_no_process_is_forked_in_the_middle_of_a_look():
    script = (
        "import django, os, threading; django.setup()\n"
        "from projections import standby\n"
        "standby.EVERY = 0.01\n"
        "begun, over = threading.Event(), threading.Event()\n"
        "def look():\n"
        "    begun.set()\n"
        "    over.wait()\n"
        "    raise RuntimeError('that was all')\n"
        "standby.start(look, print)\n"
        "begun.wait()\n"
        "threading.Timer(0.3, over.set).start()\n"
        "if pid := os.fork():\n"
        "    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "os._exit(0 if over.is_set() else 3)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment(), timeout=60, check=False, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
