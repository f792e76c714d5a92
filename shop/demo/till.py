"""The demo's gateway: the fake one's ledger, asked in this process, so that nothing has to wait for an answer."""

from pathlib import Path
from uuid import UUID

from eventstore.commands import Receipt
from shop.application import shop
from shop.payments.commands import record_outcome
from shop.payments.domain import Operation, Outcome, Payment
from shop.payments.fake.ledger import Ledger
from shop.values import id_of


class Till:
    """With the file that the fake gateway keeps, what was paid in the past can be refunded by it later.

    Without one, it says yes to all that is not to be refused, and nobody knows of it afterwards.
    """

    def __init__(self, ledger: Path | None = None) -> None:
        self._ledger = Ledger(ledger, quick=True) if ledger else None

    def answer(self, payment_id: UUID, refusal: str = "") -> Receipt:
        """Do what that payment asks for next. Under one key, once: asked again, it answers the same."""
        payment = shop.load(Payment, payment_id)
        operation = payment.next
        if operation is None:
            raise LookupError(f"Expected that the gateway is asked for something by {payment_id}, found nothing.")
        return record_outcome(payment_id, operation.name, self._outcome(payment, operation, refusal))

    def _outcome(self, payment: Payment, operation: Operation, refusal: str) -> Outcome:
        key = f"{payment.id}:{operation.name}"
        if self._ledger is None:
            return Outcome("declined", reason=refusal) if refusal else Outcome("ok", reference=str(id_of("paid", key)))
        amount = operation.amount
        cents = int(amount.amount * 100)
        of = reference(payment, operation)
        done = self._ledger.do(key, operation.kind, of, cents, amount.currency, refusal)
        return Outcome("declined" if done["reason"] else "ok", reference=done["reference"], reason=done["reason"])


def reference(payment: Payment, operation: Operation) -> str:
    """Of what the gateway is to work on: a refund, of the capture; else, of the authorisation."""
    match operation.kind:
        case "authorise":
            return payment.token
        case "refund":
            return payment.capture_reference
    return payment.authorisation


def no_answer(payment_id: UUID) -> Receipt:
    return record_outcome(payment_id, "authorise", Outcome("unknown", reason="No answer: ReadTimeoutError"))
