"""The last things that happened to one object: who, why, when, and what each changed."""

from typing import Any, NamedTuple
from uuid import UUID

from eventstore.browser import life
from eventstore.browser.values import Values
from eventstore.history import Change, Moment

SHOWN = 8  # events
EMPTY: tuple[Any, ...] = (None, "", [], {}, False)


def said(change: Change) -> bool:
    """Whether it is worth a line: not that a field of something new is empty, nor what it counts by."""
    return not (change.before is None and change.after in EMPTY) and not change.field.startswith("next_")


class History(NamedTuple):
    """The newest first; ``earlier`` is how many more there were before."""

    steps: list[tuple[Any, list[tuple[str, Any]]]]
    earlier: int


def told(stream_id: UUID, version: int | None) -> History | None:
    """Of a stream, up to ``version`` or to now; None: there is none."""
    asked = Moment("version", version) if version else None
    at, last = life.version_at(stream_id, asked)
    if not at or last is None:
        return None
    lived = life.live(stream_id, at, last)
    steps = [step for step in lived.steps if step.told.entry.version <= at][-SHOWN:]
    values = Values("admin", (step.told.raw for step in steps))
    shown = [
        (step.told, [(c.field, values.change(c.before, c.after)) for c in step.changes if said(c)]) for step in steps
    ]
    return History(shown[::-1], steps[0].told.entry.version - 1 if steps else 0)
