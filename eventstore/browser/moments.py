"""The time machine: each moment of an object's life, what it was then, and how two moments differ."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.safestring import SafeString
from eventsourcing.application import AggregateNotFoundError

from eventstore import history
from eventstore.browser import life
from eventstore.browser.consequences import Around
from eventstore.browser.life import Step
from eventstore.browser.readable import Readable, spoken, tree, words
from eventstore.browser.told import Told, one_by_one
from eventstore.history import Moment

PAGE = 50  # moments that are fetched at once
NAMES = ("name", "title", "reference", "sku", "email", "order_id")  # of the fields that say which one it is

Sees = Callable[[str], bool]  # whether a kind of stream may be looked at


class Field(NamedTuple):
    """A line of the page of an object."""

    field: str
    label: str
    html: SafeString
    changed: bool


class Shown(NamedTuple):
    """One moment, as the page shows it."""

    step: Step
    changes: list[tuple[str, SafeString]]
    fields: list[Field] | None
    around: Around

    @property
    def told(self) -> Told:
        return self.step.told

    @property
    def title(self) -> str:
        return words(self.step.told.what)

    @property
    def spoken(self) -> str:
        """What the slider says aloud."""
        entry = self.step.told.entry
        return f"{self.title}, version {entry.version}, {spoken(entry.recorded_at)} UTC"


class Span(NamedTuple):
    """Moments that follow each other, and why the state of some is not known."""

    moments: list[Shown]
    problem: str


def span(stream_id: UUID, versions: range, site: str, around: Callable[[Iterable[Step]], dict[UUID, Around]]) -> Span:
    """Those moments of a stream's life."""
    steps, problem = life.steps_of(stream_id, versions, tree)
    found = around(steps)
    values = Readable(site, (text for step in steps for text in _texts(step)))
    return Span([_shown(step, values, found) for step in steps], problem)


def _texts(step: Step) -> Iterable[str]:
    yield step.told.raw
    if step.state is not None:
        yield str(step.state)


def _shown(step: Step, values: Readable, around: dict[UUID, Around]) -> Shown:
    values.moment = f"?at={step.told.entry.position}"
    changes = [(words(each.field), values.change(each.before, each.after)) for each in step.changes]
    born = step.told.entry.version == 1  # all is new, and none of it stands out
    changed = set() if born else {each.field for each in step.changes}
    fields = None
    if step.state is not None:
        fields = [Field(name, words(name), values.html(value), name in changed) for name, value in step.state.items()]
    return Shown(step, changes, fields, around[step.told.entry.event_id])


def called(state: life.State | None) -> str:
    """What people call it, by the first field that says so."""
    return next((str(state[name]) for name in NAMES if state.get(name)), "") if state else ""


class Line(NamedTuple):
    """A field at two moments."""

    field: str
    label: str
    before: SafeString
    after: SafeString
    differs: bool


class Unlike(NamedTuple):
    """An object at two moments, side by side; or why one of them cannot be shown."""

    lines: list[Line]
    problem: str = ""

    @property
    def different(self) -> int:
        return sum(line.differs for line in self.lines)


def compared(stream_id: UUID, one: Moment, other: Moment, site: str) -> Unlike:
    """What the object was at one moment and at another: known then, or true then."""
    states = list[life.State]()
    for each in (one, other):
        (found,) = one_by_one(lambda moments: [history.at(stream_id, moments[0])], [each])
        if isinstance(found, AggregateNotFoundError):
            states.append({})
        elif isinstance(found, Exception):
            return Unlike([], f"What it was at {each} cannot be told: {found}")
        else:
            states.append({name: tree(value) for name, value in history.state(found).items()})
    before, after = states
    values = Readable(site, map(str, states))
    return Unlike(
        [
            Line(name, words(name), values.html(before.get(name)), values.html(after.get(name)), _differ(name, states))
            for name in {**before, **after}
        ]
    )


def _differ(name: str, states: list[dict[str, Any]]) -> bool:
    before, after = states
    return (name in before) != (name in after) or before.get(name) != after.get(name)
