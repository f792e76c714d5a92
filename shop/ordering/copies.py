"""What ordering must know of others: its own, so that orders are taken while they are down."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db import models

from projections.models import ReadModel
from projections.projection import Gone, Projection, on
from shop.values import Money

LATER = datetime.max.replace(tzinfo=UTC)


class CustomerCopy(ReadModel):
    """What ordering must know of a customer: its own, so that orders are taken while customers is down."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    addresses = models.JSONField(default=dict, help_text="By number.")
    default_address = models.IntegerField(null=True)
    payment_methods = models.JSONField(default=list, help_text="Each with its number, token, label and last four.")
    blocked = models.BooleanField(default=False)
    merged_into = models.UUIDField(null=True, db_index=True, help_text="Who they are now.")
    premium_until = models.DateField(null=True, help_text="The last day.")
    seen_at = models.DateTimeField(null=True, help_text="When its last event was recorded; its position says which.")

    class Meta:
        verbose_name_plural = "customer copies"

    @property
    def ship_to(self) -> dict[str, Any] | None:
        """The address that an order goes to when nothing else is said."""
        return self.addresses.get(str(self.default_address))  # type: ignore[no-any-return]


class OrderingCustomers(Projection):
    tables = (CustomerCopy,)
    version = 5
    changes = {CustomerCopy: ("blocked", "seen_at", "premium_until", "merged_into", "payment_methods")}

    @on("Customer.Registered")
    def registered(self, stream_id: UUID, name: str, recorded_at: datetime) -> CustomerCopy:
        return CustomerCopy(id=stream_id, name=name, addresses={}, payment_methods=[], seen_at=recorded_at)

    @on("Customer.Renamed")
    def renamed(self, customer: CustomerCopy, name: str, recorded_at: datetime) -> None:
        customer.name, customer.seen_at = name, recorded_at

    @on("Customer.AddressAdded", "Customer.AddressChanged")
    def address(self, customer: CustomerCopy, number: int, address: dict[str, Any], recorded_at: datetime) -> None:
        customer.addresses[str(number)], customer.seen_at = address, recorded_at

    @on("Customer.AddressRemoved")
    def address_removed(self, customer: CustomerCopy, number: int, recorded_at: datetime) -> None:
        customer.seen_at = recorded_at
        del customer.addresses[str(number)]
        if customer.default_address == number:
            customer.default_address = None

    @on("Customer.Erased")
    def erased(self, customer: CustomerCopy) -> type[Gone]:
        return Gone

    @on("Customer.DefaultAddressSet")
    def default_address_set(self, customer: CustomerCopy, number: int, recorded_at: datetime) -> None:
        customer.default_address, customer.seen_at = number, recorded_at

    @on("Customer.PaymentMethodAdded")
    def payment_method_added(self, customer: CustomerCopy, number: int, token: str, label: str, last_four: str) -> None:
        method = {"number": number, "token": token, "label": label, "last_four": last_four}
        customer.payment_methods = [*customer.payment_methods, method]

    @on("Customer.PaymentMethodRemoved")
    def payment_method_removed(self, customer: CustomerCopy, number: int) -> None:
        customer.payment_methods = [known for known in customer.payment_methods if known["number"] != number]

    @on("Customer.PremiumGranted")
    def premium_granted(self, customer: CustomerCopy, until: date) -> None:
        customer.premium_until = until

    @on("Customer.PremiumEnded")
    def premium_ended(self, customer: CustomerCopy) -> None:
        customer.premium_until = None

    @on("Customer.Merged")
    def merged(self, customer: CustomerCopy, into: UUID) -> None:
        customer.merged_into = into

    @on("Customer.Blocked")
    def blocked(self, customer: CustomerCopy) -> None:
        customer.blocked = True

    @on("Customer.Unblocked")
    def unblocked(self, customer: CustomerCopy) -> None:
        customer.blocked = False


class ProductCopy(ReadModel):
    """What ordering must know of a product."""

    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, default="")
    price_revision = models.IntegerField(default=0)
    on_sale = models.BooleanField(default=False)
    schedules = models.JSONField(default=list, help_text="Prices that run for a while: revision, price, starts, ends.")

    class Meta:
        verbose_name_plural = "product copies"

    def price_at(self, instant: datetime) -> tuple[Money | None, int]:
        """The price in force at ``instant`` and its revision: the scheduled one begun last; else the usual one."""
        found = [each for each in map(scheduled, self.schedules) if each.starts <= instant < (each.ends or LATER)]
        if found:
            last = max(found, key=lambda each: (each.starts, each.revision))
            return last.price, last.revision
        return None if self.amount is None else Money(Decimal(self.amount), self.currency), self.price_revision


class Scheduled(msgspec.Struct):
    """A price as ``Product.PriceScheduled`` says it."""

    revision: int
    price: Money
    starts: datetime
    ends: datetime | None = None


def scheduled(facts: dict[str, Any]) -> Scheduled:
    return msgspec.convert(facts, Scheduled)


class OrderingProducts(Projection):
    tables = (ProductCopy,)
    version = 2
    changes = {ProductCopy: ("schedules",)}

    @on("Product.Created")
    def created(self, stream_id: UUID, sku: str, name: str) -> ProductCopy:
        return ProductCopy(id=stream_id, sku=sku, name=name, schedules=[])

    @on("Product.Renamed")
    def renamed(self, product: ProductCopy, name: str) -> None:
        product.name = name

    @on("Product.PriceSet")
    def price_set(self, product: ProductCopy, price: Money, revision: int) -> None:
        product.amount, product.currency, product.price_revision = price.amount, price.currency, revision

    @on("Product.PriceScheduled")
    def price_scheduled(
        self, product: ProductCopy, price: Money, revision: int, starts: datetime, ends: datetime | None
    ) -> None:
        new = Scheduled(revision, price, starts, ends)
        product.schedules = [*product.schedules, msgspec.to_builtins(new)]

    @on("Product.ScheduleCancelled")
    def schedule_cancelled(self, product: ProductCopy, revision: int) -> None:
        product.schedules = [each for each in product.schedules if each["revision"] != revision]

    @on("Product.Published")
    def published(self, product: ProductCopy) -> None:
        product.on_sale = True

    @on("Product.Withdrawn")
    def withdrawn(self, product: ProductCopy) -> None:
        product.on_sale = False


class CardCopy(ReadModel):
    """What ordering must know of a card in the vault."""

    id = models.UUIDField(primary_key=True, help_text="Its token.")
    last_four = models.CharField(max_length=4)

    class Meta:
        verbose_name_plural = "card copies"


class OrderingCards(Projection):
    tables = (CardCopy,)

    @on("Card.Stored")
    def stored(self, stream_id: UUID, last_four: str) -> CardCopy:
        return CardCopy(id=stream_id, last_four=last_four)

    @on("Card.Forgotten")
    def forgotten(self, card: CardCopy) -> type[Gone]:
        return Gone
