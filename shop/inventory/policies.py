"""What inventory does by itself."""

from contextlib import suppress
from uuid import UUID

from projections.exact import exact
from projections.projection import Policy, on
from shop.inventory.commands import release_stock
from shop.inventory.domain import NotReserved, UnknownStock, Wanted
from shop.inventory.models import OrderCopy


class StockOfCancelledOrders(Policy):
    @on("Order.Cancelled")
    def cancelled(self, stream_id: UUID, reason: str) -> None:
        order = exact(OrderCopy, [stream_id])[stream_id]
        items = [Wanted(sku, quantity) for sku, quantity in order.items.items()]
        with suppress(NotReserved, UnknownStock):  # it was cancelled before anything was reserved for it
            release_stock(stream_id, items=items, reason=reason)
