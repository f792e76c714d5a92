"""Progress of long work: bars in a terminal, now and then a line in a log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

EVERY = 2.0  # seconds from one line to the next
TOGETHER = 0.01  # seconds: those that one pass over the log has fed are told of at once


class Report(Protocol):
    """Called before something is done, and after each batch of it, with the ``events`` applied since the last call.

    Where it is not events that are counted, 0: then no rate is told, but how much of it is done, and the time left.
    """

    def __call__(self, name: str, doing: str, position: int, end: int, events: int) -> None: ...


def silent(name: str, doing: str, position: int, end: int, events: int) -> None:
    pass


@contextmanager
def shown(out: TextIOBase, every: float = EVERY) -> Iterator[Report]:
    if not out.isatty():
        yield Lines(out, every)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console()) as progress:
        yield Bars(progress)


class Pace:
    """Events a second, from when a projection was first heard of."""

    def __init__(self) -> None:
        self._heard = time.monotonic()
        self._began: dict[str, tuple[float, int]] = {}  # when, and at which position
        self._events: dict[str, int] = {}

    def note(self, name: str, position: int, end: int, events: int) -> tuple[float, float]:
        """Answers events a second, and the seconds that may be left; 0: nobody knows."""
        before, self._heard = self._heard, time.monotonic()
        if name not in self._began:
            if together := events and self._heard - before < TOGETHER:  # how long its first batch took, nobody knows
                events = 0
            self._began[name] = (self._heard, position) if together else (before, 0 if events else position)
        began, start = self._began[name]
        self._events[name] = self._events.get(name, 0) + events
        seconds = max(self._heard - began, 1e-9)
        left = (end - position) * seconds / (position - start) if position > start else 0.0
        return self._events[name] / seconds, left


class Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress, self._pace = progress, Pace()
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, doing: str, position: int, end: int, events: int) -> None:
        rate, _ = self._pace.note(name, position, end, events)
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, rate="")
        self._progress.update(
            self._tasks[name],
            description=f"{name}, {doing}",
            completed=position,
            total=end,
            rate=f"{rate:,.0f} events/s" if rate else "",
        )


class Lines:
    def __init__(self, out: TextIOBase, every: float) -> None:
        self._out, self._every, self._pace = out, every, Pace()
        self._said: dict[str, tuple[str, float]] = {}  # what was last said to be done, and when

    def __call__(self, name: str, doing: str, position: int, end: int, events: int) -> None:
        rate, left = self._pace.note(name, position, end, events)
        said, when = self._said.get(name, ("", 0.0))
        if doing == said and time.monotonic() - when < self._every:
            return
        self._said[name] = doing, time.monotonic()
        line = f"{name}: {doing}"
        if position < end:
            line += f", at {position:,} of {end:,} ({position / end:.0%})"
            line += f", {rate:,.0f} events/s" if rate else ""
            line += f", {left:,.0f} s left" if left else ""
        self._out.write(f"{line}\n")
        self._out.flush()
