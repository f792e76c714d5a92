"""Checkout: a basket on its way to the till, what the customer was shown there, and what became of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID, uuid5

from eventsourcing.domain import event

from eventstore.domain import Aggregate, uuid7, value
from eventstore.sealing import PersonalOf
from shop.errors import WrongStatus
from shop.ordering.domain import Line, Payment
from shop.ordering.refusals import EmptyOrder, MixedCurrencies, NoQuote, QuoteExpired, QuoteReplaced, TooMuch
from shop.ordering.totals import Rates, add_up
from shop.values import Address, Money

HOLDS_FOR = timedelta(minutes=15)  # a quote
MOST_LINES = 1000
PARCEL, FREE_FROM = Decimal("4.90"), Decimal("50.00")  # what one costs, and from which sum of goods on it costs nothing


@value
class Quote:
    """What the customer was shown, but for the address, which is personal. Quotes are numbered from 1."""

    number: int
    lines: tuple[Line, ...]
    shipping: Money
    total: Money  # of lines − discount + shipping + tax
    expires: datetime
    tax: Money | None = None
    discount: Money | None = None
    rates: Rates | None = None


def order_of(checkout_id: UUID) -> UUID:
    """The id of the one order that a checkout becomes."""
    return uuid5(checkout_id, "order")


def shipping_for(lines: Iterable[Line]) -> Money:
    """What the parcel costs. EmptyOrder, MixedCurrencies."""
    totals = [line.total for line in lines]
    if not totals:
        raise EmptyOrder("There is nothing in the basket.")
    if len(currencies := sorted({total.currency for total in totals})) > 1:
        raise MixedCurrencies(f"An order is in one currency; these lines are in {' and '.join(currencies)}.")
    goods = sum(total.amount for total in totals)
    return Money(Decimal("0.00") if goods >= FREE_FROM else PARCEL, totals[0].currency)


class Checkout(Aggregate):
    """open → accepted | abandoned. Only the last quote can be accepted, while it holds, and becomes one order."""

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def start(cls, customer_id: UUID | None, id: UUID | None = None) -> Self:
        return cls.with_id(id or uuid7(), customer_id)

    def set_item(self, sku: str, quantity: int) -> None:
        """So many of it; 0: none."""
        self._must_be_open()
        if self.items.get(sku, 0) == quantity:
            return
        if sku not in self.items and len(self.items) >= MOST_LINES:
            raise TooMuch(f"A basket has room for {MOST_LINES:,} products.")
        self._item_set(sku, quantity)

    def override_address(self, address: Address) -> None:
        """For this order alone."""
        self._must_be_open()
        if address != self.address:
            self._address_overridden(address, self.customer_id)

    def choose_payment(self, payment: Payment) -> None:
        self._must_be_open()
        if payment != self.payment:
            self._payment_chosen(payment)

    def show(
        self,
        lines: Iterable[Line],
        ship_to: Address | None,
        seen_at: datetime | None,
        now: datetime,
        rates: Rates | None = None,
    ) -> None:
        """A new quote. ``seen_at``: when the address was last heard of, if it is not one for this order alone."""
        self._must_be_open()
        lines = tuple(lines)
        shipping = shipping_for(lines)
        sums = add_up([line.total for line in lines], shipping, rates)
        quote = Quote(*(self.quotes + 1, lines, shipping, sums.total, now + HOLDS_FOR), sums.tax, sums.discount, rates)
        self._quote_shown(quote, ship_to, seen_at, self.customer_id)

    def still_says(self, lines: Iterable[Line], ship_to: Address | None, now: datetime) -> bool:
        """Whether the last quote holds, and has those lines and that address."""
        quote = self.quote
        return quote is not None and now < quote.expires and (quote.lines, self.ship_to) == (tuple(lines), ship_to)

    def accept(self, number: int, now: datetime) -> bool:
        """Whether it is accepted only now. NoQuote, QuoteReplaced, QuoteExpired."""
        if self.status == "accepted" and number == self.accepted:
            return False
        self._must_be_open()
        if self.quote is None:
            raise NoQuote("Nothing was quoted since the checkout was changed last. Ask for a quote, and accept that.")
        if number != self.quote.number:
            raise QuoteReplaced(
                f"Quote {number} is not the last one: that is {self.quote.number}.", last=self.quote.number
            )
        if self.quote.expires <= now:
            raise QuoteExpired(f"Quote {number} held until {self.quote.expires:%H:%M} UTC. Ask for a new one.")
        self._accepted(order_of(self.id), number)
        return True

    def abandon(self, reason: str) -> None:
        if self.status != "abandoned":
            self._must_be_open()
            self._abandoned(reason)

    # Events apply, and never refuse: they already happened.

    @event("Started")
    def __init__(self, customer_id: UUID | None) -> None:
        self.customer_id = customer_id
        self.items: dict[str, int] = {}  # by SKU
        self.address: Address | None = None
        self.payment: Payment | None = None
        self.quote: Quote | None = None  # None: it was changed since
        self.quotes = 0
        self.ship_to: Address | None = None  # as it was quoted
        self.address_seen_at: datetime | None = None
        self.accepted: int | None = None  # the number of the quote
        self.order_id: UUID | None = None
        self.status = "open"
        self.reason = ""

    @event("ItemSet")
    def _item_set(self, sku: str, quantity: int) -> None:
        self.items = {**self.items, sku: quantity}
        if not quantity:
            del self.items[sku]
        self.quote = None

    @event("AddressOverridden")
    def _address_overridden(
        self, address: Annotated[Address, PersonalOf("customer_id")], customer_id: UUID | None
    ) -> None:
        self.address = address
        self.quote = None

    @event("PaymentChosen")
    def _payment_chosen(self, payment: Payment) -> None:
        self.payment = payment
        self.quote = None

    @event("QuoteShown")
    def _quote_shown(
        self,
        quote: Quote,
        ship_to: Annotated[Address | None, PersonalOf("customer_id")],
        address_seen_at: datetime | None,
        customer_id: UUID | None,
    ) -> None:
        self.quote = quote
        self.quotes = quote.number
        self.ship_to = ship_to
        self.address_seen_at = address_seen_at

    @event("Accepted")
    def _accepted(self, order_id: UUID, quote: int) -> None:
        self.status = "accepted"
        self.order_id = order_id
        self.accepted = quote

    @event("Abandoned")
    def _abandoned(self, reason: str) -> None:
        self.status = "abandoned"
        self.reason = reason

    def _must_be_open(self) -> None:
        if self.status != "open":
            raise WrongStatus(f"An {self.status} checkout cannot be changed: it must be open.")
