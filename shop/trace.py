"""What came of one request, over HTTP: its commands, their events, and what these caused, as one tree."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from eventstore.browser.causes import Asking, Beside, Step, of, steps, took
from shop.docs import AN_ID, Schema, shows
from shop.parameters import Asked
from shop.problems import Problem
from shop.resource import position


class TraceStepSerializer(serializers.Serializer):
    kind = serializers.CharField(help_text="command, event, mail")
    depth = serializers.IntegerField(help_text="In the tree: it belongs to the last step above it with one less.")
    name = serializers.CharField(help_text="Of the command, the event; empty: a command that left no receipt.")
    actor = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(help_text="When it was recorded.")
    since_start_ms = serializers.FloatField(help_text="Since the first event.")
    took_ms = serializers.FloatField(allow_null=True, help_text="Since the event that caused it, if one did.")
    position = serializers.IntegerField(allow_null=True, help_text="Of an event, in the log.")
    stream_id = serializers.UUIDField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    id = serializers.UUIDField(allow_null=True, help_text="Of the command, the event or the mail.")
    status = serializers.CharField(help_text="Of a mail.")


class TraceSerializer(serializers.Serializer):
    example: dict[str, Any] = {
        "correlation_id": AN_ID,
        "began_at": "2026-03-01T12:00:00.123456Z",
        "ended_at": "2026-03-01T12:00:00.345678Z",
        "took_ms": 222.222,
        "next": None,
        "steps": [
            {
                "kind": "command",
                "depth": 0,
                "name": "place_order",
                "actor": "ada",
                "at": "2026-03-01T12:00:00.123456Z",
                "since_start_ms": 0.0,
                "took_ms": None,
                "position": None,
                "stream_id": None,
                "version": None,
                "id": AN_ID,
                "status": "",
            },
            {
                "kind": "event",
                "depth": 1,
                "name": "Order.Placed",
                "actor": "ada",
                "at": "2026-03-01T12:00:00.123456Z",
                "since_start_ms": 0.0,
                "took_ms": None,
                "position": 1042,
                "stream_id": AN_ID,
                "version": 1,
                "id": AN_ID,
                "status": "",
            },
        ],
    }

    correlation_id = serializers.UUIDField()
    began_at = serializers.DateTimeField(help_text="When its first event of this page was recorded.")
    ended_at = serializers.DateTimeField(help_text="… and the last.")
    took_ms = serializers.FloatField()
    next = serializers.IntegerField(allow_null=True, help_text="If there is more: `?after=` this position.")
    steps = TraceStepSerializer(many=True, help_text="The tree, top down.")


class Trace(APIView):
    schema = Schema()
    metadata_class = None

    @shows(TraceSerializer)
    def get(self, request: Request, correlation_id: str) -> Response:
        """All that came of one request, by its correlation id: commands, their events, policies' commands, mails.

        The id of a request is its `traceparent`'s trace id, or its `X-Request-Id`. Up to 500 events are one page.
        """
        asked = Asked(request, ("after",))
        after = asked.get("after", position) or 0
        asked.settle()
        try:
            trace_id = UUID(correlation_id)
        except ValueError:
            raise Problem("not_found", "A correlation id is a UUID, or the 32 digits of a trace id.") from None
        told, more = of(trace_id, after)
        if not told:
            raise Problem("not_found")
        began, ended = told[0].entry.recorded_at, told[-1].entry.recorded_at
        shown = {
            "correlation_id": trace_id,
            "began_at": began,
            "ended_at": ended,
            "took_ms": milliseconds(ended - began),
            "next": told[-1].entry.position if more else None,
            "steps": shown_steps(steps(told), began),
        }
        return Response(TraceSerializer(shown).data)


def shown_steps(found: Sequence[Step], began: datetime) -> list[dict[str, Any]]:
    return [_shown(step, began) for step in found]


def _shown(step: Step, began: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {"depth": step.depth, "position": None, "stream_id": None, "version": None, "status": ""}
    shown["took_ms"] = milliseconds(took(step)) if step.cause else None
    match step.item:
        case Asking() as asking:
            shown |= {"kind": "command", "name": asking.name, "actor": asking.actor, "id": asking.command_id}
            at = asking.at
        case Beside() as beside:
            shown |= {"kind": beside.kind, "name": beside.name, "actor": None, "id": beside.id}
            shown["status"], at = beside.status, beside.at
        case told:
            entry = told.entry
            shown |= {"kind": "event", "name": entry.name, "actor": entry.actor, "id": entry.event_id}
            shown |= {"position": entry.position, "stream_id": entry.stream_id, "version": entry.version}
            at = entry.recorded_at
    return shown | {"at": at, "since_start_ms": milliseconds(at - began)}


def milliseconds(time: timedelta) -> float:
    return round(time.total_seconds() * 1000, 3)
