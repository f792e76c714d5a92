"""A shop in which orders can be placed, and what must be true of its books when all has come to rest."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID

from eventstore.models import Event
from projections import engine
from projections.models import Parked
from projections.projection import Policy, known
from shop.application import find, shop
from shop.catalog.commands import create_product
from shop.customers.commands import add_address, register_customer, set_credit_limit
from shop.customers.domain import CreditAccount, credit_of
from shop.errors import Refused
from shop.fulfilment.domain import PlaceOrder, process_of
from shop.inventory.commands import receive_stock
from shop.inventory.domain import StockItem, stock_of
from shop.ordering.commands import Item, Paying
from shop.ordering.domain import Order
from shop.payments.commands import record_outcome
from shop.payments.domain import Outcome, Payment, payment_of
from shop.payments.gateway import Gateway
from shop.payments.models import PaymentWork
from shop.payments.work import work
from shop.values import Address, Money
from shop.vault.commands import store_card

HOME = Address("Kai 3", "Hamburg", "20457", "DE")
AWAY = Address("Am Wall 1", "Bremen", "28195", "DE")
NEEDED = ("OrderProcesses", "PaymentsToWork", "Payments")  # read models that something here is looked up in
GOOD_CARD, BAD_CARD = "4242424242424242", "4000000000000002"
ACCOUNT = Paying("account")
OK, NO, UNKNOWN = Outcome("ok", reference="r"), Outcome("declined", reason="no money"), Outcome("unknown", reason="?")


class Died(BaseException):
    """The worker is no more: nothing after this happens."""


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def goods(**pieces: int) -> None:
    """Products at 12.50, with so many in stock; 0: never received."""
    for sku, quantity in pieces.items():
        create_product(sku=sku, name=sku.title(), price=euros("12.50"), publish=True)
        if quantity:
            receive_stock(sku, quantity=quantity)


def ada(limit: str = "") -> UUID:
    customer_id = register_customer(name="Ada", email="ada@example.com").id
    add_address(customer_id, address=HOME)
    if limit:
        set_credit_limit(customer_id, limit=euros(limit))
    return customer_id


def basket(**pieces: int) -> list[Item]:
    return [Item(sku, quantity) for sku, quantity in pieces.items()]


def card(number: str = GOOD_CARD) -> Paying:
    return Paying("card", store_card(number=number, expiry_month=12, expiry_year=2099, holder="Ada").id)


def outcome(order_id: UUID, of: Outcome, operation: str = "authorise") -> None:
    """What the gateway answers."""
    record_outcome(payment_of(order_id), operation, of)


def come_to_rest() -> None:
    """All policies have acted."""
    engine.catch_up(each for each in known().values() if isinstance(each, Policy) or each.name in NEEDED)


def come_to_rest_with(gateway: Gateway, turns: int = 30) -> None:
    """And the gateway has done what it was asked for."""
    for _ in range(turns):
        come_to_rest()
        if not PaymentWork.objects.exists():
            return
        work(gateway, seconds=0.0001)
    raise AssertionError(f"Still to do: {list(PaymentWork.objects.values_list('operations', flat=True))}")


def order(order_id: UUID) -> Order:
    return shop.load(Order, order_id)


def process(order_id: UUID) -> PlaceOrder:
    return shop.load(PlaceOrder, process_of(order_id))


def stock(sku: str) -> tuple[int, int]:
    """On hand, and reserved."""
    item = shop.load(StockItem, stock_of(sku))
    return item.on_hand, item.reserved


def credit(customer_id: UUID) -> tuple[Decimal, Decimal]:
    """What they may still buy for, and what they owe."""
    account = shop.load(CreditAccount, credit_of(customer_id))
    return account.available.amount, account.owed.amount


def paid(order_id: UUID) -> str:
    payment = find(Payment, payment_of(order_id))
    return payment.status if payment else ""


def names(*kinds: str) -> list[str]:
    """Of the events of those kinds, in their order."""
    found = Event.objects.order_by("position").values_list("name", flat=True)
    return [name for name in found if name.split(".")[0] in kinds]


def nothing_is_parked() -> None:
    assert list(Parked.objects.values_list("name", "error")) == []


def dies(target: object, name: str, *, after: bool) -> Any:
    """In the block, who asks for that dies once: before it, or after it and before the commit."""
    real: Callable[..., Any] = getattr(target, name)
    died: list[bool] = []

    def once(*args: Any, **kwargs: Any) -> Any:
        if died:
            return real(*args, **kwargs)
        died.append(True)
        if after:
            with suppress(Refused):
                real(*args, **kwargs)
        raise Died

    return patch.object(target, name, once)
