"""One object as of an instant, 100 events, against loading it now; as of the middle of them too."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from bench import ours
from bench.common import Row, Work, empty, in_turn, rate, settle
from eventstore import application, history, snapshots

EVENTS = 100
WITHIN = 1 / 1.5  # at most 1.5 × as long


def rows() -> Iterator[Row]:
    for snapshot in (False, True):
        empty()
        purchase = stored()
        if snapshot:
            snapshots.take(application.load(purchase))
        entries = history.of(purchase)
        settle()
        last, middle = (str(entries[n].recorded_at) for n in (-1, EVENTS // 2))
        sides = {
            "as of the last event": partial(rate, partial(past, purchase, last)),
            "loading it now": partial(rate, partial(now, purchase)),
            "as of its middle": partial(rate, partial(past, purchase, middle)),
        }
        kept = "a snapshot" if snapshot else "no snapshot"
        yield Row(f"one object as of an instant, {kept}", in_turn(sides), {"loading it now": WITHIN})


def stored() -> UUID:
    """A purchase whose events were recorded one after the other."""
    purchase = ours.purchase(1)
    ours.app.record(purchase)
    for _ in range(EVENTS - 1):
        purchase.add(ours.TEA)
        ours.app.record(purchase)
    return purchase.id


def past(purchase: UUID, instant: str, i: int) -> Work:
    def work() -> None:
        history.at(purchase, history.moment(instant))

    return work


def now(purchase: UUID, i: int) -> Work:
    def work() -> None:
        ours.app.repository.get(purchase)

    return work
