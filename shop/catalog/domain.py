"""Product: what the shop sells, and for how much."""

from datetime import datetime
from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.catalog.prices import Scheduled, running
from shop.errors import Refused, WrongStatus
from shop.values import Money, id_of


class SkuTaken(Refused):
    code = "sku_taken"


class NoPrice(Refused):
    code = "no_price"


class BadSchedule(Refused):
    code = "bad_schedule"


class UnknownSchedule(Refused):
    code = "unknown_schedule"


class NotRenamed(Refused):
    """It was to have its name everywhere at once, and a table could not follow."""

    code = "not_renamed"


class Product(Aggregate):
    """draft → published ⇄ withdrawn. A published product has a price; each price has a revision, counted from 1.

    ``price`` is the usual one. In force is a scheduled one while it runs, of several the last begun; else the usual.
    """

    id: UUID
    sku: str
    name: str
    description: str
    price: Money | None
    price_revision: int
    revisions: int
    schedules: tuple[Scheduled, ...]
    status: str

    # Commands decide, and may refuse.

    @classmethod
    def create(cls, sku: str, name: str) -> Self:
        return cls.with_id(id_of("product", sku), sku, name)

    def rename(self, name: str) -> None:
        if name != self.name:
            self._renamed(name)

    def describe(self, description: str) -> None:
        if description != self.description:
            self._described(description)

    def price_at(self, instant: datetime) -> tuple[Money | None, int]:
        """The price in force at ``instant``, by what is known now, and its revision."""
        scheduled = running(self.schedules, instant)
        return (scheduled.price, scheduled.revision) if scheduled else (self.price, self.price_revision)

    def set_price(self, price: Money, now: datetime) -> None:
        """In force from now on: a scheduled price that runs is cancelled, those to come are not."""
        for scheduled in self.schedules:
            if scheduled.is_running(now):
                self._schedule_cancelled(scheduled.revision)
        self.set_usual_price(price)

    def set_usual_price(self, price: Money) -> None:
        """In force while no scheduled one is; one that runs goes on."""
        if price != self.price:
            self._price_set(price, self.revisions + 1)

    def schedule_price(self, price: Money, starts: datetime, ends: datetime | None, now: datetime) -> None:
        """The same again does nothing."""
        if any((each.price, each.starts, each.ends) == (price, starts, ends) for each in self.schedules):
            return
        if starts < now:
            raise BadSchedule(f"It cannot begin at {starts}: it is {now} already. Set the price.", pointer="/starts")
        if ends is not None and ends <= starts:
            raise BadSchedule(f"It cannot end at {ends}: it begins at {starts}.", pointer="/ends")
        self._price_scheduled(price, self.revisions + 1, starts, ends)

    def cancel_schedule(self, revision: int, now: datetime) -> None:
        """One that is to come, or runs."""
        found = next((each for each in self.schedules if each.revision == revision), None)
        if found is None:
            has = ", ".join(str(each.revision) for each in self.schedules) or "none"
            raise UnknownSchedule(f"There is no scheduled price {revision}: this product has {has}.")
        if found.ends is not None and found.ends <= now:
            raise WrongStatus(f"The scheduled price {revision} was over at {found.ends}: it cannot be cancelled.")
        self._schedule_cancelled(revision)

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
        self.description = ""
        self.price: Money | None = None
        self.price_revision = 0
        self.revisions = 0
        self.schedules: tuple[Scheduled, ...] = ()
        self.status = "draft"

    @event("Renamed")
    def _renamed(self, name: str) -> None:
        self.name = name

    @event("Described")
    def _described(self, description: str) -> None:
        self.description = description

    @event("PriceSet")
    def _price_set(self, price: Money, revision: int) -> None:
        self.price = price
        self.price_revision = self.revisions = revision

    @event("PriceScheduled")
    def _price_scheduled(self, price: Money, revision: int, starts: datetime, ends: datetime | None) -> None:
        self.schedules += (Scheduled(revision, price, starts, ends),)
        self.revisions = revision

    @event("ScheduleCancelled")
    def _schedule_cancelled(self, revision: int) -> None:
        self.schedules = tuple(each for each in self.schedules if each.revision != revision)

    @event("Published")
    def _published(self) -> None:
        self.status = "published"

    @event("Withdrawn")
    def _withdrawn(self) -> None:
        self.status = "withdrawn"
