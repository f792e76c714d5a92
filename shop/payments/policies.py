"""What payments does by itself."""

from uuid import UUID

from projections.projection import Policy, on
from shop.application import find
from shop.payments.commands import refund_payment, void
from shop.payments.domain import Payment, payment_of
from shop.values import Money


class MoneyOfCancelledOrders(Policy):
    @on("Order.Cancelled")
    def cancelled(self, stream_id: UUID, reason: str) -> None:
        give_back(stream_id, reason)


def give_back(order_id: UUID, reason: str) -> None:
    """Let go of what was authorised, or refund what was captured; nothing, where that was done, or nothing was paid.

    While a capture is under way, nothing either: ask again when it is known.
    """
    payment = find(Payment, payment_of(order_id))
    if payment is None or any(operation.kind == "capture" for operation in payment.pending):
        return
    if payment.captured is None:
        void(payment.id)
        return
    back = sum(refund.amount.amount for refund in payment.refunds if refund.status != "failed")
    if left := payment.captured.amount - back:
        refund_payment(payment.id, amount=Money(left, payment.captured.currency), reason=reason)
