"""Products as people look at them, and what they ever cost."""

from datetime import datetime
from uuid import UUID

from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, on
from shop.values import Money


class ProductSummary(ReadModel):
    """One row per product."""

    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200, db_index=True)
    status = models.CharField(max_length=20, db_index=True)
    amount = models.DecimalField(max_digits=16, decimal_places=4, null=True, help_text="The price of one.")
    currency = models.CharField(max_length=3, default="")
    price_revision = models.IntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "product"
        indexes = [models.Index(fields=["created_at", "id"], name="catalog_created_at")]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class PriceHistory(ReadModel):
    """One row per price that a product ever had; it was in force until the next one."""

    id = models.BigIntegerField(primary_key=True, help_text="The position of its event.")
    product_id = models.UUIDField()
    revision = models.IntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    since = models.DateTimeField()

    class Meta:
        verbose_name_plural = "price history"
        indexes = [models.Index(fields=["product_id", "revision"], name="catalog_price_of_product")]


class Products(Projection):
    tables = (ProductSummary, PriceHistory)

    @on("Product.Created")
    def created(self, stream_id: UUID, sku: str, name: str, at: datetime) -> ProductSummary:
        return ProductSummary(id=stream_id, sku=sku, name=name, status="draft", created_at=at)

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

    @on("Product.Published")
    def published(self, product: ProductSummary) -> None:
        product.status = "published"

    @on("Product.Withdrawn")
    def withdrawn(self, product: ProductSummary) -> None:
        product.status = "withdrawn"
