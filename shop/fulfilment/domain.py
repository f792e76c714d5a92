"""PlaceOrder: what must be done before an order is confirmed, and how it is undone."""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid5

from eventsourcing.domain import event

from eventstore.domain import Aggregate
from shop.inventory.domain import Wanted
from shop.values import Money

STEPS = ("credit", "stock", "payment", "confirm")  # in this order; undone in reverse


def process_of(order_id: UUID) -> UUID:
    """The id of the process that places that order."""
    return uuid5(order_id, "place-order")


class PlaceOrder(Aggregate):
    """running → confirmed | undoing → rejected. The steps: (credit) → stock → (payment: asked → authorised) → confirm.

    What refuses, or takes too long, leads to undoing. In brackets is what not every order needs.
    """

    id: UUID
    order_id: UUID
    customer_id: UUID | None
    total: Money
    payment: str
    items: tuple[Wanted, ...]
    done: tuple[str, ...]
    waits_for: str
    due: datetime | None
    code: str
    reason: str
    status: str

    # Commands decide. Each is asked once, or again by a policy that was interrupted: then it changes nothing.

    @classmethod
    def start(
        cls, order_id: UUID, customer_id: UUID | None, total: Money, payment: str, items: tuple[Wanted, ...]
    ) -> Self:
        """``payment``: card, account or none."""
        return cls.with_id(process_of(order_id), order_id, customer_id, total, payment, items)

    @property
    def next_step(self) -> str:
        """What is to be done now; empty: it waits, or is over."""
        if self.status != "running" or self.waits_for:
            return ""
        costs = self.total.amount > 0
        needed = {"credit": costs and self.payment == "account", "payment": costs and self.payment == "card"}
        return next(step for step in STEPS if step not in self.done and needed.get(step, True))

    def reserved_credit(self) -> None:
        if self.next_step == "credit":
            self._credit_reserved()

    def reserved_stock(self) -> None:
        if self.next_step == "stock":
            self._stock_reserved()

    def ask_for_payment(self, payment_id: UUID, due: datetime) -> None:
        if self.next_step == "payment":
            self._payment_requested(payment_id, due)

    def payment_authorised(self) -> None:
        if self.status == "running" and self.waits_for == "payment":
            self._payment_authorised()

    def confirm(self) -> None:
        if self.next_step == "confirm":
            self._confirmed()

    def refuse(self, code: str, reason: str) -> None:
        """The step that is due, or is waited for, says no: all before it is to be undone."""
        if self.status == "running":
            REFUSED[self.waits_for or self.next_step](self, code, reason)
            self._undoing(reason)

    def time_out(self, now: datetime) -> None:
        if self.status == "running" and self.due and self.due <= now:
            self._timed_out(self.waits_for)
            self._undoing(self.reason)

    def undone(self) -> None:
        if self.status == "undoing":
            self._rejected()

    def reduce(self, total: Money, items: tuple[Wanted, ...]) -> None:
        """Fewer are to be sent, for less: the order was edited."""
        if self.status == "confirmed" and (total, items) != (self.total, self.items):
            self._reduced(total, items)

    # Events apply, and never refuse: they already happened.

    @event("Started")
    def __init__(
        self,
        order_id: UUID,
        customer_id: UUID | None,
        total: Money,
        payment: str,
        items: tuple[Wanted, ...],
    ) -> None:
        self.order_id = order_id
        self.customer_id = customer_id
        self.total = total
        self.payment = payment
        self.items = items
        self.done: tuple[str, ...] = ()
        self.waits_for = ""
        self.due: datetime | None = None
        self.code = ""
        self.reason = ""
        self.status = "running"

    @event("CreditReserved")
    def _credit_reserved(self) -> None:
        self.done += ("credit",)

    @event("StockReserved")
    def _stock_reserved(self) -> None:
        self.done += ("stock",)

    @event("PaymentRequested")
    def _payment_requested(self, payment_id: UUID, due: datetime) -> None:
        self.waits_for = "payment"
        self.due = due

    @event("PaymentAuthorised")
    def _payment_authorised(self) -> None:
        self.done += ("payment",)
        self.waits_for = ""
        self.due = None

    @event("CreditRefused")
    def _credit_refused(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason

    @event("StockRefused")
    def _stock_refused(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason

    @event("PaymentDeclined")
    def _payment_declined(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason

    @event("ConfirmRefused")
    def _confirm_refused(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason

    @event("TimedOut")
    def _timed_out(self, step: str) -> None:
        self.code = "timed_out"
        self.reason = f"The {step} took too long."

    @event("Undoing")
    def _undoing(self, reason: str) -> None:
        self.status = "undoing"
        self.waits_for = ""
        self.due = None

    @event("Confirmed")
    def _confirmed(self) -> None:
        self.done += ("confirm",)
        self.status = "confirmed"

    @event("Reduced")
    def _reduced(self, total: Money, items: tuple[Wanted, ...]) -> None:
        self.total, self.items = total, items

    @event("Rejected")
    def _rejected(self) -> None:
        self.status = "rejected"


REFUSED = {
    "credit": PlaceOrder._credit_refused,
    "stock": PlaceOrder._stock_refused,
    "payment": PlaceOrder._payment_declined,
    "confirm": PlaceOrder._confirm_refused,
}
