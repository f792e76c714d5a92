"""Why events are recorded, and by whom: kept in columns beside them, never in their payload."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID


class Cause(NamedTuple):
    """What every event recorded in this context carries."""

    command_id: UUID | None = None  # asked once, whatever is tried again
    correlation_id: UUID | None = None  # all that came of one request
    causation_id: UUID | None = None  # the event that made a policy ask
    actor: str | None = None
    reason: str | None = None
    effective_at: datetime | None = None  # when it was true; None: when it is recorded, by the database's clock


cause: ContextVar[Cause] = ContextVar("cause", default=Cause())  # noqa: B039  # a tuple


@contextmanager
def because(**changes: Any) -> Iterator[Cause]:
    """Record with these words of ``Cause`` changed: ``with because(actor="ada", effective_at=noon): …``"""
    token = cause.set(cause.get()._replace(**changes))
    try:
        yield cause.get()
    finally:
        cause.reset(token)


def now() -> datetime:
    """When that is true which is decided here: ``effective_at``, or else what the clock says."""
    return cause.get().effective_at or datetime.now(UTC)
