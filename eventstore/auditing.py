"""Whether the log is whole: what ``manage.py events verify`` looks at."""

from collections.abc import Iterator

from eventstore.application import mapper
from eventstore.evolution import aliases, retired_names
from eventstore.mapper import Unreadable
from eventstore.names import classes
from eventstore.persistence import COLUMNS, Recorded, rows
from eventstore.personal import KeyUnavailable

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


def streams(upto: int) -> Iterator[str]:
    """Every stream's versions are 1, 2, 3, … in the order of their positions."""
    for stream_id, first, last, count in rows(GAPS, upto):
        yield f"stream {stream_id}: expected versions 1 to {count}, found {count} from {first} to {last}"
    for position, stream_id, version, before in rows(DISORDER, upto):
        yield f"stream {stream_id}: version {version} is at position {position}, the one before it at {before}"


def receipts(upto: int) -> Iterator[str]:
    """Every receipt's last event is there, and says that it is of that command."""
    for command_id, name, position in rows(STRAYS, upto):
        yield f"command {command_id} ({name}): its receipt names position {position}, where no event of it is"


def events(upto: int) -> Iterator[tuple[int, list[str]]]:
    """Every name is known, and every event is read by today's code; how far it has come, and what it found there."""
    position = 0
    while position < upto:
        found = [Recorded(*row) for row in rows(BATCH, position, upto, AT_ONCE)]
        yield (found[-1].position if found else upto), list(_unreadable(found))
        position = found[-1].position if found else upto


def _unreadable(found: list[Recorded]) -> Iterator[str]:
    try:
        mapper.to_domain_events(found)
    except (Unreadable, KeyUnavailable):
        for record in found:  # one by one, to name each
            try:
                mapper.to_domain_events([record])
            except (Unreadable, KeyUnavailable) as error:
                where = f"{record.name} at position {record.position}"
                yield str(error) if where in str(error) else f"{where}: {error}"


def unknown(upto: int) -> list[str]:
    """The names in the log that no class, alias or retirement knows."""
    found = {name for (name,) in rows("select distinct name from eventstore_event where position <= %s", upto)}
    return sorted(found - classes.keys() - aliases.keys() - retired_names)
