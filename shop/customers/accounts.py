"""Accounts as people look at them: what customers may owe, what they owe, and how it came to that."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, on
from shop.values import Money


class CreditSummary(ReadModel):
    """One row per account: what a customer may owe, and owes."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField(unique=True)
    currency = models.CharField(max_length=3)
    limit = models.DecimalField(max_digits=16, decimal_places=2, default=Decimal(0))
    reserved = models.DecimalField(max_digits=16, decimal_places=2, default=Decimal(0))
    owed = models.DecimalField(max_digits=16, decimal_places=2, default=Decimal(0))
    available = models.DecimalField(
        max_digits=16, decimal_places=2, default=Decimal(0), help_text="What may still be bought."
    )
    opened_at = models.DateTimeField()

    class Meta:
        verbose_name = "credit account"


class CreditMovement(ReadModel):
    """One row per event of an account, and how it stood after it: the statement."""

    id = models.BigIntegerField(primary_key=True, help_text="The position of its event.")
    customer_id = models.UUIDField()
    number = models.BigIntegerField(help_text="The version of the account after it.")
    kind = models.CharField(max_length=20, help_text="limit, reserved, reduced, released, charged, settled")
    order_id = models.UUIDField(null=True, db_index=True)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    limit = models.DecimalField(max_digits=16, decimal_places=2)
    reserved = models.DecimalField(max_digits=16, decimal_places=2)
    owed = models.DecimalField(max_digits=16, decimal_places=2, help_text="The balance.")
    available = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    reference = models.TextField(default="")
    at = models.DateTimeField(help_text="When it was true.")

    class Meta:
        indexes = [models.Index(fields=["customer_id", "number"], name="customers_statement")]


class Credit(Projection):
    tables = (CreditSummary, CreditMovement)

    @on("CreditAccount.Opened")
    def opened(self, stream_id: UUID, customer_id: UUID, currency: str, at: datetime) -> CreditSummary:
        return CreditSummary(id=stream_id, customer_id=customer_id, currency=currency, opened_at=at)

    @on("CreditAccount.LimitSet")
    def limit_set(
        self, account: CreditSummary, limit: Money, position: int, version: int, at: datetime
    ) -> CreditMovement:
        account.limit = limit.amount
        return moved(account, "limit", limit, position, version, at)

    @on("CreditAccount.Reserved")
    def reserved(
        self, account: CreditSummary, order_id: UUID, amount: Money, position: int, version: int, at: datetime
    ) -> CreditMovement:
        account.reserved += amount.amount
        return moved(account, "reserved", amount, position, version, at, order_id)

    @on("CreditAccount.Released")
    def released(
        self, account: CreditSummary, order_id: UUID, amount: Money, position: int, version: int, at: datetime
    ) -> CreditMovement:
        account.reserved -= amount.amount
        return moved(account, "released", amount, position, version, at, order_id)

    @on("CreditAccount.Reduced")
    def reduced(
        self, account: CreditSummary, order_id: UUID, by: Money, position: int, version: int, at: datetime
    ) -> CreditMovement:
        account.reserved -= by.amount
        return moved(account, "reduced", by, position, version, at, order_id)

    @on("CreditAccount.Charged")
    def charged(
        self, account: CreditSummary, order_id: UUID, amount: Money, position: int, version: int, at: datetime
    ) -> CreditMovement:
        account.reserved -= amount.amount
        account.owed += amount.amount
        return moved(account, "charged", amount, position, version, at, order_id)

    @on("CreditAccount.Settled")
    def settled(
        self, account: CreditSummary, amount: Money, reference: str, position: int, version: int, at: datetime
    ) -> CreditMovement:
        account.owed -= amount.amount
        return moved(account, "settled", amount, position, version, at, reference=reference)


def moved(
    account: CreditSummary,
    kind: str,
    amount: Money,
    position: int,
    version: int,
    at: datetime,
    order_id: UUID | None = None,
    *,
    reference: str = "",
) -> CreditMovement:
    """The line of the statement, once ``account`` has changed."""
    account.available = max(account.limit - account.reserved - account.owed, Decimal(0))
    return CreditMovement(
        id=position,
        customer_id=account.customer_id,
        number=version,
        kind=kind,
        order_id=order_id,
        amount=amount.amount,
        limit=account.limit,
        reserved=account.reserved,
        owed=account.owed,
        available=account.available,
        currency=account.currency,
        reference=reference,
        at=at,
    )
