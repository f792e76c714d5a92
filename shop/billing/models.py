"""What billing looks at: who is written to about money, what each order was paid, and what was taken in on each day."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from eventstore.sealing import ERASED
from projections.models import ReadModel
from projections.projection import Projection, on
from shop.values import Money
from shop.words import words_index


class Contact(ReadModel):
    """Billing's own copy of a customer. ``position`` and ``version`` say which of the customer's events it is of."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200, db_index=True)
    email = models.CharField(max_length=254)

    class Meta:
        indexes = [words_index("name", "email", name="billing_words")]

    def __str__(self) -> str:
        return self.name


class Contacts(Projection):
    tables = (Contact,)
    keeps_history = True

    @on("Customer.Registered")
    def registered(self, stream_id: UUID, name: str, email: str) -> Contact:
        return Contact(id=stream_id, name=name, email=email)

    @on("Customer.Renamed")
    def renamed(self, contact: Contact, name: str) -> None:
        contact.name = name

    @on("Customer.EmailChanged")
    def email_changed(self, contact: Contact, email: str) -> None:
        contact.email = email

    @on("Customer.Erased", past=True)
    def erased(self, contact: Contact) -> None:
        contact.name = contact.email = ERASED


class OrderPayment(ReadModel):
    """What an order was paid: one row per payment, and an order has one."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(unique=True)
    customer_id = models.UUIDField(null=True, db_index=True)
    amount = models.DecimalField(max_digits=16, decimal_places=2, help_text="That was asked for.")
    authorised = models.DecimalField(max_digits=16, decimal_places=2, default=0, help_text="And not yet captured.")
    captured = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    refunded = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)
    requested_at = models.DateTimeField()
    captured_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True, help_text="The last time.")

    class Meta:
        indexes = [models.Index(fields=["requested_at", "id"], name="billing_requested_at")]

    @property
    def kept(self) -> Decimal:
        return Decimal(self.captured - self.refunded)


class OrderPayments(Projection):
    tables = (OrderPayment,)
    keeps_history = True

    @on("Payment.Requested")
    def requested(
        self, stream_id: UUID, order_id: UUID, customer_id: UUID | None, amount: Money, at: datetime
    ) -> OrderPayment:
        return OrderPayment(
            id=stream_id,
            order_id=order_id,
            customer_id=customer_id,
            amount=amount.amount,
            currency=amount.currency,
            requested_at=at,
        )

    @on("Payment.Authorised")
    def authorised(self, payment: OrderPayment) -> None:
        payment.authorised = payment.amount

    @on("Payment.Voided")
    def voided(self, payment: OrderPayment) -> None:
        payment.authorised = Decimal(0)

    @on("Payment.Captured")
    def captured(self, payment: OrderPayment, amount: Money, at: datetime) -> None:
        payment.authorised, payment.captured, payment.captured_at = Decimal(0), amount.amount, at

    @on("Payment.Refunded")
    def refunded(self, payment: OrderPayment, amount: Money, at: datetime) -> None:
        payment.refunded += amount.amount
        payment.refunded_at = at


class TakingsOfDay(ReadModel):
    """What came in on a day, and what was paid back on it, whenever that had come in."""

    id = models.CharField(max_length=14, primary_key=True, help_text="2026-03-01 EUR")
    day = models.DateField(db_index=True, help_text="In UTC.")
    currency = models.CharField(max_length=3)
    captured = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    refunded = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    captures = models.IntegerField(default=0)
    refunds = models.IntegerField(default=0)

    class Meta:
        verbose_name_plural = "takings of days"
        indexes = [models.Index(fields=["day", "id"], name="billing_day")]

    def __str__(self) -> str:
        return self.id

    @property
    def net(self) -> Decimal:
        return Decimal(self.captured - self.refunded)


def day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def takings_id(at: datetime, amount: Money) -> str:
    return f"{day_of(at)} {amount.currency}"


class Takings(Projection):
    """By the day on which money moved: a refund in February changes nothing that was said of January."""

    tables = (TakingsOfDay,)
    keeps_history = True

    @on("Payment.Captured", takings=takings_id)
    def captured(self, takings: TakingsOfDay | None, amount: Money, at: datetime) -> TakingsOfDay:
        takings = takings or self.none(at, amount)
        takings.captured += amount.amount
        takings.captures += 1
        return takings

    @on("Payment.Refunded", takings=takings_id)
    def refunded(self, takings: TakingsOfDay | None, amount: Money, at: datetime) -> TakingsOfDay:
        takings = takings or self.none(at, amount)
        takings.refunded += amount.amount
        takings.refunds += 1
        return takings

    def none(self, at: datetime, amount: Money) -> TakingsOfDay:
        zero: dict[str, Any] = {"captured": Decimal(0), "refunded": Decimal(0)}
        return TakingsOfDay(id=takings_id(at, amount), day=day_of(at), currency=amount.currency, **zero)
