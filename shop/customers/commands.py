"""What can be asked of a customer. One function, one command, one transaction."""

from uuid import UUID

from django.db import transaction
from eventsourcing.application import AggregateNotFoundError

from eventstore.personal import forget, pseudonym
from shop.application import Receipt, command, shop
from shop.customers.domain import Customer, EmailClaim
from shop.values import Address


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
    if _folded(before) == _folded(email):
        return shop.record(customer)
    released = shop.load(EmailClaim, _claim_id(before))
    released.release()
    return shop.record(customer, released, _claim(email, customer_id))


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
def erase_customer(customer_id: UUID) -> Receipt:
    """Forget who they were: from now on their personal facts read as ``[erased]``, in all that has happened too."""
    customer = shop.load(Customer, customer_id)
    email = customer.email
    customer.erase()
    claim = shop.load(EmailClaim, _claim_id(email))
    claim.release()
    with transaction.atomic():
        receipt = shop.record(customer, claim)
        forget(customer_id)
    return receipt


def _claim(email: str, customer_id: UUID) -> EmailClaim:
    claim_id = _claim_id(email)
    try:
        claim = shop.load(EmailClaim, claim_id)
    except AggregateNotFoundError:
        claim = EmailClaim.with_id(claim_id)
    claim.claim(customer_id)
    return claim


def _claim_id(email: str) -> UUID:
    """Derived from the address, so that two claims meet; with a key, so that no address can be looked for."""
    return pseudonym("email", _folded(email))


def _folded(email: str) -> str:
    """What makes two spellings one address: mail servers ignore case in practice."""
    return email.casefold()
