"""Pages of a list as of a moment against the same page now, and after history has grown ten times.

200,000 products with five events each; the first moment after the present epoch began is asked, too.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

from django.db import transaction

from bench import common
from bench.common import Row, Sample, empty, sql
from eventstore.persistence import cursor
from projections import history, marks
from projections.engine import catch_up
from projections.models import HistoryEpoch
from projections.projection import known
from shop.catalog.models import ProductSummary

PRODUCTS = 200_000
GROWTH = 10  # times as many versions: in each epoch more, a third of the products changes
TABLE = ProductSummary._meta.db_table
PAGES: dict[str, Callable[[Any], Any]] = {
    "newest 50": lambda products: list(products.order_by("-created_at", "-id")[:50]),
    "page 200": lambda products: list(products.order_by("-created_at", "-id")[9_950:10_000]),
    "newest 50 published": lambda products: list(
        products.filter(status="published").order_by("-created_at", "-id")[:50]
    ),
    "first 50 by name": lambda products: list(products.order_by("name", "id")[:50]),
}
WITHIN = 1 / 3  # at most 3 × as long; and never more than 20 ms
# Each lives for a tenth of the log: made, priced, published, renamed, and most withdrawn.
FILL = """
    insert into eventstore_event (position, stream_id, version, name, data, recorded_at, effective_at)
    select row_number() over (order by place), stream_id, version, 'Product.' || name, facts::bytea,
           timestamptz '2026-01-01Z' + interval '1 s' * row_number() over (order by place),
           timestamptz '2026-01-01Z' + interval '1 s' * row_number() over (order by place)
    from (
        select md5(n::text)::uuid as stream_id, version, n + (version - 1) * {products} / 40.0 * fate as place,
            case version when 1 then 'Created' when 2 then 'PriceSet' when 3 then 'Published' when 4 then 'Renamed'
                else case when fate < 0.7 then 'Withdrawn' else 'Renamed' end end as name,
            (case version
                when 1 then '{{"sku":"SKU-' || n || '","name":"Product ' || n || '"}}'
                when 2 then '{{"price":{{"amount":"' || n % 90 || '.50","currency":"EUR"}},"revision":1}}'
                when 3 then '{{}}'
                when 4 then '{{"name":"Article ' || n || '"}}'
                else case when fate < 0.7 then '{{}}' else '{{"name":"Thing ' || n || '"}}' end end) as facts
        from (select n, random() as fate from generate_series(1, {products}) n) products
        cross join generate_series(1, 5) version) events"""
NUMBERED = "create temp table numbered as select id, row_number() over (order by random()) - 1 as n from {table}"
# A third of the products is renamed in an epoch: what was ends, what is goes on; then all are copied in.
CHANGED = """
    insert into {table}_history ({columns}, until, epoch)
    select {columns}, {start} + 1 + n / 3, {start} from {table} join numbered using (id) where n % 3 = {third}"""
MOVED = """
    update {table} t set position = {start} + 1 + n / 3, version = version + 1, name = name || '*'
    from numbered where t.id = numbered.id and n % 3 = {third}"""
COPIED = """
    insert into {table}_history ({columns}, until, epoch)
    select {columns}, 9223372036854775807, {start} from {table}"""


def rows() -> Iterator[Row]:
    empty()
    sql("truncate projections_checkpoint, projections_historyepoch")
    products = PRODUCTS if common.seconds > 1 else PRODUCTS // 20
    fill(products)
    began = time.perf_counter()
    catch_up([known()["Products"]])
    took = time.perf_counter() - began
    yield from asked(5 * products, f"{round(5 * products / took):,} events/s")
    yield from asked(grown(5 * products, products), "history grown tenfold by SQL")


def fill(products: int) -> None:
    sql(FILL.format(products=products))
    sql("select setval('eventstore_event_position_seq', (select max(position) from eventstore_event))")
    common.settle()


def grown(end: int, products: int) -> int:
    """As the engine leaves it once there are ``GROWTH`` times as many versions; answers where the log ends.

    The index by words is not made again: it takes longer than all the others, and no page here asks for it.
    """
    columns = ", ".join(f'"{field.column}"' for field in ProductSummary._meta.concrete_fields)
    (present,) = HistoryEpoch.objects.filter(table=TABLE).order_by("-start")[:1]
    end = max(end, present.start + 1)  # it may have begun with the last event
    names = {"table": TABLE, "columns": columns}
    sql(COPIED.format(**names, start=present.start))
    sql(NUMBERED.format(**names))
    ((versions,),) = sql(f"select count(*) from {TABLE}_history")
    indexes = sql("select indexname, indexdef from pg_indexes where tablename = %s", f"{TABLE}_history")
    sql(f"alter table {TABLE}_history drop constraint {TABLE}_history_pkey")
    for name, _ in indexes:
        sql(f'drop index if exists "{name}"')
    epochs = (GROWTH - 1) * versions // (products + products // 3)
    for number in range(epochs):
        HistoryEpoch.objects.create(table=TABLE, start=end, rows=products, changes=products // 3)
        sql(CHANGED.format(**names, start=end, third=number % 3))
        sql(MOVED.format(**names, start=end, third=number % 3))
        if number < epochs - 1:
            sql(COPIED.format(**names, start=end))
        sql(f"vacuum {TABLE}")
        end += products // 3 + 1
    sql("set maintenance_work_mem = '1GB'")
    for _, definition in indexes:
        if "USING gin" not in definition:
            sql(definition)
    sql("update projections_checkpoint set position = %s where projection = 'Products'", end)
    with transaction.atomic(), cursor() as log_cursor:
        for each in history.epochs(known()["Products"]):
            marks.mark_all(log_cursor, each)
    return end


def asked(end: int, how: str) -> Iterator[Row]:
    sql(f"cluster {TABLE} using catalog_created_at")  # as it was filled
    sql(f"vacuum analyze {TABLE}, {TABLE}_history")
    present = max(HistoryEpoch.objects.filter(table=TABLE).values_list("start", flat=True))
    versions = sql(f"select count(*) from {TABLE}_history")[0][0]
    moments = {f"{part} %": end * part // 100 for part in (25, 50, 90, 100)} | {"the present epoch's start": present}
    for page, ask in PAGES.items():
        for when, position in moments.items():
            then, now = in_turn(partial(as_of, ask, position), partial(ask, ProductSummary.objects))
            notes = {
                "versions": versions,
                "ms as of then, median and worst": f"{1e3 * median(then):.2f} {1e3 * max(then):.2f}",
                "ms now, median and worst": f"{1e3 * median(now):.2f} {1e3 * max(now):.2f}",
                "made by": how,
            }
            sides = {"as of then": samples(then), "now": samples(now)}
            yield Row(f"{page} as of {when}, {versions:,} versions", sides, {"now": WITHIN}, "pages/s", notes)


def as_of(ask: Callable[[Any], Any], position: int) -> None:
    ask(ProductSummary.objects.as_of(position))


def in_turn(*sides: Callable[[], Any]) -> list[list[float]]:
    """The seconds of each, one after the other; the first of each is not counted."""
    found: list[list[float]] = [[] for _ in sides]
    for _ in range(4 * common.rounds + 1):
        for seconds, work in zip(found, sides, strict=True):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
    return [seconds[1:] for seconds in found]


def samples(seconds: list[float]) -> list[Sample]:
    return [Sample(1 / each) for each in seconds]
