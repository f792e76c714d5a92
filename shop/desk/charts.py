"""Small charts, drawn on the server: bars of days as an inline picture, in the colours of the page."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

WIDTH, HEIGHT, GAP = 300, 64, 2


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    title: str


class Chart(NamedTuple):
    """Bars from left to right, the last one of today."""

    bars: list[Bar]
    label: str  # what it shows, for who cannot see it

    width: int = WIDTH
    height: int = HEIGHT


def bars(days: Sequence[date], values: Sequence[Decimal | int], what: str, unit: str = "") -> Chart:
    """One bar a day; below nothing (more was paid back than came in) it hangs from the line."""
    top, bottom = max(0, *values), min(0, *values)
    scale = (HEIGHT - 2) / float((top - bottom) or 1)
    wide = WIDTH / len(days)
    line = float(top) * scale + 1 if top or bottom else HEIGHT - 1
    drawn = []
    for number, (day, value) in enumerate(zip(days, values, strict=True)):
        high = max(abs(float(value)) * scale, 1 if not value else 2)
        y = line - high if value >= 0 else line
        title = f"{day.day} {day:%b}: {value:,} {unit}".rstrip()
        drawn.append(Bar(round(number * wide, 1), round(y, 1), round(wide - GAP, 1), round(high, 1), title))
    label = f"{what} on each of {len(days)} days, at most {top:,} {unit}".rstrip()
    return Chart(drawn, label)
