"""The right to move a projection: a row with an epoch, taken for a while, and lost when someone else takes it.

No lock is held while it lasts. A checkpoint only moves by compare-and-set (``WHERE position = … AND epoch = …``), in
the commit that writes the rows: a worker that slept through the loss of its lease can write nothing.
"""

import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Cursor

from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from projections.projection import WHOLE, Part, Policy, Subscriber, part, parts
from projections.trouble import TROUBLE

SECONDS = 6.0  # longer than a batch takes; one that is frozen is replaced then, one whose connection is gone at once
HOLDER = socket.gethostname()
FIRST_BATCH = 1_000  # events
PATIENCE = 60.0  # seconds, for a moment in which nobody holds the lease

SEE = """
    SELECT projection, name, position, epoch, error <> '', paused_at IS NOT NULL, version, CASE
        WHEN leased_until IS NULL THEN 'free'
        WHEN leased_until <= statement_timestamp()
            OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend) THEN 'abandoned'
        ELSE 'held' END
    FROM projections_checkpoint WHERE projection = ANY(%s) AND schema = %s ORDER BY position, name"""
FIRST = """
    INSERT INTO projections_checkpoint (name, projection, schema, low, high, version, position, begun_position)
    SELECT %s, %s, %s, %s, %s, %s, start.at, start.at FROM (SELECT {start} AS at) start
    ON CONFLICT DO NOTHING RETURNING 1"""
# A worker frozen inside a transaction holds row locks, and inside COPY no timeout of the server ends it.
CUT = """
    SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
    WHERE application_name = ANY(%s) AND datname = current_database() AND pid <> pg_backend_pid()"""
SKIPPED = """(
    SELECT array_agg(p.position) FROM projections_parked p
    WHERE p.projection = c.projection AND p.skipped_at IS NOT NULL)"""
TAKE = f"""
    UPDATE projections_checkpoint c SET epoch = c.epoch + 1, holder = %s, backend = pg_backend_pid(),
        leased_until = statement_timestamp() + %s * interval '1 second'
    FROM (SELECT name FROM projections_checkpoint JOIN unnest(%s::text[], %s::bigint[]) seen (name, epoch)
          USING (name, epoch) ORDER BY name FOR UPDATE OF projections_checkpoint SKIP LOCKED) free
    WHERE c.name = free.name RETURNING c.projection, c.name, c.epoch, c.position, c.low, c.high, c.version,
        c.refused_version, c.error <> '', {SKIPPED}"""
MOVE = """
    UPDATE projections_checkpoint c SET position = %(to)s, updated_at = statement_timestamp(),
        error = '', error_position = NULL, error_since = NULL,
        leased_until = CASE WHEN NOT %(release)s THEN statement_timestamp() + %(seconds)s * interval '1 second' END
    FROM unnest(%(names)s::text[], %(epochs)s::bigint[]) mine (name, epoch)
    WHERE c.name = mine.name AND c.epoch = mine.epoch AND c.position = %(position)s
    RETURNING (SELECT array_agg(DISTINCT p.stream_id) FROM projections_parked p
               WHERE p.projection = c.projection AND c.schema = '' AND p.skipped_at IS NULL)"""
EXTEND = """
    UPDATE projections_checkpoint SET leased_until = statement_timestamp() + %s * interval '1 second'
    WHERE name = %s AND epoch = %s RETURNING 1"""
RELEASE = "UPDATE projections_checkpoint SET leased_until = NULL WHERE name = %s AND epoch = %s RETURNING 1"
STOP = """
    UPDATE projections_checkpoint SET leased_until = NULL, error = %(error)s, error_position = %(at)s,
        error_since = CASE WHEN error <> '' AND error_position IS NOT DISTINCT FROM %(at)s
            THEN error_since ELSE statement_timestamp() END
    WHERE name = %(name)s AND epoch = %(epoch)s RETURNING error_since = statement_timestamp()"""


class LeaseLost(Exception):
    """Another worker holds the lease now; nothing of this batch was written."""


class Busy(Exception):
    """Another worker holds the lease, and does not let go of it."""


class Newer(Busy):
    """Code of a higher version has built its tables: that code alone goes on with them."""


@dataclass(slots=True, eq=False)
class Lease:
    """One projection's, or of a part of it; with a ``schema``, of its tables there."""

    projection: Any  # a Projection or a Policy
    name: str
    epoch: int
    position: int
    failed: bool = False  # it stood still when the lease was taken
    seconds: float = SECONDS
    schema: str = ""  # of its tables; "": where all the others are
    part: Part = WHOLE
    version: int = 0  # of the projection that built the rows
    outdated: bool = False  # its rows are of an older version, and to be replaced by the workers without being asked
    skipped: frozenset[int] = frozenset()  # positions that somebody decided to leave out
    batch: int = FIRST_BATCH  # events to read next

    @property
    def tag(self) -> str:
        return tag(self.name, self.epoch)

    def move(self, cursor: Cursor[Any], to: int, *, release: bool = False) -> set[UUID]:
        """Answers the streams that are parked. LeaseLost: it has no effect.

        ``position`` is for the caller to change, when this is committed.
        """
        moved = cursor.execute(MOVE, _moving([self], to, release), prepare=True).fetchone()
        if moved is None:
            raise LeaseLost(f"{self.name} was to go from {self.position} to {to} in epoch {self.epoch}.")
        return set(moved[0] or ())

    def extend(self, seconds: float) -> bool:
        """Hold it for so long from now on, also if it was just let go of; answers whether nobody else has taken it."""
        return bool(rows(EXTEND, seconds, self.name, self.epoch))

    def release(self) -> None:
        rows(RELEASE, self.name, self.epoch)

    def stop(self, error: str, at: int | None) -> bool:
        """Release it with what keeps it from going on; answers whether that is news."""
        with log_cursor() as cursor:
            cursor.execute(STOP, {"error": error, "at": at, "name": self.name, "epoch": self.epoch})
            return bool((cursor.fetchone() or [False])[0])


def take(
    projections: Iterable[Subscriber],
    *,
    behind: int | None = None,
    failed: bool = True,
    paused: bool = False,
    seconds: float = SECONDS,
    schema: str = "",
    only: Sequence[Part] = (),
    all_parts: bool = False,
) -> list[Lease]:
    """The leases that can be had: of those before position ``behind``; without ``failed``, of none that stopped.

    Of a projection in parts, that of the last one; with ``only``, of those parts, or with ``all_parts``. None of one
    that is paused, unless ``paused``; nor of tables that newer code has built.
    """
    wanted = {each.name: each for each in projections}
    seen = rows(SEE, list(wanted), schema)
    missing = sorted(wanted.keys() - {projection for projection, *_ in seen})  # in one order: no deadlock
    if missing or only:
        for name in missing or wanted:
            begin(wanted[name], schema, only)
        seen = rows(SEE, list(wanted), schema)
    open_: dict[str, tuple[str, int, str]] = {}
    for projection, name, position, epoch, stopped, is_paused, version, state in seen:
        if state == "held" or (behind is not None and position >= behind) or (stopped and not failed):
            continue
        if (is_paused and not paused) or version > wanted[projection].version:
            continue
        if only and name not in {checkpoint(projection, schema, each) for each in only}:
            continue
        open_.setdefault(name if only or all_parts else projection, (name, epoch, state))
    if abandoned := [tag(name, epoch) for name, epoch, state in open_.values() if state == "abandoned"]:
        rows(CUT, abandoned)
    if not open_:
        return []
    names, epochs, _ = zip(*open_.values(), strict=True)
    taken = rows(TAKE, f"{HOLDER} {os.getpid()}", seconds, list(names), list(epochs))
    return [
        Lease(
            wanted[projection],
            name,
            epoch,
            position,
            stopped,
            seconds,
            schema,
            part=part(low, high),
            version=version,
            outdated=is_outdated(wanted[projection], version, refused),
            skipped=frozenset(left or ()),
        )
        for projection, name, epoch, position, low, high, version, refused, stopped, left in taken
    ]


def is_outdated(projection: Subscriber, version: int, refused: int | None) -> bool:
    """Whether rows of ``version`` are to be built anew by themselves: it has risen, and nobody has refused that."""
    return not isinstance(projection, Policy) and version < projection.version != refused


@contextmanager
def hold(projection: Subscriber, *, seconds: float = SECONDS) -> Iterator[list[Lease]]:
    """All leases of its live tables, paused or not: nobody else moves them. Newer; Busy: another never lets go."""
    until = time.monotonic() + PATIENCE
    held: list[Lease] = []
    try:
        while True:
            held += take([projection], seconds=seconds, paused=True, all_parts=True)
            seen = rows(SEE, [projection.name], "")
            if held and len(held) == len(seen):
                break
            built, mine = max((version for *_, version, _ in seen), default=0), projection.version
            if built > mine:
                raise Newer(f"{projection.name} was built by code of version {built}, and this is {mine}.")
            if time.monotonic() > until:
                raise Busy(f"{projection.name} is being advanced by another worker: let it catch up first.")
            time.sleep(0.01)
        yield held
    finally:
        with suppress(*TROUBLE):
            for lease in held:
                lease.release()


def begin(projection: Subscriber, schema: str = "", only: Sequence[Part] = ()) -> None:
    """Let there be its checkpoints: at the log's begin; of a policy, where the log ends now."""
    start = "(SELECT eventstore_horizon())" if isinstance(projection, Policy) else "0"
    for each in only or parts(projection.partitions):
        name = checkpoint(projection.name, schema, each)
        rows(FIRST.format(start=start), name, projection.name, schema, *each, projection.version)


def checkpoint(projection: str, schema: str = "", part: Part = WHOLE) -> str:
    """The name of a checkpoint."""
    return f"{projection}{f'/{schema}' if schema else ''}{part}"


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
