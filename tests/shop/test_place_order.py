"""PlaceOrder: whatever is refused, whoever dies, an order ends confirmed or rejected, and its books are right."""

from decimal import Decimal

import pytest
from django.db import transaction

from eventstore.models import Event
from shop.application import find, shop
from shop.catalog.commands import create_product
from shop.customers import policies as customers_policies
from shop.customers.commands import set_credit_limit
from shop.errors import Refused
from shop.fulfilment import commands, policies
from shop.fulfilment.models import OrderProcess
from shop.fulfilment.tasks import give_up
from shop.inventory import policies as inventory_policies
from shop.inventory.commands import receive_stock, set_stock_policy
from shop.inventory.domain import InsufficientStock
from shop.ordering.commands import Item, Paying, cancel_order, place_order
from shop.ordering.refusals import NoAccount, UnknownCard
from shop.payments.commands import capture_payment, void_payment
from shop.payments.domain import NotPaid, payment_of
from shop.shipping.commands import deliver, dispatch, pack
from shop.shipping.domain import Shipment, shipment_of
from tests.crowd import at_once
from tests.shop.orders import (
    ACCOUNT,
    BAD_CARD,
    GOOD_CARD,
    HOME,
    NO,
    OK,
    UNKNOWN,
    Died,
    ada,
    basket,
    card,
    come_to_rest,
    credit,
    dies,
    euros,
    goods,
    names,
    nothing_is_parked,
    order,
    outcome,
    paid,
    process,
    stock,
)

pytestmark = pytest.mark.django_db


def test_an_order_that_is_not_paid_through_the_shop_needs_only_stock():
    goods(MUG=5)

    placed = place_order(items=basket(MUG=2)).id
    come_to_rest()

    assert (order(placed).status, stock("MUG")) == ("confirmed", (5, 2))
    assert names("PlaceOrder") == [f"PlaceOrder.{name}" for name in ("Started", "StockReserved", "Confirmed")]
    assert shop.load(Shipment, shipment_of(placed)).status == "planned"
    nothing_is_parked()


def test_an_order_on_account_reserves_credit_then_stock_and_owes_when_it_leaves():
    goods(MUG=5)
    customer = ada(limit="100.00")

    placed = place_order(items=basket(MUG=2), customer_id=customer, payment=ACCOUNT).id
    come_to_rest()
    reserved = credit(customer)
    pack(shipment_of(placed))
    dispatch(shipment_of(placed), carrier="DHL")
    come_to_rest()
    deliver(shipment_of(placed))
    come_to_rest()

    assert names("PlaceOrder") == [
        f"PlaceOrder.{name}" for name in ("Started", "CreditReserved", "StockReserved", "Confirmed")
    ]
    assert (reserved, credit(customer)) == ((Decimal("75.00"), 0), (Decimal("75.00"), Decimal("25.00")))
    assert (order(placed).status, order(placed).shipment_id) == ("delivered", shipment_of(placed))
    assert stock("MUG") == (3, 0)
    nothing_is_parked()


def test_an_order_by_card_waits_for_the_gateway_and_is_captured_when_it_leaves():
    goods(MUG=5)
    placed = place_order(items=basket(MUG=2), payment=card()).id
    come_to_rest()
    waiting = OrderProcess.objects.get(order_id=placed)

    outcome(placed, OK)
    come_to_rest()
    confirmed = order(placed).status
    pack(shipment_of(placed))
    with pytest.raises(Refused, match="It is not known where the parcel goes"):
        dispatch(shipment_of(placed), carrier="DHL")

    assert (waiting.status, waiting.waits_for, confirmed) == ("running", "payment", "confirmed")
    assert names("Payment") == ["Payment.Requested", "Payment.Authorised"]


def test_what_has_left_is_captured_once_even_if_finance_took_it_before():
    goods(MUG=5)
    for early in (True, False):
        placed = place_order(items=basket(MUG=1), customer_id=None, payment=card(), ship_to=HOME).id
        come_to_rest()
        outcome(placed, OK)
        come_to_rest()
        if early:
            capture_payment(placed, euros("10.00"))
            outcome(placed, OK, "capture")
        pack(shipment_of(placed))
        dispatch(shipment_of(placed), carrier="DHL")
        come_to_rest()
        assert order(placed).status == "shipped"

    assert names("Payment").count("Payment.CaptureRequested") == 2
    nothing_is_parked()


def test_what_is_not_paid_for_any_more_does_not_leave_and_can_be_cancelled():
    goods(MUG=5)
    placed = place_order(items=basket(MUG=2), payment=card(), ship_to=HOME).id
    come_to_rest()
    outcome(placed, OK)
    come_to_rest()
    pack(shipment_of(placed))

    void_payment(placed)
    with pytest.raises(NotPaid, match="cancel it"):
        dispatch(shipment_of(placed), carrier="DHL")
    outcome(placed, OK, "void")
    with pytest.raises(NotPaid, match="cancel it"):
        dispatch(shipment_of(placed), carrier="DHL")
    cancel_order(placed, reason="not paid")
    come_to_rest()

    assert (order(placed).status, stock("MUG")) == ("cancelled", (5, 0))
    nothing_is_parked()


def test_what_is_on_back_order_leaves_when_it_is_there():
    goods(MUG=1)
    set_stock_policy("MUG", back_orders=True, low_at=0)
    placed = place_order(items=basket(MUG=3), ship_to=HOME).id
    come_to_rest()
    pack(shipment_of(placed))

    with pytest.raises(InsufficientStock, match="3 are to be shipped, and 1 are on hand"):
        dispatch(shipment_of(placed), carrier="DHL")
    receive_stock("MUG", quantity=2)
    dispatch(shipment_of(placed), carrier="DHL")
    come_to_rest()

    assert (order(placed).status, stock("MUG")) == ("shipped", (0, 0))
    nothing_is_parked()


@pytest.mark.django_db(transaction=True)
def test_of_two_back_orders_that_leave_at_once_one_gets_the_goods_that_are_there(empty_log):
    goods(MUG=1)
    set_stock_policy("MUG", back_orders=True, low_at=0)
    parcels = [shipment_of(place_order(items=basket(MUG=1), ship_to=HOME).id) for _ in range(2)]
    come_to_rest()
    list(map(pack, parcels))

    waiting = iter(parcels)
    answers = at_once(2, lambda: dispatch(next(waiting), carrier="DHL"))
    come_to_rest()

    assert sorted(type(answer).__name__ for answer in answers) == ["InsufficientStock", "Receipt"]
    assert stock("MUG") == (0, 1)
    nothing_is_parked()


def test_a_guest_has_no_account():
    goods(MUG=5)

    with pytest.raises(NoAccount):
        place_order(items=basket(MUG=1), payment=ACCOUNT)


def test_a_card_is_known_by_the_vault_alone():
    goods(MUG=5)
    paying = card()
    shown = order(place_order(items=basket(MUG=1), payment=paying).id).payment

    with pytest.raises(UnknownCard):
        place_order(items=basket(MUG=1), payment=Paying("card", payment_of(paying.token)))

    assert (shown.kind, shown.token, shown.last_four) == ("card", str(paying.token), "4242")


def test_what_costs_nothing_is_not_charged():
    create_product(sku="GIFT", name="Gift", price=euros("0.00"), publish=True)
    receive_stock("GIFT", quantity=1)

    placed = place_order(items=basket(GIFT=1), payment=card()).id
    come_to_rest()

    assert (order(placed).status, paid(placed)) == ("confirmed", "")


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("credit", "credit_exceeded"),
        ("no account", "credit_exceeded"),
        ("stock", "insufficient_stock"),
        ("stock of the second", "insufficient_stock"),
        ("card", "card_declined"),
        ("time", "timed_out"),
    ],
)
def test_whatever_is_refused_what_was_done_before_is_undone(refusal, code, settings):
    settings.PAYMENT_TIMEOUT = 0 if refusal == "time" else 600
    goods(MUG=5, CUP={"stock of the second": 1, "stock": 0}.get(refusal, 5))
    customer = ada(limit="" if refusal == "no account" else "10.00" if refusal == "credit" else "1000.00")
    payment = card() if refusal in ("card", "time") else ACCOUNT

    placed = place_order(items=basket(MUG=2, CUP=2), customer_id=customer, payment=payment).id
    come_to_rest()
    if refusal == "card":
        outcome(placed, NO)
    if refusal == "time":
        give_up()
        give_up()
    come_to_rest()

    found = order(placed)
    assert (found.status, process(placed).status, process(placed).code) == ("rejected", "rejected", code)
    assert (stock("MUG"), find(Shipment, shipment_of(placed))) == ((5, 0), None)
    assert Event.objects.get(name="Order.Rejected").data.decode().count(code) == 1
    if refusal != "no account":
        assert credit(customer)[1] == 0
        assert credit(customer)[0] == Decimal("10.00" if refusal == "credit" else "1000.00")
    if refusal == "time":  # the gateway is still to say what became of it: then it is let go of
        outcome(placed, UNKNOWN)
        outcome(placed, OK)
        outcome(placed, OK, "void")
        come_to_rest()
        assert (paid(placed), order(placed).status) == ("voided", "rejected")
    nothing_is_parked()


DEATHS = [
    *((commands, name, "confirmed by account") for name in ("reserve_credit", "reserve_stock", "confirm_order")),
    *((commands, name, "confirmed by card") for name in ("request_payment", "authorised", "confirm_order")),
    (policies, "plan_shipment", "confirmed by account"),
    *((commands, name, "stock refused") for name in ("reserve_stock", "give_back", "release_credit", "reject_order")),
    *((commands, name, "card declined") for name in ("refuse", "release_stock", "give_back", "reject_order")),
    *((commands, name, "cancelled while it waits") for name in ("refuse", "release_stock", "give_back")),
    (inventory_policies, "release_stock", "cancelled later"),
    (customers_policies, "release_credit", "cancelled later"),
    (policies, "ship_order", "sent on account"),
    (policies, "ship_stock", "sent on account"),
    (policies, "charge_credit", "sent on account"),
    (policies, "capture_payment", "sent by card"),
]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("module", "name", "story"), DEATHS)
def test_whoever_dies_at_whichever_step_all_ends_as_if_nobody_had(module, name, story, after):
    goods(MUG=5, CUP=0 if story == "stock refused" else 5)
    customer = ada(limit="1000.00")
    by_card = "card" in story or "waits" in story
    payment = card(BAD_CARD if "declined" in story else GOOD_CARD) if by_card else ACCOUNT
    items = basket(MUG=2, CUP=1)
    deaths = 0

    def goes_on():
        nonlocal deaths
        try:
            come_to_rest()
        except Died:
            deaths += 1
            come_to_rest()

    with dies(module, name, after=after):
        placed = place_order(items=items, customer_id=customer, payment=payment).id
        goes_on()
        if by_card and "waits" not in story:
            outcome(placed, NO if "declined" in story else OK)
        if story.startswith("cancelled"):
            cancel_order(placed, reason="changed my mind")
        if story.startswith("sent"):
            goes_on()
            pack(shipment_of(placed))
            dispatch(shipment_of(placed), carrier="DHL")
        goes_on()
        goes_on()

    end = story.split()[0]
    expected = {"confirmed": "confirmed", "stock": "rejected", "card": "rejected", "sent": "shipped"}
    assert deaths == 1
    assert order(placed).status == expected.get(end, "cancelled")
    assert stock("MUG") == {"confirmed": (5, 2), "sent": (3, 0)}.get(end, (5, 0))
    owed, available = (Decimal("37.50"), Decimal("962.50")) if story == "sent on account" else (0, Decimal("1000.00"))
    available = Decimal("962.50") if story == "confirmed by account" else available
    assert credit(customer) == (available, owed)
    assert [n for n in names("StockItem") if n.endswith(("Reserved", "Released", "Shipped"))] == [
        *["StockItem.Reserved"] * (0 if end == "stock" else 2),
        *["StockItem.Released"] * (2 if end in ("card", "cancelled") else 0),
        *["StockItem.Shipped"] * (2 if end == "sent" else 0),
    ]
    assert names("Payment").count("Payment.CaptureRequested") == (story == "sent by card")
    assert names("Payment").count("Payment.VoidRequested") == (story == "cancelled while it waits")
    assert names("PlaceOrder")[-1].split(".")[1] in ("Confirmed", "Rejected")
    nothing_is_parked()


def test_a_time_out_comes_once_and_not_to_what_is_over(settings):
    goods(MUG=5)
    settings.PAYMENT_TIMEOUT = 0
    late = place_order(items=basket(MUG=1), payment=card()).id
    come_to_rest()
    outcome(late, OK)
    settings.PAYMENT_TIMEOUT = 600
    early = place_order(items=basket(MUG=1), payment=card()).id
    come_to_rest()

    give_up()
    come_to_rest()

    assert (order(late).status, order(early).status) == ("confirmed", "placed")
    assert "PlaceOrder.TimedOut" not in names("PlaceOrder")


@pytest.mark.parametrize("payment", ["none", "account", "card"])
def test_in_one_transaction_all_is_done_when_the_order_is_placed(payment, settings):
    settings.PLACE_ORDER_MODE = "transaction"
    goods(MUG=5)
    customer = ada(limit="100.00")
    paying = card() if payment == "card" else Paying(payment)

    placed = place_order(items=basket(MUG=2), customer_id=customer, payment=paying).id
    at_first = order(placed).status, stock("MUG"), credit(customer)[0], paid(placed)
    come_to_rest()
    if payment == "card":
        outcome(placed, OK)
        come_to_rest()

    assert at_first == {
        "none": ("confirmed", (5, 2), Decimal("100.00"), ""),
        "account": ("confirmed", (5, 2), Decimal("75.00"), ""),
        "card": ("placed", (5, 2), Decimal("100.00"), "requested"),
    }.get(payment)
    assert order(placed).status == "confirmed"
    assert names("StockItem").count("StockItem.Reserved") == 1
    assert find(Shipment, shipment_of(placed))
    nothing_is_parked()


def test_in_one_transaction_what_is_refused_is_not_placed(settings):
    settings.PLACE_ORDER_MODE = "transaction"
    goods(MUG=5, CUP=1)
    customer = ada(limit="100.00")

    with pytest.raises(InsufficientStock):
        place_order(items=basket(MUG=1, CUP=2), customer_id=customer, payment=ACCOUNT)
    set_credit_limit(customer, limit=euros("10.00"))
    with pytest.raises(Refused, match=r"12\.50 EUR is more than"):
        place_order(items=basket(MUG=1), customer_id=customer, payment=ACCOUNT)

    assert names("Order", "PlaceOrder") == []
    assert stock("MUG") == (5, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["saga", "transaction"])
def test_of_many_baskets_at_once_exactly_what_is_there_is_sold(empty_log, settings, mode):
    settings.PLACE_ORDER_MODE = mode
    goods(MUG=7, CUP=5)
    turns = iter(range(100))

    def buys():
        items = [Item("MUG", 1), Item("CUP", 1)]
        return place_order(items=items if next(turns) % 2 else items[::-1])

    answers = at_once(16, buys)
    come_to_rest()

    placed = [answer.id for answer in answers if not isinstance(answer, Exception)]
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert {type(each) for each in refused} <= {InsufficientStock}
    assert len(refused) == (11 if mode == "transaction" else 0)
    assert sorted(order(each).status for each in placed) == ["confirmed"] * 5 + ["rejected"] * (16 - 5 - len(refused))
    assert (stock("MUG"), stock("CUP")) == ((7, 5), (5, 5))
    nothing_is_parked()


def test_an_order_rolled_back_starts_nothing():
    goods(MUG=5)

    with pytest.raises(Died), transaction.atomic():
        place_order(items=basket(MUG=1))
        raise Died
    come_to_rest()

    assert names("Order", "PlaceOrder") == []
