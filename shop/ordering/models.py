"""Orders as people look at them, and ordering's own copies of what it must know of customers and products."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import models

from eventstore.sealing import ERASED, erased
from projections.models import ReadModel
from projections.projection import Gone, Projection, every, on
from shop.values import Address, Money


class OrderSummary(ReadModel):
    """One row per order, as the order list shows it."""

    id = models.UUIDField(primary_key=True)
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
    cancel_reason = models.TextField(default="")

    class Meta:
        verbose_name = "order"
        indexes = [
            models.Index(fields=["placed_at", "id"], name="ordering_placed_at"),
            models.Index(fields=["amount", "id"], name="ordering_amount"),
            models.Index(fields=["customer_name", "id"], name="ordering_customer_name"),
        ]

    def __str__(self) -> str:
        return self.reference or str(self.id)


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


class BoughtLine(msgspec.Struct):
    """A line as ``Order.Placed`` says it."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Money
    price_revision: int
    total: Money


class Orders(Projection):
    tables = (OrderSummary, OrderLine)

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
        at: datetime,
    ) -> list[ReadModel]:
        order = OrderSummary(
            id=stream_id,
            reference=reference,
            customer_id=customer_id,
            customer_name=customer_name,
            status="placed",
            items=sum(line.quantity for line in lines),
            amount=total.amount,
            currency=total.currency,
            ship_to=ship_to,
            placed_at=at,
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

    @on("Customer.Erased", order=every("customer_id"))
    def customer_erased(self, order: OrderSummary) -> None:
        order.customer_erased = True  # told to the row even where it is built from a log that has forgotten already
        order.customer_name = order.customer_name and ERASED
        order.ship_to = order.ship_to and erased(Address)

    @on("Order.Cancelled")
    def cancelled(self, order: OrderSummary, reason: str) -> None:
        order.status = "cancelled"
        order.cancel_reason = reason


class CustomerCopy(ReadModel):
    """What ordering must know of a customer: its own, so that orders are taken while customers is down."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    addresses = models.JSONField(default=dict, help_text="By number.")
    default_address = models.IntegerField(null=True)

    class Meta:
        verbose_name_plural = "customer copies"

    @property
    def ship_to(self) -> dict[str, Any] | None:
        """The address that an order goes to when nothing else is said."""
        return self.addresses.get(str(self.default_address))  # type: ignore[no-any-return]


class OrderingCustomers(Projection):
    tables = (CustomerCopy,)

    @on("Customer.Registered")
    def registered(self, stream_id: UUID, name: str) -> CustomerCopy:
        return CustomerCopy(id=stream_id, name=name, addresses={})

    @on("Customer.Renamed")
    def renamed(self, customer: CustomerCopy, name: str) -> None:
        customer.name = name

    @on("Customer.AddressAdded", "Customer.AddressChanged")
    def address(self, customer: CustomerCopy, number: int, address: dict[str, Any]) -> None:
        customer.addresses[str(number)] = address

    @on("Customer.AddressRemoved")
    def address_removed(self, customer: CustomerCopy, number: int) -> None:
        del customer.addresses[str(number)]
        if customer.default_address == number:
            customer.default_address = None

    @on("Customer.Erased")
    def erased(self, customer: CustomerCopy) -> type[Gone]:
        return Gone

    @on("Customer.DefaultAddressSet")
    def default_address_set(self, customer: CustomerCopy, number: int) -> None:
        customer.default_address = number


class ProductCopy(ReadModel):
    """What ordering must know of a product."""

    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, default="")
    price_revision = models.IntegerField(default=0)
    on_sale = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "product copies"

    @property
    def price(self) -> Money | None:
        return None if self.amount is None else Money(Decimal(self.amount), self.currency)


class OrderingProducts(Projection):
    tables = (ProductCopy,)

    @on("Product.Created")
    def created(self, stream_id: UUID, sku: str, name: str) -> ProductCopy:
        return ProductCopy(id=stream_id, sku=sku, name=name)

    @on("Product.Renamed")
    def renamed(self, product: ProductCopy, name: str) -> None:
        product.name = name

    @on("Product.PriceSet")
    def price_set(self, product: ProductCopy, price: Money, revision: int) -> None:
        product.amount, product.currency, product.price_revision = price.amount, price.currency, revision

    @on("Product.Published")
    def published(self, product: ProductCopy) -> None:
        product.on_sale = True

    @on("Product.Withdrawn")
    def withdrawn(self, product: ProductCopy) -> None:
        product.on_sale = False
