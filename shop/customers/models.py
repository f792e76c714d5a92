"""Customers as people look at them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from eventstore.sealing import ERASED
from projections.models import ReadModel
from projections.projection import Projection, on


class CustomerSummary(ReadModel):
    """One row per customer."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200, db_index=True)
    email = models.CharField(max_length=254, db_index=True)
    addresses = models.JSONField(default=list, help_text="Each with its number.")
    default_address = models.IntegerField(null=True)
    registered_at = models.DateTimeField()

    class Meta:
        verbose_name = "customer"
        indexes = [models.Index(fields=["registered_at", "id"], name="customers_registered_at")]

    def __str__(self) -> str:
        return self.name


class Customers(Projection):
    tables = (CustomerSummary,)

    @on("Customer.Registered")
    def registered(self, stream_id: UUID, name: str, email: str, at: datetime) -> CustomerSummary:
        return CustomerSummary(id=stream_id, name=name, email=email, addresses=[], registered_at=at)

    @on("Customer.Renamed")
    def renamed(self, customer: CustomerSummary, name: str) -> None:
        customer.name = name

    @on("Customer.EmailChanged")
    def email_changed(self, customer: CustomerSummary, email: str) -> None:
        customer.email = email

    @on("Customer.AddressAdded")
    def address_added(self, customer: CustomerSummary, number: int, address: dict[str, Any]) -> None:
        customer.addresses.append({"number": number, "address": address})

    @on("Customer.AddressChanged")
    def address_changed(self, customer: CustomerSummary, number: int, address: dict[str, Any]) -> None:
        for known in customer.addresses:
            if known["number"] == number:
                known["address"] = address

    @on("Customer.AddressRemoved")
    def address_removed(self, customer: CustomerSummary, number: int) -> None:
        customer.addresses = [known for known in customer.addresses if known["number"] != number]
        if customer.default_address == number:
            customer.default_address = None

    @on("Customer.Erased")
    def erased(self, customer: CustomerSummary) -> None:
        customer.name = customer.email = ERASED
        customer.addresses, customer.default_address = [], None

    @on("Customer.DefaultAddressSet")
    def default_address_set(self, customer: CustomerSummary, number: int) -> None:
        customer.default_address = number
