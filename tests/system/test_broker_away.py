"""Real workers: the broker is silent or dead, or a context's worker is; what can go on goes on, and all comes back."""

import os
import signal

import pytest

from eventstore import log
from projections import queues
from projections.models import Checkpoint
from projections.projection import known
from tests.lending.domain import Member
from tests.lending.story import library
from tests.system import processes
from tests.system.processes import ended, until

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 120.0  # seconds, for what takes one or two where nothing else runs
STALE = 5.0  # seconds that a read model may be behind while the broker is away


def have_seen(position: int, *names: str) -> bool:
    return Checkpoint.objects.filter(name__in=names or known(), position__gte=position).count() == len(names or known())


def record() -> int:
    library.record(Member("Ada"))
    return log.horizon()


def holders() -> set[int]:
    """Processes that moved projections last."""
    return {int(holder.split()[1]) for holder in Checkpoint.objects.values_list("holder", flat=True)}


def are_swept(worker) -> bool:
    """Whether processes of its pool move projections, and not itself alone."""
    position = record()
    until(lambda: have_seen(position), SOON, "the projections to follow")
    return holders() != {worker.pid}


def test_while_the_broker_is_away_read_models_follow_and_afterwards_all_is_as_before(empty_log, broker, tmp_path):
    output = tmp_path / "worker.log"
    worker, beat = processes.worker(broker.url, output), processes.beat(broker.url, tmp_path / "beat.log")

    def silent() -> None:
        os.kill(broker.child.pid, signal.SIGSTOP)

    def speaking() -> None:
        os.kill(broker.child.pid, signal.SIGCONT)

    def dead() -> None:
        os.kill(broker.child.pid, signal.SIGKILL)
        broker.child.wait()

    with ended(worker, beat):
        until(lambda: are_swept(worker), SOON, "a sweep")

        for leave, come_back in ((silent, speaking), (dead, broker.start)):
            leave()
            for _ in range(3):
                position = record()
                until(lambda position=position: have_seen(position), STALE, "the projections to follow")
            assert holders() == {worker.pid}
            come_back()
            until(lambda: are_swept(worker), SOON, "a sweep")

        assert worker.poll() is None
        assert beat.poll() is None
    for file in (output, tmp_path / "beat.log"):
        lost = [line for line in file.read_text().splitlines() if line.startswith("20") and " celery." in line]
        assert lost
        assert all(" WARNING " in line for line in lost)
        assert "Traceback" not in file.read_text()


def test_a_worker_that_starts_without_a_broker_advances_projections(empty_log, broker, tmp_path):
    broker.end()
    position = record()

    with ended(worker := processes.worker(broker.url, tmp_path / "worker.log")):
        until(lambda: have_seen(position), SOON, "the projections to follow")

        assert holders() == {worker.pid}


def test_a_context_whose_worker_is_dead_keeps_no_other(empty_log, broker, tmp_path, monkeypatch, settings):
    of_contexts = {each.context: "catalog" for each in known().values()} | {"ordering": "ordering"}
    settings.PROJECTIONS_QUEUES = of_contexts
    monkeypatch.setenv("PROJECTIONS_QUEUES", ",".join(f"{label}={queue}" for label, queue in of_contexts.items()))
    orders, others = ([each.name for each in queues.served_by([queue])] for queue in ("ordering", "catalog"))
    assert {*orders, *others} == {*known()}

    def worker(queue: str):
        return processes.worker(broker.url, tmp_path / f"{queue}.log", "-Q", queue, "--hostname", f"{queue}@%h")

    with ended(worker("catalog"), processes.beat(broker.url, tmp_path / "beat.log")):
        with ended(worker("ordering")):
            first = record()
            until(lambda: have_seen(first), SOON, "both to follow")
        second = record()
        until(lambda: have_seen(second, *others), SOON, "the others to go on")
        assert not Checkpoint.objects.filter(name__in=orders, position__gte=second).exists()

        with ended(worker("ordering")):
            until(lambda: have_seen(second, *orders), SOON, "ordering to catch up")
