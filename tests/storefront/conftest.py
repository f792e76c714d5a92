"""A shop with a few goods in it, and visitors."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from projections import engine
from projections.projection import known
from shop.catalog.commands import create_product, describe_product
from shop.customers.commands import add_address, register_customer
from shop.inventory.commands import receive_stock
from shop.models import CustomerUser
from shop.storefront.baskets import BASKET
from shop.values import Address, Money, id_of

HOME = Address("Kai 3", "Hamburg", "20457", "DE")
GOODS = {
    "MUG-1": ("Harbour mug", "12.50", 10),
    "CANDLE-1": ("Sea salt candle", "18.00", 3),
    "TEA-1": ("Earl Grey", "6.90", 50),
}
PASSWORD = "a mug of warm tea"
SHOWN = (
    *("Products", "Stock", "Customers", "Credit", "OrderingCustomers", "OrderingProducts", "OrderingCards"),
    *("Checkouts", "Orders", "OrderTimelines", "Forgetting"),
)  # what keeps what the pages show


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def seen_all() -> None:
    """The read models behind the pages have seen the whole log."""
    engine.catch_up(each for each in known().values() if each.name in SHOWN)


@pytest.fixture(autouse=True)
def nobody_has_tried() -> None:
    cache.clear()


@pytest.fixture
def goods(db: None) -> dict[str, UUID]:
    """On sale, and in stock."""
    for sku, (name, price, quantity) in GOODS.items():
        create_product(sku=sku, name=name, price=euros(price), publish=True)
        receive_stock(sku, quantity=quantity)
    describe_product(id_of("product", "MUG-1"), description="Stoneware, fired twice.")
    seen_all()
    return {sku: id_of("product", sku) for sku in GOODS}


def a_customer(name: str = "Ada", email: str = "ada@example.com", home: Address | None = HOME) -> UUID:
    """With a sign-in of their own."""
    customer_id = register_customer(name=name, email=email).id
    if home:
        add_address(customer_id, address=home)
    user = User.objects.create_user(str(customer_id), password=PASSWORD)
    CustomerUser.objects.create(user=user, customer_id=customer_id)
    seen_all()
    return customer_id


@pytest.fixture
def ada(db: None) -> UUID:
    return a_customer()


class Visitor(Client):
    """Fills in forms as they were rendered: with their key, and with whatever else is hidden in them."""

    def send(self, page: str, action: str, number: int = 0, /, **fields: Any) -> Any:
        """Open ``page``, fill in its form (of several, ``number``) that goes to ``action``, send it."""
        return self.post(action, self.form(page, action, number) | fields)

    def form(self, page: str, action: str, number: int = 0) -> dict[str, str]:
        html = self.get(page).content.decode()
        forms = re.findall(rf'<form[^>]* action="{re.escape(action)}".*?</form>', html, re.S)
        assert forms, f"{page} has no form that goes to {action}: {html}"
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', forms[number])
        return dict(hidden)

    def sees(self, path: str, status: int = 200) -> str:
        """The words of a page."""
        answer = self.get(path)
        assert answer.status_code == status, (answer.status_code, answer.get("Location"))
        return words(answer)

    @property
    def basket(self) -> UUID:
        return UUID(self.session[BASKET])


def words(answer: Any) -> str:
    """What a page says, without its tags and its head."""
    body = answer.content.decode().partition('<main id="main" tabindex="-1">')[2].partition("</main>")[0]
    body = re.sub(r"<(svg|select).*?</\1>", "", body, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip()


@pytest.fixture
def guest(goods: dict[str, UUID]) -> Visitor:
    return Visitor()


@pytest.fixture
def customer(goods: dict[str, UUID], ada: UUID) -> Visitor:
    """Ada, signed in."""
    visitor = Visitor()
    visitor.force_login(User.objects.get(username=str(ada)))
    return visitor


@pytest.fixture
def till(customer: Visitor) -> Visitor:
    """Ada at the checkout, with two mugs, about to pay outside the shop."""
    customer.post("/basket/add/", {"sku": "MUG-1", "quantity": "2"})
    customer.post("/checkout/payment/", {"pay": "none"})
    return customer


@pytest.fixture
def catch_up() -> Callable[[], None]:
    return seen_all
