"""POST asks, and its receipt is enough to read one's own write."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from eventstore.models import Event
from projections import engine
from shop import resource
from shop.catalog.commands import create_product, set_price
from shop.ordering.commands import Item, place_order
from shop.values import Money
from tests.api.conftest import eur

CatchUp = Callable[[], None]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_customer_is_registered_and_read_back(api: APIClient, catch_up: CatchUp) -> None:
    made = api.post("/api/v1/customers/", {"name": "Grace", "email": "grace@example.com"})
    catch_up()

    receipt = made.json()
    assert made.status_code == 201
    assert made["Location"] == f"/api/v1/customers/{receipt['id']}/?after={receipt['position']}"
    assert made["ETag"] == '"1"'
    read = api.get(made["Location"])
    assert read["ETag"] == '"1"'
    assert read.json() == {
        "id": receipt["id"],
        "version": 1,
        "name": "Grace",
        "email": "grace@example.com",
        "addresses": [],
        "default_address": None,
        "payment_methods": [],
        "birthday": None,
        "tier": "standard",
        "premium_until": None,
        "premium_trial": False,
        "blocked": False,
        "block_reason": "",
        "registered_at": read.json()["registered_at"],
        "merged_into": None,
    }


def test_who_writes_uk_is_told_that_it_is_gb(api: APIClient, ada: UUID) -> None:
    address = {"street": "Strand 1", "city": "London", "postcode": "WC2R 0EZ", "country": "UK"}

    answer = api.post(f"/api/v1/customers/{ada}/addresses/", {"address": address})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (400, "/address/country")
    assert error["detail"].endswith("There it is 'GB'.")


def test_a_customer_changes(api: APIClient, ada: UUID, catch_up: CatchUp) -> None:
    address = {"street": "Am Wall 1", "city": "Bremen", "postcode": "28195", "country": "DE"}
    customer = f"/api/v1/customers/{ada}/"

    answers = [
        api.post(f"{customer}rename/", {"name": "Ada King"}),
        api.post(f"{customer}email/", {"email": "ada@king.example"}),
        api.post(f"{customer}addresses/", {"address": address}),
        api.put(f"{customer}addresses/1/", {"address": address | {"recipient": "Grace"}}),
        api.post(f"{customer}addresses/2/default/"),
        api.delete(f"{customer}addresses/1/"),
    ]
    catch_up()

    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, v) for v in range(4, 10)]
    assert answers[-1]["ETag"] == '"9"'
    read = api.get(answers[-1]["Location"]).json()
    assert (read["name"], read["email"], read["default_address"]) == ("Ada King", "ada@king.example", 2)
    assert read["addresses"] == [{"number": 2, "address": address | {"recipient": ""}}]


def test_a_product_lives(api: APIClient, catch_up: CatchUp) -> None:
    made = api.post("/api/v1/products/", {"sku": "CUP-1", "name": "Cup"})
    product = f"/api/v1/products/{made.json()['id']}/"

    answers = [
        api.post(f"{product}price/", {"price": eur("0.0022")}),
        api.post(f"{product}publish/"),
        api.post(f"{product}rename/", {"name": "Big cup"}),
        api.post(f"{product}withdraw/", {}),
    ]
    catch_up()

    assert [answer.status_code for answer in (made, *answers)] == [201, 200, 200, 200, 200]
    read = api.get(answers[-1]["Location"]).json()
    assert (read["status"], read["price"], read["name"], read["version"]) == ("withdrawn", eur("0.0022"), "Big cup", 5)


def test_an_order_is_placed_and_cancelled(api: APIClient, ada: UUID, mug: UUID, catch_up: CatchUp) -> None:
    lines = [{"sku": "MUG-1", "quantity": 2, "quoted": eur("12.5")}]
    placed = api.post(
        "/api/v1/orders/", {"customer_id": str(ada), "lines": lines, "reference": "PO 1"}, HTTP_IDEMPOTENCY_KEY="k-1"
    )
    cancelled = api.post(
        f"/api/v1/orders/{placed.json()['id']}/cancel/", {"reason": "changed my mind"}, HTTP_IDEMPOTENCY_KEY="k-2"
    )
    again = api.post(f"/api/v1/orders/{placed.json()['id']}/cancel/", {"reason": "twice"}, HTTP_IDEMPOTENCY_KEY="k-3")
    catch_up()

    assert (placed.status_code, cancelled.status_code, again.status_code) == (201, 200, 409)
    assert again.json()["code"] == "wrong_status"
    read = api.get(cancelled["Location"]).json()
    assert (read["status"], read["cancel_reason"], read["total"]) == ("cancelled", "changed my mind", eur("25.00"))
    assert read["ship_to"]["city"] == "Hamburg"
    assert [(line["sku"], line["quantity"], line["unit_price"]) for line in read["lines"]] == [
        ("MUG-1", 2, eur("12.50"))
    ]
    (listed,) = api.get("/api/v1/orders/?status=cancelled&reference=PO 1").json()["results"]
    assert listed == {name: value for name, value in read.items() if name in listed}


def test_a_stale_price_is_refused_with_the_one_in_force(api: APIClient, mug: UUID) -> None:
    set_price(mug, price=Money(Decimal("13"), "EUR"))

    answer = api.post(
        "/api/v1/orders/",
        {"lines": [{"sku": "MUG-1", "quantity": 1, "quoted": eur("12.50")}]},
        HTTP_IDEMPOTENCY_KEY="k",
    )

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "stale_price")
    assert (problem["sku"], problem["quoted"], problem["now"]) == ("MUG-1", "12.50 EUR", "13.00 EUR")


def test_nothing_changed_has_no_position(api: APIClient, ada: UUID, catch_up: CatchUp) -> None:
    answer = api.post(f"/api/v1/customers/{ada}/rename/", {"name": "Ada"})
    catch_up()

    assert answer.json() == {"id": str(ada), "version": 3, "position": None}
    assert api.get(answer["Location"])["ETag"] == answer["ETag"] == '"3"'


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("customers", "q=ad", ["Ada"]),
        ("customers", "q=EXAMPLE.com&ordering=name", ["Ada"]),
        ("customers", "email=ADA@example.com", ["Ada"]),
        ("customers", "email=ada", []),
        ("customers", "q=%25", []),
        ("products", "sku=MUG-1&status=published&price_min=12.5&price_max=12.50", ["Harbour mug"]),
        ("products", "price_min=12.51", []),
        ("products", "q=harb", ["Harbour mug"]),
        ("orders", "reference=PO 4711&status=rejected&placed_after=2020-01-01T00:00Z", ["Ada"]),
        ("orders", "placed_before=2020-01-01T00:00%2B01:00", []),
        ("orders", "q=4711", ["Ada"]),
        ("orders", "status=cancelled", []),
    ],
)
def test_lists_are_filtered(
    path: str, query: str, found: list[str], api: APIClient, order: UUID, catch_up: CatchUp
) -> None:
    catch_up()

    results = api.get(f"/api/v1/{path}/?{query}").json()["results"]

    assert [row.get("customer_name") or row["name"] for row in results] == found


@pytest.mark.parametrize("query", ["number={}", "q={}", "q=%23{}", "q=No. {}"])
def test_an_order_is_found_by_the_number_that_its_customer_reads_out(
    query: str, api: APIClient, order: UUID, mug: UUID, catch_up: CatchUp
) -> None:
    number = api.get(f"/api/v1/orders/{order}/?as_of=v1").json()["number"]
    place_order(customer_id=None, items=[Item("MUG-1", 1)])
    catch_up()

    (found,) = api.get(f"/api/v1/orders/?{query.format(number)}").json()["results"]

    assert (found["id"], found["number"]) == (str(order), number)


def test_head_is_get_without_its_body(api: APIClient, order: UUID, catch_up: CatchUp) -> None:
    catch_up()

    for path in ("orders/", f"orders/{order}/", f"orders/{order}/history/"):
        head, get = api.head(f"/api/v1/{path}"), api.get(f"/api/v1/{path}")
        assert (head.status_code, head.content, head.get("ETag")) == (200, b"", get.get("ETag"))


def test_orders_are_filtered_by_customer(api: APIClient, ada: UUID, order: UUID, catch_up: CatchUp) -> None:
    catch_up()

    assert len(api.get(f"/api/v1/orders/?customer_id={ada}").json()["results"]) == 1
    assert api.get(f"/api/v1/orders/?customer_id={uuid4()}").json()["results"] == []


def test_a_read_waits_for_what_was_written(api: APIClient, ada: UUID, catch_up: CatchUp) -> None:
    made = api.post("/api/v1/customers/", {"name": "Grace", "email": "grace@example.com"})

    def meanwhile(*_: Any, **__: Any) -> None:
        engine.catch_up()

    with patch("threading.Event.wait", meanwhile):
        read = api.get(made["Location"])
        listed = api.get(f"/api/v1/customers/?after={made.json()['position']}")

    assert (read.status_code, read.json()["name"]) == (200, "Grace")
    assert len(listed.json()["results"]) == 2


def test_a_read_that_waits_too_long_is_not_yet(api: APIClient, mug: UUID) -> None:
    position = api.get(f"/api/v1/products/{mug}/history/").json()["results"][-1]["position"]

    with patch.object(resource, "PATIENCE", 0.01):
        for path in (f"products/{mug}/", "products/", f"products/{mug}/price-history/"):
            answer = api.get(f"/api/v1/{path}?after={position}")
            assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (425, "not_yet", "1")
        assert api.get(f"/api/v1/products/{mug}/history/?after={position}").status_code == 200  # from the log itself
        assert api.get("/api/v1/products/").status_code == 200


def test_the_same_key_does_the_same_once(api: APIClient, ada: UUID) -> None:
    body = {"name": "Grace", "email": "grace@example.com"}
    rename = f"/api/v1/customers/{ada}/rename/"
    before = Event.objects.count()

    first = api.post("/api/v1/customers/", body, HTTP_IDEMPOTENCY_KEY="k-1")
    again = api.post("/api/v1/customers/", body, HTTP_IDEMPOTENCY_KEY="k-1")
    other_body = api.post("/api/v1/customers/", body | {"name": "Bob"}, HTTP_IDEMPOTENCY_KEY="k-1")
    other_place = api.post(rename, {"name": "Grace"}, HTTP_IDEMPOTENCY_KEY="k-1")
    other_key = api.post(rename, {"name": "Grace"}, HTTP_IDEMPOTENCY_KEY="k-2")

    assert (first.status_code, first.json(), first["Location"]) == (again.status_code, again.json(), again["Location"])
    assert [(answer.status_code, answer.json()["code"]) for answer in (other_body, other_place)] == [
        (422, "idempotency_key_reused"),
        (422, "idempotency_key_reused"),
    ]
    assert other_key.status_code == 200
    assert Event.objects.count() == before + 4  # Registered, Opened, Claimed; Renamed


def test_the_same_key_many_times_at_once_makes_one_order(empty_log: None) -> None:
    create_product(sku="MUG-1", name="Harbour mug", price=Money(Decimal("12.50"), "EUR"), publish=True)
    staff = User.objects.create_user("support", is_staff=True)

    def post(_: int) -> Any:
        client = APIClient()
        client.force_authenticate(staff)
        try:
            body = {"lines": [{"sku": "MUG-1", "quantity": 1}]}
            return client.post("/api/v1/orders/", body, "json", HTTP_IDEMPOTENCY_KEY="once")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(24)))

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(201, answers[0]["Location"])}
    assert Event.objects.filter(name="Order.Placed").count() == 1


def test_a_refusal_is_never_remembered_as_a_success(api: APIClient, ada: UUID) -> None:
    body = {"name": "Grace", "email": "ada@example.com"}

    refused = api.post("/api/v1/customers/", body, HTTP_IDEMPOTENCY_KEY="k-1")
    api.post(f"/api/v1/customers/{ada}/email/", {"email": "free@example.com"})
    taken = api.post("/api/v1/customers/", body, HTTP_IDEMPOTENCY_KEY="k-1")

    assert (refused.status_code, taken.status_code) == (409, 201)


def test_a_key_is_its_users_own(api: APIClient, db: None) -> None:
    other = APIClient(raise_request_exception=False)
    other.force_authenticate(User.objects.create_user("other", is_staff=True))

    first = api.post("/api/v1/customers/", {"name": "A", "email": "a@example.com"}, HTTP_IDEMPOTENCY_KEY="k")
    second = other.post("/api/v1/customers/", {"name": "B", "email": "b@example.com"}, "json", HTTP_IDEMPOTENCY_KEY="k")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize(
    ("traceparent", "valid"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-holds", True),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", False),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-0000000000000000-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_the_callers_trace_becomes_the_correlation_id(traceparent: str, valid: bool, api: APIClient) -> None:
    body = {"name": "Grace", "email": "grace@example.com"}

    made = api.post("/api/v1/customers/", body, HTTP_TRACEPARENT=traceparent, HTTP_IDEMPOTENCY_KEY="k-1")

    events = Event.objects.filter(position__lte=made.json()["position"]).order_by("-position")[:3]
    assert {event.correlation_id for event in events} == {UUID(TRACE if valid else made["X-Request-Id"])}
    assert {event.actor for event in events} == {"support"}
    assert len({event.command_id for event in events}) == 1
