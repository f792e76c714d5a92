"""More sets of a projection's tables: of the same names, each in a schema of its own."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import connection, transaction

from eventstore.persistence import cursor as log_cursor
from projections import history, lease, marks
from projections.projection import Projection

LIKE = "INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY"
# In its pretty form a definition names the table without its schema, so that it can be run again for the shadow.
INDEXES = """
    SELECT r.relname, c.conname, coalesce(pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid, 0, true)),
        ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (number, place)
              LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY k.place)
    FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
    WHERE i.indrelid = %s::regclass ORDER BY i.indexrelid"""
GRANTED = """
    SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl) WHERE oid = %s::regclass AND grantee <> relowner"""
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"""
# Views and functions would follow the old table, and a foreign key would refuse to let it go.
DEPENDS = """
    SELECT CASE WHEN v.oid IS NULL THEN pg_describe_object(d.classid, d.objid, 0)
        ELSE pg_describe_object('pg_class'::regclass, v.oid, 0) END, t.relname
    FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
    LEFT JOIN pg_rewrite w ON w.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    LEFT JOIN pg_class v ON v.oid = w.ev_class
    LEFT JOIN pg_constraint f ON f.oid = d.objid AND d.classid = 'pg_constraint'::regclass AND f.contype = 'f'
    WHERE t.oid = ANY(%s::regclass[]::oid[]) AND (d.classid = 'pg_proc'::regclass OR v.oid IS NOT NULL
        OR f.conrelid <> t.oid) LIMIT 1"""


class Index(NamedTuple):
    """An index or a constraint of a live table."""

    name: str
    constraint: str | None  # its name, if it is one
    definition: str
    columns: list[str | None]  # None: an expression


def schema(projection: Projection) -> str:
    """Where a rebuild builds."""
    return f"rebuild_{projection.name}"


def rehearsal(projection: Projection) -> str:
    """Where it is built to be compared, and thrown away."""
    return f"verify_{projection.name}"


def old(projection: Projection) -> str:
    """Where the tables are kept that were live before."""
    return f"old_{projection.name}"


def checkpoint(projection: Projection) -> str:
    """The name of the checkpoint up to which a rebuild has built."""
    return lease.checkpoint(projection.name, schema(projection))


def tables(projection: Projection) -> list[str]:
    return [*(model._meta.db_table for model in projection.tables), *history.tables(projection)]


def exists(where: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", [where])
        return bool(cursor.fetchone()[0])


def create(projection: Projection, where: str) -> None:
    """Empty tables, with the indexes by which rows are looked up from one batch to the next."""
    with transaction.atomic(), connection.cursor() as cursor, log_cursor() as log:
        drop(where)
        cursor.execute(f'CREATE SCHEMA "{where}"')
        for table in tables(projection):
            cursor.execute(f'CREATE TABLE "{where}"."{table}" (LIKE "{table}" {LIKE})')
            for index in _indexes(table):
                if _is_looked_up(projection, table, index):
                    _add(where, table, index)
        history.begin(log, projection, where)


def finish(projection: Projection, where: str, until: float = float("inf")) -> bool:
    """The other indexes, statistics for the planner, and whoever may read the live tables may read these.

    Answers whether all is done; at ``until`` it stops behind an index.
    """
    for table in tables(projection):
        for index in _missing(where, table):
            with transaction.atomic():
                _add(where, table, index)
            if time.monotonic() >= until:
                return False
    with transaction.atomic(), connection.cursor() as cursor, log_cursor() as log:
        for each in history.epochs(projection, where):
            marks.mark_all(log, each)
        for table in tables(projection):
            cursor.execute(f'ANALYZE "{where}"."{table}"')
            cursor.execute(GRANTED, [f'"{table}"'])
            for privilege, role in cursor.fetchall():
                cursor.execute(f'GRANT {privilege} ON "{where}"."{table}" TO {role}')
    return True


def drop(where: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{where}" CASCADE')


def dependent(projection: Projection) -> str | None:
    """Something of somebody else's that does not let the live tables go, in words."""
    with connection.cursor() as cursor:
        cursor.execute(DEPENDS, [[f'"{table}"' for table in tables(projection)]])
        found = cursor.fetchone()
    return f"{found[0]} depends on table {found[1]}" if found else None


def difference(projection: Projection, where: str) -> str:
    """A column in which the tables in ``where`` are not as the live ones, in words; empty: there is none."""
    with connection.cursor() as cursor:
        for table in tables(projection):
            both = []
            for name in (f'"{table}"', f'"{where}"."{table}"'):
                cursor.execute("SELECT to_regclass(%s)", [name])
                if cursor.fetchone()[0] is None:
                    return f"there is no table {name}"
                cursor.execute(COLUMNS, [name])
                both.append(set(cursor.fetchall()))
            for column, kind in sorted(both[0] ^ both[1]):
                return f"{table} has {column} {kind} in one of them alone"
    return ""


def keep_vacuum_out(projection: Projection) -> None:
    """Inside a transaction: no VACUUM, ANALYZE or CREATE INDEX runs on the live tables, and none begins.

    Readers and writers go on. OperationalError: one does not end.
    """
    with connection.cursor() as cursor:
        for table in tables(projection):
            cursor.execute(f'LOCK TABLE "{table}" IN SHARE UPDATE EXCLUSIVE MODE')


def exchange(projection: Projection, where: str) -> None:
    """Inside a transaction: keep the live tables as the old ones, and put those of ``where`` in their place.

    OperationalError: others hold them.
    """
    kept = old(projection)
    with connection.cursor() as cursor, log_cursor() as log:
        cursor.execute("SELECT current_schema()")
        live = cursor.fetchone()[0]
        for table in tables(projection):
            cursor.execute(f'LOCK TABLE "{live}"."{table}"')
        drop(kept)
        cursor.execute(f'CREATE SCHEMA "{kept}"')
        for table in tables(projection):
            cursor.execute(f'ALTER TABLE "{live}"."{table}" SET SCHEMA "{kept}"')
            cursor.execute(f'ALTER TABLE "{where}"."{table}" SET SCHEMA "{live}"')
        cursor.execute(f'DROP SCHEMA "{where}"')
        history.adopt(log, projection, "", kept)
        history.adopt(log, projection, where, "")


def rename(projection: Projection, where: str, to: str) -> None:
    with connection.cursor() as cursor, log_cursor() as log:
        cursor.execute(f'ALTER SCHEMA "{where}" RENAME TO "{to}"')
        history.adopt(log, projection, where, to)


def _indexes(table: str) -> list[Index]:
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [f'"{table}"'])
        return [Index(*found) for found in cursor.fetchall()]


def _missing(where: str, table: str) -> Iterator[Index]:
    with connection.cursor() as cursor:
        for index in _indexes(table):
            cursor.execute("SELECT to_regclass(format('%%I.%%I', %s::text, %s::text))", [where, index.name])
            if cursor.fetchone()[0] is None:
                yield index


def _is_looked_up(projection: Projection, table: str, index: Index) -> bool:
    """Whether rows are looked for by it while they are built: by key, or by what a handler says."""
    is_past = table in history.tables(projection)
    wanted: set[Any] = set()
    for handler in {handler for handlers in projection.handlers.values() for handler in handlers}:
        for each in handler.wanted if handler.past or not is_past else ():
            model: Any = each.model._meta
            if table.removesuffix("_history" if is_past else "") == model.db_table:
                wanted.add((model.get_field(each.column) if each.column else model.pk).column)
    if is_past:
        # Behind the epoch; an index of another kind, as GIN, has none.
        return bool(wanted) and (
            index.definition.startswith("PRIMARY") or bool(wanted.intersection(index.columns[1:2]))
        )
    keys = {model._meta.pk.column for model in projection.tables if model._meta.db_table == table}
    return bool((wanted | keys).intersection(index.columns[:1]))


def _add(where: str, table: str, index: Index) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        (path,) = cursor.fetchone()
        cursor.execute("SELECT set_config('search_path', %s, true)", [f'"{where}", {path}'])
        if index.constraint:
            cursor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{index.constraint}" {index.definition}')
        else:
            cursor.execute(index.definition)
        cursor.execute("SELECT set_config('search_path', %s, true)", [path])
