"""What was parked, tried again: applied in its order, or built anew with all the rest."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from projections import history, marks
from projections.engine import fold, no_collection
from projections.lease import Lease, LeaseLost, hold
from projections.models import HistoryEpoch, Parked
from projections.parking import NotParked, waiting
from projections.projection import Policy
from projections.rebuild import rebuild
from projections.trouble import of_the_moment

# What was skipped, and is not any more, may have been overtaken by later events of its stream.
OVERTAKEN = """
    SELECT FROM projections_parked p JOIN eventstore_event e ON e.stream_id = p.stream_id AND e.position > p.position
    WHERE p.projection = %s AND p.skipped_at IS NULL AND e.name = ANY(%s)
        AND e.position <= (SELECT max(c.position) FROM projections_checkpoint c
                           WHERE c.projection = p.projection AND c.schema = '')
        AND NOT EXISTS (SELECT FROM projections_parked other
                        WHERE other.projection = p.projection AND other.position = e.position)
    LIMIT 1"""


class Retried(NamedTuple):
    applied: int  # events
    parked: int  # still
    rebuilt: bool  # since its rows are made of several streams
    errors: list[str]


def retry(projection: Any, stream_id: UUID | None = None) -> Retried:
    """Apply what is parked (of that stream), in order; what fails again stays, with all that follows it.

    NotParked: nothing is. Refused: another worker never lets go of it; or its tables must be built anew, and cannot be.
    """
    parked = waiting(projection.name)
    chosen = parked.filter(stream_id=stream_id) if stream_id else parked
    if not (before := chosen.count()):
        raise NotParked(f"{projection.name} has nothing parked" + (f" of stream {stream_id}." if stream_id else "."))
    if not in_place(projection):
        rebuild(projection, expect_changes=True)
        return Retried(before, parked.count(), True, [])
    errors: dict[UUID, str] = {}  # by stream: with the first that fails, it ends
    with hold(projection) as leases, no_collection():
        for entry in chosen.all():  # a copy: to count what is left, it is asked again
            lease = next(lease for lease in leases if lease.part.holds(entry.stream_id))
            if entry.stream_id not in errors and (error := _apply(lease, entry)):
                errors[entry.stream_id] = error
    return Retried(before - chosen.count(), parked.count(), False, list(errors.values()))


def in_place(projection: Any) -> bool:
    """Whether what is parked can be applied late, and nobody can tell."""
    if isinstance(projection, Policy):
        return True
    first = waiting(projection.name).values_list("position", flat=True).first() or 0
    tables = [model._meta.db_table for model in projection.tables]
    history_is_older = HistoryEpoch.objects.filter(table__in=tables, schema="", start__gte=first).exists()
    overtaken = bool(rows(OVERTAKEN, projection.name, log.all_names(projection.handlers)))
    return projection.by_stream and not history_is_older and not overtaken


def _apply(lease: Lease, entry: Parked) -> str:
    """In a commit of its own; answers why it cannot be applied, if so."""
    try:
        with transaction.atomic(), log_cursor() as cursor:
            lease.move(cursor, lease.position)
            Parked.objects.filter(pk=entry.pk).delete()
            fold(lease, log.at([entry.position]), lease.position, cursor)
            for each in [] if isinstance(lease.projection, Policy) else history.epochs(lease.projection):
                marks.forget(cursor, each, since=entry.position)
    except Exception as error:
        if of_the_moment(error) or isinstance(error, LeaseLost):
            raise
        Parked.objects.filter(pk=entry.pk).update(error=str(error), tries=F("tries") + 1)
        return str(error)
    return ""
