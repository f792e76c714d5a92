"""Events as they lie in the log, and what is wrong about them."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from eventstore.persistence import rows

AT_ONCE = 5_000
PAGE = """
    select position, stream_id::text, version, name, convert_from(data, 'UTF8'), event_id::text,
        recorded_at - effective_at from eventstore_event
    where position > %s and position <= %s order by position limit %s"""


class Fact(NamedTuple):
    position: int
    stream_id: str
    version: int
    name: str
    data: dict[str, Any]
    event_id: str
    late_by: timedelta  # how long after it was true it was recorded


class Breach(NamedTuple):
    """Something that must never be. ``rule``: of FAULTS' invariants, in a word."""

    rule: str  # stock | credit | money | price | order | process | mail | log | rows
    position: int | None  # of the event after which it was so; None: as things stand
    stream_id: str
    detail: str

    def __str__(self) -> str:
        where = f"{self.stream_id}: " if self.stream_id else ""
        return f"{f'position {self.position:,}: ' if self.position else ''}{where}{self.detail}"


Handler = Callable[[Any, Fact], Iterator[str]]


class Book:
    """One kind of aggregate, added up from its events: ``Kind.Happened`` is taken by the method ``happened``.

    An event that it has no method for changes nothing that it adds up.
    """

    kind = ""
    rule = ""

    def take(self, fact: Fact) -> Iterator[Breach]:
        method: Handler | None = getattr(type(self), _method(fact.name), None)
        if method:
            for detail in method(self, fact):
                yield Breach(self.rule, fact.position, fact.stream_id, detail)


def _method(name: str) -> str:
    """``Payment.CaptureRequested`` → ``capture_requested``."""
    happened = name.partition(".")[2]
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in happened).lstrip("_")


def facts(upto: int) -> Iterator[Fact]:
    """All of the log, in its order."""
    position = 0
    while found := rows(PAGE, position, upto, AT_ONCE):
        for *head, data, event_id, late_by in found:
            yield Fact(*head, json.loads(data), event_id, late_by)
        position = found[-1][0]


def amount(money: dict[str, str]) -> Decimal:
    return Decimal(money["amount"])
