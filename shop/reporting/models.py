"""What was sold: by day, by month, and by SKU."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import models

from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on
from shop.reporting.unshipped import UnshippedLine, UnshippedLines
from shop.values import Money

__all__ = ["BoughtLine", "Sales", "SalesOf", "SoldLine", "SoldLines", "SoldOrder", "UnshippedLine", "UnshippedLines"]

NOTHING = {"orders": 0, "gross": "0.00", "orders_back": 0, "back": "0.00"}


class SalesOf(ReadModel):
    """What was sold in a day or a month, by currency; orders that come to nothing are taken back when they do."""

    id = models.CharField(max_length=10, primary_key=True, help_text="2026-03-01, or 2026-03")
    by = models.CharField(max_length=5, help_text="day or month")
    begins = models.DateField(help_text="Its first day, in UTC.")
    totals = models.JSONField(default=dict, help_text="By currency.")

    class Meta:
        verbose_name_plural = "sales"
        indexes = [models.Index(fields=["by", "begins", "id"], name="reporting_by_begins")]

    def __str__(self) -> str:
        return self.id

    @property
    def told(self) -> list[dict[str, Any]]:
        """The totals by currency, with what is left of them."""
        return [
            {
                "currency": currency,
                "orders": found["orders"],
                "gross": Money(Decimal(found["gross"]), currency),
                "orders_taken_back": found["orders_back"],
                "taken_back": Money(Decimal(found["back"]), currency),
                "net": Money(Decimal(found["gross"]) - Decimal(found["back"]), currency),
            }
            for currency, found in sorted(self.totals.items())
        ]

    def count(self, currency: str, orders: int, gross: Decimal = Decimal(0), back: Decimal = Decimal(0)) -> None:
        """``orders`` are placed at ``gross``; or, if they are fewer than none, so many taken back."""
        found = self.totals.get(currency, NOTHING)
        changed = {
            "orders": found["orders"] + max(orders, 0),
            "gross": str(Decimal(found["gross"]) + gross),
            "orders_back": found["orders_back"] + max(-orders, 0),
            "back": str(Decimal(found["back"]) + back),
        }
        self.totals = self.totals | {currency: changed}  # a new one: the engine compares it with the old one


class SoldOrder(ReadModel):
    """An order that counts: what must be taken back if it comes to nothing."""

    id = models.UUIDField(primary_key=True)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)


class SoldLine(ReadModel):
    """A line of an order that counts; of one that was cancelled or rejected there are none."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    quantity = models.IntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    day = models.DateField(db_index=True, help_text="In UTC.")


class BoughtLine(msgspec.Struct):
    """A line as ``Order.Placed`` says it."""

    sku: str
    name: str
    quantity: int
    total: Money


def day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def day_id(at: datetime) -> str:
    return day_of(at).isoformat()


def month_id(at: datetime) -> str:
    return day_id(at)[:7]


class Sales(Projection):
    """An order counts on the day it was placed; what is taken back, on the day that was decided."""

    tables = (SalesOf, SoldOrder)
    keeps_history = True

    @on("Order.Placed", day=day_id, month=month_id)
    def placed(
        self, day: SalesOf | None, month: SalesOf | None, stream_id: UUID, total: Money, at: datetime
    ) -> list[ReadModel]:
        periods = self.periods(day, month, at)
        for period in periods:
            period.count(total.currency, 1, gross=total.amount)
        return [*periods, SoldOrder(id=stream_id, amount=total.amount, currency=total.currency)]

    @on("Order.Cancelled", "Order.Rejected", day=day_id, month=month_id)
    def taken_back(self, order: SoldOrder, day: SalesOf | None, month: SalesOf | None, at: datetime) -> list[SalesOf]:
        periods = self.periods(day, month, at)
        for period in periods:
            period.count(order.currency, -1, back=order.amount)
        return periods

    @on("Order.LinesEdited", day=day_id, month=month_id)
    def edited(
        self, order: SoldOrder, day: SalesOf | None, month: SalesOf | None, total: Money, at: datetime
    ) -> list[SalesOf]:
        """What was cancelled of it is taken back; the order still counts."""
        periods = self.periods(day, month, at)
        for period in periods:
            period.count(order.currency, 0, back=order.amount - total.amount)
        order.amount = total.amount
        return periods

    def periods(self, day: SalesOf | None, month: SalesOf | None, at: datetime) -> list[SalesOf]:
        on = day_of(at)
        return [
            day or SalesOf(id=day_id(at), by="day", begins=on, totals={}),
            month or SalesOf(id=month_id(at), by="month", begins=on.replace(day=1), totals={}),
        ]


class SoldLines(Projection):
    tables = (SoldLine,)
    keeps_history = True

    @on("Order.Placed")
    def placed(self, stream_id: UUID, lines: list[BoughtLine], at: datetime) -> list[SoldLine]:
        return [
            SoldLine(
                id=uuid5(stream_id, f"{number}"),
                order_id=stream_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                amount=line.total.amount,
                currency=line.total.currency,
                day=day_of(at),
            )
            for number, line in enumerate(lines, 1)
        ]

    @on("Order.LinesEdited", line=every("order_id"))
    def edited(self, line: SoldLine, stream_id: UUID, lines: list[BoughtLine]) -> type[Gone] | None:
        for number, left in enumerate(lines, 1):
            if uuid5(stream_id, f"{number}") == line.id:
                line.quantity, line.amount = left.quantity, left.total.amount
        return None if line.quantity else Gone

    @on("Order.Cancelled", "Order.Rejected", line=every("order_id"))
    def taken_back(self, line: SoldLine) -> type[Gone]:
        return Gone
