"""Events as people can look at them: as today's code reads them, or raw with what is wrong."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import Error as DjangoDatabaseError
from django.db.models import QuerySet
from eventsourcing.persistence import PersistenceError

from eventstore.evolution import retired_names
from eventstore.history import Entry
from eventstore.mapper import shape
from eventstore.models import Event
from eventstore.unopened import present

FEW = 6  # facts in one line of a list
SHORT = 40  # letters of such a fact
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

T = TypeVar("T")
R = TypeVar("R")


class Told(NamedTuple):
    """An event to look at. Where there is a problem, its entry and facts are as far as they could be read."""

    entry: Entry
    facts: dict[str, Any] | None  # None: the payload is no JSON object
    problem: str

    @property
    def kind(self) -> str:
        return self.entry.name.partition(".")[0]

    @property
    def what(self) -> str:
        return self.entry.name.partition(".")[2] or self.entry.name

    @property
    def raw(self) -> str:
        return self.entry.data.decode(errors="backslashreplace")

    @property
    def late(self) -> bool:
        """Whether it was true for longer than it took to record it."""
        return abs((self.entry.recorded_at - self.entry.effective_at).total_seconds()) >= 1

    @property
    def few(self) -> list[tuple[str, str]]:
        """The first facts, each in short."""
        return [(name, short(value)) for name, value in list((self.facts or {}).items())[:FEW]]

    @property
    def more(self) -> int:
        return max(0, len(self.facts or {}) - FEW)


def log() -> QuerySet[Event]:
    """All events, as Django's queries see them."""
    return QuerySet(Event)


def entries(events: QuerySet[Event]) -> list[Entry]:
    """As they lie in the log."""
    read = Entry._make
    return [e._replace(data=bytes(e.data)) for e in map(read, events.values_list(*Entry._fields))]


def tell(found: Sequence[Entry]) -> list[Told]:
    """Each of ``found`` as today's code reads it; one that cannot be read does not hide the others."""
    read = one_by_one(present, found)
    return [_told(entry, now) for entry, now in zip(found, read, strict=True)]


def one_by_one(read: Callable[[Sequence[T]], list[R]], records: Sequence[T]) -> list[R | Exception]:
    """What ``read`` makes of each, or why it cannot: all at once, else by halves, so that few bad ones cost little."""
    try:
        return [*read(records)]
    except Exception as error:
        if isinstance(error, PersistenceError | DjangoDatabaseError):
            raise  # the database is wrong, not an event
        if len(records) == 1:
            return [error]
    middle = len(records) // 2
    return one_by_one(read, records[:middle]) + one_by_one(read, records[middle:])


def _told(entry: Entry, read: Entry | Exception) -> Told:
    if isinstance(read, Exception):
        return Told(entry, _facts(entry), str(read) or repr(read))
    problem = ""
    if read.name not in retired_names:
        try:
            shape(read.name).read(read.data)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            problem = str(error.args[0]) if error.args else repr(error)
    return Told(read, _facts(read), problem)


def _facts(entry: Entry) -> dict[str, Any] | None:
    try:
        facts = msgspec.json.decode(entry.data)
    except (msgspec.MsgspecError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def short(value: Any) -> str:
    """One line of at most ``SHORT`` letters: ``2 × …`` for a list, the values of an object."""
    match value:
        case None:
            text = "–"
        case bool():
            text = str(value).lower()
        case str() if UUID_TEXT.fullmatch(value):
            text = f"…{value[-8:]}"
        case list():
            text = f"{len(value)} × {short(value[0])}" if value else "none"
        case dict():
            text = ", ".join(short(inner) for inner in value.values() if inner not in (None, ""))
        case _:
            text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"
