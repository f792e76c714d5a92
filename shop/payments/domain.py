"""Payment: what one order costs, from asked for to paid back. A gateway moves the money; this says what it was told."""

from decimal import Decimal
from typing import Self
from uuid import UUID, uuid5

from eventsourcing.domain import event

from eventstore.domain import Aggregate, value
from shop.errors import Refused, WrongStatus
from shop.values import CENT, Money

LIMIT = Decimal(10) ** 14  # of an amount: read models have room for 14 digits before the point


class BadAmount(Refused):
    code = "bad_amount"


class MoreThanAuthorised(Refused):
    code = "more_than_authorised"


class MoreThanCaptured(Refused):
    code = "more_than_captured"


class PaymentExists(Refused):
    code = "payment_exists"


class NotPaid(Refused):
    code = "not_paid"


@value
class Outcome:
    """What the gateway answered: ok (its reference), declined (its reason), or unknown (why nobody can say)."""

    kind: str  # ok | declined | unknown
    reference: str = ""
    reason: str = ""


@value
class Operation:
    """Something that the gateway is to do. ``number``: the refund's; of a capture, how often it has been asked for."""

    kind: str  # authorise | capture | void | refund
    number: int
    amount: Money

    @property
    def name(self) -> str:
        """``authorise``, ``capture``, ``capture:2``, ``void``, ``refund:1``: the end of the gateway's key."""
        return self.kind if self.number == 1 and self.kind != "refund" else f"{self.kind}:{self.number}"


@value
class Refund:
    number: int
    amount: Money
    reason: str
    status: str = "requested"  # → refunded | failed
    reference: str = ""  # the gateway's; or why it failed


def payment_of(order_id: UUID) -> UUID:
    """The id of an order's payment: it has one."""
    return uuid5(order_id, "payment")


class Payment(Aggregate):
    """requested → authorised → captured → refunded; requested → declined; authorised → voided.

    Of each operation the intent is recorded first, then its outcome. While one has an unknown outcome, so is the
    payment's status. Always: captured ≤ authorised, refunded ≤ captured.
    """

    id: UUID

    # Commands decide, and may refuse.

    @classmethod
    def request(cls, order_id: UUID, customer_id: UUID | None, amount: Money, token: str, last_four: str) -> Self:
        _must_be_payable(amount)
        return cls.with_id(payment_of(order_id), order_id, customer_id, amount, token, last_four)

    def capture(self, amount: Money | None = None) -> None:
        """All of it, or less, once; the rest is let go of. The same again does nothing."""
        amount = amount or self.amount
        if amount == next((o.amount for o in self.pending if o.kind == "capture"), self.captured):
            return
        if self.settled != "authorised" or self.pending:
            raise WrongStatus(f"This payment is {self._words()}: it cannot be captured, it must be authorised.")
        self._must_be_mine(amount)
        if amount.amount > self.amount.amount:
            raise MoreThanAuthorised(
                f"{amount} is more than was authorised: {self.amount}.", wanted=str(amount), authorised=str(self.amount)
            )
        self._capture_requested(amount)

    def void(self) -> None:
        """Let go of the money: once it is authorised, if that is not known yet. Twice does nothing."""
        if self.is_let_go:
            return
        if self.settled not in ("requested", "authorised") or self._awaits("capture"):
            raise WrongStatus(f"This payment is {self._words()}: it cannot be voided. What is captured is refunded.")
        self._void_requested()

    def refund(self, amount: Money, reason: str) -> None:
        if self.captured is None:
            raise WrongStatus(f"This payment is {self._words()}: it cannot be refunded, it must be captured.")
        self._must_be_mine(amount)
        left = self.captured.amount - sum(r.amount.amount for r in self.refunds if r.status != "failed")
        if amount.amount > left:
            left_over = Money(left, amount.currency)
            raise MoreThanCaptured(
                f"{amount} is more than can be refunded: {left_over}.", wanted=str(amount), available=str(left_over)
            )
        self._refund_requested(len(self.refunds) + 1, amount, reason)

    def take(self, operation: str, outcome: Outcome) -> None:
        """Note what became of an operation. What is not awaited, or not awaited any more, changes nothing."""
        awaited = next((each for each in self.pending if each.name == operation), None)
        if awaited is None or (awaited.kind != "authorise" and self._awaits("authorise")):
            return  # nor was anything asked for yet of what is not authorised
        if outcome.kind == "unknown":
            self._unknown(operation, outcome.reason)
        elif outcome.kind == "ok":
            self._take_ok(awaited, outcome.reference)
        elif awaited.kind == "authorise":
            self._declined(outcome.reason)
        elif awaited.kind == "capture":
            self._capture_failed(outcome.reason)
        elif awaited.kind == "refund":
            self._refund_failed(awaited.number, outcome.reason)
        else:  # nobody's money moves, but a person must look at it
            self._unknown(operation, f"The gateway refused: {outcome.reason}")

    def _take_ok(self, done: Operation, reference: str) -> None:
        match done.kind:
            case "authorise":
                self._authorised(reference)
            case "capture":
                self._captured(done.amount, reference)
            case "void":
                self._voided(reference)
            case "refund":
                self._refunded(done.number, done.amount, reference)

    def _unknown(self, operation: str, detail: str) -> None:
        if operation not in self.unknown:  # once: how often it is asked again is no fact of the payment
            self._outcome_unknown(operation, detail)

    # What it is.

    @property
    def next(self) -> Operation | None:
        """What the gateway is to do now: one thing after the other, in the order in which they were asked for."""
        return self.pending[0] if self.pending else None

    @property
    def status(self) -> str:
        return "unknown" if self.unknown else self.settled

    @property
    def is_let_go(self) -> bool:
        """Whether there is no money any more that could be captured."""
        return self.settled in ("declined", "voided") or self._awaits("void")

    @property
    def refunded(self) -> Decimal:
        return sum((r.amount.amount for r in self.refunds if r.status == "refunded"), Decimal(0))

    # Events apply, and never refuse: they already happened.

    @event("Requested")
    def __init__(self, order_id: UUID, customer_id: UUID | None, amount: Money, token: str, last_four: str) -> None:
        self.order_id = order_id
        self.customer_id = customer_id
        self.amount = amount
        self.token = token
        self.last_four = last_four
        self.settled = "requested"
        self.pending: tuple[Operation, ...] = (Operation("authorise", 1, amount),)
        self.unknown: tuple[str, ...] = ()  # operations
        self.authorisation = ""  # the gateway's reference of it
        self.capture_reference = ""
        self.captured: Money | None = None
        self.captures = 0  # asked for
        self.refunds: tuple[Refund, ...] = ()
        self.reason = ""  # why it was declined, or the last capture failed

    @event("Authorised")
    def _authorised(self, reference: str) -> None:
        self.settled, self.authorisation = "authorised", reference
        self._done("authorise")

    @event("Declined")
    def _declined(self, reason: str) -> None:
        self.settled, self.reason = "declined", reason
        self.pending, self.unknown = (), ()  # nor is there anything to be voided

    @event("OutcomeUnknown")
    def _outcome_unknown(self, operation: str, detail: str) -> None:
        self.unknown += (operation,)

    @event("CaptureRequested")
    def _capture_requested(self, amount: Money) -> None:
        self.captures += 1
        self.pending += (Operation("capture", self.captures, amount),)

    @event("Captured")
    def _captured(self, amount: Money, reference: str) -> None:
        self.settled, self.captured, self.capture_reference, self.reason = "captured", amount, reference, ""
        self._done("capture")

    @event("CaptureFailed")
    def _capture_failed(self, reason: str) -> None:
        self.reason = reason
        self._done("capture")

    @event("VoidRequested")
    def _void_requested(self) -> None:
        self.pending += (Operation("void", 1, self.amount),)

    @event("Voided")
    def _voided(self, reference: str) -> None:
        self.settled = "voided"
        self._done("void")

    @event("RefundRequested")
    def _refund_requested(self, number: int, amount: Money, reason: str) -> None:
        self.refunds += (Refund(number, amount, reason),)
        self.pending += (Operation("refund", number, amount),)

    @event("Refunded")
    def _refunded(self, number: int, amount: Money, reference: str) -> None:
        self._settle(number, "refunded", reference)
        if self.captured and self.refunded == self.captured.amount:
            self.settled = "refunded"

    @event("RefundFailed")
    def _refund_failed(self, number: int, reason: str) -> None:
        self._settle(number, "failed", reason)

    def _settle(self, number: int, status: str, reference: str) -> None:
        self.refunds = tuple(
            Refund(r.number, r.amount, r.reason, status, reference) if r.number == number else r for r in self.refunds
        )
        self._done("refund", number)

    def _done(self, kind: str, number: int | None = None) -> None:
        done = {o.name for o in self.pending if o.kind == kind and number in (None, o.number)}
        self.pending = tuple(o for o in self.pending if o.name not in done)
        self.unknown = tuple(name for name in self.unknown if name not in done)

    def _awaits(self, kind: str) -> bool:
        return any(operation.kind == kind for operation in self.pending)

    def _words(self) -> str:
        """Its status, and what is under way."""
        under_way = " and ".join(f"to be {WORDS[o.kind]}" for o in self.pending if o.kind != "authorise")
        return f"{self.status} ({under_way})" if under_way else self.status

    def _must_be_mine(self, amount: Money) -> None:
        _must_be_payable(amount)
        if amount.currency != self.amount.currency:
            raise BadAmount(f"This payment is in {self.amount.currency}, not in {amount.currency}.", pointer="/amount")


WORDS = {"capture": "captured", "void": "voided", "refund": "refunded"}


def _must_be_payable(amount: Money) -> None:
    if not amount.amount.is_finite() or not 0 < amount.amount < LIMIT or amount.amount != amount.amount.quantize(CENT):
        raise BadAmount(f"Expected an amount above nothing, to the cent, found {amount.amount}.", pointer="/amount")
