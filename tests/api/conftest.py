"""A signed-in client, a few objects, and projections that come when called."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from rest_framework.test import APIClient

from projections import engine
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, register_customer
from shop.ordering.checkout.commands import set_item, show_quote, start_checkout
from shop.ordering.commands import Item, place_order
from shop.values import Address, Money

HAMBURG = Address("Kai 3", "Hamburg", "20457", "DE")
BREMEN = Address("Am Wall 1", "Bremen", "28195", "DE", "Grace")


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
def catch_up() -> Callable[[], None]:
    """Have all projections see the whole log."""
    return engine.catch_up


@pytest.fixture
def staff(db: None) -> User:
    return a_colleague()


def a_colleague() -> User:
    return User.objects.create_user("support", is_staff=True)


@pytest.fixture
def api(staff: User) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(staff)
    client.default_format = "json"
    return client


@pytest.fixture
def ada(db: None) -> UUID:
    return a_customer()


def a_customer() -> UUID:
    customer_id = register_customer(name="Ada", email="ada@example.com").id
    add_address(customer_id, address=HAMBURG)
    return customer_id


@pytest.fixture
def mug(db: None) -> UUID:
    return a_mug()


def a_mug() -> UUID:
    return create_product(sku="MUG-1", name="Harbour mug", price=Money(Decimal("12.50"), "EUR"), publish=True).id


@pytest.fixture
def order(ada: UUID, mug: UUID) -> UUID:
    return an_order(ada)


def an_order(ada: UUID) -> UUID:
    return place_order(customer_id=ada, items=[Item("MUG-1", 2)], reference="PO 4711").id


@pytest.fixture
def checkout(ada: UUID, mug: UUID) -> UUID:
    return a_checkout(ada)


def a_checkout(ada: UUID) -> UUID:
    """With two mugs in it, that were quoted."""
    started = start_checkout(customer_id=ada).id
    set_item(started, sku="MUG-1", quantity=2)
    show_quote(started)
    return started


@pytest.fixture
def fresh_throttle() -> Iterator[None]:
    """Nobody has tried to sign in yet."""
    cache.clear()
    yield
    cache.clear()
