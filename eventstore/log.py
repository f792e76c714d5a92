"""The log in order, up to its horizon."""

from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import NamedTuple
from uuid import UUID

from eventstore.persistence import rows


class Recorded(NamedTuple):
    """An event as it lies in the log."""

    position: int
    stream_id: UUID
    version: int  # in its stream; 1 is the first
    name: str
    data: bytes  # the facts: one UTF-8 JSON object
    effective_at: datetime  # when it was true
    recorded_at: datetime  # when we learned it


COLUMNS = "position, stream_id, version, name, data, effective_at, recorded_at"


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
        parameters.append(list(names))
    return list(starmap(Recorded, rows(f"{sql} order by position limit %s", *parameters, limit, using=using)))


def of(stream_ids: Sequence[UUID], *, using: str = "default") -> list[Recorded]:
    """All events of those streams, as this transaction sees them, in order of position."""
    sql = f"select {COLUMNS} from eventstore_event where stream_id = any(%s) order by position"
    return list(starmap(Recorded, rows(sql, list(stream_ids), using=using)))
