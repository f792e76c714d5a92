"""Causes and consequences: the commands and events of one correlation as a tree."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from eventstore.browser.consequences import Thing
from eventstore.browser.told import Told, entries, log, tell
from eventstore.models import Command

MOST = 500  # events on one page


@dataclass(eq=False)
class Asking:
    """Events that one command recorded, for one cause: a branch of the tree."""

    command_id: UUID | None
    causation_id: UUID | None  # the event that made somebody ask
    name: str = ""  # of the command, if it left a receipt
    events: list[Told] = field(default_factory=list)

    @property
    def actor(self) -> str | None:
        return self.events[0].entry.actor

    @property
    def at(self) -> datetime:
        """When it was recorded."""
        return self.events[-1].entry.recorded_at


class Beside(NamedTuple):
    """What an event caused beside commands: a mail that was written, say."""

    kind: str
    id: UUID
    name: str
    status: str
    at: datetime


besides: list[Callable[[Sequence[UUID]], Mapping[UUID, Sequence[Beside]]]] = []  # by id of the event; apps add theirs


class Step(NamedTuple):
    """A command, an event that it recorded, or what an event caused beside commands: the tree, top down."""

    item: "Asking | Told | Beside"
    depth: int  # 0: a root
    cause: Told | None = None  # the event that it came of
    strange: bool = False  # a command whose cause is not among the events


class Line(NamedTuple):
    """One line of the tree as it is written down: it may open a list, and ends ``closes`` of them."""

    asking: Asking | None  # a branch: what was asked
    told: Told | None  # or an event of it
    opens: bool
    inner: bool  # the next line opens a list in this one
    closes: range
    strange: bool  # a branch whose cause is not on this page
    things: Sequence[Thing] = ()  # that came of the event and are none themselves


def of(correlation_id: UUID, after: int) -> tuple[list[Told], bool]:
    """The first events of the correlation after that position, and whether there are more."""
    by_position = (F("position") + 0).asc()  # not by the primary key, which would be walked from its beginning
    found = entries(log().filter(correlation_id=correlation_id, position__gt=after).order_by(by_position)[: MOST + 1])
    return tell(found[:MOST]), len(found) > MOST


def steps(told: Sequence[Told], *, beside: bool = True) -> list[Step]:
    """The tree, top down: under each command what it recorded, under each event what it caused, in order.

    For whoever shows it: the page here, a project's own API, tools of OpenTelemetry. ``beside``: with what events
    caused that is no command.
    """
    known = {each.entry.event_id: each for each in told}
    roots, caused = list[Asking](), dict[UUID, list[Asking | Beside]]()
    for branch in _branches(told):
        cause = known.get(branch.causation_id) if branch.causation_id else None
        # A cause comes before its consequences: a log that says otherwise is still shown, without going in circles.
        if cause and cause.entry.position < branch.events[0].entry.position:
            caused.setdefault(cause.entry.event_id, []).append(branch)
        else:
            roots.append(branch)
    for find in besides if beside else ():
        for event_id, found in find(list(known)).items():
            caused.setdefault(event_id, []).extend(found)
    return list(_walked(roots, caused))


def lines(told: Sequence[Told]) -> list[Line]:
    """The tree as nested lists; what events caused beside commands, the page shows with their links."""
    found = steps(told, beside=False)
    depths = [-1, *(step.depth for step in found), 0]
    written = []
    for (item, depth, _, strange), before, then in zip(found, depths[:-2], depths[2:], strict=True):
        asking = item if isinstance(item, Asking) else None
        event = item if isinstance(item, Told) else None
        ends = range(max(0, depth - then))
        written.append(Line(asking, event, before < depth, then > depth, ends, strange))
    return written


def took(step: Step) -> timedelta:
    """Of a command, how long after its cause it was recorded; of what has none, nothing."""
    if step.cause is None or isinstance(step.item, Told):
        return timedelta()
    return max(timedelta(), step.item.at - step.cause.entry.recorded_at)


def in_words(step: Step) -> str:
    """A line of the tree; of what was caused, after how many milliseconds."""
    after = f" after {took(step).total_seconds() * 1000:,.0f} ms" if step.cause else ""
    match step.item:
        case Asking(name=name, actor=actor):
            return f"{name or 'without a command'}{f' by {actor}' if actor else ''}{after}"
        case Beside(kind=kind, name=name, status=status):
            return f"{kind} {name}, {status}{after}"
    entry = step.item.entry
    return f"{entry.position} {entry.name} {entry.stream_id} v{entry.version}"


def _branches(told: Sequence[Told]) -> list[Asking]:
    asked = {each.entry.command_id for each in told if each.entry.command_id}
    names = dict(QuerySet(Command).filter(command_id__in=asked).values_list("command_id", "name"))
    branches = dict[tuple[UUID | None, UUID | None], Asking]()
    for each in told:
        key = each.entry.causation_id, each.entry.command_id
        if key not in branches:
            branches[key] = Asking(key[1], key[0], names.get(key[1], "") if key[1] else "")
        branches[key].events.append(each)
    return list(branches.values())


def _walked(roots: list[Asking], caused: Mapping[UUID, Sequence[Asking | Beside]]) -> Iterator[Step]:
    """Depth first, without recursion: a chain of causes may be as long as a page."""
    stack = [Step(root, 0, None, root.causation_id is not None) for root in reversed(roots)]
    while stack:
        step = stack.pop()
        yield step
        match step.item:
            case Asking():
                stack += [Step(event, step.depth + 1) for event in reversed(step.item.events)]
            case Told():
                below = caused.get(step.item.entry.event_id, ())
                stack += [Step(each, step.depth + 1, step.item) for each in reversed(below)]
