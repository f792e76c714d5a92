"""A checkout on its own: no database, no Django."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shop.errors import WrongStatus
from shop.ordering.checkout.domain import Checkout, Quote, order_of
from shop.ordering.domain import Line, Payment
from shop.ordering.refusals import EmptyOrder, MixedCurrencies, NoQuote, QuoteExpired, QuoteReplaced
from shop.ordering.totals import Rates
from shop.values import Address, Money
from tests.facts import facts, given

ADA, TEA_ID = UUID(int=1), UUID(int=2)
HOME = Address("Kai 3", "Hamburg", "20457", "DE")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CARD = Payment("card", "t", "4242")


def euros(amount):
    return Money(Decimal(amount), "EUR")


def tea(quantity=2, price="4.50", currency="EUR"):
    return Line.of(TEA_ID, "TEA", "Tea", quantity, Money(Decimal(price), currency), 1)


def quoted(*lines):
    checkout = Checkout.start(ADA)
    checkout.set_item("TEA", 2)
    checkout.show(lines or [tea()], HOME, NOW, NOW)
    return given(checkout)


def test_a_quote_says_all_that_the_customer_sees():
    checkout = given(Checkout.start(ADA))

    checkout.show([tea()], HOME, NOW, NOW)

    ((name, told),) = facts(checkout)
    assert name == "Checkout.QuoteShown"
    assert told == {
        "quote": Quote(1, (tea(),), euros("4.90"), euros("13.90"), NOW + timedelta(minutes=15)),
        "ship_to": HOME,
        "address_seen_at": NOW,
        "customer_id": ADA,
    }


def test_a_quote_is_accepted_once_and_becomes_one_order():
    checkout = quoted()

    first, again = checkout.accept(1, NOW), checkout.accept(1, NOW + timedelta(days=1))

    assert (first, again) == (True, False)
    assert facts(checkout) == [("Checkout.Accepted", {"order_id": order_of(checkout.id), "quote": 1})]


def test_only_the_last_quote_can_be_accepted_while_it_holds():
    checkout = quoted()
    checkout.show([tea()], HOME, NOW, NOW)

    with pytest.raises(QuoteReplaced, match="Quote 1 is not the last one: that is 2"):
        checkout.accept(1, NOW)
    with pytest.raises(QuoteExpired, match="Quote 2 held until 12:15 UTC"):
        checkout.accept(2, NOW + timedelta(minutes=15))
    assert checkout.accept(2, NOW + timedelta(minutes=14, seconds=59))


@pytest.mark.parametrize(
    "change",
    [
        lambda checkout: checkout.set_item("TEA", 3),
        lambda checkout: checkout.set_item("TEA", 0),
        lambda checkout: checkout.override_address(HOME),
        lambda checkout: checkout.choose_payment(CARD),
    ],
)
def test_any_change_ends_the_quote(change):
    checkout = quoted()

    change(checkout)

    with pytest.raises(NoQuote):
        checkout.accept(1, NOW)


@pytest.mark.parametrize("end", ["accepted", "abandoned"])
def test_what_is_over_is_not_changed(end):
    checkout = quoted()
    checkout.accept(1, NOW) if end == "accepted" else checkout.abandon("only looking")

    for change in (
        lambda: checkout.set_item("TEA", 3),
        lambda: checkout.override_address(HOME),
        lambda: checkout.choose_payment(CARD),
        lambda: checkout.show([tea()], HOME, NOW, NOW),
        lambda: checkout.accept(2, NOW),
    ):
        with pytest.raises(WrongStatus, match=f"An {end} checkout cannot be changed: it must be open"):
            change()


def test_the_same_again_is_no_event():
    checkout = given(Checkout.start(ADA))

    for _ in range(2):
        checkout.set_item("TEA", 2)
        checkout.override_address(HOME)
        checkout.choose_payment(CARD)
        checkout.set_item("MUG", 0)
    for _ in range(2):
        checkout.abandon("only looking")

    assert [name for name, _ in facts(checkout)] == [
        f"Checkout.{name}" for name in ("ItemSet", "AddressOverridden", "PaymentChosen", "Abandoned")
    ]


def test_an_empty_basket_and_two_currencies_have_no_quote():
    checkout = Checkout.start(None)

    with pytest.raises(EmptyOrder):
        checkout.show([], None, None, NOW)
    with pytest.raises(MixedCurrencies, match="EUR and USD"):
        checkout.show([tea(), tea(currency="USD")], None, None, NOW)


def test_a_quote_shows_discount_and_tax():
    checkout = given(Checkout.start(ADA))

    checkout.show([tea(2, "10.00")], HOME, NOW, NOW, Rates(tax=Decimal(20), discount=Decimal(5)))

    quote = checkout.quote
    assert (quote.discount, quote.shipping, quote.tax) == (euros("1.00"), euros("4.90"), euros("4.78"))
    assert quote.total == euros("28.68")


@for_all(st.lists(st.tuples(st.integers(1, 1000), st.decimals("0", "999", places=4)), min_size=1, max_size=20))
def test_a_total_is_goods_and_parcel_to_the_cent(wanted):
    checkout = quoted(*(tea(quantity, price) for quantity, price in wanted))

    goods = sum(line.total.amount for line in checkout.quote.lines)
    assert checkout.quote.shipping == euros("0.00" if goods >= 50 else "4.90")
    assert checkout.quote.total.amount == goods + checkout.quote.shipping.amount
