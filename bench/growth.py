"""How append, load by a snapshot and as-of change as the log grows: 10 thousand to 10 million events."""

import time
from collections.abc import Iterator
from functools import partial

from bench import common, ours
from bench.as_of import now, past, stored
from bench.common import Row, Work, empty, in_turn, rate, settle, sql
from eventstore import application, history, snapshots
from eventstore.persistence import rows as fetched

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
FILL = """
insert into eventstore_event (position, stream_id, version, name, data, recorded_at, effective_at)
select nextval('eventstore_event_position_seq'), stream.id, version, 'Purchase.ItemAdded',
       '{"item":{"product_id":"00000000-0000-0000-0000-000000000002","quantity":2,"unit_price":"9.90"},"total":"39.60"}',
       clock_timestamp(), clock_timestamp()
from (select uuidv7() as id from generate_series(1, %s)) as stream cross join generate_series(1, 10) as version
"""


def rows() -> Iterator[Row]:
    empty()
    sql("drop table if exists bare_growth")
    sql("create table bare_growth (id uuid primary key default uuidv7(), data bytea not null)")
    filled = 0
    for size in SIZES if common.seconds > 1 else SIZES[:2]:
        began = time.perf_counter()
        fill(size - filled)
        filled = size
        purchase = stored()
        instant = str(history.of(purchase)[50].recorded_at)
        snapshots.take(application.load(purchase))
        settle()
        notes = {"seconds to fill": round(time.perf_counter() - began), "bytes of log per event": bytes_per_event()}
        sides = {
            "append": partial(rate, append),
            "an insert into a table of two columns": partial(rate, insert),
            "load by a snapshot": partial(rate, partial(now, purchase)),
            "as of an instant": partial(rate, partial(past, purchase, instant)),
            "select 1": partial(rate, select),
        }
        yield Row(f"{size:,} events", in_turn(sides), {}, notes=notes)


def fill(events: int) -> None:
    for first in range(0, events, 500_000):
        sql(FILL, min(events - first, 500_000) // 10)


def append(i: int) -> Work:
    def work() -> None:
        ours.app.record(ours.purchase(1))

    return work


def insert(i: int) -> Work:
    def work() -> None:
        fetched("insert into bare_growth (data) values (%b) returning 1", b"x" * 150)

    return work


def select(i: int) -> Work:
    def work() -> None:
        fetched("select 1")

    return work


def bytes_per_event() -> int:
    return int(sql("select pg_total_relation_size('eventstore_event') / count(*) from eventstore_event")[0][0])
