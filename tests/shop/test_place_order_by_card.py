"""PlaceOrder with a real gateway in a process of its own, which answers what it likes, while policies die."""

from collections.abc import Iterator
from itertools import cycle, product

import pytest

from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.fulfilment import commands, policies
from shop.fulfilment.tasks import give_up
from shop.ordering.commands import Item, cancel_order, place_order
from shop.payments import work as worker
from shop.payments.domain import payment_of
from shop.shipping.commands import dispatch, pack
from shop.shipping.domain import shipment_of
from tests.shop.gateway import Fake, books_agree, fake_gateway
from tests.shop.orders import (
    HOME,
    Died,
    card,
    come_to_rest,
    come_to_rest_with,
    dies,
    goods,
    nothing_is_parked,
    order,
    paid,
    process,
    stock,
)

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS = ("", "decline", "error", "hang", "charge_then_hang", "charge_then_error", "nonsense")
DEATHS = [
    (None, "", False),
    *((commands, "request_payment", after) for after in (False, True)),
    *((commands, "authorised", after) for after in (False, True)),
    *((commands, "confirm_order", after) for after in (False, True)),
    *((commands, "refuse", after) for after in (False, True)),
    *((commands, "give_back", after) for after in (False, True)),
    *((policies, "capture_payment", after) for after in (False, True)),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Fake]:
    with fake_gateway(tmp_path_factory.mktemp("gateway"), "--anyway") as fake:
        yield fake


@pytest.fixture
def fake(running, empty_log, monkeypatch) -> Fake:
    running.gets_all_right()
    monkeypatch.setattr(worker, "SHORTEST", 0.0)  # what is unknown is asked for again at once
    monkeypatch.setattr(worker, "SOON", 0.0)
    goods(MUG=5)
    return running


def settles(fake):
    try:
        come_to_rest_with(fake.gateway())
    except Died:
        come_to_rest_with(fake.gateway())


def buys():
    return place_order(items=[Item("MUG", 2)], payment=card(), ship_to=HOME).id


# Each fault and each death once; with ./test -m long, each with each.
TOGETHER = set(zip(cycle(FAULTS), DEATHS, strict=False))


@pytest.mark.parametrize(
    ("fault", "module", "name", "after"),
    [
        pytest.param(fault, *death, marks=() if (fault, death) in TOGETHER else pytest.mark.long)
        for fault, death in product(FAULTS, DEATHS)
    ],
)
def test_whatever_the_gateway_answers_and_whoever_dies_an_order_ends_and_is_paid_for_once(
    fake, fault, module, name, after
):
    if fault:
        fake.gets_wrong(fault, "authorise")
    with dies(module or commands, name or "begin", after=after):
        placed = buys()
        settles(fake)
        fake.gets_all_right()
        if fault != "decline":
            pack(shipment_of(placed))
            if fault:
                fake.gets_wrong(fault, "capture")
            dispatch(shipment_of(placed), carrier="DHL")
            settles(fake)

    money = fake.money(payment_of(placed))
    if fault == "decline":
        assert (order(placed).status, process(placed).code) == ("rejected", "card_declined")
        assert (stock("MUG"), set(money.values())) == ((5, 0), {0})
    else:
        assert (order(placed).status, stock("MUG")) == ("shipped", (3, 0))
        assert (money["authorise"], money["capture"], money["void"]) == (25, 25, 0)
    books_agree(fake)
    nothing_is_parked()


@pytest.mark.parametrize("fault", ["", "hang", "charge_then_hang", "charge_then_error", "error"])
@pytest.mark.parametrize("ends", ["timed out", "cancelled"])
def test_what_is_authorised_too_late_is_let_go_of(fake, settings, fault, ends):
    settings.PAYMENT_TIMEOUT = 0
    if fault:
        fake.gets_wrong(fault, "authorise")
    placed = buys()
    come_to_rest()

    if ends == "cancelled":
        cancel_order(placed, reason="changed my mind")
    else:
        give_up()
    settles(fake)

    assert order(placed).status == ("cancelled" if ends == "cancelled" else "rejected")
    assert (paid(placed), stock("MUG")) == ("voided", (5, 0))
    money = fake.money(payment_of(placed))
    assert (money["authorise"], money["void"], money["capture"]) == (25, 25, 0)
    books_agree(fake)
    nothing_is_parked()


def test_all_read_models_are_what_the_log_makes_of_them(fake):
    placed = [buys() for _ in range(3)]
    cancel_order(placed[0], reason="changed my mind")
    settles(fake)

    catch_up()
    for name in ("Orders", "OrderTimelines", "OrderProcesses", "InventoryOrders", "CustomersOrders", "OrderingCards"):
        assert not [each for each in verify(known()[name]) if each.differing], name
    assert sorted(order(each).status for each in placed) == ["cancelled", "confirmed", "confirmed"]
