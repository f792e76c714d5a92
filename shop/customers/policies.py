"""What customers does by itself."""

from uuid import UUID

from projections.exact import exact
from projections.projection import Policy, on
from shop.application import find
from shop.customers.commands import release_credit
from shop.customers.domain import CreditAccount, credit_of
from shop.customers.orders import OrderCopy


class CreditOfCancelledOrders(Policy):
    @on("Order.Cancelled")
    def cancelled(self, stream_id: UUID) -> None:
        order = exact(OrderCopy, [stream_id])[stream_id]
        if order.on_account and find(CreditAccount, credit_of(order.customer_id)):
            release_credit(order.customer_id, order_id=stream_id)
