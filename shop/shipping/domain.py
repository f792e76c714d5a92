"""Shipment: the parcel of one order, and where it goes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID, uuid5

from eventsourcing.domain import event

from eventstore.domain import Aggregate, value
from eventstore.sealing import ERASED, PersonalOf
from shop.errors import Refused, WrongStatus
from shop.values import Address


class AddressQuestionOpen(Refused):
    code = "address_question_open"


class NoAddressQuestion(Refused):
    code = "no_address_question"


class NoAddress(Refused):
    code = "no_address"


class CustomerErased(Refused):
    code = "customer_erased"


class EmptyShipment(Refused):
    code = "empty_shipment"


class BadQuantity(Refused):
    code = "bad_quantity"


DECISIONS = ("keep", "use_present")
ASK = "ask"  # no decision yet: it is the customer's
WITHDRAWN = "withdrawn"  # nobody's decision: the customer has moved back
ORDERED = "ordered"  # the customer's own: this order alone goes elsewhere, and nobody asks again


@value
class Packed:
    """So many pieces of a product in a parcel, under the name that it was bought under."""

    sku: str
    name: str
    quantity: int


def shipment_of(order_id: UUID) -> UUID:
    """The id of that order's shipment."""
    return uuid5(order_id, "shipment")


class Shipment(Aggregate):
    """planned → packed → dispatched → delivered | lost; planned | packed → cancelled.

    It is not dispatched while it is open whether it goes where it was ordered to, or where its customer lives now.
    """

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def plan(
        cls,
        order_id: UUID,
        customer_id: UUID | None,
        lines: Iterable[Packed],
        ship_to: Address | None,
        overridden: bool = False,
    ) -> Self:
        """``overridden``: the customer said for this order alone where it goes; nobody asks again."""
        lines = tuple(lines)
        if not lines:
            raise EmptyShipment("A shipment needs at least one line.")
        for line in lines:
            if line.quantity < 1:
                raise BadQuantity(f"{line.sku} is to be packed {line.quantity} times: it must be at least once.")
        return cls.with_id(shipment_of(order_id), order_id, customer_id, lines, ship_to, overridden)

    def differs(self, present: Address | None) -> bool:
        """Whether it must be asked: the customer's ``present`` address is another, and nobody has decided about it."""
        return not self.overridden and present not in (None, self.ship_to, self.settled)

    def compare(self, present: Address | None, since: datetime) -> None:
        """Raise the question, if there is one; or withdraw it, if the customer has moved back."""
        if self.status not in ("planned", "packed"):
            return
        if self.differs(present) and present is not None:
            if present != self.question:
                self._address_questioned(self.customer_id, present, since)
        elif self.question:
            self._address_answered(self.customer_id, WITHDRAWN, self.ship_to)

    def answer_address(self, decision: str, present: Address | None, now: datetime) -> None:
        """The question as it was raised; one that nobody has raised yet is about the ``present`` address.

        ``ask`` hands it on to the customer, once; it stays open until somebody has decided.
        """
        self._must_be("planned", "packed", to="be sent elsewhere")
        if decision not in (*DECISIONS, ASK):
            raise ValueError(f"Expected {', '.join(DECISIONS)} or {ASK}, found {decision!r}.")
        if not self.question:
            self.compare(present, now)
        if not self.question:
            raise NoAddressQuestion("It goes where its customer lives: there is nothing to decide.")
        if decision == ASK:
            if not self.customer_asked:
                self._customer_asked(self.customer_id, self.ship_to, self.question)
            return
        self._address_answered(self.customer_id, decision, self.ship_to if decision == "keep" else self.question)

    def send_to(self, address: Address) -> None:
        """Its customer wants this order alone to go there."""
        if address != self.ship_to or not self.overridden:
            self._must_be("planned", "packed", to="be sent elsewhere")
            self._address_answered(self.customer_id, ORDERED, address)

    def change_lines(self, lines: Iterable[Packed]) -> None:
        """Less is to be sent; what was packed is packed anew. Never more than was planned. BadQuantity, WrongStatus."""
        lines = tuple(lines)
        if lines == self.lines:
            return
        self._must_be("planned", "packed", to="be changed")
        planned, wanted = _added_up(self.lines), _added_up(lines)
        for sku, quantity in wanted.items():
            if quantity > planned.get(sku, 0) or any(line.quantity < 1 for line in lines):
                raise BadQuantity(f"{sku}: {quantity} cannot be sent of {planned.get(sku, 0)} ordered.")
        self._lines_changed(lines)

    def pack(self) -> None:
        self._must_be("planned", to="be packed")
        self._packed()

    def dispatch(self, carrier: str, tracking: str, present: Address | None) -> None:
        """``present`` is the customer's default address, as the log has it now."""
        self._must_be("packed", to="be dispatched")
        if self.differs(present):
            then = "They were asked where" if self.customer_asked else "Decide first where"
            raise AddressQuestionOpen(f"The customer has another address now. {then} the parcel goes.")
        if self.ship_to is None:
            raise NoAddress("It is not known where the parcel goes: neither order nor customer has an address.")
        if self.ship_to.street == ERASED:
            raise CustomerErased("The customer was erased: it is not known any more where the parcel goes.")
        self._dispatched(carrier, tracking)

    def deliver(self) -> None:
        self._must_be("dispatched", to="be delivered")
        self._delivered()

    def lose(self, reason: str) -> None:
        self._must_be("dispatched", to="be lost")
        self._lost(reason)

    def cancel(self, reason: str) -> None:
        """Nothing, if that was done before."""
        if self.status != "cancelled":
            self._must_be("planned", "packed", to="be cancelled")
            self._cancelled(reason)

    # Events apply, and never refuse: they already happened.

    @event("Planned")
    def __init__(
        self,
        order_id: UUID,
        customer_id: UUID | None,
        lines: tuple[Packed, ...],
        ship_to: Annotated[Address | None, PersonalOf("customer_id")],
        overridden: bool,
    ) -> None:
        self.order_id = order_id
        self.customer_id = customer_id
        self.lines = lines
        self.ship_to = ship_to
        self.overridden = overridden
        self.status = "planned"
        self.question: Address | None = None  # the address that it is asked about
        self.settled: Address | None = None  # the last one that was decided about
        self.asked_since: datetime | None = None
        self.customer_asked = False
        self.decision = ""
        self.carrier = ""
        self.tracking = ""
        self.reason = ""

    @event("AddressQuestioned")
    def _address_questioned(
        self, customer_id: UUID | None, present: Annotated[Address, PersonalOf("customer_id")], since: datetime
    ) -> None:
        self.question = present
        self.asked_since = since
        self.customer_asked = False
        self.decision = ""

    @event("CustomerAsked")
    def _customer_asked(
        self,
        customer_id: UUID | None,
        ship_to: Annotated[Address | None, PersonalOf("customer_id")],
        present: Annotated[Address, PersonalOf("customer_id")],
    ) -> None:
        self.customer_asked = True

    @event("AddressAnswered")
    def _address_answered(
        self,
        customer_id: UUID | None,
        decision: str,
        address: Annotated[Address | None, PersonalOf("customer_id")],
    ) -> None:
        if decision != WITHDRAWN:
            self.settled = self.question
        self.overridden = self.overridden or decision == ORDERED
        self.question = None
        self.customer_asked = False
        self.ship_to = address
        self.decision = decision

    @event("LinesChanged")
    def _lines_changed(self, lines: tuple[Packed, ...]) -> None:
        self.lines = lines
        self.status = "planned"

    @event("Packed")
    def _packed(self) -> None:
        self.status = "packed"

    @event("Dispatched")
    def _dispatched(self, carrier: str, tracking: str) -> None:
        self.status = "dispatched"
        self.question = None
        self.carrier = carrier
        self.tracking = tracking

    @event("Delivered")
    def _delivered(self) -> None:
        self.status = "delivered"

    @event("Lost")
    def _lost(self, reason: str) -> None:
        self.status = "lost"
        self.reason = reason

    @event("Cancelled")
    def _cancelled(self, reason: str) -> None:
        self.status = "cancelled"
        self.question = None
        self.reason = reason

    def _must_be(self, *statuses: str, to: str) -> None:
        if self.status not in statuses:
            raise WrongStatus(f"A {self.status} shipment cannot {to}: it must be {' or '.join(statuses)}.")


def _added_up(lines: Iterable[Packed]) -> dict[str, int]:
    """How many of each SKU."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.sku] = found.get(line.sku, 0) + line.quantity
    return found
