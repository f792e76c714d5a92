"""What operators do to projections and policies, from whichever door: the command, the admin, the API."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from eventstore.persistence import cursor as log_cursor
from projections import history
from projections.lease import begin, hold
from projections.models import Checkpoint, HistoryEpoch, Parked
from projections.projection import Policy


class Refused(Exception):
    """It is not done, and nothing has changed; the text says why."""


def pause(subscriber: Any, *, by: str, reason: str) -> None:
    """Nobody moves it until ``resume``: a batch under way is the last. Refused: no reason, or it is paused already."""
    if not reason.strip():
        raise Refused("Expected a reason for the pause, found none.")
    begin(subscriber)
    live = _live(subscriber)
    if live.exclude(paused_at=None).exists():
        raise Refused(f"{subscriber.name} is paused already.")
    live.update(paused_at=timezone.now(), paused_by=by, pause_reason=reason)


def resume(subscriber: Any) -> None:
    """Let it go on where it was. Refused: it is not paused."""
    if not _live(subscriber).exclude(paused_at=None).update(paused_at=None, paused_by="", pause_reason=""):
        raise Refused(f"{subscriber.name} is not paused.")


def ask_rebuild(projection: Any, *, by: str, expect_changes: bool = False) -> None:
    """Have the workers build its tables anew. Refused: it is a policy, or somebody asked already."""
    if isinstance(projection, Policy):
        raise Refused(f"{projection.name} is a policy: what it did, it did, and is not done again.")
    asked = {
        "rebuild_asked_at": timezone.now(),
        "rebuild_asked_by": by,
        "rebuild_expects_changes": expect_changes,
        "refused_version": None,
        "refused_why": "",
    }
    if not _live(projection).filter(rebuild_asked_at=None).update(**asked):
        raise Refused(f"{projection.name} is to be rebuilt already, or has never run.")


def replay(projection: Any) -> int:
    """Empty its tables and let it see the log again from the first event; answers how many rows went.

    Readers see them fill: ``rebuild`` is what they do not notice. Skipped events stay skipped. Refused: a policy.
    """
    if isinstance(projection, Policy):
        raise Refused(f"{projection.name} is a policy: what it did, it did, and is not done again.")
    tables = [model._meta.db_table for model in projection.tables]
    with hold(projection) as leases, transaction.atomic(), connection.cursor() as cursor, log_cursor() as log:
        for lease in leases:
            lease.move(log, 0, release=True)
        count = 0
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            count += cursor.fetchone()[0]
        every = ", ".join(f'"{table}"' for table in (*tables, *history.tables(projection)))
        cursor.execute(f"TRUNCATE {every}")
        HistoryEpoch.objects.filter(table__in=tables, schema="").delete()
        Parked.objects.filter(projection=projection.name, skipped_at=None).delete()
        _live(projection).update(version=projection.version, refused_version=None, refused_why="")
    return count


def _live(subscriber: Any) -> Any:
    return Checkpoint.objects.filter(projection=subscriber.name, schema="")
