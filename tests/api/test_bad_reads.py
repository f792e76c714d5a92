"""Whatever is asked: a 4xx that names the parameter."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from projections import engine
from shop.application import shop
from shop.catalog.commands import create_product
from shop.problems import CATALOGUE
from tests.api.routes import operations

Cases = list[tuple[str, str]]  # what is asked, and the parameter that is wrong in it

AFTER: Cases = [
    (f"after={text}", "after")
    for text in ("", "-1", "x", "1.5", "1e3", "%D9%A1", str(2**63), "9" * 500, "999999999999", "%00")
]
PAGES: Cases = [
    *((f"page_size={text}", "page_size") for text in ("0", "-1", "101", "1e9", "x", "", "50%00")),
    *((f"cursor={text}", "cursor") for text in ("x", "", "WyJuYW1lIl0:1:x", "%F0%9F%98%80", "x" * 2000)),
    ("page_size=1&page_size=2", "page_size"),
]
LIST: Cases = [
    *AFTER,
    *PAGES,
    *((f"ordering={text}", "ordering") for text in ("password", "--name", "id", "", "name,email", "name__x", "?")),
    *(
        ("as_of=1", "as_of"),
        ("page=2", "page"),
        ("limit=10", "limit"),
        ("q=", "q"),
        ("q=a%00b", "q"),
        (f"q={'x' * 201}", "q"),
    ),
]
OBJECT: Cases = [
    *AFTER,
    *(
        (f"as_of={text}", "as_of")
        for text in ("", "x", "-1", "v0", "v", "v1.5", "999999999", "9" * 30, "9999-99-99", "%00")
    ),
    *(
        (f"as_of={text}", "as_of")
        for text in ("2020-01-01", "2020-01-01T00:00", "2025-02-30T00:00Z", "9999-12-31T23:59Z")
    ),
    *(
        (f"as_of={text}", "as_of")
        for text in ("0000-01-01T00:00Z", "10000-01-01T00:00Z", "2020-01-01T00:00+01:00", "now")
    ),
    *(
        (f"effective_at={text}", "effective_at")
        for text in ("", "x", "v1", "1", "2020-01-01T00:00", "0001-01-01T00:00%2B14:00")
    ),
    ("as_of=v1&effective_at=2020-01-01T00:00Z", "effective_at"),
    ("as_of=v1&after=1", "after"),
    ("effective_at=2020-01-01T00:00Z&after=1", "after"),
    ("as_of=v1&as_of=v2", "as_of"),
]
HISTORY = [*AFTER, *PAGES, ("ordering=version", "ordering"), ("as_of=1", "as_of")]

READS: dict[str, tuple[str, Cases]] = {
    "GET api/v1/customers/": ("customers/", [*LIST, ("email=a%0Ab", "email"), ("name=Ada", "name")]),
    "GET api/v1/customers/<uuid:pk>/": ("customers/{ada}/", OBJECT),
    "GET api/v1/customers/<uuid:pk>/history/": ("customers/{ada}/history/", HISTORY),
    "GET api/v1/products/": (
        "products/",
        [
            *LIST,
            *((f"status={text}", "status") for text in ("sold", "", "PUBLISHED", "draft,published")),
            *(
                (f"price_min={text}", "price_min")
                for text in ("x", "-1", "NaN", "Infinity", "1e999999", "1.00001", "9" * 17)
            ),
            ("price_max=0x1", "price_max"),
            (f"sku={'x' * 65}", "sku"),
        ],
    ),
    "GET api/v1/products/<uuid:pk>/": ("products/{mug}/", OBJECT),
    "GET api/v1/products/<uuid:pk>/history/": ("products/{mug}/history/", HISTORY),
    "GET api/v1/products/<uuid:pk>/price-history/": ("products/{mug}/price-history/", HISTORY),
    "GET api/v1/orders/": (
        "orders/",
        [
            *LIST,
            *((f"customer_id={text}", "customer_id") for text in ("x", "", "1", "7289a4cf-7768-586e-b906-bd30f971a80")),
            *(
                (f"placed_after={text}", "placed_after")
                for text in ("x", "2025-02-30T00:00Z", "2025-01-01", "2020-01-01T00:00+01:00")
            ),
            ("placed_before=2020-01-01T24:00:01Z", "placed_before"),
            ("status=lost", "status"),
        ],
    ),
    "GET api/v1/orders/<uuid:pk>/": ("orders/{order}/", OBJECT),
    "GET api/v1/orders/<uuid:pk>/history/": ("orders/{order}/history/", HISTORY),
    "GET api/v1/": ("", []),
    "GET api/v1/problems/": ("problems/", []),
    "GET api/v1/problems/<slug:code>/": ("problems/not_found/", []),
}
DOCS = {"GET api/v1/schema/", "GET api/v1/docs/"}  # drf-spectacular's own
ALWAYS: Cases = [("surely_unknown=1", "surely_unknown"), ("%00=1", "\0"), ("%ff=1", "\ufffd"), ("a[]=1", "a[]")]


@pytest.fixture
def world(api: APIClient, ada: UUID, mug: UUID, order: UUID, catch_up: Any) -> dict[str, UUID]:
    catch_up()
    return {"ada": ada, "mug": mug, "order": order}


def test_every_operation_that_reads_is_in_the_table() -> None:
    assert set(READS) | DOCS == operations("GET")


@pytest.mark.parametrize("operation", READS)
def test_a_parameter_that_cannot_be_used_is_named(operation: str, api: APIClient, world: dict[str, UUID]) -> None:
    path, cases = READS[operation]
    surprises = []

    for query, parameter in [*cases, *ALWAYS]:
        answer = api.get(f"/api/v1/{path.format(**world)}?{query}")
        problem = answer.json()
        if not (
            answer["Content-Type"] == "application/problem+json"
            and answer.status_code == problem["status"] == CATALOGUE[problem["code"]].status == 400
            and [error["parameter"] for error in problem["errors"]] == [parameter]
        ):
            surprises.append(f"{query}: {answer.status_code} {answer.content[:300]}")

    assert not surprises, "\n".join(surprises)


@pytest.mark.parametrize("operation", [operation for operation in READS if "<uuid" in operation])
def test_what_is_not_there_is_not_found(operation: str, api: APIClient, world: dict[str, UUID]) -> None:
    path, _ = READS[operation]
    kind, _, rest = path.partition("/")
    rest = rest.partition("/")[2]
    mine = {"customers": "ada", "products": "mug", "orders": "order"}[kind]
    surprises = []

    for other in (
        *(at for name, at in world.items() if name != mine),
        uuid4(),
        UUID(int=0),
        "x",
        "%00",
        str(uuid4()).upper(),
    ):
        for query in ("", "?as_of=v1", "?as_of=2020-01-01T00:00Z", "?effective_at=0001-01-01T00:00Z"):
            if not query or not rest:
                answer = api.get(f"/api/v1/{kind}/{other}/{rest}{query}")
                if (answer.status_code, answer.json()["code"]) != (404, "not_found"):
                    surprises.append(f"{other} {query}: {answer.status_code} {answer.content[:300]}")

    assert not surprises, "\n".join(surprises)


@pytest.mark.parametrize(
    "operation", [operation for operation in READS if "<uuid" in operation or "{" not in READS[operation][0]]
)
def test_only_staff_may_read(operation: str, world: dict[str, UUID], db: None) -> None:
    path = f"/api/v1/{READS[operation][0].format(**world)}"
    customer = APIClient()
    customer.force_authenticate(User.objects.create_user("customer"))

    answers = APIClient().get(path), customer.get(path)

    if "problems" in path or path == "/api/v1/":
        assert [answer.status_code for answer in answers] == [200, 200]
        return
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (401, "not_authenticated"),
        (403, "permission_denied"),
    ]
    assert answers[0]["WWW-Authenticate"].startswith("Token")


def test_an_object_that_was_not_yet_is_not_found(api: APIClient, world: dict[str, UUID]) -> None:
    first = api.get(f"/api/v1/orders/{world['order']}/history/").json()["results"][0]["position"]

    assert api.get(f"/api/v1/orders/{world['order']}/?as_of={first - 1}").status_code == 404
    assert api.get(f"/api/v1/orders/{world['order']}/?as_of=v2").status_code == 404


def test_a_cursor_goes_with_its_list_and_its_order(api: APIClient, world: dict[str, UUID]) -> None:
    create_product(sku="CUP-1", name="Cup")
    engine.catch_up()
    following = api.get("/api/v1/products/?page_size=1&ordering=name").json()["next"]

    assert api.get(following).status_code == 200
    for wrong in (
        following.replace("ordering=name", "ordering=-name"),
        following.replace("products", "customers"),
        following.replace("cursor=W", "cursor=X"),
        following[:-1],
    ):
        assert [e["parameter"] for e in api.get(wrong).json()["errors"]] == ["cursor"]


def test_all_parameters_that_are_wrong_are_named_at_once(api: APIClient, world: dict[str, UUID]) -> None:
    answer = api.get("/api/v1/orders/?foo=1&after=x&page_size=0&ordering=x&cursor=x&status=x&customer_id=x&q=1&q=2")

    assert answer.json()["code"] == "bad_parameter"
    assert sorted(error["parameter"] for error in answer.json()["errors"]) == [
        *("after", "cursor", "customer_id", "foo", "ordering", "page_size", "q", "status"),
    ]


def test_the_end_of_the_log_is_not_to_come(api: APIClient, world: dict[str, UUID]) -> None:
    end = shop.recorder.max_notification_id() or 0

    assert api.get(f"/api/v1/orders/?after={end}").status_code == 200
    assert [e["parameter"] for e in api.get(f"/api/v1/orders/?after={end + 1}").json()["errors"]] == ["after"]
