"""CreditAccount: what a customer may owe."""

from decimal import Decimal
from typing import Self
from uuid import UUID, uuid5

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.customers.refusals import BadAmount, CreditExceeded, NotReserved, OtherCurrency, ReservedBefore
from shop.values import CENT, Money


class CreditAccount(Aggregate):
    """What a customer may owe. By order, once: reserved → released | charged.

    Reserved and owed are within the limit whenever something is reserved; lowering the limit cancels nothing.
    """

    id: UUID
    customer_id: UUID
    limit: Money
    owed: Money
    reservations: tuple[tuple[UUID, Money], ...]
    charged: tuple[UUID, ...]
    released: tuple[UUID, ...]

    @classmethod
    def open(cls, customer_id: UUID, currency: str) -> Self:
        return cls.with_id(credit_of(customer_id), customer_id, currency)

    @property
    def reserved(self) -> Money:
        return Money(sum((amount.amount for _, amount in self.reservations), Decimal(0)), self.limit.currency)

    @property
    def available(self) -> Money:
        left = self.limit.amount - self.owed.amount - self.reserved.amount
        return Money(max(left, Decimal(0)), self.limit.currency)

    def set_limit(self, limit: Money) -> None:
        self._must_be_payable(limit, "/limit", least=Decimal(0))
        if limit != self.limit:
            self._limit_set(limit)

    def reserve(self, order_id: UUID, amount: Money) -> None:
        self._must_be_payable(amount, "", least=Decimal(0))
        if order_id in self.charged or self._reservation(order_id) == amount:
            return
        if order_id in self.released or self._reservation(order_id):
            raise ReservedBefore(f"Order {order_id} has reserved credit before, and can only once.")
        if amount.amount > self.available.amount:
            raise CreditExceeded(
                f"{amount} is more than the {self.available} that may be bought on this account.",
                wanted=str(amount),
                available=str(self.available),
            )
        self._reserved(order_id, amount)

    def release(self, order_id: UUID) -> None:
        if amount := self._reservation(order_id):
            self._released(order_id, amount)

    def reduce(self, order_id: UUID, amount: Money) -> None:
        """The order comes to no more than ``amount``. Nothing, if that is what is reserved. NotReserved."""
        before = self._reservation(order_id)
        if before is None or amount.currency != before.currency or amount.amount > before.amount:
            raise NotReserved(f"Order {order_id} has reserved {before or 'no credit'}: {amount} cannot be left of it.")
        if amount != before:
            self._reduced(order_id, amount, before - amount)

    def charge(self, order_id: UUID) -> None:
        if order_id in self.charged:
            return
        if (amount := self._reservation(order_id)) is None:
            raise NotReserved(f"Order {order_id} has reserved no credit: nothing can be charged.")
        self._charged(order_id, amount)

    def settle(self, amount: Money, reference: str) -> None:
        self._must_be_payable(amount, "/amount", least=CENT)
        if amount.amount > self.owed.amount:
            raise CreditExceeded(
                f"{amount} is more than is owed: {self.owed}.",
                wanted=str(amount),
                available=str(self.owed),
                pointer="/amount",
            )
        self._settled(amount, reference)

    @event("Opened")
    def __init__(self, customer_id: UUID, currency: str) -> None:
        self.customer_id = customer_id
        self.limit = self.owed = Money(Decimal(0), currency)
        self.reservations: tuple[tuple[UUID, Money], ...] = ()
        self.charged: tuple[UUID, ...] = ()
        self.released: tuple[UUID, ...] = ()

    @event("LimitSet")
    def _limit_set(self, limit: Money) -> None:
        self.limit = limit

    @event("Reserved")
    def _reserved(self, order_id: UUID, amount: Money) -> None:
        self.reservations += ((order_id, amount),)

    @event("Released")
    def _released(self, order_id: UUID, amount: Money) -> None:
        self._forget(order_id)
        self.released += (order_id,)

    @event("Reduced")
    def _reduced(self, order_id: UUID, amount: Money, by: Money) -> None:
        self.reservations = tuple((order, amount if order == order_id else a) for order, a in self.reservations)

    @event("Charged")
    def _charged(self, order_id: UUID, amount: Money) -> None:
        self._forget(order_id)
        self.charged += (order_id,)
        self.owed += amount

    @event("Settled")
    def _settled(self, amount: Money, reference: str) -> None:
        self.owed = Money(self.owed.amount - amount.amount, self.owed.currency)

    def _forget(self, order_id: UUID) -> None:
        self.reservations = tuple(each for each in self.reservations if each[0] != order_id)

    def _reservation(self, order_id: UUID) -> Money | None:
        return next((amount for order, amount in self.reservations if order == order_id), None)

    def _must_be_payable(self, amount: Money, pointer: str, *, least: Decimal) -> None:
        if amount.currency != self.limit.currency:
            raise OtherCurrency(f"This account is in {self.limit.currency}, not in {amount.currency}.", pointer=pointer)
        if amount.amount < least or amount.amount != amount.amount.quantize(CENT):
            raise BadAmount(f"{amount} cannot be owed or paid: it must be whole cents.", pointer=pointer)


def credit_of(customer_id: UUID) -> UUID:
    """The id of the account of that customer."""
    return uuid5(customer_id, "credit")
