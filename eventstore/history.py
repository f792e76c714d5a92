"""Time travel: an aggregate as it was at a version, a position, or an instant, and what changed in between."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from eventsourcing.application import AggregateNotFoundError

from eventstore.application import load
from eventstore.evolution import stored_as
from eventstore.mapper import Unreadable, events, folded, present, where
from eventstore.persistence import rows

COLUMNS = (
    "position, stream_id, version, name, data, effective_at, recorded_at, event_id, command_id, correlation_id, "
    "causation_id, actor, reason"
)


MOMENTS = "an instant such as 2026-03-01T12:00Z, a position such as 1042, or a version such as v3"


class Moment(NamedTuple):
    """A point in a stream's past, by the one column that counts: all events up to ``bound`` had happened."""

    column: str  # version, position, recorded_at (what was known then) or effective_at (what was true then)
    bound: Any

    def __str__(self) -> str:
        return f"v{self.bound}" if self.column == "version" else str(self.bound)


class Entry(NamedTuple):
    """An event with everything that is known of it."""

    position: int
    stream_id: UUID
    version: int
    name: str
    data: bytes
    effective_at: datetime
    recorded_at: datetime
    event_id: UUID
    command_id: UUID | None
    correlation_id: UUID | None
    causation_id: UUID | None
    actor: str | None
    reason: str | None

    @property
    def facts(self) -> dict[str, Any]:
        try:
            return msgspec.json.decode(self.data)  # type: ignore[no-any-return]
        except msgspec.MsgspecError as error:
            raise Unreadable(f"{where(self)}: {error}") from error


class Change(NamedTuple):
    """What an event did to one attribute of its aggregate."""

    field: str
    before: Any
    after: Any


def moment(text: str, expected: str = MOMENTS) -> Moment:
    """What was known at ``text``: ``v3`` (a version), ``1042`` (a position), ``2026-03-01T12:00Z`` (an instant).

    ValueError says what is wrong with it: nonsense, or it is still to come.
    """
    if version := re.fullmatch(r"v([1-9][0-9]{0,17})", text):
        return Moment("version", int(version[1]))
    if re.fullmatch(r"[0-9]{1,18}", text):
        ((last,),) = rows("select coalesce(max(position), 0) from eventstore_event")
        if int(text) > last:
            raise ValueError(f"Position {text} is still to come: the log ends at {last}.")
        return Moment("position", int(text))
    return Moment("recorded_at", instant(text, expected))


def effective(text: str) -> Moment:
    """What was true at the instant ``text``. ValueError says what is wrong with it."""
    return Moment("effective_at", instant(text, "an instant such as 2026-03-01T12:00Z"))


def instant(text: str, expected: str = MOMENTS) -> datetime:
    """``2026-03-01T12:00Z`` or with an offset; not in the future."""
    try:
        found = datetime.fromisoformat(text)
        utc = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no moment. Expected {expected}.") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone. Expected one such as {found.isoformat(timespec='minutes')}Z.")
    if utc > datetime.now(UTC):
        raise ValueError(f"{text!r} is still to come.")
    return utc


def of(stream_id: UUID, until: Moment | None = None) -> list[Entry]:
    """The stream's events in order, with who and why; those up to ``until`` if given."""
    sql, parameters = f"select {COLUMNS} from eventstore_event where stream_id = %s", [stream_id]
    if until:
        sql += f" and {until.column} <= %s"
        parameters.append(until.bound)
    return present([Entry(*found) for found in rows(f"{sql} order by version", *parameters)])


def after(position: int, up_to: int, names: Sequence[str] = (), limit: int = 1000) -> list[Entry]:
    """The next ``limit`` events of the log after ``position``; ``up_to`` the horizon, or before it."""
    sql = f"select {COLUMNS} from eventstore_event where position > %s and position <= %s"
    sql += " and (%s::text[] = '{}' or name = any(%s)) order by position limit %s"
    older = [stored for name in names for stored in stored_as(name)]
    return present([Entry(*found) for found in rows(sql, position, up_to, older, older, limit)])


def at(stream_id: UUID, until: Moment) -> Any:
    """The aggregate as it was. AggregateNotFoundError: there was none yet, or never."""
    if until.column == "effective_at":
        return _in_effect(stream_id, until)
    version = until.bound
    if until.column != "version":
        sql = f"select max(version) from eventstore_event where stream_id = %s and {until.column} <= %s"
        ((version,),) = rows(sql, stream_id, until.bound)
    if not version:
        raise AggregateNotFoundError(f"There was no {stream_id} at {until}.")
    aggregate = load(stream_id, version)
    if aggregate.version != version:
        raise AggregateNotFoundError(f"{stream_id} had no version {version}.")
    return aggregate


def _in_effect(stream_id: UUID, until: Moment) -> Any:
    """What was learned late took effect where it belongs: in order of effect, and numbered as if known then."""
    entries = of(stream_id, until)
    if not entries or entries[0].version != 1:
        raise AggregateNotFoundError(f"There was no {stream_id} at {until}.")
    first, *others = entries
    in_effect = [first, *sorted(others, key=lambda entry: entry.effective_at)]
    aggregate = folded(None, events([e._replace(version=n) for n, e in enumerate(in_effect, 1)]), in_effect)
    aggregate.version = entries[-1].version
    return aggregate


def states(entries: Iterable[Entry]) -> Iterator[tuple[Entry, list[Change]]]:
    """Each event of one stream with what it changed, field by field."""
    aggregate, before = None, dict[str, Any]()
    for entry in entries:
        aggregate = folded(aggregate, events([entry]), [entry])
        after = state(aggregate)
        yield entry, [Change(f, before.get(f), after[f]) for f in after if f not in before or before[f] != after[f]]
        before = after


def state(aggregate: Any) -> dict[str, Any]:
    """The aggregate's own attributes, without the library's."""
    return {name: value for name, value in vars(aggregate).items() if not name.startswith("_")}
