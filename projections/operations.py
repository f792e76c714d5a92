"""What operators do to projections and policies, from whichever door: the command, the admin, the API."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from eventstore.log import horizon
from eventstore.persistence import cursor as log_cursor
from projections import history
from projections.lease import begin, hold
from projections.models import Checkpoint, Errand, HistoryEpoch, Parked
from projections.projection import Policy

KINDS = {"rebuild": "rebuilt", "verify": "verified", "dry_run": "rehearsed", "replay": "replayed"}  # of errands


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
    paused = _live(subscriber).exclude(paused_at=None)
    now = timezone.now()  # it could not move before: nobody is to be told that it has stood still
    if not paused.update(paused_at=None, paused_by="", pause_reason="", updated_at=now):
        raise Refused(f"{subscriber.name} is not paused.")


def ask(projection: Any, kind: str, *, by: str, **options: Any) -> None:
    """Have the workers do something long with it, in steps: an errand. Refused: it cannot be done, or is asked for."""
    refuse_policy(projection)
    word = KINDS[kind]
    live = _live(projection)
    if not live.exists():
        raise Refused(f"{projection.name} has never run: there is nothing that could be {word}.")
    if kind == "replay" and live.exclude(paused_at=None).exists():
        raise Refused(f"{projection.name} is paused: its tables would stay empty. Let it go on first.")
    fresh = {"options": options, "asked_at": timezone.now(), "asked_by": by}
    fresh |= {"begun_at": None, "ended_at": None, "refused": "", "found": {}}
    errand, made = Errand.objects.get_or_create(projection=projection.name, kind=kind, defaults=fresh)
    if not made and not Errand.objects.filter(pk=errand.pk).exclude(ended_at=None).update(**fresh):
        raise Refused(
            f"{projection.name} is to be {word} already: {errand.asked_by} asked at {errand.asked_at:%H:%M:%S} UTC."
        )
    if kind == "rebuild":
        live.update(refused_version=None, refused_why="")


def end(
    projection: Any,
    kind: str,
    *,
    errand: Errand | None = None,
    by: str = "",
    refused: str = "",
    found: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Note what came of ``errand``; or of the same, done at once ``by`` somebody: not over one that is to come."""
    what: dict[str, Any] = {"refused": refused, "found": found or {}, "ended_at": timezone.now()}
    if errand is not None:
        Errand.objects.filter(pk=errand.pk, asked_at=errand.asked_at).update(**what)
        return
    of_this = Errand.objects.filter(projection=projection.name, kind=kind)
    if not of_this.filter(ended_at=None).exists():
        what |= {"options": options, "asked_by": by, "asked_at": timezone.now(), "begun_at": None}
        Errand.objects.update_or_create(projection=projection.name, kind=kind, defaults=what)


def replay(projection: Any) -> int:
    """Empty its tables and let it see the log again from the first event; answers how many rows went.

    Readers see them fill: ``rebuild`` is what they do not notice. Skipped events stay skipped. Refused: a policy, or
    one that is paused, whose tables would stay empty.
    """
    refuse_policy(projection)
    tables = [model._meta.db_table for model in projection.tables]
    with hold(projection) as leases, transaction.atomic(), connection.cursor() as cursor, log_cursor() as log:
        if _live(projection).exclude(paused_at=None).exists():
            raise Refused(f"{projection.name} is paused: its tables would stay empty. Let it go on first.")
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
        Errand.objects.filter(projection=projection.name, kind="verify").exclude(ended_at=None).delete()
        marks = {"version": projection.version, "refused_version": None, "refused_why": "", "differing": 0}
        _live(projection).update(begun_at=timezone.now(), begun_position=0, goal=horizon(), **marks)
    return count


def refuse_policy(projection: Any) -> None:
    if isinstance(projection, Policy):
        raise Refused(f"{projection.name} is a policy: what it did, it did, and is not done again.")


def _live(subscriber: Any) -> Any:
    return Checkpoint.objects.filter(projection=subscriber.name, schema="")
