"""Any object as of any moment: equal to what was shown then."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from eventstore.cause import because
from projections import engine
from projections.models import Parked
from shop.catalog.commands import create_product, publish_product, rename_product, set_price, withdraw_product
from shop.customers.commands import (
    add_address,
    change_address,
    change_email,
    register_customer,
    remove_address,
    rename_customer,
    set_default_address,
)
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, cancel_order, place_order
from shop.values import Money
from tests.api.conftest import BREMEN, HAMBURG

CatchUp = Callable[[], None]


def lives(ada: UUID, mug: UUID) -> dict[str, list[Callable[[], Any]]]:
    """What happens to one of each kind, step by step."""
    return {
        f"customers/{ada}": [
            lambda: rename_customer(ada, name="Ada Lovelace"),
            lambda: change_address(ada, 1, address=BREMEN),
            lambda: add_address(ada, address=HAMBURG, default=True),
            lambda: change_address(ada, 1, address=HAMBURG),
            lambda: set_default_address(ada, 1),
            lambda: change_email(ada, email="ada@lovelace.example"),
            lambda: remove_address(ada, 1),
            lambda: remove_address(ada, 2),
        ],
        f"products/{mug}": [
            lambda: set_price(mug, price=Money(Decimal("0.0022"), "EUR")),
            lambda: withdraw_product(mug),
            lambda: rename_product(mug, name="Lighthouse mug"),
            lambda: set_price(mug, price=Money(Decimal("100"), "USD")),
            lambda: publish_product(mug),
        ],
    }


def shown(api: APIClient, path: str, **query: object) -> tuple[dict[str, Any], str]:
    asked = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
    answer = api.get(f"/api/v1/{path}/?{asked}")
    assert answer.status_code == 200, answer.content
    return answer.json(), answer["ETag"]


@pytest.mark.parametrize("kind", ["customers", "products"])
def test_scenario_26_time_travel_of_objects(kind: str, api: APIClient, ada: UUID, mug: UUID, catch_up: CatchUp) -> None:
    ((path, steps),) = ((path, steps) for path, steps in lives(ada, mug).items() if path.startswith(kind))
    then: list[tuple[datetime, int, tuple[dict[str, Any], str]]] = []

    for step in [lambda: None, *steps]:
        receipt = step()
        catch_up()
        position = (
            receipt.position if receipt else api.get(f"/api/v1/{path}/history/").json()["results"][-1]["position"]
        )
        then.append((timezone.now(), position, shown(api, path)))

    assert len({answer[1] for _, _, answer in then}) == len(then)
    for instant, position, answer in then:
        assert shown(api, path, as_of=instant.isoformat()) == answer
        assert shown(api, path, as_of=instant.astimezone(UTC).isoformat().replace("+00:00", "Z")) == answer
        assert shown(api, path, as_of=position) == answer
        assert shown(api, path, as_of=f"v{answer[0]['version']}") == answer
        assert shown(api, path, effective_at=instant.isoformat()) == answer


@pytest.mark.parametrize("guest", [False, True])
def test_an_order_is_shown_as_it_was(guest: bool, api: APIClient, ada: UUID, mug: UUID, catch_up: CatchUp) -> None:
    create_product(sku="SCREW", name="Screw", price=Money(Decimal("0.0022"), "EUR"), publish=True)
    receive_stock("MUG-1", quantity=2)
    receive_stock("SCREW", quantity=1000)
    items = [Item("MUG-1", 2), Item("SCREW", 1000)]
    order = place_order(customer_id=None if guest else ada, items=items, reference="PO 4711").id
    catch_up()
    confirmed = shown(api, f"orders/{order}")
    cancel_order(order, reason="changed my mind")
    rename_customer(ada, name="Somebody else")
    catch_up()

    placed = shown(api, f"orders/{order}", as_of="v1")
    assert placed[0] | {"status": "confirmed", "version": 2} == confirmed[0]
    assert shown(api, f"orders/{order}", as_of="v2") == confirmed
    assert shown(api, f"orders/{order}", as_of="v3") == shown(api, f"orders/{order}")
    assert [line["total"]["amount"] for line in placed[0]["lines"]] == ["25.00", "2.20"]
    assert placed[0]["total"] == {"amount": "27.20", "currency": "EUR"}
    assert (placed[0]["customer_name"], placed[0]["ship_to"] is None) == (("", True) if guest else ("Ada", False))


def test_an_address_changed_twice_is_shown_at_each_moment(api: APIClient, ada: UUID, catch_up: CatchUp) -> None:
    moments = [timezone.now()]
    for address in (BREMEN, HAMBURG):
        change_address(ada, 1, address=address)
        moments.append(timezone.now())

    cities = [
        shown(api, f"customers/{ada}", as_of=moment.isoformat())[0]["addresses"][0]["address"]["city"]
        for moment in moments
    ]

    assert cities == ["Hamburg", "Bremen", "Hamburg"]


def test_what_is_learned_late_was_true_before_it_was_known(api: APIClient, ada: UUID) -> None:
    known = timezone.now()
    with because(effective_at=known - timedelta(microseconds=1)):
        change_address(ada, 1, address=BREMEN)

    def city(**query: object) -> str:
        return str(shown(api, f"customers/{ada}", **query)[0]["addresses"][0]["address"]["city"])

    assert city(as_of=known.isoformat()) == "Hamburg"
    assert city(effective_at=known.isoformat()) == "Bremen"


def test_what_is_not_known_under_a_name_of_another_kind_is_not_shown(api: APIClient, mug: UUID) -> None:
    assert api.get(f"/api/v1/customers/{mug}/?as_of=v1").status_code == 404


def test_history_says_what_happened_and_who_did_it_and_why(api: APIClient, ada: UUID) -> None:
    with because(actor="grace", reason="she married"):
        rename_customer(ada, name="Ada King")

    events = api.get(f"/api/v1/customers/{ada}/history/").json()["results"]

    assert [(event["version"], event["name"]) for event in events] == [
        (1, "Customer.Registered"),
        (2, "Customer.AddressAdded"),
        (3, "Customer.DefaultAddressSet"),
        (4, "Customer.Renamed"),
    ]
    last = events[-1]
    assert (last["facts"], last["actor"], last["reason"]) == ({"name": "Ada King"}, "grace", "she married")
    assert last["recorded_at"] == last["effective_at"]
    assert [event["position"] for event in events] == sorted(event["position"] for event in events)


def test_price_history_has_every_price(api: APIClient, mug: UUID, catch_up: CatchUp) -> None:
    receipt = set_price(mug, price=Money(Decimal("0.0022"), "EUR"))
    catch_up()

    prices = api.get(f"/api/v1/products/{mug}/price-history/?after={receipt.position}").json()["results"]

    assert [(price["revision"], price["price"]["amount"]) for price in prices] == [(1, "12.50"), (2, "0.0022")]


def test_rows_and_aggregates_are_shown_alike_whatever_they_hold(api: APIClient, catch_up: CatchUp) -> None:
    bare_customer = register_customer(name="N", email="n@example.com").id
    bare_product = create_product(sku="BARE", name="Bare").id
    catch_up()

    for path in (f"customers/{bare_customer}", f"products/{bare_product}"):
        assert shown(api, path, as_of="v1") == shown(api, path)


@pytest.mark.parametrize("asked", [{"as_of": "v99"}, {"as_of": "0"}, {"effective_at": "2000-01-01T00:00Z"}])
def test_when_there_was_none_the_moment_is_named(api: APIClient, asked: dict[str, str]) -> None:
    ada = api.post("/api/v1/customers/", {"name": "Ada", "email": "a@example.com"}, format="json").json()["id"]

    answer = api.get(f"/api/v1/customers/{ada}/", asked)

    assert (answer.status_code, [error["parameter"] for error in answer.json()["errors"]]) == (404, list(asked))


def test_what_was_parked_is_not_waited_for_and_says_so(api: APIClient, mug: UUID) -> None:
    engine.catch_up()
    receipt = rename_product(mug, name="Poison")
    engine.catch_up()
    Parked.objects.create(
        projection="Products", position=receipt.position, stream_id=mug, name="Product.Renamed", error="cannot stand it"
    )

    answer = api.get(f"/api/v1/products/{mug}/?after={receipt.position}")

    assert (answer.status_code, answer.json()["code"]) == (425, "not_yet")
    assert answer.json()["detail"] == (
        f"Products could not apply the event at position {receipt.position}. Staff must look at it."
    )
