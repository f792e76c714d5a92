"""StockItem: how many of a SKU there are, and which orders have a claim on them."""

from typing import NamedTuple, Self
from uuid import UUID

from eventsourcing.domain import event

from eventstore.domain import Aggregate, value
from shop.errors import Refused
from shop.values import id_of


class InsufficientStock(Refused):
    code = "insufficient_stock"


class UnknownStock(Refused):
    code = "unknown_stock"


class NotReserved(Refused):
    code = "not_reserved"


class ReservedBefore(Refused):
    code = "reserved_before"


class NotShipped(Refused):
    code = "not_shipped"


class BadQuantity(Refused):
    code = "bad_quantity"


MOST = 1_000_000_000  # pieces of one SKU on hand, or back-ordered


@value
class Wanted:
    """So many pieces of a SKU."""

    sku: str
    quantity: int


class Booking(NamedTuple):
    """What one order has, or had: reserved → released | shipped. It is never forgotten: nothing is done twice."""

    quantity: int
    status: str
    taken_back: int = 0


def stock_of(sku: str) -> UUID:
    """The id of the one StockItem of that SKU."""
    return id_of("stock", sku)


class StockItem(Aggregate):
    """On hand ≥ 0, and reserved ≤ on hand unless back-orders are allowed; each order reserves once.

    All that was received, and every difference counted, is on hand, or was shipped and not taken back.
    """

    id: UUID
    sku: str
    on_hand: int
    reserved: int
    back_orders: bool
    low_at: int
    _bookings: dict[UUID, Booking]  # by order; thousands, of what sells well: changed in place, and shown to nobody

    # Commands decide, and may refuse.

    @classmethod
    def open(cls, sku: str) -> Self:
        return cls.with_id(stock_of(sku), sku)

    @property
    def available(self) -> int:
        """What the next order may have."""
        return max(0, self.on_hand - self.reserved)

    @property
    def is_low(self) -> bool:
        return self.available <= self.low_at

    def booking(self, order_id: UUID) -> Booking | None:
        return self._bookings.get(order_id)

    def receive(self, quantity: int, reference: str = "") -> None:
        self._must_be_some(quantity)
        if self.on_hand + quantity > MOST:
            raise BadQuantity(f"{self.sku}: at most {MOST:,} can be on hand, not {self.on_hand + quantity:,}.")
        self._received(quantity, reference)

    def count(self, counted: int, reason: str) -> None:
        """InsufficientStock: more are reserved, and back-orders are not allowed."""
        if not 0 <= counted <= MOST:
            raise BadQuantity(f"{self.sku}: {counted:,} cannot be on hand; it is 0 to {MOST:,}.")
        if counted < self.reserved and not self.back_orders:
            why = f"{self.reserved:,} are reserved, and {counted:,} were counted: release some, or allow back-orders."
            raise self._insufficient(self.reserved, counted, why)
        self._counted(counted, counted - self.on_hand, reason)

    def reserve(self, order_id: UUID, quantity: int) -> None:
        """Nothing, if that order has reserved as many. ReservedBefore: it has reserved others, or released them."""
        self._must_be_some(quantity)
        if before := self.booking(order_id):
            if before.quantity == quantity and before.status != "released":
                return
            raise ReservedBefore(
                f"{self.sku}: this order has reserved before ({before.quantity}, {before.status}), and can only once.",
                sku=self.sku,
                wanted=quantity,
                before=before.quantity,
            )
        most = MOST - self.reserved if self.back_orders else self.available
        if quantity > most:
            raise self._insufficient(quantity, most, f"{quantity:,} are wanted, and {most:,} are left.")
        self._reserved(order_id, quantity)

    def release(self, order_id: UUID, quantity: int, reason: str) -> None:
        """Nothing, if that was done before."""
        if self._is_to_be("released", order_id, quantity):
            self._released(order_id, quantity, reason)

    def reduce(self, order_id: UUID, left: int, reason: str) -> None:
        """The order wants ``left`` of what it has reserved; 0: none. Nothing, if it has no more. NotReserved."""
        booking = self.booking(order_id)
        if left == 0:
            self.release(order_id, booking.quantity if booking else 1, reason)
        elif not booking or booking.status != "reserved" or booking.quantity < left:
            found = f"{booking.quantity} {booking.status}" if booking else "none"
            detail = f"{self.sku}: {left} cannot be left, since this order has {found}."
            raise NotReserved(detail, sku=self.sku, wanted=left, reserved=booking.quantity if booking else 0)
        elif booking.quantity > left:
            self._reduced(order_id, booking.quantity - left, left, reason)

    def ship(self, order_id: UUID, quantity: int) -> None:
        """Nothing, if that was done before."""
        if self._is_to_be("shipped", order_id, quantity):
            self.must_have(quantity)
            self._shipped(order_id, quantity)

    def must_have(self, quantity: int) -> None:
        if quantity > self.on_hand:
            why = f"{quantity:,} are to be shipped, and {self.on_hand:,} are on hand."
            raise self._insufficient(quantity, self.on_hand, why)

    def take_back(self, order_id: UUID, quantity: int, reason: str) -> None:
        self._must_be_some(quantity)
        booking = self.booking(order_id)
        away = booking.quantity - booking.taken_back if booking and booking.status == "shipped" else 0
        if quantity > away:
            detail = f"{self.sku}: {quantity} cannot come back, since this order has {away}."
            raise NotShipped(detail, sku=self.sku, wanted=quantity, shipped=away)
        self._taken_back(order_id, quantity, reason)

    def set_policy(self, back_orders: bool, low_at: int) -> None:
        if not 0 <= low_at <= MOST:
            raise BadQuantity(f"{self.sku}: stock cannot be low at {low_at:,}; it is 0 to {MOST:,}.")
        if not back_orders and self.reserved > self.on_hand:
            why = f"{self.reserved:,} are reserved, and {self.on_hand:,} are on hand: some stand on back-order."
            raise self._insufficient(self.reserved, self.on_hand, why)
        if (back_orders, low_at) != (self.back_orders, self.low_at):
            self._policy_set(back_orders, low_at)

    # Events apply, and never refuse: they already happened. In whatever order: of some it is learned late.

    @event("Opened")
    def __init__(self, sku: str) -> None:
        self.sku = sku
        self.on_hand = 0
        self.reserved = 0
        self.back_orders = False
        self.low_at = 0
        self._bookings = {}

    @event("Received")
    def _received(self, quantity: int, reference: str) -> None:
        self.on_hand += quantity

    @event("Counted")
    def _counted(self, counted: int, difference: int, reason: str) -> None:
        self.on_hand += difference

    @event("Reserved")
    def _reserved(self, order_id: UUID, quantity: int) -> None:
        self.reserved += quantity
        self._bookings[order_id] = Booking(quantity, "reserved")

    @event("Released")
    def _released(self, order_id: UUID, quantity: int, reason: str) -> None:
        self.reserved -= quantity
        self._bookings[order_id] = Booking(quantity, "released")

    @event("Reduced")
    def _reduced(self, order_id: UUID, quantity: int, left: int, reason: str) -> None:
        self.reserved -= quantity
        self._bookings[order_id] = Booking(left, "reserved")

    @event("Shipped")
    def _shipped(self, order_id: UUID, quantity: int) -> None:
        self.reserved -= quantity
        self.on_hand -= quantity
        self._bookings[order_id] = Booking(quantity, "shipped")

    @event("TakenBack")
    def _taken_back(self, order_id: UUID, quantity: int, reason: str) -> None:
        self.on_hand += quantity
        before = self.booking(order_id) or Booking(quantity, "shipped")
        self._bookings[order_id] = before._replace(taken_back=before.taken_back + quantity)

    @event("PolicySet")
    def _policy_set(self, back_orders: bool, low_at: int) -> None:
        self.back_orders = back_orders
        self.low_at = low_at

    def _must_be_some(self, quantity: int) -> None:
        if not 1 <= quantity <= MOST:
            raise BadQuantity(f"{self.sku}: {quantity:,} is no quantity; it is 1 to {MOST:,}.", sku=self.sku)

    def _is_to_be(self, status: str, order_id: UUID, quantity: int) -> bool:
        """Whether the order's reservation is, of that quantity; not, if that was done before. NotReserved."""
        self._must_be_some(quantity)
        booking = self.booking(order_id)
        if booking and (booking.quantity, booking.status) == (quantity, status):
            return False
        if not booking or (booking.quantity, booking.status) != (quantity, "reserved"):
            found = f"{booking.quantity} {booking.status}" if booking else "none"
            raise NotReserved(
                f"{self.sku}: {quantity} cannot be {status}, since this order has {found}.",
                sku=self.sku,
                wanted=quantity,
                reserved=booking.quantity if booking and booking.status == "reserved" else 0,
            )
        return True

    def _insufficient(self, wanted: int, available: int, why: str) -> InsufficientStock:
        return InsufficientStock(f"{self.sku}: {why}", sku=self.sku, wanted=wanted, available=available)
