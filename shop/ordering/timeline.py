"""What happened to an order, in one line after the other: in ordering, with its payment, and with its parcel."""

from datetime import datetime
from uuid import UUID

from django.db import models

from eventstore.sealing import ERASED
from projections.models import ReadModel
from projections.projection import Projection, every, on
from shop.values import Money


class TimelineEntry(ReadModel):
    """One row per event that a person who asks about an order wants to hear of."""

    id = models.BigIntegerField(primary_key=True, help_text="The position of its event.")
    order_id = models.UUIDField()
    of = models.CharField(max_length=10, help_text="order, payment or shipment")
    what = models.CharField(max_length=40, help_text="In words: address changed.")
    detail = models.TextField(default="", help_text="A reason, an amount, a carrier.")
    customer_id = models.UUIDField(null=True, db_index=True, help_text="Whom the detail may tell of.")
    at = models.DateTimeField(help_text="When it was true.")

    class Meta:
        verbose_name_plural = "timeline entries"
        indexes = [models.Index(fields=["order_id", "id"], name="ordering_timeline")]

    def __str__(self) -> str:
        return f"{self.what}: {self.detail}" if self.detail else self.what


def for_customers(entries: models.QuerySet[TimelineEntry]) -> models.QuerySet[TimelineEntry]:
    """Without what staff have noted: it is said among them."""
    return entries.exclude(of="order", what="noted")


class OrderThread(ReadModel):
    """Which order a payment or a shipment belongs to."""

    id = models.UUIDField(primary_key=True, help_text="Of the payment, or the shipment.")
    order_id = models.UUIDField()


Entries = list[OrderThread | TimelineEntry]


class OrderTimelines(Projection):
    tables = (TimelineEntry, OrderThread)
    version = 2
    changes = {TimelineEntry: ("customer_id",)}

    @on("Order.Placed")
    def placed(self, stream_id: UUID, total: Money, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "placed", str(total))

    @on("Order.Confirmed")
    def confirmed(self, stream_id: UUID, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "confirmed")

    @on("Order.Rejected")
    def rejected(self, stream_id: UUID, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "rejected", reason)

    @on("Order.Cancelled")
    def cancelled(self, stream_id: UUID, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "cancelled", reason)

    @on("Order.AddressChanged")
    def address_changed(self, stream_id: UUID, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "address changed", reason)

    @on("Order.LinesEdited")
    def edited(self, stream_id: UUID, total: Money, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "lines edited", f"{total}: {reason}")

    @on("Order.Noted")
    def noted(
        self, stream_id: UUID, text: str, position: int, at: datetime, customer_id: UUID | None = None
    ) -> TimelineEntry:
        noted = entry(stream_id, position, at, "order", "noted", text)
        noted.customer_id = customer_id
        return noted

    @on("Customer.Erased", entry=every("customer_id"))
    def customer_erased(self, entry: TimelineEntry) -> None:
        entry.detail, entry.customer_id = ERASED, None  # a change, also where the log has forgotten already

    @on("Order.Shipped")
    def shipped(self, stream_id: UUID, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "shipped")

    @on("Order.Delivered")
    def delivered(self, stream_id: UUID, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "delivered")

    @on("Order.Completed")
    def completed(self, stream_id: UUID, position: int, at: datetime) -> TimelineEntry:
        return entry(stream_id, position, at, "order", "completed")

    @on("Payment.Requested")
    def payment_requested(self, stream_id: UUID, order_id: UUID, amount: Money, position: int, at: datetime) -> Entries:
        thread = OrderThread(id=stream_id, order_id=order_id)
        return [thread, entry(order_id, position, at, "payment", "requested", str(amount))]

    @on("Payment.Authorised")
    def payment_authorised(self, thread: OrderThread, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "authorised")

    @on("Payment.Declined")
    def payment_declined(self, thread: OrderThread, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "declined", reason)

    @on("Payment.OutcomeUnknown")
    def payment_unknown(self, thread: OrderThread, operation: str, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "outcome unknown", operation)

    @on("Payment.Captured")
    def payment_captured(self, thread: OrderThread, amount: Money, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "captured", str(amount))

    @on("Payment.CaptureFailed")
    def capture_failed(self, thread: OrderThread, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "capture failed", reason)

    @on("Payment.Voided")
    def payment_voided(self, thread: OrderThread, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "voided")

    @on("Payment.Refunded")
    def payment_refunded(self, thread: OrderThread, amount: Money, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "payment", "refunded", str(amount))

    @on("Shipment.Planned")
    def shipment_planned(self, stream_id: UUID, order_id: UUID, position: int, at: datetime) -> Entries:
        thread = OrderThread(id=stream_id, order_id=order_id)
        return [thread, entry(order_id, position, at, "shipment", "planned")]

    @on("Shipment.AddressQuestioned")
    def address_questioned(self, thread: OrderThread, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "address questioned")

    @on("Shipment.CustomerAsked")
    def customer_asked(self, thread: OrderThread, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "customer asked", "where it goes")

    @on("Shipment.AddressAnswered")
    def address_answered(self, thread: OrderThread, decision: str, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "address answered", decision)

    @on("Shipment.Packed")
    def packed(self, thread: OrderThread, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "packed")

    @on("Shipment.Dispatched")
    def dispatched(
        self, thread: OrderThread, carrier: str, tracking: str, position: int, at: datetime
    ) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "dispatched", f"{carrier} {tracking}".strip())

    @on("Shipment.Lost")
    def lost(self, thread: OrderThread, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "lost", reason)

    @on("Shipment.Cancelled")
    def shipment_cancelled(self, thread: OrderThread, reason: str, position: int, at: datetime) -> TimelineEntry:
        return entry(thread.order_id, position, at, "shipment", "cancelled", reason)


def entry(order_id: UUID, position: int, at: datetime, of: str, what: str, detail: str = "") -> TimelineEntry:
    return TimelineEntry(id=position, order_id=order_id, at=at, of=of, what=what, detail=detail)
