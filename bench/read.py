"""Read the log in order, each event decoded to its object."""

from collections.abc import Iterator
from functools import partial

from bench import library, ours
from bench.common import Row, Work, copies, empty, in_turn, rate, settle
from eventstore import log
from eventstore.application import mapper
from eventstore.persistence import COLUMNS
from eventstore.persistence import rows as fetched

STREAMS, EVENTS, AT_ONCE = 200, 250, 1_000  # at once: as many as log.after answers unasked


def rows() -> Iterator[Row]:
    empty()
    mine, theirs = ours.purchase(EVENTS), library.purchase(EVENTS)
    ours.app.record(mine)
    app = library.application()
    app.save(theirs)
    app.close()
    copies("eventstore_event", mine.id, STREAMS - 1)
    copies("peer_events", theirs.id, STREAMS - 1)
    settle()
    sides = {"ours": by_us, "library": by_library, "rows of psycopg, not decoded": undecoded}
    found = in_turn({name: partial(rate, make) for name, make in sides.items()})
    yield Row(f"read {STREAMS * EVENTS:,} events in order", found, {"library": 2.0}, "events/s")


def by_us(i: int) -> Work:
    def work() -> int:
        position, number = 0, 0
        while found := log.after(position, limit=AT_ONCE):
            mapper.to_domain_events(found)
            position, number = found[-1].position, number + len(found)
        assert number == STREAMS * EVENTS
        return number

    return work


def by_library(i: int) -> Work:
    app = library.application()

    def work() -> int:
        position, number = 0, 0
        while found := app.recorder.select_notifications(position, AT_ONCE, inclusive_of_start=False):
            for notification in found:
                app.mapper.to_domain_event(notification)
            position, number = found[-1].id, number + len(found)
        assert number == STREAMS * EVENTS
        return number

    return work


def undecoded(i: int) -> Work:
    query = f"select {COLUMNS} from eventstore_event where position > %s order by position limit {AT_ONCE}"

    def work() -> int:
        position, number = 0, 0
        while found := fetched(query, position):
            position, number = found[-1][0], number + len(found)
        return number

    return work
