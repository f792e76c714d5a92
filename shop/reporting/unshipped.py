"""What is still to be sent: who waits for what, and where. A row has what several contexts know: one query finds it."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import models
from django.db.models.functions import Upper

from eventstore.sealing import ERASED
from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on
from shop.values import Money


class UnshippedLine(ReadModel):
    """One row per line of an order whose parcel has not left, and that did not come to nothing."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    number = models.IntegerField(help_text="Of the line, in its order.")
    status = models.CharField(max_length=20, help_text="placed or confirmed")
    customer_id = models.UUIDField(null=True, db_index=True)
    customer_name = models.CharField(max_length=200)
    customer_erased = models.BooleanField(default=False, help_text="Whether they were forgotten since.")
    city = models.CharField(max_length=100, default="", help_text="Where the parcel goes.")
    sku = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=200, help_text="As it was bought.")
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["placed_at", "id"], name="reporting_unshipped_placed"),
            models.Index(fields=["unit_price", "id"], name="reporting_unshipped_price"),
            models.Index(Upper("city"), "unit_price", "id", name="reporting_unshipped_city"),
        ]


class Bought(msgspec.Struct):
    """A line as ``Order.Placed`` says it."""

    sku: str
    name: str
    quantity: int
    unit_price: Money


class UnshippedLines(Projection):
    tables = (UnshippedLine,)
    keeps_history = True

    @on("Order.Placed")
    def placed(
        self,
        stream_id: UUID,
        customer_id: UUID | None,
        customer_name: str,
        lines: list[Bought],
        ship_to: dict[str, Any] | None,
        at: datetime,
    ) -> list[UnshippedLine]:
        return [
            UnshippedLine(
                id=uuid5(stream_id, f"{number}"),
                order_id=stream_id,
                number=number,
                status="placed",
                customer_id=customer_id,
                customer_name=customer_name,
                city=city_of(ship_to),
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price.amount,
                currency=line.unit_price.currency,
                placed_at=at,
            )
            for number, line in enumerate(lines, 1)
        ]

    @on("Order.Confirmed", line=every("order_id"))
    def confirmed(self, line: UnshippedLine) -> None:
        line.status = "confirmed"

    @on("Order.AddressChanged", line=every("order_id"))
    def address_changed(self, line: UnshippedLine, ship_to: dict[str, Any]) -> None:
        line.city = city_of(ship_to)

    @on("Order.LinesEdited", line=every("order_id"))
    def edited(self, line: UnshippedLine, lines: list[Bought]) -> type[Gone] | None:
        line.quantity = lines[line.number - 1].quantity
        return None if line.quantity else Gone

    @on("Order.Shipped", "Order.Cancelled", "Order.Rejected", line=every("order_id"))
    def waits_no_more(self, line: UnshippedLine) -> type[Gone]:
        return Gone

    @on("Customer.Renamed", line=every("customer_id"))
    def renamed(self, line: UnshippedLine, name: str) -> None:
        line.customer_name = name

    @on("Customer.Erased", line=every("customer_id"), past=True)
    def erased(self, line: UnshippedLine) -> None:
        line.customer_erased = True  # told to the row even where it is built from a log that has forgotten already
        line.customer_name = ERASED
        line.city = line.city and ERASED


def city_of(ship_to: dict[str, Any] | None) -> str:
    return ship_to["city"] if ship_to else ""
