"""A projection built anew to be compared with the live one, and thrown away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from projections import shadow
from projections.build import claim, fill
from projections.compare import Compared, compare
from projections.lease import Lease
from projections.live import allow, held, parked_streams, position
from projections.models import Checkpoint
from projections.operations import Refused
from projections.parking import waiting
from projections.places import swap, throw_away
from projections.progress import Report, silent
from projections.projection import Part, Projection
from projections.trouble import TROUBLE


class Rehearsal(NamedTuple):
    """What a rebuild would change, and how long it would take."""

    name: str
    sample: float
    position: int
    compared: list[Compared]
    events: int
    seconds: float
    whole_seconds: float  # about so many for all of it, by one worker

    def __str__(self) -> str:
        of = "" if self.sample == 1 else f" for {self.sample:.0%} of the streams"
        tables = "\n".join(f"  {each}" for each in self.compared)
        unexpected = sum(each.unexpected for each in self.compared)
        refused = (
            f"  {unexpected:,} of these differences are not declared: it would be refused.\n" if unexpected else ""
        )
        return (
            f"{self.name}: {self.events:,} events{of} folded in {self.seconds:,.1f} s, up to position "
            f"{self.position:,}; a rebuild by one worker takes about {self.whole_seconds:,.0f} s, and would change:\n"
            f"{tables}\n{refused}  Nothing was changed."
        )


def dry_run(projection: Projection, *, sample: float = 1.0, report: Report = silent) -> Rehearsal:
    """What a rebuild would change. Refused: it cannot be built, or has no rows yet; EventFailed: a handler fails."""
    if not position(projection):
        raise Refused(f"{projection.name} has seen nothing yet: a rebuild would change nothing.")
    began, count = time.monotonic(), 0

    def counted(name: str, doing: str, position: int, end: int, events: int) -> None:
        nonlocal count
        count += events
        report(name, doing, position, end, events)

    with _rehearsed(projection, sample, counted) as (lease, live):
        risen = any(each.version < projection.version for each in live)
        parked = parked_streams(projection) if risen else []
        compared = compare(projection, lease.schema, part=lease.part, declared=risen, parked=parked)
        took = time.monotonic() - began
        share = (lease.part.high - lease.part.low) / 256
        return Rehearsal(projection.name, sample, lease.position, compared, count, took, took / share)


def verify(
    projection: Projection, *, sample: float = 1.0, heal: bool = False, report: Report = silent
) -> list[Compared]:
    """Build its tables anew (or a ``sample`` of the streams), compare with the live rows, throw them away.

    With ``heal``, what was built takes the place of live tables that differ. Refused and EventFailed as above; Refused:
    events are parked.
    """
    if heal and sample < 1:
        raise Refused(f"{projection.name}: to heal builds all; a sample cannot take the place of the live tables.")
    if parked := waiting(projection.name).count():
        raise Refused(f"{projection.name}: {parked:,} events are parked: retry or skip them first.")
    with _rehearsed(projection, sample, report, whole=heal) as (lease, live):
        compared = compare(projection, lease.schema, part=lease.part)
        if heal and any(each.differing for each in compared):
            report(projection.name, "swapping", lease.position, lease.position, 0)
            swap(lease, live)
        return compared


@contextmanager
def _rehearsed(
    projection: Projection, sample: float, report: Report, *, whole: bool = False
) -> Iterator[tuple[Lease, list[Lease]]]:
    """Tables that are built to be compared, up to where the live ones stand, which nobody moves meanwhile."""
    allow(projection, sample=sample)

    def goal() -> int:
        return position(projection)

    lease = claim(projection, shadow.rehearsal(projection), restart=True)
    lease.part = Part(0, max(1, round(256 * sample))) if sample < 1 else lease.part
    mine = Checkpoint.objects.filter(name=lease.name, epoch=lease.epoch)
    try:
        fill(lease, goal, report=report)
        if whole:
            report(projection.name, "indexing", lease.position, lease.position, 0)
            shadow.finish(projection, lease.schema)
            fill(lease, goal, report=report)
        with held(lease, comparing=True) as live:
            fill(lease, goal, report=report)
            report(projection.name, "comparing", lease.position, lease.position, 0)
            yield lease, live
    finally:
        with suppress(*TROUBLE):
            if mine.exists():
                throw_away(projection.name, lease.schema)
