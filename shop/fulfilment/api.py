"""Processes over HTTP: how far each order is on its way to being confirmed."""

from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import django_filters
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from eventstore import log
from shop.application import find
from shop.docs import AN_ID, shows
from shop.forms import MoneyIn
from shop.fulfilment.domain import PlaceOrder
from shop.fulfilment.models import OrderProcess
from shop.fulfilment.policies import PlaceOrders
from shop.http import etag
from shop.ordering.domain import Order
from shop.problems import Problem
from shop.resource import Resource, position, wait_for

STATUSES = ("running", "confirmed", "undoing", "rejected")


class Told(serializers.DateTimeField):
    """An instant that a row keeps as text."""

    def to_representation(self, value: str) -> str:
        return super().to_representation(datetime.fromisoformat(value))  # type: ignore[no-any-return]


class StepSerializer(serializers.Serializer):
    step = serializers.CharField()
    at = Told()


class ProcessSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 4,
        "order_id": AN_ID,
        "customer_id": AN_ID,
        "payment": "card",
        "total": {"amount": "29.90", "currency": "EUR"},
        "status": "running",
        "waits_for": "payment",
        "due": "2026-03-01T12:10:00.123456Z",
        "code": "",
        "reason": "",
        "steps": [{"step": "started", "at": "2026-03-01T12:00:00.123456Z"}],
        "started_at": "2026-03-01T12:00:00.123456Z",
        "ended_at": None,
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    order_id = serializers.UUIDField()
    customer_id = serializers.UUIDField(allow_null=True)
    payment = serializers.CharField(help_text="card, account or none")
    total = MoneyIn("amount")
    status = serializers.CharField(help_text="running → confirmed | undoing → rejected")
    waits_for = serializers.CharField(help_text="The step that somebody else is at; empty: none.")
    due = serializers.DateTimeField(allow_null=True, help_text="When it gives up what it waits for.")
    code = serializers.CharField(
        help_text="Why it was undone, for programs: insufficient_stock, card_declined, timed_out."
    )
    reason = serializers.CharField(help_text="… and for people.")
    steps = StepSerializer(many=True)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ProcessFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    waits_for = django_filters.ChoiceFilter(choices=[("payment", "payment")])
    customer_id = django_filters.UUIDFilter()


class Processes(Resource):
    queryset = OrderProcess.objects.all()
    serializer_class = ProcessSerializer
    filterset_class = ProcessFilters
    orderings = {"-started_at": "started_at"}
    aggregate = PlaceOrder

    def known(self) -> tuple[str, ...]:
        """One is shown as it is now, or as it was known then; its steps say when each was done."""
        return ("after", "as_of") if self.action in ("retrieve", "of_order") else super().known()

    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One, as it is now, or was known then."""
        return self.one(pk=pk)

    @shows(ProcessSerializer)
    def of_order(self, request: Request, pk: UUID) -> Response:
        """How far an order is on its way to being confirmed, step by step.

        `after` the position at which it was placed waits until its process has begun.
        """
        return self.one(order_id=pk)

    def wait(self, after: int | None, model: Any = None) -> None:
        """Until what is to be done about the event at ``after`` was begun, and the read model has seen that."""
        if after:
            wait_for(PlaceOrders.name, after)  # it acts and moves its checkpoint in one commit
            super().wait(log.last(), model)

    def one(self, **which: UUID) -> Response:
        after = self.asked.get("after", position)
        self.asked.settle()
        self.wait(after)
        rows, _ = self.then_known(self.get_queryset(), "")
        row = rows.filter(**which).first() or self.none(which.get("order_id"))
        return Response(self.get_serializer(row).data, headers={"ETag": etag(row.version)})

    def none(self, order_id: UUID | None) -> NoReturn:
        """Why there is none: each order has one, a moment after it was placed."""
        if self.moment is None and order_id and find(Order, order_id):
            how = "?after= the position at which it was placed waits for that"
            raise Problem("not_yet", f"Nobody has begun with this order yet: {how}. Ask again.")
        raise Http404
