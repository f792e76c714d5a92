"""Events that could not be applied: parked with all later ones of their stream, tried again, or skipped.

Everything else goes on. Where each row is made of one stream alone, parked events are applied in their order when they
are tried again, and the rows are as if nothing had been. Where rows are made of several streams, the order between
those is lost: there the tables are built anew beside the live ones, and put in their place.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from eventstore import log
from eventstore.log import Recorded
from eventstore.persistence import cursor as log_cursor
from projections.lease import Lease, LeaseLost, hold
from projections.models import Checkpoint, HistoryEpoch, Parked
from projections.projection import Policy
from projections.trouble import of_the_moment

LIMIT = 1_000  # failing events of one projection: where there are more, it is not the events


class TooManyParked(Exception):
    """So many events fail that the projection itself must be at fault: it stops."""


class NotParked(LookupError):
    """No such event is parked."""


class Retried(NamedTuple):
    applied: int  # events
    parked: int  # still
    rebuilt: bool  # since its rows are made of several streams
    errors: list[str]


def park(lease: Lease, events: Sequence[Recorded], error: str = "") -> None:
    """In the transaction that moves the checkpoint past ``events``. Without an ``error`` they wait for earlier ones."""
    name = lease.projection.name
    Parked.objects.bulk_create(
        Parked(projection=name, position=e.position, stream_id=e.stream_id, name=e.name, error=error) for e in events
    )
    if error and waiting(name).exclude(error="").count() > LIMIT:
        raise TooManyParked(f"{name}: more than {LIMIT:,} events fail; the last: {error}")


def waiting(name: str) -> Any:
    """What is parked and not skipped, in order."""
    return Parked.objects.filter(projection=name, skipped_at=None).order_by("position")


def retry(projection: Any, stream_id: UUID | None = None) -> Retried:
    """Apply what is parked (of that stream), in order; what fails again stays, with all that follows it.

    NotParked: nothing is. Refused: another worker never lets go of it; or its tables must be built anew, and cannot be.
    """
    from projections.engine import no_collection
    from projections.rebuild import rebuild

    parked = waiting(projection.name)
    chosen = parked.filter(stream_id=stream_id) if stream_id else parked
    if not (before := chosen.count()):
        raise NotParked(f"{projection.name} has nothing parked" + (f" of stream {stream_id}." if stream_id else "."))
    if not _in_place(projection):
        rebuild(projection, expect_changes=True)
        return Retried(before, parked.count(), True, [])
    errors: dict[UUID, str] = {}  # by stream: with the first that fails, it ends
    with hold(projection) as leases, no_collection():
        for entry in chosen.all():  # a copy: to count what is left, it is asked again
            lease = next(lease for lease in leases if lease.part.holds(entry.stream_id))
            if entry.stream_id not in errors and (error := _apply(lease, entry)):
                errors[entry.stream_id] = error
    return Retried(before - chosen.count(), parked.count(), False, list(errors.values()))


def _in_place(projection: Any) -> bool:
    """Whether what is parked can be applied late, and nobody can tell."""
    if isinstance(projection, Policy):
        return True
    first = waiting(projection.name).values_list("position", flat=True).first() or 0
    tables = [model._meta.db_table for model in projection.tables]
    history_is_older = HistoryEpoch.objects.filter(table__in=tables, schema="", start__gte=first).exists()
    return projection.by_stream and not history_is_older


def _apply(lease: Lease, entry: Parked) -> str:
    """In a commit of its own; answers why it cannot be applied, if so."""
    from projections.engine import fold

    try:
        with transaction.atomic(), log_cursor() as cursor:
            lease.move(cursor, lease.position)
            Parked.objects.filter(pk=entry.pk).delete()
            fold(lease, log.at([entry.position]), lease.position, cursor)
    except Exception as error:
        if of_the_moment(error) or isinstance(error, LeaseLost):
            raise
        Parked.objects.filter(pk=entry.pk).update(error=str(error), tries=F("tries") + 1)
        return str(error)
    return ""


def skip(projection: Any, position: int, *, by: str, reason: str) -> None:
    """Leave the event at ``position`` out for ever, also of a rebuild. ValueError: no reason; NotParked: it is not."""
    if not reason.strip():
        raise ValueError("Expected a reason why it is left out, found none.")
    mark = {"skipped_at": timezone.now(), "skipped_by": by, "skip_reason": reason}
    with transaction.atomic():
        if waiting(projection.name).filter(position=position).update(**mark):
            return
        stopped = Checkpoint.objects.filter(projection=projection.name, schema="", error_position=position).first()
        if stopped is None:
            raise NotParked(f"{projection.name} has no event parked at position {position}.")
        (event,) = log.at([position])
        Parked.objects.create(
            projection=projection.name,
            position=position,
            stream_id=event.stream_id,
            name=event.name,
            error=stopped.error,
            **mark,
        )


def unskip(projection: Any, position: int) -> None:
    """Undo ``skip``: the event is parked again, to be tried. NotParked: it was not skipped."""
    skipped = Parked.objects.filter(projection=projection.name, position=position).exclude(skipped_at=None)
    if not skipped.update(skipped_at=None, skipped_by="", skip_reason=""):
        raise NotParked(f"{projection.name} has no event skipped at position {position}.")
