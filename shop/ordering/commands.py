"""What can be asked of an order. One function, one command, one transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from eventstore.domain import value
from eventstore.log import exists
from projections.exact import exact
from shop.application import Receipt, command, shop
from shop.ordering.domain import Line, NotOnSale, Order, OrderExists, StalePrice, UnknownCustomer, UnknownProduct
from shop.ordering.models import CustomerCopy, ProductCopy
from shop.values import Address, Money, id_of


@value
class Item:
    """A line that a customer asks for. ``quoted``: the price of one unit that they were shown, if they were."""

    sku: str
    quantity: int
    quoted: Money | None = None


@command
def place_order(
    *,
    items: Sequence[Item],
    customer_id: UUID | None = None,
    ship_to: Address | None = None,
    reference: str = "",
    order_id: UUID | None = None,
) -> Receipt:
    """At the prices that the log has now. No ``customer_id``: a guest's. No ``ship_to``: to their default address.

    OrderExists, UnknownCustomer, UnknownProduct, NotOnSale; StalePrice: it is not what was quoted.
    """
    if order_id and exists(order_id):
        raise OrderExists("There is an order with that id already.")
    customer = _customer(customer_id)
    if customer and ship_to is None and customer.ship_to:
        ship_to = msgspec.convert(customer.ship_to, Address)
    order = Order.place(customer_id, customer.name if customer else "", _lines(items), ship_to, reference, order_id)
    return shop.record(order)


@command
def cancel_order(order_id: UUID, *, reason: str) -> Receipt:
    order = shop.load(Order, order_id)
    order.cancel(reason)
    return shop.record(order)


def _customer(customer_id: UUID | None) -> Any:
    """Ordering's copy: good enough for a name and an address. Who registered a moment ago is found in the log."""
    if customer_id is None:
        return None
    if copy := CustomerCopy.objects.filter(pk=customer_id).first():
        return copy
    if copy := exact(CustomerCopy, [customer_id]).get(customer_id):
        return copy
    raise UnknownCustomer(f"There is no customer {customer_id}.", pointer="/customer_id")


def _lines(items: Sequence[Item]) -> list[Line]:
    """With the prices in force: read from the log, in this transaction, never from a copy."""
    ids = [id_of("product", item.sku) for item in items]
    products = exact(ProductCopy, ids)
    lines = []
    for number, (product_id, item) in enumerate(zip(ids, items, strict=True)):
        product = products.get(product_id)
        if product is None:
            raise UnknownProduct(f"There is no product {item.sku}.", sku=item.sku, pointer=f"/lines/{number}/sku")
        if not product.on_sale or product.price is None:
            raise NotOnSale(f"{item.sku} is not on sale.", sku=item.sku, pointer=f"/lines/{number}/sku")
        if item.quoted not in (None, product.price):
            raise StalePrice(
                f"{item.sku} now costs {product.price}, not {item.quoted}.",
                sku=item.sku,
                quoted=str(item.quoted),
                now=str(product.price),
                pointer=f"/lines/{number}/price",
            )
        lines.append(Line.of(product_id, item.sku, product.name, item.quantity, product.price, product.price_revision))
    return lines
