"""What a customer pays with, when they celebrate, what tier they are of: no database, no Django."""

from datetime import date, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shop.customers.domain import Customer, PaymentMethod
from shop.customers.refusals import AlreadyOver, BadBirthday, CustomerErased, UnknownPaymentMethod
from tests.facts import facts, given

TODAY = date(2026, 3, 1)
YESTERDAY, TOMORROW, LATER = date(2026, 2, 28), date(2026, 3, 2), date(2026, 3, 31)
SOON = st.dates(TODAY, TODAY + timedelta(days=60))


@pytest.fixture
def ada():
    return given(Customer.register("Ada", "ada@example.com"))


def test_a_payment_method_has_a_number_that_is_never_used_again(ada):
    ada.add_payment_method("token-1", "Visa", "4242")
    ada.remove_payment_method(1)
    ada.add_payment_method("token-2", "Amex", "0005")

    assert ada.payment_methods == (PaymentMethod(2, "token-2", "Amex", "0005"),)
    assert facts(ada) == [
        ("Customer.PaymentMethodAdded", {"number": 1, "token": "token-1", "label": "Visa", "last_four": "4242"}),
        ("Customer.PaymentMethodRemoved", {"number": 1}),
        ("Customer.PaymentMethodAdded", {"number": 2, "token": "token-2", "label": "Amex", "last_four": "0005"}),
    ]


def test_the_same_card_again_is_no_second_payment_method(ada):
    ada.add_payment_method("token-1", "Visa", "4242")
    ada.add_payment_method("token-1", "Mine", "4242")

    assert [method.label for method in ada.payment_methods] == ["Visa"]


def test_a_payment_method_that_is_not_there_is_named(ada):
    ada.add_payment_method("token-1", "Visa", "4242")

    with pytest.raises(UnknownPaymentMethod, match="There is no payment method 7: this customer has 1"):
        ada.remove_payment_method(7)


def test_a_birthday_is_a_fact_once(ada):
    ada.set_birthday(date(1985, 12, 10), TODAY)
    ada.set_birthday(date(1985, 12, 10), TODAY)

    assert facts(ada) == [("Customer.BirthdaySet", {"birthday": "1985-12-10"})]


@pytest.mark.parametrize("birthday", [TOMORROW, date(1899, 12, 31)])
def test_nobody_was_born_tomorrow_or_too_long_ago(ada, birthday):
    with pytest.raises(BadBirthday, match=f"Nobody was born on {birthday}"):
        ada.set_birthday(birthday, TODAY)


def test_premium_is_up_to_its_last_day_and_nothing_has_to_happen_then(ada):
    ada.grant_premium(LATER, True, TODAY)

    assert [ada.is_premium(day) for day in (TODAY, LATER, LATER + timedelta(days=1))] == [True, True, False]
    assert facts(ada) == [("Customer.PremiumGranted", {"until": LATER, "trial": True})]


def test_a_trial_gives_nothing_to_who_is_premium(ada):
    ada.grant_premium(LATER, True, TODAY)
    ada.grant_premium(LATER, True, TODAY)
    ada.grant_premium(LATER + timedelta(days=1), True, TOMORROW)

    assert len(facts(ada)) == 1


def test_a_trial_becomes_premium_that_is_paid_for(ada):
    ada.grant_premium(LATER, True, TODAY)
    ada.grant_premium(LATER, False, TODAY)
    ada.grant_premium(LATER, False, TODAY)

    assert [said["trial"] for _, said in facts(ada)] == [True, False]


def test_premium_that_would_be_over_is_refused(ada):
    with pytest.raises(AlreadyOver, match="Premium until 2026-02-28 would be over: today is 2026-03-01"):
        ada.grant_premium(YESTERDAY, False, TODAY)


def test_premium_ends_early_once(ada):
    ada.grant_premium(LATER, False, TODAY)
    ada.end_premium(TOMORROW)
    ada.end_premium(TOMORROW)

    assert not ada.is_premium(TOMORROW)
    assert [name for name, _ in facts(ada)] == ["Customer.PremiumGranted", "Customer.PremiumEnded"]


def test_what_is_over_does_not_end_again_and_can_be_granted_again(ada):
    ada.grant_premium(TODAY, True, TODAY)
    ada.end_premium(TOMORROW)
    ada.grant_premium(LATER, True, TOMORROW)

    assert [name for name, _ in facts(ada)] == ["Customer.PremiumGranted"] * 2


@for_all(st.lists(st.tuples(SOON, st.booleans()), max_size=10))
def test_a_grant_never_takes_a_day_from_who_has_paid(grants):
    ada = Customer.register("Ada", "ada@example.com")
    paid = None
    for until, trial in grants:
        ada.grant_premium(until, trial, TODAY)
        paid = until if not trial and (paid is None or until > paid) else paid

        assert paid is None or ada.is_premium(paid)


def test_a_customer_is_blocked_for_a_reason_that_may_change(ada):
    ada.block("three unpaid invoices")
    ada.block("three unpaid invoices")
    ada.block("four unpaid invoices")
    ada.unblock()
    ada.unblock()

    assert facts(ada) == [
        ("Customer.Blocked", {"reason": "three unpaid invoices"}),
        ("Customer.Blocked", {"reason": "four unpaid invoices"}),
        ("Customer.Unblocked", {}),
    ]
    assert (ada.blocked, ada.block_reason) == (False, "")


@pytest.mark.parametrize(
    "ask",
    [
        lambda ada: ada.add_payment_method("token-1", "Visa", "4242"),
        lambda ada: ada.set_birthday(date(1985, 12, 10), TODAY),
        lambda ada: ada.grant_premium(LATER, False, TODAY),
        lambda ada: ada.end_premium(TODAY),
        lambda ada: ada.block("why not"),
        lambda ada: ada.unblock(),
    ],
)
def test_of_who_was_erased_nothing_is_recorded(ada, ask):
    ada.add_payment_method("token-1", "Visa", "4242")
    ada.erase()

    with pytest.raises(CustomerErased):
        ask(ada)

    assert (ada.payment_methods, ada.birthday) == ((), None)
