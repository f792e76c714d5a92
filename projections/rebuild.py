"""The tables of a projection built anew beside the live ones, compared with them, and put in their place."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

from django.db import InternalError, transaction

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from projections import shadow
from projections.compare import Compared, compare
from projections.engine import TROUBLE, apply, no_collection, read
from projections.lease import Lease, take
from projections.models import Checkpoint
from projections.progress import Report, silent
from projections.projection import Projection

BATCH = 50_000  # events
LEASE = 3600.0  # seconds: an index may take long; whoever is killed is replaced at once all the same
TAKEN = ("55P03", "40P01")  # SQLSTATE: a lock was not had in time; a deadlock
DEPENDS = "2BP01"  # a view, or somebody's foreign key
PATIENCE = 60.0  # seconds, for a moment in which the live tables can be had


class Refused(Exception):
    """The live tables stay as they are."""


class Different(Refused):
    """At the same position, the rows built from the log are not the live ones."""

    def __init__(self, projection: Projection, found: list[Compared]) -> None:
        differing = "\n".join(f"  {each}" for each in found if each.differing)
        super().__init__(f"{projection.name}: its tables do not hold the rows that the log makes now.\n{differing}")
        self.found = found


class Rebuilt(NamedTuple):
    position: int
    events: int
    compared: list[Compared]  # empty: changes were expected
    swap_seconds: float  # in which readers waited


def rebuild(projection: Projection, *, expect_changes: bool = False, report: Report = silent) -> Rebuilt:
    """Build, catch up, compare, swap. Readers never notice; writers of the live tables wait while they are compared.

    Changes are expected, too, where the projection's ``version`` has risen. Different: rows differ, and nobody said
    that they should. Refused: it is being rebuilt already, or somebody never lets go of the live tables. EventFailed:
    a handler fails.
    """
    stood = Checkpoint.objects.filter(name=projection.name).first()
    comparing = not expect_changes and stood is not None and stood.position > 0 and stood.version >= projection.version
    goal = partial(_position, projection) if comparing else log.horizon
    with _shadow(projection) as lease:
        events = _build(lease, goal, report)
        report(projection.name, "indexing", lease.position, lease.position, 0)
        shadow.finish(projection)
        events += _build(lease, goal, report)  # what came meanwhile, so that the pause is short
        with _paused(projection) as live:
            events += _build(lease, goal, report)
            compared = []
            if comparing:
                report(projection.name, "comparing", lease.position, lease.position, 0)
                compared = compare(projection, lease.schema)
                if any(each.differing for each in compared):
                    raise Different(projection, compared)
            report(projection.name, "swapping", lease.position, lease.position, 0)
            return Rebuilt(lease.position, events, compared, _swap(projection, lease, live))


def verify(projection: Projection, *, report: Report = silent) -> list[Compared]:
    """Build its tables anew, compare, and throw them away. Refused and EventFailed as above."""
    goal = partial(_position, projection)
    with _shadow(projection) as lease:
        events = _build(lease, goal, report)
        with _paused(projection):
            events += _build(lease, goal, report)
            report(projection.name, "comparing", lease.position, lease.position, 0)
            return compare(projection, lease.schema)


@contextmanager
def _shadow(projection: Projection) -> Iterator[Lease]:
    """Empty tables beside the live ones, and the right to fill them. What a killed rebuild left is thrown away."""
    schema = shadow.schema(projection)
    taken = take([projection], seconds=LEASE, schema=schema)
    if not taken:
        raise Refused(f"{projection.name} is being rebuilt already, by {_holder(shadow.checkpoint(projection))}.")
    lease = taken[0]
    mine = Checkpoint.objects.filter(name=lease.name, epoch=lease.epoch)
    try:
        mine.update(position=0)
        lease.position = 0
        shadow.create(projection)
        yield lease
    finally:
        with suppress(*TROUBLE):
            if mine.exists():
                shadow.drop(projection)
                mine.delete()


@contextmanager
def _paused(projection: Projection) -> Iterator[Lease]:
    """The right to move the live tables: nobody else does."""
    until = time.monotonic() + PATIENCE
    while not (taken := take([projection], seconds=LEASE)):
        if time.monotonic() > until:
            raise Refused(f"{projection.name} is being advanced by {_holder(projection.name)}: let it catch up first.")
        time.sleep(0.01)
    try:
        yield taken[0]
    finally:
        with suppress(*TROUBLE):
            taken[0].release()


def _build(lease: Lease, goal: Callable[[], int], report: Report) -> int:
    """Apply the log up to ``goal``, which may move on meanwhile; answers how many events."""
    count = 0
    if lease.position == 0:
        report(lease.projection.name, "building", 0, goal(), 0)
    while lease.position < (end := goal()):
        with no_collection():
            events, to = read([lease], end, BATCH)
            apply(lease, events, to)
        count += len(events)
        report(lease.projection.name, "building", to, end, len(events))
    return count


def _swap(projection: Projection, lease: Lease, live: Lease) -> float:
    """One short transaction; answers its seconds.

    Readers queue behind a lock that waits: so it waits briefly, and again.
    """
    until, patience = time.monotonic() + PATIENCE, 0.1
    while True:
        started = time.monotonic()
        try:
            with transaction.atomic(), log_cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience}s"])
                lease.move(cursor, lease.position)  # LeaseLost: these tables are another rebuild's
                live.move(cursor, lease.position, release=True)
                Checkpoint.objects.filter(name=projection.name).update(version=projection.version)
                shadow.swap(projection)
            return time.monotonic() - started
        except (InternalError, *TROUBLE) as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state == DEPENDS:
                raise Refused(f"{projection.name}: {error}") from error
            if state not in TAKEN:
                raise
            if time.monotonic() > until:
                raise Refused(f"{projection.name}: somebody reads its tables without end: {error}") from error
            time.sleep(patience)
            patience = min(2.0, patience * 1.3)  # longer than a second is what an autovacuum makes way for


def _position(projection: Projection) -> int:
    return Checkpoint.objects.filter(name=projection.name).values_list("position", flat=True).first() or 0


def _holder(name: str) -> str:
    return Checkpoint.objects.filter(name=name).values_list("holder", flat=True).first() or "another"
