"""Events that could not be applied: parked with all later ones of their stream, tried again, or skipped.

Everything else goes on. Where each row is made of one stream alone, parked events are applied in their order when they
are tried again, and the rows are as if nothing had been. Where rows are made of several streams, the order between
those is lost: there the tables are built anew beside the live ones, and put in their place.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from eventstore import log
from eventstore.log import Recorded
from projections.lease import Lease
from projections.models import Checkpoint, Parked
from projections.operations import Refused

LIMIT = 1_000  # failing events of one projection: where there are more, it is not the events


class TooManyParked(Exception):
    """So many events fail that the projection itself must be at fault: it stops."""


class NotParked(LookupError):
    """No such event is parked."""


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


def skip(projection: Any, position: int, *, by: str, reason: str) -> None:
    """Leave the event at ``position`` out for ever, also of a rebuild. Refused: no reason; NotParked: it is not."""
    if not reason.strip():
        raise Refused("Expected a reason why it is left out, found none.")
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
