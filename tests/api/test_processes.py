"""What becomes of an order in several contexts, over HTTP: undone by its process, and let go of without one."""

from typing import Any
from uuid import UUID, uuid4

from rest_framework.test import APIClient

from projections import engine
from shop.payments.commands import record_outcome
from shop.payments.domain import Outcome, payment_of
from tests.api.conftest import eur
from tests.shop.orders import ada, card, goods, names, stock

API = "/api/v1"
TRACE = UUID("4bf92f3577b34da6a3ce929d0e0e4736")


def post(api: APIClient, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = api.post(f"{API}/{path}", body, headers={"Idempotency-Key": str(uuid4())} | headers)
    assert answer.status_code in (200, 201), answer.content
    engine.catch_up()
    told: dict[str, Any] = answer.json()
    return told


def test_scenario_17_saga_orchestrated_with_compensation(api: APIClient) -> None:
    """All SKUs are reserved in one commit: where the second is out, the first was never kept."""
    goods(CUP=5, JUG=1, MUG=5)
    customer = ada(limit="100.00")
    lines = [{"sku": sku, "quantity": 2} for sku in ("CUP", "JUG", "MUG")]
    asked = {"customer_id": str(customer), "lines": lines, "payment": {"kind": "account"}}

    order = post(api, "orders/", asked)["id"]

    shown = api.get(f"{API}/orders/{order}/").json()
    why = "JUG: 2 are wanted, and 1 are left."
    assert (shown["status"], shown["cancel_reason"]) == ("rejected", why)
    process = api.get(f"{API}/orders/{order}/process/").json()
    assert [each["step"] for each in process["steps"]] == ["started", "credit reserved", "stock refused", "undone"]
    assert [each["at"] for each in process["steps"]][:: len(process["steps"]) - 1] == [
        process["started_at"],
        process["ended_at"],
    ]
    assert (process["status"], process["code"], process["reason"]) == ("rejected", "insufficient_stock", why)
    assert [stock(sku) for sku in ("CUP", "JUG", "MUG")] == [(5, 0), (1, 0), (5, 0)]
    assert [name for name in names("CreditAccount") if name.endswith(("Reserved", "Released"))] == [
        *("CreditAccount.Reserved", "CreditAccount.Released")
    ]
    assert api.get(f"{API}/customers/{customer}/credit/").json()["available"] == eur("100.00")
    (mail,) = api.get(f"{API}/mails/?order_id={order}").json()["results"]
    assert (mail["kind"], mail["recipient"]) == ("rejected", "ada@example.com")


def test_scenario_18_saga_choreographed(api: APIClient) -> None:
    """Each context hears of it for itself: no step of PlaceOrder is among them."""
    goods(MUG=5)
    paying = {"payment": {"kind": "card", "token": str(card().token)}}
    order = post(api, "orders/", paying | {"customer_id": str(ada()), "lines": [{"sku": "MUG", "quantity": 2}]})["id"]
    record_outcome(payment_of(UUID(order)), "authorise", Outcome("ok", reference="r"))
    engine.catch_up()

    parent = f"00-{TRACE.hex}-00f067aa0ba902b7-01"
    post(api, f"orders/{order}/cancel/", {"reason": "changed my mind"}, traceparent=parent)

    steps = api.get(f"{API}/ops/trace/{TRACE}/").json()["steps"]
    assert {(each["depth"], each["kind"], each["name"], each["actor"]) for each in steps} == {
        (0, "command", "cancel_order", "support"),
        (1, "event", "Order.Cancelled", "support"),
        (1, "event", "Shipment.Cancelled", "support"),
        (2, "command", "void", "policy MoneyOfCancelledOrders"),
        (3, "event", "Payment.VoidRequested", "policy MoneyOfCancelledOrders"),
        (2, "command", "release_stock", "policy StockOfCancelledOrders"),
        (3, "event", "StockItem.Released", "policy StockOfCancelledOrders"),
        (2, "mail", "cancelled", None),
    }
    assert stock("MUG") == (5, 0)
