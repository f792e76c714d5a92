"""Product: what the shop sells, and for how much."""

from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.errors import Refused, WrongStatus
from shop.values import Money, id_of


class SkuTaken(Refused):
    code = "sku_taken"


class NoPrice(Refused):
    code = "no_price"


class Product(Aggregate):
    """draft → published ⇄ withdrawn. A published product has a price; each price has a revision, counted from 1."""

    id: UUID
    sku: str
    name: str
    price: Money | None
    price_revision: int
    status: str

    # Commands decide, and may refuse.

    @classmethod
    def create(cls, sku: str, name: str) -> Self:
        return cls.with_id(id_of("product", sku), sku, name)

    def rename(self, name: str) -> None:
        if name != self.name:
            self._renamed(name)

    def set_price(self, price: Money) -> None:
        if price != self.price:
            self._price_set(price, self.price_revision + 1)

    def publish(self) -> None:
        if self.price is None:
            raise NoPrice("A product needs a price before it can be published.")
        if self.status == "published":
            raise WrongStatus("A published product cannot be published: it must be draft or withdrawn.")
        self._published()

    def withdraw(self) -> None:
        if self.status != "published":
            raise WrongStatus(f"A {self.status} product cannot be withdrawn: it must be published.")
        self._withdrawn()

    # Events apply, and never refuse: they already happened.

    @event("Created")
    def __init__(self, sku: str, name: str) -> None:
        self.sku = sku
        self.name = name
        self.price: Money | None = None
        self.price_revision = 0
        self.status = "draft"

    @event("Renamed")
    def _renamed(self, name: str) -> None:
        self.name = name

    @event("PriceSet")
    def _price_set(self, price: Money, revision: int) -> None:
        self.price = price
        self.price_revision = revision

    @event("Published")
    def _published(self) -> None:
        self.status = "published"

    @event("Withdrawn")
    def _withdrawn(self) -> None:
        self.status = "withdrawn"
