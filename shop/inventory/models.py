"""Stock as people look at it: how much there is, how it came to that, and who has a claim on it."""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, on
from shop.words import words_index


class StockLevel(ReadModel):
    """One row per SKU that was ever in stock."""

    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=64, unique=True)
    on_hand = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    available = models.BigIntegerField(default=0, db_index=True, help_text="What the next order may have.")
    back_orders = models.BooleanField(default=False, help_text="Whether more may be reserved than there are.")
    low_at = models.BigIntegerField(default=0, help_text="It is low when no more than so many are available.")
    low = models.BooleanField(default=True, db_index=True)
    opened_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["on_hand", "id"], name="inventory_on_hand"),
            words_index("sku", name="inventory_words"),
        ]

    def __str__(self) -> str:
        return self.sku


class StockMovement(ReadModel):
    """One row per event of a SKU, and what there was after it: the ledger."""

    id = models.BigIntegerField(primary_key=True, help_text="The position of its event.")
    stock_id = models.UUIDField()
    number = models.BigIntegerField(help_text="The version of the item after it: 1, 2, …")
    kind = models.CharField(max_length=20)
    order_id = models.UUIDField(null=True, db_index=True)
    change = models.BigIntegerField(default=0, help_text="Of what is on hand.")
    claim = models.BigIntegerField(default=0, help_text="Of what is reserved.")
    on_hand = models.BigIntegerField()
    reserved = models.BigIntegerField()
    available = models.BigIntegerField()
    note = models.TextField(default="", help_text="A reference, or a reason.")
    at = models.DateTimeField(help_text="When it was true.")

    class Meta:
        indexes = [models.Index(fields=["stock_id", "number"], name="inventory_ledger")]


class Reservation(ReadModel):
    """One row per order and SKU: reserved → released | shipped."""

    id = models.UUIDField(primary_key=True)
    stock_id = models.UUIDField(db_index=True)
    sku = models.CharField(max_length=64)
    order_id = models.UUIDField(db_index=True)
    quantity = models.BigIntegerField()
    status = models.CharField(max_length=20, db_index=True)
    taken_back = models.BigIntegerField(default=0, help_text="Of what was shipped.")
    reserved_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [words_index("sku", name="inventory_claim_words")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"


class OrderCopy(ReadModel):
    """What inventory must know of an order."""

    id = models.UUIDField(primary_key=True)
    items = models.JSONField(default=dict, help_text="Quantities by SKU.")

    class Meta:
        verbose_name_plural = "order copies"


class OrderedLine(msgspec.Struct):
    sku: str
    quantity: int


class InventoryOrders(Projection):
    tables = (OrderCopy,)

    @on("Order.Placed")
    def placed(self, stream_id: UUID, lines: list[OrderedLine]) -> OrderCopy:
        return OrderCopy(id=stream_id, items=by_sku(lines))

    @on("Order.LinesEdited")
    def edited(self, order: OrderCopy, lines: list[OrderedLine]) -> None:
        order.items = by_sku(lines)


def by_sku(lines: list[OrderedLine]) -> dict[str, int]:
    """How many of each; those with none are left out."""
    items: dict[str, int] = {}
    for line in lines:
        if line.quantity:
            items[line.sku] = items.get(line.sku, 0) + line.quantity
    return items


def reservation_of(stream_id: UUID, order_id: UUID) -> UUID:
    return uuid5(stream_id, str(order_id))


class Stock(Projection):
    tables = (StockLevel, StockMovement, Reservation)
    keeps_history = True

    @on("StockItem.Opened")
    def opened(self, stream_id: UUID, sku: str, at: datetime) -> StockLevel:
        return StockLevel(id=stream_id, sku=sku, opened_at=at)

    @on("StockItem.Received")
    def received(
        self, level: StockLevel, quantity: int, reference: str, position: int, version: int, at: datetime
    ) -> StockMovement:
        return moved(level, "received", position, version, at, change=quantity, note=reference)

    @on("StockItem.Counted")
    def counted(
        self, level: StockLevel, difference: int, reason: str, position: int, version: int, at: datetime
    ) -> StockMovement:
        return moved(level, "counted", position, version, at, change=difference, note=reason)

    @on("StockItem.PolicySet")
    def policy_set(self, level: StockLevel, back_orders: bool, low_at: int) -> None:
        level.back_orders, level.low_at = back_orders, low_at
        level.low = level.available <= low_at

    @on("StockItem.Reserved")
    def reserved(
        self,
        level: StockLevel,
        stream_id: UUID,
        order_id: UUID,
        quantity: int,
        position: int,
        version: int,
        at: datetime,
    ) -> list[StockMovement | Reservation]:
        claim = Reservation(
            id=reservation_of(stream_id, order_id),
            stock_id=stream_id,
            sku=level.sku,
            order_id=order_id,
            quantity=quantity,
            status="reserved",
            reserved_at=at,
        )
        return [moved(level, "reserved", position, version, at, order_id, claim=quantity), claim]

    @on("StockItem.Released", claim=reservation_of)
    def released(
        self,
        level: StockLevel,
        claim: Reservation,
        order_id: UUID,
        quantity: int,
        reason: str,
        position: int,
        version: int,
        at: datetime,
    ) -> StockMovement:
        claim.status = "released"
        return moved(level, "released", position, version, at, order_id, claim=-quantity, note=reason)

    @on("StockItem.Reduced", claim=reservation_of)
    def reduced(
        self,
        level: StockLevel,
        claim: Reservation,
        order_id: UUID,
        quantity: int,
        left: int,
        reason: str,
        position: int,
        version: int,
        at: datetime,
    ) -> StockMovement:
        claim.quantity = left
        return moved(level, "reduced", position, version, at, order_id, claim=-quantity, note=reason)

    @on("StockItem.Shipped", claim=reservation_of)
    def shipped(
        self,
        level: StockLevel,
        claim: Reservation,
        order_id: UUID,
        quantity: int,
        position: int,
        version: int,
        at: datetime,
    ) -> StockMovement:
        claim.status = "shipped"
        return moved(level, "shipped", position, version, at, order_id, change=-quantity, claim=-quantity)

    @on("StockItem.TakenBack", claim=reservation_of)
    def taken_back(
        self,
        level: StockLevel,
        claim: Reservation,
        order_id: UUID,
        quantity: int,
        reason: str,
        position: int,
        version: int,
        at: datetime,
    ) -> StockMovement:
        claim.taken_back += quantity
        return moved(level, "taken back", position, version, at, order_id, change=quantity, note=reason)


def moved(
    level: StockLevel,
    kind: str,
    position: int,
    version: int,
    at: datetime,
    order_id: UUID | None = None,
    *,
    change: int = 0,
    claim: int = 0,
    note: str = "",
) -> StockMovement:
    """The line of the ledger, once ``level`` has changed by so much."""
    level.on_hand += change
    level.reserved += claim
    level.available = max(0, level.on_hand - level.reserved)
    level.low = level.available <= level.low_at
    return StockMovement(
        id=position,
        stock_id=level.id,
        number=version,
        kind=kind,
        order_id=order_id,
        change=change,
        claim=claim,
        on_hand=level.on_hand,
        reserved=level.reserved,
        available=level.available,
        note=note,
        at=at,
    )
