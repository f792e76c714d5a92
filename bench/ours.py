"""What is measured, as Daybook's log has it; ``library`` has the same as the library has it."""

from decimal import Decimal
from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.application import EventSourced
from eventstore.commands import Receipt, command
from eventstore.domain import Aggregate, value

ADA = UUID(int=1)


@value
class Item:
    product_id: UUID
    quantity: int
    unit_price: Decimal


TEA = Item(UUID(int=2), 2, Decimal("9.90"))


class Purchase(Aggregate):
    snapshot_every = 0  # where one is measured, it is taken by hand

    customer_id: UUID
    items: tuple[Item, ...]
    total: Decimal
    notes: int

    @classmethod
    def place(cls, customer_id: UUID, items: tuple[Item, ...]) -> Self:
        return cls(customer_id, items)

    def add(self, item: Item) -> None:
        self._item_added(item, self.total + item.quantity * item.unit_price)

    @event("Placed")
    def __init__(self, customer_id: UUID, items: tuple[Item, ...]) -> None:
        self.customer_id = customer_id
        self.items = items
        self.total = sum((item.quantity * item.unit_price for item in items), Decimal())
        self.notes = 0

    @event("ItemAdded")
    def _item_added(self, item: Item, total: Decimal) -> None:
        self.items += (item,)
        self.total = total

    @event("Noted")
    def note(self, text: str) -> None:
        self.notes += 1


app = EventSourced()


@command
def add(purchase_id: UUID, *, item: Item) -> Receipt:
    purchase = app.repository.get(purchase_id)
    purchase.add(item)
    return app.record(purchase)


def purchase(events: int) -> Purchase:
    made = Purchase.place(ADA, (TEA,))
    for _ in range(events - 1):
        made.add(TEA)
    return made
