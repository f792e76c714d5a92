"""The only loop: lease, read, fold, write, move the checkpoint."""

import gc
import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby

from django.db import InterfaceError as DjangoInterfaceError
from django.db import OperationalError as DjangoOperationalError
from django.db import transaction
from eventsourcing.persistence import InterfaceError, OperationalError

from eventstore import log
from eventstore.log import Recorded
from eventstore.persistence import cursor as log_cursor
from projections.lease import Lease, LeaseLost, move_all, take
from projections.progress import Report, silent
from projections.projection import Projection, known
from projections.rows import EventFailed, Rows

BATCH = 5_000  # events: more are not quicker, and a batch should take less than a second

LOST = ("none", "08", "57P")  # how the SQLSTATE begins where the connection is gone
TROUBLE = (OperationalError, InterfaceError, DjangoOperationalError, DjangoInterfaceError)

logger = logging.getLogger(__name__)


def catch_up(
    projections: Iterable[Projection] | None = None,
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
    held: list[Lease] = []
    try:
        while True:
            # Looked at once more after the last was let go: who was woken meanwhile may have found its lease taken.
            end = log.horizon()
            free = asked.keys() - {lease.name for lease in held}
            held += take((asked[name] for name in free), behind=end, failed=failed)
            if not held or time.monotonic() >= until:
                return
            for together in _standing_together(held):
                for lease in advance(together, end, report):
                    held.remove(lease)
                    if lease.failed:
                        del asked[lease.name]
    finally:
        with suppress(*TROUBLE):
            for lease in held:
                lease.release()


def advance(leases: Sequence[Lease], end: int, report: Report = silent) -> list[Lease]:
    """Move projections that stand at one place by a batch; the log is read once, each commits for itself.

    Answers those whose lease is no longer held: they have seen all up to ``end``, cannot go on (``failed``), or lost
    it.
    """
    with no_collection():
        events, to = read(leases, end, limit=1 if leases[0].failed else BATCH)
        over: list[Lease] = []
        idle: list[Lease] = []
        for lease in leases:
            mine = [event for event in events if event.name in lease.projection.handlers]
            if not mine:
                idle.append(lease)
            elif not _go_on(lease, mine, to, release=to == end) or to == end:
                over.append(lease)
        if idle:
            move_all(idle, to, release=to == end)
            over += idle if to == end else []
    for lease in leases:
        report(lease.name, "advancing", lease.position, end, len(events))
    return over


def read(leases: Sequence[Lease], end: int, limit: int) -> tuple[list[Recorded], int]:
    """The next events for any of ``leases``, and the position that they lead to."""
    names = sorted({name for lease in leases for name in lease.projection.handlers})
    events = log.after(leases[0].position, names, limit, up_to=end) if names else []
    return events, events[-1].position if len(events) == limit else end


def apply(lease: Lease, events: Sequence[Recorded], to: int, *, release: bool = False) -> None:
    """Fold ``events`` into rows and move the checkpoint to ``to``, in one commit or not at all.

    EventFailed: a handler fails; LeaseLost: another worker has taken over.
    """
    with transaction.atomic(), log_cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, true)", [lease.tag], prepare=True)
        lease.move(cursor, to, release=release)  # first: who has lost its lease shall not blame an event
        rows = Rows(lease.projection, lease.schema)
        rows.fold(events, cursor)
        rows.write(cursor)
    lease.position, lease.failed = to, False


def _go_on(lease: Lease, events: Sequence[Recorded], to: int, *, release: bool) -> bool:
    """Apply ``events``; or all before the first that fails, and note why it stands there."""
    try:
        _as_far_as_possible(lease, events, to, release)
    except LeaseLost as lost:
        logger.info("%s", lost)
        return False
    except Exception as error:
        if isinstance(error, TROUBLE) and _sqlstate(error).startswith(LOST):
            logger.warning("%s lost its connection: %s", lease.name, error)
            return False
        lease.failed = True
        if lease.stop(str(error), error.event.position if isinstance(error, EventFailed) else None):
            logger.exception("%s stands still at position %s.", lease.name, lease.position)
        return False
    return True


def _as_far_as_possible(lease: Lease, events: Sequence[Recorded], to: int, release: bool) -> None:
    try:
        apply(lease, events, to, release=release)
    except LeaseLost:
        raise
    except Exception as error:
        if _of_the_moment(error):
            raise
        known_place = error.place if isinstance(error, EventFailed) else None
        place = len(events) // 2 if known_place is None else known_place  # the server does not say which row it was
        if place == 0:
            raise error if known_place == 0 else EventFailed(lease.projection, events[0], error, 0) from error
        _as_far_as_possible(lease, events[:place], events[place - 1].position, False)
        _as_far_as_possible(lease, events[place:], to, release)


def _of_the_moment(error: Exception) -> bool:
    """The connection, a lock, the disk: no event is to blame. For 54 it is: a value too long for an index."""
    return isinstance(error, TROUBLE) and not _sqlstate(error).startswith("54")


def _sqlstate(error: Exception) -> str:
    return getattr(error.__cause__, "sqlstate", None) or "none"


def _standing_together(leases: Iterable[Lease]) -> list[list[Lease]]:
    """In groups of one position, the last first; those that stopped stand apart, and are tried with one event."""
    in_order = sorted(leases, key=lambda lease: (-lease.position, lease.failed))
    return [list(group) for _, group in groupby(in_order, key=lambda lease: (lease.position, lease.failed))]


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
