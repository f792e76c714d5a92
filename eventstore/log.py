"""The log in order, up to its horizon."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import starmap
from typing import NamedTuple
from uuid import UUID

from eventstore.evolution import stored_as
from eventstore.mapper import present
from eventstore.persistence import COLUMNS, Recorded, rows

__all__ = ["Holder", "Recorded", "after", "holders", "horizon", "of", "publish"]


def horizon(using: str = "default") -> int:
    """The position up to which the log is complete; events may exist above it, and others still appear below those.

    Why it is right stands in ``sql/horizon.sql``.
    """
    return rows("select eventstore_horizon()", using=using)[0][0]  # type: ignore[no-any-return]


def after(
    position: int, names: Sequence[str] = (), limit: int = 1000, *, up_to: int | None = None, using: str = "default"
) -> list[Recorded]:
    """The next ``limit`` events after ``position``, of ``names`` (empty: all). Never one that another could precede."""
    end = horizon(using)  # before the events, in a statement of its own
    sql = f"select {COLUMNS} from eventstore_event where position > %s and position <= %s"
    parameters: list[object] = [position, end if up_to is None else min(end, up_to)]
    if names:
        sql += " and name = any(%s)"
        parameters.append([older for name in names for older in stored_as(name)])
    found = list(starmap(Recorded, rows(f"{sql} order by position limit %s", *parameters, limit, using=using)))
    return present(found)


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


def exists(stream_id: UUID, *, using: str = "default") -> bool:
    """Whether there is a stream with that id, as this transaction sees the log."""
    return bool(rows("select 1 from eventstore_event where stream_id = %s and version = 1", stream_id, using=using))


def of(stream_ids: Sequence[UUID], *, using: str = "default") -> list[Recorded]:
    """All events of those streams, as this transaction sees them, in order of position."""
    sql = f"select {COLUMNS} from eventstore_event where stream_id = any(%s) order by position"
    return present(list(starmap(Recorded, rows(sql, list(stream_ids), using=using))))
