"""A rebuild of a million events while others read the table and record more: failed reads, and how long each took."""

import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from bench import common
from bench.common import Row, Sample
from bench.rebuild import ORDERS, BenchOrder, BenchOrders, filled, make
from eventstore.domain import uuid7
from eventstore.persistence import LogRecorder, Stored
from projections.engine import catch_up
from projections.rebuild import rebuild

READERS = 2
CALM = 10.0  # seconds of reading with nothing else going on
PAUSE = 0.01  # seconds between two reads, or two events, of one process
LATE = 0.2  # seconds between two times that the live table is moved


def rows() -> Iterator[Row]:
    filled(ORDERS if common.seconds > 1 else ORDERS // 10)
    projection = BenchOrders()
    make(projection)
    rebuild(projection)
    with crowd() as before:
        time.sleep(CALM)
    began = time.perf_counter()
    with crowd() as meanwhile:
        built = rebuild(projection)
        took = time.perf_counter() - began
    assert not any(each.differing for each in built.compared)
    notes = {
        "rebuild under it, s": round(took, 1),
        "events recorded meanwhile": meanwhile["recorded"],
        "readers waited for the swap, ms": round(built.swap_seconds * 1000, 1),
    }
    for words, crowded in (("before", before), ("meanwhile", meanwhile)):
        cuts = statistics.quantiles(crowded["took"], n=100)
        notes[f"{words}: reads, failed, p50, p99, longest in ms"] = (
            f"{len(crowded['took']):,}, {crowded['failed']}, {cuts[49] * 1000:.1f}, {cuts[98] * 1000:.1f}, "
            f"{max(crowded['took']) * 1000:.0f}"
        )
    sides = {"reads meanwhile": [Sample(len(meanwhile["took"]) / took)], "before": [Sample(len(before["took"]) / CALM)]}
    yield Row(f"rebuild of {built.position:,} events, {READERS} readers, 1 writer", sides, {}, "/s", notes)


@contextmanager
def crowd() -> Iterator[dict[str, Any]]:
    """Readers and a writer, each a process; when it is over, what they met."""
    connections.close_all()  # none may be shared with a child
    fork = multiprocessing.get_context("fork")
    over, told = fork.Event(), fork.Queue()
    work = [fork.Process(target=_read, args=(over, told)) for _ in range(READERS)]
    work.append(fork.Process(target=_write, args=(over, told)))
    for each in work:
        each.start()
    found: dict[str, Any] = {"took": [], "failed": 0, "recorded": 0}
    try:
        yield found
    finally:
        over.set()
        for _ in work:
            took, failed, recorded = told.get(timeout=60)
            found["took"] += took
            found["failed"] += failed
            found["recorded"] += recorded
        for each in work:
            each.join()


def _read(over: Any, told: Any) -> None:
    """The newest page, and the orders of somebody."""
    took, failed = [], 0
    somebody = list(BenchOrder.objects.values_list("customer_id", flat=True)[:1000])
    while not over.is_set():
        began = time.perf_counter()
        try:
            assert len(BenchOrder.objects.order_by("-placed_at")[:50]) == 50
            assert BenchOrder.objects.filter(customer_id=random.choice(somebody)).first()  # no secret
        except Exception:
            failed += 1
        took.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    told.put((took, failed, 0))
    told.close()
    told.join_thread()
    os._exit(0)


def _write(over: Any, told: Any) -> None:
    """Orders, one by one; and what a worker does for the live table."""
    recorder, recorded, moved = LogRecorder(), 0, time.monotonic()
    facts = f'{{"customer_id": "{uuid7()}", "currency": "EUR", "customer_name": "Ada"}}'.encode()
    while not over.is_set():
        recorder.insert_events([Stored(uuid7(), 1, "Sale.Placed", facts)])
        recorded += 1
        if time.monotonic() - moved > LATE:
            catch_up([BenchOrders()])
            moved = time.monotonic()
        time.sleep(PAUSE)
    told.put(([], 0, recorded))
    told.close()
    told.join_thread()
    os._exit(0)
