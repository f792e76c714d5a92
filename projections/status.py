"""Where every projection stands."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min
from django.utils import timezone

from eventstore import log
from eventstore.models import Event
from projections import shadow
from projections.models import Checkpoint
from projections.projection import Projection


class Status(NamedTuple):
    """One projection. Behind is what it has not seen of what it handles."""

    name: str
    version: int
    built_version: int  # lower: its tables are to be rebuilt
    position: int
    behind_events: int
    behind_seconds: float  # since the first of them was recorded
    holder: str  # host and process, while its lease is held
    leased_until: datetime | None
    error: str
    error_position: int | None
    error_since: datetime | None
    rebuilding: int | None  # the position that a rebuild has come to


def statuses(projections: Iterable[Projection]) -> list[Status]:
    end = log.horizon()
    checkpoints = Checkpoint.objects.in_bulk()
    return [_status(projection, checkpoints, end) for projection in sorted(projections, key=lambda each: each.name)]


def _status(projection: Projection, checkpoints: dict[str, Checkpoint], end: int) -> Status:
    stands = checkpoints.get(projection.name) or Checkpoint(
        version=projection.version, position=0, holder="", error="", error_since=None
    )
    rebuilt = checkpoints.get(shadow.checkpoint(projection))
    missed = Event.objects.filter(position__gt=stands.position, position__lte=end, name__in=projection.handlers)
    behind = missed.aggregate(count=Count("*"), since=Min("recorded_at")) if stands.position < end else {}
    return Status(
        projection.name,
        projection.version,
        stands.version,
        stands.position,
        behind.get("count", 0),
        max(0.0, (timezone.now() - behind["since"]).total_seconds()) if behind.get("count") else 0.0,
        stands.holder if stands.leased_until else "",
        stands.leased_until,
        stands.error,
        stands.error_position,
        stands.error_since,
        rebuilt.position if rebuilt else None,
    )
