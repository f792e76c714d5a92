"""A customer on their own: no database, no Django."""

from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shop.customers.domain import Customer, EmailClaim, Labelled, spellings
from shop.customers.refusals import EmailTaken, UnknownAddress
from shop.values import Address
from tests.facts import facts, given

HOME = Address("1 High Street", "Dover", "CT16", "GB")
WORK = Address("2 Low Street", "Dover", "CT17", "GB")


@pytest.fixture
def ada():
    return given(Customer.register("Ada", "ada@example.com"))


def test_registering_is_an_event():
    ada = Customer.register("Ada", "ada@example.com")

    assert facts(ada) == [("Customer.Registered", {"name": "Ada", "email": "ada@example.com"})]


def test_the_first_address_is_the_default(ada):
    ada.add_address(HOME)
    ada.add_address(WORK)

    assert ada.addresses == (Labelled(1, HOME), Labelled(2, WORK))
    assert ada.default_address == 1


def test_a_new_address_may_become_the_default(ada):
    ada.add_address(HOME)
    ada.add_address(WORK, default=True)

    assert ada.default_address == 2


def test_without_its_default_address_another_is_the_default(ada):
    ada.add_address(HOME)
    ada.add_address(WORK)

    ada.remove_address(1)

    assert (ada.addresses, ada.default_address) == ((Labelled(2, WORK),), 2)


def test_a_number_is_never_used_again(ada):
    ada.add_address(HOME)
    ada.remove_address(1)
    ada.add_address(WORK)

    assert ada.addresses == (Labelled(2, WORK),)


def test_an_address_that_is_not_there_is_named(ada):
    ada.add_address(HOME)

    with pytest.raises(UnknownAddress, match="There is no address 7: this customer has 1"):
        ada.change_address(7, WORK)


def test_nothing_new_is_no_event(ada):
    ada.add_address(HOME)
    given(ada)

    ada.rename("Ada")
    ada.change_email("ada@example.com")
    ada.change_address(1, HOME)
    ada.set_default_address(1)

    assert facts(ada) == []


@for_all(st.lists(st.tuples(st.sampled_from(["add", "add default", "remove", "set"]), st.integers(1, 6)), max_size=30))
def test_there_is_one_default_address_while_there_is_any(steps):
    ada = Customer.register("Ada", "ada@example.com")
    for step, number in steps:
        known = {a.number for a in ada.addresses}
        if step.startswith("add"):
            ada.add_address(HOME, default=step == "add default")
        elif number in known:
            ada.remove_address(number) if step == "remove" else ada.set_default_address(number)

        assert (ada.default_address in {a.number for a in ada.addresses}) == bool(ada.addresses)


@pytest.mark.parametrize(
    ("email", "claimed_by"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada@BÜCHER.de", "ada@bücher.de"),
        ("ada@xn--bcher-kva.de", "ada@bücher.de"),
        ("ada@mail.xn--bcher-kva.de", "ada@mail.bücher.de"),
        ("ada@xn--example-.com", "ada@xn--example-.com"),  # nobody takes example.com by writing it so
        ("ada@xn--999999999.de", "ada@xn--999999999.de"),
        ("ada@ｅxample.com", "ada@example.com"),
    ],
)
def test_an_email_address_is_claimed_by_one_spelling(email, claimed_by):
    assert spellings(email)[0] == claimed_by


def test_an_email_address_has_one_holder():
    claim = EmailClaim.with_id(UUID(int=9))
    claim.claim(UUID(int=1))
    claim.claim(UUID(int=1))

    with pytest.raises(EmailTaken):
        claim.claim(UUID(int=2))

    claim.release()
    claim.claim(UUID(int=2))
    assert claim.holder == UUID(int=2)
