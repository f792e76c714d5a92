"""Any list as of any moment: equal to what was shown then, whatever the filter, the order and the page."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from eventstore import log
from projections import engine
from projections.models import HistoryEpoch
from projections.operations import replay
from projections.projection import known
from shop.catalog.commands import (
    create_product,
    describe_product,
    rename_product,
    schedule_price,
    set_price,
    withdraw_product,
)
from shop.customers.commands import (
    add_address,
    block_customer,
    change_email,
    end_premium,
    erase_customer,
    grant_premium,
    register_customer,
    rename_customer,
    set_birthday,
)
from shop.inventory.commands import receive_stock
from shop.ordering.commands import Item, cancel_order, place_order
from shop.resource import past
from shop.values import Money
from tests.api.conftest import HAMBURG

LISTS = {
    "customers": [
        "",
        "?q=ada",
        "?ordering=name",
        "?ordering=-email&page_size=1",
        "?email=ADA@EXAMPLE.COM",
        "?tier=standard&city=hamburg",
        "?tier=premium",
        "?birthday_within=366&ordering=name",
        "?blocked=true",
    ],
    "products": [
        "",
        "?status=published",
        "?price_min=5&ordering=-price",
        "?q=mug&page_size=1",
        "?ordering=name",
        "?price_max=8&q=stone",
    ],
    "orders": [
        "",
        "?status=cancelled",
        "?customer_id={ada}&ordering=total",
        "?q=PO",
        "?ordering=-reference&page_size=1",
    ],
}


def life(ada: UUID, mug: UUID) -> list[Callable[[], Any]]:
    """What happens in the shop, step by step."""
    orders: list[UUID] = []

    def place(number: int) -> Any:
        receipt = place_order(customer_id=ada, items=[Item("MUG-1", number)], reference=f"PO {number}")
        orders.append(receipt.id)
        return receipt

    receive_stock("MUG-1", quantity=100)
    return [
        lambda: register_customer(name="Grace", email="grace@example.com"),
        lambda: place(2),
        lambda: set_price(mug, price=Money(Decimal("4.00"), "EUR")),
        lambda: rename_customer(ada, name="Ida"),
        lambda: place(3),
        lambda: create_product(sku="CUP-1", name="Cup", price=Money(Decimal(9), "EUR"), publish=True),
        lambda: rename_product(mug, name="Old mug"),
        lambda: cancel_order(orders[0], reason="changed my mind"),
        lambda: change_email(ada, email="ida@example.com"),
        lambda: withdraw_product(mug),
        lambda: set_birthday(ada, birthday=date(1985, 12, 10)),
        lambda: grant_premium(ada, until=date(2099, 12, 31)),
        lambda: block_customer(ada, reason="three unpaid invoices"),
        lambda: end_premium(ada),
        lambda: describe_product(mug, description="stoneware"),
        lambda: schedule_price(mug, price=Money(Decimal(3), "EUR"), starts=datetime(2099, 1, 1, tzinfo=UTC)),
    ]


def pages(api: APIClient, url: str | None) -> list[dict[str, Any]]:
    found = []
    while url:
        answer = api.get(url)
        assert answer.status_code == 200, answer.content
        found += answer.json()["results"]
        url = answer.json()["next"]
    return found


def also(url: str, **asked: object) -> str:
    return url + ("&" if "?" in url else "?") + urlencode(asked)


def test_scenario_26_time_travel_of_lists(api: APIClient, ada: UUID, mug: UUID) -> None:
    urls = [f"/api/v1/{kind}/{query.format(ada=ada)}" for kind, queries in LISTS.items() for query in queries]
    then = []

    for step in [lambda: None, *life(ada, mug)]:
        step()
        engine.catch_up()
        then.append((timezone.now(), log.last(), {url: pages(api, url) for url in urls}))

    assert len({str(shown) for _, _, shown in then}) == len(then)
    for (instant, position, shown), url in product(then, urls):
        assert pages(api, also(url, as_of=position)) == shown[url], (position, url)
        assert pages(api, also(url, as_of=instant.isoformat())) == shown[url], (instant, url)


def test_the_next_page_is_of_the_same_moment(api: APIClient, ada: UUID, mug: UUID) -> None:
    for number in range(5):
        create_product(sku=f"CUP-{number}", name=f"Cup {number}")
    engine.catch_up()
    instant, position = timezone.now(), log.last()
    first = api.get(f"/api/v1/products/?ordering=-created_at&page_size=2&as_of={quote(instant.isoformat())}").json()
    for number in range(5, 10):
        create_product(sku=f"CUP-{number}", name=f"Cup {number}")
    rename_product(mug, name="Old mug")
    engine.catch_up()

    found = first["results"] + pages(api, first["next"])

    assert [row["name"] for row in found] == [*(f"Cup {number}" for number in (4, 3, 2, 1, 0)), "Harbour mug"]
    assert f"as_of={position}&" in first["next"] + "&", "what the instant was"
    for wrong, goes_with in (
        (first["next"].replace(f"as_of={position}", "page_size=2"), position),
        (first["next"].replace(f"as_of={position}", f"as_of={position + 1}"), position),
    ):
        (error,) = api.get(wrong.replace("page_size=2&page_size=2", "page_size=2")).json()["errors"]
        assert (error["parameter"], error["detail"]) == ("cursor", f"This cursor goes with as_of={goes_with}."), error
    now = api.get("/api/v1/products/?page_size=2").json()["next"]
    (error,) = api.get(f"{now}&as_of={position}").json()["errors"]
    assert (error["parameter"], error["detail"]) == ("cursor", "This cursor goes with a list without as_of.")


@pytest.mark.parametrize(
    ("asked", "wrong"), [("v3", "v3 is the version of one object"), ("yesterday", "'yesterday' is no moment")]
)
def test_what_is_no_moment_of_a_list_says_what_would_be(api: APIClient, ada: UUID, asked: str, wrong: str) -> None:
    answer = api.get(f"/api/v1/customers/?as_of={asked}")

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert wrong in error["detail"]
    assert "Expected an instant such as 2026-" in error["detail"]
    assert "or a position such as 1042." in error["detail"]
    assert "such as v3" not in error["detail"]


def test_what_is_not_worked_in_yet_is_not_shown(
    api: APIClient, ada: UUID, mug: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.resource.PATIENCE", 0.01)

    answer = api.get(f"/api/v1/products/?as_of={log.last()}")

    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (425, "not_yet", "1")
    engine.catch_up()
    assert len(api.get(f"/api/v1/products/?as_of={log.last()}").json()["results"]) == 1


def test_what_was_worked_in_and_is_not_when_it_is_read_is_not_shown(
    api: APIClient, mug: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def past_and_emptied(rows: Any, moment: Any) -> Any:
        found = past(rows, moment)
        replay(known()["Products"])
        return found

    engine.catch_up()
    monkeypatch.setattr("shop.resource.past", past_and_emptied)

    answer = api.get(f"/api/v1/products/?as_of={log.last()}")

    assert (answer.status_code, answer.json()["code"]) == (425, "not_yet")
    assert answer.json()["detail"].endswith("Ask again.")


def test_what_is_kept_no_more_says_from_when(api: APIClient, mug: UUID) -> None:
    engine.catch_up()
    end = log.last()
    HistoryEpoch.objects.filter(table="catalog_productsummary").update(since=end)

    answer = api.get(f"/api/v1/products/?as_of={end - 1}")

    assert (answer.status_code, answer.json()["code"], answer.json()["kept_since"]) == (410, "pruned", end)
    assert f"is kept from position {end} on" in answer.json()["detail"]
    assert api.get(f"/api/v1/products/?as_of={end}").status_code == 200


def test_lists_of_the_past_have_forgotten_who_was_erased(api: APIClient, ada: UUID, mug: UUID) -> None:
    add_address(ada, address=HAMBURG)
    order = place_order(customer_id=ada, items=[Item("MUG-1", 2)], reference="PO 1").id
    rename_customer(ada, name="Ida")
    engine.catch_up()
    before = log.last()
    erase_customer(ada)
    engine.catch_up()

    past = {
        kind: api.get(f"/api/v1/{kind}/?as_of={at}").content.decode()
        for kind in ("customers", "orders")
        for at in range(before - 5, log.last() + 1)
    }
    (customer,) = api.get(f"/api/v1/customers/?as_of={before}").json()["results"]
    (placed,) = api.get(f"/api/v1/orders/?as_of={before}").json()["results"]

    assert not [kind for kind, said in past.items() if any(word in said for word in ("Ada", "Ida", "ada@", "Kai"))]
    assert customer == api.get(f"/api/v1/customers/{ada}/?as_of={before}").json()
    object_then = api.get(f"/api/v1/orders/{order}/?as_of={before}").json()
    assert placed == {name: value for name, value in object_then.items() if name in placed}
    assert (customer["name"], placed["customer_name"]) == ("[erased]", "[erased]")
    assert len(customer["addresses"]) == 2
