"""An account on its own, by its orders; then when many want of it at once, and its statement."""

from contextlib import suppress
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from eventstore.models import Event
from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.application import shop
from shop.customers.commands import (
    charge_credit,
    erase_customer,
    register_customer,
    release_credit,
    reserve_credit,
    set_credit_limit,
    settle_credit,
)
from shop.customers.domain import CreditAccount, credit_of
from shop.customers.models import CreditMovement, CreditSummary
from shop.customers.refusals import (
    BadAmount,
    CreditExceeded,
    CustomerErased,
    NotReserved,
    OtherCurrency,
    ReservedBefore,
)
from shop.errors import Refused
from shop.values import Money
from tests.crowd import at_once
from tests.facts import facts, given

ADA, ORDER, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)


def euros(amount):
    return Money(Decimal(amount), "EUR")


@pytest.fixture
def account():
    account = CreditAccount.open(ADA, "EUR")
    account.set_limit(euros("100.00"))
    return given(account)


@pytest.fixture
def ada(db):
    customer_id = register_customer(name="Ada", email="ada@example.com").id
    set_credit_limit(customer_id, limit=euros("100.00"))
    return customer_id


def test_an_account_opens_with_nothing_owed_and_nothing_allowed():
    account = CreditAccount.open(ADA, "EUR")

    assert (account.id, account.available, account.owed) == (credit_of(ADA), euros(0), euros(0))
    assert facts(account) == [("CreditAccount.Opened", {"customer_id": ADA, "currency": "EUR"})]


def test_what_is_reserved_is_charged_and_settled(account):
    account.reserve(ORDER, euros("40.00"))
    account.charge(ORDER)
    account.settle(euros("15.00"), "transfer")

    assert (account.reserved, account.owed, account.available) == (euros(0), euros("25.00"), euros("75.00"))
    assert facts(account) == [
        ("CreditAccount.Reserved", {"order_id": ORDER, "amount": euros("40.00")}),
        ("CreditAccount.Charged", {"order_id": ORDER, "amount": euros("40.00")}),
        ("CreditAccount.Settled", {"amount": euros("15.00"), "reference": "transfer"}),
    ]


def test_what_is_released_may_be_bought_for_again(account):
    account.reserve(ORDER, euros("100.00"))
    account.release(ORDER)
    account.reserve(OTHER, euros("100.00"))

    assert account.available == euros(0)


def test_reserved_and_owed_are_within_the_limit(account):
    account.reserve(ORDER, euros("60.00"))
    account.charge(ORDER)

    with pytest.raises(CreditExceeded, match=r"40\.01 EUR is more than the 40\.00 EUR") as refused:
        account.reserve(OTHER, euros("40.01"))

    assert refused.value.facts == {"wanted": "40.01 EUR", "available": "40.00 EUR"}
    account.reserve(OTHER, euros("40.00"))


def test_a_lower_limit_cancels_nothing_and_lets_nothing_more_be_bought(account):
    account.reserve(ORDER, euros("60.00"))
    account.set_limit(euros("50.00"))

    assert (account.reserved, account.available) == (euros("60.00"), euros(0))
    with pytest.raises(CreditExceeded, match=r"more than the 0\.00 EUR"):
        account.reserve(OTHER, euros("0.01"))
    account.charge(ORDER)
    assert account.owed == euros("60.00")


def test_what_is_asked_for_one_order_again_happens_once(account):
    for ask in (
        lambda: account.reserve(ORDER, euros("40.00")),
        lambda: account.charge(ORDER),
        lambda: account.reserve(ORDER, euros("40.00")),
        lambda: account.release(ORDER),
        lambda: account.release(OTHER),
    ):
        ask()
        ask()

    assert [name for name, _ in facts(account)] == ["CreditAccount.Reserved", "CreditAccount.Charged"]


def test_an_order_reserves_one_amount_and_not_again_after_its_release(account):
    account.reserve(ORDER, euros("40.00"))
    with pytest.raises(ReservedBefore):
        account.reserve(ORDER, euros("41.00"))
    account.release(ORDER)
    with pytest.raises(ReservedBefore):
        account.reserve(ORDER, euros("40.00"))


def test_what_was_not_reserved_is_not_charged(account):
    account.reserve(ORDER, euros("40.00"))
    account.release(ORDER)

    for order in (ORDER, OTHER):
        with pytest.raises(NotReserved):
            account.charge(order)


def test_no_more_is_settled_than_is_owed(account):
    account.reserve(ORDER, euros("40.00"))
    account.charge(ORDER)

    with pytest.raises(CreditExceeded, match=r"40\.01 EUR is more than is owed: 40\.00 EUR"):
        account.settle(euros("40.01"), "")


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        (Money(Decimal(1), "USD"), OtherCurrency),
        (euros("-0.01"), BadAmount),
        (euros("0.001"), BadAmount),
    ],
)
def test_an_amount_is_whole_cents_in_the_currency_of_the_account(account, amount, refusal):
    for ask in (
        lambda: account.set_limit(amount),
        lambda: account.reserve(ORDER, amount),
        lambda: account.settle(amount, ""),
    ):
        with pytest.raises(refusal):
            ask()

    assert facts(account) == []


def test_nothing_cannot_be_settled(account):
    with pytest.raises(BadAmount):
        account.settle(euros(0), "")


STEPS = st.tuples(
    st.sampled_from(["reserve", "release", "charge", "settle", "limit"]), st.integers(1, 4), st.integers(0, 120)
)


@for_all(st.lists(STEPS, max_size=40))
def test_nothing_is_reserved_beyond_the_limit_whatever_happens(steps):
    account = CreditAccount.open(ADA, "EUR")
    account.set_limit(euros(100))
    charged = settled = Decimal(0)
    for step, order, amount in steps:
        before = account.owed.amount + account.reserved.amount
        order_id, money = UUID(int=order), euros(amount)
        asked = {
            "reserve": lambda order_id=order_id, money=money: account.reserve(order_id, money),
            "release": lambda order_id=order_id: account.release(order_id),
            "charge": lambda order_id=order_id: account.charge(order_id),
            "settle": lambda money=money: account.settle(money, ""),
            "limit": lambda money=money: account.set_limit(money),
        }
        with suppress(Refused):
            asked[step]()
        after = account.owed.amount + account.reserved.amount

        assert after <= before or after <= account.limit.amount
    for name, said in facts(account):
        charged += said["amount"].amount if name == "CreditAccount.Charged" else 0
        settled += said["amount"].amount if name == "CreditAccount.Settled" else 0
    assert account.owed.amount == charged - settled >= 0


def test_without_an_account_nothing_is_bought_on_it(db):
    bob = register_customer(name="Bob", email="bob@example.com").id

    with pytest.raises(CreditExceeded, match="no account") as refused:
        reserve_credit(bob, order_id=ORDER, amount=euros(1))

    assert refused.value.facts == {"wanted": "1.00 EUR", "available": "0"}


def test_who_was_erased_gets_no_credit_and_may_still_pay(ada):
    reserve_credit(ada, order_id=ORDER, amount=euros(40))
    charge_credit(ada, order_id=ORDER)
    erase_customer(ada)

    with pytest.raises(CustomerErased):
        set_credit_limit(ada, limit=euros(200))
    assert settle_credit(ada, amount=euros(40), reference="transfer").position


def test_a_step_that_is_repeated_has_no_position(ada):
    first, again = (reserve_credit(ada, order_id=ORDER, amount=euros(40)) for _ in range(2))

    assert first.position
    assert again == (first.id, first.version, None)


@pytest.mark.django_db(transaction=True)
def test_of_many_orders_at_once_no_more_are_taken_than_the_limit_allows(empty_log):
    customer = register_customer(name="Ada", email="ada@example.com").id
    set_credit_limit(customer, limit=euros("100.00"))

    results = at_once(8, lambda: reserve_credit(customer, order_id=uuid4(), amount=euros("30.00")))

    assert sorted(type(result).__name__ for result in results) == ["CreditExceeded"] * 5 + ["Receipt"] * 3
    assert Event.objects.filter(name="CreditAccount.Reserved").count() == 3
    assert shop.load(CreditAccount, credit_of(customer)).available == euros("10.00")


@pytest.mark.django_db(transaction=True)
def test_of_one_order_that_is_asked_for_many_times_at_once_one_is_reserved(empty_log):
    customer = register_customer(name="Ada", email="ada@example.com").id
    set_credit_limit(customer, limit=euros("100.00"))

    at_once(8, lambda: reserve_credit(customer, order_id=ORDER, amount=euros("30.00")))

    assert Event.objects.filter(name="CreditAccount.Reserved").count() == 1


def test_the_statement_has_a_running_balance(ada):
    reserve_credit(ada, order_id=ORDER, amount=euros("40.00"))
    reserve_credit(ada, order_id=OTHER, amount=euros("50.00"))
    charge_credit(ada, order_id=ORDER)
    release_credit(ada, order_id=OTHER)
    settle_credit(ada, amount=euros("15.50"), reference="transfer 7")
    catch_up()

    told = CreditMovement.objects.filter(customer_id=ada).order_by("number")
    columns = ("kind", "order_id", "amount", "reserved", "owed", "available", "reference")
    assert list(told.values_list(*columns)) == [
        ("limit", None, Decimal(100), 0, 0, Decimal(100), ""),
        ("reserved", ORDER, Decimal(40), Decimal(40), 0, Decimal(60), ""),
        ("reserved", OTHER, Decimal(50), Decimal(90), 0, Decimal(10), ""),
        ("charged", ORDER, Decimal(40), Decimal(50), Decimal(40), Decimal(10), ""),
        ("released", OTHER, Decimal(50), 0, Decimal(40), Decimal(60), ""),
        ("settled", None, Decimal("15.50"), 0, Decimal("24.50"), Decimal("75.50"), "transfer 7"),
    ]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@for_all(steps=st.lists(STEPS, min_size=5, max_size=25))
def test_what_is_shown_is_what_the_account_says(db, steps):
    customer = register_customer(name="Ada", email=f"{uuid4()}@example.com").id
    set_credit_limit(customer, limit=euros(100))
    orders = {number: uuid4() for number in range(1, 5)}
    for step, number, amount in steps:
        order, money = orders[number], euros(amount)
        try:
            match step:
                case "reserve":
                    reserve_credit(customer, order_id=order, amount=money)
                case "release":
                    release_credit(customer, order_id=order)
                case "charge":
                    charge_credit(customer, order_id=order)
                case "settle":
                    settle_credit(customer, amount=money)
                case "limit":
                    set_credit_limit(customer, limit=money)
        except Refused:
            pass
    catch_up()

    account = shop.load(CreditAccount, credit_of(customer))
    row = CreditSummary.objects.get(customer_id=customer)
    assert (row.limit, row.reserved, row.owed, row.available, row.version) == (
        *(money.amount for money in (account.limit, account.reserved, account.owed, account.available)),
        account.version,
    )
    last = CreditMovement.objects.filter(customer_id=customer).order_by("-number").first()
    assert (last.owed, last.number) == (row.owed, row.version)
    assert not [each for each in verify(known()["Credit"]) if each.differing]
