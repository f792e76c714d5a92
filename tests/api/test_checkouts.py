"""A checkout over HTTP, from the first item to the parcel; and what can be seen of its order."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from rest_framework.test import APIClient

from shop.catalog.commands import set_price
from shop.inventory.commands import receive_stock
from shop.payments.commands import record_outcome
from shop.payments.domain import Outcome, payment_of
from shop.values import Money
from shop.vault.commands import store_card
from tests.api.conftest import eur
from tests.api.writes import ADDRESS

CatchUp = Callable[[], None]
API = "/api/v1"


def a_card() -> UUID:
    return store_card(number="4242424242424242", expiry_month=12, expiry_year=2099, holder="Ada").id


def ask(api: APIClient, checkout: object, what: str, body: Any = None, status: int = 200) -> Any:
    key = {"Idempotency-Key": str(uuid4())}
    answer = api.post(f"{API}/checkouts/{checkout}/{what}/", body or {}, headers=key)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_customer_checks_out(api: APIClient, ada: UUID, mug: UUID, catch_up: CatchUp) -> None:
    receive_stock("MUG-1", quantity=5)
    card = {"kind": "card", "token": str(a_card())}

    started = api.post(f"{API}/checkouts/", {"customer_id": str(ada)})
    checkout = started.json()["id"]
    ask(api, checkout, "items", {"sku": "MUG-1", "quantity": 2})
    ask(api, checkout, "address", {"address": ADDRESS})
    ask(api, checkout, "payment", {"payment": card})
    ask(api, checkout, "quote")
    catch_up()
    quoted = api.get(f"{API}/checkouts/{checkout}/").json()
    accepted = [ask(api, checkout, "accept", {"quote": 1}) for _ in range(2)]
    catch_up()
    order = api.get(f"{API}/checkouts/{checkout}/").json()["order_id"]
    record_outcome(payment_of(UUID(order)), "authorise", Outcome("ok", reference="r"))
    catch_up()

    assert started.status_code == 201
    assert (quoted["quote"]["number"], quoted["quote"]["total"], quoted["last_four"]) == (1, eur("29.90"), "4242")
    assert quoted["ship_to"] == quoted["address"] == ADDRESS
    assert accepted[1] == accepted[0] | {"position": None}
    read = api.get(f"{API}/orders/{order}/").json()
    assert (read["status"], read["total"], read["shipping"]) == ("confirmed", eur("29.90"), eur("4.90"))
    assert (read["payment"], read["last_four"], read["checkout_id"]) == ("card", "4242", checkout)
    process = api.get(f"{API}/orders/{order}/process/").json()
    assert [each["step"] for each in process["steps"]] == [
        *("started", "stock reserved", "payment requested", "payment authorised", "confirmed"),
    ]
    timeline = api.get(f"{API}/orders/{order}/timeline/").json()["results"]
    assert [(each["of"], each["what"]) for each in timeline] == [
        *(("order", "placed"), ("payment", "requested"), ("payment", "authorised")),
        *(("order", "confirmed"), ("shipment", "planned")),
    ]


def test_scenario_06_accurate_sum(api: APIClient, checkout: UUID, mug: UUID, catch_up: CatchUp) -> None:
    set_price(mug, price=Money(Decimal("13.00"), "EUR"))

    refused = ask(api, checkout, "accept", {"quote": 1}, 409)
    catch_up()
    shown = api.get(f"{API}/checkouts/{checkout}/").json()
    ask(api, checkout, "accept", {"quote": refused["quote"]})
    set_price(mug, price=Money(Decimal("14.00"), "EUR"))
    catch_up()

    words = ("code", "sku", "quoted", "now", "quote")
    assert [refused[word] for word in words] == ["stale_price", "MUG-1", "12.50 EUR", "13.00 EUR", 2]
    assert shown["quote"]["total"] == eur("30.90")
    assert ask(api, checkout, "items", {"sku": "MUG-1", "quantity": 1}, 409)["code"] == "wrong_status"
    order = api.get(f"{API}/orders/{api.get(f'{API}/checkouts/{checkout}/').json()['order_id']}/").json()
    assert (order["total"], order["lines"][0]["unit_price"]) == (eur("30.90"), eur("13.00"))


def test_a_refused_acceptance_is_not_remembered_as_done(api: APIClient, checkout: UUID, mug: UUID) -> None:
    set_price(mug, price=Money(Decimal("13.00"), "EUR"))

    answers = [
        api.post(f"{API}/checkouts/{checkout}/accept/", {"quote": 1}, HTTP_IDEMPOTENCY_KEY="k").json() for _ in range(2)
    ]

    assert [answer["code"] for answer in answers] == ["stale_price", "quote_replaced"]


def test_a_checkout_is_shown_as_it_was(api: APIClient, checkout: UUID, catch_up: CatchUp) -> None:
    then = []
    for what, body in (
        ("address", {"address": ADDRESS}),
        ("payment", {"payment": {"kind": "none"}}),
        ("quote", {}),
        ("accept", {"quote": 2}),
    ):
        position = ask(api, checkout, what, body)["position"]
        catch_up()
        then.append((position, api.get(f"{API}/checkouts/{checkout}/").json()))

    for position, shown in then:
        assert api.get(f"{API}/checkouts/{checkout}/?as_of={position}").json() == shown
        assert api.get(f"{API}/checkouts/?as_of={position}").json()["results"] == [shown]


def test_an_order_is_sent_elsewhere_and_noted(api: APIClient, order: UUID, catch_up: CatchUp) -> None:
    asked = [
        api.post(f"{API}/orders/{order}/address/", {"address": ADDRESS, "reason": "moves"}),
        api.post(f"{API}/orders/{order}/notes/", {"text": "Ring at the back door."}),
    ]
    catch_up()

    assert [answer.status_code for answer in asked] == [200, 200]
    read = api.get(f"{API}/orders/{order}/").json()
    assert (read["ship_to"], read["notes"]) == (ADDRESS, ["Ring at the back door."])
    assert (read["status"], api.get(f"{API}/ops/processes/?status=rejected").json()["results"][0]["code"]) == (
        *("rejected", "insufficient_stock"),  # nothing was ever received
    )
    assert api.get(f"{API}/orders/{order}/?as_of=v1").json()["notes"] == []
    told = api.get(f"{API}/orders/{order}/timeline/").json()["results"]
    assert [each["what"] for each in told] == ["placed", "address changed", "noted", "rejected"]
