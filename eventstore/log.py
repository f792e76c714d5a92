"""The log in order, up to its horizon."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import starmap
from typing import NamedTuple
from uuid import UUID

from eventstore.evolution import stored_as
from eventstore.mapper import present
from eventstore.memory import memory
from eventstore.persistence import COLUMNS, Recorded, rows

__all__ = ["Holder", "Recorded", "Unread", "after", "at", "holders", "horizon", "last", "of", "position_at", "publish"]


def horizon(using: str = "default") -> int:
    """The position up to which the log is complete; events may exist above it, and others still appear below those.

    Why it is right stands in ``sql/horizon.sql``.
    """
    return rows("select eventstore_horizon()", using=using)[0][0]  # type: ignore[no-any-return]


def after(
    position: int,
    names: Sequence[str] = (),
    limit: int = 1000,
    *,
    up_to: int | None = None,
    streams: tuple[int, int] | None = None,
    everywhere: Collection[str] = (),
    tolerant: bool = False,
    using: str = "default",
) -> list[Recorded]:
    """The next ``limit`` events after ``position``, of ``names`` (empty: all). Never one that another could precede.

    With ``streams``, of those whose ids' last byte is from the first to below the second; and, of all streams, those
    that are named ``everywhere``. Unreadable: today's code cannot read one; if ``tolerant``, it stands there as Unread.
    """
    end = horizon(using)  # before the events, in a statement of its own
    sql = f"select {COLUMNS} from eventstore_event where position > %s and position <= %s"
    parameters: list[object] = [position, end if up_to is None else min(end, up_to)]
    if names:
        sql += " and name = any(%s)"
        parameters.append(all_names(names))
    if streams:
        sql += " and (get_byte(uuid_send(stream_id), 15) between %s and %s or name = any(%s))"
        parameters += [streams[0], streams[1] - 1, all_names(everywhere)]
    found = list(starmap(Recorded, rows(f"{sql} order by position limit %s", *parameters, limit, using=using)))
    try:
        return present(found)
    except Exception:
        if not tolerant:
            raise
        return [_read(record) for record in found]


class Unread(Recorded):
    """An event that today's code cannot read, and why."""

    error: Exception


def _read(record: Recorded) -> Recorded:
    try:
        (found,) = present([record])
    except Exception as error:
        found = Unread(*record)
        found.error = error
    return found


def at(positions: Sequence[int], *, using: str = "default") -> list[Recorded]:
    """The events at those positions, in their order; what cannot be read as Unread."""
    sql = f"select {COLUMNS} from eventstore_event where position = any(%s) order by position"
    return [_read(record) for record in starmap(Recorded, rows(sql, list(positions), using=using))]


def positions(stream_id: UUID, name: str) -> list[int]:
    """Of the events of that name in that stream, as they followed each other."""
    sql = "select position from eventstore_event where stream_id = %s and name = any(%s) order by version"
    return [position for (position,) in rows(sql, stream_id, all_names([name]))]


def caused_by(position: int, *, using: str = "default") -> dict[str, UUID]:
    """The words of ``Cause`` for what comes of the event at ``position``."""
    sql = "select event_id, coalesce(correlation_id, command_id, event_id) from eventstore_event where position = %s"
    ((event_id, correlation_id),) = rows(sql, position, using=using)
    return {"causation_id": event_id, "correlation_id": correlation_id}


def all_names(names: Iterable[str]) -> list[str]:
    """Those under which such events are stored, today's and older ones."""
    return [older for name in names for older in stored_as(name)]


class Holder(NamedTuple):
    """A transaction that has appended, and holds the horizon back until it ends."""

    floor: int  # nothing above this position is read before it ends
    pid: int  # on the database server
    age: timedelta
    state: str
    application: str
    query: str


def holders(using: str = "default") -> list[Holder]:
    """Who holds the horizon back just now, the one at the lowest position first."""
    return list(starmap(Holder, rows("select * from eventstore_holders()", using=using)))


def publish(using: str = "default") -> None:
    """Publish the horizon for replicas, which cannot see who is writing."""
    rows("select eventstore_publish_horizon()", using=using)


def last(*, using: str = "default") -> int:
    """The position of the last event, as this transaction sees the log; 0: there is none."""
    return rows("select coalesce(max(position), 0) from eventstore_event", using=using)[0][0]  # type: ignore[no-any-return]


def exists(stream_id: UUID, *, using: str = "default") -> bool:
    """Whether there is a stream with that id, as this transaction sees the log."""
    if memory.get():
        return bool(stored([stream_id], using=using))
    return bool(rows("select 1 from eventstore_event where stream_id = %s and version = 1", stream_id, using=using))


def of(stream_ids: Sequence[UUID], *, using: str = "default") -> list[Recorded]:
    """All events of those streams, as this transaction sees them, in order of position."""
    return present(stored(stream_ids, using=using))


def stored(stream_ids: Sequence[UUID], *, using: str = "default") -> list[Recorded]:
    """The same as they lie there, or as they are kept in mind (``memory``)."""
    sql = f"select {COLUMNS} from eventstore_event where stream_id = any(%s) order by position"
    if (known := memory.get()) is None:
        return list(starmap(Recorded, rows(sql, list(stream_ids), using=using)))
    if unknown := known.unknown(stream_ids):
        known.learn(unknown, starmap(Recorded, rows(sql, unknown, using=using)))
    return known.of(stream_ids)


SETTLED = """
    select %s::timestamptz > clock_timestamp(),
        exists (select from eventstore_holders() where clock_timestamp() - age <= %s::timestamptz)"""
# No index on when it was recorded, which every append would pay for: it rises with the position, but for events that
# were appended side by side. So the place is found by halving, and of the next thousand each is looked at.
POSITION_AT = """
    with recursive search (low, high) as (
        select 0::bigint, %s::bigint
        union all
        select case when e.recorded_at <= %s::timestamptz then e.position else low end,
            case when e.recorded_at <= %s::timestamptz then high else (low + high) / 2 end
        from search left join lateral (
            select position, recorded_at from eventstore_event
            where position > (low + high) / 2 and position <= high order by position limit 1) e on true
        where low < high
    ), place (low) as (select max(low) from search)
    select greatest(low, (select max(position) from (
        select position, recorded_at from eventstore_event
        where position > low and position <= %s order by position limit 1000) beside
        where recorded_at <= %s::timestamptz)) from place"""


def position_at(instant: datetime, *, using: str = "default") -> int | None:
    """The position of the last event that was recorded at ``instant`` or before; 0: there was none.

    None: it is not settled yet, since a transaction that began before ``instant`` is still writing. ValueError:
    ``instant`` has no zone, or is still to come.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no zone.")
    ((to_come, unsettled),) = rows(SETTLED, instant, instant, using=using)
    if to_come:
        raise ValueError(f"{instant} is still to come.")
    if unsettled:
        return None
    end = horizon(using)
    ((position,),) = rows(POSITION_AT, end, instant, instant, end, instant, using=using)
    return position  # type: ignore[no-any-return]
