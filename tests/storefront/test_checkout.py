"""Each state of the checkout that may come between a basket and an order, without a browser."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from eventstore.models import Event
from projections.operations import pause, resume
from projections.projection import known
from shop.application import find, shop
from shop.catalog.commands import set_price, withdraw_product
from shop.customers.commands import change_address, set_credit_limit
from shop.customers.domain import Customer
from shop.inventory.commands import count_stock, reserve_stock
from shop.inventory.domain import Wanted
from shop.models import Fault
from shop.ordering.checkout.domain import Checkout, order_of
from shop.ordering.domain import Order
from shop.values import Address
from shop.vault.commands import store_card
from tests.shop.orders import come_to_rest
from tests.storefront.conftest import HOME, Visitor, euros, seen_all, words

Goods = dict[str, UUID]
MOVED = Address("Am Wall 1", "Bremen", "28195", "DE")
TYPED = {"recipient": "", "street": "Ness 9", "postcode": "18055", "city": "Rostock", "country": "DE"}


def place(visitor: Visitor) -> Any:
    """Press the button on the checkout's page."""
    return visitor.send("/checkout/", "/checkout/place/")


def ordered(visitor: Visitor) -> Order:
    """The order that the answer leads to."""
    answer = place(visitor)
    assert answer["Location"].startswith("/orders/"), words(visitor.get(answer["Location"]))
    return shop.load(Order, UUID(answer["Location"].split("/")[2]))


def test_an_order_is_placed_as_it_was_quoted(till: Visitor, ada: UUID) -> None:
    page = till.sees("/checkout/")
    assert "Kai 3" in page
    assert "Total €29.90" in page

    order = ordered(till)

    assert (order.customer_id, order.total, order.ship_to) == (ada, euros("29.90"), HOME)
    assert till.sees("/basket/").startswith("Your basket There is nothing in it yet")


def test_a_guest_is_asked_who_they_are_and_comes_back_to_their_basket(guest: Visitor) -> None:
    guest.send("/products/MUG-1/", "/basket/add/", quantity="2")
    assert guest.get("/checkout/")["Location"] == "/sign-in/?next=%2Fcheckout%2F"

    answer = guest.send(
        "/sign-in/?next=%2Fcheckout%2F", "/register/", name="Grace", email="grace@example.com", password="a boat at sea"
    )
    assert answer["Location"] == "/checkout/"
    guest.send("/checkout/", "/checkout/address/", **TYPED, keep="1")
    guest.send("/checkout/", "/checkout/payment/", pay="none")

    seen_all()
    assert "For this order alone" not in guest.sees("/checkout/"), "it was kept"
    order = ordered(guest)
    assert (order.customer_name, order.lines[0].quantity) == ("Grace", 2)
    assert order.ship_to
    assert order.ship_to.street == "Ness 9"
    customer = shop.load(Customer, order.customer_id)
    assert [each.address.street for each in customer.addresses] == ["Ness 9"]


def test_an_address_that_may_be_old_says_of_when_it_is_and_can_be_changed(till: Visitor, ada: UUID) -> None:
    pause(known()["OrderingCustomers"], by="test", reason="a context that is down")
    change_address(ada, 1, address=MOVED)

    page = till.sees("/checkout/")
    assert "Kai 3" in page
    assert "as of" in page
    till.send("/checkout/?change=address", "/checkout/address/", 1, **TYPED)

    assert "For this order alone" in till.sees("/checkout/")
    assert "as of" not in till.sees("/checkout/")
    order = ordered(till)
    assert order.ship_to
    assert order.ship_to.street == "Ness 9"
    assert shop.load(Customer, ada).addresses[0].address == MOVED


def test_an_address_that_is_up_to_date_says_nothing_of_its_age(till: Visitor, ada: UUID, catch_up: Any) -> None:
    change_address(ada, 1, address=MOVED)
    catch_up()

    page = till.sees("/checkout/")

    assert "Am Wall 1" in page
    assert "as of" not in page


def test_an_address_of_the_account_is_chosen_by_its_number(till: Visitor, ada: UUID, catch_up: Any) -> None:
    till.post("/account/addresses/", TYPED)
    catch_up()

    till.post("/checkout/address/", {"number": "2"})

    assert "Ness 9" in till.sees("/checkout/")
    assert till.post("/checkout/address/", {"number": "7"}).status_code == 404


def test_the_purchase_goes_through_while_customers_is_down(till: Visitor, settings: Any) -> None:
    settings.DEMO = True
    Fault.objects.create(context="customers")

    assert "saved cards cannot be looked up" in till.sees("/checkout/?change=payment")
    order = ordered(till)

    assert order.ship_to == HOME
    account = till.sees("/account/", 503)
    assert account.startswith("A part of the shop does not answer")
    assert "customers" not in account


def test_who_asks_customers_each_time_sells_nothing_while_it_is_down(till: Visitor, settings: Any) -> None:
    settings.DEMO, settings.CHECKOUT_ADDRESS_SOURCE = True, "live"
    Fault.objects.create(context="customers")

    page = till.sees("/checkout/", 503)

    assert "We cannot look up your address just now" in page
    assert "Order for" not in page
    Fault.objects.all().delete()
    assert "Order for" in till.sees("/checkout/")


def test_a_price_that_went_up_is_shown_and_accepted_anew(till: Visitor, goods: Goods) -> None:
    form = till.form("/checkout/", "/checkout/place/")
    set_price(goods["MUG-1"], price=euros("14.00"))

    answer = till.post("/checkout/place/", form, follow=True)

    assert "A price has changed since you looked. Nothing was ordered" in words(answer)
    assert "Harbour mug: was €12.50 → €14.00" in words(answer)
    assert find(Order, order_of(till.basket)) is None
    assert ordered(till).total == euros("32.90")


def test_a_price_that_went_down_is_passed_on_and_said(till: Visitor, goods: Goods) -> None:
    form = till.form("/checkout/", "/checkout/place/")
    set_price(goods["MUG-1"], price=euros("10.00"))

    answer = till.post("/checkout/place/", form, follow=True)

    page = words(answer)
    assert "You pay less than you were quoted Harbour mug: was €12.50 → €10.00" in page
    assert "Total €24.90" in page


def test_less_is_left_than_is_wanted_and_the_basket_is_reduced(till: Visitor, catch_up: Callable[[], None]) -> None:
    count_stock("MUG-1", counted=1, reason="two were broken")
    catch_up()
    assert "Harbour mug: you want 2, about 1 is left. Reduce to 1" in till.sees("/checkout/")

    till.send("/checkout/", "/checkout/reduce/")

    assert "Not enough left" not in till.sees("/checkout/")
    assert ordered(till).lines[0].quantity == 1


def test_the_last_ones_went_meanwhile_and_it_is_ordered_again_with_fewer(till: Visitor) -> None:
    form = till.form("/checkout/", "/checkout/place/")
    reserve_stock(UUID(int=7), items=[Wanted("MUG-1", 9)])
    path = till.post("/checkout/place/", form)["Location"]
    come_to_rest()

    page = till.sees(path)
    assert "There is not enough left Nothing was taken from you" in page
    assert "Harbour mug: you wanted 2, 1 is left." in page
    assert till.send(path, f"{path}again/")["Location"] == "/checkout/"

    order = ordered(till)
    come_to_rest()
    assert (order.lines[0].quantity, shop.load(Order, order.id).status) == (1, "confirmed")


def test_what_was_withdrawn_is_taken_out_and_the_rest_is_ordered(till: Visitor, goods: Goods) -> None:
    till.post("/basket/add/", {"sku": "TEA-1", "quantity": "1"})
    withdraw_product(goods["MUG-1"])

    page = till.sees("/checkout/", 409)
    assert "Harbour mug: not sold any more" in page
    till.post("/checkout/reduce/")

    assert [line.sku for line in ordered(till).lines] == ["TEA-1"]


def test_what_is_withdrawn_while_the_page_is_open_is_not_ordered(till: Visitor, goods: Goods) -> None:
    form = till.form("/checkout/", "/checkout/place/")
    withdraw_product(goods["MUG-1"])

    answer = till.post("/checkout/place/", form, follow=True)

    assert answer.status_code == 409
    assert "MUG-1 is not on sale." in words(answer)


def test_an_account_that_does_not_stretch_to_it_is_paid_by_card_instead(
    till: Visitor, ada: UUID, catch_up: Any
) -> None:
    set_credit_limit(ada, limit=euros("20.00"))
    catch_up()
    assert "€20.00 left of €20.00" in till.sees("/checkout/?change=payment")
    till.send("/checkout/?change=payment", "/checkout/payment/", pay="account")
    path = place(till)["Location"]
    come_to_rest()

    assert "Your account does not stretch to this" in till.sees(path)
    assert till.send(path, f"{path}again/")["Location"] == "/checkout/?change=payment"
    pay_by_card(till)

    order = ordered(till)
    assert order.payment
    assert (order.payment.kind, order.payment.last_four) == ("card", "4242")


def test_in_one_transaction_too_what_is_refused_is_said_at_once(till: Visitor, ada: UUID, settings: Any) -> None:
    settings.PLACE_ORDER_MODE = "transaction"
    set_credit_limit(ada, limit=euros("20.00"))
    till.post("/checkout/payment/", {"pay": "account"})

    answer = till.post("/checkout/place/", till.form("/checkout/", "/checkout/place/"), follow=True)

    assert "Your account does not stretch to this. Nothing was ordered: pay by card instead." in words(answer)


def pay_by_card(visitor: Visitor, number: str = "4242 4242 4242 4242", **more: str) -> Any:
    card = {"number": number, "expiry": "12/99", "holder": "Ada"} | more
    return visitor.send("/checkout/?change=payment", "/cards/", **card)


def test_a_card_becomes_a_token_and_its_number_is_shown_to_nobody(till: Visitor, ada: UUID) -> None:
    answer = pay_by_card(till, keep="1")

    assert answer["Location"] == "/checkout/"
    assert "Card ending in 4242" in till.sees("/checkout/")
    order = ordered(till)
    (kept,) = shop.load(Customer, ada).payment_methods
    assert order.payment
    assert order.payment.token == kept.token
    assert (kept.label, kept.last_four) == ("Visa card", "4242")
    assert not any("4242424242424242" in str(data) for data in Event.objects.values_list("data", flat=True))


@pytest.mark.parametrize(
    ("number", "expiry", "said"),
    [
        ("4242 4242 4242 4243", "12/99", "Expected a card number"),
        ("", "12/99", "Please fill this in."),
        ("4242 4242 4242 4242", "99", "Expected month and year"),
        ("4242 4242 4242 4242", "13/30", "Expected month and year"),
        ("4242 4242 4242 4242", "01/20", "The card expired in 01/2020."),
    ],
)
def test_a_card_that_cannot_be_is_refused_and_not_repeated(number: str, expiry: str, said: str, till: Visitor) -> None:
    answer = pay_by_card(till, number, expiry=expiry)

    assert answer.status_code == 422
    assert said in words(answer)
    assert "4242 4242" not in answer.content.decode().replace('placeholder="4242 4242 4242 4242"', "")


def test_another_customers_card_cannot_be_chosen(till: Visitor, catch_up: Callable[[], None]) -> None:
    store_card(number="4242424242424242", expiry_month=12, expiry_year=2099, holder="Grace")
    catch_up()

    assert till.post("/checkout/payment/", {"pay": "card:1"}).status_code == 404


def test_a_double_click_is_one_order(till: Visitor) -> None:
    form = till.form("/checkout/", "/checkout/place/")

    answers = [till.post("/checkout/place/", form) for _ in range(2)]

    assert {answer["Location"] for answer in answers} == {f"/orders/{order_of(UUID(form['checkout']))}/"}
    assert Event.objects.filter(name="Order.Placed").count() == 1


def test_a_quote_that_has_expired_is_replaced_and_said(till: Visitor) -> None:
    form = till.form("/checkout/", "/checkout/place/")

    with patch("shop.ordering.checkout.commands.now", return_value=datetime.now(UTC) + timedelta(minutes=16)):
        refused = till.post("/checkout/place/", form, follow=True)

    assert "The quote has expired. Nothing was ordered: this is a new one." in words(refused)
    assert shop.load(Checkout, till.basket).quotes > int(form["quote"])


def test_nothing_is_ordered_before_it_is_said_how_it_is_paid(customer: Visitor) -> None:
    customer.post("/basket/add/", {"sku": "MUG-1", "quantity": "2"})
    assert "Next: how do you want to pay?" in customer.sees("/checkout/")
    form = {"checkout": str(customer.basket), "quote": "1"}

    answer = customer.post("/checkout/place/", form, follow=True)

    assert "Say first where it goes, and how you want to pay." in words(answer)
    assert find(Order, order_of(customer.basket)) is None


@pytest.mark.parametrize("form", [{}, {"checkout": "x", "quote": "1"}, {"checkout": str(UUID(int=1)), "quote": "1"}])
def test_the_checkout_of_nobody_cannot_be_accepted(form: dict[str, str], till: Visitor) -> None:
    assert till.post("/checkout/place/", form).status_code == 404


def test_what_is_typed_into_an_address_is_checked_and_kept(till: Visitor) -> None:
    answer = till.post("/checkout/address/", TYPED | {"postcode": "", "street": "<b>Ness</b> 9"})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;Ness&lt;/b&gt; 9"' in html
    assert 'aria-describedby="id_postcode_error"' in html
    assert "Please fill this in." in words(answer)


def test_what_ordering_has_not_heard_yet_does_not_keep_its_pages_from_showing_the_basket(till: Visitor) -> None:
    for name in ("Checkouts", "Orders", "OrderingCustomers", "OrderingProducts"):
        pause(known()[name], by="test", reason="ordering is down")
    try:
        order = ordered(till)
        assert "Thank you" in till.sees(f"/orders/{order.id}/")
        assert "What you did last is on its way into this list" in till.sees("/orders/")
    finally:
        for name in ("Checkouts", "Orders", "OrderingCustomers", "OrderingProducts"):
            resume(known()[name])
    seen_all()
    assert "2 things" in till.sees("/orders/")
