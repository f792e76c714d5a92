"""Customer: who buys, and where their parcels go."""

from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate, uuid7, value
from eventstore.sealing import Personal
from shop.errors import Refused
from shop.values import Address


class EmailTaken(Refused):
    code = "email_taken"


class CustomerErased(Refused):
    code = "customer_erased"


class UnknownAddress(Refused):
    code = "unknown_address"


@value
class Labelled:
    """An address of a customer, under the number that the customer knows it by: 1, 2, …, never used again."""

    number: int
    address: Address


class Customer(Aggregate):
    """registered → erased. Has exactly one default address while there is any."""

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def register(cls, name: str, email: str, id: UUID | None = None) -> Self:
        return cls.with_id(id or uuid7(), name, email)

    def erase(self) -> None:
        self._must_be_known()
        self._erased()

    def rename(self, name: str) -> None:
        self._must_be_known()
        if name != self.name:
            self._renamed(name)

    def change_email(self, email: str) -> None:
        self._must_be_known()
        if email != self.email:
            self._email_changed(email)

    def add_address(self, address: Address, default: bool = False) -> None:
        self._must_be_known()
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

    # Events apply, and never refuse: they already happened.

    @event("Registered")
    def __init__(self, name: Personal[str], email: Personal[str]) -> None:
        self.name = name
        self.email = email
        self.addresses: tuple[Labelled, ...] = ()
        self.default_address: int | None = None
        self.next_number = 1
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

    @event("Erased")
    def _erased(self) -> None:
        self.erased = True
        self.addresses = ()
        self.default_address = None

    def _must_be_known(self) -> None:
        if self.erased:
            raise CustomerErased("This customer was erased: nothing more can be recorded of them.")

    def _address(self, number: int) -> Labelled:
        for address in self.addresses:
            if address.number == number:
                return address
        has = ", ".join(str(a.number) for a in self.addresses) or "none"
        raise UnknownAddress(f"There is no address {number}: this customer has {has}.")


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
