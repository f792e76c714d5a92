"""An application of the library whose payloads are typed JSON and whose aggregates are folded by us."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application, Repository

from eventstore import log, snapshots
from eventstore.commands import Receipt, VersionConflict, expected, under_way
from eventstore.mapper import TypedMapper, folded
from eventstore.memory import memory
from eventstore.persistence import Entry, LogRecorder, Recorded, rows

A = TypeVar("A")

mapper = TypedMapper(None)  # type: ignore[arg-type]  # the library's asks for a transcoder; typed JSON needs none

STREAM = """
    with snapshot as materialized (
        select version, name, data, effective_at from eventstore_snapshot
        where stream_id = %s and version <= %s and code = any(%s::text[]) order by version desc limit 1)
    (select 0, version, name, data, effective_at from snapshot)
    union all (select position, version, name, data, effective_at from eventstore_event where stream_id = %s
        and version > coalesce((select version from snapshot), 0) and version <= %s order by version)"""
STREAMS = """
    select u.stream_id, e.position, e.version, e.name, e.data, e.effective_at, e.effective_at -- recorded: not asked
    from unnest(%b::uuid[]) with ordinality as u (stream_id, place)
    left join lateral (
        select version, name, data, effective_at from eventstore_snapshot s
        where s.stream_id = u.stream_id and code = any(%s::text[]) order by version desc limit 1) kept on true
    cross join lateral (
        select 0 as position, kept.version, kept.name, kept.data, kept.effective_at where kept.version is not null
        union all select position, version, name, data, effective_at from eventstore_event
        where stream_id = u.stream_id and version > coalesce(kept.version, 0)) e
    order by u.place, e.version"""
LAST = 2**63 - 1  # no stream has so many versions
AT_ONCE = 100  # events that live at once: more would set off the garbage collector, for as long as all else takes


def load(stream_id: UUID, version: int = LAST) -> Any:
    """The aggregate as the log has it now, or had it at ``version``. AggregateNotFoundError: there is none."""
    if not isinstance(stream_id, UUID):
        raise TypeError(f"Expected the UUID of a stream, found {stream_id!r}.")
    if version == LAST and memory.get():
        if kept_in_mind := load_all([stream_id]):
            return kept_in_mind[stream_id]
        raise AggregateNotFoundError(f"There is no stream {stream_id}.")
    kept = f"{{{','.join(snapshots.readable())}}}"  # PostgreSQL's array; psycopg takes longer to write one
    found = [
        Recorded(position, stream_id, number, name, data, at, at)  # when it was recorded is not asked
        for position, number, name, data, at in rows(STREAM, stream_id, version, kept, stream_id, version)
    ]
    if not found:
        raise AggregateNotFoundError(f"There is no stream {stream_id}.")
    return _folded(found)


def load_all(stream_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """As ``load``, of those that there are: one question for all of them."""
    if known := memory.get():
        log.stored(stream_ids)
        return {each: found for each in stream_ids if (found := known.folded(each, _folded_on)) is not None}
    kept = f"{{{','.join(snapshots.readable())}}}"
    found = rows(STREAMS, list(stream_ids), kept)
    return {
        stream_id: _folded([Recorded(position, stream_id, *rest) for _, position, *rest in events])
        for stream_id, events in groupby(found, key=itemgetter(0))
    }


def _folded(found: list[Recorded]) -> Any:
    aggregate = None if found[0].position else snapshots.restored(found.pop(0))
    return _folded_on(aggregate, found)


def _folded_on(aggregate: Any, found: list[Recorded]) -> Any:
    for first in range(0, len(found), AT_ONCE):
        some = found[first : first + AT_ONCE]
        aggregate = folded(aggregate, mapper.to_domain_events(some), some)
    return aggregate


class LoadingRepository(Repository[Any]):
    def get(self, aggregate_id: UUID, *, version: int | None = None, **kwargs: Any) -> Any:
        return load(aggregate_id, LAST if version is None else version)


class EventSourced(Application[UUID]):
    """Load, decide, record."""

    env = {"PERSISTENCE_MODULE": "eventstore.persistence"}
    recorder: LogRecorder

    def construct_mapper(self) -> TypedMapper:
        return mapper

    def construct_repository(self) -> Repository[UUID]:
        return LoadingRepository(event_store=self.events)

    def load(self, kind: type[A], aggregate_id: UUID) -> A:
        """The ``kind`` with that id, as the log has it now. AggregateNotFoundError: there is none, or another kind."""
        aggregate = load(aggregate_id)
        if not isinstance(aggregate, kind):
            raise AggregateNotFoundError(f"{aggregate_id} is no {kind.__name__}: it is a {type(aggregate).__name__}.")
        return aggregate

    def load_all(self, kind: type[A], aggregate_ids: Sequence[UUID]) -> dict[UUID, A]:
        """Those of that kind that there are, by id, asked for at once."""
        return {each: found for each, found in load_all(aggregate_ids).items() if isinstance(found, kind)}

    def append(self, aggregates: Sequence[Any], entry: Entry = Entry()) -> list[int]:  # noqa: B008  # a tuple
        """Store what ``aggregates`` decided, all or nothing; answer positions. What was not stored stays pending."""
        events = [event for aggregate in aggregates for event in aggregate.pending_events]
        positions = self.recorder.append(mapper.to_store(events), entry)
        for aggregate in aggregates:
            aggregate.pending_events.clear()
        return positions

    def record(self, aggregate: Any, *others: Any) -> Receipt:
        """Store what ``aggregate`` (and ``others``) decided, with the receipt of the command under way: once a command.

        IntegrityError: another writer was faster, or what came before was never stored (a transaction was rolled back):
        load it again. VersionConflict: it is not at the version that the caller expects.
        """
        found = aggregate.version - len(aggregate.pending_events)
        if (wanted := expected.get()) is not None and wanted != found:
            raise VersionConflict(aggregate.id, wanted, found)
        aggregates = (aggregate, *others)
        if len(ids := [each.id for each in aggregates]) > len(set(ids)):
            raise ValueError(f"Expected each stream once, found one twice: {', '.join(map(str, ids))}.")
        due = [each for each in aggregates if snapshots.is_due(each)]
        command = under_way.get()
        name, digest = (command.name, command.digest) if command else (None, None)
        entry = Entry(name, digest, aggregate.id, aggregate.version)
        positions = self.append(aggregates, entry)
        for each in due:
            snapshots.take(load(each.id))  # as the log has it, with the database's clock
        return Receipt(aggregate.id, aggregate.version, positions[-1] if positions else None)
