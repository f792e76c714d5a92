"""A small domain to try the log with."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.application import EventSourced
from eventstore.commands import Receipt, command
from eventstore.domain import Aggregate, value


@value
class Item:
    product_id: UUID
    quantity: int
    unit_price: Decimal


class Purchase(Aggregate):
    """placed → cancelled"""

    @classmethod
    def place(cls, customer_id: UUID, items: Iterable[Item]) -> Self:
        return cls(customer_id, tuple(items))

    def add(self, item: Item) -> None:
        self._item_added(item)

    @event("Placed")
    def __init__(self, customer_id: UUID, items: tuple[Item, ...]) -> None:
        self.customer_id = customer_id
        self.items = items
        self.status = "placed"
        self.reason = ""

    @event("ItemAdded")
    def _item_added(self, item: Item) -> None:
        self.items += (item,)

    @event("Cancelled")
    def cancel(self, reason: str, by: str = "customer") -> None:
        self.status = "cancelled"
        self.reason = reason


purchases = EventSourced()


@command
def place(*, customer_id: UUID, items: tuple[Item, ...]) -> Receipt:
    return purchases.record(Purchase.place(customer_id, items))


@command
def add(purchase_id: UUID, *, item: Item) -> Receipt:
    purchase = purchases.repository.get(purchase_id)
    purchase.add(item)
    return purchases.record(purchase)
