"""Shipments as people look at them, and shipping's own copy of where customers live."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import models

from eventstore.sealing import erased
from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on
from shop.values import Address
from shop.words import words_index

LATELY = 30  # days for which a parcel that was lost is shown to whoever looks after it


class ShipmentSummary(ReadModel):
    """One row per shipment: planned → packed → dispatched → delivered | lost; planned | packed → cancelled."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(unique=True)
    customer_id = models.UUIDField(null=True, db_index=True)
    customer_erased = models.BooleanField(default=False, help_text="Whether they were forgotten since.")
    status = models.CharField(max_length=20, db_index=True)
    lines = models.JSONField(default=list, help_text="SKU, name and quantity of each.")
    pieces = models.BigIntegerField(help_text="The quantities of all lines together.")
    ship_to = models.JSONField(null=True)
    overridden = models.BooleanField(help_text="Whether the customer said for this order alone where it goes.")
    question = models.CharField(max_length=20, default="", db_index=True, help_text="Where it goes: open, or decided.")
    lives_at = models.JSONField(null=True, help_text="The customer's other address, while the question is open.")
    asked_since = models.DateTimeField(null=True, help_text="Since when they have had it.")
    carrier = models.CharField(max_length=100, default="")
    tracking = models.CharField(max_length=200, default="")
    reason = models.TextField(default="", help_text="Why it was lost or cancelled.")
    planned_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When the last thing happened to it.")

    class Meta:
        verbose_name = "shipment"
        indexes = [
            words_index("carrier", "tracking", name="shipping_words"),
            models.Index(fields=["planned_at", "id"], name="shipping_planned_at"),
            models.Index(fields=["changed_at", "id"], name="shipping_changed_at"),
        ]

    def __str__(self) -> str:
        return f"Parcel …{str(self.id)[-8:]}"


def lost_lately() -> models.Q:
    """Parcels for whose customers somebody must do something: they have neither the goods nor their money."""
    return models.Q(status="lost", changed_at__gte=datetime.now(UTC) - timedelta(days=LATELY))


class PackedLine(msgspec.Struct):
    """A line as ``Shipment.Planned`` says it."""

    sku: str
    name: str
    quantity: int


class Shipments(Projection):
    tables = (ShipmentSummary,)
    keeps_history = True

    @on("Shipment.Planned")
    def planned(
        self,
        stream_id: UUID,
        order_id: UUID,
        customer_id: UUID | None,
        lines: list[PackedLine],
        ship_to: dict[str, Any] | None,
        overridden: bool,
        at: datetime,
    ) -> ShipmentSummary:
        return ShipmentSummary(
            id=stream_id,
            order_id=order_id,
            customer_id=customer_id,
            status="planned",
            lines=msgspec.to_builtins(lines),
            pieces=sum(line.quantity for line in lines),
            ship_to=ship_to,
            overridden=overridden,
            planned_at=at,
            changed_at=at,
        )

    @on("Shipment.AddressQuestioned")
    def questioned(self, shipment: ShipmentSummary, present: dict[str, Any], since: datetime, at: datetime) -> None:
        shipment.question, shipment.lives_at, shipment.asked_since = "open", present, since
        shipment.changed_at = at

    @on("Shipment.CustomerAsked")
    def customer_asked(self, shipment: ShipmentSummary, at: datetime) -> None:
        shipment.question, shipment.changed_at = "asked", at

    @on("Shipment.AddressAnswered")
    def answered(self, shipment: ShipmentSummary, decision: str, address: dict[str, Any] | None, at: datetime) -> None:
        shipment.question, shipment.lives_at, shipment.ship_to = decision, None, address
        shipment.overridden = shipment.overridden or decision == "ordered"
        shipment.changed_at = at

    @on("Shipment.LinesChanged")
    def lines_changed(self, shipment: ShipmentSummary, lines: list[PackedLine], at: datetime) -> None:
        shipment.lines = msgspec.to_builtins(lines)
        shipment.pieces = sum(line.quantity for line in lines)
        shipment.status, shipment.changed_at = "planned", at

    @on("Shipment.Packed")
    def packed(self, shipment: ShipmentSummary, at: datetime) -> None:
        shipment.status, shipment.changed_at = "packed", at

    @on("Shipment.Dispatched")
    def dispatched(self, shipment: ShipmentSummary, carrier: str, tracking: str, at: datetime) -> None:
        shipment.status, shipment.changed_at = "dispatched", at
        shipment.carrier, shipment.tracking = carrier, tracking
        settle(shipment)

    @on("Shipment.Delivered")
    def delivered(self, shipment: ShipmentSummary, at: datetime) -> None:
        shipment.status, shipment.changed_at = "delivered", at

    @on("Shipment.Lost")
    def lost(self, shipment: ShipmentSummary, reason: str, at: datetime) -> None:
        shipment.status, shipment.changed_at, shipment.reason = "lost", at, reason

    @on("Shipment.Cancelled")
    def cancelled(self, shipment: ShipmentSummary, reason: str, at: datetime) -> None:
        shipment.status, shipment.changed_at, shipment.reason = "cancelled", at, reason
        settle(shipment)

    @on("Customer.Erased", shipment=every("customer_id"), past=True)
    def customer_erased(self, shipment: ShipmentSummary) -> None:
        shipment.customer_erased = True  # told to the row even where it is built from a log that has forgotten already
        shipment.ship_to = shipment.ship_to and erased(Address)
        shipment.lives_at = shipment.lives_at and erased(Address)


def settle(shipment: ShipmentSummary) -> None:
    """Nobody needs to decide any more where it goes."""
    if shipment.question in ("open", "asked"):
        shipment.question, shipment.lives_at = "", None


class CustomerCopy(ReadModel):
    """What shipping must know of a customer: where they live."""

    id = models.UUIDField(primary_key=True)
    addresses = models.JSONField(default=dict, help_text="By number.")
    default_address = models.IntegerField(null=True)

    class Meta:
        verbose_name_plural = "customer copies"

    @property
    def address(self) -> dict[str, Any] | None:
        """Their default one."""
        return self.addresses.get(str(self.default_address))  # type: ignore[no-any-return]


class ShippingCustomers(Projection):
    tables = (CustomerCopy,)

    @on("Customer.Registered")
    def registered(self, stream_id: UUID) -> CustomerCopy:
        return CustomerCopy(id=stream_id, addresses={})

    @on("Customer.AddressAdded", "Customer.AddressChanged")
    def address(self, customer: CustomerCopy, number: int, address: dict[str, Any]) -> None:
        customer.addresses[str(number)] = address

    @on("Customer.AddressRemoved")
    def address_removed(self, customer: CustomerCopy, number: int) -> None:
        del customer.addresses[str(number)]
        if customer.default_address == number:
            customer.default_address = None

    @on("Customer.DefaultAddressSet")
    def default_address_set(self, customer: CustomerCopy, number: int) -> None:
        customer.default_address = number

    @on("Customer.Erased")
    def erased(self, customer: CustomerCopy) -> type[Gone]:
        return Gone


class Underway(models.Model):
    """A shipment whose address may still be asked about: what ``AddressQuestions`` remembers, in its own commits."""

    shipment_id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(db_index=True)

    class Meta:
        verbose_name_plural = "underway"

    def __str__(self) -> str:
        return str(self.shipment_id)
