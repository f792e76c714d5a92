"""Whose transactions have a projection's live tables: a swap waits for them, and says so."""

from datetime import timedelta
from typing import Any, NamedTuple

from eventstore.persistence import rows
from projections import shadow

LONG = timedelta(seconds=1)  # whoever has them for less is waited for by the swap itself

# An autovacuum makes way by itself, unless it must not.
OTHERS = """
    SELECT DISTINCT a.pid, a.application_name, coalesce(a.state, a.backend_type), clock_timestamp() - a.xact_start
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.relation IN (SELECT to_regclass(quote_ident(name)) FROM unnest(%s::text[]) name) AND l.granted
        AND a.datname = current_database() AND a.pid <> pg_backend_pid() AND clock_timestamp() - a.xact_start > %s
        AND (a.backend_type <> 'autovacuum worker' OR a.query LIKE '%%wraparound%%')
    ORDER BY 4 DESC"""


class Other(NamedTuple):
    pid: int  # on the database server
    application: str
    state: str
    age: timedelta

    def __str__(self) -> str:
        return f"process {self.pid} ({self.application or 'no name'}, {self.state})"


def others(projection: Any) -> list[Other]:
    """Who has had a live table of it for long, the oldest transaction first."""
    return [Other(*found) for found in rows(OTHERS, shadow.tables(projection), LONG)]


def named(found: list[Other]) -> str:
    """The first of them, and how many more there are."""
    return f"{found[0]}" + (f" and {len(found) - 1:,} more" if len(found) > 1 else "")
