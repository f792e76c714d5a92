"""What the commands see to beyond one aggregate: what is unique, what is exact, what is copied."""

from decimal import Decimal
from uuid import uuid4

import pytest

from eventstore.models import Event
from projections.engine import catch_up
from shop.application import shop
from shop.catalog.commands import create_product, rename_product, set_price, withdraw_product
from shop.catalog.domain import SkuTaken
from shop.customers.commands import add_address, change_email, erase_customer, holder_of, register_customer
from shop.customers.refusals import CustomerErased, EmailTaken
from shop.ordering.commands import Item, place_order
from shop.ordering.domain import Order
from shop.ordering.refusals import NotOnSale, StalePrice, UnknownCustomer, UnknownProduct
from shop.values import Address, Money, id_of
from tests.crowd import at_once

pytestmark = pytest.mark.django_db

HOME = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")
WORK = Address("2 Low Street", "Whitby", "YO21 1AB", "GB")


def euros(amount):
    return Money(Decimal(amount), "EUR")


@pytest.fixture
def mug():
    return create_product(sku="MUG", name="Mug", price=euros("12.50"), publish=True).id


def test_an_email_address_belongs_to_one_customer_whatever_its_case():
    register_customer(name="Ada", email="ada@example.com")

    with pytest.raises(EmailTaken):
        register_customer(name="Other", email="Ada@Example.com")


LETTERS, CODED = "ada@bücher.de", "ada@XN--bcher-kva.de"


@pytest.mark.parametrize(("first", "second"), [(LETTERS, CODED), (CODED, LETTERS)])
def test_an_email_address_belongs_to_one_customer_however_its_domain_is_written(first, second):
    ada = register_customer(name="Ada", email=first).id

    with pytest.raises(EmailTaken):
        register_customer(name="Other", email=second)

    assert (holder_of(first), holder_of(second)) == (ada, ada)
    assert change_email(ada, email=second).version == 2


@pytest.mark.parametrize(
    "give_up", [erase_customer, lambda ada: change_email(ada, email="ada@example.com")], ids=["erased", "changed"]
)
def test_an_address_that_was_claimed_as_it_was_written_is_taken_until_it_is_given_up(give_up, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("shop.customers.commands.spellings", lambda email: (email.casefold(),))
        ada = register_customer(name="Ada", email=CODED).id

    with pytest.raises(EmailTaken):
        register_customer(name="Other", email=LETTERS)
    assert holder_of(LETTERS) == ada
    give_up(ada)

    assert holder_of(CODED) is None
    assert register_customer(name="Other", email=LETTERS).version == 1


def test_an_email_address_that_was_given_up_is_free():
    ada = register_customer(name="Ada", email="ada@example.com").id
    change_email(ada, email="countess@example.com")

    assert register_customer(name="Other", email="ada@example.com").version == 1
    with pytest.raises(EmailTaken):
        change_email(ada, email="ada@example.com")


def test_the_same_email_in_another_case_stays_ones_own():
    ada = register_customer(name="Ada", email="ada@example.com").id

    assert change_email(ada, email="Ada@example.com").version == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_who_register_one_address_at_once_one_does(empty_log):
    results = at_once(8, lambda: register_customer(name="Ada", email="ada@example.com"))

    assert sorted(type(result).__name__ for result in results) == ["EmailTaken"] * 7 + ["Receipt"]
    assert Event.objects.filter(name="Customer.Registered").count() == 1


def test_a_sku_belongs_to_one_product(mug):
    with pytest.raises(SkuTaken, match="MUG"):
        create_product(sku="MUG", name="Another")


def test_an_order_takes_price_and_name_from_the_log_while_every_projection_stands_still(mug):
    set_price(mug, price=euros("13.00"))
    rename_product(mug, name="Harbour mug")

    order = shop.load(Order, place_order(items=[Item("MUG", 2)]).id)

    assert [(line.name, line.unit_price, line.price_revision) for line in order.lines] == [
        ("Harbour mug", euros("13.00"), 2)
    ]
    assert order.total == euros("26.00")


def test_an_order_keeps_what_was_bought(mug):
    order_id = place_order(items=[Item("MUG", 1)]).id

    set_price(mug, price=euros("99.00"))
    rename_product(mug, name="Other mug")

    (line,) = shop.load(Order, order_id).lines
    assert (line.name, line.unit_price) == ("Mug", euros("12.50"))


def test_a_price_that_is_not_the_one_quoted_is_refused(mug):
    set_price(mug, price=euros("13.00"))

    with pytest.raises(StalePrice, match=r"MUG now costs 13\.00 EUR, not 12\.50 EUR") as refused:
        place_order(items=[Item("MUG", 1, quoted=euros("12.50"))])

    assert refused.value.facts == {"sku": "MUG", "quoted": "12.50 EUR", "now": "13.00 EUR"}
    assert place_order(items=[Item("MUG", 1, quoted=euros("13.00"))]).version == 1


def test_what_is_not_on_sale_is_not_sold(mug):
    withdraw_product(mug)
    create_product(sku="DRAFT", name="Draft", price=euros("1.00"))

    for sku, refusal in (("MUG", NotOnSale), ("DRAFT", NotOnSale), ("NONE", UnknownProduct)):
        with pytest.raises(refusal, match=sku):
            place_order(items=[Item(sku, 1)])


@pytest.mark.parametrize("caught_up", [True, False])
def test_an_order_goes_to_the_customers_default_address(mug, caught_up):
    ada = register_customer(name="Ada", email="ada@example.com").id
    add_address(ada, address=HOME)
    if caught_up:
        catch_up()

    order = shop.load(Order, place_order(items=[Item("MUG", 1)], customer_id=ada).id)
    other = shop.load(Order, place_order(items=[Item("MUG", 1)], customer_id=ada, ship_to=WORK).id)

    assert (order.customer_name, order.ship_to, other.ship_to) == ("Ada", HOME, WORK)


def test_ordering_uses_its_own_copy_of_the_customer_while_it_is_behind(mug):
    ada = register_customer(name="Ada", email="ada@example.com").id
    add_address(ada, address=HOME)
    catch_up()
    add_address(ada, address=WORK, default=True)

    order = shop.load(Order, place_order(items=[Item("MUG", 1)], customer_id=ada).id)

    assert order.ship_to == HOME


def test_an_unknown_customer_is_refused(mug):
    with pytest.raises(UnknownCustomer):
        place_order(items=[Item("MUG", 1)], customer_id=uuid4())


def test_of_an_erased_customer_nothing_more_is_recorded(mug):
    ada = register_customer(name="Ada", email="ada@example.com").id
    catch_up()
    erase_customer(ada)
    catch_up()

    for ask in (
        lambda: add_address(ada, address=HOME),
        lambda: change_email(ada, email="a@example.com"),
        lambda: erase_customer(ada),
    ):
        with pytest.raises(CustomerErased):
            ask()
    with pytest.raises(UnknownCustomer):
        place_order(items=[Item("MUG", 1)], customer_id=ada)
    assert register_customer(name="New", email="ada@example.com").version == 1


def test_ids_of_what_is_unique_are_derived_from_it(mug):
    assert mug == id_of("product", "MUG")
