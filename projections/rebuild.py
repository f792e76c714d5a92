"""The tables of a projection built anew beside the live ones, compared with them, and put in their place."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from django.utils import timezone

from eventstore import log
from projections import shadow
from projections.build import claim, fill
from projections.compare import Compared, compare
from projections.crew import WorkerGone
from projections.lease import Lease, LeaseLost, is_outdated
from projections.live import allow, assure, held, parked_streams, position, remember, stands
from projections.models import Checkpoint, Errand
from projections.operations import Refused, end
from projections.others import named, others
from projections.parking import waiting
from projections.places import NotNow, abandon, doubts, drop_expired, drop_old, go_back, held_up, swap, throw_away
from projections.progress import Report, silent
from projections.projection import Policy, Projection
from projections.trouble import TROUBLE, of_the_moment
from projections.verify import Rehearsal, dry_run, verify

__all__ = [
    "Different", "NotNow", "Rebuilt", "Refused", "Rehearsal", "abandon", "allow", "doubts", "drop_expired",
    "drop_old", "dry_run", "go_back", "go_on", "is_due", "rebuild", "verify",
]  # fmt: skip

BY_ITSELF = "its higher version"  # asks for a rebuild where nobody did
PATIENCE = 60.0  # seconds, for a moment in which nobody has had the live tables for long
PAUSE = 0.1  # seconds from one look for it to the next

logger = logging.getLogger(__name__)


class Different(Refused):
    """At the same position, the rows built from the log are not the live ones."""

    def __init__(self, projection: Projection, found: list[Compared], parked: int = 0) -> None:
        name = projection.name
        told = [f"{name}: its tables do not hold the rows that the log makes now. Nothing was swapped."]
        told += [f"  {each}" for each in found if each.differing]
        differing, unexpected = (sum(getattr(e, word) for e in found) for word in ("differing", "unexpected"))
        if unexpected < differing:
            told.append(f"  Of these, `changes` does not declare {unexpected:,}.")
        told.append("  If they are wanted: declare them in `changes` with a higher `version`, or expect changes.")
        if parked:
            told.append(f"  {parked:,} events are parked, which a rebuild applies.")
        super().__init__("\n".join(told))
        self.found = found

    def told(self) -> dict[str, Any]:
        return {"tables": [each.told() for each in self.found]}


class Rebuilt(NamedTuple):
    position: int
    events: int  # applied by this process and its workers; an earlier one that was stopped may have applied others
    compared: list[Compared]  # empty: it was empty, or could not go on
    swap_seconds: float  # in which readers waited

    def told(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "swap_seconds": round(self.swap_seconds, 4),
            "tables": [each.told() for each in self.compared],
        }


def rebuild(
    projection: Projection,
    *,
    workers: int = 1,
    expect_changes: bool = False,
    restart: bool = False,
    report: Report = silent,
) -> Rebuilt:
    """Build, catch up, compare, swap. Readers never notice; writers of the live tables wait while they are compared.

    It goes on where the same code was cut off, unless ``restart``. Different: rows differ, and neither ``changes`` of a
    higher version nor ``expect_changes`` says that they may. Refused: it cannot be done; NotNow: not at this moment.
    EventFailed: a handler fails. With the last two but NotNow, what was built is thrown away.
    """
    built = _rebuild(projection, workers, expect_changes, restart, math.inf, report)
    assert built is not None
    return built


def _rebuild(
    projection: Projection, workers: int, expect_changes: bool, restart: bool, until: float, report: Report
) -> Rebuilt | None:
    """None: it is ``until``, and not done."""
    allow(projection, workers)
    stood = stands(projection)
    comparing = any(each.position for each in stood)
    if expect_changes and any(each.error for each in stood):
        comparing = False  # it might not come to one position with all of its parts, which is no reason to leave it so
    risen = any(each.version < projection.version for each in stood)
    paused = any(each.paused_at for each in stood)
    name, events = projection.name, 0

    def goal() -> int:
        return position(projection) if comparing or paused else log.horizon()

    with _shadow(projection, restart) as lease:
        if until < math.inf and not is_due(projection):  # another worker came to its end just now
            throw_away(name, lease.schema)
            return None
        events = fill(lease, goal(), workers=workers, until=until, report=report)
        if time.monotonic() >= until and (events or lease.position < goal()):  # a step gets on, on slow machines too
            return None
        report(name, "indexing", lease.position, lease.position, 0)
        if not shadow.finish(projection, lease.schema, until):
            return None
        if not _in_nobodys_way(projection, lease.position, until, report):
            return None
        events += fill(lease, goal(), report=report)  # what came meanwhile, so that the pause is short
        with held(lease, comparing) as live:
            events += fill(lease, goal(), report=report)
            compared = []
            if comparing:
                report(name, "comparing", lease.position, lease.position, 0)
                parked = parked_streams(projection) if risen else []
                compared = compare(projection, lease.schema, declared=risen, parked=parked)
                assure(live)
                if any(each.unexpected for each in compared) and not expect_changes:
                    raise Different(projection, compared, waiting(name).count())
                if not risen:
                    remember(live, compared)
            report(name, "swapping", lease.position, lease.position, 0)
            return Rebuilt(lease.position, events, compared, swap(lease, live))


def _in_nobodys_way(projection: Projection, position: int, until: float, report: Report) -> bool:
    """Wait for whoever has had the live tables for long, while these go on; False: it is ``until``."""
    patience = time.monotonic() + PATIENCE
    while found := others(projection):
        if time.monotonic() >= until:
            return False
        if time.monotonic() > patience:
            raise held_up(projection)
        report(projection.name, f"waiting for {named(found)}", position, position, 0)
        time.sleep(PAUSE)
    return True


def is_due(projection: Any) -> bool:
    """Whether workers should rebuild it: somebody asked, or its code's version has risen, and was not refused."""
    if isinstance(projection, Policy):
        return False
    live = stands(projection)
    risen = any(is_outdated(projection, each.version, each.refused_version) and not each.paused_at for each in live)
    return risen or bool(live and asked(projection))


def asked(projection: Projection) -> Errand | None:
    """The rebuild that somebody wants, and that is not over."""
    return Errand.objects.filter(projection=projection.name, kind="rebuild", ended_at=None).first()


def go_on(projection: Projection, *, seconds: float) -> bool:
    """A step of the rebuild that is due, of about so many seconds; answers whether it is over, one way or the other.

    What refuses it is noted, and logged; it is not tried again until somebody asks.
    """
    errand = asked(projection)
    if errand is not None and errand.begun_at is None:
        Errand.objects.filter(pk=errand.pk, asked_at=errand.asked_at).update(begun_at=timezone.now())
    expects = bool(errand and errand.options.get("expect_changes"))
    until = time.monotonic() + seconds
    try:
        built = _rebuild(projection, 1, expects, False, until, silent)
    except (NotNow, LeaseLost) as error:
        logger.info("%s", error)
        return False
    except Exception as error:
        if of_the_moment(error):
            raise
        note(projection, error, by=BY_ITSELF, errand=errand)
        if not isinstance(error, Refused):
            logger.exception("%s was not rebuilt.", projection.name, extra={"projection": projection.name})
        return True
    if built is not None:
        end(projection, "rebuild", errand=errand, by=BY_ITSELF, found=built.told())
    return built is not None


def note(projection: Projection, error: Exception, *, by: str, errand: Errand | None = None) -> None:
    """Why it was not rebuilt, for all to see: in a line, counts, columns and keys; rows may be personal."""
    why = str(error).partition("\n")[0]
    refused = {"refused_version": projection.version, "refused_why": why}
    Checkpoint.objects.filter(projection=projection.name, schema="").update(**refused)
    found = error.told() if isinstance(error, Different) else None
    end(projection, "rebuild", errand=errand, by=by, refused=why, found=found)


@contextmanager
def _shadow(projection: Projection, restart: bool) -> Iterator[Lease]:
    """Tables beside the live ones, and the right to fill them: kept for the next time, unless there is a reason."""
    try:
        lease = claim(projection, shadow.schema(projection), restart=restart)
    except Refused as error:
        raise NotNow(str(error)) from error
    try:
        yield lease
    except WorkerGone as error:
        lease.release()
        raise NotNow(f"{error}. What was built is kept: another rebuild goes on from there.") from error
    except BaseException as error:
        with suppress(*TROUBLE):
            if isinstance(error, Exception) and not isinstance(error, (NotNow, LeaseLost)) and not of_the_moment(error):
                throw_away(projection.name, lease.schema)
            else:
                lease.release()
        raise
    with suppress(*TROUBLE):
        lease.release()
