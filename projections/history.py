"""Lists of the past: each version of each row by position, in epochs.

A live table holds each row's present version, ``<table>_history`` those that ended: written once. So that a page of the
distant past is as quick as one of today, history is cut into epochs: when twice as many versions have ended (or rows
come) as there were rows, the live rows are copied in as they stand ("frozen", ``until`` FOREVER), and a new epoch
begins. A question reads one epoch: a third or more of its entries are answers, and of a list by time those that are
newer are not even stepped over (``marks``). Of a row that did not change, an epoch has its frozen copy alone. In the
present epoch the live rows answer for what did not change since: it ends, too, when a third of them did.

An epoch ends between two batches of one worker, where the whole table stands at one position. Where several share it,
they write into one epoch until they meet (``end_epochs``).

A rebuild: ``tables`` are to be created, indexed and swapped like the live ones (without an index while they are
built: only events with a handler ``past`` look into them); ``begin`` when the shadow is empty; ``adopt`` in the
transaction of the swap; ``forget`` when a shadow is thrown away. Frozen copies depend on where batches ended: what is
compared is ``ended``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.migrations import CreateModel
from django.db.models import Q
from psycopg import Cursor

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from projections.models import HistoryEpoch, ReadModel
from projections.projection import Projection
from projections.versions import versions

FOREVER = 2**63 - 1
SMALLEST_EPOCH = 10_000  # changes
MARKS = 16  # in an epoch; see ``marks``

EPOCHS = """
    SELECT "table", max(start) FROM projections_historyepoch WHERE "table" = ANY(%s) AND schema = %s GROUP BY 1"""
COUNT = """
    UPDATE projections_historyepoch SET changes = changes + %(changes)s, touched = touched + %(touched)s
    WHERE "table" = %(table)s AND schema = %(schema)s AND start = %(epoch)s
    RETURNING start < %(to)s AND (changes >= greatest(2 * rows, %(least)s) OR touched >= greatest(rows / 3, %(least)s)),
        changes / greatest(greatest(2 * rows, %(least)s) / %(marks)s, 1)
            > (changes - %(changes)s) / greatest(greatest(2 * rows, %(least)s) / %(marks)s, 1)"""
LOCK = "SELECT pg_advisory_xact_lock(79, hashtext(%(table)s))"  # who comes second sees what the first has begun
BEGIN = """
    INSERT INTO projections_historyepoch ("table", schema, start, rows)
    SELECT %(table)s, %(schema)s, CASE WHEN count(*) > 0 OR NOT %(from_the_start)s THEN (
        SELECT coalesce(max(position), 0) FROM projections_checkpoint
        WHERE projection = %(projection)s AND schema = %(schema)s) ELSE 0 END, count(*)
    FROM {live} HAVING NOT EXISTS (
        SELECT FROM projections_historyepoch WHERE "table" = %(table)s AND schema = %(schema)s)"""
FREEZE = "INSERT INTO {history} ({columns}, until, epoch) SELECT {columns}, %(forever)s, %(epoch)s FROM {live}"
NEXT = """
    INSERT INTO projections_historyepoch ("table", schema, start, rows)
    VALUES (%(table)s, %(schema)s, %(to)s, %(rows)s)"""
# Several who share a table do not count as they go: they would wait for each other.
RECOUNT = """
    UPDATE projections_historyepoch e SET changes =
        (SELECT count(*) FROM {history} WHERE epoch = e.start) + greatest(0, (SELECT count(*) FROM {live}) - e.rows),
        touched = (SELECT count(DISTINCT {key}) FROM {history} WHERE epoch = e.start AND position <= e.start)
    WHERE "table" = %(table)s AND schema = %(schema)s AND start = %(epoch)s"""
FIRST_KEPT = """
    SELECT max(start) FROM projections_historyepoch WHERE "table" = %(table)s AND schema = %(schema)s
    AND start <= %(position)s"""
PRUNE = "DELETE FROM {history} WHERE epoch < %(epoch)s OR epoch = %(epoch)s AND until <= %(position)s"


class Epochs:
    """One table's, in a schema: where its history is cut."""

    def __init__(self, projection: Projection, model: type[ReadModel], schema: str = "") -> None:
        prefix = f'"{schema}".' if schema else ""
        fields = [field for field in model._meta.concrete_fields if not field.generated]
        self.model, self.table, self.is_live = model, model._meta.db_table, not schema
        self.names = {
            "live": f'{prefix}"{self.table}"',
            "history": f'{prefix}"{self.table}_history"',
            "key": f'"{model._meta.pk.column}"',
            "columns": ", ".join(f'"{field.column}"' for field in fields),
        }
        self.values = {
            "projection": projection.name,
            "table": self.table,
            "schema": schema,
            "least": SMALLEST_EPOCH,
            "marks": MARKS,
            "forever": FOREVER,
        }

    def all(self, cursor: Cursor[Any]) -> list[int]:
        sql = 'SELECT start FROM projections_historyepoch WHERE "table" = %(table)s AND schema = %(schema)s'
        return [start for (start,) in cursor.execute(sql, self.values)]

    def begin(self, cursor: Cursor[Any], from_the_start: bool) -> None:
        """The first, before rows are written: at 0, or where whoever writes the table is when this is committed."""
        cursor.execute(LOCK, self.values)
        cursor.execute(BEGIN.format(**self.names), self.values | {"from_the_start": from_the_start})

    def count(self, cursor: Cursor[Any], epoch: int, changes: int, touched: int, to: int) -> tuple[bool, bool]:
        """Whether ``epoch`` is full at ``to``, and whether it is time for another of its marks."""
        values = self.values | {"epoch": epoch, "changes": changes, "touched": touched, "to": to}
        ((full, is_due),) = cursor.execute(COUNT, values, prepare=True)
        return full, is_due

    def end(self, cursor: Cursor[Any], epoch: int, to: int) -> None:
        """With the live rows as they stand at ``to``."""
        rows = cursor.execute(FREEZE.format(**self.names), self.values | {"epoch": epoch}).rowcount
        cursor.execute(NEXT, self.values | {"to": to, "rows": rows})

    def prune(self, cursor: Cursor[Any], position: int) -> int:
        """Forget what is of no moment from ``position`` on; answers how many versions."""
        ((epoch,),) = cursor.execute(FIRST_KEPT, self.values | {"position": position})
        if epoch is None:
            return 0
        values = self.values | {"epoch": epoch, "position": position}
        cursor.execute(
            'DELETE FROM projections_historyepoch WHERE "table" = %(table)s AND schema = %(schema)s '
            "AND start < %(epoch)s",
            values,
        )
        cursor.execute(
            "UPDATE projections_historyepoch SET since = greatest(since, %(position)s) "
            'WHERE "table" = %(table)s AND schema = %(schema)s AND start = %(epoch)s',
            values,
        )
        return cursor.execute(PRUNE.format(**self.names), values).rowcount


def epochs(projection: Projection, schema: str = "") -> list[Epochs]:
    return [Epochs(projection, model, schema) for model in projection.tables if projection.keeps_history]


def present(cursor: Cursor[Any], projection: Projection, schema: str, first: int) -> dict[str, int]:
    """Of each table the epoch that is not over; ``first`` is the position of the first event that is being applied."""
    tables = [model._meta.db_table for model in projection.tables]
    found = dict(cursor.execute(EPOCHS, [tables, schema], prepare=True).fetchall())
    if missing := [each for each in epochs(projection, schema) if each.table not in found]:
        names = list(projection.handlers)
        from_the_start = not log.after(0, names, 1, up_to=first - 1, tolerant=True)
        for each in missing:
            each.begin(cursor, from_the_start)
        found = dict(cursor.execute(EPOCHS, [tables, schema], prepare=True).fetchall())
    return found


def tables(projection: Projection) -> list[str]:
    """The names of the tables of history, if it keeps any."""
    return [versions[model]._meta.db_table for model in projection.tables if projection.keeps_history]


def begin(cursor: Cursor[Any], projection: Projection, schema: str) -> None:
    """History of tables in ``schema`` that are still empty, and see the log from its first event on."""
    forget(cursor, projection, schema)
    for each in epochs(projection, schema):
        each.begin(cursor, from_the_start=True)


def end_epochs(cursor: Cursor[Any], projection: Projection, schema: str, position: int) -> None:
    """End those that are full, where all who share the tables have seen the log up to ``position``, and no further."""
    known = present(cursor, projection, schema, position)
    for each in epochs(projection, schema):
        epoch = known[each.table]
        cursor.execute(RECOUNT.format(**each.names), each.values | {"epoch": epoch})
        full, _ = each.count(cursor, epoch, 0, 0, position)
        if full:
            each.end(cursor, epoch, position)


def adopt(cursor: Cursor[Any], projection: Projection, from_schema: str, to_schema: str = "") -> None:
    """What is known of the history in one schema holds of the other, where its tables have moved to.

    What was known of that other's own is forgotten: if those tables are kept, ``adopt`` them first.
    """
    forget(cursor, projection, to_schema)
    cursor.execute(
        'UPDATE projections_historyepoch SET schema = %s WHERE "table" = ANY(%s) AND schema = %s',
        [to_schema, [model._meta.db_table for model in projection.tables], from_schema],
    )


def forget(cursor: Cursor[Any], projection: Projection, schema: str) -> None:
    """What is known of the history of tables that are no more."""
    cursor.execute(
        'DELETE FROM projections_historyepoch WHERE "table" = ANY(%s) AND schema = %s',
        [[model._meta.db_table for model in projection.tables], schema],
    )


def switch_off(projections: Iterable[Any]) -> None:
    """Forget the epochs of tables whose history is kept no more, before a row is written without it.

    Once in each process. Switched on again, it begins anew where the projection stands then.
    """
    for each in projections:
        if each.tables and each.keeps_history:
            _off.discard(each.name)
        elif each.tables and each.name not in _off:
            tables = [model._meta.db_table for model in each.tables]
            HistoryEpoch.objects.filter(table__in=tables, schema="").delete()
            _off.add(each.name)


_off: set[str] = set()  # names of projections


def forget_remade(plan: Iterable[tuple[Any, bool]]) -> None:
    """After a migration: forget the epochs of tables whose history is kept no more, or whose history table is new."""
    made = [each for migration, _ in plan for each in migration.operations if isinstance(each, CreateModel)]
    new = [str(each.options.get("db_table", "")).removesuffix("_history") for each in made]
    kept = [model._meta.db_table for model in versions]
    HistoryEpoch.objects.filter(schema="").filter(Q(table__in=new) | ~Q(table__in=kept)).delete()


def ended(projection: Projection, model: type[ReadModel], schema: str = "", since: int = 0) -> str:
    """SQL that stands for a table in FROM: the versions that ended after ``since``, whatever the batches were.

    (key, position) is unique in it. Older ones may be pruned here, and not there (``kept_since``).
    """
    names = Epochs(projection, model, schema).names
    return f"(SELECT {names['columns']}, until FROM {names['history']} WHERE until > {since} AND until < {FOREVER})"


def kept_since(model: type[ReadModel], schema: str = "") -> int | None:
    """The position from which on its history is kept; None: from none yet."""
    first = HistoryEpoch.objects.filter(table=model._meta.db_table, schema=schema).order_by("start").first()
    return max(first.start, first.since) if first else None


def prune(projection: Projection, now: datetime) -> int:
    """Forget the versions that are older than it keeps them; answers how many. Somebody must call it now and then."""
    if not isinstance(projection.keeps_history, timedelta):
        return 0
    position = log.position_at(now - projection.keeps_history)
    count = 0
    for each in epochs(projection) if position else ():
        with transaction.atomic(), log_cursor() as cursor:
            count += each.prune(cursor, position or 0)
    return count
