"""Import: a log as JSON lines into an empty store, against Django's bulk_create and COPY of the same rows."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, models, transaction
from psycopg import Cursor

from bench import common, ours
from bench.common import Row, Sample, copies, empty, in_turn, once, sql
from eventstore import transfer
from eventstore.models import Event

NAMES = ", ".join(transfer.TABLES["event"].columns)


def rows() -> Iterator[Row]:
    empty()
    streams = 200 if common.seconds < 1 else 4_000
    purchase = ours.purchase(10)
    ours.app.record(purchase)
    copies("eventstore_event", purchase.id, streams - 1)
    events = streams * 10
    exported = [line + b"\n" for line in transfer.lines()]
    sql("drop table if exists bare_event")
    sql("create table bare_event (like eventstore_event including all)")
    with connection.cursor() as c, c.copy(f"copy eventstore_event ({NAMES}) to stdout") as copy:
        text = b"".join(copy)

    sides: dict[str, Callable[[], Sample]] = {
        "ours": once(lambda: transfer.load(exported), events, empty),
        "bulk_create": once(lambda: bulk_create(exported), events, lambda: sql("truncate bare_event")),
        "COPY of text": once(lambda: copy_in(text), events, lambda: sql("truncate bare_event")),
    }
    yield Row(f"import {events:,} events", in_turn(sides), {"bulk_create": 5.0}, "events/s")


def bulk_create(exported: list[bytes]) -> None:
    """As a project without the log would do it: the same lines, read by the same reader, in one transaction."""
    names = list(transfer.TABLES["event"].columns)
    with transaction.atomic():
        Plain.objects.bulk_create(
            (Plain(**dict(zip(names, row, strict=True))) for _, row in transfer._parsed(exported[1:])), batch_size=1_000
        )


def copy_in(text: bytes) -> None:
    with connection.cursor() as c:
        raw: Cursor[Any] = c.cursor
        with raw.copy(f"copy bare_event ({NAMES}) from stdin") as copy:
            copy.write(text)


class Plain(models.Model):
    """A plain model of the same columns."""

    position = models.BigIntegerField(primary_key=True)
    for field in Event._meta.local_fields[1:]:
        locals()[field.name] = field.clone()
    del field

    class Meta:
        app_label = "eventstore"
        db_table = "bare_event"
        managed = False
