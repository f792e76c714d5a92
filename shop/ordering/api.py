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

from projections.waiting import wait_until
from shop.docs import AN_ID, asks, shows
from shop.expand import CUSTOMER, PRODUCT, Expansion
from shop.filters import InstantFilter
from shop.forms import AddressForm, Form, Id, MoneyForm, MoneyIn, Percent, Text
from shop.http import ask
from shop.ordering.commands import Item, cancel_order, change_order_address, note_order, place_order
from shop.ordering.domain import Order
from shop.ordering.forms import ItemForm, PaymentForm
from shop.ordering.models import OrderLine, OrderSummary, TimelineEntry
from shop.problems import Problem
from shop.resource import PATIENCE, Resource

STATUSES = ("placed", "confirmed", "rejected", "cancelled", "shipped", "delivered", "completed")


class PlaceOrder(Form):
    example = {
        "customer_id": AN_ID,
        "lines": [{"sku": "MUG-1", "quantity": 2, "quoted": MoneyForm.example}],
        "ship_to": AddressForm.example,
        "reference": "PO 4711",
        "payment": PaymentForm.example,
    }

    customer_id = Id(required=False, allow_null=True, help_text="Nobody's: a guest's.")
    lines = ItemForm(many=True, source="items", max_length=1000, help_text="Each SKU once.")
    ship_to = AddressForm(required=False, allow_null=True, help_text="If not to the customer's default address.")
    reference = Text(max_length=200, allow_blank=True, default="", help_text="The customer's own number for it.")
    payment = PaymentForm(required=False, allow_null=True, help_text="None: not through the shop.")

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


class ChangeAddress(Form):
    example = {"address": AddressForm.example, "reason": "moves next week"}

    address = AddressForm()
    reason = Text(max_length=500, allow_blank=True, default="")


class NoteOrder(Form):
    example = {"text": "Asked to ring at the back door."}

    text = Text(max_length=2000)


class TimelineSerializer(serializers.Serializer):
    example = {
        "position": 1042,
        "of": "payment",
        "what": "authorised",
        "detail": "",
        "at": "2026-03-01T12:00:00.123456Z",
    }

    position = serializers.IntegerField(source="id", help_text="In the log.")
    of = serializers.CharField(help_text="order, payment or shipment")
    what = serializers.CharField()
    detail = serializers.CharField(help_text="A reason, an amount, a carrier.")
    at = serializers.DateTimeField()


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
        "payment": "card",
        "last_four": "4242",
        "shipment_id": None,
        "checkout_id": None,
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    reference = serializers.CharField(help_text="The customer's own number for it.")
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    customer_name = serializers.CharField(help_text="As it was when the order was placed.")
    status = serializers.CharField(
        help_text="placed → confirmed → shipped → delivered → completed; or rejected; or, unshipped, cancelled"
    )
    items = serializers.IntegerField(help_text="The quantities of all lines together.")
    total = MoneyIn("amount")
    ship_to = AddressForm(allow_null=True)
    placed_at = serializers.DateTimeField()
    cancel_reason = serializers.CharField(help_text="Why it was cancelled, or rejected.")
    payment = serializers.CharField(help_text="card, account, none; empty: it was not said.")
    last_four = serializers.CharField(help_text="Of the card.")
    shipment_id = serializers.UUIDField(allow_null=True, help_text="Of the parcel that has left.")
    checkout_id = serializers.UUIDField(allow_null=True, help_text="That it came from.")


class LineSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="Its place in the order: 1, 2, …")
    product_id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField(help_text="As it was bought.")
    quantity = serializers.IntegerField()
    unit_price = MoneyIn("unit_price")
    price_revision = serializers.IntegerField()
    total = MoneyIn("amount")
    details = serializers.JSONField(required=False, help_text="With `?expand=products`; or `unavailable`.")


class OrderPageSerializer(OrderSerializer):
    """An order with its lines, what it comes to (goods − discount + shipping + tax = total), and what was noted."""

    example = OrderSerializer.example | {
        "total": {"amount": "28.50", "currency": "EUR"},
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
        ],
        "goods": {"amount": "25.00", "currency": "EUR"},
        "discount": {"amount": "1.25", "currency": "EUR"},
        "shipping": None,
        "tax": {"amount": "4.75", "currency": "EUR"},
        "discount_percent": "5",
        "tax_percent": "20",
        "notes": ["Asked to ring at the back door."],
    }

    lines = LineSerializer(many=True)
    goods = MoneyIn("goods", help_text="The totals of all lines together.")
    discount = MoneyIn("discount", allow_null=True, help_text="Off the goods, for who was premium.")
    shipping = MoneyIn("shipping", allow_null=True, help_text="What the parcel costs.")
    tax = MoneyIn("tax", allow_null=True, help_text="On goods − discount + shipping.")
    discount_percent = Percent(allow_null=True)
    tax_percent = Percent(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())


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
    expansions = {
        "customer": Expansion(CUSTOMER, "customer_id"),
        "products": Expansion(PRODUCT, "product_id", within="lines"),
    }

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
            payment=aggregate.payment.kind if aggregate.payment else "",
            last_four=aggregate.payment.last_four if aggregate.payment else "",
            shipping=aggregate.shipping.amount if aggregate.shipping else None,
            discount=aggregate.discount.amount if aggregate.discount else None,
            tax=aggregate.tax.amount if aggregate.tax else None,
            discount_percent=aggregate.rates.discount if aggregate.rates else None,
            tax_percent=aggregate.rates.tax if aggregate.rates else None,
            notes=list(aggregate.notes),
            shipment_id=aggregate.shipment_id,
            checkout_id=aggregate.checkout_id,
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
        *("empty_order", "mixed_currencies", "too_much", "customer_blocked", "unknown_card", "no_account"),
        *("insufficient_stock", "credit_exceeded"),
    )
    def create(self, request: Request) -> Response:
        """Place an order, at the prices in force.

        It is confirmed or rejected soon: `process` shows how far it is. Where the shop is set to do all in one
        transaction, too little stock or credit is refused here.
        """
        return ask(request, PlaceOrder, place_order)

    @action(detail=True, methods=["post"])
    @asks(CancelOrder, "wrong_status")
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel an order."""
        return ask(request, CancelOrder, cancel_order, pk)

    @action(detail=True, methods=["post"])
    @asks(ChangeAddress, "wrong_status")
    def address(self, request: Request, pk: UUID) -> Response:
        """Have an order sent elsewhere."""
        return ask(request, ChangeAddress, change_order_address, pk)

    @action(detail=True, methods=["post"])
    @asks(NoteOrder)
    def notes(self, request: Request, pk: UUID) -> Response:
        """Write down something about an order."""
        return ask(request, NoteOrder, note_order, pk)

    @action(detail=True)
    @shows(TimelineSerializer(many=True))
    def timeline(self, request: Request, pk: UUID) -> Response:
        """What happened to an order, its payment and its parcel, the first thing first."""
        page = self.page(TimelineEntry.objects.filter(order_id=pk), TimelineSerializer, {"position": "id"})
        self.row(pk)  # or there is none
        return page

    def wait(self, after: int | None, model: Any = None) -> None:
        super().wait(after, model)
        if after and self.action == "timeline" and not wait_until(after, "OrderTimelines", timeout=PATIENCE):
            raise Problem("not_yet", f"The timeline has not come to position {after} yet. Ask again.")
