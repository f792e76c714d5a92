"""Whoever dies wherever, and whatever the gateway answers: an order ends confirmed or undone, and paid for once."""

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client

from eventstore import log
from eventstore.models import Event
from projections.models import Checkpoint, Parked
from projections.projection import Policy, known
from shop.books.check import Books
from shop.books.facts import facts
from shop.catalog.repricing.commands import reprice
from shop.catalog.repricing.files import Wanted
from shop.customers.commands import (
    add_address,
    add_payment_method,
    change_address,
    erase_customer,
    merge_customers,
    register_customer,
    remove_address,
    set_credit_limit,
    set_default_address,
)
from shop.ordering.commands import Item, Paying, cancel_order, change_order_address, edit_lines, place_order
from shop.payments import work as worker
from shop.payments.commands import capture_payment, refund_payment
from shop.payments.domain import payment_of
from shop.payments.fake.ledger import EVENTS
from shop.payments.models import PaymentWork
from shop.payments.signing import HEADER, sign
from shop.shipping.commands import answer_address, deliver, dispatch, pack
from shop.shipping.domain import shipment_of
from shop.values import Address
from shop.vault.commands import store_card
from tests.shop.gateway import SECRET, Fake, fake_gateway
from tests.shop.orders import AWAY, GOOD_CARD, HOME, NEEDED, card, come_to_rest, euros, goods, names, order
from tests.system.dying import Point, forked, points

pytestmark = pytest.mark.django_db(transaction=True)

OUTCOMES = {  # what the gateway does at first: a fault of the fake's
    "ok": "",
    "declined": "decline",
    "5xx": "error",
    "time-out before charging": "hang",
    "time-out after charging": "charge_then_hang",
    "5xx after charging": "charge_then_error",
    "nonsense after charging": "nonsense",
    "webhook first, and twice": "",
    "webhooks late": "charge_then_hang",
}
Acts = Iterator[None]  # a person acts, and at each `yield` the workers go on until nothing is left to do


def bought(customer: UUID, payment: Paying) -> UUID:
    return place_order(items=[Item("MUG", 2)], customer_id=customer, payment=payment).id


def sent(fake: Fake, outcome: str, payment: Paying) -> Acts:
    customer = somebody()
    placed = bought(customer, payment)
    if outcome.startswith("webhook first"):
        come_to_rest()
        fake.gateway(5).authorise(f"{payment_of(placed)}:authorise", token=str(payment.token), **FIRST)
        for _ in range(2):
            tell(fake, placed)
    yield
    if outcome == "declined":
        assert order(placed).status == "rejected"
        return
    assert order(placed).status == "confirmed"
    pack(shipment_of(placed))
    fake.gets_all_right()
    if fault := OUTCOMES[outcome]:
        fake.gets_wrong(fault, "capture")
    dispatch(shipment_of(placed), carrier="DHL")
    yield
    deliver(shipment_of(placed))
    yield
    assert order(placed).status == "delivered"
    if outcome == "webhooks late":
        before = Event.objects.count()
        tell(fake, placed)
        tell(fake, placed)
        assert Event.objects.count() == before


def by_card(fake: Fake, outcome: str) -> Acts:
    yield from sent(fake, outcome, card())


def on_account(fake: Fake, outcome: str) -> Acts:
    yield from sent(fake, outcome, Paying("account"))


def cancelled_while_it_waits(fake: Fake, outcome: str) -> Acts:
    placed = bought(somebody(), card())
    come_to_rest()
    cancel_order(placed, reason="changed my mind")
    yield
    assert order(placed).status == "cancelled"


def cancelled_while_it_is_captured(fake: Fake, outcome: str) -> Acts:
    placed = bought(somebody(), card())
    yield
    if outcome == "declined":
        return
    if fault := OUTCOMES[outcome]:
        fake.gets_wrong(fault, "capture")
    capture_payment(placed, euros("20.00"))
    cancel_order(placed, reason="changed my mind")
    yield
    assert order(placed).status == "cancelled"


def paid_back(fake: Fake, outcome: str) -> Acts:
    placed = bought(somebody(), card())
    yield
    if outcome == "declined":
        return
    capture_payment(placed)
    yield
    if fault := OUTCOMES[outcome]:
        fake.gets_wrong(fault, "refund")
    refund_payment(payment_of(placed), amount=euros("5.00"), reason="a scratch")
    yield
    fake.gets_all_right()


def moved_and_erased(fake: Fake, outcome: str) -> Acts:
    """She moves, has one order sent elsewhere, and is forgotten before another is sent."""
    customer = somebody()
    one, other, waiting = (bought(customer, Paying("account")) for _ in range(3))
    yield
    change_address(customer, 1, address=AWAY)
    change_order_address(one, address=ON_HOLIDAY, reason="on holiday")
    yield
    answer_address(shipment_of(other), decision="ask")
    yield
    answer_address(shipment_of(other), decision="use_present")
    for each in (one, other):
        pack(shipment_of(each))
        dispatch(shipment_of(each), carrier="DHL")
    cancel_order(waiting, reason="changed my mind")
    yield
    add_address(customer, address=HOME, default=True)
    erase_customer(customer)
    yield
    assert [order(each).status for each in (one, other, waiting)] == ["shipped", "shipped", "cancelled"]


def merged_and_repriced(fake: Fake, outcome: str) -> Acts:
    """Somebody pays by a card of theirs, wants fewer, moves twice, and turns out to be somebody else; prices change."""
    customer, same = somebody(), somebody()
    token = store_card(number=GOOD_CARD, expiry_month=12, expiry_year=2099, holder="Ada", customer_id=same).id
    add_payment_method(same, token=str(token), label="Visa", last_four="4242")
    placed = bought(same, Paying("card", token))
    yield
    if outcome == "declined":
        return
    edit_lines(placed, quantities={1: 1}, reason="one is enough")
    add_address(same, address=AWAY)
    set_default_address(same, 2)
    yield
    remove_address(same, 2)
    dearer = Decimal(2000 + next(number)) / 100  # than whatever it was in the telling before
    reprice(title="spring", reason="spring", lines=[Wanted(1, "MUG", dearer, "EUR")])
    merge_customers(same, into=customer)
    yield
    pack(shipment_of(placed))
    dispatch(shipment_of(placed), carrier="DHL")
    yield
    found = order(placed)
    assert (found.status, [line.quantity for line in found.lines]) == ("shipped", [1])
    assert "Customer.Merged" in names("Customer")
    assert names("Product")[-1] == "Product.PriceSet"


STORIES: dict[str, Callable[[Fake, str], Acts]] = {
    each.__name__: each
    for each in (by_card, on_account, cancelled_while_it_waits, cancelled_while_it_is_captured, paid_back)
} | {"moved_and_erased": moved_and_erased, "merged_and_repriced": merged_and_repriced}
WITHOUT_GATEWAY = {"on_account", "moved_and_erased"}
SHORT = (  # each story
    ("by_card", "time-out after charging"),
    ("by_card", "webhook first, and twice"),
    ("by_card", "declined"),
    ("on_account", "ok"),
    ("cancelled_while_it_waits", "time-out before charging"),
    ("cancelled_while_it_is_captured", "5xx after charging"),
    ("paid_back", "nonsense after charging"),
    ("moved_and_erased", "ok"),
    ("merged_and_repriced", "ok"),
)
ALL = {(story, outcome) for story in STORIES for outcome in OUTCOMES if outcome == "ok" or story not in WITHOUT_GATEWAY}
ON_HOLIDAY = Address("Strand 9", "Norderney", "26548", "DE")
FIRST = {"last_four": "4242", "amount": euros("25.00")}
number = iter(range(10**6))


def somebody() -> UUID:
    customer = register_customer(name="Ada", email=f"ada{next(number)}@example.com").id
    add_address(customer, address=HOME)
    set_credit_limit(customer, limit=euros("1000.00"))
    return customer


def tell(fake: Fake, placed: UUID) -> None:
    """All that the gateway did about that order, as it tells it by itself."""
    for entry in fake.did(payment_of(placed)):
        data = {name: entry[name] for name in ("key", "reference", "currency", "reason")}
        data["amount"] = f"{entry['cents'] / 100:.2f}"
        told = {"id": f"evt_{entry['reference']}", "type": EVENTS[entry["operation"], entry["outcome"]], "data": data}
        body = json.dumps(told).encode()
        headers = {HEADER: sign(SECRET, body, int(time.time()))}
        answer = Client().post("/api/v1/payments/webhook/", body, "application/json", headers=headers)
        assert answer.status_code == 200, answer.content


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with fake_gateway(tmp_path_factory.mktemp("gateway"), "--anyway") as fake:
        yield fake


@pytest.fixture
def fake(running: Fake, empty_log: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Fake:
    settings.GATEWAY_SECRET = SECRET
    running.gets_all_right()
    for pause in ("SHORTEST", "SOON", "LATER"):
        monkeypatch.setattr(worker, pause, 0.0)
    goods(MUG=1_000)
    return running


def all_done(fake: Fake) -> None:
    """As long as whoever died before is still in the way, too."""
    until = time.monotonic() + 30
    needed = [name for name, each in known().items() if isinstance(each, Policy) or name in NEEDED]
    while time.monotonic() < until:
        come_to_rest()
        there = Checkpoint.objects.filter(name__in=needed, position=log.horizon()).count()
        if there == len(needed) and not PaymentWork.objects.exists():
            return
        worker.work(fake.gateway(), seconds=0.0001)
    raise AssertionError("It does not come to rest.")


def told(fake: Fake, story: str, outcome: str, dies: Callable[[Point], bool]) -> tuple[set[Point], set[Point]]:
    """Tell one story, with another worker in the place of each that dies; the points that were met, and died at."""
    if (fault := OUTCOMES[outcome]) and story not in WITHOUT_GATEWAY and story != "paid_back":
        fake.gets_wrong(fault, "authorise")
    met, died = set[Point](), set[Point]()

    def dies_here(point: Point) -> bool:
        return point not in died and dies(point)

    for _ in STORIES[story](fake, outcome):
        at = "-"
        while at:
            at, came_to = forked(lambda: all_done(fake), dies_here)
            met |= set(came_to)
            died |= {at} - {""}
    fake.gets_all_right()
    return met, died


def books_are_right(fake: Fake) -> None:
    books = Books()
    assert [*books.read(facts(log.horizon()))] == []
    assert [*books.at_rest()] == []
    ours = [entry for entry in fake.did() if entry["key"].partition(":")[0] in books.payments.paid]
    assert [*books.against(ours)] == []
    assert {each.status for each in books.processes.processes.values()} <= {"confirmed", "rejected"}
    assert Parked.objects.count() == 0


def test_an_order_ends_though_a_worker_dies_at_every_step_there_is(fake: Fake) -> None:
    """At each step once, in the first story that comes to it. Who adds a handler adds it to a story, or this fails."""
    died = set[Point]()
    for story, outcome in SHORT:
        died.update(told(fake, story, outcome, lambda point: point not in died)[1])

    assert points() - died == set()
    books_are_right(fake)


@pytest.mark.long
@pytest.mark.parametrize(("story", "outcome"), sorted(ALL))
def test_an_order_ends_wherever_a_worker_dies(fake: Fake, story: str, outcome: str) -> None:
    """The whole matrix, one death at a time: ``./test -m long -k wherever_a_worker_dies -s``"""
    met, _ = told(fake, story, outcome, lambda point: False)
    for point in sorted(met):
        _, died = told(fake, story, outcome, lambda at, point=point: at == point)
        assert died <= {point}
    told(fake, story, outcome, lambda point: True)

    books_are_right(fake)
    connections.close_all()
    print(f"\n{story}, {outcome}: {len(met)} points, {Event.objects.count():,} events")
