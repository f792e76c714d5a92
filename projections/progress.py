"""Progress of long work: a bar in a terminal, now and then a line in a log."""

import time
from dataclasses import dataclass
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

EVERY = 2.0  # seconds from one line to the next


class Progress(Protocol):
    """Called after each batch, and before each other thing that is done, with the ``events`` applied since the last call."""

    def __call__(self, name: str, doing: str, position: int, end: int, events: int) -> None: ...


def silent(name: str, doing: str, position: int, end: int, events: int) -> None:
    pass


@dataclass
class Work:
    began: float
    start: int  # its first position
    events: int = 0
    said: float = 0.0
    bar: TaskID | None = None


class Shown:
    """Shows on ``out`` how far each projection is, at what rate, and how long it may take."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]} events/s"),
            TimeRemainingColumn(),
            console=Console(file=out),
            disable=not out.isatty(),
        )
        self._works: dict[str, Work] = {}
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, name: str, doing: str, position: int, end: int, events: int) -> None:
        now = time.monotonic()
        work = self._works.setdefault(name, Work(self._last, position if not events else 0))
        work.events += events
        self._last = now
        rate = work.events / max(now - work.began, 1e-9)
        if not self._bars.disable:
            if work.bar is None:
                work.bar = self._bars.add_task(name, rate="")
            self._bars.update(work.bar, description=f"{name} {doing}", completed=position, total=end, rate=f"{rate:,.0f}")
        elif doing not in ("building", "catching up") ...
