"""Checkouts as people look at them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import models

from eventstore.sealing import erased
from projections.models import ReadModel
from projections.projection import Projection, every, on
from shop.values import Address


class CheckoutSummary(ReadModel):
    """One row per checkout: open → accepted | abandoned."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(null=True, db_index=True)
    customer_erased = models.BooleanField(default=False, help_text="Whether they were forgotten since.")
    status = models.CharField(max_length=10, db_index=True)
    items = models.JSONField(default=dict, help_text="Quantities by SKU.")
    address = models.JSONField(null=True, help_text="For this order alone.")
    payment = models.CharField(max_length=10, default="")
    last_four = models.CharField(max_length=4, default="", help_text="Of the card.")
    quote = models.JSONField(null=True, help_text="The last one; null where the checkout was changed since.")
    ship_to = models.JSONField(null=True, help_text="As it was quoted.")
    address_seen_at = models.DateTimeField(null=True, help_text="When the customer's address was last heard of.")
    order_id = models.UUIDField(null=True, help_text="That it became.")
    reason = models.TextField(default="", help_text="Why it was abandoned.")
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True, help_text="When somebody did something with it last.")

    class Meta:
        verbose_name = "checkout"
        indexes = [
            models.Index(fields=["started_at", "id"], name="ordering_started_at"),
            models.Index(fields=["changed_at"], name="ordering_open_since", condition=models.Q(status="open")),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.id}"


class ChosenPayment(msgspec.Struct):
    """A payment as ``Checkout.PaymentChosen`` says it."""

    kind: str
    last_four: str = ""


class Checkouts(Projection):
    tables = (CheckoutSummary,)
    keeps_history = True
    version = 2
    changes = {CheckoutSummary: ("changed_at",)}

    @on("Checkout.Started")
    def started(self, stream_id: UUID, customer_id: UUID | None, at: datetime) -> CheckoutSummary:
        return CheckoutSummary(
            id=stream_id, customer_id=customer_id, status="open", items={}, started_at=at, changed_at=at
        )

    @on("Checkout.ItemSet")
    def item_set(self, checkout: CheckoutSummary, sku: str, quantity: int, at: datetime) -> None:
        items = {**checkout.items, sku: quantity}
        checkout.items = {sku: quantity for sku, quantity in items.items() if quantity}
        checkout.quote, checkout.changed_at = None, at

    @on("Checkout.AddressOverridden")
    def address_overridden(self, checkout: CheckoutSummary, address: dict[str, Any], at: datetime) -> None:
        checkout.address, checkout.quote, checkout.changed_at = address, None, at

    @on("Checkout.PaymentChosen")
    def payment_chosen(self, checkout: CheckoutSummary, payment: ChosenPayment, at: datetime) -> None:
        checkout.payment, checkout.last_four, checkout.quote = payment.kind, payment.last_four, None
        checkout.changed_at = at

    @on("Checkout.QuoteShown")
    def quote_shown(
        self,
        checkout: CheckoutSummary,
        quote: dict[str, Any],
        ship_to: dict[str, Any] | None,
        address_seen_at: datetime | None,
        at: datetime,
    ) -> None:
        checkout.quote, checkout.ship_to, checkout.address_seen_at = quote, ship_to, address_seen_at
        checkout.changed_at = at

    @on("Checkout.Accepted")
    def accepted(self, checkout: CheckoutSummary, order_id: UUID) -> None:
        checkout.status, checkout.order_id = "accepted", order_id

    @on("Checkout.Abandoned")
    def abandoned(self, checkout: CheckoutSummary, reason: str) -> None:
        checkout.status, checkout.reason = "abandoned", reason

    @on("Customer.Erased", checkout=every("customer_id"), past=True)
    def customer_erased(self, checkout: CheckoutSummary) -> None:
        checkout.customer_erased = True
        checkout.address = checkout.address and erased(Address)
        checkout.ship_to = checkout.ship_to and erased(Address)
