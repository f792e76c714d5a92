"""Where a list by time begins, as of a moment: its page is read on from there.

Early in an epoch most of its entries are newer than the answer, and "newest first" would step over all of them. A mark
says the latest that the rows' times had said up to a position: what was there at a moment is not after the next mark.
Live tables are marked as they are written; those that are built, once they have their indexes.
"""

from functools import cache
from itertools import pairwise
from typing import Any

from django.db import connection, models
from django.db.models.expressions import F, OrderBy
from psycopg import Cursor

from projections.history import Epochs
from projections.models import ReadModel

MARK = """
    UPDATE projections_historyepoch
    SET marks = marks || jsonb_build_array(jsonb_build_object('position', %(to)s::bigint{latest}))
    WHERE "table" = %(table)s AND schema = %(schema)s AND start = %(epoch)s"""
LATEST = """, '{column}', greatest(
    (SELECT max("{column}") FROM {live}), (SELECT max("{column}") FROM {history} WHERE epoch = %(epoch)s))"""
END = "SELECT max(position) FROM projections_checkpoint WHERE projection = %(projection)s AND schema = %(schema)s"
MADE = """
    WITH entries AS (
        SELECT epoch, position{chosen} FROM {history}
        UNION ALL SELECT %(present)s::bigint, position{chosen} FROM {live}),
    stretches AS (
        SELECT epoch, least(greatest(position - epoch, 0) * %(marks)s / length, %(marks)s) AS stretch,
            max(position) AS position{highest}
        FROM entries JOIN unnest(%(starts)s::bigint[], %(lengths)s::bigint[]) known(start, length) ON start = epoch
        GROUP BY 1, 2),
    marks AS (
        SELECT epoch, max(position) OVER so_far AS position{so_far}
        FROM stretches WINDOW so_far AS (PARTITION BY epoch ORDER BY stretch))
    SELECT epoch, jsonb_agg(jsonb_build_object('position', position{named}) ORDER BY position)::text
    FROM marks GROUP BY 1"""
STORE = """
    UPDATE projections_historyepoch SET marks = %(marks)s
    WHERE "table" = %(table)s AND schema = %(schema)s AND start = %(epoch)s"""
FORGET = """
    UPDATE projections_historyepoch SET marks = jsonb_path_query_array(
        marks, '$[*] ? (@.position < $since)', jsonb_build_object('since', %(since)s::bigint))
    WHERE "table" = %(table)s AND schema = %(schema)s"""
NOT_AFTER = """ AND "{column}" <= coalesce((
    SELECT min((mark ->> '{column}')::{kind}) FROM projections_historyepoch, jsonb_array_elements(marks) mark
    WHERE "table" = '{table}' AND schema = '' AND start = {epoch} AND (mark ->> 'position')::bigint >= {at}
    ), 'infinity')"""


@cache
def times(model: type[ReadModel]) -> list[Any]:
    """The columns by whose indexes its rows are listed in order of time, where each row says one."""
    whole = [index for index in model._meta.indexes if type(index) is models.Index and index.condition is None]
    leading = {index.fields[0].removeprefix("-") for index in whole if index.fields}
    fields: list[Any] = list(model._meta.concrete_fields)
    listed = [field for field in fields if field.db_index or field.unique or field.name in leading]
    return [field for field in listed if isinstance(field, models.DateField) and not field.null]


def mark(cursor: Cursor[Any], epochs: Epochs, epoch: int, to: int) -> None:
    """What the tables say where they stand, at ``to``: by the last entries of indexes, whatever their size."""
    latest = "".join(LATEST.format(column=field.column, **epochs.names) for field in times(epochs.model))
    if latest:
        cursor.execute(MARK.format(latest=latest), epochs.values | {"to": to, "epoch": epoch})


def mark_all(cursor: Cursor[Any], epochs: Epochs) -> None:
    """All of a table's epochs, by one look at all of its versions."""
    columns = [field.column for field in times(epochs.model)]
    if not columns:
        return
    made = MADE.format(
        chosen="".join(f', "{column}"' for column in columns),
        highest="".join(f', max("{column}") AS "{column}"' for column in columns),
        so_far="".join(f', max("{column}") OVER so_far AS "{column}"' for column in columns),
        named="".join(f""", '{column}', "{column}\"""" for column in columns),
        **epochs.names,
    )
    ((end,),) = cursor.execute(END, epochs.values)
    starts = sorted(epochs.all(cursor))
    lengths = [max(following - start, 1) for start, following in pairwise([*starts, end])]
    known = epochs.values | {"starts": starts, "lengths": lengths, "present": starts[-1]}
    for start, marks in cursor.execute(made, known).fetchall():
        cursor.execute(STORE, epochs.values | {"epoch": start, "marks": marks})


def forget(cursor: Cursor[Any], epochs: Epochs, since: int = 0) -> None:
    """Versions from position ``since`` on say other times now, or have come late."""
    cursor.execute(FORGET, epochs.values | {"since": since})


def not_after(query: Any, epoch: str, at: int) -> str:
    """A condition more in SQL, which holds for each row of the list, and says from where it is read; or none."""
    order = query.order_by or (query.get_meta().ordering if query.default_ordering else ())
    first = order[0] if order else ""
    if isinstance(first, OrderBy) and type(first.expression) is F:
        first = f"{'-' * first.descending}{first.expression.name}"  # type: ignore[attr-defined]
    if not isinstance(first, str) or first.startswith("-") != query.standard_ordering:
        return ""
    for field in times(query.model):
        if field.name == first.removeprefix("-"):
            names = {"column": field.column, "kind": field.db_type(connection), "table": query.model._meta.db_table}
            return NOT_AFTER.format(**names, epoch=epoch, at=at)
    return ""
