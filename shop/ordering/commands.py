"""What can be asked of an order. One function, one command, one transaction."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction

from eventstore.cause import now
from eventstore.domain import value
from eventstore.log import exists
from projections.exact import exact
from shop.application import Receipt, command, shop
from shop.ordering.domain import Line, Order, Payment
from shop.ordering.models import CardCopy, CustomerCopy, ProductCopy
from shop.ordering.rates import rates_for
from shop.ordering.refusals import (
    CustomerBlocked,
    CustomerMerged,
    NotOnSale,
    OrderExists,
    StalePrice,
    UnknownCard,
    UnknownCustomer,
    UnknownProduct,
)
from shop.values import Address, Money, id_of

# What else decides, in the same commit, when an order is placed, cancelled, sent elsewhere, or edited: each answers the
# aggregates to be recorded with it, or refuses.
Deciders = list[Callable[[Order], Sequence[Any]]]
decided_with: Deciders = []
cancelled_with: Deciders = []
readdressed_with: Deciders = []
edited_with: Deciders = []


@value
class Item:
    """A line that a customer asks for. ``quoted``: the price of one unit that they were shown, if they were."""

    sku: str
    quantity: int
    quoted: Money | None = None


@value
class Paying:
    """How a customer asks to pay. ``token``: the card's, in the vault."""

    kind: str  # "card", "account" or "none"
    token: UUID | None = None


@command
def place_order(
    *,
    items: Sequence[Item],
    customer_id: UUID | None = None,
    ship_to: Address | None = None,
    reference: str = "",
    order_id: UUID | None = None,
    payment: Paying | None = None,
    taxed: bool = True,
) -> Receipt:
    """At the prices that the log has now. No ``customer_id``: a guest's. No ``ship_to``: to their default address.

    Not ``taxed``: bought elsewhere, at prices in which all is told; neither tax nor discount is reckoned.
    OrderExists, UnknownCustomer, CustomerBlocked, UnknownProduct, NotOnSale, UnknownCard; StalePrice: it is not what
    was quoted.
    """
    if order_id and exists(order_id):
        raise OrderExists("There is an order with that id already.")
    customer = customer_of(customer_id)
    if customer and ship_to is None and customer.ship_to:
        ship_to = msgspec.convert(customer.ship_to, Address)
    name, lines = customer.name if customer else "", lines_of(items)
    paying, rates = payment_of(payment), rates_for(customer_id, ship_to) if taxed else None
    order = Order.place(customer_id, name, lines, ship_to, reference, order_id, paying, rates=rates)
    with together():
        return shop.record(order, *decided(order))


def together() -> Any:
    """A transaction, if others decide with an order: what they have read must still hold when it is recorded."""
    return transaction.atomic() if settings.PLACE_ORDER_MODE == "transaction" else nullcontext()


def decided(order: Order) -> list[Any]:
    """What is to be recorded with an order that is placed."""
    return [aggregate for decide in decided_with for aggregate in decide(order)]


@command
def cancel_order(order_id: UUID, *, reason: str) -> Receipt:
    """WrongStatus: it is over, or has left."""
    order = shop.load(Order, order_id)
    order.cancel(reason)
    return shop.record(order, *(aggregate for decide in cancelled_with for aggregate in decide(order)))


@command
def confirm_order(order_id: UUID) -> Receipt:
    order = shop.load(Order, order_id)
    order.confirm()
    return shop.record(order)


@command
def reject_order(order_id: UUID, *, code: str, reason: str) -> Receipt:
    order = shop.load(Order, order_id)
    order.reject(code, reason)
    return shop.record(order)


@command
def change_order_address(order_id: UUID, *, address: Address, reason: str = "") -> Receipt:
    order = shop.load(Order, order_id)
    order.change_address(address, reason)
    return shop.record(order, *(aggregate for decide in readdressed_with for aggregate in decide(order)))


@command
def edit_lines(order_id: UUID, *, quantities: Mapping[int, int], reason: str) -> Receipt:
    """Fewer of some lines, by number; stock, credit, money and parcel follow in the same commit.

    WrongStatus: it is not confirmed, or paid already. UnknownLine, MoreThanOrdered, EmptyOrder.
    """
    with transaction.atomic():
        order = shop.load(Order, order_id)
        order.edit_lines(quantities, reason)
        return shop.record(order, *(aggregate for decide in edited_with for aggregate in decide(order)))


@command
def note_order(order_id: UUID, *, text: str) -> Receipt:
    order = shop.load(Order, order_id)
    order.note(text)
    return shop.record(order)


@command
def ship_order(order_id: UUID, *, shipment_id: UUID) -> Receipt:
    order = shop.load(Order, order_id)
    order.ship(shipment_id)
    return shop.record(order)


@command
def deliver_order(order_id: UUID) -> Receipt:
    order = shop.load(Order, order_id)
    order.deliver()
    return shop.record(order)


@command
def complete_order(order_id: UUID) -> Receipt:
    order = shop.load(Order, order_id)
    order.complete()
    return shop.record(order)


def customer_of(customer_id: UUID | None) -> Any:
    """Ordering's copy: good enough for a name and an address. Who registered a moment ago is found in the log.

    UnknownCustomer, CustomerMerged, CustomerBlocked.
    """
    if customer_id is None:
        return None
    copy = CustomerCopy.objects.filter(pk=customer_id).first() or exact(CustomerCopy, [customer_id]).get(customer_id)
    if copy is None:
        raise UnknownCustomer(f"There is no customer {customer_id}.", pointer="/customer_id")
    if copy.merged_into:
        detail = f"This customer was merged: they are {copy.merged_into} now."
        raise CustomerMerged(detail, into=str(copy.merged_into), pointer="/customer_id")
    if copy.blocked:
        raise CustomerBlocked("This customer may not order: support knows why.", pointer="/customer_id")
    return copy


def payment_of(asked: Paying | None) -> Payment | None:
    """With what the vault has told of the card: the log says which, never who asks. UnknownCard."""
    if asked is None or asked.kind != "card":
        return Payment(asked.kind) if asked else None
    card = exact(CardCopy, [asked.token]).get(asked.token) if asked.token else None
    if card is None:
        raise UnknownCard("The vault has no card with that token.", pointer="/payment/token")
    return Payment("card", str(card.id), card.last_four)


def lines_of(items: Sequence[Item], places: str = "/lines/{}") -> list[Line]:
    """With the prices in force: read from the log, in this transaction, never from a copy.

    ``places``: where an item stands in what was asked, by its number. UnknownProduct, NotOnSale, StalePrice.
    """
    ids, instant = [id_of("product", item.sku) for item in items], now()
    products = exact(ProductCopy, ids)
    lines = []
    for number, (product_id, item) in enumerate(zip(ids, items, strict=True)):
        product, place = products.get(product_id), places.format(number)
        if product is None:
            raise UnknownProduct(f"There is no product {item.sku}.", sku=item.sku, pointer=f"{place}/sku")
        price, revision = product.price_at(instant)
        if not product.on_sale or price is None:
            raise NotOnSale(f"{item.sku} is not on sale.", sku=item.sku, pointer=f"{place}/sku")
        if item.quoted not in (None, price):
            raise StalePrice(
                f"{item.sku} now costs {price}, not {item.quoted}.",
                sku=item.sku,
                quoted=str(item.quoted),
                now=str(price),
                pointer=f"{place}/quoted",
            )
        lines.append(Line.of(product_id, item.sku, product.name, item.quantity, price, revision))
    return lines
