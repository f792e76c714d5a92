"""Workers are killed and frozen at random while events come in: every row is right, every policy acted once."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import connection, connections

from eventstore import log
from eventstore.models import Event
from projections.lease import begin
from projections.models import Checkpoint, Parked
from projections.projection import known
from projections.rebuild import verify
from tests.lending.story import naive, tell
from tests.projections.conftest import tables
from tests.system import processes
from tests.system.processes import until

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("Books", "Shelves", "Loans", "Reminders")
SOON = 10.0  # seconds


def test_scenario_13_exactly_once_effect(empty_log, broker, tmp_path):
    under_fire(broker, tmp_path, kills=4, freezes=2)


def test_scenario_28_few_workers_more(empty_log, broker, tmp_path):
    """Three of them; the one that holds a lease is killed: another has its projections within seconds."""
    beat = processes.beat(broker.url, tmp_path / "beat.log")
    workers = {each.pid: each for each in (processes.worker(broker.url, tmp_path / "log") for _ in range(3))}
    with processes.ended(beat, *workers.values()):
        at_work = set[int]()
        until(lambda: len(asked_and_met(workers, at_work)) > 1, 180, "more than one to be at work")
        with telling():
            holding = set[int]()
            until(lambda: bool(holding.update(held_by(workers)) or holding), 60, "one to hold a lease")
            processes.kill(workers.pop(holding.pop()))
            epochs, left = leases_taken(), log.horizon()
            until(lambda: all_past(left), SOON, "the others to have its projections")
        until(caught_up, 60, "the projections to catch up")

        assert leases_taken() > epochs
        assert [each.poll() for each in workers.values()] == [None, None]
    assert tables() == naive()
    connections.close_all()


def asked_and_met(workers: dict[int, Any], met: set[int]) -> set[int]:
    """Something to do, and all the workers that have done something so far."""
    tell(1, seed=random.randrange(1, 10**6))
    met.update(held_by(workers, Checkpoint.objects.all()))
    return met


def held_by(workers: dict[int, Any], checkpoints: Any = None) -> Iterator[int]:
    """The workers that hold a lease of these projections at the moment; or that held those ``checkpoints`` last."""
    held = Checkpoint.objects.filter(name__in=NAMES).exclude(leased_until=None)
    for holder in (held if checkpoints is None else checkpoints).exclude(holder="").values_list("holder", flat=True):
        with suppress(ProcessLookupError):
            if (group := os.getpgid(int(holder.split()[1]))) in workers:
                yield group


def all_past(position: int) -> bool:
    return Checkpoint.objects.filter(name__in=NAMES, position__gte=position).count() == len(NAMES)


@pytest.mark.long
def test_fifty_kills_and_ten_freezes(empty_log, broker, tmp_path):
    """``./test -m long -k fifty_kills -s``"""
    print(under_fire(broker, tmp_path, kills=50, freezes=10))


def under_fire(broker, tmp_path, *, kills, freezes):
    """Three workers meet faults in a random order while two writers tell stories; what was seen, for people."""
    chance = random.Random(2026)
    faults = ["kill"] * kills + ["freeze"] * freezes
    chance.shuffle(faults)
    output = tmp_path / "workers.log"
    begin(known()["Reminders"])
    beat = processes.beat(broker.url, tmp_path / "beat.log")
    workers = [processes.worker(broker.url, output) for _ in range(3)]
    frozen: list[tuple[float, subprocess.Popen[bytes]]] = []
    try:
        until(lambda: tell(1, seed=chance.randrange(10**3, 10**6)) or leases_taken() > 0, 180, "a worker to be at work")
        with telling():
            for fault in faults:
                stood = leases_taken()
                time.sleep(chance.uniform(0.2, 1.0))  # the load's pace, not a wait for anything
                until(lambda: leases_taken() > stood, 180, "a worker to be at work")  # noqa: B023 - within the turn
                victim = chance.choice([w for w in workers if w not in [held for _, held in frozen]])
                if fault == "kill":
                    processes.kill(victim)
                    workers[workers.index(victim)] = processes.worker(broker.url, output)
                elif len(frozen) < len(workers) - 1:
                    os.killpg(victim.pid, signal.SIGSTOP)
                    frozen.append((time.monotonic() + chance.uniform(2, 10), victim))
                for due, held in frozen[:]:
                    if time.monotonic() > due:
                        os.killpg(held.pid, signal.SIGCONT)
                        frozen.remove((due, held))
        began = time.monotonic()
        until(caught_up, 180, "the projections to catch up, some workers still frozen")
        caught = time.monotonic() - began
        for _, held in frozen:
            os.killpg(held.pid, signal.SIGCONT)
        until(lambda: not Checkpoint.objects.exclude(leased_until=None).exists(), 60, "those thawed to give up")
        until(caught_up, 60, "the projections to catch up")
    finally:
        for process in (*workers, beat):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
            processes.kill(process)

    assert Parked.objects.count() == 0
    assert tables() == naive(), "an independent fold"
    for name in ("Books", "Shelves", "Loans"):
        for compared in verify(known()[name]):
            assert not compared.differing, str(compared)
    opened = set(Event.objects.filter(name="Loan.Opened").values_list("event_id", flat=True))
    acted = Counter(Event.objects.filter(name="Reminder.Written").values_list("causation_id", flat=True))
    assert acted == Counter(opened), "each policy acted exactly once"
    epochs = dict(Checkpoint.objects.filter(projection__in=NAMES).values_list("name", "epoch"))
    connections.close_all()
    return (
        f"{Event.objects.count():,} events, {len(opened):,} policy actions, caught up {caught:.1f} s after the last "
        f"fault, leases taken: {epochs}"
    )


@contextmanager
def telling() -> Iterator[None]:
    """Two writers tell stories for as long as the block lasts."""
    done = threading.Event()

    def write(writer: int) -> None:
        chapter = 0
        try:
            while not done.is_set():
                tell(40, seed=1 + writer + 2 * chapter)
                chapter += 1
                done.wait(0.2)  # some 400 events a second: what is left to do is kept small
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        done.set()
        for writer in writers:
            writer.join()


def leases_taken() -> int:
    return sum(Checkpoint.objects.filter(projection__in=NAMES).values_list("epoch", flat=True))


def caught_up() -> bool:
    head = log.horizon()
    stood = Checkpoint.objects.filter(position=head, error="", schema="").values_list("projection", flat=True)
    return set(stood) >= set(NAMES)
