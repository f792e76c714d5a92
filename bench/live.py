"""One projection that is behind, moved by one worker; and several that are behind together."""

import time
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, models
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection as PeerProjection
from eventsourcing.projection import ProjectionRunner

from bench import common, library, ours
from bench.common import Row, Sample, copies, empty, in_turn, once, sql
from bench.rebuild import ORDERS, BenchOrders, filled, make
from projections import engine
from projections.engine import catch_up
from projections.models import ReadModel
from projections.operations import replay
from projections.projection import Projection, on

STREAMS, EVENTS = 20_000, 5
LARGE = 5_000  # events of a batch: small ones are measured, too
PEER_TABLE = "create table if not exists peer_purchase (id uuid primary key, total numeric, changes int)"


class PurchaseRow(ReadModel):
    id = models.UUIDField(primary_key=True)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    changes = models.IntegerField(default=0)

    class Meta:
        app_label, db_table = "bench", "bench_purchase"


class ItemFact(msgspec.Struct):
    quantity: int
    unit_price: Decimal


class Purchases(Projection):
    tables = (PurchaseRow,)

    @on("Purchase.Placed")
    def placed(self, stream_id: UUID, items: list[ItemFact]) -> PurchaseRow:
        return PurchaseRow(id=stream_id, total=sum(item.quantity * item.unit_price for item in items))

    @on("Purchase.ItemAdded")
    def item_added(self, row: PurchaseRow, total: Decimal) -> None:
        row.total = total
        row.changes += 1


class PurchasesWithHistory(Purchases):
    keeps_history = True


class PurchaseView(PostgresTrackingRecorder):
    def placed(self, key: UUID, total: Decimal, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("insert into peer_purchase values (%s, %s, 0)", (key, total), prepare=True)

    def item_added(self, key: UUID, total: Decimal, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "update peer_purchase set total = %s, changes = changes + 1 where id = %s", (total, key), prepare=True
            )


class PeerPurchases(PeerProjection[PurchaseView]):
    name = "peerpurchases"

    @singledispatchmethod
    def process_event(self, event: Any, tracking: Tracking) -> None: ...

    @process_event.register
    def _(self, event: library.Purchase.Placed, tracking: Tracking) -> None:
        total = sum((item.quantity * item.unit_price for item in event.items), Decimal())
        self.view.placed(event.originator_id, total, tracking)

    @process_event.register
    def _(self, event: library.Purchase.ItemAdded, tracking: Tracking) -> None:
        self.view.item_added(event.originator_id, event.total, tracking)


class Name(ReadModel):
    """One row per customer."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)

    class Meta:
        app_label, db_table = "bench", "bench_name"


class Names(Projection):
    tables = (Name,)

    @on("Buyer.Registered")
    def registered(self, stream_id: UUID, name: str) -> Name:
        return Name(id=stream_id, name=name)

    @on("Buyer.Renamed")
    def renamed(self, row: Name, name: str) -> None:
        row.name = name


class Day(ReadModel):
    """One row per day."""

    day = models.DateField(primary_key=True)
    orders = models.IntegerField(default=0)
    payments = models.IntegerField(default=0)

    class Meta:
        app_label, db_table = "bench", "bench_day"


def day_of(at: datetime) -> date:
    return at.date()


class Days(Projection):
    tables = (Day,)

    @on("Sale.Placed", day=day_of)
    def placed(self, day: Day | None, at: datetime) -> Day:
        day = day or Day(day=at.date())
        day.orders += 1
        return day

    @on("Bill.Captured", day=day_of)
    def captured(self, day: Day | None, at: datetime) -> Day:
        day = day or Day(day=at.date())
        day.payments += 1
        return day


def rows() -> Iterator[Row]:
    yield from against_the_library()
    yield from behind_together()


def against_the_library() -> Iterator[Row]:
    empty()
    streams = STREAMS if common.seconds > 1 else STREAMS // 20
    mine, theirs = ours.purchase(EVENTS), library.purchase(EVENTS)
    ours.app.record(mine)
    app = library.application()
    app.save(theirs)
    app.close()
    copies("eventstore_event", mine.id, streams - 1)
    copies("peer_events", theirs.id, streams - 1)
    common.settle()
    sql(PEER_TABLE)
    count = streams * EVENTS
    for projection, target in ((Purchases(), 28.0), (PurchasesWithHistory(), 17.0)):
        make(projection)
        catch_up([projection])
        assert sql("select count(*), sum(changes) from bench_purchase") == [(streams, streams * (EVENTS - 1))]
        kept = " with history" if projection.keeps_history else ""
        for size in (1_000, LARGE):
            sides = {"ours": once(partial(moved, [projection], size), count, partial(anew, [projection]))}
            found = in_turn(sides | {"library": run_library})
            targets = {"library": target} if size == LARGE else {}
            yield Row(f"one projection{kept}, batches of {size:,}", found, targets, "events/s")


def behind_together() -> Iterator[Row]:
    """The rate of the log's events: of all projections at once, and of the slowest alone."""
    count = filled(ORDERS if common.seconds > 1 else ORDERS // 20)
    together = [BenchOrders(), Names(), Days()]
    for projection in together:
        make(projection)
        catch_up([projection])
    sides = {
        "three together": once(partial(moved, together, engine.BATCH), count, partial(anew, together)),
        "the slowest alone": once(partial(moved, together[:1], engine.BATCH), count, partial(anew, together[:1])),
    }
    yield Row(f"catch up with {count:,} events", in_turn(sides), {"the slowest alone": 1 / 2.5}, "events/s")


def anew(projections: list[Projection]) -> None:
    for projection in projections:
        replay(projection)
    sql("checkpoint")


def moved(projections: list[Projection], batch: int) -> None:
    most, engine.BATCH = engine.BATCH, batch
    try:
        catch_up(projections)
    finally:
        engine.BATCH = most


def run_library() -> Sample:
    """Its runner, for as long as a round lasts, from the first event."""
    with connection.cursor() as cursor:
        cursor.execute("truncate peer_purchase")
        cursor.execute("drop table if exists peerpurchases_tracking")
    env = library.environment() | {"CREATE_TABLE": "y"}
    with ProjectionRunner(
        application_class=library.Shop, projection_class=PeerPurchases, view_class=PurchaseView, env=env
    ):
        while not sql("select count(*) from peer_purchase")[0][0]:
            time.sleep(0.01)
        before, began = progress(), time.perf_counter()
        time.sleep(common.seconds)
        events, took = progress() - before, time.perf_counter() - began
    return Sample(events / took)


def progress() -> int:
    ((events,),) = sql("select count(*) + coalesce(sum(changes), 0) from peer_purchase")
    return int(events)
