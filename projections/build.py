"""Tables filled from the log beside the live ones, by one process or several; on from where an earlier one was cut off.

The control checkpoint of the schema says to where all rows have been built, and by which code. Where several share the
work there is one for each part beside it: they run ahead of the first, and meet.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256
from inspect import getsource
from sys import modules
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from eventstore.persistence import cursor as log_cursor
from eventstore.persistence import rows
from eventstore.sources import fingerprint
from projections import crew, history, shadow
from projections.engine import as_far_as_possible, no_collection, read
from projections.lease import CUT, Lease, checkpoint, tag, take
from projections.models import Checkpoint
from projections.operations import Refused
from projections.progress import Report, silent
from projections.projection import WHOLE, Part, Projection, parts
from projections.rows import EventFailed
from projections.versions import versions

BATCH = 50_000  # events
MEET = 4  # batches, after which the parts of a table with history meet: an epoch ends where all stand at one place
LEASE = 3600.0  # seconds: an index may take long; whoever is killed is replaced at once all the same
RENEW = 60.0  # seconds
AWAY = timedelta(seconds=30)  # after which one that goes on is as fast as it is from then on
PATIENCE = 60.0  # seconds, for the lease of a part that a worker left behind


def claim(projection: Projection, schema: str, *, restart: bool = False, part: Part = WHOLE) -> Lease:
    """The right to fill the tables in ``schema``: empty ones, or, unless ``restart``, as far as this code has come.

    Those of all streams, or of ``part``. Refused: another has it.
    """
    name = checkpoint(projection.name, schema)
    taken = take([projection], seconds=LEASE, schema=schema, only=[WHOLE], paused=True)
    if not taken:
        row = Checkpoint.objects.filter(name=name).first() or Checkpoint(version=1, holder="")
        if row.version > projection.version:
            raise Refused(
                f"{projection.name} is being rebuilt by code of version {row.version}, and this is version "
                f"{projection.version}: `projections rebuild {projection.name} --abandon` throws that away."
            )
        raise Refused(f"{projection.name} is being rebuilt already, by {row.holder or 'another'}.")
    (lease,) = taken
    lease.part = part
    try:
        _evict(lease)
        code = digest(lease)
        mine = Checkpoint.objects.filter(name=name)
        if restart or mine.get().code != code or not shadow.exists(schema):
            with transaction.atomic(), log_cursor() as cursor:
                lease.move(cursor, 0)
                _parts(lease).delete()
                mine.update(code=code, version=projection.version)
                shadow.create(projection, schema)
            lease.position = 0
        goes_on = Q(begun_at__isnull=False, updated_at__gt=timezone.now() - AWAY)
        mine.exclude(goes_on, position__gt=0).update(begun_at=timezone.now(), begun_position=lease.position)
    except BaseException:
        lease.release()
        raise
    return lease


def digest(lease: Lease) -> str:
    """Of all that decides which rows are built: code, columns, and which events somebody has skipped."""
    projection = lease.projection
    module = type(projection).__module__
    models = [each for model in projection.tables for each in (model, versions.get(model)) if each]
    columns = [[(field.column, field.db_type(connection)) for field in model._meta.concrete_fields] for model in models]
    source = fingerprint(module) or getsource(modules[module])
    told = (source, type(projection).__qualname__, projection.version, columns, sorted(lease.skipped), *lease.part)
    return sha256(repr(told).encode()).hexdigest()


def splits(projection: Projection) -> bool:
    """Whether it says of each of its tables which stream a row belongs to."""
    return projection.splits_by.keys() >= set(projection.tables)


def fill(
    lease: Lease,
    end: int,
    *,
    workers: int = 1,
    until: float = math.inf,
    report: Report = silent,
) -> int:
    """Apply the log up to position ``end``, or to the end of the batch in which it is ``until``.

    One batch at least: a step on a busy machine is slow, but it is one. Answers how many events. EventFailed: a handler
    fails.
    """
    count = 0
    if lease.position < end:
        report(lease.projection.name, "building", lease.position, end, 0)
        if workers > 1 and end - lease.position > BATCH and not _parts(lease).exists():
            _split(lease, workers)
    if _parts(lease).exists():
        count += _in_parts(lease, end, workers, until, report)
    while lease.position < end:
        done = _batch(lease, end)
        count += done
        report(lease.projection.name, "building", lease.position, end, done)
        if time.monotonic() >= until:
            break
    return count


def orders(projection: Projection, schema: str, part: Part, goals: Iterable[int]) -> Iterator[crew.Done | None]:
    """In a process of its own: build ``part`` to each of ``goals``. Answers how far it is; None: it is there."""
    lease = _take_part(projection, schema, part)
    try:
        for goal in goals:
            while lease.position < goal:
                done = _batch(lease, goal)
                yield lease.position, done
            yield None
    finally:
        lease.release()


def _batch(lease: Lease, end: int) -> int:
    with no_collection():
        events, to = read([lease], end, BATCH)
        count = len(events)
        as_far_as_possible(lease, events, to, False)
        del events  # before garbage is looked for again: to find none among so many takes a while
    return count


def _in_parts(lease: Lease, end: int, workers: int, until: float, report: Report) -> int:
    """By this process and others; alone, one part after the other. All stand at ``end``, unless it is ``until``."""
    projection: Projection = lease.projection
    left = list(_parts(lease).order_by("low"))
    end = max(end, *(each.position for each in left))
    all_parts = [Part(each.low, each.high) for each in left]
    mine, theirs = (all_parts[:1], all_parts[1:]) if workers > 1 else (all_parts, [])
    count = 0
    with crew.crew(partial(orders, projection, lease.schema), theirs) as others:
        own: list[Lease] = []
        try:
            own += (_take_part(projection, lease.schema, each) for each in mine)
            while lease.position < end or left:
                step = lease.position + MEET * BATCH if projection.keeps_history else end
                step = min(end, max(step, *(each.position for each in left)))
                count += _to(lease, step, own, others, until, report)
                if any(each.position < step for each in own):
                    return count  # it is ``until``
                left = [] if step == end else left
                _meet(lease, step, over=step == end)
        finally:
            for each in own:
                each.release()
    return count


def _to(
    lease: Lease, goal: int, own: Sequence[Lease], others: Sequence[crew.Worker], until: float, report: Report
) -> int:
    """Have everybody build up to ``goal``."""
    name = lease.projection.name
    count, renewed = 0, time.monotonic()
    busy = list(others)
    stands = dict.fromkeys((worker.process.name for worker in others), lease.position)

    def listen(timeout: float) -> None:
        nonlocal count, renewed
        for worker, said in list(crew.heard(busy, timeout)) if busy else ():
            if isinstance(said, crew.Failed):
                raise _failure(said)
            if said is None:
                busy.remove(worker)
                stands[worker.process.name] = goal
            else:
                stands[worker.process.name], done = said
                count += done
                least = min([*stands.values(), *(each.position for each in own)])
                report(name, "building", least, goal, done)
        if time.monotonic() - renewed > RENEW:
            with log_cursor() as cursor:
                lease.move(cursor, lease.position)
            renewed = time.monotonic()

    for worker in others:
        crew.send(worker, goal)
    for each in own:
        while each.position < goal and time.monotonic() < until:
            done = _batch(each, goal)
            count += done
            report(name, "building", min([*stands.values(), *(one.position for one in own)]), goal, done)
            listen(0)
    while busy:
        listen(1.0)
    return count


def _meet(lease: Lease, position: int, *, over: bool) -> None:
    """All parts stand at ``position``: so does the whole."""
    with transaction.atomic(), log_cursor() as cursor:
        lease.move(cursor, position)
        history.end_epochs(cursor, lease.projection, lease.schema, position)
        if over:
            _parts(lease).delete()
    lease.position = position


def _split(lease: Lease, count: int) -> None:
    with transaction.atomic(), log_cursor() as cursor:
        lease.move(cursor, lease.position)
        Checkpoint.objects.bulk_create(
            Checkpoint(
                name=checkpoint(lease.projection.name, lease.schema, part),
                projection=lease.projection.name,
                schema=lease.schema,
                low=part.low,
                high=part.high,
                version=lease.projection.version,
                position=lease.position,
            )
            for part in parts(count)
        )


def _parts(lease: Lease) -> Any:
    return Checkpoint.objects.filter(projection=lease.projection.name, schema=lease.schema).exclude(name=lease.name)


def _take_part(projection: Projection, schema: str, part: Part) -> Lease:
    """One that was left behind goes free as soon as the server sees that its worker is gone."""
    until = time.monotonic() + PATIENCE
    while not (taken := take([projection], seconds=LEASE, schema=schema, only=[part], paused=True)):
        if time.monotonic() > until:
            raise Refused(f"{projection.name}: another process builds part {part}.")
        time.sleep(0.05)
    return taken[0]


def _evict(lease: Lease) -> None:
    """End what an earlier rebuild left behind, perhaps frozen in a transaction: the right to build is ours."""
    left = _parts(lease).values_list("name", "epoch")
    if left:
        rows(CUT, [tag(name, epoch) for name, epoch in left])


def _failure(said: crew.Failed) -> Exception:
    if said.of_the_moment:
        return crew.WorkerGone(f"A worker ended: {said.kind}: {said.said}")
    if said.kind != "EventFailed" or said.about is None:
        return Refused(f"A worker failed: {said.kind}: {said.said}")
    failed = EventFailed.__new__(EventFailed, said.said)
    failed.event, failed.place = said.about
    return failed
