"""Memory of a worker that catches up, and of a rebuild: its peak after 100,000 and 1,000,000 events, which is the same.

Each is measured in a process of its own, from the moment at which it begins.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connections

from bench import common
from bench.common import Row, Sample
from bench.rebuild import BenchOrders, BenchOrdersWithHistory, filled, make
from projections.engine import catch_up
from projections.projection import Projection
from projections.rebuild import drop_old, rebuild

EVENTS = (100_000, 1_000_000)


def rows() -> Iterator[Row]:
    found: dict[str, dict[str, list[Sample]]] = {}
    for count in EVENTS if common.seconds > 1 else [each // 10 for each in EVENTS]:
        filled(count // 5)
        for projection in (BenchOrders(), BenchOrdersWithHistory()):
            make(projection)
            kept = " with history" if projection.keeps_history else ""
            for what, work in (("catching up", caught_up), ("rebuild", built)):
                side = found.setdefault(f"{what}{kept}: peak, MB", {})
                side[f"{count:,} events"] = [Sample(peak(partial(work, projection)))]
    for what, sides in found.items():
        yield Row(what, sides, {}, "MB")


def caught_up(projection: Projection) -> None:
    catch_up([projection])


def built(projection: Projection) -> None:
    drop_old(projection)
    assert not any(each.differing for each in rebuild(projection).compared)


def peak(work: Callable[[], Any]) -> float:
    """In MB, of a child that does ``work``."""
    connections.close_all()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_tell, args=(work, theirs))
    child.start()
    child.join()
    assert child.exitcode == 0
    return float(ours.recv())


def _tell(work: Callable[[], Any], pipe: Any) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is measured from here on
    work()
    found = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    pipe.send(int(found.split()[1]) / 1024)
