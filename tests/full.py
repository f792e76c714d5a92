"""A disk that is full, as the server says it: an error of the server's own, with its SQLSTATE."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

FULL = """
    create function disk_is_full() returns trigger language plpgsql as $$ begin
        raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full';
    end $$"""


@contextmanager
def disk_full(*tables: str) -> Iterator[None]:
    """In the block, nothing can be written to these tables."""
    with connection.cursor() as cursor:
        cursor.execute(FULL)
        for table in tables:
            cursor.execute(
                f'create trigger disk_is_full before insert or update on "{table}" '
                "for each statement execute function disk_is_full()"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop function disk_is_full cascade")
