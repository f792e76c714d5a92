"""Where projections stand, as a terminal shows it and as a program reads it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from projections.doors import state
from projections.models import Parked
from projections.status import Progress, Status, alerts

HEAD = ("PROJECTION", "CONTEXT", "STATE", "VERSION", "POSITION", "BEHIND", "SECONDS", "KEPT", "LEASE")
RIGHT = {"POSITION", "BEHIND", "SECONDS"}


def as_json(found: Sequence[Status]) -> str:
    wrong: dict[str, list[str]] = {each.name: [] for each in found}
    for alert in alerts(found):
        wrong[alert.projection].append(alert.text)
    told = [as_dict(each) | {"state": state(each), "alerts": wrong[each.name]} for each in found]
    return json.dumps(told, indent=2, cls=DjangoJSONEncoder)


def as_dict(each: Status) -> dict[str, Any]:
    """For programs."""
    progress = each.progress._asdict() | {"percent": each.progress.percent} if each.progress else None
    asked = next((e for e in each.errands if e.kind == "rebuild" and e.ended_at is None), None)
    return each._asdict() | {
        "context": each.context,
        "progress": progress,
        "errands": [errand._asdict() for errand in each.errands],
        "rebuild_asked_at": asked.asked_at if asked else None,
        "rebuild_asked_by": asked.asked_by if asked else "",
    }


def as_table(found: Sequence[Status]) -> str:
    """A line each, and below it since when and why it is so; at the end what somebody should look at."""
    lines = columns([HEAD, *map(_cells, found)])
    written = [lines[0]]
    for line, each in zip(lines[1:], found, strict=True):
        written += [line, *(f"  {detail}" for detail in details(each))]
    return "\n".join([*written, *(f"! {alert.text}" for alert in alerts(found))])


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """As a table with a head; numbers stand at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [name in RIGHT for name in rows[0]]
    return [
        "  ".join(
            cell.rjust(width) if at_right else cell.ljust(width)
            for cell, width, at_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def _cells(each: Status) -> tuple[str, ...]:
    version = str(each.version) + (f" (built {each.built_version})" if each.built_version != each.version else "")
    lease = f"{each.holder} until {each.leased_until:%H:%M:%S}" if each.leased_until else "free"
    behind = f"{each.behind_events:,}" + ("+" if each.behind_more else "")
    seconds = f"{each.behind_seconds:,.1f}" if each.behind_events else "-"
    kept = "-" if each.kept_version is None else str(each.kept_version)
    kept += f" ({each.kept_differing:,} differ)" if each.kept_differing else ""
    return each.name, each.context or "-", state(each), version, f"{each.position:,}", behind, seconds, kept, lease


def details(each: Status) -> Iterator[str]:
    """What is known of it beyond a line, and is no alert."""
    if each.error:
        yield f"stopped since {moment(each.error_since)}"
    if each.paused_at:
        yield f"paused since {moment(each.paused_at)} by {each.paused_by}: {each.pause_reason}"
    if each.progress:
        yield f"{each.progress.doing}: {progress(each.progress)}"
    for errand in each.errands:
        asked = f"{errand.word}, asked for by {errand.asked_by} at {moment(errand.asked_at)}"
        yield f"{asked}: {'refused: ' if errand.refused else ''}{errand.said}"
    if each.parts:
        yield f"in {len(each.parts)} parts, at positions {', '.join(f'{position:,}' for position in each.parts)}"


def progress(found: Progress) -> str:
    """How far it is, how fast, and how long it takes: in a list, and on a page."""
    told = f"at position {found.position:,} of {found.end:,} ({found.percent} %)"
    if found.per_second and found.seconds_left is not None:
        told += f", {found.per_second:,.0f} positions/s"
        told += f", {found.seconds_left:,.0f} s left" if found.seconds_left else "; indexing, comparing"
    if found.waits_for:
        told += f"; {found.waits_for} has the live tables, and is waited for before the swap"
    return told


def as_parked(found: Iterable[Any]) -> str:
    """What ``doors.parked`` found: each event with its error, or with who skipped it and why."""
    found = list(found)
    if not found:
        return "Nothing is parked."
    head = ("PROJECTION", "POSITION", "EVENT", "STREAM", "AGE", "TRIES", "BEHIND")
    rows = [
        (p.projection, f"{p.position:,}", p.name, str(p.stream_id), age(p.parked_at), str(p.tries), f"{p.behind:,}")
        for p in found
    ]
    written = columns([head, *rows])
    for place, each in reversed([*enumerate(found, 1)]):
        written.insert(place + 1, f"  {why(each)}")
    return "\n".join(written)


def why(each: Parked) -> str:
    if each.skipped_at:
        return f"skipped by {each.skipped_by} at {moment(each.skipped_at)}: {each.skip_reason}"
    return each.error or "no longer waits for anything: retry it"


def moment(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant else "?"


def age(since: datetime) -> str:
    """How long ago, in its largest unit."""
    seconds = max(0, int((timezone.now() - since).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
