"""Shipments over HTTP: POST asks, GET reads."""

from typing import Any
from uuid import UUID

import django_filters
import msgspec
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import AN_ID, asks
from shop.forms import AddressForm, Choice, Form, Nothing, Text
from shop.http import ask
from shop.resource import Resource
from shop.shipping.commands import answer_address, deliver, dispatch, lose, pack
from shop.shipping.domain import ASK, DECISIONS, Shipment
from shop.shipping.models import ShipmentSummary

STATUSES = ("planned", "packed", "dispatched", "delivered", "lost", "cancelled")
TO_DO = ("planned", "packed")
QUESTIONS = ("open", "asked", *DECISIONS, "withdrawn")


class Dispatch(Form):
    example = {"carrier": "DHL", "tracking": "JD0123456789"}

    carrier = Text(max_length=100)
    tracking = Text(max_length=200, allow_blank=True, default="", help_text="The carrier's number for it.")


class Lose(Form):
    example = {"reason": "the carrier found it no more"}

    reason = Text(max_length=500)


class AnswerAddress(Form):
    example = {"decision": "use_present"}

    decision = Choice(
        (*DECISIONS, ASK),
        help_text="As ordered, or where the customer lives now; ask: they are asked by mail, and it waits for them.",
    )


class PackedSerializer(serializers.Serializer):
    sku = serializers.CharField()
    name = serializers.CharField(help_text="As it was bought.")
    quantity = serializers.IntegerField()


class ShipmentSerializer(serializers.Serializer):
    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 2,
        "order_id": AN_ID,
        "customer_id": AN_ID,
        "status": "packed",
        "lines": [{"sku": "MUG-1", "name": "Harbour mug", "quantity": 2}],
        "pieces": 2,
        "ship_to": AddressForm.example,
        "overridden": False,
        "question": "open",
        "lives_at": AddressForm.example,
        "asked_since": "2026-03-01T12:00:00.123456Z",
        "carrier": "",
        "tracking": "",
        "reason": "",
        "planned_at": "2026-03-01T12:00:00.123456Z",
        "changed_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    order_id = serializers.UUIDField()
    customer_id = serializers.UUIDField(allow_null=True, help_text="Null: a guest's.")
    status = serializers.CharField(help_text="planned → packed → dispatched → delivered | lost, or cancelled")
    lines = PackedSerializer(many=True)
    pieces = serializers.IntegerField(help_text="The quantities of all lines together.")
    ship_to = AddressForm(allow_null=True)
    overridden = serializers.BooleanField(help_text="Whether the customer said for this order alone where it goes.")
    question = serializers.CharField(help_text=f"Where it goes: {', '.join(QUESTIONS)}; or empty.")
    lives_at = AddressForm(allow_null=True, help_text="The customer's other address, while the question is open.")
    asked_since = serializers.DateTimeField(allow_null=True, help_text="Since when they have had it.")
    carrier = serializers.CharField()
    tracking = serializers.CharField()
    reason = serializers.CharField(help_text="Why it was lost or cancelled.")
    planned_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(help_text="When the last thing happened to it.")


class ShipmentFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    order_id = django_filters.UUIDFilter()
    customer_id = django_filters.UUIDFilter()
    question = django_filters.ChoiceFilter(
        choices=[(question, question) for question in QUESTIONS],
        help_text="open: somebody must decide where it goes; asked: the customer must.",
    )
    pick_list = django_filters.ChoiceFilter(
        choices=[("true", "to do")], method="to_do", help_text="Those that are planned or packed."
    )

    def to_do(self, shipments: QuerySet[ShipmentSummary], name: str, value: str) -> QuerySet[ShipmentSummary]:
        return shipments.filter(status__in=TO_DO)


class Shipments(Resource):
    queryset = ShipmentSummary.objects.all()
    serializer_class = ShipmentSerializer
    filterset_class = ShipmentFilters
    orderings = {"planned_at": "planned_at", "changed_at": "changed_at"}
    aggregate = Shipment

    def row_of(self, aggregate: Shipment) -> ShipmentSummary:
        return ShipmentSummary(
            id=aggregate.id,
            version=aggregate.version,
            order_id=aggregate.order_id,
            customer_id=aggregate.customer_id,
            status=aggregate.status,
            lines=msgspec.to_builtins(aggregate.lines),
            pieces=sum(line.quantity for line in aggregate.lines),
            ship_to=msgspec.to_builtins(aggregate.ship_to),
            overridden=aggregate.overridden,
            question=("asked" if aggregate.customer_asked else "open") if aggregate.question else aggregate.decision,
            lives_at=msgspec.to_builtins(aggregate.question),
            asked_since=aggregate.asked_since,
            carrier=aggregate.carrier,
            tracking=aggregate.tracking,
            reason=aggregate.reason,
            planned_at=aggregate.created_on,
            changed_at=aggregate.modified_on,
        )

    @action(detail=True, methods=["post"])
    @asks(AnswerAddress, "no_address_question", "wrong_status", "customer_erased")
    def address(self, request: Request, pk: UUID) -> Response:
        """Decide where a parcel goes whose customer lives elsewhere now, or ask them.

        Asked, they say so on the page of their order, or to you; until then it is not dispatched.
        """
        return ask(request, AnswerAddress, answer_address, pk)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "wrong_status")
    def pack(self, request: Request, pk: UUID) -> Response:
        """Say that a parcel is packed."""
        return ask(request, Nothing, pack, pk)

    @action(detail=True, methods=["post"], url_path="dispatch", url_name="dispatch")  # a view has a dispatch already
    @asks(
        Dispatch,
        *("idempotency_key_required", "address_question_open", "no_address", "wrong_status", "customer_erased"),
        *("not_paid", "insufficient_stock"),
    )
    def hand_over(self, request: Request, pk: UUID) -> Response:
        """Hand a packed parcel to the carrier.

        Refused while it is open whether it goes where it was ordered to, or where its customer lives now; while its
        goods, on back-order, are not there; and when the money for them was let go of.
        """
        return ask(request, Dispatch, dispatch, pk, key_required=True)

    @action(detail=True, methods=["post"])
    @asks(Nothing, "wrong_status")
    def deliver(self, request: Request, pk: UUID) -> Response:
        """Say that a parcel was delivered."""
        return ask(request, Nothing, deliver, pk)

    @action(detail=True, methods=["post"])
    @asks(Lose, "wrong_status")
    def lose(self, request: Request, pk: UUID) -> Response:
        """Say that a parcel was lost on its way."""
        return ask(request, Lose, lose, pk)
