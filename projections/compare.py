"""Are the rows of two sets of tables the same, and the versions that they had?"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from projections import history
from projections.models import ReadModel
from projections.projection import WHOLE, Part, Projection

SHOWN = 5  # differing rows of a table

# Whatever the order of rows. A row as one value of bytes: its own hash takes 1.0 and 1.00 for the same, and to make its
# text takes 1.2 to 1.5 times as long.
CHECKSUM = "SELECT count(*), coalesce(sum(hash_record_extended(ROW(record_send(t)), 0)), 0) FROM {} t"
JOINED = """
    FROM {live} live FULL JOIN {built} built ON {same_key}
    WHERE live::text IS DISTINCT FROM built::text"""
EXAMPLES = f"""
    SELECT concat_ws(' at ', {{keys}}), to_jsonb(live), to_jsonb(built)
    {JOINED} ORDER BY {{unexpected}} DESC, {{keys}} LIMIT {SHOWN}"""
BYTE = "get_byte(uuid_send({}), 15)"


class Row(NamedTuple):
    """One that differs; None: it is not there."""

    key: str  # of an earlier version of a row: "key at position"
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
    columns: dict[str, int] = {}  # that differ → in how many of those rows that are in both
    missing: int = 0  # in the live table
    surplus: int = 0
    unexpected: int = 0  # of those that differ

    def __str__(self) -> str:
        if not self.differing:
            return f"{self.table}: {self.rows:,} rows, all equal"
        counts = [f"{column} in {count:,}" for column, count in self.columns.items()]
        counts += [f"{self.missing:,} missing"] if self.missing else []
        counts += [f"{self.surplus:,} too many"] if self.surplus else []
        return (
            f"{self.table}: {self.differing:,} of {self.rows:,} rows differ ({', '.join(counts)}): "
            f"{'; '.join(map(str, self.examples))}"
        )

    def told(self) -> dict[str, Any]:
        """In counts, columns and keys: no values, which may be personal."""
        words = ("table", "rows", "differing", "unexpected", "missing", "surplus", "columns")
        return {word: getattr(self, word) for word in words} | {"keys": [each.key for each in self.examples]}


class Side(NamedTuple):
    """What is compared, as SQL that may stand in FROM."""

    table: str
    live: str
    built: str
    columns: Sequence[str]
    key: Sequence[str]
    free: frozenset[str]  # columns that may differ wherever a declared one does, or in rows of the past


def compare(
    projection: Projection,
    schema: str,
    *,
    part: Part = WHOLE,
    declared: bool = False,
    parked: Sequence[UUID] = (),
) -> list[Compared]:
    """Each live table with its shadow in ``schema``, every column: by checksums first, then row by row.

    What ended before the live tables' history begins is left out. What is expected: with ``declared``, what the
    projection's ``changes`` say; and the rows of ``parked`` streams.
    """
    found = []
    for model in projection.tables:
        columns = declared_columns(projection, model) if declared else frozenset()
        for side in _sides(projection, model, schema, part):
            found.append(_compare(side, columns, _owner(projection, model), parked))
    return found


def declared_columns(projection: Projection, model: type[ReadModel]) -> frozenset[str]:
    """In which columns its rows may differ; FieldDoesNotExist: there is no such column."""
    names = projection.changes.get(model, ())
    meta: Any = model._meta
    return frozenset(["*"]) if "*" in names else frozenset(meta.get_field(name).column for name in names)


def _sides(projection: Projection, model: type[ReadModel], schema: str, part: Part) -> list[Side]:
    meta: Any = model._meta
    columns, key = [field.column for field in meta.concrete_fields], meta.pk.column
    live, built = f'"{meta.db_table}"', f'"{schema}"."{meta.db_table}"'
    sides = [Side(meta.db_table, live, built, columns, [key], frozenset(["position", "version"]))]
    if projection.keeps_history and (since := _history_begins(model, schema)) is not None:
        columns = [field.column for field in meta.concrete_fields if not field.generated]
        live, built = (history.ended(projection, model, where, since) for where in ("", schema))
        free = frozenset(["position", "version", "until"])
        sides.append(Side(f"{meta.db_table}_history", live, built, [*columns, "until"], [key, "position"], free))
    if part is WHOLE:
        return sides
    byte = BYTE.format(f'"{meta.get_field(projection.splits_by[model]).column}"')
    mine = f"(SELECT * FROM {{}} t WHERE {byte} BETWEEN {part.low} AND {part.high - 1})"
    return [side._replace(live=mine.format(side.live), built=mine.format(side.built)) for side in sides]


def _history_begins(model: type[ReadModel], schema: str) -> int | None:
    """From where on both have a history: the live one may be pruned, or have begun late. None: one has none."""
    live, built = (history.kept_since(model, where) for where in ("", schema))
    return None if live is None or built is None else max(live, built)


def _owner(projection: Projection, model: type[ReadModel]) -> str:
    """The column with the stream that a row belongs to; by its key, unless more is known."""
    meta: Any = model._meta
    return str(meta.get_field(projection.splits_by[model]).column if model in projection.splits_by else meta.pk.column)


def _compare(side: Side, declared: frozenset[str], owner: str, parked: Sequence[UUID]) -> Compared:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({CHECKSUM.format(side.live)}) live, ({CHECKSUM.format(side.built)}) built")
        rows, live_sum, rows_built, built_sum = cursor.fetchone()
        if (rows, live_sum) == (rows_built, built_sum):
            return Compared(side.table, rows, 0, [])
        unexpected = f"coalesce(({_unexpected(side, declared)}), true)"
        if parked:
            known = ", ".join(f"'{stream}'" for stream in parked)
            unexpected += f' AND coalesce(live."{owner}", built."{owner}")::text NOT IN ({known})'
        words = {
            "live": side.live,
            "built": side.built,
            "same_key": " AND ".join(f'live."{k}" = built."{k}"' for k in side.key),
            "keys": ", ".join(f'coalesce(live."{k}", built."{k}")' for k in side.key),
            "unexpected": unexpected,
        }
        counts = [
            "count(*)",
            f'count(*) FILTER (WHERE live."{side.key[0]}" IS NULL)',
            f'count(*) FILTER (WHERE built."{side.key[0]}" IS NULL)',
            f"count(*) FILTER (WHERE {unexpected})",
            *(f"count(*) FILTER (WHERE {_in_both(side)} AND {_differ(column)})" for column in side.columns),
        ]
        cursor.execute(f"SELECT {', '.join(counts)} {JOINED.format(**words)}")
        differing, missing, surplus, not_expected, *by_column = cursor.fetchone()
        cursor.execute(EXAMPLES.format(**words))
        examples = [Row(k, *(json.loads(row) if row else None for row in pair)) for k, *pair in cursor.fetchall()]
    columns = {column: count for column, count in zip(side.columns, by_column, strict=True) if count}
    return Compared(side.table, rows, differing, examples, columns, missing, surplus, not_expected)


def _unexpected(side: Side, declared: frozenset[str]) -> str:
    """Of a row that differs: whether what was declared does not explain it."""
    if not declared or "*" in declared:
        return "false" if declared else "true"
    others = [_differ(column) for column in side.columns if column not in declared | side.free]
    undeclared = " OR ".join(others) or "false"
    if side.table.endswith("_history"):  # where a declared column changes at other events, others end, too
        return f"{_in_both(side)} AND ({undeclared})"
    explained = " OR ".join(_differ(column) for column in declared)
    return f"NOT ({_in_both(side)}) OR {undeclared} OR NOT ({explained})"


def _in_both(side: Side) -> str:
    return f'live."{side.key[0]}" IS NOT NULL AND built."{side.key[0]}" IS NOT NULL'


def _differ(column: str) -> str:
    return f'live."{column}"::text IS DISTINCT FROM built."{column}"::text'
