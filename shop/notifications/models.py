"""The outbox, and notifications' own copies of what a mail must know of customers and orders."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db import models
from django.db.models.functions import Now

from projections.models import ReadModel
from projections.projection import Gone, Projection, on
from shop.values import Money
from shop.words import words_index

LATE = timedelta(days=1)  # an order that is recorded so long after it was placed is history: its customer knows


class OutgoingMail(models.Model):
    """A mail that was decided on: waiting → sent | shown | refused; waiting → withdrawn.

    It is written in the commit of whoever decided, and sent by whoever finds it (``sending``). ``shown``: in the demo,
    which has no mail server, it lies in the mailbox page.
    """

    id = models.UUIDField(primary_key=True)
    message_id = models.CharField(max_length=200, unique=True, help_text="The same, however often it is sent.")
    kind = models.CharField(max_length=20, db_index=True)
    customer_id = models.UUIDField(db_index=True)
    order_id = models.UUIDField(db_index=True)
    correlation_id = models.UUIDField(null=True, help_text="The request that it came of.")
    causation_id = models.UUIDField(null=True, db_index=True, help_text="The event that it tells of.")
    position = models.BigIntegerField(db_default=0, help_text="In the log, of that event.")
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    status = models.CharField(max_length=10, db_default="waiting")
    error = models.TextField(db_default="", help_text="What the mail server, or the way to it, said last.")
    tries = models.IntegerField(db_default=0)
    written_at = models.DateTimeField(db_default=models.Func(function="clock_timestamp"))
    due_at = models.DateTimeField(db_default=Now(), help_text="When it is tried next.")
    sent_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    backend = models.IntegerField(null=True, help_text="The sender's process on the database server.")
    epoch = models.BigIntegerField(db_default=0, help_text="How often it was taken: who took it last may mark it.")

    class Meta:
        verbose_name = "mail"
        indexes = [
            words_index("recipient", "subject", name="notifications_words"),
            models.Index(fields=["written_at", "id"], name="notifications_written_at"),
            models.Index(fields=["due_at", "id"], name="notifications_due", condition=models.Q(status="waiting")),
        ]

    def __str__(self) -> str:
        return self.subject


class MailVersion(models.Model):
    """How a mail stood until it changed: the database keeps it, whoever changes the mail (``sql/keep_version.sql``)."""

    mail = models.ForeignKey(OutgoingMail, models.CASCADE, related_name="versions", db_index=False)
    until = models.DateTimeField()
    status = models.CharField(max_length=10)
    error = models.TextField()
    tries = models.IntegerField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["mail", "until"], name="notifications_version_until")]

    def __str__(self) -> str:
        return f"{self.status} until {self.until}"


class CustomerCopy(ReadModel):
    """What notifications must know of a customer: where they read their mail."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254)
    merged_into = models.UUIDField(null=True, help_text="Who reads it now.")

    class Meta:
        verbose_name_plural = "customer copies"


class OrderCopy(ReadModel):
    """What a mail says of an order; an order's later events do not repeat it."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(null=True)
    number = models.BigIntegerField(null=True, help_text="The shop's.")
    reference = models.CharField(max_length=200)
    lines = models.JSONField(default=list, help_text="Quantity, name and total of each.")
    discount = models.CharField(max_length=40, default="")
    shipping = models.CharField(max_length=40, default="")
    tax = models.CharField(max_length=40, default="")
    total = models.CharField(max_length=40)
    late = models.BooleanField(help_text="Whether it was recorded long after it was placed, as by an import.")

    class Meta:
        verbose_name_plural = "order copies"


class OrderOf(ReadModel):
    """Which order a shipment or a payment belongs to."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField()

    class Meta:
        verbose_name_plural = "orders of shipments and payments"


class BoughtLine(msgspec.Struct):
    """A line as ``Order.Placed`` says it, as far as a mail repeats it."""

    name: str
    quantity: int
    total: Money


def told(lines: list[BoughtLine]) -> list[dict[str, object]]:
    """Those of which anything is left."""
    return [{"quantity": line.quantity, "name": line.name, "total": str(line.total)} for line in lines if line.quantity]


class MailCopies(Projection):
    tables = (CustomerCopy, OrderCopy, OrderOf)
    version = 4
    changes = {OrderCopy: ("number", "discount", "tax"), CustomerCopy: ("merged_into",)}

    @on("Customer.Registered")
    def registered(self, stream_id: UUID, name: str, email: str) -> CustomerCopy:
        return CustomerCopy(id=stream_id, name=name, email=email)

    @on("Customer.Renamed")
    def renamed(self, customer: CustomerCopy, name: str) -> None:
        customer.name = name

    @on("Customer.EmailChanged")
    def email_changed(self, customer: CustomerCopy, email: str) -> None:
        customer.email = email

    @on("Customer.Merged")
    def merged(self, customer: CustomerCopy, into: UUID) -> None:
        customer.merged_into = into

    @on("Customer.Erased")
    def erased(self, customer: CustomerCopy) -> type[Gone]:
        return Gone

    @on("Order.Placed")
    def placed(
        self,
        stream_id: UUID,
        customer_id: UUID | None,
        reference: str,
        lines: list[BoughtLine],
        total: Money,
        position: int,
        at: datetime,
        recorded_at: datetime,
        shipping: Money | None = None,
        tax: Money | None = None,
        discount: Money | None = None,
    ) -> OrderCopy:
        return OrderCopy(
            id=stream_id,
            customer_id=customer_id,
            number=position,
            reference=reference,
            lines=told(lines),
            discount=str(discount) if discount else "",
            shipping=str(shipping) if shipping else "",
            tax=str(tax) if tax else "",
            total=str(total),
            late=recorded_at - at > LATE,
        )

    @on("Order.LinesEdited")
    def edited(
        self, order: OrderCopy, lines: list[BoughtLine], total: Money, tax: Money | None, discount: Money | None
    ) -> None:
        order.lines = told(lines)
        order.total, order.tax = str(total), str(tax) if tax else ""
        order.discount = str(discount) if discount else ""

    @on("Shipment.Planned", "Payment.Requested")
    def belongs(self, stream_id: UUID, order_id: UUID) -> OrderOf:
        return OrderOf(id=stream_id, order_id=order_id)
