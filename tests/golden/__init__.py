"""The golden corpus: of every stored name, and of every shape it ever had, an event as it was stored and how it reads.

A line that is there stays: it lies in somebody's log. What it is read as (``facts``) may change with the code.
``python -m tests.golden`` adds what is missing.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.apps import AppConfig, apps

from eventstore.evolution import SHAPE, aliases, newest, retired_names
from eventstore.mapper import ENVELOPE, encode
from eventstore.names import classes, known
from eventstore.persistence import Recorded

CORPUS = Path(__file__).parent / "events.jsonl"
EVER = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Line(msgspec.Struct):
    name: str
    data: msgspec.Raw  # as stored
    facts: msgspec.Raw  # as read today
    stream_id: UUID
    version: int

    @property
    def shape(self) -> int:
        return msgspec.json.decode(self.data).get(SHAPE, 1)  # type: ignore[no-any-return]

    def recorded(self) -> Recorded:
        return Recorded(1, self.stream_id, self.version, self.name, bytes(self.data), EVER, EVER)


class Person(msgspec.Struct):
    """Whose facts are sealed in the corpus: the first line."""

    subject_id: UUID
    wrapped: bytes
    wrapped_by: str


def read() -> tuple[Person, list[Line]]:
    first, *lines = CORPUS.read_bytes().splitlines()
    return msgspec.json.decode(first, type=Person), [msgspec.json.decode(line, type=Line) for line in lines]


def facts(event: Any) -> bytes:
    """What an event object says, without its envelope."""
    return encode({name: value for name, value in vars(event).items() if name not in ENVELOPE})


def ours() -> list[AppConfig]:
    return [app for app in apps.get_app_configs() if not app.name.startswith("tests.")]


def expected() -> set[tuple[str, int]]:
    """Each stored name of the installed apps, those of the tests apart, with each of its shapes."""
    names = {name for name in known() if classes[name].__module__.startswith(tuple(f"{app.name}." for app in ours()))}
    of_tests = {name.partition(".")[0] for name in known() if classes[name].__module__.startswith("tests.")}
    past = {name for name in (*aliases, *retired_names) if name.partition(".")[0] not in of_tests}
    return {(name, shape) for name in names for shape in range(1, newest(name) + 1)} | {(name, 1) for name in past}
