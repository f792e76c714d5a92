"""Stock over HTTP, by SKU: POST asks, GET reads."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

import django_filters
from django.http import Http404
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import AN_ID, asks, shows
from shop.forms import Flag, Form, Text, Whole
from shop.http import ask
from shop.inventory.commands import count_stock, receive_stock, set_stock_policy
from shop.inventory.domain import MOST, StockItem, stock_of
from shop.inventory.models import Reservation, StockLevel, StockMovement
from shop.resource import EventSerializer, Resource


class ReceiveStock(Form):
    example = {"quantity": 24, "reference": "delivery note 4711"}

    quantity = Whole(min_value=1, max_value=MOST)
    reference = Text(max_length=200, allow_blank=True, default="", help_text="Of the delivery.")


class CountStock(Form):
    example = {"counted": 9, "reason": "yearly stock-taking"}

    counted = Whole(min_value=0, max_value=MOST, help_text="What is on the shelf, reserved or not.")
    reason = Text(max_length=500)
    as_of = Whole(
        required=False,
        min_value=1,
        max_value=2**62,
        help_text="A position in the log: it was counted against the number of then. What has moved since is reckoned "
        "in. Without it, it is what is there now.",
    )


class SetStockPolicy(Form):
    example = {"back_orders": False, "low_at": 5}

    back_orders = Flag(help_text="Whether more may be reserved than there are.")
    low_at = Whole(min_value=0, max_value=MOST, help_text="It is low when no more than so many are available.")


class StockSerializer(serializers.Serializer):
    example = {
        "id": AN_ID,
        "version": 4,
        "sku": "MUG-1",
        "on_hand": 24,
        "reserved": 2,
        "available": 22,
        "back_orders": False,
        "low_at": 5,
        "low": False,
        "opened_at": "2026-03-01T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    sku = serializers.CharField()
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField(help_text="More than there are on hand: the rest is on back-order.")
    available = serializers.IntegerField(help_text="What the next order may have, but for back-orders.")
    back_orders = serializers.BooleanField(help_text="Whether more may be reserved than there are.")
    low_at = serializers.IntegerField(help_text="It is low when no more than so many are available.")
    low = serializers.BooleanField()
    opened_at = serializers.DateTimeField()


class MovementSerializer(serializers.Serializer):
    example = {
        "version": 3,
        "kind": "reserved",
        "order_id": AN_ID,
        "change": 0,
        "claim": 2,
        "on_hand": 24,
        "reserved": 2,
        "available": 22,
        "note": "",
        "at": "2026-03-01T12:00:00.123456Z",
    }

    version = serializers.IntegerField(source="number", help_text="Of the stock item, after it.")
    kind = serializers.CharField(help_text="received, counted, reserved, released, shipped, taken back")
    order_id = serializers.UUIDField(allow_null=True)
    change = serializers.IntegerField(help_text="Of what is on hand.")
    claim = serializers.IntegerField(help_text="Of what is reserved.")
    on_hand = serializers.IntegerField(help_text="After it.")
    reserved = serializers.IntegerField(help_text="After it.")
    available = serializers.IntegerField(help_text="After it.")
    note = serializers.CharField(help_text="A reference, or a reason.")
    at = serializers.DateTimeField()


class ReservationSerializer(serializers.Serializer):
    example = {
        "order_id": AN_ID,
        "quantity": 2,
        "status": "reserved",
        "taken_back": 0,
        "reserved_at": "2026-03-01T12:00:00.123456Z",
    }

    order_id = serializers.UUIDField()
    quantity = serializers.IntegerField()
    status = serializers.CharField(help_text="reserved → released | shipped")
    taken_back = serializers.IntegerField(help_text="Of what was shipped.")
    reserved_at = serializers.DateTimeField()


class StockFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(
        field_name="sku", lookup_expr="icontains", max_length=64, help_text="Part of the SKU."
    )
    sku = django_filters.CharFilter(max_length=64, help_text="The whole SKU.")
    low = django_filters.TypedChoiceFilter(
        choices=[("true", "low"), ("false", "not low")],
        coerce=lambda text: text == "true",
        help_text="Those that must be bought soon; or the others.",
    )


class Stock(Resource):
    queryset = StockLevel.objects.all()
    serializer_class = StockSerializer
    filterset_class = StockFilters
    orderings = {"sku": "sku", "on_hand": "on_hand", "available": "available"}
    aggregate = StockItem
    lookup_field = "sku"
    lookup_value_converter = "str"

    def row_of(self, aggregate: StockItem) -> StockLevel:
        return StockLevel(
            id=aggregate.id,
            version=aggregate.version,
            sku=aggregate.sku,
            on_hand=aggregate.on_hand,
            reserved=aggregate.reserved,
            available=aggregate.available,
            back_orders=aggregate.back_orders,
            low_at=aggregate.low_at,
            low=aggregate.is_low,
            opened_at=aggregate.created_on,
        )

    def retrieve(self, request: Request, sku: str) -> Response:
        """The stock of one SKU, as it is now or as it was.

        `as_of` asks what was known at a moment, `effective_at` what was true at an instant. Without them, it is as of
        the last event that the read model has seen; `after` waits for one.
        """
        return super().retrieve(request, named(sku))

    @action(detail=True)
    @shows(EventSerializer(many=True))
    def history(self, request: Request, sku: str) -> Response:
        """All that happened to it, oldest first, with who and why."""
        return super().history(request, named(sku))

    @action(detail=True)
    @shows(MovementSerializer(many=True))
    def ledger(self, request: Request, sku: str) -> Response:
        """Each movement of a SKU, the first one first, with what there was after it; `as_of`: until then."""
        return self.of(sku, StockMovement.objects.all(), MovementSerializer, {"version": "number"}, came="id")

    @action(detail=True)
    @shows(ReservationSerializer(many=True), "pruned")
    def reservations(self, request: Request, sku: str) -> Response:
        """Which orders have, or had, a claim on a SKU, the last one first; with `as_of`, as it was then."""
        return self.of(sku, Reservation.objects.all(), ReservationSerializer, {"-reserved_at": "reserved_at"})

    @action(detail=True, methods=["post"])
    @asks(ReceiveStock, "idempotency_key_required", "bad_quantity")
    def receive(self, request: Request, sku: str) -> Response:
        """Take a delivery of a SKU into stock.

        The first one opens its ledger.
        """
        return self.asked_of(sku, ReceiveStock, receive_stock)

    @action(detail=True, methods=["post"])
    @asks(CountStock, "idempotency_key_required", "insufficient_stock", "unknown_stock")
    def count(self, request: Request, sku: str) -> Response:
        """Say how many of a SKU were found on the shelf.

        Less than is reserved is refused, unless back-orders are allowed: release orders first.
        """
        return self.asked_of(sku, CountStock, count_stock)

    @action(detail=True, methods=["post"])
    @asks(SetStockPolicy, "insufficient_stock")
    def policy(self, request: Request, sku: str) -> Response:
        """Say whether a SKU may be sold before it is there, and when it is low."""
        return self.asked_of(sku, SetStockPolicy, set_stock_policy, key_required=False)

    def of(
        self, sku: str, rows: Any, serializer: type[serializers.Serializer], orderings: dict[str, str], came: str = ""
    ) -> Response:
        stream_id = named(sku)
        page = self.page(rows.filter(stock_id=stream_id), serializer, orderings, came=came)
        self.row(stream_id)  # or there is none
        return page

    def asked_of(self, sku: str, form: type[Form], command: Callable[..., Any], key_required: bool = True) -> Response:
        answer = ask(self.request, form, command, spelt(sku), key_required=key_required)
        answer["Location"] = answer["Location"].replace(str(answer.data["id"]), quote(spelt(sku), safe=""))
        return answer


def named(sku: str) -> UUID:
    return stock_of(spelt(sku))


def spelt(sku: str) -> str:
    """The SKU as it would be in a body. Http404: it cannot be one."""
    if "\ufffd" in sku:  # whoever asks has lost what stood there
        raise Http404
    try:
        return Text(max_length=64).run_validation(sku)  # type: ignore[no-any-return]
    except ValidationError:
        raise Http404 from None
