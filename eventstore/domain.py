"""What a domain is made of: aggregates that decide, values that events carry. Knows no framework."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from inspect import signature
from typing import Any, Self, TypeVar, dataclass_transform
from uuid import UUID

from eventsourcing.domain import Aggregate as LibraryAggregate
from eventsourcing.domain import (
    CanInitAggregate,
    CanMutateAggregate,
    OriginatorVersionError,
    _created_event_classes,
    decorated_funcs,
)
from eventsourcing.utils import register_topic

from eventstore.cause import now
from eventstore.names import name_in_store

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen dataclass that events can carry, stored as a JSON object of its fields."""
    return dataclass(frozen=True, slots=True)(cls)


def uuid7() -> UUID:
    """A new id that sorts by the millisecond of its making (RFC 9562), so that indexes of ids stay dense."""
    milliseconds = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    return UUID(int=milliseconds << 80 | 7 << 76 | (chance >> 68 & 0xFFF) << 64 | 2 << 62 | chance & (1 << 62) - 1)


class Aggregate(LibraryAggregate):
    """An aggregate whose events are stored as ``Order.Placed``, not as a module path.

    The stored name is the contract with history and with the read side: code may move, names may not.
    """

    snapshot_every = 100  # events, if the class declares the types of its attributes; 0: never

    class Event(LibraryAggregate.Event):
        @staticmethod
        def create_timestamp() -> datetime:
            return now()

    class Created(Event, LibraryAggregate.Created):
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _store(cls, cls.__name__)
        for name, event in list(vars(cls).items()):
            if isinstance(event, type) and issubclass(event, CanMutateAggregate):
                if name in ("Event", "Created") and event not in _created_event_classes[cls]:
                    continue  # the library makes them for every aggregate: bases, which are never stored
                _store(event, f"{cls.__name__}.{name}")
                event.originator_topic = cls.__name__  # type: ignore[attr-defined]  # "Order.Placed" says it
                if body := decorated_funcs.get(event):
                    bodies[event] = body, tuple(signature(body).parameters)[1:]
                elif issubclass(event, CanInitAggregate):
                    beginnings[event] = cls.__init__

    @classmethod
    def with_id(cls, id: UUID, *args: Any) -> Self:
        """A new one with that id, of a class that says ``id: UUID`` (as the library wants it said)."""
        new: Any = cls
        return new(id, *args)  # type: ignore[no-any-return]

    @staticmethod
    def create_id(*_: Any, **__: Any) -> UUID:
        return uuid7()


bodies: dict[type, tuple[Any, tuple[str, ...]]] = {}  # what each event does, and the facts it does it with
beginnings: dict[type, Any] = {}  # … and the first ones, which the library applies


def _store(cls: type, name: str) -> None:
    name_in_store(cls, name)
    cls.TOPIC = name  # type: ignore[attr-defined]
    register_topic(name, cls)


class Nothing(LibraryAggregate.Event):
    """What a retired name is read as: a version of its stream that changed nothing."""


def fold(aggregate: Any, events: Iterable[Any]) -> Any:
    """The aggregate as ``events`` leave it: the library's projector, without its isinstance check of each event."""
    for event in events:
        if aggregate is None or type(event) not in bodies:
            aggregate = event.mutate(aggregate)
            continue
        if event.originator_version != aggregate._version + 1:
            raise OriginatorVersionError(f"expected version {aggregate._version + 1}, found {event.originator_version}")
        body, names = bodies[type(event)]
        facts = event.__dict__
        body(aggregate, **{name: facts[name] for name in names})
        aggregate._version = event.originator_version
        aggregate._modified_on = event.timestamp
    return aggregate
