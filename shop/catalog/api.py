"""Products over HTTP: POST asks, GET reads."""

from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.catalog.commands import create_product, publish_product, rename_product, set_price, withdraw_product
from shop.catalog.domain import Product
from shop.catalog.models import PriceHistory, ProductSummary
from shop.docs import AN_ID, asks, shows
from shop.forms import Flag, Form, MoneyForm, MoneyIn, Nothing, Text
from shop.http import ask
from shop.resource import Resource

STATUSES = ("draft", "published", "withdrawn")


class CreateProduct(Form):
    example = {"sku": "MUG-1", "name": "Harbour mug", "price": MoneyForm.example, "publish": True}

    sku = Text(max_length=64)
    name = Text(max_length=200)
    price = MoneyForm(required=False, allow_null=True)
    publish = Flag(default=False)


class RenameProduct(Form):
    example = {"name": "Lighthouse mug"}

    name = Text(max_length=200)


class SetPrice(Form):
    example = {"price": MoneyForm.example}

    price = MoneyForm()


class ProductSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 3,
        "sku": "MUG-1",
        "name": "Harbour mug",
        "status": "published",
        "price": MoneyForm.example,
        "price_revision": 1,
        "created_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField(help_text="draft → published ⇄ withdrawn")
    price = MoneyIn("amount", allow_null=True)
    price_revision = serializers.IntegerField(help_text="How many prices it has had.")
    created_at = serializers.DateTimeField()


class PriceSerializer(serializers.Serializer):
    example = {"revision": 1, "price": MoneyForm.example, "since": "2026-03-01T12:00:00.123456Z"}

    revision = serializers.IntegerField()
    price = MoneyIn("amount")
    since = serializers.DateTimeField(help_text="It is in force until the next one.")


class ProductFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", max_length=200, help_text="Part of the name or the SKU.")
    sku = django_filters.CharFilter(max_length=64, help_text="The whole SKU.")
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    price_min, price_max = (
        django_filters.NumberFilter(
            field_name="amount", lookup_expr=lookup, min_value=0, max_digits=16, decimal_places=4, help_text=words
        )
        for lookup, words in (("gte", "At least so much, in whatever currency."), ("lte", "At most so much."))
    )

    def search(self, products: QuerySet[ProductSummary], name: str, value: str) -> QuerySet[ProductSummary]:
        return products.filter(Q(name__icontains=value) | Q(sku__icontains=value))


class Products(Resource):
    queryset = ProductSummary.objects.all()
    serializer_class = ProductSerializer
    filterset_class = ProductFilters
    orderings = {"name": "name", "sku": "sku", "price": "amount", "created_at": "created_at"}
    aggregate = Product

    def row_of(self, aggregate: Product) -> ProductSummary:
        price = {"amount": aggregate.price.amount, "currency": aggregate.price.currency} if aggregate.price else {}
        return ProductSummary(
            id=aggregate.id,
            version=aggregate.version,
            sku=aggregate.sku,
            name=aggregate.name,
            status=aggregate.status,
            price_revision=aggregate.price_revision,
            created_at=aggregate.created_on,
            **price,
        )

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
    @asks(RenameProduct)
    def rename(self, request: Request, pk: UUID) -> Response:
        """Rename a product.

        Orders that were placed keep the old name.
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

    @action(detail=True, url_path="price-history")
    @shows(PriceSerializer(many=True))
    def price_history(self, request: Request, pk: UUID) -> Response:
        """All prices that a product ever had, the first one first."""
        page = self.page(PriceHistory.objects.filter(product_id=pk), PriceSerializer, {"revision": "revision"})
        self.row(pk)  # or there is none
        return page
