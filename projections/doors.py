"""What operators ask of projections, whichever door they come through: each thing once, and what is answered."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from projections import operations, parking, rebuild, retrying, verify
from projections.lease import Busy, LeaseLost
from projections.models import Parked
from projections.parking import NotParked
from projections.projection import known
from projections.retrying import Retried
from projections.rows import EventFailed
from projections.status import Status

REFUSALS = (operations.Refused, rebuild.Refused, NotParked, Busy, EventFailed, LeaseLost)  # nothing has changed


class Unknown(LookupError):
    """There is no projection of that name; the text says which is the nearest."""


def named(name: str) -> Any:
    """The projection or policy of that name."""
    if name not in known():
        raise _unknown(name, known())
    return known()[name]


def all_named(name: str) -> list[Any]:
    """The projection or policy of that name, or all of the context of that name."""
    found = [each for each in known().values() if name in (each.name, each.context)]
    if not found:
        raise _unknown(name, [*known(), *{each.context for each in known().values()}])
    return found


def _unknown(name: str, names: Iterable[str]) -> Unknown:
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    return Unknown(f"There is no projection {name[:80]}." + (f" Is it {near[0]}?" if near else ""))


def state(status: Status) -> str:
    """How it is, in a word: what it needs somebody for comes first."""
    if status.error:
        return "stopped"
    if status.paused_at:
        return "paused"
    doing = status.progress.doing if status.progress else ""
    if doing in ("rebuild", "replay"):
        return f"{doing}ing"
    if status.parked:
        return f"parked {status.parked:,}"
    if doing:
        return "verifying"
    return "behind" if status.behind_events else "live"


def parked() -> QuerySet[Parked]:
    """What waits for somebody: of each stream the first event, and ``behind`` it how many; and what was skipped."""
    same = Parked.objects.filter(
        projection=OuterRef("projection"), stream_id=OuterRef("stream_id"), skipped_at=None
    ).order_by()
    later = same.filter(position__gt=OuterRef("position")).values("projection").annotate(count=Count("pk"))
    return (
        Parked.objects.filter(Q(~Exists(same.filter(position__lt=OuterRef("position")))) | ~Q(skipped_at=None))
        .filter(projection__in=known())  # not of the old tables that are kept
        .annotate(behind=Coalesce(Subquery(later.values("count")), 0))
        .order_by(F("projection"), F("position"))
    )


class Action(NamedTuple):
    """Something to be done with a projection."""

    title: str
    means: str  # what it will do, said before it is done
    do: Callable[..., str]  # with the projection, who asks (``by``) and what it ``asks``; answers what was done
    asks: tuple[str, ...] = ()
    doubts: Callable[[Any], str] = lambda _: ""  # of a projection: why it is refused, unless ``even_so``


def pause(projection: Any, *, by: str, reason: str) -> str:
    operations.pause(projection, by=by, reason=reason)
    return f"{projection.name} is paused. Its tables stay as they are, and nothing is lost."


def resume(projection: Any, *, by: str) -> str:
    operations.resume(projection)
    return f"{projection.name} goes on where it was."


def ask_rebuild(projection: Any, *, by: str, expect_changes: bool = False) -> str:
    rebuild.allow(projection)
    operations.ask(projection, "rebuild", by=by, expect_changes=expect_changes)
    return f"{projection.name} will be rebuilt by the workers."


def ask_dry_run(projection: Any, *, by: str, sample: float = 1.0) -> str:
    rebuild.allow(projection, sample=sample)
    operations.ask(projection, "dry_run", by=by, sample=sample)
    return f"The workers will say what a rebuild of {projection.name} would change."


def ask_verify(projection: Any, *, by: str, sample: float = 1.0, heal: bool = False) -> str:
    verify.refuse_part(projection, sample, heal)
    operations.ask(projection, "verify", by=by, sample=sample, heal=heal)
    return f"{projection.name} will be compared with the log by the workers" + (", and healed." if heal else ".")


def ask_replay(projection: Any, *, by: str) -> str:
    operations.ask(projection, "replay", by=by)
    return f"{projection.name} will be emptied and filled again by the workers: readers see it."


def abandon(projection: Any, *, by: str) -> str:
    if not rebuild.abandon(projection, by=by):
        raise operations.Refused(f"{projection.name} is not being rebuilt or verified: there is nothing to abandon.")
    return f"{projection.name}: what was built of it is thrown away. Its live tables are as they were."


def go_back(projection: Any, *, by: str, even_so: bool = False) -> str:
    position = rebuild.go_back(projection, by=by, even_so=even_so)
    return f"{projection.name} has its old tables again, as of position {position:,}, and catches up."


def retry(projection: Any, *, by: str, stream_id: UUID | None = None) -> Retried | None:
    """Apply what is parked, now; None: its rows are made of several streams, so the workers were asked to rebuild it.

    NotParked: nothing is.
    """
    chosen = parking.waiting(projection.name)
    if chosen.filter(**{"stream_id": stream_id} if stream_id else {}).exists() and not retrying.in_place(projection):
        operations.ask(projection, "rebuild", by=by, expect_changes=True)
        return None
    return retrying.retry(projection, stream_id)


def told(projection: Any, retried: Retried | None) -> str:
    """What became of a retry; each error in a line of its own."""
    name = projection.name
    if retried is None:
        return f"{name} is made of several streams: it will be rebuilt by the workers, and what is parked with it."
    how = f"{name} was rebuilt" if retried.rebuilt else f"{name}: {events(retried.applied)} applied"
    return "\n".join([f"{how}, {retried.parked:,} still parked.", *retried.errors])


def skip(projection: Any, *, by: str, position: int, reason: str) -> str:
    parking.skip(projection, position, by=by, reason=reason)
    stream = Parked.objects.get(projection=projection.name, position=position).stream_id
    waiting = parking.waiting(projection.name).filter(stream_id=stream).count()
    rest = f" Of its stream {waiting:,} still wait: retry them." if waiting else ""
    return f"{projection.name} leaves out the event at position {position:,}, for good.{rest}"


def unskip(projection: Any, *, by: str, position: int) -> str:
    parking.unskip(projection, position)
    return f"{projection.name} has the event at position {position:,} parked again: retry it."


def events(count: int) -> str:
    return f"{count:,} event" + ("" if count == 1 else "s")


ON_PROJECTIONS = {
    "pause": Action(
        "Pause",
        "Nobody moves it until it is resumed. Readers see its rows as they are now; events wait in the log, and none "
        "is lost.",
        pause,
        ("reason",),
    ),
    "resume": Action("Resume", "It goes on where it was, and catches up.", resume),
    "rebuild": Action(
        "Rebuild",
        "The workers build its tables anew beside the live ones, compare them, and swap. Readers do not notice. Where "
        "rows differ, nothing is swapped, unless you expect changes. Which differ is told either way.",
        ask_rebuild,
        ("expect_changes",),
    ),
    "dry-run": Action(
        "Dry run",
        "The workers build its tables anew, of all streams or a share of them, and say what a rebuild would change and "
        "how long it takes. Nothing is changed.",
        ask_dry_run,
        ("sample",),
    ),
    "verify": Action(
        "Verify",
        "The workers build its tables anew beside the live ones, of all streams or a share of them, and compare them "
        "row by row. Nothing is changed, unless it is to be healed: then what was built takes the place of live tables "
        "that differ.",
        ask_verify,
        ("sample", "heal"),
    ),
    "replay": Action(
        "Replay",
        "Its live tables are emptied and filled again from the first event: readers see them fill, for as long as it "
        "takes. Rebuild is the one that nobody notices.",
        ask_replay,
        ("sure",),
    ),
    "abandon": Action(
        "Abandon",
        "What is being built for a rebuild or to be compared is thrown away, and what was asked of the workers is not "
        "done. The live tables stay as they are.",
        abandon,
    ),
    "back": Action(
        "Go back",
        "The tables that were kept at its last rebuild take the place of the live ones at once, and catch up.",
        go_back,
        ("even_so",),
        rebuild.doubts,
    ),
}
ON_PARKED = {
    "retry": Action(
        "Retry",
        "The stream's parked events are applied in their order; what fails again stays parked. Where rows are made of "
        "several streams, the workers rebuild the projection.",
        lambda projection, **asked: told(projection, retry(projection, **asked)),
        ("stream_id",),
    ),
    "skip": Action(
        "Skip",
        "The event is left out for good, also of rebuilds: the rows are as if it had not happened.",
        skip,
        ("position", "reason"),
    ),
    "unskip": Action("Unskip", "The event is parked again, and can be retried.", unskip, ("position",)),
}
