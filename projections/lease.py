"""The right to move a projection: a row with an epoch, taken for a while, and lost when someone else takes it.

No lock is held while it lasts. A checkpoint only moves by compare-and-set (``WHERE position = … AND epoch = …``), in
the commit that writes the rows: a worker that slept through the loss of its lease can write nothing.
"""

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from projections.projection import Projection

SECONDS = 30.0  # longer than any batch takes; a worker whose connection is gone is replaced at once
HOLDER = socket.gethostname()

SEE = """
    SELECT name, position, epoch, error <> '', CASE
        WHEN leased_until IS NULL THEN 'free'
        WHEN leased_until <= statement_timestamp()
            OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend) THEN 'abandoned'
        ELSE 'held' END
    FROM projections_checkpoint WHERE name = ANY(%s)"""
FIRST = """
    INSERT INTO projections_checkpoint (name, version) SELECT * FROM unnest(%s::text[], %s::int[])
    ON CONFLICT DO NOTHING RETURNING 1"""
# A worker frozen inside a transaction holds row locks, and inside COPY no timeout of the server ends it.
CUT = """
    SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
    WHERE application_name = ANY(%s) AND datname = current_database() AND pid <> pg_backend_pid()"""
TAKE = """
    UPDATE projections_checkpoint c SET epoch = c.epoch + 1, holder = %s, backend = pg_backend_pid(),
        leased_until = statement_timestamp() + %s * interval '1 second'
    FROM (SELECT name FROM projections_checkpoint JOIN unnest(%s::text[], %s::bigint[]) seen (name, epoch)
          USING (name, epoch) ORDER BY name FOR UPDATE OF projections_checkpoint SKIP LOCKED) free
    WHERE c.name = free.name RETURNING c.name, c.epoch, c.position, c.error <> ''"""
MOVE = """
    UPDATE projections_checkpoint c SET position = %(to)s, updated_at = statement_timestamp(),
        error = '', error_position = NULL, error_since = NULL,
        leased_until = CASE WHEN NOT %(release)s THEN statement_timestamp() + %(seconds)s * interval '1 second' END
    FROM unnest(%(names)s::text[], %(epochs)s::bigint[]) mine (name, epoch)
    WHERE c.name = mine.name AND c.epoch = mine.epoch AND c.position = %(position)s RETURNING c.name"""
RELEASE = "UPDATE projections_checkpoint SET leased_until = NULL WHERE name = %s AND epoch = %s RETURNING 1"
STOP = """
    UPDATE projections_checkpoint SET leased_until = NULL, error = %(error)s, error_position = %(at)s,
        error_since = CASE WHEN error <> '' AND error_position IS NOT DISTINCT FROM %(at)s
            THEN error_since ELSE statement_timestamp() END
    WHERE name = %(name)s AND epoch = %(epoch)s RETURNING error_since = statement_timestamp()"""


class LeaseLost(Exception):
    """Another worker holds the lease now; nothing of this batch was written."""


@dataclass(slots=True, eq=False)
class Lease:
    """One projection's, or (``name``) that of its shadow in ``schema``."""

    projection: Projection
    name: str
    epoch: int
    position: int
    failed: bool = False  # it stood still when the lease was taken
    seconds: float = SECONDS
    schema: str = ""  # of its tables; "": where all the others are

    @property
    def tag(self) -> str:
        return tag(self.name, self.epoch)

    def move(self, cursor: Cursor[Any], to: int, *, release: bool = False) -> None:
        """LeaseLost: it has no effect. ``position`` is for the caller to change, when this is committed."""
        cursor.execute(MOVE, _moving([self], to, release), prepare=True)
        if cursor.rowcount != 1:
            raise LeaseLost(f"{self.name} was to go from {self.position} to {to} in epoch {self.epoch}.")

    def release(self) -> None:
        rows(RELEASE, self.name, self.epoch)

    def stop(self, error: str, at: int | None) -> bool:
        """Release it with what keeps it from going on; answers whether that is news."""
        with log_cursor() as cursor:
            cursor.execute(STOP, {"error": error, "at": at, "name": self.name, "epoch": self.epoch})
            return bool((cursor.fetchone() or [False])[0])


def take(
    projections: Iterable[Projection],
    *,
    behind: int | None = None,
    failed: bool = True,
    seconds: float = SECONDS,
    schema: str = "",
) -> list[Lease]:
    """The leases that can be had: of those before position ``behind``; without ``failed``, of none that stopped."""
    wanted = {f"{each.name}{'/' * bool(schema)}{schema}": each for each in projections}
    seen = rows(SEE, list(wanted))
    if missing := sorted(wanted.keys() - {name for name, *_ in seen}):  # in one order: two workers never deadlock
        rows(FIRST, missing, [wanted[name].version for name in missing])
        seen = rows(SEE, list(wanted))
    open_ = [
        (name, epoch, state)
        for name, position, epoch, stopped, state in seen
        if state != "held" and (behind is None or position < behind) and (failed or not stopped)
    ]
    if abandoned := [tag(name, epoch) for name, epoch, state in open_ if state == "abandoned"]:
        rows(CUT, abandoned)
    if not open_:
        return []
    names, epochs, _ = zip(*open_, strict=True)
    holder = f"{HOLDER} {os.getpid()}"
    return [
        Lease(wanted[name], name, epoch, position, stopped, seconds, schema)
        for name, epoch, position, stopped in rows(TAKE, holder, seconds, list(names), list(epochs))
    ]


def move_all(leases: Sequence[Lease], to: int, *, release: bool) -> None:
    """Move leases that stand at one place over events that do not concern them. One that is lost stays as it is."""
    with log_cursor() as cursor:
        cursor.execute(MOVE, _moving(leases, to, release), prepare=True)
    for lease in leases:
        lease.position, lease.failed = to, False


def _moving(leases: Sequence[Lease], to: int, release: bool) -> dict[str, Any]:
    return {
        "names": [lease.name for lease in leases],
        "epochs": [lease.epoch for lease in leases],
        "position": leases[0].position,
        "seconds": leases[0].seconds,
        "release": release,
        "to": to,
    }


def tag(name: str, epoch: int) -> str:
    """The ``application_name`` of the transaction that writes a batch, by which a successor finds it."""
    return f"projections {epoch} {name}"[:63]
