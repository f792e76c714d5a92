"""Orders as people look at them; what ordering must know of others is in ``copies``."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import models

from eventstore.models import Event
from eventstore.sealing import ERASED, erased
from projections.models import ReadModel
from projections.projection import Projection, every, on
from shop.ordering.checkout.models import CheckoutSummary
from shop.ordering.copies import CardCopy, CustomerCopy, ProductCopy
from shop.ordering.timeline import OrderThread, TimelineEntry
from shop.values import Address, Money
from shop.words import words_index

__all__ = [
    "CardCopy",
    "CheckoutSummary",
    "CustomerCopy",
    "OrderLine",
    "OrderSummary",
    "OrderThread",
    "ProductCopy",
    "TimelineEntry",
]


class OrderSummary(ReadModel):
    """One row per order, as the order list shows it."""

    id = models.UUIDField(primary_key=True)
    number = models.BigIntegerField(null=True, db_index=True, help_text="The shop's, that people read out.")
    reference = models.CharField(max_length=200, db_index=True, help_text="The customer's own number for it.")
    customer_id = models.UUIDField(null=True, db_index=True)
    customer_name = models.CharField(max_length=200, help_text="As it was when the order was placed.")
    customer_erased = models.BooleanField(default=False, help_text="Whether they were forgotten since.")
    status = models.CharField(max_length=20, db_index=True)
    items = models.BigIntegerField(help_text="The quantities of all lines together.")
    amount = models.DecimalField(max_digits=16, decimal_places=2, help_text="Its total.")
    currency = models.CharField(max_length=3)
    ship_to = models.JSONField(null=True)
    placed_at = models.DateTimeField()
    cancel_reason = models.TextField(default="", help_text="Why it was cancelled, or rejected.")
    payment = models.CharField(max_length=10, default="", help_text="How it is paid: card, account, none.")
    last_four = models.CharField(max_length=4, default="", help_text="Of the card.")
    shipping = models.DecimalField(max_digits=16, decimal_places=2, null=True, help_text="What the parcel costs.")
    discount = models.DecimalField(max_digits=16, decimal_places=2, null=True, help_text="Off the goods.")
    tax = models.DecimalField(max_digits=16, decimal_places=2, null=True, help_text="On goods − discount + shipping.")
    discount_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    tax_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    notes = models.JSONField(default=list)
    delivered_at = models.DateTimeField(null=True)
    shipment_id = models.UUIDField(null=True, help_text="Of the parcel that has left.")
    checkout_id = models.UUIDField(null=True, help_text="That it came from.")

    class Meta:
        verbose_name = "order"
        indexes = [
            words_index("reference", "customer_name", name="ordering_words"),
            models.Index(fields=["placed_at", "id"], name="ordering_placed_at"),
            models.Index(fields=["amount", "id"], name="ordering_amount"),
            models.Index(fields=["customer_name", "id"], name="ordering_customer_name"),
            models.Index(fields=["delivered_at"], name="ordering_delivered", condition=models.Q(status="delivered")),
        ]

    def __str__(self) -> str:
        return f"Order {self.called}"

    @property
    def called(self) -> str:
        """Its number and the customer's own: ``15230, PO 4711``; the end of its id, in rows of before it had one."""
        return ", ".join(filter(None, (str(self.number or f"…{str(self.id)[-8:]}"), self.reference)))

    @property
    def goods(self) -> Decimal:
        """What its lines come to."""
        added = (self.shipping or 0) + (self.tax or 0) - (self.discount or 0)
        return Decimal(self.amount - added)


class OrderLine(ReadModel):
    """One row per line of an order."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    number = models.IntegerField(help_text="Its place in the order: 1, 2, …")
    product_id = models.UUIDField(db_index=True)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200, help_text="As it was bought.")
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=16, decimal_places=4)
    price_revision = models.IntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=2, help_text="Its total.")
    currency = models.CharField(max_length=3)
    cancelled = models.IntegerField(default=0, help_text="So many more were bought.")


class PaidHow(msgspec.Struct):
    """A payment as ``Order.Placed`` says it."""

    kind: str
    last_four: str = ""


class Percents(msgspec.Struct):
    """Rates as ``Order.Placed`` says them."""

    tax: Decimal
    discount: Decimal


class BoughtLine(msgspec.Struct):
    """A line as ``Order.Placed`` says it."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Money
    price_revision: int
    total: Money


def number_of(order_id: UUID) -> int:
    """The shop's number of an order: where the log has its first event.

    No two orders have the same, whoever places them at once, and no rebuild, export or import changes it.
    """
    return Event.objects.values_list("position", flat=True).get(stream_id=order_id, version=1)


class Orders(Projection):
    tables = (OrderSummary, OrderLine)
    keeps_history = True
    version = 5
    changes = {
        OrderSummary: (
            "number",
            *("payment", "last_four", "shipping", "notes", "shipment_id", "checkout_id"),
            *("discount", "tax", "discount_percent", "tax_percent", "delivered_at"),
        ),
        OrderLine: ("cancelled",),
    }

    @on("Order.Placed")
    def placed(
        self,
        stream_id: UUID,
        customer_id: UUID | None,
        customer_name: str,
        lines: list[BoughtLine],
        total: Money,
        ship_to: dict[str, Any] | None,
        reference: str,
        position: int,
        at: datetime,
        payment: PaidHow | None = None,
        shipping: Money | None = None,
        checkout_id: UUID | None = None,
        tax: Money | None = None,
        discount: Money | None = None,
        rates: Percents | None = None,
    ) -> list[ReadModel]:
        order = OrderSummary(
            id=stream_id,
            number=position,
            reference=reference,
            customer_id=customer_id,
            customer_name=customer_name,
            status="placed",
            items=sum(line.quantity for line in lines),
            amount=total.amount,
            currency=total.currency,
            ship_to=ship_to,
            placed_at=at,
            payment=payment.kind if payment else "",
            last_four=payment.last_four if payment else "",
            shipping=shipping.amount if shipping else None,
            discount=discount.amount if discount else None,
            tax=tax.amount if tax else None,
            discount_percent=rates.discount if rates else None,
            tax_percent=rates.tax if rates else None,
            notes=[],
            checkout_id=checkout_id,
        )
        return [order, *(self.line(stream_id, number, line) for number, line in enumerate(lines, 1))]

    def line(self, order_id: UUID, number: int, line: BoughtLine) -> OrderLine:
        return OrderLine(
            id=uuid5(order_id, str(number)),
            order_id=order_id,
            number=number,
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price.amount,
            price_revision=line.price_revision,
            amount=line.total.amount,
            currency=line.total.currency,
        )

    @on("Customer.Erased", order=every("customer_id"), past=True)
    def customer_erased(self, order: OrderSummary) -> None:
        order.customer_erased = True  # told to the row even where it is built from a log that has forgotten already
        order.customer_name = order.customer_name and ERASED
        order.ship_to = order.ship_to and erased(Address)
        order.notes = [ERASED for _ in order.notes]

    @on("Order.Cancelled")
    def cancelled(self, order: OrderSummary, reason: str) -> None:
        order.status = "cancelled"
        order.cancel_reason = reason

    @on("Order.Rejected")
    def rejected(self, order: OrderSummary, reason: str) -> None:
        order.status = "rejected"
        order.cancel_reason = reason

    @on("Order.Confirmed")
    def confirmed(self, order: OrderSummary) -> None:
        order.status = "confirmed"

    @on("Order.Shipped")
    def shipped(self, order: OrderSummary, shipment_id: UUID) -> None:
        order.status, order.shipment_id = "shipped", shipment_id

    @on("Order.Delivered")
    def delivered(self, order: OrderSummary, at: datetime) -> None:
        order.status, order.delivered_at = "delivered", at

    @on("Order.Completed")
    def completed(self, order: OrderSummary) -> None:
        order.status = "completed"

    @on("Order.LinesEdited")
    def edited(
        self, order: OrderSummary, lines: list[BoughtLine], total: Money, tax: Money | None, discount: Money | None
    ) -> None:
        order.items, order.amount = sum(line.quantity for line in lines), total.amount
        order.tax = tax.amount if tax else None
        order.discount = discount.amount if discount else None

    @on("Order.LinesEdited", line=every("order_id"))
    def line_edited(self, line: OrderLine, lines: list[BoughtLine]) -> None:
        left = lines[line.number - 1]
        line.cancelled += line.quantity - left.quantity
        line.quantity, line.amount = left.quantity, left.total.amount

    @on("Order.AddressChanged")
    def address_changed(self, order: OrderSummary, ship_to: dict[str, Any]) -> None:
        order.ship_to = ship_to

    @on("Order.Noted")
    def noted(self, order: OrderSummary, text: str) -> None:
        order.notes = [*order.notes, text]
