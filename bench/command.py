"""Command: load a purchase of 10 events, decide, append; with 1 and 8 processes, id and receipt recorded."""

from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

from bench import library, ours
from bench.common import Row, Sample, Work, copies, empty, in_turn, rate, settle

EVENTS = 10


def rows() -> Iterator[Row]:
    for processes, enough, target in ((1, 6_000, 2.5), (8, 1_800, 3.5)):
        empty()
        mine = ours.purchase(EVENTS)
        ours.app.record(mine)
        with_library = library.application()
        theirs = library.purchase(EVENTS)
        with_library.save(theirs)
        with_library.close()
        sides: dict[str, Callable[[], Sample]] = {
            "ours": partial(measure, by_us, "eventstore_event", mine.id, processes, enough),
            "library": partial(measure, by_library, "peer_events", theirs.id, processes, enough),
        }
        yield Row(f"command, {processes} process{'es' if processes > 1 else ''}", in_turn(sides), {"library": target})


def measure(make: Callable[[list[UUID]], Work], table: str, stream: UUID, processes: int, enough: int) -> Sample:
    """Each command finds a purchase of 10 events of its own."""
    ids = copies(table, stream, processes * enough)
    settle()
    return rate(lambda i: make(ids[i * enough : (i + 1) * enough]), processes)


def by_us(ids: list[UUID]) -> Work:
    def work() -> None:
        ours.add(ids.pop(), item=ours.TEA)

    return work


def by_library(ids: list[UUID]) -> Work:
    app = library.application()

    def work() -> None:
        purchase = app.repository.get(ids.pop())
        purchase.add(ours.TEA)
        app.save(purchase)

    return work
