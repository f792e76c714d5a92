"""Billing over HTTP, to look at: now, and as it was known at any moment. Each has a list alone."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers

from shop.billing.models import Contact, OrderPayment, TakingsOfDay
from shop.docs import AN_ID
from shop.forms import MoneyIn
from shop.resource import Resource

DAY = "A day in UTC, such as 2026-03-01."


class ContactSerializer(serializers.Serializer):
    """Billing's copy of a customer, and which of the customer's events it has seen last."""

    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 3,
        "position": 1042,
        "name": "Ada Lovelace",
        "email": "ada@example.com",
    }

    id = serializers.UUIDField(help_text="The customer's.")
    version = serializers.IntegerField(help_text="Of the customer, as this copy has it.")
    position = serializers.IntegerField(help_text="In the log, of the event that last changed this copy.")
    name = serializers.CharField()
    email = serializers.CharField()


class ContactFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", max_length=200, help_text="Part of the name or the address.")

    def search(self, contacts: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        return contacts.filter(Q(name__icontains=value) | Q(email__icontains=value))


class Contacts(Resource):
    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilters
    orderings = {"name": "name"}


class OrderPaymentSerializer(serializers.Serializer):
    """What an order was paid."""

    example: dict[str, Any] = {
        "id": AN_ID,
        "order_id": AN_ID,
        "customer_id": AN_ID,
        "amount": {"amount": "25.00", "currency": "EUR"},
        "authorised": {"amount": "0.00", "currency": "EUR"},
        "captured": {"amount": "25.00", "currency": "EUR"},
        "refunded": {"amount": "5.00", "currency": "EUR"},
        "kept": {"amount": "20.00", "currency": "EUR"},
        "requested_at": "2026-03-01T12:00:00.123456Z",
        "captured_at": "2026-03-02T12:00:00.123456Z",
        "refunded_at": "2026-03-05T12:00:00.123456Z",
    }

    id = serializers.UUIDField(help_text="The payment's.")
    order_id = serializers.UUIDField()
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    amount = MoneyIn("amount", help_text="That was asked for.")
    authorised = MoneyIn("authorised", help_text="And not yet captured.")
    captured = MoneyIn("captured")
    refunded = MoneyIn("refunded")
    kept = MoneyIn("kept", help_text="Captured, and not paid back.")
    requested_at = serializers.DateTimeField()
    captured_at = serializers.DateTimeField(allow_null=True)
    refunded_at = serializers.DateTimeField(allow_null=True, help_text="The last time.")


class OrderPaymentFilters(django_filters.FilterSet):
    order_id = django_filters.UUIDFilter()
    customer_id = django_filters.UUIDFilter()


class OrderPayments(Resource):
    queryset = OrderPayment.objects.all()
    serializer_class = OrderPaymentSerializer
    filterset_class = OrderPaymentFilters
    orderings = {"-requested_at": "requested_at"}


class TakingsSerializer(serializers.Serializer):
    """What came in on a day, and what was paid back on it."""

    example: dict[str, Any] = {
        "day": "2026-03-01",
        "currency": "EUR",
        "captured": {"amount": "125.00", "currency": "EUR"},
        "refunded": {"amount": "25.00", "currency": "EUR"},
        "net": {"amount": "100.00", "currency": "EUR"},
        "captures": 5,
        "refunds": 1,
    }

    day = serializers.DateField(help_text="In UTC.")
    currency = serializers.CharField()
    captured = MoneyIn("captured")
    refunded = MoneyIn("refunded", help_text="On this day, whenever it had come in.")
    net = MoneyIn("net")
    captures = serializers.IntegerField()
    refunds = serializers.IntegerField()


class TakingsFilters(django_filters.FilterSet):
    since = django_filters.DateFilter(field_name="day", lookup_expr="gte", help_text=f"On this day or later. {DAY}")
    until = django_filters.DateFilter(field_name="day", lookup_expr="lte", help_text=f"On this day or before. {DAY}")
    currency = django_filters.CharFilter(max_length=3)


class Takings(Resource):
    queryset = TakingsOfDay.objects.all()
    serializer_class = TakingsSerializer
    filterset_class = TakingsFilters
    orderings = {"-day": "day"}
