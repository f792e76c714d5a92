"""Where every projection stands, and what is wrong with it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from projections.lease import is_outdated
from projections.others import named, others
from projections.projection import Subscriber, known
from projections.told import Told, told

MOST = 10_000  # events that are counted; whoever is further behind than that needs no exact number
STRETCH = 50_000  # positions that are looked through for them: reading 200,000 for each of ten takes 0.2 s
STILL = 5.0  # seconds without a move, while events wait
KNOWN_SINCE = datetime.now(UTC)  # to this process: nobody could have moved before what has no checkpoint yet

CHECKPOINTS = """
    SELECT projection, schema, position, version, error, error_position, error_since, paused_at, paused_by,
        pause_reason, refused_version, refused_why, updated_at, low, high, begun_at, begun_position, goal, holder,
        leased_until, differing, compared_at, leased_until IS NOT NULL AND (leased_until <= statement_timestamp()
            OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend)) AS abandoned
    FROM projections_checkpoint WHERE projection = ANY(%s) ORDER BY position, name"""
PARKED = """
    SELECT projection, count(*), min(position) FROM projections_parked
    WHERE projection = ANY(%s) AND skipped_at IS NULL GROUP BY projection"""
BEHIND = """
    SELECT count(*), min(recorded_at), (
        SELECT recorded_at FROM eventstore_event WHERE position > %(after)s AND position <= %(end)s
        ORDER BY position LIMIT 1
    ) FROM (
        SELECT recorded_at FROM eventstore_event
        WHERE position > %(after)s AND position <= least(%(end)s, %(after)s + %(stretch)s) AND name = ANY(%(names)s)
        ORDER BY position LIMIT %(most)s) AS counted"""


class Standing(NamedTuple):
    """A checkpoint, as ``CHECKPOINTS`` reads it."""

    projection: str
    schema: str = ""
    position: int = 0
    version: int = 0
    error: str = ""
    error_position: int | None = None
    error_since: datetime | None = None
    paused_at: datetime | None = None
    paused_by: str = ""
    pause_reason: str = ""
    refused_version: int | None = None
    refused_why: str = ""
    updated_at: datetime | None = None
    low: int = 0
    high: int = 256
    begun_at: datetime | None = None
    begun_position: int = 0
    goal: int | None = None
    holder: str = ""
    leased_until: datetime | None = None
    differing: int = 0
    compared_at: datetime | None = None
    abandoned: bool = False


class Progress(NamedTuple):
    """Of tables that are filled from the log."""

    doing: str  # rebuild or verify: beside the live ones; replay: the live ones, which were emptied
    position: int  # where all of its parts are
    end: int  # at which it is done, but for indexes and comparing; the log may grow meanwhile
    per_second: float | None  # positions; None: not known yet
    seconds_left: float | None
    holder: str  # host and process that are at it; empty: between two steps
    waits_for: str = ""  # whose transaction has had the live tables for long: it is in the way of a swap

    @property
    def percent(self) -> int:
        return min(100, 100 * self.position // max(self.end, 1))


class Status(NamedTuple):
    """One projection. Behind is what it has not seen of what it handles."""

    name: str
    version: int
    built_version: int  # lower: its tables are to be rebuilt
    position: int  # of several parts, the last one's
    behind_events: int
    behind_seconds: float  # since the first of them was recorded
    holder: str  # host and process, while its lease is held
    leased_until: datetime | None
    error: str
    error_position: int | None
    error_since: datetime | None
    rebuilding: int | None  # the position that a rebuild has come to
    behind_more: bool = False  # there may be more than ``behind_events``, which were all that was looked for
    still_seconds: float = 0.0  # for which it has not moved while events wait, handled or not
    parts: list[int] = []  # their positions, if there are several
    paused_at: datetime | None = None
    paused_by: str = ""
    pause_reason: str = ""
    parked: int = 0  # events that it has not applied, and that nobody has decided to skip
    parked_oldest: int | None = None  # the position of the first of them
    errands: tuple[Told, ...] = ()  # what was asked of the workers last, of each kind, and what came of it
    progress: Progress | None = None  # of a rebuild, a comparison or a replay
    refused_version: int | None = None  # that of a rebuild that was refused
    refused_why: str = ""
    differing: int = 0  # rows that were not what the log makes, as far as is known
    kept_version: int | None = None  # that of the old tables, which are kept for a while
    kept_differing: int = 0  # the same of them
    abandoned: bool = False  # whoever holds its lease, or that of its rebuild, is gone, or frozen
    outdated: bool = False  # its rows are of an older version, and to be replaced by the workers without being asked

    @property
    def context(self) -> str:
        """The label of the app that it belongs to: what `pause` and its like take for all of them."""
        return str(known()[self.name].context)

    @property
    def stopped_rebuild(self) -> bool:
        """Somebody at a terminal has begun it, and no worker will go on with it."""
        asked = any(each.kind == "rebuild" and each.ended_at is None for each in self.errands)
        at_it = self.progress is not None and bool(self.progress.holder)
        return self.rebuilding is not None and not (asked or at_it or self.built_version < self.version)


class Alert(NamedTuple):
    """Something that does not mend itself."""

    projection: str
    kind: str  # stopped, parked, stuck, refused, differs or abandoned
    text: str


def statuses(projections: Iterable[Subscriber]) -> list[Status]:
    wanted = sorted(projections, key=lambda each: each.name)
    names = [each.name for each in wanted]
    end = log.horizon()
    ((now,),) = rows("SELECT statement_timestamp()")
    standing: dict[str, list[Standing]] = {name: [] for name in names}
    for found in rows(CHECKPOINTS, names):
        standing[found[0]].append(Standing(*found))
    parked = {name: (count, oldest) for name, count, oldest in rows(PARKED, names)}
    asked = told(names)
    return [
        _status(each, standing[each.name], parked.get(each.name, (0, None)), end, now)._replace(
            errands=tuple(asked.get(each.name, ()))
        )
        for each in wanted
    ]


def _status(
    projection: Subscriber, standing: Sequence[Standing], parked: tuple[int, int | None], end: int, now: datetime
) -> Status:
    live = [each for each in standing if not each.schema] or [Standing(projection.name, version=projection.version)]
    kept = [each for each in standing if each.schema.startswith("old_")]
    built = [each for each in standing if each.schema and each not in kept]
    last = live[0]
    leased = next((each for each in live if each.leased_until), last)
    stopped = next((each for each in live if each.error), last)
    paused = next((each for each in live if each.paused_at), last)
    refused = next((each for each in live if each.refused_version is not None), last)
    count, since, waiting, more = _behind(projection, last.position, end)
    moved = last.updated_at or (waiting and max(waiting, KNOWN_SINCE))
    progress = _progress(last, built, end, now)
    if progress and progress.doing == "rebuild" and (found := others(projection)):
        progress = progress._replace(waits_for=named(found))
    return Status(
        projection.name,
        projection.version,
        min(each.version for each in live),
        last.position,
        count,
        _seconds(since, now),
        leased.holder if leased.leased_until else "",
        leased.leased_until,
        stopped.error,
        stopped.error_position,
        stopped.error_since,
        next((each.position for each in _behindmost(built) if not each.schema.startswith("verify_")), None),
        behind_more=more,
        still_seconds=min(_seconds(waiting, now), _seconds(moved, now)),
        parts=[each.position for each in live] if len(live) > 1 else [],
        paused_at=paused.paused_at,
        paused_by=paused.paused_by,
        pause_reason=paused.pause_reason,
        parked=parked[0],
        parked_oldest=parked[1],
        progress=progress,
        refused_version=refused.refused_version,
        refused_why=refused.refused_why,
        differing=max(each.differing for each in live),
        kept_version=kept[0].version if kept else None,
        kept_differing=max((each.differing for each in kept), default=0),
        abandoned=any(each.abandoned for each in [*live, *built]),
        outdated=any(is_outdated(projection, each.version, each.refused_version) for each in live),
    )


def _behindmost(built: Sequence[Standing]) -> list[Standing]:
    """Of each set of tables that is built: its last part, or the whole, if it is built in none."""
    schemas = {each.schema: [part for part in built if part.schema == each.schema] for each in built}
    split = {schema: [each for each in found if each.high - each.low < 256] for schema, found in schemas.items()}
    return [min(split[schema] or found, key=lambda each: each.position) for schema, found in schemas.items()]


def _progress(live: Standing, built: Sequence[Standing], end: int, now: datetime) -> Progress | None:
    if live.goal is not None and live.position < live.goal:
        return _pace("replay", live, live, live.goal, now)
    for each in _behindmost(built):
        whole = next((found for found in built if found.schema == each.schema and found.high - found.low > 255), each)
        return _pace("verify" if each.schema.startswith("verify_") else "rebuild", each, whole, end, now)
    return None


def _pace(doing: str, stands: Standing, whole: Standing, end: int, now: datetime) -> Progress:
    done, seconds = stands.position - whole.begun_position, _seconds(whole.begun_at, now)
    rate = done / seconds if done > 0 and seconds else None
    left = max(0, end - stands.position) / rate if rate else None
    return Progress(doing, stands.position, end, rate, left, stands.holder if stands.leased_until else "")


def _behind(projection: Subscriber, position: int, end: int) -> tuple[int, datetime | None, datetime | None, bool]:
    """How many events it has not seen, when the first of them was recorded, and the first of all; are there more?"""
    if position >= end:
        return 0, None, None, False
    bounds = {"after": position, "end": end, "most": MOST, "stretch": STRETCH}
    with log_cursor() as cursor:
        cursor.execute(BEHIND, bounds | {"names": log.all_names(projection.handlers)}, prepare=True)
        count, since, first = cursor.fetchone() or (0, None, None)
    return count, since, first, count == MOST or end - position > STRETCH


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def alerts(found: Iterable[Status]) -> list[Alert]:
    """What somebody should look at, in words that stay the same for as long as it does."""
    return [Alert(each.name, kind, text) for each in found for kind, text in _wrong(each)]


def _wrong(status: Status) -> Iterator[tuple[str, str]]:
    name, stands = status.name, f"position {status.position:,}"
    if status.error:
        waits = status.outdated and not status.paused_at
        goes_on = f"; it goes on when version {status.version} is built." if waits else ""
        yield "stopped", f"{name} cannot go on from {stands}: {_line(status.error)}{goes_on}"
    elif status.still_seconds > STILL and not status.paused_at and not status.abandoned:
        why = f"{status.holder} has its lease." if status.holder else "does a worker take its queue?"
        yield "stuck", f"{name} does not move from {stands}, though events wait: {why}"
    if status.abandoned and (status.still_seconds > STILL or status.rebuilding is not None):
        yield "abandoned", f"{name} was left at {stands} by a worker that is gone or frozen, and nobody goes on."
    elif status.stopped_rebuild:
        goes_on = f"`projections rebuild {name}` goes on, with --abandon it is thrown away."
        yield "abandoned", f"{name}: a rebuild was stopped at position {status.rebuilding:,}: {goes_on}"
    if status.parked:
        count = f"{status.parked:,} event" + ("" if status.parked == 1 else "s")
        yield "parked", f"{name} has parked {count}, the first at position {status.parked_oldest:,}: retry, or skip."
    if differing := status.differing:
        yield "differs", f"{name} is not what the log makes of it: {differing:,} rows differ. Heal it, or rebuild."
    if status.refused_version is not None:
        why = _line(status.refused_why)
        yield "refused", f"{name} was not rebuilt as version {status.refused_version}: {why}"


def _line(text: str) -> str:
    """The first line: those below may show rows, and what is in them may be personal."""
    return text.partition("\n")[0]
