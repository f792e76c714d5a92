"""Customer: who buys, and where their parcels go."""

from datetime import date
from typing import Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate, uuid7, value
from eventstore.sealing import Personal
from shop.customers.refusals import (
    AlreadyOver,
    BadBirthday,
    CannotMerge,
    CustomerErased,
    CustomerMerged,
    UnknownAddress,
    UnknownPaymentMethod,
)
from shop.values import Address

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
    """registered → merged | erased. Has exactly one default address while there is any.

    Is premium on each day up to ``premium_until``, that one too: nothing has to happen for it to end.
    """

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def register(cls, name: str, email: str, id: UUID | None = None) -> Self:
        return cls.with_id(id or uuid7(), name, email)

    def erase(self) -> None:
        """Who was merged is erased with whom they are now."""
        self.must_be_known()
        self._erased()

    def erase_merged(self) -> None:
        """With whom they are now."""
        if self.merged_into and not self.erased:
            self._erased()

    def merge_into(self, survivor: "Customer", today: date) -> None:
        """They are ``survivor`` from now on, who gets their addresses, cards, birthday and longer premium.

        A block goes with them: nobody gets rid of one by having two accounts.
        """
        self.must_be_known()
        survivor.must_be_known()
        if survivor.id == self.id:
            raise CannotMerge("A customer cannot be merged into themselves.", pointer="/into")
        survivor._absorb(self, today)
        self._merged(survivor.id)

    def _absorb(self, other: "Customer", today: date) -> None:
        known = {each.address for each in self.addresses}
        for labelled in other.addresses:
            if labelled.address not in known:
                self.add_address(labelled.address)
        for method in other.payment_methods:
            self.add_payment_method(method.token, method.label, method.last_four)
        if other.birthday and not self.birthday:
            self._birthday_set(other.birthday)
        if other.premium_until and other.is_premium(today) and other.premium_until > (self.premium_until or today):
            self._premium_granted(other.premium_until, other.premium_trial)
        if other.blocked and not self.blocked:
            self._blocked(other.block_reason)
        self._absorbed((other.id, *other.absorbed))

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
        if self.merged_into:
            self.must_be_known()
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
        if self.merged_into:
            detail = f"This customer was merged: they are {self.merged_into} now. Ask that of them."
            raise CustomerMerged(detail, into=str(self.merged_into))

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
        self.merged_into: UUID | None = None
        self.absorbed: tuple[UUID, ...] = ()  # whoever was merged into them, and into those

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

    @event("Merged")
    def _merged(self, into: UUID) -> None:
        self.merged_into = into

    @event("Absorbed")
    def _absorbed(self, customer_ids: tuple[UUID, ...]) -> None:
        self.absorbed += customer_ids

    @event("Erased")
    def _erased(self) -> None:
        self.erased = True
        self.addresses = ()
        self.default_address = None
        self.payment_methods = ()
        self.birthday = None
        self.block_reason = ""

    def _address(self, number: int) -> Labelled:
        if self.merged_into:
            self.must_be_known()
        for address in self.addresses:
            if address.number == number:
                return address
        has = ", ".join(str(a.number) for a in self.addresses) or "none"
        raise UnknownAddress(f"There is no address {number}: this customer has {has}.")
