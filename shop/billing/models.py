"""What billing looks at: whom it writes to, what each order was paid; what was taken in: ``takings``."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import models

from eventstore.sealing import ERASED
from projections.models import ReadModel
from projections.projection import Projection, on
from shop.billing.takings import Takings, TakingsOfDay, TakingsOfMonth, TaxedOrder, TaxedPayment
from shop.values import Money
from shop.words import words_index

__all__ = [
    "Contact",
    "Contacts",
    "OrderPayment",
    "OrderPayments",
    "Takings",
    "TakingsOfDay",
    "TakingsOfMonth",
    "TaxedOrder",
    "TaxedPayment",
]


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
