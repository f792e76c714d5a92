"""Append: 1 event with 1 and 8 writers, 3 events at once with 4; each writer is a process."""

from collections.abc import Callable, Iterator
from functools import partial

from bench import library, ours
from bench.common import Row, Sample, Work, empty, in_turn, rate, sql


def rows() -> Iterator[Row]:
    for events, writers, others in ((1, 1, (1,)), (1, 8, (8, 2)), (3, 4, (4,))):
        empty()
        names = {"library": others[0]} | {f"library with {n} writers": n for n in others[1:]}
        sides: dict[str, Callable[[], Sample]] = {"ours": partial(rate, partial(by_us, events), writers)}
        sides |= {name: partial(rate, partial(by_library, events), n) for name, n in names.items()}
        targets = {1: {"library": 2.0}, 8: {"library": 4.5, "library with 2 writers": 3.0}, 4: {"library": 4.0}}
        found = in_turn(sides)
        what = f"append {events} event{'s at once' if events > 1 else ''}, {writers} writer{'s' if writers > 1 else ''}"
        yield Row(what, found, targets[writers], "saves/s", {"bytes of log per event": sizes()})


def by_us(events: int, i: int) -> Work:
    def work() -> None:
        ours.app.record(ours.purchase(events))

    return work


def by_library(events: int, i: int) -> Work:
    app = library.application()

    def work() -> None:
        app.save(library.purchase(events))

    return work


def sizes() -> dict[str, int]:
    """Table and indexes."""
    return {
        side: sql(f"select pg_total_relation_size('{table}') / greatest(1, count(*)) from {table}")[0][0]
        for side, table in (("ours", "eventstore_event"), ("library", "peer_events"))
    }
