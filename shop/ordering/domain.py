"""Order: what a customer asked for, from placed to cancelled."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate, uuid7, value
from eventstore.sealing import PersonalOf
from shop.errors import Refused, WrongStatus
from shop.values import Address, Money


class EmptyOrder(Refused):
    code = "empty_order"


class BadQuantity(Refused):
    code = "bad_quantity"


class UnknownCustomer(Refused):
    code = "unknown_customer"


class UnknownProduct(Refused):
    code = "unknown_product"


class NotOnSale(Refused):
    code = "not_on_sale"


class StalePrice(Refused):
    code = "stale_price"


class MixedCurrencies(Refused):
    code = "mixed_currencies"


class OrderExists(Refused):
    code = "order_exists"


class TooMuch(Refused):
    code = "too_much"


LIMIT = Decimal(10) ** 14  # of a total: read models have room for 14 digits before the point


@value
class Line:
    """A product in an order, frozen as it was bought: its name and the price of one unit too."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Money
    price_revision: int
    total: Money  # to the cent

    @classmethod
    def of(cls, product_id: UUID, sku: str, name: str, quantity: int, unit_price: Money, price_revision: int) -> Self:
        return cls(product_id, sku, name, quantity, unit_price, price_revision, unit_price.times(quantity))


class Order(Aggregate):
    """placed → cancelled. Its total is the sum of its lines, to the cent."""

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def place(
        cls,
        customer_id: UUID | None,
        customer_name: str,
        lines: Iterable[Line],
        ship_to: Address | None = None,
        reference: str = "",
        id: UUID | None = None,
    ) -> Self:
        lines = tuple(lines)
        if not lines:
            raise EmptyOrder("An order needs at least one line.")
        for line in lines:
            if line.quantity < 1:
                raise BadQuantity(f"{line.sku} was asked for {line.quantity} times: it must be at least once.")
        if len(currencies := sorted({line.total.currency for line in lines})) > 1:
            raise MixedCurrencies(f"An order is in one currency; these lines are in {' and '.join(currencies)}.")
        total = lines[0].total
        for line in lines[1:]:
            total += line.total
        if total.amount >= LIMIT:
            raise TooMuch(f"An order is for less than {LIMIT:,} {total.currency}.")
        return cls.with_id(id or uuid7(), customer_id, customer_name, lines, total, ship_to, reference)

    def cancel(self, reason: str) -> None:
        self._must_be("placed", to="be cancelled")
        self._cancelled(reason)

    # Events apply, and never refuse: they already happened.

    @event("Placed")
    def __init__(
        self,
        customer_id: UUID | None,
        customer_name: Annotated[str, PersonalOf("customer_id")],
        lines: tuple[Line, ...],
        total: Money,
        ship_to: Annotated[Address | None, PersonalOf("customer_id")],
        reference: str,
    ) -> None:
        self.customer_id = customer_id
        self.customer_name = customer_name
        self.lines = lines
        self.total = total
        self.ship_to = ship_to
        self.reference = reference
        self.status = "placed"
        self.cancel_reason = ""

    @event("Cancelled")
    def _cancelled(self, reason: str) -> None:
        self.status = "cancelled"
        self.cancel_reason = reason

    def _must_be(self, status: str, *, to: str) -> None:
        if self.status != status:
            raise WrongStatus(f"A {self.status} order cannot {to}: it must be {status}.")
