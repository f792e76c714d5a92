"""Events ⇄ typed JSON: ``{"total": "19.80", "lines": [...]}``, read back by the types that the events declare."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from inspect import Parameter, signature
from operator import length_hint
from typing import Any, NamedTuple, NotRequired, TypedDict, TypeVar, get_origin, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.persistence import Mapper, MapperDeserialisationError
from eventsourcing.utils import get_topic

from eventstore import evolution, personal, sealing, storable
from eventstore.domain import Nothing, beginnings, bodies, fold
from eventstore.evolution import Facts
from eventstore.names import classes
from eventstore.persistence import Recorded, Stored
from eventstore.sealing import PersonalOf

ENVELOPE = {"originator_id", "originator_version", "originator_topic", "timestamp"}

encode = storable.encode
R = TypeVar("R", bound=Any)  # a NamedTuple with stream_id, version, name and data


class Unreadable(MapperDeserialisationError):
    """An event that today's code cannot read. Says which one, where, and what was expected."""


class Shape(NamedTuple):
    """How the facts of one stored name look in Python and in JSON."""

    cls: type
    names: tuple[str, ...]
    read: Callable[[bytes], Facts]
    personal: dict[str, PersonalOf]  # field → whose it is
    erased: Facts  # field → what stands there once the person is forgotten
    dated: tuple[str, ...]  # the fields that may hold an instant


@cache
def shape(name: str) -> Shape:
    """Of an event, or of an aggregate: its snapshots carry its name. LookupError: nobody knows ``name``."""
    if name not in classes:
        raise LookupError(f"no class is stored as {name}. Is its app installed, and its module called `domain`?")
    cls = classes[name]
    hints = get_type_hints(cls, include_extras=True)
    defaults: Facts = {}
    dated: tuple[str, ...] = ()
    if hasattr(cls, "pending_events"):
        hints = {"_created_on": datetime, "_modified_on": datetime, **hints}
        names = tuple(n for n in hints if not n.isupper() and n != "snapshot_every")
    else:
        names = tuple(f.name for f in fields(cls) if f.name not in ENVELOPE)
        defaults = _defaults(cls, names)
        for n in names:
            if hints[n] is Parameter.empty:
                raise TypeError(f"{name}: {n} needs a type, to be read back from JSON.")
            if (get_origin(hints[n]) or hints[n]) in (list, dict, set):
                raise TypeError(f"{name}: {n} must not change after the event: make it a tuple or a @value.")
        dated = tuple(n for n in names if storable.may_hold_moments(hints[n]))
    marks = {n: mark for n in names if (mark := sealing.personal(hints[n]))}
    typed_dict: Any = TypedDict
    facts = typed_dict(name, {n: NotRequired[hints[n]] if n in defaults else hints[n] for n in names})
    typed = msgspec.json.Decoder(facts).decode
    read = (lambda data: defaults | typed(data)) if defaults else typed
    return Shape(cls, names, read, marks, {n: sealing.erased(hints[n]) for n in marks}, dated)


def _defaults(cls: type, names: tuple[str, ...]) -> Facts:
    """What older events lack: a fact added later has the default of its parameter."""
    body = bodies[cls][0] if cls in bodies else beginnings.get(cls)
    given = signature(body).parameters if body else {}
    return {n: given[n].default for n in names if n in given and given[n].default is not Parameter.empty}


@cache
def as_stored(name: str) -> bool:
    """Whether what lies in the log under ``name`` is what is read: nothing renamed, reshaped or sealed."""
    return not evolution.changed(name) and (name not in classes or not shape(name).personal)


def present(records: Sequence[R]) -> list[R]:
    """The same records as today's code reads them: today's names and shapes, personal facts opened, or ``[erased]``.

    KeyUnavailable: a key that should be there is not.
    """
    others = {name for name in {record.name for record in records} if not as_stored(name)}
    found = list(records)
    read = {place: _renamed(record) for place, record in enumerate(records) if record.name in others} if others else {}
    subjects = {who for record, facts in read.values() for who in _subjects(record, facts)}
    keys = personal.keys(subjects) if subjects else {}
    for place, (record, facts) in read.items():
        found[place] = _opened(record, facts, keys)
    return found


def _renamed(record: R) -> tuple[R, Facts]:
    try:
        name, facts = evolution.present(record.name, msgspec.json.decode(record.data))
    except Exception as error:
        raise Unreadable(f"{where(record)}: {error!r}") from error
    return record._replace(name=name), facts


def _subjects(record: Any, facts: Facts) -> Iterable[UUID]:
    if record.name in classes:
        for field, mark in shape(record.name).personal.items():
            if _is_sealed(facts.get(field)):
                yield _subject(mark, facts, record.stream_id)


def _opened(record: R, facts: Facts, keys: dict[UUID, Any]) -> R:
    if record.name in classes:
        known = shape(record.name)
        for field, mark in known.personal.items():
            sealed: Any = facts.get(field)
            if _is_sealed(sealed):
                key = keys[_subject(mark, facts, record.stream_id)]
                facts[field] = (
                    known.erased[field]
                    if key is None
                    else personal.open_fact(key, sealed, record.stream_id, record.version, field)
                )
    return record._replace(data=encode(facts))  # type: ignore[no-any-return]


def _is_sealed(fact: Any) -> bool:
    return isinstance(fact, dict) and fact.keys() == {personal.SEALED}


def _subject(mark: PersonalOf, facts: Facts, stream_id: UUID) -> UUID:
    found = facts.get(mark.subject) or stream_id
    return found if isinstance(found, UUID) else UUID(found)


def where(record: Any) -> str:
    """Which event, for people."""
    return f"{record.name} at position {record.position}, version {record.version} of {record.stream_id}"


class TypedMapper(Mapper[Any]):
    """Between the library's event objects and what the log stores: only facts are in the payload."""

    def to_stored_event(self, event: Any) -> Any:
        return self.to_store([event])[0]

    def to_store(self, events: Sequence[Any]) -> list[Stored]:
        """What is stored of ``events``, personal facts sealed. Forgotten: of that person, nothing more."""
        told = [(event, get_topic(type(event))) for event in events]
        marked = [(event, name) for event, name in told if shape(name).personal]
        keys = (
            personal.keys_to_seal({who for event, name in marked for who in self._whose(event, name)}) if marked else {}
        )
        return [self._stored(event, name, keys) for event, name in told]

    def _whose(self, event: Any, name: str) -> Iterable[UUID]:
        for field, mark in shape(name).personal.items():
            if event.__dict__.get(field):
                yield _subject(mark, event.__dict__, event.originator_id)

    def _stored(self, event: Any, name: str, keys: dict[UUID, Any]) -> Stored:
        known, values, stream_id, version = shape(name), event.__dict__, event.originator_id, event.originator_version
        facts = {n: values[n] for n in known.names if n in values}
        payload = storable.encoded(name, stream_id, facts, known.dated)
        try:
            known.read(payload)  # what could not be read again is not stored
        except msgspec.MsgspecError as error:
            raise TypeError(f"{name} of {stream_id} is not what it declares to be: {error}") from error
        newest = evolution.newest(name)
        if not known.personal and newest == 1:
            return Stored(stream_id, version, name, payload, event.timestamp)
        for field, mark in known.personal.items():
            if facts.get(field):  # what is empty says nothing of anybody
                key = keys[_subject(mark, values, stream_id)]
                facts[field] = personal.seal_fact(key, facts[field], stream_id, version, field)
        if newest > 1:
            facts[evolution.SHAPE] = newest
        return Stored(stream_id, version, name, storable.fitting(name, stream_id, encode(facts)), event.timestamp)

    def to_domain_event(self, stored: Any) -> Any:
        at = getattr(stored, "at", None)
        record = Recorded(0, stored.originator_id, stored.originator_version, stored.topic, stored.state, at, at)  # type: ignore[arg-type]
        return self.to_domain_events([record])[0]

    def to_domain_events(self, records: Sequence[Any]) -> list[Any]:
        """The library's event objects. Unreadable says which cannot be read, where it lies, and why."""
        return events(present(records))


def folded(aggregate: Any, told: Sequence[Any], records: Sequence[Any]) -> Any:
    """The aggregate as the events ``told`` leave it. Unreadable: at which of their ``records`` it fails, and why."""
    rest = iter(told)
    try:
        return fold(aggregate, rest)
    except Exception as error:
        raise Unreadable(f"{where(records[len(told) - length_hint(rest) - 1])}: {error!r}") from error


def events(records: Iterable[Any]) -> list[Any]:
    """The library's event objects of records that are presented already."""
    return [_event(record) for record in records]


def _event(record: Any) -> Any:
    _, stream_id, version, name, data, effective_at, *_ = record
    if name in evolution.retired_names:
        event: Any = object.__new__(Nothing)
        facts: Facts = {}
    else:
        try:
            cls, _, read, *_ = shape(name)
            facts = read(data)
        except (msgspec.MsgspecError, LookupError) as error:
            raise Unreadable(f"{where(record)}: {error}") from error
        except Exception as error:  # of a @value's own
            raise Unreadable(f"{where(record)}: {error!r}") from error
        event = object.__new__(cls)
    facts["originator_id"] = stream_id
    facts["originator_version"] = version
    facts["timestamp"] = effective_at
    object.__setattr__(event, "__dict__", facts)  # frozen, and quicker than its constructor
    return event
