"""Each process as people look at it: its steps, when each was done, and what it waits for."""

from datetime import datetime
from uuid import UUID

from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, on
from shop.values import Money


class OrderProcess(ReadModel):
    """One row per order that is being placed, or was."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(unique=True)
    customer_id = models.UUIDField(null=True)
    payment = models.CharField(max_length=10)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, db_index=True, help_text="running → confirmed | undoing → rejected")
    waits_for = models.CharField(max_length=10, default="")
    due = models.DateTimeField(null=True, db_index=True, help_text="When it gives up what it waits for.")
    code = models.CharField(max_length=40, default="", help_text="Why it was undone, for programs.")
    reason = models.TextField(default="", help_text="… and for people.")
    steps = models.JSONField(default=list, help_text="Each with the instant it was done.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "order processes"
        indexes = [models.Index(fields=["started_at", "id"], name="fulfilment_started_at")]

    def __str__(self) -> str:
        return f"Order {self.order_id}: {self.status}"


class OrderProcesses(Projection):
    tables = (OrderProcess,)
    keeps_history = True

    @on("PlaceOrder.Started")
    def started(
        self,
        stream_id: UUID,
        order_id: UUID,
        customer_id: UUID | None,
        total: Money,
        payment: str,
        recorded_at: datetime,
    ) -> OrderProcess:
        return OrderProcess(
            id=stream_id,
            order_id=order_id,
            customer_id=customer_id,
            payment=payment,
            amount=total.amount,
            currency=total.currency,
            status="running",
            steps=[step("started", recorded_at)],
            started_at=recorded_at,
        )

    @on("PlaceOrder.CreditReserved")
    def credit_reserved(self, process: OrderProcess, recorded_at: datetime) -> None:
        done(process, "credit reserved", recorded_at)

    @on("PlaceOrder.StockReserved")
    def stock_reserved(self, process: OrderProcess, recorded_at: datetime) -> None:
        done(process, "stock reserved", recorded_at)

    @on("PlaceOrder.PaymentRequested")
    def payment_requested(self, process: OrderProcess, due: datetime, recorded_at: datetime) -> None:
        done(process, "payment requested", recorded_at)
        process.waits_for, process.due = "payment", due

    @on("PlaceOrder.PaymentAuthorised")
    def payment_authorised(self, process: OrderProcess, recorded_at: datetime) -> None:
        done(process, "payment authorised", recorded_at)
        process.waits_for, process.due = "", None

    @on("PlaceOrder.CreditRefused")
    def credit_refused(self, process: OrderProcess, code: str, reason: str, recorded_at: datetime) -> None:
        refused(process, "credit refused", code, reason, recorded_at)

    @on("PlaceOrder.StockRefused")
    def stock_refused(self, process: OrderProcess, code: str, reason: str, recorded_at: datetime) -> None:
        refused(process, "stock refused", code, reason, recorded_at)

    @on("PlaceOrder.PaymentDeclined")
    def payment_declined(self, process: OrderProcess, code: str, reason: str, recorded_at: datetime) -> None:
        refused(process, "payment declined", code, reason, recorded_at)

    @on("PlaceOrder.ConfirmRefused")
    def confirm_refused(self, process: OrderProcess, code: str, reason: str, recorded_at: datetime) -> None:
        refused(process, "confirming refused", code, reason, recorded_at)

    @on("PlaceOrder.TimedOut")
    def timed_out(self, process: OrderProcess, step: str, recorded_at: datetime) -> None:
        refused(process, f"{step} timed out", "timed_out", f"The {step} took too long.", recorded_at)

    @on("PlaceOrder.Undoing")
    def undoing(self, process: OrderProcess) -> None:
        process.status, process.waits_for, process.due = "undoing", "", None

    @on("PlaceOrder.Confirmed")
    def confirmed(self, process: OrderProcess, recorded_at: datetime) -> None:
        done(process, "confirmed", recorded_at)
        process.status, process.ended_at = "confirmed", recorded_at

    @on("PlaceOrder.Reduced")
    def reduced(self, process: OrderProcess, total: Money, recorded_at: datetime) -> None:
        done(process, "lines edited", recorded_at)
        process.amount = total.amount

    @on("PlaceOrder.Rejected")
    def rejected(self, process: OrderProcess, recorded_at: datetime) -> None:
        done(process, "undone", recorded_at)
        process.status, process.ended_at = "rejected", recorded_at


def done(process: OrderProcess, what: str, at: datetime) -> None:
    process.steps = [*process.steps, step(what, at)]


def refused(process: OrderProcess, what: str, code: str, reason: str, at: datetime) -> None:
    done(process, what, at)
    process.code, process.reason = code, reason


def step(what: str, at: datetime) -> dict[str, str]:
    return {"step": what, "at": at.isoformat()}


class Planned(models.Model):
    """An order whose parcel is planned and has not left: what ``FulfilOrders`` remembers, in its own commits."""

    order_id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(db_index=True)

    class Meta:
        verbose_name_plural = "planned"

    def __str__(self) -> str:
        return str(self.order_id)
