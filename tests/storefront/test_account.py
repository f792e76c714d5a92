"""Registering, signing in, and a customer's own page."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from eventstore.models import Event
from projections.operations import pause
from projections.projection import known
from shop.application import shop
from shop.customers.commands import change_email, erase_customer
from shop.customers.domain import Customer
from shop.models import CustomerUser
from tests.storefront.conftest import PASSWORD, Visitor, a_customer, words

NEW = {"name": "Grace", "email": "grace@example.com", "password": "a boat at sea"}
NESS = {"recipient": "", "street": "Ness 9", "postcode": "18055", "city": "Rostock", "country": "DE"}


def test_who_registers_is_a_customer_and_signed_in(guest: Visitor) -> None:
    guest.send("/sign-in/", "/register/", **NEW)

    assert "grace@example.com" in guest.sees("/account/")
    user = User.objects.get()
    customer = shop.load(Customer, CustomerUser.objects.get(user=user).customer_id)
    assert (customer.name, customer.email) == ("Grace", "grace@example.com")
    assert (user.username, user.email) == (str(customer.id), "")  # a sign-in knows nobody


def test_one_form_sent_twice_registers_once(guest: Visitor) -> None:
    form = guest.form("/sign-in/", "/register/") | NEW

    for _ in range(2):
        assert guest.post("/register/", form)["Location"] == "/"

    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "short"}, "This password is too short."),
        ({"password": "password1"}, "This password is too common."),
        ({"email": "grace"}, "Expected an e-mail address"),
        ({"name": ""}, "Please fill this in."),
        ({"name": "4242 4242 4242 4242"}, "looks like a card number"),
    ],
)
def test_what_cannot_register_is_said(changes: dict[str, str], said: str, guest: Visitor) -> None:
    answer = guest.post("/register/", NEW | changes)

    assert answer.status_code == 422
    assert said in words(answer)
    assert not User.objects.exists()


def test_an_address_that_somebody_has_is_refused(guest: Visitor, ada: UUID) -> None:
    answer = guest.post("/register/", NEW | {"email": "ADA@example.com"})

    assert answer.status_code == 409
    assert "belongs to another customer" in words(answer)
    assert User.objects.count() == 1


def test_one_signs_in_with_the_address_one_has_now(guest: Visitor, ada: UUID) -> None:
    change_email(ada, email="countess@example.com")

    old = guest.post("/sign-in/", {"email": "ada@example.com", "password": PASSWORD})
    new = guest.post("/sign-in/", {"email": "Countess@example.com", "password": PASSWORD})

    assert (old.status_code, new.status_code) == (422, 302)
    assert "There is no such e-mail address with that password." in words(old)


def test_who_signs_in_has_another_session(guest: Visitor, ada: UUID) -> None:
    guest.send("/products/MUG-1/", "/basket/add/")
    before = guest.session.session_key

    guest.post("/sign-in/", {"email": "ada@example.com", "password": PASSWORD})

    assert guest.session.session_key != before


@pytest.mark.parametrize(("wanted", "found"), [("/orders/", "/orders/"), ("https://evil.example/", "/"), ("//x", "/")])
def test_one_is_led_on_within_the_shop_alone(wanted: str, found: str, guest: Visitor, ada: UUID) -> None:
    answer = guest.post("/sign-in/", {"email": "ada@example.com", "password": PASSWORD, "next": wanted})

    assert answer["Location"] == found


def test_passwords_are_not_tried_without_end(guest: Visitor, ada: UUID) -> None:
    tries = [guest.post("/sign-in/", {"email": "ada@example.com", "password": "no"}) for _ in range(11)]

    assert [each.status_code for each in tries] == [422] * 10 + [429]
    assert int(tries[-1]["Retry-After"]) > 0
    assert guest.post("/sign-in/", {"email": "ada@example.com", "password": PASSWORD}).status_code == 429


def test_signing_out_leaves_nothing(customer: Visitor) -> None:
    customer.post("/basket/add/", {"sku": "MUG-1", "quantity": "1"})

    customer.post("/sign-out/")

    assert customer.get("/account/")["Location"].startswith("/sign-in/")
    assert "There is nothing in it yet" in customer.sees("/basket/")


def test_staff_are_told_that_they_do_not_buy(guest: Visitor) -> None:
    guest.force_login(User.objects.create_user("desk", is_staff=True))
    guest.post("/basket/add/", {"sku": "MUG-1", "quantity": "1"})

    answer = guest.get("/checkout/", follow=True)

    assert "Staff do not buy" in words(answer)


def test_a_customer_changes_who_they_are_and_sees_it(customer: Visitor, ada: UUID, catch_up: Any) -> None:
    customer.send("/account/?change=name", "/account/name/", name="Ada King")
    customer.send("/account/?change=email", "/account/email/", email="king@example.com")
    catch_up()

    page = customer.sees("/account/")

    assert "Ada King" in page
    assert "king@example.com" in page


def test_addresses_come_change_and_go(customer: Visitor, ada: UUID, catch_up: Callable[[], None]) -> None:
    customer.send("/account/?change=address", "/account/addresses/", **NESS)
    catch_up()
    customer.send("/account/", "/account/addresses/2/default/")
    customer.send("/account/?change=address&number=2", "/account/addresses/2/", **NESS | {"street": "Ness 10"})
    customer.send("/account/", "/account/addresses/1/remove/")

    addresses = shop.load(Customer, ada)
    assert [(each.number, each.address.street) for each in addresses.addresses] == [(2, "Ness 10")]
    assert addresses.default_address == 2


def test_a_card_is_kept_and_let_go_of(customer: Visitor, ada: UUID, catch_up: Callable[[], None]) -> None:
    card = {"number": "5555 5555 5555 4444", "expiry": "12/2099", "holder": "Ada"}
    customer.send("/account/?change=card", "/cards/", **card)
    catch_up()
    assert "••4444" in customer.sees("/account/")

    customer.send("/account/", "/account/cards/1/remove/")

    assert shop.load(Customer, ada).payment_methods == ()


def test_a_password_is_changed_by_who_knows_the_old_one(customer: Visitor, ada: UUID, guest: Visitor) -> None:
    wrong = customer.post("/account/password/", {"old": "no", "password": "a longer one"})
    assert "That is not your present password." in words(wrong)

    customer.post("/account/password/", {"old": PASSWORD, "password": "a longer one"})

    assert customer.get("/account/").status_code == 200
    answer = guest.post("/sign-in/", {"email": "ada@example.com", "password": "a longer one"})
    assert answer.status_code == 302


def test_a_page_that_has_not_heard_of_a_change_says_so(customer: Visitor) -> None:
    pause(known()["Customers"], by="test", reason="a context that is down")

    customer.send("/account/?change=name", "/account/name/", name="Ada King")

    assert "not up to date What you changed last is kept" in customer.sees("/account/")


def test_what_cannot_be_changed_is_said_beside_its_field(customer: Visitor) -> None:
    a_customer("Grace", "grace@example.com")

    answer = customer.send("/account/?change=email", "/account/email/", email="grace@example.com")

    assert answer.status_code == 422
    assert 'id="id_email_error">This e-mail address belongs to another customer.' in answer.content.decode()


def test_a_name_is_shown_escaped_and_no_event_is_by_a_name(customer: Visitor, catch_up: Callable[[], None]) -> None:
    customer.post("/account/name/", {"name": "<img src=x onerror=alert(1)>"})
    catch_up()

    assert "<img src=x" not in customer.get("/account/").content.decode()
    assert set(Event.objects.exclude(actor=None).values_list("actor", flat=True)) == {User.objects.get().username}


def test_who_is_forgotten_is_signed_out(customer: Visitor, ada: UUID, catch_up: Callable[[], None]) -> None:
    erase_customer(ada)
    catch_up()

    assert customer.get("/account/")["Location"].startswith("/sign-in/")
