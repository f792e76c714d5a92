"""Orders over HTTP: POST asks, GET reads."""

from typing import Any
from uuid import UUID

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import AN_ID, asks
from shop.filters import InstantFilter
from shop.forms import AddressForm, Form, Id, MoneyForm, MoneyIn, Text, Whole
from shop.http import ask
from shop.ordering.commands import Item, cancel_order, place_order
from shop.ordering.domain import Order
from shop.ordering.models import OrderLine, OrderSummary
from shop.resource import Resource

STATUSES = ("placed", "cancelled")


class ItemForm(Form):
    makes = Item

    sku = Text(max_length=64)
    quantity = Whole(min_value=1, max_value=1_000_000)
    quoted = MoneyForm(required=False, allow_null=True, help_text="The price that was seen: refused if it changed.")


class PlaceOrder(Form):
    example = {
        "customer_id": AN_ID,
        "lines": [{"sku": "MUG-1", "quantity": 2, "quoted": MoneyForm.example}],
        "ship_to": AddressForm.example,
        "reference": "PO 4711",
    }

    customer_id = Id(required=False, allow_null=True, help_text="Nobody's: a guest's.")
    lines = ItemForm(many=True, source="items", max_length=1000, help_text="Each SKU once.")
    ship_to = AddressForm(required=False, allow_null=True, help_text="If not to the customer's default address.")
    reference = Text(max_length=200, allow_blank=True, default="", help_text="The customer's own number for it.")

    def validate_lines(self, items: list[Item]) -> list[Item]:
        seen: dict[str, int] = {}
        twice = ErrorDetail("This SKU stands in an earlier line.", "repeated")
        errors = [{"sku": [twice]} if seen.setdefault(item.sku, n) < n else {} for n, item in enumerate(items)]
        if any(errors):
            raise ValidationError(errors)
        return items


class CancelOrder(Form):
    example = {"reason": "changed my mind"}

    reason = Text(max_length=500)


class OrderSerializer(serializers.Serializer):
    """An order as lists show it."""

    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 1,
        "reference": "PO 4711",
        "customer_id": AN_ID,
        "customer_name": "Ada Lovelace",
        "status": "placed",
        "items": 2,
        "total": {"amount": "25.00", "currency": "EUR"},
        "ship_to": AddressForm.example,
        "placed_at": "2026-03-01T12:00:00.123456Z",
        "cancel_reason": "",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    reference = serializers.CharField(help_text="The customer's own number for it.")
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    customer_name = serializers.CharField(help_text="As it was when the order was placed.")
    status = serializers.CharField(help_text="placed → cancelled")
    items = serializers.IntegerField(help_text="The quantities of all lines together.")
    total = MoneyIn("amount")
    ship_to = AddressForm(allow_null=True)
    placed_at = serializers.DateTimeField()
    cancel_reason = serializers.CharField()


class LineSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="Its place in the order: 1, 2, …")
    product_id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField(help_text="As it was bought.")
    quantity = serializers.IntegerField()
    unit_price = MoneyIn("unit_price")
    price_revision = serializers.IntegerField()
    total = MoneyIn("amount")


class OrderPageSerializer(OrderSerializer):
    """An order with its lines."""

    example = OrderSerializer.example | {
        "lines": [
            {
                "number": 1,
                "product_id": AN_ID,
                "sku": "MUG-1",
                "name": "Harbour mug",
                "quantity": 2,
                "unit_price": MoneyForm.example,
                "price_revision": 1,
                "total": {"amount": "25.00", "currency": "EUR"},
            }
        ]
    }

    lines = LineSerializer(many=True)


class OrderFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", max_length=200, help_text="Part of the reference or the name.")
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    customer_id = django_filters.UUIDFilter()
    reference = django_filters.CharFilter(max_length=200, help_text="The whole reference.")
    placed_after = InstantFilter(field_name="placed_at", lookup_expr="gte", help_text="At this instant or later.")
    placed_before = InstantFilter(field_name="placed_at", lookup_expr="lt", help_text="Before this instant.")

    def search(self, orders: QuerySet[OrderSummary], name: str, value: str) -> QuerySet[OrderSummary]:
        return orders.filter(Q(reference__icontains=value) | Q(customer_name__icontains=value))


class Orders(Resource):
    queryset = OrderSummary.objects.all()
    filterset_class = OrderFilters
    orderings = {
        "-placed_at": "placed_at",
        "total": "amount",
        "reference": "reference",
        "customer_name": "customer_name",
    }
    aggregate = Order

    def get_serializer_class(self) -> type[OrderSerializer]:
        return OrderSerializer if self.action == "list" else OrderPageSerializer

    def row(self, pk: UUID) -> OrderSummary:
        order: Any = super().row(pk)
        order.lines = OrderLine.objects.filter(order_id=pk).order_by("number")
        return order  # type: ignore[no-any-return]

    def row_of(self, aggregate: Order) -> OrderSummary:
        order: Any = OrderSummary(
            id=aggregate.id,
            version=aggregate.version,
            reference=aggregate.reference,
            customer_id=aggregate.customer_id,
            customer_name=aggregate.customer_name,
            status=aggregate.status,
            items=sum(line.quantity for line in aggregate.lines),
            amount=aggregate.total.amount,
            currency=aggregate.total.currency,
            ship_to=msgspec.to_builtins(aggregate.ship_to),
            placed_at=aggregate.created_on,
            cancel_reason=aggregate.cancel_reason,
        )
        order.lines = [
            OrderLine(
                number=number,
                product_id=line.product_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price.amount,
                price_revision=line.price_revision,
                amount=line.total.amount,
                currency=line.total.currency,
            )
            for number, line in enumerate(aggregate.lines, 1)
        ]
        return order  # type: ignore[no-any-return]

    @asks(
        PlaceOrder,
        *("unknown_customer", "unknown_product", "not_on_sale", "stale_price"),
        *("empty_order", "mixed_currencies", "too_much"),
    )
    def create(self, request: Request) -> Response:
        """Place an order, at the prices in force."""
        return ask(request, PlaceOrder, place_order)

    @action(detail=True, methods=["post"])
    @asks(CancelOrder, "wrong_status")
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel an order."""
        return ask(request, CancelOrder, cancel_order, pk)
