"""Looking around, and putting things into a basket."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventstore.cause import because
from shop.application import shop
from shop.catalog.commands import create_product, rename_product, schedule_price, set_price, withdraw_product
from shop.models import Fault
from shop.ordering.checkout.domain import Checkout
from tests.storefront.conftest import PASSWORD, Visitor, a_customer, euros, seen_all, words

Goods = dict[str, UUID]


def test_the_shelf_shows_what_is_on_sale(guest: Visitor) -> None:
    page = guest.sees("/")

    assert "Harbour mug" in page
    assert "€12.50" in page
    assert "About 3 left" in page  # of the candle


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mugs", "Harbour mug"),
        ("harb", "Harbour mug"),
        ("stoneware", "Harbour mug"),
        ("CANDLE-1", "Sea salt candle"),
        ("salt sea", "Sea salt candle"),
    ],
)
def test_what_is_looked_for_is_found_by_its_words(text: str, found: str, guest: Visitor) -> None:
    page = words(guest.get("/", {"q": text}))

    assert page.startswith(f"1 for “{text}”")
    assert found in page


def test_a_slip_of_the_finger_is_forgiven(guest: Visitor) -> None:
    page = words(guest.get("/", {"q": "candel"}))

    assert page.startswith("Nothing for “candel”")
    assert "Here is what there is for candle" in page
    assert "Sea salt candle" in page


@pytest.mark.parametrize("text", ["zebra", "' & | ! :* (", "the", "<b>", "\0"])
def test_what_is_nowhere_is_not_found_whatever_it_is(text: str, guest: Visitor) -> None:
    assert guest.get("/", {"q": text}).status_code == 200


@pytest.fixture
def offer(goods: Goods) -> None:
    """A lamp that was 30.00 for two months, then 24.00, then 27.00, and is 5.00 since yesterday."""
    now = datetime.now(UTC)
    with because(effective_at=now - timedelta(days=60)):
        lamp = create_product(sku="LAMP-1", name="Brass lantern", price=euros("30.00"), publish=True).id
        schedule_price(lamp, price=euros("5.00"), starts=now - timedelta(days=1))
    for days, price in ((20, "24.00"), (10, "27.00")):
        with because(effective_at=now - timedelta(days=days)):
            set_price(lamp, price=euros(price))
    seen_all()


def test_the_shelf_is_sorted_by_the_price_that_is_in_force(guest: Visitor, offer: None) -> None:
    names = [each.name for each in guest.get("/", {"sort": "cheap"}).context["found"].products]

    assert names == ["Brass lantern", "Earl Grey", "Harbour mug", "Sea salt candle"]


def test_an_offer_says_what_it_cost_least_before(guest: Visitor, offer: None) -> None:
    page = guest.sees("/products/LAMP-1/")

    assert "€5.00 Offer" in page
    assert "Lowest price in the 30 days before: €24.00. Usually €27.00." in page


def test_a_product_says_how_few_are_left_and_that_it_may_be_wrong(guest: Visitor) -> None:
    assert "Only about 3 left" in guest.sees("/products/CANDLE-1/")


def test_nobody_says_how_few_are_left_while_inventory_is_down(guest: Visitor, settings: Any) -> None:
    settings.DEMO = True
    Fault.objects.create(context="inventory")

    page = guest.sees("/products/CANDLE-1/")

    assert "left" not in page
    assert "Add to basket" in page


def test_a_page_says_so_when_catalog_is_down(guest: Visitor, settings: Any) -> None:
    settings.DEMO = True
    Fault.objects.create(context="catalog")

    page = guest.sees("/", 503)

    assert page.startswith("A part of the shop does not answer")


def test_what_was_withdrawn_is_still_shown_and_not_sold(guest: Visitor, goods: Goods, catch_up: Any) -> None:
    withdraw_product(goods["MUG-1"])
    catch_up()

    assert "We do not sell this any more" in guest.sees("/products/MUG-1/")
    assert "Harbour mug" not in guest.sees("/")


def test_what_there_never_was_is_not_found(guest: Visitor) -> None:
    assert guest.sees("/products/NOTHING/", 404).startswith("Nothing washed up here")


def test_a_new_name_is_shown_escaped(guest: Visitor, goods: Goods, catch_up: Any) -> None:
    rename_product(goods["MUG-1"], name="<script>alert(1)</script> mug")
    catch_up()

    for page in ("/", "/products/MUG-1/"):
        html = guest.get(page).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; mug" in html


def test_a_guest_fills_a_basket(guest: Visitor) -> None:
    guest.send("/products/MUG-1/", "/basket/add/", quantity="2")
    guest.send("/products/CANDLE-1/", "/basket/add/")

    page = guest.sees("/basket/")

    assert shop.load(Checkout, guest.basket).items == {"MUG-1": 2, "CANDLE-1": 1}
    assert "Harbour mug €12.50 each" in page
    assert "Goods €43.00" in page


def test_one_form_sent_twice_adds_once(guest: Visitor) -> None:
    form = guest.form("/products/MUG-1/", "/basket/add/") | {"quantity": "1"}

    for _ in range(2):
        assert guest.post("/basket/add/", form).status_code == 302

    assert shop.load(Checkout, guest.basket).items == {"MUG-1": 1}


def test_a_quantity_is_changed_and_nothing_takes_it_out(guest: Visitor) -> None:
    guest.send("/products/MUG-1/", "/basket/add/", quantity="2")

    guest.send("/basket/", "/basket/change/", quantity="5")
    assert shop.load(Checkout, guest.basket).items == {"MUG-1": 5}

    guest.send("/basket/", "/basket/change/", quantity="0")
    assert "There is nothing in it yet" in guest.sees("/basket/")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"sku": "MUG-1", "quantity": "-1"}, "valid integer"),
        ({"sku": "MUG-1", "quantity": "many"}, "valid integer"),
        ({"sku": "MUG-1", "quantity": "99999999"}, "1000000"),
        ({"sku": "NOTHING", "quantity": "1"}, "There is no product NOTHING."),
    ],
)
def test_what_cannot_be_put_in_is_said(form: dict[str, str], said: str, guest: Visitor) -> None:
    answer = guest.post("/basket/add/", form, follow=True)

    assert said in words(answer)


def test_a_basket_says_when_it_wants_more_than_there_is(guest: Visitor) -> None:
    guest.send("/products/CANDLE-1/", "/basket/add/", quantity="7")

    page = guest.sees("/basket/")

    assert "Only about 3 left." in page
    assert "Reduce to 3" in page


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_nobody_is_sent_elsewhere(elsewhere: str, guest: Visitor) -> None:
    answer = guest.post("/basket/add/", {"sku": "MUG-1", "quantity": "1", "next": elsewhere})

    assert answer["Location"] == "/basket/"


def test_the_basket_of_a_guest_comes_along_when_they_sign_in(guest: Visitor, catch_up: Callable[[], None]) -> None:
    ada = a_customer()
    earlier = Visitor()
    earlier.post("/sign-in/", {"email": "ada@example.com", "password": PASSWORD})
    earlier.post("/basket/add/", {"sku": "MUG-1", "quantity": "2"})
    earlier.post("/basket/add/", {"sku": "TEA-1", "quantity": "1"})
    catch_up()
    guest.post("/basket/add/", {"sku": "MUG-1", "quantity": "1"})
    guest.post("/basket/add/", {"sku": "CANDLE-1", "quantity": "3"})
    guests = guest.basket

    guest.send("/sign-in/", "/sign-in/", email="Ada@Example.com", password=PASSWORD)

    merged = shop.load(Checkout, guest.basket)
    assert guest.basket == earlier.basket
    assert (merged.customer_id, merged.items) == (ada, {"MUG-1": 2, "TEA-1": 1, "CANDLE-1": 3})
    assert shop.load(Checkout, guests).status == "abandoned"


def test_pages_take_the_same_number_of_queries_however_much_is_on_them(
    guest: Visitor, django_assert_max_num_queries: Any, settings: Any
) -> None:
    for number in range(3):
        guest.send("/products/MUG-1/", "/basket/add/", quantity=str(number + 1))
    guest.send("/products/CANDLE-1/", "/basket/add/")

    for path, most in (("/", 10), ("/?q=mug", 11), ("/products/MUG-1/", 12), ("/basket/", 7)):
        with django_assert_max_num_queries(most):
            guest.get(path)
