"""A rebuild that is killed, wherever, goes on where it was, or begins anew; the live tables know nothing of it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection

from projections import shadow
from projections.models import Checkpoint
from projections.projection import Projection
from projections.rebuild import NotNow, abandon, drop_expired, rebuild, verify
from tests.lending.story import naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, SHELVES, advance, environment, leftovers, sql, tables

pytestmark = pytest.mark.usefixtures("on_real_transactions")


def killed(job: Callable[[], Any], *, statement: int) -> bool:
    """Do it in a process of its own that is killed once the server has done its ``statement``-th; answers whether."""
    connection.close()
    pid = os.fork()
    if not pid:
        left = statement

        def then_count(method: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*args: Any, **kwargs: Any) -> Any:
                nonlocal left
                result = method(*args, **kwargs)
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return counted

        psycopg.Cursor.execute = then_count(psycopg.Cursor.execute)  # type: ignore[method-assign]
        psycopg.Connection.commit = then_count(psycopg.Connection.commit)  # type: ignore[method-assign]
        try:
            job()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("job", [rebuild, verify])
def test_killed_after_some_statements_it_leaves_nothing_that_stops_the_next(monkeypatch, job):
    killed_at_each(monkeypatch, job, step=7)


@pytest.mark.long
@pytest.mark.parametrize("job", [rebuild, verify])
def test_killed_after_any_statement_it_leaves_nothing_that_stops_the_next(monkeypatch, job):
    """``./test -m long -k after_any_statement``"""
    killed_at_each(monkeypatch, job, step=1)


def killed_at_each(monkeypatch, job, *, step):
    tell(60)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    statement, times = 1, 0

    while killed(lambda: job(SHELVES), statement=statement):
        assert tables() == naive()
        job(SHELVES)
        assert tables() == naive()
        assert leftovers() == []
        times += 1
        statement += step

    assert times > 50 // step


def test_a_rebuild_that_is_killed_again_and_again_comes_to_its_end(monkeypatch):
    tell(300)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    came_to: list[int] = []

    building = Checkpoint.objects.filter(name=shadow.checkpoint(BOOKS)).values_list("position", flat=True)
    while killed(lambda: rebuild(BOOKS), statement=60 + 10 * len(came_to)) and (found := list(building.all())):
        assert tables() == naive()
        came_to += found  # none: it was killed behind the swap

    assert came_to == sorted(came_to)
    assert len(set(came_to)) > 2
    assert tables() == naive()
    assert leftovers() == []


def test_what_was_built_is_not_built_again_unless_it_should_be(monkeypatch):
    tell(300)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)

    assert killed(lambda: rebuild(LOANS), statement=80)
    resumed = rebuild(LOANS).events
    assert killed(lambda: rebuild(LOANS), statement=80)
    restarted = rebuild(LOANS, restart=True).events

    assert 0 < resumed < restarted
    assert restarted == sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(LOANS.handlers))[0][0]


def test_other_code_begins_anew(monkeypatch):
    tell(300)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 20)
    assert killed(lambda: rebuild(LOANS), statement=80)
    monkeypatch.setattr("projections.build.fingerprint", lambda *_: "of other code")

    again = rebuild(LOANS)

    assert again.events == sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(LOANS.handlers))[0][0]
    assert tables() == naive()


def test_workers_end_with_the_process_that_started_them_and_another_goes_on(monkeypatch):
    tell(1000)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 50)
    script = (
        "import django, multiprocessing, os; django.setup()\n"
        "from projections import build, rebuild; from projections.projection import known\n"
        "build.BATCH = 50\n"
        "def die(name, doing, position, end, events):\n"
        "    if doing == 'building' and position > 300:\n"
        "        print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
        "rebuild.rebuild(known()['Books'], workers=2, report=die)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment(), timeout=60, check=False, capture_output=True, text=True
    )
    children = [int(pid) for pid in ran.stdout.split()]
    until = time.monotonic() + 30
    while any(map(is_running, children)):
        assert time.monotonic() < until
        time.sleep(0.02)
    stood = sorted(Checkpoint.objects.filter(schema=shadow.schema(BOOKS)).values_list("low", "high"))
    before = tables()

    built = rebuild(BOOKS)

    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert len(children) == 1, "the other worker is the process itself"
    assert stood == [(0, 128), (0, 256), (128, 256)]
    assert built.events < sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(BOOKS.handlers))[0][0]
    assert tables() == before == naive()
    assert leftovers() == []


def test_a_worker_that_is_killed_stops_the_rebuild_and_another_goes_on(monkeypatch):
    tell(1000)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 50)

    def kill(name: str, doing: str, position: int, end: int, events: int) -> None:
        if position > 300:
            for child in multiprocessing.active_children():
                child.kill()

    with pytest.raises(NotNow, match=r"ended.* What was built is kept: another rebuild goes on from there"):
        rebuild(BOOKS, workers=2, report=kill)
    built = rebuild(BOOKS, workers=2)

    assert built.events < sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(BOOKS.handlers))[0][0]
    assert tables() == naive()
    assert leftovers() == []


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_that_somebody_stops_goes_on_where_it_was(monkeypatch):
    tell(300)
    advance()
    monkeypatch.setattr("projections.build.BATCH", 50)

    def stop(name: str, doing: str, position: int, end: int, events: int) -> None:
        if position > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(LOANS, report=stop)
    stood = Checkpoint.objects.get(name=shadow.checkpoint(LOANS))
    built = rebuild(LOANS)

    assert stood.position > 100
    assert stood.leased_until is None
    later = "SELECT count(*) FROM eventstore_event WHERE name = ANY(%s) AND position > %s"
    assert built.events == sql(later, list(LOANS.handlers), stood.position)[0][0]
    assert tables() == naive()


@pytest.mark.parametrize("projection", LENDING, ids=repr)
def test_to_abandon_it_leaves_no_trace(projection: Projection):
    tell(60)
    advance()
    assert killed(lambda: rebuild(projection), statement=50)
    assert len(leftovers()) == 2, "a schema and a checkpoint"

    abandon(projection)

    assert leftovers() == []
    assert sql("SELECT * FROM projections_historyepoch WHERE schema <> ''") == []
    assert tables() == naive()


def test_half_built_tables_that_nobody_goes_on_with_are_dropped_after_a_day():
    tell(60)
    advance()
    assert killed(lambda: rebuild(BOOKS), statement=30)
    assert killed(lambda: verify(LOANS), statement=30)

    dropped = []
    for passing in ("1 second", "1 minute", "25 hours"):
        sql("UPDATE projections_checkpoint SET updated_at = updated_at - %s::interval WHERE schema <> ''", passing)
        dropped.append(drop_expired())

    assert dropped == [[], ["verify_Loans"], ["rebuild_Books"]]
    assert leftovers() == []
