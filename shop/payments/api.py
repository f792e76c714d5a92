"""Payments over HTTP: what became of them, and what staff ask for: capture, void, refund."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import django_filters
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import AN_ID, asks
from shop.filters import InstantFilter
from shop.forms import Form, MoneyForm, MoneyIn, Nothing, Text
from shop.http import ask
from shop.payments.commands import capture, refund_payment, void
from shop.payments.domain import Payment
from shop.payments.models import PaymentRefund, PaymentSummary
from shop.resource import Resource

STATUSES = ("requested", "authorised", "declined", "captured", "refunded", "voided", "unknown")


class CapturePayment(Form):
    example = {"amount": MoneyForm.example}

    amount = MoneyForm(required=False, allow_null=True, help_text="If less than all; the rest is let go of.")


class RefundPayment(Form):
    example = {"amount": MoneyForm.example, "reason": "came back"}

    amount = MoneyForm()
    reason = Text(max_length=500)


class PaymentSerializer(serializers.Serializer):
    """A payment as lists show it."""

    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 4,
        "order_id": AN_ID,
        "customer_id": AN_ID,
        "status": "captured",
        "unknown": [],
        "amount": {"amount": "25.00", "currency": "EUR"},
        "captured": {"amount": "25.00", "currency": "EUR"},
        "refunded": {"amount": "0.00", "currency": "EUR"},
        "last_four": "4242",
        "reference": "auth_00000001",
        "reason": "",
        "requested_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    order_id = serializers.UUIDField()
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    status = serializers.CharField(help_text="requested → authorised → captured → refunded; declined, voided; unknown")
    unknown = serializers.ListField(child=serializers.CharField(), help_text="Of which nobody can say what became.")
    amount = MoneyIn("amount")
    captured = MoneyIn("captured")
    refunded = MoneyIn("refunded")
    last_four = serializers.CharField(help_text="Of the card.")
    reference = serializers.CharField(help_text="The gateway's.")
    reason = serializers.CharField(help_text="Why it was declined, or could not be captured.")
    requested_at = serializers.DateTimeField()


class RefundSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    amount = MoneyIn("amount")
    reason = serializers.CharField()
    status = serializers.CharField(help_text="requested → refunded | failed")
    reference = serializers.CharField(help_text="The gateway's; or why it failed.")


class PaymentPageSerializer(PaymentSerializer):
    """A payment with its refunds."""

    example = PaymentSerializer.example | {
        "refunds": [
            {"number": 1, "amount": MoneyForm.example, "reason": "came back", "status": "requested", "reference": ""}
        ]
    }

    refunds = RefundSerializer(many=True)


class PaymentFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    order_id = django_filters.UUIDFilter()
    customer_id = django_filters.UUIDFilter()
    requested_after = InstantFilter(field_name="requested_at", lookup_expr="gte", help_text="At this instant or later.")
    requested_before = InstantFilter(field_name="requested_at", lookup_expr="lt", help_text="Before this instant.")


class Payments(Resource):
    queryset = PaymentSummary.objects.all()
    filterset_class = PaymentFilters
    orderings = {"-requested_at": "requested_at", "amount": "amount"}
    aggregate = Payment

    def get_serializer_class(self) -> type[PaymentSerializer]:
        return PaymentSerializer if self.action == "list" else PaymentPageSerializer

    def row(self, pk: UUID) -> PaymentSummary:
        payment: Any = super().row(pk)
        payment.refunds = PaymentRefund.objects.filter(payment_id=pk).order_by("number")
        return payment  # type: ignore[no-any-return]

    def row_of(self, aggregate: Payment) -> PaymentSummary:
        payment: Any = PaymentSummary(
            id=aggregate.id,
            version=aggregate.version,
            order_id=aggregate.order_id,
            customer_id=aggregate.customer_id,
            status=aggregate.status,
            settled=aggregate.settled,
            unknown=list(aggregate.unknown),
            amount=aggregate.amount.amount,
            captured=aggregate.captured.amount if aggregate.captured else Decimal(0),
            refunded=aggregate.refunded,
            currency=aggregate.amount.currency,
            last_four=aggregate.last_four,
            reference=aggregate.authorisation,
            reason=aggregate.reason,
            requested_at=aggregate.created_on,
        )
        payment.refunds = [
            PaymentRefund(
                number=refund.number,
                amount=refund.amount.amount,
                currency=refund.amount.currency,
                reason=refund.reason,
                status=refund.status,
                reference=refund.reference,
            )
            for refund in aggregate.refunds
        ]
        return payment  # type: ignore[no-any-return]

    @action(detail=True, methods=["post"])
    @asks(CapturePayment, "idempotency_key_required", "wrong_status", "bad_amount", "more_than_authorised")
    def capture(self, request: Request, pk: UUID) -> Response:
        """Capture what was authorised.

        The gateway is asked soon afterwards; what it says becomes the payment's status.
        """
        return ask(request, CapturePayment, capture, pk, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "idempotency_key_required", "wrong_status")
    def void(self, request: Request, pk: UUID) -> Response:
        """Let go of what was authorised."""
        return ask(request, Nothing, void, pk, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(RefundPayment, "idempotency_key_required", "wrong_status", "bad_amount", "more_than_captured")
    def refund(self, request: Request, pk: UUID) -> Response:
        """Pay back what was captured, or some of it."""
        return ask(request, RefundPayment, refund_payment, pk, key_required=True)
