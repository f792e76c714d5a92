"""The life of one stream: what each event changed, and what it all came to, now or then."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Max
from eventsourcing.application import AggregateNotFoundError

from eventstore import history
from eventstore.application import load, mapper
from eventstore.browser.told import Told, entries, log, one_by_one, tell
from eventstore.browser.values import plain
from eventstore.domain import fold
from eventstore.history import Change, Entry

PAGE = 100  # versions

State = dict[str, Any]  # as JSON would have it
Read = Callable[[Any], Any]  # of a value of the domain, a copy as JSON would have it


class Step(NamedTuple):
    """An event of the stream. Where its state cannot be told (it, or one before it, is unreadable): None."""

    told: Told
    changes: list[Change]
    state: State | None


class Life(NamedTuple):
    """A page of a stream, around the version that is asked for."""

    kind: str
    steps: list[Step]
    version: int  # asked for
    last: int
    then: State | None
    now: State | None
    problem: str  # why there is no state
    at: range  # the versions of this page

    @property
    def is_now(self) -> bool:
        return self.version == self.last


def version_at(stream_id: UUID, until: history.Moment | None) -> tuple[int | None, int | None]:
    """The version that the stream had at that moment, and the one it has now. None: there was none."""
    events = log().filter(stream_id=stream_id)
    last = events.aggregate(last=Max("version"))["last"]
    if until is None or last is None:
        return last, last
    if until.column == "version":
        return (until.bound if until.bound <= last else None), last
    return events.filter(**{f"{until.column}__lte": until.bound}).aggregate(last=Max("version"))["last"], last


def live(stream_id: UUID, version: int, last: int) -> Life:
    """The page of the stream's life with ``version``. An event that cannot be read ends what is known of its state."""
    first = (version - 1) // PAGE * PAGE + 1
    at = range(first, min(first + PAGE, last + 1))
    steps, problem = steps_of(stream_id, at, plain)
    states = {step.told.entry.version: step.state for step in steps}
    now = states.get(last)
    if last not in at:
        aggregate, trouble = loaded(stream_id, last)
        now, problem = (_state(aggregate, plain) if aggregate else None), problem or trouble
    kind = steps[0].told.kind if steps else ""
    return Life(kind, steps, version, last, states.get(version), now, problem, at)


def steps_of(stream_id: UUID, versions: range, read: Read) -> tuple[list[Step], str]:
    """Each of those events with what it changed, and why no more is known of the state; ``read`` makes it readable."""
    events = log().filter(stream_id=stream_id, version__range=(versions[0], versions[-1]))
    found = entries(events.order_by("version"))
    before, problem = loaded(stream_id, versions[0] - 1) if versions[0] > 1 else (None, "")
    steps, trouble = _steps(found, tell(found), before, problem, read)
    return steps, problem or trouble


def loaded(stream_id: UUID, version: int) -> tuple[Any, str]:
    """The aggregate as it was, or why it cannot be told."""
    (found,) = one_by_one(lambda ids: [load(ids[0], version)], [stream_id])
    return (None, str(found)) if isinstance(found, Exception) else (found, "")


def _steps(
    found: Sequence[Entry], told: Sequence[Told], aggregate: Any, problem: str, read: Read
) -> tuple[list[Step], str]:
    steps = []
    before: State | None = None if problem else _state(aggregate, read)
    for one, event in zip(told, one_by_one(mapper.to_domain_events, found), strict=True):
        changes = list[Change]()
        if before is not None:
            (folded,) = one_by_one(lambda events: [fold(aggregate, events)], [event])  # noqa: B023  # called here
            if isinstance(event, Exception) or isinstance(folded, Exception):
                problem, before = _why(one, event, folded), None
            else:
                aggregate, after = folded, _state(folded, read)
                fields = [f for f in after if f not in before or before[f] != after[f]]
                changes = [Change(f, before.get(f), after[f]) for f in fields]
                before = after
        steps.append(Step(one, changes, before))
    return steps, problem


def _why(told: Told, *errors: Any) -> str:
    error = next(e for e in errors if isinstance(e, Exception))
    if isinstance(error, AggregateNotFoundError) or told.problem:
        return told.problem or str(error)
    return f"{told.entry.name}, version {told.entry.version}: {error!r}"


def _state(aggregate: Any, read: Read) -> State:
    """A copy: an aggregate may change its lists in place."""
    return {} if aggregate is None else {f: read(value) for f, value in history.state(aggregate).items()}
