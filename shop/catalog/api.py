"""Products over HTTP: POST asks, GET reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.catalog.commands import (
    cancel_schedule,
    create_product,
    describe_product,
    publish_product,
    rename_product,
    schedule_price,
    set_price,
    withdraw_product,
)
from shop.catalog.domain import Product
from shop.catalog.kept import kept
from shop.catalog.models import AmountInForce, PriceHistory, ProductSummary, past_prices
from shop.catalog.prices import lowest_before
from shop.clock import ByTheClock, Timed, instant_of
from shop.docs import AN_ID, asks, shows
from shop.forms import Flag, Form, Instant, MoneyForm, MoneyIn, Nothing, Paragraphs, Sku, Text
from shop.http import ask
from shop.roles import own

STATUSES = ("draft", "published", "withdrawn")


class CreateProduct(Form):
    example = {"sku": "MUG-1", "name": "Harbour mug", "price": MoneyForm.example, "publish": True}

    sku = Sku()
    name = Text(max_length=200)
    price = MoneyForm(required=False, allow_null=True)
    publish = Flag(default=False)


class RenameProduct(Form):
    example = {"name": "Lighthouse mug", "everywhere": True}

    name = Text(max_length=200)
    everywhere = Flag(
        required=False, help_text="`true`: in all lists in the same commit, or not at all. It has a price."
    )


class DescribeProduct(Form):
    example = {"description": "Stoneware, fired twice.\nHolds 0.3 litres."}

    description = Paragraphs(max_length=2000, allow_blank=True)


class SchedulePrice(Form):
    example = {"price": MoneyForm.example, "starts": "2099-11-27T00:00:00Z", "ends": "2099-11-30T00:00:00Z"}

    price = MoneyForm()
    starts = Instant()
    ends = Instant(required=False, help_text="It is no longer in force then. Without it: until it is cancelled.")


class SetPrice(Form):
    example = {"price": MoneyForm.example}

    price = MoneyForm()


class ScheduledSerializer(serializers.Serializer):
    revision = serializers.IntegerField()
    price = MoneyForm()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField(allow_null=True)


class ProductSerializer(serializers.Serializer):
    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 3,
        "sku": "MUG-1",
        "name": "Harbour mug",
        "description": "Stoneware, fired twice.",
        "status": "published",
        "price": MoneyForm.example,
        "price_revision": 1,
        "usual_price": MoneyForm.example,
        "scheduled": [
            {
                "revision": 2,
                "price": {"amount": "10.00", "currency": "EUR"},
                "starts": "2026-11-27T00:00:00Z",
                "ends": "2026-11-30T00:00:00Z",
            }
        ],
        "created_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    status = serializers.CharField(help_text="draft → published ⇄ withdrawn")
    price = MoneyForm(source="now", allow_null=True, help_text="In force at the moment that is asked about.")
    price_revision = serializers.IntegerField(help_text="Its number among all prices that the product ever had.")
    usual_price = MoneyIn("amount", allow_null=True, help_text="In force while no other is scheduled.")
    scheduled = ScheduledSerializer(
        source="still_scheduled", many=True, help_text="Prices for some time that were not over then."
    )
    created_at = serializers.DateTimeField()


class PriceSerializer(serializers.Serializer):
    example = {
        "revision": 2,
        "price": {"amount": "10.00", "currency": "EUR"},
        "is_scheduled": True,
        "since": "2026-11-27T00:00:00Z",
        "ends": "2026-11-30T00:00:00Z",
        "lowest_30_days": MoneyForm.example,
    }

    revision = serializers.IntegerField()
    price = MoneyIn("amount")
    is_scheduled = serializers.BooleanField(help_text="Whether it is for some time; else, the usual one.")
    since = serializers.DateTimeField()
    ends = serializers.DateTimeField(
        allow_null=True, help_text="Of a scheduled one; or when it was cancelled. A usual one is for until the next."
    )
    lowest_30_days = MoneyIn("lowest", allow_null=True, help_text="The lowest price in the 30 days before it began.")


class ProductFilters(ByTheClock):
    q = django_filters.CharFilter(
        method="search", max_length=200, help_text="Part of the name, the SKU or the description."
    )
    sku = django_filters.CharFilter(max_length=64, help_text="The whole SKU.")
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    price_min, price_max = (
        django_filters.NumberFilter(method=method, min_value=0, max_digits=16, decimal_places=4, help_text=words)
        for method, words in (("dear", "At least so much, in whatever currency."), ("cheap", "At most so much."))
    )

    def dear(self, products: QuerySet[ProductSummary], name: str, value: Decimal) -> QuerySet[ProductSummary]:
        return products.alias(at_least=AmountInForce(self.instant)).filter(at_least__gte=value)

    def cheap(self, products: QuerySet[ProductSummary], name: str, value: Decimal) -> QuerySet[ProductSummary]:
        return products.alias(at_most=AmountInForce(self.instant)).filter(at_most__lte=value)

    def search(self, products: QuerySet[ProductSummary], name: str, value: str) -> QuerySet[ProductSummary]:
        return products.filter(Q(name__icontains=value) | Q(sku__icontains=value) | Q(description__icontains=value))


class Products(Timed):
    queryset = ProductSummary.objects.all()
    serializer_class = ProductSerializer
    filterset_class = ProductFilters
    orderings = {"name": "name", "sku": "sku", "price": "amount", "created_at": "created_at"}
    aggregate = Product
    keeps_pages = True

    def row_of(self, aggregate: Product) -> ProductSummary:
        price = {"amount": aggregate.price.amount, "currency": aggregate.price.currency} if aggregate.price else {}
        row = ProductSummary(
            id=aggregate.id,
            version=aggregate.version,
            sku=aggregate.sku,
            name=aggregate.name,
            description=aggregate.description,
            status=aggregate.status,
            price_revision=aggregate.price_revision,
            schedules=msgspec.to_builtins(aggregate.schedules),
            created_at=aggregate.created_on,
            **price,
        )
        return self.then_told(row, aggregate)  # type: ignore[no-any-return]

    def tell(self, row: ProductSummary, instant: datetime) -> None:
        row.now, row.price_revision = row.price_at(instant)
        known = (each for each in row.scheduled if each.ends is None or each.ends > instant)
        row.still_scheduled = [each for each in known if each.starts <= instant or not self.is_for_customer]

    @property
    def is_for_customer(self) -> bool:
        """Who does not hear of prices to come."""
        return own(self.request.user, self.basename) is not None

    def known(self) -> tuple[str, ...]:
        known = super().known()
        return tuple(name for name in known if name != "at") if self.is_for_customer else known

    def list(self, request: Request) -> Response:
        """A page of them, filtered and in order.

        Without `as_of`, they are as of the last event that the read model has seen; `after` waits for one. With it, all
        pages are of that one moment. A page of now is kept until a product or a price changes: `X-Cache` says so, and
        `X-Position` of which event it is.
        """
        if {"after", "as_of", "at"} & self.asked.values.keys():
            return super().list(request)
        whole = f"{request.build_absolute_uri()} {'customer' if self.is_for_customer else 'staff'}"
        return kept(whole, lambda: super(Products, self).list(request))

    @asks(CreateProduct, "sku_taken", "no_price")
    def create(self, request: Request) -> Response:
        """Create a product, with a price and on sale if you like."""
        return ask(request, CreateProduct, create_product)

    @action(detail=True, methods=["post"])
    @asks(SetPrice)
    def price(self, request: Request, pk: UUID) -> Response:
        """Set the price of one."""
        return ask(request, SetPrice, set_price, pk)

    @action(detail=True, methods=["post"])
    @asks(RenameProduct, "not_renamed")
    def rename(self, request: Request, pk: UUID) -> Response:
        """Rename a product.

        Orders that were placed keep the old name. Lists have the new one some 20 ms later. With `everywhere`, they have
        it when the answer comes, all of them or none, in one commit with the event. That takes seven times as long, and
        one such command comes after the other. Where a list is paused, or cannot follow, nothing is renamed.
        """
        return ask(request, RenameProduct, rename_product, pk)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "no_price", "wrong_status")
    def publish(self, request: Request, pk: UUID) -> Response:
        """Put a product on sale."""
        return ask(request, Nothing, publish_product, pk)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "wrong_status")
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take a product off sale."""
        return ask(request, Nothing, withdraw_product, pk)

    @action(detail=True, methods=["put"], url_path="description")
    @asks(DescribeProduct)
    def describe(self, request: Request, pk: UUID) -> Response:
        """Describe a product."""
        return ask(request, DescribeProduct, describe_product, pk)

    @action(detail=True, methods=["post"])
    @asks(SchedulePrice, "bad_schedule")
    def schedule(self, request: Request, pk: UUID) -> Response:
        """Have a price in force from an instant to another.

        Nothing needs to happen then. Of several that run, the one that began last is in force.
        """
        return ask(request, SchedulePrice, schedule_price, pk)

    @action(detail=True, methods=["delete"], url_path="schedule/<ordinal:number>")
    @asks(Nothing, "unknown_schedule", "wrong_status")
    def cancel_schedule(self, request: Request, pk: UUID, number: int) -> Response:
        """Cancel a scheduled price, by its revision: one that is to come, or runs."""
        return ask(request, Nothing, cancel_schedule, pk, number)

    @action(detail=True, url_path="price-history")
    @shows(PriceSerializer(many=True), "pruned")
    def price_history(self, request: Request, pk: UUID) -> Response:
        """All prices that a product ever had, or is to have, the first one first.

        Each with the lowest that was in force in the 30 days before it began. With `as_of`, as it was known then.
        """
        prices = PriceHistory.objects.filter(product_id=pk)
        if self.is_for_customer:
            prices = prices.filter(since__lte=instant_of(self.asked.values.get("as_of", "")) or datetime.now(UTC))
        page = self.page(prices, PriceSerializer, {"revision": "revision"}, self.with_lowest)
        self.row(pk)  # or there is none
        return page

    def with_lowest(self, rows: Sequence[PriceHistory]) -> Sequence[PriceHistory]:
        """Those of one product, each with the lowest price of the 30 days before it."""
        if not rows:
            return rows
        of_product, _ = self.then_known(PriceHistory.objects.filter(product_id=rows[0].product_id), "")
        known = past_prices(of_product)
        for row in rows:
            found = lowest_before(known, row.since, row.currency)
            row.lowest = found and found.amount
        return rows
