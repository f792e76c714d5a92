"""What an event's facts may be, so that all who read the log can read them: Python, projections, ``eventstore_log``."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

MOST = 16 * 2**20  # bytes of one event's facts: readers take a thousand events at once, and a jsonb ends at 256 MB
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # a backslash before it that is itself escaped does not escape it
NAIVE = re.compile(rb'T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"')  # an instant, or a text like one, that has no zone

encode = msgspec.json.Encoder().encode


def encoded(name: str, stream_id: UUID, facts: dict[str, Any], dated: tuple[str, ...]) -> bytes:
    """The facts as JSON. ValueError, TypeError: one cannot be stored, and why. Those of ``dated`` may hold instants."""
    try:
        payload = encode(facts)
    except (TypeError, ValueError):
        for field, fact in facts.items():
            _try(name, stream_id, field, fact)
        raise
    for field in dated if NAIVE.search(payload) else ():
        if any(moment.utcoffset() is None for moment in _moments(facts.get(field))):
            raise ValueError(f"{name} of {stream_id}: {field} has no zone: expected an instant such as 12:00 in UTC.")
    if b"\\u0000" in payload:
        for field, fact in facts.items():
            if NUL.search(encode(fact)):
                raise ValueError(f"{name} of {stream_id}: {field} has a NUL character, which PostgreSQL's text cannot.")
    return fitting(name, stream_id, payload)


def _try(name: str, stream_id: UUID, field: str, fact: Any) -> None:
    try:
        encode(fact)
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} of {stream_id}: {field} is no text: it has half of a surrogate pair.") from error
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} of {stream_id}: {field} cannot be stored: {error}") from error


def fitting(name: str, stream_id: UUID, payload: bytes) -> bytes:
    """The same, if it is not too long to be stored. ValueError."""
    if len(payload) > MOST:
        raise ValueError(f"{name} of {stream_id}: expected at most {MOST:,} bytes of facts, found {len(payload):,}.")
    return payload


def _moments(fact: Any) -> Iterator[datetime]:
    if isinstance(fact, datetime):
        yield fact
    elif isinstance(fact, list | tuple | set | frozenset):
        for each in fact:
            yield from _moments(each)
    elif isinstance(fact, dict):
        for pair in fact.items():
            yield from _moments(pair)
    elif isinstance(plain := msgspec.to_builtins(fact, builtin_types=(datetime,)), dict | list):
        yield from _moments(plain)  # a @value


def may_hold_moments(kind: Any) -> bool:
    """Whether a value of that type may be a datetime, or have one in it."""
    seen: set[int] = set()

    def found(info: Any) -> bool:
        if isinstance(info, inspect.DateTimeType | inspect.AnyType):
            return True
        if isinstance(info, tuple):
            return any(map(found, info))
        if not isinstance(info, inspect.Type | inspect.Field) or id(info) in seen:
            return False
        seen.add(id(info))
        return any(found(getattr(info, name)) for name in info.__struct_fields__)

    return found(inspect.type_info(kind))
