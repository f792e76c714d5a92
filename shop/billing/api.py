"""Billing over HTTP, to look at: now, and as it was known at any moment. Each has a list alone."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers

from shop.billing.models import Contact, OrderPayment, TakingsOfDay, TakingsOfMonth
from shop.billing.takings import Taken
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
    """What came in in a day or a month, and what was paid back in it; what is left of that, and what of it is tax."""

    example: dict[str, Any] = {
        "period": "2026-03-01",
        "currency": "EUR",
        "captured": {"amount": "125.00", "currency": "EUR"},
        "refunded": {"amount": "25.00", "currency": "EUR"},
        "net": {"amount": "83.33", "currency": "EUR"},
        "tax": {"amount": "16.67", "currency": "EUR"},
        "gross": {"amount": "100.00", "currency": "EUR"},
        "captures": 5,
        "refunds": 1,
    }

    period = serializers.CharField(help_text="2026-03-01, or 2026-03; in UTC.")
    currency = serializers.CharField()
    captured = MoneyIn("captured")
    refunded = MoneyIn("refunded", help_text="In this day or month, whenever it had come in.")
    net = MoneyIn("net", help_text="Gross, without tax.")
    tax = MoneyIn("tax", help_text="As it was frozen in the orders; of a part of one, its share to the cent.")
    gross = MoneyIn("gross", help_text="Captured, less refunded.")
    captures = serializers.IntegerField()
    refunds = serializers.IntegerField()


class TakingsFilters(django_filters.FilterSet):
    by = django_filters.ChoiceFilter(
        choices=[("day", "day"), ("month", "month")], method="keep_all", help_text="day, if nothing is said."
    )
    since = django_filters.DateFilter(method="begins", lookup_expr="gte", help_text=f"From this day on. {DAY}")
    until = django_filters.DateFilter(method="begins", lookup_expr="lte", help_text=f"Up to this day. {DAY}")
    currency = django_filters.CharFilter(max_length=3)

    def keep_all(self, takings: QuerySet[Taken], name: str, value: str) -> QuerySet[Taken]:
        return takings

    def begins(self, takings: QuerySet[Taken], name: str, value: date) -> QuerySet[Taken]:
        field = "month" if takings.model is TakingsOfMonth else "day"
        return takings.filter(**{f"{field}__{self.filters[name].lookup_expr}": value})


class Takings(Resource):
    """``?by=`` chooses the table."""

    queryset = TakingsOfDay.objects.all()
    serializer_class = TakingsSerializer
    filterset_class = TakingsFilters

    @property
    def orderings(self) -> dict[str, str]:  # type: ignore[override]
        return {"-period": "month" if self.by_month else "day"}

    @property
    def by_month(self) -> bool:
        return bool(self.request) and self.request.query_params.get("by") == "month"

    def get_queryset(self) -> QuerySet[Taken]:
        return TakingsOfMonth.objects.all() if self.by_month else super().get_queryset()
