"""What an aggregate's events have come to, kept now and then so that long streams load as fast as short ones.

Never needed: without it, or when the code of the aggregate may have changed since, its events are folded from the
first. An aggregate is kept if its class declares the types of its attributes, and none of its facts are personal: those
would be a second copy to forget.
"""

import logging
from functools import cache
from typing import Any

from django.db import Error, transaction
from eventsourcing.persistence import PersistenceError

from eventstore import sources
from eventstore.mapper import encode, shape
from eventstore.names import classes
from eventstore.persistence import Recorded, rows

logger = logging.getLogger(__name__)


def restored(record: Recorded) -> Any:
    """The aggregate whose state ``record`` has, under the aggregate's name, at its version."""
    known = shape(record.name)
    aggregate: Any = object.__new__(known.cls)
    state = {"_id": record.stream_id, "_version": record.version, "_pending_events": []}
    aggregate.__dict__.update(state | known.read(record.data))
    return aggregate


def readable() -> list[str]:
    """The fingerprints of all aggregates that are kept, as today's code takes them."""
    if len(_readable) != len(classes):  # a class was made since
        _readable.clear()
        _readable.update((name, fingerprint(name) if "." not in name else "") for name in classes)
    return list(filter(None, _readable.values()))


_readable: dict[str, str] = {}


def is_due(aggregate: Any) -> bool:
    """Whether what it decided and is about to be stored passes a multiple of its ``snapshot_every``."""
    every = aggregate.snapshot_every
    if not every or aggregate.version < every:
        return False
    before = aggregate.version - len(aggregate.pending_events)
    return before // every < aggregate.version // every and fingerprint(type(aggregate).TOPIC) != ""


def take(aggregate: Any) -> None:
    """Keep the aggregate as it is. Should that fail, so be it: it is only quicker."""
    name = type(aggregate).TOPIC
    state = {n: v for n, v in vars(aggregate).items() if n not in ("_id", "_version", "_pending_events")}
    if undeclared := state.keys() - set(shape(name).names):
        raise TypeError(
            f"{name} cannot be kept as a snapshot: declare the types of {', '.join(sorted(undeclared))} on it."
        )
    try:
        with transaction.atomic():
            rows(
                "insert into eventstore_snapshot (stream_id, version, name, data, code, effective_at) "
                "values (%s, %s, %s, %b, %s, %s) on conflict (stream_id, version) do update "
                "set name = excluded.name, data = excluded.data, code = excluded.code returning 1",
                *(aggregate.id, aggregate.version, name, encode(state), fingerprint(name), aggregate.modified_on),
            )
    except (PersistenceError, Error) as error:
        logger.warning("No snapshot of %s %s was kept: %s", name, aggregate.id, error)


@cache
def fingerprint(name: str) -> str:
    """Changes with any source that the state may depend on: a word too many changed is a snapshot made anew, a word too
    few a state misread. Empty: never kept.
    """
    cls = classes[name]
    events = [event_name for event_name in classes if event_name.startswith(f"{name}.")]
    if not vars(cls).get("__annotations__") or any(shape(event_name).personal for event_name in events):
        return ""
    return sources.fingerprint(cls.__module__, __name__)
