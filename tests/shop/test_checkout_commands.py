"""Checkouts with the rest of the shop: prices that change, addresses that are old, neighbours that are away."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from eventstore.cause import because
from projections.engine import catch_up
from projections.operations import pause, resume
from projections.projection import known
from projections.rebuild import verify
from shop.application import find, shop
from shop.catalog.commands import set_price, withdraw_product
from shop.customers.commands import add_address, block_customer, change_address, erase_customer
from shop.faults import ContextDown
from shop.models import Fault
from shop.ordering.checkout.commands import (
    abandon_checkout,
    accept,
    accept_quote,
    choose_payment,
    override_address,
    set_item,
    show_quote,
    start_checkout,
)
from shop.ordering.checkout.domain import Checkout, order_of
from shop.ordering.checkout.models import CheckoutSummary
from shop.ordering.commands import Paying
from shop.ordering.domain import Order
from shop.ordering.refusals import (
    CustomerBlocked,
    NotOnSale,
    QuoteExpired,
    QuoteReplaced,
    StalePrice,
    UnknownCard,
    UnknownProduct,
)
from shop.shipping.commands import dispatch, pack
from shop.shipping.domain import AddressQuestionOpen, Shipment, shipment_of
from shop.values import id_of
from tests.crowd import at_once
from tests.shop.orders import AWAY, HOME, ada, card, come_to_rest, euros, goods, names, order, stock

pytestmark = pytest.mark.django_db
MUG = id_of("product", "MUG")


def in_checkout(customer_id=None, **basket):
    checkout = start_checkout(customer_id=customer_id).id
    for sku, quantity in (basket or {"MUG": 2}).items():
        set_item(checkout, sku=sku, quantity=quantity)
    return checkout


def seen(checkout_id):
    return shop.load(Checkout, checkout_id)


def test_a_customer_buys_what_she_was_shown():
    goods(MUG=5, CUP=5)
    customer = ada()
    checkout = in_checkout(customer, MUG=2, CUP=1)
    choose_payment(checkout, payment=card())
    show_quote(checkout)

    accept(checkout, quote=1)

    bought = order(order_of(checkout))
    assert (bought.total, bought.shipping, bought.checkout_id) == (euros("42.40"), euros("4.90"), checkout)
    assert (bought.ship_to, bought.payment.last_four, bought.customer_name) == (HOME, "4242", "Ada")
    assert seen(checkout).quote.total == bought.total
    assert seen(checkout).order_id == bought.id


def test_a_dearer_price_is_refused_with_a_new_quote_and_the_accepted_total_is_frozen():
    goods(MUG=5)
    checkout = in_checkout()
    show_quote(checkout)
    set_price(MUG, price=euros("13.00"))

    with because(command_id=uuid4()):
        for _ in range(2):
            with pytest.raises((StalePrice, QuoteReplaced)) as refused:
                accept(checkout, quote=1)
    at_first = find(Order, order_of(checkout))
    accept(checkout, quote=2)
    set_price(MUG, price=euros("99.00"))

    assert at_first is None
    assert refused.value.facts == {"last": 2}
    assert order(order_of(checkout)).total == euros("30.90")
    assert names("Checkout").count("Checkout.QuoteShown") == 2


def test_a_stale_price_says_what_it_was_and_is_and_which_quote_to_accept():
    goods(MUG=5)
    checkout = in_checkout()
    show_quote(checkout)
    set_price(MUG, price=euros("13.00"))

    with pytest.raises(StalePrice) as refused:
        accept(checkout, quote=1)

    assert refused.value.facts == {"sku": "MUG", "quoted": "12.50 EUR", "now": "13.00 EUR", "quote": 2}


def test_what_has_become_cheaper_is_sold_cheaper():
    goods(MUG=5)
    checkout = in_checkout(MUG=4)
    show_quote(checkout)
    set_price(MUG, price=euros("10.00"))

    accept(checkout, quote=1)

    assert order(order_of(checkout)).total == euros("40.00")  # the parcel was free, and stays so


def test_a_withdrawn_product_is_not_bought():
    goods(MUG=5)
    checkout = in_checkout()
    show_quote(checkout)
    withdraw_product(MUG)

    for ask in (lambda: accept(checkout, quote=1), lambda: show_quote(checkout)):
        with pytest.raises(NotOnSale):
            ask()
    set_item(checkout, sku="MUG", quantity=0)
    with pytest.raises(UnknownProduct):
        set_item(checkout, sku="NONE", quantity=1)


def test_an_expired_quote_is_not_accepted(monkeypatch):
    goods(MUG=5)
    checkout = in_checkout()
    monkeypatch.setattr("shop.ordering.checkout.domain.HOLDS_FOR", timedelta(0))
    show_quote(checkout)

    with pytest.raises(QuoteExpired):
        accept(checkout, quote=1)

    assert names("Order") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["saga", "transaction"])
def test_a_double_click_is_one_order(empty_log, settings, mode):
    settings.PLACE_ORDER_MODE = mode
    goods(MUG=5)
    checkout = in_checkout()
    show_quote(checkout)

    receipts = at_once(8, lambda: accept_quote(checkout, quote=1))
    come_to_rest()

    assert {(each.id, each.version) for each in receipts} == {(checkout, 4)}
    assert names("Order").count("Order.Placed") == 1
    assert (order(order_of(checkout)).status, stock("MUG")) == ("confirmed", (5, 2))


def test_with_customers_down_a_copy_is_enough_and_a_live_address_is_not(settings):
    goods(MUG=5)
    checkout = in_checkout(ada())
    catch_up()
    Fault.objects.create(context="customers")

    settings.DEMO, settings.CHECKOUT_ADDRESS_SOURCE = True, "live"
    with pytest.raises(ContextDown):
        show_quote(checkout)
    settings.CHECKOUT_ADDRESS_SOURCE = "copy"
    show_quote(checkout)
    accept(checkout, quote=1)
    come_to_rest()

    assert (order(order_of(checkout)).status, order(order_of(checkout)).ship_to) == ("confirmed", HOME)


def test_a_live_address_is_the_one_of_now(settings):
    goods(MUG=5)
    customer = ada()
    checkout = in_checkout(customer)
    catch_up()
    change_address(customer, 1, address=AWAY)

    show_quote(checkout)
    copied = seen(checkout).ship_to
    settings.CHECKOUT_ADDRESS_SOURCE = "live"
    show_quote(checkout)

    assert (copied, seen(checkout).ship_to) == (HOME, AWAY)


def test_an_old_address_says_how_old_it_is_and_is_overridden_for_this_order_alone():
    goods(MUG=5)
    customer = ada()
    checkout = in_checkout(customer)
    catch_up()
    pause(known()["OrderingCustomers"], by="ops", reason="a test")
    moved = add_address(customer, address=AWAY, default=True)
    catch_up()

    show_quote(checkout)
    stale = seen(checkout)
    override_address(checkout, address=AWAY)
    show_quote(checkout)
    accept(checkout, quote=2)
    resume(known()["OrderingCustomers"])
    come_to_rest()

    bought = order(order_of(checkout))
    assert (stale.ship_to, seen(checkout).address_seen_at) == (HOME, None)
    assert stale.address_seen_at is not None
    assert moved.position is not None
    assert (bought.ship_to, bought.status) == (AWAY, "confirmed")
    assert shop.load(Shipment, shipment_of(bought.id)).overridden


@pytest.mark.parametrize("alone", [False, True])
def test_whoever_moves_before_the_parcel_leaves_is_asked_unless_they_said_where_it_goes(alone):
    goods(MUG=5)
    customer = ada()
    checkout = in_checkout(customer)
    if alone:
        override_address(checkout, address=HOME)
    show_quote(checkout)
    accept(checkout, quote=1)
    come_to_rest()
    parcel = shipment_of(order_of(checkout))
    pack(parcel)
    change_address(customer, 1, address=AWAY)

    if alone:
        dispatch(parcel, carrier="DHL")
    else:
        with pytest.raises(AddressQuestionOpen):
            dispatch(parcel, carrier="DHL")
    come_to_rest()

    assert shop.load(Shipment, parcel).status == ("dispatched" if alone else "packed")


def test_who_is_blocked_neither_starts_nor_accepts():
    goods(MUG=5)
    customer = ada()
    checkout = in_checkout(customer)
    show_quote(checkout)
    block_customer(customer, reason="chargebacks")
    catch_up()

    for ask in (lambda: start_checkout(customer_id=customer), lambda: accept(checkout, quote=1)):
        with pytest.raises(CustomerBlocked):
            ask()


def test_a_card_that_the_vault_has_not_is_not_chosen():
    goods(MUG=5)
    checkout = in_checkout()

    with pytest.raises(UnknownCard):
        choose_payment(checkout, payment=Paying("card", uuid4()))


def test_the_page_is_what_the_log_makes_of_it_and_forgets_who_is_erased():
    goods(MUG=5)
    customer = ada()
    checkouts = [in_checkout(customer) for _ in range(3)]
    for each in checkouts:
        override_address(each, address=AWAY)
        show_quote(each)
    accept(checkouts[0], quote=1)
    abandon_checkout(checkouts[1], reason="only looking")
    catch_up()
    shown = CheckoutSummary.objects.get(pk=checkouts[0])

    erase_customer(customer)
    catch_up()

    assert (shown.status, shown.order_id, shown.quote["total"]["amount"]) == (
        *("accepted", order_of(checkouts[0])),
        "29.90",
    )
    assert shown.address["city"] == "Bremen"
    for row in CheckoutSummary.objects.all():
        assert (row.address["city"], row.ship_to["street"]) == ("[erased]", "[erased]")
    assert not [each for each in verify(known()["Checkouts"]) if each.differing]
    assert Decimal(shown.quote["shipping"]["amount"]) == Decimal("4.90")
