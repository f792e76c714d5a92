"""An order is cancelled, sent elsewhere, or its customer erased, at whatever moment: nothing is kept of it."""

from decimal import Decimal

import pytest

from shop.application import find, shop
from shop.customers.commands import erase_customer
from shop.errors import WrongStatus
from shop.fulfilment import commands
from shop.fulfilment.models import Planned
from shop.ordering.commands import Paying, cancel_order, change_order_address, place_order
from shop.payments.commands import capture_payment
from shop.payments.domain import Payment, payment_of
from shop.shipping.commands import dispatch, pack
from shop.shipping.domain import Shipment, shipment_of
from tests.shop.orders import (
    ACCOUNT,
    AWAY,
    HOME,
    OK,
    ada,
    basket,
    card,
    come_to_rest,
    credit,
    euros,
    goods,
    nothing_is_parked,
    order,
    outcome,
    paid,
    process,
    stock,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("payment", ["none", "account", "card"])
def test_an_order_is_cancelled_at_any_moment_and_nothing_is_kept(payment, steps):
    goods(MUG=5)
    customer = ada(limit="100.00")
    paying = card() if payment == "card" else Paying(payment)

    placed = place_order(items=basket(MUG=2), customer_id=customer, payment=paying).id
    for step in range(steps):
        if step == 3 and payment == "card":
            outcome(placed, OK)
            commands.authorised(placed)
        commands.go_on(process(placed).id) if step else commands.begin(placed)
    cancel_order(placed, reason="changed my mind")
    come_to_rest()
    if payment == "card" and paid(placed) == "requested":
        outcome(placed, OK)
    if payment == "card" and paid(placed) == "authorised":
        outcome(placed, OK, "void")
    come_to_rest()

    parcel = find(Shipment, shipment_of(placed))
    assert (order(placed).status, stock("MUG")) == ("cancelled", (5, 0))
    assert credit(customer) == (Decimal("100.00"), 0)
    assert paid(placed) in ("", "voided")
    assert parcel is None or parcel.status == "cancelled"
    assert process(placed).status in ("rejected", "confirmed")
    with pytest.raises(WrongStatus):
        cancel_order(placed, reason="again")
    nothing_is_parked()


def test_what_is_captured_when_its_order_is_cancelled_is_refunded():
    goods(MUG=5)
    known, under_way = (place_order(items=basket(MUG=1), payment=card()).id for _ in range(2))
    come_to_rest()
    for each in (known, under_way):
        outcome(each, OK)
        come_to_rest()
        capture_payment(each)
    outcome(known, OK, "capture")

    for each in (known, under_way):
        cancel_order(each, reason="changed my mind")
    come_to_rest()
    outcome(under_way, OK, "capture")
    come_to_rest()

    for each in (known, under_way):
        (refund,) = shop.load(Payment, payment_of(each)).refunds
        assert (refund.amount, refund.reason) == (euros("12.50"), "changed my mind")
    nothing_is_parked()


def test_an_order_whose_parcel_has_left_is_not_cancelled_though_it_has_not_heard_of_it():
    goods(MUG=5)
    placed = place_order(items=basket(MUG=1), ship_to=HOME).id
    come_to_rest()
    pack(shipment_of(placed))
    dispatch(shipment_of(placed), carrier="DHL")

    with pytest.raises(WrongStatus, match="its parcel has left"):
        cancel_order(placed, reason="changed my mind")
    come_to_rest()

    assert order(placed).status == "shipped"
    nothing_is_parked()


@pytest.mark.parametrize("planned", [False, True])
def test_an_order_that_is_sent_elsewhere_takes_its_parcel_with_it_and_nobody_asks_again(planned):
    goods(MUG=5)
    placed = place_order(items=basket(MUG=1), customer_id=ada()).id
    if planned:
        come_to_rest()

    change_order_address(placed, address=AWAY, reason="on holiday")
    come_to_rest()
    pack(shipment_of(placed))
    dispatch(shipment_of(placed), carrier="DHL")
    with pytest.raises(WrongStatus):
        change_order_address(placed, address=HOME)
    come_to_rest()

    parcel = shop.load(Shipment, shipment_of(placed))
    assert (order(placed).ship_to, parcel.ship_to, parcel.overridden) == (AWAY, AWAY, True)
    nothing_is_parked()


def test_an_order_of_a_customer_who_is_erased_before_it_is_planned_is_cancelled():
    goods(MUG=5)
    customer = ada(limit="100.00")
    placed = place_order(items=basket(MUG=2), customer_id=customer, payment=ACCOUNT).id
    commands.begin(placed)
    for _ in range(3):
        commands.go_on(process(placed).id)

    erase_customer(customer)
    come_to_rest()

    assert (order(placed).status, stock("MUG")) == ("cancelled", (5, 0))
    nothing_is_parked()


def test_what_is_planned_for_a_customer_who_is_erased_is_cancelled_and_what_has_left_goes_on():
    goods(MUG=9)
    customer = ada(limit="100.00")
    planned, packed, left = (
        place_order(items=basket(MUG=2), customer_id=customer, payment=ACCOUNT).id for _ in range(3)
    )
    come_to_rest()
    for placed in (packed, left):
        pack(shipment_of(placed))
    dispatch(shipment_of(left), carrier="DHL")  # of which nobody has heard yet

    erase_customer(customer)
    come_to_rest()

    assert [order(each).status for each in (planned, packed, left)] == ["cancelled", "cancelled", "shipped"]
    assert "erased" in order(planned).cancel_reason
    assert stock("MUG") == (7, 0)
    assert credit(customer) == (Decimal("75.00"), Decimal("25.00"))
    assert not Planned.objects.exists()
    nothing_is_parked()
