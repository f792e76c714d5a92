"""Say what happened, without ids and clocks."""

from typing import Any, TypeVar

from eventsourcing.utils import get_topic

from eventstore.mapper import ENVELOPE

T = TypeVar("T")


def facts(aggregate: Any) -> list[tuple[str, dict[str, Any]]]:
    """What ``aggregate`` decided since last asked: ``[("Order.Placed", {...})]``."""
    return [
        (get_topic(type(event)), {name: value for name, value in vars(event).items() if name not in ENVELOPE})
        for event in aggregate.collect_events()
    ]


def given(aggregate: T) -> T:
    """The aggregate, with how it got here forgotten."""
    aggregate.collect_events()  # type: ignore[attr-defined]
    return aggregate
