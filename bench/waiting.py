"""Wait for a projection in many threads of a process: statements, the server's CPU, and how soon all hear of a move."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection

from bench import common
from bench.common import Row, Sample, in_turn, sql
from projections import waiting
from projections.waiting import Lookout, Waiting, wait_until

CROWDS = (8, 80, 200)
NAME = "Awaited"

Latencies = list[float]


def rows() -> Iterator[Row]:
    spare = int(sql("show max_connections")[0][0]) - 20
    for crowd in CROWDS:
        heard: dict[str, Latencies] = {"ours": [], "each for itself": []}
        ways = {"ours": together} | ({"each for itself": alone} if crowd <= spare else {})
        sides = {side: partial(measured, crowd, way, heard[side]) for side, way in ways.items()}
        found = in_turn(sides)
        notes = {f"{side}, ms until a move is heard of: p50, p99": quantiles(heard[side]) for side in sides}
        notes |= {f"{side}, % of a core on the server": percent(found[side]) for side in sides}
        yield Row(f"{crowd} threads wait", found, {}, "statements/s", notes)


def together(position: int) -> bool:
    return wait_until(position, NAME, timeout=60)


def alone(position: int) -> bool:
    return Lookout().wait(Waiting(position, [NAME], time.monotonic() + 60))


def measured(crowd: int, way: Callable[[int], bool], heard: Latencies) -> Sample:
    """Statements and CPU while all wait and nothing moves; then how long after the move's commit each goes on."""
    sql("delete from projections_checkpoint where name = %s", NAME)
    sql("insert into projections_checkpoint (name, projection, position) values (%s, %s, 0)", NAME, NAME)
    counted, woken = Counted(waiting.rows), Latencies()
    ready = threading.Barrier(crowd + 1)

    def wait() -> None:
        connection.ensure_connection() if way is alone else None
        ready.wait()
        assert way(1)
        woken.append(time.perf_counter())
        connection.close()

    waiting.rows = counted  # type: ignore[assignment]
    try:
        threads = [threading.Thread(target=wait) for _ in range(crowd)]
        for thread in threads:
            thread.start()
        ready.wait()
        time.sleep(0.5)  # by now, all look as seldom as they do
        server = on_cpu()
        before, cpu, began = counted.number, time.process_time(), time.perf_counter()
        time.sleep(common.seconds)
        statements, cpu, took = counted.number - before, time.process_time() - cpu, time.perf_counter() - began
        used = on_cpu()
        sql("update projections_checkpoint set position = 1 where name = %s", NAME)
        moved = time.perf_counter()
        for thread in threads:
            thread.join()
    finally:
        waiting.rows = counted.rows
    heard += [each - moved for each in woken]
    on_server = None if used is None or server is None else (used - server) / statements * 1e6
    return Sample(statements / took, cpu / statements * 1e6, on_server)


def on_cpu() -> float | None:
    """Seconds that this database's processes have run, if they do on this machine; ticks are more than each uses."""
    pids = sql(
        "select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"
    )
    try:
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in pids) / 1e9
    except OSError:
        return None


class Counted:
    """Stands for ``rows``, and counts the calls."""

    def __init__(self, rows: Callable[..., list[Any]]) -> None:
        self.rows, self.number = rows, 0

    def __call__(self, *args: object) -> list[Any]:
        self.number += 1
        return self.rows(*args)


def quantiles(heard: Latencies) -> str:
    cuts = statistics.quantiles(heard, n=100)
    return f"{cuts[49] * 1000:.1f}, {cuts[98] * 1000:.1f}"


def percent(samples: list[Sample]) -> float:
    return round(statistics.median(sample.rate * (sample.server or 0) / 1e4 for sample in samples), 1)
