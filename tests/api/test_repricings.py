"""Many prices changed over HTTP, and set back: a slip, its undo, and who was faster."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from shop.catalog.commands import create_product, set_price
from shop.values import Money
from tests.api.conftest import eur
from tests.shop.orders import euros

API = "/api/v1"


@pytest.fixture
def tea(db: None) -> UUID:
    return create_product(sku="TEA-1", name="Tea", price=euros("4.00"), publish=True).id


@pytest.fixture
def slip(api: APIClient, mug: UUID, tea: UUID, catch_up: Callable[[], None]) -> dict[str, Any]:
    """Two prices at a tenth, by one request."""
    lines = [{"sku": "MUG-1", "price": eur("1.25")}, {"sku": "TEA-1", "price": eur("0.40")}]
    made = api.post(f"{API}/repricings/", {"title": "Spring", "reason": "spring", "lines": lines})
    assert made.status_code == 201
    catch_up()
    answer: dict[str, Any] = api.get(made["Location"]).json()
    return answer


def price(api: APIClient, product: UUID) -> str:
    found: str = api.get(f"{API}/products/{product}/").json()["price"]["amount"]
    return found


def undo(api: APIClient, correlation_id: str) -> Any:
    return api.post(f"{API}/repricings/undo/", {"correlation_id": correlation_id, "reason": "a slip"})


def test_scenario_30_undo_a_bulk_change(
    api: APIClient, slip: dict[str, Any], mug: UUID, tea: UUID, catch_up: Callable[[], None]
) -> None:
    set_price(tea, price=Money(euros("4.20").amount, "EUR"))
    catch_up()

    told = api.get(f"{API}/repricings/{slip['id']}/undo-preview/").json()["lines"]
    undone = api.get(undo(api, slip["correlation_id"])["Location"].partition("?")[0])
    catch_up()

    assert (slip["status"], slip["changed"], slip["conflicts"]) == ("finished", 2, 0)
    assert told[0] == {"sku": "MUG-1", "now": "1.25 EUR", "then": "12.50 EUR", "conflict": ""}
    assert "somebody changed it to 4.20 EUR" in told[1]["conflict"]
    assert undone.status_code == 404, "its list has not seen it yet"
    (undone, *_) = api.get(f"{API}/repricings/?undoes={slip['correlation_id']}").json()["results"]
    assert (undone["title"], undone["changed"], undone["conflicts"]) == ("Undo of Spring", 1, 1)
    assert (price(api, mug), price(api, tea)) == ("12.50", "4.20")
    results = api.get(f"{API}/repricings/{undone['id']}/lines/").json()["results"]
    assert [(each["sku"], each["result"]) for each in results] == [("MUG-1", "changed"), ("TEA-1", "conflict")]


def test_an_undo_is_undone(api: APIClient, slip: dict[str, Any], mug: UUID, catch_up: Callable[[], None]) -> None:
    undo(api, slip["correlation_id"])
    catch_up()
    (undone, *_) = api.get(f"{API}/repricings/?kind=undo").json()["results"]

    undo(api, undone["correlation_id"])
    catch_up()

    assert price(api, mug) == "1.25"


def test_what_is_not_there_or_stands_twice_is_named(api: APIClient, mug: UUID) -> None:
    def asked(*skus: str) -> Any:
        lines = [{"sku": sku, "price": eur("2.00")} for sku in skus]
        return api.post(f"{API}/repricings/", {"title": "t", "reason": "r", "lines": lines}).json()

    assert asked("MUG-1", "CUP-1")["errors"][0]["pointer"] == "/lines/1/sku"
    assert "found MUG-1 twice" in asked("MUG-1", "MUG-1")["errors"][0]["detail"]


def test_a_key_that_comes_again_changes_nothing_again(api: APIClient, mug: UUID) -> None:
    body = {"title": "t", "reason": "r", "lines": [{"sku": "MUG-1", "price": eur("2.00")}]}

    first, again = (api.post(f"{API}/repricings/", body, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))

    assert first.json() == again.json()


def test_a_page_shown_then_is_shown_again_as_of_then(api: APIClient, slip: dict[str, Any]) -> None:
    first = api.get(f"{API}/repricings/{slip['id']}/?as_of=v1").json()

    assert (first["status"], first["changed"], first["ended_at"]) == ("running", 0, None)
    assert api.get(f"{API}/repricings/{slip['id']}/?as_of=v{slip['version']}").json()["changed"] == 2
