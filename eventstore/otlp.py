"""A trace for tools of OpenTelemetry: OTLP in JSON, as https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.

Each command is a span: from its cause until it was recorded; its events are the span's. The trace id is the correlation
id, so that the spans of a caller who sent a ``traceparent`` stand in the same trace.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.browser.causes import Asking, Beside, Step, steps, took
from eventstore.browser.told import Told
from eventstore.cause import Cause

INTERNAL, CONSUMER, PRODUCER = 1, 5, 4  # SpanKind
OK, ERROR = 1, 2  # StatusCode


def exported(correlation_id: UUID, told: Sequence[Told], service: str) -> dict[str, Any]:
    """An ``ExportTraceServiceRequest`` with the spans of those events."""
    found = steps(told)
    of_event = {
        event.entry.event_id: span_id(step.item)
        for step in found
        if isinstance(step.item, Asking)
        for event in step.item.events
    }
    spans = [_span(correlation_id, step, of_event) for step in found if not isinstance(step.item, Told)]
    scope = {"scope": {"name": "eventstore"}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": _words({"service.name": service})}, "scopeSpans": [scope]}]}


def span_id(item: Asking | Beside) -> str:
    """16 hexadecimal digits, those of the command's first event: the same whenever it is exported."""
    return span_of(item.events[0].entry.event_id if isinstance(item, Asking) else item.id)


def span_of(event_id: UUID) -> str:
    return event_id.hex[16:]


def traceparent(asked: Cause) -> str:
    """For whoever is asked next (https://www.w3.org/TR/trace-context/); empty: it is no part of a trace."""
    if asked.correlation_id is None:
        return ""
    return f"00-{asked.correlation_id.hex}-{span_of(asked.causation_id or asked.correlation_id)}-01"


def _span(correlation_id: UUID, step: Step, of_event: dict[UUID, str]) -> dict[str, Any]:
    item = step.item
    assert not isinstance(item, Told)
    span = {
        "traceId": correlation_id.hex,
        "spanId": span_id(item),
        "name": item.name or "recorded without a command",
        "kind": CONSUMER if step.cause else INTERNAL,
        "startTimeUnixNano": _nanoseconds(item.at - took(step)),
        "endTimeUnixNano": _nanoseconds(item.at),
    }
    if step.cause:
        span["parentSpanId"] = of_event[step.cause.entry.event_id]
    if isinstance(item, Beside):
        what = {f"{item.kind}.id": str(item.id), f"{item.kind}.status": item.status}
        return span | {"name": f"{item.kind} {item.name}", "kind": PRODUCER, "attributes": _words(what)}
    words = {"command.id": item.command_id and str(item.command_id), "enduser.id": item.actor}
    events = [_event(each) for each in item.events]
    unreadable = any(each.problem for each in item.events)
    return span | {"attributes": _words(words), "events": events, "status": {"code": ERROR if unreadable else OK}}


def _event(told: Told) -> dict[str, Any]:
    """Without its facts: they may be personal, and go to a tool that keeps no keys."""
    entry = told.entry
    words = {"stream.id": str(entry.stream_id), "stream.version": entry.version, "log.position": entry.position}
    return {"timeUnixNano": _nanoseconds(entry.recorded_at), "name": entry.name, "attributes": _words(words)}


def _words(words: dict[str, Any]) -> list[dict[str, Any]]:
    """64-bit integers are strings, as protobuf's JSON has them."""
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in words.items()
        if value is not None
    ]


def _nanoseconds(at: datetime) -> str:
    return str(int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000)
