"""What was taken in, by day and by month, and what of it is tax: as the orders have it that were paid."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, every, on
from shop.values import CENT, Money

NOTHING = Decimal(0)


class Taken(ReadModel):
    """What came in in a time, and what was paid back in it, whenever that had come in."""

    id = models.CharField(max_length=14, primary_key=True, help_text="2026-03-01 EUR, or 2026-03 EUR")
    currency = models.CharField(max_length=3)
    captured = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    captured_tax = models.DecimalField(max_digits=20, decimal_places=2, default=0, help_text="Within what came in.")
    refunded = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    refunded_tax = models.DecimalField(max_digits=20, decimal_places=2, default=0, help_text="Within what went back.")
    captures = models.IntegerField(default=0)
    refunds = models.IntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.id

    @property
    def period(self) -> str:
        return self.id.partition(" ")[0]

    @property
    def gross(self) -> Decimal:
        return Decimal(self.captured - self.refunded)

    @property
    def tax(self) -> Decimal:
        return Decimal(self.captured_tax - self.refunded_tax)

    @property
    def net(self) -> Decimal:
        return self.gross - self.tax


class TakingsOfDay(Taken):
    day = models.DateField(db_index=True, help_text="In UTC.")

    class Meta:
        verbose_name_plural = "takings of days"
        indexes = [models.Index(fields=["day", "id"], name="billing_day")]


class TakingsOfMonth(Taken):
    month = models.DateField(help_text="Its first day, in UTC.")

    class Meta:
        verbose_name_plural = "takings of months"
        indexes = [models.Index(fields=["month", "id"], name="billing_month")]


class TaxedOrder(ReadModel):
    """What an order comes to, and what of that is tax: frozen when it was placed, and when its lines were edited."""

    id = models.UUIDField(primary_key=True)
    total = models.DecimalField(max_digits=16, decimal_places=2)
    tax = models.DecimalField(max_digits=16, decimal_places=2)


class TaxedPayment(ReadModel):
    """The same of the order that a payment is for; and, once money has moved, what of that was tax."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    total = models.DecimalField(max_digits=16, decimal_places=2)
    tax = models.DecimalField(max_digits=16, decimal_places=2)
    captured = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    captured_tax = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    refunded = models.DecimalField(max_digits=16, decimal_places=2, default=0)

    def capture(self, amount: Decimal) -> Decimal:
        """The tax within it."""
        self.captured, self.captured_tax = amount, within(amount, self.total, self.tax)
        return Decimal(self.captured_tax)

    def refund(self, amount: Decimal) -> Decimal:
        """The tax within it: that of all that went back so far, less what was said of it before. So all is all."""
        before = within(self.refunded, self.captured, self.captured_tax)
        self.refunded += amount
        return within(self.refunded, self.captured, self.captured_tax) - before


def within(part: Decimal, whole: Decimal, tax: Decimal) -> Decimal:
    """The tax in a part of something, where ``tax`` is that in the whole: to the cent, half a cent goes up."""
    return (tax * part / whole).quantize(CENT, ROUND_HALF_UP) if whole else NOTHING


def day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def day_id(at: datetime, amount: Money) -> str:
    return f"{day_of(at)} {amount.currency}"


def month_id(at: datetime, amount: Money) -> str:
    return f"{day_of(at).isoformat()[:7]} {amount.currency}"


class Takings(Projection):
    """By the day on which money moved: a refund in February changes nothing that was said of January."""

    tables = (TakingsOfDay, TakingsOfMonth, TaxedOrder, TaxedPayment)
    keeps_history = True
    version = 2
    changes = {
        TakingsOfDay: ("captured_tax", "refunded_tax"),
        TakingsOfMonth: ("*",),
        TaxedOrder: ("*",),
        TaxedPayment: ("*",),
    }

    @on("Order.Placed")
    def placed(self, stream_id: UUID, total: Money, tax: Money | None = None) -> TaxedOrder:
        return TaxedOrder(id=stream_id, total=total.amount, tax=tax.amount if tax else NOTHING)

    @on("Order.LinesEdited")
    def edited(self, order: TaxedOrder, total: Money, tax: Money | None) -> None:
        order.total, order.tax = total.amount, tax.amount if tax else NOTHING

    @on("Order.LinesEdited", payment=every("order_id"))
    def edited_later(self, payment: TaxedPayment, total: Money, tax: Money | None) -> None:
        """What is captured from now on is of the order as it is now."""
        payment.total, payment.tax = total.amount, tax.amount if tax else NOTHING

    @on("Payment.Requested", order="order_id")
    def requested(self, order: TaxedOrder | None, stream_id: UUID, order_id: UUID, amount: Money) -> TaxedPayment:
        total, tax = (order.total, order.tax) if order else (amount.amount, NOTHING)
        return TaxedPayment(id=stream_id, order_id=order_id, total=total, tax=tax)

    @on("Payment.Captured", day=day_id, month=month_id)
    def captured(
        self,
        payment: TaxedPayment | None,
        day: TakingsOfDay | None,
        month: TakingsOfMonth | None,
        amount: Money,
        at: datetime,
    ) -> list[Taken]:
        tax = payment.capture(amount.amount) if payment else NOTHING
        periods = self.periods(day, month, amount, at)
        for period in periods:
            period.captured += amount.amount
            period.captured_tax += tax
            period.captures += 1
        return periods

    @on("Payment.Refunded", day=day_id, month=month_id)
    def refunded(
        self,
        payment: TaxedPayment | None,
        day: TakingsOfDay | None,
        month: TakingsOfMonth | None,
        amount: Money,
        at: datetime,
    ) -> list[Taken]:
        tax = payment.refund(amount.amount) if payment else NOTHING
        periods = self.periods(day, month, amount, at)
        for period in periods:
            period.refunded += amount.amount
            period.refunded_tax += tax
            period.refunds += 1
        return periods

    def periods(
        self, day: TakingsOfDay | None, month: TakingsOfMonth | None, amount: Money, at: datetime
    ) -> list[Taken]:
        none: dict[str, Any] = dict.fromkeys(("captured", "captured_tax", "refunded", "refunded_tax"), NOTHING)
        none["currency"], on = amount.currency, day_of(at)
        return [
            day or TakingsOfDay(id=day_id(at, amount), day=on, **none),
            month or TakingsOfMonth(id=month_id(at, amount), month=on.replace(day=1), **none),
        ]
