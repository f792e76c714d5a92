"""The only loop: lease, read, fold, write, move the checkpoint."""

import gc
import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import Any

from django.db import transaction
from psycopg import Cursor

from eventstore import log
from eventstore.log import Recorded
from eventstore.persistence import cursor as log_cursor
from projections import history, policies
from projections.lease import Lease, LeaseLost, move_all, take
from projections.parking import TooManyParked, park
from projections.past import Past
from projections.progress import Report, silent
from projections.projection import WHOLE, Policy, Subscriber, known
from projections.rows import EventFailed, Rows
from projections.trouble import TROUBLE, is_lost, of_the_moment, passes

BATCH = 10_000  # events at most: more are not quicker, and take memory
LONG = 600.0  # seconds of a lease while live rows are copied into history
QUICK, SLOW = 0.2, 1.0  # seconds of a batch: below the first the next one is larger, above the second smaller

logger = logging.getLogger(__name__)


def catch_up(
    projections: Iterable[Subscriber] | None = None,
    *,
    seconds: float = math.inf,
    failed: bool = True,
    report: Report = silent,
) -> None:
    """Advance ``projections`` (all) until each has seen the whole log, or is another worker's, or cannot go on.

    After ``seconds`` it stops at the end of a batch. Whoever is nearest to the end goes first and is let go there, so
    that one far behind keeps nobody waiting for longer than a batch. Without ``failed``, those that stopped are left
    alone.
    """
    asked = {each.name: each for each in (known().values() if projections is None else projections)}
    until = time.monotonic() + seconds
    history.switch_off(asked.values())
    held: list[Lease] = []
    try:
        while True:
            # Looked at once more after the last was let go: who was woken meanwhile may have found its lease taken.
            end = log.horizon()
            free = asked.keys() - {lease.projection.name for lease in held}
            held += take((asked[name] for name in free), behind=end, failed=failed)
            if not held or time.monotonic() >= until:
                return
            for together in _standing_together(held):
                for lease in advance(together, end, report):
                    held.remove(lease)
                    if lease.failed:
                        del asked[lease.projection.name]
    finally:
        with suppress(*TROUBLE):
            for lease in held:
                lease.release()


def advance(leases: Sequence[Lease], end: int, report: Report = silent) -> list[Lease]:
    """Move projections that stand at one place by a batch; the log is read once, each commits for itself.

    Answers those whose lease is no longer held: they have seen all up to ``end``, cannot go on (``failed``), or lost
    it.
    """
    began = time.monotonic()
    with no_collection():
        limit = 1 if leases[0].failed else min(BATCH, *(lease.batch for lease in leases))
        events, to = read(leases, end, limit)
        mine = {lease: [event for event in events if event.name in lease.projection.handlers] for lease in leases}
        idle = [lease for lease in leases if not mine[lease]]
        busy = [lease for lease in leases if mine[lease]]
        if isinstance(leases[0].projection, Policy):
            busy = busy[:1]  # what it asks for may take long: the others stay where they are, and are next
        over: list[Lease] = []
        if idle:
            move_all(idle, to, release=to == end)
            over += idle if to == end else []
        for lease in busy:
            if not _go_on(lease, mine[lease], to, release=to == end) or to == end:
                over.append(lease)
    taken = time.monotonic() - began
    for lease in (*idle, *busy):
        lease.batch = _next_batch(limit, taken) if len(events) == limit else lease.batch
        report(lease.name, "advancing", lease.position, end, len(events))
    return over


def read(leases: Sequence[Lease], end: int, limit: int) -> tuple[list[Recorded], int]:
    """The next events for any of ``leases``, and the position that they lead to."""
    names = sorted({name for lease in leases for name in lease.projection.handlers})
    first = leases[0]
    streams, everywhere = (None, ()) if first.part is WHOLE else (first.part, first.projection.everywhere)
    events: list[Recorded] = []
    if names:
        events = log.after(
            first.position, names, limit, up_to=end, streams=streams, everywhere=everywhere, tolerant=True
        )
    return events, events[-1].position if len(events) == limit else end


def apply(lease: Lease, events: Sequence[Recorded], to: int, *, release: bool = False) -> None:
    """Fold ``events`` into rows and move the checkpoint to ``to``, in one commit or not at all.

    EventFailed: a handler fails; LeaseLost: another worker has taken over.
    """
    with transaction.atomic(), log_cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, true)", [lease.tag], prepare=True)
        full = write(lease, events, to, cursor, release=release)
    lease.position, lease.failed = to, False
    if full and lease.extend(LONG):
        with transaction.atomic(), log_cursor() as cursor:  # not in the batch: it may take longer than a lease
            cursor.execute("SELECT set_config('application_name', %s, true)", [lease.tag], prepare=True)
            lease.move(cursor, to, release=release)
            for past in full:
                past.end(cursor, to)


def write(
    lease: Lease, events: Sequence[Recorded], to: int, cursor: Cursor[Any], *, release: bool = False
) -> list[Past]:
    """The same within the caller's transaction; answers which history may be cut at ``to``."""
    parked = lease.move(cursor, to, release=release)  # first: who has lost its lease shall not blame an event
    if parked:
        park(lease, [event for event in events if event.stream_id in parked])
        events = [event for event in events if event.stream_id not in parked]
    if lease.skipped:
        events = [event for event in events if event.position not in lease.skipped]
    return fold(lease, events, to, cursor)


def fold(lease: Lease, events: Sequence[Recorded], to: int, cursor: Cursor[Any]) -> list[Past]:
    """Write what ``events`` make of the rows; or have the policy act."""
    if isinstance(lease.projection, Policy):
        policies.act(lease.projection, events)
        return []
    rows = Rows(lease.projection, lease.schema, part=lease.part)
    rows.fold(events, cursor)
    rows.write(cursor, to, alone=lease.part is WHOLE)
    return rows.full


def _go_on(lease: Lease, events: Sequence[Recorded], to: int, *, release: bool) -> bool:
    """Apply ``events``; what fails is parked, or else notes why the projection stands before it."""
    try:
        as_far_as_possible(lease, events, to, release)
    except LeaseLost as lost:
        logger.info("%s", lost)
        return False
    except Exception as error:
        if is_lost(error):
            logger.warning("%s lost its connection: %s", lease.name, error)
            return False
        if passes(error):
            logger.info("%s is tried again: %s", lease.name, error)
            lease.release()
            return False
        lease.failed = True
        if lease.stop(str(error), error.event.position if isinstance(error, EventFailed) else None):
            logger.exception("%s stands still at position %s.", lease.name, lease.position, extra=_where(lease))
        return False
    return True


def as_far_as_possible(lease: Lease, events: Sequence[Recorded], to: int, release: bool) -> None:
    """All of ``events``; those that fail are found by halving, and parked if that is the projection's way.

    A policy hears one at a time: what it appends holds back the horizon until it is committed.
    """
    left = [[event] for event in reversed(events)] if isinstance(lease.projection, Policy) else [list(events)]
    while left:
        some = left.pop()
        until = some[-1].position if left else to
        try:
            apply(lease, some, until, release=release and not left)
        except (LeaseLost, TooManyParked):
            raise
        except Exception as error:
            if of_the_moment(error):
                raise
            if len(some) == 1:
                _park(lease, some[0], error, until, release and not left)
                continue
            place = error.place if isinstance(error, EventFailed) else len(some) // 2  # the server does not say which
            left += [some[place or 1 :], some[: place or 1]]


def _park(lease: Lease, event: Recorded, error: Exception, to: int, release: bool) -> None:
    """Leave ``event`` for later, with those of its stream that follow. EventFailed: not this projection's way.

    Nor is it with rows of an older version that are about to be replaced: it may be those that newer code cannot go on
    with, in each stream; and what it left out would be a difference that refuses the new ones.
    """
    failed = error if isinstance(error, EventFailed) else EventFailed(lease.projection, event, error, 0)
    if lease.projection.on_error != "park" or lease.schema or lease.outdated:
        raise failed from error
    with transaction.atomic(), log_cursor() as cursor:
        lease.move(cursor, to, release=release)
        park(lease, [event], str(failed))
    lease.position, lease.failed = to, False
    logger.error("%s. Its stream is parked.", failed, exc_info=error, extra=_where(lease))


def _where(lease: Lease) -> dict[str, Any]:
    return {"projection": lease.projection.name, "position": lease.position}


def _next_batch(limit: int, seconds: float) -> int:
    """Twice as many where a batch is quick, half as many where it is slow."""
    if seconds > SLOW:
        return max(limit // 2, 100)
    return min(limit * 2, BATCH) if seconds < QUICK else limit


def _standing_together(leases: Iterable[Lease]) -> list[list[Lease]]:
    """In groups of one position, the last first; projections and policies apart. Alone: those that stopped (tried with
    one event), and parts."""

    def place(lease: Lease) -> tuple[Any, ...]:
        alone = lease.failed or lease.part is not WHOLE
        return -lease.position, isinstance(lease.projection, Policy), lease.failed, lease.name if alone else ""

    return [list(group) for _, group in groupby(sorted(leases, key=place), key=place)]


@contextmanager
def no_collection() -> Iterator[None]:
    """A batch makes no cycles, and looking for them costs a quarter to a third of its time. For the whole process."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
