"""Names are local, details are fetched live: never stale, and missing while the other context is down."""

from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from rest_framework.test import APIClient

from projections import engine
from shop import expand
from shop.catalog.commands import rename_product
from shop.customers.commands import change_email, erase_customer
from shop.models import Fault

pytestmark = pytest.mark.usefixtures("fresh_throttle")


@pytest.fixture
def path(order: UUID, catch_up: Any, settings: Any) -> str:
    settings.DEMO = True
    catch_up()
    return f"/api/v1/orders/{order}/"


def test_details_of_another_context_are_fetched(api: APIClient, path: str, ada: UUID) -> None:
    plain = api.get(path)
    answer = api.get(f"{path}?expand=customer,products")

    assert "X-Cache" not in plain
    assert "customer_details" not in plain.json()
    order = answer.json()
    details = order.pop("customer_details")
    assert (details["name"], details["email"]) == ("Ada", "ada@example.com")
    (mug,) = [line.pop("details") for line in order["lines"]]
    assert (mug["sku"], mug["amount"]) == ("MUG-1", order["lines"][0]["unit_price"]["amount"])
    assert order == plain.json(), "what is local is the same"
    assert answer["ETag"] == plain["ETag"]


def test_scenario_09_hybrid(api: APIClient, path: str, ada: UUID, mug: UUID) -> None:
    asked = f"{path}?expand=customer,products"

    seen = [api.get(asked)["X-Cache"], api.get(asked)["X-Cache"]]
    change_email(ada, email="ada@example.org")
    after = api.get(asked)
    kept = api.get(asked)
    Fault.objects.create(context="catalog")
    rename_product(mug, name="Lighthouse mug")
    down = api.get(asked)

    assert seen == ["miss", "hit"]
    assert (after["X-Cache"], after.json()["customer_details"]["email"]) == ("miss", "ada@example.org")
    assert kept["X-Cache"] == "hit"
    assert (down.status_code, down.json()["customer_details"]["name"]) == (200, "Ada")
    assert [(line["name"], line["details"]) for line in down.json()["lines"]] == [("Harbour mug", "unavailable")]
    assert api.get("/api/v1/products/").json()["code"] == "context_down"


def test_details_are_live_though_no_projection_has_moved(api: APIClient, path: str, mug: UUID) -> None:
    api.get(f"{path}?expand=products")
    rename_product(mug, name="Lighthouse mug")

    line = api.get(f"{path}?expand=products").json()["lines"][0]

    assert (line["name"], line["details"]["name"]) == ("Harbour mug", "Lighthouse mug")


def test_a_list_is_expanded_with_one_read(api: APIClient, path: str) -> None:
    with patch("shop.expand.exact", side_effect=expand.exact) as read:
        page = api.get("/api/v1/orders/?expand=customer")

    assert [each["customer_details"]["name"] for each in page.json()["results"]] == ["Ada"]
    assert read.call_count == 1


def test_what_is_cached_as_it_is_now_is_shown_while_its_context_is_down(api: APIClient, path: str, ada: UUID) -> None:
    api.get(f"{path}?expand=customer")
    Fault.objects.create(context="customers")

    kept = api.get(f"{path}?expand=customer")
    change_email(ada, email="ada@example.org")
    old = api.get(f"{path}?expand=customer")

    assert (kept["X-Cache"], kept.json()["customer_details"]["email"]) == ("hit", "ada@example.com")
    assert (old["X-Cache"], old.json()["customer_details"]) == ("miss", "unavailable")


def test_a_context_that_is_slow_is_not_waited_for(api: APIClient, path: str) -> None:
    Fault.objects.create(context="customers", seconds=5)

    with patch("shop.faults.time") as time:
        order = api.get(f"{path}?expand=customer").json()

    assert order["customer_details"] == "unavailable"
    time.sleep.assert_called_once_with(1.0)


def test_details_of_who_is_forgotten_say_so_and_leave_the_cache(api: APIClient, path: str, ada: UUID) -> None:
    api.get(f"{path}?expand=customer")
    assert "ada@example.com" in str(cache.get(expand.key(expand.CUSTOMER, ada)))

    erase_customer(ada)
    engine.catch_up()

    assert cache.get(expand.key(expand.CUSTOMER, ada)) is None
    assert api.get(f"{path}?expand=customer").json()["customer_details"]["email"] == "[erased]"


@pytest.mark.parametrize("query", ["expand=", "expand=x", "expand=customer,", "expand=customer&as_of=v1"])
def test_what_cannot_be_expanded_is_named(query: str, api: APIClient, path: str) -> None:
    answer = api.get(f"{path}?{query}")

    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == ["expand"]


def test_a_list_has_no_lines_to_expand(api: APIClient, path: str) -> None:
    assert api.get("/api/v1/orders/?expand=products").status_code == 400
    assert api.get("/api/v1/customers/?expand=customer").json()["code"] == "unknown_parameter"


def test_nobody_sees_by_expanding_what_is_not_theirs_to_see(path: str) -> None:
    packer = User.objects.create_user("packer", is_staff=True)
    packer.groups.set(Group.objects.filter(name="warehouse"))
    client = APIClient()
    client.force_authenticate(packer)

    assert client.get(path).status_code == 200
    assert client.get(f"{path}?expand=products").status_code == 200
    assert client.get(f"{path}?expand=customer").json()["code"] == "permission_denied"
