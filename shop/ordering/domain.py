"""Order: what a customer asked for, from placed to completed."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate, uuid7, value
from eventstore.sealing import PersonalOf
from shop.errors import WrongStatus
from shop.ordering.refusals import BadQuantity, EmptyOrder, MoreThanOrdered, NoAccount, UnknownLine
from shop.ordering.totals import Rates, add_up
from shop.values import Address, Money


@value
class Line:
    """A product in an order, frozen as it was bought: its name and the price of one unit too."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Money
    price_revision: int
    total: Money  # to the cent

    @classmethod
    def of(cls, product_id: UUID, sku: str, name: str, quantity: int, unit_price: Money, price_revision: int) -> Self:
        return cls(product_id, sku, name, quantity, unit_price, price_revision, unit_price.times(quantity))

    def left(self, quantity: int) -> Self:
        """The same, for so many pieces."""
        return type(self).of(self.product_id, self.sku, self.name, quantity, self.unit_price, self.price_revision)


@value
class Payment:
    """How an order is paid: by card (a token stands for it), on the customer's account, or not through the shop."""

    kind: str  # "card", "account" or "none"
    token: str = ""
    last_four: str = ""


class Order(Aggregate):
    """placed → confirmed → shipped → delivered → completed; placed → rejected; placed or confirmed → cancelled.

    Its total is lines − discount + shipping + tax, to the cent. Its lines are frozen as they were bought.
    """

    id: UUID

    @property
    def bought(self) -> tuple[Line, ...]:
        """Its lines before any was cancelled."""
        return self._bought

    # Commands decide, and may refuse.

    @classmethod
    def place(
        cls,
        customer_id: UUID | None,
        customer_name: str,
        lines: Iterable[Line],
        ship_to: Address | None = None,
        reference: str = "",
        id: UUID | None = None,
        payment: Payment | None = None,
        shipping: Money | None = None,
        checkout_id: UUID | None = None,
        rates: Rates | None = None,
    ) -> Self:
        """``rates``: of tax and of discount; None: neither."""
        lines = tuple(lines)
        if payment and payment.kind == "account" and customer_id is None:
            raise NoAccount("A guest has no account to buy on.", pointer="/payment")
        for line in lines:
            if line.quantity < 1:
                raise BadQuantity(f"{line.sku} was asked for {line.quantity} times: it must be at least once.")
        sums = add_up([line.total for line in lines], shipping, rates)
        order_id = id or uuid7()
        return cls.with_id(
            *(order_id, customer_id, customer_name, lines, sums.total, ship_to, reference, payment, shipping),
            *(checkout_id, sums.tax, sums.discount, rates),
        )

    def confirm(self) -> None:
        self._must_be("placed", to="be confirmed")
        self._confirmed()

    def reject(self, code: str, reason: str) -> None:
        self._must_be("placed", to="be rejected")
        self._rejected(code, reason)

    def cancel(self, reason: str) -> None:
        self._must_be("placed", "confirmed", to="be cancelled")
        self._cancelled(reason)

    def change_address(self, ship_to: Address, reason: str) -> None:
        self._must_be("placed", "confirmed", to="be sent elsewhere")
        if ship_to != self.ship_to:
            self._address_changed(ship_to, reason, self.customer_id)

    def edit_lines(self, quantities: Mapping[int, int], reason: str) -> None:
        """So many are left of each line, by its number; of one with none, it stays that it was cancelled.

        Fewer alone: what is reserved, and what the card was authorised for, is enough then, whoever asks. More is
        another order. Only while it is confirmed: before, it is still being reserved; afterwards, it has left.
        UnknownLine, MoreThanOrdered; EmptyOrder: nothing would be left.
        """
        self._must_be("confirmed", to="be edited")
        for number, quantity in quantities.items():
            if not 1 <= number <= len(self.lines):
                raise UnknownLine(
                    f"There is no line {number}: this order has 1 to {len(self.lines)}.", pointer="/lines"
                )
            line = self.lines[number - 1]
            if not 0 <= quantity <= line.quantity:
                detail = f"{line.sku}: {quantity} cannot be left of {line.quantity}. What is more is another order."
                raise MoreThanOrdered(detail, sku=line.sku, wanted=quantity, ordered=line.quantity, pointer="/lines")
        lines = tuple(line.left(quantities.get(n, line.quantity)) for n, line in enumerate(self.lines, 1))
        if lines == self.lines:
            return
        if not any(line.quantity for line in lines):
            raise EmptyOrder("Nothing would be left of this order: cancel it.", pointer="/lines")
        sums = add_up([line.total for line in lines], self.shipping, self.rates)
        self._lines_edited(lines, sums.total, sums.tax, sums.discount, reason)

    def note(self, text: str) -> None:
        self._noted(text, self.customer_id)

    def ship(self, shipment_id: UUID) -> None:
        """It has left."""
        self._must_be("confirmed", to="be shipped")
        self._shipped(shipment_id)

    def deliver(self) -> None:
        self._must_be("shipped", to="be delivered")
        self._delivered()

    def complete(self) -> None:
        self._must_be("delivered", to="be completed")
        self._completed()

    # Events apply, and never refuse: they already happened.

    @event("Placed")
    def __init__(
        self,
        customer_id: UUID | None,
        customer_name: Annotated[str, PersonalOf("customer_id")],
        lines: tuple[Line, ...],
        total: Money,
        ship_to: Annotated[Address | None, PersonalOf("customer_id")],
        reference: str,
        payment: Payment | None = None,
        shipping: Money | None = None,
        checkout_id: UUID | None = None,
        tax: Money | None = None,
        discount: Money | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.customer_id = customer_id
        self.customer_name = customer_name
        self.lines = lines
        self._bought = lines
        self.total = total
        self.ship_to = ship_to
        self.reference = reference
        self.payment = payment
        self.shipping = shipping
        self.checkout_id = checkout_id
        self.tax = tax
        self.discount = discount
        self.rates = rates
        self.shipment_id: UUID | None = None
        self.readdressed = False  # for this order alone
        self.status = "placed"
        self.cancel_reason = ""
        self.edit_reason = ""
        self.notes: tuple[str, ...] = ()

    @event("Confirmed")
    def _confirmed(self) -> None:
        self.status = "confirmed"

    @event("Rejected")
    def _rejected(self, code: str, reason: str) -> None:
        self.status = "rejected"
        self.cancel_reason = reason

    @event("AddressChanged")
    def _address_changed(
        self, ship_to: Annotated[Address, PersonalOf("customer_id")], reason: str, customer_id: UUID | None
    ) -> None:
        self.ship_to = ship_to
        self.readdressed = True

    @event("LinesEdited")
    def _lines_edited(
        self, lines: tuple[Line, ...], total: Money, tax: Money | None, discount: Money | None, reason: str
    ) -> None:
        self.lines = lines
        self.total = total
        self.tax = tax
        self.discount = discount
        self.edit_reason = reason

    @event("Noted")
    def _noted(self, text: Annotated[str, PersonalOf("customer_id")], customer_id: UUID | None = None) -> None:
        self.notes += (text,)

    @event("Shipped")
    def _shipped(self, shipment_id: UUID) -> None:
        self.shipment_id = shipment_id
        self.status = "shipped"

    @event("Delivered")
    def _delivered(self) -> None:
        self.status = "delivered"

    @event("Completed")
    def _completed(self) -> None:
        self.status = "completed"

    @event("Cancelled")
    def _cancelled(self, reason: str) -> None:
        self.status = "cancelled"
        self.cancel_reason = reason

    def _must_be(self, *statuses: str, to: str) -> None:
        if self.status not in statuses:
            article = "An" if self.status[0] in "aeiou" else "A"
            raise WrongStatus(f"{article} {self.status} order cannot {to}: it must be {' or '.join(statuses)}.")
