"""Around an event: what made it happen, what was recorded with it, and what it led to."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from eventstore.browser.told import Told, tell
from eventstore.history import COLUMNS, Entry
from eventstore.models import Command
from eventstore.persistence import rows

LOOK = 20_000  # events of a correlation
MOST = 2_000  # events around all those of one page
FEW = 30  # … and around one

# By the index on correlations alone: what an event led to bears its correlation, or, if it had none, its command's or
# its own id.
AROUND = f"""
    select {COLUMNS} from (
        select * from eventstore_event where correlation_id = any(%s) limit %s) correlated
    where causation_id = any(%s) or event_id = any(%s) or command_id = any(%s)
    order by position limit %s"""


class Other(NamedTuple):
    """Another event, as a link to its own time machine at that moment."""

    told: Told
    command: str  # that recorded it


class Thing(NamedTuple):
    """Something that is no event and came of one: a mail."""

    text: str
    url: str


class Around(NamedTuple):
    command: str  # that recorded it, if it left a receipt
    cause: Other | None
    beside: list[Other]  # recorded by the same command, in other streams
    led_to: list[Other]
    more: list[Thing]
    hidden: int  # that may not be seen by whoever looks


def around(told: Sequence[Told], sees: Callable[[str], bool], things: dict[UUID, list[Thing]]) -> dict[UUID, Around]:
    """By its id, what is around each of these events of one stream: one look at the log, and one at the commands."""
    here = {each.entry.event_id for each in told}
    causes = {each.entry.causation_id for each in told if each.entry.causation_id}
    commands = {each.entry.command_id for each in told if each.entry.command_id}
    correlations = {e.correlation_id or e.command_id or e.event_id for e in (each.entry for each in told)}
    asked = [list(correlations), LOOK, list(here), list(causes), list(commands), MOST]
    others = tell([Entry(*found) for found in rows(AROUND, *asked)])
    names = _names([*told, *others])
    by_id, by_cause, by_command = dict[Any, Other](), dict[Any, list[Other]](), dict[Any, list[Other]]()
    for each in others:
        entry = each.entry
        other = Other(each, names.get(entry.command_id, "") if entry.command_id else "")
        by_id[entry.event_id] = other
        by_cause.setdefault(entry.causation_id, []).append(other)
        by_command.setdefault(entry.command_id, []).append(other)
    found = {}
    for each in told:
        entry = each.entry
        cause = by_id.get(entry.causation_id)
        beside = by_command.get(entry.command_id, []) if entry.command_id else []
        beside = [other for other in beside if other.told.entry.stream_id != entry.stream_id]
        beside = [other for other in beside if other.told.entry.causation_id == entry.causation_id]
        led_to = by_cause.get(entry.event_id, [])
        all_of_them = [*([cause] if cause else []), *beside, *led_to]
        hidden = sum(not sees(other.told.kind) for other in all_of_them)
        found[entry.event_id] = Around(
            names.get(entry.command_id, "") if entry.command_id else "",
            cause if cause and sees(cause.told.kind) else None,
            [other for other in beside if sees(other.told.kind)][:FEW],
            [other for other in led_to if sees(other.told.kind)][:FEW],
            things.get(entry.event_id, []),
            hidden,
        )
    return found


def _names(told: Iterable[Told]) -> dict[UUID, str]:
    asked = {each.entry.command_id for each in told if each.entry.command_id}
    return dict(QuerySet(Command).filter(command_id__in=asked).values_list("command_id", "name"))
