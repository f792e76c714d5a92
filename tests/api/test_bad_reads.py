"""Whatever is asked: a 4xx that names the parameter."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from eventstore.models import Event
from projections import engine
from shop.application import shop
from shop.catalog.commands import create_product
from shop.catalog.repricing.commands import reprice
from shop.catalog.repricing.files import Wanted
from shop.fulfilment.domain import process_of
from shop.inventory.commands import receive_stock
from shop.notifications.models import OutgoingMail
from shop.problems import CATALOGUE
from shop.shipping.commands import plan_shipment
from shop.shipping.domain import Packed
from tests.api.conftest import HAMBURG, a_checkout, a_customer, a_mug, an_order
from tests.api.paid import paid
from tests.api.routes import operations

Cases = list[tuple[str, str]]  # what is asked, and the parameter that is wrong in it

AFTER: Cases = [
    (f"after={text}", "after")
    for text in ("", "-1", "x", "1.5", "1e3", "%D9%A1", str(2**63), "9" * 500, "999999999999", "%00", "%ff")
]
PAGES: Cases = [
    *((f"page_size={text}", "page_size") for text in ("0", "-1", "101", "1e9", "x", "", "50%00")),
    *((f"cursor={text}", "cursor") for text in ("x", "", "WyJuYW1lIl0:1:x", "%F0%9F%98%80", "x" * 2000)),
    ("page_size=1&page_size=2", "page_size"),
]
MOMENTS: Cases = [
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
    ("as_of=1&after=1", "after"),
    ("as_of=1&as_of=2", "as_of"),
]
LIST: Cases = [
    *AFTER,
    *MOMENTS,
    *PAGES,
    *((f"ordering={text}", "ordering") for text in ("password", "--name", "id", "", "name,email", "name__x", "?")),
    *(
        ("as_of=v3", "as_of"),
        ("effective_at=2020-01-01T00:00Z", "effective_at"),
        ("page=2", "page"),
        ("limit=10", "limit"),
        ("q=", "q"),
        ("q=a%00b", "q"),
        (f"q={'x' * 201}", "q"),
    ),
]
OBJECT: Cases = [
    *AFTER,
    *MOMENTS,
    *(
        (f"effective_at={text}", "effective_at")
        for text in ("", "x", "v1", "1", "2020-01-01T00:00", "0001-01-01T00:00%2B14:00")
    ),
    ("as_of=v1&effective_at=2020-01-01T00:00Z", "effective_at"),
    ("effective_at=2020-01-01T00:00Z&after=1", "after"),
]
DAYS: Cases = [
    (f"{name}={text}", name) for name in ("since", "until") for text in ("x", "2025-02-30", "2025-01-01T00:00Z", "1")
]
THEN: Cases = [(f"as_of={text}", "as_of") for text in ("x", "v3", "999999999")] + [("as_of=1&after=1", "after")]
HISTORY = [*AFTER, *THEN, *PAGES, ("ordering=version", "ordering")]

AT: Cases = [(f"at={text}", "at") for text in ("x", "", "1", "2020-01-01", "2020-02-30T00:00Z")]
AT += [("at=0001-01-01T00:00%2B14:00", "at")]
TIERS: Cases = [
    *((f"tier={text}", "tier") for text in ("gold", "", "PREMIUM")),
    *((f"birthday_within={text}", "birthday_within") for text in ("x", "-1", "367", "1.5", "NaN", "1e9")),
    *((f"blocked={text}", "blocked") for text in ("x", "1", "True")),
    (f"city={'x' * 101}", "city"),
]

READS: dict[str, tuple[str, Cases]] = {
    "GET api/v1/customers/": ("customers/", [*LIST, ("email=a%0Ab", "email"), ("name=Ada", "name"), *AT, *TIERS]),
    "GET api/v1/customers/<uuid:pk>/": ("customers/{ada}/", OBJECT),
    "GET api/v1/customers/<uuid:pk>/history/": ("customers/{ada}/history/", HISTORY),
    "GET api/v1/customers/<uuid:pk>/address-history/": ("customers/{ada}/address-history/", HISTORY),
    "GET api/v1/customers/<uuid:pk>/credit/": ("customers/{ada}/credit/", [*OBJECT, ("cursor=x", "cursor")]),
    "GET api/v1/customers/<uuid:pk>/credit/statement/": ("customers/{ada}/credit/statement/", HISTORY),
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
            *AT,
            (f"sku={'x' * 65}", "sku"),
        ],
    ),
    "GET api/v1/products/<uuid:pk>/": ("products/{mug}/", OBJECT),
    "GET api/v1/products/<uuid:pk>/history/": ("products/{mug}/history/", HISTORY),
    "GET api/v1/products/<uuid:pk>/price-history/": ("products/{mug}/price-history/", HISTORY),
    "GET api/v1/repricings/": (
        "repricings/",
        [*LIST, ("kind=x", "kind"), ("status=planned", "status"), ("undoes=x", "undoes")],
    ),
    "GET api/v1/repricings/<uuid:pk>/": ("repricings/{repricing}/", OBJECT),
    "GET api/v1/repricings/<uuid:pk>/history/": ("repricings/{repricing}/history/", HISTORY),
    "GET api/v1/repricings/<uuid:pk>/lines/": ("repricings/{repricing}/lines/", HISTORY),
    "GET api/v1/repricings/<uuid:pk>/undo-preview/": (
        "repricings/{repricing}/undo-preview/",
        [("as_of=1", "as_of"), ("after=1", "after")],
    ),
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
    "GET api/v1/orders/<uuid:pk>/timeline/": ("orders/{order}/timeline/", HISTORY),
    "GET api/v1/orders/<uuid:pk>/process/": ("orders/{order}/process/", [*AFTER, *MOMENTS, ("as_of=v3", "as_of")]),
    "GET api/v1/checkouts/": (
        "checkouts/",
        [*LIST, ("status=placed", "status"), ("customer_id=x", "customer_id"), ("ordering=status", "ordering")],
    ),
    "GET api/v1/checkouts/<uuid:pk>/": ("checkouts/{checkout}/", OBJECT),
    "GET api/v1/checkouts/<uuid:pk>/history/": ("checkouts/{checkout}/history/", HISTORY),
    "GET api/v1/ops/processes/": (
        "ops/processes/",
        [*LIST, ("status=placed", "status"), ("waits_for=stock", "waits_for"), ("customer_id=x", "customer_id")],
    ),
    "GET api/v1/ops/processes/<uuid:pk>/": ("ops/processes/{process}/", [*AFTER, *MOMENTS, ("as_of=v3", "as_of")]),
    "GET api/v1/ops/processes/<uuid:pk>/history/": ("ops/processes/{process}/history/", HISTORY),
    "GET api/v1/ops/projections/": ("ops/projections/", [("after=1", "after"), ("page_size=1", "page_size")]),
    "GET api/v1/ops/projections/<slug:name>/": ("ops/projections/Orders/", [("as_of=1", "as_of")]),
    "GET api/v1/ops/parked/": (
        "ops/parked/",
        [*PAGES, ("ordering=position", "ordering"), ("as_of=1", "as_of"), ("after=1", "after")],
    ),
    "GET api/v1/ops/trace/<slug:correlation_id>/": (
        "ops/trace/{trace}/",
        [*AFTER, ("cursor=x", "cursor"), ("as_of=1", "as_of")],
    ),
    "GET api/v1/stock/": (
        "stock/",
        [*LIST, *((f"low={text}", "low") for text in ("x", "1", "True")), (f"sku={'x' * 65}", "sku")],
    ),
    "GET api/v1/stock/<str:sku>/": ("stock/MUG-1/", OBJECT),
    "GET api/v1/stock/<str:sku>/history/": ("stock/MUG-1/history/", HISTORY),
    "GET api/v1/stock/<str:sku>/ledger/": ("stock/MUG-1/ledger/", HISTORY),
    "GET api/v1/stock/<str:sku>/reservations/": ("stock/MUG-1/reservations/", HISTORY),
    "GET api/v1/shipments/": (
        "shipments/",
        [
            *LIST,
            *((f"status={text}", "status") for text in ("sent", "PACKED", "planned,packed")),
            *((f"question={text}", "question") for text in ("yes", "OPEN")),
            *((f"pick_list={text}", "pick_list") for text in ("false", "1")),
            *((f"{name}=x", name) for name in ("order_id", "customer_id")),
        ],
    ),
    "GET api/v1/shipments/<uuid:pk>/": ("shipments/{parcel}/", OBJECT),
    "GET api/v1/shipments/<uuid:pk>/history/": ("shipments/{parcel}/history/", HISTORY),
    "GET api/v1/payments/": (
        "payments/",
        [
            *LIST,
            *((f"status={text}", "status") for text in ("paid", "", "CAPTURED")),
            *((f"{name}=x", name) for name in ("order_id", "customer_id", "requested_after", "requested_before")),
        ],
    ),
    "GET api/v1/payments/<uuid:pk>/": ("payments/{captured}/", OBJECT),
    "GET api/v1/payments/<uuid:pk>/history/": ("payments/{captured}/history/", HISTORY),
    "GET api/v1/cards/": ("cards/", [*LIST, ("last_four=42424", "last_four"), ("number=4242424242424242", "number")]),
    "GET api/v1/cards/<uuid:pk>/": ("cards/{card}/", OBJECT),
    "GET api/v1/cards/<uuid:pk>/history/": ("cards/{card}/history/", HISTORY),
    "GET api/v1/mails/": (
        "mails/",
        [
            *LIST,
            *((f"{name}={text}", name) for name in ("kind", "status") for text in ("x", "", "SENT")),
            *((f"{name}=x", name) for name in ("order_id", "customer_id")),
        ],
    ),
    "GET api/v1/mails/<uuid:pk>/": ("mails/{mail}/", [*AFTER, *THEN]),
    "GET api/v1/billing/contacts/": ("billing/contacts/", [*LIST, ("email=a", "email")]),
    "GET api/v1/billing/payments/": (
        "billing/payments/",
        [*LIST, *((f"{name}=x", name) for name in ("order_id", "customer_id"))],
    ),
    "GET api/v1/reports/takings/": ("reports/takings/", [*LIST, *DAYS, ("currency=EURO", "currency")]),
    "GET api/v1/reports/sales/": (
        "reports/sales/",
        [*LIST, *DAYS, *((f"by={text}", "by") for text in ("", "year", "DAY"))],
    ),
    "GET api/v1/reports/unshipped/": (
        "reports/unshipped/",
        [*LIST, ("customer_id=x", "customer_id"), ("status=shipped", "status"), ("price_min=-1", "price_min")],
    ),
    "GET api/v1/reports/best-sellers/": (
        "reports/best-sellers/",
        [*AFTER, *MOMENTS, *DAYS, ("as_of=v3", "as_of"), ("page_size=1", "page_size"), ("ordering=sku", "ordering")],
    ),
    "GET api/v1/reports/month-close/": (
        "reports/month-close/",
        [
            ("", "month"),
            *((f"month={text}", "month") for text in ("", "2026", "2026-13", "2026-1", "0001-01", "9999-12", "x")),
            ("as_of=1", "as_of"),
        ],
    ),
    "GET api/v1/events/": ("events/", [("as_of=1", "as_of"), ("page_size=1", "page_size"), ("wait=21", "wait")]),
    "GET api/v1/consistency/": ("consistency/", [("after=1", "after")]),
    "GET api/v1/": ("", []),
    "GET api/v1/problems/": ("problems/", []),
    "GET api/v1/problems/<slug:code>/": ("problems/not_found/", []),
}
DOCS = {"GET api/v1/schema/", "GET api/v1/docs/"}  # drf-spectacular's own
ALWAYS: Cases = [("surely_unknown=1", "surely_unknown"), ("%00=1", "\0"), ("%ff=1", "\ufffd"), ("a[]=1", "a[]")]


@pytest.fixture(scope="module")
def world(once: Callable[[Callable[[], Any]], Any]) -> Any:
    return once(a_world)


def a_world() -> dict[str, UUID]:
    ada, mug = a_customer(), a_mug()
    order, checkout = an_order(ada), a_checkout(ada)
    receive_stock("MUG-1", quantity=10)
    parcel = plan_shipment(order, customer_id=ada, lines=[Packed("MUG-1", "Mug", 2)], ship_to=HAMBURG).id
    repricing = reprice(title="Spring", reason="r", lines=[Wanted(1, "MUG-1", Decimal(13), "EUR")]).id
    payments = {name: UUID(each) for name, each in paid().items() if name != "authorised"}
    engine.catch_up()
    facts = {"id": uuid4(), "message_id": "<1@example.com>", "kind": "confirmed", "recipient": "ada@example.com"}
    mail = OutgoingMail.objects.create(**facts, customer_id=ada, order_id=order)
    return (
        payments
        | {"repricing": repricing, "ada": ada, "mug": mug, "order": order, "parcel": parcel, "mail": mail.id}
        | {
            "checkout": checkout,
            "process": process_of(order),
            "trace": Event.objects.filter(stream_id=order).values_list("correlation_id", flat=True)[0],
        }
    )


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


@pytest.mark.parametrize("operation", [each for each in READS if "<uuid" in each or "<str:sku>" in each])
def test_what_is_not_there_is_not_found(operation: str, api: APIClient, world: dict[str, UUID]) -> None:
    path, _ = READS[operation]
    kind, _, rest = path.partition("/")
    rest = rest.partition("/")[2]
    mine = {"customers": "ada", "products": "mug", "orders": "order", "shipments": "parcel", "stock": ""}
    mine |= {"payments": "captured", "cards": "card", "mails": "mail", "checkouts": "checkout", "ops": "process"}
    mine |= {"repricings": "repricing"}
    own = mine[kind]
    surprises = []

    for other in (
        *(at for name, at in world.items() if name != own),
        uuid4(),
        UUID(int=0),
        "x",
        "%00",
        str(uuid4()).upper(),
    ):
        for query in ("", "?as_of=v1", "?as_of=2020-01-01T00:00Z", "?effective_at=0001-01-01T00:00Z"):
            if not query or (not rest and kind != "mails"):  # which have no past
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
    assert api.get(f"/api/v1/orders/{world['order']}/?as_of=v99").status_code == 404


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
