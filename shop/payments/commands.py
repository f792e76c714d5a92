"""What can be asked of a payment. One function, one command, one transaction.

None of them talks to the gateway: what it is to do is recorded here, and done by ``work``.
"""

from uuid import UUID

from eventsourcing.application import AggregateNotFoundError

from shop.application import Receipt, command, shop
from shop.payments.domain import Outcome, Payment, PaymentExists, payment_of
from shop.values import Money


@command
def request_payment(order_id: UUID, customer_id: UUID | None, amount: Money, token: str, last_four: str) -> Receipt:
    """Have it authorised. The same again does nothing. PaymentExists: there is one of other facts for that order."""
    asked = Payment.request(order_id, customer_id, amount, token, last_four)
    try:
        found = shop.load(Payment, payment_of(order_id))
    except AggregateNotFoundError:
        return shop.record(asked)
    if (found.customer_id, found.amount, found.token) != (customer_id, amount, token):
        raise PaymentExists(f"There is a payment for that order already: {found.amount} by card …{found.last_four}.")
    return shop.record(found)


@command
def capture(payment_id: UUID, *, amount: Money | None = None) -> Receipt:
    """Take what was authorised, or ``amount`` of it. MoreThanAuthorised, WrongStatus."""
    payment = shop.load(Payment, payment_id)
    payment.capture(amount)
    return shop.record(payment)


@command
def void(payment_id: UUID) -> Receipt:
    """Let go of what was authorised, or will have been. WrongStatus: it is captured."""
    payment = shop.load(Payment, payment_id)
    payment.void()
    return shop.record(payment)


@command
def refund_payment(payment_id: UUID, amount: Money, reason: str) -> Receipt:
    """Each time it is asked it is another refund: ask under a command id. MoreThanCaptured, WrongStatus."""
    payment = shop.load(Payment, payment_id)
    payment.refund(amount, reason)
    return shop.record(payment)


@command
def record_outcome(payment_id: UUID, operation: str, outcome: Outcome) -> Receipt:
    """What the gateway says became of an operation (``Operation.name``). What is known already changes nothing."""
    payment = shop.load(Payment, payment_id)
    payment.take(operation, outcome)
    return shop.record(payment)


def capture_payment(order_id: UUID, amount: Money | None = None) -> Receipt:
    """``capture``, by the order."""
    return capture(payment_of(order_id), amount=amount)


def void_payment(order_id: UUID) -> Receipt:
    """``void``, by the order."""
    return void(payment_of(order_id))
