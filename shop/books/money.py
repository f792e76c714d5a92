"""Money: captured ≤ authorised, refunded ≤ captured, nothing twice; and what the gateway's own ledger says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shop.books.facts import Book, Breach, Fact, amount

ZERO = Decimal(0)


@dataclass
class Paid:
    order_id: str
    asked: Decimal
    currency: str
    status: str = "requested"  # → authorised → captured | voided; → declined
    authorised: Decimal = ZERO
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    voided: bool = False
    void_asked: bool = False
    capture_asked: Decimal | None = None
    refunds: dict[int, tuple[str, Decimal]] = field(default_factory=dict)  # requested | refunded | failed

    @property
    def kept(self) -> Decimal:
        """What will be left of it when all that was asked for is done."""
        going = sum((each for status, each in self.refunds.values() if status == "requested"), ZERO)
        return self.captured - self.refunded - going

    @property
    def held(self) -> bool:
        """Whether money of the customer's is held, or taken, that nobody has begun to give back."""
        if self.status in ("requested", "authorised"):
            return not self.void_asked
        return self.kept > 0


class Payments(Book):
    kind, rule = "Payment", "money"

    def __init__(self) -> None:
        self.paid: dict[str, Paid] = {}
        self.by_order: dict[str, Paid] = {}

    def requested(self, fact: Fact) -> Iterator[str]:
        paid = Paid(fact.data["order_id"], amount(fact.data["amount"]), fact.data["amount"]["currency"])
        if paid.order_id in self.by_order:
            yield f"order {paid.order_id} is paid twice"
        self.paid[fact.stream_id] = self.by_order[paid.order_id] = paid
        yield from self._to_the_cent(paid.asked)

    def authorised(self, fact: Fact) -> Iterator[str]:
        paid = self.paid[fact.stream_id]
        if paid.status != "requested":
            yield f"it was authorised when it was {paid.status}"
        paid.status, paid.authorised = "authorised", paid.asked

    def declined(self, fact: Fact) -> Iterator[str]:
        paid = self.paid[fact.stream_id]
        if paid.status != "requested":
            yield f"it was declined when it was {paid.status}"
        paid.status = "declined"

    def capture_requested(self, fact: Fact) -> Iterator[str]:
        paid = self.paid[fact.stream_id]
        if paid.capture_asked is not None or paid.status != "authorised":
            yield f"it was to be captured when it was {paid.status}, and {paid.capture_asked or 'nothing'} asked for"
        paid.capture_asked = amount(fact.data["amount"])
        yield from self._to_the_cent(paid.capture_asked)

    def captured(self, fact: Fact) -> Iterator[str]:
        paid, taken = self.paid[fact.stream_id], amount(fact.data["amount"])
        if paid.captured:
            yield f"it was captured twice: {paid.captured}, then {taken}"
        if paid.capture_asked != taken:
            yield f"{taken} were captured, and {paid.capture_asked or 'nothing'} asked for"
        paid.status, paid.captured, paid.capture_asked = "captured", paid.captured + taken, None
        yield from self._must_hold(paid)

    def capture_failed(self, fact: Fact) -> Iterator[str]:
        self.paid[fact.stream_id].capture_asked = None
        yield from ()

    def void_requested(self, fact: Fact) -> Iterator[str]:
        self.paid[fact.stream_id].void_asked = True
        yield from ()

    def voided(self, fact: Fact) -> Iterator[str]:
        paid = self.paid[fact.stream_id]
        if paid.status != "authorised" or not paid.void_asked:
            yield f"it was voided when it was {paid.status}"
        paid.status, paid.voided = "voided", True

    def refund_requested(self, fact: Fact) -> Iterator[str]:
        paid, number = self.paid[fact.stream_id], fact.data["number"]
        if number in paid.refunds:
            yield f"there are two refunds {number}"
        paid.refunds[number] = "requested", amount(fact.data["amount"])
        yield from self._to_the_cent(paid.refunds[number][1])
        if paid.kept < 0:
            yield f"{-paid.kept} more are to be refunded than were captured"

    def refunded(self, fact: Fact) -> Iterator[str]:
        paid, number, back = self.paid[fact.stream_id], fact.data["number"], amount(fact.data["amount"])
        if paid.refunds.get(number) != ("requested", back):
            yield f"refund {number} of {back} was {paid.refunds.get(number, 'never asked for')}"
        paid.refunds[number] = "refunded", back
        paid.refunded += back
        yield from self._must_hold(paid)

    def refund_failed(self, fact: Fact) -> Iterator[str]:
        paid, number = self.paid[fact.stream_id], fact.data["number"]
        paid.refunds[number] = "failed", paid.refunds[number][1]
        yield from ()

    def _must_hold(self, paid: Paid) -> Iterator[str]:
        if not ZERO <= paid.refunded <= paid.captured <= paid.authorised:
            yield f"authorised {paid.authorised}, captured {paid.captured}, refunded {paid.refunded}"

    def _to_the_cent(self, some: Decimal) -> Iterator[str]:
        if some <= 0 or some != some.quantize(Decimal("0.01")):
            yield f"{some} is no amount to the cent"


def differences(payments: Payments, ledger: Iterable[Mapping[str, Any]]) -> Iterator[Breach]:
    """Where the shop and the gateway do not say the same of the same payment, to the cent.

    Each entry of the gateway's: its ``key`` (payment, colon, operation), ``operation``, ``outcome``, ``cents``.
    """
    done: dict[str, dict[str, list[Decimal]]] = {}
    for entry in ledger:
        if entry["outcome"] == "ok":
            payment, _, _ = str(entry["key"]).partition(":")
            done.setdefault(payment, {}).setdefault(entry["operation"], []).append(Decimal(entry["cents"]) / 100)
    for payment in sorted(done.keys() - payments.paid.keys()):
        yield Breach("money", None, payment, f"the gateway knows it, and the shop does not: {done[payment]}")
    for payment, paid in payments.paid.items():
        theirs = done.get(payment, {})
        if len(theirs.get("capture", ())) > 1:
            yield Breach("money", None, payment, f"the gateway captured it more than once: {theirs['capture']}")
        ours = {"authorise": paid.authorised, "capture": paid.captured, "refund": paid.refunded}
        ours["void"] = paid.authorised if paid.voided else ZERO
        for operation, our_sum in ours.items():
            their_sum = sum(theirs.get(operation, ()), ZERO)
            if our_sum != their_sum:
                detail = f"{operation}: {our_sum} {paid.currency} by the shop, {their_sum} by the gateway"
                yield Breach("money", None, payment, detail)
