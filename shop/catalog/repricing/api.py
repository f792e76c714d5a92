"""Changes of many prices over HTTP: planned and undone by POST, carried out by the workers, read by GET."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django_filters
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shop.catalog.models import RepricedLine, RepricingSummary
from shop.catalog.repricing.commands import reprice, stop_repricing, undo_prices
from shop.catalog.repricing.domain import Repricing
from shop.catalog.repricing.files import Wanted
from shop.catalog.repricing.undo import undoing
from shop.docs import AN_ID, asks, shows
from shop.forms import Form, Id, Instant, MoneyForm, Sku, Text
from shop.http import ask
from shop.resource import Resource

KINDS = ("import", "grid", "undo", "api")
STATUSES = ("running", "finished", "stopped")
MOST = 1000  # lines of one request


class LineForm(Form):
    example = {"sku": "MUG-1", "price": MoneyForm.example}

    sku = Sku()
    price = MoneyForm()
    starts = Instant(required=False, help_text="From then on, until it is cancelled; without it, now.")


class RepriceForm(Form):
    example = {"title": "Spring prices", "reason": "the potter is dearer", "lines": [LineForm.example]}

    title = Text(max_length=200)
    reason = Text(max_length=500, help_text="It stands at each change.")
    lines = LineForm(many=True, allow_empty=False, max_length=MOST)

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[Wanted]:
        seen: set[str] = set()
        for line in lines:
            if line["sku"] in seen:
                raise serializers.ValidationError(f"Expected each SKU once, found {line['sku']} twice.")
            seen.add(line["sku"])
        return [
            Wanted(number, line["sku"], line["price"].amount, line["price"].currency, line.get("starts"))
            for number, line in enumerate(lines, 1)
        ]


class UndoForm(Form):
    example = {"correlation_id": AN_ID, "reason": "it was a slip"}

    correlation_id = Id(help_text="Under which prices were changed, by whatever: `correlation_id` of a repricing.")
    reason = Text(max_length=500)


class StopForm(Form):
    example = {"reason": "the wrong file"}

    reason = Text(max_length=500)


class RepricingSerializer(serializers.Serializer):
    example: dict[str, Any] = {
        "id": AN_ID,
        "version": 3,
        "kind": "import",
        "title": "spring.csv",
        "reason": "the potter is dearer",
        "actor": "grace",
        "correlation_id": AN_ID,
        "undoes": None,
        "status": "finished",
        "lines": 34,
        "changed": 33,
        "unchanged": 0,
        "conflicts": 1,
        "refused": 0,
        "planned_at": "2026-03-01T12:00:00.123456Z",
        "ended_at": "2026-03-01T12:00:01.123456Z",
    }

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    kind = serializers.ChoiceField(KINDS)
    title = serializers.CharField()
    reason = serializers.CharField()
    actor = serializers.CharField(help_text="Who asked for it.")
    correlation_id = serializers.UUIDField(help_text="Of all that it does: to undo it by.")
    undoes = serializers.UUIDField(allow_null=True, help_text="The correlation id of what it sets back.")
    status = serializers.CharField(help_text="running → finished | stopped")
    lines = serializers.IntegerField(help_text="To change.")
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="That had the price already.")
    conflicts = serializers.IntegerField(help_text="Left alone: somebody else had changed them meanwhile.")
    refused = serializers.IntegerField()
    planned_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class RepricedLineSerializer(serializers.Serializer):
    example = {
        "number": 1,
        "sku": "MUG-1",
        "before": "12.50 EUR",
        "after": "13.00 EUR",
        "starts": None,
        "result": "changed",
        "detail": "",
    }

    number = serializers.IntegerField()
    sku = serializers.CharField()
    before = serializers.CharField(help_text="In force when it was decided on.")
    after = serializers.CharField()
    starts = serializers.DateTimeField(allow_null=True, help_text="Of a price that begins later.")
    result = serializers.CharField(help_text="changed, unchanged, conflict or refused")
    detail = serializers.CharField(help_text="Why it was not changed.")


class UndoLineSerializer(serializers.Serializer):
    sku = serializers.CharField()
    now = serializers.CharField(allow_blank=True)
    then = serializers.CharField(allow_blank=True, help_text="What it would be set back to.")
    conflict = serializers.CharField(allow_blank=True, help_text="Why it would be left alone; empty: it would not.")


class UndoSerializer(serializers.Serializer):
    example = {"lines": [{"sku": "MUG-1", "now": "1.25 EUR", "then": "12.50 EUR", "conflict": ""}]}

    lines = UndoLineSerializer(many=True)


class RepricingFilters(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in KINDS])
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES])
    undoes = django_filters.UUIDFilter(help_text="The correlation id of what was set back.")


class Repricings(Resource):
    queryset = RepricingSummary.objects.all()
    serializer_class = RepricingSerializer
    filterset_class = RepricingFilters
    orderings = {"-planned_at": "planned_at"}
    aggregate = Repricing

    def row_of(self, aggregate: Repricing) -> RepricingSummary:
        return RepricingSummary(
            id=aggregate.id,
            version=aggregate.version,
            kind=aggregate.kind,
            title=aggregate.title,
            reason=aggregate.why,
            actor=aggregate.by,
            correlation_id=aggregate.correlation_id,
            undoes=aggregate.undoes,
            status=aggregate.status,
            lines=len(aggregate.changes),
            planned_at=aggregate.created_on,
            ended_at=None if aggregate.status == "running" else aggregate.modified_on,
            **aggregate.counts,
        )

    def known(self) -> tuple[str, ...]:
        return () if self.action == "undo_preview" else super().known()

    @asks(RepriceForm, "unknown_product", "nothing_to_change")
    def create(self, request: Request) -> Response:
        """Change many prices, for one reason.

        The workers do it in steps: ask for it again to see how far it is. A price that is changed by somebody else
        before its turn comes is a conflict, and is left alone. All of it is under one correlation id, to undo it by.
        """
        return ask(request, RepriceForm, reprice)

    @action(detail=False, methods=["post"])
    @asks(UndoForm, "nothing_to_undo", "nothing_to_change")
    def undo(self, request: Request) -> Response:
        """Set back what was done to prices under a correlation id.

        By a repricing, or by any other request. What others have changed since is a conflict, and is left alone. The
        undo is a repricing itself, with a correlation id of its own: to undo the undo.
        """
        return ask(request, UndoForm, undo_prices)

    @action(detail=True, url_path="undo-preview")
    @shows(UndoSerializer, "nothing_to_undo")
    def undo_preview(self, request: Request, pk: UUID) -> Response:
        """What an undo of it would do now, line by line."""
        self.asked.settle()
        found = undoing(self.row(pk).correlation_id, datetime.now(UTC))  # type: ignore[attr-defined]
        lines = [
            {
                "sku": each.change.sku,
                "now": str(each.change.before or ""),
                "then": str(each.change.after or ""),
                "conflict": each.conflict,
            }
            for each in found.planned
        ]
        lines += [{"sku": each.text, "now": "", "then": "", "conflict": each.detail} for each in found.wrong]
        return Response({"lines": lines})

    @action(detail=True, methods=["post"])
    @asks(StopForm, "wrong_status")
    def stop(self, request: Request, pk: UUID) -> Response:
        """Carry out no more of it.

        What is done stays done, and can be undone.
        """
        return ask(request, StopForm, stop_repricing, pk)

    @action(detail=True)
    @shows(RepricedLineSerializer(many=True))
    def lines(self, request: Request, pk: UUID) -> Response:
        """What became of each line so far, the first one first; with `as_of`, so far then."""
        lines = RepricedLine.objects.filter(repricing_id=pk)
        page = self.page(lines, RepricedLineSerializer, {"number": "number"}, came="position")
        self.row(pk)  # or there is none
        return page
