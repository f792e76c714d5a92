"""Record as at an earlier time, for a log that begins with a made-up past: a demo's. Never of a log that has a present.

    with movable_clock():
        with moved_clock(), because(effective_at=last_winter):
            place_order(…)   # recorded_at is last winter too: that is what ?as_of= goes by

The database sees to it that the clock only goes on (``sql/moved_clock.sql``). Until all is recorded, an instant in
between is no past to ask for: more may still come before it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

from eventstore.memory import Memory, memory
from eventstore.persistence import rows

SQL = (Path(__file__).parent / "sql" / "moved_clock.sql").read_text()
MOVED = """
    select set_config('eventstore.moved_clock', 'on', true),
        set_config('synchronous_commit', 'off', true) -- what a machine that fails loses is made again"""
GONE = """
    drop trigger if exists eventstore_moved_clock on eventstore_event;
    drop function if exists eventstore_move_clock"""


@contextmanager
def movable_clock() -> Iterator[None]:
    """Let transactions move the clock. It takes the rights of the table's owner: nobody else can make up a past."""
    _run(SQL)
    try:
        yield
    finally:
        _run(GONE)


@contextmanager
def moved_clock() -> Iterator[None]:
    """A transaction in which what is true from ``effective_at`` on is recorded at that time."""
    with transaction.atomic():
        _run(MOVED)
        yield


@contextmanager
def remembered() -> Iterator[Memory]:
    """What was read of the log, or appended, is not read again: for the one process that makes the past."""
    token = memory.set(Memory(stream_id for (stream_id,) in rows("select distinct stream_id from eventstore_event")))
    try:
        yield memory.get()  # type: ignore[misc]
    finally:
        memory.reset(token)


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
