"""Stock when many want it at once, and its books when everything has happened."""

from itertools import cycle
from uuid import uuid4

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from eventstore.history import at, moment, of
from eventstore.models import Event, Snapshot
from projections.engine import catch_up
from shop.application import shop
from shop.inventory.commands import (
    count_stock,
    receive_stock,
    release_stock,
    reserve_stock,
    reserving,
    set_stock_policy,
    ship_stock,
    take_back,
)
from shop.inventory.domain import (
    BadQuantity,
    InsufficientStock,
    NotReserved,
    StockItem,
    UnknownStock,
    Wanted,
    stock_of,
)
from shop.inventory.models import Reservation, StockLevel, StockMovement
from tests.crowd import at_once

pytestmark = pytest.mark.django_db


def stock(sku):
    return shop.load(StockItem, stock_of(sku))


def test_of_a_sku_that_was_never_received_nothing_is_available():
    with pytest.raises(InsufficientStock, match="MUG: 1 are wanted, and 0 are left") as refused:
        reserve_stock(uuid4(), items=[Wanted("MUG", 1)])

    assert refused.value.facts == {"sku": "MUG", "wanted": 1, "available": 0}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: count_stock("MUG", counted=1, reason="found"),
        lambda: release_stock(uuid4(), items=[Wanted("MUG", 1)], reason="cancelled"),
        lambda: ship_stock(uuid4(), items=[Wanted("MUG", 1)]),
        lambda: take_back(uuid4(), items=[Wanted("MUG", 1)], reason="chipped"),
    ],
)
def test_of_a_sku_that_was_never_received_nothing_is_counted_released_shipped_or_taken_back(ask):
    with pytest.raises(UnknownStock, match="MUG"):
        ask()

    assert not Event.objects.exists()


def test_what_may_be_back_ordered_is_sold_before_it_is_there():
    set_stock_policy("MUG", back_orders=True, low_at=2)

    reserve_stock(uuid4(), items=[Wanted("MUG", 3)])

    assert (stock("MUG").on_hand, stock("MUG").reserved) == (0, 3)


def test_a_basket_is_reserved_all_or_nothing():
    receive_stock("MUG", quantity=5)
    receive_stock("CUP", quantity=1)

    with pytest.raises(InsufficientStock, match="CUP"):
        reserve_stock(uuid4(), items=[Wanted("MUG", 5), Wanted("CUP", 2)])

    assert (stock("MUG").reserved, stock("CUP").reserved) == (0, 0)


def test_two_lines_of_one_sku_are_one_claim():
    receive_stock("MUG", quantity=3)

    with pytest.raises(InsufficientStock, match="4 are wanted, and 3 are left"):
        reserve_stock(uuid4(), items=[Wanted("MUG", 2), Wanted("MUG", 2)])
    reserve_stock(uuid4(), items=[Wanted("MUG", 2), Wanted("MUG", 1)])

    assert stock("MUG").available == 0


@pytest.mark.parametrize("items", [[], [Wanted("MUG", 0)], [Wanted("MUG", 3), Wanted("MUG", -1)]])
def test_a_basket_has_something_in_every_line(items):
    receive_stock("MUG", quantity=5)

    with pytest.raises(BadQuantity):
        reserve_stock(uuid4(), items=items)


def test_what_an_order_asks_for_again_happens_once():
    receive_stock("MUG", quantity=5)
    receive_stock("CUP", quantity=5)
    order, items = uuid4(), [Wanted("MUG", 2), Wanted("CUP", 1)]

    first, again = reserve_stock(order, items=items), reserve_stock(order, items=items)
    shipped, shipped_again = ship_stock(order, items=items), ship_stock(order, items=items)
    with pytest.raises(NotReserved):
        release_stock(order, items=items, reason="too late")

    assert (again.position, shipped_again.position) == (None, None)
    assert first.position < shipped.position
    assert (stock("MUG").on_hand, stock("CUP").on_hand) == (3, 4)


def test_what_others_record_together_is_decided_here():
    receive_stock("MUG", quantity=5)

    items = reserving(order := uuid4(), [Wanted("MUG", 2)])

    assert [item.reserved for item in items] == [2]
    assert stock("MUG").reserved == 0
    shop.record(*items)
    assert stock("MUG").booking(order).quantity == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("buyers", "units"), [(12, 1), (24, 10)])
def test_of_many_who_want_the_last_ones_exactly_so_many_get_them(empty_log, buyers, units):
    receive_stock("MUG", quantity=units)

    answers = at_once(buyers, lambda: reserve_stock(uuid4(), items=[Wanted("MUG", 1)]))

    assert sorted(type(answer).__name__ for answer in answers) == (
        ["InsufficientStock"] * (buyers - units) + ["Receipt"] * units
    )
    assert Event.objects.filter(name="StockItem.Reserved").count() == units


@pytest.mark.django_db(transaction=True)
def test_baskets_in_opposite_orders_neither_wait_for_each_other_nor_sell_what_is_not_there(empty_log):
    skus = ["MUG", "CUP", "JUG", "POT"]
    for sku in skus:
        receive_stock(sku, quantity=7)
    orders = cycle([skus, skus[::-1], skus[1:] + skus[:1], skus[::2]])

    answers = at_once(24, lambda: reserve_stock(uuid4(), items=[Wanted(sku, 1) for sku in next(orders)]))

    sold = [answer for answer in answers if not isinstance(answer, InsufficientStock)]
    assert {type(answer).__name__ for answer in answers} == {"InsufficientStock", "Receipt"}
    assert len(sold) >= 7
    assert stock("MUG").reserved == 7  # in every basket
    for sku in skus:
        assert stock(sku).reserved == Event.objects.filter(name="StockItem.Reserved", stream_id=stock_of(sku)).count()
        assert stock(sku).reserved <= stock(sku).on_hand


@pytest.mark.django_db(transaction=True)
def test_reserving_releasing_shipping_receiving_and_counting_at_once_leave_books_that_balance(empty_log):
    receive_stock("MUG", quantity=50)
    receive_stock("CUP", quantity=50)
    kinds = cycle(range(4))

    def live():
        order, kind = uuid4(), next(kinds)
        items = [Wanted("MUG", 2), Wanted("CUP", 1)][:: 1 if kind % 2 else -1]
        reserve_stock(order, items=items)
        if kind == 0:
            return release_stock(order, items=items, reason="changed my mind")
        ship_stock(order, items=items)
        if kind == 1:
            return take_back(order, items=items, reason="chipped")
        return receive_stock("MUG", quantity=2)

    answers = at_once(16, live)
    catch_up()
    call_command("projections", "verify", "Stock")

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    for sku, on_hand in (("MUG", 50 - 24 + 8 + 16), ("CUP", 50 - 12 + 4)):
        level = StockLevel.objects.get(sku=sku)
        assert (level.on_hand, level.reserved, level.available) == (on_hand, 0, on_hand)
        assert (stock(sku).on_hand, stock(sku).version) == (on_hand, level.version)


def test_one_who_opens_a_sku_and_one_who_comes_second_both_deliver():
    receive_stock("MUG", quantity=1)
    receive_stock("MUG", quantity=2)

    assert [event.name for event in of(stock_of("MUG"))] == ["StockItem.Opened", *["StockItem.Received"] * 2]


@pytest.mark.django_db(transaction=True)
def test_first_deliveries_of_one_sku_at_once_all_count(empty_log):
    answers = at_once(8, lambda: receive_stock("MUG", quantity=3))

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert stock("MUG").on_hand == 24


def test_the_ledger_runs_through_all_that_happened():
    order, other = uuid4(), uuid4()
    receive_stock("MUG", quantity=10, reference="delivery note 4711")
    reserve_stock(order, items=[Wanted("MUG", 3)])
    reserve_stock(other, items=[Wanted("MUG", 2)])
    set_stock_policy("MUG", back_orders=False, low_at=5)
    release_stock(other, items=[Wanted("MUG", 2)], reason="card declined")
    ship_stock(order, items=[Wanted("MUG", 3)])
    take_back(order, items=[Wanted("MUG", 1)], reason="chipped")
    count_stock("MUG", counted=5, reason="stock-taking")
    catch_up()

    lines = StockMovement.objects.order_by("number").values_list(
        *("number", "kind", "order_id", "change", "claim", "on_hand", "reserved", "available", "note")
    )
    level = StockLevel.objects.get()
    claims = Reservation.objects.order_by("-quantity").values_list("order_id", "quantity", "status", "taken_back")

    assert list(lines) == [
        (2, "received", None, 10, 0, 10, 0, 10, "delivery note 4711"),
        (3, "reserved", order, 0, 3, 10, 3, 7, ""),
        (4, "reserved", other, 0, 2, 10, 5, 5, ""),
        (6, "released", other, 0, -2, 10, 3, 7, "card declined"),
        (7, "shipped", order, -3, -3, 7, 0, 7, ""),
        (8, "taken back", order, 1, 0, 8, 0, 8, "chipped"),
        (9, "counted", None, -3, 0, 5, 0, 5, "stock-taking"),
    ]
    assert (level.version, level.on_hand, level.available, level.low, level.low_at) == (9, 5, 5, True, 5)
    assert list(claims) == [(order, 3, "shipped", 1), (other, 2, "released", 0)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.integers(1, 9)),
        st.tuples(st.just("count"), st.integers(0, 9)),
        st.tuples(st.just("reserve"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["release", "ship"]), st.integers(0, 5)),
        st.tuples(st.just("policy"), st.booleans()),
    ),
    max_size=15,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(STEPS)
def test_every_line_of_the_ledger_equals_the_item_folded_to_that_version(db, steps):
    sku, orders = f"MUG-{uuid4()}", []
    receive_stock(sku, quantity=1)
    asked = {
        "receive": lambda n: receive_stock(sku, quantity=n),
        "count": lambda n: count_stock(sku, counted=n, reason="stock-taking"),
        "reserve": lambda n: reserve_stock((orders.append((uuid4(), n)) or orders[-1])[0], items=[Wanted(sku, n)]),
        "release": lambda n: release_stock(orders[n][0], items=[Wanted(sku, orders[n][1])], reason="cancelled"),
        "ship": lambda n: ship_stock(orders[n][0], items=[Wanted(sku, orders[n][1])]),
        "policy": lambda yes: set_stock_policy(sku, back_orders=yes, low_at=2),
    }

    for name, argument in steps:
        try:
            asked[name](argument)
        except (InsufficientStock, NotReserved, IndexError):
            continue
    catch_up()

    lines = list(StockMovement.objects.filter(stock_id=stock_of(sku)).order_by("number"))
    assert lines
    for line in lines:
        item = at(stock_of(sku), moment(f"v{line.number}"))
        assert (line.on_hand, line.reserved, line.available) == (item.on_hand, item.reserved, item.available)
    level = StockLevel.objects.get(sku=sku)
    assert (level.on_hand, level.reserved, level.low) == (item.on_hand, item.reserved, stock(sku).is_low)


def test_a_long_life_is_loaded_from_a_snapshot_and_nothing_is_done_twice():
    receive_stock("MUG", quantity=1000)
    orders = [uuid4() for _ in range(60)]
    for order in orders:
        reserve_stock(order, items=[Wanted("MUG", 2)])
        ship_stock(order, items=[Wanted("MUG", 2)])

    again = [ship_stock(order, items=[Wanted("MUG", 2)]).position for order in orders]

    assert Snapshot.objects.filter(stream_id=stock_of("MUG")).exists()
    assert set(again) == {None}
    assert stock("MUG").on_hand == 880


def test_a_pick_is_found_by_low_stock_and_as_of_a_moment():
    receive_stock("MUG", quantity=5)
    set_stock_policy("MUG", back_orders=False, low_at=3)
    before = receive_stock("CUP", quantity=9).position
    reserve_stock(uuid4(), items=[Wanted("MUG", 2), Wanted("CUP", 1)])
    catch_up()

    assert [level.sku for level in StockLevel.objects.filter(low=True)] == ["MUG"]
    assert not StockLevel.objects.as_of(before).filter(low=True).exists()
    assert StockLevel.objects.as_of(before).get(sku="CUP").available == 9
