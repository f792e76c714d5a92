"""A second set of a projection's tables: of the same names, in a schema of its own."""

from typing import NamedTuple

from django.db import connection, transaction

from projections.projection import Projection

LIKE = "INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY"
# In its pretty form a definition names the table without its schema, so that it can be run again for the shadow.
INDEXES = """
    SELECT c.conname, coalesce(pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid, 0, true)),
        coalesce(c.contype = 'p', false), a.attname
    FROM pg_index i
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = %s::regclass ORDER BY i.indexrelid"""

GRANTED = """
    SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl) WHERE oid = %s::regclass AND grantee <> relowner"""


class Index(NamedTuple):
    """An index or a constraint of a live table."""

    constraint: str | None  # its name, if it is one
    definition: str
    is_key: bool
    column: str | None  # its first


def schema(projection: Projection) -> str:
    return f"rebuild_{projection.name}"


def checkpoint(projection: Projection) -> str:
    """The name of the checkpoint up to which they are built."""
    return f"{projection.name}/{schema(projection)}"


def create(projection: Projection) -> None:
    """Empty tables, with the indexes by which rows are looked up from one batch to the next."""
    drop(projection)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema(projection)}"')
        for table in tables(projection):
            cursor.execute(f'CREATE TABLE "{schema(projection)}"."{table}" (LIKE "{table}" {LIKE})')
            _index(projection, table, needed_while_building=True)


def finish(projection: Projection) -> None:
    """The other indexes, statistics for the planner, and whoever may read the live tables may read these."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables(projection):
            _index(projection, table, needed_while_building=False)
            cursor.execute(f'ANALYZE "{schema(projection)}"."{table}"')
            cursor.execute(GRANTED, [f'"{table}"'])
            for privilege, role in cursor.fetchall():
                cursor.execute(f'GRANT {privilege} ON "{schema(projection)}"."{table}" TO {role}')


def swap(projection: Projection) -> None:
    """Inside a transaction: drop the live tables, and put these in their place. OperationalError: others hold them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        live = cursor.fetchone()[0]
        for table in tables(projection):
            cursor.execute(f'LOCK TABLE "{live}"."{table}"')
        for table in tables(projection):
            cursor.execute(f'DROP TABLE "{live}"."{table}"')  # refused where a view or a foreign key depends on it
            cursor.execute(f'ALTER TABLE "{schema(projection)}"."{table}" SET SCHEMA "{live}"')


def drop(projection: Projection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{schema(projection)}" CASCADE')


def tables(projection: Projection) -> list[str]:
    return [model._meta.db_table for model in projection.tables]


def _index(projection: Projection, table: str, *, needed_while_building: bool) -> None:
    looked_up = {
        wanted.model._meta.get_field(wanted.column).column  # type: ignore[union-attr]
        for handlers in projection.handlers.values()
        for handler in handlers
        for wanted in handler.wanted
        if wanted.column and wanted.model._meta.db_table == table
    }
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [f'"{table}"'])
        indexes = [Index(*found) for found in cursor.fetchall()]
        cursor.execute("SELECT current_setting('search_path')")
        (path,) = cursor.fetchone()
        cursor.execute("SELECT set_config('search_path', %s, true)", [f'"{schema(projection)}", {path}'])
        for index in indexes:
            if needed_while_building != (index.is_key or index.column in looked_up):
                continue
            if index.constraint:
                cursor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{index.constraint}" {index.definition}')
            else:
                cursor.execute(index.definition)
        cursor.execute("SELECT set_config('search_path', %s, true)", [path])
