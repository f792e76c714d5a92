"""What can be asked of a checkout. One function, one command, one transaction."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from django.conf import settings

from eventstore.cause import because, cause, now
from shop.application import Receipt, command, shop
from shop.ordering.checkout.domain import Checkout, order_of
from shop.ordering.commands import Item, Paying, customer_of, decided, lines_of, payment_of, together
from shop.ordering.domain import Line, Order
from shop.ordering.rates import rates_for
from shop.ordering.refusals import StalePrice, StaleTotal
from shop.values import Address, Money

# Where a customer lives, and when that was last heard of: by ``CHECKOUT_ADDRESS_SOURCE``. The layer above adds "live".
Lives = tuple[Address | None, datetime | None]
address_sources: dict[str, Callable[[UUID], Lives]] = {}


@command
def start_checkout(*, customer_id: UUID | None = None, checkout_id: UUID | None = None) -> Receipt:
    """No ``customer_id``: a guest's. UnknownCustomer, CustomerBlocked."""
    customer_of(customer_id)
    return shop.record(Checkout.start(customer_id, checkout_id))


@command
def set_item(checkout_id: UUID, *, sku: str, quantity: int) -> Receipt:
    """So many of it; 0: none. UnknownProduct, NotOnSale."""
    checkout = shop.load(Checkout, checkout_id)
    if quantity:
        lines_of([Item(sku, quantity)], places="")
    checkout.set_item(sku, quantity)
    return shop.record(checkout)


@command
def override_address(checkout_id: UUID, *, address: Address) -> Receipt:
    """For this order alone."""
    checkout = shop.load(Checkout, checkout_id)
    checkout.override_address(address)
    return shop.record(checkout)


@command
def choose_payment(checkout_id: UUID, *, payment: Paying) -> Receipt:
    """UnknownCard."""
    checkout = shop.load(Checkout, checkout_id)
    if found := payment_of(payment):
        checkout.choose_payment(found)
    return shop.record(checkout)


@command
def show_quote(checkout_id: UUID) -> Receipt:
    """At the prices in force, for some minutes. EmptyOrder, NotOnSale; what the source of addresses refuses."""
    checkout = shop.load(Checkout, checkout_id)
    lines = lines_of([Item(sku, quantity) for sku, quantity in checkout.items.items()])
    ship_to, seen_at = _address(checkout)
    checkout.show(lines, ship_to, seen_at, now(), rates_for(checkout.customer_id, ship_to))
    return shop.record(checkout)


@command
def accept_quote(checkout_id: UUID, *, quote: int) -> Receipt:
    """Place the order as it was quoted; what has become cheaper since is sold cheaper. The same again: nothing.

    StalePrice: something has become dearer; StaleTotal: not a price, but a tax, or a discount has ended. NoQuote,
    QuoteReplaced, QuoteExpired, NotOnSale, CustomerBlocked.
    """
    checkout = shop.load(Checkout, checkout_id)
    if not checkout.accept(quote, now()) or checkout.quote is None:
        return shop.record(checkout)
    customer = customer_of(checkout.customer_id)
    lines = lines_of([Item(line.sku, line.quantity) for line in checkout.quote.lines])
    for quoted, line in zip(checkout.quote.lines, lines, strict=True):
        _must_not_be_dearer(line, quoted.unit_price)
    order = Order.place(
        checkout.customer_id,
        customer.name if customer else "",
        lines,
        checkout.ship_to,
        id=order_of(checkout_id),
        payment=checkout.payment,
        shipping=checkout.quote.shipping,
        checkout_id=checkout_id,
        rates=rates_for(checkout.customer_id, checkout.ship_to),
    )
    if order.total.amount > checkout.quote.total.amount:
        detail = f"The order now comes to {order.total}, not {checkout.quote.total}."
        raise StaleTotal(detail, quoted=str(checkout.quote.total), now=str(order.total))
    with together():
        return shop.record(checkout, order, *decided(order))


def accept(checkout_id: UUID, *, quote: int) -> Receipt:
    """``accept_quote``; where a price is stale, a new quote is shown before that is refused: its number is told."""
    try:
        return accept_quote(checkout_id, quote=quote)
    except StalePrice as stale:
        asked = cause.get().command_id
        with because(command_id=uuid5(asked, "quote") if asked else None):
            show_quote(checkout_id)
        stale.facts["quote"] = shop.load(Checkout, checkout_id).quotes
        raise


def keep_quote(checkout_id: UUID) -> None:
    """``show_quote``, unless the last quote still holds, and is what would be quoted now."""
    checkout = shop.load(Checkout, checkout_id)
    lines = lines_of([Item(sku, quantity) for sku, quantity in checkout.items.items()])
    if not checkout.still_says(lines, _address(checkout)[0], now()):
        show_quote(checkout_id)


@command
def abandon_checkout(checkout_id: UUID, *, reason: str) -> Receipt:
    checkout = shop.load(Checkout, checkout_id)
    checkout.abandon(reason)
    return shop.record(checkout)


def _must_not_be_dearer(line: Line, quoted: Money) -> None:
    now = line.unit_price
    if now.currency != quoted.currency or now.amount > quoted.amount:
        detail = f"{line.sku} now costs {now}, not {quoted}."
        raise StalePrice(detail, sku=line.sku, quoted=str(quoted), now=str(now))


def _address(checkout: Checkout) -> Lives:
    if checkout.address or checkout.customer_id is None:
        return checkout.address, None
    return address_sources[settings.CHECKOUT_ADDRESS_SOURCE](checkout.customer_id)


def copied(customer_id: UUID) -> Lives:
    """As ordering's own copy has it: always there, right eventually."""
    customer = customer_of(customer_id)
    return (msgspec.convert(customer.ship_to, Address) if customer.ship_to else None), customer.seen_at


address_sources["copy"] = copied
