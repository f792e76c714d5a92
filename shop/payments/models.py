"""Payments as people look at them, what the gateway is still to do, and who is asking it now."""

from datetime import datetime
from uuid import UUID, uuid5

from django.db import models
from django.db.models.functions import Now

from projections.models import ReadModel
from projections.projection import Gone, Projection, on
from shop.values import Money
from shop.words import words_index

# Nobody can say what became of it; or the gateway would not capture it.
TO_RECONCILE = models.Q(status="unknown") | models.Q(models.Q(status="authorised"), ~models.Q(reason=""))


class PaymentSummary(ReadModel):
    """One row per payment: an order has one."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    customer_id = models.UUIDField(null=True, db_index=True)
    status = models.CharField(max_length=20, db_index=True)
    settled = models.CharField(max_length=20, help_text="Its status before the gateway was silent.")
    unknown = models.JSONField(default=list, help_text="Operations of which nobody can say what became.")
    amount = models.DecimalField(max_digits=16, decimal_places=2, help_text="That was to be authorised.")
    captured = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    refunded = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)
    last_four = models.CharField(max_length=4)
    reference = models.CharField(max_length=200, default="", help_text="The gateway's.")
    reason = models.TextField(default="", help_text="Why it was declined, or could not be captured.")
    requested_at = models.DateTimeField()

    class Meta:
        verbose_name = "payment"
        indexes = [
            words_index("reference", "last_four", name="payments_words"),
            models.Index(fields=["requested_at", "id"], name="payments_requested_at"),
            models.Index(fields=["requested_at", "id"], condition=TO_RECONCILE, name="payments_to_reconcile"),
            models.Index(fields=["amount", "id"], name="payments_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} by card …{self.last_four}"

    def settle(self, status: str, *operations: str) -> None:
        """``operations`` have an outcome; all of them, if none is named."""
        self.settled = status
        self.unknown = [each for each in self.unknown if operations and each.partition(":")[0] not in operations]
        self.status = "unknown" if self.unknown else status


class PaymentRefund(ReadModel):
    """One row per refund. requested → refunded | failed"""

    id = models.UUIDField(primary_key=True)
    payment_id = models.UUIDField(db_index=True)
    number = models.IntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    reason = models.TextField()
    status = models.CharField(max_length=20)
    reference = models.TextField(default="", help_text="The gateway's; or why it failed.")


def refund_id(stream_id: UUID, number: int) -> UUID:
    return uuid5(stream_id, f"refund:{number}")


class Payments(Projection):
    tables = (PaymentSummary, PaymentRefund)
    keeps_history = True

    @on("Payment.Requested")
    def requested(
        self, stream_id: UUID, order_id: UUID, customer_id: UUID | None, amount: Money, last_four: str, at: datetime
    ) -> PaymentSummary:
        return PaymentSummary(
            id=stream_id,
            order_id=order_id,
            customer_id=customer_id,
            status="requested",
            settled="requested",
            unknown=[],
            amount=amount.amount,
            currency=amount.currency,
            last_four=last_four,
            requested_at=at,
        )

    @on("Payment.Authorised")
    def authorised(self, payment: PaymentSummary, reference: str) -> None:
        payment.reference = reference
        payment.settle("authorised", "authorise")

    @on("Payment.Declined")
    def declined(self, payment: PaymentSummary, reason: str) -> None:
        payment.reason = reason
        payment.settle("declined")

    @on("Payment.OutcomeUnknown")
    def unknown(self, payment: PaymentSummary, operation: str) -> None:
        payment.unknown = [*payment.unknown, operation]
        payment.status = "unknown"

    @on("Payment.Captured")
    def captured(self, payment: PaymentSummary, amount: Money) -> None:
        payment.captured, payment.reason = amount.amount, ""
        payment.settle("captured", "capture")

    @on("Payment.CaptureFailed")
    def capture_failed(self, payment: PaymentSummary, reason: str) -> None:
        payment.reason = reason
        payment.settle(payment.settled, "capture")

    @on("Payment.Voided")
    def voided(self, payment: PaymentSummary) -> None:
        payment.settle("voided", "void")

    # In the payment's own version and ETag, everything counts that happens to it: also what changes its refunds alone.
    @on("Payment.CaptureRequested", "Payment.VoidRequested")
    def asked(self, payment: PaymentSummary) -> None:
        pass

    @on("Payment.RefundRequested")
    def refund_requested(
        self, payment: PaymentSummary, stream_id: UUID, number: int, amount: Money, reason: str
    ) -> PaymentRefund:
        return PaymentRefund(
            id=refund_id(stream_id, number),
            payment_id=stream_id,
            number=number,
            amount=amount.amount,
            currency=amount.currency,
            reason=reason,
            status="requested",
        )

    @on("Payment.Refunded", refund=refund_id)
    def refunded(
        self, payment: PaymentSummary, refund: PaymentRefund, number: int, amount: Money, reference: str
    ) -> None:
        refund.status, refund.reference = "refunded", reference
        payment.refunded += amount.amount
        payment.unknown = [each for each in payment.unknown if each != f"refund:{number}"]
        payment.settle("refunded" if payment.refunded == payment.captured else "captured", "")

    @on("Payment.RefundFailed", refund=refund_id)
    def refund_failed(self, payment: PaymentSummary, refund: PaymentRefund, number: int, reason: str) -> None:
        refund.status, refund.reference = "failed", reason
        payment.unknown = [each for each in payment.unknown if each != f"refund:{number}"]
        payment.settle(payment.settled, "")


class PaymentWork(ReadModel):
    """A payment of which the gateway is still to do something; without any such thing, there is no row."""

    id = models.UUIDField(primary_key=True)
    operations = models.JSONField(help_text="In the order in which they were asked for.")
    since = models.DateTimeField()

    class Meta:
        verbose_name_plural = "payment work"

    def __str__(self) -> str:
        return ", ".join(self.operations)

    def without(self, *operations: str) -> "type[Gone] | None":
        self.operations = [each for each in self.operations if each not in operations]
        return None if self.operations else Gone


class PaymentsToWork(Projection):
    """Tells workers where to look; what is to be done there, they ask the log."""

    tables = (PaymentWork,)

    @on("Payment.Requested")
    def requested(self, stream_id: UUID, at: datetime) -> PaymentWork:
        return PaymentWork(id=stream_id, operations=["authorise"], since=at)

    @on("Payment.CaptureRequested")
    def capture_requested(self, work: PaymentWork | None, stream_id: UUID, at: datetime) -> PaymentWork:
        return self.more(work, stream_id, at, "capture")

    @on("Payment.VoidRequested")
    def void_requested(self, work: PaymentWork | None, stream_id: UUID, at: datetime) -> PaymentWork:
        return self.more(work, stream_id, at, "void")

    @on("Payment.RefundRequested")
    def refund_requested(self, work: PaymentWork | None, stream_id: UUID, number: int, at: datetime) -> PaymentWork:
        return self.more(work, stream_id, at, f"refund:{number}")

    def more(self, work: PaymentWork | None, stream_id: UUID, at: datetime, operation: str) -> PaymentWork:
        work = work or PaymentWork(id=stream_id, operations=[], since=at)
        work.operations = [*work.operations, operation]
        return work

    @on("Payment.Authorised")
    def authorised(self, work: PaymentWork) -> type[Gone] | None:
        return work.without("authorise")

    @on("Payment.Declined")
    def declined(self, work: PaymentWork) -> type[Gone]:
        return Gone

    @on("Payment.Captured", "Payment.CaptureFailed")
    def captured(self, work: PaymentWork) -> type[Gone] | None:
        return work.without("capture")

    @on("Payment.Voided")
    def voided(self, work: PaymentWork) -> type[Gone] | None:
        return work.without("void")

    @on("Payment.Refunded", "Payment.RefundFailed")
    def refunded(self, work: PaymentWork, number: int) -> type[Gone] | None:
        return work.without(f"refund:{number}")


class GatewayCall(models.Model):
    """Who asks the gateway about a payment, how often it was asked, and when it is asked again: the workers' own table.

    A worker holds the row for a while; whoever it is taken from then asks under the same key, which does nothing twice.
    """

    payment_id = models.UUIDField(primary_key=True)
    key = models.CharField(max_length=80, db_default="", help_text="Of the operation that was asked for last.")
    tries = models.IntegerField(db_default=0, help_text="Of that operation.")
    due_at = models.DateTimeField(db_default=Now(), db_index=True)
    leased_until = models.DateTimeField(null=True)
    backend = models.IntegerField(null=True, help_text="The holder's process on the database server.")
    epoch = models.BigIntegerField(db_default=0, help_text="How often it was taken: who took it last may let go of it.")
    said = models.TextField(db_default="", help_text="By the gateway, when it was asked last.")

    def __str__(self) -> str:
        return self.key


class PaymentAlarm(models.Model):
    """What the gateway told us and cannot be true: for a person to look at."""

    event_id = models.CharField(max_length=100, primary_key=True, help_text="The gateway's.")
    payment_id = models.UUIDField(null=True, db_index=True)
    detail = models.TextField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.detail
