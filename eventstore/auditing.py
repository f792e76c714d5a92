"""Whether the log is whole: what ``manage.py events verify`` looks at."""

from collections.abc import Iterator, Sequence
from typing import Any

from eventstore import mapper, unopened
from eventstore.browser.told import one_by_one
from eventstore.evolution import aliases, retired_names
from eventstore.names import classes
from eventstore.persistence import COLUMNS, Recorded, rows

AT_ONCE = 5_000

BATCH = f"select {COLUMNS} from eventstore_event where position > %s and position <= %s order by position limit %s"
GAPS = """
    select stream_id, min(version), max(version), count(*) from eventstore_event where position <= %s
    group by stream_id having min(version) <> 1 or max(version) <> count(*) order by min(position) limit 100"""
DISORDER = """
    select position, stream_id, version, before from (
        select position, stream_id, version, lag(position) over (partition by stream_id order by version) as before
        from eventstore_event where position <= %s) told
    where before > position order by position limit 100"""
STRAYS = """
    select c.command_id, c.name, c.position from eventstore_command c
    where c.position <= %s and not exists (
        select from eventstore_event e where e.position = c.position and e.command_id = c.command_id) limit 100"""
LOST = """
    select command_id, min(position), count(*) from eventstore_event e
    where position <= %s and command_id is not null and not exists (
        select from eventstore_command c where c.command_id = e.command_id)
    group by command_id order by min(position) limit 100"""
RECENT = 100_000  # positions; names have no index
NAMES = """
    select name from eventstore_event where position > (select max(position) from eventstore_event) - %s
    union select unnest(most_common_vals::text::text[]) from pg_stats
    where schemaname = 'public' and tablename = 'eventstore_event' and attname = 'name'"""


def streams(upto: int) -> Iterator[str]:
    """Every stream's versions are 1, 2, 3, … in the order of their positions."""
    for stream_id, first, last, count in rows(GAPS, upto):
        yield f"stream {stream_id}: expected versions 1 to {count}, found {count} from {first} to {last}"
    for position, stream_id, version, before in rows(DISORDER, upto):
        yield f"stream {stream_id}: version {version} is at position {position}, the one before it at {before}"


def receipts(upto: int) -> Iterator[str]:
    """Every receipt's last event is there, and of that command; every command that left events left a receipt.

    What is recorded under a command id outside of ``@command`` leaves none, and would be carried out again: it is told.
    """
    for command_id, name, position in rows(STRAYS, upto):
        yield f"command {command_id} ({name}): its receipt names position {position}, where no event of it is"
    for command_id, position, count in rows(LOST, upto):
        yield f"command {command_id}: it has no receipt, and {count:,} events, the first at position {position}"


def events(upto: int) -> Iterator[tuple[int, list[str]]]:
    """Every name is known, and every event is read by today's code; how far it has come, and what it found there."""
    position = 0

    def read(records: Sequence[Recorded]) -> list[Any]:
        return mapper.events(unopened.present(records))

    while position < upto:
        found = [Recorded(*row) for row in rows(BATCH, position, upto, AT_ONCE)]
        position = found[-1].position if found else upto
        told = zip(found, one_by_one(read, found), strict=True)
        yield position, [_said(record, error) for record, error in told if isinstance(error, Exception)]


def _said(record: Recorded, error: Exception) -> str:
    where = f"{record.name} at position {record.position}"
    return str(error) if where in str(error) else f"{where}: {error}"


def unknown(using: str = "default") -> list[str]:
    """The names in the log that no class, alias or retirement knows: of its latest events, and of the frequent ones.

    Which are frequent, the database's own statistics say: to look at all events is for ``verify``.
    """
    found = {name for (name,) in rows(NAMES, RECENT, using=using)}
    return sorted(found - classes.keys() - aliases.keys() - retired_names)
