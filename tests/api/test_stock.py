"""Stock over HTTP: by SKU, with its ledger, now and then."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from eventstore.cause import because
from eventstore.models import Event
from shop.inventory.commands import receive_stock, reserve_stock, set_stock_policy, ship_stock
from shop.inventory.domain import Wanted

pytestmark = pytest.mark.django_db
STOCK = "/api/v1/stock/"


def test_a_delivery_opens_a_sku_and_says_where_it_is_to_be_seen(api: APIClient, catch_up: Callable[[], None]) -> None:
    answer = api.post(f"{STOCK}MUG-1/receive/", {"quantity": 24, "reference": "note 4711"}, HTTP_IDEMPOTENCY_KEY="k")
    catch_up()
    shown = api.get(answer["Location"])

    assert answer.status_code == 200
    assert answer["Location"] == f"{STOCK}MUG-1/?after={answer.json()['position']}"
    assert shown["ETag"] == answer["ETag"] == '"2"'
    assert {name: shown.json()[name] for name in ("sku", "on_hand", "reserved", "available", "low")} == {
        "sku": "MUG-1",
        "on_hand": 24,
        "reserved": 0,
        "available": 24,
        "low": False,
    }


def test_a_sku_that_has_lost_what_stood_there_is_none(api: APIClient) -> None:
    answer = api.post(f"{STOCK}%EF%BF%BD/receive/", {"quantity": 1}, HTTP_IDEMPOTENCY_KEY="k")

    assert answer.status_code == 404
    assert not Event.objects.filter(name__startswith="StockItem.").exists()


@pytest.mark.parametrize("sku", ["85123A", "Ä 1", "a.b-c_d", "50%"])
def test_a_sku_may_be_whatever_one_line_of_text_without_a_slash_is(
    sku: str, api: APIClient, catch_up: Callable[[], None]
) -> None:
    answer = api.post(f"{STOCK}{quote(sku)}/receive/", {"quantity": 1}, HTTP_IDEMPOTENCY_KEY="k")
    catch_up()

    assert api.get(answer["Location"]).json()["sku"] == sku


def test_what_moves_stock_needs_a_key_and_happens_once_under_it(api: APIClient) -> None:
    refused = api.post(f"{STOCK}MUG-1/receive/", {"quantity": 24})
    first, again = (api.post(f"{STOCK}MUG-1/receive/", {"quantity": 24}, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_required")
    assert first.json() == again.json()
    assert Event.objects.filter(name="StockItem.Received").count() == 1


def test_a_count_below_what_is_reserved_says_what_stands_against_it(api: APIClient) -> None:
    receive_stock("MUG-1", quantity=12)
    reserve_stock(uuid4(), items=[Wanted("MUG-1", 10)])
    body = {"counted": 9, "reason": "the shelf says so"}

    refused = api.post(f"{STOCK}MUG-1/count/", body, HTTP_IDEMPOTENCY_KEY="1")
    api.post(f"{STOCK}MUG-1/policy/", {"back_orders": True, "low_at": 0})
    taken = api.post(f"{STOCK}MUG-1/count/", body, HTTP_IDEMPOTENCY_KEY="2")

    assert (refused.status_code, taken.status_code) == (409, 200)
    problem = refused.json()
    assert [problem[name] for name in ("code", "sku", "wanted", "available")] == ["insufficient_stock", "MUG-1", 10, 9]


def test_who_counted_what_has_changed_since_is_told(api: APIClient, catch_up: Callable[[], None]) -> None:
    receive_stock("MUG-1", quantity=12)
    catch_up()
    seen = api.get(f"{STOCK}MUG-1/")["ETag"]
    receive_stock("MUG-1", quantity=1)

    answer = api.post(
        f"{STOCK}MUG-1/count/", {"counted": 12, "reason": "?"}, HTTP_IDEMPOTENCY_KEY="k", HTTP_IF_MATCH=seen
    )

    assert (answer.status_code, answer.json()["code"]) == (412, "version_conflict")


def test_the_ledger_and_the_reservations_of_a_sku(api: APIClient, catch_up: Callable[[], None]) -> None:
    order = uuid4()
    receive_stock("CUP-1", quantity=3)
    receive_stock("MUG-1", quantity=5, reference="note 4711")
    reserve_stock(order, items=[Wanted("MUG-1", 2)])
    ship_stock(order, items=[Wanted("MUG-1", 2)])
    catch_up()

    ledger = api.get(f"{STOCK}MUG-1/ledger/").json()["results"]
    (claim,) = api.get(f"{STOCK}MUG-1/reservations/").json()["results"]

    words = ("version", "kind", "order_id", "change", "claim", "on_hand", "reserved", "available", "note")
    assert [tuple(line[word] for word in words) for line in ledger] == [
        (2, "received", None, 5, 0, 5, 0, 5, "note 4711"),
        (3, "reserved", str(order), 0, 2, 5, 2, 3, ""),
        (4, "shipped", str(order), -2, -2, 3, 0, 3, ""),
    ]
    assert (claim["order_id"], claim["quantity"], claim["status"]) == (str(order), 2, "shipped")
    assert api.get(f"{STOCK}NONE/ledger/").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["CUP-1", "JUG-1", "MUG-1"]),
        ("low=true", ["CUP-1"]),
        ("low=false", ["JUG-1", "MUG-1"]),
        ("q=ug", ["JUG-1", "MUG-1"]),
        ("sku=MUG-1", ["MUG-1"]),
        ("ordering=-available", ["MUG-1", "JUG-1", "CUP-1"]),
        ("ordering=on_hand&low=false&q=1", ["JUG-1", "MUG-1"]),
    ],
)
def test_stock_is_filtered_and_ordered(
    query: str, found: list[str], api: APIClient, catch_up: Callable[[], None]
) -> None:
    for sku, quantity, low_at in (("MUG-1", 9, 2), ("CUP-1", 2, 2), ("JUG-1", 3, 2)):
        receive_stock(sku, quantity=quantity)
        set_stock_policy(sku, back_orders=False, low_at=low_at)
    catch_up()

    assert [row["sku"] for row in api.get(f"{STOCK}?{query}").json()["results"]] == found


def test_stock_is_shown_as_it_was(api: APIClient, catch_up: Callable[[], None]) -> None:
    order = uuid4()
    then = []
    for step in (
        lambda: receive_stock("MUG-1", quantity=5),
        lambda: reserve_stock(order, items=[Wanted("MUG-1", 2)]),
        lambda: set_stock_policy("MUG-1", back_orders=True, low_at=3),
        lambda: ship_stock(order, items=[Wanted("MUG-1", 2)]),
    ):
        position = step().position
        catch_up()
        then.append((position, timezone.now().isoformat(), api.get(f"{STOCK}MUG-1/")))

    for position, instant, answer in then:
        for asked in ({"as_of": position}, {"as_of": f"v{answer.json()['version']}"}, {"as_of": instant}):
            assert api.get(f"{STOCK}MUG-1/", asked).json() == answer.json()
        assert api.get(f"{STOCK}MUG-1/", {"effective_at": instant}).json() == answer.json()
        assert api.get(STOCK, {"as_of": position}).json()["results"] == [answer.json()]
    assert [row["name"] for row in api.get(f"{STOCK}MUG-1/history/").json()["results"]] == [
        *("StockItem.Opened", "StockItem.Received", "StockItem.Reserved", "StockItem.PolicySet", "StockItem.Shipped")
    ]


def test_what_is_learned_late_was_on_hand_before_it_was_known(api: APIClient) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    with because(effective_at=long_ago):
        receive_stock("MUG-1", quantity=5)
    with because(effective_at=long_ago + timedelta(days=1)):
        receive_stock("MUG-1", quantity=2)

    shown = api.get(f"{STOCK}MUG-1/", {"effective_at": (long_ago + timedelta(hours=1)).isoformat()})

    assert shown.json()["on_hand"] == 5
