"""Reports over HTTP: what was sold, now and as it was known at any moment."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import django_filters
from django.db.models import Count, Max, QuerySet, Sum
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop.docs import AN_ID, shows
from shop.forms import MoneyForm, MoneyIn
from shop.reporting.models import SalesOf, SoldLine, UnshippedLine
from shop.resource import Resource, past, position

MOST = 100  # SKUs of a ranking
DAY = "A day in UTC, such as 2026-03-01."


class TotalsSerializer(serializers.Serializer):
    currency = serializers.CharField()
    orders = serializers.IntegerField(help_text="That were placed.")
    gross = MoneyForm(help_text="Of them.")
    orders_taken_back = serializers.IntegerField(help_text="That were cancelled or rejected, whenever placed.")
    taken_back = MoneyForm(help_text="Of them.")
    net = MoneyForm()


class SalesSerializer(serializers.Serializer):
    """What was sold in a day or a month."""

    example: dict[str, Any] = {
        "period": "2026-03-01",
        "totals": [
            {
                "currency": "EUR",
                "orders": 12,
                "gross": {"amount": "310.00", "currency": "EUR"},
                "orders_taken_back": 1,
                "taken_back": {"amount": "25.00", "currency": "EUR"},
                "net": {"amount": "285.00", "currency": "EUR"},
            }
        ],
    }

    period = serializers.CharField(source="id", help_text="2026-03-01, or 2026-03; in UTC.")
    totals = TotalsSerializer(many=True, source="told", help_text="By currency.")


class SalesFilters(django_filters.FilterSet):
    by = django_filters.ChoiceFilter(choices=[("day", "day"), ("month", "month")], help_text="day, if nothing is said.")
    since = django_filters.DateFilter(field_name="begins", lookup_expr="gte", help_text=f"From this day on. {DAY}")
    until = django_filters.DateFilter(field_name="begins", lookup_expr="lte", help_text=f"Up to this day. {DAY}")


class Sales(Resource):
    queryset = SalesOf.objects.all()
    serializer_class = SalesSerializer
    filterset_class = SalesFilters
    orderings = {"-period": "begins"}

    def get_queryset(self) -> QuerySet[SalesOf]:
        found: QuerySet[SalesOf] = super().get_queryset()
        return found if self.request and "by" in self.request.query_params else found.filter(by="day")


class UnshippedSerializer(serializers.Serializer):
    """A line of an order whose parcel has not left."""

    example: dict[str, Any] = {
        "order_id": AN_ID,
        "status": "confirmed",
        "customer_id": AN_ID,
        "customer_name": "Ada Lovelace",
        "city": "Hamburg",
        "sku": "LAMP-1",
        "name": "Storm lamp",
        "quantity": 2,
        "price": {"amount": "120.00", "currency": "EUR"},
        "placed_at": "2026-03-01T12:00:00.123456Z",
    }

    order_id = serializers.UUIDField()
    status = serializers.CharField(help_text="placed or confirmed")
    customer_id = serializers.UUIDField(allow_null=True)
    customer_name = serializers.CharField(help_text="As they are called now.")
    city = serializers.CharField(help_text="Where the parcel goes.")
    sku = serializers.CharField()
    name = serializers.CharField(help_text="As it was bought.")
    quantity = serializers.IntegerField()
    price = MoneyIn("unit_price", help_text="Of one.")
    placed_at = serializers.DateTimeField()


class UnshippedFilters(django_filters.FilterSet):
    city = django_filters.CharFilter(
        lookup_expr="iexact", max_length=100, help_text="Where the parcel goes, whole, in any case."
    )
    sku = django_filters.CharFilter(max_length=64, help_text="The whole SKU.")
    customer_id = django_filters.UUIDFilter()
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in ("placed", "confirmed")])
    price_min = django_filters.NumberFilter(
        field_name="unit_price",
        lookup_expr="gte",
        min_value=0,
        max_digits=16,
        decimal_places=4,
        help_text="Of one: at least so much, in whatever currency.",
    )


class Unshipped(Resource):
    queryset = UnshippedLine.objects.all()
    serializer_class = UnshippedSerializer
    filterset_class = UnshippedFilters
    orderings = {"-placed_at": "placed_at", "price": "unit_price"}


class CloseSerializer(serializers.Serializer):
    """A month as it was known when it ended, and as it is known now."""

    example: dict[str, Any] = {
        "month": "2026-03",
        "closed_at": "2026-04-01T00:00:00Z",
        "closed": SalesSerializer.example["totals"],
        "now": SalesSerializer.example["totals"],
    }

    month = serializers.CharField()
    closed_at = serializers.DateTimeField()
    closed = TotalsSerializer(many=True, help_text="All that was recorded until then; it never changes.")
    now = TotalsSerializer(many=True, help_text="With what was learned later.")


class MonthClose(Resource):
    queryset = SalesOf.objects.filter(by="month")
    pagination_class = None

    def known(self) -> tuple[str, ...]:
        return ("month",)

    @extend_schema(parameters=[OpenApiParameter("month", str, required=True, description="Such as 2026-03; in UTC.")])
    @shows(CloseSerializer, "not_yet", "pruned")
    def close(self, request: Request) -> Response:
        """A month's totals, frozen.

        What was recorded until the month ended; and the same month as it is known now: they differ by what was learned
        later, as from an import.
        """
        found = self.asked.get("month", month) if "month" in self.asked.values else None
        if found is None and not self.asked.errors:
            self.asked.wrong("month", "Which one, such as 2026-03?")
        self.asked.settle()
        assert found
        name, ends = found
        closed, now = (rows.filter(pk=name).first() for rows in (past(self.queryset, ends), self.queryset))
        totals = {word: row.told if row else [] for word, row in (("closed", closed), ("now", now))}
        return Response(CloseSerializer({"month": name, "closed_at": ends, **totals}).data)


class BestSellerSerializer(serializers.Serializer):
    """How much of a SKU was sold."""

    example: dict[str, Any] = {
        "rank": 1,
        "sku": "MUG-1",
        "name": "Harbour mug",
        "lines": 9,
        "pieces": 24,
        "gross": {"amount": "300.00", "currency": "EUR"},
    }

    rank = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField(help_text="One that it was bought under.")
    lines = serializers.IntegerField(help_text="Of orders.")
    pieces = serializers.IntegerField()
    gross = MoneyIn("amount")


class BestSellerFilters(django_filters.FilterSet):
    since = django_filters.DateFilter(field_name="day", lookup_expr="gte", help_text=f"Placed from then on. {DAY}")
    until = django_filters.DateFilter(field_name="day", lookup_expr="lte", help_text=f"Placed up to then. {DAY}")
    currency = django_filters.CharFilter(max_length=3)


class BestSellers(Resource):
    queryset = SoldLine.objects.all()
    serializer_class = BestSellerSerializer
    filterset_class = BestSellerFilters
    pagination_class = None
    orderings: Mapping[str, str] = {}

    def known(self) -> tuple[str, ...]:
        return ("after", "as_of", *BestSellerFilters.base_filters)

    def list(self, request: Request) -> Response:
        """The hundred SKUs of which most pieces were sold, each in each currency.

        Orders that were cancelled or rejected do not count; `as_of` asks what was known then, `since` and `until` are
        about when orders were placed.
        """
        return Response(super().list(request).data["results"])

    def page(
        self,
        rows: QuerySet[Any],
        serializer: type[serializers.Serializer],
        orderings: Mapping[str, str],
        prepare: Callable[[Sequence[Any]], Sequence[Any]] = tuple,
        *,
        wait: bool = True,
        came: str = "",
    ) -> Response:
        """All of it is one page."""
        after = self.asked.get("after", position)
        self.asked.settle()
        self.wait(after)
        rows, _ = self.then_known(rows, came)
        found = rows.values("sku", "currency").annotate(
            name=Max("name"), lines=Count("id"), pieces=Sum("quantity"), amount=Sum("amount")
        )
        best = found.order_by("-pieces", "sku", "currency")[:MOST]
        return Response({"results": serializer([Best(*each) for each in enumerate(best, 1)], many=True).data})


class Best:
    """A row of the ranking."""

    def __init__(self, rank: int, row: Mapping[str, Any]) -> None:
        self.__dict__.update(row, rank=rank)


def month(text: str) -> tuple[str, datetime]:
    """A month that is over, and the last instant of it."""
    if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", text) or text < "1900":
        raise ValueError(f"{text[:40]!r} is no month, such as 2026-03.")
    first = date.fromisoformat(f"{text}-01")
    following = (first + timedelta(days=32)).replace(day=1)
    ends = datetime(following.year, following.month, 1, tzinfo=UTC) - timedelta(microseconds=1)
    if ends >= datetime.now(UTC):
        raise ValueError(f"{text} has not ended yet: it is closed at the end of {ends:%Y-%m-%d}.")
    return text, ends
