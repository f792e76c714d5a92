"""Checkouts over HTTP: a basket, a quote, and the order that it becomes."""

from decimal import Decimal
from typing import Any

import django_filters
import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import AN_ID, asks
from shop.forms import AddressForm, Form, Id, MoneyForm, Nothing, Percent, Text, Whole
from shop.http import ask
from shop.ordering.checkout.commands import (
    abandon_checkout,
    accept,
    choose_payment,
    override_address,
    set_item,
    show_quote,
    start_checkout,
)
from shop.ordering.checkout.domain import Checkout
from shop.ordering.checkout.models import CheckoutSummary
from shop.ordering.forms import PaymentForm
from shop.resource import Resource
from shop.values import plain

STATUSES = ("open", "accepted", "abandoned")


class StartCheckout(Form):
    example = {"customer_id": AN_ID}

    customer_id = Id(required=False, allow_null=True, help_text="Nobody's: a guest's.")


class SetItem(Form):
    example = {"sku": "MUG-1", "quantity": 2}

    sku = Text(max_length=64)
    quantity = Whole(min_value=0, max_value=1_000_000, help_text="In all; 0: none.")


class OverrideAddress(Form):
    example = {"address": AddressForm.example}

    address = AddressForm(help_text="For this order alone.")


class ChoosePayment(Form):
    example = {"payment": PaymentForm.example}

    payment = PaymentForm()


class AcceptQuote(Form):
    example = {"quote": 1}

    quote = Whole(min_value=1, max_value=1_000_000, help_text="Its number.")


class Abandon(Form):
    example = {"reason": "only looking"}

    reason = Text(max_length=500, allow_blank=True, default="")


@extend_schema_field(MoneyForm)
class QuotedMoney(serializers.Field):
    """An amount as the log has it: in JSON."""

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value | {"amount": plain(Decimal(value["amount"]))}


class QuotedLineSerializer(serializers.Serializer):
    product_id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = QuotedMoney()
    price_revision = serializers.IntegerField()
    total = QuotedMoney()


class RatesSerializer(serializers.Serializer):
    tax = Percent()
    discount = Percent()


class QuoteSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    lines = QuotedLineSerializer(many=True)
    discount = QuotedMoney(allow_null=True, default=None, help_text="Off the goods, for who is premium.")
    shipping = QuotedMoney()
    tax = QuotedMoney(allow_null=True, default=None, help_text="On goods − discount + shipping.")
    total = QuotedMoney()
    rates = RatesSerializer(allow_null=True, default=None)
    expires = serializers.DateTimeField()


class CheckoutSerializer(serializers.Serializer):
    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 3,
        "customer_id": AN_ID,
        "status": "open",
        "items": {"MUG-1": 2},
        "address": None,
        "payment": "card",
        "last_four": "4242",
        "quote": {
            "number": 1,
            "lines": [
                {
                    "product_id": AN_ID,
                    "sku": "MUG-1",
                    "name": "Harbour mug",
                    "quantity": 2,
                    "unit_price": MoneyForm.example,
                    "price_revision": 1,
                    "total": {"amount": "25.00", "currency": "EUR"},
                }
            ],
            "discount": {"amount": "1.25", "currency": "EUR"},
            "shipping": {"amount": "4.90", "currency": "EUR"},
            "tax": {"amount": "5.73", "currency": "EUR"},
            "total": {"amount": "34.38", "currency": "EUR"},
            "rates": {"tax": "20", "discount": "5"},
            "expires": "2026-03-01T12:15:00.123456Z",
        },
        "ship_to": AddressForm.example,
        "address_seen_at": "2026-03-01T10:41:00.123456Z",
        "order_id": None,
        "reason": "",
        "started_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    status = serializers.CharField(help_text="open → accepted | abandoned")
    items = serializers.DictField(child=serializers.IntegerField(), help_text="Quantities by SKU.")
    address = AddressForm(allow_null=True, help_text="For this order alone.")
    payment = serializers.CharField(help_text="card, account, none; empty: none was chosen.")
    last_four = serializers.CharField(help_text="Of the card.")
    quote = QuoteSerializer(allow_null=True, help_text="What was shown last; null: nothing since the last change.")
    ship_to = AddressForm(allow_null=True, help_text="Where the quote goes to.")
    address_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="When the customer's address was last heard of; null: it is for this order alone."
    )
    order_id = serializers.UUIDField(allow_null=True, help_text="The order that it became.")
    reason = serializers.CharField(help_text="Why it was abandoned.")
    started_at = serializers.DateTimeField()


class CheckoutFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    customer_id = django_filters.UUIDFilter()


class Checkouts(Resource):
    queryset = CheckoutSummary.objects.all()
    serializer_class = CheckoutSerializer
    filterset_class = CheckoutFilters
    orderings = {"-started_at": "started_at"}
    aggregate = Checkout

    def row_of(self, aggregate: Checkout) -> CheckoutSummary:
        return CheckoutSummary(
            id=aggregate.id,
            version=aggregate.version,
            customer_id=aggregate.customer_id,
            status=aggregate.status,
            items=aggregate.items,
            address=msgspec.to_builtins(aggregate.address),
            payment=aggregate.payment.kind if aggregate.payment else "",
            last_four=aggregate.payment.last_four if aggregate.payment else "",
            quote=msgspec.to_builtins(aggregate.quote),
            ship_to=msgspec.to_builtins(aggregate.ship_to),
            address_seen_at=aggregate.address_seen_at,
            order_id=aggregate.order_id,
            reason=aggregate.reason,
            started_at=aggregate.created_on,
        )

    @asks(StartCheckout, "unknown_customer", "customer_merged", "customer_blocked")
    def create(self, request: Request) -> Response:
        """Start a checkout, with nothing in its basket."""
        return ask(request, StartCheckout, start_checkout)

    @action(detail=True, methods=["post"])
    @asks(SetItem, "wrong_status", "unknown_product", "not_on_sale", "too_much")
    def items(self, request: Request, pk: Any) -> Response:
        """Put so many of a product into the basket; 0 takes it out."""
        return ask(request, SetItem, set_item, pk)

    @action(detail=True, methods=["post"])
    @asks(OverrideAddress, "wrong_status")
    def address(self, request: Request, pk: Any) -> Response:
        """Have this order alone sent elsewhere."""
        return ask(request, OverrideAddress, override_address, pk)

    @action(detail=True, methods=["post"])
    @asks(ChoosePayment, "wrong_status", "unknown_card")
    def payment(self, request: Request, pk: Any) -> Response:
        """Choose how it is paid."""
        return ask(request, ChoosePayment, choose_payment, pk)

    @action(detail=True, methods=["post"])
    @asks(
        Nothing,
        *("wrong_status", "empty_order", "not_on_sale", "mixed_currencies"),
        *("unknown_customer", "customer_merged", "customer_blocked", "context_down"),
    )
    def quote(self, request: Request, pk: Any) -> Response:
        """Show what it costs now.

        The quote stands in the checkout, and holds for some minutes. Any change to the checkout ends it.
        """
        return ask(request, Nothing, show_quote, pk)

    @action(detail=True, methods=["post"])
    @asks(
        AcceptQuote,
        "idempotency_key_required",
        *("wrong_status", "no_quote", "quote_replaced", "quote_expired", "not_on_sale", "too_much"),
        *("stale_price", "stale_total"),
        *("no_account", "customer_blocked", "insufficient_stock", "credit_exceeded"),
    )
    def accept(self, request: Request, pk: Any) -> Response:
        """Order what the last quote says.

        What has become cheaper since is sold cheaper. Where something has become dearer, or all together has, that is
        refused, and a new quote is shown in the checkout; `quote` is its number. The same again changes nothing.
        """
        return ask(request, AcceptQuote, accept, pk, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(Abandon, "wrong_status")
    def abandon(self, request: Request, pk: Any) -> Response:
        """Leave without an order."""
        return ask(request, Abandon, abandon_checkout, pk)
