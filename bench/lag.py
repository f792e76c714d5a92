"""From a command's commit until its row can be read, by way of the broker and a Celery worker; one at a time."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import UUID

from bench import common
from bench.common import Row, Sample, empty
from eventstore.domain import uuid7
from projections.tasks import ask_to_wake
from projections.waiting import wait_until
from shop.customers.commands import register_customer

NAME = "Customers"
PAUSE = 0.05  # seconds between two commands: an idle system


def rows() -> Iterator[Row]:
    empty()
    options = ["--concurrency", "2", "--loglevel", "error", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-q", "-A", "shop", "worker", *options], env=os.environ, process_group=0
    )
    try:
        position = register(uuid7())
        ask_to_wake()
        assert wait_until(position, NAME, timeout=60), "the worker does not start"
        lags = [lag() for _ in range(400 if common.seconds > 1 else 20)]
    finally:
        worker.terminate()
        worker.wait(30)
    cuts = statistics.quantiles(lags, n=100)
    notes = {
        "p50, ms (at most 50 wanted)": round(cuts[49] * 1000, 1),
        "p99, ms (at most 250 wanted)": round(cuts[98] * 1000, 1),
        "longest, ms": round(max(lags) * 1000, 1),
    }
    yield Row(f"{len(lags)} commands", {"rows readable": [Sample(1 / statistics.mean(lags))]}, {}, "/s", notes)


def register(customer_id: UUID) -> int:
    receipt = register_customer(name="Ada", email=f"{customer_id}@example.org", customer_id=customer_id)
    return receipt.position or 0


def lag() -> float:
    time.sleep(PAUSE)
    position = register(uuid7())
    began = time.perf_counter()
    assert wait_until(position, NAME, timeout=10)
    return time.perf_counter() - began
