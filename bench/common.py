"""What every benchmark needs: two things measured in turn, each in processes of its own, with their CPU."""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, connections

from bench import library
from eventstore.domain import uuid7

TICKS = os.sysconf("SC_CLK_TCK")
Work = Callable[[], int | None]  # answers how many units it did; None: one

seconds, rounds = 1.2, 5


class Sample(NamedTuple):
    rate: float  # units of work a second, of all processes together
    client: float | None = None  # CPU of a unit, µs
    server: float | None = None


class Row(NamedTuple):
    """One line of a table: ours first, and how many times as fast as another it must be at least."""

    what: str
    sides: dict[str, list[Sample]]
    targets: dict[str, float]
    unit: str = "/s"
    notes: dict[str, Any] = {}


def prepare(*, quick: bool) -> None:
    """Open the guard, so that benchmarks can empty the log; make the library's tables."""
    global seconds, rounds
    if quick:
        seconds, rounds = 0.3, 2
    sql("alter table eventstore_event disable trigger eventstore_append_only")
    library.application(snapshots=True, CREATE_TABLE="y").close()


def sql(statement: str, *parameters: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def empty() -> None:
    """Both logs, and what the server remembers of them."""
    sql(
        "truncate eventstore_event, eventstore_command, eventstore_snapshot, peer_events, peer_snapshots "
        "restart identity"
    )
    settle()
    sql("checkpoint")  # none between the rounds: the first write to each page after one takes the whole page


def settle() -> None:
    """What autovacuum would have done a minute after the log was filled."""
    sql("vacuum analyze eventstore_event, eventstore_snapshot, peer_events, peer_snapshots")


def in_turn(sides: dict[str, Callable[[], Sample]]) -> dict[str, list[Sample]]:
    """A B A B …"""
    found: dict[str, list[Sample]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            found[name].append(measure())
    return found


def rate(make: Callable[[int], Work], processes: int = 1) -> Sample:
    """What ``processes`` do in the time given; ``make(i)`` opens what the i-th needs, and answers its work."""
    connections.close_all()  # none may be shared with a child
    fork = multiprocessing.get_context("fork")
    gate, done, cpu = fork.Barrier(processes + 1), fork.Array("d", processes), fork.Array("d", processes)
    work = [fork.Process(target=_worker, args=(make, i, gate, done, cpu)) for i in range(processes)]
    for each in work:
        each.start()
    postmaster = _postmaster()
    gate.wait(60)
    before = server_seconds(postmaster)
    gate.wait(60)  # they work
    gate.wait(600)
    after = server_seconds(postmaster)
    gate.wait(60)  # they close
    for each in work:
        each.join()
    units = sum(done)
    server = None if before is None or after is None else (after - before) / units * 1e6
    return Sample(units / seconds, sum(cpu) / units * 1e6, server)


def _worker(make: Callable[[int], Work], i: int, gate: Any, done: Any, cpu: Any) -> None:
    work = make(i)
    for _ in range(5):
        work()
    gate.wait(60)
    gate.wait(60)
    units, began, cpu_began = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        units += work() or 1
    cpu[i] = time.process_time() - cpu_began
    done[i] = units * seconds / (time.perf_counter() - began)  # the last one may have ended late
    gate.wait(600)
    gate.wait(60)
    os._exit(0)


def once(work: Callable[[], Any], units: int, before: Callable[[], Any] = lambda: None) -> Callable[[], Sample]:
    """Measures something long, here in this process; ``before`` is not counted."""

    def measure() -> Sample:
        before()
        postmaster = _postmaster()
        server, began, cpu = server_seconds(postmaster), time.perf_counter(), time.process_time()
        work()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        used = server_seconds(postmaster)
        on_server = None if used is None or server is None else (used - server) / units * 1e6
        return Sample(units / took, cpu / units * 1e6, on_server)

    return measure


def _postmaster() -> int | None:
    """Its process, if it runs on this machine."""
    try:
        stat = Path(f"/proc/{sql('select pg_backend_pid()')[0][0]}/stat").read_text().rpartition(")")[2].split()
        parent = int(stat[1])
        return parent if "postgres" in Path(f"/proc/{parent}/comm").read_text() else None
    except OSError:
        return None


def server_seconds(postmaster: int | None) -> float | None:
    """CPU that the database server has used so far: its processes that live, and those that ended."""
    if postmaster is None:
        return None
    used = 0
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = process.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat[1]) == postmaster:
            used += int(stat[11]) + int(stat[12])
        elif process.parent.name == str(postmaster):
            used += sum(map(int, stat[11:15]))
    return used / TICKS


def copies(table: str, stream: UUID, number: int) -> list[UUID]:
    """That many streams more, with the same events."""
    ids = [uuid7() for _ in range(number)]
    if table == "eventstore_event":
        sql(
            "insert into eventstore_event (position, stream_id, version, name, data, recorded_at, effective_at) "
            "select nextval('eventstore_event_position_seq'), new.id, version, name, data, recorded_at, effective_at "
            "from unnest(%s::uuid[]) new (id) cross join eventstore_event where stream_id = %s "
            "order by new.id, version",
            ids,
            stream,
        )
    else:
        sql(
            "insert into peer_events (originator_id, originator_version, topic, state) "
            "select new.id, originator_version, topic, state from unnest(%s::uuid[]) new (id) cross join peer_events "
            "where originator_id = %s order by new.id, originator_version",
            ids,
            stream,
        )
    return ids


def middle(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    """Round by round, since the machine's speed changes."""
    return [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
