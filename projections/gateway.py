"""All at once: projections moved in the very transaction of a command, so that it answers when its rows are written.

What it costs: the command does the projections' work, and all that they have still to see. It waits until every append
that began before has ended. All commands that do so come one after the other, and hold back the horizon meanwhile. And
where a handler fails, or a projection is paused, the command fails. It is for where a row that is a moment old would be
wrong; where reading one's own write is enough, ``waiting`` is.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from projections.engine import BATCH, no_collection, read, write
from projections.lease import SKIPPED, Lease, begin, is_outdated
from projections.projection import Projection, known, part

PATIENCE = 3.0  # seconds, for earlier appends to end
GATE = "SELECT pg_advisory_xact_lock(79::bigint << 48)"
APPENDED = """
    SELECT max(position) FROM eventstore_event
    WHERE position > nullif(current_setting('eventstore.floor', true), '')::bigint"""
PARKED = """
    SELECT projection, stream_id FROM projections_parked WHERE projection = ANY(%s) AND skipped_at IS NULL
    AND position > nullif(current_setting('eventstore.floor', true), '')::bigint LIMIT 1"""
SEIZE = f"""
    UPDATE projections_checkpoint c SET epoch = c.epoch + 1, leased_until = NULL
    FROM (SELECT name FROM projections_checkpoint WHERE projection = ANY(%s) AND schema = ''
          ORDER BY name FOR UPDATE) mine
    WHERE c.name = mine.name
    RETURNING c.projection, c.name, c.epoch, c.position, c.low, c.high, c.version, c.refused_version,
        c.paused_at IS NOT NULL, {SKIPPED}"""


class NotMoved(Exception):
    """A projection cannot be moved in this transaction; nothing of it is to be committed."""


@contextmanager
def moved(*names: str) -> Iterator[None]:
    """When the block ends, the projections ``names`` have seen what was recorded in it; all are committed as one.

    Around ``record``, inside ``transaction.atomic()``. NotMoved, EventFailed: they cannot; roll back.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Expected a transaction around `moved`, found none: with transaction.atomic(), moved(…).")
    projections = {name: known()[name] for name in names}
    rows(f"{GATE}::text")  # before the append: two that have both appended would wait for each other
    yield
    ((position,),) = rows(APPENDED)
    if position is None:
        return
    _wait_for_earlier(position)
    with no_collection(), log_cursor() as cursor:
        for lease in _seize(projections):
            while lease.position < position:
                events, to = read([lease], position, BATCH)
                write(lease, [event for event in events if event.name in lease.projection.handlers], to, cursor)
                lease.position = to
        for name, stream_id in rows(PARKED, list(names)):
            raise NotMoved(f"{name} has parked stream {stream_id}: it would not have moved with the others.")


def hearing(event: str) -> list[str]:
    """The names of all projections that handle that event: what copies its facts. Policies act by themselves."""
    return sorted(name for name, each in known().items() if isinstance(each, Projection) and event in each.handlers)


def _wait_for_earlier(position: int) -> None:
    until, pause = time.monotonic() + PATIENCE, 0.001
    while log.horizon() < position:
        if time.monotonic() > until:
            holders = ", ".join(f"process {each.pid}, for {each.age}" for each in log.holders())
            raise NotMoved(f"Appends that began earlier have not ended within {PATIENCE:g} seconds: {holders}.")
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _seize(projections: dict[str, Any]) -> list[Lease]:
    """Their leases, whoever has them: locked, so that whoever is in the middle of a batch ends it first."""
    for each in projections.values():
        begin(each)
    found = rows(SEIZE, list(projections))
    leases = []
    for projection, name, epoch, position, low, high, version, refused, paused, left in found:
        mine = projections[projection]
        if paused or version > mine.version or is_outdated(mine, version, refused):
            why = "is paused" if paused else f"has tables of version {version}, and code of version {mine.version}"
            raise NotMoved(f"{projection} {why}.")
        skipped = frozenset(left or ())
        leases.append(Lease(mine, name, epoch, position, part=part(low, high), version=version, skipped=skipped))
    return leases
