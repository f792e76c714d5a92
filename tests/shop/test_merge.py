"""One person, twice a customer: merged, refused from then on with whom they are now, and erased together."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from eventstore.models import PersonalKey
from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.application import shop
from shop.customers.commands import (
    erase_customer,
    merge_customers,
    register_customer,
    reserve_credit,
    set_credit_limit,
)
from shop.customers.domain import Customer
from shop.customers.models import CustomerSummary
from shop.customers.refusals import CannotMerge, CustomerMerged
from shop.models import CustomerUser
from shop.ordering.commands import Item, place_order
from shop.ordering.refusals import CustomerMerged as MergedForOrdering
from tests.facts import facts, given
from tests.shop.orders import AWAY, HOME, euros, goods

TODAY = date(2026, 3, 1)
NEXT_YEAR = datetime.now(UTC).date() + timedelta(days=365)


def two():
    return given(Customer.register("Ada", "ada@example.com")), given(Customer.register("A. King", "king@example.com"))


def test_the_survivor_gets_what_they_lack():
    ada, king = two()
    for each, address in ((king, HOME), (king, AWAY), (ada, HOME)):
        each.add_address(address)
    king.add_payment_method("t", "Visa", "4242")
    king.set_birthday(date(1985, 12, 10), TODAY)
    king.grant_premium(date(2027, 1, 1), False, TODAY)
    king.block("owes")
    given(ada), given(king)

    king.merge_into(ada, TODAY)

    assert facts(king) == [("Customer.Merged", {"into": ada.id})]
    assert facts(ada) == [
        ("Customer.AddressAdded", {"number": 2, "address": AWAY}),
        ("Customer.PaymentMethodAdded", {"number": 1, "token": "t", "label": "Visa", "last_four": "4242"}),
        ("Customer.BirthdaySet", {"birthday": "1985-12-10"}),
        ("Customer.PremiumGranted", {"until": date(2027, 1, 1), "trial": False}),
        ("Customer.Blocked", {"reason": "owes"}),
        ("Customer.Absorbed", {"customer_ids": (king.id,)}),
    ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda merged: merged.rename("Ida"),
        lambda merged: merged.change_email("ida@example.com"),
        lambda merged: merged.add_address(HOME),
        lambda merged: merged.change_address(1, AWAY),
        lambda merged: merged.remove_address(1),
        lambda merged: merged.remove_payment_method(1),
        lambda merged: merged.block("why not"),
        lambda merged: merged.merge_into(Customer.register("C", "c@example.com"), TODAY),
        lambda merged: merged.erase(),
    ],
)
def test_who_was_merged_is_asked_nothing_more(ask):
    ada, king = two()
    king.merge_into(ada, TODAY)
    given(king)

    with pytest.raises(CustomerMerged, match=f"they are {ada.id} now") as refused:
        ask(king)

    assert refused.value.facts == {"into": str(ada.id)}
    assert facts(king) == []


def test_nobody_is_merged_into_themselves():
    ada, _ = two()

    with pytest.raises(CannotMerge, match="into themselves"):
        ada.merge_into(ada, TODAY)


@pytest.mark.django_db
def test_the_address_is_free_and_orders_are_refused_with_whom_they_are_now():
    goods(MUG=5)
    ada, king = (register_customer(name=n, email=f"{n}@example.com").id for n in ("ada", "king"))

    merge_customers(king, into=ada)

    register_customer(name="Another King", email="king@example.com")
    with pytest.raises(MergedForOrdering) as refused:
        place_order(items=[Item("MUG", 1)], customer_id=king)
    assert refused.value.facts == {"into": str(ada)}


@pytest.mark.django_db
def test_what_is_owed_is_settled_first_and_nobody_is_merged_into_nobody():
    ada, king = (register_customer(name=n, email=f"{n}@example.com").id for n in ("ada", "king"))
    set_credit_limit(king, limit=euros("100.00"))
    reserve_credit(king, order_id=UUID(int=1), amount=euros("10.00"))

    with pytest.raises(CannotMerge, match=r"10\.00 EUR are reserved"):
        merge_customers(king, into=ada)
    with pytest.raises(CannotMerge, match="There is no customer"):
        merge_customers(ada, into=UUID(int=7))


@pytest.mark.django_db
def test_lists_show_it_and_find_their_orders(admin_client, django_user_model):
    goods(MUG=5)
    ada, king = (register_customer(name=n, email=f"{n}@example.com").id for n in ("ada", "king"))
    hers, his = (place_order(items=[Item("MUG", 1)], customer_id=each).id for each in (ada, king))
    CustomerUser.objects.create(user=django_user_model.objects.create_user("king"), customer_id=king)

    answer = admin_client.post(f"/api/v1/customers/{king}/merge/", {"into": str(ada)}, "application/json")
    catch_up()

    assert answer.status_code == 200
    assert CustomerSummary.objects.get(pk=king).merged_into == ada
    found = admin_client.get(f"/api/v1/orders/?customer_id={ada}").json()["results"]
    assert {each["id"] for each in found} == {str(hers), str(his)}
    assert CustomerUser.objects.get(user__username="king").customer_id == ada
    again = admin_client.post(f"/api/v1/customers/{king}/rename/", {"name": "Ida"}, "application/json")
    assert (again.status_code, again.json()["code"], again.json()["into"]) == (409, "customer_merged", str(ada))
    for name in ("Customers", "OrderingCustomers"):
        assert not [each for each in verify(known()[name]) if each.differing], name


@pytest.mark.django_db
def test_whoever_was_merged_is_erased_with_the_survivor():
    ada, bob, cy = (register_customer(name=n, email=f"{n}@example.com").id for n in ("ada", "bob", "cy"))
    merge_customers(cy, into=bob)
    merge_customers(bob, into=ada)

    erase_customer(ada)
    catch_up()

    assert {shop.load(Customer, each).name for each in (ada, bob, cy)} == {"[erased]"}
    assert not PersonalKey.objects.filter(subject_id__in=(ada, bob, cy), forgotten_at=None).exists()
    assert set(CustomerSummary.objects.values_list("name", "email")) == {("[erased]", "[erased]")}
