"""An order on its own: no database, no Django."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from eventstore.history import state
from shop.errors import WrongStatus
from shop.ordering.domain import Line, Order
from shop.ordering.refusals import BadQuantity, EmptyOrder, MixedCurrencies
from shop.values import Money
from tests.facts import facts, given

ADA, TEA_ID = UUID(int=1), UUID(int=2)


def euros(amount):
    return Money(Decimal(amount), "EUR")


def tea(quantity=2, price="4.50", currency="EUR"):
    return Line.of(TEA_ID, "TEA", "Tea", quantity, Money(Decimal(price), currency), 1)


def test_placing_an_order_fixes_its_lines_and_its_total():
    order = Order.place(ADA, "Ada", [tea(2), tea(3)])

    assert facts(order) == [
        (
            "Order.Placed",
            {
                "customer_id": ADA,
                "customer_name": "Ada",
                "lines": (tea(2), tea(3)),
                "total": euros("22.50"),
                "ship_to": None,
                "reference": "",
                "payment": None,
                "shipping": None,
                "checkout_id": None,
                "tax": None,
                "discount": None,
                "rates": None,
            },
        )
    ]


@for_all(st.lists(st.tuples(st.integers(1, 10**6), st.decimals("0", "99999", places=4)), min_size=1, max_size=20))
def test_a_total_is_the_sum_of_its_lines_each_rounded_to_the_cent(wanted):
    order = Order.place(ADA, "Ada", [tea(quantity, price) for quantity, price in wanted])

    assert order.total.amount == sum(line.total.amount for line in order.lines)
    for line, (quantity, price) in zip(order.lines, wanted, strict=True):
        assert line.total.amount.as_tuple().exponent == -2
        assert abs(line.total.amount - quantity * price) <= Decimal("0.005")


def test_an_order_needs_a_line():
    with pytest.raises(EmptyOrder, match="at least one line"):
        Order.place(ADA, "Ada", [])


def test_a_quantity_is_at_least_one():
    with pytest.raises(BadQuantity, match="TEA was asked for 0 times"):
        Order.place(ADA, "Ada", [tea(0)])


def test_an_order_is_in_one_currency():
    with pytest.raises(MixedCurrencies, match="EUR and USD"):
        Order.place(ADA, "Ada", [tea(), tea(currency="USD")])


def test_a_placed_order_can_be_cancelled():
    order = given(Order.place(ADA, "Ada", [tea()]))

    order.cancel("changed my mind")

    assert facts(order) == [("Order.Cancelled", {"reason": "changed my mind"})]


def test_a_cancelled_order_cannot_be_cancelled_again():
    order = Order.place(ADA, "Ada", [tea()])
    order.cancel("changed my mind")

    with pytest.raises(WrongStatus, match="A cancelled order cannot be cancelled: it must be placed"):
        order.cancel("really")


def test_the_past_of_an_order_shows_its_lines_once():
    order = given(Order.place(ADA, "Ada", [tea()]))

    assert [name for name, value in state(order).items() if value == order.bought] == ["lines"]
