"""Who did what: the commands of a day, each with who asked for it, why, and what it touched."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from eventstore.browser import asked
from eventstore.browser.told import Told, log, tell
from eventstore.history import COLUMNS, Entry
from eventstore.models import Command
from eventstore.persistence import rows

PAGE = 100  # events
LOOK = 50_000  # positions, of the end of a very long day
ACTORS = 40  # that are counted by name

DONE = f"""
    select {COLUMNS} from eventstore_event
    where position between %s and %s and (%s = '' or actor = %s) order by position desc limit %s"""
BY_ACTOR = """
    select actor, count(distinct command_id), count(*) from eventstore_event
    where position between %s and %s group by actor order by 2 desc, 3 desc limit %s"""


class Asked(NamedTuple):
    """Of which day, and of whom; what is wrong with what was asked."""

    day: date | None
    actor: str
    before: int | None
    problem: str

    @classmethod
    def read(cls, given: Any) -> "Asked":
        text, before = given.get("day", ""), given.get("before", "")
        day, problem = None, ""
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError:
            problem = f"{text!r} is no day. Expected one such as 2026-03-01."
        known = int(before) if before.isdecimal() and len(before) < 19 else None
        return cls(day, given.get("actor", "").strip()[:200], known, problem)


class Deed(NamedTuple):
    """What somebody did at once: the events of one command."""

    told: list[Told]
    command: str

    @property
    def first(self) -> Told:
        return self.told[0]


class Doer(NamedTuple):
    """Whoever did something on that day."""

    actor: str | None
    commands: int
    events: int


class Day(NamedTuple):
    day: date
    deeds: list[Deed]
    doers: list[Doer]
    looked: bool  # whether only the end of a very long day was counted
    before: int | None  # where the next page begins
    hidden: int  # events that may not be seen by whoever looks


def last_day() -> date:
    """That of the last event; without any, today."""
    recorded_at = log().order_by("-position").values_list("recorded_at", flat=True).first()
    return (recorded_at or datetime.now(UTC)).astimezone(UTC).date()


def on(day: date, actor: str, before: int | None, sees: Callable[[str], bool]) -> Day:
    """What was done on that day, in UTC, the last first; by ``actor``, if one is named."""
    begins = datetime.combine(day, time(), UTC)
    lowest, highest = asked.bounds(begins, begins + timedelta(days=1, microseconds=-1))
    lowest = max(lowest, highest - LOOK + 1)
    up_to = highest if before is None else min(highest, before - 1)
    found = tell([Entry(*each) for each in rows(DONE, lowest, up_to, actor, actor, PAGE + 1)])
    page = [told for told in found[:PAGE] if told.entry.recorded_at.astimezone(UTC).date() == day]
    seen = [told for told in page if sees(told.kind)]
    doers = [Doer(*each) for each in rows(BY_ACTOR, lowest, highest, ACTORS)]
    more = found[PAGE - 1].entry.position if len(found) > PAGE else None
    return Day(day, _deeds(seen), doers, highest - lowest + 1 >= LOOK, more, len(page) - len(seen))


def _deeds(told: Sequence[Told]) -> list[Deed]:
    """Newest first, each with its events in order."""
    asked_for = {each.entry.command_id for each in told if each.entry.command_id}
    names = dict(QuerySet(Command).filter(command_id__in=asked_for).values_list("command_id", "name"))
    groups = dict[tuple[UUID, UUID | None], list[Told]]()
    for each in told:
        groups.setdefault((each.entry.command_id or each.entry.event_id, each.entry.causation_id), []).insert(0, each)
    return [Deed(events, names.get(command, "")) for (command, _), events in groups.items()]
