"""Are the rows of two sets of tables the same?"""

import json
from typing import Any, NamedTuple

from django.db import connection, models

from projections.projection import Projection

SHOWN = 5  # differing rows of a table

CHECKSUM = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"  # whatever the order of rows
DIFFERING = """
    SELECT coalesce(live.{key}, built.{key})::text, to_jsonb(live), to_jsonb(built), count(*) OVER ()
    FROM {live} live FULL JOIN {built} built ON live.{key} = built.{key}
    WHERE live::text IS DISTINCT FROM built::text ORDER BY 1 LIMIT {shown}"""


class Row(NamedTuple):
    """One that differs; None: it is not there."""

    key: str
    live: dict[str, Any] | None
    built: dict[str, Any] | None

    def __str__(self) -> str:
        if self.live is None or self.built is None:
            return f"{self.key} is {'missing' if self.live is None else 'too many'}"
        columns = [column for column in self.live if self.live[column] != self.built[column]]
        return f"{self.key} has " + ", ".join(f"{c} {self.live[c]!r} instead of {self.built[c]!r}" for c in columns)


class Compared(NamedTuple):
    """A live table, and the one that was built from the log."""

    table: str
    rows: int  # in the live table
    differing: int
    examples: list[Row]

    def __str__(self) -> str:
        if not self.differing:
            return f"{self.table}: {self.rows:,} rows, all equal"
        return f"{self.table}: {self.differing:,} of {self.rows:,} rows differ: {'; '.join(map(str, self.examples))}"


def compare(projection: Projection, schema: str) -> list[Compared]:
    """Each live table with its shadow in ``schema``, row by row, every column."""
    return [_compare(model, schema) for model in projection.tables]


def _compare(model: type[models.Model], schema: str) -> Compared:
    key: Any = model._meta.pk
    table = model._meta.db_table
    live, built = f'"{table}"', f'"{schema}"."{table}"'
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({CHECKSUM.format(live)}) live, ({CHECKSUM.format(built)}) built")
        rows, live_sum, rows_built, built_sum = cursor.fetchone()
        if (rows, live_sum) == (rows_built, built_sum):
            return Compared(table, rows, 0, [])
        cursor.execute(DIFFERING.format(key=f'"{key.column}"', live=live, built=built, shown=SHOWN))
        found = cursor.fetchall()
    examples = [Row(k, *(json.loads(row) if row else None for row in (one, other))) for k, one, other, _ in found]
    return Compared(table, rows, found[0][3] if found else 0, examples)
