"""Products as people look at them, and what they ever cost."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Value
from django.db.models.functions import Replace

from projections.models import ReadModel
from projections.projection import Projection, every, on
from shop.catalog.prices import Past, Scheduled, running
from shop.catalog.repricing.models import RepricedLine, RepricedLines, Repricings, RepricingSummary
from shop.values import Money
from shop.words import words_index

__all__ = [
    "AmountInForce",
    "PriceHistory",
    "ProductSummary",
    "Products",
    "RepricedLine",
    "RepricedLines",
    "RepricingSummary",
    "Repricings",
    "past_prices",
]


SEARCHED = (
    SearchVector("name", weight="A", config="english")
    + SearchVector(Replace("sku", Value("-"), Value(" ")), weight="B", config="simple")  # or -1 were a number
    + SearchVector("description", weight="C", config="english")
)


class ProductSummary(ReadModel):
    """One row per product."""

    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200, db_index=True)
    description = models.TextField(default="")
    status = models.CharField(max_length=20, db_index=True)
    amount = models.DecimalField(max_digits=16, decimal_places=4, null=True, help_text="The usual price of one.")
    currency = models.CharField(max_length=3, default="")
    price_revision = models.IntegerField(default=0)
    schedules = models.JSONField(default=list, help_text="Prices for some time, past ones too.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "product"
        indexes = [
            models.Index(fields=["created_at", "id"], name="catalog_created_at"),
            models.Index(fields=["position"], name="catalog_position"),
            GinIndex(SEARCHED, name="catalog_searched"),
            words_index("sku", "name", "description", name="catalog_words"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def scheduled(self) -> list[Scheduled]:
        return msgspec.convert(self.schedules, list[Scheduled])

    def price_at(self, instant: datetime) -> tuple[Money | None, int]:
        """The price in force at ``instant``, and its revision."""
        if found := running(self.scheduled, instant):
            return found.price, found.revision
        return None if self.amount is None else Money(self.amount, self.currency), self.price_revision


class AmountInForce(models.Func):
    """``ProductSummary.price_at``, for the database: ``running`` in SQL."""

    output_field = models.DecimalField(max_digits=16, decimal_places=4)

    def __init__(self, instant: datetime) -> None:
        super().__init__(models.F("schedules"), models.F("amount"))
        self.instant = instant

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        (schedules, of_schedules), (amount, of_amount) = map(compiler.compile, self.source_expressions)
        sql = f"""coalesce((
            select (s->'price'->>'amount')::numeric from jsonb_array_elements({schedules}) s
            where (s->>'starts')::timestamptz <= %s and coalesce((s->>'ends')::timestamptz > %s, true)
            order by (s->>'starts')::timestamptz desc, (s->>'revision')::int desc limit 1), {amount})"""
        return sql, [*of_schedules, self.instant, self.instant, *of_amount]


class PriceHistory(ReadModel):
    """One row per price that a product ever had: a usual one, until the next one; or one for some time."""

    id = models.BigIntegerField(primary_key=True, help_text="The position of its event.")
    product_id = models.UUIDField()
    revision = models.IntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    is_scheduled = models.BooleanField(default=False)
    since = models.DateTimeField()
    ends = models.DateTimeField(null=True, help_text="Of a scheduled one; or when it was cancelled.")

    class Meta:
        verbose_name_plural = "price history"
        indexes = [
            models.Index(fields=["product_id", "revision"], name="catalog_price_of_product"),
            models.Index(fields=["since"], name="catalog_price_begins", condition=models.Q(is_scheduled=True)),
            models.Index(fields=["ends"], name="catalog_price_ends", condition=models.Q(ends__isnull=False)),
        ]


def past_prices(rows: Iterable[PriceHistory]) -> list[Past]:
    return [Past(p.revision, p.amount, p.currency, p.is_scheduled, p.since, p.ends) for p in rows]


class Products(Projection):
    tables = (ProductSummary, PriceHistory)
    keeps_history = True
    splits_by = {ProductSummary: "id", PriceHistory: "product_id"}

    @on("Product.Created")
    def created(self, stream_id: UUID, sku: str, name: str, at: datetime) -> ProductSummary:
        return ProductSummary(id=stream_id, sku=sku, name=name, status="draft", schedules=[], created_at=at)

    @on("Product.Described")
    def described(self, product: ProductSummary, description: str) -> None:
        product.description = description

    @on("Product.Renamed")
    def renamed(self, product: ProductSummary, name: str) -> None:
        product.name = name

    @on("Product.PriceSet")
    def price_set(
        self, product: ProductSummary, price: Money, revision: int, position: int, at: datetime
    ) -> PriceHistory:
        product.amount, product.currency, product.price_revision = price.amount, price.currency, revision
        return PriceHistory(
            id=position,
            product_id=product.id,
            revision=revision,
            amount=price.amount,
            currency=price.currency,
            since=at,
        )

    @on("Product.PriceScheduled")
    def price_scheduled(
        self,
        product: ProductSummary,
        price: Money,
        revision: int,
        starts: datetime,
        ends: datetime | None,
        position: int,
    ) -> PriceHistory:
        product.schedules.append(msgspec.to_builtins(Scheduled(revision, price, starts, ends)))
        return PriceHistory(
            id=position,
            product_id=product.id,
            revision=revision,
            amount=price.amount,
            currency=price.currency,
            is_scheduled=True,
            since=starts,
            ends=ends,
        )

    @on("Product.ScheduleCancelled")
    def schedule_cancelled(self, product: ProductSummary, revision: int) -> None:
        product.schedules = [each for each in product.schedules if each["revision"] != revision]

    @on("Product.ScheduleCancelled", price=every("product_id"))
    def price_cancelled(self, price: PriceHistory, revision: int, at: datetime) -> None:
        if price.revision == revision:
            price.ends = at

    @on("Product.Published")
    def published(self, product: ProductSummary) -> None:
        product.status = "published"

    @on("Product.Withdrawn")
    def withdrawn(self, product: ProductSummary) -> None:
        product.status = "withdrawn"
