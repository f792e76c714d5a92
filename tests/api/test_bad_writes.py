"""Whatever is sent: a 4xx that says what is wrong and where, and nothing is recorded."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.utils import timezone
from rest_framework.exceptions import ParseError
from rest_framework.test import APIClient

from eventstore.cause import because
from eventstore.models import Event
from eventstore.personal import pseudonym
from projections import lease, rebuild
from projections.models import Checkpoint, Parked
from projections.operations import pause
from projections.projection import known
from shop.catalog.commands import create_product, schedule_price, set_price
from shop.catalog.repricing.commands import reprice
from shop.catalog.repricing.files import Wanted
from shop.customers.commands import (
    add_payment_method,
    charge_credit,
    register_customer,
    reserve_credit,
    set_credit_limit,
)
from shop.http import StrictJSONParser
from shop.inventory.commands import receive_stock, reserve_stock
from shop.inventory.domain import Wanted as Pieces
from shop.ordering.commands import Item, confirm_order, deliver_order, place_order, ship_order
from shop.problems import CATALOGUE
from shop.shipping.commands import dispatch, pack, plan_shipment
from shop.shipping.domain import Packed
from shop.values import Money
from tests.api.conftest import BREMEN, HAMBURG, a_checkout, a_colleague, a_customer, a_mug, an_order
from tests.api.paid import paid
from tests.api.routes import operations
from tests.api.writes import BODIES, PARKED, SKIPPED, WRITES


@pytest.fixture(scope="module")
def made(once: Callable[[Callable[[], Any]], Any]) -> Any:
    return once(a_world)


@pytest.fixture
def staff(made: Any, db: None) -> User:
    return User.objects.get(username="support")


@pytest.fixture
def world(made: Any, db: None, fresh_throttle: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(rebuild, "go_back", lambda projection, by, even_so: 5)  # no tables are kept
    monkeypatch.setattr(rebuild, "abandon", lambda projection, by: True)  # nor built
    return dict(made)


def a_world() -> dict[str, str]:
    staff, ada, mug = a_colleague(), a_customer(), a_mug()
    order, checkout = an_order(ada), a_checkout(ada)
    staff.set_password("secret")
    staff.save()
    staff.user_permissions.add(*Permission.objects.filter(codename__in=["change_checkpoint", "reveal_card"]))
    for position, skipped_at in ((PARKED, None), (SKIPPED, timezone.now())):
        Parked.objects.create(
            projection="Customers", position=position, stream_id=ada, name="Customer.Renamed", skipped_at=skipped_at
        )
    lease.begin(known()["Orders"])
    pause(known()["Products"], by="desk", reason="a stocktaking")
    bob = register_customer(name="Bob", email="bob@example.com").id
    add_payment_method(ada, token="a token", label="Visa", last_four="4242")
    set_credit_limit(ada, limit=Money(Decimal(500), "EUR"))
    reserve_credit(ada, order_id=order, amount=Money(Decimal(120), "EUR"))
    charge_credit(ada, order_id=order)
    timed = create_product(sku="TIMED-1", name="Timed").id
    schedule_price(timed, price=Money(Decimal(1), "EUR"), starts=timezone.now() + timedelta(days=1))
    slip = uuid4()
    slipped = create_product(sku="SLIP-1", name="Slipped", price=Money(Decimal(4), "EUR")).id
    with because(correlation_id=slip):
        set_price(slipped, price=Money(Decimal("0.40"), "EUR"))
    again = [Wanted(1, "TIMED-1", Decimal(3), "EUR")]
    repricing = reprice(title="Spring", reason="spring", lines=again).id
    draft = create_product(sku="DRAFT-1", name="Draft", price=Money(Decimal(1), "EUR"))
    create_product(sku="DOLLAR-1", name="Dollar", price=Money(Decimal(1), "USD"), publish=True)
    create_product(sku="GOLD-1", name="Gold", price=Money(Decimal(999_999_999), "EUR"), publish=True)
    receive_stock("MUG-1", quantity=10)
    reserve_stock(order, items=[Pieces("MUG-1", 2)])
    parcels = dict(zip(("planned", "packed", "sent"), a_parcel_each(ada), strict=True))
    confirmed, delivered = (place_order(items=[Item("MUG-1", 2)], customer_id=ada).id for _ in range(2))
    for each in (confirmed, delivered):
        confirm_order(each)
    ship_order(delivered, shipment_id=uuid4())
    deliver_order(delivered)
    bulk = {"slip": str(slip), "repricing": str(repricing)}
    own = {"ada": ada, "bob": bob, "confirmed": confirmed, "delivered": delivered}
    own |= {"ada": ada, "mug": mug, "order": order, "draft": draft.id, "timed": timed, "checkout": checkout}
    return paid() | parcels | bulk | {name: str(each) for name, each in own.items()}


def a_parcel_each(ada: UUID) -> Iterator[str]:
    """One to be packed, whose address is a question; one that is packed; and one on its way."""
    lines = [Packed("MUG-1", "Harbour mug", 2)]
    yield str(plan_shipment(uuid4(), customer_id=ada, lines=lines, ship_to=BREMEN).id)
    for leaves in (False, True):
        parcel = plan_shipment(uuid4(), customer_id=ada, lines=lines, ship_to=HAMBURG).id
        pack(parcel)
        if leaves:
            dispatch(parcel, carrier="DHL")
        yield str(parcel)


class Sender:
    """Sends one operation, well or badly, and notes each answer that is not what it must be."""

    def __init__(self, api: APIClient, operation: str, world: dict[str, str]) -> None:
        self.api, self.world, self.write = api, world, WRITES[operation]
        self.method = operation.split(maxsplit=1)[0]
        self.good = json.loads(self._known(json.dumps(self.write.good)))
        self.surprises: list[str] = []

    def send(self, data: bytes, path: str = "", **headers: str) -> Any:
        headers = {"CONTENT_TYPE": "application/json", "HTTP_IDEMPOTENCY_KEY": str(uuid4())} | headers
        cache.clear()  # no throttle
        where = f"/api/v1/{self._known(path or self.write.path)}"
        return self.api.generic(self.method, where, data, headers.pop("CONTENT_TYPE"), **headers)

    def refuses(self, title: str, status: int, data: bytes, at: str = "", path: str = "", **headers: str) -> None:
        answer = self.send(data, path, **headers)
        problem = answer.json() if answer["Content-Type"] == "application/problem+json" else {}
        places = {error.get("pointer") for error in problem.get("errors", ())}
        as_it_must_be = (
            answer.status_code == problem.get("status") == status
            and CATALOGUE[problem["code"]].status == status
            and problem["request_id"] == answer["X-Request-Id"]
            and (status != 400 or not at or any(place.startswith(at) for place in places))
        )
        if not as_it_must_be:
            self.surprises.append(
                f"{title}: expected {status} at {at!r}, got {answer.status_code} {answer.content[:300]}"
            )

    def refuses_body(self, body: dict[str, Any], at: str, status: int = 400) -> None:
        self.refuses(f"{at} in {str(body)[:200]}", status, json.dumps(body).encode(), at)

    def _known(self, text: str) -> str:
        for name, value in self.world.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def changed(body: Any, pointer: str, *new: Any) -> Any:
    """A copy of ``body`` with ``new`` at ``pointer``, or with nothing there."""
    body = deepcopy(body)
    way: list[Any] = [int(step) if step.isdigit() else step for step in pointer.split("/")[1:]]
    last = way.pop()
    inner = body
    for step in way:
        inner = inner[step]
    if isinstance(inner, list):
        inner[last : last + 1] = new
    elif new:
        inner[last] = new[0]
    else:
        del inner[last]
    return body


def leaves(body: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Each value in ``body`` with its pointer, those inside others too."""
    for step, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield f"{pointer}/{step}", value
        if isinstance(value, dict | list):
            yield from leaves(value, f"{pointer}/{step}")


WRONG: dict[type, list[Any]] = {
    str: [1, 1.5, True, [], {}, ["x"], "\0", "a\0b", "a\u202eb", "a\x07b", "a\u2028b", "\ud800", "x" * 3000],
    int: ["1", "x", 1.5, True, [], {}],
    bool: ["true", 1, 0, [], {}],
    dict: ["x", 1, True, [], [{}], {"surely_unknown": 1}],
    list: ["x", 1, True, {}, [1], ["x"], [[]], [None]],
}


def recorded() -> list[Any]:
    """How many events there are, and what operators decided."""
    return [Event.objects.count(), *Checkpoint.objects.order_by("pk").values(), *Parked.objects.order_by("pk").values()]


FREE = {"/password": ["a\u202eb", "a\x07b", "a\u2028b"]}  # what may be in a password


def test_every_operation_that_writes_is_in_the_table() -> None:
    assert set(WRITES) == operations("POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("operation", WRITES)
def test_nothing_bad_is_recorded(operation: str, api: APIClient, world: dict[str, str]) -> None:
    sender = Sender(api, operation, world)
    before = recorded()

    for title, data, headers, status in BODIES:
        sender.refuses(title, status, data, **headers)
    for at, value in leaves(sender.good):
        optional = at in sender.write.optional
        if not optional and not at.endswith("/0"):
            sender.refuses_body(changed(sender.good, at), at)
        if not optional or (isinstance(value, bool | str) and at != "/customer_id"):
            sender.refuses_body(changed(sender.good, at, None), at)
        for wrong in WRONG[type(value)]:
            if wrong not in FREE.get(at, ()):
                sender.refuses_body(changed(sender.good, at, wrong), at)
    for at, value, status in sender.write.cases:
        known = world[value[1:-1]] if isinstance(value, str) and value[1:-1] in world else value
        sender.refuses_body(changed(sender.good, at, known), at, status)
    sender.refuses_body(sender.good | {"surely_unknown": 1}, "/surely_unknown")

    assert not sender.surprises, "\n".join(sender.surprises)
    assert recorded() == before


OPENS = {f"POST api/v1/stock/<str:sku>/{what}/" for what in ("receive", "policy")}  # of a SKU that was not there


@pytest.mark.parametrize(
    "operation", [operation for operation in WRITES if "<" in operation and operation not in OPENS]
)
def test_nothing_is_recorded_of_what_is_not_there(operation: str, api: APIClient, world: dict[str, str]) -> None:
    sender = Sender(api, operation, world)
    body, path = json.dumps(sender.good).encode(), sender._known(sender.write.path)
    mine = path.split("/")[1]
    before = Event.objects.count()

    others = [UUID(world[name]) for name in ("ada", "mug", "order")] + [pseudonym("email", "ada@example.com")]
    same = {"draft": "mug", "bob": "ada", "confirmed": "order", "delivered": "order"}
    kind = {world[one]: world[other] for one, other in same.items()}.get(mine, mine)
    for other in (*others, uuid4(), UUID(int=0), "x", str(uuid4()).upper(), "%00", "%2e%2e"):
        if str(other) != kind:
            sender.refuses(f"for {other}", 404, body, path=path.replace(mine, str(other)))
    for number in ("0", "2", "-1", "01", "x", 10**9, 2**63, 10**100) if "/1/" in path else ():
        sender.refuses(f"number {number}", 404, body, path=path.replace("/1/", f"/{number}/"))
    sender.refuses("with a parameter", 400, body, path=f"{path}?dry_run=1")

    assert not sender.surprises, "\n".join(sender.surprises)
    assert Event.objects.count() == before


@pytest.mark.parametrize("operation", WRITES)
def test_what_is_good_is_taken(operation: str, api: APIClient, world: dict[str, str]) -> None:
    sender = Sender(api, operation, world)

    answer = sender.send(json.dumps(sender.good).encode())

    assert answer.status_code in (200, 201, 202), answer.content


@pytest.mark.parametrize("operation", WRITES)
def test_who_is_not_signed_in_hears_so_whatever_they_send(operation: str, world: dict[str, str]) -> None:
    sender = Sender(APIClient(), operation, world)
    before = Event.objects.count()

    if operation != "POST api/v1/token/":
        sender.refuses("good, but anonymous", 401, json.dumps(sender.good).encode())
        sender.refuses("10 MB, and anonymous", 401, b"x" * 10_000_000)

    assert not sender.surprises, "\n".join(sender.surprises)
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    "key", ["", " ", "x" * 256, "a\tb", "a\0b", "caf\xe9"], ids=["empty", "blank", "long", "tab", "NUL", "no ASCII"]
)
def test_a_bad_idempotency_key_is_refused(key: str, api: APIClient, world: dict[str, str]) -> None:
    before = Event.objects.count()

    answer = api.post("/api/v1/customers/", WRITES["POST api/v1/customers/"].good, HTTP_IDEMPOTENCY_KEY=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert answer.json()["errors"][0]["header"] == "Idempotency-Key"
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    "name",
    [*("👩🏽‍🚀 Ada 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "نام‌خانوادگی", "𝕬𝖉𝖆", "李四", "<script>alert(1)</script>", "{{7*7}} ${jndi:ldap://x}"),
     *("=cmd|' /C calc'!A0", "Robert'); DROP TABLE students;--", 'a"b\\c', "x" * 200)],
)  # fmt: skip
def test_a_name_is_text_whatever_it_looks_like(name: str, api: APIClient, catch_up: Callable[[], None]) -> None:
    made = api.post("/api/v1/customers/", {"name": name, "email": "x@example.com"})

    catch_up()

    assert made.status_code == 201
    assert api.get(made["Location"]).json()["name"] == name


def test_a_body_that_ended_early_is_refused_even_if_it_could_be_read() -> None:
    request = Mock(headers={"Content-Length": "100"})

    with pytest.raises(ParseError, match="ended after 2 of 100 bytes"):
        StrictJSONParser().parse(BytesIO(b"{}"), "application/json", {"request": request})


def test_a_name_is_kept_composed_and_trimmed(api: APIClient, catch_up: Callable[[], None]) -> None:
    made = api.post("/api/v1/customers/", {"name": "  Zoe\u0308 ", "email": "x@example.com"})

    catch_up()

    assert api.get(made["Location"]).json()["name"] == "Zo\xeb"


def test_all_that_is_wrong_is_named_at_once(api: APIClient, world: dict[str, str]) -> None:
    answer = api.post(
        "/api/v1/orders/",
        {"lines": [{"sku": "", "quantity": 0}, {"colour": 1}], "is_staff": True},
        HTTP_IDEMPOTENCY_KEY="k",
    )

    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/lines/0/sku", "blank"),
        ("/lines/0/quantity", "min_value"),
        ("/lines/1/sku", "required"),
        ("/lines/1/quantity", "required"),
        ("/lines/1/colour", "unknown_field"),
        ("/is_staff", "unknown_field"),
    ]
