"""Writers in processes of their own that stall, fail and meet, beside a reader who never goes back; what he missed."""

import multiprocessing
import pickle
import random
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection, connections, transaction
from eventsourcing.persistence import IntegrityError, OperationalError

from eventstore import log
from eventstore.models import Event
from eventstore.persistence import LogRecorder, Stored, rows

WRITERS = 8
STREAMS = 120
STALLS = (0.002, 0.02, 0.5)  # seconds at most
BATCHES = (1, 1, 1, 3, 10, 100)  # events of one stream in an append
AT_ONCE = 5_000  # events, of the reader

fork: Any = multiprocessing.get_context("fork")


class Wrote(NamedTuple):
    """What one transaction did, by the clock that all processes share."""

    before: int  # the last position that was drawn before its first append
    positions: list[int]  # empty: it was rolled back
    ended: float


class Found(NamedTuple):
    recorded: int  # events
    gaps: int  # positions that were drawn and given up
    missed: int
    inverted: int  # events that came before an earlier one of their stream, or twice
    longest_wait: float  # seconds in which an event could have been read and was not
    rolled_back: float  # share of the transactions
    seconds: float

    def __str__(self) -> str:
        rate = self.recorded / self.seconds
        return (
            f"{self.recorded:,} events in {self.seconds:.0f} s ({rate:,.0f}/s), {self.rolled_back:.0%} of the "
            f"transactions rolled back, {self.gaps:,} positions given up; missed: {self.missed}, out of order: "
            f"{self.inverted}, longest wait on what was finished: {self.longest_wait:.3f} s"
        )


def fuzz(folder: Path, *, seconds: float = 3600.0, events: int = 10**9) -> Found:
    """Write and read for so long, or until there are so many events."""
    connections.close_all()
    count, began = fork.Value("q", 0), time.monotonic()
    until = began + seconds
    args = [(seed, until, events, count, folder / f"wrote-{seed}") for seed in range(WRITERS)]
    writers = [fork.Process(target=write, args=each) for each in args]
    for writer in writers:
        writer.start()
    with an_unrelated_transaction():
        seen = list(follow(writers))
    took = time.monotonic() - began
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    return judged(seen, [each for *_, path in args for each in pickle.loads(path.read_bytes())], took)


@contextmanager
def an_unrelated_transaction() -> Iterator[None]:
    """One that writes something else in the same database, and stays open."""
    parameters = {**connection.get_connection_params(), "context": None, "cursor_factory": None, "options": ""}
    with psycopg.connect(**parameters) as other:
        other.execute("create table something_else as select 1 as n")
        yield
        state = other.execute("select txid_current_if_assigned() is not null and count(*) = 1 from something_else")
        assert state.fetchone() == (True,), "it was open throughout"
        other.rollback()


def write(seed: int, until: float, events: int, count: Any, path: Path) -> None:
    connections.close_all()
    chance, recorder, wrote = random.Random(seed), LogRecorder(), []
    while time.monotonic() < until and count.value < events:
        before, positions = 0, list[int]()
        try:
            with transaction.atomic():
                before = rows("select coalesce(pg_sequence_last_value('eventstore_event_position_seq'), 0)")[0][0]
                for streams in some_streams(chance):
                    positions += recorder.append([each for stream in streams for each in more(stream, chance)])
                    if chance.random() < 0.3:
                        time.sleep(chance.random() * chance.choice(STALLS))
                if chance.random() < 0.2:
                    raise ZeroDivisionError
        except (IntegrityError, OperationalError, ZeroDivisionError):  # a conflict, a deadlock, a change of mind
            positions.clear()
        wrote.append(Wrote(before, positions, time.monotonic()))
        with count.get_lock():
            count.value += len(positions)
    path.write_bytes(pickle.dumps(wrote))


def some_streams(chance: random.Random) -> list[list[int]]:
    """Of each append: several appends in a transaction, several streams in an append."""
    return [
        sorted(chance.sample(range(STREAMS), chance.choice((1, 1, 2))))
        for _ in range(chance.choice((1, 1, 2, 3)))
    ]  # fmt: skip


def more(stream: int, chance: random.Random) -> list[Stored]:
    last = LogRecorder().select_events(UUID(int=stream), desc=True, limit=1)
    version = last[0].originator_version if last else 0
    count = chance.choice(BATCHES)
    return [Stored(UUID(int=stream), version + n, "Fuzz.Happened", b"{}") for n in range(1, count + 1)]


def follow(writers: list[Any]) -> Iterator[tuple[int, UUID, int, float]]:
    """Position, stream, version, and when it was seen."""
    position = 0
    while True:
        finished = not any(writer.is_alive() for writer in writers)
        found = log.after(position, limit=AT_ONCE)
        now = time.monotonic()
        for event in found:
            position = event.position
            yield position, event.stream_id, event.version, now
        if finished and not found:
            return
        if len(found) < AT_ONCE:
            time.sleep(0.001)


def judged(seen: list[tuple[int, UUID, int, float]], wrote: list[Wrote], took: float) -> Found:
    recorded = list(Event.objects.order_by("position").values_list("position", flat=True))
    last, inverted = dict[UUID, int](), 0
    for _, stream, version, _ in seen:
        inverted += version <= last.get(stream, 0)
        last[stream] = version
    return Found(
        recorded=len(recorded),
        gaps=recorded[-1] - len(recorded),
        missed=len(set(recorded) - {position for position, *_ in seen}),
        inverted=inverted,
        longest_wait=longest_wait(seen, wrote),
        rolled_back=sum(not each.positions for each in wrote) / len(wrote),
        seconds=took,
    )


def longest_wait(seen: list[tuple[int, UUID, int, float]], wrote: list[Wrote]) -> float:
    """Of all events, from when each could be read until it was.

    It could when it was committed, and whoever had begun to write before its position was drawn had ended, too: from
    then on all that is missing below it is dead.
    """
    committed = {position: each.ended for each in wrote for position in each.positions}
    wrote = sorted(wrote)
    befores = [each.before for each in wrote]
    ended = list(accumulate((each.ended for each in wrote), max))
    waits = [0.0]
    for position, _, _, when in seen:
        earlier = bisect_left(befores, position)
        waits.append(when - max(committed[position], ended[earlier - 1]))
    return max(waits)
