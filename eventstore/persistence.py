"""The `eventsourcing` persistence module on Django's own connection: ``PERSISTENCE_MODULE=eventstore.persistence``.

An append inside ``transaction.atomic()`` is part of it. One outside commits by itself, in one round trip.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import connections, transaction
from eventsourcing import persistence as library
from eventsourcing.utils import resolve_topic

from eventstore.cause import cause
from eventstore.memory import Memory, memory

ONLY_ASKED = 2**31  # prepares what says prepare=True; Django's own None nothing at all, since some poolers cannot
NO_SUCCESSOR = -1  # in place of a position: an event does not follow
FEW = 8  # events whose values are bound one by one: psycopg takes 70–100 µs more for a list, and gains on long ones


class Stored(NamedTuple):
    """The library's StoredEvent, as a tuple (a frozen dataclass takes five times as long to make)."""

    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes
    at: Any = None  # when it was true: a datetime, where it comes from the log

    def __eq__(self, other: object) -> bool:
        """Equal to the library's StoredEvent that says the same: its suite compares them."""
        return isinstance(other, library.StoredEvent | Stored) and row(self) == row(other)

    def __hash__(self) -> int:
        return hash(row(self))


class Recorded(NamedTuple):
    """An event as it lies in the log."""

    position: int
    stream_id: UUID
    version: int  # in its stream; 1 is the first
    name: str
    data: bytes  # the facts: one UTF-8 JSON object
    effective_at: datetime  # when it was true
    recorded_at: datetime  # when we learned it


COLUMNS = ", ".join(Recorded._fields)


class Entry(NamedTuple):
    """What is remembered of the command that an append belongs to: its name, its arguments' digest, its receipt."""

    name: str | None = None
    digest: bytes | None = None
    stream_id: UUID | None = None
    version: int | None = None


class AlreadyDone(library.IntegrityError):
    """The command with this id was carried out before; its receipt is in the table of commands."""


@contextmanager
def cursor(using: str = "default") -> Iterator[psycopg.Cursor[Any]]:
    """A cursor on Django's connection with parameters bound by the server; errors as the library names them.

    Not Django's own cursor: that one writes every payload into the text of the statement, which is parsed each time.
    """
    django = connections[using]
    if django.connection is None:  # Django asks first whether a loop runs in this thread, which takes longer
        django.ensure_connection()
    django.validate_no_broken_transaction()
    if django.connection.prepare_threshold is None and not django.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        django.connection.prepare_threshold = ONLY_ASKED
    try:
        with psycopg.Cursor(django.connection) as cursor:
            yield cursor
    except psycopg.Error as error:
        django.errors_occurred = True  # Django looks at the connection before it uses it again
        if django.in_atomic_block:
            django.needs_rollback = True
        named = (getattr(library, c.__name__, None) for c in type(error).__mro__)
        raise next(filter(None, named), library.PersistenceError)(str(error)) from error


def rows(sql: str, *parameters: object, using: str = "default") -> list[Any]:
    with cursor(using) as c:
        return c.execute(sql, parameters, prepare=True, binary=True).fetchall()


class Recorder:
    def __init__(self, using: str = "default") -> None:
        self.using = using

    def rows(self, sql: str, *parameters: object) -> list[Any]:
        return rows(sql, *parameters, using=self.using)


class StreamRecorder(Recorder, library.AggregateRecorder):
    """Streams in a table of their own, out of the log: snapshots."""

    table = "eventstore_snapshot"

    def insert_events(self, stored_events: Sequence[Any], **kwargs: Any) -> Sequence[int] | None:
        columns = list(zip(*map(row, stored_events), strict=True)) or [()] * 4
        self.rows(
            "insert into eventstore_snapshot (stream_id, version, name, data, effective_at) "
            "select a, b, c, d, now() from unnest(%s::uuid[], %s::bigint[], %s::text[], %b::bytea[]) as t (a, b, c, d) "
            "returning 1",
            *map(list, columns),
        )
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Any]:
        sql = f"select version, name, data, effective_at from {self.table} where stream_id = %s"
        parameters: list[object] = [originator_id]
        for condition, bound in ((" and version > %s", gt), (" and version <= %s", lte)):
            if bound is not None:
                sql += condition
                parameters.append(bound)
        sql += f" order by version {'desc' if desc else ''} limit %s"
        return [Stored(originator_id, *found) for found in self.rows(sql, *parameters, limit)]  # type: ignore[arg-type]


class LogRecorder(StreamRecorder, library.ApplicationRecorder):
    """The log."""

    table = "eventstore_event"

    def insert_events(self, stored_events: Sequence[Any], **kwargs: Any) -> Sequence[int] | None:
        return self.append(stored_events) if stored_events else []

    def append(self, events: Sequence[Any], entry: Entry = Entry()) -> list[int]:  # noqa: B008  # a tuple
        """Store ``events`` and what is to be remembered of their command; answer positions, in their order.

        IntegrityError: another writer was faster, or they do not follow what the log has; AlreadyDone: the same command
        was carried out. Nothing is stored then, and the caller's transaction lives on. Any isolation level will do.
        """
        array, parameters = bound(events)
        why = cause.get()
        if why.effective_at and why.effective_at.tzinfo is None:
            raise ValueError(f"effective_at, {why.effective_at}, has no zone: when that was depends on where.")
        try:
            ((positions,),) = self.rows(
                f"select eventstore_append({array}::uuid[], {array}::bigint[], {array}::text[], {array}::bytea[], "
                "%s::timestamptz, %s::uuid, %s::uuid, %s::uuid, %s::text, %s::text, "
                "%s::text, %b::bytea, %s::uuid, %s::bigint)",
                *parameters,
                why.effective_at,
                why.command_id,
                why.correlation_id,
                why.causation_id,
                why.actor,
                why.reason,
                *entry,
            )
        except library.OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            raise library.OperationalError(
                f"Nothing was stored: another writer has begun to store {versions(events)}, and does not finish."
            ) from error.__cause__
        if (known := memory.get()) is not None:
            _note(known, events, positions, why.effective_at)
        if positions is None:
            raise library.IntegrityError(f"Another writer was faster: {versions(events)} is taken.")
        if positions[:1] == [NO_SUCCESSOR]:
            raise library.IntegrityError(gap(events, entry, *positions[1:]))
        if positions == [0]:
            raise AlreadyDone(f"Command {why.command_id} was carried out before.")
        return positions  # type: ignore[no-any-return]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[library.Notification]:
        from eventstore.log import after

        begin = 0 if start is None else start - inclusive_of_start
        found = after(begin, topics, limit, up_to=stop, using=self.using)
        return [library.Notification(e.stream_id, e.version, e.name, e.data, e.position) for e in found]

    def max_notification_id(self) -> int | None:
        return self.rows("select max(position) from eventstore_event")[0][0]  # type: ignore[no-any-return]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> library.Subscription[Any]:
        return Polling(self, gt, topics)


class TrackingRecorder(Recorder, library.TrackingRecorder):
    def insert_tracking(self, tracking: library.Tracking) -> None:
        moved = self.rows(
            "insert into eventstore_tracking as t values (%s, %s) on conflict (application_name) do update "
            "set notification_id = excluded.notification_id where t.notification_id < excluded.notification_id "
            "returning 1",
            tracking.application_name,
            tracking.notification_id,
        )
        if not moved:
            raise library.IntegrityError(f"{tracking} is at or behind what was tracked before.")

    def max_tracking_id(self, application_name: str) -> int | None:
        sql = "select max(notification_id) from eventstore_tracking where application_name = %s"
        return self.rows(sql, application_name)[0][0]  # type: ignore[no-any-return]


class ProcessRecorder(TrackingRecorder, LogRecorder, library.ProcessRecorder):
    def insert_events(
        self, stored_events: Sequence[Any], tracking: library.Tracking | None = None, **kwargs: Any
    ) -> Sequence[int] | None:
        with transaction.atomic(self.using):
            if tracking is not None:
                self.insert_tracking(tracking)
            return super().insert_events(stored_events)


class Polling(library.ListenNotifySubscription[Any]):
    """Looks at the log every 50 ms: an append notifies nobody, since a notifying commit waits for all others."""

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(0.05)
        except BaseException as error:
            self._thread_error = error
            self.stop()
        finally:
            connections.close_all()


class Factory(library.InfrastructureFactory[Any]):
    """What the library asks for recorders. ``DJANGO_DATABASE`` names Django's database alias, if not ``default``."""

    @property
    def using(self) -> str:
        return self.env.get("DJANGO_DATABASE") or "default"

    def aggregate_recorder(self, purpose: str = "events") -> library.AggregateRecorder:
        return LogRecorder(self.using) if purpose == "events" else StreamRecorder(self.using)

    def application_recorder(self) -> library.ApplicationRecorder:
        return LogRecorder(self.using)

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        return (tracking_recorder_class or (resolve_topic(topic) if topic else TrackingRecorder))(self.using)

    def process_recorder(self) -> library.ProcessRecorder:
        return ProcessRecorder(self.using)


def _note(known: Memory, events: Sequence[Any], positions: list[int] | None, at: datetime | None) -> None:
    """Keep in mind what was appended; where it was not, or it is not known when, nothing is known any more."""
    if at is None or positions is None or len(positions) != len(events) or positions[:1] in ([0], [NO_SUCCESSOR]):
        known.forget_streams()
        return
    for position, event in zip(positions, events, strict=True):
        known.add(Recorded(position, *row(event), at, at))


def row(event: Any) -> tuple[UUID, int, str, bytes]:
    return event.originator_id, event.originator_version, event.topic, event.state


def versions(events: Sequence[Any]) -> str:
    """Which of which streams, for people: of many, the first."""
    named = [f"version {e.originator_version} of {e.originator_id}" for e in events[:FEW]]
    return ", ".join(named) + (f" and {more:,} more" if (more := len(events) - FEW) > 0 else "")


def gap(events: Sequence[Any], entry: Entry, number: int | None, last: int | None) -> str:
    """Which version was to be stored (or was said to be), and what is there, for people."""
    found = "there is no such stream" if last is None else f"the last is {last}"
    if number is None:
        return f"Version {entry.version} of {entry.stream_id} is not in the log: {found}. Load it again."
    event = events[number - 1]
    return f"Version {event.originator_version} of {event.originator_id} does not follow: {found}. Load it again."


def bound(events: Sequence[Any]) -> tuple[str, list[object]]:
    """The SQL of an array with a value of each event, and the values: of all their ids, all their versions, …"""
    columns = list(zip(*map(row, events), strict=True)) or [()] * 4
    if len(events) <= FEW:
        return f"array[{', '.join(['%s'] * len(events))}]", [value for column in columns for value in column]
    return "%b", [list(column) for column in columns]
