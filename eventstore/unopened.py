"""Events for whoever may read the log and not the keys of persons: what is personal stays sealed, and says so.

For people alone: a program that took ``[sealed]`` for a fact would store it.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from eventstore import evolution, mapper
from eventstore.mapper import as_stored, encode, shape
from eventstore.names import classes
from eventstore.personal import NoRight

MARK = "[sealed]"

R = TypeVar("R", bound=Any)  # a NamedTuple with name and data


def present(records: Sequence[R]) -> list[R]:
    """As ``mapper.present``; without a right to the keys, ``[sealed]`` is in every text of a personal fact."""
    try:
        return mapper.present(records)
    except NoRight:
        return [record if as_stored(record.name) else _marked(record) for record in records]


def _marked(record: R) -> R:
    name, facts = evolution.present(record.name, msgspec.json.decode(record.data))
    for field, erased in shape(name).erased.items() if name in classes else ():
        if facts.get(field):  # what is empty was not sealed
            facts[field] = _in_every_text(erased)
    return record._replace(name=name, data=encode(facts))  # type: ignore[no-any-return]


def _in_every_text(erased: Any) -> Any:
    return {field: _in_every_text(inner) for field, inner in erased.items()} if isinstance(erased, dict) else MARK
