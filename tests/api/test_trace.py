"""A request, and all that came of it, as one tree: over REST, for people, and for tools of OpenTelemetry."""

import json
import re
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from eventstore.models import Event
from shop.payments import work
from shop.payments.gateway import HttpGateway
from tests.shop.orders import ada, card, come_to_rest, goods

pytestmark = pytest.mark.django_db
TRACE = UUID("4bf92f3577b34da6a3ce929d0e0e4736")


class Agreeing:
    """A gateway next door, which says yes and keeps what it was sent."""

    def __init__(self):
        self.parents = []

    def request(self, method, url, *, headers, json, **_):
        self.parents.append(headers["traceparent"])
        return Answer(200, json | {"outcome": "ok", "reference": "auth_1"})


class Answer:
    length_remaining = 0

    def __init__(self, status, said):
        self.status, self._said = status, said

    def read(self, _):
        return json.dumps(self._said).encode()

    def release_conn(self):
        pass


@pytest.fixture
def traced(api):
    """An order by card, as a caller who traces asks for it; and what the gateway was told."""
    goods(MUG=5)
    customer, paying = ada(), card()
    gateway = HttpGateway("http://gateway.example", "a secret")
    gateway._http = Agreeing()
    asked = {
        "customer_id": str(customer),
        "lines": [{"sku": "MUG", "quantity": 2}],
        "payment": {"kind": "card", "token": str(paying.token)},
    }
    placed = api.post(
        "/api/v1/orders/", asked, headers={"traceparent": f"00-{TRACE.hex}-00f067aa0ba902b7-01", "idempotency-key": "k"}
    )
    assert placed.status_code == 201
    come_to_rest()
    turn_once(gateway)
    come_to_rest()
    return placed.json()["id"], gateway._http.parents


def turn_once(gateway):
    """``work``, but in this transaction and this thread."""
    taken = work.take(1)
    assert taken
    assert work.turn(gateway, taken)


def drawn(steps):
    return ["  " * step["depth"] + f"{step['kind']} {step['name']}" for step in steps]


def test_scenario_22_trace(api, traced):
    shown = api.get(f"/api/v1/ops/trace/{TRACE}/").json()

    assert drawn(shown["steps"]) == [
        "command place_order",
        "  event Order.Placed",
        "    command ",
        "      event PlaceOrder.Started",
        "        command reserve_stock",
        "          event StockItem.Reserved",
        "        command ",
        "          event PlaceOrder.StockReserved",
        "            command request_payment",
        "              event Payment.Requested",
        "                command record_outcome",
        "                  event Payment.Authorised",
        "                    command ",
        "                      event PlaceOrder.PaymentAuthorised",
        "                        command confirm_order",
        "                          event Order.Confirmed",
        "                            command plan_shipment",
        "                              event Shipment.Planned",
        "                            mail confirmed",
        "                        command ",
        "                          event PlaceOrder.Confirmed",
        "            command ",
        "              event PlaceOrder.PaymentRequested",
    ]
    assert shown["correlation_id"] == str(TRACE)
    assert {step["actor"] for step in shown["steps"]} == {
        *("support", "policy PlaceOrders", "policy FulfilOrders", "gateway", None)
    }
    times = [step["since_start_ms"] for step in shown["steps"] if step["kind"] == "event"]
    assert min(times) == 0.0
    assert max(times) == shown["took_ms"]
    assert [step["took_ms"] is None for step in shown["steps"] if step["kind"] == "command"] == [True] + 10 * [False]


def test_a_caller_who_traces_is_told_by_whom_the_gateway_was_asked(traced):
    (parent,) = traced[1]

    asked = Event.objects.get(name="Payment.Requested")
    assert parent == f"00-{TRACE.hex}-{asked.event_id.hex[16:]}-01"


def test_people_see_the_tree_with_times(traced):
    out = StringIO()

    call_command("events", "trace", TRACE.hex, stdout=out)

    told = out.getvalue().splitlines()
    assert told[0] == "place_order by support"
    assert any(re.fullmatch(r" +record_outcome by gateway after [0-9,]+ ms", line) for line in told)
    assert any(re.fullmatch(r" +mail confirmed, waiting after [0-9,]+ ms", line) for line in told)


def test_scenario_22_trace_for_opentelemetry(traced):
    out = StringIO()

    call_command("events", "trace", str(TRACE), "--otlp", "--service", "daybook", stdout=out)

    (resource,) = json.loads(out.getvalue())["resourceSpans"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "daybook"}}]
    spans = {span["spanId"]: span for span in resource["scopeSpans"][0]["spans"]}
    assert {span["traceId"] for span in spans.values()} == {TRACE.hex}
    assert all(re.fullmatch("[0-9a-f]{16}", span) for span in spans)
    (root,) = [span for span in spans.values() if "parentSpanId" not in span]
    assert (root["name"], [event["name"] for event in root["events"]]) == ("place_order", ["Order.Placed"])
    assert all(span["parentSpanId"] in spans for span in spans.values() if span is not root)
    assert all(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) for span in spans.values())
    assert "mail confirmed" in {span["name"] for span in spans.values()}
    assert "Ada" not in out.getvalue()


@pytest.mark.parametrize(("asked", "told"), [("x", "Expected a UUID"), (str(UUID(int=7)), "There is no event")])
def test_what_is_no_trace_is_said(asked, told):
    with pytest.raises(CommandError, match=told):
        call_command("events", "trace", asked)
