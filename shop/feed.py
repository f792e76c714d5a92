"""The feed that an outside service catches up from: every event, in order, none missing and none twice.

CloudEvents 1.0 in JSON batches (https://github.com/cloudevents/spec): whoever stores the ``next`` of each batch with
what it made of it has seen each event once.
"""

import threading
import time
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlencode

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from eventstore import history, log, names
from eventstore.history import Entry
from shop.bodies import JSONLine
from shop.docs import AN_ID, Schema, shows
from shop.parameters import Asked, number
from shop.resource import position

USUAL, MOST = 100, 1000  # events of a batch
LONGEST = 20.0  # seconds that a request waits for an event
WAITERS = 4  # requests of one process that wait at once: the others get their empty batch immediately
LOOK = 0.1  # seconds from one look to the next

waiters = threading.BoundedSemaphore(WAITERS)


class CloudEventsRenderer(JSONLine):
    media_type = "application/cloudevents-batch+json"
    format = "cloudevents"


class CloudEventSerializer(serializers.Serializer):
    """An event as CloudEvents 1.0 has it; attributes that it does not define are our own."""

    example = {
        "specversion": "1.0",
        "id": AN_ID,
        "source": "/api/v1/events/",
        "type": "Customer.Renamed",
        "subject": AN_ID,
        "time": "2026-03-01T12:00:00.123456Z",
        "datacontenttype": "application/json",
        "data": {"name": "Ada Lovelace"},
        "position": "1042",
        "streamversion": 2,
        "effectiveat": "2026-03-01T12:00:00.123456Z",
        "correlationid": AN_ID,
        "actor": "support",
    }

    specversion = serializers.CharField()
    id = serializers.UUIDField(help_text="Of the event: the same whenever it is read.")
    source = serializers.CharField()
    type = serializers.CharField(help_text="Its stored name.")
    subject = serializers.UUIDField(help_text="The stream: the id of the object that it happened to.")
    time = serializers.DateTimeField(help_text="When we learned it.")
    datacontenttype = serializers.CharField()
    data = serializers.DictField(help_text="The facts. Of who was forgotten, they say `[erased]`.")
    position = serializers.CharField(help_text="In the log. Rises from event to event; has gaps.")
    streamversion = serializers.IntegerField(help_text="Of the object, after it.")
    effectiveat = serializers.DateTimeField(help_text="When it was true.")
    commandid = serializers.UUIDField(required=False)
    correlationid = serializers.UUIDField(required=False)
    causationid = serializers.UUIDField(required=False)
    actor = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)


class Events(APIView):
    schema = Schema()
    metadata_class = None
    renderer_classes = [CloudEventsRenderer, JSONLine]

    @shows(CloudEventSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The next events after a position, oldest first.

        Up to where the log is complete: no event appears later at a position that was passed. The header `Link` says
        where to go on (`rel="next"`), also after a batch that is empty; with `wait`, an empty one is answered only
        after so many seconds without an event.
        """
        asked = Asked(request, ("after", "limit", "names", "wait"))
        after = asked.get("after", position) or 0
        limit = asked.get("limit", size) or USUAL
        wanted = asked.get("names", known_names) or []
        patience = asked.get("wait", seconds) or 0.0
        asked.settle()
        batch, onward = self.batch(after, wanted, limit)
        if not batch and patience and waiters.acquire(blocking=False):
            try:
                until = time.monotonic() + patience
                while not batch and time.monotonic() < until:
                    time.sleep(LOOK)
                    batch, onward = self.batch(onward, wanted, limit)
            finally:
                waiters.release()
        query = {"after": onward} | {name: asked.values[name] for name in sorted(asked.values) if name != "after"}
        link = f'<{request.path}?{urlencode(query, safe=",")}>; rel="next"'
        return Response([shown(entry, request.path) for entry in batch], headers={"Link": link})

    def batch(self, after: int, wanted: list[str], limit: int) -> tuple[list[Entry], int]:
        """The next events of the log, and the position that one has seen all up to, with them."""
        end = log.horizon()  # before the events, in a statement of its own
        found = history.after(after, end, wanted, limit) if end > after else []
        return found, found[-1].position if len(found) == limit else max(after, end)


Events.get.parameters = [  # type: ignore[attr-defined]
    OpenApiParameter("after", OpenApiTypes.INT64, description="The position to go on from; without it, the beginning."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        description="Events of a batch, at most.",
    ),
    OpenApiParameter("names", str, description="Only events of these names: `Order.Placed,Order.Cancelled`."),
    OpenApiParameter(
        "wait",
        {"type": "number", "minimum": 0, "maximum": LONGEST, "default": 0},
        description="Seconds to wait for an event, if there is none yet.",
    ),
    OpenApiParameter(
        "Link", str, OpenApiParameter.HEADER, response=[200], description='Where to go on: `<…>; rel="next"`.'
    ),
]


def shown(entry: Entry, source: str) -> dict[str, Any]:
    """As CloudEvents 1.0 has it: what there is none of is left out."""
    event = {
        "specversion": "1.0",
        "id": entry.event_id,
        "source": source,
        "type": entry.name,
        "subject": entry.stream_id,
        "time": entry.recorded_at,
        "datacontenttype": "application/json",
        "data": entry.facts,
        "position": str(entry.position),  # CloudEvents' integers have 32 bits
        "streamversion": entry.version,
        "effectiveat": entry.effective_at,
        "commandid": entry.command_id,
        "correlationid": entry.correlation_id,
        "causationid": entry.causation_id,
        "actor": entry.actor,
        "reason": entry.reason,
    }
    return {name: value for name, value in event.items() if value not in (None, "")}


def size(text: str) -> int:
    if not 1 <= (found := number(text)) <= MOST:
        raise ValueError(f"A batch has 1 to {MOST} events.")
    return found


def seconds(text: str) -> float:
    if (found := number(text)) > LONGEST:
        raise ValueError(f"It is at most {LONGEST:g} seconds.")
    return float(found)


def known_names(text: str) -> list[str]:
    found = text.split(",")
    for name in found:
        if name not in names.known():
            near = get_close_matches(name, names.known(), n=1, cutoff=0)
            raise ValueError(f"There is no event {name[:60]!r}. Is it {near[0] if near else 'none'}?")
    return found
