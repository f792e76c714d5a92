"""One person, twice a customer: merged, refused from then on with whom they are now, and erased together."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from eventstore import log
from eventstore.models import PersonalKey
from projections.engine import catch_up
from projections.lease import begin
from projections.projection import known
from projections.rebuild import verify
from shop.application import shop
from shop.books.check import Books
from shop.books.facts import facts as facts_of
from shop.books.mails import outbox
from shop.customers.commands import (
    erase_customer,
    merge_customers,
    register_customer,
    reserve_credit,
    set_credit_limit,
)
from shop.customers.domain import CreditAccount, Customer, credit_of
from shop.customers.models import CustomerSummary
from shop.customers.refusals import CannotMerge, CustomerMerged
from shop.models import CustomerUser, MergedCustomer
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, cancel_order, place_order
from shop.ordering.domain import Order
from shop.ordering.refusals import CustomerMerged as MergedForOrdering
from tests.crowd import at_once
from tests.facts import facts, given
from tests.shop.orders import ACCOUNT, AWAY, HOME, come_to_rest, euros, goods

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
def test_an_order_that_was_placed_a_moment_before_reserves_nothing_on_an_account_that_is_nobodys():
    goods(MUG=5)
    begin(known()["PlaceOrders"])
    ada, king = (register_customer(name=n, email=f"{n}@example.com").id for n in ("ada", "king"))
    set_credit_limit(king, limit=euros("100.00"))
    order = place_order(items=[Item("MUG", 1)], customer_id=king, payment=ACCOUNT).id

    merge_customers(king, into=ada)
    come_to_rest()

    account = shop.load(CreditAccount, credit_of(king))
    assert (account.reserved, account.available) == (euros("0"), euros("0"))
    assert shop.load(Order, order).status == "rejected"


@pytest.mark.django_db(transaction=True)
def test_what_is_reserved_while_they_are_merged_is_seen(empty_log, monkeypatch):
    ada, king = (register_customer(name=n, email=f"{n}@example.com").id for n in ("ada", "king"))
    set_credit_limit(king, limit=euros("100.00"))
    merge = Customer.merge_into

    def merge_late(*args):
        at_once(1, lambda: reserve_credit(king, order_id=UUID(int=1), amount=euros("12.00")))
        merge(*args)

    monkeypatch.setattr(Customer, "merge_into", merge_late)

    with pytest.raises(CannotMerge, match=r"12\.00 EUR are reserved"):
        merge_customers(king, into=ada)


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


@pytest.fixture
def three(django_user_model):
    """Cy was merged into Bob, and Bob into Ada, who signs in; each has ordered."""
    goods(MUG=5)
    found = {name: register_customer(name=name, email=f"{name}@example.com").id for name in ("ada", "bob", "cy", "dan")}
    orders = {name: place_order(items=[Item("MUG", 1)], customer_id=each).id for name, each in found.items()}
    for name in ("ada", "dan"):
        user = django_user_model.objects.create_user(name)
        CustomerUser.objects.create(user=user, customer_id=found[name])
    catch_up()
    merge_customers(found["cy"], into=found["bob"])
    merge_customers(found["bob"], into=found["ada"])
    catch_up()
    return found, orders


def asking(name):
    api = APIClient()
    api.force_authenticate(User.objects.get(username=name))
    return api


@pytest.mark.django_db
def test_the_survivor_sees_the_orders_of_whoever_was_merged_into_them(three):
    _, orders = three
    hers = {str(orders[name]) for name in ("ada", "bob", "cy")}

    ada, dan = asking("ada"), asking("dan")

    assert {each["id"] for each in ada.get("/api/v1/orders/").json()["results"]} == hers
    assert {each["id"] for each in ada.get(f"/api/v1/orders/?as_of={log.last()}").json()["results"]} == hers
    for name in ("bob", "cy"):
        for path in ("", "timeline/", "?as_of=v1"):
            url = f"/api/v1/orders/{orders[name]}/{path}"
            assert (ada.get(url).status_code, dan.get(url).status_code) == (200, 404), url
    assert [each["id"] for each in dan.get("/api/v1/orders/").json()["results"]] == [str(orders["dan"])]
    parcels = {each["order_id"] for each in ada.get("/api/v1/shipments/").json()["results"]}
    assert parcels == hers


@pytest.mark.django_db
def test_who_was_merged_stays_a_customer_of_their_own_that_the_survivor_is_not(three):
    found, _ = three

    ada = asking("ada")

    assert [each["id"] for each in ada.get("/api/v1/customers/").json()["results"]] == [str(found["ada"])]
    assert ada.get(f"/api/v1/customers/{found['bob']}/").status_code == 404


@pytest.mark.django_db
def test_the_survivor_cancels_an_order_of_whoever_was_merged(three):
    _, orders = three

    url = f"/api/v1/orders/{orders['cy']}/cancel/"
    refused = asking("dan").post(url, {"reason": "mine"}, "json", HTTP_IDEMPOTENCY_KEY="k")
    done = asking("ada").post(url, {"reason": "twice"}, "json", HTTP_IDEMPOTENCY_KEY="k")

    assert (refused.status_code, done.status_code) == (404, 200)


@pytest.mark.django_db
def test_the_storefront_shows_the_survivor_all_their_orders(three, client):
    _, orders = three
    client.force_login(User.objects.get(username="ada"))

    page = client.get("/orders/")

    assert {each.id for each in page.context["page"]} == {orders[name] for name in ("ada", "bob", "cy")}
    assert client.get(f"/orders/{orders['cy']}/").status_code == 200
    assert client.get(f"/orders/{orders['dan']}/").status_code == 404


@pytest.mark.django_db
def test_who_was_merged_whom_is_what_the_log_makes_of_it(three):
    found, _ = three

    assert dict(MergedCustomer.objects.values_list("id", "into")) == {
        found["bob"]: found["ada"],
        found["cy"]: found["ada"],
    }
    for name in ("MergedCustomers", "MailCopies"):
        assert not [each for each in verify(known()[name]) if each.differing], name


@pytest.mark.django_db
def test_what_happens_to_an_order_is_told_to_who_they_are_now(three):
    """The address of who was merged is free: somebody else may have it by now."""
    found, orders = three
    begin(known()["Mails"])
    register_customer(name="Another Cy", email="cy@example.com")
    cancel_order(orders["cy"], reason="twice")
    catch_up()

    mail = OutgoingMail.objects.get(order_id=orders["cy"], kind="cancelled")

    assert (mail.recipient, mail.customer_id) == ("ada@example.com", found["ada"])
    books = Books()
    assert list(books.read(facts_of(log.horizon()))) == []
    assert list(books.posted(outbox(log.horizon()))) == []
    erase_customer(found["ada"])
    catch_up()
    assert OutgoingMail.objects.get(pk=mail.pk).recipient == "[erased]"


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
