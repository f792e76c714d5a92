"""The broker is emptied, restarted, silent: requests do not notice, and rows are a few seconds late at most."""

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import redis
from django.db import connections

from eventstore import log
from projections.models import Checkpoint
from projections.projection import Projection, known
from projections.rebuild import verify
from shop.ordering.models import OrderSummary
from tests.lending.story import naive
from tests.projections.conftest import tables
from tests.system import processes
from tests.system.processes import until
from tests.system.test_races_over_http import stocked
from tests.system.web import web

pytestmark = pytest.mark.django_db(transaction=True)

STALE = 5.0  # seconds, at the most
ORDERS = 200


def flush(broker):
    redis.from_url(broker.url).flushall()


def stop(broker):
    broker.end()


def freeze(broker):
    os.kill(broker.child.pid, signal.SIGSTOP)


def thaw(broker):
    os.kill(broker.child.pid, signal.SIGCONT)


FAULTS = {"flushed": (flush, None), "restarted": (stop, lambda broker: broker.start()), "silent": (freeze, thaw)}


def test_scenario_12_broker_loses_everything(empty_log, broker, tmp_path):
    """It is emptied again and again while 200 orders are placed over HTTP, and every read model is complete."""
    stocked({"MUG": ORDERS})
    over, flushed = threading.Event(), []

    def lose() -> None:
        while not over.wait(0.1):
            flush(broker)
            flushed.append(time.monotonic())

    losing = threading.Thread(target=lose)
    worker, beat = processes.worker(broker.url, tmp_path / "log"), processes.beat(broker.url, tmp_path / "beat.log")
    with processes.ended(worker, beat), web(tmp_path / "web.log", broker.url, WEB_CONCURRENCY="1") as server:
        losing.start()
        try:
            answered = server.ask_all(
                (server.order(None, {"MUG": 1}, key=f"key {n}") for n in range(ORDERS)), threads=8
            )
        finally:
            over.set()
            losing.join()
        until(all_is_seen, 120, "every projection to have seen the whole log")

    assert Counter(answer.status for _, answer in answered) == {201: ORDERS}
    assert len(flushed) >= 3
    assert Counter(OrderSummary.objects.values_list("status", flat=True)) == {"confirmed": ORDERS}
    for projection in (each for each in known().values() if isinstance(each, Projection)):
        for compared in verify(projection):
            assert not compared.differing, str(compared)
    connections.close_all()


def all_is_seen():
    return Checkpoint.objects.filter(name__in=known(), position=log.horizon()).count() == len(known())


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_thirty_seconds_of_each_broker_fault(empty_log, broker, tmp_path, fault):
    """``./test -m long -k thirty_seconds -s``"""
    print(f"\n{fault}: {endured(broker, tmp_path, fault, before=15.0, during=30.0)}")


def endured(broker, tmp_path, fault, *, before, during):
    """Work before, during and after the fault; what was seen, for people."""
    cause, cure = FAULTS[fault]
    beat, worker = processes.beat(broker.url, tmp_path / "beat.log"), processes.worker(broker.url, tmp_path / "log")
    load = subprocess.Popen(
        [sys.executable, "-m", "tests.system.load"],
        cwd=processes.ROOT,
        env=processes.environment(broker.url),
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        assert load.stdout.readline() == "working\n"
        until(lambda: Checkpoint.objects.filter(projection="Loans", position__gt=0).exists(), 120, "the worker")
        began = time.monotonic()
        time.sleep(before)  # so long is the load watched
        failed = time.monotonic()
        cause(broker)
        time.sleep(during)
        if cure:
            cure(broker)
        cured = time.monotonic()
        time.sleep(before)
        load.terminate()
        seen = json.loads(load.communicate(timeout=60)[0])
        head = log.horizon()
        until(lambda: Checkpoint.objects.filter(projection="Loans", position__gte=head).exists(), 10, "catching up")
        assert worker.poll() is None, "the worker survives"
    finally:
        for process in (load, worker, beat):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
            processes.kill(process)
        connections.close_all()

    assert load.returncode == 0, "no request fails"
    assert max(seconds for _, seconds in seen["read"]) < STALE
    assert tables()["borrower"] == naive()["borrower"]
    quiet = [took for when, took in seen["asked"] if began < when < failed or when > cured]  # before it and after it
    fire = [took for when, took in seen["asked"] if failed < when < cured]
    late = [took for when, took in seen["read"] if failed < when < cured]
    found = [(percent, at(quiet, percent), at(fire, percent)) for percent in (50, 95, 99)]
    requests = ", ".join(f"p{percent} {calm:.1f} → {hot:.1f} ms ({hot / calm:.2f} ×)" for percent, calm, hot in found)
    return f"requests {requests}; rows p50 {at(late, 50):.1f} ms, at most {max(late) * 1000:.0f} ms late"


def at(seconds, percent):
    """In milliseconds."""
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000
