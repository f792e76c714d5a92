"""An application of the library whose payloads are typed JSON and whose aggregates are folded by us."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application, Repository

from eventstore.commands import Receipt, under_way
from eventstore.domain import fold
from eventstore.mapper import TypedMapper
from eventstore.persistence import Entry, LogRecorder

A = TypeVar("A")


class FoldingRepository(Repository[Any]):
    def get(self, aggregate_id: UUID, *, version: int | None = None, **kwargs: Any) -> Any:
        """The aggregate as the log has it now, or had it at ``version``. AggregateNotFoundError: there is none."""
        return super().get(aggregate_id, version=version, projector_func=fold)


class EventSourced(Application[UUID]):
    """Load, decide, record."""

    env = {"PERSISTENCE_MODULE": "eventstore.persistence"}
    recorder: LogRecorder

    def construct_mapper(self) -> TypedMapper:
        return TypedMapper(self.factory.transcoder())

    def construct_repository(self) -> Repository[UUID]:
        return FoldingRepository(event_store=self.events, snapshot_store=self.snapshots)

    def load(self, kind: type[A], aggregate_id: UUID) -> A:
        """The ``kind`` with that id, as the log has it now. AggregateNotFoundError: there is none, or it is something else."""
        aggregate = self.repository.get(aggregate_id)
        if not isinstance(aggregate, kind):
            raise AggregateNotFoundError(f"{aggregate_id} is no {kind.__name__}: it is a {type(aggregate).__name__}.")
        return aggregate

    def append(self, aggregates: Sequence[Any], entry: Entry = Entry()) -> list[int]:  # noqa: B008  # a tuple
        """Store what ``aggregates`` decided, all or nothing; answer positions."""
        events = [event for aggregate in aggregates for event in aggregate.collect_events()]
        return self.recorder.append(list(map(self.mapper.to_stored_event, events)), entry)

    def record(self, aggregate: Any, *others: Any) -> Receipt:
        """Store what ``aggregate`` (and ``others``) decided, with the receipt of the command under way: once a command.

        IntegrityError: another writer was faster.
        """
        entry = Entry(*command, aggregate.id, aggregate.version) if (command := under_way.get()) else Entry()
        positions = self.append((aggregate, *others), entry)
        return Receipt(aggregate.id, aggregate.version, positions[-1] if positions else None)
