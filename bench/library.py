"""The same as ``ours`` on the library's own PostgreSQL recorder, JSON transcoder and projector, with its defaults."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import JSONTranscoder, Transcoding

from bench.ours import ADA, TEA, Item


class ItemAsDict(Transcoding):
    type = Item
    name = "item"

    def encode(self, obj: Item) -> dict[str, Any]:
        return {"product_id": obj.product_id, "quantity": obj.quantity, "unit_price": obj.unit_price}

    def decode(self, data: dict[str, Any]) -> Item:
        return Item(**data)


class Purchase(Aggregate):
    @classmethod
    def place(cls, customer_id: UUID, items: list[Item]) -> "Purchase":
        return cls(customer_id, list(items))

    def add(self, item: Item) -> None:
        self._item_added(item, self.total + item.quantity * item.unit_price)

    @event("Placed")
    def __init__(self, customer_id: UUID, items: list[Item]) -> None:
        self.customer_id = customer_id
        self.items = list(items)
        self.total = sum((item.quantity * item.unit_price for item in items), Decimal())
        self.notes = 0

    @event("ItemAdded")
    def _item_added(self, item: Item, total: Decimal) -> None:
        self.items.append(item)
        self.total = total

    @event("Noted")
    def note(self, text: str) -> None:
        self.notes += 1


class Shop(Application[UUID]):
    name = "peer"

    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        super().register_transcodings(transcoder)
        transcoder.register(ItemAsDict())


def application(*, snapshots: bool = False, **env: str) -> Shop:
    """Made by each process for itself, since it has a pool of connections."""
    return Shop(environment() | {"IS_SNAPSHOTTING_ENABLED": "y" if snapshots else "n"} | env)


def environment() -> dict[str, str]:
    server = connection.settings_dict
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": server["NAME"],
        "POSTGRES_HOST": server["HOST"],
        "POSTGRES_PORT": str(server["PORT"]),
        "POSTGRES_USER": server["USER"],
        "POSTGRES_PASSWORD": server["PASSWORD"] or "none",
        "CREATE_TABLE": "n",  # made once: eight processes together fail at it
    }


def purchase(events: int) -> Purchase:
    made = Purchase.place(ADA, [TEA])
    for _ in range(events - 1):
        made.add(TEA)
    return made
