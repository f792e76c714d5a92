"""Events ⇄ typed JSON: ``{"total": "19.80", "lines": [...]}``, read back by the types that the events declare."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from functools import cache
from inspect import Parameter
from typing import Any, NamedTuple, NotRequired, TypedDict, get_origin, get_type_hints

import msgspec
from eventsourcing.domain import Snapshot
from eventsourcing.persistence import Mapper, MapperDeserialisationError
from eventsourcing.utils import get_topic

from eventstore.domain import bodies
from eventstore.names import classes
from eventstore.persistence import Stored

ENVELOPE = {"originator_id", "originator_version", "originator_topic", "timestamp"}

Facts = dict[str, Any]
encode = msgspec.json.Encoder().encode


class Shape(NamedTuple):
    """How the facts of one stored name look in Python and in JSON."""

    cls: type
    names: tuple[str, ...]
    read: Callable[[bytes], Facts]


@cache
def shape(name: str) -> Shape:
    """Of an event, or of an aggregate: its snapshots carry its name. LookupError: nobody knows ``name``."""
    if name not in classes:
        raise LookupError(f"No class is stored as {name}. Is its app installed, and its module called `domain`?")
    cls = classes[name]
    if hasattr(cls, "pending_events"):
        hints = {"_created_on": datetime, "_modified_on": datetime, **get_type_hints(cls)}
        names = tuple(n for n in hints if not n.isupper())
        defaults: Facts = {}
    else:
        hints = get_type_hints(cls)
        names = tuple(f.name for f in fields(cls) if f.name not in ENVELOPE)
        defaults = _defaults(cls, names)
        for n in names:
            if hints[n] is Parameter.empty:
                raise TypeError(f"{name}: {n} needs a type, to be read back from JSON.")
            if (get_origin(hints[n]) or hints[n]) in (list, dict, set):
                raise TypeError(f"{name}: {n} must not change after the event: make it a tuple or a @value.")
    typed_dict: Any = TypedDict
    facts = typed_dict(name, {n: NotRequired[hints[n]] if n in defaults else hints[n] for n in names})
    typed = msgspec.json.Decoder(facts).decode
    return Shape(cls, names, (lambda data: defaults | typed(data)) if defaults else typed)


def _defaults(cls: type, names: tuple[str, ...]) -> Facts:
    """What older events lack: a fact added later has the default of its parameter."""
    body, _ = bodies.get(cls, (None, ()))
    given = (body.__defaults__ or ()) if body else ()
    return dict(zip(reversed(names), reversed(given), strict=False))


class TypedMapper(Mapper[Any]):
    """Between the library's event objects and what the log stores: only facts are in the payload."""

    def to_stored_event(self, event: Any) -> Any:
        name, facts = get_topic(type(event)), event.__dict__
        if isinstance(event, Snapshot):
            name, facts = event.topic, event.state
            if undeclared := facts.keys() - set(shape(name).names):
                raise TypeError(f"{name} cannot be snapshotted: declare the types of {sorted(undeclared)} on it.")
        payload = encode({n: facts[n] for n in shape(name).names if n in facts})
        return Stored(event.originator_id, event.originator_version, name, payload, event.timestamp)

    def to_domain_event(self, stored: Any) -> Any:
        cls, _, read = shape(stored.topic)
        try:
            facts = read(stored.state)
        except msgspec.MsgspecError as error:
            where = f"{stored.topic}, version {stored.originator_version} of {stored.originator_id}"
            raise MapperDeserialisationError(f"{where}: {error}") from error
        if hasattr(cls, "pending_events"):
            return Snapshot(stored.originator_id, stored.originator_version, stored.at, stored.topic, facts)
        facts["originator_id"] = stored.originator_id
        facts["originator_version"] = stored.originator_version
        facts["timestamp"] = stored.at
        event: Any = object.__new__(cls)
        object.__setattr__(event, "__dict__", facts)  # frozen, and quicker than its constructor
        return event
