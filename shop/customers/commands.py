"""What can be asked of a customer. One function, one command, one transaction."""

from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from eventstore.cause import now
from eventstore.personal import forget, pseudonym
from shop.application import Receipt, command, find, shop
from shop.customers.domain import CreditAccount, Customer, EmailClaim, credit_of, spellings
from shop.customers.refusals import CannotMerge, CreditExceeded
from shop.values import Address, Money


@command
def register_customer(*, name: str, email: str, customer_id: UUID | None = None) -> Receipt:
    """EmailTaken: another customer has it."""
    customer = Customer.register(name, email, customer_id)
    return shop.record(customer, _claim(email, customer.id))


@command
def rename_customer(customer_id: UUID, *, name: str) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.rename(name)
    return shop.record(customer)


@command
def change_email(customer_id: UUID, *, email: str) -> Receipt:
    """EmailTaken: another customer has it."""
    customer = shop.load(Customer, customer_id)
    before = customer.email
    customer.change_email(email)
    if spellings(before)[0] == spellings(email)[0]:
        return shop.record(customer)
    return shop.record(customer, _released(before, customer_id), _claim(email, customer_id))


@command
def add_address(customer_id: UUID, *, address: Address, default: bool = False) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.add_address(address, default)
    return shop.record(customer)


@command
def change_address(customer_id: UUID, number: int, *, address: Address) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.change_address(number, address)
    return shop.record(customer)


@command
def remove_address(customer_id: UUID, number: int) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.remove_address(number)
    return shop.record(customer)


@command
def set_default_address(customer_id: UUID, number: int) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.set_default_address(number)
    return shop.record(customer)


@command
def add_payment_method(customer_id: UUID, *, token: str, label: str, last_four: str) -> Receipt:
    """A card that the vault holds. The same token again does nothing."""
    customer = shop.load(Customer, customer_id)
    customer.add_payment_method(token, label, last_four)
    return shop.record(customer)


@command
def remove_payment_method(customer_id: UUID, number: int) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.remove_payment_method(number)
    return shop.record(customer)


@command
def set_birthday(customer_id: UUID, *, birthday: date) -> Receipt:
    """BadBirthday: nobody who is alive was born then."""
    customer = shop.load(Customer, customer_id)
    customer.set_birthday(birthday, _today())
    return shop.record(customer)


@command
def grant_premium(customer_id: UUID, *, until: date, trial: bool = False) -> Receipt:
    """Up to that day, in UTC. A trial for who is premium does nothing. AlreadyOver."""
    customer = shop.load(Customer, customer_id)
    customer.grant_premium(until, trial, _today())
    return shop.record(customer)


@command
def end_premium(customer_id: UUID) -> Receipt:
    """Now. By itself it ends with its last day."""
    customer = shop.load(Customer, customer_id)
    customer.end_premium(_today())
    return shop.record(customer)


@command
def block_customer(customer_id: UUID, *, reason: str) -> Receipt:
    """Nothing is sold to them any more."""
    customer = shop.load(Customer, customer_id)
    customer.block(reason)
    return shop.record(customer)


@command
def unblock_customer(customer_id: UUID) -> Receipt:
    customer = shop.load(Customer, customer_id)
    customer.unblock()
    return shop.record(customer)


@command
def erase_customer(customer_id: UUID) -> Receipt:
    """Forget who they were: from now on their personal facts read as ``[erased]``, in all that has happened too."""
    customer = shop.load(Customer, customer_id)
    email = customer.email
    customer.erase()
    claim = _released(email, customer_id)
    merged = [shop.load(Customer, each) for each in customer.absorbed]
    for each in merged:
        each.erase_merged()
    with transaction.atomic():
        receipt = shop.record(customer, claim, *merged)
        for known in (customer_id, *customer.absorbed):
            forget(known)
    return receipt


@command
def merge_customers(customer_id: UUID, *, into: UUID) -> Receipt:
    """One person, twice a customer: from now on they are ``into``. Their e-mail address is free again.

    Nothing more can be bought on their account: an order that was placed a moment ago, and has reserved nothing yet,
    is refused there. CannotMerge: they are one already, or owe something on it. CustomerMerged, CustomerErased.
    """
    merged, survivor = shop.load(Customer, customer_id), find(Customer, into)
    if survivor is None:
        raise CannotMerge(f"There is no customer {into}.", pointer="/into")
    if account := find(CreditAccount, credit_of(customer_id)):
        if account.owed.amount or account.reserved.amount:
            owes = f"They owe {account.owed}, and {account.reserved} are reserved"
            raise CannotMerge(f"{owes}: that is settled first, on the account that it was bought on.")
        account.set_limit(Money(Decimal(0), account.limit.currency))
    email = merged.email
    merged.merge_into(survivor, _today())
    claim = _released(email, customer_id)
    return shop.record(merged, survivor, claim, *([account] if account else []))


@command
def set_credit_limit(customer_id: UUID, *, limit: Money) -> Receipt:
    """Opens the account, if there is none. OtherCurrency, BadAmount, CustomerErased."""
    shop.load(Customer, customer_id).must_be_known()
    account = find(CreditAccount, credit_of(customer_id)) or CreditAccount.open(customer_id, limit.currency)
    account.set_limit(limit)
    return shop.record(account)


@command
def reserve_credit(customer_id: UUID, *, order_id: UUID, amount: Money) -> Receipt:
    """For that order, once. CreditExceeded, OtherCurrency; ReservedBefore: it was released, or for another amount."""
    return shop.record(reserving_credit(customer_id, order_id, amount))


@command
def release_credit(customer_id: UUID, *, order_id: UUID) -> Receipt:
    """What was reserved for that order; nothing, if nothing was."""
    account = shop.load(CreditAccount, credit_of(customer_id))
    account.release(order_id)
    return shop.record(account)


@command
def charge_credit(customer_id: UUID, *, order_id: UUID) -> Receipt:
    """What was reserved for that order is owed from now on. NotReserved."""
    account = shop.load(CreditAccount, credit_of(customer_id))
    account.charge(order_id)
    return shop.record(account)


@command
def settle_credit(customer_id: UUID, *, amount: Money, reference: str = "") -> Receipt:
    """They have paid. CreditExceeded: more than they owe."""
    account = shop.load(CreditAccount, credit_of(customer_id))
    account.settle(amount, reference)
    return shop.record(account)


def reserving_credit(customer_id: UUID, order_id: UUID, amount: Money) -> CreditAccount:
    """The account, having decided, to be recorded with others. CreditExceeded: there is none, or not enough."""
    account = find(CreditAccount, credit_of(customer_id))
    if account is None:
        raise CreditExceeded("This customer has no account to buy on.", wanted=str(amount), available="0")
    account.reserve(order_id, amount)
    return account


def holder_of(email: str) -> UUID | None:
    """The customer who has that e-mail address, exactly."""
    return next((claim.holder for claim in _claims(email).values() if claim and claim.holder), None)


def reducing_credit(customer_id: UUID, order_id: UUID, amount: Money) -> CreditAccount:
    """As ``reserving_credit``: what an order has reserved comes to ``amount`` alone. NotReserved."""
    account = shop.load(CreditAccount, credit_of(customer_id))
    account.reduce(order_id, amount)
    return account


def _today() -> date:
    """The day, in UTC, on which what is asked is true."""
    return now().astimezone(UTC).date()


def _claim(email: str, customer_id: UUID) -> EmailClaim:
    found = _claims(email)
    for claim in filter(None, found.values()):
        claim.must_be_free_for(customer_id)
    claim_id = next(iter(found))
    mine = found[claim_id] or EmailClaim.with_id(claim_id)
    mine.claim(customer_id)
    return mine


def _released(email: str, customer_id: UUID) -> EmailClaim:
    """The claim that a customer has on their address, given up."""
    claim = next(claim for claim in _claims(email).values() if claim and claim.holder == customer_id)
    claim.release()
    return claim


def _claims(email: str) -> dict[UUID, EmailClaim | None]:
    """For each spelling of an address, its claim, where there is one: first that by which it is claimed now."""
    return {claim_id: find(EmailClaim, claim_id) for claim_id in map(_claim_id, spellings(email))}


def _claim_id(spelling: str) -> UUID:
    """Derived from the address, so that two claims meet; with a key, so that no address can be looked for."""
    return pseudonym("email", spelling)
