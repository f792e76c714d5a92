"""A projection built anew to be compared with the live one, and thrown away."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from projections import shadow
from projections.build import claim, fill
from projections.compare import Compared, compare
from projections.lease import Lease
from projections.live import allow, assure, held, parked_streams, position, remember
from projections.models import Checkpoint
from projections.operations import Refused
from projections.parking import waiting
from projections.places import NotNow, swap, throw_away
from projections.progress import Report, silent
from projections.projection import WHOLE, Part, Projection
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

    def told(self) -> dict[str, Any]:
        seconds = {"seconds": round(self.seconds, 1), "whole_seconds": round(self.whole_seconds, 1)}
        return {"position": self.position} | seconds | told(self.compared)


def told(compared: Sequence[Compared], *, heal: bool = False) -> dict[str, Any]:
    """In counts, columns and keys."""
    healed = sum(each.differing for each in compared) if heal else 0
    return {"healed": healed, "tables": [each.told() for each in compared]}


def dry_run(projection: Projection, *, sample: float = 1.0, report: Report = silent) -> Rehearsal:
    """What a rebuild would change. Refused: it cannot be built, or has no rows yet; EventFailed: a handler fails."""
    found = rehearse(projection, sample=sample, report=report)
    assert found is not None
    return found


def rehearse(
    projection: Projection,
    *,
    sample: float = 1.0,
    report: Report = silent,
    until: float = math.inf,
    restart: bool = True,
) -> Rehearsal | None:
    """The same as far as it comes until then: None, and on from there without ``restart``."""
    if not position(projection):
        raise Refused(f"{projection.name} has seen nothing yet: a rebuild would change nothing.")
    count, folding = 0, 0.0
    began = last = time.monotonic()

    def counted(name: str, doing: str, position: int, end: int, events: int) -> None:
        nonlocal count, folding, last
        count += events
        folding += time.monotonic() - last if events else 0.0  # since the batch before, or since it began
        last = time.monotonic()
        report(name, doing, position, end, events)

    with _rehearsed(projection, sample, counted, until=until, restart=restart) as found:
        if found is None:
            return None
        lease, live = found
        risen = any(each.version < projection.version for each in live)
        parked = parked_streams(projection) if risen else []
        compared = compare(projection, lease.schema, part=lease.part, declared=risen, parked=parked)
        assure(live)
        took = time.monotonic() - began
        share = (lease.part.high - lease.part.low) / 256
        whole = took + folding * (1 / share - 1)  # tables are made once, whatever the share
        return Rehearsal(projection.name, sample, lease.position, compared, count, took, whole)


def verify(
    projection: Projection, *, sample: float = 1.0, heal: bool = False, report: Report = silent
) -> list[Compared]:
    """Build its tables anew (or a ``sample`` of the streams), compare with the live rows, throw them away.

    With ``heal``, what was built takes the place of live tables that differ. Refused and EventFailed as above; Refused:
    events are parked.
    """
    found = check(projection, sample=sample, heal=heal, report=report)
    assert found is not None
    return found


def check(
    projection: Projection,
    *,
    sample: float = 1.0,
    heal: bool = False,
    report: Report = silent,
    until: float = math.inf,
    restart: bool = True,
) -> list[Compared] | None:
    """The same as far as it comes until then: None, and on from there without ``restart``."""
    refuse_part(projection, sample, heal)
    if parked := waiting(projection.name).count():
        raise Refused(f"{projection.name}: {parked:,} events are parked: retry or skip them first.")
    with _rehearsed(projection, sample, report, whole=heal, until=until, restart=restart) as found:
        if found is None:
            return None
        lease, live = found
        compared = compare(projection, lease.schema, part=lease.part)
        assure(live)
        remember(live, compared, whole=lease.part is WHOLE)
        if heal and any(each.differing for each in compared):
            report(projection.name, "swapping", lease.position, lease.position, 0)
            swap(lease, live)
        return compared


def refuse_part(projection: Projection, sample: float, heal: bool) -> None:
    """Refused: it cannot be built so."""
    if heal and sample < 1:
        raise Refused(f"{projection.name}: to heal builds all; a sample cannot take the place of the live tables.")
    allow(projection, sample=sample)


@contextmanager
def _rehearsed(
    projection: Projection, sample: float, report: Report, *, whole: bool = False, until: float, restart: bool
) -> Iterator[tuple[Lease, list[Lease]] | None]:
    """Tables that are built to be compared, up to where the live ones stand, which nobody moves meanwhile.

    None: it is ``until``; what was built is kept for a minute, for whoever goes on with it.
    """
    allow(projection, sample=sample)

    def goal() -> int:
        return position(projection)

    part = Part(0, max(1, round(256 * sample))) if sample < 1 else WHOLE
    try:
        lease = claim(projection, shadow.rehearsal(projection), restart=restart, part=part)
    except Refused as error:
        raise NotNow(str(error)) from error
    mine = Checkpoint.objects.filter(name=lease.name, epoch=lease.epoch)
    kept = False
    try:
        fill(lease, goal(), until=until, report=report)
        kept = time.monotonic() >= until and lease.position < goal()
        if whole and not kept:
            report(projection.name, "indexing", lease.position, lease.position, 0)
            kept = not shadow.finish(projection, lease.schema, until)
        if kept:
            yield None
            return
        fill(lease, goal(), report=report)  # what came meanwhile, so that the pause is short
        with held(lease, comparing=True) as live:
            fill(lease, goal(), report=report)
            report(projection.name, "comparing", lease.position, lease.position, 0)
            yield lease, live
    except NotNow:
        kept = until < math.inf
        raise
    finally:
        with suppress(*TROUBLE):
            if kept:
                lease.release()
            elif mine.exists():
                throw_away(projection.name, lease.schema)
