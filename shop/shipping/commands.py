"""What can be asked of a shipment. One function, one command, one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from eventstore.cause import now
from eventstore.log import exists
from projections.exact import exact
from shop.application import Receipt, command, shop
from shop.shipping.domain import Packed, Shipment, shipment_of
from shop.shipping.models import CustomerCopy
from shop.values import Address

# Who decides with a parcel that leaves: each refuses, or answers with what is recorded in the same commit.
dispatched_with: list[Callable[[Shipment], Sequence[Any]]] = []


@command
def plan_shipment(
    order_id: UUID,
    *,
    customer_id: UUID | None,
    lines: Sequence[Packed],
    ship_to: Address | None,
    overridden: bool = False,
) -> Receipt:
    """Of each order one; the same again, nothing. EmptyShipment, BadQuantity."""
    if exists(shipment_of(order_id)):
        return shop.record(shop.load(Shipment, shipment_of(order_id)))
    return shop.record(Shipment.plan(order_id, customer_id, lines, ship_to, overridden))


@command
def compare_address(shipment_id: UUID, *, since: datetime) -> Receipt:
    """Raise the question where it goes, if its customer lives elsewhere ``since`` then; or withdraw it."""
    shipment = shop.load(Shipment, shipment_id)
    shipment.compare(_present(shipment), since)
    return shop.record(shipment)


@command
def answer_address(shipment_id: UUID, *, decision: str) -> Receipt:
    """``keep``, ``use_present``, or ``ask``: the customer, by mail. NoAddressQuestion."""
    shipment = shop.load(Shipment, shipment_id)
    shipment.answer_address(decision, _present(shipment), now())
    return shop.record(shipment)


@command
def pack(shipment_id: UUID) -> Receipt:
    shipment = shop.load(Shipment, shipment_id)
    shipment.pack()
    return shop.record(shipment)


@command
def dispatch(shipment_id: UUID, *, carrier: str, tracking: str = "") -> Receipt:
    """AddressQuestionOpen: its customer has another address now, as the log has it, and nobody has decided.

    And what others refuse: its goods are not there, its money was let go of.
    """
    with transaction.atomic():
        shipment = shop.load(Shipment, shipment_id)
        shipment.dispatch(carrier, tracking, _present(shipment))
        return shop.record(shipment, *(aggregate for decide in dispatched_with for aggregate in decide(shipment)))


@command
def deliver(shipment_id: UUID) -> Receipt:
    shipment = shop.load(Shipment, shipment_id)
    shipment.deliver()
    return shop.record(shipment)


@command
def lose(shipment_id: UUID, *, reason: str) -> Receipt:
    shipment = shop.load(Shipment, shipment_id)
    shipment.lose(reason)
    return shop.record(shipment)


@command
def cancel_shipment(order_id: UUID, *, reason: str) -> Receipt:
    """The same again, nothing."""
    shipment = shop.load(Shipment, shipment_of(order_id))
    shipment.cancel(reason)
    return shop.record(shipment)


def _present(shipment: Shipment) -> Address | None:
    """Where its customer lives, read from the log in this transaction: no copy that may be behind."""
    if shipment.customer_id is None:
        return None
    customer = exact(CustomerCopy, [shipment.customer_id]).get(shipment.customer_id)
    return msgspec.convert(customer.address, Address) if customer and customer.address else None
