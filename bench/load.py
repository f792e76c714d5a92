"""Load an aggregate: 100 and 1,000 events without a snapshot; with one, of a small and of a growing state."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from bench import library, ours
from bench.common import Row, Work, empty, in_turn, rate, settle, sql
from eventstore import application, snapshots


def rows() -> Iterator[Row]:
    empty()
    for events in (100, 1_000):
        yield row(f"load {events:,} events", lambda m, events=events: m.purchase(events), 5.0)
    for events in (10, 100, 1_000):
        yield row(f"load {events:,} events by a snapshot, 1 item", partial(noted, events), 1.0, snapshot=True)
    for events in (100, 1_000):
        what = f"load {events:,} events by a snapshot, {events:,} items"
        yield row(what, lambda m, events=events: m.purchase(events), 1.0, snapshot=True)


def row(what: str, made: Callable[[Any], Any], target: float, *, snapshot: bool = False) -> Row:
    mine, theirs = made(ours), made(library)
    ours.app.record(mine)
    notes = {}
    app = library.application(snapshots=snapshot)
    app.save(theirs)
    if snapshot:
        snapshots.take(application.load(mine.id))
        app.take_snapshot(theirs.id)
        ((size,),) = sql("select length(data) from eventstore_snapshot where stream_id = %s", mine.id)
        notes["bytes of the state"] = size
    app.close()
    settle()
    sides = {
        "ours": partial(rate, partial(by_us, mine.id)),
        "library": partial(rate, partial(by_library, theirs.id, snapshot)),
    }
    return Row(what, in_turn(sides), {"library": target}, "loads/s", notes)


def by_us(stream: UUID, i: int) -> Work:
    def work() -> None:
        ours.app.repository.get(stream)

    return work


def by_library(stream: UUID, snapshot: bool, i: int) -> Work:
    app = library.application(snapshots=snapshot)

    def work() -> None:
        app.repository.get(stream)

    return work


def noted(events: int, module: Any) -> Any:
    """A state that does not grow."""
    made = module.purchase(1)
    for n in range(events - 1):
        made.note(f"note {n}")
    return made
