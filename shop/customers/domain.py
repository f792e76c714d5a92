"""Customer: who buys, and where their parcels go."""

from datetime import date
from decimal import Decimal
from typing import Self
from uuid import UUID, uuid5

from eventsourcing.domain import event

from eventstore.domain import Aggregate, uuid7, value
from eventstore.sealing import Personal
from shop.customers.refusals import (
    AlreadyOver,
    BadAmount,
    BadBirthday,
    CreditExceeded,
    CustomerErased,
    EmailTaken,
    NotReserved,
    OtherCurrency,
    ReservedBefore,
    UnknownAddress,
    UnknownPaymentMethod,
)
from shop.values import CENT, Address, Money

EARLIEST = date(1900, 1, 1)  # birthday


@value
class Labelled:
    """An address of a customer, under the number that the customer knows it by: 1, 2, …, never used again."""

    number: int
    address: Address


@value
class PaymentMethod:
    """A card that the vault holds: its token, and what the customer calls it."""

    number: int  # 1, 2, …, never used again
    token: str
    label: str
    last_four: str


class Customer(Aggregate):
    """registered → erased. Has exactly one default address while there is any.

    Is premium on each day up to ``premium_until``, that one too: nothing has to happen for it to end.
    """

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def register(cls, name: str, email: str, id: UUID | None = None) -> Self:
        return cls.with_id(id or uuid7(), name, email)

    def erase(self) -> None:
        self.must_be_known()
        self._erased()

    def rename(self, name: str) -> None:
        self.must_be_known()
        if name != self.name:
            self._renamed(name)

    def change_email(self, email: str) -> None:
        self.must_be_known()
        if email != self.email:
            self._email_changed(email)

    def add_address(self, address: Address, default: bool = False) -> None:
        self.must_be_known()
        self._address_added(self.next_number, address)
        if default or len(self.addresses) == 1:
            self._default_address_set(self.addresses[-1].number)

    def change_address(self, number: int, address: Address) -> None:
        if self._address(number).address != address:
            self._address_changed(number, address)

    def remove_address(self, number: int) -> None:
        self._address(number)
        was_default = number == self.default_address
        self._address_removed(number)
        if was_default and self.addresses:
            self._default_address_set(self.addresses[0].number)

    def set_default_address(self, number: int) -> None:
        self._address(number)
        if number != self.default_address:
            self._default_address_set(number)

    def add_payment_method(self, token: str, label: str, last_four: str) -> None:
        self.must_be_known()
        if not any(known.token == token for known in self.payment_methods):
            self._payment_method_added(self.next_payment_method, token, label, last_four)

    def remove_payment_method(self, number: int) -> None:
        if not any(known.number == number for known in self.payment_methods):
            has = ", ".join(str(known.number) for known in self.payment_methods) or "none"
            raise UnknownPaymentMethod(f"There is no payment method {number}: this customer has {has}.")
        self._payment_method_removed(number)

    def set_birthday(self, birthday: date, today: date) -> None:
        self.must_be_known()
        if not EARLIEST <= birthday <= today:
            raise BadBirthday(f"Nobody was born on {birthday}: it is {EARLIEST} to {today}.", pointer="/birthday")
        if birthday.isoformat() != self.birthday:
            self._birthday_set(birthday.isoformat())

    def is_premium(self, day: date) -> bool:
        return self.premium_until is not None and day <= self.premium_until

    def grant_premium(self, until: date, trial: bool, today: date) -> None:
        """A trial gives nothing to who is premium; a grant prolongs what there is, and never shortens it."""
        self.must_be_known()
        if until < today:
            raise AlreadyOver(f"Premium until {until} would be over: today is {today}.", pointer="/until")
        if self.is_premium(today) and (trial or (not self.premium_trial and until <= (self.premium_until or until))):
            return
        self._premium_granted(until, trial)

    def end_premium(self, today: date) -> None:
        self.must_be_known()
        if self.is_premium(today):
            self._premium_ended()

    def block(self, reason: str) -> None:
        self.must_be_known()
        if not self.blocked or reason != self.block_reason:
            self._blocked(reason)

    def unblock(self) -> None:
        self.must_be_known()
        if self.blocked:
            self._unblocked()

    def must_be_known(self) -> None:
        if self.erased:
            raise CustomerErased("This customer was erased: nothing more can be recorded of them.")

    # Events apply, and never refuse: they already happened.

    @event("Registered")
    def __init__(self, name: Personal[str], email: Personal[str]) -> None:
        self.name = name
        self.email = email
        self.addresses: tuple[Labelled, ...] = ()
        self.default_address: int | None = None
        self.next_number = 1
        self.payment_methods: tuple[PaymentMethod, ...] = ()
        self.next_payment_method = 1
        self.birthday: str | None = None  # ISO 8601, as what is personal is text
        self.premium_until: date | None = None
        self.premium_trial = False
        self.blocked = False
        self.block_reason = ""
        self.erased = False

    @event("Renamed")
    def _renamed(self, name: Personal[str]) -> None:
        self.name = name

    @event("EmailChanged")
    def _email_changed(self, email: Personal[str]) -> None:
        self.email = email

    @event("AddressAdded")
    def _address_added(self, number: int, address: Personal[Address]) -> None:
        self.addresses += (Labelled(number, address),)
        self.next_number = number + 1

    @event("AddressChanged")
    def _address_changed(self, number: int, address: Personal[Address]) -> None:
        self.addresses = tuple(Labelled(number, address) if a.number == number else a for a in self.addresses)

    @event("AddressRemoved")
    def _address_removed(self, number: int) -> None:
        self.addresses = tuple(a for a in self.addresses if a.number != number)
        if self.default_address == number:
            self.default_address = None

    @event("DefaultAddressSet")
    def _default_address_set(self, number: int) -> None:
        self.default_address = number

    @event("PaymentMethodAdded")
    def _payment_method_added(self, number: int, token: str, label: Personal[str], last_four: Personal[str]) -> None:
        self.payment_methods += (PaymentMethod(number, token, label, last_four),)
        self.next_payment_method = number + 1

    @event("PaymentMethodRemoved")
    def _payment_method_removed(self, number: int) -> None:
        self.payment_methods = tuple(known for known in self.payment_methods if known.number != number)

    @event("BirthdaySet")
    def _birthday_set(self, birthday: Personal[str]) -> None:
        self.birthday = birthday

    @event("PremiumGranted")
    def _premium_granted(self, until: date, trial: bool) -> None:
        self.premium_until, self.premium_trial = until, trial

    @event("PremiumEnded")
    def _premium_ended(self) -> None:
        self.premium_until, self.premium_trial = None, False

    @event("Blocked")
    def _blocked(self, reason: Personal[str]) -> None:
        self.blocked, self.block_reason = True, reason

    @event("Unblocked")
    def _unblocked(self) -> None:
        self.blocked, self.block_reason = False, ""

    @event("Erased")
    def _erased(self) -> None:
        self.erased = True
        self.addresses = ()
        self.default_address = None
        self.payment_methods = ()
        self.birthday = None
        self.block_reason = ""

    def _address(self, number: int) -> Labelled:
        for address in self.addresses:
            if address.number == number:
                return address
        has = ", ".join(str(a.number) for a in self.addresses) or "none"
        raise UnknownAddress(f"There is no address {number}: this customer has {has}.")


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


class EmailClaim(Aggregate):
    """Who holds an e-mail address: free ⇄ held. Its id is derived from the address, so that two can never hold it."""

    id: UUID

    def claim(self, customer_id: UUID) -> None:
        if self.holder not in (None, customer_id):
            raise EmailTaken("This e-mail address belongs to another customer.", pointer="/email")
        if self.holder is None:
            self._claimed(customer_id)

    def release(self) -> None:
        self._released()

    @event("Opened")
    def __init__(self) -> None:
        self.holder: UUID | None = None

    @event("Claimed")
    def _claimed(self, customer_id: UUID) -> None:
        self.holder = customer_id

    @event("Released")
    def _released(self) -> None:
        self.holder = None
