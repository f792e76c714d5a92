"""A read model built anew beside the live one, compared and swapped, by one process and two; against INSERT … SELECT.

1,000,000 events make 200,000 orders and 400,000 lines. Payments have streams of their own, and renaming a customer
changes orders by a column: the INSERT … SELECT leaves that out, has nothing beside it, and compares nothing.
"""

import resource
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, models

from bench import common
from bench.common import Row, Sample, empty, in_turn, once, sql
from projections.models import ReadModel
from projections.projection import Projection, every, on
from projections.rebuild import drop_old, rebuild
from projections.versions import versions

ORDERS = 200_000
PLAIN = "INSERT … SELECT"

FILL = """
insert into eventstore_event (position, stream_id, version, name, data, recorded_at, effective_at)
select row_number() over (order by place, stream_id, version), stream_id, version, name,
       convert_to(facts::text, 'UTF8'), '2026-01-01Z'::timestamptz + place * interval '1 second',
       '2026-01-01Z'::timestamptz + place * interval '1 second'
from (
    select c / 2.0 as place, pg_temp.id(c, 'customer') as stream_id, 1 as version, 'Buyer.Registered' as name,
        jsonb_build_object('name', 'Customer ' || c, 'email', 'c' || c || '@example.org', 'locale', 'de') as facts
    from generate_series(0, {orders} / 10 - 1) c
    union all select {orders} / 2 + c * 5, pg_temp.id(c, 'customer'), 2, 'Buyer.Renamed',
        jsonb_build_object('name', 'Customer ' || c || ' the Second') from generate_series(0, {orders} / 10 - 1, 4) c
    union all select o, pg_temp.id(o, 'order'), 1, 'Sale.Placed',
        jsonb_build_object('customer_id', pg_temp.id(o % ({orders} / 10), 'customer'), 'currency', 'EUR',
            'note', 'text', 'customer_name', 'Customer ' || o % ({orders} / 10),
            'address', jsonb_build_object('street', 'Main Street ' || o % 300, 'city', 'Berlin', 'country', 'DE'))
    from generate_series(1, {orders}) o
    union all select o + (v - 1) * 400, pg_temp.id(o, 'order'), v, 'Sale.ItemAdded',
        jsonb_build_object('line_id', pg_temp.id(o * 3 + v, 'line'), 'sku', 'sku-' || o * v % 1000,
            'quantity', 1 + (o + v) % 3, 'unit_price', ((o * v % 9000 + 99) / 100.0)::numeric(10, 2)::text,
            'name', 'A product with a moderately long name',
            'attributes', jsonb_build_object('color', 'red', 'size', 'XL'))
    from generate_series(1, {orders}) o, generate_series(2, 3) v
    union all select o + 1200, pg_temp.id(o, 'payment'), 1, 'Bill.Captured',
        jsonb_build_object('order_id', pg_temp.id(o, 'order'), 'method', 'card', 'amount', '19.80', 'gateway', 'acme')
    from generate_series(1, {orders}) o where o % 40 <> 0
    union all select o + 1200, pg_temp.id(o, 'order'), 4, 'Sale.Cancelled',
        jsonb_build_object('reason', 'changed my mind')
    from generate_series(1, {orders}) o where o % 40 = 0
    union all select o + 1600, pg_temp.id(o, 'order'), 4, 'Sale.Shipped',
        jsonb_build_object('carrier', 'DHL', 'tracking_number', md5('t' || o), 'warehouse', 'BER-1')
    from generate_series(1, {orders} * 9 / 10 - {orders} / 400) o where o % 40 <> 0
) events"""
ID = """
create or replace function pg_temp.id(n bigint, salt text) returns uuid language sql immutable as $$
    select (lpad(to_hex(1767225600000 + n * 1000), 12, '0') || '7' || substr(md5(salt || n), 1, 3)
        || '8' || substr(md5(salt || n), 4, 15))::uuid $$"""
EVENTS = """(
    select position, stream_id, name, recorded_at, convert_from(data, 'UTF8')::jsonb d from eventstore_event
    where {names}) e"""
SUMMARIES = f"""
insert into plain.bench_order (id, customer_id, customer_name, status, items, total, placed_at, position, version)
select id, max(d->>'customer_id')::uuid, max(d->>'customer_name'),
    case when bool_or(name = 'Sale.Shipped') then 'shipped' when bool_or(name = 'Sale.Cancelled') then 'cancelled'
        when bool_or(name = 'Bill.Captured') then 'paid' else 'placed' end,
    coalesce(sum((d->>'quantity')::int) filter (where name = 'Sale.ItemAdded'), 0),
    coalesce(sum((d->>'quantity')::int * (d->>'unit_price')::numeric) filter (where name = 'Sale.ItemAdded'), 0),
    min(recorded_at) filter (where name = 'Sale.Placed'), max(position), count(*)
from (select case when name = 'Bill.Captured' then (d->>'order_id')::uuid else stream_id end id, *
      from {EVENTS.format(names="name like 'Sale.%' or name = 'Bill.Captured'")}) events group by 1"""
LINES = f"""
insert into plain.bench_line (id, order_id, sku, quantity, unit_price, position, version)
select (d->>'line_id')::uuid, stream_id, d->>'sku', (d->>'quantity')::int, (d->>'unit_price')::numeric, position, 0
from {EVENTS.format(names="name = 'Sale.ItemAdded'")}"""
SUMS = """
select (select sum(hashtextextended((id, customer_id, status, items, total, placed_at)::text, 0))
        from {0}.bench_order),
       (select sum(hashtextextended((id, order_id, sku, quantity, unit_price, position)::text, 0))
        from {0}.bench_line)"""


class BenchOrder(ReadModel):
    """One row per order."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(db_index=True)
    customer_name = models.CharField(max_length=200)
    status = models.CharField(max_length=20, default="placed")
    items = models.IntegerField(default=0)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    placed_at = models.DateTimeField(db_index=True)

    class Meta:
        app_label, db_table = "bench", "bench_order"


class BenchLine(ReadModel):
    """One row per line of an order."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    sku = models.CharField(max_length=40)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        app_label, db_table = "bench", "bench_line"


class BenchOrders(Projection):
    tables = (BenchOrder, BenchLine)
    splits_by = {BenchOrder: "id", BenchLine: "order_id"}

    @on("Sale.Placed")
    def placed(self, stream_id: UUID, customer_id: UUID, customer_name: str, at: datetime) -> BenchOrder:
        return BenchOrder(id=stream_id, customer_id=customer_id, customer_name=customer_name, placed_at=at)

    @on("Sale.ItemAdded")
    def item_added(self, order: BenchOrder, line_id: UUID, sku: str, quantity: int, unit_price: Decimal) -> BenchLine:
        order.items += quantity
        order.total += quantity * unit_price
        return BenchLine(id=line_id, order_id=order.id, sku=sku, quantity=quantity, unit_price=unit_price)

    @on("Bill.Captured", order="order_id")
    def paid(self, order: BenchOrder) -> None:
        order.status = "paid"

    @on("Sale.Shipped")
    def shipped(self, order: BenchOrder) -> None:
        order.status = "shipped"

    @on("Sale.Cancelled")
    def cancelled(self, order: BenchOrder) -> None:
        order.status = "cancelled"

    @on("Buyer.Renamed", order=every("customer_id"))
    def customer_renamed(self, order: BenchOrder, name: str) -> None:
        order.customer_name = name


class BenchOrdersWithHistory(BenchOrders):
    keeps_history = True


def rows() -> Iterator[Row]:
    count = filled(ORDERS if common.seconds > 1 else ORDERS // 10)
    for projection in (BenchOrders(), BenchOrdersWithHistory()):
        make(projection)
        rebuild(projection, expect_changes=True)
        peak: dict[str, Any] = {}
        sides = {
            f"{workers} process{'es' * (workers > 1)}": partial(built, projection, workers, count, peak)
            for workers in (1, 2)
        }
        found = in_turn(sides | {PLAIN: once(plain, count, before=empty_plain)})
        assert sql(SUMS.format("public")) == sql(SUMS.format("plain"))
        kept = " with history" if projection.keeps_history else ""
        for (side, samples), target in zip(list(found.items())[:2], (0.65, 1.0), strict=True):
            notes = {"peak memory of a process, MB": peak[side]}
            targets = {} if kept else {PLAIN: target}
            what = f"rebuild from {count:,} events{kept}"
            yield Row(what, {side: samples, PLAIN: found[PLAIN]}, targets, "events/s", notes)


def filled(orders: int) -> int:
    """The log, with five events for each of ``orders``; answers how many."""
    empty()
    sql(ID)
    sql(FILL.format(orders=orders))
    sql("select setval('eventstore_event_position_seq', (select max(position) from eventstore_event))")
    common.settle()
    return int(sql("select count(*) from eventstore_event")[0][0])


def make(projection: Projection) -> None:
    tables: list[Any] = [*projection.tables, *(versions[m] for m in projection.tables if projection.keeps_history)]
    sql("delete from projections_checkpoint where projection like 'BenchOrders%%'")
    sql("delete from projections_historyepoch where \"table\" like 'bench%%'")
    for table in tables:
        sql(f'drop table if exists "{table._meta.db_table}" cascade')
    with connection.schema_editor() as editor:
        for table in tables:
            editor.create_model(table)
    sql("drop schema if exists plain cascade")
    sql("create schema plain")
    for table in projection.tables:
        sql(f"create table plain.{table._meta.db_table} (like {table._meta.db_table} including all)")


def built(projection: Projection, workers: int, count: int, peak: dict[str, Any]) -> Sample:
    def work() -> None:
        assert not any(each.differing for each in rebuild(projection, workers=workers).compared)

    drop_old(projection)
    sql("checkpoint")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is measured from here on
    sample = once(work, count)()
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if workers > 1 else 0
    peak[f"{workers} process{'es' * (workers > 1)}"] = max(int(own.split()[1]), others) // 1024
    return sample


def empty_plain() -> None:
    sql("truncate plain.bench_order, plain.bench_line")
    sql("checkpoint")


def plain() -> None:
    sql(SUMMARIES)
    sql(LINES)
