"""A customer's orders, and nobody else's."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from eventstore.models import Event
from shop.application import shop
from shop.catalog.commands import rename_product
from shop.customers.commands import change_address
from shop.ordering.commands import Item, note_order, place_order
from shop.ordering.domain import Order
from shop.ordering.models import number_of
from shop.payments.commands import record_outcome
from shop.payments.domain import Outcome, payment_of
from shop.shipping.commands import answer_address, dispatch, lose, pack, plan_shipment
from shop.shipping.domain import Packed, Shipment
from shop.storefront.templatetags.storefront import clock, priced
from tests.shop.orders import AWAY, card, come_to_rest
from tests.storefront.conftest import HOME, Visitor, a_customer, seen_all, words


@pytest.fixture
def order(customer: Visitor, ada: UUID) -> UUID:
    return place_order(customer_id=ada, items=[Item("MUG-1", 2)], reference="PO 4711", payment=card()).id


def test_an_order_shows_how_far_it_is(customer: Visitor, order: UUID) -> None:
    page = f"/orders/{order}/"
    assert [(s.name, s.state) for s in customer.get(page).context["steps"]][:3] == [
        ("Placed", "done"),
        ("Goods set aside", "now"),
        ("Card accepted", "to come"),
    ]

    come_to_rest()
    assert [s.state for s in customer.get(page).context["steps"]][:4] == ["done", "done", "now", "to come"]

    record_outcome(payment_of(order), "authorise", Outcome("ok", reference="ref_1"))
    come_to_rest()
    assert [s.state for s in customer.get(page).context["steps"]] == ["done"] * 4 + ["to come"] * 2
    assert customer.sees(page).startswith("Order confirmed It is yours")


def test_what_happened_says_its_day_where_that_is_not_today_and_amounts_as_the_shop_does(
    customer: Visitor, order: UUID
) -> None:
    seen_all()
    told = customer.sees(f"/orders/{order}/")
    assert "Order placed €25.00" in told
    assert "Payment: by the card ending in 4242" in told

    now = datetime.now(UTC)
    year = now.replace(year=now.year - 1, month=1, day=9, hour=7, minute=5)
    assert f">{now:%H:%M} UTC<" in clock(now)
    assert ">9 Jan " + f"{year:%Y}, 07:05 UTC<" in clock(year.isoformat())
    assert (
        priced("25.00 EUR is more than the 20.00 EUR of 2 USB sticks")
        == "€25.00 is more than the €20.00 of 2 USB sticks"
    )
    assert priced("The customer changed their mind.") == "The customer changed their mind."


def test_a_parcel_that_was_lost_is_told(customer: Visitor, order: UUID) -> None:
    parcel = plan_shipment(order, customer_id=None, lines=[Packed("MUG-1", "Harbour mug", 2)], ship_to=HOME).id
    pack(parcel)
    dispatch(parcel, carrier="DHL")
    lose(parcel, reason="fell into the harbour")

    assert "Your parcel got lost" in (told := customer.sees(f"/orders/{order}/"))
    assert f"name order {number_of(order)}" in told


def test_a_page_that_looks_again_hears_only_of_what_is_new(customer: Visitor, order: UUID) -> None:
    seen = customer.get(f"/orders/{order}/").context["seen"]
    assert customer.get(f"/orders/{order}/", {"seen": seen}).status_code == 204

    come_to_rest()

    assert customer.get(f"/orders/{order}/", {"seen": seen}).status_code == 200


def test_orders_are_listed_with_their_state(customer: Visitor, order: UUID) -> None:
    seen_all()

    assert "PO 4711" in customer.sees("/orders/")
    assert "2 things" in customer.sees("/orders/")


def test_an_order_has_a_number_that_can_be_read_out_at_once_and_in_the_list(customer: Visitor, ada: UUID) -> None:
    first, second = (place_order(customer_id=ada, items=[Item("MUG-1", 1)]).id for _ in range(2))
    pages = [customer.sees(f"/orders/{order}/") for order in (first, second)]  # whatever lags
    seen_all()

    listed = customer.sees("/orders/")

    numbers = [re.findall(r"Order (\d+) · Placed on", page)[0] for page in pages]
    assert int(numbers[0]) < int(numbers[1])
    assert re.findall(r"(\d+) of \d", listed) == numbers[::-1]


def test_scenario_07_rename_eventually(customer: Visitor, ada: UUID, order: UUID) -> None:
    rename_product(next(iter(shop.load(Order, order).lines)).product_id, name="Lighthouse mug")
    before = customer.sees("/")
    seen_all()
    later = place_order(customer_id=ada, items=[Item("MUG-1", 1)]).id
    seen_all()

    assert ("Harbour mug" in before, "Lighthouse mug" in before) == (True, False), "this list has not heard of it yet"
    assert "Lighthouse mug" in customer.sees("/")
    assert "Harbour mug 2 × €12.50" in customer.sees(f"/orders/{order}/")
    assert "Lighthouse mug 1 × €12.50" in customer.sees(f"/orders/{later}/")


def test_an_order_is_cancelled_while_it_can_be(customer: Visitor, order: UUID) -> None:
    customer.send(f"/orders/{order}/", f"/orders/{order}/cancel/")

    assert shop.load(Order, order).status == "cancelled"
    seen_all()
    assert "Order cancelled You changed your mind." in customer.sees(f"/orders/{order}/")
    assert "Cancelled" in customer.sees(f"/orders/{order}/")


def test_what_staff_note_is_no_business_of_the_page(customer: Visitor, order: UUID) -> None:
    note_order(order, text="<script>alert(1)</script>")
    seen_all()

    assert "<script>alert" not in customer.get(f"/orders/{order}/").content.decode()


@pytest.mark.parametrize("path", ["", "again/", "cancel/", "address/"])
def test_others_orders_there_are_none(path: str, order: UUID) -> None:
    grace = a_customer("Grace", "grace@example.com")
    visitor = Visitor()
    visitor.force_login(User.objects.get(username=str(grace)))

    for found in (order, uuid4(), grace):
        page = f"/orders/{found}/{path}"
        answer: Any = visitor.post(page) if path else visitor.get(page)
        assert answer.status_code == 404


def test_others_addresses_and_cards_there_are_none(customer: Visitor) -> None:
    assert customer.get("/account/?change=address&number=9").status_code == 404
    assert "There is no address 9" in customer.post("/account/addresses/9/remove/", follow=True).content.decode()


def test_who_is_not_signed_in_is_asked_to(guest: Visitor, order: UUID) -> None:
    assert guest.get(f"/orders/{order}/")["Location"] == f"/sign-in/?next=%2Forders%2F{order}%2F"
    assert guest.post("/checkout/place/")["Location"] == "/sign-in/?next=%2Fcheckout%2F"


def test_a_form_without_its_token_is_refused(customer: Visitor) -> None:
    strict = Visitor(enforce_csrf_checks=True)

    answer = strict.post("/basket/add/", {"sku": "MUG-1", "quantity": "1"})

    assert answer.status_code == 403
    assert "This form cannot be used any more" in answer.content.decode()


def test_cookies_are_for_this_shop_alone(guest: Visitor) -> None:
    guest.send("/products/MUG-1/", "/basket/add/")

    session = guest.cookies["sessionid"]
    assert (session["samesite"], session["httponly"]) == ("Lax", True)


def test_nothing_of_a_customer_is_kept_by_a_cache(customer: Visitor, order: UUID) -> None:
    for path in (f"/orders/{order}/", "/orders/", "/account/", "/basket/"):
        assert "no-store" in customer.get(path)["Cache-Control"], path


def test_no_page_has_anything_inline(customer: Visitor, order: UUID) -> None:
    customer.post("/basket/add/", {"sku": "MUG-1", "quantity": "1"})
    for path in ("/", "/products/MUG-1/", "/basket/", "/checkout/", f"/orders/{order}/", "/account/", "/nothing/"):
        html = customer.get(path).content.decode()
        assert " style=" not in html, path
        assert "<style" not in html, path
        assert "<script>" not in html, path
        assert " onclick=" not in html, path


@pytest.mark.parametrize(("number", "decision", "city"), [(0, "keep", "Hamburg"), (1, "use_present", "Bremen")])
def test_who_has_moved_and_is_asked_says_where_the_parcel_goes(
    number: int, decision: str, city: str, customer: Visitor, ada: UUID, order: UUID
) -> None:
    lines = [Packed(line.sku, line.name, line.quantity) for line in shop.load(Order, order).lines]
    parcel = plan_shipment(order, customer_id=ada, lines=lines, ship_to=HOME).id
    change_address(ada, 1, address=AWAY)
    page, question = f"/orders/{order}/", "You have moved. Where should your parcel go?"
    before = customer.sees(page)
    answer_address(parcel, decision="ask")

    asked = customer.sees(page)
    wrong = customer.post(f"{page}address/", {"decision": "ask"})
    customer.send(page, f"{page}address/", number)
    after = customer.sees(page)
    late = words(customer.post(f"{page}address/", {"decision": decision}, follow=True))

    assert (question in before, question in asked, question in after) == (False, True, False)
    assert wrong.status_code == 400
    assert shop.load(Shipment, parcel).ship_to.city == city
    assert f"Where it goes {'Kai 3 20457 Hamburg' if number == 0 else 'Am Wall 1 28195 Bremen'}" in after
    assert "there is nothing to decide" in late
    decided = Event.objects.get(name="Shipment.AddressAnswered")
    assert (shop.load(Shipment, parcel).decision, decided.actor) == (decision, str(ada))


def test_of_a_parcel_that_is_not_planned_yet_nothing_is_decided(customer: Visitor, order: UUID) -> None:
    assert customer.post(f"/orders/{order}/address/", {"decision": "keep"}).status_code == 404
