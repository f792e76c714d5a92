"""The live tables of a projection, while others are built beside them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import timezone

from eventstore.persistence import cursor as log_cursor
from projections import shadow
from projections.build import splits
from projections.compare import Compared, declared_columns
from projections.engine import BATCH, as_far_as_possible, no_collection, read
from projections.lease import Busy, Lease, LeaseLost, hold
from projections.models import Checkpoint
from projections.operations import Refused
from projections.parking import waiting
from projections.places import NotNow
from projections.projection import Policy, Projection
from projections.pulse import extended

HELD = 10.0  # seconds, again and again: whoever is frozen while it compares is replaced then


def allow(projection: Any, workers: int = 1, sample: float = 1.0) -> None:
    """Refused: it cannot be built so, or not be put in place. FieldDoesNotExist: it declares what there is not."""
    name = projection.name
    if isinstance(projection, Policy):
        raise Refused(f"{name} is a policy: what it did, it did, and is not done again.")
    if not 0 < sample <= 1:
        raise Refused(f"{name}: expected a sample of more than 0 and at most 1, found {sample:g}.")
    if (workers > 1 or sample < 1) and not splits(projection):
        what = "one worker alone builds it" if workers > 1 else "only the whole of it can be built"
        raise Refused(f"{name}: {what}. `splits_by` would say which column of each table holds a row's stream.")
    if not 1 <= workers <= 256:
        raise Refused(f"{name}: expected 1 to 256 workers, found {workers}.")
    if newer := [each.version for each in stands(projection) if each.version > projection.version]:
        raise Refused(f"{name} was built by code of version {max(newer)}, and this is {projection.version}.")
    if why := shadow.dependent(projection):
        raise Refused(f"{name}: {why}.")
    for model in projection.changes:
        declared_columns(projection, model)


@contextmanager
def held(lease: Lease, comparing: bool) -> Iterator[list[Lease]]:
    """All live leases of what ``lease`` builds: nobody else moves them. All at one position, if they are compared."""
    try:
        with hold(lease.projection, seconds=HELD) as live, extended(live):
            if comparing:
                end = max(lease.position, *(each.position for each in live))
                for each in live:
                    bring(each, end)
            yield live
    except Busy as error:
        raise NotNow(str(error)) from error


def assure(live: Sequence[Lease]) -> None:
    """What was compared stood still. LeaseLost: this process did, and others went on with the live tables."""
    try:
        with log_cursor() as cursor:
            for each in live:
                each.move(cursor, each.position)
    except LeaseLost as lost:
        raise LeaseLost(f"{lost} This process stood still for long, and another took its place: ask again.") from lost


def bring(live: Lease, end: int) -> None:
    while live.position < end:
        with no_collection():
            events, to = read([live], end, BATCH)
            as_far_as_possible(live, events, to, False)


def stands(projection: Any) -> Sequence[Checkpoint]:
    return list(Checkpoint.objects.filter(projection=projection.name, schema=""))


def position(projection: Projection) -> int:
    """The highest that any of its live parts has come to."""
    return max((each.position for each in stands(projection)), default=0)


def remember(live: Sequence[Lease], compared: Iterable[Compared], *, whole: bool = True) -> None:
    """Note with the live tables how many of their rows are not what the log makes: it is known until others are live.

    A look at some of them takes back no finding of a look at all.
    """
    found = sum(each.differing for each in compared)
    stands = Checkpoint.objects.filter(name__in=[each.name for each in live])
    stands = stands if whole else stands.filter(differing__lt=found)
    stands.update(differing=found, compared_at=timezone.now())


def parked_streams(projection: Projection) -> list[UUID]:
    return list(waiting(projection.name).values_list("stream_id", flat=True).order_by("stream_id").distinct())
