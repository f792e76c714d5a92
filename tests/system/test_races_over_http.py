"""Many buy what there is too little of, over HTTP, all at once: exactly what was there is sold."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.db import connections

from eventstore import log
from eventstore.models import Event
from projections.lease import begin
from projections.models import Checkpoint, Parked
from projections.projection import Policy, known
from shop.application import shop
from shop.books.check import Books
from shop.books.facts import facts
from shop.catalog.domain import Product
from shop.inventory.domain import StockItem, stock_of
from shop.values import Money
from tests.system import processes
from tests.system.processes import until
from tests.system.web import Asked, Web, ids, web

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 400  # aggregates of one append
PARALLEL = 50  # posts of one key


class Race(NamedTuple):
    """What there is of each SKU, and what each buyer wants: one of some of them, in an order of their own."""

    units: dict[str, int]
    baskets: list[dict[str, int]]


def races(number: int) -> list[Race]:
    chance = random.Random(2026)
    found = []
    for n in range(number):
        units = {f"RACE-{n}-{letter}": chance.randint(1, 5) for letter in "ABC"[: chance.randint(1, 3)]}
        baskets = []
        for _ in range(min(30, 2 + int(chance.expovariate(1 / 6)))):
            some = chance.sample(sorted(units), chance.randint(1, len(units)))  # in any order
            baskets.append({sku: chance.choice((1, 1, 1, 2)) for sku in some})
        found.append(Race(units, baskets))
    return found


def stocked(units: dict[str, int]) -> None:
    """Products at 12.50, with so many in stock: recorded by the hundred."""
    now, made = datetime.now(UTC), []
    for sku, quantity in units.items():
        product, item = Product.create(sku, sku.title()), StockItem.open(sku)
        product.set_price(Money(Decimal("12.50"), "EUR"), now)
        product.publish()
        item.receive(quantity)
        made += [product, item]
    for at in range(0, len(made), AT_ONCE):
        shop.record(*made[at : at + AT_ONCE])


@pytest.mark.parametrize("mode", ["transaction", "saga"])
def test_of_what_many_want_at_once_exactly_what_is_there_is_sold(empty_log, broker, tmp_path, mode):
    raced(broker, tmp_path, mode, number=25 if mode == "transaction" else 6)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["transaction", "saga"])
def test_two_thousand_races(empty_log, broker, tmp_path, mode):
    """``./test -m long -k two_thousand_races -s``"""
    print(raced(broker, tmp_path, mode, number=2000))


def raced(broker: Any, tmp_path: Any, mode: str, *, number: int) -> str:
    """The requests of one race stand next to each other, and 32 clients send as fast as they are answered."""
    for each in (each for each in known().values() if isinstance(each, Policy)):
        begin(each)
    field = races(number)
    units = {sku: left for race in field for sku, left in race.units.items()}
    stocked(units)
    with web(tmp_path / "web.log", broker.url, PLACE_ORDER_MODE=mode) as server:
        began = time.monotonic()
        answered = server.ask_all(wishes(server, field))
        took = time.monotonic() - began
    if mode == "saga":
        with processes.ended(*(processes.worker(broker.url, tmp_path / f"worker{n}.log") for n in range(2))):
            while not decided():
                stood = stands()
                until(lambda: decided() or stands() != stood, 120, "a policy to move")  # noqa: B023  # at once

    statuses = Counter(answer.status for _, answer in answered)
    assert set(statuses) <= ({201, 409} if mode == "transaction" else {201}), statuses
    refused = [answer.body for _, answer in answered if answer.status == 409]
    assert {problem["code"] for problem in refused} <= {"insufficient_stock"}
    assert len(ids(answer for _, answer in answered if answer.status == 201)) == statuses[201]
    confirmed = {str(each) for each in Event.objects.filter(name="Order.Confirmed").values_list("stream_id", flat=True)}
    sold, lost = Counter[str](), []
    for asked, answer in answered:
        wanted = {line["sku"]: line["quantity"] for line in asked.body["lines"]}
        if answer.status == 201 and answer.body["id"] in confirmed:
            sold.update(wanted)
        else:
            lost.append(wanted)
    assert all(sold[sku] <= units[sku] for sku in units), "more was sold than there was"
    for wanted in lost:  # nothing ever comes back in these races, so what was too little then is too little now
        assert any(units[sku] - sold[sku] < quantity for sku, quantity in wanted.items()), f"{wanted} was there"
    for sku in units:
        assert shop.load(StockItem, stock_of(sku)).reserved == sold[sku]
    books = Books()
    assert [*books.read(facts(log.horizon()))] == []
    assert [*books.at_rest()] == [] or mode == "transaction"  # whose parcels nobody has planned
    assert Parked.objects.count() == 0
    connections.close_all()
    return (
        f"\n{mode}: {number:,} races, {len(answered):,} buyers, {sum(units.values()):,} units, "
        f"{sum(sold.values()):,} sold, {len(lost):,} went without, answers {dict(statuses)}, "
        f"{len(answered) / took:,.0f} a second"
    )


def wishes(server: Web, field: list[Race]) -> Iterator[Asked]:
    for race in field:
        for basket in race.baskets:
            yield server.order(None, basket, key=str(uuid4()))


def decided() -> bool:
    """Whether the policies have heard all that they themselves have caused, too."""
    head = log.horizon()
    return all(position == head for position in stands())


def stands() -> list[int]:
    """Where the policies stand."""
    policies = [name for name, each in known().items() if isinstance(each, Policy)]
    return [Checkpoint.objects.get(name=name).position for name in policies]


def test_scenario_21_idempotency(empty_log, tmp_path):
    one_key(tmp_path, keys=8)


@pytest.mark.long
def test_two_hundred_keys_posted_by_fifty_each(empty_log, tmp_path):
    """``./test -m long -k two_hundred_keys -s``"""
    print(one_key(tmp_path, keys=200))


def one_key(tmp_path: Any, *, keys: int) -> str:
    stocked({"MUG": 10 * keys})
    with web(tmp_path / "web.log", PLACE_ORDER_MODE="transaction") as server:
        posts = [server.order(key, {"MUG": 1}, key=f"key {key}") for key in range(keys) for _ in range(PARALLEL)]
        began = time.monotonic()
        answered = server.ask_all(posts, threads=PARALLEL)
        took = time.monotonic() - began

    assert Counter(answer.status for _, answer in answered) == {201: keys * PARALLEL}
    for key in range(keys):
        assert len(ids(answer for asked, answer in answered if asked.about == key)) == 1
    placed = set(Event.objects.filter(name="Order.Placed").values_list("stream_id", flat=True))
    assert placed == ids(answer for _, answer in answered)
    assert shop.load(StockItem, stock_of("MUG")).reserved == len(placed) == keys
    assert [*Books().read(facts(log.horizon()))] == []
    connections.close_all()
    return f"\n{keys} keys × {PARALLEL} posts: {len(placed)} orders, {len(posts) / took:,.0f} posts a second"
