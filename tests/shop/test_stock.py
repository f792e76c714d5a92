"""A stock item on its own: no database, no Django."""

from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shop.errors import Refused
from shop.inventory.domain import (
    MOST,
    BadQuantity,
    InsufficientStock,
    NotReserved,
    NotShipped,
    ReservedBefore,
    StockItem,
    stock_of,
)
from tests.facts import facts, given

ADAS, BOBS = UUID(int=1), UUID(int=2)  # orders


def mugs(on_hand=0, back_orders=False):
    item = StockItem.open("MUG")
    if on_hand:
        item.receive(on_hand)
    if back_orders:
        item.set_policy(True, 0)
    return given(item)


def test_there_is_one_item_of_a_sku():
    assert StockItem.open("MUG").id == StockItem.open("MUG").id == stock_of("MUG")


def test_what_is_received_is_on_hand():
    item = mugs()

    item.receive(12, "delivery note 4711")

    assert facts(item) == [("StockItem.Received", {"quantity": 12, "reference": "delivery note 4711"})]
    assert (item.on_hand, item.reserved, item.available) == (12, 0, 12)


def test_a_count_says_by_how_much_the_books_were_wrong():
    item = mugs(12)

    item.count(9, "three were broken")

    assert facts(item) == [("StockItem.Counted", {"counted": 9, "difference": -3, "reason": "three were broken"})]
    assert item.on_hand == 9


def test_a_count_that_finds_the_books_right_is_a_fact_too():
    item = mugs(12)

    item.count(12, "stock-taking")

    assert facts(item) == [("StockItem.Counted", {"counted": 12, "difference": 0, "reason": "stock-taking"})]


def test_a_count_of_less_than_is_reserved_is_refused():
    item = mugs(12)
    item.reserve(ADAS, 10)

    with pytest.raises(InsufficientStock, match="MUG: 10 are reserved, and 9 were counted") as refused:
        item.count(9, "three were broken")

    assert refused.value.facts == {"sku": "MUG", "wanted": 10, "available": 9}


def test_an_order_reserves_what_is_there_and_no_more():
    item = mugs(3)

    item.reserve(ADAS, 2)
    with pytest.raises(InsufficientStock, match="MUG: 2 are wanted, and 1 are left") as refused:
        item.reserve(BOBS, 2)

    assert facts(item) == [("StockItem.Reserved", {"order_id": ADAS, "quantity": 2})]
    assert refused.value.facts == {"sku": "MUG", "wanted": 2, "available": 1}


def test_an_order_reserves_once():
    item = mugs(10)
    item.reserve(ADAS, 2)
    given(item)

    item.reserve(ADAS, 2)
    with pytest.raises(ReservedBefore, match=r"reserved before \(2, reserved\)"):
        item.reserve(ADAS, 3)
    item.ship(ADAS, 2)
    item.reserve(ADAS, 2)

    assert facts(item) == [("StockItem.Shipped", {"order_id": ADAS, "quantity": 2})]


def test_what_was_released_is_not_reserved_again_by_a_message_that_comes_late():
    item = mugs(10)
    item.reserve(ADAS, 2)
    item.release(ADAS, 2, "card declined")

    with pytest.raises(ReservedBefore, match=r"\(2, released\)"):
        item.reserve(ADAS, 2)

    assert item.available == 10


def test_a_reservation_is_released_once():
    item = mugs(10)
    item.reserve(ADAS, 2)
    given(item)

    item.release(ADAS, 2, "card declined")
    item.release(ADAS, 2, "card declined")

    assert facts(item) == [("StockItem.Released", {"order_id": ADAS, "quantity": 2, "reason": "card declined"})]
    assert (item.on_hand, item.reserved) == (10, 0)


def test_shipping_consumes_the_reservation_once():
    item = mugs(10)
    item.reserve(ADAS, 2)
    given(item)

    item.ship(ADAS, 2)
    item.ship(ADAS, 2)

    assert facts(item) == [("StockItem.Shipped", {"order_id": ADAS, "quantity": 2})]
    assert (item.on_hand, item.reserved, item.available) == (8, 0, 8)


@pytest.mark.parametrize("ask", [lambda i, o, n: i.release(o, n, "none"), lambda i, o, n: i.ship(o, n)])
def test_only_the_orders_own_reservation_is_released_or_shipped(ask):
    item = mugs(10)
    item.reserve(ADAS, 2)

    with pytest.raises(NotReserved, match="this order has none") as refused:
        ask(item, BOBS, 2)
    with pytest.raises(NotReserved, match="this order has 2 reserved"):
        ask(item, ADAS, 1)

    assert refused.value.facts == {"sku": "MUG", "wanted": 2, "reserved": 0}
    assert item.reserved == 2


def test_what_was_shipped_is_not_released_and_what_was_released_is_not_shipped():
    item = mugs(10)
    item.reserve(ADAS, 2)
    item.ship(ADAS, 2)
    item.reserve(BOBS, 2)
    item.release(BOBS, 2, "cancelled")

    with pytest.raises(NotReserved, match="2 shipped"):
        item.release(ADAS, 2, "too late")
    with pytest.raises(NotReserved, match="2 released"):
        item.ship(BOBS, 2)


def test_an_order_sends_back_what_it_was_sent_and_no_more():
    item = mugs(10)
    item.reserve(ADAS, 3)
    with pytest.raises(NotShipped, match="this order has 0"):
        item.take_back(ADAS, 1, "chipped")
    item.ship(ADAS, 3)
    given(item)

    item.take_back(ADAS, 2, "chipped")
    with pytest.raises(NotShipped, match="this order has 1"):
        item.take_back(ADAS, 2, "chipped")
    item.take_back(ADAS, 1, "chipped")

    assert [name for name, _ in facts(item)] == ["StockItem.TakenBack"] * 2
    assert (item.on_hand, item.reserved) == (10, 0)


def test_with_back_orders_more_is_reserved_than_there_is_but_not_shipped():
    item = mugs(1, back_orders=True)

    item.reserve(ADAS, 5)
    with pytest.raises(InsufficientStock, match="5 are to be shipped, and 1 are on hand"):
        item.ship(ADAS, 5)

    assert (item.reserved, item.available) == (5, 0)


def test_back_orders_are_not_forbidden_while_there_are_some():
    item = mugs(1, back_orders=True)
    item.reserve(ADAS, 5)

    with pytest.raises(InsufficientStock, match="some stand on back-order"):
        item.set_policy(False, 0)
    item.receive(4)
    item.set_policy(False, 0)

    assert not item.back_orders


def test_a_policy_that_is_set_already_is_not_set_again():
    item = mugs()

    item.set_policy(True, 5)
    item.set_policy(True, 5)

    assert facts(item) == [("StockItem.PolicySet", {"back_orders": True, "low_at": 5})]


@pytest.mark.parametrize(
    "ask",
    [
        *(lambda item, n=n: item.receive(n) for n in (0, -1, MOST)),
        *(lambda item, n=n: item.count(n, "") for n in (-1, MOST + 1)),
        *(lambda item, n=n: item.reserve(ADAS, n) for n in (0, -1, MOST + 1)),
        *(lambda item, n=n: item.set_policy(True, n) for n in (-1, MOST + 1)),
    ],
)
def test_what_is_no_quantity_is_refused(ask):
    item = mugs(1)

    with pytest.raises(BadQuantity):
        ask(item)

    assert facts(item) == []


ORDERS = st.integers(1, 4).map(lambda n: UUID(int=n))
QUANTITIES = st.integers(-1, 9)
STEPS = st.one_of(
    st.tuples(st.just("receive"), QUANTITIES),
    st.tuples(st.just("count"), QUANTITIES, st.just("stock-taking")),
    st.tuples(st.just("reserve"), ORDERS, QUANTITIES),
    st.tuples(st.just("release"), ORDERS, QUANTITIES, st.just("cancelled")),
    st.tuples(st.just("ship"), ORDERS, QUANTITIES),
    st.tuples(st.just("take_back"), ORDERS, QUANTITIES, st.just("chipped")),
    st.tuples(st.just("set_policy"), st.booleans(), QUANTITIES),
)


@for_all(st.lists(STEPS, max_size=40))
def test_whatever_is_asked_the_books_balance_after_every_event(steps):
    item = StockItem.open("MUG")
    told = []

    for name, *arguments in steps:
        try:
            getattr(item, name)(*arguments)
        except Refused:
            continue
        told += facts(item)

        came = sum(f.get("quantity", 0) for n, f in told if n in ("StockItem.Received", "StockItem.TakenBack"))
        found = sum(f["difference"] for n, f in told if n == "StockItem.Counted")
        bookings = list(filter(None, (item.booking(UUID(int=n)) for n in range(1, 5))))
        went = sum(f["quantity"] for n, f in told if n == "StockItem.Shipped")
        assert came + found - went == item.on_hand >= 0
        assert item.reserved == sum(b.quantity for b in bookings if b.status == "reserved") >= 0
        assert item.reserved <= item.on_hand or item.back_orders
        assert item.available >= 0
        for booking in bookings:
            assert 0 <= booking.taken_back <= (booking.quantity if booking.status == "shipped" else 0)
