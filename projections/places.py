"""Which tables are the live ones: new ones take their place, the old are kept for a while, and can come back.

Each change is one short transaction. Old tables see no later event, and so no later erasure: they are kept for a day.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import InternalError, transaction
from django.utils import timezone

from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from projections import shadow
from projections.lease import CUT, Busy, Lease, checkpoint, hold, tag
from projections.models import Checkpoint, Errand, HistoryEpoch, Parked
from projections.operations import Refused
from projections.others import named, others
from projections.projection import Projection, part, parts
from projections.trouble import TROUBLE, sqlstate

PATIENCE = 60.0  # seconds, for a moment in which the live tables can be had
WAIT = 0.5  # seconds, at most, that readers queue behind a swap that waits for others
FROZEN = "2s"  # until the server ends a swap that has its locks, and says nothing more
VACUUM = "10s"  # until an autovacuum has made way
KEEP_OLD = timedelta(days=1)
BEGINNING = timedelta(minutes=1)  # in which whoever has made a checkpoint takes its lease
TAKEN = ("55P03", "40P01")  # SQLSTATE: a lock was not had in time; a deadlock

LEFT_BEHIND = """
    SELECT name FROM projections_checkpoint WHERE schema <> '' AND (leased_until IS NULL
        OR leased_until <= statement_timestamp() OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend))"""

Stand = tuple[int, int, int]  # a part's bounds, and its position


class NotNow(Refused):
    """Others are in the way; what was built is kept, and asking again goes on from there."""


def swap(lease: Lease, live: Sequence[Lease]) -> float:
    """Put the tables that ``lease`` has built in the place of the ``live`` ones; answers in how many seconds.

    What was parked has been applied. Readers queue behind a lock that waits: so it waits briefly, and again. Refused:
    something depends on the live tables; NotNow: somebody never lets go of them.
    """
    projection: Projection = lease.projection

    def change() -> None:
        with log_cursor() as cursor:
            lease.move(cursor, lease.position)  # LeaseLost: these tables are another rebuild's
            for each in live:
                each.move(cursor, each.position)
        stands = [(*part, lease.position) for part in parts(projection.partitions)]
        _exchange(projection, lease.schema, stands, projection.version)

    return _in_a_moment(projection, change)


def go_back(projection: Projection, *, by: str = "somebody", even_so: bool = False) -> int:
    """Put the tables that were kept at the last swap in the place of the live ones; those are kept in turn.

    Answers the position that they stand at: they catch up by themselves. If they are of a lower version than this code,
    its own will not be built by itself. Refused: none are kept, or they are of other columns; or there are ``doubts``
    about them, unless ``even_so``.
    """
    kept, back = shadow.old(projection), f"back_{projection.name}"
    if not _of(projection, kept):
        raise Refused(f"No old tables of {projection.name} are kept: there is nothing to go back to.")
    if not even_so and (why := doubts(projection)):
        raise Refused(f"{why} Nothing was changed: go back even so, if these are the rows that you want.")
    if difference := shadow.difference(projection, kept):
        raise Refused(f"The old tables of {projection.name} are not those that this code reads: {difference}.")
    stands: list[Stand] = []

    def change() -> None:
        found = list(_of(projection, kept).select_for_update())
        if not found:
            raise Refused(f"The old tables of {projection.name} were thrown away just now.")
        stands[:] = [(each.low, each.high, each.position) for each in found]
        shadow.rename(projection, kept, back)
        parked = Parked.objects.filter(projection=checkpoint(projection.name, kept))
        parked.update(projection=checkpoint(projection.name, back))
        for each in live:
            with log_cursor() as cursor:
                each.move(cursor, each.position)
        marks: dict[str, Any] = _known(found[0])
        if (version := found[0].version) < projection.version:
            why = f"{by} went back from it to version {version}."
            marks |= {"refused_version": projection.version, "refused_why": why}
        _exchange(projection, back, stands, version, **marks)

    try:
        with hold(projection) as live:
            _in_a_moment(projection, change)
    except Busy as error:
        raise NotNow(str(error)) from error
    return min(position for _, _, position in stands)


def doubts(projection: Projection) -> str:
    """What is known to be wrong with the rows that are kept; empty: nothing."""
    kept = _of(projection, shadow.old(projection)).first()
    if kept is None or not kept.differing:
        return ""
    return (
        f"Of the old rows of {projection.name}, {kept.differing:,} were not what the log makes of it, when they were "
        f"compared at {kept.compared_at:%Y-%m-%d %H:%M:%S} UTC."
    )


def drop_old(projection: Projection) -> bool:
    """Throw away the tables that were kept at the last swap; answers whether there were any."""
    kept = bool(_of(projection, shadow.old(projection)).exists())
    throw_away(projection.name, shadow.old(projection))
    return kept


def abandon(projection: Projection, *, by: str = "somebody") -> bool:
    """Throw away what was built for a rebuild or to be compared, also under the hands of whoever builds it.

    What was asked of the workers is not done, and a higher version not built by itself. Answers whether there was any.
    """
    why = f"Abandoned by {by}."
    waiting = Errand.objects.filter(projection=projection.name, ended_at=None).exclude(kind="replay")
    ended = waiting.update(ended_at=timezone.now(), refused=why)
    older = _of(projection, "").filter(version__lt=projection.version)
    ended += older.exclude(refused_version=projection.version).update(
        refused_version=projection.version, refused_why=why
    )
    schemas = (shadow.schema(projection), shadow.rehearsal(projection))
    built = Checkpoint.objects.filter(projection=projection.name, schema__in=schemas).exists()
    for schema in schemas:
        throw_away(projection.name, schema)
    return built or bool(ended)


def drop_expired() -> list[str]:
    """Throw away what nobody needs, or goes on with; answers the names of its schemas.

    That are old tables, and half-built ones, after ``KEEP_OLD``; and those that were built to be compared by somebody
    who is gone.
    """
    now = timezone.now()
    found = Checkpoint.objects.exclude(schema="").values_list("projection", "schema", "updated_at", "name")
    left = {name for (name,) in rows(LEFT_BEHIND)}
    dropped = []
    for projection, schema in sorted({(projection, schema) for projection, schema, *_ in found}):
        late = now - (BEGINNING if schema.startswith("verify_") else KEEP_OLD)
        mine = [(updated_at, name) for p, s, updated_at, name in found if (p, s) == (projection, schema)]
        if all(updated_at < late and name in left for updated_at, name in mine):
            throw_away(projection, schema)
            dropped.append(schema)
    return dropped


def throw_away(projection: str, schema: str) -> None:
    """Whoever is building there finds that its lease is gone."""
    found = Checkpoint.objects.filter(projection=projection, schema=schema)
    rows(CUT, [tag(name, epoch) for name, epoch in found.values_list("name", "epoch")])
    with transaction.atomic():
        found.delete()  # first: it is what a batch under way has locked
        HistoryEpoch.objects.filter(schema=schema).delete()
        Parked.objects.filter(projection=checkpoint(projection, schema)).delete()
        shadow.drop(schema)


def _in_a_moment(projection: Projection, change: Callable[[], None]) -> float:
    until, wait = time.monotonic() + PATIENCE, 0.1
    while True:
        try:
            with transaction.atomic():
                with log_cursor() as cursor:
                    # An autovacuum makes way for who has waited a second: before anybody queues behind this.
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [VACUUM])
                    shadow.keep_vacuum_out(projection)
                    started = time.monotonic()
                    cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [FROZEN])
                    one = wait / len(shadow.tables(projection))  # it holds the first while it waits for the next
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{one}s"])
                change()
            return time.monotonic() - started
        except (InternalError, *TROUBLE) as error:
            if sqlstate(error) not in TAKEN:
                raise
            if time.monotonic() > until:
                raise held_up(projection) from error
            time.sleep(wait)
            wait = min(WAIT, wait * 1.3)


def held_up(projection: Projection) -> NotNow:
    found = others(projection)
    by = f": {named(found)}, for {found[0].age.total_seconds():,.0f} s" if found else ""
    return NotNow(f"{projection.name}: others hold its tables without end{by}. What was built is kept; ask again.")


def _exchange(projection: Projection, schema: str, stands: Iterable[Stand], version: int, **marks: Any) -> None:
    """In a transaction: tables, history, checkpoints and what is parked."""
    name, kept = projection.name, shadow.old(projection)
    if why := shadow.dependent(projection):
        raise Refused(f"{name}: {why}.")
    shadow.exchange(projection, schema)
    found = list(_of(projection, "").select_for_update().order_by("name"))
    Checkpoint.objects.filter(projection=name, schema__in=["", schema, kept]).delete()
    Errand.objects.filter(projection=name, kind="rebuild", ended_at=None).update(ended_at=timezone.now())
    Errand.objects.filter(projection=name, kind="verify").exclude(ended_at=None).delete()  # those rows are live no more
    epoch = max(each.epoch for each in found) + 1  # higher than any that somebody may still believe in
    marks |= {word: getattr(found[0], word) for word in ("paused_at", "paused_by", "pause_reason")}
    _stand(projection, "", stands, version=version, epoch=epoch, **marks)
    were = [(each.low, each.high, each.position) for each in found]
    _stand(projection, kept, were, version=found[0].version, **_known(found[0]))
    parked = Parked.objects.filter(projection=name, skipped_at=None)
    skipped = Parked.objects.filter(projection=name).exclude(skipped_at=None).values_list("position", flat=True)
    Parked.objects.filter(projection=checkpoint(name, kept)).delete()
    parked.update(projection=checkpoint(name, kept))
    back = Parked.objects.filter(projection=checkpoint(name, schema))
    back.filter(position__in=list(skipped)).delete()
    back.update(projection=name)


def _stand(projection: Projection, schema: str, stands: Iterable[Stand], **words: Any) -> None:
    Checkpoint.objects.bulk_create(
        Checkpoint(
            name=checkpoint(projection.name, schema, part(low, high)),
            projection=projection.name,
            schema=schema,
            low=low,
            high=high,
            position=position,
            **words,
        )
        for low, high, position in stands
    )


def _known(checkpoint: Checkpoint) -> dict[str, Any]:
    """What was found when its rows were compared."""
    return {"differing": checkpoint.differing, "compared_at": checkpoint.compared_at}


def _of(projection: Projection, schema: str) -> Any:
    return Checkpoint.objects.filter(projection=projection.name, schema=schema)
